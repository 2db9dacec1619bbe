"""Local means on a mosaic: taking noise away must neither brighten nor darken, whatever a network says.

Means are taken not of places alone but of places and levels, on a coarse grid of both (J. Chen, S. Paris, F. Durand,
"Real-time edge-aware image processing with the bilateral grid", ACM TOG 26, 2007): what is dark keeps its own mean right beside
what is bright.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from modisp.native import F, bits, kernel, less, more
from modisp.operators.cells import layout, samples
from modisp.operators.cfa import CFA

CELL = 24
"""Edge, in pixels, of the cells whose means count; frames on a mosaic start on multiples of it."""
REACH = 3 * CELL
"""Pixels beyond a pixel that `without_means` looks there."""
LAYERS = 6
"""Of levels, two stops apart: a pixel counts in the two that its level lies between."""
FEW = F(16)
"""So few pixels of a layer tell half of its mean; the rest is that of all layers."""

_NONE = F(0)
_PER_LAYER = F(2.0**-24)
"""Of a float's bits, which grow by 2²³ a stop, in straight lines from stop to stop."""
_ONE, _LAST = F(127 / 2), F(LAYERS - 1.001)
"""Layers from 2⁻¹²⁷ to 1; the darkest place between two."""


def without_means(part: Tensor, level: Tensor, cfa: CFA, shot: float = 1.0, read: float = 0.0) -> Tensor:
    """(1, H, W) ``part`` less its local means, colour by colour: taken from a mosaic, it leaves the mosaic's means alone.

    Means are over about 72 × 72 pixels and some two stops round a pixel's own ``level`` (1, H, W), smoothly.  Where a mean goes
    is shared out by the variance of the noise, that is ``shot · level + read`` (> 0; a level below 0 counts as 0).
    """
    h, w = part.shape[1:]
    cells, own_part, own_level = layout(cfa, CELL, h, w), samples(part), samples(level)
    kinds = cells.own.argmax(0)
    gathered = np.zeros((*cells.shape[1:], 3, LAYERS, 3), F)
    _gather(own_part, own_level, cells.rows, cells.columns, kinds, F(shot), F(read), _black(shot, read), gathered)
    found, expected, count = _around(gathered.transpose(4, 2, 3, 0, 1))
    usual = found.sum(1, keepdims=True) / np.maximum(expected.sum(1, keepdims=True), F(1e-30))
    trust = count / (count + FEW)
    ratio = usual + trust * (found / np.maximum(expected, F(1e-30)) - usual)
    out = torch.empty(part.shape)
    _without(own_part, own_level, out[0].numpy(), ratio, kinds, cells.ramps, F(shot), F(read), _black(shot, read))
    return out.to(part.device)


def _around(x: np.ndarray) -> np.ndarray:
    """(…, h, w): sums of 3 × 3, edges repeated."""
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(1, 1), (1, 1)], "edge")
    x = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]
    out: np.ndarray = x[..., :-2] + x[..., 1:-1] + x[..., 2:]
    return out


@kernel
def _layer(level: Any, black: Any) -> Any:
    """Where between the layers a level lies: 0 at 1 and above, more the darker, as far as noise lets tell (see `_black`)."""
    return less(more(_ONE - F(bits(more(level, _NONE) + black)) * _PER_LAYER, _NONE), _LAST)


def _black(shot: float, read: float) -> np.float32:
    """The level below which levels are alike: that of noise.  Finer ones would tell of the noise that is left in them, and what
    is left would be added to it again."""
    return F(2 * read**0.5 + 2 * shot)


@kernel
def _gather(
    part: Any, level: Any, rows: Any, columns: Any, kinds: Any, shot: Any, read: Any, black: Any, out: Any
) -> None:
    edge, phases = rows.size // out.shape[0], kinds.shape[0]
    for y in range(rows.size):
        row, line = rows[y], out[y // edge]
        p, v, kind = part[row], level[row], kinds[y % phases]
        for cell in range(out.shape[1]):
            own = line[cell]
            for x in range(cell * edge, cell * edge + edge):
                at = columns[x]
                value, variance = p[at], more(v[at], _NONE) * shot + read
                where = _layer(v[at], black)
                i = int(where)
                dark = where - F(i)
                bright = F(1) - dark
                a, b = own[kind[at], i], own[kind[at], i + 1]
                a[0] += bright * value
                b[0] += dark * value
                a[1] += bright * variance
                b[1] += dark * variance
                a[2] += bright
                b[2] += dark


@kernel
def _without(
    part: Any, level: Any, out: Any, ratio: Any, kinds: Any, ramps: Any, shot: Any, read: Any, black: Any
) -> None:
    h, w = part.shape
    edge, phases, high, wide = ramps.size, kinds.shape[0], ratio.shape[2], ratio.shape[3]
    half = edge // 2
    line = np.empty((3, LAYERS, wide + 2), F)
    for y in range(h):
        below, t = (y + half) // edge, ramps[(y + half) % edge]
        above, below = max(below - 1, 0), min(below, high - 1)
        for c in range(3):
            for i in range(LAYERS):
                for k in range(wide + 2):
                    j = min(max(k - 1, 0), wide - 1)
                    line[c, i, k] = ratio[c, i, above, j] + (ratio[c, i, below, j] - ratio[c, i, above, j]) * t
        p, v, to, kind = part[y], level[y], out[y], kinds[y % phases]
        for x in range(w):
            k, s = (x + half) // edge, ramps[(x + half) % edge]
            where = _layer(v[x], black)
            i = int(where)
            own = line[kind[x]]
            bright = own[i, k] + (own[i, k + 1] - own[i, k]) * s
            dark = own[i + 1, k] + (own[i + 1, k + 1] - own[i + 1, k]) * s
            mean = bright + (dark - bright) * (where - F(i))
            to[x] = p[x] - mean * (more(v[x], _NONE) * shot + read)
