"""Drafts: what is shown of a reduced picture while a hand drags a strength of the RAW zone.

A stage names the parameters that its samples are `straight` in.  A draft starts from the last exact result and goes towards
the exact result at the end of half the slider's way, as far as the strength has moved: the blend of two finished pictures.  An
end is made once, when a drag first comes its way, and only its reduced view is kept; after that no network runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from modisp.cache import key_of
from modisp.image import Frame
from modisp.keys import key_after
from modisp.stage import Stage
from modisp.steps import Step

if TYPE_CHECKING:
    from modisp.run import Run

Values = Mapping[str, Mapping[str, float]]
"""Entry → straight parameter → value."""


def loose(stage: Stage) -> Stage:
    """The stage with its straight parameters at their defaults: what a draft and the exact result have in common."""
    return stage.with_values(**{name: stage.params()[name].default for name in stage.straight})


def loose_key(step: Step) -> str:
    """The key of a step's result, wherever straight parameters stand."""
    if step.loose == step.key and not step.stage.straight:
        return step.key_after
    return key_after(step.loose, loose(step.stage), step.reading)


def values_of(steps: Sequence[Step]) -> Values:
    """Where the straight parameters stand."""
    return {s.id: {name: getattr(s.stage, name) for name in s.stage.straight} for s in steps if s.stage.straight}


def blend(
    base: torch.Tensor, steps: Sequence[Step], was: Values, end: Callable[[dict[str, dict[str, float]]], torch.Tensor]
) -> torch.Tensor:
    """``base`` is what the settings ``was`` gave; ``end`` gives the same for others: → about what the steps' own would give."""

    def given(step: Step, name: str, value: float) -> torch.Tensor:
        if value == was[step.id][name]:
            return base
        return end({entry: {**values, **({name: value} if entry == step.id else {})} for entry, values in was.items()})

    out = base
    for step in steps:
        for name in step.stage.straight:
            old, new, p = was[step.id][name], getattr(step.stage, name), step.stage.params()[name]
            if new != old:
                near, far = _ends(old, new, float(p.low or 0.0), float(p.high or 0.0))
                start, share = given(step, name, near), (new - near) / (far - near)
                out = out.add(start - base).add_(given(step, name, far) - start, alpha=share)
    return out


def _ends(old: float, new: float, low: float, high: float) -> tuple[float, float]:
    """What ``new`` lies between: a half of the slider's way, or what of it is ahead of ``old``; the end nearer to it first.

    Samples are straight in a strength, what networks make of them is not: over a half it is near enough.
    """
    middle = (low + high) / 2
    stops = [old, *(k for k in ((middle, high) if new > old else (middle, low)) if (k - old) * (new - old) > 0)]
    at = next(i for i, k in enumerate(stops) if abs(new - old) <= abs(k - old))
    return stops[at - 1], stops[at]


def end_of(run: Run, frame: Frame, values: Values) -> torch.Tensor:
    """The RAW zone's exact result for a reduced frame, with straight parameters set otherwise; only that view is kept."""
    assert run.source is not None, "drafts keep the source"
    recipe = run.recipe
    for entry, given in values.items():
        recipe = recipe.set(entry, **given)
    there = {"cache": run.cache, "device": run.device, "tile": run.tile, "progress": run.progress}
    last = run.steps[run.raw_end - 1].id
    made = type(run)(run.source, recipe, until=last, readings=run.readings, draft=True, **there)  # type: ignore[arg-type]
    made.draft = made.disk = False  # it has the same steps as a draft, but is exact, and not worth a place on disk
    key = key_of("base", made.raw_key(), frame.rect, frame.size)
    found = run.cache.get(key)
    if found is None:
        run.progress.plan(made.work)
        found = {"pixels": made.base(made.raw_end, frame).pixels}
        run.cache.put(key, found)
        run.cache.drop(made.raw_key())
        for own, other in zip(run.steps, made.steps, strict=False):
            if own.key != other.key:
                run.cache.drop(other.infer_key)
    return found["pixels"]
