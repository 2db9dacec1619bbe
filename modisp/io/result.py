"""What a decoder process hands over: facts as JSON data, and pixels with their levels."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modisp.io.levels import Levels


@dataclass
class Result:
    """A decoded file.

    `pixels` is (H, W, channels) as stored, still to be normalised by `levels`; `meta` holds fields of
    `modisp.image.Metadata`; `frame` is the frame of an intermediate; `info` is told by `read_info` alone.
    """

    state: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    pixels: NDArray[Any] | None = None
    levels: Levels | None = None
    frame: dict[str, Any] | None = None
    extras: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    keep: Any = None  # whatever owns the pixels' memory

    def header(self) -> dict[str, Any]:
        """Everything but the pixels, as JSON data; bytes as base64."""
        out: dict[str, Any] = {"state": self.state, "frame": self.frame, "extras": self.extras, "info": self.info}
        out["meta"] = {
            k: base64.b64encode(v).decode("ascii") if isinstance(v, bytes) else v for k, v in self.meta.items()
        }
        if self.pixels is not None:
            out |= {"dtype": self.pixels.dtype.str, "shape": self.pixels.shape}
            out["levels"] = (self.levels or Levels.simple(0.0, 1.0, self.pixels.shape[2])).dump()
        return out


def slabs(shape: tuple[int, ...], itemsize: int) -> list[tuple[int, int]]:
    """Row ranges (first, count) of about a megabyte, in which pixels of `shape` travel."""
    rows, width, channels = shape
    step = max(1, (1 << 20) // max(1, width * channels * itemsize))
    return [(top, min(step, rows - top)) for top in range(0, rows, step)]


def mosaic(values: NDArray[Any]) -> NDArray[Any]:
    """Pixels (H, W) as (H, W, 1); three channels as they are."""
    return values[:, :, np.newaxis] if values.ndim == 2 else values
