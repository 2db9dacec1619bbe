"""A style's own finish, painted without a network: the plain one with the style's offsets, from a few facts of the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from modisp.operators import tonebake, tonemap
from modisp.operators import tonecurve as tc
from modisp.operators.tonemap import ToneParams
from modisp.operators.toneoffsets import Offsets
from modisp.operators.tonepaint import Finish
from modisp.operators.tonesliders import ToneSliders

USUAL = (1.0, -0.25, -0.9, -0.25, 0.7)
"""Facts (see `modisp.operators.toneoffsets`) of a picture of which none were measured."""
STEEPEST = 6.0
"""How much steeper than at the gain alone colour may rise with light; as in the closed form."""


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


class OwnFinish:
    """The tables of offsets on the plain finish, under the sliders; `facts` (5,) and `lamp` are those of the picture."""

    @torch.inference_mode(False)
    def __init__(
        self, sliders: ToneSliders, offsets: Offsets, facts: Sequence[float], prior: float, lamp: float = 0.0
    ) -> None:
        with torch.no_grad():
            plain = ToneParams.plain()
            plain.gain[:] = prior
            params = offsets.on(plain, torch.tensor([list(facts)]), lamp)
            drawn = tonebake.spline(params.curve)
            curve = tonebake.Curve.of(lambda ev: sliders.bend(ev, near_white(params.curve), 0.0, drawn))
            lift = tonebake.Lift(curve, float(params.gain), STEEPEST)
            colours = baked_colours(SameBytes(params.chroma[0]), SameBytes(params.tint[0]))
        self.finish = Finish(float(params.gain) - math.log2(tc.GREY), curve, lift, colours)

    def paint(self, pixels: torch.Tensor) -> torch.Tensor:
        """SCENE pixels (3, H, W) to DISPLAY."""
        return self.finish.paint(pixels)


class Added:
    """What offsets add to a picture that was finished before.

    Its tones were somebody's decision.  So it counts as the plain finish of a usual picture, and what the offsets would make
    of that other than the plain finish does is added to it: no offsets, no change.  `whole`, 0 … 1: how far the offsets are a
    look that brings its own exposure for RAW files; middle grey then stays where it is.
    """

    def __init__(self, sliders: ToneSliders, offsets: Offsets, whole: float = 0.0) -> None:
        self._plain, own = (OwnFinish(sliders, o, USUAL, 0.0).finish for o in (Offsets.zeros(), offsets))
        ev = np.linspace(-9.0, 9.0, 1801)
        grey = float(np.interp(self._plain.curve(np.zeros(1))[0], own.curve(ev), ev)) - math.log2(tc.GREY)
        self._own = replace(own, ev=own.ev + whole * (grey - own.ev))

    def on(self, pixels: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """`shown` (3, H, W; DISPLAY) with what is added; `pixels` are its SCENE light."""
        added = self._own.paint(pixels).sub_(self._plain.paint(pixels))
        return added.add_(shown).clamp_(0.0, 1.0)
