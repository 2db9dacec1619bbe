"""Crop, straighten and perspective on the picture, by hand: the frame stays where it is, the picture turns beneath it.

`kept` gives the stage's values when the hand is done; until then the document is as it was.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QCursor, QKeyEvent

from editor_app import leaning
from editor_app.crop_bar import GUIDES
from editor_app.crop_frame import CropFrame
from editor_app.crop_paint import turning
from editor_app.framing import LEAST, Roles
from editor_app.sight import Sight
from editor_app.words import tr
from modisp.operators.turns import Box

NEAR = 14.0
"""Logical pixels from an edge or corner at which it is taken."""
_CORNERS = {"lt": Qt.CursorShape.SizeFDiagCursor, "rb": Qt.CursorShape.SizeFDiagCursor}
_KEYS = Qt.Key
_MOVES = {_KEYS.Key_Left: (-1, 0), _KEYS.Key_Right: (1, 0), _KEYS.Key_Up: (0, -1), _KEYS.Key_Down: (0, 1)}
_OWN = {_KEYS.Key_Return, _KEYS.Key_Enter, _KEYS.Key_Backspace, _KEYS.Key_O, _KEYS.Key_X, _KEYS.Key_A, _KEYS.Key_L}
_OWN |= {_KEYS.Key_Comma, _KEYS.Key_Period, _KEYS.Key_H, _KEYS.Key_Tab, *_MOVES}


class CropTool(CropFrame):
    """The crop tool; `framing` is what the hand has made of it so far."""

    kept = Signal(object)  # values
    covers = True

    def __init__(self, viewer: Sight, roles: Roles, orientation: int) -> None:
        super().__init__(viewer, roles, orientation)
        self.hint = _frame_hint()
        self.drawing = False  # lines are drawn
        self._grip = ""  # what is held: "in", "turn", "level", "line", edges and corners as "l", "rb" …
        self._from = QPointF()
        self._end = -1  # which end of a line is held
        self.bar.lines.connect(self.set_lines)
        self.bar.done.connect(self.keep)

    # --- pointer ------------------------------------------------------------------------------------------------------

    def _grip_at(self, at: QPointF, keys: Qt.KeyboardModifier) -> str:
        if self.drawing:
            return "line"
        if keys & Qt.KeyboardModifier.ControlModifier:
            return "level"
        r = self.frame()
        if not r.adjusted(-NEAR, -NEAR, NEAR, NEAR).contains(at):
            return "turn" if self.roles.angle else ""
        near_x, near_y = min(NEAR, r.width() / 4), min(NEAR, r.height() / 4)
        across = "l" if at.x() < r.left() + near_x else "r" if at.x() > r.right() - near_x else ""
        down = "t" if at.y() < r.top() + near_y else "b" if at.y() > r.bottom() - near_y else ""
        return across + down or "in"

    def cursor(self, at: QPointF) -> Qt.CursorShape | QCursor:
        if self.framing is None:
            return Qt.CursorShape.ArrowCursor
        grip = self._grip or self._grip_at(at, Qt.KeyboardModifier.NoModifier)
        if grip in ("line", "level"):
            return Qt.CursorShape.CrossCursor
        if grip == "turn":
            return turning(self.viewer.port.ratio)
        if grip == "in":
            return Qt.CursorShape.SizeAllCursor
        if len(grip) == 2:
            return _CORNERS.get(grip, Qt.CursorShape.SizeBDiagCursor)
        return Qt.CursorShape.SizeHorCursor if grip in ("l", "r") else Qt.CursorShape.SizeVerCursor

    def press(self, at: QPointF, keys: Qt.KeyboardModifier) -> bool:
        f = self.framing
        if f is None or self.leaving:
            return True
        self._grip, self._from, self.was = self._grip_at(at, keys), at, f
        self.turning = self._grip in ("turn", "level")
        if self._grip in ("level", "line"):
            found = self._line_end(at) if self._grip == "line" else None
            if found is not None:
                self.line, self._end = self.lines.pop(found[0]), found[1]
            else:
                start = self._source(at)
                self.line, self._end = (start, start), 1
        return True

    def _source(self, at: QPointF) -> tuple[float, float]:
        assert self.framing is not None
        place = self.to_plane(at)
        return self.framing.source(place.x(), place.y())

    def _line_end(self, at: QPointF) -> tuple[int, int] | None:
        assert self.framing is not None
        for i, line in enumerate(self.lines):
            for k, end in enumerate(line):
                d = self.to_widget(*self.framing.target(*end)) - at
                if math.hypot(d.x(), d.y()) < NEAR:
                    return i, k
        return None

    def move(self, at: QPointF, keys: Qt.KeyboardModifier, held: bool) -> bool:
        if not held or self.was is None or not self._grip:
            return True
        if self._grip == "turn":
            self._turn_to(at, keys)
        elif self.line is not None:
            ends = list(self.line)
            ends[self._end] = self._source(at)
            self.line = (ends[0], ends[1])
        else:
            d = (at - self._from) / self.zoom
            self.framing = self.was.toward(self._pulled(self.was.box, d.x(), d.y(), keys))
        self.tell()
        return True

    def _turn_to(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        """Turn by the angle that the pointer has gone round the frame's middle; Shift ten times finer."""
        assert self.was is not None
        c = self.frame().center()
        a, b = self._from - c, at - c
        degrees = math.degrees(math.atan2(a.x() * b.y() - a.y() * b.x(), a.x() * b.x() + a.y() * b.y()))
        fine = bool(keys & Qt.KeyboardModifier.ShiftModifier)
        self.set_angle(self.was, self.was.angle + degrees * (0.1 if fine else 1.0))

    def _pulled(self, box: Box, dx: float, dy: float, keys: Qt.KeyboardModifier) -> Box:
        """The frame as the hand pulls it: Shift keeps the ratio, Alt pulls both sides."""
        x, y, w, h = box
        if self._grip == "in":
            return x + dx, y + dy, w, h
        left, right = "l" in self._grip, "r" in self._grip
        top, bottom = "t" in self._grip, "b" in self._grip
        both = 2 if keys & Qt.KeyboardModifier.AltModifier else 1
        new_w = max(LEAST, w + both * (dx if right else -dx if left else 0))
        new_h = max(LEAST, h + both * (dy if bottom else -dy if top else 0))
        ratio = self.ratio or (w / h if keys & Qt.KeyboardModifier.ShiftModifier else 0)
        if ratio:
            if not (left or right) or ((top or bottom) and new_h * ratio > new_w):
                new_w = new_h * ratio
            else:
                new_h = new_w / ratio
        fx = 0.5 if both == 2 or not (left or right) else (1.0 if left else 0.0)
        fy = 0.5 if both == 2 or not (top or bottom) else (1.0 if top else 0.0)
        return x + (w - new_w) * fx, y + (h - new_h) * fy, new_w, new_h

    def release(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        line, self.line = self.line, None
        if line is not None and self.framing is not None:
            a, b = (self.to_widget(*self.framing.target(*end)) for end in line)
            long = math.hypot(a.x() - b.x(), a.y() - b.y()) > 16
            if long and self._grip == "level":
                self.become(leaning.levelled(self.framing, line))
            elif self._grip == "line":
                self.lines = [*self.lines, line][-4:] if long else self.lines
                self._lean()
        self._grip, self.turning = "", False
        self.settle()

    def _lean(self) -> None:
        if self.lines and self.framing is not None:
            self.become(leaning.upright(self.framing, self.lines))
            self.tell()

    def wheel(self, at: QPointF, turn: float, keys: Qt.KeyboardModifier) -> bool:
        under, old = self.to_plane(at), self.zoom
        self.zoom = min(4.0 / self.viewer.port.ratio, max(0.02, self.zoom * 1.25**turn))
        self.anchor = under + (self.anchor - under) * (old / self.zoom)
        self.viewer.update()
        return True

    def double(self, at: QPointF) -> bool:
        if self.framing is not None and self.frame().contains(at) and not self.drawing:
            self.keep()
        return True

    # --- what the bar and the keys ask for ------------------------------------------------------------------------------

    def set_lines(self, on: bool) -> None:
        """Draw lines that should stand upright or lie level."""
        self.drawing = on
        self.bar.show_lines(on)
        self.hint = _line_hint() if on else _frame_hint()
        self.viewer.hinted.emit(self.hint)
        self.viewer.place_bar()
        self.viewer.update()

    def keep(self) -> None:
        """Enter: the frame is the picture now; where nothing was changed, nothing is done."""
        if self.framing is not None and not self.leaving and self.framing != self.begun:
            self.kept.emit(self.framing.values(self.roles, self.orientation))
        self.left.emit()

    def cancel(self) -> None:
        if self._grip and self.was is not None:  # a gesture is under way: only that is taken back
            self.framing, self._grip, self.line, self.was = self.was, "", None, None
            self.tell()
        elif self.drawing:
            self.set_lines(False)
        else:
            self.left.emit()

    def wants(self, e: QKeyEvent) -> bool:
        key, control = Qt.Key(e.key()), e.modifiers() & Qt.KeyboardModifier.ControlModifier
        return key in _MOVES or (key in _OWN and not control)

    def key(self, e: QKeyEvent) -> None:
        key = Qt.Key(e.key())
        if key in (_KEYS.Key_Return, _KEYS.Key_Enter):
            self.keep()
        elif key == _KEYS.Key_Backspace:
            self.reset()
        elif key == _KEYS.Key_O:
            self.set_guide(GUIDES[(GUIDES.index(self.guide) + 1) % len(GUIDES)])
        elif key == _KEYS.Key_X:
            self.swap()
        elif key == _KEYS.Key_A:
            i = (self.bar.ratios.currentIndex() + 1) % self.bar.ratios.count()
            self.set_ratio(str(self.bar.ratios.itemData(i)))
        elif key == _KEYS.Key_L:
            self.set_lines(not self.drawing)
        elif key == _KEYS.Key_H:
            self.turn("down" if e.modifiers() & Qt.KeyboardModifier.ShiftModifier else "across")
        elif key == _KEYS.Key_Tab:
            self.bar.ratios.setFocus(Qt.FocusReason.TabFocusReason)
        elif key in (_KEYS.Key_Comma, _KEYS.Key_Period):
            self.turn("left" if key == _KEYS.Key_Comma else "right")
        elif key in _MOVES and self.framing is not None:
            self._nudge(*_MOVES[key], e.modifiers())

    def _nudge(self, dx: int, dy: int, keys: Qt.KeyboardModifier) -> None:
        """Arrows move the frame by a pixel (Shift: ten); with Ctrl they widen and narrow it about its middle, with Alt they
        turn the picture by a tenth of a degree."""
        assert self.framing is not None
        far = 10 if keys & Qt.KeyboardModifier.ShiftModifier else 1
        if keys & Qt.KeyboardModifier.AltModifier:
            self.set_angle(self.framing, self.framing.angle + 0.1 * far * (dx - dy))
        elif keys & Qt.KeyboardModifier.ControlModifier:
            x, y, w, h = self.framing.box
            wide, high = max(LEAST, w + 2 * dx * far), max(LEAST, h - 2 * dy * far)
            if self.ratio:
                wide, high = (wide, wide / self.ratio) if dx else (high * self.ratio, high)
            self.framing = self.framing.toward((x + (w - wide) / 2, y + (h - high) / 2, wide, high))
        else:
            x, y, w, h = self.framing.box
            self.framing = self.framing.toward((x + dx * far, y + dy * far, w, h))
        self.tell()


def _frame_hint() -> str:
    return tr("Drag the edges · outside turns · Ctrl draws a level · Enter keeps, Esc leaves")


def _line_hint() -> str:
    return tr("Draw along what should stand upright or lie level · two set the perspective · L or Esc: back")
