"""Giving back local means: exact on the whole, smooth, the same in tiles, and nothing leaks into the dark."""

from __future__ import annotations

import pytest
import torch
from scenes import BAYER, QUAD, XTRANS

from modisp.operators.cfa import CFA, colours
from modisp.operators.means import CELL, REACH, without_means

CFAS = (*BAYER, XTRANS, QUAD)


@pytest.mark.parametrize("cfa", CFAS, ids="/".join)
@pytest.mark.parametrize("size", [(1, 1), (5, 40), (97, 150)])
def test_an_even_error_of_each_colour_is_given_back_exactly(cfa: CFA, size: tuple[int, int]) -> None:
    if min(size) < len(cfa):
        pytest.skip("not all colours are there")
    even = torch.tensor([0.1, -0.2, 0.05])[colours(cfa, *size)][None]
    assert float(without_means(even, torch.full_like(even, 1e-3), cfa).abs().max()) < 1e-6


@pytest.mark.parametrize("cfa", CFAS, ids="/".join)
def test_what_has_no_mean_stays(cfa: CFA) -> None:
    noise = torch.randn(1, 480, 480, generator=torch.Generator().manual_seed(0))
    given = noise - without_means(noise, torch.ones_like(noise), cfa)
    assert given.std() < 0.08 and abs(float((noise - given).mean())) < 2e-3


def test_missing_light_does_not_leak_into_the_dark() -> None:
    x = torch.full((1, 96, 96), 0.001)
    x[..., 48:] = 0.9
    missing = torch.zeros_like(x)
    missing[..., 48:] = 0.05
    given = missing - without_means(missing, x, BAYER[0], 1e-2, 1e-4)
    assert float(given[..., :48].abs().max()) < 0.002
    assert float((given - missing)[..., 80:].abs().max()) < 0.002


@pytest.mark.parametrize("cfa", CFAS, ids="/".join)
def test_a_tile_with_its_halo_equals_the_whole(cfa: CFA) -> None:
    g = torch.Generator().manual_seed(1)
    part, spread = torch.randn(1, 400, 370, generator=g), torch.rand(1, 400, 370, generator=g) + 0.01
    whole = without_means(part, spread, cfa)
    for top, left, side in ((96, 120, 61), (312, 264, 88), (0, 0, 50)):
        a, b = max(0, top - REACH), max(0, left - REACH)
        cut = (slice(None), slice(a, top + side + REACH), slice(b, left + side + REACH))
        tile = without_means(part[cut], spread[cut], cfa)[:, top - a : top - a + side, left - b : left - b + side]
        assert (a % CELL, b % CELL) == (0, 0)
        assert torch.equal(tile, whole[:, top : top + side, left : left + side])


@pytest.mark.parametrize("cfa", CFAS, ids="/".join)
def test_the_dark_keeps_its_own_mean_right_beside_brightness(cfa: CFA) -> None:
    g = torch.Generator().manual_seed(2)
    level = torch.full((1, 192, 384), 0.005)
    level[..., 192:] = 0.8
    variance = 1e-2 * level + 1e-5
    part = variance.sqrt() * torch.randn(level.shape, generator=g)
    part[..., :192] -= part[..., :192].mean()
    part[..., :192] += 5e-4  # a tenth too dark, in noise that is more than ten times as strong
    kept = without_means(part, level, cfa, 1e-2, 1e-5)
    for start, end in ((0, 120), (144, 180), (180, 192)):
        assert abs(float(kept[..., start:end].mean())) < 2e-4
    assert abs(float(kept[..., 264:].mean())) < 1e-3


@pytest.mark.parametrize(("shot", "read"), [(0.0, 2.5e-3), (0.0, 1e-4), (2.6e-2, 1.1e-3)])
def test_noise_that_is_left_in_the_dark_is_no_level_of_its_own(shot: float, read: float) -> None:
    noise = read**0.5 * torch.randn(1, 384, 384, generator=torch.Generator().manual_seed(3))
    left = 0.15 * noise  # of the same sign as what is taken, as networks leave it
    given = (noise - left) - without_means(noise - left, left, BAYER[0], shot, read)
    assert float(given.std()) < 0.05 * read**0.5
