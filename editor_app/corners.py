"""What lies over the photograph: pills in the corners, the toast, the message, the navigator, labels A and B."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter

from editor_app import paint, theme
from editor_app.words import tr

if TYPE_CHECKING:
    from editor_app.sight import Sight

NAVIGATOR = 160
AIR = 12


class Corners:
    """Draws them, and knows what a click on them does."""

    def __init__(self, viewer: Sight) -> None:
        self.viewer = viewer
        self.hits: list[tuple[QRectF, Callable[[], None]]] = []

    def hit(self, at: QPointF) -> Callable[[], None] | None:
        """What a click at a place does."""
        return next((do for r, do in self.hits if r.contains(at)), None)

    def paint(self, p: QPainter) -> None:
        """Draw what there is to tell."""
        v = self.viewer
        self.hits = []
        self._title(p)
        if v.other is not None and v.other.there and v.mode in ("split", "side"):
            self._sides(p)
        if v.work is not None:
            words, fraction, left = v.work
            more = f"{fraction:.0%}".replace("%", " %") + (f"   {max(1, round(left))} s" if left >= 0.5 else "")
            width = paint.pill_width(p, words, more, True, True)
            r = paint.pill(p, QPointF(v.width() - AIR - width, AIR), words, more, spin=True, close=True)
            self.hits.append((QRectF(r.right() - 26, r.y(), 26, r.height()), v.cancelled.emit))
        elif v.waiting and v.base is None:
            width = paint.pill_width(p, v.waiting, "", True, False)
            paint.pill(p, QPointF(v.width() - AIR - width, AIR), v.waiting, spin=True)
        if v.message:
            width = min(v.width() - 2.0 * AIR, paint.pill_width(p, v.message, "", False, False))
            r = QRectF((v.width() - width) / 2, 52, width, 28)
            paint.rounded(p, r, theme.now().raised, 6, theme.now().bad)
            paint.text(p, r.adjusted(12, 0, -12, 0), v.message, theme.now().text)
        if v.toast is not None:
            words, action, do = v.toast
            width = paint.pill_width(p, words, action, False, False)
            sides = v.other is not None and v.mode in ("split", "side")  # whose labels stand there
            r = paint.pill(p, QPointF((v.width() - width) / 2, v.floor - (76 if sides else 40)), words, action)
            if do is not None:
                self.hits.append((r, lambda: self._take(do)))
        if v.port.zoomed and v.base is not None and v.tool_draws is None:
            self._navigator(p)

    def _take(self, do: Callable[[], None]) -> None:
        self.viewer.say("")
        do()

    def _title(self, p: QPainter) -> None:
        v = self.viewer
        if v.tool is not None and v.tool.title[0]:
            paint.pill(p, QPointF(AIR, AIR), *v.tool.title)
        elif v.peek and v.other is not None and v.other.there:
            paint.pill(p, QPointF(AIR, AIR), tr("Before"), v.other.words[0])
        elif v.what[0]:
            r = paint.pill(p, QPointF(AIR, AIR), v.what[0], v.what[1], close=True)
            self.hits.append((QRectF(r.right() - 26, r.y(), 26, r.height()), v.returned.emit))

    def _sides(self, p: QPainter) -> None:
        """A and B: at the line that splits them, or in the lower corners of the two halves."""
        v = self.viewer
        assert v.other is not None
        y = v.floor - 40
        room = (v.half or v.width() / 2) - 2 * AIR - 48
        metrics = QFontMetrics(theme.font(11))
        a, b = (
            (metrics.elidedText(w[0], Qt.TextElideMode.ElideMiddle, round(room)), "")
            for w in (v.other.words, v.now.words)
        )
        if v.mode == "split":
            x = v.cut * v.width()
            width = paint.pill_width(p, "A", a[0], False, False)
            paint.pill(p, QPointF(max(AIR, x - AIR - width), y), "A", a[0])
            width = paint.pill_width(p, "B", b[0], False, False)
            paint.pill(p, QPointF(min(v.width() - AIR - width, x + AIR), y), "B", b[0])
        else:
            paint.pill(p, QPointF(AIR, y), "A", a[0])
            paint.pill(p, QPointF(v.half + AIR, y), "B", b[0])

    # --- the navigator ------------------------------------------------------------------------------------------------

    def navigator(self) -> QRectF:
        """Where the navigator lies."""
        v = self.viewer
        fw, fh = v.port.full
        s = NAVIGATOR / max(1, fw, fh)
        return QRectF(v.width() - AIR - fw * s, v.floor - AIR - fh * s, fw * s, fh * s)

    def _navigator(self, p: QPainter) -> None:
        v, r, t = self.viewer, self.navigator(), theme.now()
        assert v.base is not None
        paint.rounded(p, r.adjusted(-3, -3, 3, 3), t.raised, 4)
        p.drawImage(r, v.to_screen(v.base), QRectF(v.base.image.rect()))
        seen, s = v.port.visible(), r.width() / v.port.full[0]
        box = QRectF(r.x() + seen.x() * s, r.y() + seen.y() * s, seen.width() * s, seen.height() * s)
        for colour, width in (("#a0000000", 3.5), (theme.DARK.accent, 1.5)):  # seen on light and on dark
            paint.rounded(p, box, "", 2, colour, width)
