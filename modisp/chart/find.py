"""Finding a chart of 6 × 4 patches in a picture: even areas that lie in a lattice, and colours that agree.

The chart may be turned, tilted, small, and partly in the shade; some of its patches may be hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from modisp.chart.blobs import Blob, blobs
from modisp.stage import checkpoint

Array = NDArray[np.float64]

COLUMNS, ROWS = 6, 4
FEWEST = 9
"""Patches that must show as even areas."""
AGREES = 0.80
"""The least share of the chart's variety of chroma that must be found in the picture."""
_SEEDS = 150


@dataclass(frozen=True)
class Found:
    """Where a chart lies: `map` (3, 3) takes (column, row, 1), the middle of the first patch being (0, 0), to picture pixels.

    `score`: how well its colours agree, at most 1.
    """

    map: Array
    score: float

    def at(self, column: Array | float, row: Array | float) -> Array:
        """(N, 2): picture coordinates (x, y) of places on the chart."""
        c, r = np.broadcast_arrays(np.asarray(column, np.float64), np.asarray(row, np.float64))
        p = np.stack([c.ravel(), r.ravel(), np.ones(c.size)]) if c.ndim else np.array([[c], [r], [1.0]], np.float64)
        q = self.map @ p
        return np.asarray((q[:2] / q[2]).T)

    def corners(self) -> Array:
        """(4, 2): the outer corners of the corner patches, first patch first, clockwise as the chart is read."""
        return self.at(np.array([-0.5, 5.5, 5.5, -0.5]), np.array([-0.5, -0.5, 3.5, 3.5]))

    def scaled(self, factor: float) -> Found:
        """The same on a picture `factor` times as large."""
        grow = np.array([[factor, 0, factor / 2 - 0.5], [0, factor, factor / 2 - 0.5], [0, 0, 1]])
        return Found(grow @ self.map, self.score)


def from_corners(corners: Sequence[Sequence[float]]) -> Found:
    """A chart whose outer corners (4, 2) are known, first patch first, then as the chart is read.  ValueError if they are none."""
    to = np.array(corners, np.float64)
    if to.shape != (4, 2) or not np.isfinite(to).all():
        raise ValueError("a chart has four corners, each x,y")
    sides = to - np.roll(to, 1, 0)
    turns = [float(a[0] * b[1] - a[1] * b[0]) for a, b in zip(sides, np.roll(sides, -1, 0), strict=True)]
    if min(abs(t) for t in turns) < 1 or len({t > 0 for t in turns}) > 1:
        raise ValueError(
            "the four corners are those of no chart: give them in order round it, beginning at the first patch"
        )
    return Found(homography(np.array([[-0.5, -0.5], [5.5, -0.5], [5.5, 3.5], [-0.5, 3.5]]), to), 1.0)


def find(pixels: torch.Tensor, wanted: Array) -> Found | None:
    """The chart in a balanced linear picture (3, H, W), white about 1; `wanted` are its colours (24, 3).  None without one."""
    best: Found | None = None
    areas = blobs(pixels)
    for cells in _lattices(areas):
        checkpoint()
        for found in _placed(cells, pixels, wanted):
            if best is None or found.score > best.score:
                best = _drawn_in(found, areas, pixels, wanted)
        if best is not None and best.score > 0.95:
            break
    return best if best is not None and best.score >= AGREES else None


def _drawn_in(found: Found, areas: list[Blob], pixels: torch.Tensor, wanted: Array) -> Found:
    """The same with all areas that lie where patches should be; as it was where that agrees no better."""
    columns, rows = (v.ravel() for v in np.meshgrid(np.arange(6.0), np.arange(4.0)))
    expected = found.at(columns, rows)
    pitch = np.sqrt(abs(np.linalg.det(np.stack([expected[1] - expected[0], expected[6] - expected[0]]))))
    place = np.array([(b.x, b.y) for b in areas])
    away = np.linalg.norm(place[None] - expected[:, None], axis=2)
    near = away.min(1) < 0.2 * pitch
    if near.sum() < FEWEST:
        return found
    better = Found(_sound(np.stack([columns, rows], 1)[near], place[away.argmin(1)][near]), 0.0)
    score = agreement(better, pixels, wanted)
    return Found(better.map, score) if score is not None and score >= found.score - 0.02 else found


def homography(source: Array, target: Array) -> Array:
    """The projective map (3, 3) that takes points (N, 2) to others best (direct linear transform, normalised)."""

    def unit(p: Array) -> Array:
        scale = np.sqrt(2) / max(float(np.linalg.norm(p - p.mean(0), axis=1).mean()), 1e-9)
        return np.array([[scale, 0, -scale * p[:, 0].mean()], [0, scale, -scale * p[:, 1].mean()], [0, 0, 1]])

    a, b = unit(source), unit(target)
    s = source @ a[:2, :2].T + a[:2, 2]
    t = target @ b[:2, :2].T + b[:2, 2]
    one, zero = np.ones(len(s)), np.zeros((len(s), 3))
    p = np.column_stack([s, one])
    rows = np.vstack([np.hstack([p, zero, -t[:, :1] * p]), np.hstack([zero, p, -t[:, 1:] * p])])
    m = np.linalg.inv(b) @ np.linalg.svd(rows)[2][-1].reshape(3, 3) @ a
    return np.asarray(m / m[2, 2])


def _lattices(found: list[Blob]) -> Iterator[dict[tuple[int, int], Blob]]:
    """Areas that lie in a lattice of at most 6 × 4 or 4 × 6 cells, the fullest first: cell → area."""
    if len(found) < FEWEST:
        return
    place = np.array([(b.x, b.y) for b in found])
    side = np.sqrt([b.area for b in found])
    kept: list[dict[tuple[int, int], int]] = []
    seen: set[int] = set()
    neighbours = [_neighbours(i, place, side) for i in range(len(found))]
    seeds = sorted(range(len(found)), key=lambda i: -len(neighbours[i]))[:_SEEDS]
    for i in seeds:
        checkpoint()
        if i in seen:
            continue
        for first, second in _bases(i, neighbours[i], place):
            cells = _grown(i, first, second, place, side)
            if len(cells) >= FEWEST:
                kept.append(cells)
                seen |= set(cells.values())
                break
    for cells in sorted(kept, key=len, reverse=True)[:12]:
        yield {c: found[i] for c, i in cells.items()}


def _neighbours(i: int, place: Array, side: Array) -> list[int]:
    away = np.linalg.norm(place - place[i], axis=1)
    alike = (side > side[i] / 1.5) & (side < side[i] * 1.5) & (away > 0.7 * side[i]) & (away < 2.4 * side[i])
    near = np.flatnonzero(alike)
    return [int(k) for k in near[np.argsort(away[near])][:6]]


def _bases(i: int, near: list[int], place: Array) -> Iterator[tuple[Array, Array]]:
    """Pairs of steps to neighbours, about as long and about at right angles, turning as x turns to y."""
    for a in near:
        for b in near:
            u, v = place[a] - place[i], place[b] - place[i]
            cross, lengths = float(u[0] * v[1] - u[1] * v[0]), float(np.linalg.norm(u) * np.linalg.norm(v))
            ratio = float(np.linalg.norm(u) / np.linalg.norm(v))
            if cross > 0.7 * lengths and 0.6 < ratio < 1.7:
                yield u, v


def _grown(i: int, first: Array, second: Array, place: Array, side: Array) -> dict[tuple[int, int], int]:
    """The areas that go on the lattice begun by one area and two steps."""
    cells = {(0, 0): i}
    step = np.column_stack([first, second])
    offset = place[i]
    used = {i}
    for _ in range(COLUMNS + ROWS):
        added = False
        for (c, r), k in list(cells.items()):
            for dc, dr in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                cell = (c + dc, r + dr)
                if cell in cells:
                    continue
                guess = place[k] + step @ (dc, dr) if len(cells) < 4 else offset + step @ cell
                away = np.linalg.norm(place - guess, axis=1)
                j = int(away.argmin())
                reach = 0.25 * float(np.linalg.norm(step @ (dc, dr)))
                if j not in used and away[j] < reach and 0.5 < side[j] / side[k] < 2.0 and _fits(cells, cell):
                    cells[cell] = j
                    used.add(j)
                    added = True
        if not added:
            break
        if len(cells) >= 4:
            at = np.array([(*c, 1) for c in cells], np.float64)
            if np.linalg.matrix_rank(at) == 3:
                solved = np.asarray(np.linalg.lstsq(at, place[[*cells.values()]], rcond=None)[0], np.float64)
                step, offset = solved[:2].T, solved[2]
    return cells


def _fits(cells: dict[tuple[int, int], int], more: tuple[int, int]) -> bool:
    c, r = zip(*cells, more, strict=True)
    wide, high = max(c) - min(c) + 1, max(r) - min(r) + 1
    return bool(max(wide, high) <= COLUMNS + 1 and min(wide, high) <= ROWS + 1)


def _placed(cells: dict[tuple[int, int], Blob], pixels: torch.Tensor, wanted: Array) -> Iterator[Found]:
    """Every way in which the lattice may lie on the chart: four turns, and shifts, as rows may be hidden, or be none of it."""
    at = np.array([*cells], np.float64)
    to = np.array([(b.x, b.y) for b in cells.values()])
    for turn in range(4):
        turned = at @ np.linalg.matrix_power(np.array([[0, 1], [-1, 0]]), turn)
        turned = turned - turned.min(0)
        wide, high = turned.max(0) + 1
        for left in range(min(0, int(COLUMNS - wide)), max(0, int(COLUMNS - wide)) + 1):
            for top in range(min(0, int(ROWS - high)), max(0, int(ROWS - high)) + 1):
                moved = turned + np.array([left, top])
                inside = ((moved >= 0) & (moved < (COLUMNS, ROWS))).all(1)
                if inside.sum() < FEWEST - 1:
                    continue
                found = Found(_sound(moved[inside], to[inside]), 0.0)
                score = agreement(found, pixels, wanted)
                if score is not None:
                    yield Found(found.map, score)


def _sound(at: Array, to: Array) -> Array:
    """A homography without the areas that are far off it: half a patch in the shade has its middle elsewhere."""
    for _ in range(3):
        m = homography(at, to)
        off = np.linalg.norm(Found(m, 0.0).at(at[:, 0], at[:, 1]) - to, axis=1)
        near = off <= max(2.5 * float(np.median(off)), 0.5)
        if near.all() or near.sum() < FEWEST - 1:
            break
        at, to = at[near], to[near]
    return m


def agreement(found: Found, pixels: torch.Tensor, wanted: Array) -> float | None:
    """How well the picture's colours at the patches agree with the chart's, at most 1; None where it leaves the picture.

    Of chroma, the share explained by an affine map, whatever the camera and the light; of lightness, its correlation.
    """
    columns, rows = np.meshgrid(np.arange(6.0), np.arange(4.0))
    around = np.array([(dx, dy) for dx in (-0.15, 0, 0.15) for dy in (-0.15, 0, 0.15)])
    at = np.stack([found.at(columns + dx, rows + dy) for dx, dy in around])  # (9, 24, 2)
    x, y = at[..., 0].round().astype(int), at[..., 1].round().astype(int)
    if x.min() < 0 or y.min() < 0 or x.max() >= pixels.shape[2] or y.max() >= pixels.shape[1]:
        return None
    seen = np.median(pixels.numpy()[:, y, x], axis=1).T.astype(np.float64).clip(1e-5)

    def chroma(v: Array) -> Array:
        return np.log2(v[:, 0::2] / v[:, 1:2])

    told = np.column_stack([chroma(seen), np.ones(24)])
    goal = chroma(np.maximum(wanted, 0.004))
    rest = goal - told @ np.linalg.lstsq(told, goal, rcond=None)[0]
    share = 1 - float((rest**2).sum() / ((goal - goal.mean(0)) ** 2).sum())
    light = float(np.corrcoef(np.log2(seen[:, 1]), np.log2(wanted[:, 1]))[0, 1])
    return min(share, 0.5 + 0.5 * light) if light > 0.4 else None
