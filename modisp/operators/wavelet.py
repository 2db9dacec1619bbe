"""Noise in CFA samples by undecimated wavelets: what of a mosaic is likely noise, in brightness and in colour.

A Bayer (or monochrome) mosaic is cut into its four 2×2 phases, which an orthonormal matrix turns into their mean and
three differences; those between unlike colours are chroma.  Larger patterns are interpolated to full colour first
(`modisp.operators.kriging`) and turned into luma and two chroma planes.  Each plane is split by the à trous algorithm
(M. Holschneider et al. 1989) with the kernel (1 2 1)/4, and every coefficient d is shrunk by the local Wiener rule
g = max(0, 1 − λ·v/e) (M. K. Mıhçak et al., IEEE SPL 6, 1999), made smoother at its ends, e being the mean of d² round it
and v the noise variance that a·x + b gives at the local level x.  Everything happens in linear light, so that means are
kept without any inverse of a variance-stabilising curve, and a may be 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch.nn import functional as F

from modisp.image import RGB
from modisp.operators.cfa import CFA, colours, pad, period
from modisp.operators.kriging import interpolate
from modisp.stage import checkpoint

Noise = tuple[tuple[float, float], ...]  # (a, b) for R, G, B

LEVELS = 5
PHASES = torch.tensor(
    [[0.5, 0.5, 0.5, 0.5], [0.5**0.5, 0, 0, -(0.5**0.5)], [0, 0.5**0.5, -(0.5**0.5), 0], [0.5, -0.5, -0.5, 0.5]]
)
OPPONENT = torch.tensor([[0.25, 0.5, 0.25], [0.5, 0, -0.5], [-0.25, 0.5, -0.25]])
FOUND_BY = 3  # radius of the interpolation of larger patterns
NEED = 1.6  # λ: how many times the noise variance a neighbourhood must hold to be left alone


def find_noise(mosaic: torch.Tensor, cfa: CFA, noise: Noise, white: RGB) -> tuple[torch.Tensor, torch.Tensor]:
    """(luma, chroma): what to subtract from (1, H, W) samples to take all brightness, all colour noise off.

    Samples are compared after division by `white` (the as-shot white), so that detail without colour has no chroma.
    """
    # (a, b, white) of R, G, B, so that samples and their noise are those of evenly balanced colours
    balanced = torch.tensor(
        [(a / w, b / w**2, w) for (a, b), w in zip(noise, white, strict=True)], device=mosaic.device
    )
    find = _by_phases if max(period(cfa)) <= 2 else _by_colours
    return find(mosaic, cfa, balanced)


def _by_phases(mosaic: torch.Tensor, cfa: CFA, balanced: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    h, w = mosaic.shape[1:]
    letters = [cfa[i % len(cfa)][j % len(cfa[0])] for i in (0, 1) for j in (0, 1)]
    kinds = torch.tensor([max(0, "RGB".find(c)) if c in "RGB" else 1 for c in letters])
    a, b, whites = (v[:, None, None] for v in balanced[kinds.to(mosaic.device)].unbind(1))
    padded = pad(mosaic, cfa, 0, h % 2, 0, w % 2) if h % 2 or w % 2 else mosaic
    basis = PHASES.to(mosaic.device)
    c = _mix(basis, F.pixel_unshuffle(padded[None], 2)[0] / whites)
    # a difference of planes of one colour is detail, of unlike colours it is chroma
    k = kinds.tolist()
    alike = torch.tensor([True, k[0] == k[3], k[1] == k[2], len(set(k)) == 1], device=mosaic.device)[:, None, None]
    once = smooth(c, 1)
    twice = smooth(once, 2)
    variance = _mix(basis**2, _mix(basis.T, twice).clamp_(min=0).mul_(a).add_(b))
    units = _unit_variances()
    for i in range(4):  # one plane at a time stays in the processor's cache
        plane = slice(i, i + 1)
        c[plane] = _shrink(c[plane], once[plane], twice[plane], lambda j, v=variance[plane]: v * units[j])  # type: ignore[misc]

    def back(planes: torch.Tensor) -> torch.Tensor:
        return F.pixel_shuffle((_mix(basis.T, planes) * whites)[None], 2)[0, :, :h, :w]

    luma = back(c * alike)
    return luma, back(c) - luma


def _by_colours(mosaic: torch.Tensor, cfa: CFA, balanced: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    device = mosaic.device
    a, b, whites = (v[:, None, None] for v in balanced.unbind(1))
    kinds = colours(cfa, *mosaic.shape[1:]).to(device)[None]
    matrix = OPPONENT.to(device)
    inverse = torch.linalg.inv(OPPONENT).to(device)
    full = interpolate(mosaic / whites[:, 0, 0][kinds], cfa, FOUND_BY, (1.0, 1.0, 1.0), steered=False)
    c = _mix(matrix, full)
    once = smooth(c, 1)
    twice = smooth(once, 2)
    variance = _mix(inverse, twice).clamp_(min=0).mul_(a).add_(b)
    units = _colour_variances(cfa).to(device)
    for i in range(3):
        plane = slice(i, i + 1)
        c[plane] = _shrink(
            c[plane],
            once[plane],
            twice[plane],
            lambda j, i=i: _mix(units[i : i + 1, j], variance),  # type: ignore[misc]
        )
    found = [(_mix(inverse[:, part], c[part]) * whites).gather(0, kinds) for part in (slice(0, 1), slice(1, 3))]
    return found[0], found[1]


def _shrink(
    x: torch.Tensor, once: torch.Tensor, twice: torch.Tensor, variance: Callable[[int], torch.Tensor]
) -> torch.Tensor:
    """What of a plane (1, h, w) is noise; `variance` of its coefficients at a level."""
    found = torch.zeros_like(x)
    for j in range(LEVELS):
        checkpoint()
        y = once if j == 0 else twice if j == 1 else smooth(x, 2**j)
        d = x - y
        near = min(2**j, 8)
        energy = smooth(smooth(d * d, near), near)
        part = variance(j).mul(NEED).div_(energy.add_(1e-20)).clamp_(max=1)
        found.addcmul_(d, (part * part).mul_(part.mul_(-2).add_(3)))
        x = y
    return found


def smooth(x: torch.Tensor, step: int) -> torch.Tensor:
    """(…, h, w) by (1 2 1)/4 along both axes, with holes of `step`; edge pixels are repeated."""
    return spread(spread(x, -1, step, 0.25), -2, step, 0.25)


def spread(x: torch.Tensor, axis: int, step: int, k: float) -> torch.Tensor:
    """The kernel (k, 1 − 2k, k) along an axis, its taps `step` apart; edge pixels are repeated."""
    n = x.shape[axis]
    inner, rim = max(0, n - step), min(step, n)
    out, near = x * (1 - 2 * k), x * k  # in two steps: fused ones would round differently at the end of a row
    out.narrow(axis, n - inner, inner).add_(near.narrow(axis, 0, inner))
    out.narrow(axis, 0, inner).add_(near.narrow(axis, n - inner, inner))
    out.narrow(axis, 0, rim).add_(near.narrow(axis, 0, 1))
    out.narrow(axis, n - rim, rim).add_(near.narrow(axis, n - 1, 1))
    return out


@lru_cache(maxsize=1)
def _unit_variances() -> list[float]:
    """Variance of each level's coefficients for white noise of variance 1."""
    n = 2 ** (LEVELS + 2) + 1
    x = torch.zeros(1, n, n, dtype=torch.float64)
    x[0, n // 2, n // 2] = 1
    out = []
    for j in range(LEVELS):
        y = smooth(x, 2**j)
        out.append(float(((x - y) ** 2).sum()))
        x = y
    return out


@lru_cache(maxsize=8)
def _colour_variances(cfa: CFA) -> torch.Tensor:
    """(3 planes, LEVELS, 3 colours): variance of coefficients for noise of variance 1 in one colour's samples.

    By trial: interpolation spreads noise in a way that depends on the pattern.
    """
    n, rim = 336, 48
    g = torch.Generator().manual_seed(1)
    kinds = colours(cfa, n, n)
    out = torch.zeros(3, LEVELS, 3)
    for k in range(3):
        noise = torch.randn(1, n, n, generator=g) * (kinds == k)
        x = _mix(OPPONENT, interpolate(noise, cfa, FOUND_BY, (1.0, 1.0, 1.0), steered=False))
        for j in range(LEVELS):
            y = smooth(x, 2**j)
            out[:, j, k] = ((x - y)[:, rim:-rim, rim:-rim] ** 2).mean((1, 2))
            x = y
    return out


def _mix(matrix: torch.Tensor, planes: torch.Tensor) -> torch.Tensor:
    n, h, w = planes.shape
    return torch.matmul(matrix, planes.reshape(n, h * w)).reshape(-1, h, w)
