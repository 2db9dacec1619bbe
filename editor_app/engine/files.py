"""The engine's work on files: sidecars saved and looked at, looks pasted, pictures exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from editor_app import recipes
from editor_app.engine.opened import stamp
from modisp import Recipe, Sidecar
from modisp.export import Plan, Wanted, export
from modisp.io import ImageError
from modisp.sidecar import pinned
from modisp.stage import Cancelled, Reading

Tell = Callable[..., None]
Message = Mapping[str, Any]


def save(m: Message, measured: Mapping[str, Reading], tell: Tell) -> None:
    """Write what a hand has decided; nothing where the sidecar has been changed by somebody else (unless `force`)."""
    path = Path(m["path"])
    if not m.get("force") and stamp(path) != list(m["stamp"]):
        tell("conflict", path=m["path"], stamp=stamp(path))
        return
    s = Sidecar.load(path)
    try:
        if m["recipe"] is not None:
            s.recipe = Recipe.load(m["recipe"])
            kept = s.pinned(s.recipe)
            s.pin(s.recipe, {**measured, **kept})
        s.history = list(m["history"])
        s.rating, s.label = int(m["rating"]), str(m["label"])
        where = s.save()
    except (OSError, ValueError) as why:
        tell("unsaved", path=m["path"], why=str(why))
        return
    away = where is not None and where.parent != path.parent
    tell("saved", path=m["path"], stamp=stamp(path), where=str(where or ""), away=away, serial=m.get("serial", 0))


def glance(paths: Sequence[str], tell: Tell, stop: Callable[[], bool]) -> None:
    """What sidecars say of many pictures, fifty at a time."""
    for i in range(0, len(paths), 50):
        if stop():
            return
        rows = {}
        for p in paths[i : i + 50]:
            with suppress(OSError, ValueError):
                s = Sidecar.load(p)
                rows[p] = {"rating": s.rating, "label": s.label, "edited": s.recipe is not None}
        tell("glanced", rows=rows)


def rate(m: Message, tell: Tell) -> None:
    """Set rating or label of pictures."""
    rows = {}
    for p in m["paths"]:
        s = Sidecar.load(p)
        s.rating = int(m.get("rating", s.rating))
        s.label = str(m.get("label", s.label))
        try:
            s.save()
        except OSError as why:
            tell("unsaved", path=p, why=str(why))
        rows[p] = {"rating": s.rating, "label": s.label, "edited": s.recipe is not None}
    tell("glanced", rows=rows)


def paste(m: Message, tell: Tell) -> None:
    """Lay the entries of some slots, and the looks, of one recipe onto other pictures."""
    done, rows = [], {}
    for p in m["paths"]:
        s = Sidecar.load(p)
        try:
            base = (s.recipe or Recipe.load(m["default"])).dump()
            s.recipe = Recipe.load(recipes.pasted(base, m["recipe"], set(m["slots"])))
            s.save()
            done.append(p)
        except (OSError, ValueError, TypeError) as why:
            tell("unsaved", path=p, why=str(why))
        rows[p] = {"rating": s.rating, "label": s.label, "edited": s.recipe is not None}
    tell("glanced", rows=rows)
    tell("pasted", paths=done)


def export_one(m: Message, tell: Tell, stop: Callable[[], bool]) -> None:
    """Develop one picture into a file, exactly as the command line does."""
    source, target = Path(m["path"]), Path(m["target"])

    def plan(image: Any, extras: Mapping[str, Any]) -> Plan:
        s = Sidecar.load(source)
        own = Recipe.load(extras["recipe"]) if extras.get("recipe") else Recipe.default(image)
        recipe = (Recipe.load(m["recipe"]) if m.get("recipe") else s.recipe or own).fit(image)
        for slot, values in dict(m.get("set", {})).items():
            recipe = recipe.set(slot, **values)
        readings = {**pinned(recipe, extras.get("readings") or {}), **s.pinned(recipe)}
        return Plan(recipe, readings, s.readings)

    def progress(fraction: float, words: str) -> None:
        tell("exporting", id=m["id"], fraction=fraction, words=words)

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        export(source, target, plan, Wanted(**m["wanted"]), progress=progress, cancel=stop)
    except Cancelled:
        tell("unexported", id=m["id"], why="")
    except (ImageError, ValueError, TypeError, OSError) as why:
        tell("unexported", id=m["id"], why=str(why))
    else:
        tell("exported", id=m["id"], target=str(target), size=target.stat().st_size)
