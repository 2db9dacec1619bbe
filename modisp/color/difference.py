"""Small colour differences: how far ΔE2000 changes with small changes of linear colour."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from modisp.color import spaces


def lab(rgb: Tensor) -> Tensor:
    """(..., 3) linear Rec.2020, white (1, 1, 1) → CIE 1976 L*, a*, b* for that white."""
    to_xyz = spaces.between64("rec2020", "xyz").to(rgb.device, rgb.dtype)
    ratio = rgb @ (to_xyz / to_xyz.sum(1, keepdim=True)).T
    cut = 6 / 29
    f = torch.where(ratio > cut**3, ratio.clamp_min(cut**3) ** (1 / 3), ratio / (3 * cut**2) + 4 / 29)
    x, y, z = f.unbind(-1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-1)


def local_frame(colour: Tensor) -> Tensor:
    """(..., 3) L*a*b* → F (..., 3, 3): the length of F·δ is ΔE2000 between `colour` and `colour` + δ, for small δ.

    The weights of G. Sharma, W. Wu, E. Dalal, Color Research and Application 2005, held fast at `colour`.
    """
    l, a, b = colour.unbind(-1)  # noqa: E741  # as CIE names it
    c7 = torch.hypot(a, b) ** 7
    g = 0.5 * (1 - (c7 / (c7 + 25.0**7)).sqrt())
    a = a * (1 + g)
    c = torch.hypot(a, b).clamp_min(1e-6)
    h = torch.atan2(b, a)
    one = math.radians(1)
    t = 1 - 0.17 * torch.cos(h - 30 * one) + 0.24 * torch.cos(2 * h)
    t = t + 0.32 * torch.cos(3 * h + 6 * one) - 0.2 * torch.cos(4 * h - 63 * one)
    sl = 1 + 0.015 * (l - 50) ** 2 / (20 + (l - 50) ** 2).sqrt()
    sc, sh = 1 + 0.045 * c, 1 + 0.015 * c * t
    turn = 30 * one * torch.exp(-(((torch.rad2deg(h) % 360 - 275) / 25) ** 2))
    rt = -torch.sin(2 * turn) * 2 * (c**7 / (c**7 + 25.0**7)).sqrt()
    cos, sin, zero = a / c, b / c, torch.zeros_like(c)
    chroma = torch.stack([zero, cos * (1 + g) / sc, sin / sc], -1)
    hue = torch.stack([zero, -sin * (1 + g) / sh, cos / sh], -1)
    # x² + y² + RT·x·y = (x + RT/2·y)² + (1 − RT²/4)·y²
    light = torch.stack([1 / sl, zero, zero], -1)
    mixed = chroma + rt[..., None] / 2 * hue
    return torch.stack([light, mixed, (1 - rt[..., None] ** 2 / 4).sqrt() * hue], -2)


def linear_frame(rgb: Tensor) -> Tensor:
    """(..., 3) linear Rec.2020 → (..., 3, 3): as `local_frame`, of small changes of the linear colour itself."""
    to_xyz = spaces.between64("rec2020", "xyz").to(rgb.device, rgb.dtype)
    to_xyz = to_xyz / to_xyz.sum(1, keepdim=True)
    ratio = rgb @ to_xyz.T
    cut = 6 / 29
    bend = torch.where(
        ratio > cut**3, ratio.clamp_min(cut**3) ** (-2 / 3) / 3, torch.full_like(ratio, 1 / (3 * cut**2))
    )
    to_lab = rgb.new_tensor([[0.0, 116.0, 0.0], [500.0, -500.0, 0.0], [0.0, 200.0, -200.0]])
    return local_frame(lab(rgb)) @ (to_lab * bend[..., None, :]) @ to_xyz
