"""What a newcomer sees: one sentence, two buttons, samples where there are any, folders of late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from editor_app import paint, recent, theme
from editor_app.images import Previews, key_of
from editor_app.layout import Words, button, column, row
from editor_app.words import tr
from modisp.resources import path

MOST = 3
CARD = (148, 92, 24)
"""Width and height of a sample's picture, and the height of the words under it."""


class Sample(QAbstractButton):
    """A sample as a picture with its name; a click opens it."""

    def __init__(self, file: Path, previews: Previews) -> None:
        super().__init__()
        self.file, self.previews = file, previews
        self.setText(file.stem.replace("_", " ").capitalize())
        self.setToolTip(str(file))
        self.setAccessibleName(tr("Open the sample {0}").format(self.text()))
        self.setFixedSize(CARD[0], CARD[1] + CARD[2])
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        previews.ready.connect(self._ready)

    def _ready(self, key: str, kind: str, image: object) -> None:
        if key == key_of(self.file):
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p, t = paint.painter(self), theme.now()
        hot = self.underMouse() or self.isDown()
        r = QRectF(2, 2, CARD[0] - 4, CARD[1] - 4)
        image = self.previews.thumb(self.file)
        ring = t.accent if self.hasFocus() else t.fill if hot else ""
        if image is not None:
            paint.picture(p, r, image, 3, ring)
        else:
            paint.rounded(p, r, t.field, 3, ring)
        words = QRectF(2, CARD[1], CARD[0] - 4, CARD[2])
        paint.text(p, words, self.text(), t.text if hot else t.soft)


class Welcome(QWidget):
    """The empty state, in the viewer's place."""

    def __init__(
        self,
        files: Callable[[], None],
        folder: Callable[[], None],
        paths: Callable[[Sequence[Path]], None],
        previews: Previews,
    ) -> None:
        super().__init__()
        first, second = button(tr("Open files…"), "primary"), button(tr("Open folder…"))
        self.first = first
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
            cards = [Sample(s, previews) for s in samples]
            for card in cards:
                card.clicked.connect(partial(paths, [card.file]))
            parts.addLayout(row(None, *cards, None, gap=12))
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

    def _link(self, words: str, target: Sequence[Path], paths: Callable[[Sequence[Path]], None]) -> QWidget:
        b = button(words, "place")
        b.setToolTip(str(target[0]))
        b.clicked.connect(partial(paths, target))
        return b

    def say(self, words: str) -> None:
        """Why something could not be opened."""
        self.problem.say(words)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), QColor(theme.now().surround))
