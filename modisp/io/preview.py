"""The preview that a camera put into its file, in a decoder process: the largest JPEG, upright, without touching the raw."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from modisp.io.ifd import Block, Directory, segments
from modisp.io.levels import Levels
from modisp.io.picture import JPEG_DENSEST, opened
from modisp.io.profile import space_of, space_of_exif
from modisp.io.result import Result

_SMALLEST = 32  # pixels on the long side: what is smaller shows nothing


@dataclass(frozen=True)
class Found:
    """One JPEG inside a file."""

    offset: int
    length: int
    width: int
    height: int


def previews(file: BinaryIO, directories: list[Directory]) -> list[Found]:
    """The JPEGs that a TIFF file's directories point to and that show a picture (baseline or progressive, 8 bits)."""
    found = []
    for d in directories:
        places = [(d.integer(513), d.integer(514)), (d.integer(46), len(d.raw(46)))]
        if d.has(46) and (d.entries[46].count > 4):  # Panasonic's JpgFromRaw lies in the tag itself
            places[1] = (d.entries[46].offset, d.entries[46].count)
        starts, lengths = d.numbers(273), d.numbers(279)
        if d.integer(259) in (6, 7) and len(starts) == len(lengths) == 1:
            places.append((int(starts[0]), int(lengths[0])))
        for offset, length in places:
            size = jpeg_size(file, offset) if offset > 0 and length > 100 else None
            if size is not None and length * JPEG_DENSEST >= size[0] * size[1]:
                found.append(Found(offset, length, *size))
    return found


def jpeg_size(file: BinaryIO, offset: int) -> tuple[int, int] | None:
    """(width, height) of a JPEG that shows a picture; None for lossless raw data and whatever else lies there."""
    for marker, _, data in segments(file, offset):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if marker > 0xC2 or len(data) < 6:
                return None
            bits, height, width, channels = struct.unpack(">BHHB", data[:6])
            return (width, height) if bits == 8 and channels in (1, 3) and width and height else None
    return None


def read_preview(path: Path, block: Block | None, directories: list[Directory]) -> Result | None:
    """The largest preview, upright; None where there is none that can be shown."""
    with open(path, "rb") as file:
        listed = sorted(previews(file, directories), key=lambda f: f.width * f.height, reverse=True)
        data = b""
        if listed:
            file.seek(listed[0].offset)
            data = file.read(listed[0].length)
    orientation = directories[0].integer(274, 1) if directories else 1
    thumb: Any = None
    flip = 1
    if not (data and directories[0].has(50706)):  # of a DNG file, the directories tell all
        thumb, flip = _of_libraw(path)
    if isinstance(thumb, bytes) and _area(thumb) > (listed[0].width * listed[0].height if listed else 0):
        data, orientation = thumb, flip
    result = _decoded(data, orientation) if data else None
    if result is None and isinstance(thumb, np.ndarray) and thumb.ndim == 3 and max(thumb.shape[:2]) >= _SMALLEST:
        pixels = np.repeat(thumb, 3, 2) if thumb.shape[2] == 1 else thumb[:, :, :3]
        result = _result(upright(pixels, flip), "srgb", b"")
    return result


def _area(jpeg: bytes) -> int:
    size = jpeg_size(io.BytesIO(jpeg), 0)
    return size[0] * size[1] if size else 0


def _of_libraw(path: Path) -> tuple[Any, int]:
    """LibRaw's thumbnail as JPEG bytes or an array, and the EXIF orientation of the raw image."""
    import rawpy

    from modisp.io.libraw import ORIENTATION

    try:
        with rawpy.RawPy() as raw:
            raw.open_file(str(path))
            thumb = raw.extract_thumb()
            return thumb.data, ORIENTATION.get(raw.sizes.flip, 1)
    except (rawpy.LibRawError, ValueError, OSError, NotImplementedError):
        return None, 1


def _decoded(data: bytes, orientation: int) -> Result | None:
    try:
        with opened(io.BytesIO(data)) as picture:
            if max(picture.size) < _SMALLEST or picture.size[0] * picture.size[1] > 200_000_000:
                return None
            own: Any = picture.getexif().get(274)
            icc = picture.info.get("icc_profile", b"")
            space = space_of(icc) if icc else space_of_exif(picture.info.get("exif", b""))
            pixels = np.asarray(picture.convert("RGB"))
    except Exception:  # a damaged preview is no preview
        return None
    portrait = pixels.shape[0] > pixels.shape[1]
    if own in range(1, 9):
        orientation = own
    elif orientation >= 5 and portrait:  # stored upright already
        orientation = 1
    return _result(upright(pixels, orientation), space, icc)


def _result(pixels: Any, space: str, icc: bytes) -> Result:
    meta = {"cfa": (), "space": space} | ({"icc": icc} if space == "icc" else {})
    return Result("ENCODED", meta, pixels, Levels.simple(0.0, 255.0, 3))


def upright(pixels: Any, orientation: int) -> Any:
    """(H, W, C) turned and mirrored as an EXIF orientation (1…8) asks."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
