"""DNG opcode lists as bytes, so that other programs apply what is still to be applied: the inverse of `opcodes.parse`."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from modisp.image import Opcode
from modisp.io.opcodes import _AREA as AREA
from modisp.io.opcodes import MAPS, NAMES

_NUMBERS = {name: number for number, name in NAMES.items()}
_VERSIONS = {"WarpRectilinear2": 0x01060000}  # DNG 1.3 brought the others


def encode(opcodes: Iterable[Opcode]) -> bytes:
    """An opcode list (big-endian, as DNG asks), b"" where there is none to write.

    What the list's unsigned numbers cannot say (pixels outside the active area, say) is left out; the metadata that
    travel in XMP still hold it.
    """
    items = []
    for o in opcodes:
        try:
            data = _body(o.name, o.data)
        except (KeyError, TypeError, ValueError, OverflowError, struct.error):
            continue
        version = _VERSIONS.get(o.name, 0x01030000)
        items.append(struct.pack(">4I", _NUMBERS[o.name], version, int(o.optional), len(data)) + data)
    return struct.pack(">I", len(items)) + b"".join(items) if items else b""


def _body(name: str, d: Mapping[str, Any]) -> bytes:
    if name.startswith("Warp"):
        planes = np.asarray(d["coefficients"], ">f8")
        if name == "WarpRectilinear2":
            planes = np.concatenate([planes, np.asarray(d["valid"], ">f8")], 1).astype(">f8")
        tail = struct.pack(">I", bool(d["reciprocal"])) if name == "WarpRectilinear2" else b""
        return struct.pack(">I", len(planes)) + planes.tobytes() + struct.pack(">2d", *d["center"]) + tail
    if name == "FixVignetteRadial":
        return struct.pack(">7d", *d["coefficients"], *d["center"])
    if name == "FixBadPixelsConstant":
        return struct.pack(">2I", d["constant"], d["phase"])
    if name == "FixBadPixelsList":
        flat = [v for item in (*d["points"], *d["rects"]) for v in item]
        return struct.pack(f">{3 + len(flat)}I", d["phase"], len(d["points"]), len(d["rects"]), *flat)
    if name == "TrimBounds":
        return struct.pack(">4I", *d["rect"])
    area = struct.pack(">8I", *(d["area"][key] for key in AREA))
    if name == "GainMap":
        gains = np.asarray(d["gains"], ">f4")
        v, h, planes = gains.shape
        return area + struct.pack(">2I4dI", v, h, *d["spacing"], *d["origin"], planes) + gains.tobytes()
    if name == "MapTable":
        return area + struct.pack(f">I{len(d['table'])}H", len(d["table"]), *d["table"])
    if name == "MapPolynomial":
        return area + struct.pack(f">I{len(d['coefficients'])}d", len(d["coefficients"]) - 1, *d["coefficients"])
    if name in MAPS:
        return area + struct.pack(f">I{len(d['values'])}f", len(d["values"]), *d["values"])
    raise KeyError(name)
