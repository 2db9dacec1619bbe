"""A finish (`modisp.operators.tonemap`) baked into small tables; `modisp.operators.tonepaint` is the quick way through them.

What is constant for a picture is worked out once: the curve as a table of light in EV, straight between 2^-7 EV; the colours,
in which Oklab's hue and saturation depend on the chromaticity alone and the gamut on that and lightness, as a stack of
chromaticity planes that say by what a colour's difference from grey is turned and stretched.  Grey has no difference, so it
stays grey whatever the table says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional as F

from modisp.color.spaces import LUMA
from modisp.operators import tonecurve as tc
from modisp.operators import tonemap
from modisp.operators.tonemap import BEND, HUES, LIGHTS, SATURATIONS

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
    if by <= 0.0 or there <= 0.4:
        return display

    def higher(ev: Array) -> Array:
        v = np.cbrt(display(ev))
        return np.asarray(np.clip(v + by * tc.ramp(v, 0.3, there), 0.0, 1.0) ** 3)

    return higher


class Lift:
    """Grey light on what is so dark that it would be magnified beyond measure: there is nothing but noise to its colour.

    `gain` in EV; `steepest`: how much steeper than by the gain alone colour may rise with light.  Scene light up to `below` is
    brought to `floor` times the display light that it gets; `local` are the stops that local light may add there.
    """

    def __init__(self, curve: Curve, gain: float, steepest: float, local: float = 0.0) -> None:
        self.floor = 2.0**-gain / steepest  # scene light for display light, where that is steepest
        ev = np.arange(-18.0, 4.0, 0.125)
        steep = curve(ev + local) ** 3 * self.floor > tc.GREY * np.exp2(ev - gain)
        # at the least what noise leads below black, which has no ratio of display to scene light at all
        self.below = max(2.0**-15, tc.GREY * 2.0 ** (ev[steep].max() + 2.0 - gain) if steep.any() else 0.0)


@dataclass(frozen=True, eq=False)
class Colours:
    """Planes of chromaticity, one a lightness: three numbers each, see `of`; `grey` are the tints of grey, if it is `tinted`."""

    planes: np.ndarray  # (SLICES · PLANE (blue) · PLANE (red), 4): the fourth number is 0, and keeps rows aligned
    grey: np.ndarray  # (2, SLICES): red and blue less luminance, for luminance 1
    tinted: bool

    @classmethod
    def of(cls, chroma: torch.Tensor, tint: torch.Tensor) -> Colours:
        """From (3, 12, 6, 4) and (2, 6).

        A colour's differences (red − luminance, blue − luminance), as a complex number, are multiplied by the first two
        numbers; its luminance grows by the third.
        """
        fixed, light = _fixed(), torch.linspace(0, 1, SLICES).clamp(0.02, 0.999)
        hats = (1 - (light[:, None] * (LIGHTS - 1) - torch.arange(LIGHTS)).abs()).clamp_min(0)
        numbers = torch.einsum("sl,clp->csp", hats, fixed.read(chroma))
        toning = torch.einsum("sl,cl->cs", hats, tint)
        y, luma = light**3, torch.tensor(LUMA)
        out = _led(fixed.lab, numbers, toning, y)
        grey = _led(fixed.white, torch.zeros(3, SLICES, 1), toning, y)[:, :, 0]
        got, toned = torch.einsum("c,csp->sp", luma, out), grey - luma @ grey
        there = [out[c] - got - toned[c][:, None] for c in (0, 2)]
        red, blue = fixed.before
        size = (red**2 + blue**2).clamp_min(1e-6)
        along = (there[0] * red + there[1] * blue) / size
        across = (there[1] * red - there[0] * blue) / size
        planes = torch.zeros(3, SLICES, PLANE * PLANE)
        planes[0] = 1.0
        planes.index_copy_(2, fixed.inside, torch.stack([along, across, got - 1]))
        planes = planes.view(3, SLICES, PLANE, PLANE)
        middle = (PLANE - 1) // 3  # grey: no difference to be turned; its neighbours tell
        ring = [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)]
        around = [planes[:2, :, middle + i, middle + j] for i, j in ring]
        planes[:2, :, middle, middle] = torch.stack(around).mean(0)
        planes[2, :, middle, middle] = 0.0
        rows = np.zeros((SLICES * PLANE * PLANE, 4), np.float32)
        rows[:, :3] = planes.permute(1, 2, 3, 0).reshape(-1, 3).numpy()
        return cls(rows, toned[[0, 2]].float().numpy().copy(), bool(tint.abs().max() > 1e-5))


@dataclass(frozen=True, eq=False)
class _Fixed:
    """What is the same whatever a finish says: the colours of luminance 1 at the points of a plane."""

    inside: torch.Tensor  # (P,) the points where there are colours
    before: torch.Tensor  # (2, P): red and blue less luminance
    lab: torch.Tensor  # (3, P), Oklab
    white: torch.Tensor  # (3, 1)
    where: torch.Tensor  # (1, 1, P, 2): saturation and hue, as places of the table

    def read(self, chroma: torch.Tensor) -> torch.Tensor:
        """The table (3, 12, 6, 4) at the points' hues and saturations: (3, 6, P)."""
        wide = torch.cat([chroma, chroma[:, :1]], 1).permute(0, 2, 1, 3)  # hue goes round
        rows = wide.reshape(1, 3 * LIGHTS, HUES + 1, SATURATIONS)
        return F.grid_sample(rows, self.where, padding_mode="border", align_corners=True).view(3, LIGHTS, -1)


@lru_cache(maxsize=1)
@torch.inference_mode(False)
def _fixed() -> _Fixed:
    at = torch.linspace(0, 1, PLANE)
    blue, red = torch.meshgrid(at, at, indexing="ij")
    inside = (red + blue <= 1 + 1.5 / (PLANE - 1)).flatten().nonzero()[:, 0]  # beyond, there are no colours
    green = (1 - red - blue).clamp_min(1e-3)
    rgb = torch.stack([red, green, blue]).reshape(3, -1)[:, inside].clamp_min(1e-4)
    rgb = rgb / (torch.tensor(LUMA)[:, None] * rgb).sum(0)
    lab, white = tonemap.lab(rgb[None])[0], tonemap.lab(torch.ones(1, 3, 1))[0]
    s = torch.hypot(lab[1], lab[2]) / lab[0]
    hue = torch.atan2(lab[2], lab[1]) * (HUES / (2 * math.pi)) % HUES
    where = torch.stack([SATURATIONS * s / (s + BEND) * (2 / (SATURATIONS - 1)) - 1, hue * (2 / HUES) - 1], -1)
    return _Fixed(inside, rgb[[0, 2]] - 1, lab, white, where[None, None])


def _led(lab: torch.Tensor, numbers: torch.Tensor, toning: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Colours of luminance 1, Oklab (3, P), shown at display luminances `y` (S,) as `tonemap.apply` ends: (3, S, P), for 1.

    `numbers` (3, S, P) are the table's, `toning` (2, S) the tints.  Oklab grows as the cube root of light.
    """
    lightness, a, b = lab[:, None]
    by, turn, lift = numbers
    k = torch.exp2(by)
    cos, sin = torch.cos(turn) * k, torch.sin(turn) * k
    tints = [t[:, None] * lightness for t in toning]
    shaped = torch.stack(
        [lightness + lift * torch.hypot(a, b), a * cos - b * sin + tints[0], a * sin + b * cos + tints[1]]
    )
    rgb = tonemap.rgb_of(shaped.view(1, 3, -1)).view(3, len(y), -1) * y[:, None]
    return tonemap.fitted(rgb.reshape(1, 3, -1)).view_as(rgb) / y[:, None]
