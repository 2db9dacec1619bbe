"""The simulated camera keeps its promises: spectra, filters, noise, levels, turns and files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from modisp.image import Image, Metadata, State
from modisp.io import ImageError, open_image
from modisp.simulate import CFAS, LIGHTS, list_scenes, noise_of, scene, simulate, simulate_file, spectra
from modisp.simulate.cameras import CAMERAS, camera, profile
from modisp.simulate.scenes import turn_to_sensor, turn_upright

SMALL = (48, 72)


def test_basis_is_a_reflectance_and_reproduces_srgb_under_d65() -> None:
    basis = spectra.basis()
    assert basis.min() > -1e-3 and basis.max() < 1 + 1e-3
    assert np.abs(basis.sum(0) - 1).max() < 1e-6
    from modisp.color.spaces import between64

    seen = spectra.xyz(basis, spectra.light("D65"))
    # the sampled D65 and the published chromaticity differ by 2.4e-4 in Z
    assert np.abs(seen - between64("srgb", "xyz").numpy().T).max() < 3e-4


@pytest.mark.parametrize("name", [*LIGHTS, "2200", "5400", "LED-5000"])
def test_lights_have_luminance_one_and_their_colour(name: str) -> None:
    s = spectra.light(name)
    assert s.min() >= 0 and spectra.observer()[1] @ s == pytest.approx(1)
    x, y = spectra.xy_of(s)
    if name.startswith("LED-"):
        want = spectra.xy_of(spectra.planck(float(name[4:])))
        assert np.hypot(x - want[0], y - want[1]) < 1e-6
    if name == "D65":
        assert (x, y) == pytest.approx((0.3127, 0.3290), abs=2e-4)


@pytest.mark.parametrize("bad", ["moon", "100", "LED-99"])
def test_unknown_lights_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="light"):
        spectra.light(bad)


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize("light", ["A", "D65"])
def test_matrices_keep_white_exactly(name: str, light: str) -> None:
    p, body = profile(name, light), camera(name)
    white = spectra.observer() @ spectra.light(light)
    assert np.array(p.color_matrix) @ white == pytest.approx(body.neutral(spectra.light(light)), abs=1e-5)
    assert np.array(p.forward_matrix).sum(1) == pytest.approx([0.9642, 1.0, 0.8251], abs=3e-4)


def test_a_camera_from_a_file_of_sensitivities(tmp_path: Path) -> None:
    own = camera("aster")
    assert own.sensitivity is not None
    rows = {f"{w:.0f}": list(v) for w, v in zip(spectra.WAVELENGTHS, own.sensitivity.T, strict=True)}
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"spectral_data": {"data": {"main": rows}}}))
    lamp = spectra.light("A")
    assert camera(str(path)).neutral(lamp) == pytest.approx(own.neutral(lamp))
    path2 = tmp_path / "broken.json"
    path2.write_text('{"spectral_data": 3}')
    with pytest.raises(ValueError, match="broken"):
        camera(str(path2))


def test_the_data_sets_cameras_can_be_read(data: Path) -> None:
    files = sorted((data / "colour" / "camera").glob("*.json"))
    assert files
    for path in files[:5]:
        white = camera(str(path)).neutral(spectra.light("D65"))
        assert white.max() == pytest.approx(1) and white.min() > 0.1


@pytest.mark.parametrize("cfa", CFAS)
def test_every_filter_array_samples_what_it_says(cfa: str) -> None:
    mosaic, _ = simulate("grey", cfa=cfa, noise=0, size=SMALL, black=0, bits=16)
    assert mosaic.state is State.MOSAIC and mosaic.meta.cfa == CFAS[cfa]
    rows = CFAS[cfa]
    for i in range(len(rows)):
        for j, letter in enumerate(rows[i]):
            part = mosaic.pixels[0, i :: len(rows), j :: len(rows[0])]
            want = 0.18 * (1.0 if letter == "W" else mosaic.meta.white["RGB".index(letter)])
            assert part == pytest.approx(torch.full_like(part, want), abs=2e-5)


def test_the_truth_has_the_scale_of_scene_and_ignores_the_light() -> None:
    for light in ("A", "D65", "F11"):
        _, truth = simulate("grey", light=light, exposure=1.0, size=SMALL)
        assert truth.state is State.SCENE
        assert truth.pixels == pytest.approx(torch.full((3, *SMALL), 0.36), abs=1e-4)


def test_noise_has_the_variance_that_the_file_states() -> None:
    mosaic, _ = simulate("grey", noise=(4e-3, 2e-5), camera="rec2020", size=(200, 300), bits=16)
    error = mosaic.pixels - 0.18
    ((a, b),) = mosaic.meta.noise
    assert error.mean().abs() < 3e-4
    assert error.var().item() == pytest.approx(a * 0.18 + b, rel=0.03)
    assert noise_of(0) == (0.0, 0.0) and noise_of(800)[0] == pytest.approx(8e-4)


def test_clipping_is_at_one_and_levels_are_integers() -> None:
    mosaic, truth = simulate("steps", exposure=2.0, noise=200, size=SMALL, bits=12)
    assert mosaic.pixels.max() == 1.0 and truth.pixels.max() > 30
    values = mosaic.pixels * (4095 - 128) + 128
    assert (values - values.round()).abs().max() < 1e-3 and values.min() >= 0


def test_same_seed_same_picture() -> None:
    one, two, three = (simulate("smooth", seed=s, size=SMALL)[0].pixels for s in (3, 3, 4))
    assert torch.equal(one, two) and not torch.equal(one, three)


@pytest.mark.parametrize("turn", range(1, 9))
def test_orientation_turns_the_sensor_not_the_scene(turn: int) -> None:
    p = torch.arange(24.0).reshape(1, 4, 6)
    assert torch.equal(turn_upright(turn_to_sensor(p, turn), turn), p)
    _, truth = simulate("steps", orientation=turn, size=SMALL)
    _, upright = simulate("steps", size=SMALL)
    assert truth.meta.orientation == turn
    assert torch.equal(turn_upright(truth.pixels, turn), upright.pixels)


def test_blur_takes_away_detail_and_no_light() -> None:
    sharp, soft = (simulate("zone-plate", blur=b, noise=0, size=(96, 96))[0].pixels for b in (0.0, 1.5))
    assert soft.mean() == pytest.approx(sharp.mean().item(), rel=5e-3)
    assert soft[:, 30:66, 4:16].std() < 0.5 * sharp[:, 30:66, 4:16].std()


@pytest.mark.parametrize("name", [n for n in list_scenes() if n not in ("still-life", "dusk", "workbench")])
def test_scenes_are_finite_and_of_the_size_asked_for(name: str) -> None:
    _, truth = simulate(name, size=(40, 64))
    assert truth.pixels.shape == (3, 40, 64) and truth.pixels.isfinite().all() and truth.pixels.max() > 0.1


@pytest.mark.parametrize(("name", "size"), [("still-life", (12, 18)), ("workbench", (18, 12))])
def test_rendered_scenes_have_a_range_of_light_and_are_the_same_each_time(name: str, size: tuple[int, int]) -> None:
    # the landscape takes half a minute at any size, so its shipped sample stands for it
    first, second = (scene(name, size).paint(torch.eye(3)) for _ in range(2))
    assert first.isfinite().all() and torch.equal(first, second)
    assert first.max() > 3 * first.median() > 0


def test_a_photograph_becomes_a_scene(tmp_path: Path) -> None:
    from PIL import Image as Picture

    path = tmp_path / "patch.png"
    Picture.new("RGB", (30, 20), (188, 188, 188)).save(path)  # 188 is 50.3 % in linear light
    mosaic, truth = simulate(path, noise=0, camera="rec2020")
    assert truth.pixels.shape == (3, 20, 30)
    assert truth.pixels.mean() == pytest.approx(0.503, abs=2e-3)
    assert mosaic.pixels.mean() == pytest.approx(0.503, abs=2e-3)
    with pytest.raises(ValueError, match="develop it first"):
        simulate(Image(torch.zeros(1, 4, 4), State.MOSAIC, Metadata()))


def test_radiance_pictures(tmp_path: Path) -> None:
    from modisp.simulate.radiance import read_hdr

    row = bytes([2, 2, 0, 16]) + b"".join(bytes([128 + 16, v]) for v in (128, 64, 32, 131))
    path = tmp_path / "lamp.hdr"
    path.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 16\n" + row * 2)
    p = read_hdr(path)
    assert p.shape == (3, 2, 16)
    assert p[:, 0, 0].tolist() == pytest.approx([128.5 / 32, 64.5 / 32, 32.5 / 32])
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ImageError, match="lamp"):
        read_hdr(path)


@pytest.mark.parametrize("cfa", CFAS)
def test_files_come_back_to_the_last_bit(cfa: str, tmp_path: Path) -> None:
    made, truth = simulate_file("colorchecker", tmp_path / "a.dng", tmp_path / "t.tif", cfa=cfa, size=SMALL, noise=800)
    back = open_image(tmp_path / "a.dng")
    assert back.state is State.MOSAIC and back.meta.cfa == CFAS[cfa]
    assert torch.equal(back.pixels, made.pixels)
    assert back.meta.noise[0] == pytest.approx(made.meta.noise[0])
    again = open_image(tmp_path / "t.tif")
    assert again.state is State.SCENE and torch.equal(again.pixels, truth.pixels)


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    out = tmp_path / "a.dng"
    simulate_file("grey", out, size=SMALL)
    with pytest.raises(FileExistsError):
        simulate_file("grey", out, size=SMALL)
    simulate_file("grey", out, size=SMALL, force=True)
    with pytest.raises(ValueError, match="dng"):
        simulate_file("grey", tmp_path / "a.jpg", size=SMALL)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cfa": "RGBW"},
        {"camera": "none"},
        {"light": "none"},
        {"exposure": 99.0},
        {"noise": (-1.0, 0.0)},
        {"noise": -5.0},
        {"blur": 9.0},
        {"bits": 20},
        {"black": 70000},
        {"orientation": 0},
        {"size": (0, 5)},
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError) as e:
        simulate("grey", **{"size": SMALL, **wrong})  # type: ignore[arg-type]
    assert 10 < len(str(e.value)) < 250 and "\n" not in str(e.value)
    with pytest.raises(ValueError, match="scenes are"):
        simulate("nowhere")


def test_samples_are_shipped_small_and_open() -> None:
    from modisp.resources import path
    from modisp.simulate.samples import SAMPLES

    files = sorted(path("samples").glob("*.dng"))
    assert {f.stem for f in files} == set(SAMPLES)
    assert sum(f.stat().st_size for f in files) <= 9_000_000
    for file in files:
        image = open_image(file)
        assert file.stat().st_size <= 4_000_000 and image.state is State.MOSAIC
        assert image.meta.cfa == CFAS[SAMPLES[file.stem].settings["cfa"]]
        assert image.meta.orientation == SAMPLES[file.stem].settings.get("orientation", 1)
        assert 0.01 < image.pixels.mean() < 0.6
