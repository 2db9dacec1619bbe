"""`modisp style learn` from files: pairs, the camera's own JPEGs, past edits; pairs that do not fit are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from modisp.image import State
from modisp.io import open_image, save_image
from modisp.io.dng_write import write_dng
from modisp.learn.pairs import File, Pair
from modisp.learn.read import read_edit, read_pair
from modisp.pipeline import develop
from modisp.recipe import Recipe
from modisp.resample import resize
from modisp.run import Run
from modisp.sidecar import Sidecar
from modisp.simulate.scenes import from_rgb, scene
from modisp.simulate.sensor import simulate
from modisp.style import Style
from tests.cli import modisp, well
from tests.scenes import smooth_scene

SIZE = (176, 264)
LOOK = {"tone": {"contrast": 0.4, "blacks": 0.3}, "look": {"saturation": 0.6, "highlight_warmth": 0.5}}


def photograph(folder: Path, number: int) -> Path:
    """A small RAW file with shapes and a slow change of light."""
    leaves = scene("dead-leaves", SIZE, number)
    pixels = leaves.paint(torch.rand(leaves.palette.shape[0], 3, generator=torch.Generator().manual_seed(5)))
    light = torch.exp2(3 * smooth_scene(*SIZE, seed=number, limit=1 / 150)[:1] - 2)
    mosaic, _ = simulate(from_rgb("a", pixels.abs() * light), noise=50, seed=number)
    file = folder / f"P{number}.dng"
    meta = replace(mosaic.meta, name=file.name, date=f"2026-05-01T10:0{number}:00")
    return write_dng(file, replace(mosaic, meta=meta), bits=16)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight RAW files, and finished pictures of them; P2 and P5 are swapped, P7 has none."""
    folder = tmp_path_factory.mktemp("pairs")
    style = Style("Theirs", LOOK)
    for n in range(8):
        raw = photograph(folder, n)
        if n == 7:
            continue
        image = open_image(raw)
        name = {2: "P5", 5: "P2"}.get(n, f"P{n}")
        save_image(develop(image, style.apply(Recipe.default(image))), folder / f"{name}.jpg", policy="none")
    return folder


def test_a_style_is_learned_from_pairs_and_wrong_ones_are_named(home: Path, pairs: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    done = well("style", "learn", "Theirs", "--raw", pairs, "--finished", pairs, "--report", report, "--json")
    head, *rows = done.json()
    left = {r["name"]: r["left_out"] for r in rows if "left_out" in r}
    assert set(left) == {"P2.dng", "P5.dng", "P7.dng"}
    assert (
        all("shows something else" in left[n] for n in ("P2.dng", "P5.dng")) and "no finished picture" in left["P7.dng"]
    )
    assert head["pairs"] == 5 and head["delta_e"] < 4
    text = report.read_text("utf-8")
    assert text == (home / "styles" / "theirs" / "report.html").read_text("utf-8")
    assert text.count("data:image/jpeg;base64,") == 15 and "P7.dng" in text and "ΔE2000" in text
    style = Style.load("theirs")
    assert "tone" in style.values and (home / "styles" / "theirs" / "cover.jpg").is_file()
    again = modisp("style", "learn", "Theirs", "--raw", pairs, "--finished", pairs)
    assert again.code == 1 and "--force" in again.err


def test_the_cameras_own_picture_and_an_edit_are_read(pairs: Path, tmp_path: Path) -> None:
    raw = tmp_path / "P0.dng"
    raw.write_bytes((pairs / "P0.dng").read_bytes())
    assert "no JPEG into it" in read_pair(Pair(File(raw), File(raw)), camera_jpeg=True).reason
    assert read_edit(raw).reason == "nobody has edited it"
    car = Sidecar.load(raw)
    car.recipe = Style("Theirs", LOOK).apply(Recipe.default(open_image(raw))).set("exposure", ev=0.5)
    car.pin(car.recipe, Run(open_image(raw), car.recipe).readings)
    car.save()
    sample = read_edit(raw)
    assert not sample.reason and sample.finished.shape == sample.scene.shape and bool(sample.inside.all())
    # looks are read at a grain that knows nothing of sharpening and noise, and with what was measured for the edit
    coarse = car.recipe.switch("detail", False).switch("restore", False)
    h, w = SIZE
    done, other = (
        resize(develop(raw, coarse, until=State.DISPLAY, readings=r).pixels, (0.0, 0.0, w, h), sample.inside.shape)
        for r in (car.pinned(coarse), None)
    )
    assert (done - sample.finished).abs().max() < 1e-4 < (other - done).abs().max()
    # an exposure by hand belongs to the picture, not to the look
    plain = read_pair(Pair(File(raw), File(pairs / "P0.jpg")))
    assert torch.allclose(plain.scene, sample.scene, atol=1e-3)


def test_pairs_know_how_warm_the_light_was(pairs: Path, tmp_path: Path) -> None:
    day = read_pair(Pair(File(pairs / "P0.dng"), File(pairs / "P0.jpg")))
    raw = tmp_path / "P0.dng"
    raw.write_bytes((pairs / "P0.dng").read_bytes())
    car = Sidecar.load(raw)
    car.recipe = Recipe.default(open_image(raw)).set("white_balance", mode="custom", temperature=2856.0)
    car.save()
    lamp = read_edit(raw)
    assert not day.reason and abs(day.lamp) < 0.15, day.lamp
    assert not lamp.reason and lamp.lamp == pytest.approx(1.0, abs=0.02)


def test_too_few_pairs_are_refused_in_a_sentence(home: Path, pairs: Path, tmp_path: Path) -> None:
    for n in (0, 1):
        (tmp_path / f"P{n}.dng").write_bytes((pairs / f"P{n}.dng").read_bytes())
    done = modisp("style", "learn", "Few", "--raw", tmp_path, "--finished", pairs)
    assert done.code == 1 and "from 4 pairs at least, and 2 can be used" in done.err
    assert not (home / "styles" / "few").exists()
