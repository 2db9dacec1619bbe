"""What a parameter touches, as a grey picture: the whole way of its slider, white where that changes most."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from editor_app.engine import views
from editor_app.engine.opened import Opened
from editor_app.engine.render import Rendered, fitted, render
from modisp import Recipe, Stage
from modisp.parameter import FLAT, OWN, Param

LEAST = 0.02
"""Of the way from black to white: what changes less than this anywhere is not made stronger than that."""
TOP = 0.99  # the share of pixels below white


class Unseen(ValueError):
    """A sentence on why there is nothing to be seen."""


def effect(o: Opened, plain: Recipe, m: Mapping[str, Any], stop: Callable[[], bool]) -> Rendered:
    """The rendering that `m` asks for, with what ``m["effect"]`` (entry, parameter, number of it) touches in place of its pixels.

    Stages of the RAW zone are run on what is seen alone, and only at full size: elsewhere it would take seconds.  Raises
    Unseen where the parameter has no mask, or none that can be had; Cancelled.
    """
    ident, name, part = m["effect"]
    stage = next(e.stage for e in plain.entries if e.id == ident)
    assert isinstance(stage, Stage)
    params = stage.params()
    shown = name if params[name].mask == OWN else params[name].mask
    if shown not in params:
        raise Unseen(f"{stage.title} does not say what its {name} touches")
    raw = ident in {e.id for e in o.raw_part(plain)}
    rect = tuple(m.get("rect") or ())
    if raw and not (len(rect) == 4 and fitted(rect, tuple(m["size"]), m["pixels"]) == 1.0):
        raise Unseen("What this touches is seen at 1:1 and larger")
    asked = {**m, "until": ""}
    two = [plain.switch(ident, True).set(ident, **{shown: v}) for v in _ends(stage, shown, params[shown], part)]
    with o.lock:
        runs = [(o.image, r) if raw else o.hybrid(r)[:2] for r in two]
    key = json.dumps([*(r.dump() for _, r in runs), *(asked.get(k) for k in ("rect", "size", "pixels"))])
    if o.effect is not None and o.effect[0] == key:
        kept: Rendered = o.effect[1]
        return kept  # of a drag every picture but the first
    rest, far = (render(o, source, recipe, asked, stop, draft=raw) for source, recipe in runs)
    out = replace(rest, view=_lit(rest.view, far.view))
    o.effect = key, out
    return out


def _ends(stage: Stage, name: str, p: Param, part: int) -> list[Any]:
    """Where nothing is done, and all that can be done."""
    rest, far = min(max(0.0, p.low), p.high), p.high
    if p.kind not in FLAT:
        return [rest, far]
    row = list(getattr(stage, name))
    return [[v if i == part else x for i, x in enumerate(row)] for v in (rest, far)]


def _lit(rest: views.View, far: views.View) -> views.View:
    """A view of how far two pictures are apart."""
    apart = (far.values - rest.values).abs().amax(0)
    thin = apart.flatten()[:: max(1, apart.numel() // 50_000)]
    top = max(LEAST, float(torch.quantile(thin, TOP)))
    grey = apart.div(top).clamp_(0, 1).mul_(255).round_().to(torch.uint8).numpy()
    pixels = rest.pixels.copy()
    pixels[...] = grey[..., None]
    pixels[..., 3] = 0
    return replace(rest, pixels=pixels, clipped=(0.0, 0.0), screen=None)
