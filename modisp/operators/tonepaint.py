"""The quick way through the tables of a finish (`modisp.operators.tonebake`): light, local light, curve and colours in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from modisp.color.spaces import LUMA
from modisp.native import F, bits, from_bits, kernel, less, more, planes, trilinear, unit
from modisp.operators import tonecurve as tc
from modisp.operators.tonebake import LAST, LOW, PIECES, PLANE, SLICES, Colours, Curve, Lift
from modisp.operators.tonemap import COLUMNS, DARKEST, LEVEL, LEVELS, ROWS
from modisp.probe import checkpoint

_CHUNK = 256  # pixels that the kernel takes at a time
_STRIP = 1 << 18  # pixels between two looks at whether the work is still wanted
_SURE, _LOST = F(0.7), F(0.85)
"""Up to this share of saturation colours are what they are; at it, so much of them is gone."""
_TO_RED, _TO_BLUE = F(-LUMA[0] / LUMA[1]), F(-LUMA[2] / LUMA[1])
_NONE, _HALF, _ONE = F(0), F(0.5), F(1)
_DARK, _BRIGHT = F(2.0**-40), F(2.0**24)
_TOP, _RIM, _COLUMN = (np.int32(n - 2) for n in (SLICES, PLANE, COLUMNS))  # where the last piece begins
_PLANE = np.int32(PLANE)
_MANTISSA, _UNIT, _ROOT = np.int32(0x007FFFFF), np.int32(0x3F800000), F(2**0.5)
# log2 m = 2/ln 2 · (t + t³/3 + …), t = (m − 1)/(m + 1)
_LOG = tuple(F(2 / np.log(2) / n) for n in (1, 3, 5, 7, 9))


@dataclass(frozen=True)
class Places:
    """Where an image lies in 0…1 of the whole picture: its first pixel's middle and the way to the next, both along x; y (H,)."""

    left: float
    pitch: float
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class Finish:
    """The tables of one picture under one setting; `ev` is the gain from scene light to EV from middle grey.

    `grid` (8, 16, 16) are the stops of local light, if there is any, read `guide` EV from where light now is.
    """

    ev: float
    curve: Curve
    lift: Lift
    colours: Colours
    grid: np.ndarray | None = None

    def paint(
        self, pixels: torch.Tensor, places: Places | None = None, guide: float = 0.0, full: float = 0.0
    ) -> torch.Tensor:
        """SCENE pixels (3, H, W) to DISPLAY.

        `full`: where the sensor saturates, 0 if it does not; colours that come near it are no colours, and go to white.
        """
        h, w = pixels.shape[1:]
        out = torch.empty(pixels.shape)
        local = self.grid is not None and places is not None
        grid = self.grid if self.grid is not None else _NO_GRID
        where = places or Places(0.0, 0.0, np.zeros(h))
        rows = max(1, _STRIP // w)
        r, g, b = planes(pixels)
        red, green, blue = planes(out)
        for top in range(0, h, rows):
            checkpoint()
            here = slice(top * w, min(h, top + rows) * w)
            _paint(
                r[here], g[here], b[here], red[here], green[here], blue[here], w, F(self.ev), self.curve.start, self.curve.slope,
                local, grid, F(guide), where.left, where.pitch, where.y[top : top + rows],
                F(self.lift.floor), F(self.lift.below), self.colours.planes, self.colours.tinted, self.colours.grey, F(full),
            )  # fmt: skip
        return out.to(pixels.device)


_NO_GRID = np.zeros((LEVELS, ROWS, COLUMNS), F)


@kernel
def _log2(x: Any) -> Any:
    """Of a positive float32, to 2e-7; eight at a time, which the library's is not."""
    raw = bits(x)
    m = from_bits((raw & _MANTISSA) | _UNIT)
    high = m > _ROOT
    whole = F((raw >> 23) - 127) + (_ONE if high else _NONE)
    m = m * _HALF if high else m
    t = (m - _ONE) / (m + _ONE)
    s = t * t
    return whole + t * (_LOG[0] + s * (_LOG[1] + s * (_LOG[2] + s * (_LOG[3] + s * _LOG[4]))))


@kernel
def _paint(
    r: Any, g: Any, b: Any, red: Any, green: Any, blue: Any, width: int, ev: Any, start: Any, slope: Any,
    local: bool, grid: Any, guide: Any, left: float, pitch: float, y: Any,
    floor: Any, below: Any, colours: Any, tinted: bool, grey: Any, full: Any,
) -> None:  # fmt: skip
    scene, light, v = np.empty(_CHUNK, F), np.empty(_CHUNK, F), np.empty(_CHUNK, F)
    rs, gs, bs = np.empty(_CHUNK, F), np.empty(_CHUNK, F), np.empty(_CHUNK, F)
    at, at_red, at_blue = np.empty(_CHUNK, F), np.empty(_CHUNK, F), np.empty(_CHUNK, F)
    where, found = np.empty(_CHUNK, np.uint32), np.empty((_CHUNK, 4), F)
    rises = np.empty((LEVELS, COLUMNS), F)
    for row in range(r.size // width):
        if local:
            down = min(max(y[row] * ROWS - 0.5, 0.0), ROWS - 1.0)
            first = min(int(down), ROWS - 2)
            part = F(down - first)
            for i in range(COLUMNS):
                lower = _NONE
                for k in range(LEVELS):
                    stops = grid[k, first, i] + part * (grid[k, first + 1, i] - grid[k, first, i])
                    rises[k, i], lower = stops - lower, stops
        for column in range(0, width, _CHUNK):
            n = min(_CHUNK, width - column)
            begin = row * width + column
            # counted from 0, or nothing would be done eight at a time
            from_r, from_g, from_b = r[begin : begin + n], g[begin : begin + n], b[begin : begin + n]
            to_r, to_g, to_b = red[begin : begin + n], green[begin : begin + n], blue[begin : begin + n]
            for i in range(n):
                rs[i], gs[i], bs[i] = tc.sound(
                    less(from_r[i], _BRIGHT), less(from_g[i], _BRIGHT), less(from_b[i], _BRIGHT), tc.HELD
                )
                scene[i] = tc.light(rs[i], gs[i], bs[i])
                light[i] = _log2(more(scene[i], _DARK)) + ev
            if local:
                _add_local(light, n, rises, guide, left + pitch * column, pitch, at, at_red)
            for i in range(n):
                at[i] = less(more((light[i] - F(LOW)) * F(PIECES), _NONE), F(LAST))
            for i in range(n):
                piece = np.int32(at[i])
                v[i] = start[piece] + slope[piece] * (at[i] - F(piece))
            for i in range(n):
                # so that no pixel depends on what else is near
                lift = more(v[i] * v[i] * v[i] * floor - scene[i], _NONE) if scene[i] <= below else _NONE
                scene[i] += lift
                rs[i] += lift
                gs[i] += lift
                bs[i] += lift
            for i in range(n):
                positive = more(rs[i], _NONE), more(bs[i], _NONE)
                share = F(PLANE - 1) / more(positive[0] + more(gs[i], _NONE) + positive[1], _DARK)
                at_red[i], at_blue[i] = positive[0] * share, positive[1] * share
                at[i] = v[i] * F(SLICES - 1)
            _look_up(colours, n, at, at_blue, at_red, where, found)
            for i in range(n):
                display = v[i] * v[i] * v[i]
                ratio = less(display / more(scene[i], _DARK), _BRIGHT)
                display += display * found[i, 2]
                if full > _NONE:
                    near = more(more(rs[i], gs[i]), bs[i]) / (full * (_ONE - _SURE)) - _SURE / (_ONE - _SURE)
                    near = unit(near)
                    ratio -= ratio * near * near * _LOST
                from_red, from_blue = (rs[i] - scene[i]) * ratio, (bs[i] - scene[i]) * ratio
                rs[i] = found[i, 0] * from_red - found[i, 1] * from_blue
                bs[i] = found[i, 0] * from_blue + found[i, 1] * from_red
                scene[i] = display
            if tinted:
                for i in range(n):
                    place, cube = v[i] * F(SLICES - 1), v[i] * v[i] * v[i]
                    piece = less(np.int32(place), _TOP)
                    part = place - F(piece)
                    rs[i] += (grey[0, piece] + part * (grey[0, piece + 1] - grey[0, piece])) * cube
                    bs[i] += (grey[1, piece] + part * (grey[1, piece + 1] - grey[1, piece])) * cube
            for i in range(n):
                between = _TO_RED * rs[i] + _TO_BLUE * bs[i]
                to_r[i] = unit(rs[i] + scene[i])
                to_g[i] = unit(between + scene[i])
                to_b[i] = unit(bs[i] + scene[i])


@kernel
def _add_local(light: Any, n: int, rises: Any, guide: Any, left: float, pitch: float, level: Any, right: Any) -> None:
    """The grid's stops for the pixels of a row, whose first lies at `left` of the picture's width.

    Between two columns of the grid what a level adds to the one below is a straight line, so no pixel has to look anything up.
    """
    begin, step = F(left * COLUMNS - 0.5), F(pitch * COLUMNS)
    for i in range(n):
        level[i] = less(more((light[i] + guide - F(DARKEST)) * F(1 / LEVEL), _NONE), F(LEVELS - 1))
        right[i] = less(more(begin + step * F(i), _NONE), F(COLUMNS - 1))
    first = 0
    while first < n:
        j = less(np.int32(right[first]), _COLUMN)
        last = first + 1
        while last < n and less(np.int32(right[last]), _COLUMN) == j:
            last += 1
        here, up, out = right[first:last], level[first:last], light[first:last]
        for i in range(here.size):
            here[i] -= F(j)
            out[i] += rises[0, j] + here[i] * (rises[0, j + 1] - rises[0, j])
        for k in range(LEVELS - 1):
            start, slope = rises[k + 1, j], rises[k + 1, j + 1] - rises[k + 1, j]
            for i in range(here.size):
                out[i] += unit(up[i] - F(k)) * (start + here[i] * slope)
        first = last


@kernel
def _look_up(table: Any, n: int, z: Any, y: Any, x: Any, where: Any, found: Any) -> None:
    """The four numbers (n, 4) at places of SLICES × PLANE × PLANE, between the eight neighbours."""
    for i in range(n):
        k, j, m = less(np.int32(z[i]), _TOP), less(np.int32(y[i]), _RIM), less(np.int32(x[i]), _RIM)
        where[i] = (k * _PLANE + j) * _PLANE + m
        z[i], y[i], x[i] = z[i] - F(k), y[i] - F(j), x[i] - F(m)
    for i in range(n):
        trilinear(table, where[i], PLANE, PLANE * PLANE, x[i], y[i], z[i], found, i)
