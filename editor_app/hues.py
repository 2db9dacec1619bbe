"""Colours for ramps, discs and wheels, by Oklab lightness, chroma and hue (Ottosson 2020); no torch, as the window wants it."""

from __future__ import annotations

import math
from functools import lru_cache

from PySide6.QtGui import QColor

from modisp.operators.hues import CENTRES

_LMS = ((1.0, 0.3963377774, 0.2158037573), (1.0, -0.1055613458, -0.0638541728), (1.0, -0.0894841775, -1.2914855480))
_RGB = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


def _linear(light: float, a: float, b: float) -> list[float]:
    lms = [(m[0] * light + m[1] * a + m[2] * b) ** 3 for m in _LMS]
    return [sum(c * v for c, v in zip(row, lms, strict=True)) for row in _RGB]


@lru_cache(maxsize=4096)
def colour(light: float, chroma: float, degrees: float) -> str:
    """A colour as #rrggbb; chroma is lessened as far as a screen can show it."""
    a, b = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    while True:
        rgb = _linear(light, chroma * a, chroma * b)
        if chroma < 0.002 or (min(rgb) >= -1e-4 and max(rgb) <= 1.0 + 1e-4):
            break
        chroma *= 0.96
    encoded = [
        12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in (min(max(v, 0.0), 1.0) for v in rgb)
    ]
    return QColor.fromRgbF(*encoded).name()


def disc(i: int) -> str:
    """The colour that stands for one of the eight hues."""
    return colour(0.7, 0.15, CENTRES[i])


def turning(i: int) -> tuple[str, ...]:
    """What becomes of one of the eight hues as it is turned towards its neighbours."""
    here = CENTRES[i]
    before, after = (CENTRES[i - 1] - here) % 360 - 360, (CENTRES[(i + 1) % 8] - here) % 360
    return tuple(colour(0.68, 0.13, here + 0.45 * t * (after if t > 0 else -before)) for t in (-1, -0.5, 0, 0.5, 1))


def circle(light: float = 0.68, chroma: float = 0.13) -> tuple[str, ...]:
    """All hues from 0° to 360°."""
    return tuple(colour(light, chroma, d) for d in range(0, 361, 30))
