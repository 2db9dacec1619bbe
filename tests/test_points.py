"""Points of light keep their light where a network took of it; noise, texture and edges are left to the network."""

from __future__ import annotations

import pytest
import torch
from scenes import BAYER, QUAD, WHITE, WHITES, XTRANS, mosaic

from modisp.image import Image, Metadata, State
from modisp.operators.cfa import CFA
from modisp.operators.points import points
from modisp.stage import Probe
from modisp.stages.restore import Restore

SIDE, SKY, SHOT, READ = 240, 0.004, 1e-3, 2e-6
PLACES = [(20 + 40 * (i // 6) + i % 2, 20 + 40 * (i % 6) + i // 2 % 2) for i in range(36)]


def light(sigma: float, height: float) -> torch.Tensor:
    """(SIDE, SIDE): Gaussian stars on black."""
    y, x = torch.meshgrid(torch.arange(SIDE) * 1.0, torch.arange(SIDE) * 1.0, indexing="ij")
    stars = [torch.exp(-((y - v - 0.3) ** 2 + (x - u + 0.2) ** 2) / (2 * sigma**2)) for v, u in PLACES]
    return height * torch.stack(stars).sum(0)


def noise(seed: int, like: torch.Tensor) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return (SHOT * like.clamp_min(0) + READ).sqrt() * torch.randn(like.shape, generator=g)


def kept(stars: torch.Tensor, found: torch.Tensor) -> float:
    """The mean over stars of their light in ``found``, by the share of ``stars`` in it."""
    shares = []
    for v, u in PLACES:
        part = (0, slice(v - 3, v + 4), slice(u - 3, u + 4))
        shares.append((found[part] * stars[part]).sum() / stars[part].square().sum())
    return float(torch.stack(shares).mean())


def of_flat(flat: torch.Tensor, shot: float, read: float) -> tuple[torch.Tensor, torch.Tensor]:
    """What a network leaves of the noise of a flat, and what is found there, where so much noise is told."""
    image = Image(flat + noise(4, flat), State.MOSAIC, Metadata(noise=((shot, read),)))
    stage = Restore()
    clean = image.pixels - stage.infer(image, stage.measure(Probe.of(image)))["noise"]
    return clean - flat, points(image.pixels, clean, BAYER[0], shot, read)


def given_to(flat: torch.Tensor, shot: float, read: float) -> int:
    """Samples of a noisy flat that are given more than a network left of them, where so much noise is told.

    More and less are by the ground round a sample, which what is left of low noise moves a little.
    """
    left, found = of_flat(flat, shot, read)
    height = left - torch.nn.functional.avg_pool2d(left[None], 9, 1, 4)[0]
    return int((height.abs() + 0.5 * (shot * flat + read).sqrt() < (height + found).abs()).sum())


@pytest.mark.parametrize("cfa", [BAYER[0], BAYER[3], XTRANS, QUAD], ids="/".join)
@pytest.mark.parametrize("sign", [1, -1])
def test_what_a_point_lacks_is_given_back(cfa: CFA, sign: int) -> None:
    sky = mosaic(torch.full((3, SIDE, SIDE), 0.1) * WHITES, cfa)
    stars = sign * mosaic(light(0.6, 0.15).expand(3, -1, -1) * WHITES, cfa)
    found = sky + 0.5 * stars
    given = points(sky + stars, found, cfa, 1e-4, 1e-7)
    assert 0.9 < kept(stars, found - sky + given) < 1.05
    far = torch.ones_like(given, dtype=torch.bool)
    for v, u in PLACES:
        far[0, v - 4 : v + 5, u - 4 : u + 5] = False
    assert not given[far].any()


def test_noise_is_no_point_and_nor_are_edges_and_lines() -> None:
    ground = torch.full((1, 1000, 1000), 0.05)
    assert given_to(ground, SHOT, READ) == 0
    x = torch.arange(1000)
    shapes = ground + 0.2 * ((x % 50 == 20) | (x // 100 % 2 == 1))
    found = shapes + 0.1 * noise(1, shapes)
    given = points(shapes + noise(2, shapes), found, BAYER[0], SHOT, READ)
    assert given.count_nonzero() < 1e-3 * given.numel()


def test_what_stands_out_of_even_ground_by_chance_is_taken_off() -> None:
    left, found = of_flat(torch.full((1, 500, 500), 0.2), SHOT, READ)
    specks = left.abs() > 4.5 * left.std()
    assert specks.sum() > 100  # or the network has learnt it
    assert ((left + found).abs() > 4.5 * left.std()).sum() < 0.3 * specks.sum()
    assert (left + found).square().mean() < left.square().mean()
    dots = torch.full((1, SIDE, SIDE), 0.2)
    dots[0, 40::60, 40::60] += 0.15
    assert not points(dots, dots, BAYER[0], SHOT, READ).any()  # nothing was taken from them, so they are no noise


def test_small_and_broken_pictures_are_passed() -> None:
    for size in ((1, 1), (7, 30), (9, 9)):
        assert points(torch.rand(1, *size), torch.rand(1, *size), BAYER[0], SHOT, READ).isfinite().all()
    broken = torch.full((1, 40, 40), 0.1)
    broken[0, 20, 20] = torch.nan
    assert not points(broken, broken, BAYER[0], SHOT, READ).any()


@pytest.mark.parametrize("cfa", [BAYER[0], XTRANS], ids="/".join)
def test_restoration_leaves_stars_their_light_and_draws_none(cfa: CFA) -> None:
    sky = mosaic(torch.full((3, SIDE, SIDE), SKY) * WHITES, cfa)
    stars = mosaic(light(0.5, 0.05).expand(3, -1, -1) * WHITES, cfa)

    def restored(scene: torch.Tensor) -> torch.Tensor:
        y = scene + noise(3, scene)
        meta = Metadata(cfa=cfa, white=WHITE, noise=((SHOT, READ),))
        return Restore(denoise=1.0)(Image(y, State.MOSAIC, meta)).pixels

    assert kept(stars, restored(sky + stars) - sky) > 0.85
    assert (restored(sky) - sky).abs().max() < 3 * (SHOT * SKY + READ) ** 0.5


def test_noise_that_is_told_as_too_little_makes_few_points() -> None:
    assert 0 < given_to(torch.full((1, 400, 400), 0.1), SHOT / 2, READ / 2) < 0.008 * 400 * 400
