"""The histogram of the boundary that is viewed, with marks in its corners that light when something clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme
from editor_app.layout import Drawing, Words, column, row
from editor_app.words import aperture, shutter, tr

SHOWN = 0.0005  # share of pixels from which clipping is worth a mark


class Plot(QWidget):
    """Three filled curves that make grey where they overlap."""

    marks = Signal(bool)  # hover over a corner: show the overlay
    kept = Signal()  # click on a corner: keep it

    def __init__(self) -> None:
        super().__init__()
        self.curves: list[list[float]] = []
        self.clipped = (0.0, 0.0)
        self._over = False
        self.setFixedHeight(88)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Histogram"))

    def show_counts(self, counts: Sequence[Sequence[int]], clipped: Sequence[float]) -> None:
        """Show counts per bin of red, green and blue, and the shares clipped white and black."""
        rows = np.array(counts, float)
        if rows.size:
            padded = np.pad(rows, ((0, 0), (1, 1)), mode="edge")
            smooth = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3
            smooth[:, 0], smooth[:, -1] = rows[:, 0], rows[:, -1]
            peak = max(1.0, float(np.percentile(smooth[:, 1:-1], 98.5)))
            rows = np.minimum(smooth / peak, 1.12)
        self.curves, self.clipped = rows.tolist(), (clipped[0], clipped[1])
        white, black = (f"{c:.1%}".replace("%", " %") for c in self.clipped)
        self.setToolTip(tr("Clipped: {0} white, {1} black").format(white, black))
        self.update()

    def _corners(self) -> list[QRectF]:
        return [QRectF(12, 0, 18, 16), QRectF(self.width() - 30, 0, 18, 16)]

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p, w, h = theme.now(), paint.painter(self), self.width(), self.height()
        modes = QPainter.CompositionMode
        p.setCompositionMode(modes.CompositionMode_Plus if theme.is_dark() else modes.CompositionMode_Multiply)
        for row_, colour in zip(self.curves, (t.red, t.green, t.blue), strict=False):
            path = QPainterPath(QPointF(16, h))
            for i, y in enumerate(row_):
                path.lineTo(16 + i * (w - 32) / (len(row_) - 1), h - y * (h - 8) / 1.12)
            path.lineTo(w - 16, h)
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(QColor(colour))
            p.drawPath(path)
        p.setCompositionMode(modes.CompositionMode_SourceOver)
        paint.rounded(p, QRectF(16, h - 1, w - 32, 1), t.edge, 0)
        for x, share in ((16, self.clipped[1]), (w - 24, self.clipped[0])):
            points = [QPointF(x, 9), QPointF(x + 8, 9), QPointF(x + 4, 2)]
            paint.polygon(p, points, t.warn if share > SHOWN else t.track)

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        over = any(r.contains(e.position()) for r in self._corners())
        if over != self._over:
            self._over = over
            self.marks.emit(over)

    def leaveEvent(self, e: QEvent) -> None:
        if self._over:
            self._over = False
            self.marks.emit(False)

    def mousePressEvent(self, e: QMouseEvent) -> None:
        if any(r.contains(e.position()) for r in self._corners()):
            self.kept.emit()


class Histogram(QWidget):
    """Heading, plot, and four facts of the exposure."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Words("", "faint", 10)
        self.plot = Plot()
        self.facts: list[str] = []
        exif = Drawing(self._facts, 28)
        self.exif = exif
        head = row(Words(tr("Histogram"), weight=600), 8, self.state, None, margin=(16, 10, 16, 6))
        self.setLayout(column(head, self.plot, exif))

    def show_facts(self, facts: Mapping[str, Any] | None) -> None:
        """Focal length, aperture, time, ISO; places stay where a file says nothing."""
        f = facts or {}
        self.facts = [
            f"{f['focal_length']:.0f} mm" if f.get("focal_length") else "",
            aperture(f.get("aperture") or 0.0),
            shutter(f.get("shutter") or 0.0),
            f"ISO {f['iso']:g}" if f.get("iso") else "",
        ]
        self.exif.update()

    def show_told(self, told: Mapping[str, Any] | None) -> None:
        """Show what was told about a rendering."""
        self.state.say(str(told["state"]) if told else "")
        self.plot.show_counts(told["histogram"] if told else [], told["clipped"] if told else (0.0, 0.0))

    def _facts(self, p: QPainter, w: int, h: int) -> None:
        for i, words in enumerate(self.facts):
            align = (paint.LEFT, paint.CENTRE, paint.CENTRE, paint.RIGHT)[i]
            paint.text(p, QRectF(16 + (w - 104) * i / 3, 0, 72, h), words, theme.now().soft, 11, align=align)
