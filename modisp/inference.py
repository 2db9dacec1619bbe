"""Networks over a frame: tile by tile, each with what it needs around, rounded to float16."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock

import torch

from modisp import memory
from modisp.image import Frame, Image
from modisp.stage import Parts
from modisp.steps import Step, grid, snap
from modisp.tiles import Progress, each, tiles_of


def infer(
    step: Step, frame: Frame, pull: Callable[[Frame], Image], progress: Progress | None = None
) -> dict[str, torch.Tensor]:
    """What the step's `infer` makes for a full-size frame on the lattice; ``pull`` gives its input for a frame."""
    stage = step.stage
    made: dict[str, torch.Tensor] = {}
    lock = Lock()
    work = tiles_of(frame, grid(stage.tile))
    if progress:
        progress.expect(len(work) * 4, f"{stage.title.lower()}")

    def one(t: Frame) -> None:
        need = snap(t.grow(stage.around(step.meta)), stage.reads)
        parts: Parts = stage.infer(replace(pull(need), meta=step.meta), step.reading)
        top, left = t.within(need)
        a, b = t.within(frame)
        for name, p in (parts or {}).items():
            with lock:
                if name not in made:
                    made[name] = torch.empty(p.shape[0], *frame.size, dtype=torch.float16)
            cut = p[:, top : top + t.size[0], left : left + t.size[1]]
            made[name][:, a : a + t.size[0], b : b + t.size[1]] = cut.to("cpu", torch.float16)
        if progress:
            progress.step(4)

    each(one, work)
    memory.give_back()
    return made
