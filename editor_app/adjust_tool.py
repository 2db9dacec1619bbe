"""Adjusting on the picture: a drag up or down changes a curve or hues where the pointer is; a bar says which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPen

from editor_app import hues, paint, theme
from editor_app.adjust import Aim, Hold, hold
from editor_app.floating import FloatingBar
from editor_app.layout import button
from editor_app.sight import Sight
from editor_app.slider import REST
from editor_app.tools import PictureTool
from editor_app.widgets import Segment
from editor_app.words import signed, tr
from modisp.parameter import HUES

TRAVEL = 200.0
"""Logical pixels of a drag over the whole range of a value."""
RADIUS = 7.0
"""Logical pixels round the pointer that are sampled."""
_STEPS = {Qt.Key.Key_Up: 0.02, Qt.Key.Key_Down: -0.02}


class AdjustBar(FloatingBar):
    """Which stage, and which of its parameters; Done."""

    chosen = Signal(object)  # Aim

    def __init__(self, aims: Sequence[Aim]) -> None:
        self.aims = list(aims)
        self.idents = list(dict.fromkeys(a.ident for a in aims))
        headings = [next(a.stage.heading for a in aims if a.ident == i) for i in self.idents]
        self.stages = _segment(headings, tr("What to adjust"))
        self.params: dict[str, Segment] = {}
        for ident in self.idents:
            mine = [a for a in aims if a.ident == ident]
            s = self.params[ident] = _segment([a.param.words for a in mine], tr("Which part of it"))
            s.tips = [a.param.help for a in mine]
            s.chosen.connect(lambda k, mine=mine: self.chosen.emit(mine[k]))
        self.done = button(tr("Done"), "primary")
        super().__init__([self.stages, *self.params.values(), self.done])
        self.stages.chosen.connect(self._stage)

    def _stage(self, k: int) -> None:
        mine = [a for a in self.aims if a.ident == self.idents[k]]
        self.chosen.emit(mine[max(0, self.params[self.idents[k]].on)])

    def show_aim(self, aim: Aim) -> None:
        """Show what is adjusted."""
        self.stages.choose(self.idents.index(aim.ident))
        for ident, s in self.params.items():
            s.setVisible(ident == aim.ident)
        mine = [a.param.name for a in self.aims if a.ident == aim.ident]
        self.params[aim.ident].choose(mine.index(aim.param.name))


def _segment(words: Sequence[str], name: str) -> Segment:
    metrics = QFontMetrics(theme.font(11, 500))
    widest = max(metrics.horizontalAdvance(w) for w in words)
    out = Segment(words, width=len(words) * (widest + 20), height=26)
    out.setAccessibleName(name)
    return out


class AdjustTool(PictureTool):
    """`asked`: what lies in this rectangle of the picture (the answer comes to `show_under`).  `moved`, `done`: the gesture.

    `values` are those of the entry that is adjusted, as they stand now; who has taken the tool in hand keeps them so.
    """

    asked = Signal(object)
    moved = Signal(object)  # the parameter's value
    done = Signal()
    aimed = Signal(object)  # Aim
    pointed = Signal(object)  # Hold under the pointer, or None

    def __init__(self, viewer: Sight, aims: Sequence[Aim], aim: Aim) -> None:
        super().__init__(viewer)
        self.aim = aim
        self.values: Mapping[str, Any] = {}
        self.hint = tr("Drag up for more, down for less · Shift: finer · double-click: reset · Esc or T: done")
        self.bar = AdjustBar(aims)
        self.bar.chosen.connect(self.take)
        self.bar.done.clicked.connect(self.left)
        self.at: QPointF | None = None
        self.told: Mapping[str, Any] | None = None  # what is read under the pointer
        self.held: Hold | None = None  # of the gesture
        self.value: Any = None
        self.waiting = False
        self._from: QPointF | None = None
        self._by = 0.0
        self._stale = True
        self._late = QTimer(self, singleShot=True, interval=40)
        self._late.timeout.connect(self._ask)
        self._rest = QTimer(self, singleShot=True, interval=REST)  # a burst of keys is one gesture
        self._rest.timeout.connect(self._let_go)
        self.take(aim)

    def take(self, aim: Aim) -> None:
        """Adjust another parameter."""
        self._let_go()
        self.aim, self.told = aim, None
        self.title = (aim.stage.heading, aim.param.words)
        self.bar.show_aim(aim)  # type: ignore[union-attr]  # made in the constructor
        self.viewer.place_bar()
        self.aimed.emit(aim)
        self._stale = True
        self._late.start()
        self.viewer.update()

    def begin(self) -> None:
        self.at = QPointF(self.viewer.mapFromGlobal(self.viewer.cursor().pos()))
        self._late.start()

    def end(self) -> None:
        self._let_go()
        self._late.stop()
        self.pointed.emit(None)
        self.bar.deleteLater()  # type: ignore[union-attr]

    def cancel(self) -> None:
        """Esc: the drag is taken back; else the tool is put down."""
        if self._from is not None and self.held is not None:
            self.moved.emit(self.held.start)
            self._from = None
            self._let_go()
        else:
            self.left.emit()

    # --- what lies there ------------------------------------------------------------------------------------------------

    def _place(self) -> tuple[float, float, float, float] | None:
        """The sampled rectangle in picture pixels."""
        if self.at is None:
            return None
        port = self.viewer.port
        q, r = port.to_picture(self.at), max(1.0, RADIUS / max(port.scale, 1e-6))
        if not (0 <= q.x() < port.full[0] and 0 <= q.y() < port.full[1]):
            return None
        return (q.x() - r, q.y() - r, 2 * r, 2 * r)

    def _ask(self) -> None:
        rect = self._place()
        if rect is None:
            self.told = None
            self.pointed.emit(None)
            self.viewer.update()
        elif self.held is None and not self.waiting:
            self.waiting, self._stale = True, False
            self.asked.emit(rect)

    def show_under(self, told: Mapping[str, Any]) -> None:
        """What the stage reads under the pointer."""
        self.waiting = False
        if self.held is not None:
            return
        self.told = told
        if self._stale:
            self._late.start()
        elif self._from is not None:
            self._begin()
        self._point()
        self.viewer.update()

    def here(self) -> Hold | None:
        """What a drag would hold here."""
        if self.held is not None:
            return self.held
        return hold(self.aim, self.values, self.told) if self.told is not None else None

    def _point(self) -> None:
        self.pointed.emit(self.here())

    # --- hand -----------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.held = hold(self.aim, self.values, self.told) if self.told is not None else None
        if self.held is not None:
            self.value = self.held.start
            if self._by:
                self._move(0.0)

    def _move(self, by: float) -> None:
        self._by += by
        if self.held is not None:
            self.value = self.held.changed(self._by)
            self.moved.emit(self.value)
            self._point()
            self.viewer.update()

    def _let_go(self) -> None:
        self._rest.stop()
        held, self.held, self._by = self.held, None, 0.0
        if held is not None:
            self.done.emit()

    def cursor(self, at: QPointF) -> Qt.CursorShape:
        return Qt.CursorShape.SizeVerCursor if self._from is not None else Qt.CursorShape.CrossCursor

    def press(self, at: QPointF, keys: Qt.KeyboardModifier) -> bool:
        self._let_go()
        self.at = self._from = at
        if self._place() is None:
            self._from = None
        elif self.told is None or self._stale or self.waiting:
            self._ask()  # the drag begins when the answer is there
        else:
            self._begin()
        return True

    def move(self, at: QPointF, keys: Qt.KeyboardModifier, held: bool) -> bool:
        if held and self._from is not None:
            fine = 0.1 if keys & Qt.KeyboardModifier.ShiftModifier else 1.0
            d = at - self._from
            self._from = at
            self._move((d.x() - d.y()) / TRAVEL * fine)
        elif not held:
            if self.held is not None and self._rest.isActive():
                self._let_go()
            self.at, self._stale = at, True
            self._late.start()
            self.viewer.update()
        return True

    def release(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        self._from = None
        self._let_go()
        self._stale = True
        self.at = at
        self._late.start()

    def double(self, at: QPointF) -> bool:
        found = self.here()
        if found is not None:
            self.held = found
            self.moved.emit(found.cleared())
            self._let_go()
        return True

    def wants(self, e: QKeyEvent) -> bool:
        return Qt.Key(e.key()) in _STEPS

    def key(self, e: QKeyEvent) -> None:
        fine = 0.25 if e.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        if self.held is None:
            self._begin()
        self._move(_STEPS[Qt.Key(e.key())] * fine)
        self._rest.start()

    def gone(self) -> None:
        if self._from is None:
            self._late.stop()
            self.at = self.told = None
            self.pointed.emit(None)

    # --- drawing --------------------------------------------------------------------------------------------------------

    def _words(self) -> list[tuple[str, str]]:
        """(colour of a disc or "", words) for each line of the label."""
        found = self.here()
        if found is None:
            grey = self.told is not None
            return [("", tr("Grey: no hue to tell"))] if grey else []
        value = self.value if self.held is not None else found.start
        rows = found.words(value)
        if self.aim.bends:
            return [("", f"{round(found.tone * 255)} \u2192 {round(rows[0][1] * 255)}")]
        scale = 100 / found.aim.param.high
        return [(hues.disc(HUES.index(n)), f"{tr(n.capitalize())}  {signed(v * scale, 0)}") for n, v in rows]

    def paint(self, p: QPainter) -> None:
        if self.at is None or self._place() is None:
            return
        t, at = theme.now(), self.at
        p.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 160), 3.5), (QColor(255, 255, 255, 230), 1.5)):
            p.setPen(QPen(colour, width))
            p.drawEllipse(at, RADIUS, RADIUS)
        lines = self._words()
        if not lines:
            return
        metrics = QFontMetrics(theme.font(11))
        wide = max(metrics.horizontalAdvance(w) + (16 if c else 0) for c, w in lines) + 20.0
        high = 18.0 * len(lines) + 8
        x = at.x() + 20 if at.x() + 24 + wide < self.viewer.width() else at.x() - 20 - wide
        y = min(max(8.0, at.y() - high / 2), self.viewer.floor - high - 8)
        paint.rounded(p, QRectF(x, y, wide, high), t.raised, 6)
        for i, (disc, words) in enumerate(lines):
            middle = y + 4 + 18 * i + 9
            if disc:
                paint.disc(p, x + 15, middle, 5, disc)
            paint.text(p, QRectF(x + (26 if disc else 10), middle - 9, wide, 18), words, t.text, 11)
