"""Curves through points and by regions, without torch, so that a window can draw what the stages compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PLAIN = ((0.0, 0.0), (1.0, 1.0))
"""The curve that changes nothing."""
REGIONS = (0.0, 0.0, 0.0, 0.0, 0.25, 0.5, 0.75)
"""Regions that change nothing: shadows, darks, lights, highlights, and the three places where they part."""
_SHIFT = 0.45  # of the way to the nearest neighbour, at ±1: two neighbours never change places
_APART = 0.05


def monotone_cubic(points: Sequence[Sequence[float]], x: Any) -> Array:
    """A smooth curve through `points` (rising x) at `x`, level beyond its ends, without overshoot.

    Source: Fritsch & Carlson 1980, SIAM J. Numer. Anal. 17(2).
    """
    px, py = (np.array(v, dtype=np.float64) for v in zip(*points, strict=True))
    d = np.diff(py) / np.diff(px)
    m = np.concatenate([d[:1], (d[1:] + d[:-1]) / 2, d[-1:]])
    m[1:-1][d[1:] * d[:-1] <= 0] = 0.0
    for k, dk in enumerate(d):
        length = np.hypot(m[k], m[k + 1])
        if length > 3.0 * abs(dk):
            m[k : k + 2] *= 3.0 * abs(dk) / length
    x = np.clip(np.asarray(x, dtype=np.float64), px[0], px[-1])
    i = np.clip(np.searchsorted(px, x, side="right") - 1, 0, len(d) - 1)
    h = px[i + 1] - px[i]
    t = (x - px[i]) / h
    s = 1.0 - t
    return np.asarray(
        s * s * ((1 + 2 * t) * py[i] + t * h * m[i]) + t * t * ((3 - 2 * t) * py[i + 1] - s * h * m[i + 1])
    )


def splits(regions: Sequence[float]) -> tuple[float, float, float]:
    """The three places where regions part, rising and apart from each other, whatever was given."""
    a, b, c = sorted(min(max(float(v), _APART), 1.0 - _APART) for v in regions[4:7])
    b = min(max(b, 2 * _APART), 1.0 - 2 * _APART)
    return min(a, b - _APART), b, max(c, b + _APART)


def anchors(regions: Sequence[float]) -> list[tuple[float, float]]:
    """The points of the curve that regions draw: both ends, and the middle of each region moved up or down."""
    a, b, c = splits(regions)
    x = [0.0, a / 2, (a + b) / 2, (b + c) / 2, (c + 1) / 2, 1.0]
    moved = [0.0, *(float(v) for v in regions[:4]), 0.0]
    room = [0.0, *(min(x[i] - x[i - 1], x[i + 1] - x[i]) for i in range(1, 5)), 0.0]
    return [(at, at + _SHIFT * m * r) for at, m, r in zip(x, moved, room, strict=True)]


def through(regions: Sequence[float], points: Sequence[Sequence[float]], x: Any) -> Array:
    """Brightness `x` (encoded, 0…1) led through the regions, then through the points; the result lies in [0, 1]."""
    y = np.clip(np.asarray(x, dtype=np.float64), 0.0, 1.0)
    if any(regions[:4]):
        y = monotone_cubic(anchors(regions), y)
    if tuple(map(tuple, points)) != PLAIN:
        y = monotone_cubic(points, y)
    return np.clip(y, 0.0, 1.0)
