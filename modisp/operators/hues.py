"""The circle of hues parted among eight named ones, without torch: weights that fade into each other and sum to 1.

Hues are those of Oklab (Ottosson 2020), in degrees: along them lightness and chroma change little as the hue turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modisp.operators.curves import monotone_cubic

Array = npt.NDArray[np.float64]

CENTRES = (27.0, 58.0, 103.0, 143.0, 195.0, 258.0, 302.0, 345.0)
"""Where red, orange, yellow, green, aqua, blue, purple and magenta stand, in degrees of Oklab hue."""


def weights(degrees: Any) -> Array:
    """How much of each of the eight hues is in a hue: (8, …), 0…1, summing to 1; two neighbours share each hue."""
    x = np.asarray(degrees, dtype=np.float64) % 360.0
    at = np.array([*CENTRES, CENTRES[0] + 360.0])
    x = np.where(x < at[0], x + 360.0, x)
    i = np.clip(np.searchsorted(at, x, side="right") - 1, 0, 7)
    t = (x - at[i]) / (at[i + 1] - at[i])
    up = 0.5 - 0.5 * np.cos(np.pi * t)
    out = np.zeros((8, *x.shape))
    for k in range(8):
        out[k] = np.where(i == k, 1.0 - up, 0.0) + np.where((i + 1) % 8 == k, up, 0.0)
    return out


def blend(values: Sequence[float], degrees: Any) -> Array:
    """Eight numbers as one smooth function of hue."""
    return np.asarray(np.tensordot(np.array(values, dtype=np.float64), weights(degrees), 1))


def turned(shifts: Sequence[float], degrees: Any) -> Array:
    """Degrees by which hues are turned, for shifts −1…1: at ±1 a hue goes most of the way to its neighbour.

    Hues never change places: between two that are drawn together all others are drawn together with them.
    """
    centres = np.array(CENTRES)
    after = (np.roll(centres, -1) - centres) % 360.0
    before = np.roll(after, 1)
    v = np.array(shifts, dtype=np.float64)
    # two neighbours that move towards each other by 0.45 of the way between them keep their order
    to = centres + 0.45 * np.where(v > 0, v * after, v * before)
    rows = [(c + 360.0 * k, t + 360.0 * k) for k in (-1, 0, 1) for c, t in zip(centres, to, strict=True)]
    x = np.asarray(degrees, dtype=np.float64) % 360.0
    return np.asarray(monotone_cubic(rows, x) - x)
