"""The command line: what the commands make, say and refuse."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli import modisp, well
from PIL import Image as Picture

from modisp import Recipe, Sidecar, State, develop, open_image, save_image
from modisp.simulate.files import simulate_file


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small RAW file."""
    path = tmp_path_factory.mktemp("raw") / "chart.dng"
    simulate_file("colorchecker", path, size=(120, 180), noise=100.0, orientation=6)
    return path


def pixels(path: Path) -> np.ndarray:
    with Picture.open(path) as p:
        return np.asarray(p.convert("RGB")).astype(int)


# --- develop -----------------------------------------------------------------------------------------------------------------


def test_develop_makes_a_picture_and_says_where(raw: Path, tmp_path: Path) -> None:
    done = well("develop", raw, "-o", tmp_path / "new" / "folder")
    target = tmp_path / "new" / "folder" / "chart.jpg"
    assert str(target) in done.out and pixels(target).shape == (120, 180, 3), (
        "upright, though the sensor lay on its side"
    )
    assert os.listdir(target.parent) == ["chart.jpg"] and sorted(os.listdir(raw.parent)) == ["chart.dng"]


def test_develop_says_where_colours_rest_on_the_matrices_alone(raw: Path, tmp_path: Path) -> None:
    image = open_image(raw)
    apart = np.array([[1.5, -0.5, 0.0], [-0.2, 1.4, -0.2], [0.0, -0.5, 1.5]])  # as no filters part colours
    odd: Any = tuple(tuple(map(tuple, (apart @ np.array(m)).tolist())) for m in image.meta.color_matrix)
    save_image(image.to(image.pixels, meta=replace(image.meta, color_matrix=odd)), tmp_path / "odd.dng")
    for name, told in ((raw, False), (tmp_path / "odd.dng", True)):
        assert (
            "no camera that the network knows" in well("develop", name, "-o", tmp_path / "a.jpg", "--force").out
        ) is told


def test_nothing_is_overwritten_unasked(raw: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(b"mine")
    done = modisp("develop", raw, "-o", target)
    assert done.code == 1 and "exists" in done.err and target.read_bytes() == b"mine"
    assert well("develop", raw, "-o", target, "--force").code == 0 and target.read_bytes() != b"mine"
    copy = tmp_path / "copy.jpg"
    Picture.new("RGB", (8, 8)).save(copy)
    before = copy.read_bytes()
    done = modisp("develop", copy, "-o", tmp_path, "--force")
    assert done.code == 1 and "overwrite the picture that it is made from" in done.err and copy.read_bytes() == before


def test_several_pictures_go_to_a_folder(raw: Path, tmp_path: Path) -> None:
    other = tmp_path / "shoot"
    other.mkdir()
    (other / "chart.dng").write_bytes(raw.read_bytes())
    Picture.new("RGB", (9, 7), "teal").save(other / "chart.png")
    (other / "notes.txt").write_text("nothing")
    done = well("develop", raw, other, raw, "-o", tmp_path / "out", "--format", "png", "--json")
    names = sorted(Path(row["out"]).name for row in done.json())
    assert names == ["chart-2.png", "chart-3.png", "chart.png"] == sorted(os.listdir(tmp_path / "out"))
    assert modisp("develop", raw, other, "-o", tmp_path / "one.jpg").code == 2
    assert modisp("develop", tmp_path / "out" / "nothing.dng", "-o", tmp_path / "one.jpg").code == 1


def test_patterns_that_no_shell_has_opened(raw: Path, tmp_path: Path) -> None:
    for name in ("a.dng", "b.dng", ".hidden.dng", "[c].dng"):
        (tmp_path / name).write_bytes(raw.read_bytes())
    done = well("develop", tmp_path / "?.dng", "-o", tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == ["a.jpg", "b.jpg"], done.out
    assert modisp("develop", tmp_path / "*.dng", "-o", tmp_path / "one.jpg", "--force").code == 2
    well("develop", tmp_path / "[c].dng", "-o", tmp_path / "one.jpg")  # a name, although it looks like a pattern
    done = modisp("develop", tmp_path / "*.cr9", "-o", tmp_path / "none")
    assert done.code == 1 and "*.cr9 does not exist" in done.err


def test_the_python_way_makes_the_same_picture(raw: Path, tmp_path: Path) -> None:
    image = open_image(raw)
    recipe = Recipe.default(image).set("exposure", ev=0.5)
    want = develop(image, recipe, dtype=torch.uint8).pixels.permute(1, 2, 0).numpy()
    well("develop", raw, "-o", tmp_path / "a.png", "--set", "exposure.ev=0.5")
    assert np.array_equal(pixels(tmp_path / "a.png"), want)


def test_styles_mix_and_strength_zero_is_nothing(raw: Path, tmp_path: Path) -> None:
    plain, zero, mixed, one = (tmp_path / f"{n}.png" for n in ("plain", "zero", "mixed", "one"))
    well("develop", raw, "-o", plain)
    well("develop", raw, "-o", zero, "--style", "vivid:0")
    well("develop", raw, "-o", one, "--style", "vivid")
    well("develop", raw, "-o", mixed, "--style", "vivid:50%", "--style", "soft:0.5")
    assert np.array_equal(pixels(plain), pixels(zero))
    assert not np.array_equal(pixels(plain), pixels(one)) and not np.array_equal(pixels(one), pixels(mixed))


def test_a_recipe_file_and_a_sidecar_say_how(raw: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.dng"
    mine.write_bytes(raw.read_bytes())
    recipe = Recipe.default(open_image(raw)).set("exposure", ev=1.0)
    (tmp_path / "recipe.json").write_text(json.dumps(recipe.dump()), "utf-8")
    a, b, c, d = (tmp_path / f"{n}.png" for n in "abcd")
    well("develop", raw, "-o", a, "--recipe", tmp_path / "recipe.json")
    car = Sidecar(mine, recipe.set("exposure", ev=-1.0))
    text = car.save()
    assert text is not None
    before = text.read_bytes()
    well("develop", mine, "-o", b)
    well("develop", mine, "-o", c, "--recipe", tmp_path / "recipe.json")
    well("develop", mine, "-o", d, "--no-sidecar", "--set", "exposure.ev=+1EV")
    assert pixels(b).mean() < pixels(a).mean() - 20
    assert np.array_equal(pixels(a), pixels(c)) and np.array_equal(pixels(a), pixels(d))
    assert text.read_bytes() == before, "developing reads sidecars and writes none"
    text.write_bytes(b"{")
    done = modisp("develop", mine, "-o", tmp_path / "e.png")
    assert done.code == 1 and "damaged" in done.err and text.read_bytes() == b"{"


def test_bits_space_and_metadata(raw: Path, tmp_path: Path) -> None:
    deep = tmp_path / "deep.png"
    well("develop", raw, "-o", deep, "--bits", "16", "--space", "display-p3")
    image = open_image(deep)
    steps = image.pixels * 65535
    assert image.meta.space == "display-p3" and float((steps % 257).abs().max()) > 1, "more than 8 bits in it"
    well("develop", raw, "-o", tmp_path / "all.jpg")
    well("develop", raw, "-o", tmp_path / "none.jpg", "--metadata", "none")
    assert open_image(tmp_path / "all.jpg").meta.model and not open_image(tmp_path / "none.jpg").meta.model
    done = modisp("develop", raw, "-o", tmp_path / "x.jpg", "--bits", "16")
    assert done.code == 1 and "8 bits" in done.err


def test_size_is_the_full_picture_reduced_in_linear_light(raw: Path, tmp_path: Path) -> None:
    from modisp.color.transfer import decode, encode
    from modisp.resample import resize

    well("develop", raw, "-o", tmp_path / "full.png", "--bits", "16")
    well("develop", raw, "-o", tmp_path / "small.png", "--bits", "16", "--size", "60")
    full, small = (open_image(tmp_path / f"{n}.png").pixels for n in ("full", "small"))
    assert small.shape == (3, 40, 60)
    want = encode("srgb", resize(decode("srgb", full), (0.0, 0.0, 180.0, 120.0), (40, 60), "lanczos3").clamp(0, 1))
    assert float((small - want).abs().mean()) < 0.004
    well("develop", raw, "-o", tmp_path / "same.png", "--size", "5000")
    assert pixels(tmp_path / "same.png").shape == (120, 180, 3), "never enlarged"


# --- on the way ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("until", ["MOSAIC", "camera", "demosaic", "BALANCED", "SCENE", "tone", "DISPLAY"])
def test_a_development_can_stop_and_go_on(raw: Path, tmp_path: Path, until: str) -> None:
    options = ["--set", "exposure.ev=0.4", "--style", "cinematic:0.5", "--set", "white_balance.temperature=4300"]
    done = well("develop", raw, "-o", tmp_path / "stop", "--until", until, *options, "--json")
    part = Path(done.json()[0]["out"])
    assert part.suffix == (".tif" if until in ("tone", "DISPLAY") else ".dng")
    well("develop", raw, "-o", tmp_path / "whole.png", *options)
    well("develop", part, "-o", tmp_path / "on.png")
    assert abs(pixels(tmp_path / "whole.png") - pixels(tmp_path / "on.png")).max() <= 1


def test_taps_are_all_images_and_each_goes_on(raw: Path, tmp_path: Path) -> None:
    taps = tmp_path / "taps"
    well("develop", raw, "-o", tmp_path / "whole.png", "--taps", taps, "--set", "white_balance.mode=auto")
    names = sorted(os.listdir(taps))
    ids = [e.id for e in Recipe.default(open_image(raw)).entries]
    assert [n.split(".")[0] for n in names] == [f"{n:02}-{i}" for n, i in enumerate(ids, 1)]
    well("develop", taps, "-o", tmp_path / "on", "--format", "png")
    for name in names:
        again = pixels(tmp_path / "on" / f"{Path(name).stem}.png")
        assert abs(pixels(tmp_path / "whole.png") - again).max() <= 1, name
    done = modisp("develop", raw, "-o", tmp_path / "again.png", "--taps", taps)
    assert done.code == 1 and "exists already" in done.err and not (tmp_path / "again.png").exists()


def test_run_does_exactly_one_stage(raw: Path, tmp_path: Path) -> None:
    camera, scene = tmp_path / "camera.dng", tmp_path / "scene.dng"
    well("run", "demosaic", raw, camera)
    image = open_image(camera)
    assert image.state is State.CAMERA and image.meta.done == "demosaic"
    well("develop", raw, "-o", scene, "--until", "SCENE")
    well("run", "exposure", scene, tmp_path / "brighter.dng", "ev=1", "baseline=off")
    a, b = open_image(scene).pixels, open_image(tmp_path / "brighter.dng").pixels
    assert torch.allclose(a * 2, b, atol=1e-6)
    done = modisp("run", "tone", raw, tmp_path / "no.tif")
    assert done.code == 1 and "reads SCENE" in done.err and "holds MOSAIC" in done.err and "--until SCENE" in done.err
    assert modisp("run", "exposure", scene, tmp_path / "no.dng", "ev=99").code == 2
    assert modisp("run", "exposure", scene, tmp_path / "no.dng", "contrast=1").code == 2
    assert modisp("run", "exposure", scene, tmp_path / "no.jpg").code == 1
    assert not list(tmp_path.glob("no.*"))


# --- lists ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["stages", "styles", "cache"])
def test_lists_speak_json(command: str) -> None:
    rows = well(command, "--json").json()
    assert rows and all(isinstance(r["name"], str) for r in rows)
    assert well(command).out


def test_info_says_what_a_file_holds(raw: Path, tmp_path: Path) -> None:
    [row] = well("info", raw, "--json").json()
    assert row["name"] and row["state"] == "MOSAIC" and sorted(row["size"]) == [120, 180]
    assert "MOSAIC" in well("info", raw).out
    (tmp_path / "empty.dng").write_bytes(b"")
    done = modisp("info", raw, tmp_path / "empty.dng", "--json")
    assert done.code == 1 and len(done.json()) == 1 and "empty.dng is empty" in done.err


def test_stages_tell_their_parameters() -> None:
    rows = {r["name"]: r for r in well("stages", "--json").json()}
    params = {p["name"]: p for p in rows["white_balance"]["params"]}
    assert params["temperature"]["unit"] == "K" and params["temperature"]["low"] < params["temperature"]["high"]
    assert "temperature" in well("stages", "white_balance").out
    assert modisp("stages", "nonsense").code == 2


def test_the_cache_is_emptied(raw: Path, tmp_path: Path, home: Path) -> None:
    well("develop", raw, "-o", tmp_path / "a.jpg")
    assert well("cache", "--json").json()[0]["folder"] == str(home / "cache")
    well("cache", "trim", "--size", "0.5")
    well("cache", "clear")
    assert well("cache", "--json").json()[0]["bytes"] == 0


def test_run_never_overwrites_what_it_reads(raw: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.dng"
    shutil.copy(raw, mine)
    done = modisp("run", "demosaic", mine, mine, "--force")
    assert done.code != 0 and "would overwrite" in done.err and mine.read_bytes() == raw.read_bytes()


def test_a_choice_that_wants_an_area_says_so_where_there_is_none(raw: Path, tmp_path: Path) -> None:
    options = ["develop", raw, "-o", tmp_path / "a.jpg", "--force", "--set", "white_balance.mode=patch"]
    assert "white_balance.patch is set" in modisp(*options).err
    assert "white_balance.patch" not in modisp(*options, "--set", "white_balance.patch=4,4,20,20").err
    assert "outside the picture" in modisp(*options, "--set", "white_balance.patch=9999,4,20,20").err
    camera = well("develop", raw, "-o", tmp_path / "camera.dng", "--until", "CAMERA") and tmp_path / "camera.dng"
    assert "is set" in modisp("run", "white_balance", camera, tmp_path / "b.dng", "mode=patch").err


# --- refusals --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        ["--set", "exposure"],
        ["--set", "exposure.ev"],
        ["--set", "exposure.ev=much"],
        ["--set", "exposure.ev=99"],
        ["--set", "exposure.nothing=1"],
        ["--set", "nothing.ev=1"],
        ["--set", "white_balance.mode=candle"],
        ["--set", "exposure.on=perhaps"],
        ["--use", "demosaic"],
        ["--use", "demosaic=nothing"],
        ["--use", "tone=exposure"],
        ["--style", "nothing"],
        ["--style", "vivid:2"],
        ["--until", "NOWHERE"],
        ["--size", "0"],
        ["--quality", "101"],
        ["--device", "abacus"],
        ["--format", "bmp"],
        ["--nonsense"],
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(raw: Path, tmp_path: Path, options: list[str]) -> None:
    done = modisp("develop", raw, "-o", tmp_path / "out", *options)
    assert done.code == 2 and done.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["-o", "x.bmp"],
        ["-o", "x.jpg", "--until", "SCENE"],
        ["-o", "x.dng"],
        ["-o", "x.dng", "--until", "MOSAIC", "--size", "9"],
    ],
)
def test_what_does_not_fit_is_one_sentence(raw: Path, tmp_path: Path, options: list[str]) -> None:
    done = modisp("develop", raw, "-o", tmp_path / options[1], *options[2:])
    assert done.code == 1 and len(done.err.strip().splitlines()) == 1 and not os.listdir(tmp_path)


def test_a_missing_argument_is_a_usage_error(raw: Path) -> None:
    assert modisp("develop", raw).code == 2 and modisp("nothing").code == 2


def test_a_traceback_only_for_those_who_ask(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "modisp", "develop", str(tmp_path / "no.dng"), "-o", str(tmp_path / "o.jpg")]
    plain = subprocess.run(command, capture_output=True, text=True)
    debug = subprocess.run([*command, "--debug"], capture_output=True, text=True)
    assert plain.returncode == debug.returncode == 1
    assert "Traceback" not in plain.stderr and "Traceback" in debug.stderr
    assert plain.stderr.strip() == "error: no.dng does not exist"


# --- the process -----------------------------------------------------------------------------------------------------------------


def test_help_appears_without_loading_what_works() -> None:
    code = "import sys; from modisp.cli import main\ntry: main(['--help'])\nfinally: print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "develop" in done.stdout
    assert not {"torch", "numpy", "PIL", "rawpy"} & set(done.stdout.replace("'", "").replace(",", "").split())


def test_odd_thread_settings_are_not_fatal(raw: Path, tmp_path: Path) -> None:
    env = {**os.environ, "OMP_NUM_THREADS": "many", "MKL_NUM_THREADS": "0", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "modisp", "develop", str(raw), "-o", str(tmp_path / "a.jpg")]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.jpg").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_leaves_nothing_half_done(tmp_path: Path) -> None:
    folder = tmp_path / "shoot"
    folder.mkdir()
    simulate_file("smooth", folder / "0.dng", size=(600, 900), preview=False)
    for n in range(1, 30):
        shutil.copy(folder / "0.dng", folder / f"{n}.dng")
    command = [sys.executable, "-m", "modisp", "develop", str(folder), "-o", str(tmp_path / "out")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline(), "the first picture is done"
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=300)
    assert child.returncode == 130 and "cancelled" in err
    assert "Traceback" not in err
    done = sorted(os.listdir(tmp_path / "out"))
    assert 1 <= len(done) < 30 and all(n.endswith(".jpg") and not n.startswith(".") for n in done)
    for name in done:
        pixels(tmp_path / "out" / name)
