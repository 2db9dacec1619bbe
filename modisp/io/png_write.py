"""PNG with 8 or 16 bits per channel, profile, EXIF and XMP.  (PNG, third edition, W3C 2025; Pillow writes no 16-bit RGB.)"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def write_png(
    file: IO[bytes],
    bands: Iterable[NDArray[Any]],
    size: tuple[int, int],
    depth: int,
    icc: bytes = b"",
    exif: bytes = b"",
    xmp: bytes = b"",
) -> None:
    """Write RGB `bands`, each (rows, W, 3) uint8 or uint16 as `depth` says, that make up `size` (height, width).

    Rows are filtered by whichever of Sub and Up leaves the smaller numbers.
    """
    height, width = size
    file.write(b"\x89PNG\r\n\x1a\n")
    _chunk(file, b"IHDR", struct.pack(">2I5B", width, height, depth, 2, 0, 0, 0))
    if icc:
        _chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(icc, 9))
    if exif:
        _chunk(file, b"eXIf", exif)
    if xmp:
        _chunk(file, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    packer = zlib.compressobj(4, strategy=zlib.Z_FILTERED)
    above: Bytes = np.zeros((1, width * 3 * depth // 8), np.uint8)
    for band in bands:
        rows = np.ascontiguousarray(band.astype(f">u{depth // 8}", copy=False)).view(np.uint8).reshape(len(band), -1)
        packed = packer.compress(_filtered(rows, above, 3 * depth // 8).data)
        above = rows[-1:].copy()
        if packed:
            _chunk(file, b"IDAT", packed)
    _chunk(file, b"IDAT", packer.flush())
    _chunk(file, b"IEND", b"")


def _filtered(rows: Bytes, above: Bytes, pixel: int) -> Bytes:
    """Each row with its filter type before it: 1 (minus the pixel to the left) or 2 (minus the row above)."""
    up = rows - np.concatenate([above, rows[:-1]])
    sub = rows.copy()
    sub[:, pixel:] -= rows[:, :-pixel]
    costs = [np.abs(f.view(np.int8)).sum(1, dtype=np.int64) for f in (sub, up)]
    out = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    better = costs[1] < costs[0]
    out[:, 0] = 1 + better
    out[:, 1:] = sub
    out[better, 1:] = up[better]
    return out


def _chunk(file: IO[bytes], kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind)
    file.write(data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
