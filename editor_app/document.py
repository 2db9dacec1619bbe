"""One photograph as it is edited: its recipe, every step that led there, snapshots, rating.  No widgets.

A step is one gesture: edits with the same key follow each other into one step until `finish`.  Undo is a walk along the
list; what was undone stays there until the next edit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from editor_app import recipes
from editor_app.declared import Declarations, ParamInfo
from editor_app.recipes import Recipe
from editor_app.shown import Shown
from editor_app.words import MINUS, tr
from modisp.parameter import PARTS


@dataclass(frozen=True)
class Step:
    """A place in the history: what was done, how it is said, and the recipe after it."""

    name: str
    value: str
    recipe: Recipe
    time: float = 0.0
    before: Recipe | None = None  # of the step before it

    @cached_property
    def row(self) -> dict[str, Any]:
        """The step as the sidecar keeps it: what differs from the step before.  Made once: a history may be long."""
        row = {"kind": "step", "name": self.name, "value": self.value, "time": round(self.time, 1)}
        return row | _difference(self.before, self.recipe)


@dataclass(frozen=True)
class Snapshot:
    """A recipe kept under a name."""

    name: str
    recipe: Recipe
    time: float


def say(p: ParamInfo, v: Any) -> str:
    """A parameter's value in a few characters, for the history."""
    if p.kind == "number":
        shown = Shown(p)
        unit = shown.unit
        return f"{shown.text(v)}{unit if unit == '°' else f' {unit}' if unit else ''}"
    if p.kind == "switch":
        return tr("on") if v else tr("off")
    if p.kind == "choice":
        return str(v)
    if p.kind == "file":
        return Path(v).name if v else tr("none")
    if v == p.default:
        return tr("reset")
    if p.kind == "wheel":
        degrees, far = math.degrees(math.atan2(v[1], v[0])) % 360, min(1.0, math.hypot(v[0], v[1]))
        return f"{degrees:.0f}° {100 * far:.0f}" if far else f"{100 * v[2]:+.0f}".replace("-", MINUS)
    if p.kind in PARTS:
        moved = [(n.capitalize(), x) for n, x, d in zip(PARTS[p.kind], v, p.default, strict=False) if x != d]
        if moved:
            first = max(moved, key=lambda m: abs(m[1]))
            more = " …" if len(moved) > 1 else ""
            return f"{tr(first[0])} {100 * first[1]:+.0f}{more}".replace("-", MINUS)
    if p.kind == "curve":
        return tr("{0} points").format(len(v))
    return ""


class Document(QObject):
    """The recipe and history of one photograph.

    `changed`: the recipe is another one.  `history_changed`: steps, snapshots or the place among them.  `touched`: there is
    something to save.
    """

    changed = Signal()
    history_changed = Signal()
    touched = Signal()

    def __init__(
        self,
        path: Path,
        declared: Declarations,
        recipe: Recipe,
        facts: Mapping[str, Any] | None = None,
        copy: int = 0,
    ) -> None:
        super().__init__()
        self.path, self.declared, self.copy = path, declared, copy
        self.facts: Mapping[str, Any] = facts or {}
        self.steps = [Step(tr("Opened"), "", recipe, time.time())]
        self.at = 0
        self.snapshots: list[Snapshot] = []
        self._key: object = None  # what the open gesture is about; None when there is none

    @property
    def recipe(self) -> Recipe:
        """The recipe in force."""
        return self.steps[self.at].recipe

    @property
    def default(self) -> Recipe:
        """The recipe of this kind of picture as it was never touched."""
        return self.facts.get("default") or self.steps[0].recipe

    # --- edits ----------------------------------------------------------------------------------------------------

    def put(self, recipe: Recipe, name: str, value: str = "", key: object = None) -> None:
        """Make `recipe` the one in force; a step, unless it goes on with the open gesture `key`."""
        if recipe == self.recipe:
            return
        going_on = key is not None and key == self._key and self.at == len(self.steps) - 1 and self.at > 0
        step = Step(name, value, recipe, time.time(), self.steps[self.at - going_on].recipe)
        if going_on:
            self.steps[self.at] = step
            if recipe == self.steps[self.at - 1].recipe:  # back where the gesture began: nothing was done
                self.steps.pop()
                self.at -= 1
                self._key = None
        else:
            del self.steps[self.at + 1 :]
            self.steps.append(step)
            self.at += 1
            self._key = key
        self._tell()

    def edit(self, ident: str, param: str, v: Any) -> None:
        """Set one parameter; part of the open gesture if that is about the same one."""
        info = recipes.stage_of(self.recipe, ident, self.declared)
        if info is None:
            return
        p = info.param(param)
        new = recipes.with_value(self.recipe, ident, p, v)
        words = p.words if p.kind == "number" else f"{info.heading}: {p.words.lower()}"
        self.put(new, words, say(p, v), key=(ident, param))

    def apply(self, ident: str, values: Mapping[str, Any], words: str = "") -> None:
        """Set several parameters of one entry as one step."""
        info = recipes.stage_of(self.recipe, ident, self.declared)
        if info is None:
            return
        params = {k: info.param(k) for k in values}
        new = recipes.with_values(self.recipe, ident, params, values)
        said = words or ", ".join(say(params[k], v) for k, v in values.items())
        self.put(new, info.heading, said, key=("apply", ident) if words else None)

    def switch(self, ident: str, on: bool) -> None:
        """Switch an entry on or off."""
        self.put(recipes.with_switch(self.recipe, ident, on), self._heading(ident), tr("on") if on else tr("off"))

    def reset(self, ident: str) -> None:
        """An entry back to how the untouched picture has it."""
        self.put(recipes.reset(self.recipe, ident, self.default), self._heading(ident), tr("reset"))

    def reset_all(self) -> None:
        """Everything back to how this kind of picture begins."""
        self.put(self.default, tr("Reset all"))

    def finish(self) -> None:
        """The gesture is over: the next edit is a step of its own."""
        self._key = None

    def last_entry(self) -> str:
        """The entry that the last step changed; "" where it changed none, or several."""
        step = self.steps[self.at]
        rows = _difference(step.before, step.recipe).get("entries", [])
        return str(rows[0]["id"]) if len(rows) == 1 else ""

    def _heading(self, ident: str) -> str:
        info = recipes.stage_of(self.recipe, ident, self.declared)
        return info.heading if info else ident

    # --- history --------------------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self.at > 0

    @property
    def can_redo(self) -> bool:
        """Whether something was undone."""
        return self.at < len(self.steps) - 1

    def undo(self) -> None:
        """One step back."""
        self.go(self.at - 1)

    def redo(self) -> None:
        """One step forward again."""
        self.go(self.at + 1)

    def go(self, i: int) -> None:
        """To step `i`; nothing happens where there is none."""
        if 0 <= i < len(self.steps) and i != self.at:
            self.at = i
            self._key = None
            self._tell()

    def snapshot(self, name: str = "") -> None:
        """Keep the recipe in force under a name."""
        n = len(self.snapshots) + 1
        self.snapshots.append(Snapshot(name or tr("Snapshot {0}").format(n), self.recipe, time.time()))
        self.history_changed.emit()
        self.touched.emit()

    def restore(self, i: int) -> None:
        """Make a snapshot's recipe the one in force."""
        self.put(self.snapshots[i].recipe, tr("Snapshot"), self.snapshots[i].name)

    def recall(self, ident: str, param: str) -> bool:
        """Give a parameter the value that it has in the last snapshot, as one step; whether there is a snapshot."""
        info = recipes.stage_of(self.recipe, ident, self.declared)
        if info is None or not self.snapshots:
            return False
        kept = recipes.begun(self.snapshots[-1].recipe, recipes.entry(self.recipe, ident))
        self.finish()
        self.edit(ident, param, recipes.value(kept, info.param(param)))
        self.finish()
        return True

    def rename(self, i: int, name: str) -> None:
        """Give a snapshot another name."""
        self.snapshots[i] = replace(self.snapshots[i], name=name)
        self.history_changed.emit()
        self.touched.emit()

    def forget(self, i: int) -> None:
        """Drop a snapshot."""
        del self.snapshots[i]
        self.history_changed.emit()
        self.touched.emit()

    def _tell(self) -> None:
        self.changed.emit()
        self.history_changed.emit()
        self.touched.emit()

    # --- the sidecar's part -----------------------------------------------------------------------------------------

    def dump_history(self) -> list[dict[str, Any]]:
        """Steps and snapshots as plain data; a step holds what differs from the one before it."""
        out = [s.row for s in self.steps]
        rows = [
            {"kind": "snapshot", "name": s.name, "time": round(s.time, 1), "recipe": s.recipe} for s in self.snapshots
        ]
        return [*out, *rows, {"kind": "at", "step": self.at}]

    def load_history(self, rows: Sequence[Any], recipe: Recipe) -> None:
        """Take up a history of old; `recipe` is the one that was saved and stays in force, whatever the history says."""
        steps: list[Step] = []
        snapshots: list[Snapshot] = []
        at = -1
        try:
            for r in rows:
                if r["kind"] == "step":
                    before = steps[-1].recipe if steps else None
                    made = _undiffered(before, r)
                    name = str(r["name"]) or tr("Opened")
                    steps.append(Step(name, str(r["value"]), made, float(r["time"]), before))
                elif r["kind"] == "snapshot":
                    snapshots.append(Snapshot(str(r["name"]), r["recipe"], float(r["time"])))
                elif r["kind"] == "at":
                    at = int(r["step"])
        except (KeyError, TypeError, ValueError, AttributeError):
            steps, at = [], -1  # written by something else: the picture is what counts
        if not steps or not 0 <= at < len(steps):
            steps, at = [Step(tr("As saved"), "", recipe, time.time())], 0
        elif steps[at].recipe != recipe:
            steps = [*steps[: at + 1], Step(tr("As saved"), "", recipe, time.time(), steps[at].recipe)]
            at += 1
        self.steps, self.at, self.snapshots, self._key = steps, at, snapshots, None


def _difference(before: Recipe | None, after: Recipe) -> dict[str, Any]:
    if before is None or [e["id"] for e in before["entries"]] != [e["id"] for e in after["entries"]]:
        return {"recipe": after}
    old = {e["id"]: e for e in before["entries"]}
    out: dict[str, Any] = {"entries": [e for e in after["entries"] if old[e["id"]] != e]}
    rest = {k: v for k, v in after.items() if k != "entries"}
    return out if rest == {k: v for k, v in before.items() if k != "entries"} else {**out, "rest": rest}


def _undiffered(before: Recipe | None, row: Mapping[str, Any]) -> Recipe:
    if "recipe" in row:
        return row["recipe"]  # type: ignore[no-any-return]  # plain JSON data
    if before is None:
        raise ValueError("a history begins with a whole recipe")
    new = {e["id"]: e for e in row["entries"]}
    rest = row.get("rest", {k: v for k, v in before.items() if k != "entries"})
    return {"format": before.get("format"), "entries": [new.get(e["id"], e) for e in before["entries"]], **rest}
