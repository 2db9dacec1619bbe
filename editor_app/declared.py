"""The declarations of all stages as plain data, as the engine process tells them; nothing here imports torch.

A copy of the last ones is kept on disk, so that the panels are there before the engine has started.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from modisp.resources import home


@dataclass(frozen=True)
class ParamInfo:
    """One declared parameter; see `modisp.stage.Param` for what the fields mean."""

    name: str
    kind: str
    default: Any
    low: float = -math.inf
    high: float = math.inf
    step: float = 0.0
    unit: str = ""
    label: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()
    group: str = ""
    advanced: bool = False
    inference: bool = False
    mask: str = ""

    @property
    def words(self) -> str:
        """What the row is called."""
        return self.label or self.name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class StageInfo:
    """One declared stage."""

    name: str
    slot: str
    reads: str
    writes: str
    version: int
    title: str
    group: str
    many: bool
    raw_zone: bool
    note: str
    params: tuple[ParamInfo, ...]
    idle: bool = False  # whether it changes nothing as it comes

    @property
    def heading(self) -> str:
        """What its panel is called: the title without the words in brackets that tell implementations apart."""
        return self.title.partition(" (")[0]

    @property
    def kind(self) -> str:
        """The words in brackets of the title, or the whole title."""
        words = self.title.partition(" (")[2].rstrip(")")
        return words[:1].upper() + words[1:] or self.title

    @property
    def has_switch(self) -> bool:
        """Whether it can be switched off: it reads what it writes."""
        return self.reads == self.writes

    def param(self, name: str) -> ParamInfo:
        """A parameter by name; KeyError where there is none."""
        for p in self.params:
            if p.name == name:
                return p
        raise KeyError(name)


@dataclass(frozen=True)
class StyleInfo:
    """One style: its values per slot, as plain data."""

    key: str
    name: str
    words: str
    values: Mapping[str, Mapping[str, Any]]
    own: bool


class Declarations:
    """Everything that the window needs to know about stages and styles, from the engine's plain data."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.stages: dict[str, StageInfo] = {}
        for row in data["stages"]:
            params = tuple(_param(p) for p in row["params"])
            info = StageInfo(**{**row, "params": params})
            self.stages[info.name] = info
        self.default: Mapping[str, Any] = data["default"]
        self.styles = [StyleInfo(**row) for row in data["styles"]]

    @cached_property
    def version(self) -> str:
        """What tells one set of declarations from another."""
        return json.dumps(self.data, sort_keys=True)

    def fitting(self, slot: str, accepted: frozenset[str] | None = None) -> list[StageInfo]:
        """The stages that can stand in a slot (of those that accept the picture, where that is known)."""
        rows = [s for s in self.stages.values() if s.slot == slot]
        return [s for s in rows if accepted is None or s.name in accepted]


def _param(row: Mapping[str, Any]) -> ParamInfo:
    known = {k: v for k, v in row.items() if v is not None or k == "default"}
    return ParamInfo(**{**known, "choices": tuple(row.get("choices", ()))})


def kept() -> Declarations | None:
    """The declarations of the last start; None where there are none that can be used."""
    try:
        return Declarations(json.loads(_file().read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(found: Declarations) -> None:
    """Keep the declarations for the next start; a full disk only costs half a second then."""
    file = _file()
    part = file.with_suffix(".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(found.data), "utf-8")
        part.replace(file)
    except OSError:
        part.unlink(missing_ok=True)


def _file() -> Path:
    return home("cache") / "editor" / "declarations.json"
