"""The operators of a learned finish: what each part does and leaves alone, and the tables they are baked into."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from modisp.bench.tone_fits import places
from modisp.color.spaces import LUMA
from modisp.color.white import xy_from_kelvin
from modisp.metrics import delta_e
from modisp.operators import tonebake, tonemap, tonepaint
from modisp.operators import tonecurve as tc
from modisp.operators.tonemap import ToneParams
from modisp.operators.toneoffsets import SIZES, Offsets, facts, lamp_of
from modisp.operators.tonesliders import ToneSliders
from modisp.operators.toneview import SIDE, params_of, see
from modisp.train.tone import lab


def scene(h: int = 40, w: int = 60, seed: int = 0) -> torch.Tensor:
    """(1, 3, h·w) colours over fourteen stops."""
    random = torch.Generator().manual_seed(seed)
    light = torch.exp2(torch.rand(h * w, generator=random) * 14 - 9)
    colour = torch.rand(3, h * w, generator=random) * 0.9 + 0.1
    return (0.18 * light * colour)[None]


def some(seed: int = 0) -> ToneParams:
    """A finish with something in every part but the tint, as smooth as those of networks are."""
    random = torch.Generator().manual_seed(seed)
    p = ToneParams.plain()
    p.grid = torch.nn.functional.interpolate(
        torch.randn(1, 1, 4, 4, 4, generator=random), (8, 16, 16), mode="trilinear"
    )[0]
    rough = torch.randn(1, 3, 3, 3, 2, generator=random) * torch.tensor([0.2, 0.1, 0.1]).view(1, 3, 1, 1, 1)
    p.chroma = torch.nn.functional.interpolate(rough, (12, 6, 4), mode="trilinear", align_corners=True)
    return p


def bake(p: ToneParams, rgb: torch.Tensor, h: int, w: int) -> torch.Tensor:
    """As `tonemap.apply` of a whole picture (1, 3, h·w), by tables."""
    curve, colours = tonebake.Curve.of(tonebake.spline(p.curve)), tonebake.Colours.of(p.chroma[0], p.tint[0])
    lift = tonebake.Lift(curve, float(p.gain), 1e6)
    finish = tonepaint.Finish(float(p.gain) - math.log2(0.18), curve, lift, colours, p.grid[0].numpy())
    y = (np.arange(h) + 0.5) / h
    return finish.paint(rgb.view(3, h, w), tonepaint.Places(0.5 / w, 1 / w, y)).view(1, 3, -1)


def luma(rgb: torch.Tensor) -> torch.Tensor:
    return (rgb * torch.tensor(LUMA).view(1, 3, 1)).sum(1)


def test_plain_is_the_closed_forms_curve() -> None:
    rgb = (0.18 * torch.exp2(torch.linspace(-8, 4, 200))).expand(1, 3, 200)
    got = luma(tonemap.apply(ToneParams.plain(), rgb, torch.rand(1, 2, 200)))[0]
    want = tc.display(np.linspace(-7.5, 4.5, 200))
    assert np.abs(np.cbrt(got.numpy()) - np.cbrt(want)).max() < 0.012


@pytest.mark.parametrize("seed", range(3))
def test_grey_stays_grey_whatever_the_numbers(seed: int) -> None:
    rgb = (0.18 * torch.exp2(torch.linspace(-14, 8, 300))).expand(1, 3, 300).contiguous()
    for out in (tonemap.apply(some(seed), rgb, torch.rand(1, 2, 300)), bake(some(seed), rgb, 10, 30)):
        assert (lab(out)[..., 1:]).abs().max() < 0.2  # the figure to reach is 0.5
        assert torch.isfinite(out).all()


@pytest.mark.parametrize("tinted", [False, True])
def test_tables_paint_what_the_definition_says(tinted: bool) -> None:
    rgb, at = scene(), places(40, 60)
    p = some(4)
    if tinted:
        p.tint = 0.02 * torch.tensor([[-1.0, -0.8, -0.2, 0.4, 0.8, 0.4], [-1.0, -0.5, 0.2, 0.8, 1.0, 0.4]])[None]
    off = delta_e(lab(bake(p, rgb, 40, 60)), lab(tonemap.apply(p, rgb, at).clamp(0, 1)))
    assert off.mean() < 0.25 and off.quantile(0.95) < 1.0


def test_local_light_is_exact_for_any_rows_and_columns() -> None:
    p, full = some(1), scene(37, 53).view(3, 37, 53)
    p.chroma.zero_()
    # greys, so that nothing but light, local light and the curve is at work
    grey = luma(full[None].reshape(1, 3, -1)).view(1, 37, 53).expand(3, -1, -1).contiguous()
    want = tonemap.apply(p, grey.reshape(1, 3, -1), places(37, 53)).view(3, 37, 53)
    whole = bake(p, grey.reshape(1, 3, -1), 37, 53).view(3, 37, 53)
    assert torch.allclose(whole.clamp_min(0) ** (1 / 3), want.clamp_min(0) ** (1 / 3), atol=2e-3)
    curve, colours = tonebake.Curve.of(tonebake.spline(p.curve)), tonebake.Colours.of(p.chroma[0], p.tint[0])
    finish = tonepaint.Finish(
        float(p.gain) - math.log2(0.18), curve, tonebake.Lift(curve, float(p.gain), 1e6), colours, p.grid[0].numpy()
    )
    there = tonepaint.Places(10.5 / 53, 1 / 53, (np.arange(5, 30) + 0.5) / 37)
    assert torch.allclose(finish.paint(grey[:, 5:30, 10:20].contiguous(), there), whole[:, 5:30, 10:20], atol=1e-5)


def test_a_cell_of_the_grid_lifts_its_place_at_its_light_alone() -> None:
    p = ToneParams.plain()
    p.gain[:] = 0.0
    p.grid[0, 3, 2, 12] = 1.0  # level −2 EV, high up on the right
    ev = torch.tensor([-2.0, -2.0, -2.0, 2.0])
    at = torch.tensor([[12.5 / 16, 2.5 / 16, 12.5 / 16, 12.5 / 16], [2.5 / 16, 12.5 / 16, 12.5 / 16, 2.5 / 16]])[None]
    assert tonemap.local(p.grid, at, ev[None])[0].tolist() == pytest.approx([1.0, 0.0, 0.0, 0.0], abs=1e-4)


def test_the_table_of_colours_moves_its_own_hue_in_its_own_direction() -> None:
    hues = torch.arange(12) * (2 * np.pi / 12)
    colours = torch.stack([torch.full((12,), 0.6), 0.06 * torch.cos(hues), 0.06 * torch.sin(hues)])[None]
    v = torch.full((1, 12), 0.6)
    p = ToneParams.zeros()
    p.chroma[0, 0, 2] = 1.0  # twice the chroma at 60 degrees
    p.chroma[0, 1, 5] = 0.2  # a turn at 150 degrees
    p.chroma[0, 2, 8] = -0.5  # darker at 240 degrees
    out = tonemap.coloured(p.chroma, p.tint, colours, v)
    before, after = (torch.hypot(x[0, 1], x[0, 2]) for x in (colours, out))
    assert (after / before).tolist() == pytest.approx([1, 1, 2, *[1] * 9], abs=1e-4)
    turned = (torch.atan2(out[0, 2], out[0, 1]) - torch.atan2(colours[0, 2], colours[0, 1]) + np.pi) % (
        2 * np.pi
    ) - np.pi
    assert turned.tolist() == pytest.approx([0.2 if i == 5 else 0 for i in range(12)], abs=1e-4)
    assert (out[0, 0] - 0.6).tolist() == pytest.approx([-0.03 if i == 8 else 0 for i in range(12)], abs=1e-4)


def test_every_part_can_be_learned() -> None:
    p = some(2)
    for v in p.items().values():
        v.requires_grad_()
    tonemap.apply(p, scene(), places(40, 60)).square().mean().backward()  # type: ignore[no-untyped-call]
    for name, v in p.items().items():
        assert v.grad is not None and torch.isfinite(v.grad).all() and v.grad.abs().max() > 0, name


def test_what_a_network_says_keeps_global_and_local_apart() -> None:
    views = torch.stack([scene(SIDE, SIDE, s)[0].view(3, SIDE, SIDE) for s in (1, 2)])
    seen = see(views)
    random = torch.Generator().manual_seed(3)
    raw = {"gain": torch.tensor([0.3, -0.2]), "curve": torch.randn(2, 25, generator=random) * 0.3}
    raw |= {"grid": torch.randn(2, 8, 16, 16, generator=random), "chroma": torch.zeros(2, 864)}
    p = params_of(raw, seen)
    share = tonemap.occupancy(seen.light + (-0.1 + raw["gain"])[:, None, None])
    mean = (p.grid * share).sum((2, 3)) / share.sum((2, 3)).clamp_min(1e-6)
    assert mean[share.sum((2, 3)) > 1].abs().max() < 0.02
    assert (p.curve.diff(dim=1) > 0).all()
    # twice the light is the same picture
    again = params_of(raw, see(2 * views))
    assert torch.allclose(again.gain, p.gain - 1, atol=1e-3)
    assert torch.allclose(again.grid, p.grid, atol=1e-3)


def test_offsets_are_plain_numbers_that_add_up() -> None:
    seen = see(scene(SIDE, SIDE)[0].view(1, 3, SIDE, SIDE))
    base, known = some(3), facts(seen)
    assert all(
        torch.equal(a, b)
        for a, b in zip(Offsets.zeros().on(base, known).items().values(), base.items().values(), strict=True)
    )
    o = Offsets.zeros()
    o.gain[0], o.grid[0], o.tint[0, 2] = 0.5, -0.25, 0.01
    rows = o.dump()
    assert rows["chroma"] == () and len(rows["tint"]) == 12
    out = Offsets.load(rows).on(base, known)
    assert float(out.gain - base.gain) == pytest.approx(0.5)
    assert torch.allclose(out.grid, 0.75 * base.grid)
    with pytest.raises(ValueError, match="curve of a style has 125 numbers, not 3"):
        Offsets.load({"curve": (1.0, 2.0, 3.0)})
    assert set(SIZES) == set(rows)


def test_colours_go_along_with_how_warm_the_light_was() -> None:
    assert lamp_of(None) == 0.0
    assert lamp_of(xy_from_kelvin(6504.0)) == pytest.approx(0.0, abs=0.01)
    assert lamp_of(xy_from_kelvin(2856.0)) == pytest.approx(1.0, abs=0.01)
    assert lamp_of(xy_from_kelvin(25000.0)) == -0.5 and lamp_of(xy_from_kelvin(1700.0)) == 1.5
    o = Offsets.zeros()
    o.lamp[1, 3] = 0.2
    base, known = ToneParams.plain(2), torch.zeros(2, 5)
    out = o.on(base, known, torch.tensor([0.0, 0.5]))
    assert torch.equal(out.chroma[0], base.chroma[0])
    added = (out.chroma - base.chroma)[1]
    assert torch.allclose(added[1, 3], torch.full_like(added[1, 3], 0.1)) and float(added.abs().sum()) == pytest.approx(
        0.1 * added[1, 3].numel()
    )


def test_strength_leads_straight_from_one_finish_to_another() -> None:
    a, b = ToneParams.plain(), some(5)
    half = a.towards(b, {"grid": 0.5, "chroma": 0.0})
    assert (
        torch.allclose(half.grid, 0.5 * b.grid)
        and torch.equal(half.chroma, a.chroma)
        and torch.equal(half.curve, b.curve)
    )


@pytest.mark.parametrize("white", [2.5, 4.0])
def test_sliders_act_round_a_predicted_curve_as_round_the_closed_form(white: float) -> None:
    ev = np.linspace(-10, 6, 400)

    def predicted(x: tc.Array) -> tc.Array:
        return tc.display(x, white)

    for values in (
        {"contrast": 0.6},
        {"contrast": -0.5},
        {"shadows": 0.7},
        {"highlights": -0.8},
        {"whites": 0.5, "blacks": -0.4},
    ):
        s = ToneSliders(**values)
        off = np.cbrt(s.bend(ev, white, curve=predicted)) - np.cbrt(s.bend(ev, white))
        assert np.abs(off).max() < 0.02, values
    plain = ToneSliders()
    assert np.array_equal(plain.bend(ev, white, curve=predicted), predicted(ev))
    assert (replace(plain, shadows=0.5).bend(ev, white, curve=predicted) >= predicted(ev)).all()
