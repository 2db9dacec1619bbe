"""Even areas of a picture, as candidates for the patches of a chart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from modisp.stage import checkpoint

Array = NDArray[np.float64]

STEPS = (0.012, 0.025, 0.05, 0.1)
"""How much an even area may change from one pixel to the next, as a share of white and as the eye sees it."""
_LEAST = 20  # pixels of a patch
_SOLID = (0.80, 1.09)  # of a parallelogram with the same moments: what a patch covers; a disc covers 1.05


@dataclass(frozen=True)
class Blob:
    """An even area: its middle (x, y) in pixels, how many pixels, and its colour (3,)."""

    x: float
    y: float
    area: float
    colour: Array


def blobs(pixels: torch.Tensor) -> list[Blob]:
    """Even areas about as solid as parallelograms, of a linear picture (3, H, W), white about 1."""
    shown = pixels.clamp_min(0).clamp_max(1.5).pow(1 / 2.4)
    soft = F.avg_pool2d(F.pad(shown[None], (1, 1, 1, 1), mode="replicate"), 3, 1)
    up = F.max_pool2d(soft, 3, 1, 1)
    change = (up + F.max_pool2d(-soft, 3, 1, 1))[0].amax(0).numpy()
    out: list[Blob] = []
    for step in STEPS:
        checkpoint()
        for found in _areas(change < step, shown.numpy()):
            near = [b for b in out if abs(b.x - found.x) + abs(b.y - found.y) < 0.25 * found.area**0.5]
            if not near:
                out.append(found)
            elif near[0].area < found.area:  # the same patch, with more of its rim
                out[out.index(near[0])] = found
    return out


def _areas(even: NDArray[np.bool_], shown: Array) -> list[Blob]:
    """Connected areas (four neighbours) of the shape of patches."""
    row, start, stop = _runs(even)
    if not len(row):
        return []
    name = _joined(row, start, stop)
    length = (stop - start).astype(np.float64)
    middle = (start + stop - 1) / 2.0
    names, index = np.unique(name, return_inverse=True)

    def total(v: Array) -> Array:
        return np.bincount(index, v, len(names)).astype(np.float64)

    n = total(length)
    x, y = total(length * middle) / n, total(length * row) / n
    xx = total(length * middle**2 + (length**3 - length) / 12) / n - x * x + 1 / 12
    yy, xy = total(length * row**2) / n - y * y + 1 / 12, total(length * middle * row) / n - x * y
    whole = 12 * np.sqrt(np.maximum(xx * yy - xy * xy, 1e-9))
    spread = np.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
    long, short = (xx + yy) / 2 + spread, np.maximum((xx + yy) / 2 - spread, 1e-9)
    solid = (n / whole > _SOLID[0]) & (n / whole < _SOLID[1]) & (long / short < 9)
    height, width = even.shape
    good = np.flatnonzero(solid & (n >= _LEAST) & (n < 0.1 * height * width))
    return [
        Blob(float(x[k]), float(y[k]), float(n[k]), shown[:, round(float(y[k])), round(float(x[k]))].astype(np.float64))
        for k in good
    ]


def _runs(even: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(row, start, stop) of every stretch of True."""
    edge = np.diff(np.pad(even.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, start = np.nonzero(edge == 1)
    return row, start, np.nonzero(edge == -1)[1]


def _joined(row: NDArray[np.int64], start: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.int64]:
    """The name of the area that each run belongs to (union-find over runs that touch from one row to the next)."""
    first = np.searchsorted(row, np.arange(row[-1] + 2))
    left: list[int] = []
    right: list[int] = []
    for y in range(1, int(row[-1]) + 1):
        a, b, c = (int(v) for v in (first[y - 1], first[y], first[y + 1]))
        if a == b or b == c:
            continue
        low = a + np.searchsorted(stop[a:b], start[b:c], side="right")
        high = a + np.searchsorted(start[a:b], stop[b:c], side="left")
        for k in np.flatnonzero(high > low):
            left += [b + int(k)] * int(high[k] - low[k])
            right += range(int(low[k]), int(high[k]))
    parent = list(range(len(row)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in zip(left, right, strict=True):
        a, b = root(i), root(j)
        if a != b:
            parent[max(a, b)] = min(a, b)
    return np.array([root(i) for i in range(len(row))])
