"""Sharpening for output: what a screen or a print takes away at the final size is given back, without halos."""

from __future__ import annotations

import torch

from modisp.operators.layers import extremes, gauss, luma

SHARPNESS = {"screen": (0.6, 0.55), "print": (1.0, 0.9)}
"""Radius (sigma, pixels of the finished picture) and amount by purpose."""
_OVER = 0.06  # how far beyond its neighbours an edge may go
_GAMMA = 2.2


def sharpened(rgb: torch.Tensor, sigma: float, amount: float) -> torch.Tensor:
    """Display-linear pixels (3, H, W) in [0, 1] with their fine edges made steeper; an unsharp mask on perceived brightness.

    Colours keep their ratios, flat areas stay exactly as they are, and no edge overshoots its neighbours by more than a little,
    so that there are no halos.  New pixels, in [0, 1].
    """
    seen = luma(rgb).clamp_min(0).pow(1 / _GAMMA)
    low, high = extremes(seen, 1)
    new = seen + amount * (seen - gauss(seen, sigma))
    new = torch.minimum(torch.maximum(new, low - _OVER), high + _OVER).clamp_min(0)
    gain = torch.where(seen > 1e-4, new / seen.clamp_min(1e-4), torch.ones_like(seen)).pow(_GAMMA)
    return (rgb * gain).clamp(0, 1)
