"""Looking at a mosaic from several sides and averaging: more accurate, for as many times the work.

A turned mosaic, moved by less than a period, is a mosaic of the same pattern. What a network says of
it differs a little from what it says of the mosaic itself, and the differences average out.
R. Timofte, R. Rothe, L. Van Gool, CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from .mosaic import PATTERNS

Turn = tuple[bool, bool, int, int]
"""Transposed?, rotated by 180 degrees?, then rolled by (rows, columns)."""


@cache
def turns(cfa: str) -> tuple[Turn, ...]:
    """The four turns that keep the pattern's diagonals, the plain one first."""
    pattern = PATTERNS[cfa]
    period = pattern.shape[0]
    out = []
    for transpose, flip in ((False, False), (True, False), (False, True), (True, True)):
        turned = _turn(pattern, (transpose, flip, 0, 0))
        shifts = [(y, x) for y in range(period) for x in range(period)]
        dy, dx = next(s for s in shifts if torch.equal(turned.roll(s, (0, 1)), pattern))
        out.append((transpose, flip, dy, dx))
    return tuple(out)


def averaged(look: Callable[[Tensor], Tensor], u: Tensor, cfa: str, count: int) -> Tensor:
    """Mean of ``look`` over ``count`` (1 … 4) turns of the mosaic ``u`` (B, 1, H, W).

    Rolling wraps fewer pixels than a period around the edges, which is why pictures get a rim.
    """
    total = look(u)
    for turn in turns(cfa)[1:count]:
        total = total + _back(look(_turn(u, turn)), turn)
    return total / count


def _turn(x: Tensor, turn: Turn) -> Tensor:
    transpose, flip, dy, dx = turn
    x = x.transpose(-2, -1) if transpose else x
    x = x.flip((-2, -1)) if flip else x
    return x.roll((dy, dx), (-2, -1))


def _back(x: Tensor, turn: Turn) -> Tensor:
    transpose, flip, dy, dx = turn
    x = x.roll((-dy, -dx), (-2, -1))
    x = x.flip((-2, -1)) if flip else x
    return x.transpose(-2, -1) if transpose else x
