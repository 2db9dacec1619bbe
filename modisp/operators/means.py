"""Local means on a mosaic: taking noise away must neither brighten nor darken, whatever a network says."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from modisp.native import F, kernel, more
from modisp.operators.cells import layout, led_back, samples, sums
from modisp.operators.cfa import CFA

CELL = 24
"""Edge, in pixels, of the cells whose means count; frames on a mosaic start on multiples of it."""
REACH = 3 * CELL
"""Pixels beyond a pixel that `without_means` looks there."""

_NONE, _ALL = F(0), F(-np.inf)


def without_means(part: Tensor, level: Tensor, cfa: CFA, shot: float = 1.0, read: float = 0.0) -> Tensor:
    """(1, H, W) ``part`` less its local means, colour by colour: taken from a mosaic, it leaves the mosaic's means alone.

    Means are over about 72 × 72 pixels, smoothly.  Where a mean goes is shared out by the variance of the noise, that is
    ``shot · level + read`` (> 0; ``level`` (1, H, W) counts as 0 below 0): a bright neighbour's error does not land in the
    dark beside it.
    """
    h, w = part.shape[1:]
    cells, own_part, own_level = layout(cfa, CELL, h, w), samples(part), samples(level)
    found, light = np.empty(cells.shape, F), np.empty(cells.shape, F)
    sums(own_part, _ALL, *cells, found)
    sums(own_level, _NONE, *cells, light)
    of_cell = cells.own[:, : cells.own.shape[1], : cells.own.shape[1]].mean((1, 2), keepdims=True) * CELL**2
    expected = _around(light * F(shot) + of_cell.astype(F) * F(read))
    ratio = _around(found) / np.maximum(expected, F(1e-30))
    out = torch.empty(part.shape)
    _without(own_part, own_level, out[0].numpy(), ratio, cells.own, cells.ramps, F(shot), F(read))
    return out.to(part.device)


def _around(x: np.ndarray) -> np.ndarray:
    """(3, h, w): sums of 3 × 3, edges repeated."""
    x = np.pad(x, ((0, 0), (1, 1), (1, 1)), "edge")
    x = x[:, :-2] + x[:, 1:-1] + x[:, 2:]
    out: np.ndarray = x[..., :-2] + x[..., 1:-1] + x[..., 2:]
    return out


@kernel
def _without(part: Any, level: Any, out: Any, ratio: Any, own: Any, ramps: Any, shot: Any, read: Any) -> None:
    h, w = part.shape
    wide = ratio.shape[2]
    line, way, site = np.empty(wide + 2, F), np.empty((wide + 1) * ramps.size, F), np.empty(w, F)
    for y in range(h):
        led_back(ratio, y, own, ramps, line, way, site)
        p, v, to = part[y], level[y], out[y]
        for x in range(w):
            to[x] = p[x] - site[x] * (more(v[x], _NONE) * shot + read)
