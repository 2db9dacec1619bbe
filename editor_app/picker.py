"""The picker: a loupe beside the pointer, the sampled square in it, what the stage would read there; a click takes it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen

from editor_app import loupe
from editor_app.sight import Sight
from editor_app.tools import PictureTool
from editor_app.words import tr
from editor_app.worker import Picture

SIZES = (5, 7, 11, 15, 21, 31, 51, 75, 101)
"""Sides of the sampled square in picture pixels."""
Rect = tuple[float, float, float, float]
_MOVES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_TAKE = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_SIZE = {Qt.Key.Key_Plus: 1, Qt.Key.Key_Equal: 1, Qt.Key.Key_Minus: -1}


def refusal(problem: str) -> str:
    """Why a sample is refused, in a sentence."""
    return {
        "clipped": tr("Clipped here: the colour is lost. Point at something less bright."),
        "dark": tr("Too dark here to tell a colour. Point at something brighter."),
        "outside": tr("Outside the picture."),
        "nothing": tr("No colour can be read here. Point at something that should be grey."),
    }.get(problem, "")


class Picker(PictureTool):
    """Serves a rectangle that a stage measures (`inference`).

    `asked`: tell what lies in this rectangle.  `picked`: this one it is.
    """

    asked = Signal(object)
    picked = Signal(object)

    def __init__(self, viewer: Sight, ident: str, param: str, words: str) -> None:
        super().__init__(viewer)
        self.ident, self.param = ident, param
        self.title = (tr("Pick: {0}").format(words), "")
        self.hint = tr("Click or draw over something that should be grey · wheel: size · Esc or W: done")
        self.size = 2  # of SIZES
        self.told: dict[str, object] = {}
        self._from: QPointF | None = None
        self._drawn: QRectF | None = None
        self._late = QTimer(self, singleShot=True, interval=60)
        self._late.timeout.connect(self._ask)
        self.waiting = False

    def begin(self) -> None:
        v = self.viewer
        v.loupe.show(True, loupe.PICKER, SIZES[self.size])
        v.loupe.move(QPointF(v.mapFromGlobal(v.cursor().pos())))
        self._say()
        self._late.start()

    def end(self) -> None:
        self._late.stop()
        self.viewer.loupe.show(False)

    def show_picture(self, picture: Picture) -> None:
        """The colours are others now, as after a pick: what lies under the pointer is told anew."""
        self._late.start()

    def square(self) -> Rect | None:
        """The sampled square in picture pixels."""
        q, n = self.viewer.loupe.place(), SIZES[self.size]
        return (q.x() - n / 2, q.y() - n / 2, float(n), float(n)) if q is not None else None

    def _ask(self) -> None:
        r = self.square()
        if self.waiting:  # one at a time: the newest place is asked for when the answer is there
            return
        if r is not None and self._drawn is None:
            self.waiting = True
            self.asked.emit(r)

    def show_sample(self, told: dict[str, object]) -> None:
        """What lies under the pointer."""
        self.waiting = False
        self.told = told
        self._say()
        self.viewer.update()
        if told.get("asked") != self.square():
            self._late.start()

    def _say(self) -> None:
        n = SIZES[self.size]
        rgb = self.told.get("rgb")
        lines = [("  ".join(f"{v:.0f}" for v in rgb) if isinstance(rgb, list) else "\u2026", False)]
        problem = str(self.told.get("problem", ""))
        short = {"clipped": tr("clipped"), "dark": tr("too dark"), "outside": tr("outside")}
        if problem:
            lines.append((short.get(problem, tr("no colour")), True))
        else:
            lines.append((str(self.told.get("words", "")).partition(": ")[2].replace(", ", "  "), False))
        lines.append((f"{n} × {n} px", False))
        self.viewer.loupe.words = lines

    # --- pointer and keys -----------------------------------------------------------------------------------------------

    def cursor(self, at: QPointF) -> Qt.CursorShape:
        return Qt.CursorShape.CrossCursor

    def press(self, at: QPointF, keys: Qt.KeyboardModifier) -> bool:
        self._from, self._drawn = at, None
        return True

    def move(self, at: QPointF, keys: Qt.KeyboardModifier, held: bool) -> bool:
        if held and self._from is not None:
            d = at - self._from
            if self._drawn is not None or max(abs(d.x()), abs(d.y())) > 4:
                self._drawn = QRectF(self._from, at).normalized()
                self.viewer.loupe.on = False
                self.viewer.update()
        elif not self._late.isActive():
            self._late.start()
        return True

    def release(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        drawn, self._drawn, self._from = self._drawn, None, None
        self.viewer.loupe.on = True
        if drawn is not None:
            a, b = (self.viewer.port.to_picture(c) for c in (drawn.topLeft(), drawn.bottomRight()))
            full = QRectF(0, 0, *self.viewer.port.full)
            r = QRectF(a, b).intersected(full)
            if not r.isEmpty():
                self.picked.emit((r.x(), r.y(), r.width(), r.height()))
        else:
            self.take()
        self.viewer.update()

    def take(self) -> None:
        """The square under the pointer it is."""
        self.viewer.loupe.move(self.viewer.loupe.at)
        r = self.square()
        if r is not None:
            self.picked.emit(r)

    def double(self, at: QPointF) -> bool:
        return True

    def wheel(self, at: QPointF, turn: float, keys: Qt.KeyboardModifier) -> bool:
        if keys & Qt.KeyboardModifier.ControlModifier:
            return False  # the viewer zooms
        self._resize(1 if turn > 0 else -1)
        return True

    def _resize(self, by: int) -> None:
        self.size = min(max(0, self.size + by), len(SIZES) - 1)
        self.viewer.loupe.square = SIZES[self.size]
        self._say()
        self.viewer.loupe.move(self.viewer.loupe.at)
        self._late.start()

    def gone(self) -> None:
        self._late.stop()

    def wants(self, e: QKeyEvent) -> bool:
        key = Qt.Key(e.key())
        return key in _TAKE or key in _MOVES or key in _SIZE

    def key(self, e: QKeyEvent) -> None:
        key = Qt.Key(e.key())
        v = self.viewer
        if key in _SIZE:
            self._resize(_SIZE[key])
        elif key in _TAKE:
            self.take()
        elif key in _MOVES:
            far = 10 if e.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            at = v.loupe.at or QPointF(v.width() / 2, v.height() / 2)
            v.loupe.move(at + QPointF(*_MOVES[key]) * far)
            self._late.start()

    def paint(self, p: QPainter) -> None:
        if self._drawn is not None:
            for colour, width in ((QColor(0, 0, 0, 150), 3.0), (QColor("#ffffff"), 1.0)):
                p.setPen(QPen(colour, width))
                p.setBrush(Qt.BrushStyle.NoBrush)
                p.drawRect(self._drawn)
