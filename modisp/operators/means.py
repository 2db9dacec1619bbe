"""Local means on a mosaic: taking noise away must neither brighten nor darken, whatever a network says."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from modisp.operators.cfa import CFA, colours, pad, period

CELL = 24
"""Edge, in pixels, of the cells whose means count; frames on a mosaic start on multiples of it."""
REACH = 3 * CELL
"""Pixels beyond a pixel that `excess` looks there."""


def excess(part: Tensor, spread: Tensor, cfa: CFA) -> Tensor:
    """(1, H, W) with the local means of ``part``, colour by colour: what must be given back when it is taken away.

    Means are over about 72 × 72 pixels, smoothly.  Where a mean goes is shared out by ``spread`` (1, H, W), the variance
    of the noise: a bright neighbour's error does not land in the dark beside it.
    """
    h, w = part.shape[1:]
    rows, columns = -(-h // CELL), -(-w // CELL)
    both = torch.cat([part, spread])
    if (rows * CELL, columns * CELL) != (h, w):
        both = pad(both, cfa, 0, rows * CELL - h, 0, columns * CELL - w)
    cells = both.view(2, rows, CELL, columns, CELL).transpose(2, 3).reshape(2 * rows * columns, CELL * CELL)
    means = _mean3((cells @ _shares(cfa).to(cells)).view(2, rows, columns, -1).permute(0, 3, 1, 2))
    ratio = means[0] / means[1]
    out = torch.empty_like(part)
    step = period(cfa)[0]
    for i in range(step):
        left, right = _ramps(cfa, i, h, w)
        lines = torch.cat(list(left.to(ratio) @ ratio), dim=1)
        out[0, i::step] = lines @ right.to(ratio)
    return out.mul_(spread)


def _mean3(x: Tensor) -> Tensor:
    """(B, C, h, w): means of 3 × 3, edges repeated."""
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    x = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]
    return (x[..., :-2] + x[..., 1:-1] + x[..., 2:]) * (1 / 9)


@lru_cache(maxsize=16)
def _shares(cfa: CFA) -> Tensor:
    """(CELL², colours): what each pixel of a cell adds to the mean of its colour."""
    own = F.one_hot(colours(cfa, CELL, CELL).flatten(), 3).float()
    return own / own.sum(0).clamp_min(1)


@lru_cache(maxsize=64)
def _ramps(cfa: CFA, i: int, h: int, w: int) -> tuple[Tensor, Tensor]:
    """(⌈(h − i) / p⌉, rows) and (colours · columns, w): from cells to the pixels of rows i, i + p, …, each its own colour."""
    step = period(cfa)[0]
    across = _ramp(w).T
    own = F.one_hot(colours(cfa, step, w)[i], 3).T.float()
    return _ramp(h)[i::step].contiguous(), torch.cat([across * mask for mask in own])


def _ramp(size: int) -> Tensor:
    """(size, ⌈size / CELL⌉): straight lines between the middles of cells, level beyond the first and the last."""
    count = -(-size // CELL)
    at = ((torch.arange(size) + 0.5) / CELL - 0.5).clamp(0, count - 1)
    return (1 - (at[:, None] - torch.arange(count)).abs()).clamp_min(0)
