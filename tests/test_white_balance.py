"""White balance: every mode ends in one light; automatic and picked whites; what later stages are told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from modisp.color import white
from modisp.color.camera import Camera
from modisp.image import Image, Metadata, State
from modisp.pipeline import develop
from modisp.recipe import Recipe
from modisp.stage import Probe, Reading
from modisp.stages.white_balance import PRESETS, WhiteBalance, _light

WARM = ((1.05, -0.42, -0.06), (-0.46, 1.23, 0.25), (-0.09, 0.17, 0.72))
COOL = ((0.94, -0.32, -0.08), (-0.45, 1.24, 0.23), (-0.09, 0.18, 0.79))
META = Metadata(color_matrix=(WARM, COOL), illuminants=((0.44758, 0.40745), (0.3127, 0.3290)), noise=((1e-4, 1e-6),))


def _neutral(kelvin: float, tint: float = 0.0, meta: Metadata = META) -> tuple[float, float, float]:
    return Camera(meta).neutral(white.xy_from_kelvin(kelvin, tint))


def _picture(kelvin: float, tint: float = 0.0, meta: Metadata = META, noted: bool = True) -> Image:
    """A camera picture of patches scattered about grey, lit by a light that the camera noted."""
    g = torch.Generator().manual_seed(5)
    level = torch.rand(1, 12, 18, generator=g) * 0.6 + 0.02
    scene = (level * (1 + 0.3 * torch.randn(3, 12, 18, generator=g)).clamp_min(0.05)).repeat_interleave(8, 1)
    neutral = _neutral(kelvin, tint, meta)
    pixels = scene.repeat_interleave(8, 2) * torch.tensor(neutral)[:, None, None]
    return Image(pixels.clamp(max=1), State.CAMERA, replace(meta, white=neutral) if noted else meta)


def _chosen(image: Image, **values: Any) -> tuple[float, float]:
    light = WhiteBalance(**values)(image).meta.light
    assert light is not None
    return white.kelvin_from_xy(light)


@pytest.mark.parametrize(("kelvin", "tint"), [(2600, 5), (3800, 21), (5003, 0), (6504, 0), (5600, -12), (12000, 8)])
def test_as_shot_and_the_same_numbers_give_the_same_picture(kelvin: float, tint: float) -> None:
    image = _picture(kelvin, tint)
    shot = WhiteBalance().measure(Probe.of(image)).values["as shot"]
    assert shot["temperature"] == pytest.approx(kelvin, rel=1e-4) and shot["tint"] == pytest.approx(tint, abs=0.02)
    want = WhiteBalance()(image)
    numbers = {k: shot[k] for k in ("temperature", "tint")}
    for values in ({"mode": "custom", **numbers}, numbers):
        got = WhiteBalance(**values)(image)
        assert torch.allclose(got.pixels, want.pixels, atol=1e-5)
        assert got.meta.light == pytest.approx(want.meta.light, abs=1e-6)


@pytest.mark.parametrize(
    ("kelvin", "tint"), [(2000, 0), (2000, 60), (2300, -20), (2700, 150), (25000, 0), (25000, -150)]
)
@pytest.mark.parametrize("noted", [(1.0, 1.0, 1.0), (0.5, 1.0, 0.65), (0.35, 1.0, 0.8), (1.0, 0.8, 0.2)])
@pytest.mark.parametrize("meta", [META, Metadata()], ids=["known", "guessed"])
def test_numbers_stay_as_they_are_set_whatever_the_camera_can_see(
    kelvin: float, tint: float, noted: tuple[float, float, float], meta: Metadata
) -> None:
    image = Image(_picture(5000).pixels, State.CAMERA, replace(meta, white=noted))
    numbers = {"mode": "custom", "temperature": kelvin, "tint": tint}
    assert _chosen(image, **numbers) == pytest.approx((kelvin, tint), rel=1e-3, abs=0.1)
    made = develop(image, Recipe.default(image.meta).set("white_balance", **numbers))
    assert made.pixels.isfinite().all()


def test_a_camera_without_matrices_sees_the_light_of_candles() -> None:
    image = Image(_picture(5000).pixels, State.CAMERA, Metadata(white=(0.5, 1.0, 0.65)))
    assert WhiteBalance(mode="custom", temperature=2000.0)(image).meta.gains == pytest.approx((1, 1.54, 15.5), rel=0.1)


def test_as_shot_makes_the_noted_white_neutral() -> None:
    image = _picture(3200, 4)
    gains = WhiteBalance()(image).meta.gains
    assert min(gains) == 1.0
    balanced = [g * w for g, w in zip(gains, image.meta.white, strict=True)]
    assert balanced == pytest.approx([balanced[0]] * 3, rel=1e-6)


def test_a_temperature_that_is_set_takes_effect() -> None:
    image = _picture(5600)
    assert _chosen(image, temperature=4300.0) == pytest.approx((4300, 0), rel=1e-4, abs=0.01)
    assert _chosen(image, temperature=4300.0, tint=10.0) == pytest.approx((4300, 10), rel=1e-4)
    assert _chosen(image, tint=10.0) == pytest.approx((5600, 10), rel=1e-4)
    assert _chosen(image, mode="custom") == pytest.approx((5003.3, 0.01), rel=1e-4, abs=0.01)
    assert _chosen(image, mode="tungsten", temperature=4300.0)[0] == pytest.approx(PRESETS["tungsten"][0], rel=1e-4)


def test_what_is_not_set_stays_as_shot_and_all_numbers_count() -> None:
    image = _picture(5600, 8)
    assert _chosen(image, temperature=4300.0) == pytest.approx((4300, 8), rel=1e-4, abs=0.01)
    assert _chosen(image, tint=0.0) == pytest.approx((5600, 0), rel=1e-4, abs=0.01)
    assert _chosen(image, temperature=5003.0) == pytest.approx((5003, 8), rel=1e-4, abs=0.01)


def test_temperatures_of_old_recipes_keep_their_tint() -> None:
    assert WhiteBalance.migrate(4, {"temperature": 4300.0}) == {"temperature": 4300.0, "tint": 0.0}
    assert WhiteBalance.migrate(4, {"mode": "custom", "tint": 3.0}) == {
        "mode": "custom",
        "temperature": 5003.0,
        "tint": 3.0,
    }
    assert WhiteBalance.migrate(4, {"tint": 3.0}) == {"tint": 3.0}
    assert WhiteBalance.migrate(5, {"temperature": 4300.0}) == {"temperature": 4300.0}


def test_an_area_outside_the_picture_tells_nothing() -> None:
    image = _picture(5600)
    for patch in ((9999.0, 4.0, 20.0, 20.0), (-50.0, -50.0, 20.0, 20.0)):
        stage = WhiteBalance(mode="patch", patch=patch)
        assert "patch" not in stage.measure(Probe.of(image)).values


def test_a_higher_temperature_is_warmer_and_a_higher_tint_more_magenta() -> None:
    image = _picture(5600)
    cool, warm = (WhiteBalance(mode="custom", temperature=t)(image).meta.gains for t in (4000.0, 8000.0))
    assert warm[0] / warm[2] > 1.5 * cool[0] / cool[2]
    green, magenta = (WhiteBalance(mode="custom", tint=t)(image).meta.gains for t in (-40.0, 40.0))
    assert magenta[1] / (magenta[0] * magenta[2]) ** 0.5 < 0.9 * green[1] / (green[0] * green[2]) ** 0.5


@pytest.mark.parametrize("mode", PRESETS)
def test_presets_are_lights(mode: str) -> None:
    kelvin, tint = PRESETS[mode]
    assert _chosen(_picture(5000), mode=mode) == pytest.approx((kelvin, tint), rel=1e-3, abs=0.1)


@pytest.mark.parametrize("kelvin", [2900, 4000, 5500, 7500])
def test_auto_finds_the_light(kelvin: float) -> None:
    image = _picture(kelvin)
    found, tint = _chosen(image, mode="auto")
    assert abs(1e6 / found - 1e6 / kelvin) < 45
    assert abs(tint) < 25


@pytest.mark.parametrize(("kelvin", "toward"), [(2600.0, 4500.0), (11000.0, 6500.0)])
def test_ambience_keeps_a_share_of_warm_and_cool_light(kelvin: float, toward: float) -> None:
    """Nearer to daylight than the light that was found, never beyond; strength 0 is the neutral one."""
    reading = Reading({"auto": {"xy": list(white.xy_from_kelvin(kelvin, 3.0))}})

    def mired(**values: Any) -> float:
        light = WhiteBalance(**values).describe(META, reading).light
        assert light is not None
        assert white.kelvin_from_xy(light)[1] == pytest.approx(3.0, abs=0.01)
        return 1e6 / white.kelvin_from_xy(light)[0]

    found = mired(mode="auto")
    assert mired(mode="ambience", ambience=0.0) == pytest.approx(found)
    assert mired(mode="ambience", ambience=0.4) == pytest.approx(0.6 * found + 0.4 * 1e6 / toward)
    assert mired(mode="ambience", ambience=1.0) == pytest.approx(1e6 / toward)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_ambience_tells_its_numbers_which_set_by_hand_are_the_same_picture(share: float) -> None:
    image = _picture(2700.0, 6.0)
    stage = WhiteBalance(mode="ambience", ambience=share)
    light = stage.measure(Probe.of(image)).values["ambience"]
    by_hand = WhiteBalance(mode="custom", temperature=light["temperature"], tint=light["tint"])
    assert torch.allclose(stage(image).pixels, by_hand(image).pixels, rtol=1e-3)


def test_ambience_leaves_daylight_alone() -> None:
    reading = Reading({"auto": {"xy": list(white.xy_from_kelvin(5600, -4))}})
    stages = [WhiteBalance(mode=m, ambience=1.0) for m in ("auto", "ambience")]
    assert stages[0].describe(META, reading) == stages[1].describe(META, reading)


def test_auto_of_old_recipes_keeps_its_warmth() -> None:
    assert WhiteBalance.migrate(1, {"mode": "auto"}) == {"mode": "ambience", "ambience": 0.25}
    assert WhiteBalance.migrate(1, {"mode": "shade", "tint": 3.0}) == {"mode": "shade", "tint": 3.0}


@given(st.floats(2000, 25000), st.floats(-150, 150))
def test_temperature_and_tint_come_back_through_every_mode(kelvin: float, tint: float) -> None:
    """What a mode finds, set as numbers, is the same light, to a thousandth and to a hundredth of a tint."""
    sees_it = Camera(META).light(xy := white.xy_from_kelvin(kelvin, tint))
    assume(sees_it == xy)
    light = _light(xy)
    assert light["temperature"] == pytest.approx(kelvin, rel=1e-3) and light["tint"] == pytest.approx(tint, abs=0.05)
    image = Image(torch.full((3, 4, 4), 0.2), State.CAMERA, replace(META, white=Camera(META).neutral(xy)))
    reading = Reading({m: light for m in ("auto", "patch", "as shot")})
    numbers = {k: light[k] for k in ("temperature", "tint")}
    same = WhiteBalance(mode="custom", **numbers).process(image, reading, None)
    for mode in ("auto", "patch", "as shot"):
        stage = WhiteBalance(mode=mode)
        found = stage.describe(image.meta, reading).light
        assert found is not None
        assert white.kelvin_from_xy(found) == pytest.approx((kelvin, tint), rel=1e-3, abs=0.05)
        assert torch.allclose(stage.process(image, reading, None), same, rtol=1e-3)


@pytest.mark.parametrize("kelvin", [1600.0, 60000.0])
def test_a_light_beyond_what_can_be_set_does_not_jump_when_it_is_set(kelvin: float) -> None:
    light = _light(white.xy_from_kelvin(kelvin, 4.0))
    assert white.KELVIN[0] <= light["temperature"] <= white.KELVIN[1]
    numbers = {k: light[k] for k in ("temperature", "tint")}
    auto = WhiteBalance(mode="auto").describe(META, Reading({"auto": light}))
    custom = WhiteBalance(mode="custom", **numbers).describe(META, Reading())
    assert auto.gains == pytest.approx(custom.gains, rel=1e-5)


@pytest.mark.parametrize("seed", [2, 3])
def test_two_lights_are_both_among_three(seed: int) -> None:
    """A room lit by a lamp, with a window: each near to what the camera answers to it, where the two are 29° apart."""
    random = torch.Generator().manual_seed(seed)
    things = 0.05 + 0.4 * torch.rand(1, 24, 36, generator=random)
    things = things * (1 + 0.15 * torch.randn(3, 24, 36, generator=random))
    scene = things.clamp_min(0.01).repeat_interleave(8, 1).repeat_interleave(8, 2)
    lights = [torch.tensor(_neutral(k)) for k in (2850, 7200)]
    pixels = torch.cat([scene[..., :150] * lights[0][:, None, None], scene[..., 150:] * lights[1][:, None, None]], 2)
    image = Image(pixels, State.CAMERA, META)
    reading = WhiteBalance().measure(Probe.of(image))
    assert 2 <= len(reading.candidates) <= 3
    found = [1 / torch.tensor(WhiteBalance(**c.values).describe(META, reading).gains) for c in reading.candidates]
    for light in lights:
        away = [torch.rad2deg(torch.arccos((f @ light / f.norm() / light.norm()).clamp(max=1))) for f in found]
        assert float(min(away)) < 7


def test_auto_stands_in_where_the_camera_noted_nothing() -> None:
    for meta in (replace(META, white=(0.0, 0.0, 0.0)), META):  # unknown; equal parts, which no sensor answers
        image = replace(_picture(3000, noted=False), meta=meta)
        reading = WhiteBalance().measure(Probe.of(image))
        assert reading.values["as shot"] == {**reading.values["auto"], "noted": False}
        assert _chosen(image) == pytest.approx(_chosen(image, mode="auto"))


def test_equal_parts_are_believed_where_they_can_be_true() -> None:
    by_hand = replace(_picture(5000), meta=Metadata())
    assert WhiteBalance()(by_hand).meta.gains == pytest.approx((1, 1, 1))
    xyz = ((3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.2040, 1.0570))
    ideal = Metadata(color_matrix=(xyz,), illuminants=((0.3127, 0.3290),))
    assert WhiteBalance()(replace(by_hand, meta=ideal)).meta.gains == pytest.approx((1, 1, 1), abs=1e-3)


def test_a_mosaic_from_a_file_without_any_note_is_judged() -> None:
    meta = Metadata(digest="0" * 64)
    cast = torch.tensor([0.5, 1.0, 0.65])[:, None, None]
    image = Image(_picture(5000).pixels / torch.tensor(_neutral(5000))[:, None, None] * cast, State.CAMERA, meta)
    gains = WhiteBalance()(Image(image.pixels.clamp(max=1), State.CAMERA, meta)).meta.gains
    assert [g * float(c) for g, c in zip(gains, cast, strict=True)] == pytest.approx([1, 1, 1], rel=0.12)


def test_a_patch_becomes_grey() -> None:
    image = _picture(5000)
    pixels = image.pixels.clone()
    colour = torch.tensor([0.2, 0.5, 0.4])
    noise = 1 + 0.05 * torch.randn(3, 20, 20, generator=torch.Generator().manual_seed(1))
    pixels[:, 30:50, 60:80] = colour[:, None, None] * noise
    pixels[:, 34:37, 64:70] = 1.0  # clipped
    meta = replace(image.meta, crop=(4, 6, 100, 80))
    image = Image(pixels, State.CAMERA, meta)
    out = WhiteBalance(mode="patch", patch=(60 - 4, 30 - 6, 20, 20))(image)
    r, g, b = (float(v) for v in out.pixels[:, 40:50, 60:80].mean((1, 2)))
    assert r == pytest.approx(g, rel=0.01) and b == pytest.approx(g, rel=0.01)


def test_a_patch_in_noisy_shadows_is_stable() -> None:
    """Grey four stops below the noise's own level of comfort: a hundred frames of it agree on the light."""
    image, kelvins = _picture(5000), []
    neutral = torch.tensor(_neutral(5000))[:, None, None]
    for seed in range(40):
        noise = torch.randn(3, 40, 40, generator=torch.Generator().manual_seed(seed))
        grey = 0.01 * neutral.expand(3, 40, 40)
        pixels = grey + 0.006 * noise
        pixels[:, 5, 5:9] = torch.tensor([1.0, 0.0, 0.0])[:, None]  # hot pixels
        shot = Image(pixels, State.CAMERA, image.meta)
        kelvins.append(_chosen(shot, mode="patch", patch=(0, 0, 40, 40))[0])
    mired = 1e6 / torch.tensor(kelvins)
    assert float(mired.mean()) == pytest.approx(200, abs=5) and float(mired.std()) < 12


def test_a_point_becomes_nine_by_nine() -> None:
    image = _picture(5000)
    pixels = image.pixels.clone()
    pixels[:, 36:45, 46:55] = torch.tensor([0.2, 0.4, 0.3])[:, None, None]
    pixels[:, 40, 50] = torch.tensor([0.9, 0.1, 0.1])  # a hot pixel where the finger points
    out = WhiteBalance(mode="patch", patch=(50, 40, 1, 1))(Image(pixels, State.CAMERA, image.meta))
    r, g, b = (float(v) for v in out.pixels[:, 37, 47])
    assert r == pytest.approx(g, rel=0.02) and b == pytest.approx(g, rel=0.02)


@pytest.mark.parametrize("patch", [(), (10.0, 10.0, 20.0, 20.0)])
def test_a_patch_that_tells_nothing_leaves_the_noted_light(patch: tuple[float, ...]) -> None:
    image = _picture(4200)
    pixels = image.pixels.clone()
    pixels[:, :40, :40] = 1.0
    assert _chosen(Image(pixels, State.CAMERA, image.meta), mode="patch", patch=patch)[0] == pytest.approx(
        4200, rel=1e-3
    )


def test_the_reading_is_plain_data_with_ranked_candidates() -> None:
    image = _picture(4200)
    reading = WhiteBalance().measure(Probe.of(image))
    back = Reading.load(json.loads(json.dumps(reading.dump())))
    stage = WhiteBalance(mode="auto")
    assert torch.equal(stage.process(image, back, None), stage.process(image, reading, None))
    confidences = [c.confidence for c in back.candidates]
    assert confidences == sorted(confidences, reverse=True) and 1 <= len(confidences) <= 3
    assert dict(back.candidates[0].values) == {"mode": "auto"}
    for candidate in back.candidates:
        WhiteBalance(**candidate.values)


def test_without_a_reading_the_noted_light_counts() -> None:
    image = _picture(4200)
    for mode in ("as shot", "auto", "patch"):
        meta = WhiteBalance(mode=mode).describe(image.meta, Reading())
        assert white.kelvin_from_xy(meta.light or (0, 0))[0] == pytest.approx(4200, rel=1e-4)


def test_clip_and_noise_follow_the_gains() -> None:
    out = WhiteBalance()(_picture(3000))
    assert out.meta.clip == pytest.approx(out.meta.gains)
    for (a, b), gain in zip(out.meta.noise, out.meta.gains, strict=True):
        assert (a, b) == pytest.approx((1e-4 * gain, 1e-6 * gain * gain))


def test_clipped_stays_at_or_above_one() -> None:
    image = Image(torch.ones(3, 4, 4), State.CAMERA, replace(META, white=_neutral(2500)))
    assert float(WhiteBalance()(image).pixels.min()) >= 1.0


@pytest.mark.parametrize("mode", ["as shot", "auto", "custom", "patch", "tungsten"])
def test_monochrome_has_no_white(mode: str) -> None:
    pixels = torch.rand(1, 20, 20).repeat(3, 1, 1)
    image = Image(pixels, State.CAMERA, Metadata(cfa=("W",)))
    assert torch.equal(WhiteBalance(mode=mode, temperature=3000.0)(image).pixels, pixels)
