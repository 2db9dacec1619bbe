"""What a photographed chart says of a camera: the coefficients (see `modisp.operators.rational`) that its patches ask for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from modisp.color.difference import linear_frame
from modisp.operators.rational import TERMS, terms

STIFF = (0.3, 0.3, 0.3, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0)
"""What a coefficient costs, term by term, in ΔE2000 per 0.1, against the errors of 24 patches: the matrix gives way first."""


def chart_fit(seen: Tensor, base: Tensor, wanted: Tensor, stiff: float = 1.0) -> Tensor:
    """Coefficients (..., 3, 9) that bring patches nearest to what they are, in ΔE2000, by ridge regression.

    `seen`: balanced colours of the patches (..., N, 3), `base`: what is made of them without (..., N, 3) and `wanted`:
    what they are, both linear Rec.2020 and scaled so that white is 1.
    """
    frame = linear_frame(wanted.clamp_min(1e-4))
    x = terms(seen.transpose(-1, -2)).transpose(-1, -2)
    a = (frame[..., None] * x[..., None, None, :]).flatten(-2).flatten(-3, -2)
    y = (frame @ (wanted - base)[..., None]).flatten(-3)
    cost = 10 * stiff * torch.tensor(STIFF, dtype=a.dtype, device=a.device).repeat(3)
    found: Tensor = torch.linalg.solve(a.mT @ a + torch.diag(cost.square()), (a.mT @ y[..., None])[..., 0])
    return found.reshape(*found.shape[:-1], 3, TERMS)


def told_by_chart(seen: Tensor, matrix: Tensor, wanted: Tensor, light: Tensor) -> Tensor:
    """(..., 29): what a photographed chart tells `modisp.nets.color.Color`.

    `seen`: balanced colours of the patches (..., N, 3) at any exposure, `matrix`: the camera's to Rec.2020 (..., 3, 3)
    for the light of the chart, `wanted`: what the patches are (..., N, 3), white being 1; `light` (..., 2): mired/100,
    tint/100.  The exposure is taken to be that at which green agrees best.
    """
    seen, base = exposed(seen, matrix, wanted)
    return torch.cat([chart_fit(seen, base, wanted).flatten(-2), light], -1)


def exposed(seen: Tensor, matrix: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """`seen` scaled to the exposure of `wanted`, and what `matrix` makes of that."""
    base = seen @ matrix.mT
    a, b = base[..., 1], wanted[..., 1]
    scale = (b.clamp_min(1e-4).log() - a.clamp_min(1e-4).log()).median(-1).values.exp()[..., None, None]
    return seen * scale, base * scale


NEAR = 60.0
"""Mired from the light of the chart at which half remains of what the chart alone says."""
LOOSER = (1.0, 0.5, 0.25, 0.12, 0.06)
"""How stiff that is (see `chart_fit`): the first at which the error of the chart's patches falls to `FALLS`, else the last.

Stiffer is truer of other colours; a chart whose own patches stay wrong convinces nobody.
"""
FALLS = 0.45


def calibrated(
    tell: Callable[[Tensor, Tensor], Tensor], traits: Tensor, home: Tensor, matrix: Tensor, seen: Tensor, wanted: Tensor
) -> Tensor:
    """Coefficients (B, 3, 9) for a camera with a chart, under lights that `traits` (B, 32) tell of.

    `tell(traits, chart)` is the network; `home` (32,), `matrix` (3, 3), `seen` and `wanted` (N, 3) are those of the chart (see
    `told_by_chart`).  What the network leaves wrong of the chart is taken off under its own light, and less of it
    the farther the light is.
    """
    told = told_by_chart(seen, matrix, wanted, home[-2:])
    out = tell(traits, told.expand(len(traits), -1))
    seen, base = exposed(seen, matrix, wanted)
    frame, x = linear_frame(wanted.clamp_min(1e-4)), terms(seen.T)

    def error(made: Tensor) -> float:
        return float((frame @ (wanted - made)[..., None])[..., 0].norm(dim=-1).mean())

    aim = FALLS * error(base)
    base = base + (tell(home[None], told[None])[0] @ x).T
    for stiff in LOOSER:
        more = chart_fit(seen, base, wanted, stiff)
        if error(base + (more @ x).T) <= aim:
            break
    away = (traits[:, -2] - home[-2]) * 100 / NEAR
    return out + more / (1 + away * away)[:, None, None]
