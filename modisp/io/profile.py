"""Which of modisp's output spaces an ICC profile describes (ICC.1:2022)."""

from __future__ import annotations

import struct

import numpy as np

# colorants (rXYZ, gXYZ, bXYZ columns), adapted to D50 as ICC asks, and the exponent that the middle of the curve shows
_SPACES = {
    "srgb": ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)),
    "display-p3": ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)),
    "adobe-rgb": ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)),
    "rec2020": ((0.6735, 0.2790, -0.0019), (0.1657, 0.6753, 0.0300), (0.1251, 0.0457, 0.7972)),
}
_MIDDLE = {"srgb": 0.2140, "display-p3": 0.2140, "adobe-rgb": 0.2176, "rec2020": 0.2597}
"""The curve's linear value at an encoded 0.5."""


def space_of(icc: bytes) -> str:
    """The name of the space that a profile describes: srgb without one, icc for one that is none of ours."""
    if not icc:
        return "srgb"
    try:
        tags = _tags(icc)
        colorants = np.array([_xyz(tags[k]) for k in (b"rXYZ", b"gXYZ", b"bXYZ")])
        middle = _at_half(tags[b"gTRC"])
    except (KeyError, struct.error, IndexError, ValueError):
        return "icc"
    for name, known in _SPACES.items():
        if np.abs(colorants - np.array(known)).max() < 0.004 and abs(middle - _MIDDLE[name]) < 0.012:
            return name
    return "icc"


def _tags(icc: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack(">I", icc[128:132])
    out = {}
    for i in range(min(count, 100)):
        name, at, length = struct.unpack(">4sII", icc[132 + 12 * i : 144 + 12 * i])
        out[name] = icc[at : at + length]
    return out


def _xyz(tag: bytes) -> tuple[float, ...]:
    return tuple(v / 65536 for v in struct.unpack(">3i", tag[8:20]))


def _at_half(tag: bytes) -> float:
    """The linear value that a curve (curv or para) gives at 0.5."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack(">I", tag[8:12])
        values = struct.unpack(f">{count}H", tag[12 : 12 + 2 * count])
        if count == 0:
            return 0.5
        if count == 1:
            return float(0.5 ** (values[0] / 256))
        return float(np.interp(0.5 * (count - 1), np.arange(count), values)) / 65535
    if tag[:4] == b"para":
        (kind,) = struct.unpack(">H", tag[8:10])
        g, a, b, *rest = (v / 65536 for v in struct.unpack(">7i", tag[12:40].ljust(28, b"\0")))
        if kind == 0:
            return float(0.5**g)
        offset = rest[0] if kind == 2 else rest[2] if kind == 4 else 0.0
        return float(max(0.0, a * 0.5 + b) ** g) + offset
    raise ValueError("not a curve")
