"""What the viewer shows: the photograph on a neutral surround, versions compared, a tool and marks over it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSettings, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QCursor,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
    QTransform,
)
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme
from editor_app.corners import Corners
from editor_app.floating import FloatingBar
from editor_app.loupe import Loupe
from editor_app.monitor import Monitor
from editor_app.overlay import marked
from editor_app.panes import Difference, Pane, seen_part
from editor_app.tools import PictureTool
from editor_app.viewport import Viewport
from editor_app.words import tr
from editor_app.worker import Picture

SURROUNDS = ("", "#000000", "#2b2b2b", "#777777", "#bdbdbd", "#ffffff")
MODES = ("one", "split", "side", "difference")

Wanted = tuple[tuple[float, float, float, float] | None, tuple[int, int]]


class Sight(QWidget):
    """Shows what it is given and tells what is wanted; `viewer.Viewer` gives it a hand.

    `moved`: another part or size of the picture is seen.  `pointed`: the pointer is at picture pixels (x, y); `gone`: it went
    away.  `cancelled` and `returned`: the pills' crosses.  `hinted`: what the hand can do now.
    """

    moved = Signal()
    pointed = Signal(float, float)
    gone = Signal()
    cancelled = Signal()
    returned = Signal()
    hinted = Signal(str)
    menu = Signal(object)  # where, on the screen

    def __init__(self) -> None:
        super().__init__()
        self.port = Viewport()
        self.now = Pane(self.port)
        self.other: Pane | None = None  # what is compared with
        self.mode = "one"
        self.peek = self.clipping = self.gamut = self.grid = False
        self.cut = 0.5
        self.slip = QPointF(0, 0)  # by how much the other half is panned away from this one
        self.what = ("", "")  # the pill: what is viewed, and more
        self.work: tuple[str, float, float] | None = None  # words, fraction, seconds left
        self.waiting = ""  # what is waited for while there is no rendering yet
        self.toast: tuple[str, str, Callable[[], None] | None] | None = None
        self.message = ""  # across the top: what went wrong with the file
        kept = str(QSettings().value("viewer/surround", ""))
        self.surround = kept if kept in SURROUNDS else ""
        self.tool: PictureTool | None = None
        self.bar: FloatingBar | None = None
        self.loupe = Loupe(self)
        self.monitor = Monitor()
        self.difference = Difference()
        self.corners = Corners(self)
        self._toast_off = QTimer(self, singleShot=True, interval=4000)
        self._toast_off.timeout.connect(lambda: self.say(""))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(560, 320)
        self.setAccessibleName(tr("The photograph"))
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    # --- what is shown ----------------------------------------------------------------------------------------------

    @property
    def base(self) -> Picture | None:
        """The whole picture as it is rendered."""
        return self.now.base

    @property
    def detail(self) -> Picture | None:
        """A sharper part of it."""
        return self.now.detail

    def clear(self, preview: QImage | None = None, full: tuple[int, int] | None = None) -> None:
        """Another photograph: show its preview until a rendering comes."""
        self.now.clear()
        if self.other is not None:
            self.other.clear()
        self.message, self.waiting, self.work = "", "", None
        self.show_preview(preview)
        if full:
            self.port.full = full
        elif preview is not None:
            self.port.full = (preview.width(), preview.height())
        self.port.set_zoom(None)
        self.update()

    def show_preview(self, image: QImage | None) -> None:
        """What is shown until there is a rendering."""
        self.now.still = self.monitor.shown(image) if image is not None else None
        self.update()

    def set_full(self, full: tuple[int, int]) -> None:
        """The size of the picture, as soon as it is known; the view stays where it was."""
        if full != self.port.full:
            self.port.full = full
            self.update()

    def show_picture(self, picture: Picture) -> None:
        """Show a rendering, whole or in part."""
        if self.tool is not None:
            self.tool.show_picture(picture)
        self.set_full(picture.full)
        self.now.show(picture)
        if picture is self.now.base and not self.port.zoomed:
            self.now.detail = None
        self._link()
        self.update()

    def show_other(self, picture: Picture) -> None:
        """A rendering of what is compared with."""
        if self.other is not None:
            self.other.show(picture)
            self._link()
            self.update()

    def show_loupe(self, picture: Picture) -> None:
        """What the loupe has asked for."""
        self.loupe.picture = picture
        self.update()

    @property
    def current(self) -> Picture | None:
        """The rendering that is looked at."""
        return self.detail if self.detail is not None and self.port.zoomed else self.base

    def to_screen(self, picture: Picture) -> QImage:
        """A rendering as the monitor needs it."""
        return self.monitor.picture(picture)

    def set_surround(self, colour: str) -> None:
        """Another grey round the picture, of SURROUNDS; it is remembered."""
        self.surround = colour
        QSettings().setValue("viewer/surround", colour)
        self.update()

    def say(self, words: str, action: str = "", do: Callable[[], None] | None = None) -> None:
        """A word at the bottom for four seconds, perhaps with one thing to do."""
        self.toast = (words, action, do) if words else None
        self._toast_off.start() if words else self._toast_off.stop()
        self.update()

    # --- comparing --------------------------------------------------------------------------------------------------

    def compare(self, mode: str, other: Pane | None) -> None:
        """Show alone, split, side by side with, or as the difference from another version."""
        self.mode, self.other = mode if other is not None else "one", other
        self.slip = QPointF(0, 0)
        self._rooms()
        self.moved.emit()
        self.update()

    @property
    def half(self) -> float:
        """Where the right half begins, in logical pixels; 0 where there is but one picture."""
        if self.mode != "side" or self.other is None:
            return 0.0
        ratio = self.devicePixelRatioF()
        return round((self.width() + 2) / 2 * ratio) / ratio  # on whole pixels of the screen

    def _rooms(self) -> None:
        room = QSizeF(self.width() - self.half, self.height())
        for port in (self.port, self.other.port if self.other is not None else None):
            if port is not None:
                port.room, port.ratio = room, self.devicePixelRatioF()
        self._link()

    def _link(self) -> None:
        """The other half follows zoom and pan."""
        o = self.other
        if o is None:
            return
        if o.there:
            o.port.full = o.full
        o.port.zoom = self.port.zoom
        c = self.port.centre + self.slip
        o.port.centre = QPointF(min(max(c.x(), 0.0), 1.0), min(max(c.y(), 0.0), 1.0))

    def other_wanted(self) -> Wanted:
        """What to render of the other version: its own part where it stands aside, else what lies under this one's."""
        o = self.other
        assert o is not None
        rect, size = self.port.wanted()
        if self.mode == "side" and o.full[0]:
            return o.port.wanted()
        if self.mode == "side" or rect is None or not o.full[0]:
            return None, size
        r = seen_part(o.onto, rect, o.full)
        if r.isEmpty():
            return None, size
        s = max(size[0] / rect[2], size[1] / rect[3])
        return (r.x(), r.y(), r.width(), r.height()), (round(r.width() * s), round(r.height() * s))

    # --- zoom -------------------------------------------------------------------------------------------------------

    def set_zoom(self, zoom: float | None, at: QPointF | None = None) -> None:
        """Fit (None) or so many device pixels per picture pixel; `at` is a place in the viewer."""
        self.port.set_zoom(zoom, self._local(at) if at is not None else None)
        self._changed()

    def toggle_zoom(self) -> None:
        """Fit ↔ 1:1 at the pointer."""
        at = QPointF(self.mapFromGlobal(QCursor.pos()))
        inside = QRectF(self.rect()).contains(at)
        self.set_zoom(None if self.port.zoom else 1.0, at if inside else None)

    def step_zoom(self, up: bool) -> None:
        """The next usual zoom."""
        self.port.step(up)
        self._changed()

    def _changed(self) -> None:
        self._link()
        self.update()
        self.moved.emit()

    def _local(self, at: QPointF) -> QPointF:
        """A place in the viewer, within the half that it is in."""
        return at - QPointF(self.half, 0) if at.x() >= self.half else at

    # --- tools ------------------------------------------------------------------------------------------------------

    def take(self, tool: PictureTool | None) -> None:
        """Take a tool in hand; None puts down what there is."""
        if self.tool is not None:
            old, self.tool = self.tool, None
            old.end()
        self.tool = tool
        self.set_bar(tool.bar if tool is not None else None)
        if tool is not None:
            tool.begin()
        self.hinted.emit(tool.hint if tool is not None else "")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.update()

    @property
    def tool_draws(self) -> PictureTool | None:
        """The tool, where it covers the whole viewer."""
        return self.tool if self.tool is not None and self.tool.covers else None

    def set_bar(self, bar: FloatingBar | None) -> None:
        """Let a bar float at the bottom; None takes it away."""
        if self.bar is not None and self.bar is not bar:
            self.bar.hide()
        self.bar = bar
        if bar is not None:
            bar.setParent(self)
            bar.show()
            self.place_bar()

    def place_bar(self) -> None:
        """The bar where it belongs, as wide as it needs to be."""
        if self.bar is not None:
            self.bar.fit(self.width() - 24)
            size = self.bar.sizeHint()
            at = ((self.width() - size.width()) // 2, self.height() - 12 - size.height())
            self.bar.setGeometry(*at, size.width(), size.height())

    @property
    def floor(self) -> float:
        """Where the room above the floating bar ends."""
        return float(self.bar.y() if self.bar is not None else self.height())

    # --- drawing ----------------------------------------------------------------------------------------------------

    def resizeEvent(self, e: QResizeEvent) -> None:
        self._rooms()
        self.place_bar()
        self.moved.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.fillRect(self.rect(), QColor(self.surround or theme.now().surround))
        if self.port.full[0] and not (self.tool is not None and self.tool.draws(p)):
            self._pictures(p)
        p.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self.tool is not None:
            self.tool.paint(p)
        self.loupe.paint(p)
        self.corners.paint(p)

    def _pictures(self, p: QPainter) -> None:
        o, zoomed = self.other, self.port.zoomed
        there = o is not None and o.there
        if self.mode == "side" and o is not None:
            gap = 2.0
            for pane, r in (
                (o, QRectF(0, 0, self.half - gap, self.height())),
                (self.now, QRectF(self.half, 0, self.width() - self.half, self.height())),
            ):
                p.save()
                p.setClipRect(r)
                p.translate(r.left(), 0)
                pane.paint(p, pane.port, self.to_screen, pane.port.zoomed)
                if pane is self.now:
                    self._over(p)
                p.restore()
            p.fillRect(QRectF(self.half - gap, 0, gap, self.height()), QColor(theme.now().chrome))
            return
        if self.peek and there:
            self._beneath(p, zoomed)
            return
        if self.mode == "difference" and there and self.current is not None:
            assert o is not None
            q = self.current
            p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.port.scale * self.port.ratio <= 4)
            paint.pixels(p, self.port.to_widget(*q.rect), self.difference.of(q, o, zoomed), self.port.ratio)
            return
        self.now.paint(p, self.port, self.to_screen, zoomed)
        self._over(p)
        if self.mode == "split" and there:
            x = self.cut * self.width()
            p.save()
            p.setClipRect(QRectF(0, 0, x, self.height()))
            self._beneath(p, zoomed)
            p.restore()
            p.setRenderHint(QPainter.RenderHint.Antialiasing)
            for grow, colour in ((1.0, "#40000000"), (0.0, "#f2f2f2")):
                paint.rounded(p, QRectF(x - 0.75 - grow, 0, 1.5 + 2 * grow, self.height()), colour, 0)
                paint.rounded(
                    p, QRectF(x - 5 - grow, self.floor / 2 - 20 - grow, 10 + 2 * grow, 40 + 2 * grow), colour, 5
                )

    def _beneath(self, p: QPainter, parts: bool) -> None:
        """The other version, lying exactly under this one."""
        assert self.other is not None
        r, full = self.port.rect(), self.port.full
        onto = QTransform.fromScale(r.width() / full[0], r.height() / full[1]) * QTransform.fromTranslate(r.x(), r.y())
        p.save()
        p.setClipRect(r, Qt.ClipOperation.IntersectClip)
        p.fillRect(r, QColor(self.surround or theme.now().surround))
        self.other.paint_onto(p, self.other.onto * onto, self.to_screen, parts, self.port.ratio)
        p.restore()

    def _over(self, p: QPainter) -> None:
        """Marks and grid of the present picture."""
        if self.clipping or self.gamut:
            self._marks(p)
        if self.grid and self.base is not None:
            r = self.port.rect()
            p.setPen(QPen(QColor(255, 255, 255, 102), 1))
            for k in (1, 2):
                p.drawLine(QPointF(r.x() + k * r.width() / 3, r.y()), QPointF(r.x() + k * r.width() / 3, r.bottom()))
                p.drawLine(QPointF(r.x(), r.y() + k * r.height() / 3), QPointF(r.right(), r.y() + k * r.height() / 3))

    def _marks(self, p: QPainter) -> None:
        """Clipping and gamut; where there is a sharper part, only its own marks."""
        room = QRectF(0, 0, self.port.room.width(), self.port.room.height())
        layers = self.now.layers(self.port.zoomed)
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for i, q in enumerate(layers):
            made = marked(q, self.port.to_widget(*q.rect), room, self.port.ratio, self.clipping, self.gamut)
            if made is None:
                continue
            p.save()
            if i + 1 < len(layers):
                sharper = self.port.to_widget(*layers[i + 1].rect).toAlignedRect()
                p.setClipRegion(
                    QRegion(room.toAlignedRect()).subtracted(QRegion(sharper)), Qt.ClipOperation.IntersectClip
                )
            paint.pixels(p, made[0], made[1], self.port.ratio)
            p.restore()
