"""The learned tone stage: one reading whatever the exposure, parts that can be taken out, styles that add up exactly."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from modisp.color.spaces import LUMA
from modisp.image import Image, Metadata, State
from modisp.pipeline import develop
from modisp.recipe import Look, Recipe
from modisp.stage import Probe, Reading
from modisp.stages.tone import Tone
from modisp.stages.tone_learned import ToneLearned
from modisp.style import Style, list_styles
from modisp.train.tone import lab

STRENGTHS = ("gain_strength", "curve_strength", "local_strength", "colour_strength")
META = Metadata(clip=(1.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def window() -> Image:
    """A dim room and a bright window, both with texture and colour: eight stops."""
    random = torch.Generator().manual_seed(5)
    field = torch.nn.functional.interpolate(torch.rand(1, 3, 20, 30, generator=random), (100, 150), mode="bicubic")[0]
    light = torch.full((100, 150), 0.02)
    light[20:60, 90:140] = 3.0
    return Image((field.clamp(0.05, 1) * light).contiguous(), State.SCENE, META)


def luma(pixels: torch.Tensor) -> torch.Tensor:
    return torch.einsum("c,chw->hw", torch.tensor(LUMA), pixels)


def test_the_same_scene_at_any_exposure_is_the_same_picture(window: Image) -> None:
    one = ToneLearned()(window).pixels
    brighter = Image(window.pixels * 5.0, State.SCENE, replace(META, clip=(5.0, 5.0, 5.0)))
    assert (ToneLearned()(brighter).pixels - one).abs().max() < 0.004


def test_a_lens_cap_stays_dark_and_a_dim_scene_of_no_sensor_does_not(window: Image) -> None:
    sensor = replace(META, light=(0.3127, 0.3290))
    noise = 1e-4 * torch.randn(3, 100, 150, generator=torch.Generator().manual_seed(1))
    assert luma(ToneLearned()(Image(noise, State.SCENE, sensor)).pixels).mean() < 0.02
    assert luma(ToneLearned()(Image(window.pixels * 2.0**-12, State.SCENE, META)).pixels).mean() > 0.1


@pytest.mark.parametrize("stage", [Tone, ToneLearned])
def test_blues_of_lamps_are_not_magnified_though_matrices_take_their_luminance(
    stage: type[Tone] | type[ToneLearned],
) -> None:
    wrong, pure = (
        torch.tensor([0.0215, -0.197, 1.006]),
        torch.tensor([0.0, 0.0, 1.006]),
    )  # of 450 nm: −7 and 6 % of blue
    level = torch.exp2(torch.linspace(-12, 0, 1200))
    room = torch.full((3, 40, 1200), 0.02)  # what the picture is exposed for
    rows = [(blue[:, None] * level)[:, None].expand(3, 8, -1) for blue in (wrong, pure)]
    shown = stage()(Image(torch.cat([room, *rows], 1).contiguous(), State.SCENE, META)).pixels[2].clamp(0, 1)
    told = shown[52] > 0.02
    share = shown[44][told] / shown[52][told]
    assert float(share.min()) > 0.2 and float(share.max()) < 1.9


def test_the_hands_exposure_leaves_local_light_where_it_was(window: Image) -> None:
    reading = ToneLearned().measure(Probe.of(window))
    up = Image(window.pixels * 2.0, State.SCENE, replace(META, clip=(2.0, 2.0, 2.0)))
    by_hand = ToneLearned().process(up, reading, None)
    by_gain = ToneLearned(gain_offsets=(1.0, 0.0, 0.0, 0.0, 0.0)).process(window, reading, None)
    assert (by_hand - by_gain).abs().max() < 1e-4
    assert (luma(by_hand) >= luma(ToneLearned().process(window, reading, None)) - 1e-6).all()


def test_without_local_light_places_do_not_matter(window: Image) -> None:
    reading = ToneLearned().measure(Probe.of(window))
    turned = Image(window.pixels.flip(1, 2).contiguous(), State.SCENE, META)
    flat, local = ToneLearned(local_strength=0.0), ToneLearned()
    same = flat.process(turned, reading, None).flip(1, 2) - flat.process(window, reading, None)
    moved = local.process(turned, reading, None).flip(1, 2) - local.process(window, reading, None)
    assert same.abs().max() < 1e-5 < 0.01 < moved.abs().max()


def test_local_light_holds_windows_back_and_opens_rooms(window: Image) -> None:
    reading = ToneLearned().measure(Probe.of(window))
    flat = luma(ToneLearned(local_strength=0.0).process(window, reading, None)).clamp_min(1e-4)
    local = luma(ToneLearned().process(window, reading, None)).clamp_min(1e-4)
    # flat, yet right: on the whole as bright as with local light
    assert abs(float(local.log2().mean() - flat.log2().mean())) < 0.6


@pytest.mark.parametrize("name", STRENGTHS)
def test_strengths_lead_smoothly_from_nothing_to_all(window: Image, name: str) -> None:
    reading = ToneLearned().measure(Probe.of(window))
    steps = [ToneLearned(**{name: k / 8}).process(window, reading, None) for k in range(9)]
    whole = float((steps[8] - steps[0]).abs().mean())
    if name != "curve_strength":
        assert whole > 1e-4
    ways = [float((s - steps[0]).abs().mean()) for s in steps]
    assert ways == sorted(ways)
    assert max(float((b - a).abs().mean()) for a, b in pairwise(steps)) < 0.5 * whole + 1e-5


def test_with_all_strengths_at_nothing_light_is_that_of_the_closed_form(window: Image) -> None:
    none = ToneLearned(**dict.fromkeys(STRENGTHS, 0.0))(window).pixels
    closed = Tone(auto=False)(window).pixels
    assert (luma(none).clamp_min(0).pow(1 / 3) - luma(closed).clamp_min(0).pow(1 / 3)).abs().mean() < 0.01


@pytest.mark.parametrize(
    ("slider", "down", "up"), [("shadows", 0.4, 0.05), ("highlights", 0.02, 0.35), ("contrast", 0.5, 0.5)]
)
def test_sliders_keep_their_meaning(window: Image, slider: str, down: float, up: float) -> None:
    reading = ToneLearned().measure(Probe.of(window))
    base = luma(ToneLearned().process(window, reading, None)).clamp(0, 1).pow(1 / 3)
    moved = luma(ToneLearned(**{slider: 0.6}).process(window, reading, None)).clamp(0, 1).pow(1 / 3)
    dark, light = base < 0.4, (base > 0.75) & (base < 0.97)
    if slider == "contrast":
        assert (moved - base)[base < 0.35].mean() < 0 < (moved - base)[light].mean()
        return
    assert (moved - base).min() > -1e-3
    small, large = (light, dark) if slider == "shadows" else (dark, light)
    assert (moved - base)[large].mean() > 4 * (moved - base)[small].mean()


def test_sliders_go_along_when_the_stage_is_exchanged() -> None:
    r = Recipe.default().swap("tone").set("tone", contrast=0.3, shadows=-0.2, auto=False)
    learned = r.swap("tone_learned")["tone"]
    assert (learned.contrast, learned.shadows, learned.auto) == (0.3, -0.2, False)
    assert learned.name == "tone_learned"
    assert r.swap("tone_learned").swap("tone") == r


def test_finished_pictures_come_back_as_they_were() -> None:
    random = torch.Generator().manual_seed(2)
    encoded = torch.nn.functional.interpolate(torch.rand(1, 3, 12, 16, generator=random), (96, 128), mode="bicubic")[0]
    source = Image(encoded.clamp(0.02, 0.98).contiguous(), State.ENCODED, Metadata(space="srgb"))
    r = Recipe.default(source).set("output", dither="off")
    out = develop(source, r.swap("tone_learned")).pixels
    assert (out - develop(source, r.swap("tone")).pixels).abs().max() < 1e-6


@pytest.mark.parametrize("name", ["vivid", "filmfaded", "moody", "flat"])
def test_styles_act_on_finished_pictures_from_nothing_on(name: str) -> None:
    random = torch.Generator().manual_seed(2)
    encoded = torch.nn.functional.interpolate(torch.rand(1, 3, 12, 16, generator=random), (96, 128), mode="bicubic")[0]
    source = Image(encoded.clamp(0.02, 0.98).contiguous(), State.ENCODED, Metadata(space="srgb"))
    r = Recipe.default(source).set("output", dither="off").swap("tone_learned")
    only_tone = {"look": 0.0, "detail": 0.0, "grain": 0.0}
    out = [develop(source, Style.load(name).apply(r, s, only_tone)).pixels for s in (0.0, 0.01, 0.5, 1.0)]
    off = [float((o - develop(source, r).pixels).abs().mean()) for o in out]
    assert off[0] < 1e-6 and off[1] < 0.003 < 0.01 < off[3] and off[1] < off[2] < off[3]
    if name == "moody":
        assert out[3].mean() < 0.95 * out[0].mean()
    elif name != "vivid":
        assert out[3].std() < 0.95 * out[0].std()


@pytest.mark.parametrize("stage", [Tone, ToneLearned])
def test_a_look_of_its_own_leaves_the_exposure_of_finished_pictures(stage: type[Tone] | type[ToneLearned]) -> None:
    grey = Image(torch.full((3, 8, 8), 0.18), State.SCENE, replace(META, space="srgb"))
    row = (0.3, *(0.0,) * 4) + tuple(0.02 * (i - 12) for i in range(25)) + (0.0,) * 100
    look = {"gain_offsets": row[:5], "curve_offsets": row[5:], "seen": 0.0}
    plain, own = (stage(**v).process(grey, Reading(), None) for v in ({}, look))
    assert (own - plain).abs().max() < 1e-3
    bright = Image(grey.pixels * 4, State.SCENE, grey.meta)
    assert (stage(**look).process(bright, Reading(), None) - stage().process(bright, Reading(), None)).min() > 0.01


@pytest.mark.parametrize("name", ["vivid", "filmwarm"])
def test_a_style_mixed_with_none_of_another_is_itself(window: Image, name: str) -> None:
    r = Recipe.default().swap("tone_learned")
    alone = Style.load(name).apply(r).resolve()
    both = Style.load("moody").apply(Style.load(name).apply(r), 0.0).resolve()
    assert alone == both
    stage = alone["tone"]
    assert isinstance(stage, ToneLearned) and stage.curve_offsets and stage.contrast == 0.0
    twice = Style.load(name).apply(Style.load("moody").apply(r, 0.5), 0.5).resolve()["tone"]
    halves = [Style.load(n).apply(r, 0.5).resolve()["tone"] for n in (name, "moody")]
    assert twice.curve_offsets == pytest.approx(
        [a + b for a, b in zip(*(h.curve_offsets for h in halves), strict=True)]
    )


def test_parts_of_a_style_have_strengths_of_their_own() -> None:
    r = Recipe.default().swap("tone_learned")
    style = Style.load("filmwarm")
    part = style.apply(r, 1.0, {"tone.colour": 0.5, "tone.tint": 0.0, "tone.curve": 0.0}).resolve()["tone"]
    whole = style.apply(r).resolve()["tone"]
    assert part.colour_offsets == pytest.approx([0.5 * v for v in whole.colour_offsets])
    assert part.tint_offsets == () and part.curve_offsets == () and part.gain_offsets == whole.gain_offsets
    warm = Style("Warm", {"tone": {"colour_lamp_offsets": (0.2,) * 144}})
    half = warm.apply(r, 1.0, {"tone.colour": 0.5}).resolve()["tone"]
    assert half.colour_lamp_offsets == pytest.approx((0.1,) * 144), "colours by lamplight are part of the colours"
    row = Look("x", style.values, 1.0, {"tone.colour": 0.5})
    assert Look.load(row.dump()) == row


def test_every_style_is_another_picture_and_natural_is_the_base(window: Image) -> None:
    r = Recipe.default().swap("tone_learned")
    reading = ToneLearned().measure(Probe.of(window))
    pictures = {}
    for name in list_styles():
        stage = Style.load(name).apply(r).resolve()["tone"]
        pictures[name] = stage.process(window, reading, None)
        assert torch.isfinite(pictures[name]).all() and pictures[name].min() >= 0 and pictures[name].max() <= 1
    assert torch.equal(pictures["natural"], ToneLearned().process(window, reading, None))
    assert all(not torch.equal(p, pictures["natural"]) for n, p in pictures.items() if n != "natural")


@pytest.mark.parametrize("name", ["natural", "vivid", "portrait", "landscape", "blackwhite", "flat"])
def test_grey_comes_through_every_style_that_is_not_toned(window: Image, name: str) -> None:
    r = Style.load(name).apply(Recipe.default().swap("tone_learned")).resolve()
    reading = ToneLearned().measure(Probe.of(window))
    ramp = torch.exp2(torch.linspace(-14, 6, 150)).expand(3, 100, 150).contiguous()
    display = r["tone"].process(Image(ramp, State.SCENE, META), reading, None)
    display = r["look"].process(Image(display, State.DISPLAY, META), Reading(), None)
    assert lab(display.reshape(1, 3, -1))[..., 1:].norm(dim=-1).max() < 0.2  # the figure to reach is 0.5
