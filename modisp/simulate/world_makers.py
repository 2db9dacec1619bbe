"""Colour matrices as makers write them: clean ones, and ones as various and noisy as those in real files.

Published matrices differ from those fitted to measured sensitivities by about an eighth of their size, and the neutrals
they imply by about 5 %: makers fit to other things, for other aims, under lamps that are not quite the standard, with
another body.  `varied` draws such matrices; a network that is to trust matrices must be trained on these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modisp.image import XY, Metadata
from modisp.simulate import spectra, world_lights, world_surfaces
from modisp.simulate.cameras import Camera, fit, fit_profile, forward_target
from modisp.simulate.world import perturb

Array = NDArray[np.float64]

LIGHTS = ("A", "D65")
"""The calibration illuminants of all matrices here, warm first."""


@dataclass(frozen=True)
class Matrices:
    """What a maker writes: `color` XYZ → camera and `forward` balanced camera → XYZ D50, each (2, 3, 3) for `LIGHTS`."""

    color: Array
    forward: Array
    adapted: bool = True
    """Whether the ForwardMatrices aim at colours as they look under the lamp, adapted, or at those under D50."""

    def metadata(self, **more: Any) -> Metadata:
        """As a file carries them; `more` are other fields of `Metadata`."""
        return Metadata(
            color_matrix=_tuples(self.color), forward_matrix=_tuples(self.forward), illuminants=standard(), **more
        )


def standard() -> tuple[XY, ...]:
    """Chromaticities of `LIGHTS`."""
    return tuple(spectra.xy_of(spectra.light(name)) for name in LIGHTS)


def clean(sensitivity: Array, chart: Array | None = None, adapted: bool = True) -> Matrices:
    """The best matrices for sensitivities (3, 81): `cameras.fit_profile` under the standard lights themselves.

    `chart`: reflectances (N, 81) instead of `spectra.training`.
    """
    body, things = Camera("", "", sensitivity), spectra.training() if chart is None else chart
    found = [fit_profile(body, spectra.light(name), things, adapted) for name in LIGHTS]
    color, forward = np.array([p.color_matrix for p in found]), np.array([p.forward_matrix for p in found])
    return Matrices(color, forward, adapted)


def varied(
    sensitivity: Array,
    rng: np.random.Generator,
    charts: list[Array],
    amount: float = 1.0,
    adapted: bool | None = None,
) -> Matrices:
    """Matrices of some maker for sensitivities (3, 81); `charts` are the reflectances (N, 81) that makers may own.

    `amount` 0 gives clean fits to one of the charts, 1 differences as large as those of published matrices.
    `adapted`: what the maker aims at (see `Matrices`); drawn where it is not given.
    """
    other = perturb(sensitivity, rng, 1.5 * amount, 1.0 * amount, 0.015 * amount, 0.012 * amount, 0.03 * amount)
    body = Camera("", "", other)
    chart = charts[rng.integers(len(charts))]
    weight = np.exp(rng.normal(0, 0.8 * amount, len(chart)))[:, None]
    adapted = bool(rng.random() < 0.75) if adapted is None else adapted
    by_eye = rng.random() < 0.6  # dark things count as much as bright ones
    gains = np.exp(rng.normal(0, 0.015 * amount, 3))
    color, forward = [], []
    for lamp in _lamps(rng, amount):
        seen, neutral = body.response(chart, lamp), body.neutral(lamp)
        sees = spectra.xyz(chart, lamp)
        w = weight / (0.02 + sees[:, 1:2]) ** 0.67 if by_eye else weight
        white = spectra.observer() @ lamp
        c = fit(w * sees, w * seen, white, neutral)
        off = rng.normal(0, 0.065 * amount, (3, 3))
        color.append(gains[:, None] * (c + (off - off.mean(1, keepdims=True)) * (c @ white)[:, None] / white))
        target, d50 = forward_target(chart, lamp if adapted else None)
        f = fit(w * seen / neutral, w * target, np.ones(3), d50)
        off = rng.normal(0, 0.055 * amount, (3, 3))
        forward.append(f + (off - off.mean(1, keepdims=True)) * d50[:, None])  # rows keep their sums: white is D50
    return Matrices(np.array(color), np.array(forward), adapted)


def _lamps(rng: np.random.Generator, amount: float) -> tuple[Array, Array]:
    """What a maker takes for A and D65."""
    warm = spectra.planck(2856 * float(np.exp(rng.normal(0, 0.02 * amount))))
    cool = world_lights.daylight(6504 * float(np.exp(rng.normal(0, 0.04 * amount))))
    if rng.random() < 0.3 * amount:  # a filtered bulb
        filtered = spectra.planck(3200) * np.exp(-1.9 * (spectra.WAVELENGTHS - 560) / 200)
        cool = 0.5 * cool + 0.5 * world_lights.scaled(filtered)
    return world_lights.scaled(warm), world_lights.scaled(cool)


def owned(measured: Array) -> list[Array]:
    """Charts that makers may fit to: the ColorChecker, all charts, `measured` reflectances, random ones."""
    return [spectra.colorchecker(), world_surfaces.charts(), measured, spectra.training()]


def _tuples(rows: Array) -> Any:
    return tuple(tuple(tuple(float(v) for v in row) for row in m) for m in rows)
