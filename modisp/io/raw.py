"""RAW files in a decoder process: DNG by its own tags, every other camera's file by LibRaw.

Pixels are those of the active area, CFA and black levels are counted from its top-left pixel, and the crop lies in it.
Raises ImageError with `{name}` where the file's name belongs.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import rawpy
from numpy.typing import NDArray

from modisp.io import dng
from modisp.io.capture import capture
from modisp.io.containers import exif_of
from modisp.io.errors import ImageError
from modisp.io.ifd import Block, Directory, exif_block
from modisp.io.levels import Levels, normalise
from modisp.io.lights import LIGHTS
from modisp.io.opcodes import apply_map
from modisp.io.result import Result, mosaic
from modisp.io.samples import plain, through_tifffile

DAMAGED = "{name} is cut short or damaged: its raw data cannot be decoded"
BARE = "{name} holds bare sensor data without a header: modisp cannot know its size and colours"
ORIENTATION = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}  # LibRaw's flip bits → EXIF
_MOST_CONSTANTS = 1_000_000
_LOSSY = 34892  # Compression: lossy JPEG


def open_libraw(path: Path) -> Any:
    """LibRaw's view of a file; ImageError where LibRaw refuses it."""
    raw = rawpy.RawPy()
    try:
        raw.open_file(str(path))
        raw.unpack()
    except rawpy.LibRawFileUnsupportedError as e:
        raise Unsupported("{name} is neither a RAW file nor a picture that modisp can read") from e
    except (rawpy.LibRawUnsufficientMemoryError, rawpy.LibRawTooBigError, MemoryError) as e:
        raise ImageError("{name} needs more memory than a decoder may take; it is damaged, or too large") from e
    except (rawpy.LibRawError, ValueError, OSError) as e:
        raise ImageError(DAMAGED) from e
    return raw


class Unsupported(ImageError):
    """LibRaw does not know this kind of file."""


def read_dng(path: Path, block: Block, directories: list[Directory], unpack: bool) -> Result:
    """A DNG file."""
    facts = dng.read_dng(block, directories)
    dng.check_extent(facts.directory, path.stat().st_size, facts.bits)
    result = Result(facts.state, facts.meta, levels=facts.levels)
    if "color_matrix" not in facts.meta and "model" in facts.meta:
        _complete(path, result.meta)
    result.info = {"raw_size": [facts.columns, facts.rows], "active_area": list(facts.active), "bits": facts.bits}
    if not unpack:
        top, left, bottom, right = facts.active
        result.info["size"] = [right - left, bottom - top]
        return result
    values, result.keep = _dng_values(path, block, facts)
    result.levels = facts.levels
    if facts.constants:
        result.meta["bad_pixels"] = _constants(values, facts)
    if facts.table is not None and result.keep is None:  # LibRaw has done it
        values = facts.table[np.minimum(values, len(facts.table) - 1)]
    top, left, bottom, right = facts.active
    result.pixels = values[top:bottom, left:right]
    if not facts.white_known and not facts.floating:
        result.levels = saturated(result.pixels, facts.levels)
        result.meta["white_level"] = float(result.levels.white.max())
    if facts.maps:
        _apply_maps(result, facts)
    return result


def _complete(path: Path, meta: dict[str, Any]) -> None:
    """What LibRaw knows by name of a camera whose DNG file does not say it."""
    try:
        with open_libraw(path) as raw:
            known = _camera(raw)
    except (ImageError, rawpy.LibRawError):
        return
    meta.update({k: v for k, v in known.items() if not meta.get(k)})


def _dng_values(path: Path, block: Block, facts: dng.Raw) -> tuple[NDArray[Any], Any]:
    """All samples (rows, columns, channels), and LibRaw where it owns them."""
    values = plain(path, facts.directory, block.order)
    if values is not None:
        return values, None
    if facts.maps and facts.directory.integer(259) == _LOSSY:
        try:
            return through_tifffile(path, facts.directory), None
        except ImageError:  # LibRaw applies such maps itself, without their black level
            facts.maps, facts.levels = [], Levels.simple(0.0, 65535.0, facts.samples)
    if not facts.floating and facts.bits <= 16:
        try:
            raw = open_libraw(path)
            stored = mosaic(raw.raw_image)[:, :, : facts.samples]
            if stored.shape[0] >= facts.rows and stored.shape[1] >= facts.columns:
                return stored[: facts.rows, : facts.columns], raw
        except (ImageError, TypeError, IndexError):
            pass  # a layout that LibRaw does not know, or damage: tifffile tells which
    return through_tifffile(path, facts.directory), None


def _constants(values: NDArray[Any], facts: dng.Raw) -> tuple[tuple[int, int], ...]:
    found = set(facts.meta.get("bad_pixels", ()))
    top, left, bottom, right = facts.active
    for constant, _phase in facts.constants:
        at = np.argwhere(values[top:bottom, left:right, 0] == constant)
        if len(at) <= min(_MOST_CONSTANTS, values.size // 20):  # else it is no mark of bad pixels
            found.update((int(r), int(c)) for r, c in at)
    return tuple(sorted(found))


def _apply_maps(result: Result, facts: dng.Raw) -> None:
    assert result.pixels is not None and result.levels is not None
    rows, columns, channels = result.pixels.shape
    linear = np.empty((channels, rows, columns), np.float32)
    normalise(result.pixels, result.levels, 0, linear)
    for o in facts.maps:
        apply_map(o["name"], o["data"], linear)
    result.pixels, result.levels = linear.transpose(1, 2, 0), Levels.simple(0.0, 1.0, channels)
    for key in ("black_level", "white_level"):  # the numbers are no longer the file's integers
        result.meta.pop(key, None)


def read_libraw(path: Path, unpack: bool) -> Result:
    """A camera's own format."""
    try:
        raw = open_libraw(path)
    except Unsupported:
        raise
    except ImageError as e:
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


def saturated(values: NDArray[Any], levels: Levels) -> Levels:
    """The levels with white where the picture itself is seen to saturate, for files that do not say.

    Clipped pixels pile up at the highest value; white moves down to it where it is not far below what the format allows.
    """
    top, white = float(values.max()), float(levels.white.max())
    if not 0.7 * white < top < white:
        return levels
    piled = np.count_nonzero(values >= top - max(1.0, 0.002 * white))
    if piled < max(16, values.size // 20000):
        return levels
    return Levels(levels.black, np.full_like(levels.white, top), levels.across, levels.down)


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
    data = exif_of(path)
    if data:
        try:
            block = Block(io.BytesIO(data))
        except ValueError:
            return out
        ifd0 = block.directory(block.first)[0]
        found = capture(block, ifd0)
        found.pop("orientation", None)  # LibRaw knows each maker's habits
        out |= found | {"exif": exif_block(block, ifd0)}
    return out


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
