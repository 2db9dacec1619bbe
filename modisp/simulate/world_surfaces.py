"""Reflectances: measured ones, smooth ones drawn at random, and what gives an RGB picture a spectrum in every pixel."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modisp.simulate.spectra import WAVELENGTHS, basis, colour_science, light, observer
from modisp.simulate.world import colour_folder

Array = NDArray[np.float64]


def patches(folder: Path | None = None) -> Array:
    """The 190 training reflectances (190, 81) of rawtoaces; FileNotFoundError where they are missing."""
    path = colour_folder(folder) / "training" / "training_spectral.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["spectral_data"]["data"]["main"]
    nm, values = zip(*sorted((float(k), v) for k, v in rows.items()), strict=True)
    return np.array([np.interp(WAVELENGTHS, nm, column) for column in np.array(values).T])


@lru_cache(maxsize=1)
def charts() -> Array:
    """Measured reflectances (N, 81) that come with colour-science: charts, skins and foods, test colours for lamps."""
    colour = colour_science()
    sets = [*colour.SDS_COLOURCHECKERS.values(), *colour.quality.datasets.SDS_TCS.values()]
    sets += colour.quality.datasets.SDS_VS.values()
    found = [s for group in sets for s in group.values()]
    rows = np.array([np.interp(WAVELENGTHS, s.wavelengths, s.values) for s in found])
    rows = rows / (100.0 if rows.max() > 5 else 1.0)
    return np.asarray(np.unique(rows.round(6), axis=0).clip(0, 1))


def smooth(rng: np.random.Generator, count: int) -> Array:
    """Smooth random reflectances (count, 81) of all kinds of colour: steps and bumps 25 to 120 nm wide, within 0.02…0.95."""
    steps, bumps = rng.integers(1, 4, count), rng.integers(0, 3, count)
    out = np.zeros((count, WAVELENGTHS.size))
    for k in range(3):
        centre, width = rng.uniform(380, 760, (count, 1)), _widths(rng, count)
        out += (k < steps)[:, None] * rng.uniform(-1, 1, (count, 1)) * np.tanh((WAVELENGTHS - centre) / width)
        centre, width = rng.uniform(400, 720, (count, 1)), _widths(rng, count)
        bump = np.exp(-0.5 * ((WAVELENGTHS - centre) / width) ** 2)
        out += (k < bumps)[:, None] * rng.uniform(0, 1.2, (count, 1)) * bump
    low, high = out.min(1, keepdims=True), out.max(1, keepdims=True)
    out = (out - low) / np.maximum(high - low, 1e-6)
    ends = np.sort(rng.uniform(0.02, 0.95, (count, 2)), 1)
    return np.asarray(ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * out)


def _widths(rng: np.random.Generator, count: int) -> Array:
    return np.asarray(np.exp(rng.uniform(math.log(25), math.log(120), (count, 1))))


def bases(rng: np.random.Generator, count: int, strength: float = 0.03) -> Array:
    """Bases (count, 3, 81) like `spectra.basis`, each with other metamers: the same colours under D65, other spectra.

    Sums of smooth shapes that nobody sees under D65 are added (RMS `strength`); a basis's three still sum to one, so
    that white stays white under every light.  Values may leave [0, 1] by as much.
    """
    wave = (WAVELENGTHS - 580) / 200
    shapes = np.stack([np.cos(math.pi * k * (wave + 1) / 2) for k in range(3, 9)])
    sees = observer() * light("D65")
    unseen = np.eye(wave.size) - np.linalg.pinv(sees) @ sees
    blacks = shapes @ unseen.T
    blacks /= np.sqrt((blacks**2).mean(1, keepdims=True))
    weights = rng.normal(0, 1, (count, 3, len(shapes))) / math.sqrt(len(shapes))
    weights -= weights.mean(1, keepdims=True)
    return np.asarray(basis() + strength * weights @ blacks)
