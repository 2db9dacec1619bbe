"""White points: xy chromaticity ↔ correlated colour temperature and tint.

The temperature is the correlated colour temperature in its strict sense: the temperature of the Planckian radiator that
is nearest in the CIE 1960 (u, v) diagram (CIE 15:2018), so lines of equal temperature are normals of the Planckian locus.
The tint runs along them.  Its zero is the light one calls white at that temperature: the Planckian locus up to 4000 K
(lamps), the CIE daylight locus from 5000 K on, and a smooth passage between; so D50 is 5002 K and D65 6503 K, both with
tint 0, and there is no jump anywhere.  A tint of 1 is 1/3000 in (u, v), as in the DNG SDK; a positive tint assumes a greener
light, and so makes the picture more magenta.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

XY = tuple[float, float]

KELVIN = (2000.0, 25000.0)
TINT = (-150.0, 150.0)
"""What a photographer can choose; conversions work from 1,500 to 100,000 K and at any tint."""

TINT_PER_UV = 3000.0
_MIRED = (10.0, 1e6 / 1500.0)
_UNIT = 500.0  # mired per unit of the fits below

# Planckian locus: u and v as ratios of polynomials in mired/500, rising powers.  Least squares over 0…700 mired to the
# spectral sum with the CIE 1931 observer at 1 nm and c2 = 1.438776877e-2 m·K; error below 7e-7.
_U = (
    (0.1800643901, 0.2258898941, 1.2655369822, 0.9923618149, 1.3860207619),
    (1.0, 1.1007701276, 6.3572075102, 3.2341330755, 1.584168459),
)
_V = (
    (0.26352139, 0.0676483111, 2.0069660977, 0.300306629, 1.9053942097),
    (1.0, -0.175067057, 6.7503776687, -0.9505524459, 6.0298639195),
)
# Distance in (u, v) of the CIE daylight locus above the Planckian one, along the normal; 0…250 mired, error below 7e-6;
# the constant is 5e-5 less than the fit's, so that the published chromaticities of D50…D75 have tint 0 within 0.02.
_DAYLIGHT = (0.0034812, -0.0015102472, -0.0431747722, 0.3195603821, -0.7103170889, 0.48539079)


def _poly(c: Sequence[float], x: float) -> tuple[float, float]:
    """Value and derivative."""
    y = d = 0.0
    for k in reversed(c):
        d = d * x + y
        y = y * x + k
    return y, d


def _locus(mired: float) -> tuple[float, float, float, float]:
    """u, v of the Planckian radiator, and the unit direction of the locus toward lower temperatures."""
    out = []
    for p, q in (_U, _V):
        (a, da), (b, db) = _poly(p, mired / _UNIT), _poly(q, mired / _UNIT)
        out += [a / b, (da * b - a * db) / (b * b)]
    u, du, v, dv = out
    length = math.hypot(du, dv)
    return u, v, du / length, dv / length


def _white_offset(mired: float) -> float:
    """Distance above the Planckian locus at which the tint is 0."""
    t = min(1.0, max(0.0, (250.0 - mired) / 50.0))  # 4000 K … 5000 K
    return t * t * (3.0 - 2.0 * t) * _poly(_DAYLIGHT, min(mired, 250.0) / _UNIT)[0]


def falling_root(f: Callable[[float], float], low: float, high: float, tolerance: float = 1e-10) -> float:
    """Where `f` falls through 0 between `low` and `high`, or the end at which it would (Illinois method)."""
    at_low, at_high = f(low), f(high)
    if at_low <= 0 or at_high >= 0:
        return low if at_low <= 0 else high
    last, side = math.inf, 0
    for _ in range(100):
        x = (at_low * high - at_high * low) / (at_low - at_high)
        y = f(x)
        if y == 0 or abs(x - last) < tolerance:
            break
        if y > 0:
            low, at_low, at_high = x, y, at_high / 2 if side > 0 else at_high
            side = 1
        else:
            high, at_high, at_low = x, y, at_low / 2 if side < 0 else at_low
            side = -1
        last = x
    return x


def xy_from_kelvin(kelvin: float, tint: float = 0.0) -> XY:
    """The xy chromaticity of a light of `kelvin` (1,500…100,000, clamped) and `tint`."""
    mired = min(_MIRED[1], max(_MIRED[0], 1e6 / kelvin))
    u, v, du, dv = _locus(mired)
    distance = _white_offset(mired) + tint / TINT_PER_UV
    u, v = u - dv * distance, v + du * distance
    denominator = 2.0 * u - 8.0 * v + 4.0
    return 3.0 * u / denominator, 2.0 * v / denominator


def kelvin_from_xy(xy: Sequence[float]) -> tuple[float, float]:
    """(kelvin, tint) of an xy chromaticity, the inverse of `xy_from_kelvin`; kelvin is clamped to 1,500…100,000."""
    x, y = float(xy[0]), float(xy[1])
    denominator = -2.0 * x + 12.0 * y + 3.0
    u0, v0 = 4.0 * x / denominator, 6.0 * y / denominator

    def beyond(mired: float) -> float:  # how far the point lies ahead of the normal at `mired`
        u, v, du, dv = _locus(mired)
        return (u0 - u) * du + (v0 - v) * dv

    def distance(mired: float) -> float:
        u, v, _, _ = _locus(mired)
        return math.hypot(u0 - u, v0 - v)

    step = (_MIRED[1] - _MIRED[0]) / 24
    nearest = min((_MIRED[0] + i * step for i in range(25)), key=distance)
    mired = falling_root(beyond, max(_MIRED[0], nearest - step), min(_MIRED[1], nearest + step))
    u, v, du, dv = _locus(mired)
    above = (v0 - v) * du - (u0 - u) * dv
    return 1e6 / mired, (above - _white_offset(mired)) * TINT_PER_UV
