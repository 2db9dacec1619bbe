"""One style of the mix in the styles dock: cover, name, strength, and the strength of each of its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme
from editor_app.controls import NumberRow
from editor_app.declared import ParamInfo
from editor_app.layout import Drawing, Plane, Words, column, row
from editor_app.widgets import Tool
from editor_app.words import tr


class MixRow(QWidget):
    """One style of the mix: cover, name, strength; unfolded, the strength of each of its parts."""

    strength = Signal(str, float, str)  # style, strength, slot or ""
    removed = Signal(str)
    done = Signal()

    def __init__(self, look: Mapping[str, Any], parts: Mapping[str, str], cover: Callable[[], QImage | None]) -> None:
        super().__init__()
        self.name = str(look["name"])
        self.cover = cover
        picture = Drawing(self._cover, 24, 24)
        self.words = Words(self.name, "text", 12, 500)
        self.note = Words("", "faint", 11)
        self.fold = Tool("right", tr("Strength of each part of {0}").format(self.name), size=20)
        off = Tool("close", tr("Take {0} out of the mix").format(self.name), size=20)
        off.clicked.connect(lambda: self.removed.emit(self.name))
        self.whole = self._row(tr("Strength"), "")
        slots = [s for s in look["values"] if look["values"][s]]
        self.slots = tuple(look["values"])
        self.rows = {slot: self._row(parts.get(slot, slot), slot) for slot in slots}
        self.body = Plane(column(*self.rows.values()))
        self.body.hide()
        self.fold.clicked.connect(self._fold)
        head = row(self.fold, 2, picture, 6, self.words, self.note, None, off, margin=(6, 4, 6, 0))
        self.setLayout(column(head, self.whole, self.body))

    def _row(self, words: str, slot: str) -> NumberRow:
        help_ = tr("How much of it is laid over the picture.")
        r = NumberRow(ParamInfo(words, "number", 1.0, 0.0, 1.0, 0.01, "%", label=words, help=help_))
        r.name.setFixedWidth(76 if slot else 60)
        r.changed.connect(lambda v: self.strength.emit(self.name, float(v), slot))
        r.done.connect(self.done)
        return r

    def _cover(self, p: QPainter, w: int, h: int) -> None:
        image = self.cover()
        if image is not None:
            paint.picture(p, QRectF(0, 0, w, h), image, 3)
        else:
            paint.rounded(p, QRectF(0, 0, w, h), theme.now().field, 3)

    def _fold(self) -> None:
        self.set_open(self.body.isHidden())

    def set_open(self, on: bool) -> None:
        """Show the strengths of its parts."""
        self.body.setVisible(on)
        self.fold.set_icon("down" if on else "right")

    def show_look(self, look: Mapping[str, Any]) -> None:
        """Show a look's strengths."""
        own = look.get("parts", {})
        self.whole.show_value(float(look["strength"]))
        for slot, r in self.rows.items():
            r.show_value(float(own.get(slot, look["strength"])))
        self.note.say(tr("by part") if own else "")
