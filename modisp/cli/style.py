"""`modisp style`: keep a look as a style, take styles in, hand them out, and learn one from pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from modisp.cli import say
from modisp.cli.develop import Force
from modisp.cli.files import FINISHED, RAW, sources
from modisp.cli.say import Usage
from modisp.cli.work import Bar, ready, stoppable

if TYPE_CHECKING:
    from modisp.cli.work import Stop, Tell
    from modisp.learn.run import Learned
    from modisp.recipe import Recipe
    from modisp.style import Style

style = typer.Typer(no_args_is_help=True, help="Keep, take in, hand out and learn styles.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="What the style is to be called.")]
Words = Annotated[str, typer.Option(metavar="TEXT", help="One line about it.")]


@style.command()
def save(
    name: Name,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="PICTURE", help="An edited picture, its sidecar, or a recipe file."),
    ] = None,
    made_of: Annotated[
        list[str],
        typer.Option("--style", metavar="NAME[:STRENGTH]", help="A style that it is made of; several are mixed."),
    ] = [],  # noqa: B006  # typer copies it
    only: Annotated[
        str, typer.Option(metavar="SLOT,…", help="The parts to take: tone, look …; all of the look by default.")
    ] = "",
    words: Words = "",
    force: Force = False,
) -> None:
    """Keep a look as a style: that of an edited picture, or a mix of styles."""
    if (source is None) == (not made_of):
        raise Usage("say where the look is taken: --from PICTURE, or --style NAME:STRENGTH for a mix")
    ready()
    with stoppable() as stop:
        if source is not None:
            found, picture, recipe = _taken(source, name, [s.strip() for s in only.split(",") if s.strip()], words)
        else:
            found, picture, recipe = _mixed(name, made_of, words), None, None
        from modisp.library import keep

        folder = keep(found, force=force, picture=picture, recipe=recipe, cancel=stop)
    say.out(f"{name} → {folder}  ({', '.join(found.values)})")


def _taken(source: Path, name: str, slots: Sequence[str], words: str) -> tuple[Style, Path | None, Recipe]:
    """The look of an edit, the picture that shows it, if it is there, and the edit."""
    from modisp.cli.settings import load_recipe
    from modisp.sidecar import Sidecar
    from modisp.style import Style

    if not source.exists():
        raise ValueError(f"{source} does not exist")
    picture: Path | None = source
    if source.suffix.lower() in (".modisp", ".json"):
        recipe = load_recipe(source)
        beside = source.with_name(source.name.removesuffix(".modisp"))
        picture = beside if source.suffix.lower() == ".modisp" and beside.is_file() else None
    else:
        car = Sidecar.load(source)
        if car.problem and car.recipe is None:
            raise ValueError(car.problem)
        if car.recipe is None:
            raise ValueError(f"{source.name} has not been edited: there is no look to take from it")
        recipe = car.recipe
    style = Style.of(recipe, name, slots or None, words or (f"Taken from {source.name}." if picture else ""))
    known = {e.slot for e in recipe.entries}
    if missing := [s for s in slots if s not in known]:
        raise Usage(f"the recipe has no part {missing[0]}; it has: {', '.join(e.id for e in recipe.entries)}")
    if not style.values:
        raise ValueError(f"{source.name} has no look of its own{' in ' + ', '.join(slots) if slots else ''}")
    return style, picture, recipe


def _mixed(name: str, layers: Sequence[str], words: str) -> Style:
    from modisp.cli.settings import parse_style
    from modisp.style import Style

    rows = [parse_style(text) for text in layers]
    parts = ", ".join(f"{s.name} {strength:.0%}" if not chosen else s.name for s, strength, chosen in rows)
    return Style.mix(name, rows, words or f"Made of {parts}.")


@style.command("import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…", help="Colour tables (.cube, HaldCLUT .png or .tif), or styles (.zip, folders)."
        ),
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="What it is to be called, by default as the file.")] = "",
    space: Annotated[
        str,
        typer.Option(
            metavar="SPACE", help="What a table's colours are in: srgb, display-p3, adobe-rgb, rec2020, linear."
        ),
    ] = "",
    force: Force = False,
) -> None:
    """Take in colour tables and other people's styles as styles of your own."""
    if name and len(files) > 1:
        raise Usage("--name names one style, and several files are given")
    ready()
    from modisp.library import import_style, import_table, is_table
    from modisp.operators.cube import SPACES

    if space and space not in SPACES:
        raise Usage(f"there is no space {space}; there are: {', '.join(SPACES)}")
    bad = False
    for file in files:
        try:
            if not file.exists():
                raise ValueError(f"{file} does not exist")
            folder = import_table(file, name, space, force) if is_table(file) else import_style(file, name, force)
            say.out(f"{file} → {folder}")
        except (ValueError, OSError) as why:
            bad = True
            say.failure(why, file.name)
    if bad:
        raise typer.Exit(1)


@style.command()
def export(
    name: Annotated[str, typer.Argument(metavar="STYLE", help="A style, by name or folder.")],
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A .zip, a .cube, or a HaldCLUT .png or .tif.")],
    force: Force = False,
) -> None:
    """Hand a style out: all of it (.zip), or what it does to finished colours, as a table for other programs."""
    ready()
    from modisp.library import export as hand_out
    from modisp.style import Style

    left = hand_out(Style.load(name), target, force)
    for slot in left:
        say.warn(f"a table cannot hold what {name} does in {slot}: that depends on the place in the picture")
    say.out(f"{name} → {target}")


@style.command()
def learn(
    name: Name,
    raw: Annotated[Path | None, typer.Option(metavar="DIR", help="RAW files.")] = None,
    finished: Annotated[Path | None, typer.Option(metavar="DIR", help="Their finished pictures.")] = None,
    camera_jpegs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="RAW files whose own JPEGs, made by the camera, show the look.")
    ] = None,
    edits: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Pictures edited here, with their sidecars.")
    ] = None,
    most: Annotated[int | None, typer.Option(min=4, metavar="N", help="At most so many pairs, evenly spread.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Where the report goes, too; it lies beside the style.")
    ] = None,
    words: Words = "",
    force: Force = False,
    json: Annotated[bool, typer.Option("--json", help="Say what was learned as JSON.")] = False,
) -> None:
    """Learn a style from pictures: from RAW files and what was made of them, from the camera's own JPEGs, or from past edits.

    Pairs are found by name and time, laid over each other, and left out with a reason where they do not fit. Ten pairs are a
    fair start, twenty are better. Ctrl-C ends it and leaves nothing behind.
    """
    ways = [raw is not None and finished is not None, camera_jpegs is not None, edits is not None]
    if sum(ways) != 1 or (raw is None) != (finished is None):
        raise Usage("say what to learn from: --raw DIR with --finished DIR, or --camera-jpegs DIR, or --edits DIR")
    started = time.perf_counter()
    ready()
    from modisp.learn.report import page
    from modisp.library import free_folder, keep

    free_folder(name, force)  # a name that cannot be kept is told before the work, not after it
    with stoppable() as stop, Bar(1) as bar:
        tell = bar.file(name, 0)
        found, cover = _learned(raw, finished, camera_jpegs, edits, most, tell, stop)
        with TemporaryDirectory() as aside:
            made = found.style(name, Path(aside), words)
            folder = keep(made, force=force, picture=cover, cancel=stop)
        text = page(found, made, time.perf_counter() - started)
    for target in (folder / "report.html", *([report] if report else [])):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    _say(found, folder, time.perf_counter() - started, json)


def _learned(
    raw: Path | None,
    finished: Path | None,
    camera_jpegs: Path | None,
    edits: Path | None,
    most: int | None,
    tell: Tell,
    stop: Stop,
) -> tuple[Learned, Path]:
    """What was learned, and a picture to show it on."""
    from modisp.learn.pairs import File, Pair, dated, limited, match
    from modisp.learn.run import learn_edits, learn_pairs

    tell(0.0, "looking for pictures")
    if edits is not None:
        files = [f for f in _files(edits, RAW + FINISHED) if f.with_name(f.name + ".modisp").is_file()]
        if not files:
            raise ValueError(f"there are no pictures with sidecars in {edits}")
        found = learn_edits(files[:most], progress=tell, cancel=stop)
        return found, next(f for f in files if f.name == found.samples[0].name)
    if camera_jpegs is not None:
        raws = dated(_files(camera_jpegs, RAW))
        pairs, rest = [Pair(f, f, "camera") for f in raws], list[File]()
    else:
        assert raw is not None and finished is not None
        raws = dated(_files(raw, RAW))
        pairs, rest = match(raws, dated(_files(finished, FINISHED)))
    pairs = limited(pairs, most)
    unpaired = [f.path for f in rest]
    found = learn_pairs(pairs, camera_jpegs=camera_jpegs is not None, unpaired=unpaired, progress=tell, cancel=stop)
    return found, next(f.path for f in raws if f.path.name == found.samples[0].name)


def _files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist")
    files, _ = sources([folder])
    files = [f for f in files if f.suffix.lower() in suffixes]
    if not files:
        raise ValueError(f"there are no {'RAW files' if suffixes is RAW else 'pictures'} in {folder}")
    return files


def _say(found: Learned, folder: Path, seconds: float, as_json: bool) -> None:
    if as_json:
        rows = [{"name": n, "delta_e": round(e, 3), "aside": n in found.aside} for n, e in found.near.items()]
        out = [{"name": s.name, "left_out": s.reason} for s in found.out]
        head = {"name": folder.name, "folder": str(folder), "seconds": round(seconds, 1), "pairs": len(found.samples)}
        figures = {"delta_e": round(found.held_out, 3), "tinted": found.look.tinted, "unpaired": list(found.unpaired)}
        say.as_json([head | figures, *rows, *out])
        return
    for s in found.out:
        say.err.print(f"left out: {s.name}: {s.reason}", soft_wrap=True, markup=False)
    if found.unpaired:
        names = ", ".join(found.unpaired[:5]) + (" …" if len(found.unpaired) > 5 else "")
        say.err.print(f"of no RAW file here: {names}", soft_wrap=True, markup=False)
    tried = f"{len(found.aside)} kept aside" if found.aside else "the same, too few to keep any aside"
    say.out(f"{folder.name}: learned from {len(found.samples)} pairs in {seconds:.0f} s, {len(found.out)} left out")
    say.out(f"comes within {found.held_out:.2f} ΔE2000 of finished pictures ({tried})")
    say.out(f"{folder / 'report.html'} shows them side by side")


def bench_learn(
    raw: Annotated[Path, typer.Argument(metavar="RAW", help="A folder of RAW files.")],
    looks: Annotated[
        list[Path], typer.Argument(metavar="LOOK…", help="Folders of finished pictures of them, one a look.")
    ],
    pairs: Annotated[
        list[int] | None,
        typer.Option("--pairs", help="Learn from so many pairs; may be given again. Else 5, 10, 20, 40."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="A list of objects, for other programs.")] = False,
) -> None:
    """How near learned styles come to looks, by the number of pairs, beside a fitted 3D table and a fitted curve."""
    ready()
    from modisp.bench.style_learn import COUNTS, markdown, measure

    finished = {d.name: _files(d, FINISHED) for d in looks}
    try:
        rows = measure(_files(raw, RAW), finished, say.err.print, counts=pairs or COUNTS)
    except ValueError as why:
        raise Usage(str(why)) from why
    if json:
        say.as_json([r.data() for r in rows])
    else:
        say.out(markdown(rows))
