"""The curve field: points on a square of encoded brightness, joined as the stages join them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme
from editor_app.widgets import ARROWS, keeps

Point = tuple[float, float]
_NEAR = 12.0  # pixels within which a point is caught
_APART = 0.01  # least distance of two points in x


def monotone(points: Sequence[Point], xs: Sequence[float]) -> list[float]:
    """A smooth curve through points with rising x, level beyond its ends, without overshoot.

    Source: Fritsch & Carlson 1980, SIAM J. Numer. Anal. 17(2).
    """
    d = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points)]
    m = [d[0], *((a + b) / 2 if a * b > 0 else 0.0 for a, b in pairwise(d)), d[-1]]
    for k, dk in enumerate(d):
        length = (m[k] ** 2 + m[k + 1] ** 2) ** 0.5
        if length > 3 * abs(dk):
            m[k], m[k + 1] = m[k] * 3 * abs(dk) / length, m[k + 1] * 3 * abs(dk) / length
    out, i = [], 0
    for x in xs:
        x = min(max(x, points[0][0]), points[-1][0])
        i = max(i for i, p in enumerate(points[:-1]) if p[0] <= x)
        (x0, y0), (x1, y1) = points[i], points[i + 1]
        h = x1 - x0
        t = (x - x0) / h
        s = 1 - t
        out.append(s * s * ((1 + 2 * t) * y0 + t * h * m[i]) + t * t * ((3 - 2 * t) * y1 - s * h * m[i + 1]))
    return out


class CurveField(QWidget):
    """150 high; click adds a point, drag moves it, double-click (or Delete) removes it, arrows nudge it."""

    changed = Signal(object)
    done = Signal()

    def __init__(self, default: Sequence[Sequence[float]]) -> None:
        super().__init__()
        self.default = [tuple(p) for p in default]
        self.points: list[Point] = [(float(x), float(y)) for x, y in default]
        self.held = -1
        self.chosen = -1
        self.setFixedHeight(150)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)

    def show_value(self, value: Sequence[Sequence[float]]) -> None:
        """Show a curve without telling anybody."""
        if self.held < 0:
            self.points = [(float(x), float(y)) for x, y in value]
            self.chosen = min(self.chosen, len(self.points) - 1)
            self.update()

    def _area(self) -> QRectF:
        return QRectF(5, 5, self.width() - 10, self.height() - 10)

    def _to(self, p: Point) -> QPointF:
        r = self._area()
        return QPointF(r.x() + p[0] * r.width(), r.bottom() - p[1] * r.height())

    def _from(self, at: QPointF) -> Point:
        r = self._area()
        x, y = (at.x() - r.x()) / r.width(), (r.bottom() - at.y()) / r.height()
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p, r = theme.now(), paint.painter(self), self._area()
        paint.rounded(p, QRectF(self.rect()), t.field, 4, t.accent if self.hasFocus() else "")
        p.setPen(QPen(QColor(t.track), 1))
        for k in (0.25, 0.5, 0.75):
            p.drawLine(QPointF(r.x() + k * r.width(), r.y()), QPointF(r.x() + k * r.width(), r.bottom()))
            p.drawLine(QPointF(r.x(), r.y() + k * r.height()), QPointF(r.right(), r.y() + k * r.height()))
        p.drawLine(r.bottomLeft(), r.topRight())
        xs = [i / 128 for i in range(129)]
        path = QPainterPath()
        for i, (x, y) in enumerate(zip(xs, monotone(self.points, xs), strict=True)):
            at = self._to((x, min(max(y, 0.0), 1.0)))
            path.lineTo(at) if i else path.moveTo(at)
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(QColor(t.text), 1.5))
        p.drawPath(path)
        for i, point in enumerate(self.points):
            at = self._to(point)
            paint.disc(p, at.x(), at.y(), 4.5, t.knob, t.accent if i == self.chosen and self.hasFocus() else t.field)

    def _near(self, at: QPointF) -> int:
        rows = [((self._to(p) - at).manhattanLength(), i) for i, p in enumerate(self.points)]
        distance, i = min(rows)
        return i if distance <= _NEAR else -1

    def _emit(self) -> None:
        self.update()
        self.changed.emit([list(p) for p in self.points])

    def _place(self, i: int, p: Point) -> None:
        low = self.points[i - 1][0] + _APART if i else 0.0
        high = self.points[i + 1][0] - _APART if i + 1 < len(self.points) else 1.0
        self.points[i] = (min(max(p[0], low), high), p[1])

    def mousePressEvent(self, e: QMouseEvent) -> None:
        if e.button() != Qt.MouseButton.LeftButton:
            return
        i = self._near(e.position())
        if i < 0:
            new = self._from(e.position())
            if any(abs(new[0] - p[0]) < _APART for p in self.points):
                return
            self.points = sorted([*self.points, new])
            i = self.points.index(new)
            self._emit()
        self.held = self.chosen = i
        self.update()

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        if self.held >= 0:
            self._place(self.held, self._from(e.position()))
            self._emit()

    def mouseReleaseEvent(self, e: QMouseEvent) -> None:
        if self.held >= 0:
            self.held = -1
            self.done.emit()

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        self.held = -1
        self._remove(self._near(e.position()))

    def event(self, e: QEvent) -> bool:
        return (self.chosen >= 0 and keeps(e, ARROWS)) or super().event(e)

    def keyPressEvent(self, e: QKeyEvent) -> None:
        move: dict[Any, Point] = {
            Qt.Key.Key_Left: (-0.01, 0),
            Qt.Key.Key_Right: (0.01, 0),
            Qt.Key.Key_Up: (0, 0.01),
            Qt.Key.Key_Down: (0, -0.01),
        }
        step = move.get(Qt.Key(e.key()))
        if step and self.chosen >= 0:
            x, y = self.points[self.chosen]
            self._place(self.chosen, (min(max(x + step[0], 0.0), 1.0), min(max(y + step[1], 0.0), 1.0)))
            self._emit()
            self.done.emit()
        elif e.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._remove(self.chosen)
        else:
            super().keyPressEvent(e)

    def _remove(self, i: int) -> None:
        """Points between the ends go; the ends go back to where they were."""
        if i < 0:
            return
        if 0 < i < len(self.points) - 1:
            del self.points[i]
        else:
            x, y = self.default[0 if i == 0 else -1]
            self.points[i] = (float(x), float(y))
        self.chosen = -1
        self._emit()
        self.done.emit()
