"""Training tasks as data: what goes in, what the truth is, the loss, and the figures to watch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..metrics import cpsnr
from ..nets import build
from ..nets.compand import BENT, STRAIGHT, compand, knee_of, level_of, slope, stabilise, stable_sigma
from ..nets.demosaic import Demosaic, demosaic
from ..nets.mosaic import sample
from ..nets.restore import Restore, restore
from ..simulate import noise, optics
from . import color, tone, white
from .data import decode, encode

Example = tuple[Tensor, ...]
"""What a loss needs, as the task's own `draw` returns it."""


@dataclass(frozen=True)
class Task:
    """``draw`` makes an example of sRGB-encoded patches (B, 3, P, P), where no ``examples`` do; ``score`` judges on pictures."""

    name: str
    architecture: Mapping[str, Any]
    draw: Callable[[Tensor, torch.Generator], Example]
    loss: Callable[[nn.Module, Example], Tensor]
    score: Callable[[nn.Module, Sequence[Tensor]], dict[str, float]]
    watch: str
    patch: int = 72
    batch: int = 12
    rate: float = 2e-3
    steps: int = 20000
    reductions: tuple[float, ...] = (1.4, 2.0)
    examples: Callable[[Path | None, Path], Callable[[int, torch.Generator], Example]] | None = None
    """For tasks that need no photographs: (data folder, where to keep what takes long) → what draws an example of so many."""
    begin: Callable[[nn.Module, Path], None] | None = None
    """What is to be done to an untrained network once the examples are there, told where the task keeps things."""
    finish: Callable[[nn.Module, Path], None] | None = None
    """What is left to do to the network when it is written, told where the task kept things."""
    trained_on: str = ""
    tested_on: str = ""
    """For these tasks, as the card says it; what they are tested on, `score` knows."""

    def net(self) -> nn.Module:
        """An untrained network."""
        return build(self.architecture)


# -- demosaic ---------------------------------------------------------------------------------

BORDER = 6
"""Rim of a patch left out of the loss: convolutions see zeros beyond it."""


def draw_demosaic(cfa: str) -> Callable[[Tensor, torch.Generator], Example]:
    """Patches → (companded mosaic with a little noise, that noise, companded truth, weight)."""

    def draw(encoded: Tensor, random: torch.Generator) -> Example:
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
        noise = level * torch.randn(truth[:, :1].shape, generator=random) / even
        seen = sample(truth, cfa) + noise
        return compand(seen, knee), told, compand(truth, knee), weight

    return draw


def loss_demosaic(net: nn.Module, example: Example) -> Tensor:
    """Error as shown, away from the patch's rim."""
    mosaic, told, truth, weight = example
    return _error((net(mosaic, told) - truth) * weight)


def _error(wrong: Tensor) -> Tensor:
    """Half absolute, half root-mean-square error of each patch.

    The second looks at a patch as PSNR looks at a picture; the first learns faster.
    """
    wrong = wrong[..., BORDER:-BORDER, BORDER:-BORDER]
    per_patch = (wrong.square().mean(dim=(1, 2, 3)) + 1e-9).sqrt()
    return 0.5 * (wrong.abs().mean() + per_patch.mean())


def crop(picture: Tensor, multiple: int) -> Tensor:
    """Cut sides down to multiples."""
    height, width = (side // multiple * multiple for side in picture.shape[-2:])
    return picture[..., :height, :width]


def score_demosaic(net: nn.Module, pictures: Sequence[Tensor]) -> dict[str, float]:
    """CPSNR with the filter array put on encoded values, on linear light, and with noise."""
    assert isinstance(net, Demosaic)
    random = torch.Generator().manual_seed(1)
    figures: dict[str, list[float]] = {"encoded": [], "linear": [], "noise01": []}
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
    return {name: sum(values) / len(values) for name, values in figures.items()}


def demosaic_task(cfa: str, size: str, **architecture: int) -> Task:
    """The demosaicing task of one filter array and size."""
    return Task(
        name=f"demosaic-{cfa}-{size}",
        architecture={"kind": "demosaic", "cfa": cfa, **architecture},
        draw=draw_demosaic(cfa),
        loss=loss_demosaic,
        score=score_demosaic,
        watch="encoded",
    )


# -- restore ----------------------------------------------------------------------------------


def draw_restore(
    encoded: Tensor, random: torch.Generator, cfa: str = "bayer", profiles: Sequence[tuple[float, float]] = ()
) -> Example:
    """Patches → (stabilised noisy mosaic, sigma, radius, stabilised clean mosaic, sharp mosaic).

    ``profiles``: (shot, read) of one camera, instead of those of all cameras.
    """
    count = len(encoded)

    def chance() -> Tensor:
        return torch.rand(count, 1, 1, 1, generator=random)

    # Either display values with even noise (the published protocol) or linear light, unbalanced
    # and underexposed as a sensor gives it, with shot and read noise.
    linear = chance() < 0.6
    tint = torch.exp2(torch.tensor([-1.3, 0.0, -1.3]).view(1, 3, 1, 1) * torch.rand(count, 3, 1, 1, generator=random))
    exposed = decode(encoded) * torch.exp2(-3 * chance() ** 2) * tint
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
    # Neither the noise nor the blur is known exactly in practice.
    told = radius * torch.exp2(0.1 * torch.randn(radius.shape, generator=random))
    clean = sample(soft, cfa)
    seen = noise.clip(noise.add_noise(clean, shot, read, random, rows=0.1))
    return (
        stabilise(seen, shot, read),
        stable_sigma(shot, read),
        told,
        stabilise(clean, shot, read),
        stabilise(sample(truth, cfa), shot, read),
    )


def loss_restore(net: nn.Module, example: Example) -> Tensor:
    """Both heads; strong noise weighs a little less than its error would."""
    seen, sigma, radius, clean, sharp = example
    weight = (0.03 / (sigma + 0.005)).sqrt()
    total = seen.new_zeros(())
    for out, truth in zip(net(seen, sigma, radius), (clean, sharp), strict=True):
        total = total + _error((out - truth) * weight)
    return total


def score_restore(net: nn.Module, pictures: Sequence[Tensor]) -> dict[str, float]:
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
            figures[name].append(cpsnr(restore(net, noisy, 0.0, sigma**2, 0.0, net.cfa)[0], truth))
        light = decode(picture)
        shot, read = torch.tensor(1e-3), torch.tensor(1e-6)
        soft = sample(optics.blur(light[None], psf)[0], net.cfa)
        noisy = noise.add_noise(soft[None], shot, read, random)[0]
        sharp = restore(net, noisy, 1e-3, 1e-6, 1.0, net.cfa)[1]
        figures["deblur"].append(cpsnr(encode(sharp), truth))
    return {name: sum(values) / len(values) for name, values in figures.items()}


def restore_task(cfa: str, size: str, **architecture: int) -> Task:
    """The denoise and deblur task of one filter array and size; Bayer's serves Quad-Bayer, too."""
    return Task(
        name=f"restore-{size}" if cfa == "bayer" else f"restore-{cfa}-{size}",
        architecture={"kind": "restore", "cfa": cfa, **architecture},
        draw=partial(draw_restore, cfa=cfa),
        loss=loss_restore,
        score=score_restore,
        watch="n05",
    )


_ALL = [
    demosaic_task("bayer", "quick", width=16, blocks=1, inner_width=32, inner_blocks=1),
    demosaic_task("bayer", "fast", width=24, blocks=3, inner_width=48, inner_blocks=1),
    demosaic_task("bayer", "best", width=32, blocks=4, inner_width=64, inner_blocks=2, turns=2),
    demosaic_task("xtrans", "fast", width=32, blocks=4, inner_width=48, inner_blocks=1),
    demosaic_task("xtrans", "best", width=32, blocks=4, inner_width=48, inner_blocks=1, turns=4),
    demosaic_task("quad", "fast", width=48, blocks=3, inner_width=64, inner_blocks=1),
    demosaic_task("quad", "best", width=48, blocks=3, inner_width=64, inner_blocks=1, turns=4),
    restore_task("bayer", "fast", width=16, blocks=1, inner_width=40, inner_blocks=2),
    restore_task("bayer", "best", width=32, blocks=3, inner_width=64, inner_blocks=3, turns=2),
    restore_task("xtrans", "fast", width=24, blocks=1, inner_width=48, inner_blocks=3),
]

# -- colour -----------------------------------------------------------------------------------


def _no_patches(encoded: Tensor, random: torch.Generator) -> Example:
    raise ValueError("this task is not trained on photographs")


_ALL.append(
    Task(
        name="color_correct",
        architecture={"kind": "color", "hidden": 256, "layers": 2},
        draw=_no_patches,
        loss=color.loss,
        score=color.score,
        watch="clean",
        batch=128,
        steps=14000,
        examples=color.examples,
        begin=color.begin,
        finish=color.finish,
        trained_on=color.TRAINED_ON,
        tested_on=color.TESTED_ON,
    )
)
_ALL.append(
    Task(
        name="white_balance",
        architecture={"kind": "white", "widths": [16, 32, 48, 64]},
        draw=_no_patches,
        loss=white.loss,
        score=white.score,
        watch="median",
        batch=16,
        examples=white.examples,
        trained_on=white.TRAINED_ON,
    )
)
# -- tone -------------------------------------------------------------------------------------


def tone_task(teacher: str, grid: bool = True) -> Task:
    """To finish as a teacher does; without the grid of local work, as a measure of what that is worth."""
    return Task(
        name=f"tone-{teacher}" + ("" if grid else "-global"),
        architecture={"kind": "tone", "grid": grid, "blocks": 4},
        draw=_no_patches,
        loss=tone.loss,
        score=partial(tone.score, teacher=teacher),
        watch="de",
        batch=8,
        steps=16000,
        examples=tone.examples_of(teacher),
        trained_on=tone.TRAINED_ON,
        tested_on=tone.TESTED_ON,
    )


_ALL += [tone_task("natural"), tone_task("natural", grid=False)]
TASKS: dict[str, Task] = {task.name: task for task in _ALL}


def task(name: str, **changes: Any) -> Task:
    """A task by name, with some of its numbers changed."""
    if name not in TASKS:
        raise KeyError(f"no task {name!r}; there are {', '.join(TASKS)}")
    return replace(TASKS[name], **changes)
