"""Closed-form interpolation of a mosaic: what the learned residual is added to.

Linear in the samples, with weights that sum to one: flat areas of any colour come out exact.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from .mosaic import PATTERNS, masks
from .shuffle import shuffle, unshuffle


def interpolate(u: Tensor, cfa: str) -> Tensor:
    """(B, 1, H, W) mosaic in the phase of `mosaic.PATTERNS` → (B, 3, H, W)."""
    return malvar(u) if cfa == "bayer" else smooth(u, cfa)


def malvar(u: Tensor) -> Tensor:
    """Bayer RGGB by H. S. Malvar, L. He, R. Cutler, ICASSP 2004."""
    return shuffle(malvar_planes(unshuffle(u, 2)), 2)


def malvar_planes(planes: Tensor) -> Tensor:
    """(B, 4, h, w), a mosaic unshuffled → (B, 12, h, w), what `malvar` shuffles: one 3x3 convolution."""
    planes = F.pad(planes, (1, 1, 1, 1), "replicate")
    weight = _malvar_weight().to(device=planes.device, dtype=planes.dtype)
    return F.conv2d(planes.contiguous(memory_format=torch.channels_last), weight)


def smooth(u: Tensor, cfa: str) -> Tensor:
    """Any filter array: normalised-convolution green, then colour differences the same way.

    H. Knutsson, C.-F. Westin, CVPR 1993, with Gaussian weights as narrow as the pattern's gaps allow.
    """
    mask = masks(cfa, u.shape[-2], u.shape[-1], u.device).to(u.dtype)
    tight, wide = (0.6, 0.9) if cfa == "xtrans" else (0.9, 1.3)
    green = _fill(u, mask[1:2], tight)
    green = green + mask[1:2] * (u - green)
    red = green + _fill(u - green, mask[0:1], wide)
    blue = green + _fill(u - green, mask[2:3], wide)
    return torch.cat([red, green, blue], dim=1)


def own_mean(u: Tensor, masks: Tensor, sigma: float = 1.5) -> Tensor:
    """(B, 1, H, W) mosaic → at every sample the mean of its own colour round it, by Gaussian weights (reach 4 pixels).

    ``masks`` (3, H, W) as `mosaic.masks`; ``sigma`` in pixels.
    """
    out = torch.zeros_like(u)
    for mask in masks.to(u.dtype).unsqueeze(1):
        out = torch.addcmul(out, mask, _fill(u, mask, sigma))
    return out


def _fill(values: Tensor, mask: Tensor, sigma: float) -> Tensor:
    return _blur(values * mask, sigma) / _blur(mask[None], sigma)


def _blur(x: Tensor, sigma: float) -> Tensor:
    taps = torch.exp(-0.5 * (torch.arange(-4, 5, device=x.device, dtype=x.dtype) / sigma) ** 2)
    x = F.conv2d(x, taps.view(1, 1, 1, -1), padding=(0, 4))
    return F.conv2d(x, taps.view(1, 1, -1, 1), padding=(4, 0))


@cache
def _malvar_weight() -> Tensor:
    """The four 5x5 filters laid out as one convolution, 4 planes in, 3 colours x 4 positions out."""
    cross = torch.tensor([[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0],
                          [0, 0, -1, 0, 0]]) / 8.0  # fmt: skip
    rows = torch.tensor([[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0],
                         [0, 0, 0.5, 0, 0]]) / 8.0  # fmt: skip
    corner = torch.tensor([[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5],
                           [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]) / 8.0  # fmt: skip
    pattern = PATTERNS["bayer"]
    weight = torch.zeros(3, 4, 4, 3, 3)
    for y in range(2):
        for x in range(2):
            here = int(pattern[y, x])
            for colour in range(3):
                if colour == here:
                    kernel = torch.zeros(5, 5)
                    kernel[2, 2] = 1.0
                elif colour == 1:
                    kernel = cross
                elif here != 1:
                    kernel = corner
                else:  # red or blue at green: its neighbours are either in this row or this column
                    kernel = rows if int(pattern[y, 1 - x]) == colour else rows.T
                for dy in range(-2, 3):
                    for dx in range(-2, 3):
                        plane = (y + dy) % 2 * 2 + (x + dx) % 2
                        weight[colour, y * 2 + x, plane, (y + dy) // 2 + 1, (x + dx) // 2 + 1] += kernel[dy + 2, dx + 2]
    return weight.reshape(12, 4, 3, 3)
