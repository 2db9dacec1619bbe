"""Sensor noise: shot + read (+ rows), clipped. 1.0 = saturation; variance at signal x is a x + b."""

from __future__ import annotations

import torch
from torch import Tensor

SHOT_RANGE = (1e-4, 1.2e-2)
"""Shot noise ``a`` from about ISO 100 to ISO 12800."""


def sample_profile(
    count: int, random: torch.Generator | None = None, shot_range: tuple[float, float] = SHOT_RANGE
) -> tuple[Tensor, Tensor]:
    """(a, b), each (count, 1, 1, 1): log-uniform shot noise and the read variance that goes with it.

    T. Brooks et al., "Unprocessing images for learned raw denoising", CVPR 2019: natural logarithms,
    log b ~ N(2.18 log a + 1.2, 0.26).
    """
    low, high = (torch.tensor(v).log() for v in shot_range)
    shape = (count, 1, 1, 1)
    log_shot = low + (high - low) * torch.rand(shape, generator=random)
    log_read = 2.18 * log_shot + 1.2 + 0.26 * torch.randn(shape, generator=random)
    return log_shot.exp(), log_read.exp()


def add_noise(
    x: Tensor,
    shot: Tensor,
    read: Tensor,
    random: torch.Generator | None = None,
    rows: float = 0.0,
    exact: bool = False,
) -> Tensor:
    """Noise-free samples (B, 1, H, W) → noisy ones, not clipped.

    ``rows``: offset of a whole row, in read-noise sigmas. ``exact`` counts photons (Poisson), which
    matters below some ten electrons; otherwise a Gaussian of the same variance, which is quicker.
    """
    light = x.clamp_min(0)
    if exact:
        counted = torch.poisson(light / shot.clamp_min(1e-9), generator=random) * shot
        signal = torch.where(shot > 1e-9, counted, light) + x.clamp_max(0)
        spread = read.sqrt()
    else:
        signal, spread = x, (shot * light + read).sqrt()
    noisy = signal + spread * torch.randn(x.shape, generator=random)
    if rows:
        noisy = noisy + rows * read.sqrt() * torch.randn((*x.shape[:-1], 1), generator=random)
    return noisy


def clip(x: Tensor, low: float = -1.0, high: float = 1.0) -> Tensor:
    """What the converter can hold: ``low`` = −black / (white − black), 0 for files without a pedestal."""
    return x.clamp(low, high)
