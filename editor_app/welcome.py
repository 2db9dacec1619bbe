"""What a newcomer sees: one sentence, two buttons, samples where there are any, folders of late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from editor_app import paint, recent, theme
from editor_app.layout import Words, button, column, row
from editor_app.words import tr
from modisp.resources import path

MOST = 3


class Welcome(QWidget):
    """The empty state, in the viewer's place."""

    def __init__(
        self, files: Callable[[], None], folder: Callable[[], None], paths: Callable[[Sequence[Path]], None]
    ) -> None:
        super().__init__()
        first, second = button(tr("Open files…"), "primary"), button(tr("Open folder…"))
        first.clicked.connect(files)
        second.clicked.connect(folder)
        self.problem = Words("", "bad", 12, align=paint.CENTRE)
        head = Words(tr("Open photographs"), "text", 22, 600, paint.CENTRE)
        head.setFixedHeight(34)
        words = tr("Drop RAW files or a folder here. The originals are never written to.")
        parts = column(None, head, 4, Words(words, "soft", 13, align=paint.CENTRE), 20)
        parts.addLayout(row(None, first, second, None, gap=8))
        parts.addSpacing(12)
        parts.addWidget(self.problem)
        samples = sorted(path("samples").glob("*.dng"))[:MOST] if path("samples").is_dir() else []
        if samples:
            parts.addSpacing(20)
            parts.addWidget(Words(tr("Or try a sample"), "faint", align=paint.CENTRE))
            parts.addSpacing(8)
            parts.addLayout(
                row(
                    None,
                    *[self._link(s.stem.replace("_", " ").capitalize(), [s], paths) for s in samples],
                    None,
                    gap=16,
                )
            )
        folders = recent.folders()[:MOST]
        if folders:
            parts.addSpacing(20)
            links = [self._link(p.name, [p], paths) for p in folders]
            parts.addLayout(row(None, Words(tr("Recent:"), "faint"), *links, None, gap=8))
        parts.addStretch(1)
        self.setLayout(parts)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(560, 320)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()

    def _link(self, words: str, target: Sequence[Path], paths: Callable[[Sequence[Path]], None]) -> QWidget:
        b = button(words, "link")
        b.setToolTip(str(target[0]))
        b.clicked.connect(partial(paths, target))
        return b

    def say(self, words: str) -> None:
        """Why something could not be opened."""
        self.problem.say(words)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), QColor(theme.now().surround))
