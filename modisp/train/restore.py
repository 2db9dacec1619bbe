"""Restoration of a mosaic as a task: noise and blur put on patches, the loss, the figures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..color.transfer import srgb_decode
from ..metrics import cpsnr
from ..nets.compand import stabilise, stable_sigma
from ..nets.mosaic import sample
from ..nets.restore import Restore, restore
from ..operators.noise import LEAST
from ..simulate import noise, optics
from .data import encode
from .patches import Example, crop, error

GUESSED = 0.3
"""How often the blur that is told is but a guess."""


def draw(
    encoded: Tensor, random: torch.Generator, cfa: str = "bayer", profiles: Sequence[tuple[float, float]] = ()
) -> Example:
    """Patches → (stabilised noisy mosaic, sigma, radius, stabilised clean mosaic, sharp mosaic).

    The last is not a number where the radius is but a guess.
    ``profiles``: (shot, read) of one camera, instead of those of all cameras.
    """
    count = len(encoded)

    def chance() -> Tensor:
        return torch.rand(count, 1, 1, 1, generator=random)

    # Either display values with even noise (the published protocol) or linear light, unbalanced
    # and underexposed as a sensor gives it, with shot and read noise.
    linear = chance() < 0.6
    tint = torch.exp2(torch.tensor([-1.3, 0.0, -1.3]).view(1, 3, 1, 1) * torch.rand(count, 3, 1, 1, generator=random))
    exposed = srgb_decode(encoded) * torch.exp2(-3 * chance() ** 2) * tint
    truth = torch.where(linear, exposed, encoded)
    even = 10 ** (-2.6 + 1.6 * chance())  # sigma 0.0025 … 0.1
    shot, read = noise.sample_profile(count, random)
    if profiles:
        linear = linear | True
        pick = torch.randint(len(profiles), (count,), generator=random)
        shot, read = torch.tensor(profiles)[pick].view(count, 2, 1, 1, 1).unbind(1)
    shot, read = torch.where(linear, shot, 0.0), torch.where(linear, read, even**2)
    soft, radii = truth, []
    psfs = torch.zeros(count, 11, 11)
    psfs[:, 5, 5] = 1.0
    for i in range(count):
        radii.append(0.0)
        if float(torch.rand((), generator=random)) < 0.65:
            psfs[i], radii[i] = optics.draw(random)
    if any(radii):
        soft = optics.blur(truth, psfs)
    radius = torch.tensor(radii).view(-1, 1, 1, 1)
    # Neither the noise nor the blur is known exactly in practice, and where no edge tells of it the blur is guessed: what noise
    # is must not hang on it. What is lost by such a guess is no lesson in sharpening.
    guessed = chance() < GUESSED
    told = radius * torch.exp2(0.1 * torch.randn(radius.shape, generator=random))
    told = torch.where(guessed, 0.4 + 1.2 * chance(), told)
    clean = sample(soft, cfa)
    seen = noise.clip(noise.add_noise(clean, shot, read, random, rows=0.1))
    return (
        stabilise(seen, shot, read),
        stable_sigma(shot, read),
        told,
        stabilise(clean, shot, read),
        torch.where(guessed, torch.nan, stabilise(sample(truth, cfa), shot, read)),
    )


def loss(net: nn.Module, example: Example) -> Tensor:
    """Both heads; strong noise weighs a little less than its error would."""
    seen, sigma, radius, clean, sharp = example
    weight = (0.03 / (sigma + 0.005)).sqrt()
    first, second = net(seen, sigma, radius)
    known = ~sharp.isnan().flatten(1).any(1)
    total = error((first - clean) * weight)
    if bool(known.any()):
        total = total + error(((second - sharp) * weight)[known])
    return total


def score(net: nn.Module, pictures: Sequence[Tensor]) -> dict[str, float]:
    """PSNR on the mosaic (dB): even noise on encoded values, and deblurring of linear light."""
    assert isinstance(net, Restore)
    random = torch.Generator().manual_seed(1)
    psf = optics.gaussian(1.0)
    figures: dict[str, list[float]] = {"n02": [], "n05": [], "deblur": []}
    for picture in pictures:
        picture = crop(picture, net.multiple)
        truth = sample(picture, net.cfa)
        for name, sigma in (("n02", 0.02), ("n05", 0.05)):
            noisy = truth + sigma * torch.randn(truth.shape, generator=random)
            figures[name].append(cpsnr(restore(net, noisy, 0.0, sigma**2, LEAST, net.cfa)[0], truth))
        light = srgb_decode(picture)
        shot, read = torch.tensor(1e-3), torch.tensor(1e-6)
        soft = sample(optics.blur(light[None], psf)[0], net.cfa)
        noisy = noise.add_noise(soft[None], shot, read, random)[0]
        sharp = restore(net, noisy, 1e-3, 1e-6, 1.0, net.cfa)[1]
        figures["deblur"].append(cpsnr(encode(sharp), truth))
    return {name: sum(values) / len(values) for name, values in figures.items()}
