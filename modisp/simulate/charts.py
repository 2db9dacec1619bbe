"""What charts look like under the lights they are photographed in, when all that is known of the light is its colour."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from modisp.color import spaces
from modisp.simulate import spectra, world_lights

Array = NDArray[np.float64]

CHARTS = ("colorchecker24",)
"""Charts by name: `colorchecker24` is the ColorChecker Classic, 6 × 4, in reading order with the neutrals below."""
STEP = 20.0
"""Mired from one light to the next of those under which colours are worked out."""
_MIRED = np.arange(50.0, 520.0, STEP)


def to_rec2020(light: Array) -> Array:
    """(81, 3): reflectances (N, 81) times this are linear Rec.2020 as seen under a light (81,), adapted to D65; white is 1."""
    adapted = spaces.adaptation(spectra.xy_of(light), spaces.D65).numpy()
    out = (spaces.between64("xyz", "rec2020").numpy() @ adapted @ (spectra.observer() * light)).T
    return np.asarray(out / out.sum(0))


@lru_cache(maxsize=1)
def under_smooth_lights() -> Array:
    """(n, 81, 3): `to_rec2020` of daylight, and of black bodies below 4000 K, `STEP` mired apart from 20000 K on."""
    kelvins = 1e6 / _MIRED
    return np.array([to_rec2020(world_lights.daylight(k) if k > 4000 else spectra.planck(k)) for k in kelvins])


def nearest(mired: Array | float) -> NDArray[np.int64]:
    """Index of the nearest light of `under_smooth_lights`."""
    return np.asarray(np.rint((np.asarray(mired) - _MIRED[0]) / STEP).clip(0, len(_MIRED) - 1), np.int64)


def reference(chart: str, kelvin: float) -> Array:
    """Linear Rec.2020 (N, 3) of a chart's patches as they look under a smooth light of that temperature, adapted to D65.

    Raises ValueError for an unknown chart.
    """
    if chart not in CHARTS:
        raise ValueError(f"no chart is called {chart!r}: there is {', '.join(CHARTS)}")
    return np.asarray(spectra.colorchecker() @ under_smooth_lights()[int(nearest(1e6 / kelvin))])
