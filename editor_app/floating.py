"""A bar that floats over the photograph: parts side by side, in as many rows as its room asks for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme

SIDE, EDGE, GAP, LINE = 12, 8, 14, 6
"""Margins left and right, above and below; between parts, and between rows."""


class FloatingBar(QWidget):
    """Lays its parts out by itself; hidden parts take no room."""

    def __init__(self, parts: Sequence[QWidget]) -> None:
        super().__init__()
        self.parts = list(parts)
        self.room = 10_000
        for w in self.parts:
            w.setParent(self)

    @staticmethod
    def _size(w: QWidget) -> QSize:
        return w.sizeHint().expandedTo(w.minimumSize())

    def rows(self) -> list[list[QWidget]]:
        """The parts, row by row."""
        out: list[list[QWidget]] = [[]]
        x = 0
        for w in self.parts:
            if w.isHidden():
                continue
            width = self._size(w).width()
            alone = bool(w.property("alone"))
            if out[-1] and (alone or out[-1][-1].property("alone") or x + GAP + width > self.room - 2 * SIDE):
                out.append([])
                x = 0
            x += (GAP if out[-1] else 0) + width
            out[-1].append(w)
        return [r for r in out if r]

    def fit(self, room: int) -> None:
        """Lay out for a room of this width."""
        self.room = room
        y = EDGE
        size = self.sizeHint()
        for line in self.rows():
            hints = [self._size(w) for w in line]
            width = sum(h.width() for h in hints) + GAP * (len(line) - 1)
            high = max(h.height() for h in hints)
            x = SIDE + (size.width() - 2 * SIDE - width) // 2
            for w, h in zip(line, hints, strict=True):
                w.setGeometry(x, y + (high - h.height()) // 2, h.width(), h.height())
                x += h.width() + GAP
            y += high + LINE

    def sizeHint(self) -> QSize:
        lines = [[self._size(w) for w in line] for line in self.rows()]
        width = max((sum(h.width() for h in line) + GAP * (len(line) - 1) for line in lines), default=0)
        high = sum(max(h.height() for h in line) for line in lines) + LINE * max(0, len(lines) - 1)
        return QSize(width + 2 * SIDE, high + 2 * EDGE)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = paint.painter(self)
        paint.rounded(p, QRectF(self.rect()), theme.now().raised, 8, theme.now().edge)
