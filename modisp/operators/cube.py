"""Colour tables in `.cube` files, 1D and 3D: reading them, and looking colours up.

Source: Adobe, "Cube LUT Specification 1.0" (2013); LUT_1D_INPUT_RANGE and LUT_3D_INPUT_RANGE as DaVinci Resolve writes
them.  The format says nothing of colour spaces: a comment line `# INPUT_SPACE name` does here, and sRGB is taken else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from modisp.native import F, kernel, less, more, planes, trilinear

RGB = tuple[float, float, float]

SPACES = ("srgb", "display-p3", "adobe-rgb", "rec2020", "linear")
"""Spaces that a table's colours may be in, each with its transfer function; `linear` is linear Rec.2020."""

LARGEST = {1: 65536, 3: 129}  # entries per axis that are accepted
_MOST_BYTES = 96 << 20
_CHUNK = 256  # pixels that the kernel takes at a time


class CubeError(ValueError):
    """A `.cube` file that cannot be used; the text is one sentence that names it."""


@dataclass(frozen=True, eq=False)
class Cube:
    """A colour table: `values` is (3, N) for 1D, (3, N, N, N) indexed (channel, blue, green, red) for 3D."""

    values: torch.Tensor
    low: RGB = (0.0, 0.0, 0.0)
    high: RGB = (1.0, 1.0, 1.0)
    space: str = "srgb"
    title: str = ""
    digest: str = ""  # SHA-256 of the file's content, hexadecimal

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Colours (3, N), in the table's space, looked up with linear or trilinear interpolation.

        Beyond the domain the table's edge goes on at a distance: the offset from the edge is kept.
        """
        if self.values.ndim == 4:
            out = torch.empty(pixels.shape)
            _look_up(self._rows, self.values.shape[1], _ends(self.low, self.high), *planes(pixels), *planes(out))
            return out.to(pixels.device)
        low = torch.tensor(self.low, device=pixels.device)[:, None]
        high = torch.tensor(self.high, device=pixels.device)[:, None]
        inside = torch.minimum(torch.maximum(pixels, low), high)
        values = self.values.to(pixels.device)
        x = ((inside - low) / (high - low)).mul_(values.shape[1] - 1)
        i = x.floor().clamp_(0, values.shape[1] - 2)
        k = i.long()
        a = torch.gather(values, 1, k)
        found = a + (torch.gather(values, 1, k + 1) - a) * (x - i)
        return found.add_(pixels).sub_(inside)

    @cached_property
    def _rows(self) -> np.ndarray:
        """The entries of a 3D table, (N³, 4), red running fastest; the fourth of each is 0 and keeps it in step with memory."""
        rows = np.zeros((self.values[0].numel(), 4), F)
        rows[:, :3] = self.values.permute(1, 2, 3, 0).reshape(-1, 3).cpu().numpy()
        return rows


Ends = tuple[tuple[np.float32, ...], tuple[np.float32, ...]]


def _ends(low: RGB, high: RGB) -> Ends:
    return tuple(F(v) for v in low), tuple(F(v) for v in high)


@kernel
def _look_up(rows: Any, size: int, ends: Any, r: Any, g: Any, b: Any, red: Any, green: Any, blue: Any) -> None:
    low, high = ends
    last, top, row, plane = F(size - 1), np.int32(size - 2), size, size * size
    where, share, found = np.empty(_CHUNK, np.uint32), np.empty((3, _CHUNK), F), np.empty((_CHUNK, 4), F)
    for first in range(0, r.size, _CHUNK):
        n = min(_CHUNK, r.size - first)
        rs, gs, bs = r[first : first + n], g[first : first + n], b[first : first + n]
        for i in range(n):
            x = (less(more(rs[i], low[0]), high[0]) - low[0]) / (high[0] - low[0]) * last
            y = (less(more(gs[i], low[1]), high[1]) - low[1]) / (high[1] - low[1]) * last
            z = (less(more(bs[i], low[2]), high[2]) - low[2]) / (high[2] - low[2]) * last
            u, v, w = min(np.int32(x), top), min(np.int32(y), top), min(np.int32(z), top)
            where[i] = w * plane + v * row + u
            share[0, i], share[1, i], share[2, i] = x - F(u), y - F(v), z - F(w)
        for i in range(n):
            trilinear(rows, where[i], row, plane, share[0, i], share[1, i], share[2, i], found, i)
        for i in range(n):
            red[first + i] = found[i, 0] + (rs[i] - less(more(rs[i], low[0]), high[0]))
            green[first + i] = found[i, 1] + (gs[i] - less(more(gs[i], low[1]), high[1]))
            blue[first + i] = found[i, 2] + (bs[i] - less(more(bs[i], low[2]), high[2]))


def read_cube(path: str | Path) -> Cube:
    """The table in a `.cube` file.  CubeError, in one sentence, for anything that is not one."""
    p = Path(path)
    try:
        seen = p.stat()
        if seen.st_size > _MOST_BYTES:
            raise CubeError(f"{p.name} is {seen.st_size >> 20} MiB, too large for a colour table.")
        return _read(p, seen.st_mtime_ns, seen.st_size)
    except (OSError, ValueError) as e:
        if isinstance(e, CubeError):
            raise
        why = getattr(e, "strerror", None) or e
        raise CubeError(f"The colour table {str(path)!r} cannot be read: {why}.") from e


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int, _size: int) -> Cube:
    content = path.read_bytes()
    cube = parse_cube(content.decode("latin-1"), path.name)
    return Cube(cube.values, cube.low, cube.high, cube.space, cube.title, hashlib.sha256(content).hexdigest())


def parse_cube(text: str, name: str = "The colour table") -> Cube:
    """The table written in `text`; `name` is what errors call it.  CubeError for anything that is not one."""
    size: dict[int, int] = {}
    bounds: dict[str, RGB] = {"low": (0.0, 0.0, 0.0), "high": (1.0, 1.0, 1.0)}
    title, space = "", "srgb"
    rows: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or (line[0] == "#" and line[1:].split()[:1] != ["INPUT_SPACE"]):
            continue
        if line[0] in "+-.0123456789":
            rows.append(line)
            continue
        key, _, rest = line.lstrip("# ").partition(" ")
        if key == "TITLE":
            title = rest.strip().strip('"')
        elif key == "INPUT_SPACE":
            space = rest.strip()
            if space not in SPACES:
                raise CubeError(f"{name} declares the space {space[:40]!r}; known are {', '.join(SPACES)}.")
        elif key in ("LUT_1D_SIZE", "LUT_3D_SIZE"):
            given, most = rest.strip(), LARGEST[int(key[4])]
            if not (given.isascii() and given.isdigit() and len(given) < 7) or not 2 <= int(given) <= most:
                raise CubeError(f"{name} gives {key} {given[:20]!r} in line {number}; 2 to {most} is possible.")
            size[int(key[4])] = int(given)
        elif key in ("DOMAIN_MIN", "DOMAIN_MAX"):
            r, g, b = _numbers(rest, 3, f"{name}, line {number}")
            bounds["low" if key.endswith("MIN") else "high"] = (r, g, b)
        elif key in ("LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE"):
            a, b = _numbers(rest, 2, f"{name}, line {number}")
            bounds = {"low": (a, a, a), "high": (b, b, b)}
    if len(size) != 1:
        what = "both a 1D and a 3D table" if size else "no LUT_1D_SIZE or LUT_3D_SIZE"
        raise CubeError(f"{name} holds {what}; a .cube file with one table is needed.")
    if any(not a < b for a, b in zip(bounds["low"], bounds["high"], strict=True)):
        raise CubeError(f"{name} has a DOMAIN_MIN that is not below its DOMAIN_MAX.")
    (dimensions, n), *_ = size.items()
    if len(rows) != n**dimensions:
        raise CubeError(f"{name} has {len(rows)} rows of colours where its size asks for {n**dimensions}.")
    flat = np.array(_numbers(" ".join(rows), 3 * len(rows), name), dtype=np.float32).reshape(-1, 3)
    values = torch.from_numpy(np.ascontiguousarray(flat.T)).reshape(3, *[n] * dimensions)
    return Cube(values, bounds["low"], bounds["high"], space, title)


def _numbers(text: str, count: int, where: str) -> list[float]:
    try:
        out = [float(v) for v in text.split()]
    except ValueError as e:
        raise CubeError(f"{where}: {str(e).partition(':')[2].strip()[:40] or 'a word'} is not a number.") from e
    if len(out) != count:
        raise CubeError(f"{where}: {count} numbers are needed, {len(out)} are there.")
    if not all(abs(v) < 1e6 for v in out):
        raise CubeError(f"{where}: a number is not finite or far too large.")
    return out
