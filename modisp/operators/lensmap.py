"""What a lens did to a picture, undone step by step: where each place is read, and by how much it is brightened.

Steps are listed in the order in which they are to be applied to a picture.  To fill one place of the result they are
walked through backwards: a warp says where the place comes from, a gain takes the brightness at the place reached.
Places are full-size coordinates (y, x) with the centre of the first pixel at (0.5, 0.5).

DNG opcodes: Digital Negative Specification 1.7.1, chapter 7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from modisp.image import Opcode
from modisp.operators.cfa import CFA
from modisp.operators.warp import Places

WARPS = ("WarpRectilinear", "WarpFisheye", "WarpRectilinear2")
GAINS = ("FixVignetteRadial", "GainMap")


@dataclass(frozen=True)
class Step:
    """One correction: a `warp` or a `gain`, each a function of (y, x, channel); `split` where channels differ."""

    warp: Callable[[torch.Tensor, torch.Tensor, int], Places] | None = None
    gain: Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor] | None = None
    split: bool = False


def source(steps: Sequence[Step], at: Places, channel: int) -> Places:
    """The input place of each output place."""
    y, x = at
    for step in reversed(steps):
        if step.warp:
            y, x = step.warp(y, x, channel)
    return y, x


def gain(steps: Sequence[Step], at: Places, channel: int) -> torch.Tensor:
    """The factor of each output place."""
    y, x = at
    total = torch.ones((), dtype=y.dtype)
    for step in reversed(steps):
        if step.gain:
            total = total * step.gain(y, x, channel)
        elif step.warp:
            y, x = step.warp(y, x, channel)
    return total


def radial_unit(full: tuple[int, int], centre: Sequence[float]) -> tuple[float, float, float]:
    """(y, x) of the optical centre, and the distance from it to the farthest corner pixel, in full-size pixels."""
    h, w = full
    cy, cx = centre[1] * (h - 1) + 0.5, centre[0] * (w - 1) + 0.5
    reach = max(((cy - y) ** 2 + (cx - x) ** 2) ** 0.5 for y in (0.5, h - 0.5) for x in (0.5, w - 0.5))
    return cy, cx, max(reach, 1e-6)


def opcode_steps(
    opcodes: Sequence[Opcode], full: tuple[int, int], cfa: CFA, distortion: bool, fringes: bool, vignetting: bool
) -> list[Step]:
    """The steps of those DNG opcodes that correct a lens, in the file's order."""
    steps = []
    for o in sorted(opcodes, key=lambda o: o.list):
        if o.name in WARPS and (distortion or fringes):
            warp = _warp(o.name, o.data, full)
            split = len(o.data["coefficients"]) > 1
            if distortion and (fringes or not split):
                steps.append(Step(warp=warp, split=split))
            elif distortion:
                steps.append(Step(warp=lambda y, x, c, warp=warp: warp(y, x, 1)))  # type: ignore[misc]
            elif split:
                steps.append(Step(warp=_apart(warp), split=True))
        elif o.name == "FixVignetteRadial" and vignetting:
            steps.append(Step(gain=_vignette(o.data, full)))
    if vignetting:
        for number in (1, 2, 3):
            maps = [o.data for o in opcodes if o.name == "GainMap" and o.list == number]
            if maps:
                # gain maps of the raw samples come before everything that is done to the picture
                where = 0 if number < 3 else len(steps)
                steps.insert(where, Step(gain=_gain_maps(maps, full, cfa if number < 3 else ()), split=True))
    return steps


def _apart(warp: Callable[[torch.Tensor, torch.Tensor, int], Places]) -> Callable[[Any, Any, int], Places]:
    """Only what sets red and blue apart from green."""

    def only(y: torch.Tensor, x: torch.Tensor, channel: int) -> Places:
        green, own = warp(y, x, 1), warp(y, x, channel)
        return y + (own[0] - green[0]), x + (own[1] - green[1])

    return only


def _warp(name: str, data: Mapping[str, Any], full: tuple[int, int]) -> Callable[[Any, Any, int], Places]:
    cy, cx, unit = radial_unit(full, data["center"])
    sets = data["coefficients"]

    def warp(y: torch.Tensor, x: torch.Tensor, channel: int) -> Places:
        k = sets[min(channel, len(sets) - 1)]
        dy, dx = (y - cy) / unit, (x - cx) / unit
        rr = dy * dy + dx * dx
        if name == "WarpFisheye":
            r = rr.sqrt().clamp(min=1e-9)
            angle = torch.atan(r)
            f = _polynomial(k, angle * angle) * angle / r
            return cy + dy * f * unit, cx + dx * f * unit
        if name == "WarpRectilinear":
            f, kt0, kt1 = _polynomial(k[:4], rr), k[4], k[5]
        else:
            r = rr.sqrt()
            if "valid" in data:
                r = r.clamp(*data["valid"][min(channel, len(sets) - 1)])
            f, kt0, kt1 = _polynomial(k[:15], r), k[15], k[16]
            f = 1 / f.clamp(min=1e-3) if data.get("reciprocal") else f
        ty, tx = dy * f, dx * f
        if kt0 or kt1:
            tx = tx + kt0 * (2 * dx * dy) + kt1 * (rr + 2 * dx * dx)
            ty = ty + kt1 * (2 * dx * dy) + kt0 * (rr + 2 * dy * dy)
        return cy + ty * unit, cx + tx * unit

    return warp


def _vignette(data: Mapping[str, Any], full: tuple[int, int]) -> Callable[[Any, Any, int], torch.Tensor]:
    cy, cx, unit = radial_unit(full, data["center"])
    k = data["coefficients"]

    def brighten(y: torch.Tensor, x: torch.Tensor, channel: int) -> torch.Tensor:
        rr = ((y - cy) / unit) ** 2 + ((x - cx) / unit) ** 2
        return _polynomial([1.0, *k], rr)

    return brighten


def _gain_maps(
    maps: Sequence[Mapping[str, Any]], full: tuple[int, int], cfa: CFA
) -> Callable[[Any, Any, int], torch.Tensor]:
    """Maps of raw samples (`cfa` given) serve single sites of the pattern: a colour takes the mean of its own."""
    tables: list[list[tuple[torch.Tensor, Mapping[str, Any]]]] = [[], [], []]
    for m in maps:
        area, values = m["area"], torch.tensor(m["gains"], dtype=torch.float64)
        for c in range(3):
            if cfa:
                site = cfa[area["top"] % len(cfa)][area["left"] % len(cfa[0])]
                if max(area["row_pitch"], area["column_pitch"]) > 1 and site not in ("RGB"[c], "W"):
                    continue
                tables[c].append((values[..., 0], m))
            elif area["plane"] <= c < area["plane"] + area["planes"]:
                tables[c].append((values[..., min(c - area["plane"], values.shape[2] - 1)], m))

    def brighten(y: torch.Tensor, x: torch.Tensor, channel: int) -> torch.Tensor:
        mine = tables[channel]
        if not mine:
            return torch.ones((), dtype=y.dtype)
        total = torch.zeros((), dtype=y.dtype)
        for table, m in mine:
            v = (y / full[0] - m["origin"][0]) / (m["spacing"][0] or 1.0)
            h = (x / full[1] - m["origin"][1]) / (m["spacing"][1] or 1.0)
            total = total + bilinear(table, v.clamp(0, table.shape[0] - 1), h.clamp(0, table.shape[1] - 1))
        return total / len(mine)

    return brighten


def bilinear(table: torch.Tensor, v: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """Values of a table (V, H) at positions in rows v and columns h, continued in straight lines beyond its ends."""
    rows, columns = table.shape
    i, j = v.floor().clamp(0, max(0, rows - 2)), h.floor().clamp(0, max(0, columns - 2))
    tv, th = v - i, h - j
    i, j = i.long(), j.long()
    k, m = (i + 1).clamp(max=rows - 1), (j + 1).clamp(max=columns - 1)
    if v.shape[-1] == 1 and h.shape[0] == 1:  # one row, one column of positions: two small matrices
        down = torch.zeros(len(v), rows, dtype=v.dtype).scatter_add_(1, i, 1 - tv).scatter_add_(1, k, tv)
        across = torch.zeros(columns, h.shape[1], dtype=v.dtype).scatter_add_(0, j, 1 - th).scatter_add_(0, m, th)
        return down @ (table @ across)
    top = table[i, j] * (1 - th) + table[i, m] * th
    bottom = table[k, j] * (1 - th) + table[k, m] * th
    return top * (1 - tv) + bottom * tv


def _polynomial(k: Sequence[float], t: torch.Tensor) -> torch.Tensor:
    total = torch.full_like(t, k[-1])
    for c in reversed(k[:-1]):
        total = total * t + c
    return total
