"""Everything that the window needs to know about stages and styles, as plain data."""

from __future__ import annotations

import inspect
import json
import math
from dataclasses import asdict
from typing import Any

from modisp import Recipe, Stage, list_stages, list_styles
from modisp.image import Image, State
from modisp.resources import home


def declarations() -> dict[str, Any]:
    """Stages in the order of the pipeline, the default recipes (`raw`, `picture`) and the styles."""
    import torch

    finished = Image(torch.zeros(3, 8, 8), State.ENCODED)
    default = {"raw": Recipe.default().dump(), "picture": Recipe.default(finished).dump()}
    data = {"stages": [_stage(c) for c in list_stages().values()], "default": default, "styles": styles()}
    return json.loads(json.dumps(data))  # type: ignore[no-any-return]  # tuples become lists, as the window gets them


def styles() -> list[dict[str, Any]]:
    """All styles that there are."""
    own = home("styles")
    return [
        {
            "key": key,
            "name": s.name,
            "words": s.words,
            "values": s.values,
            "own": s.folder is not None and own in s.folder.parents,
        }
        for key, s in list_styles().items()
    ]


def _stage(cls: type[Stage]) -> dict[str, Any]:
    note = (inspect.getdoc(cls) or "").partition("\n")[0]
    return {
        "name": cls.name,
        "slot": cls.slot,
        "reads": cls.reads.name,
        "writes": cls.writes.name,
        "version": cls.version,
        "title": cls.title,
        "group": cls.group,
        "many": cls.many,
        "raw_zone": cls.raw_zone,
        "idle": cls().is_neutral(),
        "note": note if not note.startswith(f"{cls.__name__}(") else "",
        "params": [_param(k, asdict(p)) for k, p in cls.params().items()],
    }


def _param(name: str, row: dict[str, Any]) -> dict[str, Any]:
    row = {k: None if isinstance(v, float) and math.isinf(v) else v for k, v in row.items()}
    return {"name": name} | row
