"""What a source brings along: opening a path or an Image, with the recipe and the readings that belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modisp.image import Image
from modisp.recipe import Recipe
from modisp.stage import Reading


def open_source(source: Image | str | Path, recipe: Recipe | None) -> tuple[Image, Recipe, dict[str, Reading]]:
    """(image, recipe, readings to pin).  A saved intermediate brings its own recipe and readings."""
    if isinstance(source, Image):
        return source, recipe or Recipe.default(source), {}
    from modisp.io import open_image, read_extras

    image = open_image(source)
    extras = read_extras(source) if image.meta.done else {}
    if recipe is None and extras.get("recipe"):
        recipe = Recipe.load(extras["recipe"])
    return image, recipe or Recipe.default(image), load_readings(extras)


def load_readings(data: Mapping[str, Any]) -> dict[str, Reading]:
    """The readings of extras or of a sidecar, by entry id."""
    return {k: Reading.load(v) for k, v in (data.get("readings") or {}).items()}
