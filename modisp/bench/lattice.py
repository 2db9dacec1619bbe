"""The plain 3D table that programs fit to pairs: least squares on a lattice, trilinear, as smooth as pixels left out ask for.

33 steps an axis, from encoded colours to encoded colours.  What speaks against roughness is the sum of squared differences
between neighbours (total variation, squared, as for learned tables); its weight is the one under which every fifth pixel,
left out, comes out best.  Solved by conjugate gradients on finer and finer lattices, so that it is the minimum indeed.

Sources: Garcia, Arora & Gupta 2012, "Optimized regression for efficient function evaluation", IEEE TIP 21(9) (lattice
regression for colour); Zeng et al. 2020, "Learning image-adaptive 3D lookup tables", IEEE TPAMI 44(4) (33 steps, smoothness).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

STEPS = 33
WEIGHTS = (1e-5, 1e-6, 1e-7, 1e-8)
ROUNDS = 120  # of conjugate gradients, for each weight
APART = 5  # one pixel in so many is left out to choose the weight


class Lattice:
    """Where colours (N, 3) in [0, 1] lie on a lattice of `steps` an axis: eight corners and their shares each."""

    def __init__(self, colours: Tensor, steps: int = STEPS) -> None:
        self.steps = steps
        at = colours.double().clamp(0, 1) * (steps - 1)
        low = at.floor().clamp(0, steps - 2).long()
        part = at - low
        corners, shares = [], []
        for k in range(8):
            up = torch.tensor([k & 1, k >> 1 & 1, k >> 2])
            i = low + up
            corners.append((i[:, 2] * steps + i[:, 1]) * steps + i[:, 0])
            shares.append(torch.where(up.bool(), part, 1 - part).prod(1))
        self.corners, self.shares = torch.stack(corners, 1), torch.stack(shares, 1)

    def read(self, table: Tensor) -> Tensor:
        """(N, 3) of a table (steps³, 3), red running fastest."""
        return (table[self.corners] * self.shares[..., None]).sum(1)

    def spread(self, values: Tensor) -> Tensor:
        """The transpose of `read`: (steps³, 3) of (N, 3)."""
        rows = (self.shares[..., None] * values[:, None]).reshape(-1, 3)
        return torch.zeros(self.steps**3, 3, dtype=rows.dtype).index_add_(0, self.corners.flatten(), rows)


def fit(given: Tensor, wanted: Tensor, steps: int = STEPS) -> Tensor:
    """The table (steps³, 3) that leads colours (N, 3) in [0, 1] to those wanted."""
    out = torch.arange(len(given)) % APART == 0
    wanted = wanted.double()
    best, chosen = torch.inf, WEIGHTS[0]
    for weight in WEIGHTS:
        table = solve(given[~out], wanted[~out], weight, steps)
        error = float((Lattice(given[out], steps).read(table) - wanted[out]).square().mean())
        if error < best:
            best, chosen = error, weight
    return solve(given, wanted, chosen, steps)


def solve(given: Tensor, wanted: Tensor, weight: float, steps: int) -> Tensor:
    """The table that fits colours best under a weight of smoothness: first a coarse one, then one finer each time."""
    if steps <= 5:
        return _solved(Lattice(given, steps), wanted, weight, identity(steps))
    half = (steps + 1) // 2
    # differences between neighbours halve, their count grows eightfold
    coarse = solve(given, wanted, 2 * weight, half).T.reshape(1, 3, half, half, half)
    start = F.interpolate(coarse, (steps,) * 3, mode="trilinear", align_corners=True)[0].reshape(3, -1).T
    return _solved(Lattice(given, steps), wanted, weight, start.contiguous())


def _solved(lattice: Lattice, wanted: Tensor, weight: float, start: Tensor) -> Tensor:
    n = len(wanted)

    def product(t: Tensor) -> Tensor:
        return lattice.spread(lattice.read(t)) / n + weight * _rough(t, lattice.steps)

    table = start
    rest = lattice.spread(wanted) / n - product(table)
    way, size = rest, rest.square().sum()
    for _ in range(ROUNDS):
        moved = product(way)
        step = size / (way * moved).sum().clamp_min(1e-30)
        table, rest = table + step * way, rest - step * moved
        before, size = size, rest.square().sum()
        if size < 1e-16:
            break
        way = rest + size / before * way
    return table


def identity(steps: int) -> Tensor:
    """(steps³, 3): every colour as it is."""
    at = torch.linspace(0, 1, steps, dtype=torch.float64)
    blue, green, red = torch.meshgrid(at, at, at, indexing="ij")
    return torch.stack([red, green, blue], -1).reshape(-1, 3)


def _rough(table: Tensor, steps: int) -> Tensor:
    """The gradient of half the sum of squared differences between neighbours."""
    t = table.view(steps, steps, steps, 3)
    out = torch.zeros_like(t)
    for d in range(3):
        step = t.diff(dim=d)
        out.narrow(d, 1, steps - 1).add_(step)
        out.narrow(d, 0, steps - 1).sub_(step)
    return out.view(-1, 3)
