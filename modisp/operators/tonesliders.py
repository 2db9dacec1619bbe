"""The photographer's tone sliders: declared once, with one meaning for every tone stage.

They bend the scene's light (EV from middle grey) on its way into a curve, and lightness on its way out of it, so they act
alike round the closed form and round a curve that was predicted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from modisp.color import transfer
from modisp.native import F, kernel, planes, unit
from modisp.operators import tonecurve as tc
from modisp.operators.tonecurve import Array
from modisp.parameter import CLIPPING, OWN, param

LIFT, PULL, ENDS, BLACK = 1.25, 0.9, 0.8, 0.08  # of the four regional sliders at ±1: EV, EV, EV, lightness
FLATTEST = 0.2  # the least slope, in EV per EV, that the regional sliders leave: beyond, they give way to each other
STRAIGHT = ((0.0, 0.0), (1.0, 1.0))
_CHUNK = 512  # pixels that a kernel takes at a time


@dataclass(frozen=True)
class ToneSliders:
    """The parameters; stages inherit them."""

    auto: bool = param(
        True,
        label="Auto levels",
        help="Measures the picture and places middle grey and white; off, the camera's exposure is taken as it is.",
    )
    contrast: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Spreads tones apart around the pivot (above 0) or draws them together."
    )
    highlights: float = param(
        0.0,
        -1.0,
        1.0,
        step=0.01,
        help="Brightens or recovers bright parts such as skies; shadows stay as they are.",
        mask=OWN,
    )
    shadows: float = param(
        0.0,
        -1.0,
        1.0,
        step=0.01,
        help="Opens or deepens dark parts of the picture; highlights stay as they are.",
        mask=OWN,
    )
    whites: float = param(
        0.0,
        -1.0,
        1.0,
        step=0.01,
        help="Moves the brightest tones: up to pure white, or down from it.",
        mask=CLIPPING,
    )
    blacks: float = param(
        0.0,
        -1.0,
        1.0,
        step=0.01,
        help="Moves the darkest tones: down into pure black, or up to a faded, matte black.",
        mask=CLIPPING,
    )
    pivot: float = param(
        0.0,
        -3.0,
        3.0,
        step=0.1,
        unit="EV",
        help="The tone that contrast leaves alone, counted from middle grey.",
        advanced=True,
    )
    toe: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Softer (above 0) or harder fall of the shadows into black.", advanced=True
    )
    shoulder: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Softer (above 0) or harder rise of the highlights into white.", advanced=True
    )
    curve: tuple[tuple[float, float], ...] = param(
        STRAIGHT,
        kind="curve",
        label="Base curve",
        help="A free curve from the brightness that the sliders above give to the one you want; colour follows.  Styles use it;"
        " by hand, Curve has more to offer.",
        advanced=True,
    )

    def bend(
        self, stops: Array, white: float, lift: float = 0.0, curve: Callable[[Array], Array] | None = None
    ) -> Array:
        """Display luminance for scene light in EV from middle grey, rising; `lift` is added to the slider `shadows`.

        Without `curve` by the filmic curve that reaches white at `white` EV; with one, by that: a function of EV, near
        white at `white`.
        """
        x, top = stops, white
        if self.contrast:  # white moves along, so that the shoulder stays as long as it was
            k = 2.0 ** (0.6 * self.contrast)
            x, top = (x - self.pivot) * k + self.pivot, max((top - self.pivot) * k + self.pivot, tc.NEAREST)
        if self.toe:
            x = x + 0.4 * self.toe * tc.hinge(-1.0 - x)
        if self.shoulder:
            x = x - 0.4 * self.shoulder * tc.hinge(x - 0.5)
        if self.highlights or self.shadows + lift or self.whites:
            x = self._regions(x, top, self.shadows + lift)
        if curve is None:
            y = tc.display(x, top)
        else:
            # where the closed form's curve to the old white gives what its curve to the new one does
            y = curve(_rewhited(x, top, white) if top != white else x)
        if self.blacks:
            light = tc.lightness(y)
            y = tc.luminance(
                np.clip(light + BLACK * self.blacks * np.clip(1.0 - light / 0.45, 0.0, 1.0) ** 3, 0.0, 1.0)
            )
        if self.curve != STRAIGHT:
            encoded = transfer.encode("srgb", torch.from_numpy(y)).numpy()
            drawn = torch.from_numpy(np.clip(tc.monotone_cubic(self.curve, encoded), 0.0, 1.0))
            y = transfer.decode("srgb", drawn).numpy()
        return y

    def table(self, ev: float, white: float, lift: float) -> tc.Table:
        """The closed form's display luminance and its factor on colour differences, both of scene luminance."""
        scene = tc.nodes()
        stops = np.log2(np.maximum(scene, 2.0**-60) / tc.GREY) + ev
        y = self.bend(stops, white, lift)
        ratio = y[1:] / scene[1:]
        # black lifted by hand is grey light on top: it does not magnify what colour there is in the dark
        ratio = np.minimum(np.concatenate([ratio[:1], ratio]), 6.0 * 2.0**ev)
        return tc.Table.of(y, ratio * tc.chroma(y))

    def _regions(self, x: Array, white: float, shadows: float) -> Array:
        """Scene EV `x` moved where masks of its lightness say, never turning an order of tones round."""
        light = tc.lightness(tc.display(x, white))
        # shadows leave the light end where it is, highlights and whites the dark end, whatever has to give way between
        moved = _eased(x, x + LIFT * shadows * (1.0 - tc.ramp(light, 0.1, 0.7)), -1)
        # highlights move most below white, so that white stays light; what lies beyond it is within reach again
        bright = tc.ramp(light, 0.42, 0.9) - 0.5 * tc.ramp(light, 0.88, 1.0) * (1.0 - tc.ramp(x - white, 0.0, 2.0))
        return _eased(x, moved + PULL * self.highlights * bright + ENDS * self.whites * tc.ramp(light, 0.65, 1.0), 0)


def _eased(x: Array, moved: Array, end: int) -> Array:
    """`moved` as a function of `x` with no slope too flat; what is made steeper is taken from all but the `end` (0 or -1)."""
    step = np.diff(x)
    slope = np.diff(moved) / np.where(step > 0, step, 1.0)
    if slope.min() >= FLATTEST:
        return moved
    # slopes below FLATTEST ease towards 0 instead
    slope = np.where(slope < FLATTEST, FLATTEST * np.exp(np.minimum(slope / FLATTEST - 1.0, 0.0)), slope)
    rebuilt = np.concatenate([[0.0], np.cumsum(slope * step)])
    return np.asarray(rebuilt + moved[end] - rebuilt[end])


def paint(table: tc.Table, pixels: torch.Tensor, finished: bool = False) -> torch.Tensor:
    """SCENE pixels (3, H, W) through a `ToneSliders.table`: luminance by it, then colour round that.

    What was made of a `finished` picture is taken as it is, else colours are to be `tonecurve.sound`.
    """
    out = torch.empty(pixels.shape)
    held = tc.NEVER if finished else tc.HELD
    _paint(*planes(pixels), *planes(out), table.start.numpy(), table.slope.numpy(), held)
    return out.to(pixels.device)


@kernel
def _paint(r: Any, g: Any, b: Any, red: Any, green: Any, blue: Any, start: Any, slope: Any, held: Any) -> None:
    scene, where = np.empty(_CHUNK, F), np.empty(_CHUNK, np.uint32)
    light, gain = np.empty(_CHUNK, F), np.empty(_CHUNK, F)
    rs, gs, bs = np.empty(_CHUNK, F), np.empty(_CHUNK, F), np.empty(_CHUNK, F)
    for first in range(0, r.size, _CHUNK):
        n = min(_CHUNK, r.size - first)
        from_r, from_g, from_b = r[first : first + n], g[first : first + n], b[first : first + n]
        to_r, to_g, to_b = red[first : first + n], green[first : first + n], blue[first : first + n]
        # looking up goes one by one; on its own it leaves the rest to be done eight at a time
        for i in range(n):
            rs[i], gs[i], bs[i] = tc.sound(from_r[i], from_g[i], from_b[i], held)
            scene[i] = tc.light(rs[i], gs[i], bs[i])
            where[i] = tc.piece(scene[i])
        for i in range(n):
            p = where[i]
            light[i] = slope[0, p] * scene[i] + start[0, p]
            gain[i] = slope[1, p] * scene[i] + start[1, p]
        for i in range(n):
            s, k, y = scene[i], gain[i], unit(light[i])
            cr, cg, cb = tc.compress((rs[i] - s) * k, (gs[i] - s) * k, (bs[i] - s) * k, y)
            to_r[i] = unit(cr + y)
            to_g[i] = unit(cg + y)
            to_b[i] = unit(cb + y)


def _rewhited(x: Array, top: float, white: float) -> Array:
    """The EV at which the filmic curve to `white` is as light as its curve to `top` is at `x`; beyond white, as far beyond."""
    ev = np.linspace(-20.0, white, 4000)
    inside = np.interp(tc.display(x, top), tc.display(ev, white), ev)
    return np.where(x < top, np.where(x > -14.0, inside, x), white + (x - top))
