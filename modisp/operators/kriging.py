"""Best linear interpolation of colour samples on any repeating pattern, steered along edges.

The picture is taken as a random field: a luminance whose covariance falls off exponentially with distance (as in
natural images), the same in all three colours, plus weaker colour differences, plus levels that are unknown.  The
weights that estimate a colour at a site from the samples round it with the least mean square error, unbiased for any
levels of the three colours, are those of ordinary co-kriging (N. Cressie: Statistics for Spatial Data, 1993, ch. 3).
They depend on the site within the pattern only, so a whole picture is one matrix product.  Three sets of weights
(round, stretched along rows, stretched along columns) are mixed by the direction in which the round estimate changes
least.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.nn import functional as F

from modisp.operators.cfa import CFA, colours, pad, period

LUMA_REACH, CHROMA_REACH = 40.0, 6.0  # pixels over which the covariances fall to 1/e
CHROMA = 0.06  # variance of colour differences, luminance = 1
NOISE = 1e-3
STRETCH = 3.5  # of the covariance along an edge, and its inverse across it


def _covariance(d: torch.Tensor, reach: float, stretch: tuple[float, float]) -> torch.Tensor:
    rows, columns = d[..., 0] * stretch[0], d[..., 1] * stretch[1]
    return torch.exp(-torch.hypot(rows, columns) / reach)


def _weights(pattern: torch.Tensor, radius: int, row: int, column: int, stretch: tuple[float, float]) -> torch.Tensor:
    """(3, n²) weights of the n = 2·radius + 1 square window round the site (row, column)."""
    n = 2 * radius + 1
    ph, pw = pattern.shape
    step = torch.arange(-radius, radius + 1)
    colour = pattern[(step + row) % ph][:, (step + column) % pw].reshape(-1)
    at = torch.cartesian_prod(step, step).double()
    apart = at[:, None] - at[None]
    same = (colour[:, None] == colour[None]).double()
    luma = _covariance(apart, LUMA_REACH, stretch)
    chroma = _covariance(apart, CHROMA_REACH, stretch)
    k = luma + CHROMA * (same * 1.5 - 0.5) * chroma + NOISE * torch.eye(n * n)
    is_colour = torch.stack([(colour == c).double() for c in range(3)], 1)
    system = torch.zeros(n * n + 3, n * n + 3, dtype=torch.float64)
    system[: n * n, : n * n] = k
    system[: n * n, n * n :] = is_colour
    system[n * n :, : n * n] = is_colour.T
    right = torch.zeros(n * n + 3, 3, dtype=torch.float64)
    right[: n * n] = (
        _covariance(at, LUMA_REACH, stretch)[:, None]
        + CHROMA * (is_colour * 1.5 - 0.5) * _covariance(at, CHROMA_REACH, stretch)[:, None]
    )
    right[n * n :] = torch.eye(3)
    found: torch.Tensor = torch.linalg.solve(system, right)
    return found[: n * n].T


@lru_cache(maxsize=16)
def weights(cfa: CFA, radius: int) -> torch.Tensor:
    """(9·ph·pw, (ph + 2r)·(pw + 2r)) float32: rows are (round, by row, by column) × colour × site of the pattern."""
    ph, pw = period(cfa)
    pattern = colours(cfa, ph, pw)
    out = torch.zeros(3, 3, ph, pw, ph + 2 * radius, pw + 2 * radius, dtype=torch.float64)
    n = 2 * radius + 1
    for i, stretch in enumerate(((1.0, 1.0), (STRETCH, 1 / STRETCH), (1 / STRETCH, STRETCH))):
        for y in range(ph):
            for x in range(pw):
                w = _weights(pattern, radius, y, x, stretch)
                out[i, :, y, x, y : y + n, x : x + n] = w.reshape(3, n, n)
    return out.reshape(9 * ph * pw, -1).float()


def interpolate(
    mosaic: torch.Tensor, cfa: CFA, radius: int, white: tuple[float, float, float], steered: bool = True
) -> torch.Tensor:
    """(1, H, W) samples of any red-green-blue pattern → (3, H, W).

    `white` are the three colours' values in neutral light (the colours are alike after division by it).  Exact where
    the colour does not change.  `steered=False` takes the round weights alone, a linear map.  The result at a pixel
    depends on the samples within `reach(radius)`.
    """
    h, w = mosaic.shape[1:]
    ph, pw = period(cfa)
    rim = reach(radius, cfa) - radius
    top, left = rim, rim
    bottom, right = rim + -(h + 2 * rim) % ph, rim + -(w + 2 * rim) % pw
    gains = torch.tensor([1.0 / v for v in white], device=mosaic.device)
    kinds = colours(cfa, h, w).to(mosaic.device)
    padded = pad(mosaic * gains[kinds], cfa, top + radius, bottom + radius, left + radius, right + radius)
    sites = F.unfold(padded[None], (ph + 2 * radius, pw + 2 * radius), stride=(ph, pw))[0]
    rows, columns = (h + top + bottom) // ph, (w + left + right) // pw
    sets = 3 if steered else 1
    found = weights(cfa, radius)[: sets * 3 * ph * pw].to(mosaic.device) @ sites
    found = found.reshape(sets, 3, ph, pw, rows, columns).permute(0, 1, 4, 2, 5, 3)
    out = found[0].reshape(3, rows * ph, columns * pw)
    if steered:
        by_row, by_column = found[1:].reshape(2, 3, rows * ph, columns * pw)
        mix = _steer(out.mean(0))
        out = out + (by_row - out) * mix.clamp(min=0) + (by_column - out) * (-mix).clamp(min=0)
    out = out[:, top : top + h, left : left + w] / gains[:, None, None]
    return torch.where(kinds == torch.arange(3, device=mosaic.device)[:, None, None], mosaic, out)


def reach(radius: int, cfa: CFA) -> int:
    """How many pixels away a sample can still matter: window, and gradients round it, on whole periods."""
    step = max(period(cfa))
    return radius + -(-3 // step) * step


def _steer(luma: torch.Tensor) -> torch.Tensor:
    """(H, W) in −1 … 1: 1 where the picture changes least along rows, −1 along columns, 0 where neither is clear."""
    p = F.pad(luma[None, None], (1, 1, 1, 1), mode="replicate")
    across = (p[..., 1:-1, 2:] - p[..., 1:-1, :-2]).abs()
    along = (p[..., 2:, 1:-1] - p[..., :-2, 1:-1]).abs()
    both = F.avg_pool2d(F.pad(torch.cat([across, along], 1), (2, 2, 2, 2), mode="replicate"), 5, 1)[0]
    total = both.sum(0) + 1e-4
    lean: torch.Tensor = (both[1] - both[0]) / total
    return (lean * 1.5).clamp(-1, 1)
