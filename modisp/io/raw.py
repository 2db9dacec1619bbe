"""DNG files in a decoder process: their samples, made linear as their own tags say.

Pixels are those of the active area, CFA and black levels are counted from its top-left pixel, and the crop lies in it.
LibRaw is loaded only where the samples are compressed.  Raises ImageError with `{name}` for the file's name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modisp.io import dng
from modisp.io.errors import ImageError
from modisp.io.ifd import Block, Directory
from modisp.io.levels import Levels, normalise, saturated
from modisp.io.opcodes import apply_map
from modisp.io.result import Result, mosaic
from modisp.io.samples import check_extent, plain, through_tifffile

_MOST_CONSTANTS = 1_000_000
_LOSSY = 34892  # Compression: lossy JPEG


def read_dng(path: Path, block: Block, directories: list[Directory], unpack: bool) -> Result:
    """A DNG file."""
    facts = dng.read_dng(block, directories)
    check_extent(facts.directory, path.stat().st_size)
    result = Result(facts.state, facts.meta, levels=facts.levels)
    if "color_matrix" not in facts.meta and "model" in facts.meta:
        from modisp.io.libraw import known_colour

        result.meta |= {k: v for k, v in known_colour(path).items() if k not in result.meta}
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
    planes = facts.samples > 1 and facts.directory.integer(284, 1) == 2  # which LibRaw mixes up
    if not facts.floating and facts.bits <= 16 and not planes:
        from modisp.io.libraw import open_libraw

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
