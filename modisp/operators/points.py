"""Points on a mosaic, as stars: what a network took of them for noise, or left of noise for them, by what was measured.

A network that knows noise better than stars gives a faint one less light than it sent, and leaves something of the noise that
stands out most, as specks on a sky.  Where a point stands alone on even ground, what the network drew of it is a matched filter
(D. O. North, Proc. IEEE 51, 1963, reprinted from 1943): it tells how much light was measured there, and how surely.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from modisp.native import F, kernel, less, more, unit
from modisp.operators.cells import layout, samples
from modisp.operators.cfa import CFA, period

POINT, GROUND = 2, 4
"""Pixels each way that a point's light goes, and the ground round it."""
PLAIN = F(2.2)
"""How many times its noise a sample must differ from the ground to be looked at."""
SURE, CERTAIN = F(6.5), F(7.5)
"""How many times its error the light that was measured must be to be believed; from where on wholly.  Noise alone hardly
ever reaches the first."""
CHANCY, DOUBTED = F(4.5), F(5.5)
"""Up to how many times its error it is noise, as much of it stands out in any picture; from where on it is left as it is."""
CALM, GRAINY = F(0.22), F(0.28)
"""How many times its noise cleaned ground may vary so that it is wholly believed to be even, and from where on not at all."""
DRAWN = F(0.5)
"""How many times its noise a sample that was cleaned must differ from its neighbours to be looked at."""
EVEN, UNEVEN = F(0.15), F(0.25)
"""How rough the ground may be, as a part of the point's height; from where on it is none: texture is left to the network."""
MOST = F(4)
"""Times what a network left of a point that it gets at most."""
FAR = F(9)
"""Of the ground's samples, in variances of the noise, what counts at most as noise: beyond are other points."""
CHANCE = F(0.2)
"""By how much so few samples differ more than their noise would, by chance alone."""

_NONE, _ONE, _FOURTH, _TINY = F(0), F(1), F(0.25), F(1e-30)


def points(mosaic: Tensor, clean: Tensor, cfa: CFA, shot: float, read: float) -> Tensor:
    """(1, H, W): what points, bright or dark, lack in ``clean`` of what they are in ``mosaic``, or have too much; 0 elsewhere.

    ``shot · clean + read`` (> 0) is the variance of the noise of ``mosaic``.
    """
    h, w = mosaic.shape[1:]
    out = np.zeros((h, w), F)
    kinds = layout(cfa, max(period(cfa)), h, w).own.argmax(0)
    _points(samples(mosaic), samples(clean), kinds, F(shot), F(read), out)
    return torch.from_numpy(out)[None].to(mosaic.device)


@kernel
def _points(mosaic: Any, clean: Any, kinds: Any, shot: Any, read: Any, out: Any) -> None:
    h, w = mosaic.shape
    step = kinds.shape[0]  # to samples of the same colour
    rim = max(GROUND, step)
    ground, count, likely = np.empty(3, F), np.empty(3, F), np.empty(w, np.bool_)
    for y in range(rim, h - rim):
        # most samples are done with here: nothing was taken, or nothing is left that could be a point
        seen, own, above, below = mosaic[y], clean[y], clean[y - step], clean[y + step]
        for x in range(rim, w - rim):
            noise = shot * more(own[x], _NONE) + read
            taken = seen[x] - own[x]
            left = own[x] - (above[x] + below[x] + own[x - step] + own[x + step]) * _FOURTH
            likely[x] = (taken * taken >= noise) & (left * left > DRAWN * DRAWN * noise) & (left * taken > _NONE)
        for x in range(rim, w - rim):
            if likely[x]:
                sign = _ONE if seen[x] > own[x] else -_ONE
                _ground(clean, kinds, y, x, ground, count)
                if _is_top(mosaic, kinds, y, x, ground, sign, shot, read):
                    lack = _lack(mosaic, clean, kinds, y, x, ground, sign, shot, read)
                    if lack != _NONE:
                        _give(clean, kinds, y, x, ground, sign, lack, out)


@kernel
def _ground(clean: Any, kinds: Any, y: int, x: int, ground: Any, count: Any) -> None:
    """`ground`: the mean of each colour round a point."""
    ground[:] = _NONE
    count[:] = _NONE
    for v in range(y - GROUND, y + GROUND + 1):
        for u in range(x - GROUND, x + GROUND + 1):
            if abs(v - y) > POINT or abs(u - x) > POINT:
                c = kinds[v % kinds.shape[0], u]
                ground[c] += clean[v, u]
                count[c] += _ONE
    for c in range(3):
        ground[c] /= more(count[c], _ONE)


@kernel
def _is_top(mosaic: Any, kinds: Any, y: int, x: int, ground: Any, sign: Any, shot: Any, read: Any) -> Any:
    """Is it here, of the pixels beside it, that the samples differ most from the ground, and plainly?"""
    level = ground[kinds[y % kinds.shape[0], x]]
    height = sign * (mosaic[y, x] - level)
    if not (height > _NONE and height * height > PLAIN * PLAIN * (shot * more(level, _NONE) + read)):
        return False
    for v in range(y - 1, y + 2):
        for u in range(x - 1, x + 2):
            if sign * (mosaic[v, u] - ground[kinds[v % kinds.shape[0], u]]) > height:
                return False
    return True


@kernel
def _lack(mosaic: Any, clean: Any, kinds: Any, y: int, x: int, ground: Any, sign: Any, shot: Any, read: Any) -> Any:
    """How many times what is drawn of a point it lacks; below 0 what it is to lose; 0 where there is none, or none for sure."""
    drawn, measured, height, rough, noise, grain, count = _NONE, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE
    for v in range(y - GROUND, y + GROUND + 1):
        for u in range(x - GROUND, x + GROUND + 1):
            level = ground[kinds[v % kinds.shape[0], u]]
            d = sign * (clean[v, u] - level)
            if abs(v - y) > POINT or abs(u - x) > POINT:
                away, variance = mosaic[v, u] - level, shot * more(level, _NONE) + read
                noise += less(away * away / variance, FAR)
                grain += d * d / variance
                rough += d * d
                count += _ONE
            elif d > _NONE:
                weight = d / (shot * more(more(clean[v, u], level), _NONE) + read)
                drawn += weight * d
                measured += weight * sign * (mosaic[v, u] - level)
                height = more(height, d)
    gain = less(measured / more(drawn, _TINY), MOST)
    if not gain > _ONE:
        return _NONE
    error = (drawn * more(noise / count - CHANCE, _ONE)) ** F(0.5)  # more noise than was told counts
    surely = unit((measured / error - SURE) / (CERTAIN - SURE))
    chance = unit((DOUBTED - measured / error) / (DOUBTED - CHANCY))
    chance *= unit((GRAINY - (grain / count) ** F(0.5)) / (GRAINY - CALM))
    even = unit((UNEVEN - (rough / count) ** F(0.5) / (height * gain)) / (UNEVEN - EVEN))
    return ((gain - _ONE) * surely - chance) * even


@kernel
def _give(clean: Any, kinds: Any, y: int, x: int, ground: Any, sign: Any, lack: Any, out: Any) -> None:
    for v in range(y - POINT, y + POINT + 1):
        for u in range(x - POINT, x + POINT + 1):
            drawn = sign * (clean[v, u] - ground[kinds[v % kinds.shape[0], u]])
            # of two points that overlap, the one that does more
            if drawn > _NONE and drawn * abs(lack) > abs(out[v, u]):
                out[v, u] = sign * drawn * lack
