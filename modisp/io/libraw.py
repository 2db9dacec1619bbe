"""Every camera's own format, through LibRaw, in a decoder process; and LibRaw's samples of DNG files.

LibRaw counts black levels by colour and knows the cameras' matrices by name; both are put into DNG's terms here.
Raises ImageError with `{name}` where the file's name belongs.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import rawpy

from modisp.io import dng
from modisp.io.capture import capture
from modisp.io.containers import exif_of
from modisp.io.errors import ImageError
from modisp.io.ifd import Block, exif_block
from modisp.io.levels import Levels, saturated
from modisp.io.lights import LIGHTS
from modisp.io.result import Result, mosaic

DAMAGED = "{name} is cut short or damaged: its raw data cannot be decoded"
UNKNOWN = "{name} is neither a RAW file nor a picture that modisp can read"
BARE = "{name} holds bare sensor data without a header: modisp cannot know its size and colours"
_SMALLEST = 1024  # bytes; no camera file, nor a dump of a sensor, is smaller
ORIENTATION = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}  # LibRaw's flip bits → EXIF


class Unsupported(ImageError):
    """LibRaw does not know this kind of file."""


def open_libraw(path: Path) -> Any:
    """LibRaw's view of a file; ImageError where LibRaw refuses it."""
    raw = rawpy.RawPy()
    try:
        raw.open_file(str(path))
        raw.unpack()
    except rawpy.LibRawFileUnsupportedError as e:
        raise Unsupported(UNKNOWN) from e
    except (rawpy.LibRawUnsufficientMemoryError, rawpy.LibRawTooBigError, MemoryError) as e:
        raise ImageError("{name} needs more memory than a decoder may take; it is damaged, or too large") from e
    except (rawpy.LibRawError, ValueError, OSError) as e:
        raise ImageError(DAMAGED) from e
    return raw


def read_libraw(path: Path, unpack: bool) -> Result:
    """A camera's own format."""
    try:
        raw = open_libraw(path)
    except Unsupported:
        raise
    except ImageError as e:
        if path.stat().st_size < _SMALLEST:  # LibRaw then fails before it has looked
            raise Unsupported(UNKNOWN) from e
        raise (ImageError(BARE) if _headerless(path) else e) from e
    if _headerless(path):
        raise ImageError(BARE)
    stored, sizes = raw.raw_image_visible, raw.sizes
    if stored is None or not stored.size:
        raise ImageError(DAMAGED)
    values = mosaic(stored)
    if path.stat().st_size * 16 < values.shape[0] * values.shape[1]:  # no camera packs below half a bit per pixel
        raise ImageError("{name} is cut short: it is too small to hold its pixels")
    flat = values.shape[2] == 1
    cfa = _cfa(raw) if flat else ()
    if not flat:
        values = values[:, :, :3]
    height, width, channels = values.shape
    if width * height > dng.MAX_PIXELS:
        raise ImageError(f"{{name}} claims {width} × {height} pixels, more than any camera has; it is damaged")
    if values.max() == values.min() and max(raw.black_level_per_channel) > values.max():
        raise ImageError("{name} holds no sensor data: every pixel is the same")
    levels = _levels(raw, cfa, channels)
    if not any(raw.camera_white_level_per_channel or ()):
        levels = saturated(values, levels)
    meta = _camera(raw) | {"cfa": cfa}
    x, y = sizes.crop_left_margin - sizes.left_margin, sizes.crop_top_margin - sizes.top_margin
    crop = dng.sane_crop(x, y, sizes.crop_width, sizes.crop_height, height, width)
    meta["crop"] = crop if crop and crop[2] * crop[3] * 2 > width * height else None
    meta["orientation"] = ORIENTATION.get(sizes.flip, 1)
    meta["black_level"] = _black_meta(levels, cfa)
    meta["white_level"] = float(levels.white.max())
    meta |= _capture(path, raw)
    meta = {k: v for k, v in meta.items() if v or k == "cfa"}
    result = Result("MOSAIC" if flat else "CAMERA", meta, values, levels, keep=raw)
    result.info = {"raw_size": [sizes.raw_width, sizes.raw_height], "size": [width, height]}
    if not unpack:
        result.pixels = None
    return result


def _cfa(raw: Any) -> tuple[str, ...]:
    pattern = raw.raw_pattern
    if pattern is None or raw.num_colors == 1:
        return ("W",)
    letters = raw.color_desc.decode("ascii", "replace")
    return dng.smallest_period(["".join(letters[i] if i < len(letters) else "?" for i in row) for row in pattern])


def _levels(raw: Any, cfa: tuple[str, ...], channels: int) -> Levels:
    """LibRaw's levels, which it counts by colour (red, green, blue, second green), laid out by position."""
    white, per_colour = float(raw.white_level), [float(v) for v in raw.black_level_per_channel]
    limits = [float(v) for v in raw.camera_white_level_per_channel or () if v]
    if limits and white / 2 < min(limits) <= white:
        white = min(limits)
    if white <= 0:
        white = 65535.0
    if channels == 3:
        black = np.asarray(per_colour[:3], np.float32).reshape(1, 1, 3)
    elif cfa == ("W",):
        black = np.full((1, 1, 1), per_colour[0], np.float32)
    else:
        black = np.asarray(per_colour, np.float32)[raw.raw_pattern.astype(int) % 4][:, :, np.newaxis]
    if black.max() >= white or black.min() < 0:
        black = np.zeros((1, 1, channels), np.float32)
    return Levels(black, np.full(channels, white, np.float32))


def _black_meta(levels: Levels, cfa: tuple[str, ...]) -> tuple[float, ...]:
    black = levels.black.reshape(-1)
    return (float(black[0]),) if (black == black[0]).all() else tuple(map(float, black))


def _camera(raw: Any) -> dict[str, Any]:
    """Colour matrix and as-shot white from LibRaw's tables and the camera's own notes."""
    out: dict[str, Any] = {}
    matrix = np.asarray(raw.rgb_xyz_matrix, float)[:3]
    if matrix.shape == (3, 3) and np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > 1e-9:
        out |= {"color_matrix": (tuple(map(tuple, matrix.round(4).tolist())),), "illuminants": (LIGHTS[21],)}
    gains = raw.camera_whitebalance[:3]
    if min(gains) > 0 and len(set(gains)) > 1:
        white = dng.sane_white([1 / g for g in gains])
        if white:
            out["white"] = white
    return out


def _capture(path: Path, raw: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    other, lens = raw.other, raw.lens
    values = {"iso": other.iso_speed, "shutter": other.shutter_speed, "aperture": other.aperture}
    values["focal_length"] = other.focal_length
    out |= {k: float(v) for k, v in values.items() if v and 0 < v < 1e9}
    if other.timestamp and other.timestamp.year > 1980:
        out["date"] = other.timestamp.isoformat()
    if lens.model.strip():
        out["lens"] = lens.model.strip()
    with open(path, "rb") as file:
        try:
            try:
                block = Block(file)
            except ValueError:
                block = Block(io.BytesIO(exif_of(path)))
        except ValueError:
            return out
        ifd0 = block.directory(block.first)[0]
        found = capture(block, ifd0)
        found.pop("orientation", None)  # LibRaw knows each maker's habits
        return out | found | {"exif": exif_block(block, ifd0)}


def _headerless(path: Path) -> bool:
    """Whether LibRaw knew the file by nothing but its length: with one byte more, it does not know it any longer."""
    with open(path, "rb") as file:
        head = file.read(32)
        known = (b"II*\0", b"MM\0*", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FUJIFILM", b"\0MRM", b"FOVb")
        if head.startswith(known) or head[4:8] == b"ftyp" or head[6:14] == b"HEAPCCDR":
            return False
        file.seek(0)
        longer = io.BytesIO(file.read() + b"\0")
    raw = rawpy.RawPy()
    try:
        raw.open_buffer(longer)
    except (rawpy.LibRawError, ValueError, OSError):
        return True
    finally:
        raw.close()
    return False


def known_colour(path: Path) -> dict[str, Any]:
    """What LibRaw knows by name of a camera whose DNG file does not say it; {} where it knows nothing."""
    try:
        with open_libraw(path) as raw:
            return _camera(raw)
    except (ImageError, rawpy.LibRawError):
        return {}
