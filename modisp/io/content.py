"""What a file is, by its content and never by its name, and which reader takes it; runs in a decoder process."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modisp.io import dng, picture, raw
from modisp.io.errors import ImageError
from modisp.io.ifd import Block, Directory
from modisp.io.levels import Levels
from modisp.io.opcodes import NAMES
from modisp.io.result import Result
from modisp.io.xmp import NAMESPACE, parse_extras


@dataclass
class Content:
    """A file as far as its first bytes and its directories tell."""

    path: Path
    head: bytes
    block: Block | None
    directories: list[Directory]

    @property
    def kind(self) -> str:
        """picture, own (an intermediate of ours), dng, tiff or raw."""
        if not self.directories:
            return "picture" if picture.is_picture(self.head) else "raw"
        if NAMESPACE.encode() in self.directories[0].raw(700):
            return "own"
        if dng.is_dng(self.directories):
            return "dng"
        return "tiff" if picture.is_tiff_picture(self.head, self.directories) else "raw"

    def extras(self) -> dict[str, Any]:
        """The JSON data that a file of ours carries; ImageError where they are damaged."""
        if self.kind not in ("own", "picture"):
            return {}
        try:
            own = self.kind == "own"
            return parse_extras(self.directories[0].raw(700) if own else picture.xmp_of(self.path))
        except ValueError as e:
            raise ImageError(f"{{name}} cannot be resumed from: {e}") from e


def look(path: Path) -> Content:
    """Open a file and see what it is."""
    file = open(path, "rb")  # noqa: SIM115  # stays open as long as the block reads from it
    head = file.read(64)
    if not head:
        raise ImageError("{name} is empty")
    try:
        block = Block(file)
    except ValueError:
        file.close()
        return Content(path, head, None, [])
    return Content(path, head, block, block.directories())


def read(path: Path, unpack: bool = True) -> Result:
    """Any file: its facts, and its pixels if asked for."""
    content = look(path)
    kind, block, directories = content.kind, content.block, content.directories
    if kind == "picture":
        return picture.read_picture(path, unpack)
    if kind == "own" and block is not None:
        extras = content.extras()
        if "state" in extras:
            return _own(path, block, directories, extras, unpack)
        kind = "dng" if dng.is_dng(directories) else "tiff"
    if kind == "tiff" and block is not None:
        return picture.read_tiff(path, block, directories, unpack)
    if kind == "dng" and block is not None:
        return raw.read_dng(path, block, directories, unpack)
    from modisp.io import libraw  # loaded only where it is needed

    try:
        return libraw.read_libraw(path, unpack)
    except libraw.Unsupported:
        if not directories or directories[0].integer(254) & 1:  # a thumbnail is not the picture
            raise
        return picture.read_picture(path, unpack)


def _own(path: Path, block: Block, directories: list[Directory], extras: dict[str, Any], unpack: bool) -> Result:
    """An intermediate of ours: state, frame and metadata as they were saved, pixels to the last bit."""
    from modisp.io.samples import check_extent, plain, through_tifffile

    d = dng.raw_directory(directories) if dng.is_dng(directories) else directories[0]
    if d.integer(256) * d.integer(257) > dng.MAX_PIXELS or not (0 < d.integer(258) <= 64):
        raise ImageError("{name} is damaged: its size makes no sense")
    check_extent(d, os.path.getsize(path))
    result = Result(str(extras["state"]), extras.get("metadata", {}), frame=extras.get("frame"), extras=extras)
    result.info = {"size": [d.integer(256), d.integer(257)]}
    if unpack:
        values = plain(path, d, block.order)
        result.pixels = through_tifffile(path, d) if values is None else values
        rows, columns, samples = result.pixels.shape
        floating = result.pixels.dtype.kind == "f"
        bits = 8 * result.pixels.dtype.itemsize
        result.levels = (
            Levels.simple(0.0, 1.0, samples)
            if floating
            else dng.levels_of(d, columns, rows, samples, bits, floating, None)
        )
    return result


def info(path: Path) -> Result:
    """The facts of a file without decoding its pixels."""
    content = look(path)
    result = read(path, unpack=False)
    result.info["kind"] = content.kind
    result.info["previews"] = _previews(content)
    result.info["opcodes"] = [o["name"] for o in result.meta.get("opcodes", ()) if o.get("name") in NAMES.values()]
    result.info["bytes"] = os.path.getsize(path)
    return result


def _previews(content: Content) -> list[list[int]]:
    from modisp.io.preview import previews

    if content.block is None:
        return []
    return [[p.width, p.height] for p in previews(content.block.stream, content.directories)]


def preview(path: Path) -> Result:
    """The embedded preview, or a picture itself, upright; a result without pixels where there is none."""
    from modisp.io.preview import read_preview, upright

    content = look(path)
    if content.kind in ("picture", "tiff"):
        result = read(path)
        assert result.pixels is not None
        result.pixels = upright(result.pixels, result.meta.pop("orientation", 1))
        return result
    return read_preview(path, content.block, content.directories) or Result()


def extras(path: Path) -> Result:
    """The JSON data that modisp keeps in its own intermediates; {} for other files."""
    return Result(extras=look(path).extras())


JOBS: dict[str, Callable[[Path], Result]] = {"open": read, "info": info, "preview": preview, "extras": extras}
