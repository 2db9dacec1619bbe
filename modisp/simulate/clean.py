"""What is left of a path tracer's noise, smoothed along surfaces: an edge-avoiding wavelet transform.

H. Dammertz et al., "Edge-avoiding À-Trous wavelet transform", HPG 2010, on light without the surfaces' own colour, with
the measured variance as tolerance (C. Schied et al., "Spatiotemporal variance-guided filtering", HPG 2017).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

F = NDArray[np.floating[Any]]
_TAP = (0.375, 0.25, 0.0625)  # B3 spline


def clean(picture: F, guide: F, square: F, samples: int, levels: int = 3) -> NDArray[np.float32]:
    """Filter `picture` (3, H, W).  `guide` (6, H, W): mean albedo and normal; `square` (H, W): mean of squared light."""
    albedo = guide[:3]
    light = picture / np.maximum(albedo, 0.02)
    mean = light.mean(0)
    variance = _blur(np.maximum(square - mean * mean, 0) / samples)
    height, width = mean.shape
    for level in range(levels):
        step = 2**level
        grey = _blur(light.mean(0)) if level == 0 else light.mean(0)
        tolerance = 4 * np.sqrt(variance) + 0.01 * grey + 1e-5
        total, weight, spread = np.zeros_like(light), np.zeros_like(grey), np.zeros_like(grey)
        pad = 2 * step
        wide_light, wide_guide = (_wider(a, pad) for a in (light, guide))
        wide_grey, wide_variance = (_wider(a, pad) for a in (grey, variance))
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                y, x = slice(pad + dy * step, pad + dy * step + height), slice(pad + dx * step, pad + dx * step + width)
                apart = (wide_guide[:, y, x] - guide) ** 2
                w = np.exp(
                    -12 * apart[:3].sum(0) - 10 * apart[3:].sum(0) - np.abs(wide_grey[y, x] - grey) / tolerance
                ) * np.float32(_TAP[abs(dy)] * _TAP[abs(dx)])
                total += w * wide_light[:, y, x]
                weight += w
                spread += w * w * wide_variance[y, x]
        light, variance = total / weight, spread / (weight * weight)
    return (light * np.maximum(albedo, 0.02)).astype(np.float32)


def _wider(a: F, pad: int) -> F:
    return np.asarray(np.pad(a, [(0, 0)] * (a.ndim - 2) + [(pad, pad)] * 2, mode="edge"))


def _blur(a: F) -> F:
    wide = _wider(a, 1)
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    return (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / np.float32(16)
