"""Companding: what the networks see instead of linear light, and its exact inverse."""

from __future__ import annotations

import math
from typing import TypeVar

from torch import Tensor

Number = TypeVar("Number", float, Tensor)

BENT, STRAIGHT = 0.002, 4.0
"""Softness of the square root: for linear light, and for values that were encoded already, which stay nearly as they are.
Either way what a network sees is nearly what is shown, and so its errors count as they are seen."""

DARK, LIGHT = 0.1, 0.4
"""Mean levels (of logarithms) of pictures in linear light, and of encoded ones."""

STEPS = 16
"""Of the knee by level: what hardly moves the level does not move it."""

NOTICED = 1e-7
"""A variance of noise below which it tells nothing: a twelfth of an 8-bit step."""


def tells(shot: float, read: float) -> bool:
    """Is there noise enough to tell what the values are?"""
    return shot > 0 or read >= NOTICED


def knee_of(shot: float, read: float, level: float | None = None) -> float:
    """The knee for a picture: what evens its noise out, of variance ``shot * x + read`` at signal x; or by its ``level``.

    Noise that grows with light is that of light itself; noise that does not is met where values were encoded.  Where there
    is none, the level tells: 0.1 or darker (see `level_of`) is taken for light, 0.4 or brighter for encoded; between them
    the knee goes from one to the other.  No level: light.  In steps, and whatever share of the noise is left: what is done to
    the samples before does not move it.
    """
    if shot > 0:
        return min(max(BENT, float(f"{read / shot:.3g}")), STRAIGHT)
    if tells(shot, read):
        return STRAIGHT
    share = 0.0 if level is None else math.log(max(level, DARK) / DARK) / math.log(LIGHT / DARK)
    return float(BENT * (STRAIGHT / BENT) ** (round(min(share, 1.0) * STEPS) / STEPS))


def level_of(x: Tensor) -> float:
    """The geometric mean of samples, 1.0 = white; blacks count as a thousandth."""
    return float(x.clamp_min(1e-3).log_().mean().exp_())


def compand(x: Tensor, knee: Number) -> Tensor:
    """Scaled values, any range → companded; 0 → 0, 1 → 1; straight below 0. Same shape. A tensor ``knee`` broadcasts."""
    root = knee**0.5
    scale = (1 + knee) ** 0.5 + root
    out: Tensor = x.clamp_min(0).add_(knee).sqrt_().sub_(root)
    out.add_(x.clamp_max(0).mul_(1 / (2 * root)))
    out.mul_(scale)
    return out


def expand(u: Tensor, knee: Number) -> Tensor:
    """Inverse of `compand`."""
    root = knee**0.5
    out: Tensor = u * (1 / ((1 + knee) ** 0.5 + root))
    positive = out.clamp_min(0)
    out.mul_(2 * root).addcmul_(positive, positive)
    return out


def slope(x: Tensor, knee: Number) -> Tensor:
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
