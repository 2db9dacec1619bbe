"""`modisp run`: exactly one stage, on a RAW file or a saved intermediate."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modisp.cli import say
from modisp.cli.develop import Device, Force, Plugins, checked_device
from modisp.cli.files import spare
from modisp.cli.say import Usage
from modisp.cli.settings import unmet
from modisp.cli.work import Bar, ready, stoppable

if TYPE_CHECKING:
    from modisp.image import Metadata
    from modisp.recipe import Recipe
    from modisp.stage import Stage


def run(
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="A stage, or a slot for its default stage.")],
    source: Annotated[Path, typer.Argument(metavar="IN", help="A RAW file or a saved intermediate.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="The file for the result (.dng, .tif; a picture from output).")
    ],
    settings: Annotated[list[str], typer.Argument(metavar="[PARAM=VALUE]…", help="Parameters of the stage.")] = [],  # noqa: B006
    force: Force = False,
    device: Device = "cpu",
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Run one stage and save what comes out; `modisp develop` goes on from there."""
    started = time.perf_counter()
    ready(plugin)
    from modisp.export import Wanted, export_stage
    from modisp.io import open_image, read_extras
    from modisp.recipe import Recipe

    _known(stage)
    spare(source, target)
    values = [_split(text) for text in settings]
    device = checked_device(device)
    image = open_image(source)
    extras = read_extras(source) if image.meta.done else {}
    recipe = (Recipe.load(extras["recipe"]) if extras.get("recipe") else Recipe.default(image)).fit(image)
    chosen = _stage(stage, recipe, image.meta)
    chosen = chosen.with_values(**_values(chosen, values))
    if image.state is not chosen.reads:
        raise ValueError(
            f"{chosen.name} reads {chosen.reads.name}, and {source} holds {image.state.name}; "
            f"make it one with: modisp develop {source} --until {chosen.reads.name} -o NAME.dng"
        )
    for sentence in unmet(chosen, image):
        say.warn(f"{source.name}: {sentence}")
    box = [image]
    del image
    with stoppable() as stop, Bar(1) as bar:
        tell = bar.file(source.name, 0)
        wanted = Wanted(device=device, force=force)
        out = export_stage(box, chosen, recipe, target, wanted, extras, progress=tell, cancel=stop)
    say.out(
        f"{source} → {target}  ({out.width} × {out.height}, {out.state.name}, {time.perf_counter() - started:.1f} s)"
    )


def _known(name: str) -> None:
    from modisp.stage import list_stages

    table = list_stages()
    if name not in table and not any(name in c.slot.split() for c in table.values()):
        raise Usage(f"there is no stage or slot called {name}; `modisp stages` lists them")


def _stage(name: str, recipe: Recipe, meta: Metadata) -> Stage:
    """The stage as it comes, or as the recipe that the file carries has it set."""
    from modisp.recipe import Recipe
    from modisp.stage import SLOTS, Stage, list_stages

    cls = list_stages().get(name)
    if cls is not None and (name not in SLOTS or cls.accepts(meta)):  # else the word means the slot
        if not cls.accepts(meta):
            raise ValueError(f"{name} cannot serve this picture (CFA {'/'.join(meta.cfa) or 'none'})")
        return cls()
    for e in (*recipe.entries, *Recipe.default(meta).entries):
        if name in (e.id, *e.slot.split()) and isinstance(e.stage, Stage):
            return e.stage
    fitting = [c for c in list_stages().values() if name in c.slot.split() and c.accepts(meta)]
    if not fitting:
        raise ValueError(f"no stage for {name} can serve this picture")
    return fitting[0]()


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Usage(f"parameters are written param=value, not {text}")
    return name.strip(), value


def _values(stage: Stage, given: list[tuple[str, str]]) -> dict[str, object]:
    from modisp.cli.settings import value_of

    out = {}
    for name, text in given:
        if name not in stage.params():
            raise Usage(f"{stage.name} has no parameter {name}; it has: {', '.join(stage.params()) or 'none'}")
        try:
            out[name] = value_of(stage.params()[name], f"{stage.name}.{name}", text)
        except ValueError as e:
            raise Usage(str(e)) from e
    return out
