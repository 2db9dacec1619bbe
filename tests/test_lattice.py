"""The plain 3D table that benchmarks hold styles against: it is fitted as well as it can be."""

from __future__ import annotations

import torch

from modisp.bench import lattice
from modisp.metrics import lab_to_xyz, xyz_to_lab


def smooth(colours: torch.Tensor) -> torch.Tensor:
    """A look of some kind: curves a channel, and colours that mix."""
    mixed = colours @ torch.tensor([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.0, 0.1, 0.9]])
    return mixed**1.3 * 0.9 + 0.05


def test_what_is_read_is_spread_back() -> None:
    random = torch.Generator().manual_seed(1)
    rows = lattice.Lattice(torch.rand(50, 3, generator=random), 5)
    table, values = (torch.rand(n, 3, generator=random, dtype=torch.float64) for n in (125, 50))
    assert torch.allclose((rows.read(table) * values).sum(), (table * rows.spread(values)).sum())
    colours = torch.rand(50, 3, generator=random)
    assert torch.allclose(lattice.Lattice(colours, 9).read(lattice.identity(9)), colours.double(), atol=1e-6)


def test_a_table_finds_a_smooth_look_again_where_there_were_colours_and_between() -> None:
    random = torch.Generator().manual_seed(2)
    given, others = (torch.rand(4000, 3, generator=random) for _ in range(2))
    noisy = smooth(given) + 0.01 * torch.randn(given.shape, generator=random)
    table = lattice.fit(given, noisy, 9)
    off = lattice.Lattice(others, 9).read(table) - smooth(others)
    assert off.abs().mean() < 0.006  # less than the noise it was given


def test_lab_leads_back_to_xyz() -> None:
    xyz = torch.rand(100, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64) ** 3
    assert torch.allclose(lab_to_xyz(xyz_to_lab(xyz)), xyz, atol=1e-9)
