"""A list of lines for docks: name left, value right; hover and click are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QImage, QKeyEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme

LINE, PICTURED = 28, 34


VALUE = 120  # pixels for a value; names give way


@dataclass(frozen=True)
class Line:
    """One line."""

    name: str
    value: str = ""
    token: str = "soft"
    image: QImage | None = None


class Listing(QWidget):
    """Lines of 28 px; the current one lies on `hover`."""

    clicked = Signal(int)
    hovered = Signal(int)  # −1 when the pointer leaves
    menu = Signal(int, QPoint)

    def __init__(self, name: str, pictures: bool = False) -> None:
        super().__init__()
        self.pictures, self.tall = pictures, PICTURED if pictures else LINE
        self.lines: list[Line] = []
        self.current = self.hot = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(name)

    def show_lines(self, lines: Sequence[Line], current: int = -1) -> None:
        """Show other lines."""
        self.lines, self.current = list(lines), current
        self.setFixedHeight(max(1, len(self.lines)) * self.tall)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p, t = paint.painter(self), theme.now()
        for i, line in enumerate(self.lines):
            y = i * self.tall
            if not event.rect().intersects(QRectF(0, y, self.width(), self.tall).toRect()):
                continue
            if i in (self.current, self.hot):
                ground = t.hover if i == self.current else t.field
                paint.rounded(p, QRectF(8, y, self.width() - 16, self.tall), ground)
            colour = t.text if i == self.current else getattr(t, line.token)
            width = paint.text(p, QRectF(0, 0, VALUE, 0), line.value, colour) if line.value else 0
            left = 16
            if self.pictures:
                place, left = QRectF(16, y + 3, 44, 28), 70
                if line.image is not None:
                    paint.picture(p, place, line.image, 3)
                else:
                    paint.rounded(p, place, t.field, 3)
            paint.text(p, QRectF(left, y, self.width() - 24 - left - width, self.tall), line.name, colour)
            paint.text(p, QRectF(self.width() - 16 - VALUE, y, VALUE, self.tall), line.value, colour, align=paint.RIGHT)
        if self.hasFocus() and self.lines:
            y = max(0, self.current) * self.tall
            paint.rounded(p, QRectF(8, y, self.width() - 16, self.tall), "", 4, t.accent)

    def _at(self, y: float) -> int:
        i = int(y // self.tall)
        return i if 0 <= i < len(self.lines) else -1

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        hot = self._at(e.position().y())
        if hot != self.hot:
            self.hot = hot
            self.hovered.emit(hot)
            self.update()

    def leaveEvent(self, e: QEvent) -> None:
        if self.hot >= 0:
            self.hot = -1
            self.hovered.emit(-1)
            self.update()

    def mousePressEvent(self, e: QMouseEvent) -> None:
        i = self._at(e.position().y())
        if i >= 0 and e.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(i)

    def keyPressEvent(self, e: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(e.key()))
        if step is None:
            super().keyPressEvent(e)
        elif 0 <= self.current + step < len(self.lines):
            self.clicked.emit(self.current + step)

    def contextMenuEvent(self, e: QContextMenuEvent) -> None:
        i = self._at(e.pos().y())
        if i >= 0:
            self.menu.emit(i, e.globalPos())
