"""DNG opcode lists as bytes, so that other programs apply what is still to be applied.  (DNG 1.7.1, chapter 7.)

| name                  | data                                                                                         |
|-----------------------|----------------------------------------------------------------------------------------------|
| WarpRectilinear       | `coefficients`: per plane kr0, kr1, kr2, kr3, kt0, kt1; `center`: x, y (relative)             |
| FixVignetteRadial     | `coefficients`: k0 … k4; `center`: x, y (relative)                                           |
| FixBadPixelsConstant  | `constant`; `bayer_phase`                                                                    |
| FixBadPixelsList      | `bayer_phase`; `points`: (row, column) …; `rects`: (top, left, bottom, right) …              |
| GainMap               | `top`, `left`, `bottom`, `right`, `plane`, `planes`, `row_pitch`, `col_pitch`; `spacing` and  |
|                       | `origin`: vertical, horizontal (relative); `gains`: rows × columns × map planes               |

Others are left out: their data are not kept as numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from modisp.image import Opcode

Data = Mapping[str, Any]

_VERSION = 0x01030000  # DNG 1.3 brought all of these


def encode(opcodes: Iterable[Opcode]) -> bytes:
    """An opcode list (big-endian, as DNG asks) of those whose names are known here; b"" where there are none."""
    items = []
    for o in opcodes:
        if o.name in _ENCODERS:
            number, body = _ENCODERS[o.name]
            data = body(o.data)
            items.append(struct.pack(">4I", number, _VERSION, int(o.optional), len(data)) + data)
    return struct.pack(">I", len(items)) + b"".join(items) if items else b""


def _warp_rectilinear(d: Data) -> bytes:
    planes = np.asarray(d["coefficients"], ">f8").reshape(-1, 6)
    return struct.pack(">I", len(planes)) + planes.tobytes() + struct.pack(">2d", *d["center"])


def _vignette(d: Data) -> bytes:
    return struct.pack(">7d", *d["coefficients"], *d["center"])


def _bad_constant(d: Data) -> bytes:
    return struct.pack(">2I", d["constant"], d["bayer_phase"])


def _bad_list(d: Data) -> bytes:
    points = np.asarray(d["points"], ">u4").reshape(-1, 2)
    rects = np.asarray(d["rects"], ">u4").reshape(-1, 4)
    return struct.pack(">3I", d["bayer_phase"], len(points), len(rects)) + points.tobytes() + rects.tobytes()


def _gain_map(d: Data) -> bytes:
    area = ("top", "left", "bottom", "right", "plane", "planes", "row_pitch", "col_pitch")
    gains = np.asarray(d["gains"], ">f4")
    rows, columns, planes = gains.shape
    head = struct.pack(">10I", *(d[k] for k in area), rows, columns)
    return head + struct.pack(">4dI", *d["spacing"], *d["origin"], planes) + gains.tobytes()


_ENCODERS: dict[str, tuple[int, Callable[[Data], bytes]]] = {
    "WarpRectilinear": (1, _warp_rectilinear),
    "FixVignetteRadial": (3, _vignette),
    "FixBadPixelsConstant": (4, _bad_constant),
    "FixBadPixelsList": (5, _bad_list),
    "GainMap": (9, _gain_map),
}
