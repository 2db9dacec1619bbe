"""The training of white balance: thumbnails under lights of every family, as cameras that might be would see them.

Everything is drawn afresh for each example: the scene and what is done to it, camera, maker's matrices, light, metamers,
exposure, noise.  Some scenes have two lights, and the truth then two places on the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..color.camera import Camera
from ..color.canonical import canonical
from ..nets.white import White, cells, centres, chroma, expected, histograms, judge, rgb
from ..simulate import world, world_lights, world_makers, world_surfaces
from . import thumbs, variety
from .data import data_folder

CAMERAS, LIGHTS, BASES = 2500, 6000, 64
SPREAD = 1.2
"""Of the truth on the grid, in cells."""
_SHORT = torch.cpu._is_avx512_bf16_supported()
"""Train in bfloat16 where the processor is quicker at it."""
ANGLE = 0.7
"""Weight of a degree of recovery error against the cross-entropy."""


TRAINED_ON = (
    "Crops of 25 photographs (Unsplash licence), views of 17 panoramas (Poly Haven, CC0), 12,000 places drawn by modisp; lit by "
    "daylight, black bodies, LEDs and tubes, measured (colour-science, BSD-3) and drawn; seen by 2,500 cameras varied from 26 "
    "measured ones (rawtoaces, Apache-2.0). Chosen on 32 photographs (CC BY-SA 4.0). 13 cameras, a third of the lamps, and "
    "three panoramas are in neither."
)


@dataclass(frozen=True)
class World:
    """Cameras (C, 3, 81) with their way to canonical RGB (C, 3, 3), lights (L, 81), bases (K, 3, 81); all float32."""

    sensitivity: Tensor
    canonical: Tensor
    light: Tensor
    basis: Tensor
    names: tuple[str, ...] = ()

    @classmethod
    def make(cls, folder: Path | None, seed: int, learning: bool, cameras: int = CAMERAS, lamps: int = LIGHTS) -> World:
        """For training, so many; or of the cameras and lamps that are left out of it."""
        rng = np.random.default_rng(seed)
        sides = world.split(world.measured_cameras(folder))
        kept, left = world_lights.split()
        charts = world_makers.owned(world_surfaces.patches(folder))
        names: tuple[str, ...] = ()
        if learning:
            bodies = world.vary(np.array([c.sensitivity for c in sides[0]]), rng, cameras)
            lights, _ = world_lights.draw(rng, lamps, kept)
        else:
            bodies = np.array([c.sensitivity for c in sides[1]]).repeat(4, 0)
            names = tuple(c.name for c in sides[1] for _ in range(4))
            lights, _ = world_lights.draw(rng, lamps // 4, left)
        makers = [world_makers.varied(s, rng, charts, float(rng.uniform(0, 1.1))) for s in bodies]
        ways = torch.stack([canonical(Camera(m.metadata())) for m in makers])
        rows = [torch.from_numpy(a).float() for a in (bodies, lights, world_surfaces.bases(rng, BASES))]
        return cls(rows[0], ways.float(), rows[1], rows[2], names)


@dataclass(frozen=True)
class Shots:
    """What cameras saw: canonical pixels (B, 3, H, W), which count, raw pixels, and the truth.

    `neutral` (B, 2, 3) are the raw responses to the lights, `share` (B, 2) how much of the scene each lights, `body` (B,) the
    cameras' numbers.
    """

    pixels: Tensor
    valid: Tensor
    raw: Tensor
    way: Tensor
    neutral: Tensor
    share: Tensor
    body: Tensor


def take(
    world: World,
    scenes: Tensor,
    random: torch.Generator,
    mixed: float = 0.0,
    noise: float = 0.01,
    blown: Tensor | None = None,
) -> Shots:
    """Scenes (B, 3, H, W) in linear sRGB, each by another camera under another light; a share of them `mixed` light.

    `blown` (B, H, W) says where nobody knows the colour of a scene: by default where it is brighter than `thumbs.BLOWN`.
    """
    count = len(scenes)
    if blown is None:
        blown = scenes.amax(1) > thumbs.BLOWN
    scenes = scenes.clamp(max=50)

    def pick(rows: Tensor, n: int = count) -> Tensor:
        return torch.randint(len(rows), (n,), generator=random)

    body = pick(world.sensitivity)
    sees = world.sensitivity[body]
    lights = torch.stack([world.light[pick(world.light)], world.light[pick(world.light)]], 1)
    basis = world.basis[pick(world.basis)]
    answers = torch.einsum("bcw,blw,bkw->blck", sees, lights, basis)
    neutral = answers.sum(3)
    answers = answers / neutral.amax((1, 2), keepdim=True)[..., None]
    neutral = neutral / neutral.amax((1, 2), keepdim=True)
    cover = variety.cover(count, (scenes.shape[2], scenes.shape[3]), random)
    two = (torch.rand(count, generator=random) < mixed).float()[:, None, None]
    cover = torch.where(two > 0, cover, torch.ones_like(cover))
    part = torch.einsum("blck,bkhw->blchw", answers, scenes)
    raw = part[:, 0] * cover[:, None] + part[:, 1] * (1 - cover[:, None])
    lit = torch.stack([(part[:, i].mean(1).clamp_max(2) * c).mean((1, 2)) for i, c in enumerate((cover, 1 - cover))], 1)
    stops = -2.5 + 3.2 * torch.rand(count, 1, 1, 1, generator=random)
    known = torch.where(blown[:, None], 0.0, raw)
    white = known.flatten(1)[:, ::13].quantile(0.97, dim=1).clamp_min(1e-4)
    # half the cameras expose for the picture, half as it comes
    metered = torch.rand(count, generator=random) < 0.6
    gain = torch.where(metered, 0.9 / white, torch.ones_like(white))[:, None, None, None]
    raw = raw * gain * torch.exp2(torch.where(metered[:, None, None, None], 0.35 * stops, stops))
    spoilt = noise * torch.rand(count, 1, 1, 1, generator=random) ** 2
    raw = raw + spoilt * torch.randn(raw.shape, generator=random) * (raw.clamp_min(0) + 0.01).sqrt()
    valid = (raw < 0.97).all(1) & (raw > 3e-4).all(1) & ~blown
    way = world.canonical[body]
    pixels = torch.einsum("bij,bjhw->bihw", way, raw.clamp(max=1))
    return Shots(pixels, valid, raw.clamp(0, 1), way, neutral, lit / lit.sum(1, keepdim=True), body)


def examples(folder: Path | None, keep: Path) -> Callable[[int, torch.Generator], tuple[Tensor, ...]]:
    """What draws an example: (histograms, places of the lights, their shares, canonical → raw, raw neutral)."""
    stock, known = thumbs.training(data_folder(folder), keep), World.make(folder, 7, True)

    def draw(count: int, random: torch.Generator) -> tuple[Tensor, ...]:
        scenes = stock.draw(count, random)
        # what clipped in a photograph is at times taken for white, as in pictures of cameras that compress highlights
        blown = (scenes.amax(1) > thumbs.BLOWN) & (torch.rand(count, 1, 1, generator=random) < 0.7)
        scenes = variety.recoloured(scenes.clamp(max=thumbs.BLOWN), random).clamp(max=thumbs.BLOWN)
        scenes, blown = variety.augment(scenes, blown, random)
        shots = take(known, scenes, random, mixed=0.2, noise=0.02, blown=blown)
        valid = variety.lacking(scenes, variety.windows(shots.valid, random), random)
        return example(shots, variety.apart(scenes, valid, random))

    return draw


def example(shots: Shots, valid: Tensor | None = None) -> tuple[Tensor, ...]:
    """What `loss` takes; `valid` where not all that the shots say count."""
    places = cells(chroma(torch.einsum("bij,blj->bli", shots.way, shots.neutral)))
    seen = histograms(shots.pixels, shots.valid if valid is None else valid)
    return seen, places, shots.share, torch.linalg.inv(shots.way), shots.neutral[:, 0]


def loss(net: nn.Module, example: tuple[Tensor, ...]) -> Tensor:
    """Cross-entropy against the truth spread out a little; and under one light, the recovery error of the mean."""
    # alone, without the witness: what was taught to lean on it judges strange pictures worse than both apart
    seen, places, share, back, neutral = example
    with torch.autocast(seen.device.type, torch.bfloat16, enabled=_SHORT):
        logits = net(seen).float()
    grid = cells(centres(logits.device))[None, None]
    spread = (-0.5 * ((grid - places[:, :, None, None]) / SPREAD).square().sum(-1)).exp()
    truth = spread / spread.sum((2, 3), keepdim=True).clamp_min(1e-9)
    wanted = (truth * share[..., None, None]).sum(1).flatten(1)
    entropy = -(wanted * logits.flatten(1).log_softmax(1)).sum(1).mean()
    alone = share[:, 0] > 0.999
    off = angle(torch.einsum("bij,bj->bi", back, rgb(expected(logits))), neutral)
    total: Tensor = entropy + ANGLE * (off * alone).sum() / alone.sum().clamp_min(1)
    return total


def angle(found: Tensor, truth: Tensor) -> Tensor:
    """Recovery error in degrees between colours (..., 3)."""
    apart = torch.linalg.cross(found, truth, dim=-1).norm(dim=-1)
    return torch.rad2deg(torch.atan2(apart, (found * truth).sum(-1)))


def summary(errors: Tensor) -> dict[str, float]:
    """Mean, median, trimean, means of the best and of the worst quarter."""
    e = errors.double().sort().values
    q = e.quantile(torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64))
    quarter = max(1, round(len(e) / 4))
    means = {"mean": e.mean(), "best25": e[:quarter].mean(), "worst25": e[-quarter:].mean()}
    figures = {"median": q[1], "trimean": (q[0] + 2 * q[1] + q[2]) / 4, **means}
    return {name: float(value) for name, value in figures.items()}


@lru_cache(maxsize=1)
def _watched() -> Shots:
    return _shots(thumbs.watched(data_folder()).pixels)


def _shots(scenes: Tensor) -> Shots:
    random = torch.Generator().manual_seed(3)
    return take(World.make(None, 8, False), scenes.repeat(4, 1, 1, 1), random, noise=0.01)


def score(net: nn.Module, pictures: Sequence[Tensor] = ()) -> dict[str, float]:
    """Recovery errors on photographs, seen by cameras and lit by lamps that are left out of training.

    `pictures` are sRGB-encoded; the validation photographs where there are none.
    """
    assert isinstance(net, White)
    shots = _shots(thumbs.of(pictures).pixels) if pictures else _watched()
    few = [(shots.pixels[i : i + 32], shots.valid[i : i + 32]) for i in range(0, len(shots.pixels), 32)]
    found = rgb(torch.cat([expected(judge(net, *some)[1]) for some in few]))
    return summary(angle(torch.einsum("bij,bj->bi", torch.linalg.inv(shots.way), found), shots.neutral[:, 0]))
