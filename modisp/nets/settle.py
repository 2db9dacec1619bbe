"""What a deblurred mosaic still lacks, by the blurred one: blurred again, the first must give the second.

One step of P. H. van Cittert's iteration (Z. Physik 69, 1931) from where a network ends, which errs on the soft side.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from . import around
from .interpolate import interpolate
from .mosaic import PATTERNS, RIM, fit, sample, tiled, unfit

REACH = 24
"""Pixels that `lacking` looks each way, at most."""


def lacking(clean: Tensor, sharp: Tensor, radius: float, cfa: str, dy: int, dx: int, white: Tensor) -> Tensor:
    """(1, H, W): ``clean`` less ``sharp`` that is blurred by a Gaussian of standard deviation ``radius``, pixels.

    Every colour is blurred by itself, of a closed-form interpolation; flat areas of any colour come out 0.  ``cfa, dy, dx`` as
    from `mosaic.find_phase`; ``white`` (3,): what a neutral grey's samples are like.
    """
    height, width = clean.shape[-2:]
    pattern = PATTERNS[cfa]
    period = pattern.shape[0]
    rim = -(-RIM // period) * period
    x = fit(sharp, period, period, dy, dx, rim)
    grey = white[pattern.to(white.device)]
    x = (x / tiled(grey, x.shape[-2], x.shape[-1]))[None]
    at = torch.arange(math.ceil(3 * radius) + 1, device=x.device, dtype=x.dtype)
    taps = torch.exp(-0.5 * (at / radius) ** 2)
    taps = taps / (2 * taps.sum() - 1)
    if around.here(x):
        rgb = around.malvar(x) if cfa == "bayer" else interpolate(x, cfa)
        soft = around.blurred_samples(rgb[0], taps, torch.stack([pattern == c for c in range(3)]).float())
    else:
        soft = sample(_blur(interpolate(x, cfa), torch.cat([taps[1:].flip(0), taps])), cfa)[0]
    soft *= tiled(grey, soft.shape[-2], soft.shape[-1])
    return clean - unfit(soft, height, width, dy, dx, rim)


def _blur(x: Tensor, taps: Tensor) -> Tensor:
    reach = len(taps) // 2
    count, channels, height, width = x.shape
    x = F.pad(x, (reach, reach, reach, reach), "replicate").view(count * channels, 1, height + 2 * reach, -1)
    taps = taps.view(1, 1, 1, -1)
    return F.conv2d(F.conv2d(x, taps), taps.mT).view(count, channels, height, width)
