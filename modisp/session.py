"""What a source brings along (recipe, readings), and what of a recipe is still to be done on it."""

from __future__ import annotations

from pathlib import Path

from modisp.image import Image, State
from modisp.recipe import Entry, Recipe
from modisp.sidecar import pinned
from modisp.stage import Reading, Stage


def open_source(source: Image | str | Path, recipe: Recipe | None) -> tuple[Image, Recipe, dict[str, Reading]]:
    """(image, recipe, readings to pin).  A saved intermediate brings its own recipe and readings."""
    if isinstance(source, Image):
        return source, recipe or Recipe.default(source), {}
    from modisp.io import open_image, read_extras

    image = open_image(source)
    extras = read_extras(source) if image.meta.done else {}
    if recipe is None and extras.get("recipe"):
        recipe = Recipe.load(extras["recipe"])
    recipe = recipe or Recipe.default(image)
    return image, recipe, pinned(recipe, extras.get("readings") or {})


def entries_between(recipe: Recipe, source: Image, until: State | str | None) -> list[Entry]:
    """The entries still to run on a source, up to and with `until`."""
    entries = list(recipe.entries)
    ids = [e.id for e in entries]
    if source.meta.done in ids:
        first = ids.index(source.meta.done) + 1
    else:
        starts = [i for i, e in enumerate(entries) if isinstance(e.stage, Stage) and e.stage.reads is source.state]
        if not starts and source.state is not State.ENCODED:
            raise ValueError(f"no stage of this recipe reads {source.state.name}")
        first = starts[0] if starts else len(entries)
    if until is None:
        return entries[first:]
    if isinstance(until, str) and until.upper() in State.__members__:
        until = State[until.upper()]
    last = first - 1
    if isinstance(until, State):
        hits = [i for i, e in enumerate(entries) if isinstance(e.stage, Stage) and e.stage.writes is until]
        if hits:
            last = hits[-1]
        elif until is not source.state:
            raise ValueError(f"this recipe never reaches {until.name}")
    else:
        at = [i for i, e in enumerate(entries) if e.id == until or until in e.slot.split()]
        if not at:
            states = ", ".join(s.name for s in State)
            raise ValueError(f"until is a state ({states}) or one of {', '.join(ids)}, not {until}")
        last = at[-1]
    if last < first - 1:
        raise ValueError(f"this picture is already past {until if isinstance(until, str) else until.name}")
    return entries[first : last + 1]
