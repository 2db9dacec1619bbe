"""The closed-form stages of the finish: each does what its words say, in the right direction, and nothing else."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
import torch

from modisp.cache import Cache
from modisp.check import natural
from modisp.color import spaces
from modisp.image import Frame, Image, State
from modisp.operators import curves, hues
from modisp.operators.layers import Blocks, blur, box, contain, extremes, gauss, layer, luma
from modisp.pipeline import develop
from modisp.recipe import Entry, Recipe
from modisp.run import Run
from modisp.stage import Reading, Stage, list_stages

NEW = ("defringe", "presence", "halation", "curves", "mixer", "grading", "detail", "vignette", "grain")


def stage(name: str, **values: Any) -> Stage:
    return list_stages()[name](**values)


def shown(pixels: torch.Tensor, full: tuple[int, int] | None = None) -> Image:
    size = (pixels.shape[1], pixels.shape[2])
    frame = Frame(full, (0.0, 0.0, float(full[1]), float(full[0])), size) if full else None
    return Image(pixels.float().contiguous(), State.DISPLAY, frame=frame)  # type: ignore[arg-type]


def grey(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)[None, None].expand(3, 4, -1)


def colour(light: float, chroma: float, degrees: float) -> torch.Tensor:
    a, b = chroma * np.cos(np.deg2rad(degrees)), chroma * np.sin(np.deg2rad(degrees))
    lab = torch.tensor([light, a, b]).view(3, 1, 1).float()
    return spaces.from_oklab(lab).expand(3, 4, 4)


def lch(pixels: torch.Tensor) -> tuple[float, float, float]:
    light, a, b = spaces.oklab(pixels)[:, 0, 0].tolist()
    return light, float(np.hypot(a, b)), float(np.rad2deg(np.arctan2(b, a)) % 360)


# --- the recipe -------------------------------------------------------------------------------------------------------


def test_untouched_they_are_not_even_steps_of_a_run() -> None:
    recipe = Recipe.default().set("detail", amount=0.0)
    steps = {s.id for s in Run(natural(list_stages()["tone"]), recipe, cache=Cache(memory=1 << 24)).steps}
    assert steps and not steps & set(NEW)


def test_raw_files_begin_with_some_sharpening_and_finished_pictures_with_none() -> None:
    finished = Image(torch.rand(3, 8, 8), State.ENCODED)
    assert Recipe.default()["detail"].values()["amount"] > 0
    assert (
        Recipe.default(finished)["detail"].is_neutral()
        and Recipe.default().set("detail", amount=0.0)["detail"].is_neutral()
    )


def test_sharpening_costs_nothing_where_it_cannot_be_seen() -> None:
    """A picture of 24 megapixels, fitted into a window: the default radius is a fifth of a pixel there."""
    small = shown(torch.rand(3, 40, 60), (160, 240))
    begun = Recipe.default()["detail"]
    assert isinstance(begun, Stage) and not begun.is_neutral()
    assert begun.process(small, Reading(), None) is small.pixels and begun.halo(0.25) == 0
    assert begun.halo(1.0) > 0


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("curves", {"regions": (0.0, 0.0, 0.0, 0.0, 0.2, 0.5, 0.9)}),
        ("grading", {"balance": 0.5, "blending": 0.1}),
        ("detail", {"radius": 2.0, "masking": 0.0}),
        ("vignette_ellipse", {"midpoint": 0.1}),
        ("grain", {"size": 1.0}),
        ("halation", {"radius": 0.02}),
        ("defringe", {"radius": 5.0}),
    ],
)
def test_shapes_without_strength_cost_nothing(name: str, shape: dict[str, Any]) -> None:
    assert stage(name, **shape).is_neutral()


def test_a_recipe_from_before_is_completed_and_stays_as_it_was() -> None:
    now = Recipe.default().set("exposure", ev=0.5).set("detail", amount=0.0)
    data = json.loads(json.dumps(now.dump()))
    data["entries"] = [e for e in data["entries"] if e["id"] not in NEW]
    assert Recipe.load(data) == now
    part = {**data, "entries": data["entries"][:3]}
    assert len(Recipe.load(part).entries) == 3  # a part is what it is


def test_styles_and_the_command_line_can_set_them() -> None:
    from modisp.cli.settings import value_of
    from modisp.style import Style

    style = Style("x", {"grading": {"shadows": [-0.4, -0.2, 0.1]}, "mixer": {"saturation": [0.2] * 8}})
    half = style.apply(Recipe.default(), 0.5).resolve()
    assert half["grading"].values()["shadows"] == pytest.approx((-0.2, -0.1, 0.05))
    assert half["mixer"].values()["saturation"] == pytest.approx((0.1,) * 8)
    p = list_stages()["mixer"].params()["luminance"]
    assert value_of(p, "x", "blue:-0.3 red:0.1") == (0.1, 0, 0, 0, 0, -0.3, 0, 0)
    assert value_of(p, "x", "0,0,0,0,0,1,0,0")[5] == 1
    for wrong in ("violet:0.3", "blue:much", "0,1", "blue:7"):
        with pytest.raises(ValueError, match="x "):
            value_of(p, "x", wrong)


@pytest.mark.parametrize("tile", [96, 200])
def test_many_spatial_stages_in_tiles_equal_the_whole(tile: int) -> None:
    g = torch.Generator().manual_seed(2)
    low = torch.rand(3, 30, 44, generator=g)
    pixels = torch.nn.functional.interpolate(low[None], size=(300, 440), mode="bilinear")[0]
    pixels = (pixels + 0.1 * torch.rand(3, 300, 440, generator=g)).clamp(0, 1)
    rows = [
        stage("defringe", purple=1.0),
        stage("presence", texture=0.5, clarity=0.5, dehaze=0.4),
        stage("halation", amount=0.7, radius=0.03),
        stage("detail", amount=1.0),
        stage("vignette_ellipse", amount=-0.5),
        stage("grain", amount=0.5, size=1.5),
    ]
    recipe = Recipe(tuple(Entry(s.slot, s) for s in rows))
    # a frame as a 24-megapixel picture has it, so that radii are wide enough to matter
    image = Image(pixels, State.DISPLAY, frame=Frame((300, 440), (0.0, 0.0, 440.0, 300.0), (300, 440)))
    whole = develop(image, recipe, cache=Cache(memory=1 << 28))  # made stage by stage
    parts = develop(image, recipe, cache=Cache(memory=1 << 28), tile=tile, dtype=torch.float64)
    assert float((whole.pixels - parts.pixels.float()).abs().max()) < 2e-5
    region = develop(image, recipe, region=(111, 57, 130, 90), cache=Cache(memory=1 << 28))
    assert float((whole.pixels[:, 57:147, 111:241] - region.pixels).abs().max()) < 2e-5


def test_tiles_agree_where_the_crop_begins_between_pixels() -> None:
    pixels = natural(list_stages()["presence"]).pixels.repeat(1, 1, 2)
    first = stage("presence", clarity=1.0, dehaze=0.6)
    recipe = Recipe((Entry("presence", first), Entry("geometry", stage("geometry", crop=(9.0, 7.0, 480.0, 240.0)))))
    image = Image(pixels.contiguous(), State.DISPLAY)
    options: dict[str, Any] = {"scale": 0.5, "cache": Cache(memory=1 << 28)}
    whole = develop(image, recipe, **options)
    parts = develop(image, recipe, tile=40, dtype=torch.float64, **options)
    assert float((whole.pixels - parts.pixels.float()).abs().max()) < 2e-5


# --- curves -----------------------------------------------------------------------------------------------------------


def test_regions_never_turn_an_order_of_tones_round() -> None:
    x = np.linspace(0, 1, 400)
    for amounts in itertools.product((-1.0, 0.0, 1.0), repeat=4):
        y = curves.through((*amounts, 0.25, 0.5, 0.75), curves.PLAIN, x)
        assert np.diff(y).min() >= 0 and (y[0], y[-1]) == (0.0, 1.0)
    up = curves.through((0, 1.0, 0, 0, 0.25, 0.5, 0.75), curves.PLAIN, x) - x
    assert x[up.argmax()] == pytest.approx(0.375, abs=0.02) and abs(up[350]) < 0.01


def test_the_joint_curve_keeps_hue_and_the_single_ones_their_channel() -> None:
    bent = ((0.0, 0.0), (0.5, 0.65), (1.0, 1.0))
    before = colour(0.6, 0.1, 40)
    after = stage("curves", luma=bent)(shown(before)).pixels
    assert float(luma(after)[0, 0]) > 1.3 * float(luma(before)[0, 0])
    ratio = after - luma(after)
    assert torch.allclose(
        ratio / ratio.norm(), (before - luma(before)) / (before - luma(before)).norm(), atol=1e-4
    )  # the same direction from grey
    red = stage("curves", red=bent)(shown(before)).pixels
    assert torch.equal(red[1:], before[1:]) and float(red[0, 0, 0]) > float(before[0, 0, 0])
    lifted = stage("curves", luma=((0.0, 0.2), (1.0, 1.0)))(shown(torch.zeros(3, 4, 4))).pixels
    assert float(lifted.std()) < 1e-6 and float(lifted[0, 0, 0]) > 0.01


# --- mixer ------------------------------------------------------------------------------------------------------------


def test_eight_hues_share_the_circle() -> None:
    degrees = np.linspace(-400, 400, 3201)
    w = hues.weights(degrees)
    assert w.min() >= 0 and np.allclose(w.sum(0), 1)
    assert all(hues.weights(c)[i] == 1 for i, c in enumerate(hues.CENTRES))
    for shifts in itertools.product((-1.0, 1.0), repeat=8):
        at = np.linspace(0, 360, 721)
        assert np.diff(at + hues.turned(shifts, at)).min() > 0


def test_the_mixer_moves_one_hue_and_no_grey() -> None:
    only = tuple(1.0 if i == 5 else 0.0 for i in range(8))
    blue, orange, steps = colour(0.55, 0.1, 258), colour(0.65, 0.1, 60), grey(*np.linspace(0, 1, 11))
    less = tuple(-v for v in only)
    darker = stage("mixer", luminance=less)
    assert lch(darker(shown(blue)).pixels)[0] < 0.48
    assert lch(stage("mixer", saturation=less)(shown(blue)).pixels)[1] < 0.005
    turned = lch(stage("mixer", hue=only)(shown(blue)).pixels)
    assert turned[2] - 258 == pytest.approx(0.45 * 44, abs=1.5) and turned[1] == pytest.approx(0.1, abs=0.005)
    for values in ({"hue": only}, {"saturation": only}, {"luminance": less}):
        s = stage("mixer", **values)
        assert torch.allclose(s(shown(orange)).pixels, orange, atol=2e-5)
        assert torch.allclose(s(shown(steps)).pixels, steps, atol=2e-5)


def test_the_mixer_mixes_black_and_white() -> None:
    blue = colour(0.55, 0.1, 258)
    recipe = Recipe((Entry("mixer", stage("mixer")), Entry("look", stage("look", monochrome=1.0))))
    plain = develop(shown(blue), recipe).pixels
    dark = develop(shown(blue), recipe.set("mixer", luminance=(0, 0, 0, 0, 0, -1, 0, 0))).pixels
    assert float(dark.std(0).max()) < 1e-6 and float(dark.mean()) < 0.8 * float(plain.mean())


# --- grading ----------------------------------------------------------------------------------------------------------


def test_tints_go_where_they_are_sent() -> None:
    steps = grey(0.0, 0.02, 0.18, 0.6, 1.0)
    for wheel, at in (("shadows", 1), ("highlights", 3)):
        lab = spaces.oklab(stage("grading", **{wheel: (0.0, -1.0, 0.0)})(shown(steps)).pixels)[:, 0]
        pull = lab[2].abs()
        assert int(pull.argmax()) == at and float(lab[2, at]) < -0.02 and float(lab[1].abs().max()) < 0.004
        assert float(pull[0]) < 1e-4 and float(pull[4]) < 1e-4  # black and white stay neutral
    light = stage("grading", midtones=(0.0, 0.0, 1.0))(shown(steps)).pixels[0, 0]
    assert float(light[2]) > 0.25 and light[0] == 0 and light[4] == pytest.approx(1.0, abs=1e-6)


def test_masks_of_grading_share_the_tones() -> None:
    from modisp.stages.grading import masks

    x = np.linspace(0, 1, 101)
    for balance, blending in itertools.product((-1.0, 0.0, 1.0), (0.0, 0.5, 1.0)):
        rows = masks(x, balance, blending)
        assert np.allclose(sum(rows), 1) and min(r.min() for r in rows) >= -1e-12
    assert masks(x, 1.0, 0.5)[2].sum() > masks(x, -1.0, 0.5)[2].sum()


# --- layers -----------------------------------------------------------------------------------------------------------


def test_filters_are_what_they_say() -> None:
    g = torch.Generator().manual_seed(3)
    plane = torch.rand(40, 56, generator=g)
    inner = (slice(8, -8), slice(8, -8))
    want = torch.nn.functional.avg_pool2d(plane[None, None], 5, 1, 2)[0, 0]
    assert torch.allclose(box(plane, 2.0)[inner], want[inner], atol=1e-6)
    assert torch.allclose(box(plane, 1.5).mean(), plane.mean(), atol=0.02)
    low, high = extremes(plane, 2)
    assert torch.equal(high, torch.nn.functional.max_pool2d(plane[None, None], 5, 1, 2)[0, 0]) and (low <= plane).all()
    spike = torch.zeros(41, 41)
    spike[20, 20] = 1.0
    for sigma in (0.6, 1.7):
        spread = gauss(spike, sigma)
        at = torch.arange(41.0) - 20
        assert float(spread.sum()) == pytest.approx(1.0, abs=1e-5)
        assert float((spread.sum(0) * at * at).sum()) == pytest.approx(sigma**2 + 1 / 12, rel=0.05)
    wide = blur(torch.nn.functional.pad(spike, (80, 80, 80, 80)), Frame.whole(201, 201), 12.0)
    assert float((wide.sum(0) * (torch.arange(201.0) - 100) ** 2).sum()) == pytest.approx(144, rel=0.12)
    ramp = torch.linspace(0, 1, 60).expand(40, 60)
    grid = Blocks.under(Frame.whole(40, 60), 4)
    assert torch.allclose(grid.spread(grid.mean(ramp))[0][:, 4:-4], ramp[:, 4:-4], atol=1e-6)


def test_a_layer_smooths_texture_and_keeps_hard_steps() -> None:
    g = torch.Generator().manual_seed(4)
    step = (torch.arange(120) >= 60).float().expand(80, 120)
    base = layer(0.1 + 0.8 * step + 0.02 * torch.randn(80, 120, generator=g), Frame.whole(80, 120), 8.0, 0.003)
    assert float(base[:, 10:40].std()) < 0.008
    assert float(base[:, 63:].mean() - base[:, :57].mean()) > 0.75
    assert float(base[:, 64].mean() - base[:, 56].mean()) > 0.7


def test_contain_leaves_what_is_inside_and_keeps_luminance() -> None:
    rgb = torch.tensor([[0.2, 1.3, -0.1], [0.5, 0.4, 0.3], [0.9, 0.1, 0.2]])
    y = luma(rgb[:, None])[0]
    out = contain(rgb.clone())
    assert torch.equal(out[:, 0], rgb[:, 0]) and float(out.min()) >= 0 and float(out.max()) <= 1
    assert torch.allclose(luma(out[:, None])[0], y, atol=1e-5)


# --- presence and sharpening ------------------------------------------------------------------------------------------


def _waves(period: float) -> torch.Tensor:
    x = torch.arange(600.0)
    return (0.3 + 0.03 * torch.sin(2 * torch.pi * x / period)).expand(3, 200, 600)


@pytest.mark.parametrize(("name", "period"), [("texture", 12.0), ("clarity", 90.0)])
def test_presence_raises_and_lowers_its_own_contrast(name: str, period: float) -> None:
    image = shown(_waves(period), (2000, 6000))  # a tenth of a picture: 6 pixels of texture, 72 of clarity
    image = Image(image.pixels, State.DISPLAY, frame=Frame((2000, 6000), (600.0, 200.0, 600.0, 200.0), (200, 600)))
    inner = (slice(None), slice(90, 110), slice(200, 400))
    plain = float(image.pixels[inner].std())
    more = float(stage("presence", **{name: 1.0}).process(image, None, None)[inner].std())  # type: ignore[arg-type]
    less = float(stage("presence", **{name: -1.0}).process(image, None, None)[inner].std())  # type: ignore[arg-type]
    assert more > 1.4 * plain and less < 0.75 * plain


def test_presence_leaves_flat_light_and_makes_no_halo_at_a_hard_edge() -> None:
    flat = torch.full((3, 60, 80), 0.4)
    out = stage("presence", texture=1.0, clarity=1.0)(shown(flat)).pixels
    assert torch.allclose(out, flat, atol=1e-5)
    edge = torch.where(torch.arange(400) < 200, 0.001, 0.9).expand(3, 60, 400)
    out = stage("presence", clarity=1.0)(shown(edge)).pixels
    assert float(out[:, :, 204:].max()) < 0.9 * 1.06 and float(out[:, :, :196].max()) < 0.002


def test_dehaze_takes_the_veil_and_lays_one() -> None:
    g = torch.Generator().manual_seed(5)
    scene = torch.rand(3, 12, 16, generator=g).pow(2) * 0.8
    scene = torch.nn.functional.interpolate(scene[None], size=(120, 160), mode="nearest")[0]
    veiled = 0.5 * scene + 0.5 * 0.8
    clear = stage("presence", dehaze=1.0)(shown(veiled)).pixels
    assert float(clear.std()) > 1.4 * float(veiled.std()) and float(clear.min()) >= 0
    assert float((clear - scene).abs().mean()) < 0.6 * float((veiled - scene).abs().mean())
    laid = stage("presence", dehaze=-1.0)(shown(veiled)).pixels
    assert float(laid.std()) < 0.9 * float(veiled.std())


def test_sharpening_steepens_edges_within_its_limit() -> None:
    x = torch.arange(80.0)
    soft = (0.2 + 0.5 * torch.sigmoid((x - 40) / 0.6)).expand(3, 40, 80)
    for limit, most in ((1.0, 1e-3), (0.0, 0.5)):
        out = stage("detail", amount=2.0, masking=0.0, halo_limit=limit)(shown(soft)).pixels
        assert float(out[0, 20].diff().max()) > 1.2 * float(soft[0, 20].diff().max())
        assert float(out.max()) - float(soft.max()) < most
    assert float(out.max()) > float(soft.max()) + 0.01  # without a limit there is a rim


def test_masking_spares_even_areas() -> None:
    noise = 0.3 + 0.004 * torch.randn(1, 60, 60, generator=torch.Generator().manual_seed(6)).expand(3, 60, 60)
    plain, masked = (stage("detail", amount=1.5, masking=m)(shown(noise)).pixels.std() for m in (0.0, 1.0))
    assert plain > 1.4 * noise.std() and masked < 1.02 * noise.std()


# --- optics and film --------------------------------------------------------------------------------------------------


def test_defringe_takes_rims_and_leaves_fields() -> None:
    edge = torch.where(torch.arange(120) < 40, 0.9, 0.05).repeat(3, 20, 1)
    rim = torch.tensor([0.25, 0.06, 0.5]).view(3, 1, 1)
    edge[:, :, 40:42] = rim
    edge[:, :, 90:] = rim
    out = stage("defringe", purple=1.0)(shown(edge)).pixels
    inside = out[:, 10, 41]
    assert float(inside.max() - inside.min()) < 0.05 and torch.allclose(out[:, 10, 110], rim[:, 0, 0])
    assert torch.allclose(stage("defringe", green=1.0)(shown(edge)).pixels, edge)


def test_halation_is_a_red_glow_round_lights_only() -> None:
    night = torch.full((3, 200, 300), 0.02)
    assert torch.allclose(stage("halation", amount=1.0)(shown(night)).pixels, night, atol=1e-6)
    night[:, 90:110, 140:160] = 1.0
    out = stage("halation", amount=1.0, radius=0.03)(shown(night)).pixels - night
    near, far = out[:, 100, 165], out[:, 100, 290]
    assert float(near[0]) > 0.05 and float(near[0]) > 3 * float(near[1]) > float(near[2]) and float(far[0]) < 1e-4


def test_a_vignette_follows_the_crop() -> None:
    image = shown(torch.full((3, 200, 300), 0.5))
    recipe = Recipe((Entry("geometry", stage("geometry", crop=(20.0, 10.0, 100.0, 80.0))),))
    recipe = Recipe((*recipe.entries, Entry("vignette", stage("vignette_ellipse", amount=-1.0))))
    out = develop(image, recipe, cache=Cache(memory=1 << 24)).pixels[0]
    corners = out[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert out.shape == (80, 100) and out[40, 50] == 0.5
    assert torch.allclose(corners, corners[:1].expand(4), atol=1e-4) and float(corners[0]) < 0.15
    bright = stage("vignette_ellipse", amount=0.5)(shown(torch.full((3, 40, 60), 0.3))).pixels
    assert float(bright[0, 0, 0]) > 0.4 and float(bright[0, 20, 30]) == pytest.approx(0.3)


def test_grain_belongs_to_places_and_averages_as_a_picture_does() -> None:
    full, s = (4000, 6000), stage("grain", amount=1.0)

    def cut(x: int, y: int, w: int, h: int, pitch: int = 1) -> torch.Tensor:
        frame = Frame(full, (float(x), float(y), float(w * pitch), float(h * pitch)), (h, w))
        image = Image(torch.full((3, h, w), 0.3), State.DISPLAY, frame=frame)
        return s.process(image, None, None)[0]  # type: ignore[arg-type]

    fine = cut(600, 900, 400, 320)
    assert torch.allclose(cut(640, 920, 100, 80), fine[20:100, 40:140], atol=1e-5)
    assert float(fine.std()) > 0.01 and float(fine.mean()) == pytest.approx(0.3, abs=0.003)
    coarse = cut(600, 900, 100, 80, pitch=4)
    mean = torch.nn.functional.avg_pool2d(fine[None, None], 4)[0, 0]
    assert float(coarse.std()) == pytest.approx(float(mean.std()), rel=0.05) and float(coarse.std()) < 0.8 * float(
        fine.std()
    )
    assert float((coarse - mean).abs().mean()) < 0.2 * float(mean.std())
