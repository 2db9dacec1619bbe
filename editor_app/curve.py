"""The curve field: points on a square of encoded brightness, joined as the stages join them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme
from editor_app.slider import REST
from editor_app.widgets import ARROWS, keeps
from modisp.operators.curves import monotone_cubic

Point = tuple[float, float]
_NEAR = 12.0  # pixels within which a point is caught
_APART = 0.01  # least distance of two points in x
_XS = np.linspace(0.0, 1.0, 129)


class CurveField(QWidget):
    """150 high; click adds a point, drag moves it, double-click (or Delete) removes it, arrows nudge it.

    Behind the curve lies a histogram, where one is known; `bend`, where there is more to it than the points, says what comes
    out in the end, and the points' own curve is drawn thin then.
    """

    changed = Signal(object)
    done = Signal()
    pointed = Signal(object)  # the point in hand or under the pointer, or None

    def __init__(self, default: Sequence[Sequence[float]]) -> None:
        super().__init__()
        self.default = [tuple(p) for p in default]
        self.points: list[Point] = [(float(x), float(y)) for x, y in default]
        self.held = -1
        self.chosen = -1
        self.colour = ""
        self.bend: Callable[[Any], Any] | None = None
        self.counts: list[float] = []
        self.tone: tuple[float, float] | None = None  # what lies under the pointer on the picture, before and after
        self._fine: tuple[QPointF, Point] | None = None
        self._before: list[Point] = []
        self._rest = QTimer(self, singleShot=True, interval=REST)  # a burst of keys is one gesture
        self._rest.timeout.connect(self.done)
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

    def show_counts(self, counts: Sequence[float]) -> None:
        """Show how many pixels there are of each brightness, 0…1 each."""
        self.counts = list(counts)
        self.update()

    def show_tone(self, tone: tuple[float, float] | None) -> None:
        """Mark the tone that lies under the pointer on the picture, and what the curve makes of it."""
        if tone != self.tone:
            self.tone = tone
            self.update()

    def _path(self, ys: Any) -> QPainterPath:
        path = QPainterPath()
        for i, (x, y) in enumerate(zip(_XS, ys, strict=True)):
            at = self._to((float(x), min(max(float(y), 0.0), 1.0)))
            path.lineTo(at) if i else path.moveTo(at)
        return path

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p, r = theme.now(), paint.painter(self), self._area()
        paint.rounded(p, QRectF(self.rect()), t.field, 4, t.accent if self.hasFocus() else "")
        p.setPen(QPen(QColor(t.track), 1))
        for k in (0.25, 0.5, 0.75):
            p.drawLine(QPointF(r.x() + k * r.width(), r.y()), QPointF(r.x() + k * r.width(), r.bottom()))
            p.drawLine(QPointF(r.x(), r.y() + k * r.height()), QPointF(r.right(), r.y() + k * r.height()))
        p.drawLine(r.bottomLeft(), r.topRight())
        if self.counts:
            path = QPainterPath(r.bottomLeft())
            for i, y in enumerate(self.counts):
                path.lineTo(self._to((i / (len(self.counts) - 1), min(y, 1.0) * 0.92)))
            path.lineTo(r.bottomRight())
            ground = QColor(self.colour or t.fill)
            ground.setAlphaF(0.22)
            p.fillPath(path, ground)
        own = monotone_cubic(self.points, _XS)
        p.setBrush(Qt.BrushStyle.NoBrush)
        if self.bend is not None:
            p.setPen(QPen(QColor(t.edge), 1))
            p.drawPath(self._path(own))
            own = self.bend(_XS)
        p.setPen(QPen(QColor(self.colour or t.text), 1.5))
        p.drawPath(self._path(own))
        if self.tone is not None:
            at = self._to((self.tone[0], min(max(self.tone[1], 0.0), 1.0)))
            p.setPen(QPen(QColor(t.faint), 1, Qt.PenStyle.DashLine))
            p.drawLine(QPointF(at.x(), r.bottom()), at)
            p.drawLine(QPointF(r.x(), at.y()), at)
            paint.disc(p, at.x(), at.y(), 4, "", t.accent, 1.5)
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
        i, before = self._near(e.position()), list(self.points)
        if i < 0:
            new = self._from(e.position())
            if any(abs(new[0] - p[0]) < _APART for p in self.points):
                return
            self.points = sorted([*self.points, new])
            i = self.points.index(new)
            self._emit()
        self.held = self.chosen = i
        self._fine, self._before = None, before
        self.pointed.emit(self.points[i])
        self.update()

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        if self.held < 0:
            i = self._near(e.position())
            self.pointed.emit(self.points[i] if i >= 0 else self.points[self.chosen] if self.chosen >= 0 else None)
            return
        new = self._from(e.position())
        if e.modifiers() & Qt.KeyboardModifier.ShiftModifier:  # ten times finer, from where Shift was pressed
            if self._fine is None:
                self._fine = (e.position(), self.points[self.held])
            at, (x, y) = self._fine
            far = e.position() - at
            new = (x + far.x() / self._area().width() / 10, y - far.y() / self._area().height() / 10)
            new = (min(max(new[0], 0.0), 1.0), min(max(new[1], 0.0), 1.0))
        else:
            self._fine = None
        self._place(self.held, new)
        self.pointed.emit(self.points[self.held])
        self._emit()

    def leaveEvent(self, e: QEvent) -> None:
        self.pointed.emit(self.points[self.chosen] if 0 <= self.chosen < len(self.points) else None)

    def mouseReleaseEvent(self, e: QMouseEvent) -> None:
        if self.held >= 0:
            self.held = -1
            self.done.emit()

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        self.held = -1
        self._remove(self._near(e.position()))

    def event(self, e: QEvent) -> bool:
        own = ARROWS if self.chosen >= 0 else frozenset()
        escape = frozenset({Qt.Key.Key_Escape}) if self.held >= 0 else frozenset()
        return keeps(e, own | escape) or super().event(e)

    def keyPressEvent(self, e: QKeyEvent) -> None:
        move: dict[Any, Point] = {
            Qt.Key.Key_Left: (-0.01, 0),
            Qt.Key.Key_Right: (0.01, 0),
            Qt.Key.Key_Up: (0, 0.01),
            Qt.Key.Key_Down: (0, -0.01),
        }
        step = move.get(Qt.Key(e.key()))
        if e.key() == Qt.Key.Key_Escape and self.held >= 0:  # a drag is taken back
            self.points, self.held, self.chosen = list(self._before), -1, -1
            self._emit()
            self.done.emit()
        elif step and self.chosen >= 0:
            x, y = self.points[self.chosen]
            big = 5 if e.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            new = (x + step[0] * big, y + step[1] * big)
            self._place(self.chosen, (min(max(new[0], 0.0), 1.0), min(max(new[1], 0.0), 1.0)))
            self.pointed.emit(self.points[self.chosen])
            self._emit()
            self._rest.start()
        elif e.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) and self.points:  # from point to point
            by = 1 if e.key() == Qt.Key.Key_PageUp else -1
            self.chosen = (self.chosen + by) % len(self.points)
            self.pointed.emit(self.points[self.chosen])
            self.update()
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
