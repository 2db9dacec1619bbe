"""What dragging on the picture adjusts: curves at the tone under the pointer, hues at the colour under it.  No widgets here.

What can be adjusted so follows from the kinds of a stage's parameters (`curve`, `hues`), never from its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from editor_app import recipes
from editor_app.declared import Declarations, ParamInfo, StageInfo
from modisp.operators.curves import PLAIN, REGIONS, monotone_cubic, through
from modisp.operators.hues import weights
from modisp.parameter import HUES

CHANNELS = ("red", "green", "blue")
"""Parameters of these names act on one channel; all others on brightness."""
GREYEST = 0.015
"""Oklab chroma below which nobody can tell a hue."""
NEAR = 0.05
"""How near a curve's point must be to the tone under the pointer to be moved; else a point is added."""
_SLIGHT = 0.12  # a hue that has less of the colour is left alone
_APART = 0.01

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Aim:
    """One parameter that can be adjusted on the picture."""

    ident: str
    stage: StageInfo
    param: ParamInfo

    @property
    def bends(self) -> bool:
        """Whether it is a curve."""
        return self.param.kind == "curve"

    @property
    def channel(self) -> int:
        """Which of the four tones of a sample counts: brightness, red, green or blue."""
        return CHANNELS.index(self.param.name) + 1 if self.param.name in CHANNELS else 0

    def regions(self, values: Values) -> Sequence[float]:
        """The regions that act before the points of the stage's first curve."""
        curves = [p for p in self.stage.params if p.kind == "curve"]
        first = next((p for p in self.stage.params if p.kind == "regions"), None)
        if first is None or curves[0].name != self.param.name:
            return REGIONS
        return list(values.get(first.name, first.default))


def aims(recipe: recipes.Recipe, declared: Declarations) -> list[Aim]:
    """All that can be adjusted on the picture, in the recipe's order."""
    out = []
    for e in recipe["entries"]:
        info = declared.stages.get(e["stage"])
        if info is not None and recipes.is_on(e):
            rows = [p for p in info.params if p.kind in ("curve", "hues") and not p.advanced]
            out += [Aim(str(e["id"]), info, p) for p in rows]
    return out


@dataclass(frozen=True)
class Hold:
    """A gesture: where it began, and what stood there.  `changed` and `words` say what becomes of it."""

    aim: Aim
    start: Any  # the parameter's value
    tone: float = 0.0  # that reaches the stage, of a curve
    at: float = 0.0  # the same as its points are placed: after the regions
    share: tuple[float, ...] = ()  # how much each hue follows

    @property
    def full(self) -> float:
        """By how much the value moves over the whole range of a gesture (200 px)."""
        return 0.5 if self.aim.bends else self.aim.param.high

    def changed(self, by: float) -> Any:
        """The value after a drag by −1…1 of its range."""
        by *= self.full
        if not self.aim.bends:
            p = self.aim.param
            moved = [v + by * s for v, s in zip(self.start, self.share, strict=True)]
            return [round(min(max(v, p.low), p.high), 3) if s else v for v, s in zip(moved, self.share, strict=True)]
        points, i = self._points()
        points[i][1] = round(min(max(points[i][1] + by, 0.0), 1.0), 4)
        return points

    def _points(self) -> tuple[list[list[float]], int]:
        """The curve's points with one at the tone, and which one that is."""
        points = [[float(x), float(y)] for x, y in self.start]
        near = min(range(len(points)), key=lambda k: abs(points[k][0] - self.at))
        if abs(points[near][0] - self.at) <= NEAR:
            return points, near
        x = min(max(self.at, _APART), 1 - _APART)
        points.append([round(x, 4), round(float(monotone_cubic(points, x)), 4)])
        points.sort()
        return points, next(i for i, p in enumerate(points) if p[0] == round(x, 4))

    def cleared(self) -> Any:
        """The value with what stands at the pointer taken back: the point removed, the hues at their defaults."""
        if not self.aim.bends:
            default = self.aim.param.default
            return [d if s else v for v, d, s in zip(self.start, default, self.share, strict=True)]
        points = [[float(x), float(y)] for x, y in self.start]
        inner = [k for k in range(1, len(points) - 1) if abs(points[k][0] - self.at) <= 2 * NEAR]
        if inner:
            del points[min(inner, key=lambda k: abs(points[k][0] - self.at))]
        return points

    def after(self, points: Any) -> float:
        """The tone that a curve makes of the one that reaches the stage."""
        return float(monotone_cubic(points, self.at))

    def words(self, value: Any) -> list[tuple[str, float]]:
        """What there is to read of a value: (hue, its number) for each that follows, or ("", tone that comes out)."""
        if self.aim.bends:
            return [("", self.after(value))]
        order = sorted((i for i, s in enumerate(self.share) if s), key=lambda i: -self.share[i])
        return [(HUES[i], float(value[i])) for i in order]


def hold(aim: Aim, values: Values, told: Mapping[str, Any]) -> Hold | None:
    """What a drag at a place would hold; `told` is what the stage reads there.  None where there is no hue to be told."""
    start = values.get(aim.param.name, aim.param.default)
    if aim.bends:
        tone = float(told["tones"][aim.channel])
        return Hold(aim, start, tone, float(through(aim.regions(values), PLAIN, tone)))
    if told["chroma"] < GREYEST:
        return None
    found = weights(told["hue"])
    most = float(max(found))
    return Hold(aim, start, share=tuple(float(w) / most if w >= _SLIGHT * most else 0.0 for w in found))
