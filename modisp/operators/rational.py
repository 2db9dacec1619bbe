"""Colour correction by rational functions of degree one: what a 3×3 matrix cannot do, and no exposure changes.

Finlayson, Mackiewicz and Hurlbert ("Color correction using root-polynomial regression", IEEE TIP 2015) add to R, G, B terms of
the same degree, such as √(R·G), so that twice the light gives twice the colour.  Here terms are made of the ratio of a
difference to a sum.  For each pair of channels, (R, G), (G, B), (B, R), with difference d, sum s and ratio a = d/s, they are

    d,  d·a,  d·a²

(all d first, then all d·a, then all d·a²): they err as little as roots, are cheaper, vanish at grey and are steep nowhere.
"""

from __future__ import annotations

import threading

import torch

TERMS = 9
"""How many terms there are.  The first three sum to 0."""
FADE = 0.025
"""Sum of the channels at which half of the correction is left: in the dark it would follow the noise.  From 0.1 on 99.6 % are."""
_LEAST = 5e-8  # instead of 0, so that no sum is 0
_STRIP = 50_000  # pixels worked on at a time, so that all terms stay in the processor's cache
_held = threading.local()


def terms(rgb: torch.Tensor) -> torch.Tensor:
    """(..., 3, N) balanced colours → the terms (..., 9, N); all are 0 where R = G = B, none is larger than the colour.

    What is below 0 counts as 0.
    """
    x = rgb.clamp_min(_LEAST)
    y = x.roll(-1, -2)
    d = x - y
    a = d / (x + y)
    return torch.cat([d, d * a, d * a * a], -2)


def correct(matrix: torch.Tensor, coefficients: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """Balanced (3, H, W) → `matrix` (3, 3; rows sum to 1) times them, and `coefficients` (3, 9) times their terms.

    Grey stays grey to the last bit; from a channel sum of 0.1 on, k times the light gives k times the correction within 1 %;
    in the dark it fades to the matrix alone.
    """
    flat = pixels.reshape(3, -1)
    weights = torch.cat([matrix[:, 0::2], coefficients], 1).to(flat.device, flat.dtype)
    out = torch.empty_like(flat)
    for start in range(0, flat.shape[1], _STRIP):
        x = flat[:, start : start + _STRIP]
        rows, light, rest = _room(x)
        torch.sub(x[0::2], x[1], out=rows[:2])
        torch.clamp_min(x, _LEAST, out=light[:3])
        share, total = rest[:2]
        torch.add(light[0], light[1], out=share).add_(light[2]).square_().square_()
        light[:3].mul_(share.div_(torch.add(share, FADE**4, out=total)))
        light[3] = light[0]
        d = torch.sub(light[:3], light[1:], out=rows[2:5])
        a = torch.add(light[:3], light[1:], out=rest)
        torch.div(d, a, out=a)
        torch.mul(d, a, out=rows[5:8])
        torch.mul(rows[5:8], a, out=rows[8:])
        torch.addmm(x[1], weights, rows, out=out[:, start : start + _STRIP])
    return out.view_as(pixels)


def _room(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Each thread's own workspace for the pixels `x` (3, n): (2 + 9, n), (4, n), (3, n)."""
    # fresh memory costs as much as the sums
    held: torch.Tensor | None = getattr(_held, "room", None)
    if held is None or held.device != x.device or held.dtype != x.dtype:
        with torch.inference_mode(False):
            held = _held.room = torch.empty(9 + TERMS, _STRIP, device=x.device, dtype=x.dtype)
    n = x.shape[1]
    part = held if n == _STRIP else held.flatten()[: (9 + TERMS) * n].view(9 + TERMS, n)
    return part[: 2 + TERMS], part[2 + TERMS : 6 + TERMS], part[6 + TERMS :]
