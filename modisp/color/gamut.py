"""Gamut mapping: colours that a space cannot show are led inside, with the lightness and the hue that they had.

Hue and lightness are those of Oklab (Ottosson 2020), in which blues that lose chroma stay blue.  How far a colour has gone
from the grey of its lightness (0) to the edge of the gamut (1) is its reach.  Up to `KNEE` nothing changes; beyond, the reach
is bent so that it nears 1 and never gets there, and chroma is scaled to the reach wanted.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from modisp.color import spaces

KNEE = 0.92  # a colour on the gamut's edge keeps 98.7 % of its reach
_EPS = 1e-6
_ROUNDS = 1


@lru_cache(maxsize=16)
def _matrices(space: str, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    lms = spaces.to_lms(space)
    parts = (lms, torch.linalg.inv(lms), spaces.lms_to_lab()[0])
    lms, rgb, lightness = (m.float().to(device) for m in parts)
    return lms, rgb, lightness


@lru_cache(maxsize=16)
def _light(space: str, device: torch.device) -> torch.Tensor:
    lms, _, lightness = _matrices(space, device)
    return lightness.clamp_min(0.0) @ lms


def suspects(linear: torch.Tensor, space: str) -> torch.Tensor:
    """Which of the colours (3, N) may have a reach above `KNEE`, as (N,) bool: a quick test that never misses one.

    The grey of equal lightness is a power mean of the cones' answers with exponent 1/3, so their plain mean bounds it from
    above, up to the 1 % by which Oklab's weights differ from a mean's; for colours that Rec.2020 can hold it lies within a
    fifth below.
    """
    light = _light(space, linear.device) @ linear
    low, high = linear.amin(0), linear.amax(0)
    above = torch.sub(high, light, alpha=0.8 * (1.0 - KNEE)).sub_(KNEE)
    below = light.mul_(1.01 * (1.0 - KNEE)).sub_(low)
    chroma = high.sub_(low).sub_(_EPS)  # greys have none to lose
    return torch.minimum(torch.maximum(below, above), chroma) > 0


def bend(reach: torch.Tensor) -> torch.Tensor:
    """Reach after mapping: the same up to `KNEE`, then KNEE + (1 − KNEE)·u/(1 + u⁴)^¼, which nears 1."""
    u = (reach - KNEE).div_(1.0 - KNEE).clamp_min_(0.0)
    fourth = u.square().square_()
    bent = u.div_(fourth.add_(1.0).sqrt_().sqrt_())
    return torch.minimum(reach, bent.mul_(1.0 - KNEE).add_(KNEE))


def compress(linear: torch.Tensor, space: str) -> torch.Tensor:
    """Colours (3, N) of linear `space`, of any size, led into [0, 1]: a new tensor.

    Along the line of constant Oklab lightness and hue, every channel is a cubic in the share s of chroma that is kept, so the
    s for a wanted reach is found by a few steps without leaving linear light.
    """
    lms, rgb, lightness = _matrices(space, linear.device)
    cones = lms @ linear
    roots = cones.abs().clamp_min_(1e-12).log_().div_(3.0).exp_().copysign_(cones)  # three times as fast as a power
    light = lightness @ roots
    k = roots.sub_(light)
    lifted = light.square().mul_(3.0)
    grey = lifted * light.div(3.0)
    # channel(s) = grey + s·c1 + s²·c2 + s³·c3
    square = k * k
    c3 = rgb @ (square * k)
    c2 = (rgb @ square).mul_(light.mul_(3.0))
    c1 = (rgb @ k).mul_(lifted)
    up, down = (1.0 - grey).clamp_min_(_EPS).reciprocal_(), grey.clamp_min(_EPS).reciprocal_().neg_()

    def slope(q: torch.Tensor) -> torch.Tensor:  # reach at s, divided by s
        return torch.maximum(q.amax(0).mul_(up), q.amin(0).mul_(down)).clamp_min_(_EPS)

    full = slope(torch.add(c1, c2).add_(c3))
    wanted = bend(full)
    first = slope(c1)
    # reach as a parabola with the slope that it has at 0, through the colour itself: where it takes the value wanted
    root = first.square().addcmul_(full - first, wanted, value=4.0).clamp_min_(0.0).sqrt_()
    s = wanted.mul(2.0).div_(root.add_(first)).clamp_(0.0, 1.0)
    for _ in range(_ROUNDS):  # Newton on s·slope(s) = wanted, with the slope taken as linear between s and 1
        q = torch.addcmul(c2, c3, s)
        now = slope(torch.addcmul(c1, q, s, out=q))
        rise = (full - now).div_((1.0 - s).clamp_min_(1e-4))
        step = torch.addcmul(wanted, now, s, value=-1.0).div_(torch.addcmul(now, rise, s).clamp_min_(1e-3))
        s = step.add_(s).clamp_(0.0, 1.0)
    q = torch.addcmul(c2, c3, s)
    torch.addcmul(c1, q, s, out=q)
    return torch.addcmul(grey, q, s, out=q).clamp_(0.0, 1.0)


def fit(linear: torch.Tensor, space: str) -> torch.Tensor:
    """`linear` (3, N) of linear `space`, mapped into its gamut in place; colours well inside are not touched."""
    found = suspects(linear, space).nonzero()[:, 0]
    if found.numel():
        linear.index_copy_(1, found, compress(linear.index_select(1, found), space))
    return linear
