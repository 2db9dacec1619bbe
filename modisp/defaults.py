"""How an untouched picture begins: the pipeline's own default, or what its photographer has saved for that camera and ISO.

One JSON file per camera in the user's folder `defaults`: rows of `iso` (from this sensitivity up; null: any) with a recipe and
the slots of it that count.  The editor and the command line both begin with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from modisp.image import Image, Metadata
from modisp.io.atomic import replacing
from modisp.parts import laid
from modisp.recipe import Recipe
from modisp.resources import home


def file_of(meta: Metadata) -> Path | None:
    """Where the defaults of a camera are kept; None for pictures that name no camera."""
    name = re.sub(r"[^a-z0-9]+", "-", f"{meta.make} {meta.model}".lower()).strip("-")
    return home("defaults") / f"{name}.json" if name else None


def rows_of(meta: Metadata) -> list[dict[str, Any]]:
    """What is saved for a camera, lowest ISO first; a file that cannot be used counts as none."""
    file = file_of(meta)
    if file is None:
        return []
    try:
        data = json.loads(file.read_text("utf-8"))
        rows = [r for r in data["rows"] if isinstance(r["recipe"]["entries"], list) and isinstance(r["slots"], list)]
        return sorted(rows, key=lambda r: float(r["iso"] or 0))
    except (OSError, ValueError, KeyError, TypeError):
        return []


def default_for(image: Image) -> Recipe:
    """The recipe that a picture begins with: `Recipe.default`, with what was saved for its camera and ISO laid over it."""
    plain = Recipe.default(image)
    fitting = [r for r in rows_of(image.meta) if float(r["iso"] or 0) <= image.meta.iso or r["iso"] is None]
    if not fitting:
        return plain
    row = fitting[-1]
    try:
        return Recipe.load(laid(plain.dump(), row["recipe"], row["slots"], bool(row.get("looks")))).fit(image)
    except (ValueError, TypeError, KeyError, AttributeError):
        return plain  # saved by another version: the picture opens all the same


def save_default(meta: Metadata, recipe: Recipe, slots: Collection[str], looks: bool, iso: float | None) -> Path:
    """Save parts of a recipe as the default of a camera, from an ISO up (None: any ISO); the file's path.

    ValueError where the picture names no camera; OSError as the system raises it.
    """
    file = file_of(meta)
    if file is None:
        raise ValueError("This picture does not say which camera took it")
    rows = [r for r in rows_of(meta) if r["iso"] != iso]
    rows.append({"iso": iso, "slots": sorted(slots), "looks": looks, "recipe": recipe.dump()})
    with replacing(file) as out:
        out.write(json.dumps({"format": 1, "make": meta.make, "model": meta.model, "rows": rows}, indent=1).encode())
    return file


def forget_default(meta: Metadata) -> bool:
    """Forget what was saved for a camera; whether there was anything."""
    file = file_of(meta)
    if file is None or not file.is_file():
        return False
    file.unlink()
    return True
