"""Calibration illuminants by their EXIF LightSource code, and a camera's response to a white of known chromaticity."""

from __future__ import annotations

from typing import Any

import numpy as np

XY = tuple[float, float]


def daylight(kelvin: float) -> XY:
    """The xy chromaticity of CIE daylight, 4000–25000 K (CIE 15:2018)."""
    t = 1e3 / kelvin
    if kelvin <= 7000:
        x = 0.244063 + 0.09911 * t + 2.9678 * t**2 - 4.6070 * t**3
    else:
        x = 0.237040 + 0.24748 * t + 1.9018 * t**2 - 2.0064 * t**3
    return x, -3.0 * x * x + 2.870 * x - 0.275


_A, _D50, _D55, _D65, _D75 = (
    (0.44757, 0.40745),
    (0.34567, 0.35850),
    (0.33242, 0.34743),
    (0.31271, 0.32902),
    (0.29902, 0.31485),
)

LIGHTS: dict[int, XY] = {
    1: _D55,  # daylight
    2: (0.37208, 0.37529),  # fluorescent: F2
    3: _A,  # tungsten
    4: _D55,  # flash
    9: _D55,  # fine weather
    10: _D65,  # cloudy
    11: _D75,  # shade
    12: daylight(6400),  # daylight fluorescent
    13: daylight(5050),  # day white fluorescent
    14: (0.37208, 0.37529),  # cool white fluorescent: F2
    15: (0.40910, 0.39430),  # white fluorescent: F3
    17: _A,
    18: (0.34842, 0.35161),  # B
    19: (0.31006, 0.31616),  # C
    20: _D55,
    21: _D65,
    22: _D75,
    23: _D50,
    24: (0.42340, 0.39900),  # ISO studio tungsten, 3200 K
}
"""xy of the LightSource codes (EXIF 3.0) that DNG's CalibrationIlluminant uses."""


def temperature(xy: XY) -> float:
    """Correlated colour temperature in kelvin (McCamy 1992), 1500–30000."""
    n = (xy[0] - 0.3320) / (0.1858 - xy[1]) if abs(0.1858 - xy[1]) > 1e-6 else 0.0
    return float(np.clip(449.0 * n**3 + 3525.0 * n**2 + 6823.3 * n + 5520.33, 1500, 30000))


def neutral_of(xy: XY, colour: dict[str, Any]) -> list[float]:
    """The camera's response to a white of chromaticity `xy`, by the DNG colour model (chapter 6); [] without matrices.

    The matrices of several illuminants are interpolated over inverse correlated temperature.
    """
    matrices = [np.asarray(m) for m in colour.get("color_matrix", ())]
    if not matrices:
        return []
    calibrations = [np.asarray(m) for m in colour.get("calibration", ())] or [np.eye(3)] * len(matrices)
    whole = [c @ m for c, m in zip(calibrations, matrices, strict=True)]
    mired = [1e6 / temperature(light) for light in colour["illuminants"]]
    order = np.argsort(mired)
    stack = np.array(whole)[order].reshape(len(whole), 9)
    at = 1e6 / temperature(xy)
    mixed = np.array([np.interp(at, np.array(mired)[order], column) for column in stack.T]).reshape(3, 3)
    white = np.array([xy[0] / xy[1], 1.0, (1 - xy[0] - xy[1]) / xy[1]])
    return [float(v) for v in np.diag(colour.get("analog_balance", (1.0, 1.0, 1.0))) @ mixed @ white]
