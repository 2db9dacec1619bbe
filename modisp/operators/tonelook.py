"""A style's own finish, painted without a network: the plain one with the style's offsets, from a few facts of the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch

from modisp.color.spaces import LUMA
from modisp.operators import tonebake, tonemap
from modisp.operators import tonecurve as tc
from modisp.operators.tonemap import ToneParams
from modisp.operators.toneoffsets import Offsets
from modisp.operators.tonesliders import ToneSliders
from modisp.probe import checkpoint

USUAL = (1.0, -0.25, -0.9, -0.25, 0.7)
"""Facts (see `modisp.operators.toneoffsets`) of a picture of which none were measured."""
STEEPEST = 6.0
"""How much steeper than at the gain alone colour may rise with light; as in the closed form."""
_STRIP = 1 << 16  # pixels worked on at a time: all that is between fits the processor's cache


class SameBytes:
    """A tensor that equals another of the same content: what a cache can be asked by."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor, self._content = tensor, tensor.numpy().tobytes()

    def __hash__(self) -> int:
        return hash(self._content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameBytes) and self._content == other._content


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def baked_colours(chroma: SameBytes, tint: SameBytes) -> tonebake.Colours:
    """The planes of a table (3, 12, 6, 4) and tints (2, 6), which cost tens of milliseconds to make."""
    with torch.no_grad():
        return tonebake.Colours.of(chroma.tensor.clone(), tint.tensor.clone())


def near_white(curve: torch.Tensor) -> float:
    """The EV at which a curve (1, 25) comes near to white, for the sliders that know of it."""
    v = curve[0].cummax(0)[0]
    near = int((v < 0.985 * min(1.0, float(v[-1]))).sum())
    return min(6.0, max(tc.NEAREST + 0.2, tonemap.FIRST + tonemap.STEP * near))


class Lift:
    """Grey light on what is so dark that it would be magnified beyond measure: there is nothing but noise to its colour.

    `gain` in EV; `steepest`: how much steeper than by the gain alone colour may rise with light.
    """

    def __init__(self, curve: tonebake.Curve, gain: float, steepest: float) -> None:
        self.floor = 2.0**-gain / steepest  # scene light for display light, where that is steepest
        ev = torch.arange(-18.0, 4.0, 0.125)
        steep = curve(ev.clone()).pow(3) * self.floor > tc.GREY * torch.exp2(ev - gain)
        # at the least what noise leads below black, which has no ratio of display to scene light at all
        self.below = max(2.0**-15, tc.GREY * 2.0 ** (float(ev[steep].max()) + 2.0 - gain) if bool(steep.any()) else 0.0)

    def __call__(self, rgb: list[torch.Tensor], luminance: torch.Tensor, v: torch.Tensor) -> list[torch.Tensor]:
        """Scene channels (three (N,)) for lightness `v`; `luminance` is changed with them."""
        if float(luminance.amin()) > self.below:
            return rgb
        grey = v.square().mul_(v).mul_(self.floor).sub_(luminance).clamp_min_(0.0)
        grey.mul_(luminance <= self.below)  # so that no pixel depends on what else is in its strip
        luminance.add_(grey)
        return [torch.add(c, grey) for c in rgb]


class OwnFinish:
    """The tables of offsets on the plain finish, under the sliders; `facts` (5,) are those of the picture."""

    @torch.inference_mode(False)
    def __init__(self, sliders: ToneSliders, offsets: Offsets, facts: Sequence[float], prior: float) -> None:
        with torch.no_grad():
            plain = ToneParams.plain()
            plain.gain[:] = prior
            params = offsets.on(plain, torch.tensor([list(facts)]))
            self.ev = float(params.gain) - math.log2(tc.GREY)
            drawn = tonebake.spline(params.curve)
            self.curve = tonebake.Curve.of(lambda ev: sliders.bend(ev, near_white(params.curve), 0.0, drawn))
            self.lift = Lift(self.curve, float(params.gain), STEEPEST)
            self.colours = baked_colours(SameBytes(params.chroma[0]), SameBytes(params.tint[0]))

    def paint(self, pixels: torch.Tensor) -> torch.Tensor:
        """SCENE pixels (3, H, W) to DISPLAY."""
        flat = pixels.reshape(3, -1)
        out = torch.empty_like(flat)
        for i in range(0, flat.shape[1], _STRIP):
            checkpoint()
            r, g, b = (c[i : i + _STRIP] for c in flat)
            luminance = torch.mul(r, LUMA[0]).add_(g, alpha=LUMA[1]).add_(b, alpha=LUMA[2])
            light = luminance.clamp_min(2.0**-40).log2_().add_(self.ev)
            v = self.curve(light)
            rgb = self.lift([r, g, b], luminance, v)
            self.colours.paint(rgb, luminance, v, [c[i : i + _STRIP] for c in out])
        return out.view_as(pixels)
