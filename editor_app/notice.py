"""A notice across the top of the photograph: what happened, what was kept, one thing to do; it stays until it is closed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme
from editor_app.layout import button, paragraph, row
from editor_app.widgets import Tool
from editor_app.words import tr


class Notice(QWidget):
    """Lies over its parent; hidden where there is nothing to say."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.words = paragraph("")
        self.action = button("", "link")
        self.close_tool = Tool("close", tr("Close this notice"), size=22)
        self._do: Callable[[], object] = lambda: None
        layout = row(self.words, 8, self.action, 4, self.close_tool, margin=(12, 3, 4, 3))
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self.over = parent
        self.action.clicked.connect(self._act)
        self.close_tool.clicked.connect(self.hide)
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        self.hide()
        parent.installEventFilter(self)

    def say(self, words: str, action: str = "", do: Callable[[], object] | None = None) -> None:
        """Say something; "" takes the notice away."""
        self.words.setText(words)
        self.setAccessibleName(words)
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self._do = do or (lambda: None)
        self.setVisible(bool(words))
        self._place()
        self.raise_()

    def _act(self) -> None:
        self.hide()
        self._do()

    def _place(self) -> None:
        parent = self.over
        text = self.words.text()
        others = 24 + 34 + (self.action.sizeHint().width() + 12 if self.action.text() else 0)
        metrics = QFontMetrics(theme.font(12))
        width = min(metrics.horizontalAdvance(text) + 8 + others, parent.width() - 24, 760)
        room = metrics.boundingRect(0, 0, width - others, 400, int(Qt.TextFlag.TextWordWrap), text).height()
        height = max(34, room + 16)
        self.setGeometry((parent.width() - width) // 2, 12, width, height)

    def eventFilter(self, watched: QObject, e: QEvent) -> bool:
        if e.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def sizeHint(self) -> QSize:
        return QSize(320, 34)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint.rounded(paint.painter(self), QRectF(self.rect()), theme.now().raised, 6, theme.now().warn)
