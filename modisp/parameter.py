"""How a parameter is declared: its kind, range, step, unit and words, and the one form in which its values are stored."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

KINDS = (
    "number",
    "switch",
    "choice",
    "curve",
    "colour",
    "hues",
    "wheel",
    "regions",
    "rect",
    "points",
    "mask",
    "file",
    "text",
)
FLAT = {"rect": (0, 4), "colour": (3,), "hues": (8,), "wheel": (3,), "regions": (7,)}
"""Kinds whose value is one row of numbers → how many there may be."""
HUES = ("red", "orange", "yellow", "green", "aqua", "blue", "purple", "magenta")
"""What the eight numbers of a parameter of the kind `hues` belong to."""
OWN, CLIPPING = "own", "clipping"
"""What else but the name of a parameter a `Param.mask` may be."""
PARTS = {
    "hues": HUES,
    "wheel": ("a", "b", "light"),
    "regions": ("shadows", "darks", "lights", "highlights", "split 1", "split 2", "split 3"),
}
"""What the numbers of such a parameter are called."""


@dataclass(frozen=True)
class Param:
    """How one parameter may be set; editor rows, options and docs are drawn from this.

    Values by kind: number: float (or int, where the default is one); switch: bool; choice: one of `choices`; curve: tuple
    of (x, y) with rising x; colour: (r, g, b); hues: one number for each of `HUES`; wheel: (a, b, light), the first two a
    direction and length on the Oklab plane of colours (1 is the rim); regions: what is added to shadows, darks, lights and
    highlights, then the three places in 0…1 where they part; offsets: so many numbers as the stage wants, which styles add
    to, or (); rect: (x, y, width, height) or (); points, mask: tuple of tuples of numbers; file (see `files`), text: str.
    `low` and `high` hold for each number of hues, wheels and regions.  `inference` marks what `measure` and `infer` may
    look at.  `mask` says what the editor lights while Alt is held with the slider: all that the whole way of a parameter
    touches (named, or OWN for this one), or CLIPPING.
    """

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

    def check(self, where: str, v: Any) -> Any:
        """`v` in its stored form; ValueError with one sentence where it does not fit."""
        if self.kind == "number":
            if isinstance(v, bool) or not isinstance(v, int | float) or not math.isfinite(v):
                raise ValueError(f"{where} is a number, not {v!r}")
            if not self.low <= v <= self.high:
                raise ValueError(f"{where} lies in [{self.low:g}, {self.high:g}], not {v:g}")
            if isinstance(self.default, int):
                if v != int(v):
                    raise ValueError(f"{where} is a whole number, not {v!r}")
                return int(v)
            return float(v)
        if self.kind == "switch":
            if not isinstance(v, bool):
                raise ValueError(f"{where} is true or false, not {v!r}")
            return v
        if self.kind in ("choice", "file", "text"):
            if not isinstance(v, str):
                raise ValueError(f"{where} is a text, not {v!r}")
            if self.kind == "choice" and v not in self.choices:
                raise ValueError(f"{where} is one of {', '.join(self.choices)}, not {v!r}")
            return v
        return self._check_numbers(where, v)

    def _check_numbers(self, where: str, v: Any) -> Any:
        flat = self.kind in FLAT or self.kind == "offsets"
        if not isinstance(v, list | tuple):
            raise ValueError(f"{where} is a list of numbers, not {v!r}")
        rows = [v] if flat else v
        for row in rows:
            if not isinstance(row, list | tuple) or not all(
                isinstance(i, int | float) and not isinstance(i, bool) and math.isfinite(i) for i in row
            ):
                raise ValueError(f"{where} is made of finite numbers, not {v!r}")
        out = tuple(tuple(float(i) for i in row) for row in rows)
        want = {**FLAT, "curve": (2,), "points": (2,)}.get(self.kind)
        if want and any(len(row) not in want for row in out):
            raise ValueError(f"{where} needs {want[-1]} numbers {'in all' if flat else 'a point'}, not {v!r}")
        if self.kind == "rect" and len(out[0]) == 4 and (out[0][2] <= 0 or out[0][3] <= 0):
            raise ValueError(f"{where} needs a width and a height above zero, not {v!r}")
        if self.kind == "curve" and (len(out) < 2 or any(a[0] >= b[0] for a, b in pairwise(out))):
            raise ValueError(f"{where} needs two points or more, with rising x, not {v!r}")
        if self.kind in ("hues", "wheel", "regions") and not all(self.low <= i <= self.high for i in out[0]):
            raise ValueError(f"{where} is made of numbers in [{self.low:g}, {self.high:g}], not {v!r}")
        return out[0] if flat else out


def param(
    default: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    help: str,
    kind: str = "",
    step: float = 0.0,
    unit: str = "",
    label: str = "",
    choices: tuple[str, ...] = (),
    group: str = "",
    advanced: bool = False,
    inference: bool = False,
    mask: str = "",
) -> Any:
    """Declare a parameter of a stage.  The kind follows from the default (number, switch, choice) unless it is named."""
    if not kind:
        if isinstance(default, bool):
            kind = "switch"
        elif isinstance(default, int | float):
            kind = "number"
        elif choices:
            kind = "choice"
        else:
            raise TypeError(f"name the kind of a parameter whose default is {default!r}: one of {', '.join(KINDS)}")
    p = Param(kind, default, low, high, step, unit, label, help, choices, group, advanced, inference, mask)
    return field(default=default, metadata={"param": p})


def files(value: str) -> tuple[tuple[str, float], ...]:
    """The paths that a value of the kind `file` names, each with its share: one path (share 1), or a mix of several.

    A mix is JSON, `[["/a/warm.cube", 0.6], ["/b/faded.cube", 0.4]]`: it comes of styles laid over each other.
    """
    if not value.startswith("[["):
        return ((value, 1.0),) if value else ()
    try:
        return tuple((str(path), float(share)) for path, share in json.loads(value))
    except (ValueError, TypeError) as e:
        raise ValueError(f"a mix of files is written as JSON rows of path and share, not {value[:60]!r}") from e


def mixed_files(rows: Iterable[tuple[str, float]]) -> str:
    """The inverse of `files`; shares of the same path are added, those of 0 leave no trace."""
    total: dict[str, float] = {}
    for path, share in rows:
        total[path] = total.get(path, 0.0) + share
    kept = [[path, share] for path, share in total.items() if path and share > 0]
    return json.dumps(kept) if len(kept) > 1 or (kept and kept[0][1] != 1.0) else str(kept[0][0]) if kept else ""
