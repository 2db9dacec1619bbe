"""Blotches of colour: noise that lies too low for a network that looks about itself, taken off where it cannot be colour.

The means of colours over small cells are parted into brightness and two differences, these by the algorithm "à trous"
(M. Holschneider et al. 1989) with the kernel (1 2 1)/4, and every coefficient d is shrunk by the local Wiener rule
g = max(0, 1 − λ·v/e) (M. K. Mıhçak et al., IEEE SPL 6, 1999), e being the mean of d² round it and v the variance that noise
gives it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from modisp.image import RGB
from modisp.native import F as F32
from modisp.native import kernel
from modisp.operators.cells import layout, led_back, samples, sums
from modisp.operators.cfa import CFA, period

LEVELS = 3
LEFT = (0.45, 0.75, 0.95)
"""Of noise of so many cells, what networks leave: its standard deviation as a part of what it was, by trial."""
NEED = 1.5
"""λ: how many times the noise's variance a neighbourhood must hold to be left alone in part."""
REACH = 104
"""Pixels beyond a pixel that `blotches` looks."""


def blotches(mosaic: Tensor, cfa: CFA, white: RGB, shot: float, read: float) -> Tensor:
    """(1, H, W): what to take off a mosaic whose fine noise is gone; its brightness, and colour over 100 pixels, stay.

    ``shot · x + read`` was the variance of its noise at signal x; ``white``: what a neutral grey's samples are like.
    """
    edge = max(p for p in (6, 8) if p % period(cfa)[0] == 0)
    h, w = mosaic.shape[1:]
    cells, own = layout(cfa, edge, h, w), samples(mosaic)
    found, ones = np.empty(cells.shape, F32), np.empty(cells.shape, F32)
    sums(own, F32(-np.inf), *cells, found)
    sums(np.ones_like(own), F32(0), *cells, ones)
    count = torch.from_numpy(ones).clamp_min(1)
    field = _noise_of(torch.from_numpy(found) / count, count, torch.tensor(white)[:, None, None], shot, read)
    out = torch.empty(mosaic.shape)
    _spread(out[0].numpy(), field.contiguous().numpy(), cells.own, cells.ramps)
    return out.to(mosaic.device)


def _noise_of(means: Tensor, count: Tensor, white: Tensor, shot: float, read: float) -> Tensor:
    """(3, h, w) means of so many samples → what of them is noise of colour alone."""
    variance = (means.clamp_min(0) * shot + read) / count / white**2
    r, g, b = means / white
    light = (r + 2 * g + b) / 4
    vr, vg, vb = variance
    rest = torch.stack([r - light, b - light])
    expected = torch.stack([9 * vr + 4 * vg + vb, 9 * vb + 4 * vg + vr]) / 16
    taken = torch.zeros_like(rest)
    for level in range(LEVELS):
        smooth = _smooth(rest, 1 << level)
        d = rest - smooth
        usual = expected * (_spread_of(level) * LEFT[level] ** 2)
        energy = _mean3((d * d / usual.clamp_min(1e-20)).mean(0, keepdim=True), 1 << level)
        taken += d * (NEED / energy.clamp_min(NEED))
        rest = smooth
    return torch.stack([taken[0], -(taken[0] + taken[1]) / 2, taken[1]]) * white


def _smooth(x: Tensor, step: int) -> Tensor:
    """(C, h, w) by (1 2 1)/4 with holes, edges repeated."""
    return _three(x, step, 2)


def _mean3(x: Tensor, step: int) -> Tensor:
    """(C, h, w): means of 3 × 3 with holes, edges repeated."""
    return _three(x, step, 1)


def _three(x: Tensor, step: int, middle: int) -> Tensor:
    for pad in ((0, 0, step, step), (step, step, 0, 0)):
        p = F.pad(x[None], pad, "replicate")[0]
        ends = p[:, : -2 * step] + p[:, 2 * step :] if pad[2] else p[..., : -2 * step] + p[..., 2 * step :]
        x = ends.add_(x, alpha=middle) / (2 + middle)
    return x


@lru_cache(maxsize=8)
def _spread_of(level: int) -> float:
    """The variance of a coefficient of white noise of variance 1."""
    x = torch.zeros(1, 129, 129)
    x[0, 64, 64] = 1
    for i in range(level):
        x = _smooth(x, 1 << i)
    return float((x - _smooth(x, 1 << level)).square().sum())


@kernel
def _spread(out: Any, field: Any, own: Any, ramps: Any) -> None:
    wide = field.shape[2]
    line, way = np.empty(wide + 2, F32), np.empty((wide + 1) * ramps.size, F32)
    for y in range(out.shape[0]):
        led_back(field, y, own, ramps, line, way, out[y])
