"""The stage strip: the pipeline of this photograph, a thumbnail for every boundary, grouped by state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
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

WIDEST, NARROWEST, LEAST, TICK, GAP, TOP, THUMB = 96.0, 56.0, 40.0, 10.0, 6.0, 26.0, 44.0


SOURCE = "@source"
"""What stands for the boundary before all entries: the picture as the file holds it."""


@dataclass
class Boundary:
    """The picture after one stage, as far as the strip knows it."""

    ident: str
    info: StageInfo
    neutral: bool = False
    image: QImage | None = None
    place: QRectF = field(default_factory=QRectF)
    seconds: float = 0.0  # that the stage took when it ran last
    kept: str = ""  # "disk", "memory" or ""
    stale: bool = False  # something before it has changed since its thumbnail was made
    why: str = ""  # it failed

    @property
    def mark(self) -> str:
        """What its picture's place in the cache is called, by the form of its mark."""
        if self.why:
            return "failed"
        if self.image is None:
            return "none"
        return "stale" if self.stale else self.kept or "anew"


def _source(first: StageInfo) -> StageInfo:
    """A stand-in for what comes before all stages: reading the file."""
    words = (SOURCE, SOURCE, first.reads, first.reads, 1, tr("Read"), "", False, False, tr("What the file holds"), ())
    return StageInfo(*words)


class StageStrip(QWidget):
    """Click: view that boundary.  Shift-click: compare it with the one that is viewed.  Double-click: show its panel.

    `picked` and `compared` tell the entry's id, "" for the result.  `wanted`: a menu for a boundary.
    """

    picked = Signal(str)
    compared = Signal(str)
    revealed = Signal(str)
    wanted = Signal(str, object)  # entry, where on the screen

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Boundary] = []
        self.live = False
        self.viewed = ""
        self.hot = -1
        self.refining: tuple[float, float] | None = None  # fraction, seconds left
        self.ready = False  # whether the RAW zone is developed
        self.offset = self._most = 0.0
        self._entries: list[Any] = []
        self.setFixedHeight(theme.STRIP)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Stages of the pipeline"))

    # --- what is shown --------------------------------------------------------------------------------------------

    def show_recipe(self, recipe: Recipe, declared: Declarations, live: bool) -> None:
        """Show a recipe's stages; what is known of a stage that stays is kept, out of date from the first change on."""
        seen = [(id(b), b.stale) for b in self.rows]
        known = {(b.ident, b.info.name): b for b in self.rows} if live == self.live else {}
        entries = [e for e in recipe["entries"] if e["stage"] in declared.stages]
        looks = recipe.get("looks", ())
        before, self._entries = self._entries, [*entries, looks]
        self.live = live
        self.rows = []
        if entries:
            info = _source(declared.stages[entries[0]["stage"]])
            self.rows.append(known.get((SOURCE, SOURCE)) or Boundary(SOURCE, info))
        stale = False
        for i, e in enumerate(entries):
            info = declared.stages[e["stage"]]
            b = known.get((e["id"], info.name)) or Boundary(e["id"], info, info.idle and not e.get("values"))
            stale = (
                stale
                or i >= len(before) - 1
                or before[i] != e
                or (before[-1] != looks and i == _styled(entries, looks))
            )
            b.stale = b.stale or (stale and b.image is not None)
            self.rows.append(b)
        if seen != [(id(b), b.stale) for b in self.rows]:
            self._lay()

    def forget(self) -> None:
        """Another photograph: no thumbnails, no times."""
        self.rows = [Boundary(b.ident, b.info, b.neutral) for b in self.rows]
        self._entries = []
        self.viewed, self.refining, self.ready, self.offset = "", None, False, 0.0
        self._lay()

    def show_thumb(self, message: Mapping[str, Any]) -> None:
        """Take a thumbnail that the engine told, or why there is none."""
        for b in self.rows:
            if b.ident == message["entry"]:
                b.neutral, b.why, b.stale = bool(message["neutral"]), message.get("why", ""), False
                b.kept = message.get("kept", "")
                b.image = unpacked(message) if "pixels" in message else None
        self._lay()

    def show_took(self, took: Mapping[str, float]) -> None:
        """Take the seconds that stages took when they ran last."""
        for b in self.rows:
            b.seconds = took.get(b.ident, b.seconds)
        self.update()

    def show_work(self, refining: tuple[float, float] | None, ready: bool) -> None:
        """Whether the RAW zone is being developed (how far, how long), and whether it is there."""
        if (refining, ready) != (self.refining, self.ready):
            self.refining, self.ready = refining, ready
            self.update()

    def set_viewed(self, ident: str) -> None:
        """Ring a boundary; "" rings the result."""
        self.viewed = ident
        here = self._here()
        if here is not None and ident:
            if here.place.left() < 16:
                self._scroll(here.place.left() - 40)
            elif here.place.right() > self.width() - 16:
                self._scroll(here.place.right() - self.width() + 40)
        self.update()

    def set_low(self, low: bool) -> None:
        """The rail of states and ticks only, on low windows."""
        self.setFixedHeight(theme.STRIP_LOW if low else theme.STRIP)
        self._lay()

    @property
    def low(self) -> bool:
        """Whether there is no room for thumbnails."""
        return self.height() < theme.STRIP

    def step(self, by: int) -> None:
        """View the boundary before or after the one that is viewed; neutral ones are passed over."""
        rows = [b.ident for b in self.rows if not b.neutral]
        if not rows or not self.live:
            return
        at = rows.index(self.viewed) if self.viewed in rows else len(rows) - 1
        self.picked.emit(self.told(rows[min(max(0, at + by), len(rows) - 1)]))

    def told(self, ident: str) -> str:
        """A boundary as it is told: "" for the result."""
        last = next((b.ident for b in reversed(self.rows) if not b.neutral), "")
        return "" if ident == last else ident

    # --- places ---------------------------------------------------------------------------------------------------

    def _lay(self) -> None:
        ticks = sum(b.neutral for b in self.rows)
        full = max(1, len(self.rows) - ticks)
        tick, gap = TICK, GAP
        room = self.width() - 32 - ticks * tick - (len(self.rows) - 1) * gap
        if room / full < NARROWEST:  # closer together, so that the result is in sight
            tick, gap = TICK / 2, GAP - 2
            room = self.width() - 32 - ticks * tick - (len(self.rows) - 1) * gap
        width = min(WIDEST, max(LEAST if not self.low else 12.0, room / full))
        top, tall = (20.0, 4.0) if self.low else (TOP, THUMB)
        x = 16.0
        for b in self.rows:
            b.place = QRectF(x, top, tick if b.neutral else width, tall)
            x += b.place.width() + gap
        self._most = max(0.0, x + 10 - self.width())
        self.offset = min(self.offset, self._most)
        for b in self.rows:
            b.place.translate(-self.offset, 0)
        self.update()

    def _scroll(self, by: float) -> None:
        self.offset = min(max(0.0, self.offset + by), self._most)
        self._lay()

    def resizeEvent(self, e: QResizeEvent) -> None:
        self._lay()

    def _here(self) -> Boundary | None:
        if not self.live:
            return None
        last = next((b for b in reversed(self.rows) if not b.neutral), None)
        return next((b for b in self.rows if b.ident == self.viewed), last)

    # --- drawing --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        p, here = paint.painter(self), self._here()
        for i, b in enumerate(self.rows):
            if i == 0 or self.rows[i - 1].info.writes != b.info.writes:
                self._rail(p, b, here)
            if self.low:
                self._tick(p, b, b is here, i == self.hot)
            elif b.neutral:
                tick = theme.now().fill if i == self.hot else theme.now().track
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
        y = 2.0 if self.low else 8.0
        r = QRectF(b.place.x(), y, 90, 14)
        n = paint.text(p, r, name, t.text if on else t.faint, 10, 600 if on else 500, capitals=True) + 8
        if room > n + 6:
            paint.rounded(p, QRectF(b.place.x() + n, y + 7, room - n, 1), t.edge if on else t.track, 0)

    def _tick(self, p: QPainter, b: Boundary, on: bool, hot: bool) -> None:
        t = theme.now()
        colour = t.accent if on else t.knob if hot else t.track if b.neutral else t.fill
        width = 2.0 if b.neutral else b.place.width()
        paint.rounded(p, QRectF(b.place.x(), b.place.y(), width, 3), colour, 1)

    def _boundary(self, p: QPainter, b: Boundary, on: bool, hot: bool) -> None:
        t, r = theme.now(), b.place
        colour = t.text if on else t.soft if self.live else t.faint
        weight = 600 if on else 400
        words, px = _named(b.info, r.width() + 1, weight)
        paint.text(p, QRectF(r.x(), 74, r.width() + 4, 14), words, colour, px, weight)
        ring = t.accent if on else t.fill if hot and self.live else ""
        if b.image is not None:
            paint.picture(p, r, b.image, 3, ring)
        else:
            paint.rounded(p, r, t.panel, 3)
            if ring:
                paint.rounded(p, r.adjusted(-2, -2, 2, 2), "", 4, ring, 2)
        if self.live:
            self._state(p, b)

    def _state(self, p: QPainter, b: Boundary) -> None:
        """The mark of the cache, and how long it took (or will take)."""
        t, r = theme.now(), b.place
        x, y = r.x() + 3, 96.0
        words, colour = duration(b.seconds) if b.seconds else "", t.faint
        if b.info.raw_zone and self.refining is not None:
            fraction, left = self.refining
            paint.rounded(p, QRectF(r.x(), 68, r.width(), 2), t.chrome, 0)
            paint.rounded(p, QRectF(r.x(), 68, r.width() * fraction, 2), t.accent, 0)
            paint.disc(p, x, y, 2.4, "", t.accent, 1.25)
            words = tr("{0} left").format(duration(left)) if left >= 0.5 else f"{fraction:.0%}".replace("%", " %")
            colour = t.accent
        elif b.mark == "failed":
            p.setPen(QPen(QColor(t.bad), 1.5))
            p.drawLine(QPointF(x - 2.5, y - 2.5), QPointF(x + 2.5, y + 2.5))
            p.drawLine(QPointF(x - 2.5, y + 2.5), QPointF(x + 2.5, y - 2.5))
            words, colour = tr("failed"), t.bad
        elif b.mark == "none":
            p.setPen(QPen(QColor(t.faint), 1.25))
            p.drawLine(QPointF(x - 2.5, y), QPointF(x + 2.5, y))
        elif b.mark in ("disk", "stale"):
            paint.disc(p, x, y, 2.4, "", t.warn if b.mark == "stale" else t.faint, 1.25)
        else:
            paint.disc(p, x, y, 2.4, t.faint)
        paint.text(p, QRectF(x + 7, 89, r.width() - 6, 14), words, colour, 10)

    def _tip(self, b: Boundary) -> str:
        head = tr("As the file holds it") if b.ident == SOURCE else tr("After {0}").format(b.info.title)
        lines = [f"{head}: {b.info.writes}"]
        if b.neutral:
            return lines[0] + "\n" + tr("Off or at neutral: the same picture as before it")
        if b.info.raw_zone and self.refining is not None:
            return lines[0] + "\n" + tr("Being developed")
        words = {
            "failed": b.why,
            "none": tr("Not developed yet; a click does it"),
            "stale": tr("Out of date; it is made anew in a moment"),
            "disk": tr("Kept on disk"),
            "memory": tr("In memory"),
            "anew": tr("Made anew when something before it changes"),
        }
        lines.append(words[b.mark])
        if b.seconds:
            lines.append(tr("The stage took {0} when it ran last").format(duration(b.seconds)))
        lines.append(tr("Click: view it. Shift-click: compare. Right-click: export it"))
        return "\n".join(lines)

    # --- hand -----------------------------------------------------------------------------------------------------

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
            shift = e.modifiers() & Qt.KeyboardModifier.ShiftModifier
            (self.compared if shift else self.picked).emit(self.told(self.rows[i].ident))

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        i = self._at(e.position())
        if i >= 0 and self.rows[i].ident != SOURCE:
            self.revealed.emit(self.rows[i].ident)

    def contextMenuEvent(self, e: QContextMenuEvent) -> None:
        i = self._at(QPointF(e.pos()))
        if i >= 0 and self.live:
            self.wanted.emit(self.rows[i].ident, e.globalPos())

    def wheelEvent(self, e: QWheelEvent) -> None:
        self._scroll(-(e.angleDelta().x() or e.angleDelta().y()) / 2)


def _named(info: StageInfo, room: float, weight: int) -> tuple[str, int]:
    """A stage's name and its size in pixels, as it fits."""
    short = info.slot.split()[0].replace("_", " ").capitalize() if info.slot != SOURCE else info.heading
    short = short.replace("Color", "Colour")  # code is written the one way, windows the other
    return _fitting(info.heading, short, room, weight)


@lru_cache(maxsize=256)
def _fitting(name: str, short: str, room: float, weight: int) -> tuple[str, int]:
    """A name whole, or the shorter one, or small, or cut short."""
    head, _, last = name.rpartition(" ")
    first = name.split()[0]
    cuts = [f"{head} {last[:n]}." for n in range(len(last) - 1, 2, -1)] if head and " " not in head else []
    cuts += [first, *(f"{first[:n]}." for n in range(len(first) - 1, 2, -1))]
    for px, rows in ((11, (name, short)), (10, (name, short)), (11, cuts[:-3]), (10, cuts)):
        metrics = QFontMetrics(theme.font(px, weight))
        for words in rows:
            if metrics.horizontalAdvance(words) <= room:
                return words, px
    return name, 10


def _styled(entries: list[Any], looks: Any) -> int:
    """The first entry that looks may change."""
    slots = {s for k in looks for s in k.get("values", {})}
    return next((i for i, e in enumerate(entries) if slots & set(e["slot"].split())), 0)
