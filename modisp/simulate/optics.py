"""Point spread functions: pixel box, diffraction, defocus disc, Gaussian, small motion."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

FINE = 8
"""Subpixels each way on which a PSF is drawn before its pixels are summed."""


def radius(psf: Tensor) -> float:
    """Standard deviation per axis of a (k, k) PSF, pixels: how blur is told to the networks."""
    side = psf.shape[-1]
    at = torch.arange(side, dtype=psf.dtype) - (side - 1) / 2
    total = psf.sum()
    x, y = psf.sum(0) / total, psf.sum(1) / total
    variance = sum(float((p * at**2).sum() - (p * at).sum() ** 2) for p in (x, y)) / 2
    return math.sqrt(max(variance, 0.0))


def gaussian(sigma: float, side: int = 11) -> Tensor:
    """(side, side), sums to one; ``sigma`` in pixels."""
    x, y = _grid(side)
    return _pixels(torch.exp(-0.5 * (x**2 + y**2) / max(sigma, 0.05) ** 2), side)


def defocus(disc: float, side: int = 11) -> Tensor:
    """Out of focus: an even disc of radius ``disc`` pixels."""
    x, y = _grid(side)
    edge = (disc - torch.hypot(x, y)) * FINE + 0.5
    return _pixels(edge.clamp(0, 1), side)


def motion(length: float, angle: float, side: int = 11) -> Tensor:
    """A straight move of ``length`` pixels during exposure; ``angle`` in radians."""
    x, y = _grid(side)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    line = torch.exp(-0.5 * (across / 0.3) ** 2) * ((length / 2 - along.abs()) * FINE + 0.5).clamp(0, 1)
    return _pixels(line, side)


def diffraction(f_number: float, pitch: float, wavelength: float = 0.55, side: int = 11) -> Tensor:
    """Airy pattern of a round aperture; ``pitch`` (pixel) and ``wavelength`` in micrometres."""
    x, y = _grid(side)
    v = (math.pi / (wavelength * f_number)) * torch.hypot(x, y).clamp_min(1e-6) * pitch
    return _pixels((2 * torch.special.bessel_j1(v) / v) ** 2, side)


def box(width: float, side: int = 11) -> Tensor:
    """A square aperture ``width`` pixels wide: binning, or an antialiasing filter's two spots."""
    x, y = _grid(side)
    edges = [((width / 2 - at.abs()) * FINE + 0.5).clamp(0, 1) for at in (x, y)]
    return _pixels(edges[0] * edges[1], side)


def draw(random: torch.Generator, largest: float = 1.8, side: int = 11) -> tuple[Tensor, float]:
    """A PSF of the family with a radius up to about ``largest`` pixels, and that radius."""
    kind, size, turn = (float(v) for v in torch.rand(3, generator=random))
    size = 0.3 + (largest - 0.3) * size
    if kind < 0.5:
        psf = gaussian(size, side)
    elif kind < 0.75:
        psf = defocus(2 * size, side)
    elif kind < 0.85:
        psf = motion(2.5 * size, turn * math.pi, side)
    elif kind < 0.93:
        psf = box(3 * size, side)
    else:
        psf = diffraction(4 + 18 * size / largest, 2.5, side=side)
    return psf, radius(psf)


def blur(image: Tensor, psf: Tensor) -> Tensor:
    """(B, C, H, W) with one PSF (k, k) or one per picture (B, k, k); edges repeated."""
    count, channels, height, width = image.shape
    side = psf.shape[-1]
    kernels = psf.expand(count, side, side).repeat_interleave(channels, 0).unsqueeze(1)
    flat = image.reshape(1, count * channels, height, width)
    padded = F.pad(flat, (side // 2,) * 4, mode="replicate")
    out = F.conv2d(padded, kernels.to(image.dtype), groups=count * channels)
    return out.view(count, channels, height, width)


def _grid(side: int) -> tuple[Tensor, Tensor]:
    at = (torch.arange(side * FINE) + 0.5) / FINE - side / 2
    return at[None, :], at[:, None]


def _pixels(fine: Tensor, side: int) -> Tensor:
    whole = fine.view(side, FINE, side, FINE).sum(dim=(1, 3))
    return whole / whole.sum()
