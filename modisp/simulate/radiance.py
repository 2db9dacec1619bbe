"""Radiance pictures (.hdr, .pic): linear light with an exponent shared by each pixel's three channels.

G. Ward, "Real pixels", Graphics Gems II (1991); format as in the Radiance reference manual.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

from modisp.io import ImageError

_MOST = 200_000_000  # pixels


def read_hdr(path: Path) -> torch.Tensor:
    """The picture as (3, H, W) float32, linear RGB with the primaries of sRGB.  Raises ImageError."""
    try:
        data = path.read_bytes()
    except OSError as e:
        raise ImageError(f"{path} cannot be read: {e.strerror or e}") from e
    head = re.match(rb"#\?[^\n]*\n(?:[^\n]+\n)*\n-Y (\d+) \+X (\d+)\n", data)
    if head is None or b"32-bit_rle_rgbe" not in data[: head.end()]:
        raise ImageError(f"{path.name} is not a Radiance picture of the usual kind (rgbe, -Y +X)")
    height, width = int(head[1]), int(head[2])
    if not 0 < height * width <= _MOST:
        raise ImageError(f"{path.name} claims to have {width} × {height} pixels, which is not plausible")
    out = np.zeros((height, width, 4), np.uint8)
    at = head.end()
    try:
        for row in range(height):
            at = _row(data, at, out[row])
    except (IndexError, ValueError) as e:
        raise ImageError(f"{path.name} is damaged or ends too early") from e
    scale = np.ldexp(np.float32(1), out[..., 3].astype(np.int32) - 136) * (out[..., 3] > 0)
    return torch.from_numpy(((out[..., :3] + np.float32(0.5)) * scale[..., None]).transpose(2, 0, 1).astype(np.float32))


def _row(data: bytes, at: int, row: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> int:
    """Fill one row (W, 4) from `data[at:]`; returns where the next one starts."""
    width = row.shape[0]
    if not (8 <= width < 32768 and data[at : at + 2] == b"\2\2" and data[at + 2] << 8 | data[at + 3] == width):
        row[:] = np.frombuffer(data, np.uint8, width * 4, at).reshape(width, 4)
        return at + width * 4
    at += 4
    for c in range(4):
        x = 0
        while x < width:
            n = data[at]
            run = n > 128
            n = n - 128 if run else n
            if n == 0 or x + n > width:
                raise ValueError("a run leaves its row")
            row[x : x + n, c] = data[at + 1] if run else np.frombuffer(data, np.uint8, n, at + 1)
            at += 2 if run else 1 + n
            x += n
    return at
