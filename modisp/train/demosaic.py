"""Demosaicing as a task: patches to mosaics, the loss, the figures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..color.transfer import srgb_decode
from ..metrics import cpsnr
from ..nets.compand import BENT, STRAIGHT, compand, knee_of, level_of, slope
from ..nets.demosaic import Demosaic, demosaic
from ..nets.mosaic import sample
from .data import encode, halve_chroma
from .patches import Example, crop, error


def draw(encoded: Tensor, random: torch.Generator, cfa: str) -> Example:
    """Patches → (companded mosaic with a little noise, that noise, companded truth, weight)."""
    count = len(encoded)
    # The encoding the sensor is taken to have: display values as they are (the published
    # protocol), linear light (what cameras give), or something between.
    kind = torch.rand(count, 1, 1, 1, generator=random)
    between = 1 + 1.2 * torch.rand(count, 1, 1, 1, generator=random)
    power = torch.where(kind < 0.5, 1.0, torch.where(kind < 0.88, 2.2, between))
    shown = encoded.clamp_min(4e-3)
    raw = shown**power
    linear = power > 1
    gain = torch.exp2(-2 * torch.rand(count, 1, 1, 1, generator=random) ** 2)
    tint = torch.exp2(0.5 * torch.randn(count, 3, 1, 1, generator=random) * 0.4)
    factor = torch.where(linear, gain * tint, torch.ones_like(tint))
    truth = raw * factor
    # The companding that a picture of such values mostly gets (see `knee_of`), and at times another one.
    other = ((torch.rand(count, 1, 1, 1, generator=random) - 0.6) / 0.4).clamp_min(0) ** 2
    knee = BENT * (STRAIGHT / BENT) ** torch.where(power < 1.5, 1 - other, other)
    # Loss as the eye (and PSNR of encoded values) weighs it: d shown / d companded.
    bend = shown / (power * raw) / factor
    weight = (bend / slope(truth, knee)).clamp_max(4.0)
    level = 10 ** (-3.2 + 1.5 * torch.rand(count, 1, 1, 1, generator=random))
    level = level * (torch.rand(count, 1, 1, 1, generator=random) < 0.25)
    told = level * torch.exp2(0.3 * torch.randn(level.shape, generator=random))
    # Now and then some noise is left that nobody knows of.
    secret = torch.rand(level.shape, generator=random) < 0.2
    level, told = torch.where(secret, 0.25 * level, level), torch.where(secret, 0.0, told)
    even = slope(truth[:, :1], knee).clamp_min(0.5)
    grain = level * torch.randn(truth[:, :1].shape, generator=random) / even
    seen = sample(truth, cfa) + grain
    return compand(seen, knee), told, compand(truth, knee), weight


def loss(net: nn.Module, example: Example) -> Tensor:
    """Error as shown, away from the patch's rim."""
    mosaic, told, truth, weight = example
    return error((net(mosaic, told) - truth) * weight)


def score(net: nn.Module, pictures: Sequence[Tensor]) -> dict[str, float]:
    """CPSNR with the filter array put on encoded values, also where colour is coarse, on linear light, and with noise."""
    assert isinstance(net, Demosaic)
    random = torch.Generator().manual_seed(1)
    figures: dict[str, list[float]] = {"encoded": [], "coarse": [], "linear": [], "noise01": []}
    for picture in pictures:
        truth = crop(picture, net.multiple)
        mosaic, light = sample(truth, net.cfa), sample(srgb_decode(truth), net.cfa)
        noisy = mosaic + 0.01 * torch.randn(mosaic.shape, generator=random)
        found = demosaic(net, mosaic, knee=knee_of(0.0, 0.0, level_of(mosaic)))
        figures["encoded"].append(cpsnr(found, truth))
        coarse = halve_chroma(truth[None])[0]
        mosaic = sample(coarse, net.cfa)
        found = demosaic(net, mosaic, knee=knee_of(0.0, 0.0, level_of(mosaic)))
        figures["coarse"].append(cpsnr(found, coarse))
        found = demosaic(net, light, knee=knee_of(0.0, 0.0, level_of(light)))
        figures["linear"].append(cpsnr(encode(found), truth))
        found = demosaic(net, noisy, noise=(0.0, 1e-4), knee=knee_of(0.0, 1e-4))
        figures["noise01"].append(cpsnr(found, truth))
    return {name: sum(values) / len(values) for name, values in figures.items()}
