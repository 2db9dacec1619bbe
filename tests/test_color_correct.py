"""Colour correction: real colours from simulated cameras under three lights, exact greys, one path of matrices."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from modisp.color import spaces
from modisp.color.camera import Camera
from modisp.image import Image, Metadata, State
from modisp.stage import Reading
from modisp.stages.color_correct import ColorCorrect
from modisp.stages.white_balance import WhiteBalance

WAVES = np.arange(380.0, 781.0, 5.0)
LIGHTS = ("A", "D50", "D65")
MAKER = ("A", "D65")


@lru_cache(maxsize=1)
def _colour() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import colour
    return colour


def _aligned(spectrum: Any) -> np.ndarray:
    return np.interp(WAVES, spectrum.wavelengths, spectrum.values)


@lru_cache(maxsize=1)
def _observer() -> np.ndarray:
    cmf = _colour().MSDS_CMFS["CIE 1931 2 Degree Standard Observer"]
    return np.array([np.interp(WAVES, cmf.wavelengths, c) for c in np.asarray(cmf.values).T])


def _light(name: str) -> np.ndarray:
    return _aligned(_colour().SDS_ILLUMINANTS[name])


@lru_cache(maxsize=1)
def _chart() -> np.ndarray:
    """Reflectances (24, 81) of the ColorChecker."""
    chart = _colour().SDS_COLOURCHECKERS["ColorChecker N Ohta"]
    return np.array([_aligned(s) for s in chart.values()])


def _smooth_reflectances(n: int = 200) -> np.ndarray:
    """What a maker might calibrate on: smooth reflectances of all hues (n, 81); not those of the chart."""
    rng = np.random.default_rng(4)
    x = (WAVES - 380) / 400
    steps = 1 / (
        1 + np.exp(-(x - rng.uniform(0.1, 0.9, (n, 1))) / rng.uniform(0.03, 0.15, (n, 1)) * rng.choice([-1, 1], (n, 1)))
    )
    bumps = np.exp(-(((x - rng.uniform(0.1, 0.9, (n, 1))) / rng.uniform(0.08, 0.3, (n, 1))) ** 2))
    mix = rng.uniform(0, 1, (n, 1))
    return 0.03 + rng.uniform(0.1, 0.8, (n, 1)) * (mix * steps + (1 - mix) * bumps)


def _analytic_camera() -> np.ndarray:
    """Sensitivities (3, 81) of a camera of our own: not a linear mixture of the observer's."""

    def lobe(height: float, centre: float, below: float, above: float) -> np.ndarray:
        width = np.where(centre > WAVES, below, above)
        return height * np.exp(-(((WAVES - centre) / width) ** 2) / 2)

    red = lobe(0.75, 602, 22, 36) + lobe(0.1, 540, 30, 28)
    green = lobe(1.0, 532, 32, 38) + lobe(0.06, 465, 25, 30)
    blue = lobe(0.8, 458, 27, 26) + lobe(0.09, 510, 20, 22)
    return np.array([red, green, blue]) / (1 + np.exp((WAVES - 665) / 8))


def _tuples(m: np.ndarray) -> Any:
    return tuple(tuple(float(v) for v in row) for row in m)


def _maker(sensitivity: np.ndarray, reflectances: np.ndarray, forward: bool) -> Metadata:
    """ColorMatrix (and ForwardMatrix) for A and D65 as a maker fits them: least squares over reflectances."""
    color, fwd, lights = [], [], []
    for name in MAKER:
        light = _light(name)
        white = _observer() @ light
        scale = 1 / white[1]
        xyz = (reflectances * light) @ _observer().T * scale
        rgb = (reflectances * light) @ sensitivity.T
        rgb = rgb / (sensitivity @ light).max()
        color.append(np.linalg.lstsq(xyz, rgb, rcond=None)[0].T)
        xy = (white[0] / white.sum(), white[1] / white.sum())
        lights.append(xy)
        if forward:
            balanced = rgb / ((sensitivity @ light) / (sensitivity @ light).max())
            d50 = xyz @ spaces.adaptation(xy, spaces.D50).numpy().T
            fwd.append(np.linalg.lstsq(balanced, d50, rcond=None)[0].T)
    return Metadata(
        color_matrix=tuple(_tuples(m) for m in color),
        forward_matrix=tuple(_tuples(m) for m in fwd),
        illuminants=tuple((float(x), float(y)) for x, y in lights),
    )


def _chart_error(sensitivity: np.ndarray, maker: Metadata, light_name: str) -> float:
    """Mean ΔE2000 of the developed chart against truth adapted to D65, exposure matched on the grey patches."""
    colour = _colour()
    light = _light(light_name)
    white = sensitivity @ light
    rgb = (_chart() * light) @ sensitivity.T / white.max()
    image = Image(
        torch.tensor(rgb.T.reshape(3, 4, 6), dtype=torch.float32),
        State.CAMERA,
        replace(maker, white=tuple(float(v) for v in white / white.max())),
    )
    scene = ColorCorrect()(WhiteBalance()(image)).pixels.reshape(3, 24)
    xyz = (spaces.between64("rec2020", "xyz") @ scene.double()).numpy().T
    w = _observer() @ light
    truth = (_chart() * light) @ _observer().T / w[1]
    truth = truth @ spaces.adaptation((w[0] / w.sum(), w[1] / w.sum()), spaces.D65).numpy().T
    xyz = xyz * (truth[21, 1] / xyz[21, 1])
    lab, want = (colour.XYZ_to_Lab(v, spaces.D65) for v in (xyz, truth))
    return float(np.mean(colour.delta_E(lab, want, method="CIE 2000")))


@pytest.mark.parametrize("forward", [False, True])
@pytest.mark.parametrize("light", LIGHTS)
def test_chart_of_an_analytic_camera_is_true(light: str, forward: bool) -> None:
    sensitivity = _analytic_camera()
    assert _chart_error(sensitivity, _maker(sensitivity, _smooth_reflectances(), forward), light) <= 2.0


def _measured_cameras(data: Path) -> list[tuple[str, np.ndarray]]:
    out = []
    for path in sorted((data / "colour" / "camera").glob("*.json")):
        table = json.loads(path.read_text())["spectral_data"]["data"]["main"]
        rows = np.array([table[str(int(w))] for w in WAVES])
        out.append((path.stem, rows.T))
    return out


def test_charts_of_measured_cameras_are_true(data: Path) -> None:
    if not (data / "colour" / "training").is_dir():
        pytest.skip("there are no camera sensitivities among the data")
    table = json.loads((data / "colour" / "training" / "training_spectral.json").read_text())["spectral_data"]["data"][
        "main"
    ]
    reflectances = np.array([table[str(int(w))] for w in WAVES]).T
    errors = []
    for _, sensitivity in _measured_cameras(data)[::5]:
        maker = _maker(sensitivity, reflectances, forward=True)
        errors += [_chart_error(sensitivity, maker, light) for light in LIGHTS]
        errors += [_chart_error(sensitivity, replace(maker, forward_matrix=()), light) for light in LIGHTS]
    assert np.mean(errors) <= 1.5
    assert max(errors) <= 3.0


def test_one_illuminant_serves_under_others(data: Path) -> None:
    """A camera calibrated for D65 alone: adapting XYZ fails some of these under A, adapting camera RGB others."""
    if not (data / "colour" / "camera").is_dir():
        pytest.skip("there are no camera sensitivities among the data")
    errors = []
    for _, sensitivity in _measured_cameras(data)[::5]:
        maker = _maker(sensitivity, _smooth_reflectances(), forward=True)
        one = replace(maker, **{k: getattr(maker, k)[1:] for k in ("color_matrix", "forward_matrix", "illuminants")})
        errors += [_chart_error(sensitivity, one, light) for light in LIGHTS]
        errors += [_chart_error(sensitivity, replace(one, forward_matrix=()), light) for light in LIGHTS]
    assert max(errors) <= 3.0


def _correct(meta: Metadata, pixels: torch.Tensor) -> Image:
    return ColorCorrect()(Image(pixels, State.BALANCED, meta))


@pytest.mark.parametrize("light", [(0.45, 0.41), (0.3127, 0.329), (0.25, 0.25), (0.40, 0.45)])
@pytest.mark.parametrize("forward", [False, True])
def test_grey_stays_grey_to_the_last_bit(light: tuple[float, float], forward: bool) -> None:
    meta = replace(_maker(_analytic_camera(), _smooth_reflectances(), forward), light=light)
    grey = torch.linspace(-0.1, 4.0, 500).reshape(1, 20, 25).repeat(3, 1, 1)
    assert torch.equal(_correct(meta, grey).pixels, grey)


def test_the_matrix_moves_with_the_light() -> None:
    meta = _maker(_analytic_camera(), _smooth_reflectances(), True)
    red = torch.tensor([0.5, 0.1, 0.05]).reshape(3, 1, 1)
    warm = _correct(replace(meta, light=meta.illuminants[0]), red).pixels
    cool = _correct(replace(meta, light=meta.illuminants[1]), red).pixels
    assert float((warm - cool).abs().max()) > 0.005


def test_without_matrices_colours_are_taken_for_srgb() -> None:
    pixels = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(1))
    out = _correct(Metadata(), pixels).pixels
    assert torch.allclose(out, spaces.apply(spaces.between("srgb", "rec2020"), pixels), atol=1e-6)


@pytest.mark.parametrize(
    "broken",
    [
        {"color_matrix": (((0.0,) * 3,) * 3,)},
        {"color_matrix": (((float("nan"),) * 3,) * 3,)},
        {"color_matrix": (((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),)},
        {"forward_matrix": (((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0)),)},
        {"white": (0.0, 0.0, 0.0)},
    ],
)
def test_broken_tags_still_give_a_picture(broken: dict[str, Any]) -> None:
    meta = replace(_maker(_analytic_camera(), _smooth_reflectances(50), False), **broken)
    out = _correct(meta, torch.rand(3, 4, 4))
    assert torch.isfinite(out.pixels).all()
    assert float(out.pixels.abs().max()) < 20


def test_monochrome_passes_unchanged() -> None:
    pixels = torch.rand(1, 6, 5).repeat(3, 1, 1)
    assert torch.equal(_correct(Metadata(cfa=("W",)), pixels).pixels, pixels)


def test_noise_after_the_matrix_is_what_is_measured() -> None:
    meta = replace(
        _maker(_analytic_camera(), _smooth_reflectances(), True),
        light=(0.3127, 0.329),
        noise=((0, 1e-4), (0, 4e-4), (0, 2e-4)),
    )
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(3, 300, 300, generator=generator) * torch.tensor([0.01, 0.02, 0.01414])[:, None, None]
    out = _correct(meta, 0.3 + noise)
    measured = out.pixels.reshape(3, -1).var(1)
    for (_, b), v in zip(out.meta.noise, measured, strict=True):
        assert b == pytest.approx(float(v), rel=0.03)


def test_a_forward_matrix_and_its_inverse_colour_matrix_agree() -> None:
    """For a camera that sees exactly through a matrix, both paths end in the same colours at the calibration light."""
    camera = np.linalg.inv(np.array([[0.6, 0.3, 0.1], [0.25, 0.8, -0.05], [0.0, 0.1, 0.9]]))
    light = (0.3127, 0.3290)
    white = camera @ spaces.xyz_of(light).numpy()
    forward = spaces.adaptation(light, spaces.D50).numpy() @ np.linalg.inv(camera) @ np.diag(white)
    meta = Metadata(color_matrix=(_tuples(camera),), illuminants=(light,))
    both = replace(meta, forward_matrix=(_tuples(forward),))
    assert torch.allclose(Camera(meta).to_rec2020(light), Camera(both).to_rec2020(light), atol=1e-5)


def test_calibration_and_analog_balance_describe_the_body() -> None:
    """The same scene through a body whose channels differ from the ideal ones ends in the same colours."""
    meta = replace(_maker(_analytic_camera(), _smooth_reflectances(), True))
    ideal = Camera(meta)
    balance, body = (1.2, 1.0, 0.8), ((1.05, 0.02, 0.0), (0.0, 0.97, 0.01), (0.01, 0.0, 1.1))
    other = Camera(replace(meta, analog_balance=balance, calibration=(body, body)))
    xy = (0.36, 0.37)
    change = np.diag(balance) @ np.array(body)
    scene = np.array([0.3, 0.4, 0.2])
    seen = change @ scene

    def developed(camera: Camera, rgb: np.ndarray) -> np.ndarray:
        return np.asarray(camera.to_rec2020(xy).double().numpy() @ (rgb / np.array(camera.neutral(xy))))

    a, b = developed(ideal, scene), developed(other, seen)
    assert np.allclose(a / a[1], b / b[1], rtol=2e-3)


def test_reading_is_not_needed() -> None:
    stage: Callable[..., Any] = ColorCorrect().process
    image = Image(torch.rand(3, 2, 2), State.BALANCED)
    assert torch.isfinite(stage(image, Reading(), None)).all()
