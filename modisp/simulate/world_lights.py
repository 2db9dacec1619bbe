"""Spectra of lights: measured lamps by family, and lights of every family drawn at random.

Every spectrum is (81,) on `spectra.WAVELENGTHS`, scaled to luminance 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from modisp.color.white import xy_from_kelvin
from modisp.simulate.spectra import WAVELENGTHS, colour_science, observer, planck

Array = NDArray[np.float64]

SHARES: Mapping[str, float] = {"daylight": 0.40, "planck": 0.17, "fluorescent": 0.13, "led": 0.20, "mixture": 0.10}
"""How often `draw` takes each family."""


@dataclass(frozen=True)
class Lamp:
    """A measured light: its `family` is fluorescent, led or discharge."""

    name: str
    family: str
    spectrum: Array


_LED = ("LED", "PHOS", "Luxeon")
_DISCHARGE = ("HP", "HPS", "LPS", "Mercury", "Metal", "MHC", "SDW", "Super", "C100", "H38", "Kinoton")
_NEITHER = ("SA", "SC", "Natural", "Incandescent", "Neodimium", "60 A")  # Planckian, daylight, filtered bulbs


@lru_cache(maxsize=1)
def lamps() -> tuple[Lamp, ...]:
    """The measured fluorescent, LED and discharge lamps that come with colour-science, by name."""
    colour = colour_science()
    tables = {
        **{k: v for k, v in colour.SDS_ILLUMINANTS.items() if k.startswith(("FL", "HP", "LED"))},
        **{k: v for k, v in colour.SDS_LIGHT_SOURCES.items() if not k.startswith(_NEITHER)},
    }
    out = []
    for name, sd in sorted(tables.items()):
        spectrum = np.interp(WAVELENGTHS, sd.wavelengths, np.nan_to_num(sd.values), left=0, right=0)
        kinds = {"led": any(w in name for w in _LED), "discharge": name.startswith(_DISCHARGE) or "HPS" in name}
        family = next((k for k, yes in kinds.items() if yes), "fluorescent")
        out.append(Lamp(name, family, scaled(np.maximum(spectrum, 0))))
    return tuple(out)


def split() -> tuple[list[Lamp], list[Lamp]]:
    """(for training, left out): of every family each third lamp is left out of training."""
    kept: list[Lamp] = []
    left: list[Lamp] = []
    for family in ("fluorescent", "led", "discharge"):
        for i, lamp in enumerate(x for x in lamps() if x.family == family):
            (left if i % 3 == 1 else kept).append(lamp)
    return kept, left


def scaled(spectrum: Array) -> Array:
    """Luminance 1."""
    return np.asarray(spectrum / (spectrum @ observer()[1])[..., None])


def daylight(kelvin: float) -> Array:
    """CIE daylight; below 4500 K, where CIE has none, a black body with daylight's absorption bands (a low sun)."""
    if kelvin >= 4500:
        return _cie_daylight(kelvin)
    return scaled(planck(kelvin) * _cie_daylight(4500) / planck(4500))


def _cie_daylight(kelvin: float) -> Array:
    mean, first, second = _components()
    t = 1e3 / kelvin
    x = 0.244063 + 0.09911 * t + 2.9678 * t**2 - 4.6070 * t**3
    if kelvin > 7000:
        x = 0.237040 + 0.24748 * t + 1.9018 * t**2 - 2.0064 * t**3
    y = -3.0 * x * x + 2.870 * x - 0.275
    m = 0.0241 + 0.2562 * x - 0.7341 * y
    spectrum = mean + (-1.3515 - 1.7703 * x + 5.9114 * y) / m * first + (0.03 - 31.4424 * x + 30.0717 * y) / m * second
    return scaled(np.maximum(spectrum, 0))


@lru_cache(maxsize=1)
def _components() -> Array:
    """S0, S1, S2 of CIE 15:2018."""
    basis = colour_science().colorimetry.SDS_BASIS_FUNCTIONS_CIE_ILLUMINANT_D_SERIES
    return np.array([np.interp(WAVELENGTHS, basis[k].wavelengths, basis[k].values) for k in ("S0", "S1", "S2")])


def led(rng: np.random.Generator, kelvin: float, tint: float = 0.0) -> Array:
    """A white LED of that colour: a blue or violet chip under a wide, a two-band or a narrow-red phosphor, or three chips."""
    kind = rng.choice(4, p=(0.45, 0.3, 0.15, 0.1))
    blue = _skewed(rng.uniform(440, 462), rng.uniform(7, 12), rng.uniform(9, 14))
    if kind == 0:  # YAG, warmed with a little red
        green = _skewed(rng.uniform(530, 560), rng.uniform(32, 42), rng.uniform(48, 65))
        red = _skewed(rng.uniform(595, 630), rng.uniform(32, 42), rng.uniform(38, 48))
    elif kind == 1:  # high colour rendering; some with a violet chip and a blue phosphor
        if rng.random() < 0.35:
            blue = 0.3 * _skewed(rng.uniform(405, 420), 7, 8) + _skewed(rng.uniform(450, 475), 22, 30)
        green = _skewed(rng.uniform(515, 540), rng.uniform(30, 40), rng.uniform(35, 50))
        red = _skewed(rng.uniform(625, 655), rng.uniform(38, 48), rng.uniform(38, 48))
    elif kind == 2:  # β-SiAlON and potassium fluorosilicate
        green = _skewed(rng.uniform(525, 545), rng.uniform(18, 24), rng.uniform(26, 40))
        red = 0.4 * _bell(613, 3) + _bell(631, 3) + 0.35 * _bell(636, 3) + 0.35 * _bell(648, 3)
    else:
        green = _skewed(rng.uniform(515, 540), rng.uniform(12, 16), rng.uniform(15, 22))
        red = _skewed(rng.uniform(615, 640), rng.uniform(7, 10), rng.uniform(7, 10))
    return _mixed([blue, green, red], kelvin, tint)


def fluorescent(rng: np.random.Generator, kelvin: float, tint: float = 0.0) -> Array:
    """A fluorescent tube of that colour: mercury lines over three narrow phosphors, or over halophosphate."""
    mercury = sum(p * _bell(w, 2.5) for p, w in ((0.25, 405), (0.8, 436), (0.9, 546), (0.25, 578)))
    if rng.random() < 0.6:
        blue = _skewed(rng.uniform(445, 455), 18, 26) + rng.uniform(0.0, 0.5) * _bell(490, 14)
        green = _bell(543, 4) + 0.22 * _bell(490, 7) + 0.25 * _bell(586, 8) + 0.1 * _bell(622, 6)
        red = _bell(611, 4) + 0.25 * _bell(593, 6) + 0.15 * _bell(630, 6) + 0.15 * _bell(707, 5)
    else:
        blue = _skewed(rng.uniform(470, 490), 34, 42)
        green = _skewed(rng.uniform(525, 545), 34, 42)
        red = _skewed(rng.uniform(582, 612), 32, 42)
    lines = rng.uniform(0.08, 0.3) * np.asarray(mercury) / 0.9
    return _mixed([blue, green, red], kelvin, tint, lines)


def _mixed(parts: list[Array], kelvin: float, tint: float, lines: Array | float = 0.0) -> Array:
    """Non-negative sum of three parts, and a share of lines, of the colour (kelvin, tint), or as near as it comes."""
    x, y = xy_from_kelvin(kelvin, tint)
    wanted = np.array([x / y, 1.0, (1 - x - y) / y])
    rows = np.array(parts) / (np.array(parts) @ observer()[1])[:, None]
    extra = np.zeros(WAVELENGTHS.size) + lines
    extra = extra * (0.12 / (extra @ observer()[1])) if extra.any() else extra
    for _ in range(4):
        power = np.linalg.solve(observer() @ rows.T, wanted - observer() @ extra)
        if power.min() >= 0:
            break
        extra = extra * 0.5
    return scaled(np.maximum(power, 1e-3) @ rows + extra)


def _bell(centre: float, width: float) -> Array:
    return _skewed(centre, width, width)


def _skewed(centre: float, below: float, above: float) -> Array:
    wave = WAVELENGTHS - centre
    return np.asarray(np.exp(-0.5 * (wave / np.where(wave < 0, below, above)) ** 2))


_LEAF = 0.05 + 0.35 * _bell(552, 28) + 0.45 / (1 + np.exp((700 - WAVELENGTHS) / 9))
"""What comes through a green leaf."""


def draw(
    rng: np.random.Generator, count: int, measured: list[Lamp], shares: Mapping[str, float] = SHARES
) -> tuple[Array, list[str]]:
    """Lights (count, 81) and their families.  Measured lamps are taken from `measured` (see `split`) alone."""
    families = [
        str(f) for f in rng.choice(list(shares), size=count, p=np.array([*shares.values()]) / sum(shares.values()))
    ]
    return np.array([one(rng, f, measured) for f in families]).reshape(count, -1), families


def one(rng: np.random.Generator, family: str, measured: list[Lamp]) -> Array:
    """A light (81,) of a family (`SHARES`, or discharge)."""
    if family == "mixture":
        kinds = rng.choice(["daylight", "planck", "fluorescent", "led"], size=2, p=(0.45, 0.2, 0.15, 0.2))
        t = rng.uniform(0.15, 0.85)
        return (1 - t) * one(rng, str(kinds[0]), measured) + t * one(rng, str(kinds[1]), measured)
    if family == "daylight":
        mired = rng.uniform(1e6 / 15000, 1e6 / 2500) if rng.random() < 0.3 else rng.normal(172, 32)
        s = daylight(float(np.clip(1e6 / max(mired, 30), 2500, 15000)))
        if rng.random() < 0.12:  # below trees
            t = rng.beta(1, 5)
            s = s * ((1 - t) + t * _LEAF / _LEAF.mean())
        return scaled(s * np.exp(rng.normal(0, 0.06) * _OFF + rng.normal(0, 0.03) * _tilt()))
    if family == "planck":
        s = planck(1e6 / rng.uniform(1e6 / 4000, 1e6 / 1900))
        return scaled(s * np.exp(rng.normal(0, 0.04) * _OFF + rng.normal(0, 0.08) * _tilt()))
    known = [x for x in measured if x.family == family]
    if family == "discharge" or (known and rng.random() < 0.4):
        a, b = (known[int(i)].spectrum for i in rng.integers(len(known), size=2))
        t = rng.random() if rng.random() < 0.5 else 0.0
        return scaled((1 - t) * a + t * b)
    kelvin, tint = 1e6 / rng.uniform(1e6 / 7500, 1e6 / 2300), rng.normal(0, 10)
    return led(rng, kelvin, tint) if family == "led" else fluorescent(rng, kelvin, tint + 4)


_OFF = 2 * _bell(545, 42) - 1
"""Makes a light greener, or more magenta."""


def _tilt() -> Array:
    return np.asarray((WAVELENGTHS - 560) / 180)
