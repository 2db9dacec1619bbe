"""DNG opcode lists (DNG 1.7.1.0, chapter 7): from the tag's bytes to plain data, and the maps that make pixels linear.

Rows and columns are counted from the top-left pixel of the active area, in all three lists.

| name                      | data |
|---------------------------|------|
| WarpRectilinear           | `coefficients` (per plane: kr0 … kr3, kt0, kt1), `center` (x, y) |
| WarpRectilinear2          | the same with kr0 … kr14, and `valid` (per plane: smallest, largest radius), `reciprocal` |
| WarpFisheye               | `coefficients` (per plane: kr0 … kr3), `center` |
| FixVignetteRadial         | `coefficients` (k0 … k4), `center` |
| FixBadPixelsConstant      | `constant`, `phase` |
| FixBadPixelsList          | `phase`, `points` (row, column), `rects` (top, left, bottom, right) |
| TrimBounds                | `rect` (top, left, bottom, right) |
| MapTable, MapPolynomial   | `area`, and `table` or `coefficients` |
| GainMap                   | `area`, `spacing` (v, h), `origin` (v, h), `gains` [v][h][plane] |
| Delta/ScalePerRow/Column  | `area`, `values` |

`area` is {top, left, bottom, right, plane, planes, row_pitch, column_pitch}.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = {
    1: "WarpRectilinear",
    2: "WarpFisheye",
    3: "FixVignetteRadial",
    4: "FixBadPixelsConstant",
    5: "FixBadPixelsList",
    6: "TrimBounds",
    7: "MapTable",
    8: "MapPolynomial",
    9: "GainMap",
    10: "DeltaPerRow",
    11: "DeltaPerColumn",
    12: "ScalePerRow",
    13: "ScalePerColumn",
    14: "WarpRectilinear2",
}
MAPS = ("MapTable", "MapPolynomial", "DeltaPerRow", "DeltaPerColumn", "ScalePerRow", "ScalePerColumn")
"""The opcodes that map values one by one: in list 2 they belong to making the pixels linear."""
_AREA = ("top", "left", "bottom", "right", "plane", "planes", "row_pitch", "column_pitch")


class _Reader:
    """Big-endian numbers one after the other; ValueError at the end of the data or for numbers that are not finite."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, code: str, count: int = 1) -> list[Any]:
        size = count * struct.calcsize(">" + code)
        if count < 0 or self.at + size > len(self.data):
            raise ValueError("an opcode is cut short")
        values = list(struct.unpack_from(f">{count}{code}", self.data, self.at))
        self.at += size
        if code in "fd" and not all(map(math.isfinite, values)):
            raise ValueError("an opcode holds a number that is not finite")
        return values

    def one(self, code: str = "I") -> Any:
        return self.take(code)[0]


def parse(data: bytes, number: int, top: int = 0, left: int = 0) -> list[dict[str, Any]]:
    """The opcodes of list `number` as plain data for `modisp.image.Opcode`: list, name, data, optional.

    (`top`, `left`) is the active area's corner, in whose pixels list 1 is to be counted.  Opcodes that are unknown or
    damaged are left out, as a reader of DNG may do with optional ones.
    """
    reader, found = _Reader(data), []
    try:
        for _ in range(min(reader.one(), 1000)):
            code, _version, flags, size = reader.take("I", 4)
            body = bytes(reader.take("B", size))
            shift = (top, left) if number == 1 else (0, 0)
            try:
                parsed = _body(NAMES.get(code, ""), _Reader(body), *shift)
            except ValueError:
                continue
            if parsed is not None:
                found.append({"list": number, "name": NAMES[code], "data": parsed, "optional": bool(flags & 1)})
    except ValueError:
        pass
    return found


def _body(name: str, r: _Reader, top: int, left: int) -> dict[str, Any] | None:
    if name in ("WarpRectilinear", "WarpFisheye", "WarpRectilinear2"):
        planes = r.one()
        if not 1 <= planes <= 4:
            raise ValueError("a warp has 1 to 4 planes")
        per_plane = {"WarpRectilinear": 6, "WarpFisheye": 4, "WarpRectilinear2": 19}[name]
        sets = [r.take("d", per_plane) for _ in range(planes)]
        out: dict[str, Any] = {"coefficients": [s[:17] for s in sets], "center": r.take("d", 2)}
        if name == "WarpRectilinear2":
            out |= {"valid": [s[17:] for s in sets], "reciprocal": bool(r.one())}
        return out
    if name == "FixVignetteRadial":
        return {"coefficients": r.take("d", 5), "center": r.take("d", 2)}
    if name == "FixBadPixelsConstant":
        return {"constant": r.one(), "phase": r.one()}
    if name == "FixBadPixelsList":
        phase, points, rects = r.take("I", 3)
        p, q = r.take("I", 2 * points), r.take("I", 4 * rects)
        moved = (
            [v - (left if i % 2 else top) for i, v in enumerate(p)],
            [v - (left if i % 2 else top) for i, v in enumerate(q)],
        )
        return {
            "phase": phase,
            "points": [moved[0][i : i + 2] for i in range(0, len(p), 2)],
            "rects": [moved[1][i : i + 4] for i in range(0, len(q), 4)],
        }
    if name == "TrimBounds":
        t, l, b, rt = r.take("I", 4)  # noqa: E741
        return {"rect": [t - top, l - left, b - top, rt - left]}
    if name in MAPS or name == "GainMap":
        return _mapped(name, r, top, left)
    return None


def _mapped(name: str, r: _Reader, top: int, left: int) -> dict[str, Any]:
    area = dict(zip(_AREA, r.take("I", 8), strict=True))
    if not area["row_pitch"] or not area["column_pitch"] or not area["planes"]:
        raise ValueError("an opcode's area is empty")
    area |= {"top": area["top"] - top, "bottom": area["bottom"] - top}
    area |= {"left": area["left"] - left, "right": area["right"] - left}
    out: dict[str, Any] = {"area": area}
    if name == "MapTable":
        out["table"] = r.take("H", r.one())
    elif name == "MapPolynomial":
        out["coefficients"] = r.take("d", min(r.one(), 100) + 1)
    elif name == "GainMap":
        v, h = r.take("I", 2)
        out |= {"spacing": r.take("d", 2), "origin": r.take("d", 2)}
        planes = r.one()
        if not (v and h and planes) or v * h * planes * 4 > len(r.data):
            raise ValueError("a gain map is cut short")
        flat = r.take("f", v * h * planes)
        rows = [flat[i : i + h * planes] for i in range(0, len(flat), h * planes)]
        out["gains"] = [[row[i : i + planes] for i in range(0, h * planes, planes)] for row in rows]
    else:
        out["values"] = r.take("f", r.one())
    return out


def apply_map(name: str, data: dict[str, Any], pixels: NDArray[np.float32]) -> None:
    """Apply one of MAPS to linear pixels (channels, H, W), 1.0 = white, in place."""
    a = data["area"]
    rows = slice(max(a["top"], 0), max(a["bottom"], 0), a["row_pitch"])
    columns = slice(max(a["left"], 0), max(a["right"], 0), a["column_pitch"])
    for part in pixels[a["plane"] : a["plane"] + a["planes"]]:
        view = part[rows, columns]
        if not view.size:
            continue
        if name == "MapTable":
            table = np.asarray(data["table"] or [0], np.float32) / np.float32(65535)
            index = (np.clip(view, 0, 1) * 65535 + 0.5).astype(np.int64)
            view[...] = table[np.minimum(index, len(table) - 1)]
        elif name == "MapPolynomial":
            x = np.clip(view, -1, 1)  # where the polynomial is defined; noise around black stays on both sides of it
            total = np.zeros_like(x)
            for k in reversed(data["coefficients"]):
                total = total * x + np.float32(k)
            view[...] = total
        else:
            line = _line(data["values"], view.shape[0 if name.endswith("Row") else 1], name)
            line = line[:, None] if name.endswith("Row") else line
            view[...] = view + line if name.startswith("Delta") else view * line


def _line(values: Sequence[float], length: int, name: str) -> NDArray[np.float32]:
    neutral = 0.0 if name.startswith("Delta") else 1.0
    out = np.full(length, neutral, np.float32)
    out[: len(values)] = values[:length]
    return out
