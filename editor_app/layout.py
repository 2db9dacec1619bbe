"""Layout and the plainest widgets: rows and columns, areas of one colour, drawings, words, buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QLayout, QPushButton, QVBoxLayout, QWidget

from editor_app import paint, theme

Item = QWidget | QLayout | int | None
Margins = tuple[int, int, int, int]


def _fill(layout: QBoxLayout, items: Sequence[Item], margin: Margins, gap: int) -> QBoxLayout:
    layout.setContentsMargins(*margin)
    layout.setSpacing(gap)
    for i in items:
        if i is None:
            layout.addStretch(1)
        elif isinstance(i, int):
            layout.addSpacing(i)
        elif isinstance(i, QWidget):
            layout.addWidget(i)
        else:
            layout.addLayout(i)
    return layout


def row(*items: Item, margin: Margins = (0, 0, 0, 0), gap: int = 0) -> QBoxLayout:
    """Widgets, layouts, numbers (space) and None (stretch) from left to right."""
    return _fill(QHBoxLayout(), items, margin, gap)


def column(*items: Item, margin: Margins = (0, 0, 0, 0), gap: int = 0) -> QBoxLayout:
    """The same from top to bottom."""
    return _fill(QVBoxLayout(), items, margin, gap)


class Plane(QWidget):
    """An area of one token's colour, with a layout."""

    def __init__(self, layout: QLayout, token: str = "", width: int = 0, height: int = 0, radius: int = 0) -> None:
        super().__init__()
        self.token, self.radius = token, radius
        self.setLayout(layout)
        if width:
            self.setFixedWidth(width)
        if height:
            self.setFixedHeight(height)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.token:
            p = paint.painter(self)
            p.setOpacity(1)
            paint.rounded(p, QRectF(self.rect()), getattr(theme.now(), self.token), self.radius)


class Drawing(QWidget):
    """A widget that is one drawing: draw(painter, width, height)."""

    def __init__(self, draw: Callable[[QPainter, int, int], Any], height: int = 0, width: int = 0) -> None:
        super().__init__()
        self.draw = draw
        if width:
            self.setFixedWidth(width)
        if height:
            self.setFixedHeight(height)

    def paintEvent(self, event: QPaintEvent) -> None:
        self.draw(paint.painter(self), self.width(), self.height())


class Words(QWidget):
    """One line of text in a token's colour, elided where it does not fit; the whole of it is the tool tip."""

    def __init__(
        self,
        words: str = "",
        token: str = "text",
        px: int = 12,
        weight: int = 400,
        align: Qt.AlignmentFlag = paint.LEFT,
        width: int = 0,
        capitals: bool = False,
        middle: bool = False,
    ) -> None:
        super().__init__()
        self.middle = middle  # what does not fit is left out in the middle, as file names want it
        self.words, self.token, self.px, self.weight, self.align, self.capitals = (
            words,
            token,
            px,
            weight,
            align,
            capitals,
        )
        self.setFixedHeight(px + 8)
        if width:
            self.setFixedWidth(width)
        self.setAccessibleName(words)

    def say(self, words: str, token: str = "") -> None:
        """Show other words, perhaps in another colour."""
        if (words, token or self.token) != (self.words, self.token):
            self.words, self.token = words, token or self.token
            self.setAccessibleName(words)
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        p = QFontMetrics(theme.font(self.px, self.weight, self.capitals))
        return QSize(p.horizontalAdvance(self.words) + 2, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(min(24, self.sizeHint().width()), self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        colour = getattr(theme.now(), self.token)
        p = paint.painter(self)
        words = self.words
        if self.middle:
            metrics = QFontMetrics(theme.font(self.px, self.weight, self.capitals))
            words = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, self.width() - 1)
        paint.text(p, QRectF(self.rect()), words, colour, self.px, self.weight, self.align, self.capitals)


def paragraph(words: str, px: int = 12, token: str = "text") -> QLabel:
    """Words of several lines, in a token's colour: text, soft or faint."""
    out = QLabel(words)
    out.setProperty("token", token)
    out.setFont(theme.font(px))
    out.setWordWrap(True)
    return out


def hairline(left: int = 16, right: int = 16) -> QWidget:
    """One pixel of `line`, between groups."""
    return Drawing(lambda p, w, h: p.fillRect(QRectF(left, 0, w - left - right, 1), QColor(theme.now().line)), 1)


def button(words: str, kind: str = "") -> QPushButton:
    """A push button; the one primary button of a sheet wears the accent."""
    b = QPushButton(words)
    b.setProperty("kind", kind)
    b.setFont(theme.font(12, 500 if kind == "primary" else 400))
    return b
