"""Fitting controls for several parameters of a stage that belong together, chosen by the kinds of the parameters.

A group tells `changed` (parameter, value), `done` (the gesture is over), and is told by `show_value(parameter, value)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from editor_app.adjust import Hold
from editor_app.controls import NumberRow
from editor_app.declared import ParamInfo
from editor_app.widgets import Tool
from editor_app.words import tr


class Group(QWidget):
    """The common part: the parameters by name, and what they stand at."""

    changed = Signal(str, object)
    done = Signal()
    aimed = Signal(str)  # a parameter is to be adjusted on the picture
    masked = Signal(str, int, bool)  # parameter, number of it: whether what it touches is to be seen

    def __init__(self, params: Sequence[ParamInfo]) -> None:
        super().__init__()
        self.params: dict[str, ParamInfo] = {p.name: p for p in params}
        self.values: dict[str, Any] = {p.name: p.default for p in params}

    def show_value(self, name: str, value: Any) -> None:
        """Show a parameter's value without telling anybody."""
        self.values[name] = value
        self.refresh(name)

    def refresh(self, name: str) -> None:
        """Draw what depends on a parameter anew."""
        raise NotImplementedError

    def take(self, name: str, value: Any) -> None:
        """Set a parameter in the course of a gesture."""
        self.values[name] = value
        self.refresh(name)
        self.changed.emit(name, value)

    def item(self, name: str, i: int, value: float) -> None:
        """Set one number of a parameter in the course of a gesture."""
        row = [float(v) for v in self.values[name]]
        row[i] = value
        self.take(name, row)

    def differs(self, name: str) -> bool:
        """Whether a parameter differs from its default."""
        return list(_plain(self.values[name])) != list(_plain(self.params[name].default))

    def show_counts(self, counts: Sequence[Sequence[float]]) -> None:
        """Take note of the picture's histogram; most groups have no use for it."""

    def aim_button(self) -> Tool:
        """A button that takes the tool for adjusting on the picture."""
        out = Tool("target", tr("Adjust by dragging on the picture  (T)"), check=True, size=22)
        out.clicked.connect(lambda: self.aimed.emit(self.aim()))
        return out

    def aim(self) -> str:
        """The parameter that is shown, and would be adjusted on the picture."""
        return next(iter(self.params))

    def show_aim(self, name: str) -> None:
        """A parameter is adjusted on the picture; "" when none is any more."""

    def show_hold(self, found: Hold | None) -> None:
        """What the pointer on the picture would change, or changes."""

    def number(
        self,
        words: str,
        help: str,
        moved: Callable[[float], None],
        low: float = -1.0,
        high: float = 1.0,
        step: float = 0.01,
        unit: str = "",
    ) -> NumberRow:
        """A row for one number of a group: slider and field, as for a parameter of its own."""
        row = NumberRow(ParamInfo("", "number", 0.0, low, high, step, unit, words, help))
        row.changed.connect(moved)
        row.done.connect(self.done)
        return row


class Part:
    """One parameter of a group, told like a control."""

    def __init__(self, group: Group, name: str) -> None:
        self.group, self.name = group, name

    def show_value(self, value: Any) -> None:
        """Show a value without telling anybody."""
        self.group.show_value(self.name, value)


def _plain(v: Any) -> Any:
    return [_plain(i) for i in v] if isinstance(v, list | tuple) else v


def parted(params: Sequence[ParamInfo]) -> Mapping[type[Group], list[ParamInfo]]:
    """Which of a stage's parameters are shown by which group; the rest have rows of their own."""
    from editor_app.curve_tabs import CurveTabs
    from editor_app.hue_mixer import HueMixer
    from editor_app.wheels import Wheels

    kinds: list[tuple[type[Group], set[str], str]] = [
        (CurveTabs, {"curve", "regions"}, "curve"),
        (HueMixer, {"hues"}, "hues"),
        (Wheels, {"wheel"}, "wheel"),
    ]
    out: dict[type[Group], list[ParamInfo]] = {}
    for group, of, main in kinds:
        mine = [p for p in params if p.kind in of]
        # one curve alone has a row of its own
        if any(p.kind == main for p in mine) and not (main == "curve" and len(mine) == 1):
            out[group] = mine
    return out
