"""Commands that show what there is: `info`, `stages`, `styles`, `cache`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modisp.cli import say
from modisp.cli.develop import Plugins
from modisp.cli.say import Usage
from modisp.parameter import PARTS

if TYPE_CHECKING:
    from modisp.stage import Param, Stage

Json = Annotated[bool, typer.Option("--json", help="A list of objects, for other programs.")]


def info(
    pictures: Annotated[list[Path], typer.Argument(metavar="FILE…", help="RAW files, pictures, saved intermediates.")],
    white: Annotated[
        bool, typer.Option("--white", help="The lights instead: as shot, and as the picture tells, with confidence.")
    ] = False,
    json: Json = False,
) -> None:
    """Say what a file holds, without developing it."""
    if white:
        from modisp.cli.white import show_lights

        if not show_lights(pictures, json):
            raise typer.Exit(1)
        return
    from modisp.color.camera import Camera
    from modisp.image import Metadata, State
    from modisp.io import read_info
    from modisp.stages.color_correct_learned import has_chart

    rows, bad = [], False
    for path in pictures:
        try:
            rows.append(read_info(path))
        except (ValueError, OSError) as why:
            bad = True
            say.failure(why)
    if json:
        say.as_json(rows)
    for row in () if json else rows:
        plain = {k: v for k, v in row.items() if k != "metadata"} | row.get("metadata", {})
        meta = Metadata.load(row.get("metadata", {}))
        if plain["state"] == State.MOSAIC.name and Camera.of(meta).guessed:
            plain["color_matrix"] = say.MEASURED if has_chart(meta) else say.GUESSED
        say.table(("", ""), ((k.replace("_", " "), _words(v)) for k, v in plain.items()))
        say.out("")
    if bad:
        raise typer.Exit(1)


def _words(v: Any) -> str:
    if isinstance(v, float):
        return f"{v:.6g}"
    if isinstance(v, list | tuple):
        return ", ".join(_words(i) if not isinstance(i, list | tuple) else f"({_words(i)})" for i in v)
    if isinstance(v, dict):
        return ", ".join(f"{k} {_words(i)}" for k, i in v.items())
    return str(v)


def stages(
    name: Annotated[str, typer.Argument(metavar="[STAGE]", help="One stage or slot, with its parameters.")] = "",
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="All stages as the page docs/stages.md.")] = False,
    plugin: Plugins = [],  # noqa: B006  # typer copies it
) -> None:
    """List the stages that can be used: those of modisp, of installed packages and of your own plug-in folder."""
    from modisp.resources import plugin_folder
    from modisp.stage import BROKEN, SLOTS, list_stages, load_plugin

    for path in plugin:
        load_plugin(path)
    table = list_stages()
    for where, why in BROKEN.items():
        say.warn(f"the plug-in {where} cannot be used: {why}")
    rows = sorted(table.values(), key=lambda c: (_place(c, SLOTS), not _is_default(c), c.name))
    rows = [c for c in rows if not name or name == c.name or name in c.slot.split()]
    if not rows:
        raise Usage(f"there is no stage or slot called {name}")
    if markdown:
        from modisp.cli.markdown import page

        typer.echo(page(rows), nl=False)
    elif json:
        say.as_json([_data(c) for c in rows])
    elif name:
        for c in rows:
            _show(c)
    else:
        say.table(
            ("slot", "stage", "from", "to", ""),
            ((c.slot, c.name + (" *" if _is_default(c) else ""), c.reads.name, c.writes.name, c.title) for c in rows),
        )
        say.out("\n* is used unless another is chosen; `modisp stages NAME` shows parameters")
        say.out(f"Python files in {plugin_folder()} are loaded as stages of your own")


def _place(cls: type[Stage], slots: list[str]) -> int:
    first = cls.slot.split()[0]
    return slots.index(first) if first in slots else len(slots)


def _is_default(cls: type[Stage]) -> bool:
    from modisp.recipe import order

    return any(cls.name in names for chain in order().values() for names in chain.values())


def _data(cls: type[Stage]) -> dict[str, Any]:
    head = {
        "name": cls.name,
        "slot": cls.slot,
        "reads": cls.reads.name,
        "writes": cls.writes.name,
        "version": cls.version,
    }
    words = {"title": cls.title, "group": cls.group, "default": _is_default(cls), "help": _first_words(cls)}
    return head | words | {"params": [{"name": k} | _param(p) for k, p in cls.params().items()]}


def _param(p: Param) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": p.kind, "default": p.default, "unit": p.unit, "help": p.help, "group": p.group}
    if p.kind == "number":
        row |= {"low": p.low, "high": p.high, "step": p.step}
    if p.kind == "choice":
        row["choices"] = p.choices
    return row | {"advanced": p.advanced}


def _first_words(cls: type[Stage]) -> str:
    doc = (cls.__doc__ or "").strip()
    return " ".join(doc.split("\n\n")[0].split())


def _show(cls: type[Stage]) -> None:
    say.out(f"{cls.name}: {cls.title} ({cls.slot}, {cls.reads.name} → {cls.writes.name}, version {cls.version})")
    say.out(f"{_first_words(cls)}\n")
    say.table(
        ("parameter", "default", "range", ""),
        ((k, f"{p.default}", bounds(p), p.help) for k, p in cls.params().items()),
    )
    say.out("")


def bounds(p: Param) -> str:
    """What a parameter may be, in words."""
    if p.kind == "number":
        return f"{p.low:g} … {p.high:g}{' ' + p.unit if p.unit else ''}"
    if p.kind in PARTS:
        return f"{', '.join(PARTS[p.kind])}: {p.low:g} … {p.high:g}"
    return ", ".join(p.choices) if p.kind == "choice" else {"switch": "on, off"}.get(p.kind, p.kind)


def styles(
    json: Json = False,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page that shows the styles by their covers.")
    ] = None,
) -> None:
    """List the styles that can be used: those of modisp and your own."""
    from modisp.library import COVER, covers
    from modisp.resources import home
    from modisp.style import list_styles

    rows = list_styles()
    if page is not None:
        if page.suffix.lower() not in (".html", ".htm"):
            raise Usage(f"the page of covers is HTML: call it {page.stem or 'styles'}.html, not {page.name}")
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(covers(rows), "utf-8")
    if json:
        data = []
        for k, s in rows.items():
            cover = s.folder / COVER if s.folder and (s.folder / COVER).is_file() else None
            row = {"name": k, "title": s.name, "words": s.words, "values": s.values, "folder": s.folder}
            data.append(row | {"cover": cover, "made_of": dict(s.made_of)})
        say.as_json(data)
        return
    say.table(("style", "", "touches"), ((k, s.words, ", ".join(s.values)) for k, s in rows.items()))
    say.out(f"\nFolders in {home('styles')} are styles of your own")
    if page is not None:
        say.out(f"{page} shows their covers")


class Act(str, Enum):  # noqa: UP042  # StrEnum prints differently in the help
    """What can be done with the cache."""

    info, clear, trim = "info", "clear", "trim"


def cache(
    act: Annotated[Act, typer.Argument(help="info, clear, or trim to --size.")] = Act.info,
    size: Annotated[
        float | None, typer.Option(min=0, metavar="GB", help="What trim leaves; its bound by default.")
    ] = None,
    json: Json = False,
) -> None:
    """Show, empty or trim the cache of half-developed pictures.  It may be deleted at any time."""
    from modisp.cache import shared_cache

    kept = shared_cache()
    if size is not None and act is not Act.trim:
        raise Usage("--size belongs to trim")
    freed = 0
    if act is not Act.info:
        freed = kept.trim(0 if act is Act.clear else None if size is None else round(size * 1e9))
    files = kept.files()
    row = {"name": "disk", "folder": str(kept.folder), "files": len(files), "bytes": kept.size(), "limit": kept.disk}
    if json:
        say.as_json([row | ({"freed": freed} if act is not Act.info else {})])
        return
    if act is not Act.info:
        say.out(f"{say.size(freed)} freed")
    say.out(f"{kept.folder}: {len(files)} files, {say.size(kept.size())} of at most {say.size(kept.disk)}")
