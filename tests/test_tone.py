"""The tone curve: right brightness, sliders that do only what they say, honest colour, and the way back."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modisp.color import spaces, transfer
from modisp.image import Image, Metadata, State
from modisp.operators import tonecurve as tc
from modisp.operators.toneoffsets import facts, facts_of
from modisp.operators.toneview import see
from modisp.stage import Probe, Reading
from modisp.stages.exposure import Exposure
from modisp.stages.invert_output import InvertOutput
from modisp.stages.tone import TRUST, Tone, meter

LEVELS = Reading({"ev": 0.5, "white": 3.2, "shadows": 0.1})
SLIDERS = ("contrast", "highlights", "shadows", "whites", "blacks", "toe", "shoulder")


def ramp(n: int = 4096, low: float = -12.0, high: float = 6.0) -> torch.Tensor:
    """Greys, (3, 1, n), from `low` to `high` EV round middle grey."""
    return (tc.GREY * torch.exp2(torch.linspace(low, high, n))).expand(3, 1, n).contiguous()


def render(pixels: torch.Tensor, tone: Tone | None = None, reading: Reading = LEVELS) -> torch.Tensor:
    return (tone or Tone()).process(Image(pixels, State.SCENE), reading, None)


def lightness(display: torch.Tensor) -> np.ndarray:
    return 100 * tc.lightness(display[0].flatten().double().numpy())


def test_middle_grey_and_white_lie_where_they_should() -> None:
    flat = Reading({"ev": 0.0, "white": 3.0, "shadows": 0.0})
    at = tc.GREY * torch.exp2(torch.tensor([-60.0, 0.0, 3.0, 9.0]))
    out = render(at.expand(3, 1, 4).contiguous(), reading=flat)[0, 0]
    assert torch.allclose(out, torch.tensor([0.0, 0.18, 1.0, 1.0]), atol=1e-3)


def test_no_combination_turns_tones_round() -> None:
    stops = np.linspace(-12.0, 8.0, 1500)
    for values in itertools.product((-1.0, 0.0, 1.0), repeat=len(SLIDERS)):
        tone = Tone(**dict(zip(SLIDERS, values, strict=True)))
        for white, lift in ((tc.NEAREST, 0.5), (5.0, 0.0)):
            assert np.diff(tone.bend(stops, white, lift)).min() >= 0, tone


@pytest.mark.parametrize(
    ("slider", "still", "moved"),
    [
        ("shadows", (72, 101), (5, 40)),
        ("blacks", (45, 101), (1, 12)),
        ("highlights", (-1, 45), (65, 90)),
        ("whites", (-1, 62), (85, 97)),
    ],
)
@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("white", [2.1, 3.2, 5.0])
def test_sliders_do_only_what_they_say(
    slider: str, still: tuple[int, int], moved: tuple[int, int], sign: float, white: float
) -> None:
    reading = Reading({"ev": 0.5, "white": white, "shadows": 0.0})
    before = lightness(render(ramp(), reading=reading))
    change = sign * (lightness(render(ramp(), Tone(**{slider: sign}), reading)) - before)
    assert np.abs(change[(before > still[0]) & (before < still[1])]).max() < 0.5
    assert change.min() > -0.01
    assert change[(before > moved[0]) & (before < moved[1])].min() > 0.9


@given(st.sampled_from(SLIDERS), st.floats(-1e-4, 1e-4))
@settings(max_examples=30, deadline=None)
def test_sliders_start_from_nothing(slider: str, value: float) -> None:
    pixels = ramp(512)
    tone = Tone(**{slider: value})
    assert (render(pixels, tone) - render(pixels)).abs().max() < 1e-3
    if value == 0:
        assert torch.equal(render(pixels, tone), render(pixels))


def test_smooth_ramps_stay_smooth_to_sixteen_bits() -> None:
    out = render(ramp(1 << 17, -6.0, 3.0), Tone(contrast=0.3, shadows=0.5, highlights=-0.5))[0, 0].double()
    step = torch.diff(transfer.encode("srgb", out)) * 65535
    assert step.min() > -0.05  # no saw teeth where the table's pieces meet
    assert step.max() < 1.5  # and no jumps: the mean step is half a code value


@pytest.mark.parametrize("slider", ["", *SLIDERS])
@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_grey_stays_grey_to_the_last_bit(slider: str, value: float) -> None:
    out = render(torch.cat([ramp(), -ramp()], 2), Tone(**({slider: value} if slider else {})))
    assert torch.equal(out[0], out[1]) and torch.equal(out[0], out[2])


def test_every_colour_lands_on_the_display() -> None:
    g = torch.Generator().manual_seed(1)
    wild = torch.randn(3, 200, 200, generator=g) * torch.exp2(8 * torch.randn(1, 200, 200, generator=g))
    for tone in (Tone(), Tone(blacks=1.0, shadows=1.0), Tone(blacks=-1.0, contrast=1.0)):
        out = render(wild, tone)
        assert torch.isfinite(out).all() and out.min() >= 0 and out.max() <= 1


@pytest.mark.parametrize("colour", list(itertools.product((0.0, 0.5, 1.0), repeat=3)))
def test_hue_holds_on_the_way_to_white(colour: tuple[float, ...]) -> None:
    if len(set(colour)) == 1:
        return
    light = spaces.apply(spaces.between("srgb", "rec2020"), torch.tensor(colour)[:, None, None] * ramp(256, -4.0, 9.0))
    out = render(light)
    (_, a0, b0), (_, a1, b1) = spaces.oklab(light)[:, 0], spaces.oklab(out)[:, 0]
    strong = torch.hypot(a1, b1) > 0.04
    turn = torch.rad2deg(torch.atan2(a0 * b1 - b0 * a1, a0 * a1 + b0 * b1)).abs()
    assert turn[strong].max() < 14
    assert torch.hypot(a1, b1)[-1] < 0.12 and tc.luma(out[:, 0])[-1] > 0.9
    assert torch.diff(tc.luma(out[:, 0])).min() > -1e-5


def test_auto_brings_dark_and_bright_exposures_together() -> None:
    g = torch.Generator().manual_seed(5)
    scene = torch.exp2(torch.randn(1, 60, 80, generator=g) - 3.0).expand(3, 60, 80).clamp(0, 1).contiguous()

    def mean(factor: float, auto: bool) -> float:
        return float(Tone(auto=auto)(Image(scene * factor, State.SCENE)).pixels.mean())

    assert mean(2, False) - mean(0.5, False) > 2 * (mean(2, True) - mean(0.5, True)) > 0
    assert 0.1 < mean(1, True) < 0.35


def test_metering_is_steady_and_looks_at_the_middle() -> None:
    g = np.random.default_rng(2)
    y = np.exp2(g.normal(-3.0, 1.5, (50, 70)))
    a, b = meter(y), meter(y * 2)
    assert a["ev"] - b["ev"] == pytest.approx(TRUST, abs=1e-6)
    middle, edge = np.full((60, 60), 0.1), np.full((60, 60), 0.1)
    middle[15:45, 15:45] = 0.02
    edge[:15], edge[45:] = 0.02, 0.02
    edge[15:45, :15] = 0.1
    assert meter(middle)["ev"] > 0.5 and meter(np.zeros((1, 1)))["ev"] <= 5
    assert all(np.isfinite(list(meter(np.full((2, 3), v)).values())).all() for v in (np.nan, np.inf, -1.0, 0.0))


def test_a_saturated_sensor_is_white_and_a_capped_lens_is_dark() -> None:
    g = torch.Generator().manual_seed(4)
    snow = torch.rand(1, 60, 80, generator=g).mul(0.5).add(0.7).clamp(max=1).expand(3, 60, 80).contiguous()
    out = Tone()(Image(snow, State.SCENE)).pixels
    assert out[:, snow[0] == 1].min() > 0.995 and out[:, snow[0] < 0.9].max() < 0.98
    assert Tone()(Image(torch.ones(3, 5, 5), State.SCENE)).pixels.min() > 0.995
    noise = 5e-4 * torch.randn(3, 60, 80, generator=g)
    assert Tone()(Image(noise, State.SCENE)).pixels.max() < 0.05


def test_baseline_exposure_still_to_come_is_counted() -> None:
    pixels = 0.4 * torch.rand(3, 30, 40, generator=torch.Generator().manual_seed(1))
    without = Tone().measure(Probe.of(Image(pixels * 2, State.SCENE)))
    ahead = Tone().measure(Probe.of(Image(pixels, State.SCENE, Metadata(baseline_exposure=1.0))))
    applied = Exposure()(Image(pixels, State.SCENE, Metadata(baseline_exposure=1.0)))
    for other in (ahead, Tone().measure(Probe.of(applied))):
        assert other.values["facts"] == pytest.approx(without.values["facts"], abs=1e-3)
        a, b = ({k: v for k, v in r.values.items() if k != "facts"} for r in (other, without))
        assert a == pytest.approx(b)


def test_tiles_are_the_whole() -> None:
    g = torch.Generator().manual_seed(9)
    pixels = torch.rand(3, 40, 50, generator=g) * 2 - 0.1
    whole = render(pixels)
    parts = torch.cat([render(pixels[:, :, :13].contiguous()), render(pixels[:, :, 13:].contiguous())], 2)
    assert torch.equal(whole, parts)


def test_a_drawn_curve_goes_through_its_points() -> None:
    points = ((0.0, 0.05), (0.25, 0.2), (0.5, 0.62), (1.0, 0.98))
    before = transfer.encode("srgb", render(ramp())[0, 0]).double()
    after = transfer.encode("srgb", render(ramp(), Tone(curve=points))[0, 0]).double()
    for x, y in points[1:3]:
        assert np.interp(x, before.numpy(), after.numpy()) == pytest.approx(y, abs=2e-3)
    assert torch.diff(after).min() > -1e-6
    assert float(after[0]) == pytest.approx(0.05, abs=2e-3) and float(after[-1]) == pytest.approx(0.98, abs=2e-3)


@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(0, 1)), max_size=6, unique_by=lambda p: round(p[0], 2)))
@settings(max_examples=60, deadline=None)
def test_curves_do_not_overshoot(inner: list[tuple[float, float]]) -> None:
    points = ((0.0, 0.0), *sorted(inner), (1.0, 1.0))
    y = tc.monotone_cubic(points, np.linspace(-0.2, 1.2, 500))
    assert y.min() >= -1e-9 and y.max() <= 1 + 1e-9
    at = tc.monotone_cubic(points, np.array([p[0] for p in points]))
    assert np.allclose(at, [p[1] for p in points], atol=1e-9)


def _back(picture: torch.Tensor, space: str) -> tuple[torch.Tensor, Image]:
    scene = InvertOutput()(Image(picture, State.ENCODED, Metadata(space=space, icc=b"profile")))
    display = Tone()(scene).pixels
    return transfer.encode(space, spaces.apply(spaces.between("rec2020", space), display)), scene


@pytest.mark.parametrize("space", list(spaces.PRIMARIES))
def test_a_finished_picture_comes_back(space: str) -> None:
    axis = torch.linspace(0.02, 0.98, 13)
    cube = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).reshape(3, 13, 169)
    back, scene = _back(cube, space)
    assert scene.meta.space == space and not scene.meta.icc
    assert torch.isfinite(scene.pixels).all() and float(scene.pixels.abs().max()) < 8
    inner = (cube.amax(0) - cube.amin(0)) < 0.7  # colours on the edge of the gamut are kept bounded instead
    assert (back - cube).abs()[:, inner].max() < 0.08
    assert (back - cube).abs().mean() < 0.004


def test_white_of_a_finished_picture_is_bounded_and_stays_white() -> None:
    back, scene = _back(torch.tensor([0.0, 0.5, 1.0]).expand(3, 1, 3).contiguous(), "srgb")
    assert float(scene.pixels.max()) == pytest.approx(tc.GREY * 2**tc.WHITE, rel=1e-4)
    assert torch.allclose(back[0, 0], torch.tensor([0.0, 0.5, 1.0]), atol=4e-4)


def test_photographs_come_back() -> None:
    data = Path(os.environ.get("MODISP_DATA", Path(__file__).parents[2] / "shared" / "data")) / "photos" / "val"
    files = sorted(data.glob("*.png"))[::8]
    if not files:
        pytest.skip(f"no photographs in {data}: set MODISP_DATA")
    from PIL import Image as Pillow
    from skimage.color import deltaE_ciede2000, rgb2lab

    for file in files:
        picture = np.asarray(Pillow.open(file).convert("RGB").reduce(2), dtype=np.float32) / 255
        back, _ = _back(torch.from_numpy(picture).permute(2, 0, 1).contiguous(), "srgb")
        error = deltaE_ciede2000(rgb2lab(picture), rgb2lab(back.clamp(0, 1).permute(1, 2, 0).numpy()))
        assert error.mean() < 0.2, file.name


def test_facts_from_light_alone_are_those_of_the_whole_view() -> None:
    rgb = torch.exp2(2 * torch.randn(3, 128 * 128, generator=torch.Generator().manual_seed(3)) - 3)
    whole = facts(see(rgb.view(1, 3, 128, 128)))[0]
    assert torch.allclose(facts_of(tc.luma(rgb)).float(), whole, atol=1e-3)
