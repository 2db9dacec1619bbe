"""The colour room: spaces, transfer functions, white points, cameras and gamuts, against colour-science where it can tell."""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modisp.color import gamut, spaces, transfer, white
from modisp.color.camera import Camera
from modisp.color.difference import lab
from modisp.color.illuminant import estimate
from modisp.image import Metadata
from modisp.metrics import delta_e

NAMES = {"rec2020": "ITU-R BT.2020", "srgb": "sRGB", "display-p3": "Display P3", "adobe-rgb": "Adobe RGB (1998)"}


@lru_cache(maxsize=1)
def _colour() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import colour
    return colour


def _colours(n: int = 21) -> torch.Tensor:
    t = torch.linspace(0, 1, n)
    return torch.stack(torch.meshgrid(t, t, t, indexing="ij")).reshape(3, 1, -1)


# --- spaces -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_matrices_are_those_of_the_standards(name: str) -> None:
    space = _colour().RGB_COLOURSPACES[NAMES[name]]
    assert np.allclose(spaces.between64(name, "xyz").numpy(), space.matrix_RGB_to_XYZ, atol=2e-4)


def test_adaptation_is_bradford() -> None:
    colour = _colour()
    want = colour.adaptation.matrix_chromatic_adaptation_VonKries(
        spaces.xyz_of(spaces.D65).numpy(), spaces.xyz_of(spaces.D50).numpy(), "Bradford"
    )
    assert np.allclose(spaces.between64("xyz", "xyz-d50").numpy(), want, atol=1e-6)


@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("b", NAMES)
def test_greys_stay_greys_to_the_last_bit(a: str, b: str) -> None:
    grey = torch.linspace(-0.2, 3, 1001).reshape(1, 7, 143).repeat(3, 1, 1)
    assert torch.equal(spaces.apply(spaces.between(a, b), grey), grey)


def test_there_and_back() -> None:
    x = _colours()
    for a in spaces.SPACES:
        for b in spaces.SPACES:
            back = spaces.apply(spaces.between(b, a), spaces.apply(spaces.between(a, b), x))
            assert torch.allclose(back, x, atol=2e-5), (a, b)


def test_luma_is_the_luminance_of_rec2020() -> None:
    assert np.allclose(spaces.between64("rec2020", "xyz")[1].numpy(), spaces.LUMA, atol=1e-4)


def test_what_was_first_asked_for_without_gradients_serves_with_them() -> None:
    spaces.between.cache_clear()
    with torch.inference_mode():
        spaces.between("adobe-rgb", "display-p3")
    x = torch.rand(3, 4, 4, requires_grad=True)
    spaces.apply(spaces.between("adobe-rgb", "display-p3"), x).sum().backward()
    assert x.grad is not None


def test_unknown_names_are_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match="not a colour space; choose one of rec2020"):
        spaces.between("srgb", "cmyk")
    with pytest.raises(ValueError, match="no transfer function"):
        transfer.encode("xyz", torch.zeros(1))


def test_the_curve_of_srgb_that_gradients_pass_is_the_same() -> None:
    x = torch.linspace(0, 1.2, 2401, requires_grad=True)
    there = transfer.srgb_encode(x)
    assert torch.allclose(there, transfer.encode("srgb", x.detach()), atol=1e-6)
    back = transfer.srgb_decode(there)
    assert torch.allclose(back, x, atol=1e-6)
    there.sum().backward()
    assert x.grad is not None and bool((x.grad > 0).all()) and float(x.grad.max()) < 13


def test_oklab_is_ottossons() -> None:
    x = _colours(7)
    xyz = spaces.apply(spaces.between("rec2020", "xyz"), x).reshape(3, -1).T.numpy()
    want = _colour().XYZ_to_Oklab(xyz)
    assert np.abs(spaces.oklab(x).reshape(3, -1).T.numpy() - want).max() < 1e-3


def test_oklab_there_and_back_and_greys() -> None:
    x = _colours()
    assert torch.allclose(spaces.from_oklab(spaces.oklab(x)), x, atol=5e-6)
    grey = torch.linspace(0, 1, 100).reshape(1, 1, 100).repeat(3, 1, 1)
    assert float(spaces.oklab(grey)[1:].abs().max()) < 1e-6
    assert torch.allclose(spaces.oklab(grey)[0], grey[0] ** (1 / 3), atol=1e-6)


# --- transfer -----------------------------------------------------------------------------------------------------------


def test_curves_are_those_of_the_standards() -> None:
    colour, x = _colour(), np.linspace(0, 1, 4001)
    wants = {
        "srgb": colour.models.eotf_inverse_sRGB(x),
        "display-p3": colour.models.eotf_inverse_sRGB(x),
        "adobe-rgb": colour.RGB_COLOURSPACES["Adobe RGB (1998)"].cctf_encoding(x),
        "rec2020": colour.models.oetf_BT2020(x, is_12_bits_system=True),
        "linear": x,
    }
    for space, want in wants.items():
        got = transfer.encode(space, torch.tensor(x)).numpy()
        assert np.abs(got - want).max() < 2e-4 if space == "rec2020" else np.abs(got - want).max() < 1e-6, space


@pytest.mark.parametrize("space", transfer.TRANSFERS)
def test_curves_there_and_back_mirrored_and_rising(space: str) -> None:
    x = torch.linspace(-2, 2, 20001, dtype=torch.float64)
    y = transfer.encode(space, x)
    assert torch.allclose(transfer.decode(space, y), x, atol=1e-6)
    assert torch.equal(y, -transfer.encode(space, -x))
    assert bool((y.diff() > 0).all())


@pytest.mark.parametrize("space", [s for s in transfer.TRANSFERS if s != "linear"])
def test_the_table_is_the_curve(space: str) -> None:
    x = torch.cat([torch.linspace(0, 1, 100_001), torch.logspace(-7, -1, 10_001)])
    error = (transfer.encode_display(space, x) - transfer.encode(space, x.double())).abs().max()
    assert float(error) * 65535 < 0.75 if space != "adobe-rgb" else float(error) * 65535 < 1.5
    odd = torch.tensor([-1.0, 2.0, float("nan"), 0.0, 1.0])
    assert transfer.encode_display(space, odd).tolist() == [0.0, 1.0, 0.0, 0.0, pytest.approx(1.0)]


# --- white --------------------------------------------------------------------------------------------------------------


@given(st.floats(40, 500), st.floats(-150, 150))
def test_temperature_and_tint_come_back(mired: float, tint: float) -> None:
    kelvin, back = white.kelvin_from_xy(white.xy_from_kelvin(1e6 / mired, tint))
    assert kelvin == pytest.approx(1e6 / mired, rel=1e-6)
    assert back == pytest.approx(tint, abs=1e-4)


@pytest.mark.parametrize("name", ["D50", "D55", "D65", "D75", "A"])
def test_standard_illuminants_have_tint_zero(name: str) -> None:
    kelvin = {"D50": 5003, "D55": 5503, "D65": 6504, "D75": 7504, "A": 2856}[name]
    xy = _colour().CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"][name]
    found, tint = white.kelvin_from_xy(xy)
    assert found == pytest.approx(kelvin, rel=5e-4)
    assert abs(tint) < 0.1


def test_temperature_is_the_correlated_one() -> None:
    colour, rng = _colour(), np.random.default_rng(2)
    for _ in range(40):
        kelvin, duv = rng.uniform(2200, 12000), rng.uniform(-0.015, 0.015)
        xy = colour.UCS_uv_to_xy(colour.temperature.CCT_to_uv_Ohno2013(np.array([kelvin, duv])))
        assert white.kelvin_from_xy(xy)[0] == pytest.approx(kelvin, rel=2e-3)


def test_there_is_no_jump_between_the_loci() -> None:
    kelvins = np.arange(2000, 25000, 5.0)
    xy = np.array([white.xy_from_kelvin(k) for k in kelvins])
    steps = np.linalg.norm(np.diff(xy, axis=0), axis=1) / np.diff(1e6 / kelvins).__abs__()
    assert steps.max() < 1.2e-3  # per mired
    assert np.abs(np.diff(steps)).max() < 1e-5


def test_a_positive_tint_means_a_greener_light() -> None:
    _, y0 = white.xy_from_kelvin(5000, 0)
    _, y1 = white.xy_from_kelvin(5000, 50)
    assert y1 > y0 + 0.005


@given(st.floats(0.01, 0.9), st.floats(0.01, 0.9))
def test_any_chromaticity_has_a_temperature(x: float, y: float) -> None:
    kelvin, tint = white.kelvin_from_xy((x, y))
    assert 1499.9 <= kelvin <= 100_001 and math.isfinite(tint)


# --- camera -------------------------------------------------------------------------------------------------------------

A, D50, D65 = (0.44758, 0.40745), (0.34567, 0.3585), (0.3127, 0.3290)
WARM = ((1.05, -0.42, -0.06), (-0.46, 1.23, 0.25), (-0.09, 0.17, 0.72))
COOL = ((0.94, -0.32, -0.08), (-0.45, 1.24, 0.23), (-0.09, 0.18, 0.79))
MIDDLE = ((1.00, -0.36, -0.07), (-0.45, 1.20, 0.24), (-0.08, 0.17, 0.76))
SETS = {
    "one": Metadata(color_matrix=(COOL,), illuminants=(D65,)),
    "two": Metadata(color_matrix=(WARM, COOL), illuminants=(A, D65)),
    "two, swapped": Metadata(color_matrix=(COOL, WARM), illuminants=(D65, A)),
    "two, body": Metadata(color_matrix=(WARM, COOL), illuminants=(A, D65), analog_balance=(1.1, 1, 0.9)),
    "three": Metadata(color_matrix=(WARM, COOL, MIDDLE), illuminants=(A, D65, D50)),
    "none": Metadata(),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("kelvin", [2300, 2856, 3500, 4500, 5003, 6504, 9000, 20000])
@pytest.mark.parametrize("tint", [-40, 0, 15])
def test_light_and_response_come_back(name: str, kelvin: float, tint: float) -> None:
    camera = Camera(SETS[name])
    xy = camera.light(white.xy_from_kelvin(kelvin, tint))
    found, back = white.kelvin_from_xy(camera.xy(camera.neutral(xy)))
    want, want_tint = white.kelvin_from_xy(xy)
    assert found == pytest.approx(want, rel=1e-3)
    assert back == pytest.approx(want_tint, abs=0.1)


def test_matrices_are_interpolated_by_inverse_temperature() -> None:
    camera = Camera(SETS["two"])
    t1, t2 = (white.kelvin_from_xy(xy)[0] for xy in (A, D65))
    kelvin = 2 / (1 / t1 + 1 / t2)
    xy = white.xy_from_kelvin(kelvin)
    want = (np.array(WARM) + np.array(COOL)) / 2 @ spaces.xyz_of(xy).numpy()
    assert np.allclose(camera.neutral(xy), want / want.max(), atol=1e-6)
    for xy, matrix in ((A, WARM), (D65, COOL)):
        want = np.array(matrix) @ spaces.xyz_of(xy).numpy()
        assert np.allclose(camera.neutral(xy), want / want.max(), atol=1e-4)


def test_the_order_of_the_illuminants_does_not_matter() -> None:
    xy = white.xy_from_kelvin(4000, 10)
    assert Camera(SETS["two"]).neutral(xy) == pytest.approx(Camera(SETS["two, swapped"]).neutral(xy))


@pytest.mark.parametrize("name", SETS)
def test_every_light_gives_usable_gains_and_matrices(name: str) -> None:
    camera = Camera(SETS[name])
    for kelvin in (2000, 3000, 5000, 25000):
        for tint in (-150, -60, 60, 150):
            xy = white.xy_from_kelvin(kelvin, tint)
            assert min(camera.neutral(xy)) >= 0.01 and max(camera.neutral(xy)) == pytest.approx(1)
            matrix = camera.to_rec2020(xy)
            assert torch.isfinite(matrix).all() and float(matrix.abs().max()) < 20
            assert torch.allclose(matrix.sum(1), torch.ones(3), atol=1e-5)


def test_a_camera_is_remembered() -> None:
    assert Camera.of(SETS["two"]) is Camera.of(Metadata(color_matrix=(WARM, COOL), illuminants=(A, D65), iso=100.0))
    assert Camera.of(SETS["two"]) is not Camera.of(SETS["one"])


# --- the light of a picture ----------------------------------------------------------------------------------------------


def _scene(seed: int) -> torch.Tensor:
    """A picture of patches whose reflectances scatter about grey, with edges and texture."""
    g = torch.Generator().manual_seed(seed)
    level = torch.rand(1, 16, 24, generator=g) * 0.7 + 0.02
    colour = 1 + 0.35 * torch.randn(3, 16, 24, generator=g)
    patches = (level * colour.clamp_min(0.05)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    return (patches * (1 + 0.1 * torch.randn(1, 128, 192, generator=g))).clamp(0, 1.2)


@pytest.mark.parametrize("kelvin", [2856, 3800, 5003, 6504, 9000])
def test_the_light_is_found(kelvin: float) -> None:
    camera = Camera(SETS["two"])
    errors = []
    for seed in range(4):
        neutral = torch.tensor(camera.neutral(white.xy_from_kelvin(kelvin)))[:, None, None]
        xy, confidence = estimate((_scene(seed) * neutral).clamp(max=1), camera)
        assert 0 < confidence <= 1
        errors.append(abs(1e6 / white.kelvin_from_xy(xy)[0] - 1e6 / kelvin))
    assert np.mean(errors) < 35  # mired; a blue sky and a red wall differ by hundreds


def test_clipped_pixels_do_not_tell() -> None:
    camera, scene = Camera(SETS["two"]), _scene(1)
    picture = scene * torch.tensor(camera.neutral(white.xy_from_kelvin(3000)))[:, None, None]
    spoilt = picture.clamp(max=0.9)
    spoilt[:, :60, :60] = 1.0
    picture = picture.clamp(max=0.9)
    picture[:, :60, :60] = 0.0
    a, b = (white.kelvin_from_xy(estimate(p, camera)[0])[0] for p in (picture, spoilt))
    assert 1e6 / a == pytest.approx(1e6 / b, abs=6)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1])
def test_nothing_to_see_is_usual_light(value: float) -> None:
    xy, confidence = estimate(torch.full((3, 40, 60), value), Camera(SETS["two"]))
    assert confidence == 0.0
    assert white.kelvin_from_xy(xy) == pytest.approx((5263, 0), rel=1e-3, abs=0.1)


# --- gamut --------------------------------------------------------------------------------------------------------------


def _reach(linear: torch.Tensor, space: str) -> torch.Tensor:
    """Reach by its definition, from Oklab lightness."""
    grey = spaces.oklab(spaces.apply(spaces.between(space, "rec2020"), linear))[0] ** 3
    return torch.maximum((linear - grey) / (1 - grey).clamp_min(1e-6), (grey - linear) / grey.clamp_min(1e-6)).amax(0)


def _mapped(rec2020: torch.Tensor, space: str) -> tuple[torch.Tensor, torch.Tensor]:
    linear = spaces.apply(spaces.between("rec2020", space), rec2020)
    return linear, gamut.fit(linear, space)


@pytest.mark.parametrize("space", ["srgb", "display-p3", "adobe-rgb"])
def test_the_core_is_untouched_and_all_comes_inside(space: str) -> None:
    linear, out = _mapped(_colours(41), space)
    core = _reach(linear, space) < gamut.KNEE
    assert bool(core.any())
    assert float((out - linear)[:, core].abs().max()) < 3e-6
    assert float(out[:, ~core].min()) >= 0 and float(out[:, ~core].max()) <= 1


@pytest.mark.parametrize("space", ["srgb", "display-p3", "adobe-rgb"])
def test_no_colour_in_need_is_missed(space: str) -> None:
    linear, out = _mapped(_colours(61), space)
    lightness = spaces.oklab(spaces.apply(spaces.between(space, "rec2020"), linear))[0]
    need = (_reach(linear, space) > gamut.KNEE + 0.02) & (lightness > 0.01) & (lightness < 0.9999)
    assert bool((out != linear).any(0)[need].all())


def _hue(lab: torch.Tensor) -> torch.Tensor:
    return torch.atan2(lab[2], lab[1])


@pytest.mark.parametrize("space", ["srgb", "display-p3", "adobe-rgb"])
def test_hue_and_lightness_are_kept(space: str) -> None:
    x = _colours(31)
    _, out = _mapped(x, space)
    a, b = spaces.oklab(x), spaces.oklab(spaces.apply(spaces.between(space, "rec2020"), out))
    chroma = b[1:].norm(dim=0)
    turn = torch.sin((_hue(a) - _hue(b)) / 2).abs() * 2 * chroma
    assert float(turn.max()) < 0.004  # ΔE2000 of 0.4 or so at the most
    assert float((a[0] - b[0]).abs().max()) < 0.003


@pytest.mark.parametrize("rgb", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1)])
def test_ramps_into_saturation_are_smooth_and_hold_their_hue(rgb: tuple[int, int, int]) -> None:
    """From grey to a primary of Rec.2020, also by IPT (Ebner and Fairchild 1998), whose blues are no creation of Oklab."""
    t = torch.linspace(0, 1, 256)
    x = (0.18 * (1 - t) + 0.6 * t * torch.tensor(rgb, dtype=torch.float32)[:, None])[:, None]
    linear, out = _mapped(x, "srgb")
    assert bool((_reach(out, "srgb").diff() >= -2e-3).all())  # more never becomes less
    step = (out[:, 0].diff(dim=1)).abs().max()
    assert float(step) < 0.02
    colour = _colour()
    xyz = (spaces.apply(spaces.between("srgb", "xyz"), v)[:, 0].T.numpy() for v in (linear, out))
    ipt = [colour.XYZ_to_IPT(v) for v in xyz]
    # the last twentieth is left out: there the cone responses of IPT itself come near zero
    hues = [np.unwrap(np.arctan2(i[60:243, 2], i[60:243, 1])) for i in ipt]
    assert np.degrees(np.abs(hues[0] - hues[1])).max() < 6.0


def test_deep_blues_stay_blue_and_run_smoothly() -> None:
    """Towards them a channel hardly falls any more as chroma grows, where a step of Newton's would go anywhere."""
    few, many = torch.arange(0, 24, 2), torch.arange(64, 256, 8)
    encoded = torch.stack(torch.meshgrid(few, few, many, indexing="ij")).flatten(1) / 255
    out = transfer.encode("srgb", gamut.fit(transfer.decode("srgb", encoded), "srgb"))
    assert float((out - encoded).abs().max()) < 0.12
    t = torch.linspace(0, 1, 600)
    for level in (0.05, 0.4, 1.0):
        for beyond in (0.0, 0.004, 0.02, 0.04):
            pure = torch.tensor([-beyond, -beyond / 3, 1.0])[:, None]
            made = gamut.fit(level * ((1 - t) * 0.3 + t * pure), "srgb")
            seen = lab(spaces.apply(spaces.between("srgb", "rec2020"), made).double().T)
            assert float(delta_e(seen[1:], seen[:-1]).max()) < 1.0


def test_greys_are_not_touched() -> None:
    grey = torch.linspace(0, 1, 500).reshape(1, 500).repeat(3, 1)
    assert torch.equal(gamut.fit(grey, "srgb"), grey)


def test_the_bend_is_smooth_rising_and_below_one() -> None:
    r = torch.linspace(0, 4, 4001, dtype=torch.float64)
    y = torch.tensor([gamut.bend(float(v)) for v in r], dtype=torch.float64)
    assert torch.equal(y[r <= gamut.KNEE], r[r <= gamut.KNEE])
    assert bool((y.diff() > 0).all()) and float(y.max()) < 1 + 1e-7  # constants are float32
    assert float(y.diff().diff().abs().max()) < 1e-5 * 3
