"""The stage strip: the pipeline of this photograph, a thumbnail for every boundary, grouped by state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme
from editor_app.declared import Declarations, StageInfo
from editor_app.images import unpacked
from editor_app.recipes import Recipe
from editor_app.words import duration, tr

WIDEST, NARROWEST, TICK, GAP, TOP, THUMB = 96.0, 52.0, 10.0, 6.0, 26.0, 44.0


@dataclass
class Boundary:
    """The picture after one stage, as far as the strip knows it."""

    ident: str
    info: StageInfo
    neutral: bool = False
    image: QImage | None = None
    place: QRectF = field(default_factory=QRectF)


class StageStrip(QWidget):
    """Click: view that boundary.  Double-click: show its panel.  `picked` tells the entry's id, "" for the result."""

    picked = Signal(str)
    revealed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Boundary] = []
        self.live = False
        self.viewed = ""
        self.hot = -1
        self.refining: tuple[float, float] | None = None  # fraction, seconds left
        self.ready = False  # whether the RAW zone is developed
        self.offset = self._most = 0.0
        self.setFixedHeight(theme.STRIP)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Stages of the pipeline"))

    def show_recipe(self, recipe: Recipe, declared: Declarations, live: bool) -> None:
        """Show a recipe's stages; what is known of a stage that stays is kept."""
        known = {(b.ident, b.info.name): b for b in self.rows} if live == self.live else {}
        self.live = live
        self.rows = []
        for e in recipe["entries"]:
            info = declared.stages.get(e["stage"])
            if info is not None:
                self.rows.append(known.get((e["id"], info.name)) or Boundary(e["id"], info))
        self._lay()

    def forget(self) -> None:
        """Another photograph: no thumbnails, no times."""
        self.rows = [Boundary(b.ident, b.info, b.neutral) for b in self.rows]
        self.viewed, self.refining, self.ready, self.offset = "", None, False, 0.0
        self._lay()

    def show_thumb(self, message: Mapping[str, Any]) -> None:
        """Take a thumbnail that the engine told."""
        for b in self.rows:
            if b.ident == message["entry"]:
                b.neutral = bool(message["neutral"])
                b.image = None if b.neutral else unpacked(message)
        self._lay()

    def show_work(self, refining: tuple[float, float] | None, ready: bool) -> None:
        """Whether the RAW zone is being developed (how far, how long), and whether it is there."""
        self.refining, self.ready = refining, ready
        self.update()

    def set_viewed(self, ident: str) -> None:
        """Ring a boundary; "" rings the result."""
        self.viewed = ident
        self.update()

    def step(self, by: int) -> None:
        """View the boundary before or after the one that is viewed; neutral ones are passed over."""
        rows = [b.ident for b in self.rows if not b.neutral]
        if not rows or not self.live:
            return
        at = rows.index(self.viewed) if self.viewed in rows else len(rows) - 1
        self._pick(rows[min(max(0, at + by), len(rows) - 1)])

    def _pick(self, ident: str) -> None:
        last = next((b.ident for b in reversed(self.rows) if not b.neutral), "")
        self.picked.emit("" if ident == last else ident)

    def _lay(self) -> None:
        ticks = sum(b.neutral for b in self.rows)
        full = max(1, len(self.rows) - ticks)
        room = self.width() - 32 - ticks * TICK - (len(self.rows) - 1) * GAP
        width = min(WIDEST, max(NARROWEST, room / full))
        x = 16.0
        for b in self.rows:
            b.place = QRectF(x, TOP, TICK if b.neutral else width, THUMB)
            x += b.place.width() + GAP
        most = max(0.0, x + 10 - self.width())
        self.offset = min(self.offset, most)
        for b in self.rows:
            b.place.translate(-self.offset, 0)
        self._most = most
        self.update()

    def resizeEvent(self, e: QResizeEvent) -> None:
        self._lay()

    def _here(self) -> Boundary | None:
        if not self.live:
            return None
        last = next((b for b in reversed(self.rows) if not b.neutral), None)
        return next((b for b in self.rows if b.ident == self.viewed), last)

    def paintEvent(self, event: QPaintEvent) -> None:
        p, t, here = paint.painter(self), theme.now(), self._here()
        for i, b in enumerate(self.rows):
            if i == 0 or self.rows[i - 1].info.writes != b.info.writes:
                self._rail(p, b, here)
            if b.neutral and self.live:
                tick = t.fill if i == self.hot else t.track
                paint.rounded(p, QRectF(b.place.center().x() - 1, 40, 2, 16), tick, 1)
            else:
                self._boundary(p, b, b is here, i == self.hot)

    def _rail(self, p: QPainter, b: Boundary, here: Boundary | None) -> None:
        t, state = theme.now(), b.info.writes
        end = max(o.place.right() for o in self.rows if o.info.writes == state)
        room = end - b.place.x()
        on = here is not None and here.info.writes == state
        metrics = QFontMetrics(theme.font(10, 600, True))
        name = state if metrics.horizontalAdvance(state) <= room else state[:3]
        r = QRectF(b.place.x(), 8, 90, 14)
        n = paint.text(p, r, name, t.text if on else t.faint, 10, 600 if on else 500, capitals=True) + 8
        if room > n + 6:
            paint.rounded(p, QRectF(b.place.x() + n, 15, room - n, 1), t.edge if on else t.track, 0)

    def _boundary(self, p: QPainter, b: Boundary, on: bool, hot: bool) -> None:
        t, r = theme.now(), b.place
        name = b.info.heading
        colour = t.text if on else t.soft if self.live else t.faint
        paint.text(p, QRectF(r.x(), 74, r.width(), 14), name, colour, 11, 600 if on else 400)
        ring = t.accent if on else t.fill if hot and self.live else ""
        if b.image is not None:
            paint.picture(p, r, b.image, 3, ring)
        else:
            paint.rounded(p, r, t.panel, 3)
            if ring:
                paint.rounded(p, r.adjusted(-2, -2, 2, 2), "", 4, ring, 2)
        if not self.live:
            return
        x, y = r.x() + 3, 96.0
        if b.info.raw_zone and self.refining is not None:
            fraction, left = self.refining
            paint.rounded(p, QRectF(r.x(), 68, r.width(), 2), t.chrome, 0)
            paint.rounded(p, QRectF(r.x(), 68, r.width() * fraction, 2), t.accent, 0)
            paint.disc(p, x, y, 2.4, "", t.accent, 1.25)
            words = duration(left) if left >= 0.5 else f"{fraction:.0%}".replace("%", " %")
            paint.text(p, QRectF(x + 8, 89, r.width() - 10, 14), words, t.accent, 10)
            return
        if b.image is None:
            p.setPen(QPen(QColor(t.faint), 1.25))
            p.drawLine(QPointF(x - 2.5, y), QPointF(x + 2.5, y))
        elif b.info.raw_zone:
            paint.disc(p, x, y, 2.4, "", t.faint, 1.25)
            paint.text(p, QRectF(x + 8, 89, r.width() - 10, 14), tr("on disk"), t.faint, 10)
        else:
            paint.disc(p, x, y, 2.4, t.faint)

    def _tip(self, b: Boundary) -> str:
        words = tr("After {0}: {1}").format(b.info.title, b.info.writes)
        if b.neutral:
            return words + "\n" + tr("Off or at neutral: the same picture as before it")
        if b.info.raw_zone and self.refining is not None:
            return words + "\n" + tr("being developed")
        if b.image is None:
            return words + "\n" + tr("not developed yet")
        return (
            words + "\n" + (tr("kept on disk") if b.info.raw_zone else tr("made anew when something before it changes"))
        )

    def _at(self, at: QPointF) -> int:
        near = [i for i, b in enumerate(self.rows) if b.place.adjusted(-3, -TOP, 3, 60).contains(at)]
        return near[0] if near else -1

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        hot = self._at(e.position())
        if hot != self.hot:
            self.hot = hot
            self.setToolTip(self._tip(self.rows[hot]) if hot >= 0 and self.live else "")
            self.update()

    def leaveEvent(self, e: QEvent) -> None:
        self.hot = -1
        self.update()

    def mousePressEvent(self, e: QMouseEvent) -> None:
        i = self._at(e.position())
        if i >= 0 and self.live and e.button() == Qt.MouseButton.LeftButton:
            self._pick(self.rows[i].ident)

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        i = self._at(e.position())
        if i >= 0:
            self.revealed.emit(self.rows[i].ident)

    def wheelEvent(self, e: QWheelEvent) -> None:
        turn = e.angleDelta().x() or e.angleDelta().y()
        self.offset = min(max(0.0, self.offset - turn / 2), self._most)
        self._lay()
