"""The slider: a 2 px track, filled from the default to the value; one gesture from press to release."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QLinearGradient, QMouseEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme
from editor_app.shown import Shown
from editor_app.widgets import ARROWS, keeps

_EDGE = 6  # room for half a knob
REST = 600  # milliseconds after which a burst of keys or wheel steps is one gesture

_RAMPS = {
    "K": ("#5b7fb8", "#a9adb3", "#c9a45c"),
    "warmth": ("#5b7fb8", "#a9adb3", "#c9a45c"),
    "temperature": ("#5b7fb8", "#a9adb3", "#c9a45c"),
    "tint": ("#6fa276", "#a8a8a8", "#b07aae"),
    "hue": ("#b86a6a", "#a8a35c", "#6aa86f", "#5f9da8", "#6a76b8", "#a86aa3", "#b86a6a"),
}


def ramp_of(shown: Shown) -> tuple[str, ...]:
    """Temperatures, tints and hues show what they do: by unit, else by the last word of the parameter's name."""
    return _RAMPS.get(shown.unit) or _RAMPS.get(shown.p.name.rpartition("_")[2], ())


class Slider(QWidget):
    """A number by hand.  `moved` while it changes, `done` when the gesture is over; `show_value` tells nobody."""

    moved = Signal(float)
    done = Signal()
    recalled = Signal()  # the value of the last snapshot is wanted
    masked = Signal(bool)  # whether what it touches is to be seen: while Alt is held in a drag

    def __init__(self, shown: Shown) -> None:
        super().__init__()
        self.shown, self.value, self.ramp = shown, float(shown.p.default), ramp_of(shown)
        self.mixed = self.lit = self._masks = False
        self.setMinimumWidth(56)
        self.setFixedHeight(theme.ROW)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(shown.p.words)
        self._drag: tuple[float, float, float] | None = None  # last x, exact place, value at the press
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self.done)

    @property
    def dragging(self) -> bool:
        """Whether the knob is held."""
        return self._drag is not None

    def show_value(self, v: float) -> None:
        """Stand at a value without telling anybody."""
        if v != self.value:
            self.value = v
            self.update()

    def show_hot(self, on: bool) -> None:
        """Light the knob: a hand elsewhere is about to move it."""
        if on != self.lit:
            self.lit = on
            self.update()

    def set(self, v: float, snap: bool = True) -> None:
        """Go to a value and tell it."""
        v = self.shown.clamp(v, snap)
        if v != self.value:
            self.value = v
            self.update()
            self.moved.emit(v)

    def nudge(self, steps: float) -> None:
        """So many steps further; bursts are one gesture."""
        self.set(self.value + steps * self.shown.step)
        self._rest.start()

    def reset(self) -> None:
        """Back to the default: one gesture."""
        self._rest.stop()
        self.set(float(self.shown.p.default), snap=False)
        self.done.emit()

    def _x(self, v: float) -> float:
        return _EDGE + self.shown.place(v) * (self.width() - 2 * _EDGE)

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p, y = theme.now(), paint.painter(self), self.height() / 2
        default = self._x(float(self.shown.p.default))
        track = QRectF(_EDGE, y - 1, self.width() - 2 * _EDGE, 2)
        paint.rounded(p, track, t.track, 1)
        if self.ramp:
            g = QLinearGradient(track.left(), 0, track.right(), 0)
            for i, c in enumerate(self.ramp):
                g.setColorAt(i / (len(self.ramp) - 1), QColor(c))
            p.setBrush(g)
            p.drawRoundedRect(track.adjusted(0, -0.5, 0, 0.5), 1.5, 1.5)
        else:
            a, b = sorted((default, self._x(self.value)))
            paint.rounded(p, QRectF(a, y - 1, b - a, 2), t.fill, 1)
        paint.rounded(p, QRectF(default - 0.5, y + 6, 1, 3), t.edge, 0)  # where double-click leads
        hot = self.isEnabled() and (self.underMouse() or self.hasFocus() or self.dragging)
        hot, ring = hot or self.lit, t.accent if self.hasFocus() or self.lit else t.panel
        paint.disc(p, self._x(self.value), y, 6 if hot else 5, t.panel if self.mixed else t.knob, ring)

    # --- hand -----------------------------------------------------------------------------------------------------

    def _mask(self, on: bool) -> None:
        if on != self._masks:
            self._masks = on
            self.masked.emit(on)

    def mousePressEvent(self, e: QMouseEvent) -> None:
        if e.button() != Qt.MouseButton.LeftButton:
            e.ignore()
            return
        if self._rest.isActive():
            self._rest.stop()
            self.done.emit()
        x, before = e.position().x(), self.value
        self._drag = (x, self.shown.place(self.value), before)
        if abs(x - self._x(self.value)) > 8:  # a click off the knob jumps there and goes on as a drag
            place = (x - _EDGE) / (self.width() - 2 * _EDGE)
            self._drag = (x, place, before)
            self.set(self.shown.at(place))
        self._mask(_alt(e))
        self.update()

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        if self._drag is None:
            return
        self._mask(_alt(e))
        last, place, before = self._drag
        fine = 0.1 if e.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        place += (e.position().x() - last) / (self.width() - 2 * _EDGE) * fine
        self._drag = (e.position().x(), place, before)
        self.set(self.shown.at(place))

    def mouseReleaseEvent(self, e: QMouseEvent) -> None:
        if self._drag is not None:
            self._drag = None
            self._mask(False)
            self.update()
            self.done.emit()

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        self._drag = None
        if _alt(e):
            self.recalled.emit()
        else:
            self.reset()

    def wheelEvent(self, e: QWheelEvent) -> None:
        if self.hasFocus() and e.angleDelta().y():
            self.nudge(1 if e.angleDelta().y() > 0 else -1)
        else:
            e.ignore()

    def event(self, e: QEvent) -> bool:
        if self.dragging and e.type() == QEvent.Type.ShortcutOverride and e.key() == Qt.Key.Key_Alt:  # type: ignore[attr-defined]
            e.accept()  # the menu bar would take the focus when Alt is let go
            return True
        escape = frozenset({Qt.Key.Key_Escape}) if self.dragging else frozenset()
        return keeps(e, ARROWS | escape) or super().event(e)

    def keyPressEvent(self, e: QKeyEvent) -> None:
        key = Qt.Key(e.key())
        if key == Qt.Key.Key_Alt and self._drag is not None:
            self._mask(True)
            return
        if key == Qt.Key.Key_Escape and self._drag is not None:
            before = self._drag[2]
            self._drag = None
            self._mask(False)
            self.set(before, snap=False)
            self.done.emit()
            return
        big = 10 if e.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        tenth = (self.shown.high - self.shown.low) / 10 / self.shown.step
        steps = {
            Qt.Key.Key_Up: big,
            Qt.Key.Key_Right: big,
            Qt.Key.Key_Down: -big,
            Qt.Key.Key_Left: -big,
            Qt.Key.Key_PageUp: tenth,
            Qt.Key.Key_PageDown: -tenth,
        }.get(key)
        if steps is not None:
            self.nudge(steps)
        elif key == Qt.Key.Key_Backspace:
            self.reset()
        else:
            super().keyPressEvent(e)

    def keyReleaseEvent(self, e: QKeyEvent) -> None:
        if e.key() == Qt.Key.Key_Alt and not e.isAutoRepeat():
            self._mask(False)
        super().keyReleaseEvent(e)


def _alt(e: QMouseEvent) -> bool:
    return bool(e.modifiers() & Qt.KeyboardModifier.AltModifier)
