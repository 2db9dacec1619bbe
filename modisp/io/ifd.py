"""TIFF directories (TIFF 6.0, BigTIFF): read from files and from EXIF blocks, and written as small EXIF blocks.

Camera files are full of directories that break the rules, so nothing is trusted: offsets, counts and depth are
bounded, values are fetched only when asked for, and what cannot be read is as good as absent.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes per value of the TIFF types."""
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
MAGICS = {42, 43, 0x55, 0x4F52, 0x5352}  # TIFF, BigTIFF, Panasonic RW2, two of Olympus ORF
SUB_IFDS, EXIF_IFD, GPS_IFD = 330, 34665, 34853
_MAX_ENTRIES, _MAX_BYTES, _MAX_DIRECTORIES, _MAX_DEPTH = 4096, 64 << 20, 64, 4


@dataclass(frozen=True)
class Entry:
    """One tag: its type, its number of values, and where they lie in the stream."""

    type: int
    count: int
    offset: int
    block: Block

    def raw(self) -> bytes:
        """The bytes of the values as stored; b"" where they are missing or too many."""
        length = self.count * SIZES[self.type]
        if not 0 < length <= _MAX_BYTES:
            return b""
        data = self.block.read(self.offset, length)
        return data if len(data) == length else b""

    def numbers(self) -> list[float]:
        """The values as numbers (rationals divided, NaN where the denominator is 0); [] for text and bad data."""
        data, order = self.raw(), self.block.order
        if self.type in (5, 10):
            kind = "I" if self.type == 5 else "i"
            parts = struct.unpack(f"{order}{len(data) // 4}{kind}", data)
            return [n / d if d else math.nan for n, d in zip(parts[::2], parts[1::2], strict=True)]
        if self.type not in _CODES:
            return []
        return list(struct.unpack(f"{order}{len(data) // SIZES[self.type]}{_CODES[self.type]}", data))

    def text(self) -> str:
        """The value as text, up to the first NUL; control characters become spaces."""
        data = self.raw()[:4096].split(b"\0")[0]
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
        return "".join(c if c.isprintable() else " " for c in text).strip()


@dataclass(frozen=True)
class Directory:
    """One image file directory."""

    entries: dict[int, Entry]
    offset: int
    depth: int

    def has(self, tag: int) -> bool:
        """Whether the tag is there."""
        return tag in self.entries

    def numbers(self, tag: int) -> list[float]:
        """The finite values of a tag; [] where it is absent or holds anything that is no number."""
        entry = self.entries.get(tag)
        values = entry.numbers() if entry else []
        return values if all(math.isfinite(v) for v in values) else []

    def number(self, tag: int, default: float = 0.0) -> float:
        """The first value of a tag."""
        values = self.numbers(tag)
        return values[0] if values else default

    def integer(self, tag: int, default: int = 0) -> int:
        """The first value of a tag as a whole number."""
        return int(self.number(tag, default))

    def text(self, tag: int) -> str:
        """A tag's text; "" where it is absent."""
        entry = self.entries.get(tag)
        return entry.text() if entry else ""

    def raw(self, tag: int) -> bytes:
        """A tag's bytes as stored; b"" where it is absent."""
        entry = self.entries.get(tag)
        return entry.raw() if entry else b""


@dataclass
class Block:
    """A TIFF structure in a stream, from `base` on.  Raises ValueError where there is none."""

    stream: BinaryIO
    base: int = 0
    order: str = field(init=False)
    big: bool = field(init=False)
    first: int = field(init=False)

    def __post_init__(self) -> None:
        head = self.read(0, 16)
        if len(head) < 8 or head[:2] not in (b"II", b"MM"):
            raise ValueError("no TIFF header")
        self.order = "<" if head[:2] == b"II" else ">"
        (magic,) = struct.unpack(f"{self.order}H", head[2:4])
        if magic not in MAGICS:
            raise ValueError("no TIFF header")
        self.big = magic == 43
        if self.big and len(head) < 16:
            raise ValueError("no TIFF header")
        (self.first,) = struct.unpack(f"{self.order}{'Q' if self.big else 'I'}", head[8:16] if self.big else head[4:8])

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on (relative to the block)."""
        if not 0 <= offset < 1 << 62:
            return b""
        self.stream.seek(self.base + offset)
        return self.stream.read(length)

    def directory(self, offset: int, depth: int = 0) -> tuple[Directory, int]:
        """The directory at `offset`, and the offset of the next one (0: none)."""
        o, big = self.order, self.big
        count_at, entry_size, inline = (8, 20, 8) if big else (2, 12, 4)
        head = self.read(offset, count_at)
        if offset <= 0 or len(head) < count_at:
            return Directory({}, offset, depth), 0
        (count,) = struct.unpack(o + ("Q" if big else "H"), head)
        if count > _MAX_ENTRIES:
            return Directory({}, offset, depth), 0
        table = self.read(offset + count_at, count * entry_size + inline)
        entries: dict[int, Entry] = {}
        for i in range(min(count, len(table) // entry_size)):
            tag, kind, n = struct.unpack_from(o + ("HHQ" if big else "HHI"), table, i * entry_size)
            if kind not in SIZES or tag in entries:
                continue
            value_at = offset + count_at + (i + 1) * entry_size - inline
            if n * SIZES[kind] > inline:
                (value_at,) = struct.unpack_from(o + ("Q" if big else "I"), table, (i + 1) * entry_size - inline)
            entries[tag] = Entry(kind, n, value_at, self)
        rest = table[count * entry_size :]
        after = struct.unpack(o + ("Q" if big else "I"), rest)[0] if len(rest) == inline else 0
        return Directory(entries, offset, depth), after

    def directories(self) -> list[Directory]:
        """All image directories: the chain, each followed by its SubIFDs; EXIF and GPS are not among them."""
        found: list[Directory] = []
        seen: set[int] = set()

        def follow(offset: int, depth: int) -> None:
            while offset and offset not in seen and len(found) < _MAX_DIRECTORIES:
                seen.add(offset)
                directory, offset = self.directory(offset, depth)
                if directory.entries:
                    found.append(directory)
                if depth < _MAX_DEPTH:
                    for sub in directory.numbers(SUB_IFDS)[:_MAX_DIRECTORIES]:
                        follow(int(sub), depth + 1)

        follow(self.first, 0)
        return found

    def linked(self, directory: Directory, tag: int) -> Directory:
        """The directory that a pointer tag (EXIF_IFD, GPS_IFD) points to; an empty one where there is none."""
        return self.directory(directory.integer(tag))[0]


_OF_PICTURE = (270, 271, 272, 274, 305, 306, 315, 33432)  # description … copyright: what EXIF keeps in IFD0
_NOT_CARRIED = {37500, 40965, EXIF_IFD, GPS_IFD}  # MakerNote and Interoperability hold offsets that would be wrong


def _of_exif(tag: int) -> bool:
    return tag in (33434, 33437) or 34850 <= tag <= 34869 or 36864 <= tag <= 42240


def exif_block(block: Block, ifd0: Directory) -> bytes:
    """A small TIFF block with what is worth carrying over of a file's EXIF and GPS; b"" where there is nothing.

    Cameras that keep EXIF tags in IFD0 (TIFF/EP) are served too.
    """
    exif, gps = block.linked(ifd0, EXIF_IFD), block.linked(ifd0, GPS_IFD)
    inside = {t: e for t, e in ifd0.entries.items() if _of_exif(t)} | exif.entries
    return _assembled(
        block.order,
        _packed((t, e) for t, e in ifd0.entries.items() if t in _OF_PICTURE),
        _packed((t, e) for t, e in inside.items() if t not in _NOT_CARRIED),
        _packed((t, e) for t, e in gps.entries.items() if t <= 31),
    )


def joined_blocks(first: bytes, exif: bytes, gps: bytes) -> bytes:
    """One TIFF block from three, whose first directories become IFD0, EXIF and GPS; b"" where there is no IFD0."""
    parts: list[_Packed] = []
    order = ""
    for data in (first, exif, gps):
        try:
            block = Block(io.BytesIO(data))
        except ValueError:
            parts.append([])
            continue
        order = order or block.order
        directory = block.directory(block.first)[0]
        parts.append(_packed(directory.entries.items()) if block.order == order else [])
    return _assembled(order, *parts) if parts[0] else b""


def _assembled(order: str, main: _Packed, exif: _Packed, gps: _Packed) -> bytes:
    if not (main or exif or gps):
        return b""
    long = struct.Struct(order + "I")
    main = [entry for entry in main if entry[0] not in (EXIF_IFD, GPS_IFD)]
    main = sorted([*main, *((tag, 4, 1, bytes(4)) for tag, part in ((EXIF_IFD, exif), (GPS_IFD, gps)) if part)])
    at_exif = 8 + _length(main)
    where = {EXIF_IFD: at_exif, GPS_IFD: at_exif + (_length(exif) if exif else 0)}
    main = [(t, k, n, long.pack(where[t]) if t in where else d) for t, k, n, d in main]
    header = (b"II*\0" if order == "<" else b"MM\0*") + long.pack(8)
    starts = (8, where[EXIF_IFD], where[GPS_IFD])
    return header + b"".join(_layout(p, s, order) for p, s in zip((main, exif, gps), starts, strict=True) if p)


_Packed = list[tuple[int, int, int, bytes]]


def _packed(entries: Iterable[tuple[int, Entry]]) -> _Packed:
    found = ((tag, e.type, e.count, e.raw()) for tag, e in entries if e.count * SIZES[e.type] <= 1 << 15)
    return sorted(f for f in found if f[3])


def _length(part: _Packed) -> int:
    return 6 + 12 * len(part) + sum(len(d) + len(d) % 2 for *_, d in part if len(d) > 4)


def _layout(part: _Packed, start: int, order: str) -> bytes:
    table, tail, at = struct.pack(order + "H", len(part)), b"", start + 6 + 12 * len(part)
    for tag, kind, count, data in part:
        inline = len(data) <= 4
        value = data.ljust(4, b"\0") if inline else struct.pack(order + "I", at + len(tail))
        table += struct.pack(order + "HHI", tag, kind, count) + value
        tail += b"" if inline else data + bytes(len(data) % 2)
    return table + bytes(4) + tail


def segments(stream: BinaryIO, base: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """The JPEG segments before the first scan: (marker, offset of the payload, payload up to 64 kB)."""
    at = base + 2
    stream.seek(base)
    if stream.read(2) != b"\xff\xd8":
        return
    while True:
        stream.seek(at)
        head = stream.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            return
        marker, length = head[1], struct.unpack(">H", head[2:])[0]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in (0xD9, 0xDA) or length < 2:
            return
        yield marker, at + 4, stream.read(length - 2)
        at += 2 + length
