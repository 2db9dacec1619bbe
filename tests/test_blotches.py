"""Blotches of colour: noise goes, brightness and true colour stay, tiles come out as the whole does."""

from __future__ import annotations

import pytest
import torch
from scenes import BAYER, QUAD, WHITE, WHITES, XTRANS, mosaic

from modisp.operators.blotches import REACH, blotches
from modisp.operators.cfa import CFA
from modisp.operators.noise import luminance

CFAS = (*BAYER, XTRANS, QUAD)
SHOT, READ = 4e-3, 2e-5


def colour_means(x: torch.Tensor, cfa: CFA, edge: int = 24) -> torch.Tensor:
    """(3, h, w): what cells of 24 pixels have of each colour, evenly balanced, less their brightness."""
    own = torch.stack(
        [mosaic((torch.arange(3) == c).float()[:, None, None].expand(3, *x.shape[1:]), cfa)[0] for c in range(3)]
    )
    means = torch.nn.functional.avg_pool2d(own * x, edge) / torch.nn.functional.avg_pool2d(own, edge) / WHITES
    return means - (means[0] + 2 * means[1] + means[2]) / 4


@pytest.mark.parametrize("cfa", CFAS, ids="/".join)
@pytest.mark.parametrize("level", [0.003, 0.05])
def test_blotches_go_and_brightness_stays(cfa: CFA, level: float) -> None:
    flat = mosaic(level * WHITES.expand(3, 384, 384), cfa)
    noise = 0.7 * (SHOT * flat + READ).sqrt() * torch.randn(flat.shape, generator=torch.Generator().manual_seed(2))
    found = blotches(flat + noise, cfa, WHITE, SHOT, READ)
    before, after = colour_means(flat + noise, cfa), colour_means(flat + noise - found, cfa)
    assert after.std() < 0.5 * before.std()
    moved, usual = luminance(found, cfa, WHITE), luminance(noise, cfa, WHITE)
    assert moved.std() < 0.1 * usual.std() and abs(float(found.mean())) < 2e-3 * level + 1e-5


@pytest.mark.parametrize("cfa", CFAS, ids="/".join)
def test_true_colour_stays(cfa: CFA) -> None:
    rgb = torch.full((3, 192, 192), 0.05)
    rgb[0, 60:84, 60:84] = 0.12
    rgb[2, :, 120:] = 0.09
    image = mosaic(rgb * WHITES, cfa)
    assert blotches(image, cfa, WHITE, SHOT, READ).abs().max() < 0.1 * 0.04
    assert blotches(image, cfa, WHITE, 0.0, 1e-9).abs().max() < 1e-4


@pytest.mark.parametrize("cfa", CFAS, ids="/".join)
def test_a_tile_with_its_halo_equals_the_whole(cfa: CFA) -> None:
    x = 0.02 + 0.01 * torch.randn(1, 480, 456, generator=torch.Generator().manual_seed(1))
    whole = blotches(x, cfa, WHITE, SHOT, READ)
    for top, left, side in ((168, 144, 61), (312, 264, 88), (0, 0, 50)):
        a, b = (max(0, (n - REACH) // 24 * 24) for n in (top, left))
        tile = blotches(x[:, a : top + side + REACH, b : left + side + REACH], cfa, WHITE, SHOT, READ)
        tile = tile[:, top - a : top - a + side, left - b : left - b + side]
        assert torch.allclose(tile, whole[:, top : top + side, left : left + side], atol=1e-7)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 40)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    assert blotches(torch.rand(1, *size), BAYER[0], WHITE, SHOT, READ).isfinite().all()
