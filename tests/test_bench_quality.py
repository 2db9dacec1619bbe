"""The tables of quality: protocols make what they say, rivals work, what is written can be read; and training's commands."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli import modisp, well
from PIL import Image as Picture

from modisp import weights
from modisp.bench import demosaic, methods, restore, tables
from modisp.image import State
from modisp.metrics import cpsnr
from modisp.nets import build
from modisp.simulate import optics
from modisp.simulate.leaves import dead_leaves

EDGE = 96


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small pictures."""
    where = tmp_path_factory.mktemp("pictures")
    for seed in (1, 2):
        values = (dead_leaves(EDGE, seed) * 255).round().astype(np.uint8)
        Picture.fromarray(values.transpose(1, 2, 0)).save(where / f"{seed}.png")
    return where


@pytest.fixture(scope="module")
def truth(folder: Path) -> torch.Tensor:
    return next(iter(tables.pictures(folder)))[1]


def test_pictures_are_read_by_name_and_counted(folder: Path, tmp_path: Path) -> None:
    assert [n for n, _ in tables.pictures(folder)] == ["1", "2"] and len(list(tables.pictures(folder, 1))) == 1
    with pytest.raises(ValueError, match="no pictures"):
        next(tables.pictures(tmp_path))
    with pytest.raises(ValueError, match="not a folder"):
        next(tables.pictures(tmp_path / "none"))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="not a picture that can"):
        next(tables.pictures(tmp_path))


def test_scores_of_equal_and_of_shifted_pictures(truth: torch.Tensor) -> None:
    same = tables.score(truth, truth)
    assert same["cpsnr"] == float("inf") and same["ssim"] == pytest.approx(1) and same["delta_e"] == 0
    off = tables.score((truth + 2 / 255).clamp(0, 1), truth)
    assert off["cpsnr"] == pytest.approx(42.1, abs=0.5) and 0.1 < off["delta_e"] < 3


def test_the_published_protocol_keeps_encoded_values_and_the_linear_one_makes_light(truth: torch.Tensor) -> None:
    how = demosaic.protocols("bayer")
    image = how["encoded"].make(truth, 0)
    assert image.state is State.MOSAIC and torch.equal(image.pixels[0, 0::2, 0::2], truth[0, 0::2, 0::2])
    assert torch.equal(image.pixels[0, 1::2, 0::2], truth[1, 1::2, 0::2])
    light = how["linear"].make(truth, 0)
    assert torch.allclose(how["linear"].show(light.pixels.expand(3, -1, -1)), image.pixels, atol=1e-5)


def test_noise_is_as_strong_as_it_is_told(truth: torch.Tensor) -> None:
    for name, protocol in restore.protocols().items():
        image = protocol.make(truth, 0)
        again, other = protocol.make(truth, 0), protocol.make(truth, 1)
        assert torch.equal(image.pixels, again.pixels) and not torch.equal(image.pixels, other.pixels)
        [(a, b)] = image.meta.noise
        spread = float((image.pixels - other.pixels).var()) / 2
        assert spread == pytest.approx(a * float(image.pixels.mean()) + b, rel=0.05)
        assert (a == 0) == name.startswith("noise")


@pytest.mark.parametrize("cfa", ["bayer", "xtrans", "quad"])
def test_every_demosaicer_makes_the_picture_again(cfa: str, truth: torch.Tensor) -> None:
    found = demosaic.demosaicers(cfa)
    image = demosaic.protocols(cfa)["encoded"].make(truth, 0)
    figures = {n: cpsnr(f(image), truth) for n, f in found.items()}
    assert all(v > 20 for v in figures.values()), figures
    if cfa == "bayer":
        assert figures["bilinear"] < min(figures["Malvar"], figures["LibRaw AHD"], figures["LibRaw AAHD"])
        assert len({round(v, 4) for v in figures.values()}) == len(figures)  # each is a method of its own


def test_every_restorer_takes_noise_off(truth: torch.Tensor) -> None:
    for name in ("noise 0.05", f"shot noise {restore.SHOT:g}"):
        image = restore.protocols()[name].make(truth, 0)
        light = truth if name.startswith("noise") else demosaic.decode("srgb", truth)
        clean = demosaic.mosaic(light, demosaic.PATTERNS["bayer"]).pixels
        before = float((image.pixels - clean).square().mean())
        for who, restorer in methods.restorers().items():
            out = restorer(image)
            assert out.state is State.MOSAIC and float((out.pixels - clean).square().mean()) < 0.85 * before, (
                name,
                who,
            )


def test_wieners_filter_undoes_blur(truth: torch.Tensor) -> None:
    protocol = restore.protocols()[f"blur {restore.BLUR:g}"]
    image = protocol.make(truth, 0)
    last = methods.demosaicers("bayer")["Malvar"]
    plain = cpsnr(protocol.show(last(image)), truth)
    filtered = methods.wiener(last, optics.gaussian(restore.BLUR), 3.0)
    assert cpsnr(protocol.show(filtered(image)), truth) > plain + 0.5


def test_wieners_filter_of_planes_undoes_blur_of_smooth_pictures(truth: torch.Tensor) -> None:
    smooth = optics.blur(truth[None], optics.gaussian(2.0))[0]  # nothing finer than planes can hold
    sharp = demosaic.mosaic(smooth, demosaic.PATTERNS["bayer"]).pixels
    image = restore.noisy(smooth, 1e-6, 1e-9, 0, restore.BLUR)
    made = methods.wiener_planes(optics.gaussian(restore.BLUR / 2), 3.0)(image)
    assert cpsnr(made.pixels, sharp, 10) > cpsnr(image.pixels, sharp, 10) + 3


def test_costs_are_of_the_method_and_grow_with_its_work(truth: torch.Tensor) -> None:
    image = tables.enlarge(demosaic.protocols("bayer")["encoded"].make(truth, 0), 1 << 18)
    assert image.height == image.width == 504

    def heavy(given: Any) -> torch.Tensor:
        big = torch.ones(40_000_000)
        return given.pixels.expand(3, -1, -1) + big.sin_().sum()

    light, work = tables.cost(lambda i: i.pixels.expand(3, -1, -1), image), tables.cost(heavy, image)
    assert work[0] > light[0] >= 0
    if Path("/proc/self/statm").exists():
        assert 100e6 < work[1] < 400e6


def test_bench_demosaic_prints_writes_and_draws(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demosaic, "enlarge", lambda image: image)
    done = well("bench", "demosaic", folder, "--limit", 1, "--json", "--out", tmp_path)
    everything = done.json()
    striped = {r["name"]: r for r in everything if r["protocol"] == "grey stripes 3"}
    rows = [r for r in everything if not r["protocol"].startswith("grey stripes")]
    assert {r["protocol"] for r in rows} == {"encoded", "linear"} and {"Malvar", "bilinear"} <= {
        r["name"] for r in rows
    }
    assert striped["bilinear"]["false_colour"] > striped["Malvar"]["false_colour"] > 0
    assert all(r["pictures"] == 1 and r["cpsnr"] > 15 and 0 < r["ssim"] < 1 for r in rows)
    assert json.loads((tmp_path / "table.json").read_text()) == everything
    text = (tmp_path / "table.md").read_text("utf-8")
    assert "False colour on grey stripes" in text
    assert text.index("| Malvar") < text.index("| bilinear")  # the best first
    with Picture.open(tmp_path / "worst-encoded.png") as drawn:
        assert drawn.width > 4 * tables.PIECE * len({r["name"] for r in rows})


@pytest.mark.parametrize("cfa", ["xtrans", "quad"])
def test_restorers_of_other_patterns_take_noise_off(cfa: str) -> None:
    truth = optics.blur(torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(3)), optics.gaussian(2.0))[0]
    image = restore.protocols(cfa)["noise 0.05"].make(truth, 0)
    sharp = demosaic.mosaic(truth, demosaic.PATTERNS[cfa]).pixels
    for name, restorer in (methods.restorers(cfa) | restore.sharpeners(cfa)).items():
        assert cpsnr(restorer(image).pixels, sharp, 10) > cpsnr(image.pixels, sharp, 10) + 2, name
    last = next(iter(restore.denoisers(cfa).values()))
    assert last(image).shape == truth.shape


def test_bench_restore_has_a_row_for_each_method(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "LEVELS", (0.01, 0.3))
    monkeypatch.setattr(restore, "enlarge", lambda image: image)  # costs of real size are measured for real only
    text = well("bench", "restore", folder, "--limit", 1).out
    for words in (
        "## noise 0.02",
        "## shot noise",
        "## blur 1",
        "Wiener",
        "judged on the samples",
        "on planes, told",
        "wavelets (restore_wavelet)",
        "| 0.01 |",
    ):
        assert words in text


def test_bench_says_what_is_wrong(tmp_path: Path, folder: Path) -> None:
    assert "no pictures" in modisp("bench", "restore", tmp_path).err
    assert "a pattern is one of" in modisp("bench", "restore", tmp_path, "--cfa", "foveon").err
    done = modisp("bench", "demosaic", folder, "--cfa", "foveon")
    assert done.code == 1 and "bayer, xtrans, quad" in done.err


# --- train, weights ------------------------------------------------------------------------------------------------------

NET = {"kind": "restore", "width": 8, "blocks": 1, "inner_width": 8, "inner_blocks": 1}


def a_run(folder: Path) -> Path:
    """A run as training leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {"task": "restore-fast", "architecture": NET, "average": build(NET).state_dict()}
    torch.save(state | {"step": 7, "seed": 0, "command": "modisp train restore-fast"}, folder / "checkpoint.pt")
    lines = [{"step": i, "minutes": i / 2, "loss": 1 / (i + 1), "n05": 30.0 + i} for i in range(3)]
    lines.insert(1, {"step": 0, "minutes": 0.25, "loss": 0.8})  # most lines tell of the loss alone
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_a_run_is_plotted_and_exported_to_where_stages_find_it(tmp_path: Path, home: Path) -> None:
    run = a_run(tmp_path / "run")
    well("train", "plot", run)
    with Picture.open(run / "log.png") as drawn:
        assert drawn.height == 2 * 160
    assert "restore-fast" in well("train", "export", run).out
    assert weights.find("restore-fast") == home / "weights" / f"restore-fast{weights.SUFFIX}"
    well("train", "export", run, tmp_path / "mine.safetensors")
    assert weights.card(tmp_path / "mine.safetensors").steps == 7
    assert modisp("train", "plot", tmp_path).code == 1 and modisp("train", "plot").code == 2


def test_weights_are_listed_with_their_cards(tmp_path: Path, home: Path) -> None:
    well("train", "export", a_run(tmp_path / "run"))
    rows = well("weights", "--json").json()
    mine = next(r for r in rows if r["name"] == "restore-fast")
    assert mine == json.loads(json.dumps(asdict(weights.card(weights.find("restore-fast")))))
    text = well("weights").out
    assert "restore-fast" in text and "modisp train restore-fast" in text and "Apache-2.0" in text


def test_training_is_started_as_it_is_written(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modisp import train as training

    given: dict[str, Any] = {}

    def fake(name: str, out: Path, data: Path | None, **options: Any) -> Path:
        given.update(options, name=name, out=out, data=data)
        return a_run(out) / "checkpoint.pt"

    monkeypatch.setattr(training, "main", fake)
    monkeypatch.chdir(tmp_path)
    assert "restore-fast" in well("train", "--list").out
    well("train", "restore", "--minutes", 2, "--seed", 3, "--data", tmp_path)
    assert given["name"] == "restore-fast" and given["out"] == Path("runs/restore-fast") and not given["profiles"]
    assert given["minutes"] == 2 and given["seed"] == 3 and given["start"] is None and given["data"] == tmp_path
    shot = tmp_path / "shot.dng"
    well("simulate", "dead-leaves", shot, "--size", "96x72", "--noise", "1e-3,1e-6")
    well("train", "export", a_run(tmp_path / "generic"))
    done = well("train", "restore", "--camera", shot, "--steps", 5)
    assert given["profiles"] == [pytest.approx((1e-3, 1e-6))] and given["start"] == weights.find("restore-fast")
    [own] = (home / "weights").glob("restore-fast@*")
    assert str(own) in done.out and own.stem == "restore-fast@modisp-aster"
    assert modisp("train", "nonsense").code == 2 and modisp("train", "restore", "extra").code == 2
    assert "sensor data" in modisp("train", "restore", "--camera", _picture(tmp_path)).err


def _picture(folder: Path) -> Path:
    Picture.new("RGB", (8, 8)).save(folder / "finished.png")
    return folder / "finished.png"
