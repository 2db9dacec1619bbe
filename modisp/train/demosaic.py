"""Demosaicing as a task: patches to mosaics, the loss, the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from .. import weights
from ..metrics import cpsnr
from ..nets.compand import BENT, STRAIGHT, compand, knee_of, level_of, slope, stabilise, stable_sigma, unstabilise
from ..nets.demosaic import TONE, Demosaic, demosaic
from ..nets.mosaic import sample
from ..nets.restore import Restore, restore
from ..nets.trunk import quick_short
from ..operators.noise import LEAST, left_after
from ..simulate import noise
from .data import crop, decode, encode
from .restore import error

Example = tuple[Tensor, ...]

FEW = 4
"""One patch in so many is restored first, where there is a network that does it."""


def draw(encoded: Tensor, random: torch.Generator, cfa: str, restored: Restored | None = None) -> Example:
    """Patches → (companded mosaic with a little noise, that noise, companded truth, weight)."""
    example = _clear(encoded, random, cfa)
    if restored is None:
        return example
    others = restored.draw(encoded[1::FEW], random, cfa)
    for values, other in zip(example, others, strict=True):
        values[1::FEW] = other
    return example


def _clear(encoded: Tensor, random: torch.Generator, cfa: str) -> Example:
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
    level = 10 ** (-3.2 + 1.5 * torch.rand(count, 1, 1, 1, generator=random))
    level = level * (torch.rand(count, 1, 1, 1, generator=random) < 0.25)
    told = level * torch.exp2(0.3 * torch.randn(level.shape, generator=random))
    # Now and then some noise is left that nobody knows of.
    secret = torch.rand(level.shape, generator=random) < 0.2
    level, told = torch.where(secret, 0.25 * level, level), torch.where(secret, 0.0, told)
    even = slope(truth[:, :1], knee).clamp_min(0.5)
    grain = level * torch.randn(truth[:, :1].shape, generator=random) / even
    seen = sample(truth, cfa) + grain
    return compand(seen, knee), told, compand(truth, knee), _weight(shown, power, factor, truth, knee)


def _weight(shown: Tensor, power: Tensor, factor: Tensor, truth: Tensor, knee: Tensor) -> Tensor:
    """Errors as the eye (and PSNR of encoded values) weighs them: d shown / d companded."""
    bend = shown / (power * shown**power) / factor
    return (bend / slope(truth, knee)).clamp_max(4.0)


@dataclass(frozen=True)
class Restored:
    """Noisy mosaics after a restoring network, as demosaicers meet them: noise gone, and what it hid."""

    name: str
    """The weights that restore."""

    @cached_property
    def net(self) -> Restore:
        """Read when it is first needed."""
        net = weights.load(self.name)[0]
        assert isinstance(net, Restore)
        net.turns, net.trunk.short = 1, quick_short(torch.device("cpu"))
        return net

    def draw(self, encoded: Tensor, random: torch.Generator, cfa: str) -> Example:
        """Patches → what `draw` gives."""
        count = len(encoded)

        def chance() -> Tensor:
            return torch.rand(count, 1, 1, 1, generator=random)

        linear = chance() < 0.5
        power = torch.where(linear, 2.2, 1.0)
        shown = encoded.clamp_min(4e-3)
        factor = torch.where(linear, torch.exp2(-3 * chance() ** 2), 1.0)
        truth = shown**power * factor
        # Balanced afterwards: red and blue are the darker samples.
        dark = torch.tensor([-1.3, 0.0, -1.3]).view(1, 3, 1, 1) * torch.rand(count, 3, 1, 1, generator=random)
        white = torch.where(linear, torch.exp2(dark), 1.0)
        shot, read = noise.sample_profile(count, random)
        even = 10 ** (-2.6 + 1.6 * chance())
        shot, read = torch.where(linear, shot, 0.0), torch.where(linear, read, even**2)
        seen = noise.clip(noise.add_noise(sample(truth * white, cfa), shot, read, random))
        sigma = stable_sigma(shot, read)
        with torch.no_grad():
            radius = torch.full_like(sigma, LEAST)
            clean = unstabilise(self.net(stabilise(seen, shot, read), sigma, radius)[0], shot, read)
        strength = torch.where(chance() < 0.6, 1.0, 0.6 + 0.4 * chance())
        mosaic = seen.lerp(clean, strength) / sample(white.expand_as(truth), cfa)
        left = torch.tensor([left_after(float(s), float(s)) for s in strength]).view(-1, 1, 1, 1)
        knee = torch.where(linear, (read / shot.clamp_min(1e-9)).clamp(BENT, STRAIGHT), STRAIGHT)
        told = slope(torch.full_like(knee, TONE), knee) * (left * (shot * TONE + read)).sqrt()
        # What noise has taken nobody gives back: it must not drown the rest.
        weight = _weight(shown, power, factor, truth, knee) * (0.02 / (sigma + 0.02))
        return compand(mosaic, knee), told, compand(truth, knee), weight

    def __call__(self, net: Demosaic, mosaic: Tensor, sigma: float) -> Tensor:
        """(1, H, W) with even noise → (3, H, W), restored and demosaiced, each told what the stages tell."""
        clean = restore(self.net, mosaic, 0.0, sigma**2, LEAST, net.cfa)[0]
        read = left_after(1.0, 1.0) * sigma**2
        return demosaic(net, clean, noise=(0.0, read), knee=knee_of(0.0, read))


def loss(net: nn.Module, example: Example) -> Tensor:
    """Error as shown, away from the patch's rim."""
    mosaic, told, truth, weight = example
    return error((net(mosaic, told) - truth) * weight)


def score(net: nn.Module, pictures: Sequence[Tensor], restored: Restored | None = None) -> dict[str, float]:
    """CPSNR with the filter array put on encoded values, on linear light, and with noise, left or taken off."""
    assert isinstance(net, Demosaic)
    random = torch.Generator().manual_seed(1)
    figures: dict[str, list[float]] = {"encoded": [], "linear": [], "noise01": []}
    if restored:
        figures["restored05"] = []
    for picture in pictures:
        truth = crop(picture, net.multiple)
        mosaic, light = sample(truth, net.cfa), sample(decode(truth), net.cfa)
        noisy = mosaic + 0.01 * torch.randn(mosaic.shape, generator=random)
        found = demosaic(net, mosaic, knee=knee_of(0.0, 0.0, level_of(mosaic)))
        figures["encoded"].append(cpsnr(found, truth))
        found = demosaic(net, light, knee=knee_of(0.0, 0.0, level_of(light)))
        figures["linear"].append(cpsnr(encode(found), truth))
        found = demosaic(net, noisy, noise=(0.0, 1e-4), knee=knee_of(0.0, 1e-4))
        figures["noise01"].append(cpsnr(found, truth))
        if restored:
            noisy = mosaic + 0.05 * torch.randn(mosaic.shape, generator=random)
            figures["restored05"].append(cpsnr(restored(net, noisy, 0.05), truth))
    return {name: sum(values) / len(values) for name, values in figures.items()}
