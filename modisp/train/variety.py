"""More scenes than there are: what becomes of thumbnails before they are lit (see `white`).

What limits the judging of light is the variety of scenes, so each is drawn anew every time: some of its hues turned, paled or
darkened, another scene laid over it, its contrast changed, its light uneven, its greys or all but a few colours left out.
Scenes are (B, 3, H, W) linear sRGB under a white light; grey stays grey in all of this.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_LUMA = (0.2126, 0.7152, 0.0722)
_ENOUGH = 150  # pixels
_MOST = 2.2
"""Log-chroma beyond which colours are not made stronger."""


def cover(count: int, size: tuple[int, int], random: torch.Generator) -> Tensor:
    """Where the first of two lights falls (B, H, W): soft or hard, straight or cloudy."""
    coarse = torch.randn(count, 1, 4, 5, generator=random)
    cloudy = F.interpolate(coarse, size=size, mode="bicubic")[:, 0]
    y, x = torch.meshgrid(torch.linspace(-1, 1, size[0]), torch.linspace(-1, 1, size[1]), indexing="ij")
    turn = 2 * math.pi * torch.rand(count, 1, 1, generator=random)
    straight = turn.cos() * x + turn.sin() * y + 0.5 * torch.randn(count, 1, 1, generator=random)
    which = torch.where(torch.rand(count, 1, 1, generator=random) < 0.5, cloudy, straight)
    return (which * torch.exp2(4 * torch.rand(count, 1, 1, generator=random))).sigmoid()


def recoloured(x: Tensor, random: torch.Generator, share: float = 0.8, hues: int = 3) -> Tensor:
    """A `share` of the scenes with ranges of hue turned, made stronger or paler, brighter or darker: other dyes and leaves."""
    b = len(x)

    def uniform() -> Tensor:
        return torch.rand(b, 1, 1, generator=random)

    def normal(spread: float) -> Tensor:
        return spread * torch.randn(b, 1, 1, generator=random)

    log = x.clamp_min(1e-5).log()
    u, v = log[:, 0] - log[:, 1], log[:, 2] - log[:, 1]
    chroma = torch.hypot(u, v).clamp_min(1e-4)
    changed = uniform() < share
    turn, size, level = torch.zeros_like(u), torch.zeros_like(u), torch.zeros_like(u)
    for _ in range(hues):
        hue, narrow = 2 * math.pi * uniform(), torch.exp2(3 * uniform())
        near = (narrow * ((u * hue.cos() + v * hue.sin()) / chroma - 1)).exp() * (changed & (uniform() < 0.7))
        turn, size, level = turn + normal(0.6) * near, size + normal(0.35) * near, level + normal(0.5) * near
    size = torch.where(changed, size.exp() * (_MOST / (chroma * size.exp())).clamp_max(1), 1.0)
    cos, sin = turn.cos() * size, turn.sin() * size
    y = torch.stack([(cos * u - sin * v).exp(), torch.ones_like(u), (sin * u + cos * v).exp()], 1)
    luma = x.new_tensor(_LUMA)[:, None, None]
    scale = (x * luma).sum(1, keepdim=True) / (y * luma).sum(1, keepdim=True)
    return torch.where(changed[:, None], y * scale * (level * chroma / (chroma + 0.2)).exp()[:, None], x)


def augment(scenes: Tensor, blown: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Other scenes of the same kind: laid over each other, contrast, colourfulness and hue changed, unevenly lit."""
    count, size = len(scenes), (scenes.shape[2], scenes.shape[3])

    def chance(*shape: int) -> Tensor:
        return torch.rand(count, *(shape or (1, 1, 1)), generator=random)

    level = scenes.mean(1, keepdim=True).flatten(1).clamp_min(1e-5).log().mean(1).exp()[:, None, None, None]
    scenes = scenes / level * 0.15
    other = scenes.roll(1, 0) * torch.exp2(1.2 * torch.randn(count, 1, 1, 1, generator=random))
    over = torch.where(chance() < 0.35, cover(count, size, random)[:, None].round(), torch.ones(count, 1, *size))
    x = scenes * over + other * (1 - over)
    blown = torch.where(over[:, 0] > 0.5, blown, blown.roll(1, 0))
    bend = torch.where(chance() < 0.6, 0.75 + 0.6 * chance(), torch.ones(count, 1, 1, 1))
    x = 0.18 * (x.clamp_min(1e-5) / 0.18) ** bend
    luma = (x * x.new_tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)
    colourful = torch.where(chance() < 0.6, 0.5 + 0.9 * chance(), torch.ones(count, 1, 1, 1))
    x = luma + colourful * (x - luma)
    x = _turned(x, torch.where(chance(1, 1) < 0.3, 0.35 * torch.randn(count, 1, 1, generator=random), 0.0))
    uneven = F.interpolate(torch.randn(count, 1, 3, 3, generator=random), size=size, mode="bicubic")
    x = x * torch.exp2(uneven * torch.where(chance() < 0.5, 1.2 * chance(), 0.0))
    back = level / 0.15
    x = x.clamp(1e-5, 500) * torch.where(chance() < 0.5, back.clamp(0.2, 4), torch.exp2(-1 + 2.5 * chance()))
    return x, blown


def _turned(x: Tensor, angle: Tensor) -> Tensor:
    """Hues turned about the grey axis by radians (B, 1, 1)."""
    cos, sin = angle.cos(), angle.sin() / math.sqrt(3)
    third = (1 - cos) / 3
    cross = x.new_tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    matrix = cos * torch.eye(3) + third + sin * cross
    return torch.einsum("bij,bjhw->bihw", matrix, x)


def windows(valid: Tensor, random: torch.Generator) -> Tensor:
    """Half of the pictures cropped to a random part."""
    b, h, w = valid.shape
    size = 0.35 + 0.65 * torch.rand(b, 2, generator=random)
    size = torch.where(torch.rand(b, 1, generator=random) < 0.5, size, torch.ones_like(size))
    at = (1 - size) * torch.rand(b, 2, generator=random)
    y, x = (torch.arange(n) + 0.5 for n in (h, w))
    rows = (y / h >= at[:, :1]) & (y / h < at[:, :1] + size[:, :1])
    columns = (x / w >= at[:, 1:]) & (x / w < at[:, 1:] + size[:, 1:])
    return valid & rows[:, :, None] & columns[:, None]


def lacking(scenes: Tensor, valid: Tensor, random: torch.Generator, grey: float = 0.08, few: float = 0.06) -> Tensor:
    """Which pixels (B, H, W) still count: in some scenes none that are grey, in some those of one colour alone."""
    b = len(scenes)
    log = scenes.clamp_min(1e-5).log()
    u, v, level = log[:, 0] - log[:, 1], log[:, 2] - log[:, 1], 0.3 * log.mean(1)

    def uniform() -> Tensor:
        return torch.rand(b, 1, 1, generator=random)

    which, least, reach = uniform(), 0.05 + 0.2 * uniform(), 0.15 + 0.5 * uniform()
    at = torch.randint(u[0].numel(), (b, 1), generator=random)
    away = torch.stack([c - c.flatten(1).gather(1, at)[:, :, None] for c in (u, v, level)]).square().sum(0).sqrt()
    kept = torch.where(which < grey, torch.hypot(u, v) > least, (which >= grey + few) | (away < reach))
    some = (valid & kept).flatten(1).sum(1) >= _ENOUGH
    return valid & (kept | ~some[:, None, None])


def apart(scenes: Tensor, valid: Tensor, random: torch.Generator, share: float = 0.75) -> Tensor:
    """Which pixels (B, H, W) still count: in a `share` of the scenes some colours and places are left out, up to two thirds.

    How large which surfaces are is what a network knows a scene by, so it is to differ each time.
    """
    b, _, h, w = scenes.shape
    log = scenes.clamp_min(1e-5).log()
    colour = torch.stack([log[:, 0] - log[:, 1], log[:, 2] - log[:, 1], 0.4 * log.mean(1)], 1)

    def uniform() -> Tensor:
        return torch.rand(b, 1, 1, generator=random)

    field = 0.15 * F.interpolate(torch.randn(b, 1, 6, 8, generator=random), size=(h, w), mode="bilinear")[:, 0]
    for _ in range(4):
        way = 4 * torch.randn(b, 3, 1, 1, generator=random) * uniform()[:, None]
        wave = ((way * colour).sum(1) + 2 * math.pi * uniform()).cos()
        field = field + torch.randn(b, 1, 1, generator=random) * wave
    rank = (0.65 * uniform()[:, 0] * (h * w - 1)).long()
    cut = field.flatten(1).sort(1).values.gather(1, rank)[:, :, None]
    kept = valid & (field > cut)
    some = (kept.flatten(1).sum(1) >= _ENOUGH) & (uniform()[:, 0, 0] < share)
    return torch.where(some[:, None, None], kept, valid)
