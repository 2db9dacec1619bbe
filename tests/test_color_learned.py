"""Learned colour correction: grey, exposure and noise by property, the network's bounds, what it is worth on unseen cameras."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modisp import weights
from modisp.color import spaces
from modisp.color.camera import Camera
from modisp.color.difference import lab, linear_frame
from modisp.color.traits import COUNT, traits
from modisp.image import Image, Metadata, State
from modisp.metrics import delta_e
from modisp.nets.color import BOUND, TRAITS, Color
from modisp.operators import calibration, rational
from modisp.operators.chartfit import chart_fit
from modisp.operators.rational import TERMS, correct, terms
from modisp.simulate import charts, spectra, world_makers
from modisp.simulate.cameras import camera as simulated
from modisp.stages.color_correct import ColorCorrect
from modisp.stages.color_correct_learned import ColorCorrectLearned
from modisp.stages.white_balance import WhiteBalance

LIGHTS = ("A", "D50", "D65", "FL2", "LED-B3")


def _numbers(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    skew = 0.3 * torch.randn(3, 3, generator=g)
    # rows sum to 1 without a division, which now and then would be by nearly nothing
    return torch.eye(3) + skew - skew.mean(1, keepdim=True), 0.15 * torch.randn(3, TERMS, generator=g)


def _seen(name: str, light: str) -> Image:
    """A camera's picture of the ColorChecker, with a careful maker's matrices."""
    body, lamp = simulated(name), spectra.light(light)
    assert body.sensitivity is not None
    rgb, n = body.response(spectra.colorchecker(), lamp), body.neutral(lamp)
    meta = world_makers.clean(body.sensitivity).metadata(make="modisp", model=name, white=tuple(float(v) for v in n))
    return Image(torch.tensor(rgb.T.reshape(3, 4, 6)).float(), State.CAMERA, meta)


# --- the closed form ------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.floats(-0.1, 8.0))
def test_grey_stays_grey_to_the_last_bit(seed: int, level: float) -> None:
    grey = torch.full((3, 5, 7), level)
    assert torch.equal(correct(*_numbers(seed), grey), grey)


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.floats(1.0, 60.0))
def test_exposure_scales_the_correction(seed: int, k: float) -> None:
    """Within 1 % of the correction wherever the darker of the two has a channel sum of 0.1 or more."""
    matrix, numbers = _numbers(seed)
    x = torch.rand(3, 20, 50, generator=torch.Generator().manual_seed(seed))
    x = x * (0.1 + x.sum(0)) / x.sum(0) * 1.0001  # sums from 0.1 on

    def extra(v: torch.Tensor) -> torch.Tensor:
        return correct(matrix, numbers, v).double() - spaces.apply(matrix, v).double()

    once, more = extra(x), extra(k * x) / k
    assert float(((more - once).norm(dim=0) - 0.01 * once.norm(dim=0)).max()) < 1e-5


def test_the_correction_fades_in_the_dark() -> None:
    matrix, numbers = _numbers(1)
    x = torch.tensor([0.7, 0.2, 0.1]).reshape(3, 1, 1)
    share = [
        float((correct(matrix, numbers, k * x) - spaces.apply(matrix, k * x)).norm()) / k
        for k in (1, 0.1, rational.FADE, 1e-3, 1e-5)
    ]
    assert share == sorted(share, reverse=True)
    assert share[2] == pytest.approx(share[0] / 2, rel=0.02)
    assert share[-1] < 1e-3 * share[0]


def test_nothing_but_the_matrix_where_all_numbers_are_zero() -> None:
    matrix, _ = _numbers(2)
    x = torch.randn(3, 40, 30, generator=torch.Generator().manual_seed(3))
    assert torch.allclose(correct(matrix, torch.zeros(3, TERMS), x), spaces.apply(matrix, x), atol=1e-6)


def test_the_kernel_is_the_matrix_and_the_terms_alone_or_together() -> None:
    matrix, numbers = _numbers(4)
    x = 0.1 + 0.9 * torch.rand(3, 61, 53, generator=torch.Generator().manual_seed(5))
    whole = correct(matrix, numbers, x)
    assert torch.allclose(
        whole.reshape(3, -1), matrix @ x.reshape(3, -1) + numbers @ terms(x.reshape(3, -1)), atol=2e-4
    )
    assert torch.equal(correct(matrix, numbers, x[:, 3:, 5:7]), whole[:, 3:, 5:7])


def test_terms_are_bounded_and_finite() -> None:
    x = torch.tensor([[0.0, 1, 0, 0, -1, 1e-9, 1e4], [0.0, 0, 1, 0, -2, 0, 0], [0.0, 0, 0, 1, 3, 0, 1e4]])
    out = terms(x)
    assert out.shape == (TERMS, 7)
    assert torch.isfinite(out).all()
    assert bool((out.abs() <= x.clamp_min(0).amax(0) + 1e-6).all())
    assert float(out[:3].sum(0).abs().max()) < 1e-3  # of 1e4


# --- small differences, the chart's ridge -------------------------------------------------------------------------------------


def test_the_local_frame_measures_small_differences() -> None:
    g = torch.Generator().manual_seed(7)
    rgb = 0.05 + 0.8 * torch.rand(400, 3, generator=g, dtype=torch.float64)
    small = 1e-4 * torch.randn(400, 3, generator=g, dtype=torch.float64)
    told = (linear_frame(rgb) @ small[..., None])[..., 0].norm(dim=1)
    true = delta_e(lab(rgb), lab(rgb + small))
    assert float(((told - true).abs() / true).max()) < 0.02


def test_a_chart_asks_for_what_was_put_in() -> None:
    matrix, numbers = _numbers(8)
    wanted = torch.from_numpy(charts.reference("colorchecker24", 5000)).float().clamp_min(0.01)
    seen = wanted @ torch.linalg.inv(matrix).T
    bent = seen @ matrix.T - 0.3 * (numbers @ terms(seen.T)).T
    found = chart_fit(seen, bent, wanted, stiff=0.05)
    left = bent + (found @ terms(seen.T)).T
    before, after = (delta_e(lab(v), lab(wanted)).mean() for v in (bent, left))
    assert float(after) < 0.15 * float(before)


# --- the network ------------------------------------------------------------------------------------------------------------


def test_the_network_is_bounded_and_may_do_without_a_chart() -> None:
    torch.manual_seed(0)
    net, told = Color().requires_grad_(False), 3 * torch.randn(5, TRAITS)
    chart = 5 * torch.randn(5, 3 * TERMS + 2)
    plain = net(told)
    assert plain.shape == (5, 3, TERMS)
    assert float(net(told, chart).abs().max()) <= BOUND + 1e-6
    assert torch.allclose(net(told, chart, torch.zeros(5, 1)), plain, atol=1e-6)
    assert not torch.allclose(net(told, chart), plain, atol=1e-3)


def test_what_tells_cleanly_made_matrices_apart_means_nothing_in_others() -> None:
    torch.manual_seed(1)
    net = Color().requires_grad_(False)
    clean = torch.randn(4000, TRAITS) * torch.where(torch.arange(TRAITS) < 16, 0.2, 0.004)
    net.compare(clean)
    nudge = torch.zeros(TRAITS)
    nudge[20:28] = 0.01  # little to look at, and more than these vary
    careful, careless = clean[:50], clean[:50] + 0.5 * torch.randn(50, TRAITS)
    moved = [float((net(t + nudge) - net(t)).abs().mean()) for t in (careful, careless)]
    assert moved[0] > 3 * moved[1]


def test_strange_cameras_are_not_trusted() -> None:
    net, known = Color(), torch.randn(4000, TRAITS, generator=torch.Generator().manual_seed(1))
    net.remember(known)
    assert float(net.trust(known).min()) == 1
    assert float(net.trust(known[:1] + 9).max()) == 0


def test_traits_are_finite_and_tell_lights_and_cameras_apart() -> None:
    a, b = (_seen(n, "D50").meta for n in ("aster", "clover"))
    told = traits(Camera.of(a), (0.3457, 0.3585))
    assert told.shape == (COUNT,) == (TRAITS,)
    assert torch.isfinite(told).all()
    assert not torch.allclose(told[:24], traits(Camera.of(b), (0.3457, 0.3585))[:24], atol=0.02)
    warm = traits(Camera.of(a), (0.45, 0.41))
    assert torch.equal(told[:28], warm[:28])
    assert float(warm[-2]) > float(told[-2]) + 1


def test_the_shipped_weights_are_worth_it_on_unseen_cameras(data: Path) -> None:
    """The figures that the stage is shipped for, on 13 cameras left out of training; `modisp bench color` shows them all."""
    if not (data / "colour" / "camera").is_dir():
        pytest.skip("there are no camera sensitivities among the data")
    from modisp.bench import color

    net, card = weights.load("color_correct")
    assert card.parameters < 200_000
    shots = color.shots(data)
    rows = color.measure(
        {"matrices": color.matrices, "learned": color.learned(net), "chart": color.learned(net, True)}, shots
    )
    mean = {(r.method, r.maker): r.figures()["mean"] for r in rows}
    by = {(r.method, r.maker): r for r in rows}
    assert mean["learned", "clean"] <= 0.64 * mean["matrices", "clean"]
    assert mean["learned", "varied"] <= 0.6 * mean["matrices", "varied"]
    assert mean["chart", "varied"] <= 0.5 * mean["matrices", "varied"]
    for kind in color.MAKERS:
        assert max(color.share(by["learned", kind], by["matrices", kind], c) for c in by["learned", kind].errors) <= 0.9
    assert max(v for most in color.noise(net, shots).values() for v in most.values()) <= 1.05


def test_the_tables_name_every_camera_and_every_set_of_reflectances(data: Path) -> None:
    if not (data / "colour" / "camera").is_dir():
        pytest.skip("there are no camera sensitivities among the data")
    from modisp.bench import color

    compared = {m: color.methods(weights.load("color_correct")[0])[m] for m in color.UNKNOWN}
    found = {s: color.measure(compared, color.shots(data, "Panasonic", s)) for s in color.SURFACES}
    assert len({tuple(rows[0].figures().values()) for rows in found.values()}) == len(color.SURFACES)
    text = color.markdown(found["measured"], found, {"ISO 100": dict.fromkeys(color.GREYS, 1.0)}, 0.1)
    row = found["smooth"][-1]
    assert row.errors and all(text.count(f"\n| {camera} |") == len(color.MAKERS) for camera in row.errors)
    assert f"| smooth | {row.maker} | {row.method} | {row.figures()['mean']:.2f} |" in text


# --- the stage --------------------------------------------------------------------------------------------------------------


def _scene(image: Image, stage: Any) -> Image:
    return stage(WhiteBalance()(image))  # type: ignore[no-any-return]


@pytest.mark.parametrize("light", LIGHTS)
def test_a_chart_is_truer_than_by_the_matrices(light: str) -> None:
    errors = []
    for stage in (ColorCorrect(), ColorCorrectLearned()):
        error = 0.0
        for name in ("aster", "bellis", "clover"):
            made = _scene(_seen(name, light), stage).pixels.reshape(3, 24).T.double()
            wanted = torch.from_numpy(spectra.colorchecker() @ charts.to_rec2020(spectra.light(light)))
            error += float(delta_e(lab(made * (wanted[21, 1] / made[21, 1])), lab(wanted)).mean()) / 3
        errors.append(error)
    assert errors[1] < 0.92 * errors[0]


def test_strength_0_is_the_matrices_alone_and_between_it_blends() -> None:
    image = _seen("aster", "D50")
    alone = _scene(image, ColorCorrect()).pixels
    none, half, full = (_scene(image, ColorCorrectLearned(strength=s)).pixels for s in (0.0, 0.5, 1.0))
    assert torch.equal(none, alone)
    assert torch.allclose(half, (none + full) / 2, atol=1e-5)
    assert float((full - none).abs().max()) > 0.003


def test_the_reading_says_what_the_colours_rest_on() -> None:
    image = _seen("aster", "D50")
    matrices = image.meta.color_matrix
    known = ColorCorrectLearned().measure(_probe(image))
    assert known.values["source"] == "matrices"
    guess = ColorCorrectLearned().measure(_probe(replace(image, meta=Metadata(white=(0.5, 1.0, 0.6)))))
    assert guess.values["source"] == "guess"
    assert "guess" in guess.values["words"]
    apart = np.array([[1.5, -0.5, 0.0], [-0.2, 1.4, -0.2], [0.0, -0.5, 1.5]])  # as no filters part colours
    odd: Any = tuple(tuple(map(tuple, (apart @ np.array(m)).tolist())) for m in matrices)
    strange = ColorCorrectLearned().measure(_probe(replace(image, meta=replace(image.meta, color_matrix=odd))))
    assert strange.values["source"] == "strange"


def _probe(image: Image) -> Any:
    from modisp.stage import Probe

    return Probe.of(WhiteBalance()(image))


def test_a_camera_without_matrices_gets_a_usable_one() -> None:
    errors: dict[str, list[float]] = {"srgb": [], "guess": []}
    for name in ("aster", "bellis", "clover"):
        for light in ("D50", "D65", "A"):
            image = _seen(name, light)
            blind = replace(image, meta=Metadata(white=image.meta.white))
            wanted = torch.from_numpy(spectra.colorchecker() @ charts.to_rec2020(spectra.light(light)))
            for key, stage in (("srgb", ColorCorrect()), ("guess", ColorCorrectLearned())):
                made = _scene(blind, stage).pixels.reshape(3, 24).T.double()
                errors[key].append(float(delta_e(lab(made * (wanted[21, 1] / made[21, 1])), lab(wanted)).mean()))
    assert np.mean(errors["guess"]) < 0.6 * np.mean(errors["srgb"])
    grey = torch.full((3, 4, 4), 0.4)
    balanced = Image(
        grey, State.BALANCED, Metadata(white=(0.5, 1.0, 0.6), gains=(2.0, 1.0, 1.7), light=(0.3127, 0.329))
    )
    assert torch.equal(ColorCorrectLearned()(balanced).pixels, grey)


@pytest.mark.parametrize("centre", [450, 465, 635, 660])
def test_lamps_of_one_colour_keep_their_hue_without_steps(centre: int) -> None:
    """From white to the pure lamp, in 200 steps: hue errs less than by the matrix, and never jumps."""
    body, lamp = simulated("aster"), spectra.light("D65")
    assert body.sensitivity is not None
    band = np.exp(-0.5 * ((spectra.WAVELENGTHS - centre) / 10) ** 2)
    share = np.linspace(0, 1, 200)[:, None]
    light = (1 - share) + share * band
    n = body.neutral(lamp)
    meta = world_makers.clean(body.sensitivity).metadata(white=tuple(float(v) for v in n))
    image = Image(torch.tensor(body.response(light, lamp).T[:, None]).float(), State.CAMERA, meta)
    wanted = _hue(torch.from_numpy(light @ charts.to_rec2020(lamp)))
    error = {}
    for stage in (ColorCorrect(), ColorCorrectLearned()):
        hue = _hue(_scene(image, stage).pixels[:, 0].T.double())
        error[stage.name] = float(_turn(hue - wanted)[60:].abs().mean())
        assert float(_turn(hue[61:] - hue[60:-1]).abs().max()) < 4.5
    assert error["color_correct_learned"] < max(5.0, 1.2 * error["color_correct"])


def _hue(rgb: torch.Tensor) -> torch.Tensor:
    _, a, b = lab(rgb).unbind(-1)
    return torch.rad2deg(torch.atan2(b, a))


def _turn(degrees: torch.Tensor) -> torch.Tensor:
    return (degrees + 180) % 360 - 180


def test_monochrome_is_left_to_the_closed_form() -> None:
    assert not ColorCorrectLearned.accepts(Metadata(cfa=("W",)))
    assert ColorCorrectLearned.accepts(Metadata())


# --- calibrations -----------------------------------------------------------------------------------------------------------


def _calibration(light: str = "D50") -> calibration.Calibration:
    image = _seen("aster", light)
    n = torch.tensor(image.meta.white)
    seen = (image.pixels.reshape(3, 24) / n[:, None]).T
    # as if this body saw red and blue otherwise than the maker's
    seen = seen @ torch.tensor([[0.9, 0.06, 0.04], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]])
    wanted = charts.reference("colorchecker24", 5000)
    rows = [tuple(tuple(float(v) for v in row) for row in m) for m in (seen.tolist(), wanted)]
    return calibration.Calibration("modisp aster", "colorchecker24", image.meta.white, rows[0], rows[1])  # type: ignore[arg-type]


def test_a_calibration_is_used_for_its_camera_alone(home: Path) -> None:
    stage, image = ColorCorrectLearned(), _seen("aster", "D50")
    before, digest = _scene(image, stage).pixels, stage.weights_digest()
    path = calibration.path_of("modisp-aster")
    path.parent.mkdir(parents=True)
    path.write_text(_calibration().dump())
    assert stage.weights_digest() != digest
    assert float((_scene(image, stage).pixels - before).abs().max()) > 0.01
    assert stage.measure(_probe(image)).values["source"] == "chart"
    other = replace(image, meta=replace(image.meta, model="bellis"))
    assert torch.equal(_scene(other, stage).pixels, before)


def test_a_calibration_says_less_under_other_lights(home: Path) -> None:
    changes = {}
    for light in ("D50", "A"):
        image, stage = _seen("aster", light), ColorCorrectLearned()
        path = calibration.path_of("modisp-aster")
        path.unlink(missing_ok=True)
        before = _scene(image, stage).pixels
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_calibration().dump())
        changes[light] = float((_scene(image, stage).pixels - before).abs().mean())
    assert changes["A"] < changes["D50"]


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"seen": [[0.1, 0.2]]}, {"white": [0, 1, 1]}, {"wanted": [[0.1, 0.2, 0.3]]}, {"seen": "much"}],
)
def test_a_broken_calibration_is_named_in_one_sentence(change: dict[str, Any], home: Path) -> None:
    path = calibration.path_of("modisp-aster")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(json.loads(_calibration().dump()) | change))
    with pytest.raises(ValueError, match="is no calibration that can be used"):
        calibration.find("modisp-aster")
    for text in ("[1]", '{"format": 1}', "{"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"is no calibration that can be used") as why:
            calibration.find("modisp-aster")
        assert "__init__" not in str(why.value)
    with pytest.raises(ValueError, match="is no calibration that can be used"):
        _scene(_seen("aster", "D50"), ColorCorrectLearned())


def test_a_calibration_comes_back_as_it_was_written() -> None:
    own = _calibration()
    assert calibration.parse(json.loads(own.dump())) == own
