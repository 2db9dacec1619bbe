"""Colour correction by rational functions of degree one: what a 3×3 matrix cannot do, and no exposure changes.

Finlayson, Mackiewicz and Hurlbert ("Color correction using root-polynomial regression", IEEE TIP 2015) add to R, G, B terms of
the same degree, such as √(R·G), so that twice the light gives twice the colour.  Here terms are made of the ratio of a
difference to a sum.  For each pair of channels, (R, G), (G, B), (B, R), with difference d, sum s and ratio a = d/s, they are

    d,  d·a,  d·a²

(all d first, then all d·a, then all d·a²): they err as little as roots, are cheaper, vanish at grey and are steep nowhere.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from modisp.color.spaces import LUMA
from modisp.native import F, kernel, more, numbers, planes

TERMS = 9
"""How many terms there are.  The first three sum to 0."""
FADE = 0.03
"""Sum of the channels at which half of the correction is left: in the dark it would follow the noise.  From 0.1 on 99.2 % are."""
LEAST = 5e-8
"""What is below counts as it, so that no sum is 0."""
NOISE, BRIGHT = 1.04, 1.06
"""As much as noise of grey may grow over what the matrix alone makes of it: of all channels, and of luminance."""
GREYS = (0.18, 0.06, 0.02, 0.01)
"""Where that is looked at, from mid-grey to deep shadow."""
_LEAST, _FADE = F(LEAST), F(FADE**4)
_FAINT = 1e-8  # variance, of noise that bends no term
_DRAWN = 1024


def terms(rgb: torch.Tensor) -> torch.Tensor:
    """(..., 3, N) balanced colours → the terms (..., 9, N); all are 0 where R = G = B, none is larger than the colour.

    What is below 0 counts as 0.
    """
    x = rgb.clamp_min(LEAST)
    y = x.roll(-1, -2)
    d = x - y
    a = d / (x + y)
    return torch.cat([d, d * a, d * a * a], -2)


def near_grey(matrix: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    """(..., 3, 3): what `matrix` and `coefficients` (..., 3, 9) make of colours near grey, where all but linear terms vanish."""
    linear = coefficients[..., :3]
    return matrix + linear - linear.roll(1, -1)


def calm(
    coefficients: torch.Tensor,
    matrix: torch.Tensor,
    gains: torch.Tensor,
    noise: torch.Tensor | None = None,
    chart: bool = False,
) -> torch.Tensor:
    """(B, 3, 9) coefficients, as much of them as lets noise of grey grow no more than `NOISE` over the matrix (B, 3, 3) alone,
    in the sum of all channels and in luminance.

    A camera's own ``chart`` says by the linear terms what its matrix should have been, and that is kept: noise is then held to
    what such a matrix alone makes of it.

    White balance multiplies noise, under lamps that of blue most of all: ``gains`` (B, 3) tell by how much.  Faint noise of
    light, and of reading the sensor, are each looked at by themselves; and where a picture's own is told, (B, 3, 2) with variance
    ``noise[…, 0] · x + noise[…, 1]`` of the balanced channels, what that does, as strong noise bends the terms.
    """
    least = _FAINT * gains.square()
    kinds = [(GREYS[0], _FAINT * gains), (GREYS[0], least)]
    if noise is not None:
        kinds += [(grey, torch.maximum(noise[..., 0] * grey + noise[..., 1], least)) for grey in GREYS]
    kept = torch.zeros_like(coefficients)
    if chart:
        kept[..., :3] = coefficients[..., :3]
        matrix, coefficients = near_grey(matrix, kept), coefficients - kept
    drawn, share = _normal(), coefficients.new_ones(len(coefficients))
    for grey, variance in kinds:
        seen = grey + variance.sqrt()[..., None] * drawn
        alone = matrix @ seen
        rows = zip(matrix, coefficients, seen[:, :, None], strict=True)
        more = torch.stack([correct(*row)[:, 0] for row in rows]) - alone
        channels = [(v - v.mean(-1, keepdim=True)).double() for v in (alone, more)]
        for limit, way in ((NOISE, torch.eye(3)), (BRIGHT, torch.tensor([LUMA]))):
            y, u = ((way.double() @ v).flatten(1) for v in channels)
            # the most s with |y + s·u| ≤ limit · |y|
            both, own = (y * u).sum(1), u.square().sum(1)
            most = ((both.square() + own * y.square().sum(1) * (limit**2 - 1)).sqrt() - both) / own.clamp_min(1e-30)
            share = torch.minimum(share, most.clamp_min(0).to(share.dtype))
    return kept + coefficients * share[:, None, None]


@lru_cache(maxsize=1)
@torch.inference_mode(False)
def _normal() -> torch.Tensor:
    """(3, _DRAWN) normal deviates, always the same: of mean 0 and variance 1 and independent, exactly."""
    half = torch.randn(3, _DRAWN // 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    spread = torch.linalg.cholesky(half @ half.T * (2 / _DRAWN))
    half = torch.linalg.solve_triangular(spread, half, upper=False).float()
    return torch.cat([half, -half], 1)


def correct(matrix: torch.Tensor, coefficients: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """Balanced (3, H, W) → `matrix` (3, 3; rows sum to 1) times them, and `coefficients` (3, 9) times their terms.

    Grey stays grey to the last bit; from a channel sum of 0.1 on, k times the light gives k times the correction within 1 %;
    in the dark it fades to the matrix alone.
    """
    out = torch.empty(pixels.shape)
    _correct(*planes(pixels), *planes(out), numbers(matrix[:, 0::2]), numbers(coefficients))
    return out.to(pixels.device, pixels.dtype)


@kernel
def _correct(r: Any, g: Any, b: Any, red: Any, green: Any, blue: Any, matrix: Any, c: Any) -> None:
    for i in range(r.size):
        x, y, z = more(r[i], _LEAST), more(g[i], _LEAST), more(b[i], _LEAST)
        share = x + y + z
        share *= share
        share *= share
        share /= share + _FADE
        x, y, z = x * share, y * share, z * share
        d, e, f = x - y, y - z, z - x
        p, q, s = d / (x + y), e / (y + z), f / (z + x)
        d1, e1, f1 = d * p, e * q, f * s
        d2, e2, f2 = d1 * p, e1 * q, f1 * s
        u, v = r[i] - g[i], b[i] - g[i]
        red[i] = g[i] + (matrix[0] * u + matrix[1] * v + _row(c, 0, d, e, f, d1, e1, f1, d2, e2, f2))
        green[i] = g[i] + (matrix[2] * u + matrix[3] * v + _row(c, 9, d, e, f, d1, e1, f1, d2, e2, f2))
        blue[i] = g[i] + (matrix[4] * u + matrix[5] * v + _row(c, 18, d, e, f, d1, e1, f1, d2, e2, f2))


@kernel
def _row(c: Any, k: Any, d: Any, e: Any, f: Any, d1: Any, e1: Any, f1: Any, d2: Any, e2: Any, f2: Any) -> Any:
    """Coefficients from the k-th on times the terms."""
    first, second = c[k] * d + c[k + 1] * e + c[k + 2] * f, c[k + 3] * d1 + c[k + 4] * e1 + c[k + 5] * f1
    return first + second + (c[k + 6] * d2 + c[k + 7] * e2 + c[k + 8] * f2)
