"""A small canvas, and the colours of the surfaces that places are painted with.

See `places`; a canvas is painted twice as large as a thumbnail, then averaged.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modisp.color.spaces import between64
from modisp.simulate import spectra, world_surfaces

Array = NDArray[Any]
Random = np.random.Generator

SIZE = (48, 64)
_H, _W = 96, 128  # painted twice as large, then averaged

# kinds of surface: ranges of log2 luminance, ln(r/g) and ln(b/g)
KINDS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "leaf": ((-5.2, -2.0), (-0.75, -0.05), (-1.7, -0.45)),
    "straw": ((-3.5, -1.2), (0.05, 0.35), (-0.95, -0.35)),
    "soil": ((-5.0, -1.5), (0.05, 0.5), (-0.85, -0.1)),
    "stone": ((-4.0, -0.8), (-0.04, 0.14), (-0.3, 0.06)),
    "sand": ((-2.2, -0.6), (0.05, 0.3), (-0.55, -0.15)),
    "wood": ((-5.0, -1.2), (0.15, 0.75), (-1.2, -0.25)),
    "skin": ((-4.6, -0.9), (0.3, 0.75), (-0.75, -0.2)),
    "hair": ((-7.0, -2.5), (0.0, 0.5), (-0.8, 0.0)),
    "brick": ((-4.2, -1.8), (0.4, 1.1), (-0.7, -0.1)),
    "sky": ((-2.2, 0.6), (-1.0, -0.1), (0.05, 0.75)),
    "haze": ((-1.5, 0.8), (-0.12, 0.06), (-0.1, 0.18)),
    "dusk": ((-3.0, 0.2), (-0.1, 0.8), (-0.6, 0.4)),
    "water": ((-5.5, -1.5), (-0.9, -0.05), (-0.35, 0.45)),
    "snow": ((-1.2, 0.1), (-0.06, 0.02), (-0.02, 0.12)),
    "white": ((-0.9, -0.1), (-0.02, 0.05), (-0.12, 0.03)),
    "grey": ((-6.0, -0.6), (-0.04, 0.06), (-0.12, 0.08)),
    "cream": ((-2.2, -0.3), (0.02, 0.16), (-0.42, -0.08)),
    "pastel": ((-2.5, -0.4), (-0.25, 0.3), (-0.4, 0.3)),
    "strong": ((-4.5, -0.8), (-1.6, 1.8), (-2.0, 1.2)),
    "food": ((-4.0, -0.8), (0.2, 1.3), (-1.8, -0.3)),
}


def surface(rng: Random, *kinds: str) -> Array:
    """A colour (3,) of one of some kinds of surface; `measured` is a measured reflectance."""
    kind = kinds[rng.integers(len(kinds))]
    if kind == "measured":
        rows = _measured()
        return np.asarray(rows[rng.integers(len(rows))])
    level, red, blue = KINDS[kind]
    c = np.exp([_inside(rng, *red), 0.0, _inside(rng, *blue)])
    return np.asarray(c * (2 ** _inside(rng, *level) / (c @ (0.2126, 0.7152, 0.0722))))


def _inside(rng: Random, low: float, high: float) -> float:
    return low + (high - low) * float(rng.beta(1.6, 1.6))


@lru_cache(maxsize=1)
def _measured() -> Array:
    xyz = spectra.xyz(world_surfaces.charts(), spectra.light("D65"))
    return np.asarray((xyz @ between64("xyz", "srgb").numpy().T).clip(0.003, 1.0))


class Canvas:
    """Something to paint on; all places are shares of width and height, y downwards."""

    def __init__(self, rng: Random, ground: Array) -> None:
        self.rng = rng
        self.pixels = np.broadcast_to(ground, (_H, _W, 3)).copy()
        self.y, self.x = np.meshgrid((np.arange(_H) + 0.5) / _H, (np.arange(_W) + 0.5) / _W, indexing="ij")

    def fill(self, mask: Array, colour: Array, rough: float = 0.2, tint: float = 0.03) -> None:
        """Paint where `mask` (H, W, 0…1), with a texture of `rough` in log luminance and `tint` in log chroma."""
        grain = np.exp(rough * self.noise()[..., None] + tint * np.stack([self.noise(), 0 * self.x, self.noise()], -1))
        m = np.asarray(mask, dtype=np.float64)[..., None]
        self.pixels = self.pixels * (1 - m) + m * colour * grain

    def noise(self, slope: float | None = None) -> Array:
        """A field (H, W) of unit variance with a spectrum that falls as a power of frequency; one of some, moved and turned."""
        rng, s = self.rng, self.rng.uniform(0.5, 1.8) if slope is None else slope
        bank = _fields()
        field = bank[min(len(bank) - 1, max(0, round((s - _SLOPES[0]) / _STEP)))][rng.integers(_EACH)]
        field = np.roll(field, (int(rng.integers(_H)), int(rng.integers(_W))), (0, 1))
        return np.asarray(field[:: 1 - 2 * int(rng.integers(2)), :: 1 - 2 * int(rng.integers(2))])

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Array:
        """Mask of a rectangle."""
        return np.asarray((self.x >= x0) & (self.x < x1) & (self.y >= y0) & (self.y < y1), dtype=np.float64)

    def blob(self, x: float, y: float, rx: float, ry: float, rough: float = 0.0) -> Array:
        """Mask of an ellipse, its edge frayed by `rough`."""
        d = np.hypot((self.x - x) / rx, (self.y - y) / ry)
        return np.asarray(d + (rough * self.noise(1.2) if rough else 0.0) < 1, dtype=np.float64)

    def shade(self, amount: float) -> None:
        """Uneven light: a direction, and a pool."""
        rng, a = self.rng, self.rng.uniform(0, 2 * math.pi)
        along = (self.x - 0.5) * math.cos(a) + (self.y - 0.5) * math.sin(a)
        pool = -((self.x - rng.random()) ** 2 + (self.y - rng.random()) ** 2) * rng.uniform(0, 4)
        self.pixels = self.pixels * np.exp2(amount * (2 * along + pool) * rng.random())[..., None]

    def glints(self, count: int) -> None:
        """Highlights of the light's own colour."""
        for _ in range(count):
            (x, y), (w, h) = self.rng.random(2), self.rng.uniform(0.004, 0.03, 2)
            at = self.blob(x, y, w, h)
            self.pixels += at[..., None] * self.rng.uniform(0.2, 3)

    def thumbnail(self) -> Array:
        """(3, 48, 64)."""
        small = self.pixels.reshape(SIZE[0], 2, SIZE[1], 2, 3).mean((1, 3))
        return np.asarray(np.moveaxis(np.maximum(small, 1e-4), -1, 0))


_SLOPES, _STEP, _EACH = (0.5, 1.8), 0.1, 24


@lru_cache(maxsize=1)
def _fields() -> Array:
    """(slopes, some of each, H, W): drawing noise afresh for each stroke would take most of the time."""
    rng = np.random.default_rng(17)
    frequency = np.hypot(np.fft.fftfreq(_H)[:, None] * _H, np.fft.rfftfreq(_W)[None] * _W)
    frequency[0, 0] = np.inf
    slopes = np.arange(_SLOPES[0], _SLOPES[1] + _STEP / 2, _STEP)
    shape = (len(slopes), _EACH, *frequency.shape)
    spectrum = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    fields = np.fft.irfft2(spectrum * frequency ** -slopes[:, None, None, None], (_H, _W))
    return np.asarray(fields / fields.std((2, 3), keepdims=True))
