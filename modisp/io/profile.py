"""What an ICC profile says (ICC.1:2022): which of modisp's output spaces it is, else how to make its pixels linear."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modisp.io.ifd import EXIF_IFD, Block

_INTEROPERABILITY = 40965

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
    read = _shaper(icc)
    if read is not None:
        colorants, curves = read
        middle = float(_curve(curves[1], np.array([0.5]))[0])
        for name, known in _SPACES.items():
            if np.abs(colorants - np.array(known)).max() < 0.004 and abs(middle - _MIDDLE[name]) < 0.012:
                return name
    return "icc"


def space_of_exif(exif: bytes) -> str:
    """adobe-rgb where a camera marks a picture without a profile so (DCF 2.0: interoperability R03), else srgb."""
    try:
        block = Block(io.BytesIO(exif.removeprefix(b"Exif\0\0")))
    except ValueError:
        return "srgb"
    inner = block.linked(block.directory(block.first)[0], EXIF_IFD)
    return "adobe-rgb" if block.linked(inner, _INTEROPERABILITY).text(1) == "R03" else "srgb"


def linearise(values: NDArray[Any], icc: bytes) -> tuple[NDArray[np.float32], list[list[float]]] | None:
    """Pixels (H, W, 3) through the curves of a matrix profile, and its matrix from linear RGB to XYZ D50.

    `values` are uint8, uint16, or floats in 0–1.  None for profiles of another kind.
    """
    read = _shaper(icc)
    if read is None or values.dtype.kind not in "uf" or (values.dtype.itemsize > 2 and values.dtype.kind == "u"):
        return None
    colorants, curves = read
    out = np.empty(values.shape, np.float32)
    steps = 4096 if values.dtype.kind == "f" else np.iinfo(values.dtype).max + 1
    x = np.linspace(0.0, 1.0, steps)
    for c, curve in enumerate(curves):
        table = _curve(curve, x).astype(np.float32)
        channel = values[:, :, c]
        out[:, :, c] = np.interp(channel, x, table) if values.dtype.kind == "f" else table[channel]
    return out, colorants.T.tolist()


def _shaper(icc: bytes) -> tuple[NDArray[np.float64], list[bytes]] | None:
    """The colorants (rows: red, green, blue in XYZ) and the three curves of a matrix profile; None for others."""
    try:
        tags = _tags(icc)
        colorants = np.array([_xyz(tags[k]) for k in (b"rXYZ", b"gXYZ", b"bXYZ")])
        curves = [tags[k] for k in (b"rTRC", b"gTRC", b"bTRC")]
        good = all(np.isfinite(_curve(c, np.array([0.0, 0.5, 1.0]))).all() for c in curves)
    except (KeyError, struct.error, IndexError, ValueError, OverflowError):
        return None
    return (colorants, curves) if good and abs(np.linalg.det(colorants)) > 1e-4 else None


def _tags(icc: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack(">I", icc[128:132])
    out = {}
    for i in range(min(count, 100)):
        name, at, length = struct.unpack(">4sII", icc[132 + 12 * i : 144 + 12 * i])
        out[name] = icc[at : at + length]
    return out


def _xyz(tag: bytes) -> tuple[float, ...]:
    return tuple(v / 65536 for v in struct.unpack(">3i", tag[8:20]))


def _curve(tag: bytes, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The linear values, 0–1, that a curve (curv or para) gives for encoded `x`."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack(">I", tag[8:12])
        if count == 0:
            return x
        if count == 1:
            return np.asarray(x ** (struct.unpack(">H", tag[12:14])[0] / 256))
        values = np.array(struct.unpack(f">{count}H", tag[12 : 12 + 2 * count])) / 65535
        return np.interp(x, np.linspace(0.0, 1.0, count), values)
    if tag[:4] == b"para":
        (kind,) = struct.unpack(">H", tag[8:10])
        count = (1, 3, 4, 5, 7)[kind]
        g, *rest = (v / 65536 for v in struct.unpack(f">{count}i", tag[12 : 12 + 4 * count]))
        a, b, c, d, e, f = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        if kind in (1, 2):
            a, b = rest[:2]
            c, d = 0.0, -b / a if a else 0.0
            e = f = rest[2] if kind == 2 else 0.0
        elif kind in (3, 4):
            a, b, c, d = rest[:4]
            e, f = (rest[4], rest[5]) if kind == 4 else (0.0, 0.0)
        power = np.maximum(a * x + b, 0.0) ** g + e
        return np.asarray(np.clip(np.where(x >= d, power, c * x + f), 0.0, 1.0))
    raise ValueError("not a curve")
