"""DISPLAY and ENCODED images as picture files: numbers of the right depth, handed to the encoder of the format."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import features

from modisp.io import tags as tiff
from modisp.io.png_write import write_png
from modisp.io.tags import Tags, long, short, undefined

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".avif": "AVIF",
}
"""File name suffix → format of a picture."""

DEPTHS = {"JPEG": (8,), "PNG": (8, 16), "TIFF": (16, 8, 32), "WEBP": (8,), "AVIF": (8,)}
"""Bits per channel that a format takes, the usual first."""

LONGEST = {"JPEG": 65500, "PNG": 2**31 - 1, "TIFF": 2**31 - 1, "WEBP": 16383, "AVIF": 65535}
"""The longest edge that a format takes, in pixels."""

_BAND = 1 << 20  # samples converted at a time: they stay in the cache
_XMP_IN_JPEG = 65533 - 29  # one segment


@dataclass(frozen=True)
class Attached:
    """What lies beside the pixels: the ICC profile, the XMP packet, and the EXIF tags, as directories."""

    icc: bytes = b""
    xmp: bytes = b""
    exif: Tags | None = None

    @property
    def block(self) -> bytes:
        """EXIF as a TIFF block, or b""."""
        if not self.exif:
            return b""
        return tiff.block(self.exif | {531: short(1)})  # YCbCrPositioning: centred


def bands(pixels: torch.Tensor, bits: int, channels: int = 3) -> Iterator[tuple[slice, NDArray[Any]]]:
    """The pixels (3, H, W) as slices of rows and (rows, W, channels) arrays of uint8, uint16 or float32 (`bits` 32).

    Floats are in [0, 1], clipped and rounded to the nearest step; NaN becomes 0.  uint8 and uint16 tensors are taken as
    quantised already.  A fourth channel is padding.
    """
    source = pixels.detach().cpu().numpy()
    _, height, width = source.shape
    rows = max(1, _BAND // (3 * width))
    kind: Any = {8: np.uint8, 16: np.uint16, 32: np.float32}[bits]
    for top in range(0, height, rows):
        where = slice(top, min(height, top + rows))
        part = _quantised(source[:, where], bits)
        out = np.empty((*part.shape[1:], channels), kind)
        for c in range(3):
            out[:, :, c] = part[c]
        out[:, :, 3:] = 255
        yield where, out


def _quantised(part: NDArray[Any], bits: int) -> NDArray[Any]:
    if part.dtype == np.uint8:
        return part if bits == 8 else part.astype(np.uint16) * 257 if bits == 16 else part / np.float32(255)
    if part.dtype == np.uint16:
        if bits == 8:
            return ((part.astype(np.uint32) + 128) // 257).astype(np.uint8)
        return part if bits == 16 else part / np.float32(65535)
    if bits == 32:
        return part
    top = np.float32(2**bits - 1)
    scaled = part * top
    scaled += np.float32(0.5)
    np.fmax(scaled, 0, out=scaled)  # of NaN and 0 this takes 0
    np.fmin(scaled, top, out=scaled)
    return scaled.astype(np.uint8 if bits == 8 else np.uint16)


def write_picture(
    file: IO[bytes],
    kind: str,
    pixels: torch.Tensor,
    bits: int,
    attached: Attached,
    quality: int = 92,
    subsampling: str = "4:4:4",
    progressive: bool = False,
) -> None:
    """Write (3, H, W) pixels in format `kind` (see `FORMATS`) with `bits` per channel (see `DEPTHS`).

    `quality` (1 … 100) serves JPEG, WebP and AVIF, `subsampling` JPEG and AVIF.  An XMP packet that is too long for JPEG
    (64 kB) is left out.  Raises ValueError where this machine lacks the encoder, OSError where writing fails.
    """
    size = int(pixels.shape[1]), int(pixels.shape[2])
    if kind == "TIFF":
        write_tiff(file, pixels, bits, attached)
        return
    if kind == "PNG":
        write_png(file, (b for _, b in bands(pixels, bits)), size, bits, attached.icc, attached.block, attached.xmp)
        return
    if kind in ("AVIF", "WEBP") and not features.check(kind.lower()):
        raise ValueError(f"this installation of Pillow cannot write {kind}; install a newer one or choose JPEG")
    channels = 4 if kind == "JPEG" else 3  # with padding Pillow encodes from our memory, without a copy
    whole = np.empty((*size, channels), np.uint8)
    for rows, band in bands(pixels, 8, channels):
        whole[rows] = band
    mode = "RGBX" if kind == "JPEG" else "RGB"
    picture = Picture.frombuffer(mode, (size[1], size[0]), whole, "raw", mode, 0, 1)
    options: dict[str, Any] = {"quality": quality}
    xmp = attached.xmp
    if kind == "JPEG":
        options |= {"progressive": progressive, "subsampling": subsampling}
        xmp = xmp if len(xmp) <= _XMP_IN_JPEG else b""
    elif kind == "AVIF":
        options |= {"subsampling": subsampling}
    block = attached.block
    if block:
        options["exif"] = b"Exif\0\0" + block
    if attached.icc:
        options["icc_profile"] = attached.icc
    if xmp:
        options["xmp"] = xmp
    picture.save(file, kind, **options)


def write_tiff(file: IO[bytes], pixels: torch.Tensor, bits: int, attached: Attached) -> None:
    """Write an uncompressed RGB TIFF with 8 or 16 bits or 32-bit floats (exact).  ValueError above 4 GiB."""
    height, width = int(pixels.shape[1]), int(pixels.shape[2])
    if height * width * 3 * bits // 8 > tiff.LIMIT - (1 << 26):
        raise ValueError("the picture is too large for a TIFF file, which ends at 4 GiB")
    file.write(tiff.HEADER + b"\0\0\0\0")
    offsets: list[int] = []
    lengths: list[int] = []
    rows = 1
    for where, band in bands(pixels, bits):
        rows = rows if offsets else where.stop
        offsets.append(file.tell())
        lengths.append(band.nbytes)
        file.write(np.ascontiguousarray(band.astype(band.dtype.newbyteorder("<"), copy=False)).data)
    kept = dict(attached.exif or {})
    kept |= {
        254: long(0),
        256: long(width),
        257: long(height),
        258: short(bits, bits, bits),
        259: short(1),
        262: short(2),  # RGB
        273: long(*offsets),
        277: short(3),
        278: long(rows),
        279: long(*lengths),
        284: short(1),
        339: short(*[3 if bits == 32 else 1] * 3),
    }
    if attached.icc:
        kept[34675] = undefined(attached.icc)
    if attached.xmp:
        kept[700] = tiff.Tag(tiff.BYTE, attached.xmp)
    file.write(b"\0" * (file.tell() % 2))
    at = file.tell()
    file.write(tiff.encode(kept, at))
    file.seek(4)
    file.write(struct.pack("<I", at))
