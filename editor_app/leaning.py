"""Lines that should stand upright or lie level, and the angle and perspective that make them so.  No widgets, no pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from editor_app.framing import Framing, Point

Line = tuple[Point, Point]
"""Two places of the turned area, from its middle on."""


def leant(f: Framing, line: Line) -> float:
    """By how many degrees a line is off the nearer of upright and level, once bent; within ±45."""
    (x0, y0), (x1, y1) = f.target(*line[0]), f.target(*line[1])
    lean = math.degrees(math.atan2(y1 - y0, x1 - x0))
    return (lean + 45) % 90 - 45


def levelled(f: Framing, line: Line) -> Framing:
    """Straightened so that a line stands upright or lies level, the frame's middle kept."""
    angle = f.angle
    for _ in range(8):  # perspective makes it a little crooked; a few rounds settle that
        angle = min(45.0, max(-45.0, angle - leant(f.about(angle=angle), line)))
    return f.about(angle=round(angle, 2)).kept_inside()


def upright(f: Framing, lines: list[Line]) -> Framing:
    """Angle and perspective for which the lines stand upright or lie level, by damped least squares.

    Two lines that should be parallel set the perspective across them; one alone only straightens.
    """
    ways = [abs(line[1][0] - line[0][0]) > abs(line[1][1] - line[0][1]) for line in lines]  # level?
    free = ["angle"]
    if ways.count(False) >= 2:
        free.append("vertical")
    if ways.count(True) >= 2:
        free.append("horizontal")
    bounds = {"angle": 45.0, "vertical": 1.0, "horizontal": 1.0}
    at = {"angle": 0.0, "vertical": f.vertical, "horizontal": f.horizontal} | dict.fromkeys(free, 0.0)

    def off(values: Mapping[str, float]) -> list[float]:
        g = replace(f, angle=values["angle"], vertical=values["vertical"], horizontal=values["horizontal"])
        return [leant(g, line) for line in lines]

    for _ in range(20):
        now = off(at)
        step = {"angle": 0.01, "vertical": 1e-3, "horizontal": 1e-3}
        columns = [[(b - a) / step[k] for a, b in zip(now, off(at | {k: at[k] + step[k]}), strict=True)] for k in free]
        n = len(free)
        square = [[sum(p * q for p, q in zip(columns[i], columns[j], strict=True)) for j in range(n)] for i in range(n)]
        for i in range(n):
            square[i][i] *= 1 + 1e-6
            square[i][i] += 1e-9
        moved = _solved(square, [-sum(p * q for p, q in zip(columns[i], now, strict=True)) for i in range(n)])
        for k, d in zip(free, moved, strict=True):
            at[k] = min(bounds[k], max(-bounds[k], at[k] + d))
    rounded = {"angle": round(at["angle"], 2), "vertical": round(at["vertical"], 3)}
    return f.about(**rounded, horizontal=round(at["horizontal"], 3)).kept_inside()


def _solved(a: list[list[float]], b: list[float]) -> list[float]:
    """x of a·x = b, at most 3 × 3, by elimination with pivots."""
    n = len(b)
    rows = [[*a[i], b[i]] for i in range(n)]
    for i in range(n):
        best = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[best] = rows[best], rows[i]
        if abs(rows[i][i]) < 1e-12:
            continue
        for r in range(n):
            if r != i:
                k = rows[r][i] / rows[i][i]
                rows[r] = [p - k * q for p, q in zip(rows[r], rows[i], strict=True)]
    return [rows[i][n] / rows[i][i] if abs(rows[i][i]) >= 1e-12 else 0.0 for i in range(n)]
