"""Gamut mapping: colours that a space cannot show are led inside, with the lightness and the hue that they had.

Hue and lightness are those of Oklab (Ottosson 2020), in which blues that lose chroma stay blue.  How far a colour has gone
from the grey of its lightness (0) to the edge of the gamut (1) is its reach.  Up to `KNEE` nothing changes; beyond, the reach
is bent so that it nears 1 and never gets there, and chroma is scaled to the reach wanted.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch

from modisp.color import spaces
from modisp.native import F, cbrt, kernel, less, more, numbers, planes, unit

KNEE = 0.92  # a colour on the gamut's edge keeps 98.7 % of its reach
CHUNK = 512
"""Pixels that `lead` takes at a time."""
_KNEE, _ROOM, _EPS, _ONE, _NONE = F(KNEE), F(1 - KNEE), F(1e-6), F(1), F(0)
_TWO, _THREE, _FOUR = F(2), F(3), F(4)
_ABOVE, _BELOW = F(0.8 * (1 - KNEE)), F(1.01 * (1 - KNEE))
_FLAT, _STEEP = F(1e-4), F(0.3)
_GIVE, _EDGE = F(1.75), F(0.975)


class Gamut(NamedTuple):
    """What `lead` must know of a space: numbers of matrices, row by row."""

    to_lms: tuple[np.float32, ...]
    to_rgb: tuple[np.float32, ...]
    lightness: tuple[np.float32, ...]
    """Weights of the cube roots of the cones' answers."""
    light: tuple[np.float32, ...]
    """Weights of the channels in the cones' plain mean."""


@lru_cache(maxsize=16)
def of(space: str) -> Gamut:
    """The gamut of linear `space`.  ValueError for unknown names."""
    lms, lightness = spaces.to_lms(space), spaces.lms_to_lab()[0]
    parts = (lms, torch.linalg.inv(lms), lightness, lightness.clamp_min(0.0) @ lms)
    return Gamut(*(numbers(p) for p in parts))


@kernel
def bend(reach: Any) -> Any:
    """Reach after mapping: the same up to `KNEE`, then KNEE + (1 − KNEE)·u/(1 + u⁴)^¼, which nears 1."""
    u = more((reach - _KNEE) / _ROOM, _NONE)
    square = u * u
    return less(reach, u / math.sqrt(math.sqrt(_ONE + square * square)) * _ROOM + _KNEE)


@kernel
def _slope(r: Any, g: Any, b: Any, up: Any, down: Any) -> Any:
    """Reach of a difference from grey, at least a trace."""
    return more(more(more(more(r, g), b) * up, less(less(r, g), b) * down), _EPS)


@kernel
def _compress(colours: Any, count: Any, gamut: Any) -> None:
    """The first `count` colours of (3, n), of any size, led into [0, 1] in place.

    Along the line of constant Oklab lightness and hue, every channel is a cubic in the share s of chroma that is kept, so the
    s for a wanted reach is found by a few steps without leaving linear light.
    """
    l00, l01, l02, l10, l11, l12, l20, l21, l22 = gamut.to_lms
    r00, r01, r02, r10, r11, r12, r20, r21, r22 = gamut.to_rgb
    w0, w1, w2 = gamut.lightness
    for i in range(count):
        red, green, blue = colours[0, i], colours[1, i], colours[2, i]
        l, m, s = (  # noqa: E741  # the cones' names
            cbrt(l00 * red + l01 * green + l02 * blue),
            cbrt(l10 * red + l11 * green + l12 * blue),
            cbrt(l20 * red + l21 * green + l22 * blue),
        )
        light = w0 * l + w1 * m + w2 * s
        l, m, s = l - light, m - light, s - light  # noqa: E741
        grey, k1, k2 = light * light * light, _THREE * light * light, _THREE * light
        # channel(t) = grey + t·x1 + t²·x2 + t³·x3, and so for y and z
        x1, y1, z1 = (
            (r00 * l + r01 * m + r02 * s) * k1,
            (r10 * l + r11 * m + r12 * s) * k1,
            (r20 * l + r21 * m + r22 * s) * k1,
        )
        p, q, r = l * l, m * m, s * s
        x2, y2, z2 = (
            (r00 * p + r01 * q + r02 * r) * k2,
            (r10 * p + r11 * q + r12 * r) * k2,
            (r20 * p + r21 * q + r22 * r) * k2,
        )
        p, q, r = p * l, q * m, r * s
        x3, y3, z3 = r00 * p + r01 * q + r02 * r, r10 * p + r11 * q + r12 * r, r20 * p + r21 * q + r22 * r
        up, down = _ONE / more(_ONE - grey, _EPS), -_ONE / more(grey, _EPS)
        full = _slope(x1 + x2 + x3, y1 + y2 + y3, z1 + z2 + z3, up, down)
        first = _slope(x1, y1, z1, up, down)
        wanted = bend(full)
        # reach as a parabola with the slope that it has at 0, through the colour itself: where it takes the value wanted
        root = math.sqrt(more(first * first + _FOUR * (full - first) * wanted, _NONE))
        t = less(_TWO * wanted / (root + first), _ONE)
        # Newton's step on t·slope(t) = wanted, with the slope taken as linear between t and 1
        now = _slope(x1 + t * (x2 + t * x3), y1 + t * (y2 + t * y3), z1 + t * (z2 + t * z3), up, down)
        rise = (full - now) / more(_ONE - t, _FLAT)
        t += (wanted - now * t) / more(now + rise * t, _STEEP * now)
        # towards a deep blue the reach hardly grows any more, or falls: there a little too much of it is cut off at the end,
        # for a little less of it would cost much chroma
        t = unit(more(t, wanted / full - _GIVE * more(full - _EDGE, _NONE)))
        colours[0, i] = unit(grey + t * (x1 + t * (x2 + t * x3)))
        colours[1, i] = unit(grey + t * (y1 + t * (y2 + t * y3)))
        colours[2, i] = unit(grey + t * (z1 + t * (z2 + t * z3)))


@kernel
def lead(colours: Any, count: int, gamut: Any, room: Any, where: Any) -> None:
    """The first `count` colours of (3, n), n at most `CHUNK`, led into the gamut in place; those well inside are not touched.

    `room` (3, n) and `where` (n,) int32 are for use in between.  A quick test finds the colours that may have a reach above
    `KNEE`: the grey of equal lightness is a power mean of the cones' answers with exponent 1/3, so their plain mean bounds it
    from above, up to the 1 % by which Oklab's weights differ from a mean's; for colours that Rec.2020 can hold it lies within
    a fifth below.
    """
    w0, w1, w2 = gamut.light
    for i in range(count):
        r, g, b = colours[0, i], colours[1, i], colours[2, i]
        light = w0 * r + w1 * g + w2 * b
        high, low = more(more(r, g), b), less(less(r, g), b)
        far = (_BELOW * light > low) | (high - _ABOVE * light > _KNEE)
        where[i] = far & (high - low > _EPS)  # greys have nothing to lose
    found = np.int64(0)  # a literal 0 would have kernels compiled twice
    for i in range(count):
        far = where[i]
        where[found] = i
        found += far
    for j in range(found):
        for c in range(3):
            room[c, j] = colours[c, where[j]]
    _compress(room, found, gamut)
    for j in range(found):
        for c in range(3):
            colours[c, where[j]] = room[c, j]


@kernel
def _fit(r: Any, g: Any, b: Any, gamut: Any) -> None:
    chunk, room, where = np.empty((3, CHUNK), F), np.empty((3, CHUNK), F), np.empty(CHUNK, np.int32)
    for start in range(0, r.size, CHUNK):
        n = min(CHUNK, r.size - start)
        for i in range(n):
            chunk[0, i], chunk[1, i], chunk[2, i] = r[start + i], g[start + i], b[start + i]
        lead(chunk, n, gamut, room, where)
        for i in range(n):
            r[start + i], g[start + i], b[start + i] = chunk[0, i], chunk[1, i], chunk[2, i]


def fit(linear: torch.Tensor, space: str) -> torch.Tensor:
    """`linear` (3, …) of linear `space`, mapped into its gamut: a new tensor; colours well inside are as they were."""
    out = linear.to("cpu", torch.float32, copy=True).contiguous()
    _fit(*planes(out), of(space))
    return out.to(linear.device)
