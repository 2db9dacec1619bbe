"""The engine's work on styles: saved, imported, exported, renamed, deleted and brought back."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from editor_app.engine.declare import styles
from modisp import Recipe, State, Style, list_stages, list_styles
from modisp.library import is_table, read_table, unpacked
from modisp.operators.hald import cube_text
from modisp.resources import home

Message = Mapping[str, Any]
Tell = Callable[..., None]


def style(m: Message, tell: Tell) -> None:
    """Do with styles what is asked; tells `styled` with all that there are then, or `trouble`."""
    try:
        words, undo = DO[m["what"]](m)
    except (OSError, ValueError, KeyError, shutil.Error) as why:
        tell("trouble", why=str(why))
        return
    tell("styled", styles=styles(), words=words, undo=undo)


Done = tuple[str, dict[str, Any] | None]  # what to say, what takes it back


def _save(m: Message) -> Done:
    made = Style.of(Recipe.load(m["recipe"]), m["name"], m["slots"], m["words"])
    if not made.values:
        raise ValueError("There is nothing in these parts that a style could hold: they are as they came")
    made.save(_folder(m["name"]))
    return f"Style {m['name']} saved", None


def _import(m: Message) -> Done:
    names, problems = [], []
    for path in map(Path, m["paths"]):
        try:
            with tempfile.TemporaryDirectory() as aside:
                made = _read(path, Path(aside))
                made.save(_folder(made.name, new=True))
            names.append(made.name)
        except (OSError, ValueError) as why:
            problems.append(str(why))
    words = f"Imported: {', '.join(names)}" if names else ""
    return "; ".join(w for w in (words, *problems[:2]) if w), None


def _read(path: Path, aside: Path) -> Style:
    """A style from a style file or a packed style, or one made of a colour table; `aside` is a place for what that takes."""
    if path.suffix.lower() == ".zip":
        return Style.load(unpacked(path, aside))
    if not is_table(path):
        return Style.load(path)
    for cls in list_stages().values():
        if cls.reads in (State.SCENE, State.DISPLAY):
            for name, p in cls.params().items():
                if p.kind == "file":
                    table = aside / "table.cube"
                    table.write_text(cube_text(read_table(path)), "utf-8")  # a broken one is named now
                    return Style(path.stem.replace("_", " "), {cls.slot: {name: str(table)}})
    raise ValueError(f"{path.name}: no stage is installed that takes colour tables")


def _export(m: Message) -> Done:
    found = list_styles()[m["key"]]
    folder = Path(m["folder"]) / m["key"]
    if folder.exists():
        raise ValueError(f"{folder} exists already")
    found.save(folder)
    return f"Style {found.name} exported to {folder}", None


def _rename(m: Message) -> Done:
    found = _own(m["key"])
    assert found.folder is not None
    replace(found, name=m["name"]).save(found.folder)
    return "", None


def _delete(m: Message) -> Done:
    found = _own(m["key"])
    assert found.folder is not None
    away = _away(m["key"])
    shutil.rmtree(away, ignore_errors=True)
    away.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(found.folder, away)
    return f"Style {found.name} deleted", {"what": "bring_back", "key": m["key"]}


def _bring_back(m: Message) -> Done:
    shutil.move(_away(m["key"]), home("styles") / m["key"])
    return "", None


DO: dict[str, Callable[[Message], Done]] = {
    "save": _save,
    "import": _import,
    "export": _export,
    "rename": _rename,
    "delete": _delete,
    "bring_back": _bring_back,
}


def _away(key: str) -> Path:
    return home("cache") / "deleted-styles" / Path(key).name


def _own(key: str) -> Style:
    found = list_styles()[key]
    if found.folder is None or home("styles") not in found.folder.parents:
        raise ValueError(f"{found.name} comes with modisp and stays; only your own styles can be changed")
    return found


def _folder(name: str, new: bool = False) -> Path:
    """The folder of a style of the user; another one where it is taken, if `new`."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "style"
    folder, n = home("styles") / plain, 2
    while new and folder.exists():
        folder, n = home("styles") / f"{plain}-{n}", n + 1
    return folder
