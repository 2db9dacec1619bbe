"""How a style's values compose with a photographer's own: in parameter space, one kind of parameter at a time.

Numbers, colours, hues, wheels, regions and curves move by strength × (style − default), so that the user's own value stays
an offset round the style; choices, switches and files are taken from the strongest layer once its strength reaches 0.5,
unless the user has chosen otherwise.  At strength 0 a layer leaves no trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from modisp.image import tuples
from modisp.parameter import files, mixed_files
from modisp.stage import Param, Stage

Curve = tuple[tuple[float, float], ...]


def blend(stage: Stage, layers: Sequence[tuple[float, Mapping[str, Any]]]) -> Stage:
    """`stage` under several (strength, values) layers.  Values it does not know are passed over."""
    out: dict[str, Any] = {}
    for key, p in stage.params().items():
        own = getattr(stage, key)
        mine = [(s, p.check(f"{stage.name}.{key}", tuples(v[key]))) for s, v in layers if key in v and s > 0]
        if mine:
            out[key] = mixed(p, own, mine)
    return stage.with_values(**out) if out else stage


def mixed(p: Param, own: Any, layers: list[tuple[float, Any]]) -> Any:
    """The value of one parameter that is `own` without (strength above 0, value) layers, all in stored form."""
    if p.kind == "number":
        v = own + sum(s * (value - p.default) for s, value in layers)
        v = min(max(v, p.low), p.high)
        return round(v) if isinstance(p.default, int) else v
    if p.kind == "colour":
        return tuple(o + sum(s * (v[i] - p.default[i]) for s, v in layers) for i, o in enumerate(own))
    if p.kind in ("hues", "wheel", "regions"):
        moved = (o + sum(s * (v[i] - p.default[i]) for s, v in layers) for i, o in enumerate(own))
        return tuple(min(max(v, p.low), p.high) for v in moved)
    if p.kind == "offsets":
        added = [(s, v) for s, v in ((1.0, own), *layers) if v]
        return tuple(sum(s * v[i] for s, v in added) for i in range(max((len(v) for _, v in added), default=0)))
    if p.kind == "curve":
        curves: list[Curve] = [own, p.default, *(v for _, v in layers)]
        xs = sorted({x for c in curves for x, _ in c})
        return tuple((x, at(own, x) + sum(s * (at(v, x) - at(p.default, x)) for s, v in layers)) for x in xs)
    if p.kind == "file":
        rows = [(path, s * share) for s, v in layers for path, share in files(v)]
        return mixed_files(rows) if own == p.default else own
    strength, value = max(layers, key=lambda layer: layer[0])
    return value if own == p.default and strength >= 0.5 else own


def at(curve: Curve, x: float) -> float:
    """A piecewise linear curve's value at x, held constant beyond its ends."""
    if x <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return curve[-1][1]
