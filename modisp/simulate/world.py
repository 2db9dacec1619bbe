"""The spectral world: cameras as they were measured, and thousands that might have been.

Four modules make up a world in which every colour is known exactly; all is (…, 81) on `spectra.WAVELENGTHS`:

| module           | gives |
|------------------|-------|
| `world`          | sensitivities of measured cameras (folder of rawtoaces), those left out of training, virtual ones |
| `world_lights`   | spectra of lights by family, measured and drawn at random, mixtures; lamps left out of training |
| `world_surfaces` | reflectances measured and drawn at random; bases that give RGB pictures a spectrum |
| `world_makers`   | the colour matrices that a maker would write for a camera, clean, or as various and noisy as real ones |

`response` joins them: light × reflectance × sensitivity.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modisp.simulate.cameras import Camera, read_sensitivities
from modisp.simulate.spectra import WAVELENGTHS

Array = NDArray[np.float64]

LEFT_OUT = (
    "Canon_EOS_100D",
    "Canon_EOS_5D",
    "Canon_EOS_R",
    "Canon_EOS_R5",
    "Fujifilm_GFX_100",
    "Fujifilm_X-T3",
    "Fujifilm_X-T4",
    "Hasselblad_L2D-20c",
    "Nikon_D200",
    "Nikon_D810",
    "Panasonic_DC-GX9",
    "Sony_DSC-RX100M4",
    "Sony_ILCE-7RM4",
)
"""Cameras that no training may see: three whole makers, and some of each of the others."""


@dataclass(frozen=True)
class Measured:
    """A camera of the data set: `sensitivity` (3, 81) ≥ 0, scaled so that its response to a flat spectrum peaks at 1."""

    name: str
    maker: str
    sensitivity: Array

    def camera(self) -> Camera:
        """As the simulator takes it."""
        return Camera(self.name, self.name, self.sensitivity)


def colour_folder(folder: Path | None = None) -> Path:
    """The folder with `camera/` and `training/` of rawtoaces: `folder` (it, or its parent), else under `MODISP_DATA`.

    Raises FileNotFoundError, in one sentence, where there is none.
    """
    given = Path(folder or os.environ.get("MODISP_DATA", "../shared/data"))
    for found in (given, given / "colour"):
        if (found / "camera").is_dir():
            return found
    raise FileNotFoundError(f"no camera sensitivities: {given / 'colour' / 'camera'} is missing; set MODISP_DATA")


def measured_cameras(folder: Path | None = None) -> list[Measured]:
    """All measured cameras, by name."""
    out = []
    for path in sorted((colour_folder(folder) / "camera").glob("*.json")):
        s = np.maximum(read_sensitivities(path), 0)
        name = path.stem.removesuffix("_380_780_5")
        out.append(Measured(name, name.split("_")[0], s / s.sum(1).max()))
    if not out:
        raise FileNotFoundError(f"no camera sensitivities in {folder}")
    return out


def split(cameras: Sequence[Measured]) -> tuple[list[Measured], list[Measured]]:
    """(for training, left out)."""
    return [c for c in cameras if c.name not in LEFT_OUT], [c for c in cameras if c.name in LEFT_OUT]


def vary(sensitivities: Array, rng: np.random.Generator, count: int, wild: float = 0.0) -> Array:
    """Virtual cameras (count, 3, 81) from measured ones (N, 3, 81): the real ones too, about one in twenty.

    Two are mixed; then each channel is shifted (σ 2.5 nm, all together 2 nm) and widened (3 %), cross-talk added, the
    transmission bent smoothly (5 %), and half of them get another infrared cut (655 to 720 nm).  A share of them, `wild`, is
    varied twice as much: makers whose cameras nobody measured.
    """
    wave, out = WAVELENGTHS, np.empty((count, 3, WAVELENGTHS.size))
    for n in range(count):
        i, j = rng.integers(len(sensitivities), size=2)
        if rng.random() < 0.05:
            out[n] = sensitivities[i]
            continue
        t = rng.beta(0.7, 0.7)
        s = (1 - t) * sensitivities[i] + t * sensitivities[j]
        k = 2.0 if wild and rng.random() < wild else 1.0
        s = perturb(s, rng, shift=2.5 * k, together=2.0 * k, widen=0.03 * k, crosstalk=0.02 * k, bend=0.05 * k)
        if rng.random() < 0.5:
            s = s / (1 + np.exp((wave - rng.uniform(655, 720)) / rng.uniform(6, 18)))
        out[n] = s / s.sum(1).max()
    return out


def perturb(
    s: Array, rng: np.random.Generator, shift: float, together: float, widen: float, crosstalk: float, bend: float
) -> Array:
    """Sensitivities (3, 81) changed as those of another body or another sensor would be (all σ; nm, then shares)."""
    wave, rows = WAVELENGTHS, []
    common = rng.normal(0, together)
    for row in s:
        centre = (row @ wave) / row.sum()
        at = centre + (wave - centre - common - rng.normal(0, shift)) / np.exp(rng.normal(0, widen))
        rows.append(np.interp(at, wave, row, left=0, right=0))
    mixed = np.array(rows)
    mixed = (np.eye(3) + rng.normal(0, crosstalk, (3, 3)) * (1 - np.eye(3))) @ mixed
    x = (wave - 580) / 200
    shapes = np.stack([np.ones_like(x), x, np.cos(3 * x + rng.uniform(0, 6)), np.cos(7 * x + rng.uniform(0, 6))])
    return np.asarray(np.maximum(mixed, 0) * np.exp(rng.normal(0, bend, (3, 4)) @ shapes))


def response(sensitivity: Array, light: Array, reflectance: Array) -> Array:
    """Camera RGB (…, N, 3) of reflectances (…, N, 81) under lights (…, 81) for sensitivities (…, 3, 81), unscaled."""
    return np.asarray(np.einsum("...nw,...w,...cw->...nc", reflectance, light, sensitivity, optimize=True))
