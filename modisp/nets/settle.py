"""What a deblurred mosaic still lacks, by the blurred one: blurred again, the first must give the second.

One step of P. H. van Cittert's iteration (Z. Physik 69, 1931) from where a network ends, which errs on the soft side.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

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
    period = PATTERNS[cfa].shape[0]
    rim = -(-RIM // period) * period
    x = fit(sharp, period, period, dy, dx, rim)
    grey = tiled(white[PATTERNS[cfa].to(white.device)], x.shape[-2], x.shape[-1])
    soft = _blur(interpolate((x / grey)[None], cfa), radius)
    return clean - unfit(sample(soft, cfa)[0] * grey, height, width, dy, dx, rim)


def _blur(x: Tensor, sigma: float) -> Tensor:
    reach = math.ceil(3 * sigma)
    at = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    taps = torch.exp(-0.5 * (at / sigma) ** 2)
    taps = (taps / taps.sum()).view(1, 1, 1, -1)
    count, channels, height, width = x.shape
    x = F.pad(x, (reach, reach, reach, reach), "replicate").view(count * channels, 1, height + 2 * reach, -1)
    return F.conv2d(F.conv2d(x, taps), taps.mT).view(count, channels, height, width)
