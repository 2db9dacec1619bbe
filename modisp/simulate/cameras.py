"""Cameras of our own: spectral sensitivities, and the colour matrices that their maker would write into a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modisp.color.spaces import D50, adaptation, between64, xyz_of
from modisp.image import XY, Matrix
from modisp.simulate import spectra

Array = NDArray[np.float64]

# R, G, B: lobes (height, centre nm, width below, width above); then where the infrared filter is at half (nm), its width
_SPECTRAL: dict[str, tuple[tuple[tuple[tuple[float, float, float, float], ...], ...], float, float]] = {
    "aster": (
        (
            ((0.80, 601, 20, 44), (0.10, 540, 28, 28), (0.05, 440, 20, 24)),
            ((1.00, 531, 29, 36), (0.08, 460, 30, 30), (0.05, 620, 30, 40)),
            ((0.88, 455, 24, 27), (0.10, 510, 22, 24)),
        ),
        668,
        14,
    ),
    "bellis": (
        (
            ((0.72, 605, 24, 36), (0.14, 545, 30, 24), (0.03, 420, 16, 24)),
            ((1.00, 536, 32, 38), (0.10, 470, 26, 30)),
            ((0.70, 462, 28, 26), (0.14, 505, 22, 26), (0.02, 560, 30, 30)),
        ),
        660,
        12,
    ),
    "clover": (
        (
            ((0.66, 596, 18, 40), (0.07, 530, 26, 26), (0.08, 435, 18, 20)),
            ((1.00, 525, 27, 34), (0.05, 600, 34, 30)),
            ((1.02, 448, 22, 28), (0.06, 520, 24, 26)),
        ),
        690,
        18,
    ),
}

_MATRIX = ("srgb", "rec2020")

CAMERAS = (*_SPECTRAL, *_MATRIX)
"""Names of cameras; the path of a JSON file of sensitivities in the layout of rawtoaces is one too."""


@dataclass(frozen=True)
class Camera:
    """A camera: sensitivities (3, 81), or for one that sees exactly through a matrix, XYZ → camera."""

    name: str
    source: str  # what `camera` was asked for
    sensitivity: Array | None
    matrix: Array | None = None

    def response(self, stimuli: Array, illuminant: Array) -> Array:
        """Camera RGB (N, 3) of reflectances (N, 81) under a light, scaled so that white's largest channel is 1."""
        if self.sensitivity is not None:
            seen = stimuli @ (self.sensitivity * illuminant).T
            return np.asarray(seen / (self.sensitivity @ illuminant).max())
        assert self.matrix is not None
        raw = spectra.xyz(stimuli, illuminant) @ self.matrix.T
        white = self.matrix @ (spectra.observer() @ illuminant)
        return np.asarray(raw / white.max())

    def neutral(self, illuminant: Array) -> Array:
        """Response (3,) to a perfect white, largest channel 1."""
        return np.asarray(self.response(np.ones((1, illuminant.size)), illuminant)[0])


@lru_cache(maxsize=32)
def camera(name: str) -> Camera:
    """A camera by name, or from a JSON file of sensitivities.  Raises ValueError for neither."""
    if name in _SPECTRAL:
        channels, cut, soft = _SPECTRAL[name]
        wave = spectra.WAVELENGTHS
        rows = [
            sum(h * np.exp(-0.5 * ((wave - c) / np.where(wave < c, below, above)) ** 2) for h, c, below, above in lobes)
            for lobes in channels
        ]
        edges = 1 / (1 + np.exp((wave - cut) / soft)) / (1 + np.exp((400 - wave) / 6))
        return Camera(name, name, np.array(rows) * edges)
    if name in _MATRIX:
        return Camera(name, name, None, between64("xyz", name).numpy())
    path = Path(name)
    if path.suffix.lower() == ".json":
        return Camera(path.stem, name, read_sensitivities(path))
    raise ValueError(f"no camera is called {name!r}: take one of {', '.join(CAMERAS)}, or a JSON file of sensitivities")


def read_sensitivities(path: Path) -> Array:
    """Sensitivities (3, 81) from the JSON layout of rawtoaces ({"spectral_data": {"data": {"main": {nm: [r, g, b]}}}})."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["spectral_data"]["data"]["main"]
        nm, values = zip(*sorted((float(k), [float(x) for x in v]) for k, v in rows.items()), strict=True)
        table = np.array(values)
        if table.shape[1] != 3 or not np.isfinite(table).all() or table.max() <= 0:
            raise ValueError("not three channels of finite numbers")
    except OSError as e:
        raise ValueError(f"{path} cannot be read: {e.strerror or e}") from e
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise ValueError(f"{path.name} is not a file of camera sensitivities in the layout of rawtoaces") from e
    return np.array([np.interp(spectra.WAVELENGTHS, nm, c, left=0, right=0) for c in table.T])


@dataclass(frozen=True)
class Profile:
    """What a maker writes for one calibration light (DNG 1.7, chapter 6)."""

    illuminant: XY
    color_matrix: Matrix
    forward_matrix: Matrix


@lru_cache(maxsize=64)
def profile(name: str, light: str) -> Profile:
    """What a careful maker writes for a camera by name: see `fit_profile`, over `spectra.training`."""
    return fit_profile(camera(name), spectra.light(light), spectra.training())


def fit_profile(own: Camera, lamp: Array, chart: Array, adapted: bool = False) -> Profile:
    """Least squares over reflectances (N, 81): ColorMatrix in linear light, ForwardMatrix in CIE Lab; white is exact.

    `adapted`: see `forward_target`.
    """
    seen, neutral = own.response(chart, lamp), own.neutral(lamp)
    color = fit(spectra.xyz(chart, lamp), seen, spectra.observer() @ lamp, neutral)
    target, d50 = forward_target(chart, lamp if adapted else None)
    balanced = seen / neutral
    forward = _refine(fit(balanced, target, np.ones(3), d50), balanced, target, d50)
    return Profile(spectra.xy_of(lamp), _rows(color), _rows(forward))


def forward_target(chart: Array, lamp: Array | None = None) -> tuple[Array, Array]:
    """XYZ (N, 3) that a ForwardMatrix aims at for reflectances (N, 81), and its white, D50 (3,).

    Makers differ in what that is: the things as they are under D50, or, with `lamp`, as they look under the lamp, adapted.
    """
    d50 = xyz_of(D50).numpy()
    if lamp is not None:
        return np.asarray(spectra.xyz(chart, lamp) @ adaptation(spectra.xy_of(lamp), D50).numpy().T), d50
    target = spectra.xyz(chart, spectra.light("D50"))
    return target * (d50 / (spectra.observer() @ spectra.light("D50"))), d50


def fit(x: Array, y: Array, white_x: Array, white_y: Array) -> Array:
    """The matrix M (3, 3) that takes rows x to y by least squares and `white_x` exactly to `white_y`."""
    inverse = np.linalg.inv(x.T @ x)
    free = (inverse @ x.T @ y).T
    pull = inverse @ white_x
    return np.asarray(free + np.outer(white_y - free @ white_x, pull) / (white_x @ pull))


def _lab(v: Array, white: Array) -> Array:
    t = v / white
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.stack([116 * f[:, 1], 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


def _refine(start: Array, x: Array, target: Array, white: Array) -> Array:
    """Gauss-Newton on Lab differences, chroma damped, over matrices that keep white where it is."""
    goal = _lab(target, white)
    damp = 1 / np.stack([np.ones(len(goal)), *[1 + 0.03 * np.hypot(goal[:, 1], goal[:, 2])] * 2], 1)
    away = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]])  # rows keep their sums

    def matrix(p: Array) -> Array:
        return np.asarray(start + p.reshape(3, 2) @ away)

    def error(p: Array) -> Array:
        return ((_lab(x @ matrix(p).T, white) - goal) * damp).reshape(-1)

    p = np.zeros(6)
    for _ in range(12):
        e = error(p)
        jacobian = np.stack([(error(p + d) - e) / 1e-5 for d in 1e-5 * np.eye(6)], 1)
        step = np.linalg.lstsq(jacobian, -e, rcond=None)[0]
        size = 1.0
        while size > 1e-3 and (error(p + size * step) ** 2).sum() > (e**2).sum():
            size /= 2
        p = p + size * step
    return matrix(p)


def _rows(matrix: Array) -> Matrix:
    a, b, c = (tuple(round(float(v), 6) for v in row) for row in matrix)
    return a, b, c  # type: ignore[return-value]  # each row has three
