"""What a look's curve and tables leave: a small, smooth table of finished colours, which does little where pairs say nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from modisp.color import spaces, transfer
from modisp.operators.cube import Cube
from modisp.operators.hald import identity
from modisp.stage import checkpoint

SIZE = 17
ROUGH, FAR, GREY = 600.0, 10.0, 3.0
"""What speaks against bends of the table, against leaving what the look's channels say, and against colour on its grey axis."""
AT_ONCE = 8000


def encoded(display: Tensor) -> Tensor:
    """Linear Rec.2020 (3, N) as sRGB, (N, 3), in [0, 1]."""
    linear = torch.einsum("ij,jn->ni", spaces.between("rec2020", "srgb"), display)
    return transfer.encode("srgb", linear.clamp(0, 1))


def decoded(values: Tensor) -> Tensor:
    """The inverse: (3, N)."""
    linear = transfer.decode("srgb", values.clamp(0, 1))
    return torch.einsum("ij,nj->in", spaces.between("srgb", "rec2020"), linear)


def moved(table: Tensor, values: Tensor) -> Tensor:
    """sRGB values (N, 3) with what the table (3, S, S, S; what is added) says of them."""
    at = (values * 2 - 1).view(1, 1, 1, -1, 3)
    return values + F.grid_sample(table[None], at, padding_mode="border", align_corners=True).view(3, -1).T


def through(table: Tensor, display: Tensor) -> Tensor:
    """DISPLAY pixels (3, N) through the table, as the look stage leads them through the cube."""
    return decoded(moved(table, encoded(display))).clamp(0, 1)


def cube_of(table: Tensor, title: str) -> Cube:
    """The table as a cube of sRGB colours."""
    return Cube((identity(table.shape[1]) + table).clamp(0, 1), space="srgb", title=title)


def fit_residue(
    display: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    start: Tensor,
    neutral: bool,
    steps: int,
    tell: Callable[[], None] = lambda: None,
) -> Tensor:
    """The table (3, S, S, S) for pixels (3, N) of a look so far; `loss(display, chosen)` compares some of them.

    `start` is the table that it begins as, and stays where no pixels ask for another.

    `neutral`: greys are held to be grey.
    """
    given = encoded(display)
    table = torch.zeros_like(start, requires_grad=True)
    grey = torch.linspace(0, 1, 4 * SIZE)[:, None].expand(-1, 3).contiguous()
    optimiser = torch.optim.Adam([table], lr=0.006)
    random = torch.Generator().manual_seed(2)
    for i in range(steps):
        checkpoint()
        optimiser.param_groups[0]["lr"] = 0.006 * (0.5 + 0.5 * math.cos(math.pi * i / steps)) + 2e-5
        some = torch.randint(len(given), (AT_ONCE,), generator=random)
        rough = torch.stack([(table.diff(n=2, dim=k) ** 2).mean() for k in (1, 2, 3)]).sum()
        cost = ROUGH * rough + FAR * (table**2).mean()
        if neutral:
            made = moved(start + table, grey)
            cost = cost + GREY * 1e4 * (made - made.mean(1, keepdim=True)).square().mean()
        value = loss(decoded(moved(start + table, given[some])), some) + cost
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        tell()
    return start + table.detach()
