"""DNG tags (Adobe DNG specification 1.7.1.0) → what modisp needs to know of the raw image and of the camera's colour.

Read from the file itself, since LibRaw keeps its own tables for cameras that it knows and nothing for those it does
not.  Every value is checked: files with senseless tags give defaults, or one `ImageError`.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modisp.io import opcodes
from modisp.io.capture import capture
from modisp.io.errors import ImageError
from modisp.io.ifd import Block, Directory, Entry, exif_block
from modisp.io.levels import Levels
from modisp.io.lights import LIGHTS, neutral_of

CFA, LINEAR_RAW = 32803, 34892
MAX_PIXELS = 600_000_000
"""Pixels: more than any camera's, pixel shift included; a larger header is a damaged or hostile one."""
_ILLUMINANTS = (
    (50721, 50964, 50723, 50778, 52533),
    (50722, 50965, 50724, 50779, 52534),
    (52531, 52532, 52530, 52529, 52535),
)  # ColorMatrix, ForwardMatrix, CameraCalibration, CalibrationIlluminant, IlluminantData
PERIODS = (1, 2, 4, 6, 8)
_FULL = tuple[int, int, int, int]


@dataclass
class Raw:
    """The raw image of a DNG file as its tags tell: where the samples are and how to make them linear."""

    directory: Directory
    rows: int
    columns: int
    samples: int
    bits: int
    floating: bool
    active: _FULL  # top, left, bottom, right
    levels: Levels
    table: NDArray[np.uint16] | None  # LinearizationTable
    maps: list[dict[str, Any]]  # opcodes of list 2 that make the pixels linear
    constants: list[tuple[int, int]]  # FixBadPixelsConstant: (value, phase)
    state: str
    meta: dict[str, Any]  # fields of Metadata
    white_known: bool


def is_dng(directories: list[Directory]) -> bool:
    """Whether a TIFF file's directories are those of a DNG file."""
    return bool(directories) and directories[0].has(50706)


def raw_directory(directories: list[Directory]) -> Directory:
    """The directory of the main raw image: the largest one that is no preview, in IFD0 or in a SubIFD."""
    raws = [d for d in directories if d.integer(262, -1) in (CFA, LINEAR_RAW)]
    # 0 is the sensor's image; odd numbers are previews, 16 an image that another program has enhanced
    main = [d for d in raws if d.integer(254) == 0] or [d for d in raws if not d.integer(254) & 1] or raws
    if not main:
        raise ImageError("{name} is a DNG file without a raw image in it")
    return max(main, key=lambda d: d.integer(256) * d.integer(257))


def read_dng(block: Block, directories: list[Directory]) -> Raw:
    """The facts of a DNG file; raises ImageError (with `{name}` for the file's name) where it cannot be developed."""
    d, ifd0 = raw_directory(directories), directories[0]
    rows, columns, samples = d.integer(257), d.integer(256), max(1, d.integer(277, 1))
    if rows < 1 or columns < 1:
        raise ImageError("{name} has no pixels: its size is zero")
    if rows * columns > MAX_PIXELS:
        raise ImageError(f"{{name}} claims {columns} × {rows} pixels, more than any camera has; it is damaged")
    bits, floating = d.integer(258, 16), d.integer(339, 1) == 3
    if not 1 <= bits <= 64:
        raise ImageError("{name} is damaged: its number of bits per pixel makes no sense")
    active = _active(d, rows, columns)
    height, width = active[2] - active[0], active[3] - active[1]
    linear = d.integer(262) == LINEAR_RAW
    if samples != (3 if linear else 1) and not (linear and samples == 1):
        raise ImageError(f"{{name}} has {samples} samples per pixel, an arrangement that modisp does not know")
    cfa = () if linear and samples == 3 else ("W",) if linear else cfa_of(d)
    table = _table(d)
    levels = levels_of(d, width, height, samples, bits, floating, table)
    listed = _opcodes(d, active)
    listed, maps = _leading_maps(listed)
    constants = [
        (o["data"]["constant"], o["data"]["phase"]) for o in listed if o["list"] == 1 and o["name"].endswith("Constant")
    ]
    meta = {"cfa": cfa, "opcodes": listed, "exif": exif_block(block, ifd0), **capture(block, ifd0)}
    meta |= _level_meta(levels, cfa, floating) | colour(ifd0, d, samples)
    meta["crop"] = _crop(d, height, width)
    meta["noise"] = _noise(d, ifd0)
    meta["bad_pixels"] = _bad_pixels(listed, height, width)
    meta = {k: v for k, v in meta.items() if v or k == "cfa"}
    state = "CAMERA" if samples == 3 else "MOSAIC"
    known = bool(d.numbers(50717))
    return Raw(d, rows, columns, samples, bits, floating, active, levels, table, maps, constants, state, meta, known)


def cfa_of(d: Directory) -> tuple[str, ...]:
    """The CFA's smallest period as rows of letters, from CFARepeatPatternDim and CFAPattern."""
    dims, codes = d.numbers(33421), list(d.raw(33422))
    high, wide = (int(v) for v in dims) if len(dims) == 2 else (2, 2)
    if not (1 <= high <= 24 and 1 <= wide <= 24) or len(codes) < high * wide:
        raise ImageError("{name} is damaged: it does not describe its colour filter array")
    if d.integer(50711, 1) != 1:
        raise ImageError("{name} has its pixels in staggered rows, an arrangement that modisp does not know")
    letters = ["RGBCMYW"[c] if c < 7 else "?" for c in codes[: high * wide]]
    return smallest_period(["".join(letters[i * wide : (i + 1) * wide]) for i in range(high)])


def smallest_period(rows: list[str]) -> tuple[str, ...]:
    """A CFA reduced to one period; ImageError for filters that are not red, green and blue, or periods unknown."""
    for high in PERIODS:
        if all(row == rows[i % high] for i, row in enumerate(rows)) and len(rows) % high == 0:
            rows = rows[:high]
            break
    for wide in PERIODS:
        if all(row == row[:wide] * (len(row) // wide) for row in rows):
            rows = [row[:wide] for row in rows]
            break
    letters = set("".join(rows))
    if len(letters) == 1:
        return ("W",)
    if letters != {"R", "G", "B"} or len(rows) not in PERIODS or len(rows[0]) not in PERIODS:
        raise ImageError(f"{{name}} has a colour filter array ({' '.join(rows)}) that modisp does not know")
    return tuple(rows)


def _active(d: Directory, rows: int, columns: int) -> _FULL:
    area = [int(v) for v in d.numbers(50829)]
    if len(area) == 4 and 0 <= area[0] < area[2] <= rows and 0 <= area[1] < area[3] <= columns:
        return area[0], area[1], area[2], area[3]
    return 0, 0, rows, columns


def _table(d: Directory) -> NDArray[np.uint16] | None:
    values = d.numbers(50712)
    return np.clip(values, 0, 65535).astype(np.uint16) if values else None


@np.errstate(over="ignore")  # senseless numbers become infinite, and are refused
def levels_of(
    d: Directory, width: int, height: int, samples: int, bits: int, floating: bool, table: NDArray[np.uint16] | None
) -> Levels:
    """The black and white levels of the active area (`width` × `height`), sane ones where the tags are not."""
    top = 1.0 if floating else float(table.max()) if table is not None else float(2 ** min(bits, 32) - 1)
    white = d.numbers(50717)[:samples] or [top]
    white = [w if 0 < w <= max(top, 65535.0) else top for w in white]
    white += white[-1:] * (samples - len(white))
    dims = [int(v) for v in d.numbers(50713)]
    high, wide = dims if len(dims) == 2 and all(1 <= v <= 24 for v in dims) else (1, 1)
    black = d.numbers(50714)
    if len(black) == high * wide * samples:
        grid = np.asarray(black, np.float32).reshape(high, wide, samples)
    else:  # one value for all, or a number of values that does not fit
        grid = np.full((1, 1, samples), black[0] if black else 0.0, np.float32)
    whites = np.asarray(white, np.float32)
    if not np.all(np.isfinite(grid)) or np.any(grid >= whites) or np.any(grid < -65535):
        grid = np.zeros((1, 1, samples), np.float32)
    across, down = (_delta(d, tag, n, whites.min()) for tag, n in ((50715, width), (50716, height)))
    return Levels(grid, whites, across, down)


def _delta(d: Directory, tag: int, length: int, white: float) -> NDArray[np.float32] | None:
    values = np.asarray(d.numbers(tag), np.float32)
    fits = len(values) == length and np.any(values) and np.abs(values).max() < white / 2
    return values if fits else None


def _level_meta(levels: Levels, cfa: tuple[str, ...], floating: bool) -> dict[str, Any]:
    black = levels.black[:, :, 0]
    if (black == black[0, 0]).all():
        out: tuple[float, ...] = (float(black[0, 0]),)
    else:
        high, wide = max(len(cfa), 1), max(len(cfa[0]) if cfa else 1, 1)
        out = tuple(float(black[i % black.shape[0], j % black.shape[1]]) for i in range(high) for j in range(wide))
    if floating:
        return {}
    return {"black_level": out, "white_level": float(levels.white.max())}


def _opcodes(d: Directory, active: _FULL) -> list[dict[str, Any]]:
    found = []
    for number, tag in ((1, 51008), (2, 51009), (3, 51022)):
        if d.has(tag):
            found += opcodes.parse(d.raw(tag), number, active[0], active[1])
    return found


def _leading_maps(listed: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Take the value maps out of list 2: they are part of making the pixels linear, up to the first other opcode."""
    second = [o for o in listed if o["list"] == 2]
    count = next((i for i, o in enumerate(second) if o["name"] not in opcodes.MAPS), len(second))
    maps = second[:count]
    return [o for o in listed if not any(o is m for m in maps)], maps


def _crop(d: Directory, height: int, width: int) -> tuple[int, int, int, int] | None:
    """DefaultCrop, narrowed by DefaultUserCrop (the aspect ratio chosen in the camera); None where it is all."""
    origin, size = d.numbers(50719), d.numbers(50720)
    if len(origin) != 2 or len(size) != 2 or min(size) < 1 or min(origin) < 0:
        origin, size = [0.0, 0.0], [float(width), float(height)]
    user = d.numbers(51125)  # top, left, bottom, right as parts of the default crop
    if len(user) == 4 and 0 <= user[0] < user[2] <= 1 and 0 <= user[1] < user[3] <= 1:
        origin = [origin[0] + user[1] * size[0], origin[1] + user[0] * size[1]]
        size = [(user[3] - user[1]) * size[0], (user[2] - user[0]) * size[1]]
    return sane_crop(origin[0], origin[1], size[0], size[1], height, width)


def sane_crop(
    x: float, y: float, wide: float, high: float, height: int, width: int
) -> tuple[int, int, int, int] | None:
    """A crop as whole pixels inside the picture; None where it is the whole picture or lies outside of it."""
    left, top = round(min(x, 1e6)), round(min(y, 1e6))
    right, bottom = min(width, left + round(min(wide, 1e6))), min(height, top + round(min(high, 1e6)))
    if not (0 <= left < right and 0 <= top < bottom) or (right - left, bottom - top) == (width, height):
        return None
    return left, top, right - left, bottom - top


def _noise(d: Directory, ifd0: Directory) -> tuple[tuple[float, float], ...]:
    values = d.numbers(51041) or ifd0.numbers(51041)
    pairs = tuple(zip(values[::2], values[1::2], strict=False))
    good = len(pairs) in (1, 3) and len(values) % 2 == 0 and all(0 <= a < 1 and -0.1 < b < 1 for a, b in pairs)
    return pairs if good and any(a > 0 or b > 0 for a, b in pairs) else ()


def _bad_pixels(listed: list[dict[str, Any]], height: int, width: int) -> tuple[tuple[int, int], ...]:
    found: set[tuple[int, int]] = set()
    for o in listed:
        if o["name"] != "FixBadPixelsList":
            continue
        found.update((r, c) for r, c in o["data"]["points"] if 0 <= r < height and 0 <= c < width)
        for t, left, b, right in o["data"]["rects"]:
            rows, columns = range(max(t, 0), min(b, height)), range(max(left, 0), min(right, width))
            if len(rows) * len(columns) <= 1_000_000:
                found.update((r, c) for r in rows for c in columns)
    return tuple(sorted(found))


def _matrix(values: list[float]) -> tuple[tuple[float, float, float], ...] | None:
    if len(values) != 9 or max(map(abs, values)) > 1000 or abs(np.linalg.det(np.reshape(values, (3, 3)))) < 1e-9:
        return None
    return tuple((values[i], values[i + 1], values[i + 2]) for i in (0, 3, 6))


def _illuminant_data(entry: Entry) -> tuple[float, float] | None:
    """xy from IlluminantData of type 0 (two fractions); None where it holds a spectrum or nonsense."""
    data, order = entry.raw(), entry.block.order
    if len(data) < 18 or struct.unpack(order + "H", data[:2])[0] != 0:
        return None
    a, b, c, d = struct.unpack(order + "4I", data[2:18])
    return (a / b, c / d) if b and d and 0 < a / b < 1 and 0 < c / d < 1 and a / b + c / d < 1 else None


def colour(ifd0: Directory, raw: Directory, samples: int) -> dict[str, Any]:
    """Matrices, illuminants, balance and as-shot white, from IFD0 or, where writers put them there, the raw SubIFD."""

    def get(tag: int) -> list[float]:
        return ifd0.numbers(tag) or raw.numbers(tag)

    colour_m, forward_m, calibration_m, lights = [], [], [], []
    same = ifd0.text(50931) == ifd0.text(50932)  # else the calibration belongs to another profile
    for cm, fm, cc, light, other in _ILLUMINANTS:
        matrix = _matrix(get(cm))
        if matrix is None:
            continue
        colour_m.append(matrix)
        forward_m.append(_matrix(get(fm)))
        calibration_m.append(_matrix(get(cc)) if same else None)
        code = (get(light) or [0.0])[0]
        data = ifd0.entries.get(other) or raw.entries.get(other)
        own = _illuminant_data(data) if data is not None and code == 255 else None
        lights.append(own or LIGHTS.get(int(code), LIGHTS[21]))
    out: dict[str, Any] = {"color_matrix": tuple(colour_m), "illuminants": tuple(lights)}
    if colour_m and all(m is not None for m in forward_m):
        out["forward_matrix"] = tuple(forward_m)
    unit = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    if any(m is not None and m != unit for m in calibration_m):
        out["calibration"] = tuple(m or unit for m in calibration_m)
    balance = get(50727)
    if len(balance) == 3 and all(1e-3 < v < 1e3 for v in balance) and set(balance) != {1.0}:
        out["analog_balance"] = tuple(balance)
    exposure = (get(50730) or [0.0])[0] + (get(51109) or [0.0])[0]
    if abs(exposure) < 20:
        out["baseline_exposure"] = exposure
    white = sane_white(get(50728))
    xy = get(50729)
    if white is None and len(xy) == 2 and 0 < xy[0] < 1 and 0 < xy[1] < 1 and xy[0] + xy[1] < 1:
        white = sane_white(neutral_of((xy[0], xy[1]), out))
    if white is not None:
        out["white"] = white
    return out


def sane_white(values: Any) -> tuple[float, float, float] | None:
    """A camera response to white, scaled to a largest component of 1; None where it makes no sense."""
    three = [float(v) for v in values]
    if len(three) != 3 or not all(math.isfinite(v) and v > 0 for v in three) or max(three) > 100 * min(three):
        return None
    top = max(three)
    return three[0] / top, three[1] / top, three[2] / top
