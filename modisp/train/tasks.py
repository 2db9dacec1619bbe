"""Training tasks as data: what goes in, what the truth is, the loss, and the figures to watch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..nets import build
from . import color, demosaic, restore, tone, white
from .patches import Example


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


# -- mosaics -----------------------------------------------------------------------------------


def demosaic_task(cfa: str, size: str, **architecture: int) -> Task:
    """The demosaicing task of one filter array and size."""
    return Task(
        name=f"demosaic-{cfa}-{size}",
        architecture={"kind": "demosaic", "cfa": cfa, **architecture},
        draw=partial(demosaic.draw, cfa=cfa),
        loss=demosaic.loss,
        score=demosaic.score,
        watch="encoded",
    )


def restore_task(cfa: str, size: str, **architecture: int) -> Task:
    """The denoise and deblur task of one filter array and size; Bayer's serves Quad-Bayer, too."""
    return Task(
        name=f"restore-{size}" if cfa == "bayer" else f"restore-{cfa}-{size}",
        architecture={"kind": "restore", "cfa": cfa, **architecture},
        draw=partial(restore.draw, cfa=cfa),
        loss=restore.loss,
        score=restore.score,
        watch="n05",
    )


_ALL = [
    demosaic_task("bayer", "quick", width=16, blocks=1, inner_width=32, inner_blocks=1),
    demosaic_task("bayer", "fast", width=24, blocks=3, inner_width=48, inner_blocks=1),
    demosaic_task("bayer", "best", width=32, blocks=4, inner_width=64, inner_blocks=2, turns=2),
    demosaic_task("xtrans", "quick", width=24, blocks=1, inner_width=40, inner_blocks=1),
    demosaic_task("xtrans", "fast", width=32, blocks=4, inner_width=48, inner_blocks=1),
    demosaic_task("xtrans", "best", width=32, blocks=4, inner_width=48, inner_blocks=1, turns=4),
    demosaic_task("quad", "fast", width=48, blocks=3, inner_width=64, inner_blocks=1),
    demosaic_task("quad", "best", width=48, blocks=3, inner_width=64, inner_blocks=1, turns=4),
    restore_task("bayer", "fast", width=16, blocks=1, inner_width=40, inner_blocks=2),
    restore_task("bayer", "best", width=32, blocks=3, inner_width=64, inner_blocks=3, turns=2),
    restore_task("xtrans", "fast", width=40, blocks=1, inner_width=40, inner_blocks=1),
    restore_task("xtrans", "best", width=40, blocks=1, inner_width=40, inner_blocks=1, turns=4),
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
