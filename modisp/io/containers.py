"""Where camera formats that are no TIFF files keep their EXIF: CR3, RAF, MRW, CRW, X3F and JPEG."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from modisp.io.ifd import joined_blocks, segments

_LIMIT = 16 << 20


def exif_of(path: Path) -> bytes:
    """The EXIF of a file that is no TIFF file itself, as a TIFF block; b"" where none is found."""
    with open(path, "rb") as file, contextlib.suppress(struct.error):  # where a file is cut short
        head = file.read(128)
        if head[4:8] == b"ftyp":
            return _cr3(file)
        if head.startswith(b"FUJIFILM"):
            return _in_jpeg(file, struct.unpack(">I", head[84:88])[0])
        if head.startswith(b"\0MRM"):
            return _mrw(file)
        if head[6:14] == b"HEAPCCDR":
            return _crw(file, head)
        return _in_jpeg(file, 0)
    return b""


def _in_jpeg(file: BinaryIO, base: int) -> bytes:
    for marker, _, data in segments(file, base):
        if marker == 0xE1 and data.startswith(b"Exif\0\0"):
            return data[6:]
    return b""


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of an ISO base media file between two offsets: (type, start of the content, its end)."""
    at = start
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        size, kind, skip = struct.unpack(">I", head[:4])[0], head[4:8], 8
        if size == 1 and len(head) == 16:
            size, skip = struct.unpack(">Q", head[8:])[0], 16
        size = size or end - at
        if size < skip or at + size > end:
            return
        yield kind, at + skip, at + size
        at += size


def _cr3(file: BinaryIO) -> bytes:
    """Canon's CMT1 (IFD0), CMT2 (EXIF) and CMT4 (GPS) blocks, joined into one."""
    file.seek(0, 2)
    parts: dict[bytes, bytes] = {}
    for kind, start, end in boxes(file, 0, file.tell()):
        if kind != b"moov":
            continue
        for inner, first, last in boxes(file, start, end):
            if inner != b"uuid":
                continue
            for name, a, b in boxes(file, first + 16, last):
                if name in (b"CMT1", b"CMT2", b"CMT4") and b - a < 1 << 20:
                    file.seek(a)
                    parts[name] = file.read(b - a)
    return joined_blocks(*(parts.get(name, b"") for name in (b"CMT1", b"CMT2", b"CMT4")))


def _mrw(file: BinaryIO) -> bytes:
    """Minolta's TTW block."""
    file.seek(4)
    (end,) = struct.unpack(">I", file.read(4))
    at = 8
    while at + 8 <= min(end + 8, _LIMIT):
        file.seek(at)
        name, length = struct.unpack(">4sI", file.read(8).ljust(8, b"\0"))
        if name == b"\0TTW" and length < _LIMIT:
            return file.read(length)
        at += 8 + length
    return b""


def _crw(file: BinaryIO, head: bytes) -> bytes:
    """Make and model of a CIFF file (Canon 1997, CIFF 1.0), as a TIFF block."""
    order = "<" if head[:2] == b"II" else ">"
    file.seek(0, 2)
    names = _ciff_names(file, order, struct.unpack(order + "I", head[2:6])[0], file.tell(), 0)
    texts = [part + b"\0" for part in names.split(b"\0")[:2] if part]
    if len(texts) < 2:
        return b""
    at, entries, tail = 8 + 2 + 24 + 4, b"", b""
    for tag, text in zip((271, 272), texts, strict=True):
        inline = len(text) <= 4
        value = text.ljust(4, b"\0") if inline else struct.pack(order + "I", at + len(tail))
        entries += struct.pack(order + "HHI", tag, 2, len(text)) + value
        tail += b"" if inline else text
    lead = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 2)
    return lead + entries + bytes(4) + tail


def _ciff_names(file: BinaryIO, order: str, start: int, end: int, depth: int) -> bytes:
    if end - start < 6 or depth > 6:
        return b""
    file.seek(end - 4)
    table = start + struct.unpack(order + "I", file.read(4))[0]
    if table + 2 > end:
        return b""
    file.seek(table)
    (count,) = struct.unpack(order + "H", file.read(2))
    records = file.read(10 * min(count, 512))
    for i in range(len(records) // 10):
        kind, length, offset = struct.unpack_from(order + "HII", records, 10 * i)
        if kind == 0x080A and length < 4096:
            file.seek(start + offset)
            return file.read(length)
        if kind & 0x3800 in (0x2800, 0x3000) and not kind & 0xC000:
            found = _ciff_names(file, order, start + offset, min(end, start + offset + length), depth + 1)
            if found:
                return found
    return b""
