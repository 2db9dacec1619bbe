"""Spectra: the observer, illuminants and reflectances, all sampled from 380 to 780 nm in steps of 5 nm.

Reflectances of RGB pictures are sums of three smooth basis spectra (I. Mallett, C. Yuksel, "Spectral primary
decomposition for rendering with sRGB reflectance", EGSR 2019; the optimisation here is our own), so that a photograph
has a spectrum in every pixel and comes back exactly as it was under D65.
"""

from __future__ import annotations

import importlib
import math
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modisp.color.spaces import between64

Array = NDArray[np.float64]

WAVELENGTHS: Array = np.arange(380.0, 781.0, 5.0)
"""Nanometres."""

LIGHTS = ("D50", "D55", "D65", "D75", "A", "E", "F2", "F7", "F11", "LED-3000", "LED-4000", "LED-6500", "sodium")
"""Names of lights; a number of kelvins ("5200") is one too."""


def colour_science() -> Any:
    """The package, without the warning of what it could plot with."""
    # colour-science takes over a second to import, and warns of a plotting library that nobody needs here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("colour")


@lru_cache(maxsize=1)
def observer() -> Array:
    """CIE 1931 2° colour-matching functions (3, 81), scaled so that Y of a flat spectrum of ones is 1."""
    cmf = colour_science().MSDS_CMFS["CIE 1931 2 Degree Standard Observer"]
    rows = np.array([np.interp(WAVELENGTHS, cmf.wavelengths, c) for c in np.asarray(cmf.values).T])
    return np.asarray(rows / rows[1].sum())


def planck(kelvin: float) -> Array:
    """Spectrum (81,) of a black body, 1 at 560 nm (CIE 15:2018)."""
    wave, c2 = WAVELENGTHS * 1e-9, 1.4388e-2

    def of(w: Array | float) -> Array:
        return np.asarray(w**-5.0 / np.expm1(c2 / (w * kelvin)))

    return of(wave) / of(560e-9)


def _led(kelvin: float) -> Array:
    # a blue diode under a green and a red phosphor, mixed to the colour of a black body
    parts = np.array([_bell(451, 10), _bell(545, 42), _bell(612, 42)])
    power = np.linalg.solve(observer() @ parts.T, observer() @ planck(kelvin))
    return np.asarray(np.maximum(power, 0) @ parts)


def _bell(centre: float, width: float) -> Array:
    return np.asarray(np.exp(-0.5 * ((WAVELENGTHS - centre) / width) ** 2))


def _lines(*lines: tuple[float, float]) -> Array:
    return np.asarray(sum(p * _bell(w, 4) for w, p in lines))


@lru_cache(maxsize=64)
def light(name: str) -> Array:
    """Relative spectrum (81,) of a light by name (see `LIGHTS`) or by kelvins, scaled to luminance 1.

    Below 4000 K a number means a black body, above it CIE daylight.  Raises ValueError for an unknown name.
    """
    colour = colour_science()
    if name == "E":
        s = np.ones_like(WAVELENGTHS)
    elif name.upper().startswith("LED-") and name[4:].isdecimal() and 2000 <= int(name[4:]) <= 10000:
        s = _led(float(name[4:]))
    elif name == "sodium":  # high-pressure street light: broadened lines over a weak glow
        s = _lines((498, 0.12), (568, 0.5), (583, 0.8), (591, 1.0), (598, 0.9), (615, 0.4)) + 0.03 * planck(2100)
    elif name.replace(".", "", 1).isdecimal():
        kelvin = float(name)
        if not 1500 <= kelvin <= 25000:
            raise ValueError(f"a light has 1500 to 25000 kelvins, not {kelvin:g}")
        s = planck(kelvin) if kelvin < 4000 else _daylight(kelvin)
    elif name in LIGHTS or name in colour.SDS_ILLUMINANTS:
        sd = colour.SDS_ILLUMINANTS["FL" + name[1:] if name[0] == "F" and name[1:].isdecimal() else name]
        s = np.interp(WAVELENGTHS, sd.wavelengths, sd.values)
    else:
        raise ValueError(f"no light is called {name!r}: take one of {', '.join(LIGHTS)}, or a number of kelvins")
    return np.asarray(s / (observer()[1] @ s))


def _daylight(kelvin: float) -> Array:
    colour = colour_science()
    xy = colour.temperature.CCT_to_xy_CIE_D(kelvin)
    sd = colour.sd_CIE_illuminant_D_series(xy)
    return np.asarray(np.interp(WAVELENGTHS, sd.wavelengths, sd.values))


def xyz(reflectance: Array, illuminant: Array) -> Array:
    """XYZ (N, 3) of reflectances (N, 81) under a light; a perfect white has Y = 1."""
    return np.asarray(reflectance @ (observer() * illuminant).T)


def xy_of(illuminant: Array) -> tuple[float, float]:
    """Chromaticity of a light."""
    v = observer() @ illuminant
    return float(v[0] / v.sum()), float(v[1] / v.sum())


@lru_cache(maxsize=1)
def basis() -> Array:
    """Smooth reflectances (3, 81) of linear sRGB red, green and blue: within [0, 1], sum 1, right colours under D65.

    Least squared second differences under these bounds, by alternating projections with a quadratic step (ADMM,
    Boyd et al. 2011).
    """
    n = WAVELENGTHS.size
    second = np.diff(np.eye(n), 2, axis=0)
    smooth = np.kron(np.eye(3), second.T @ second)
    weights = observer() * light("D65")
    target = between64("srgb", "xyz").numpy()
    target = target * ((weights.sum(1)) / target.sum(1))[:, None]  # the sampled D65 is the white
    equal = np.vstack([np.kron(np.eye(3), weights), np.kron(np.ones((1, 3)), np.eye(n))[:-3]])
    # rows that sum to one everywhere make the sum's colour right as well, so the last three would be redundant
    value = np.concatenate([target.T.reshape(-1), np.ones(n - 3)])
    rho, m = 0.02, equal.shape[0]
    kkt = np.block([[smooth + rho * np.eye(3 * n), equal.T], [equal, np.zeros((m, m))]])
    solve = np.linalg.pinv(kkt)[: 3 * n]
    z, u = np.full(3 * n, 1 / 3), np.zeros(3 * n)
    for _ in range(3000):
        x = solve @ np.concatenate([rho * (z - u), value])
        z = np.clip(x + u, 0, 1)
        u += x - z
    return np.asarray(x.reshape(3, n))


@lru_cache(maxsize=1)
def colorchecker() -> Array:
    """Reflectances (24, 81) of the ColorChecker Classic: BabelColor's average of 30 charts, in reading order."""
    chart = colour_science().SDS_COLOURCHECKERS["BabelColor Average"]
    return np.array([np.interp(WAVELENGTHS, s.wavelengths, s.values) for s in chart.values()])


@lru_cache(maxsize=1)
def training() -> Array:
    """Reflectances (264, 81) to fit matrices on: the ColorChecker, and smooth random spectra of all kinds of colour."""
    rng = np.random.default_rng(2019)
    rows = []
    for _ in range(240):
        s = np.zeros_like(WAVELENGTHS)
        for _ in range(rng.integers(1, 4)):
            centre, width = rng.uniform(380, 760), math.exp(rng.uniform(math.log(25), math.log(120)))
            s += rng.uniform(-1, 1) * np.tanh((WAVELENGTHS - centre) / width)
            s += rng.uniform(0, 1.2) * np.exp(-0.5 * ((WAVELENGTHS - rng.uniform(400, 720)) / width) ** 2)
        s = (s - s.min()) / max(float(np.ptp(s)), 1e-6)
        low, high = sorted(rng.uniform(0.03, 0.9, 2))
        rows.append(low + (high - low) * s)
    return np.vstack([colorchecker(), np.array(rows)])
