"""A finish (`modisp.operators.tonemap`) baked into small tables, and the quick way through them.

What is constant for a picture is worked out once: the curve as a table of light in EV, straight between 2^-7 EV; the grid
stretched over the columns, so that along a row it is a sum of ramps in light; the colours, in which Oklab's hue and saturation
depend on the chromaticity alone and the gamut on that and lightness, as a stack of chromaticity planes that say by what a
colour's difference from grey is turned and stretched.  Grey has no difference, so it stays grey whatever the table says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from modisp.color.spaces import LUMA
from modisp.operators import tonecurve as tc
from modisp.operators import tonemap
from modisp.operators.tonemap import COLUMNS, DARKEST, LEVEL, LEVELS, ROWS

Array = tc.Array
Channels = Sequence[torch.Tensor] | torch.Tensor
LOW, HIGH, PIECES = -18.0, 14.0, 128  # EV of the table of the curve, pieces a stop
SLICES, PLANE = 21, 49
"""How many lightnesses, and how many points along each axis of the chromaticity plane (grey lies on one)."""
_DARK = 2.0**-30
_SURE, _LOST = 0.7, 0.85
"""Up to this share of saturation colours are what they are; at it, so much of them is gone."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Cube root of display luminance by EV: `start` + `slope`·(share of a piece), found by the piece."""

    start: torch.Tensor
    slope: torch.Tensor

    @classmethod
    def of(cls, display: Callable[[Array], Array]) -> Curve:
        """From display luminance as a function of EV from middle grey."""
        ev = np.linspace(LOW, HIGH, int(HIGH - LOW) * PIECES + 1)
        v = torch.from_numpy(np.cbrt(np.clip(display(ev), 0.0, 1.0))).float()
        return cls(v[:-1].clone(), v[1:] - v[:-1])

    def __call__(self, ev: torch.Tensor) -> torch.Tensor:
        """At `ev` (N,), which is written to."""
        at = ev.sub_(LOW).mul_(PIECES).clamp_(0.0, len(self.start) - 1e-3)
        piece = at.int()
        part = at.sub_(piece)
        return part.mul_(torch.index_select(self.slope, 0, piece)).add_(torch.index_select(self.start, 0, piece))


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


@dataclass(frozen=True, eq=False)
class Local:
    """The grid as ramps: stops = base + Σ slope_k · (how far light has come from level k to the next)."""

    ramps: torch.Tensor  # (1 + 7, 16, 16)

    @classmethod
    def of(cls, grid: torch.Tensor) -> Local:
        """From (8, 16, 16) stops."""
        ramps = grid[1:] - grid[:-1]
        # a ramp of level k runs from k − 1 to k: what it is worth at its start is taken off at once
        start = grid[:1] - (ramps * torch.arange(LEVELS - 1.0).view(-1, 1, 1)).sum(0, keepdim=True)
        return cls(torch.cat([start, ramps]))

    def columns(self, x: torch.Tensor) -> torch.Tensor:
        """(8, 16, W): the ramps at places `x` (W,), 0…1 of the picture's width."""
        at = (x * COLUMNS - 0.5).clamp(0, COLUMNS - 1)
        i = at.floor().clamp_max(COLUMNS - 2).long()
        low, high = (self.ramps.index_select(2, i + k) for k in (0, 1))
        return torch.lerp(low, high, (at - i).to(self.ramps))

    @staticmethod
    def add(columns: torch.Tensor, y: torch.Tensor, light: torch.Tensor, guide: float) -> torch.Tensor:
        """`light` (R, W) in EV with the stops added for rows at `y` (R,), 0…1 of the height; a new tensor."""
        at = (y * ROWS - 0.5).clamp(0, ROWS - 1)
        rows = at.floor().clamp_max(ROWS - 2).long()
        parts = (at - rows).to(light)
        out = torch.empty_like(light)
        level = (light + (guide - DARKEST)).mul_(1.0 / LEVEL)
        done = 0
        for row, n in enumerate(torch.bincount(rows).tolist()):
            if not n:
                continue
            here = slice(done, done + n)
            part, sum_, inner = parts[here, None], out[here], level[here]
            low, high = columns[:, row], columns[:, row + 1]
            torch.lerp(low[0], high[0], part, out=sum_)
            ramp, way = torch.empty_like(sum_), torch.empty_like(sum_)
            for k in range(1, LEVELS):
                torch.lerp(low[k], high[k], part, out=ramp)
                sum_.addcmul_(ramp, torch.clamp(inner, k - 1.0, float(k), out=way))
            done += n
        return out.add_(light)


@dataclass(frozen=True, eq=False)
class Colours:
    """Planes of chromaticity, one a lightness: three numbers each, see `of`; `grey` are the tints of grey, if any."""

    planes: torch.Tensor  # (1, 3, SLICES · PLANE, PLANE)
    grey: torch.Tensor | None  # (2, SLICES): red and blue less luminance, for luminance 1

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
        tinted = bool(tint.abs().max() > 1e-5)
        return cls(
            planes.reshape(1, 3, SLICES * PLANE, PLANE).contiguous(), toned[[0, 2]].contiguous() if tinted else None
        )

    def paint(
        self,
        rgb: Channels,
        luminance: torch.Tensor,
        v: torch.Tensor,
        out: Channels,
        full: float = 0.0,
    ) -> None:
        """Scene colours (three (N,)) of a luminance (N,), shown at lightness `v` (cube root of display luminance), to `out`.

        `full`: where the sensor saturates, 0 if it does not; colours that come near it are no colours, and go to white.
        """
        n = v.numel()
        where = torch.empty(2, n, dtype=v.dtype, device=v.device)
        column, row = where
        torch.clamp(rgb[0], min=0.0, out=column)
        torch.clamp(rgb[2], min=0.0, out=row)
        total = rgb[1].clamp_min(0.0).add_(column).add_(row).clamp_min_(_DARK).reciprocal_()
        column.mul_(total).mul_(2.0).sub_(1.0)
        at = v * (SLICES - 1)
        low = at.floor().clamp_max_(SLICES - 2)
        at.sub_(low)
        high = SLICES * PLANE - 1
        row.mul_(total).mul_(2.0 * (PLANE - 1) / high).add_(low, alpha=2.0 * PLANE / high).sub_(1.0)
        grid = where.view(2, 1, 1, n).permute(1, 2, 3, 0)  # x and y apart: loaded without being taken asunder
        first = F.grid_sample(self.planes, grid, padding_mode="border", align_corners=True)[0, :, 0]
        row.add_(2.0 * PLANE / high)
        second = F.grid_sample(self.planes, grid, padding_mode="border", align_corners=True)[0, :, 0]
        along, across, more = first.lerp_(second, at)
        y = v.square().mul_(v)
        ratio = torch.clamp(luminance, min=_DARK, out=total).reciprocal_().mul_(y).clamp_max_(2.0**24)
        if self.grey is not None:
            piece, tints = low.int(), []
            for tint in self.grey:
                tone = torch.index_select(tint, 0, piece)
                tints.append(tone.lerp_(torch.index_select(tint, 0, piece + 1), at).mul_(y))
        y.addcmul_(y, more)
        if full:
            near = torch.maximum(torch.maximum(rgb[0], rgb[1]), rgb[2])
            near.mul_(1.0 / (full * (1.0 - _SURE))).sub_(_SURE / (1.0 - _SURE)).clamp_(0.0, 1.0)
            ratio.addcmul_(ratio, near.square_(), value=-_LOST)
        red = torch.sub(rgb[0], luminance, out=column).mul_(ratio)
        blue = torch.sub(rgb[2], luminance, out=row).mul_(ratio)
        r = torch.mul(along, red, out=out[0]).addcmul_(across, blue, value=-1.0)
        b = torch.mul(along, blue, out=out[2]).addcmul_(across, red)
        if self.grey is not None:
            r.add_(tints[0])
            b.add_(tints[1])
        torch.mul(r, -LUMA[0] / LUMA[1], out=out[1]).add_(b, alpha=-LUMA[2] / LUMA[1])
        for channel in out:
            channel.add_(y).clamp_(0.0, 1.0)


def _through(chroma: torch.Tensor, tint: torch.Tensor, rgb: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Colours (B, 3, N) of luminance 1 shown at lightness `v` (B, N), as `tonemap.apply` ends."""
    lab = tonemap.lab(rgb * (v**3)[:, None])
    return tonemap.fitted(tonemap.rgb_of(tonemap.coloured(chroma[None], tint[None], lab, v)))
