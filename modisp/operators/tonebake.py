"""A finish (`modisp.operators.tonemap`) baked into small tables; `modisp.operators.tonepaint` is the quick way through them.

What is constant for a picture is worked out once: the curve as a table of light in EV, straight between 2^-7 EV; the colours,
in which Oklab's hue and saturation depend on the chromaticity alone and the gamut on that and lightness, as a stack of
chromaticity planes that say by what a colour's difference from grey is turned and stretched.  Grey has no difference, so it
stays grey whatever the table says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from modisp.color.spaces import LUMA
from modisp.operators import tonecurve as tc
from modisp.operators import tonemap

Array = tc.Array
LOW, HIGH, PIECES = -18.0, 14.0, 128  # EV of the table of the curve, pieces a stop
LAST = (HIGH - LOW) * PIECES - 1e-3
SLICES, PLANE = 21, 49
"""How many lightnesses, and how many points along each axis of the chromaticity plane (grey lies on one)."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Cube root of display luminance by EV: `start` + `slope`·(share of a piece), found by the piece."""

    start: np.ndarray
    slope: np.ndarray

    @classmethod
    def of(cls, display: Callable[[Array], Array]) -> Curve:
        """From display luminance as a function of EV from middle grey."""
        ev = np.linspace(LOW, HIGH, int(HIGH - LOW) * PIECES + 1)
        v = np.cbrt(np.clip(display(ev), 0.0, 1.0)).astype(np.float32)
        return cls(v[:-1].copy(), v[1:] - v[:-1])

    def __call__(self, ev: Array) -> Array:
        """At a few places."""
        at = np.clip((ev - LOW) * PIECES, 0.0, LAST)
        piece = at.astype(int)
        return np.asarray(self.start[piece] + self.slope[piece] * (at - piece))


def spline(curve: torch.Tensor) -> Callable[[Array], Array]:
    """Display luminance as a function of EV, of a curve's 25 numbers; made to rise where offsets have bent it back."""
    rising = curve.reshape(1, -1).double().cummax(1)[0]

    def display(ev: Array) -> Array:
        v = tonemap.curved(rising, torch.from_numpy(np.asarray(ev, dtype=np.float64))[None])[0]
        return np.asarray(v.clamp(0, 1).pow(3).numpy())

    return display


def raised(display: Callable[[Array], Array], there: float, by: float) -> Callable[[Array], Array]:
    """A curve of EV whose bright end is raised `by` so much lightness (cube root) where it had the lightness `there`."""
    if by <= 0.0 or there <= 0.45:
        return display

    def higher(ev: Array) -> Array:
        v = np.cbrt(display(ev))
        return np.asarray(np.clip(v + by * tc.ramp(v, 0.4, there), 0.0, 1.0) ** 3)

    return higher


class Lift:
    """Grey light on what is so dark that it would be magnified beyond measure: there is nothing but noise to its colour.

    `gain` in EV; `steepest`: how much steeper than by the gain alone colour may rise with light.  Scene light up to `below` is
    brought to `floor` times the display light that it gets.
    """

    def __init__(self, curve: Curve, gain: float, steepest: float) -> None:
        self.floor = 2.0**-gain / steepest  # scene light for display light, where that is steepest
        ev = np.arange(-18.0, 4.0, 0.125)
        steep = curve(ev) ** 3 * self.floor > tc.GREY * np.exp2(ev - gain)
        # at the least what noise leads below black, which has no ratio of display to scene light at all
        self.below = max(2.0**-15, tc.GREY * 2.0 ** (ev[steep].max() + 2.0 - gain) if steep.any() else 0.0)


@dataclass(frozen=True, eq=False)
class Colours:
    """Planes of chromaticity, one a lightness: three numbers each, see `of`; `grey` are the tints of grey, if it is `tinted`."""

    planes: np.ndarray  # SLICES × PLANE (blue) × PLANE (red) × 3, flat
    grey: np.ndarray  # (2, SLICES): red and blue less luminance, for luminance 1
    tinted: bool

    @classmethod
    def of(cls, chroma: torch.Tensor, tint: torch.Tensor) -> Colours:
        """From (3, 12, 6, 4) and (2, 6).

        A colour's differences (red − luminance, blue − luminance), as a complex number, are multiplied by the first two
        numbers; its luminance grows by the third.
        """
        at = torch.linspace(0, 1, PLANE)
        blue, red = torch.meshgrid(at, at, indexing="ij")
        inside = (red + blue <= 1 + 1.5 / (PLANE - 1)).flatten()  # beyond, there are no colours
        green = (1 - red - blue).clamp_min(1e-3)
        rgb = torch.stack([red, green, blue]).reshape(3, -1)[:, inside].clamp_min(1e-4)
        rgb = rgb / (torch.tensor(LUMA)[:, None] * rgb).sum(0)
        light = torch.linspace(0, 1, SLICES).clamp(0.02, 0.999)
        many = rgb.repeat(1, SLICES)[None]
        count = rgb.shape[1]
        v = light.repeat_interleave(count)[None]
        out = _through(chroma, tint, many, v)[0]
        grey = _through(chroma, tint, torch.ones(1, 3, SLICES), light[None])[0]
        y = v[0] ** 3
        luma = torch.tensor(LUMA)
        got, toned = luma @ out, (grey - luma @ grey) / light**3
        there = [(out[c] - got) / y - toned[c].repeat_interleave(count) for c in (0, 2)]
        before = [many[0, c] - 1 for c in (0, 2)]
        size = (before[0] ** 2 + before[1] ** 2).clamp_min(1e-6)
        along = (there[0] * before[0] + there[1] * before[1]) / size
        across = (there[1] * before[0] - there[0] * before[1]) / size
        planes = torch.zeros(3, SLICES, PLANE * PLANE)
        planes[0] = 1.0
        planes[:, :, inside] = torch.stack([along, across, got / y - 1]).view(3, SLICES, count)
        planes = planes.view(3, SLICES, PLANE, PLANE)
        middle = (PLANE - 1) // 3  # grey: no difference to be turned; its neighbours tell
        ring = [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)]
        around = [planes[:2, :, middle + i, middle + j] for i, j in ring]
        planes[:2, :, middle, middle] = torch.stack(around).mean(0)
        planes[2, :, middle, middle] = 0.0
        flat = planes.permute(1, 2, 3, 0).reshape(-1).float().numpy().copy()
        return cls(flat, toned[[0, 2]].float().numpy().copy(), bool(tint.abs().max() > 1e-5))


def _through(chroma: torch.Tensor, tint: torch.Tensor, rgb: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Colours (B, 3, N) of luminance 1 shown at lightness `v` (B, N), as `tonemap.apply` ends."""
    lab = tonemap.lab(rgb * (v**3)[:, None])
    return tonemap.fitted(tonemap.rgb_of(tonemap.coloured(chroma[None], tint[None], lab, v)))
