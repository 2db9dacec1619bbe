"""Companding: what the networks see instead of linear light, and its exact inverse."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

Number = TypeVar("Number", float, Tensor)

KNEE = 0.05
"""Softness of the square root. Chosen so that both linear light and already encoded values come
out usable: the slope at black is 4.6 times the slope at white (sRGB: about 29 times)."""


def compand(x: Tensor, knee: float = KNEE) -> Tensor:
    """Scaled values, any range → companded; 0 → 0, 1 → 1; straight below 0. Same shape."""
    root = knee**0.5
    scale = (1 + knee) ** 0.5 + root
    out: Tensor = x.clamp_min(0).add_(knee).sqrt_().sub_(root)
    out.add_(x.clamp_max(0), alpha=1 / (2 * root))
    out.mul_(scale)
    return out


def expand(u: Tensor, knee: float = KNEE) -> Tensor:
    """Inverse of `compand`."""
    root = knee**0.5
    out: Tensor = u * (1 / ((1 + knee) ** 0.5 + root))
    positive = out.clamp_min(0)
    out.mul_(2 * root).addcmul_(positive, positive)
    return out


def slope(x: Tensor, knee: float = KNEE) -> Tensor:
    """d compand / dx at ``x``."""
    scale = (1 + knee) ** 0.5 + knee**0.5
    out: Tensor = scale / (2 * (x.clamp_min(0) + knee).sqrt())
    return out


def stabilise(x: Tensor, shot: Tensor, read: Tensor) -> Tensor:
    """Make noise of variance ``shot * x + read`` even over the range; 0 → 0, 1 → 1.

    A generalised Anscombe transform, written so that ``shot = 0`` is no special case (it is then
    the identity) and straight below 0, where its square root would end. ``shot`` and ``read``
    (variance per unit signal, and at black; both >= 0) broadcast against ``x``.
    """
    base = floor(shot, read)
    root = base.sqrt()
    scale = (shot + base).sqrt() + root
    positive = x.clamp_min(0)
    return scale * (positive / ((shot * positive + base).sqrt() + root) + (x - positive) / (2 * root))


def unstabilise(u: Tensor, shot: Tensor, read: Tensor) -> Tensor:
    """Inverse of `stabilise`."""
    base = floor(shot, read)
    root = base.sqrt()
    v = u / ((shot + base).sqrt() + root)
    positive = v.clamp_min(0)
    return positive * (shot * positive + 2 * root) + (v - positive) * (2 * root)


def stable_sigma(shot: Tensor, read: Tensor) -> Tensor:
    """Standard deviation of the noise after `stabilise` (nearly even over the range)."""
    base = floor(shot, read)
    bright = (shot + base).sqrt() + base.sqrt()
    return 0.5 * bright * ((shot + read) / (shot + base)).sqrt()


def floor(shot: Number, read: Number) -> Number:
    """Under the square root at black: 3/8 shot² is Anscombe's; the rest keeps a noise-free picture finite and untouched."""
    return read + 0.375 * shot * shot + 1e-10
