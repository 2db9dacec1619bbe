"""From the sensor's integers to MOSAIC's scale: (value − black) / (white − black), per CFA position.

The one place where this arithmetic is done, for reading and for writing, so that a picture that is saved as integers
comes back to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Levels:
    """Black and white levels in the file's integers.

    `black` is (rows, columns, channels), repeating from the first pixel on; `white` is (channels,); `across` (W,) and
    `down` (H,) are what DNG's BlackLevelDeltaH and BlackLevelDeltaV add to the black of columns and rows.
    """

    black: Floats
    white: Floats
    across: Floats | None = None
    down: Floats | None = None

    @classmethod
    def simple(cls, black: float, white: float, channels: int = 1) -> Levels:
        """One black and one white for all."""
        return cls(np.full((1, 1, channels), black, np.float32), np.full(channels, white, np.float32))

    def dump(self) -> dict[str, Any]:
        """Plain JSON data; float32 numbers survive it exactly."""
        deltas = {"across": self.across, "down": self.down}
        out = {"black": self.black.tolist(), "white": self.white.tolist()}
        return out | {k: v.tolist() for k, v in deltas.items() if v is not None}

    @classmethod
    def load(cls, data: dict[str, Any]) -> Levels:
        """The inverse of `dump`."""
        return cls(**{k: np.asarray(v, np.float32) for k, v in data.items()})


def normalise(values: NDArray[Any], levels: Levels, top: int, out: Floats) -> None:
    """Write (value − black) / (white − black) into `out`, in float32.

    `values` is (rows, W, channels) of any type, starting at row `top` of the picture; `out` is (channels, rows, W).
    Adjacent slabs give the same numbers as the whole.
    """
    _, width, channels = values.shape
    high, wide, _ = levels.black.shape
    even = levels.across is None and levels.down is None
    for c in range(channels):
        pattern, white = levels.black[:, :, c], levels.white[c]
        if even and (pattern == pattern[0, 0]).all():
            _scale(values[:, :, c], pattern[0, 0], white, out[c])
            continue
        for i in range(high):  # the rows that share one line of the pattern
            first = (i - top) % high
            line = np.tile(pattern[i], -(-width // wide))[:width]
            if levels.across is not None:
                line = line + levels.across
            if levels.down is not None:
                line = line + levels.down[top + first : top + len(values) : high, None]
            _scale(values[first::high, :, c], line, white, out[c, first::high])


def _scale(values: NDArray[Any], black: Any, white: np.float32, out: Floats) -> None:
    if white == 1 and not np.any(black):  # on this scale already: copied as it is
        out[...] = values
        return
    np.subtract(values, black, out=out, dtype=np.float32)
    np.divide(out, np.asarray(white - black, np.float32), out=out)


def saturated(values: NDArray[Any], levels: Levels) -> Levels:
    """The levels with white where the picture itself is seen to saturate, for files that do not say.

    Clipped pixels pile up at the highest value; white moves down to it where it is not far below what the format allows.
    """
    top, white = float(values.max()), float(levels.white.max())
    if not 0.7 * white < top < white:
        return levels
    piled, near = (np.count_nonzero(values >= values.dtype.type(top - d)) for d in (1.0, 0.02 * white))
    if piled < max(16, values.size // 20000) or 2 * piled < near:
        return levels
    return Levels(levels.black, np.full_like(levels.white, top), levels.across, levels.down)
