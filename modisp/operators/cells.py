"""Colours of a mosaic over square cells: their sums, and numbers of cells led back to the samples, smoothly."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch

from modisp.native import F, kernel, more
from modisp.operators.cfa import CFA, colours, fold, period

_NONE = F(0)


class Layout(NamedTuple):
    """Where cells of `edge` pixels, a multiple of the pattern's period, lie in a mosaic; the first begins with it."""

    rows: np.ndarray  # that the rows of whole cells are taken from: mirrored beyond the edges, in the pattern's phase
    columns: np.ndarray
    own: np.ndarray  # (colour, row of the pattern, column): 1 where a sample is of the colour
    ramps: np.ndarray  # (edge,): how far a pixel is from one cell's middle to the next

    @property
    def shape(self) -> tuple[int, int, int]:
        """(colours, rows, columns) of cells."""
        return 3, self.rows.size // self.ramps.size, self.columns.size // self.ramps.size


@lru_cache(maxsize=64)
def layout(cfa: CFA, edge: int, height: int, width: int) -> Layout:
    """The cells of a mosaic of this pattern and size."""
    ph, pw = period(cfa)
    rows, columns = (fold(0, -(-n // edge) * edge, n, p).numpy() for n, p in ((height, ph), (width, pw)))
    own = torch.nn.functional.one_hot(colours(cfa, ph, width), 3).permute(2, 0, 1).float().contiguous().numpy()
    return Layout(rows, columns, own, ((np.arange(edge) + 0.5) / edge).astype(F))


def samples(mosaic: torch.Tensor) -> np.ndarray:
    """(1, H, W) as (H, W) float32 in main memory; no copy where it lies there already."""
    found: np.ndarray = mosaic.to("cpu", torch.float32).contiguous()[0].numpy()
    return found


@kernel
def sums(mosaic: Any, least: Any, rows: Any, columns: Any, own: Any, ramps: Any, out: Any) -> None:
    """`out`: sums over every cell of the samples of every colour; those below `least` count as that."""
    w, edge, phases = mosaic.shape[1], ramps.size, own.shape[1]
    found = np.empty((phases, w), F)
    for r in range(out.shape[1]):
        for i in range(phases):
            for x in range(w):
                found[i, x] = _NONE
        for y in range(r * edge, r * edge + edge):
            row, line = mosaic[rows[y]], found[y % phases]
            for x in range(w):
                line[x] += more(row[x], least)
        for c in range(3):
            for k in range(out.shape[2]):
                out[c, r, k] = _NONE
        for i in range(phases):
            for x in range(columns.size):
                at, cell = columns[x], x // edge
                for c in range(3):
                    out[c, r, cell] += found[i, at] * own[c, i, at]


@kernel
def led_back(field: Any, y: int, own: Any, ramps: Any, line: Any, way: Any, out: Any) -> None:
    """`out` (w,): numbers of cells at the samples of row y, each of its own colour's, along straight lines between middles.

    `line` and `way` are room to work in, of two numbers more than there are columns of cells, and of w + 2 edges.
    """
    edge, phases, high, wide, w = ramps.size, own.shape[1], field.shape[1], field.shape[2], out.size
    half, i = edge // 2, y % phases
    below, t = (y + half) // edge, ramps[(y + half) % edge]
    above, below = max(below - 1, 0), min(below, high - 1)
    for x in range(w):
        out[x] = _NONE
    for c in range(3):
        mask = own[c, i]
        if not mask[:phases].any():
            continue
        for k in range(wide + 2):
            j = min(max(k - 1, 0), wide - 1)
            line[k] = field[c, above, j] + (field[c, below, j] - field[c, above, j]) * t
        for k in range(wide + 1):
            start, rise, piece = line[k], line[k + 1] - line[k], way[k * edge : k * edge + edge]
            for x in range(edge):
                piece[x] = start + rise * ramps[x]
        shifted = way[half : half + w]
        for x in range(w):
            out[x] += shifted[x] * mask[x]
