"""One control per kind of parameter, each a row of the panel; chosen by the declaration's kind, never by a stage's name.

Every control has `changed` (a value, in stored form), `done` (the gesture is over) and `show_value` (which tells nobody).
To add a control, write a subclass of `Control` and name its kind in `KINDS`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent
from PySide6.QtWidgets import QColorDialog, QFileDialog, QLineEdit, QWidget

from editor_app import paint, theme
from editor_app.curve import CurveField
from editor_app.declared import ParamInfo
from editor_app.layout import Drawing, Words, button, column, row
from editor_app.shown import Shown
from editor_app.slider import Slider
from editor_app.widgets import Combo, NumberField, Switch, Tool
from editor_app.words import spelled, tr

UNIT = 20
MARGIN = (16, 0, 4, 0)


@lru_cache(maxsize=1)
def name_width() -> int:
    """How wide the column of names is: 88, or as wide as a long name is in the type that this system has."""
    return min(108, max(88, QFontMetrics(theme.font(12)).horizontalAdvance(tr("Highlight warmth")) + 2))


class Name(Words):
    """The name of a row: double-click resets, dragging sideways scrubs (one step per 2 px)."""

    reset = Signal()
    recalled = Signal()  # the value of the last snapshot is wanted
    scrubbed = Signal(int)
    released = Signal()

    def __init__(self, words: str, scrub: bool = False) -> None:
        super().__init__(words, "soft", width=name_width())
        self._from: float | None = None
        self.scrub = scrub
        if scrub:
            self.setCursor(Qt.CursorShape.SizeHorCursor)

    def mousePressEvent(self, e: QMouseEvent) -> None:
        self._from = e.position().x()

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        if self.scrub and self._from is not None:
            steps = int((e.position().x() - self._from) / 2)
            if steps:
                self._from += 2 * steps
                self.scrubbed.emit(steps)

    def mouseReleaseEvent(self, e: QMouseEvent) -> None:
        if self._from is not None:
            self._from = None
            if self.scrub:
                self.released.emit()

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        self._from = None
        recall = bool(e.modifiers() & Qt.KeyboardModifier.AltModifier)
        (self.recalled if recall else self.reset).emit()


class Control(QWidget):
    """The common part of all rows."""

    changed = Signal(object)
    done = Signal()
    recalled = Signal()

    def __init__(self, p: ParamInfo, scrub: bool = False) -> None:
        super().__init__()
        self.p = p
        self.measured = False  # whether what is shown was measured, and not set by a hand
        self.name = Name(p.words, scrub)
        self.name.reset.connect(lambda: self.take(self.p.default))
        self.name.recalled.connect(self.recalled)
        tip = f"{p.words}\n{p.help}" if p.help else p.words
        self.setToolTip("\n".join(_wrapped(tip)))
        self.setAccessibleName(p.words)
        self.setAccessibleDescription(p.help)

    def set_default(self, value: Any) -> None:
        """Take another default: how the untouched picture has it, which may not be what the stage comes with."""
        if value != self.p.default:
            self.p = replace(self.p, default=value)

    def take(self, value: Any) -> None:
        """Set a value as one whole gesture."""
        self.show_value(value)
        self.changed.emit(value)
        self.done.emit()

    def show_value(self, value: Any) -> None:
        """Show a value without telling anybody."""
        self.name.say(self.p.words, "text" if self.differs(value) else "soft")

    def differs(self, value: Any) -> bool:
        """Whether a value is to be marked as changed."""
        return bool(value != self.p.default) and not self.measured


class NumberRow(Control):
    """name | slider | number | unit, in the same columns in every panel."""

    def __init__(self, p: ParamInfo) -> None:
        super().__init__(p, scrub=True)
        self.shown = Shown(p)
        self.slider = Slider(self.shown)
        self.number = NumberField(p.words)
        self.number.left.connect(self._leave)
        self.number.returnPressed.connect(self._typed)
        self.number.editingFinished.connect(self._typed)
        layout = row(
            self.name,
            4,
            self.slider,
            4,
            self.number,
            Words(self.shown.unit, "faint", 11, width=UNIT),
            margin=MARGIN,
        )
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.setFixedHeight(theme.ROW)
        self.slider.moved.connect(self._moved)
        self.slider.done.connect(self.done)
        self.slider.recalled.connect(self.recalled)
        self.name.reset.disconnect()
        self.name.reset.connect(self.slider.reset)
        self.name.scrubbed.connect(lambda n: self.slider.set(self.slider.value + n * self.shown.step))
        self.name.released.connect(self.done)
        self.show_value(p.default)

    def set_default(self, value: Any) -> None:
        if value != self.p.default:
            super().set_default(value)
            self.shown = self.slider.shown = Shown(self.p)
            self.slider.update()

    def show_value(self, value: Any) -> None:
        if not self.slider.dragging:
            self.slider.show_value(float(value))
        self._write(value)

    def _write(self, value: float) -> None:
        super().show_value(value)
        text = self.shown.text(value)
        if text != self.number.text() and not self.number.isModified():
            self.number.setText(text)
        self._mark("changed", self.differs(value))

    def _mark(self, name: str, on: bool) -> None:
        if bool(self.number.property(name)) != on:
            self.number.setProperty(name, on)
            self.number.style().unpolish(self.number)
            self.number.style().polish(self.number)

    def _moved(self, v: float) -> None:
        self.number.setModified(False)
        value = int(v) if isinstance(self.p.default, int) else v
        self._write(value)
        self.changed.emit(value)

    def _typed(self) -> None:
        if not self.number.isModified():
            return
        self.number.setModified(False)
        found = self.shown.parse(self.number.text(), self.slider.value)
        if found is None:
            self._write(self.slider.value)
            return
        v = self.shown.clamp(found, snap=False)
        if abs(v - found) > 1e-9:
            self._mark("blink", True)
            QTimer.singleShot(300, self, lambda: self._mark("blink", False))
        if v != self.slider.value:
            self.slider.set(v, snap=False)
            self.done.emit()
        self._write(self.slider.value)

    def _leave(self) -> None:
        self._write(self.slider.value)
        self.slider.setFocus()


class SwitchRow(Control):
    """name | … | switch."""

    def __init__(self, p: ParamInfo) -> None:
        super().__init__(p)
        self.name.setFixedWidth(name_width() + 100)
        self.switch = Switch(p.words)
        self.setLayout(row(self.name, None, self.switch, 4, margin=MARGIN))
        self.setFixedHeight(theme.ROW)
        self.switch.clicked.connect(self.take)
        self.show_value(p.default)

    def show_value(self, value: Any) -> None:
        super().show_value(value)
        self.switch.setChecked(bool(value))


class ChoiceRow(Control):
    """name | the chosen one, in the slider's columns."""

    def __init__(self, p: ParamInfo) -> None:
        super().__init__(p)
        unit = p.unit if p.unit in ("°", "%") else f" {p.unit}" if p.unit else ""
        self.combo = Combo([(f"{spelled(c)}{unit}", c) for c in p.choices])
        self.combo.setAccessibleName(p.words)
        layout = row(self.name, 4, self.combo, 4, margin=MARGIN)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.setFixedHeight(theme.ROW + 4)
        self.combo.activated.connect(lambda _: self.take(self.combo.value()))
        self.show_value(p.default)

    def show_value(self, value: Any) -> None:
        super().show_value(value)
        self.combo.set_value(str(value))


class CurveRow(Control):
    """A curve of points: click to add, drag, double-click to remove."""

    def __init__(self, p: ParamInfo) -> None:
        super().__init__(p)
        self.field = CurveField(p.default)
        self.field.setAccessibleName(p.words)
        self.setLayout(column(row(self.name, None), self.field, margin=(16, 2, 8, 6), gap=2))
        self.field.changed.connect(self._moved)
        self.field.done.connect(self.done)
        self.show_value(p.default)

    def _moved(self, value: Any) -> None:
        super().show_value(value)
        self.changed.emit(value)

    def show_value(self, value: Any) -> None:
        super().show_value(value)
        self.field.show_value(value)


class PickRow(Control):
    """A rectangle on the picture: `picking` asks the viewer for one; the stage then measures what lies in it."""

    picking = Signal()

    def __init__(self, p: ParamInfo) -> None:
        super().__init__(p)
        self.pick = Tool("pipette", tr("Pick on the picture"), size=22)
        self.words = Words("", "soft", 11, align=paint.RIGHT)
        self.clear = Tool("close", tr("Forget what was picked"), size=22)
        layout = row(self.name, 4, self.words, 4, self.clear, self.pick, 4, margin=MARGIN)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.setFixedHeight(theme.ROW)
        self.pick.clicked.connect(self.picking)
        self.clear.clicked.connect(lambda: self.take([]))
        self.show_value(p.default)

    def show_value(self, value: Any) -> None:
        super().show_value(value)
        self.value = list(value)
        self.words.say("" if len(value) != 4 else f"{value[2]:.0f} × {value[3]:.0f} px")
        self.clear.setVisible(len(value) == 4)


class ColourRow(Control):
    """A colour as a swatch that opens the colour dialog."""

    def __init__(self, p: ParamInfo) -> None:
        super().__init__(p)
        self.value = list(p.default)
        self.swatch = button("")
        self.swatch.setFixedSize(52, 20)
        self.swatch.setAccessibleName(p.words)
        self.setLayout(row(self.name, None, self.swatch, UNIT + 4, margin=MARGIN))
        self.setFixedHeight(theme.ROW)
        self.swatch.clicked.connect(self._ask)
        self.show_value(p.default)

    def show_value(self, value: Any) -> None:
        super().show_value(value)
        self.value = list(value)
        colour = QColor.fromRgbF(*(min(1.0, max(0.0, v)) for v in self.value))
        self.swatch.setStyleSheet(f"background: {colour.name()}")

    def _ask(self) -> None:
        start = QColor.fromRgbF(*(min(1.0, max(0.0, v)) for v in self.value))
        c = QColorDialog.getColor(start, self, self.p.words)
        if c.isValid():
            self.take([c.redF(), c.greenF(), c.blueF()])


class FileRow(Control):
    """A file by its name, with a button that asks for one."""

    def __init__(self, p: ParamInfo) -> None:
        super().__init__(p)
        self.words = Words("", "soft", 11, align=paint.RIGHT)
        self.open = Tool("folder", tr("Choose a file"), size=22)
        self.clear = Tool("close", tr("None"), size=22)
        layout = row(self.name, 4, self.words, 4, self.clear, self.open, 4, margin=MARGIN)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.setFixedHeight(theme.ROW)
        self.open.clicked.connect(self._ask)
        self.clear.clicked.connect(lambda: self.take(""))
        self.show_value(p.default)

    def show_value(self, value: Any) -> None:
        super().show_value(value)
        self.words.say(Path(value).name if value else tr("None"), "soft" if value else "faint")
        self.clear.setVisible(bool(value))

    def _ask(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self.p.words)
        if name:
            self.take(name)


class TextRow(Control):
    """A line of text."""

    def __init__(self, p: ParamInfo) -> None:
        super().__init__(p)
        self.line = QLineEdit()
        self.line.setAccessibleName(p.words)
        layout = row(self.name, 4, self.line, 4, margin=MARGIN)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.setFixedHeight(theme.ROW + 4)
        self.line.editingFinished.connect(self._typed)
        self.show_value(p.default)

    def _typed(self) -> None:
        if self.line.isModified():
            self.line.setModified(False)
            self.take(self.line.text())

    def show_value(self, value: Any) -> None:
        super().show_value(value)
        if not self.line.isModified():
            self.line.setText(str(value))


KINDS: dict[str, type[Control]] = {
    "number": NumberRow,
    "switch": SwitchRow,
    "choice": ChoiceRow,
    "curve": CurveRow,
    "colour": ColourRow,
    "file": FileRow,
    "text": TextRow,
}


def control_for(p: ParamInfo) -> Control | None:
    """The row of a parameter; None for kinds that are set on the picture by a tool of their own, or not yet at all.

    A rectangle that a stage measures (`inference`) is picked; other rectangles, points and masks have no row.
    """
    if p.kind == "rect" and p.inference:
        return PickRow(p)
    kind = KINDS.get(p.kind)
    return kind(p) if kind is not None else None


def _wrapped(words: str, width: int = 60) -> list[str]:
    import textwrap

    return [line for part in words.split("\n") for line in (textwrap.wrap(part, width) or [""])]


def spacer() -> QWidget:
    """Four pixels of air at the end of a panel's rows."""
    return Drawing(lambda p, w, h: None, 4)
