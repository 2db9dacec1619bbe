"""Recipes as plain data, the way `modisp.recipe.Recipe.dump` writes them, and the edits that a window makes to them.

Nothing here imports torch or Qt.  Every function returns new data and leaves the old alone, so that undo is a list of
recipes and comparison is `==`.  What needs a stage's own knowledge (swapping, fitting to a camera) is asked of the engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from editor_app.declared import Declarations, ParamInfo, StageInfo
from modisp.parts import laid

Recipe = Mapping[str, Any]
Entry = Mapping[str, Any]
BY_HAND = "custom"
"""The choice in which numbers count as they stand; every other may stand for numbers that were measured."""


def entries(recipe: Recipe) -> list[Entry]:
    """The entries in order."""
    return list(recipe["entries"])


def entry(recipe: Recipe, ident: str) -> Entry:
    """One entry by its id; KeyError where there is none."""
    for e in recipe["entries"]:
        if e["id"] == ident:
            return e  # type: ignore[no-any-return]  # plain JSON data
    raise KeyError(ident)


def stage_of(recipe: Recipe, ident: str, declared: Declarations) -> StageInfo | None:
    """The declaration of an entry's stage; None where it is not installed."""
    return declared.stages.get(entry(recipe, ident)["stage"])


def is_on(e: Entry) -> bool:
    """Whether an entry is switched on."""
    return bool(e.get("on", True))


def value(e: Entry, p: ParamInfo) -> Any:
    """A parameter's value in an entry: the one that differs from the default, else the default."""
    return e.get("values", {}).get(p.name, p.default)


def begun(default: Recipe | None, e: Entry) -> Entry:
    """The entry as the untouched picture has it; with all of the stage's own defaults where that has another stage."""
    rows = default["entries"] if default is not None else ()
    found = next((d for d in rows if d["id"] == e["id"] and d["stage"] == e["stage"]), None)
    return found if found is not None else {k: v for k, v in e.items() if k not in ("values", "on")}


def changed(e: Entry, info: StageInfo, default: Recipe | None = None) -> bool:
    """Whether anything of an entry differs from how the untouched picture has it."""
    base = begun(default, e)
    return is_on(e) != is_on(base) or any(value(e, p) != value(base, p) for p in info.params)


def standing(
    params: Sequence[ParamInfo], values: Mapping[str, Any], reading: Mapping[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    """(choice, numbers) that a choice stands for, as the reading says under its name: {"auto": {"temperature": 5120, …}}.

    In the choice that is the default, numbers that were set by hand count instead.
    """
    found = (reading or {}).get("values", {})
    for p in params:
        row = found.get(values[p.name]) if BY_HAND in p.choices and values[p.name] != BY_HAND else None
        if not isinstance(row, Mapping):
            continue
        mine = [q for q in params if q.kind == "number" and q.name in row]
        if values[p.name] != p.default or all(values[q.name] == q.default for q in mine):
            return p.name, {q.name: row[q.name] for q in mine}
    return "", {}


def settled(recipe: Recipe, readings: Mapping[str, Any], declared: Declarations) -> Recipe:
    """The recipe with numbers where a place on this photograph was measured: on another one it would show something else."""
    for e in recipe["entries"]:
        info = declared.stages.get(e["stage"])
        picked = {p.name: p for p in info.params if p.kind == "rect" and p.inference} if info is not None else {}
        if info is None or not picked:
            continue
        values = {p.name: value(e, p) for p in info.params}
        choice, numbers = standing(info.params, values, readings.get(e["id"]))
        new: dict[str, Any] = {name: p.default for name, p in picked.items()}
        if choice and values[choice] in picked:
            new |= {choice: BY_HAND, **numbers}
        recipe = with_values(recipe, e["id"], {p.name: p for p in info.params}, new)
    return recipe


def _with_entry(recipe: Recipe, new: Entry) -> Recipe:
    return {**recipe, "entries": [new if e["id"] == new["id"] else e for e in recipe["entries"]]}


def with_value(recipe: Recipe, ident: str, p: ParamInfo, v: Any) -> Recipe:
    """The recipe with one parameter set; a default leaves no trace."""
    return with_values(recipe, ident, {p.name: p}, {p.name: v})


def with_values(recipe: Recipe, ident: str, params: Mapping[str, ParamInfo], new: Mapping[str, Any]) -> Recipe:
    """The recipe with several parameters of one entry set."""
    e = entry(recipe, ident)
    values = {**e.get("values", {}), **new}
    values = {k: v for k, v in values.items() if k not in params or v != params[k].default}
    out = {k: v for k, v in e.items() if k != "values"}
    if values:
        out["values"] = values
    return _with_entry(recipe, _ordered(out))


def with_switch(recipe: Recipe, ident: str, on: bool) -> Recipe:
    """The recipe with one entry switched on or off."""
    e = {k: v for k, v in entry(recipe, ident).items() if k != "on"}
    return _with_entry(recipe, _ordered(e if on else {**e, "on": False}))


def reset(recipe: Recipe, ident: str, default: Recipe | None = None) -> Recipe:
    """The recipe with one entry as the untouched picture has it."""
    e = entry(recipe, ident)
    base = begun(default, e)
    kept = {k: v for k, v in e.items() if k not in ("values", "on")}
    return _with_entry(recipe, _ordered(kept | {k: base[k] for k in ("values", "on") if k in base}))


def with_look(recipe: Recipe, look: Mapping[str, Any] | None, alone: bool) -> Recipe:
    """The recipe with a style laid over it, in place of all others (`alone`) or of an earlier one of its name."""
    rows = [] if alone or look is None else [k for k in recipe.get("looks", ()) if k["name"] != look["name"]]
    if look is not None:
        rows.append(look)
    return with_looks(recipe, rows)


def with_looks(recipe: Recipe, looks: Sequence[Mapping[str, Any]]) -> Recipe:
    """The recipe under other looks."""
    out = {k: v for k, v in recipe.items() if k != "looks"}
    return {**out, "looks": list(looks)} if looks else out


def weighed(look: Mapping[str, Any], strength: float | None, slot: str = "") -> Mapping[str, Any] | None:
    """A look at another strength, whole or in one part; None without one."""
    if strength is None:
        return None
    if not slot:
        return {**look, "strength": strength}
    parts = {**look.get("parts", {}), slot: strength}
    parts = {k: v for k, v in parts.items() if v != look["strength"]}
    out = {k: v for k, v in look.items() if k != "parts"}
    return {**out, "parts": parts} if parts else out


def _ordered(e: Entry) -> Entry:
    first = ("id", "stage", "slot", "version", "values", "on")
    return {k: e[k] for k in (*first, *e) if k in e}


def pasted(onto: Recipe, source: Recipe, slots: Collection[str], looks: bool) -> Recipe:
    """`onto` with the entries of some slots as in `source`, and perhaps with its looks."""
    return laid(onto, source, [s for slot in slots for s in slot.split()], looks)


def with_step(history: Sequence[Any], before: Recipe, after: Recipe, words: str, when: float) -> list[Any]:
    """A kept history (see `Document.dump_history`) with one more step, made without opening the photograph."""
    rows = [r for r in history if isinstance(r, Mapping)]
    steps = [r for r in rows if r.get("kind") == "step"]
    at = next((r.get("step") for r in rows if r.get("kind") == "at"), None)
    if isinstance(at, int) and 0 <= at < len(steps):
        steps = steps[: at + 1]
    row = {"kind": "step", "value": "", "time": round(when, 1)}
    if not steps:
        steps = [row | {"name": "", "recipe": before}]
    steps.append(row | {"name": words, "recipe": after})
    others = [r for r in rows if r.get("kind") not in ("step", "at")]
    return [*steps, *others, {"kind": "at", "step": len(steps) - 1}]
