"""The loupe: what lies under the pointer, enlarged beside it; with a sampled square and a few words for the picker."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPainterPath, QPen

from editor_app import paint, theme
from editor_app.panes import SHARP
from editor_app.viewport import whole

if TYPE_CHECKING:
    from editor_app.sight import Sight
    from editor_app.worker import Picture

HELD, PICKER = 240.0, 96.0
"""Sides in logical pixels: the loupe that is held by a key, and the picker's."""
_LINE = 16.0


class Loupe:
    """Off until shown; `wanted` is what it needs to be sharp."""

    def __init__(self, viewer: Sight) -> None:
        self.viewer = viewer
        self.on = False
        self.side, self.square = HELD, 0  # the sampled square in picture pixels
        self.words: list[tuple[str, bool]] = []  # lines below it, and whether they warn
        self.at: QPointF | None = None
        self.picture: Picture | None = None

    def show(self, on: bool, side: float = HELD, square: int = 0) -> None:
        """Show it, or not."""
        self.on, self.side, self.square = on, side, square
        self.picture, self.words = None, []
        self.viewer.update()

    def move(self, at: QPointF | None) -> None:
        """The pointer is here."""
        self.at = at
        if self.on:
            self.viewer.update()
            self.viewer.moved.emit()

    @property
    def zoom(self) -> float:
        """Device pixels per picture pixel in it: 1:1, twice what is seen if that is more; the square takes a third."""
        ratio, port = self.viewer.port.ratio, self.viewer.port
        if self.square:
            return self.side * ratio / (3.0 * self.square)
        return max(1.0, 2 * port.scale * port.ratio) if port.scale * port.ratio >= 0.999 else 1.0

    def place(self) -> QPointF | None:
        """The picture's pixel under the pointer; None where there is none."""
        v = self.viewer
        if not self.on or self.at is None or self.at.x() < v.half or v.base is None:
            return None
        q = v.port.to_picture(self.at - QPointF(v.half, 0))
        inside = 0 <= q.x() < v.port.full[0] and 0 <= q.y() < v.port.full[1]
        return q if inside else None

    def wanted(self) -> tuple[tuple[float, float, float, float], tuple[int, int]] | None:
        """What to render: a rectangle of the picture, wider than is shown, and its size in device pixels."""
        q = self.place()
        if q is None:
            return None
        n = self.side * self.viewer.port.ratio / self.zoom
        grid = max(8.0, n / 2)
        x, y = math.floor((q.x() - n) / grid) * grid, math.floor((q.y() - n) / grid) * grid
        r = whole(QRectF(x, y, 2 * n + grid, 2 * n + grid), self.viewer.port.full)
        return (r.x(), r.y(), r.width(), r.height()), (round(r.width()), round(r.height()))

    def rect(self) -> QRectF:
        """Where it is drawn: beside the pointer for the picker, round it for the eye; always inside the viewer."""
        v, at = self.viewer, self.at or QPointF()
        if not self.square:
            return QRectF(at.x() - self.side / 2, at.y() - self.side / 2, self.side, self.side)
        high = self.side + _LINE * max(2, len(self.words)) + 8
        wide = self._spread()
        x = at.x() + 20 + wide
        x = x if x + self.side + wide + 4 < v.width() else at.x() - 20 - wide - self.side
        y = at.y() + 20 if at.y() + 24 + high < v.floor else at.y() - 20 - high
        return QRectF(max(4.0, x), max(4.0, y), self.side, self.side)

    def _spread(self) -> float:
        """How much wider than the picture in it the card is on either side, for the sake of the words."""
        metrics = QFontMetrics(theme.font(11))
        return max(0.0, max((metrics.horizontalAdvance(w) for w, _ in self.words), default=0) + 8 - self.side) / 2

    def paint(self, p: QPainter) -> None:
        """Draw it."""
        q = self.place()
        if q is None:
            return
        v, t, r = self.viewer, theme.now(), self.rect()
        p.save()
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.square:
            high = self.side + _LINE * max(2, len(self.words)) + 6
            wide = self._spread()
            paint.rounded(p, r.adjusted(-4 - wide, -4, 4 + wide, 2 + high - r.height()), t.raised, 6, t.edge)
        path = QPainterPath()
        if self.square:
            path.addRoundedRect(r, 4, 4)
        else:
            path.addEllipse(r)
        p.setClipPath(path)
        p.fillRect(r, QColor(v.surround or t.surround))
        s = self.zoom / v.port.ratio
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.zoom <= SHARP)
        p.translate(r.center())
        p.scale(s, s)
        p.translate(-q.x(), -q.y())
        for layer in (*v.now.layers(True), *([self.picture] if self.picture is not None else [])):
            p.drawImage(QRectF(*layer.rect), v.to_screen(layer), QRectF(layer.image.rect()))
        p.restore()
        p.save()
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(QColor(t.edge), 1.5))
        if self.square:
            p.drawRoundedRect(r, 4, 4)
            n = self.side / 3
            box = QRectF(r.center().x() - n / 2, r.center().y() - n / 2, n, n)
            for colour, width in ((QColor(0, 0, 0, 160), 3.0), (QColor("#ffffff"), 1.0)):
                p.setPen(QPen(colour, width))
                p.drawRect(box)
            for i, (words, warns) in enumerate(self.words):
                line = QRectF(r.x() - wide, r.bottom() + 4 + i * _LINE, r.width() + 2 * wide, _LINE)
                paint.text(p, line, words, t.warn if warns else t.text, 11, align=paint.CENTRE)
        else:
            for colour, width in ((QColor(0, 0, 0, 160), 3.5), (QColor(255, 255, 255, 210), 1.5)):
                p.setPen(QPen(colour, width))
                p.drawEllipse(r)
        p.restore()
