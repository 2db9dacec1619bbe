"""What photographs hold too little of for a network to learn it: points of light, and deep shade beside brightness.

Linear light, 1.0 = saturation; patches are (B, 3, H, W).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

POINTS = 24
"""Of light in a patch that has some, at most."""
DEEP = 8.0
"""Stops that shade is darker by, at most."""


def pointed(light: Tensor, random: torch.Generator, share: float = 0.2) -> Tensor:
    """Stars, lamps far away, sparks on water: Gaussian spots of 0.3 to 0.9 pixels anywhere in a `share` of the patches."""
    count, _, height, width = light.shape

    def chance(*shape: int) -> Tensor:
        return torch.rand(count, POINTS, *shape, generator=random)

    size = (0.3 + 0.6 * chance(1)) * math.sqrt(2)
    # The light that each pixel gets, its whole area counted.
    down, across = (
        torch.special.erf((torch.arange(n + 1) - n * chance(1)) / size).diff(dim=-1) / 2 for n in (height, width)
    )
    there = (torch.rand(count, 1, 1, generator=random) < share) & (chance(1) < 0.6)
    peak = 10 ** (-2.2 + 2.2 * chance(1)) * torch.exp2(0.4 * torch.randn(count, POINTS, 3, generator=random)) * there
    spots = torch.einsum("bnc,bny,bnx->bcyx", peak, down, across)
    return (light + spots).clamp(0, 1)


def shaded(light: Tensor, random: torch.Generator, share: float = 0.25) -> Tensor:
    """In a `share` of the patches shade falls on a part, or on all of it: up to `DEEP` stops, edges sharp or soft."""
    count, _, height, width = light.shape

    def chance() -> Tensor:
        return torch.rand(count, 1, 1, 1, generator=random)

    y, x = torch.meshgrid(torch.arange(height) - height / 2, torch.arange(width) - width / 2, indexing="ij")
    turn = 2 * math.pi * chance()
    away = turn.cos() * x + turn.sin() * y + (chance() - 0.5) * width
    shade = (away * torch.exp2(2 - 4 * chance())).sigmoid() * (chance() < share)
    return light * torch.exp2(-DEEP * chance() * shade)
