"""TIFF directories as bytes, to be written: the shell of DNG, TIFF and EXIF.  (TIFF 6.0, little-endian.)

A directory is a dict of tag number → `Tag`.  A tag that points at other directories holds them as `children`.
`modisp.io.ifd` reads.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from modisp.io.ifd import EXIF_IFD, GPS_IFD, SIZES, Block, Directory

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL, DOUBLE = 1, 2, 3, 4, 5, 7, 10, 12
HEADER = b"II*\0"
LIMIT = 2**32 - 1  # bytes that a TIFF file's offsets can reach


@dataclass(frozen=True)
class Tag:
    """One entry: its TIFF type, its values as little-endian bytes, or the directories that it points at."""

    kind: int
    data: bytes = b""
    children: tuple[Mapping[int, Tag], ...] = ()

    @property
    def count(self) -> int:
        """The number of values."""
        return len(self.children) or len(self.data) // SIZES[self.kind]


Tags = dict[int, Tag]


def byte(*values: int) -> Tag:
    """Unsigned 8-bit values."""
    return Tag(BYTE, bytes(values))


def short(*values: int) -> Tag:
    """Unsigned 16-bit values."""
    return Tag(SHORT, struct.pack(f"<{len(values)}H", *values))


def long(*values: int) -> Tag:
    """Unsigned 32-bit values."""
    return Tag(LONG, struct.pack(f"<{len(values)}I", *values))


def text(value: str) -> Tag:
    """Text with its final NUL; beyond ASCII it is UTF-8, which is what programs do."""
    return Tag(ASCII, value.replace("\0", " ").encode("utf-8", "replace") + b"\0")


def undefined(data: bytes) -> Tag:
    """Bytes whose meaning the tag defines."""
    return Tag(UNDEFINED, data)


def double(values: Iterable[float]) -> Tag:
    """64-bit floats."""
    return Tag(DOUBLE, np.asarray(list(values), "<f8").tobytes())


def rational(*values: float) -> Tag:
    """Fractions of unsigned 32-bit integers; ValueError below zero or not finite."""
    return Tag(RATIONAL, b"".join(struct.pack("<II", *fraction(v, 0, 2**32 - 1)) for v in values))


def srational(*values: float) -> Tag:
    """Fractions of signed 32-bit integers; ValueError where not finite."""
    return Tag(SRATIONAL, b"".join(struct.pack("<ii", *fraction(v, 1 - 2**31, 2**31 - 1)) for v in values))


def directories(*tags: Mapping[int, Tag]) -> Tag:
    """A pointer to other directories."""
    return Tag(LONG, children=tags)


def fraction(value: float, least: int, most: int) -> tuple[int, int]:
    """The fraction nearest to `value` (to 1e-9 or 32 bits) with both parts in range; ValueError where there is none."""
    if not (math.isfinite(value) and least <= value <= most):
        raise ValueError(f"{value} cannot be written as a fraction")
    f = Fraction(value).limit_denominator(max(1, min(10**9, int(most / max(1.0, abs(value))))))
    return f.numerator, f.denominator


def encode(tags: Mapping[int, Tag], at: int) -> bytes:
    """The bytes of a directory that starts at file offset `at`, followed by its long values and its children."""
    head = 2 + 12 * len(tags) + 4
    entries, body = [struct.pack("<H", len(tags))], bytearray()

    def place(data: bytes) -> int:
        offset = at + head + len(body)
        body.extend(data + b"\0" * (len(data) % 2))  # values start on even offsets
        return offset

    for code, tag in sorted(tags.items()):
        data = tag.data
        if tag.children:
            data = b"".join(struct.pack("<I", place(encode(c, at + head + len(body)))) for c in tag.children)
        if len(data) > 4:
            data = struct.pack("<I", place(data))
        entries.append(struct.pack("<HHI", code, tag.kind, tag.count) + data.ljust(4, b"\0"))
    return b"".join([*entries, b"\0\0\0\0", bytes(body)])


def block(tags: Mapping[int, Tag]) -> bytes:
    """A whole TIFF block of one directory, as EXIF is kept in JPEG, PNG, WebP and AVIF."""
    return HEADER + struct.pack("<I", 8) + encode(tags, 8)


def decode(data: bytes) -> Tags:
    """The first directory of an EXIF block, its EXIF and GPS directories as children; {} where it is no such block."""
    try:
        source = Block(io.BytesIO(data))
    except ValueError:
        return {}
    first = source.directory(source.first)[0]
    tags = _tags(first, source.order)
    for pointer in (EXIF_IFD, GPS_IFD):
        child = _tags(source.linked(first, pointer), source.order)
        tags.pop(pointer, None)
        if child:
            tags[pointer] = directories(child)
    return tags


def _tags(directory: Directory, order: str) -> Tags:
    """The entries that can be written here, in our byte order."""
    tags: Tags = {}
    for code, entry in directory.entries.items():
        data = entry.raw()
        word = 4 if entry.type in (RATIONAL, SRATIONAL) else SIZES[entry.type]
        if order == ">" and word > 1:
            data = np.frombuffer(data, f">u{word}").astype(f"<u{word}").tobytes()
        if data and entry.type <= 13:  # later types are BigTIFF's
            tags[code] = Tag(entry.type, data)
    return tags
