"""The engine's work on files: sidecars saved and looked at, looks pasted, virtual copies, pictures exported."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from editor_app import recipes
from editor_app.engine.opened import stamp
from editor_app.engine.render import SOURCE
from modisp import Image, Recipe, Sidecar, State
from modisp.defaults import default_for, forget_default, save_default
from modisp.export import Plan, Wanted, export
from modisp.io import ImageError
from modisp.io.ratings import read_rating, write_rating
from modisp.sidecar import pinned
from modisp.stage import Cancelled, Reading, Stage

Tell = Callable[..., None]
Message = Mapping[str, Any]
Targets = Sequence[tuple[str, int]]  # path, number of a virtual copy


def save(m: Message, measured: Mapping[str, Reading], tell: Tell) -> None:
    """Write what a hand has decided; nothing where the sidecar has been changed by somebody else.

    After a conflict: `force` writes all the same, `both` puts it beside what is there, as a virtual copy.
    """
    path, copy = Path(m["path"]), int(m.get("copy", 0))
    if not (m.get("force") or m.get("both")) and stamp(path) not in (list(m["stamp"]), _wrote.get(path)):
        tell("conflict", path=m["path"], copy=copy, stamp=stamp(path))
        return
    s = Sidecar.load(path)
    try:
        part = s.add_copy(Sidecar(path)) if m.get("both") else _version(s, copy)
        if m["recipe"] is not None:
            part.recipe = Recipe.load(m["recipe"])
            kept = part.pinned(part.recipe)
            part.pin(part.recipe, {**measured, **kept})
        part.history = list(m["history"])
        part.rating, part.label = int(m["rating"]), str(m["label"])
        where = _write(s)
    except (OSError, ValueError) as why:
        tell("unsaved", path=m["path"], copy=copy, why=str(why))
        return
    if m.get("both"):
        tell("glanced", rows={m["path"]: _row(s)})
        tell("kept_both", path=m["path"], copy=copy, made=part.number, stamp=stamp(path))
        return
    away = where is not None and where.parent != path.parent
    tell("saved", path=m["path"], copy=copy, stamp=stamp(path), where=str(where or ""), away=away)


_wrote: dict[Path, list[int]] = {}
"""What this process has written itself: a change by it is none from elsewhere."""
_telling = threading.Lock()
"""Held where `_wrote` changes, and by who tells what was read before: nobody is told what has been overtaken."""


def _write(s: Sidecar) -> Path | None:
    where = s.save()
    with _telling:
        _wrote[s.picture] = stamp(s.picture)
    return where


def _version(s: Sidecar, copy: int) -> Sidecar:
    """A virtual copy of a sidecar; made anew where somebody else has taken it out meanwhile."""
    try:
        return s.version(copy)
    except KeyError:
        s.copies.append(Sidecar(s.picture, number=copy))
        return s.copies[-1]


def _row(s: Sidecar) -> dict[str, Any]:
    """What the filmstrip is told of a picture."""
    copies = [{"copy": c.number} | _part(c) for c in s.copies]
    return _part(s) | {"copies": copies}


def _part(s: Sidecar) -> dict[str, Any]:
    return {"rating": s.rating, "label": s.label, "edited": s.recipe is not None}


def rated(path: Path, s: Sidecar) -> tuple[int, str]:
    """Stars and label of a picture: its sidecar's, or, where it has none, those that another program keeps as XMP."""
    return (s.rating, s.label) if s.touched else read_rating(path) or (0, "")


def glance(paths: Sequence[str], tell: Tell, stop: Callable[[], bool]) -> None:
    """What sidecars say of many pictures, fifty at a time."""
    for i in range(0, len(paths), 50):
        rows, before = {}, {}
        for p in paths[i : i + 50]:
            if stop():
                return
            before[p] = _wrote.get(Path(p))
            with suppress(OSError, ValueError):
                s = Sidecar.load(p)
                rating, label = rated(Path(p), s)
                rows[p] = _row(s) | {"rating": rating, "label": label, "taken": _taken(Path(p))}
        with _telling:
            tell("glanced", rows={p: row for p, row in rows.items() if _wrote.get(Path(p)) == before[p]})


def _taken(path: Path) -> str:
    """When a picture was taken, from its EXIF where that is at the beginning of a TIFF-like file or a JPEG; "" else."""
    from PIL import Image as Pillow

    try:
        with open(path, "rb") as stream:
            head = stream.read(4)
            stream.seek(0)
            if head[:2] == b"\xff\xd8":
                exif = Pillow.open(stream).getexif()
            elif head[:2] in (b"II", b"MM"):
                exif = Pillow.Exif()
                exif.load_from_fp(stream)
            else:
                return ""
            text = str(exif.get_ifd(0x8769).get(0x9003) or exif.get(0x0132) or "").strip("\0 ")
    except Exception:  # whatever a stranger's EXIF may hold: the file's own date serves
        return ""
    day, _, hour = text.partition(" ")
    return f"{day.replace(':', '-')}T{hour}" if len(text) == 19 else ""


def rate(m: Message, tell: Tell) -> None:
    """Set rating or label of pictures."""
    rows = {}
    for p, copy in m["targets"]:
        s = Sidecar.load(p)
        part = _version(s, copy)
        if not s.touched:
            part.rating, part.label = rated(Path(p), s)
        part.rating = int(m.get("rating", part.rating))
        part.label = str(m.get("label", part.label))
        try:
            _write(s)
        except OSError as why:
            tell("unsaved", path=p, copy=copy, why=str(why))
        rows[p] = _row(s)
    tell("glanced", rows=rows)


def write_xmp(m: Message, tell: Tell) -> None:
    """Write stars and labels where other programs look for them."""
    done, problems = 0, []
    for p, rating, label in m["rows"]:
        try:
            write_rating(Path(p), int(rating), str(label))
            done += 1
        except (OSError, ValueError) as why:
            problems.append(str(why))
    tell("xmp", done=done, problems=problems)


def paste(m: Message, tell: Tell) -> None:
    """Lay the entries of some slots, and perhaps the looks, of one recipe onto other pictures."""
    done, rows, problems, before = [], {}, [], []
    for p, copy in m["targets"]:
        s = Sidecar.load(p)
        part = _version(s, copy)
        recipe = part.recipe.dump() if part.recipe is not None else None
        old = [p, copy, recipe, part.history, dict(part.weights)]
        try:
            base = (part.recipe or Recipe.load(m["default"])).dump()
            new = recipes.pasted(base, m["recipe"], set(m["slots"]), m["looks"])
            part.history = recipes.with_step(part.history, base, new, m["words"], time.time())
            part.recipe = Recipe.load(new)
            _write(s)
            done.append([p, copy])
            before.append(old)
        except (OSError, ValueError, TypeError) as why:
            problems.append(f"{Path(p).name}: {why}")
        rows[p] = _row(s)
    tell("glanced", rows=rows)
    tell("pasted", targets=done, problems=problems, before=before)


def unpaste(m: Message, tell: Tell) -> None:
    """Give pictures the recipes and histories back that they had before something was pasted onto them."""
    done, rows = [], {}
    for p, copy, recipe, history, weights in m["before"]:
        s = Sidecar.load(p)
        part = _version(s, copy)
        try:
            part.recipe, part.history = Recipe.load(recipe) if recipe is not None else None, list(history)
            part.weights = dict(weights)
            _write(s)
            done.append([p, copy])
        except (OSError, ValueError, TypeError) as why:
            tell("unsaved", path=p, copy=copy, why=str(why))
        rows[p] = _row(s)
    tell("glanced", rows=rows)
    tell("unpasted", targets=done)


def copy_(m: Message, tell: Tell) -> None:
    """Make a virtual copy, or (`row`) put one back that was taken out; tells `copied`."""
    path = Path(m["path"])
    s = Sidecar.load(path)
    try:
        if m.get("row"):
            made = Sidecar._of(path, dict(m["row"]))
            s.copies.append(made)
        else:
            made = s.add_copy(_version(s, int(m["copy"])))
            made.recipe = Recipe.load(m["recipe"])
        _write(s)
    except (OSError, ValueError) as why:
        tell("trouble", why=str(why))
        return
    tell("glanced", rows={m["path"]: _row(s)})
    tell("copied", path=m["path"], copy=made.number, stamp=stamp(path))


def uncopy(m: Message, tell: Tell) -> None:
    """Take a virtual copy out; tells `uncopied` with what brings it back."""
    path = Path(m["path"])
    s = Sidecar.load(path)
    try:
        row = {"number": int(m["copy"])} | s.version(int(m["copy"])).dump()
        s.remove_copy(int(m["copy"]))
        _write(s)
    except (OSError, ValueError, KeyError) as why:
        tell("trouble", why=str(why))
        return
    tell("glanced", rows={m["path"]: _row(s)})
    tell("uncopied", path=m["path"], copy=m["copy"], row=row, stamp=stamp(path))


def export_one(m: Message, tell: Tell, stop: Callable[[], bool]) -> None:
    """Develop one picture into a file, exactly as the command line does."""
    source, target, state = Path(m["path"]), Path(m["target"]), m.get("state", "")
    wanted = dict(m["wanted"])
    if wanted.setdefault("until", None) == SOURCE:
        wanted["until"] = state

    def plan(image: Any, extras: Mapping[str, Any]) -> Plan:
        s = _version(Sidecar.load(source), int(m.get("copy", 0)))
        own = Recipe.load(extras["recipe"]) if extras.get("recipe") else default_for(image)
        recipe = (Recipe.load(m["recipe"]) if m.get("recipe") else s.recipe or own).fit(image)
        recipe = _in_space(recipe, m.get("space", ""))
        if wanted["until"] == state:
            for e in recipe.entries:
                if isinstance(e.stage, Stage) and e.stage.reads is e.stage.writes and e.stage.writes.name == state:
                    recipe = recipe.switch(e.id, False)  # as the file holds it
        readings = {**pinned(recipe, extras.get("readings") or {}), **s.pinned(recipe)}
        return Plan(recipe, readings, s.readings)

    def progress(fraction: float, words: str) -> None:
        tell("exporting", id=m["id"], fraction=fraction, words=words)

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        export(source, target, plan, Wanted(**wanted), progress=progress, cancel=stop)
    except Cancelled:
        tell("unexported", id=m["id"], why="")
    except (ImageError, ValueError, TypeError, OSError) as why:
        tell("unexported", id=m["id"], why=str(why))
    except MemoryError:
        tell("unexported", id=m["id"], why="There is too little memory for a picture of this size")
    else:
        tell("exported", id=m["id"], target=str(target), size=target.stat().st_size)


def keep_default(m: Message, image: Image, tell: Tell) -> None:
    """Save (or, without a recipe, forget) how pictures of a camera begin; tells `default_kept` or `trouble`."""
    try:
        if m.get("recipe") is None:
            tell("default_kept", camera=image.meta.model, forgot=forget_default(image.meta))
            return
        slots = [s for slot in m["slots"] for s in slot.split()]
        iso = image.meta.iso if m["iso"] else None
        save_default(image.meta, Recipe.load(m["recipe"]), slots, bool(m["looks"]), iso)
    except (OSError, ValueError, TypeError) as why:
        tell("trouble", why=str(why))
        return
    tell("default_kept", camera=image.meta.model, iso=iso, forgot=False)


def _in_space(recipe: Recipe, space: str) -> Recipe:
    """The recipe that ends in a colour space: the stage that encodes has a choice of that name."""
    if space:
        for e in recipe.entries:
            if isinstance(e.stage, Stage) and e.stage.writes is State.ENCODED:
                for name, p in e.stage.params().items():
                    if space in p.choices:
                        return recipe.set(e.id, **{name: space})
    return recipe
