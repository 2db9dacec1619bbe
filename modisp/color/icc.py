"""ICC profiles of the output spaces, made of their definitions: three primaries, a white and a curve.

Version 4 matrix/TRC display profiles with parametric curves (ICC.1:2022), some 600 bytes each.
"""

from __future__ import annotations

import hashlib
import struct
from functools import lru_cache

import torch

from modisp.color import transfer
from modisp.color.spaces import D65, adaptation, between64, xy_of

NAMES = {
    "srgb": "sRGB",
    "display-p3": "Display P3",
    "adobe-rgb": "Adobe RGB (1998) compatible",
    "rec2020": "Rec. ITU-R BT.2020",
}
"""What each profile calls itself."""

_PCS = (0.9642, 1.0, 0.8249)  # the profile connection space's D50, as ICC rounds it


@lru_cache(maxsize=16)
def profile(space: str, linear: bool = False) -> bytes:
    """The profile of `srgb`, `display-p3`, `adobe-rgb` or `rec2020`, or of its primaries with linear light.

    Raises ValueError for other names.
    """
    if space not in NAMES:
        raise ValueError(f"{space!r} is not an output space; choose one of {', '.join(NAMES)}")
    to_pcs = adaptation(D65, xy_of(_PCS))
    colorants = _fixed(to_pcs @ between64(space, "xyz"), torch.tensor(_PCS, dtype=torch.float64))
    curve = _numbers(b"para", [0, 65536]) if linear else _curve(space)
    tags = {
        b"desc": _text(NAMES[space] + (", linear light" if linear else "")),
        b"cprt": _text("No copyright: made by modisp from published figures"),
        b"wtpt": _numbers(b"XYZ ", [round(v * 65536) for v in _PCS]),
        b"chad": _numbers(b"sf32", (to_pcs * 65536).round().flatten().int().tolist()),
        **{name: _numbers(b"XYZ ", colorants[:, i].tolist()) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body, places = struct.pack(">I", len(tags)), b"", dict[bytes, int]()
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        if data not in places:  # the three curves are one
            places[data] = start + len(body)
            body += data + b"\0" * (-len(data) % 4)
        table += name + struct.pack(">2I", places[data], len(data))
    head = struct.pack(
        ">I4sI4s4s4s6H4s4sI4s4sQI3I4s16s28s",
        start + len(body),
        b"\0" * 4,  # preferred colour engine: none
        0x04400000,  # version 4.4
        b"mntr",
        b"RGB ",
        b"XYZ ",
        *(2026, 1, 1, 0, 0, 0),
        b"acsp",
        b"\0" * 4,  # platform: none
        0,
        b"\0" * 4,
        b"\0" * 4,
        0,
        1,  # rendering intent: media-relative colorimetric
        *(round(v * 65536) for v in _PCS),
        b"\0" * 4,
        b"\0" * 16,
        b"\0" * 28,
    )
    # The identifier is the MD5 of the profile with flags, intent and identifier set to zero.
    blank = head[:64] + b"\0" * 4 + head[68:]
    digest = hashlib.md5(blank + table + body, usedforsecurity=False).digest()
    return head[:84] + digest + head[100:] + table + body


def _fixed(matrix: torch.Tensor, white: torch.Tensor) -> torch.Tensor:
    """The matrix in 1/65536, rounded so that its rows still sum to the white: grey stays exactly grey."""
    fixed = (matrix * 65536).round()
    rest = (white * 65536).round() - fixed.sum(1)
    fixed[torch.arange(3), matrix.abs().argmax(1)] += rest
    return fixed.int()


def _numbers(kind: bytes, values: list[int]) -> bytes:
    return kind + b"\0" * 4 + struct.pack(f">{len(values)}i", *values)


def _curve(space: str) -> bytes:
    """The curve from encoded values to linear light: ICC's function 0 (a power) or 3 (a power and a line)."""
    slope, limit, scale, power = transfer._curve(space)
    values = [1 / power]
    if limit:
        values += [1 / scale, (scale - 1) / scale, 1 / slope, limit * slope]
    fixed = [round(v * 65536) for v in values]
    return b"para" + struct.pack(f">I2H{len(fixed)}i", 0, 3 if limit else 0, 0, *fixed)


def _text(words: str) -> bytes:
    data = words.encode("utf-16-be")
    return b"mluc" + struct.pack(">3I4s2I", 0, 1, 12, b"enUS", len(data), 28) + data
