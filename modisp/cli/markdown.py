"""docs/stages.md, drawn from the declarations of the stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modisp.parameter import PARTS
from modisp.stage import Param, Stage

HEAD = """# Stages

Every stage, with the parameters that `Recipe.set`, `modisp develop --set SLOT.PARAM=VALUE` and style files know. A picture goes
through the slots in this order; the first stage of a slot that serves the picture is used unless another is chosen.

This page is made by `modisp stages --markdown`.
"""


def page(stages: Sequence[type[Stage]]) -> str:
    """The page of some stages, in the order given."""
    parts = [HEAD]
    slot = ""
    for cls in stages:
        if cls.slot != slot:
            slot = cls.slot
            parts.append(f"\n## {slot.replace(' ', ' + ')}\n")
        parts.append(_stage(cls))
    return "".join(parts)


def _stage(cls: type[Stage]) -> str:
    words = " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())
    marks = [f"{cls.reads.name} → {cls.writes.name}", f"version {cls.version}"]
    text = f"\n### `{cls.name}`: {cls.title}\n\n{' · '.join(marks)}\n\n{words}\n"
    rows = [f"| `{k}` | {_value(p.default)} | {_bounds(p)} | {_cell(p.help)} |" for k, p in cls.params().items()]
    if rows:
        text += "\n| parameter | default | may be | what it does |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    return text


def _bounds(p: Param) -> str:
    if p.kind == "number":
        return f"{_value(p.low)} … {_value(p.high)}{' ' + p.unit if p.unit else ''}"
    if p.kind in PARTS:
        return f"{', '.join(PARTS[p.kind])}: {_value(p.low)} … {_value(p.high)}"
    return ", ".join(_cell(c) for c in p.choices) if p.kind == "choice" else {"switch": "on, off"}.get(p.kind, p.kind)


def _value(v: Any) -> str:
    if isinstance(v, bool):
        return "on" if v else "off"
    if isinstance(v, float):
        return f"{v:g}".replace("-", "−")
    return _cell(str(v)) if v not in ("", ()) else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
