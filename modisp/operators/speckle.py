"""Grain as a pattern of places: seeded, averaged over each pixel's own area, so that it looks alike at every size.

Two periodic patterns whose periods have no common measure are added, so that no repetition is seen.  A pattern is given
on cells finer than a grain and taken as even within each, so that its running sums, read between cells by straight lines,
give exact means over areas of any size (summed areas: Crow 1984).
"""

from __future__ import annotations

from functools import lru_cache

import torch

from modisp.image import Frame

CELLS = 3  # per grain
_PERIODS = (509, 421)  # cells


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _pattern(n: int) -> torch.Tensor:
    """(2, n, n) float64 of deviation 1: single grains, and clumps of them; without a mean, periodic."""
    noise = torch.randn(n, n, generator=torch.Generator().manual_seed(n), dtype=torch.float64)
    spectrum = torch.fft.fft2(noise)
    f = torch.fft.fftfreq(n, dtype=torch.float64)
    square = (f[:, None] ** 2 + f[None] ** 2) * (2 * torch.pi) ** 2
    rows = []
    for sigma in (0.42 * CELLS, 1.1 * CELLS):
        # a Gaussian grain, less the broad unevenness that would show the period
        keep = torch.exp(-square * sigma**2 / 2) - torch.exp(-square * (4 * sigma) ** 2 / 2)
        p = torch.fft.ifft2(spectrum * keep).real
        rows.append((p - p.mean()) / p.std())
    return torch.stack(rows)


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _mixed(n: int, roughness: float) -> torch.Tensor:
    """(n, n): grains and clumps mixed to deviation 1, over √2 for two patterns that are added."""
    grains, clumps = _pattern(n)
    p = grains * (1.0 - 0.6 * roughness) + clumps * 0.6 * roughness
    mixed: torch.Tensor = p / p.std() / 2**0.5
    return mixed


def _sums(values: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """Integrals along the last axis of values that are even within cells and periodic, between neighbouring `edges`."""
    n = values.shape[-1]
    running = torch.nn.functional.pad(values.cumsum(-1), (1, 0))
    turns = torch.div(edges, n, rounding_mode="floor")
    at = edges - turns * n
    cell = at.long().clamp_(0, n - 1)
    part = (at - cell).to(values.dtype)
    low = torch.index_select(running, -1, cell)
    here = torch.index_select(values, -1, cell).mul_(part).add_(low)
    here.add_(running[..., -1:] * turns.to(values.dtype))
    return here[..., 1:] - here[..., :-1]


@lru_cache(maxsize=40)  # the strips of a window's picture: while it is worked on, its grain stays
@torch.inference_mode(False)
def speckle(frame: Frame, grain: float, roughness: float) -> torch.Tensor:
    """(H, W) float32: the mean of the pattern over each pixel of a frame; `grain` is its size in full-size pixels.

    A pixel much smaller than a grain sees deviation 1, larger ones less; the pattern belongs to full-size places.  The
    result is shared, so never write to it.
    """
    (py, px), (x, y) = frame.pitch, frame.rect[:2]
    cell = max(grain, 1e-3) / CELLS
    rows = (y + torch.arange(frame.size[0] + 1, dtype=torch.float64) * py) / cell
    columns = (x + torch.arange(frame.size[1] + 1, dtype=torch.float64) * px) / cell
    area = (py / cell) * (px / cell)
    total = torch.zeros(frame.size)
    for i, n in enumerate(_PERIODS):
        down = _sums(_mixed(n, roughness).T.contiguous(), rows + 97.0 * i).T.float().contiguous()  # (H, n)
        total.add_(_sums(down, columns + 53.0 * i), alpha=1.0 / area)
    return total
