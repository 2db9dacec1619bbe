"""Local means on a mosaic: taking noise away must neither brighten nor darken, whatever a network says."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modisp.native import F, kernel, more
from modisp.operators.cfa import CFA, colours, fold, period

CELL = 24
"""Edge, in pixels, of the cells whose means count; frames on a mosaic start on multiples of it."""
REACH = 3 * CELL
"""Pixels beyond a pixel that `without_means` looks there."""

_HALF, _NONE, _STEP = CELL // 2, F(0), F(1 / CELL)


def without_means(part: Tensor, level: Tensor, cfa: CFA, shot: float = 1.0, read: float = 0.0) -> Tensor:
    """(1, H, W) ``part`` less its local means, colour by colour: taken from a mosaic, it leaves the mosaic's means alone.

    Means are over about 72 × 72 pixels, smoothly.  Where a mean goes is shared out by the variance of the noise, that is
    ``shot · level + read`` (> 0; ``level`` (1, H, W) counts as 0 below 0): a bright neighbour's error does not land in the
    dark beside it.
    """
    h, w = part.shape[1:]
    rows, columns, own, ramps = _layout(cfa, h, w)
    out = torch.empty(part.shape)
    own_part, own_level = (x.to("cpu", torch.float32).contiguous()[0].numpy() for x in (part, level))
    _without(own_part, own_level, out[0].numpy(), rows, columns, own, ramps, F(shot), F(read))
    return out.to(part.device)


@lru_cache(maxsize=64)
def _layout(cfa: CFA, h: int, w: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where the rows and columns of whole cells are taken from (mirrored beyond the edges, in the pattern's phase), which
    colours' sites (colour, row of the pattern, w) are where, and how far (CELL,) a pixel is from one cell's middle to the next."""
    ph, pw = period(cfa)
    rows, columns = (fold(0, -(-n // CELL) * CELL, n, p).numpy() for n, p in ((h, ph), (w, pw)))
    own = torch.nn.functional.one_hot(colours(cfa, ph, w), 3).permute(2, 0, 1).float().contiguous().numpy()
    return rows, columns, own, ((np.arange(CELL) + 0.5) / CELL).astype(F)


@kernel
def _without(
    part: Any, level: Any, out: Any, rows: Any, columns: Any, own: Any, ramps: Any, shot: Any, read: Any
) -> None:
    h, w = part.shape
    high, wide, period = rows.size // CELL, columns.size // CELL, own.shape[1]
    sums = np.zeros((2, 3, high, wide), F)
    found, expected = np.empty((period, w), F), np.empty((period, w), F)
    for r in range(high):
        for i in range(period):
            for x in range(w):
                found[i, x] = expected[i, x] = _NONE
        for y in range(r * CELL, r * CELL + CELL):
            p, v, a, b = part[rows[y]], level[rows[y]], found[y % period], expected[y % period]
            for x in range(w):
                a[x] += p[x]
                b[x] += more(v[x], _NONE) * shot + read
        for i in range(period):
            for x in range(columns.size):
                at, cell = columns[x], x // CELL
                for c in range(3):
                    sums[0, c, r, cell] += found[i, at] * own[c, i, at]
                    sums[1, c, r, cell] += expected[i, at] * own[c, i, at]
    ratio = np.empty((3, high, wide), F)  # of the sums of 3 × 3 cells, those at the edges repeated
    for c in range(3):
        for r in range(high):
            for k in range(wide):
                a = b = _NONE
                for y in range(r - 1, r + 2):
                    for x in range(k - 1, k + 2):
                        i, j = min(max(y, 0), high - 1), min(max(x, 0), wide - 1)
                        a += sums[0, c, i, j]
                        b += sums[1, c, i, j]
                ratio[c, r, k] = a / b if b > _NONE else _NONE
    line, way, site = np.empty(wide + 2, F), np.empty((wide + 1) * CELL, F), np.empty(w, F)
    for y in range(h):
        r, t, i = (y + _HALF) // CELL, ramps[(y + _HALF) % CELL], y % period
        above, below = max(r - 1, 0), min(r, high - 1)
        for x in range(w):
            site[x] = _NONE
        for c in range(3):
            mask = own[c, i]
            if not mask[:period].any():
                continue
            for k in range(wide + 2):
                j = min(max(k - 1, 0), wide - 1)
                line[k] = ratio[c, above, j] + (ratio[c, below, j] - ratio[c, above, j]) * t
            for k in range(wide + 1):
                start, rise, piece = line[k], line[k + 1] - line[k], way[k * CELL : k * CELL + CELL]
                for x in range(CELL):
                    piece[x] = start + rise * ramps[x]
            shifted = way[_HALF : _HALF + w]
            for x in range(w):
                site[x] += shifted[x] * mask[x]
        p, v, to = part[y], level[y], out[y]
        for x in range(w):
            to[x] = p[x] - site[x] * (more(v[x], _NONE) * shot + read)
