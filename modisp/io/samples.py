"""The samples of a TIFF or DNG image: straight from the file where they lie there plainly, else through tifffile."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modisp.io.errors import ImageError
from modisp.io.ifd import Directory
from modisp.io.result import mosaic

_KINDS = {(8, 1): "u1", (16, 1): "u2", (32, 1): "u4", (16, 3): "f2", (32, 3): "f4", (64, 3): "f8"}


_DENSEST = 2000
"""Bytes of pixels for one byte of data: more than any compression here reaches (deflate ends at 1032)."""


def check_extent(d: Directory, size: int) -> None:
    """Raise ImageError where an image's strips or tiles do not lie inside a file of `size` bytes, or are too few."""
    starts, lengths = d.numbers(324) or d.numbers(273), d.numbers(325) or d.numbers(279)
    if not starts or len(starts) != len(lengths):
        raise ImageError("{name} is damaged: it does not say where its pixels are")
    if any(n <= 0 or s + n > size for s, n in zip(starts, lengths, strict=True)):
        raise ImageError("{name} is cut short: a part of its pixels is missing")
    pixels = d.integer(256) * d.integer(257)
    needed = pixels * max(1, d.integer(277, 1)) * d.integer(258, 1) // 8
    compression = d.integer(259, 1)
    if compression == 7:  # lossless JPEG spends a bit on each pixel, at the least, and lossy JPEG on a block
        needed = pixels // (16 if d.integer(262) in (32803, 34892) else 512)
    elif compression != 1:
        needed //= _DENSEST
    if sum(lengths) < needed:
        raise ImageError("{name} is damaged: it holds fewer pixels than it claims")


def plain(path: Path, d: Directory, order: str) -> NDArray[Any] | None:
    """Uncompressed, contiguous samples as a read-only map of the file, (H, W, channels); None where they are not so."""
    shape = d.integer(257), d.integer(256), max(1, d.integer(277, 1))
    kind = _KINDS.get((d.integer(258, 1), d.integer(339, 1)))
    starts, lengths = d.numbers(273), d.numbers(279)
    if kind is None or d.integer(259, 1) != 1 or d.has(324) or not starts or len(starts) != len(lengths):
        return None
    if (d.integer(284, 1) != 1 and shape[2] > 1) or d.integer(266, 1) != 1 or len(set(d.numbers(258))) > 1:
        return None
    if any(a + n != b for a, n, b in zip(starts, lengths, starts[1:], strict=False)):
        return None
    dtype = np.dtype(order + kind)
    if sum(lengths) < shape[0] * shape[1] * shape[2] * dtype.itemsize:
        return None
    if int(starts[0]) < 0:  # a damaged file
        return None
    return np.memmap(path, dtype, "r", int(starts[0]), shape)


def through_tifffile(path: Path, d: Directory) -> NDArray[Any]:
    """The samples of the image whose directory is `d`, (H, W, channels); ImageError where they cannot be decoded"""
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    try:
        with tifffile.TiffFile(path) as tif:
            page = next((p for p in _pages(tif.pages) if p.offset == d.offset), None)
            if page is None:
                raise ImageError("{name} is damaged: its raw image cannot be found")
            values = np.asarray(page.asarray(maxworkers=1))
            if getattr(page, "planarconfig", 1) == 2 and values.ndim == 3:
                values = values.transpose(1, 2, 0)
    except ImageError:
        raise
    except MemoryError:
        raise
    except Exception as e:  # tifffile and the codecs raise whatever they meet in a damaged file
        if "imagecodecs" in str(e):
            raise ImageError(
                "{name} is compressed in a way that needs the package imagecodecs: install modisp[codecs]"
            ) from e
        raise ImageError("{name} is damaged: its pixels cannot be decoded") from e
    values = mosaic(values)
    if values.ndim != 3 or values.shape[:2] != (d.integer(257), d.integer(256)):
        raise ImageError("{name} is damaged: its pixels do not fill its size")
    return values


def _pages(pages: Any) -> Any:
    for page in pages:
        yield page
        if getattr(page, "pages", None) is not None:
            yield from _pages(page.pages)
