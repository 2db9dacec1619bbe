"""Colour wheels: direction is hue, distance from the middle is strength; rows under them for the one in hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainterPath, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from editor_app import hues, paint, theme
from editor_app.declared import ParamInfo
from editor_app.groups import Group
from editor_app.layout import Words, column, row
from editor_app.slider import REST
from editor_app.widgets import ARROWS, keeps
from editor_app.words import tr

_RIM = 3  # pixels round the disc, for the knob


@lru_cache(maxsize=8)
def _disc(px: int, light: float) -> QImage:
    """A disc of hues, grey in the middle, as Oklab has them: red right, yellow up, blue down."""
    steps = np.array([_rgb(hues.colour(light, 0.11, d)) for d in range(360)], float)
    grey = np.array(_rgb(hues.colour(light, 0.0, 0)), float)
    at = (np.arange(px) + 0.5) / px * 2 - 1
    x, y = at[None], -at[:, None]
    r = np.minimum(np.hypot(x, y), 1.0)[..., None]
    turn = np.degrees(np.arctan2(y, x)) % 360
    rgb = grey * (1 - r) + steps[turn.astype(int) % 360] * r
    data = np.ascontiguousarray(np.concatenate([rgb, np.full((px, px, 1), 255.0)], 2).round().astype(np.uint8))
    return QImage(data.data, px, px, 4 * px, QImage.Format.Format_RGBA8888).copy()


def _rgb(name: str) -> tuple[int, int, int]:
    c = QColor(name)
    return c.red(), c.green(), c.blue()


class Wheel(QWidget):
    """A tint by hand.  Drag (Shift: ten times finer, Ctrl: keeps the hue), arrows, double-click or Backspace for none."""

    moved = Signal(float, float)
    lighter = Signal(float)  # steps of luminance, by the wheel of the mouse
    done = Signal()
    taken = Signal()  # it is the one in hand now

    def __init__(self, p: ParamInfo, size: int) -> None:
        super().__init__()
        self.a = self.b = 0.0
        self.on = self.changed = False
        self._drag: tuple[QPointF, float, float, tuple[float, float]] | None = None
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self.done)
        self.setFixedSize(size, size)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(p.words)
        self.setToolTip(f"{p.words}\n{p.help}\n" + tr("Drag (Shift: finer, Ctrl: strength only) · double-click: none"))

    @property
    def radius(self) -> float:
        """Of the disc, in pixels."""
        return self.width() / 2 - _RIM

    def show_value(self, a: float, b: float) -> None:
        """Stand at a tint without telling anybody."""
        if self._drag is None and (a, b) != (self.a, self.b):
            self.a, self.b = a, b
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p, r = theme.now(), paint.painter(self), self.radius
        middle = QPointF(self.width() / 2, self.height() / 2)
        box = QRectF(middle.x() - r, middle.y() - r, 2 * r, 2 * r)
        path = QPainterPath()
        path.addEllipse(box)
        p.save()
        p.setClipPath(path)
        p.drawImage(box, _disc(160, 0.5 if theme.is_dark() else 0.72))
        p.restore()
        ring = t.accent if self.hasFocus() else t.knob if self.on else t.edge
        p.setPen(QPen(QColor(ring), 1.5 if self.on or self.hasFocus() else 1))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawEllipse(box)
        p.setPen(QPen(QColor(255, 255, 255, 60), 1))
        p.drawLine(QPointF(middle.x() - 3, middle.y()), QPointF(middle.x() + 3, middle.y()))
        p.drawLine(QPointF(middle.x(), middle.y() - 3), QPointF(middle.x(), middle.y() + 3))
        at = QPointF(middle.x() + self.a * r, middle.y() - self.b * r)
        if self.a or self.b:
            p.drawLine(middle, at)
        paint.disc(p, at.x(), at.y(), 5, t.knob, t.panel)

    # --- hand -----------------------------------------------------------------------------------------------------

    def set(self, a: float, b: float) -> None:
        """Go to a tint, kept inside the rim, and tell it."""
        far = max(1.0, math.hypot(a, b))
        a, b = round(a / far, 4), round(b / far, 4)
        if (a, b) != (self.a, self.b):
            self.a, self.b = a, b
            self.update()
            self.taken.emit()
            self.moved.emit(a, b)

    def reset(self) -> None:
        """No tint: one gesture."""
        self._rest.stop()
        self._drag = None
        self.set(0.0, 0.0)
        self.done.emit()

    def mousePressEvent(self, e: QMouseEvent) -> None:
        if e.button() != Qt.MouseButton.LeftButton:
            e.ignore()
            return
        if self._rest.isActive():
            self._rest.stop()
            self.done.emit()
        self.taken.emit()
        before = (self.a, self.b)
        middle, r = QPointF(self.width() / 2, self.height() / 2), self.radius
        at = e.position() - middle
        knob = QPointF(self.a * r, -self.b * r)
        fine = e.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier)
        self._drag = (e.position(), self.a, self.b, before)
        if (at - knob).manhattanLength() > 10 and not fine:  # a press off the knob jumps there and goes on as a drag
            self._drag = (e.position(), at.x() / r, -at.y() / r, before)
            self.set(at.x() / r, -at.y() / r)
        self.update()

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        if self._drag is None:
            return
        last, a, b, before = self._drag
        fine = 0.1 if e.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        far = e.position() - last
        da, db = far.x() / self.radius * fine, -far.y() / self.radius * fine
        now = math.hypot(a, b)
        if e.modifiers() & Qt.KeyboardModifier.ControlModifier and now > 1e-6:
            along = (da * a + db * b) / now
            da, db = a / now * max(along, -now), b / now * max(along, -now)
        a, b = a + da, b + db
        self._drag = (e.position(), a, b, before)
        self.set(a, b)

    def mouseReleaseEvent(self, e: QMouseEvent) -> None:
        if self._drag is not None:
            self._drag = None
            self.update()
            self.done.emit()

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        self.reset()

    def wheelEvent(self, e: QWheelEvent) -> None:
        if self.hasFocus() and e.angleDelta().y():
            self.taken.emit()
            self.lighter.emit(1.0 if e.angleDelta().y() > 0 else -1.0)
            self._rest.start()
        else:
            e.ignore()

    def focusInEvent(self, e: QEvent) -> None:
        self.taken.emit()
        self.update()

    def event(self, e: QEvent) -> bool:
        escape = frozenset({Qt.Key.Key_Escape}) if self._drag is not None else frozenset()
        return keeps(e, ARROWS | escape) or super().event(e)

    def keyPressEvent(self, e: QKeyEvent) -> None:
        key = Qt.Key(e.key())
        if key == Qt.Key.Key_Escape and self._drag is not None:
            before = self._drag[3]
            self._drag = None
            self.set(*before)
            self.done.emit()
            return
        n = 0.1 if e.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0.01
        step = {
            Qt.Key.Key_Left: (-n, 0.0),
            Qt.Key.Key_Right: (n, 0.0),
            Qt.Key.Key_Up: (0.0, n),
            Qt.Key.Key_Down: (0.0, -n),
        }.get(key)
        if step is not None:
            self.set(self.a + step[0], self.b + step[1])
            self._rest.start()
        elif key == Qt.Key.Key_Backspace:
            self.reset()
        else:
            super().keyPressEvent(e)


class Wheels(Group):
    """Wheels side by side, names under them, and hue, strength and luminance of the chosen one as rows."""

    def __init__(self, params: Sequence[ParamInfo]) -> None:
        super().__init__(params)
        n = len(params)
        size = min(76, (theme.RIGHT - 28 - 6 * (n - 1)) // n)
        self.chosen = params[0].name
        self.wheels: dict[str, Wheel] = {}
        self.names: dict[str, Words] = {}
        self._degrees = 0.0  # kept while there is no tint to tell it by
        line = row(margin=(14, 4, 14, 2))
        for i, p in enumerate(params):
            w, words = Wheel(p, size), Words(p.words, "soft", 11, align=paint.CENTRE)
            self.wheels[p.name], self.names[p.name] = w, words
            w.moved.connect(lambda a, b, k=p.name: self._tinted(k, a, b))
            w.lighter.connect(lambda steps, k=p.name: self._lighter(k, steps))
            w.done.connect(self.done)
            w.taken.connect(lambda k=p.name: self._choose(k))
            if i:
                line.addStretch(1)
            line.addLayout(column(w, words))
        help = tr("Of the wheel that is chosen")
        self.hue = self.number(tr("Hue"), help, self._turned, 0, 360, 1, "°")
        self.hue.slider.ramp = hues.circle()
        self.hue.slider.reset = self._none  # type: ignore[method-assign]  # no hue is no tint
        self.hue.name.reset.disconnect()
        self.hue.name.reset.connect(self._none)
        self.strength = self.number(tr("Strength"), help, self._strong, 0, 1)
        self.light = self.number(tr("Luminance"), help, lambda v: self.item(self.chosen, 2, v))
        self.setLayout(column(line, 2, self.hue, self.strength, self.light))
        self._choose(self.chosen)

    def _choose(self, name: str) -> None:
        self.chosen = name
        for k, w in self.wheels.items():
            w.on = k == name
            w.update()
        self.refresh(name)

    def _tint(self, name: str) -> tuple[float, float]:
        """(hue in degrees, strength) of a wheel."""
        a, b = self.values[name][:2]
        far = math.hypot(a, b)
        if far > 1e-6:
            self._degrees = math.degrees(math.atan2(b, a)) % 360
        return self._degrees, min(far, 1.0)

    def _set(self, name: str, a: float, b: float) -> None:
        self.take(name, [round(a, 4), round(b, 4), float(self.values[name][2])])

    def _tinted(self, name: str, a: float, b: float) -> None:
        self._set(name, a, b)

    def _turned(self, degrees: float) -> None:
        far = self._tint(self.chosen)[1]
        self._degrees = degrees % 360
        if far:
            turn = math.radians(degrees)
            self._set(self.chosen, far * math.cos(turn), far * math.sin(turn))

    def _none(self) -> None:
        self._strong(0.0)
        self.done.emit()

    def _strong(self, far: float) -> None:
        turn = math.radians(self._tint(self.chosen)[0])
        self._set(self.chosen, far * math.cos(turn), far * math.sin(turn))

    def _lighter(self, name: str, steps: float) -> None:
        self.item(name, 2, round(min(max(self.values[name][2] + 0.01 * steps, -1.0), 1.0), 4))

    def refresh(self, name: str) -> None:
        a, b, light = self.values[name]
        self.wheels[name].show_value(float(a), float(b))
        self.names[name].say(self.params[name].words, "text" if self.differs(name) else "soft")
        if name == self.chosen:
            degrees, far = self._tint(name)
            self.hue.show_value(float(round(degrees, 2)))
            self.strength.show_value(float(round(far, 4)))
            self.light.show_value(float(light))
