"""Noise in CFA samples by undecimated wavelets: what of a mosaic is likely noise, in brightness and in colour.

The mosaic is cut into its 2×2 phases (of single pixels for Bayer; for larger patterns, of every second block of a
pattern of twice the step, so that each group of four planes is a small Bayer-like mosaic of its own).  Four planes are
turned by an orthonormal matrix into their mean and three differences; those between unlike colours are chroma.  Each is
split by the à trous algorithm (M. Holschneider et al. 1989) with the kernel (1 2 1)/4, and every coefficient d is
shrunk by the local Wiener rule g = max(0, 1 − λ·v/e) (M. K. Mıhçak et al., IEEE SPL 6, 1999), made smoother at
its ends, e being the mean of d² round it and v the noise variance that a·x + b gives at the local level x.
Everything happens in linear light, so that means are kept without any inverse of a variance-stabilising curve, and a
may be 0.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.nn import functional as F

from modisp.cfa import CFA, pad, period
from modisp.image import RGB
from modisp.stage import checkpoint

Noise = tuple[tuple[float, float], ...]  # (a, b) for R, G, B

BASIS = torch.tensor(
    [[0.5, 0.5, 0.5, 0.5], [0.5**0.5, 0, 0, -(0.5**0.5)], [0, 0.5**0.5, -(0.5**0.5), 0], [0.5, -0.5, -0.5, 0.5]]
)
LUMA, CHROMA = 1.6, 1.6  # λ: how many times the noise variance a neighbourhood must hold to be left alone


def step_of(cfa: CFA) -> int:
    """Side of the blocks that stand in for single pixels: 1 for Bayer and monochrome, 2 Quad-Bayer, 3 X-Trans."""
    return max(1, max(period(cfa)) // 2)


def levels_for(step: int) -> int:
    """How many wavelet levels fit into a halo of 96 pixels."""
    return {1: 5, 2: 4, 3: 3}.get(step, 3)


@lru_cache(maxsize=8)
def _unit_variances(levels: int) -> list[float]:
    """Variance of each level's coefficients for white noise of variance 1."""
    n = 2 ** (levels + 2) + 1
    x = torch.zeros(1, 1, n, n, dtype=torch.float64)
    x[0, 0, n // 2, n // 2] = 1
    out = []
    for j in range(levels):
        y = smooth(x, 2**j)
        out.append(float(((x - y) ** 2).sum()))
        x = y
    return out


def smooth(x: torch.Tensor, step: int) -> torch.Tensor:
    """(…, H, W) by (1 2 1)/4 along both axes, with holes of `step`; edge pixels are repeated."""
    for axis in (3, 2):
        sides = (step, step, 0, 0) if axis == 3 else (0, 0, step, step)
        p = F.pad(x, sides, mode="replicate")
        n = x.shape[axis]
        x = torch.add(p.narrow(axis, 0, n), p.narrow(axis, 2 * step, n)).add_(x, alpha=2).mul_(0.25)
    return x


def to_planes(mosaic: torch.Tensor, cfa: CFA, step: int) -> torch.Tensor:
    """(1, H, W) → (step², 4, h, w): one group of four planes for each place within a block."""
    n = 2 * step
    h, w = mosaic.shape[1:]
    if h % n or w % n:
        mosaic = pad(mosaic, cfa, 0, -h % n, 0, -w % n)
    planes = F.pixel_unshuffle(mosaic[None], n)[0]
    h, w = planes.shape[1:]
    return planes.reshape(2, step, 2, step, h, w).permute(1, 3, 0, 2, 4, 5).reshape(step * step, 4, h, w)


def from_planes(planes: torch.Tensor, step: int, height: int, width: int) -> torch.Tensor:
    """The inverse of `to_planes`."""
    h, w = planes.shape[2:]
    flat = planes.reshape(step, step, 2, 2, h, w).permute(2, 0, 3, 1, 4, 5).reshape(1, 4 * step * step, h, w)
    return F.pixel_shuffle(flat, 2 * step)[0, :, :height, :width]


def _kinds(cfa: CFA, step: int) -> torch.Tensor:
    """(step², 4): colour of each plane, 0 … 2 (1 where the sensor has no colours)."""
    rows, columns = period(cfa)
    at = [["RGB".find(cfa[i % rows][j % columns]) for j in range(2 * step)] for i in range(2 * step)]
    k = torch.tensor(at).reshape(2, step, 2, step).permute(1, 3, 0, 2).reshape(step * step, 4)
    return torch.where(k < 0, 1, k)


def find_noise(mosaic: torch.Tensor, cfa: CFA, noise: Noise, white: RGB) -> tuple[torch.Tensor, torch.Tensor]:
    """(luma, chroma): what to subtract from (1, H, W) samples to take all brightness, all colour noise off.

    Samples are compared after division by `white` (the as-shot white), so that detail without colour has no chroma.
    """
    device = mosaic.device
    step = step_of(cfa)
    levels = levels_for(step)
    kinds = _kinds(cfa, step).to(device)
    whites = torch.tensor(white, device=device)[kinds][..., None, None]
    a = torch.tensor([n[0] for n in noise], device=device)[kinds][..., None, None] / whites
    b = torch.tensor([n[1] for n in noise], device=device)[kinds][..., None, None] / whites**2
    basis = BASIS.to(device)
    planes = to_planes(mosaic, cfa, step) / whites
    c = _mix(basis, planes)
    # a difference of planes of one colour is detail, of unlike colours it is chroma
    alike = torch.stack([kinds[:, 0] == kinds[:, 3], kinds[:, 1] == kinds[:, 2], (kinds == kinds[:, :1]).all(1)], 1)
    alike = torch.cat([torch.ones_like(alike[:, :1]), alike], 1)[..., None, None]
    need = torch.where(alike, LUMA, CHROMA)
    once = smooth(c, 1)
    twice = smooth(once, 2)
    variance = _mix(basis**2, _mix(basis.T, twice).clamp_(min=0).mul_(a).add_(b)).mul_(need)
    units = _unit_variances(levels)
    for k in range(4):  # one difference at a time stays in the processor's cache
        checkpoint()
        x = c[:, k : k + 1].clone()
        found = c[:, k : k + 1].zero_()
        for j in range(levels):
            y = once[:, k : k + 1] if j == 0 else twice[:, k : k + 1] if j == 1 else smooth(x, 2**j)
            d = x.sub_(y)
            energy = smooth(smooth(d * d, 2**j), 2**j)
            part = torch.div(variance[:, k : k + 1] * units[j], energy.add_(1e-20)).clamp_(max=1)
            found.addcmul_(d, (part * part).mul_(part.mul_(-2).add_(3)))
            x = y
    h, w = mosaic.shape[1:]
    luma = from_planes(_mix(basis.T, c * alike) * whites, step, h, w)
    both = from_planes(_mix(basis.T, c) * whites, step, h, w)
    return luma, both - luma


def _mix(matrix: torch.Tensor, planes: torch.Tensor) -> torch.Tensor:
    g, n, h, w = planes.shape
    return torch.matmul(matrix, planes.reshape(g, n, h * w)).reshape(g, n, h, w)
