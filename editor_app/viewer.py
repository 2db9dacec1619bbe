"""The viewer with a hand on it: pointer, wheel and keys; a tool comes first, then panning, zooming, the split's line."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QCursor, QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent

from editor_app.sight import MODES, SURROUNDS, Sight

__all__ = ["MODES", "SURROUNDS", "Viewer"]

TAP = 0.3
"""Seconds up to which a key that is held for something else counts as pressed for its own sake."""
_SPACE, _LOUPE = Qt.Key.Key_Space, Qt.Key.Key_L
_PAN = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
"""With Shift: an eighth of the view."""
_CUT = {Qt.Key.Key_Comma: -0.02, Qt.Key.Key_Period: 0.02}
"""Moves the line of a split."""


class Viewer(Sight):
    """Takes the hand's wishes; see `Sight` for its signals."""

    def __init__(self) -> None:
        super().__init__()
        self._held: QPointF | None = None  # where the picture is held for panning
        self._tool_held = self._split_held = False
        self._space: float | None = None  # since when the space bar is held
        self._dragged = False
        self.installEventFilter(self)

    # --- pointer ----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, e: QMouseEvent) -> None:
        at = e.position()
        self.setFocus()
        self._dragged = False
        if e.button() == Qt.MouseButton.RightButton:
            return
        do = self.corners.hit(at)
        plain = e.button() == Qt.MouseButton.LeftButton and self._space is None
        if do is not None:
            do()
        elif plain and self.tool is not None and self.tool.press(at, e.modifiers()):
            self._tool_held = True
        elif plain and self._near_split(at):
            self._split_held = True
        elif self.port.zoomed and self.tool_draws is None and self.corners.navigator().contains(at):
            self._navigate(at)
        else:
            self._held = at

    def _navigate(self, at: QPointF) -> None:
        r = self.corners.navigator()
        self.port.centre = QPointF((at.x() - r.x()) / r.width(), (at.y() - r.y()) / r.height())
        self._changed()

    def _near_split(self, at: QPointF) -> bool:
        shown = self.mode == "split" and self.other is not None and self.other.there
        return shown and not self.peek and abs(at.x() - self.cut * self.width()) < 8

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        at, held = e.position(), self._held
        self.loupe.move(at)
        if self._tool_held and self.tool is not None:
            self.tool.move(at, e.modifiers(), True)
            self._shape(at)
        elif self._split_held:
            self.cut = min(max(at.x() / self.width(), 0.02), 0.98)
            self.update()
        elif held is not None and self.port.zoomed:
            self._pan(at - held, bool(e.modifiers() & Qt.KeyboardModifier.ShiftModifier), held)
            self._held, self._dragged = at, True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            if self.tool is not None:
                self.tool.move(at, e.modifiers(), False)
            self._point(at)

    def _pan(self, by: QPointF, alone: bool, at: QPointF) -> None:
        """Move the picture; with Shift only the half under the hand."""
        o = self.other
        if alone and o is not None and self.mode == "side":
            r = o.port.rect()
            step = QPointF(by.x() / max(1.0, r.width()), by.y() / max(1.0, r.height()))
            if at.x() < self.half:
                self.slip -= step
            else:
                self.port.pan(by.x(), by.y())
                self.slip += step
        else:
            self.port.pan(by.x(), by.y())
        self._changed()

    def _point(self, at: QPointF) -> None:
        self._shape(at)
        x, y = self.port.to_picture(self._local(at)).toTuple()
        here = at.x() >= self.half and self.tool_draws is None
        if here and 0 <= x < self.port.full[0] and 0 <= y < self.port.full[1]:
            self.pointed.emit(x, y)
        else:
            self.gone.emit()

    def _shape(self, at: QPointF) -> None:
        """The pointer's shape says what a press would do."""
        shape: Qt.CursorShape | QCursor
        if self._space is not None:
            shape = Qt.CursorShape.OpenHandCursor
        elif self.corners.hit(at) is not None:
            shape = Qt.CursorShape.PointingHandCursor
        elif self.tool is not None:
            shape = self.tool.cursor(at)
        elif self._near_split(at):
            shape = Qt.CursorShape.SplitHCursor
        else:
            shape = Qt.CursorShape.OpenHandCursor if self.port.zoomed else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)

    def mouseReleaseEvent(self, e: QMouseEvent) -> None:
        if self._tool_held and self.tool is not None:
            self._tool_held = False
            self.tool.release(e.position(), e.modifiers())
        self._held, self._tool_held, self._split_held = None, False, False
        self._shape(e.position())

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        at = e.position()
        if self.corners.hit(at) is not None:
            self.mousePressEvent(e)
        elif self.tool is None or not self.tool.double(at):
            self.set_zoom(None if self.port.zoom else 1.0, at)

    def wheelEvent(self, e: QWheelEvent) -> None:
        turn = e.angleDelta().y() / 120
        if not turn or not self.port.full[0]:
            return
        if self.tool is not None and self.tool.wheel(e.position(), turn, e.modifiers()):
            return
        now = self.port.zoom or self.port.fitting
        zoom = now * 1.25**turn
        for stop in (1.0, 2.0):
            if min(now, zoom) < stop < max(now, zoom) or abs(zoom / stop - 1) < 0.08:
                zoom = stop
        self.set_zoom(None if zoom <= self.port.fitting * 1.001 else zoom, e.position())

    def leaveEvent(self, e: QEvent) -> None:
        self.gone.emit()
        self.loupe.move(None)
        if self.tool is not None:
            self.tool.gone()

    def contextMenuEvent(self, e: QContextMenuEvent) -> None:
        if self.tool_draws is None and self.port.full[0]:
            self.menu.emit(e.globalPos())

    def focusOutEvent(self, e: QFocusEvent) -> None:
        self._space = None  # what was held is not seen to be let go any more
        self.hold_loupe(False)
        super().focusOutEvent(e)

    # --- keys -------------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, e: QEvent) -> bool:
        # a filter and not `event`: an error inside an event that Python passed on would end the process
        if e.type() == QEvent.Type.ShortcutOverride and isinstance(e, QKeyEvent):
            tools = self.tool is not None and self.tool.wants(e)
            if tools or self._own(e):
                e.accept()
                return True
        if e.type() == QEvent.Type.DevicePixelRatioChange:
            self._rooms()
            self.moved.emit()
        return False

    def _own(self, e: QKeyEvent) -> bool:
        """Whether a key is for the viewer itself and not one of the window's commands."""
        key, keys = Qt.Key(e.key()), e.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if keys == Qt.KeyboardModifier.ShiftModifier:
            return key in _PAN and self.port.zoomed and self.tool_draws is None
        plain = keys == Qt.KeyboardModifier.NoModifier
        return plain and (key in (_SPACE, _LOUPE) or (key in _CUT and self.mode == "split"))

    def keyPressEvent(self, e: QKeyEvent) -> None:
        key = Qt.Key(e.key())
        if self.tool is not None and self.tool.wants(e):
            self.tool.key(e)
        elif key == _SPACE:
            if not e.isAutoRepeat():
                self._space, self._dragged = time.monotonic(), False
                self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif key == _LOUPE:
            if not e.isAutoRepeat():
                self.hold_loupe(True)
        elif key in _PAN and self._own(e):
            x, y = _PAN[key]
            self._pan(QPointF(-x * self.port.room.width() / 8, -y * self.port.room.height() / 8), False, QPointF())
        elif key in _CUT and self._own(e):
            self.cut = min(max(self.cut + _CUT[key], 0.02), 0.98)
            self.update()
        else:
            super().keyPressEvent(e)

    def keyReleaseEvent(self, e: QKeyEvent) -> None:
        key = Qt.Key(e.key())
        if e.isAutoRepeat():
            return
        if key == _SPACE and self._space is not None:
            tapped = time.monotonic() - self._space < TAP and not self._dragged
            self._space = None
            if tapped and self.tool_draws is None:
                self.toggle_zoom()
        elif key == _LOUPE:
            self.hold_loupe(False)
        else:
            super().keyReleaseEvent(e)

    def hold_loupe(self, on: bool) -> None:
        """A magnifier under the pointer, for as long as the key is held."""
        if self.tool is None and on != self.loupe.on:
            self.loupe.show(on)
            self.loupe.move(QPointF(self.mapFromGlobal(self.cursor().pos())))
            self.moved.emit()
