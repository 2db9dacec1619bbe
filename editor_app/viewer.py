"""The viewer: the photograph on a neutral surround, zoomed and panned, before and after, with overlays in its corners."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QCursor,
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
from editor_app.overlay import marked
from editor_app.viewport import Viewport
from editor_app.words import tr
from editor_app.worker import Picture

NAVIGATOR = 160
SURROUNDS = ("", "#000000", "#2b2b2b", "#777777", "#bdbdbd", "#ffffff")


class Viewer(QWidget):
    """Shows what it is given and tells what is wanted.

    `moved`: another part or size of the picture is seen.  `pointed`: the pointer is at picture pixels (x, y); `left`: it
    went away.  `picked`: a rectangle of picture pixels was drawn.  `cancelled` and `returned`: the pills' crosses.
    """

    moved = Signal()
    pointed = Signal(float, float)
    gone = Signal()
    picked = Signal(object)
    cancelled = Signal()
    returned = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.port = Viewport()
        self.preview: QImage | None = None
        self.base: Picture | None = None  # the whole picture
        self.detail: Picture | None = None  # a part of it, sharper
        self.before: Picture | None = None
        self.peek = self.split = self.clipping = self.gamut = self.grid = self.picking = False
        self.cut = 0.5
        self.what = ("", "")  # the pill: what is viewed, and more
        self.work: tuple[str, float, float] | None = None  # words, fraction, seconds left
        self.toast: tuple[str, str, Callable[[], None] | None] | None = None
        self.message = ""  # across the top: what went wrong with the file
        self.surround = ""
        self._held: QPointF | None = None
        self._drawn: QRectF | None = None
        self._split_held = False
        self._hits: list[tuple[QRectF, Callable[[], None]]] = []
        self._toast_off = QTimer(self, singleShot=True, interval=4000)
        self._toast_off.timeout.connect(lambda: self.say(""))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(560, 320)
        self.setAccessibleName(tr("The photograph"))
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    # --- what is shown ----------------------------------------------------------------------------------------------

    def clear(self, preview: QImage | None = None, full: tuple[int, int] | None = None) -> None:
        """Another photograph: show its preview until a rendering comes."""
        self.base = self.detail = self.before = None
        self.preview, self.message, self.work = preview, "", None
        if full:
            self.port.full = full
        elif preview is not None:
            self.port.full = (preview.width(), preview.height())
        self.port.set_zoom(None)
        self.update()

    def set_full(self, full: tuple[int, int]) -> None:
        """The size of the picture, as soon as it is known; the view stays where it was."""
        if full != self.port.full:
            self.port.full = full
            self.update()

    def show_picture(self, picture: Picture) -> None:
        """Show a rendering, whole or in part."""
        self.set_full(picture.full)
        x, y, w, h = picture.rect
        if (x, y) == (0, 0) and w >= picture.full[0] - 32 and h >= picture.full[1] - 32:
            self.base = picture
            if not self.port.zoomed:
                self.detail = None
        else:
            self.detail = picture
        self.update()

    def show_before(self, picture: Picture) -> None:
        """The rendering to compare with."""
        self.before = picture
        self.update()

    @property
    def current(self) -> Picture | None:
        """The rendering that is looked at."""
        return self.detail if self.detail is not None and self.port.zoomed else self.base

    def say(self, words: str, action: str = "", do: Callable[[], None] | None = None) -> None:
        """A word at the bottom for four seconds, perhaps with one thing to do."""
        self.toast = (words, action, do) if words else None
        self._toast_off.start() if words else self._toast_off.stop()
        self.update()

    def set_zoom(self, zoom: float | None, at: QPointF | None = None) -> None:
        """Fit (None) or so many device pixels per picture pixel."""
        self.port.set_zoom(zoom, at)
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

    def pick(self, on: bool) -> None:
        """Let a rectangle be drawn on the picture."""
        self.picking, self._drawn = on, None
        self.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)
        self.update()

    def _changed(self) -> None:
        self.update()
        self.moved.emit()

    # --- drawing ----------------------------------------------------------------------------------------------------

    def resizeEvent(self, e: QResizeEvent) -> None:
        self.port.room, self.port.ratio = QSizeF(self.size()), self.devicePixelRatioF()
        self.moved.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.fillRect(self.rect(), QColor(self.surround or theme.now().surround))
        self._hits = []
        if self.port.full[0]:
            self._pictures(p)
        p.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self.grid and self.base is not None:
            self._grid(p)
        if self._drawn is not None:
            p.setPen(QPen(QColor("#ffffff"), 1))
            p.drawRect(self._drawn)
        self._corners(p)

    def _pictures(self, p: QPainter) -> None:
        after = self.base if not self.peek or self.before is None else self.before
        sharp = self.port.scale * self.port.ratio > 4
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not sharp)
        whole = self.port.rect()
        if after is None:
            if self.preview is not None:
                p.drawImage(whole, self.preview, self._middle(self.preview))
            return
        self._layer(p, after)
        if self.detail is not None and self.port.zoomed and not self.peek:
            self._layer(p, self.detail)
        if self.split and self.before is not None and not self.peek:
            x = self.cut * self.width()
            p.save()
            p.setClipRect(QRectF(0, 0, x, self.height()))
            self._layer(p, self.before)
            p.restore()
            p.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint.rounded(p, QRectF(x - 0.75, 0, 1.5, self.height()), "#f2f2f2", 0)
            paint.rounded(p, QRectF(x - 5, self.height() / 2 - 20, 10, 40), "#f2f2f2", 5)

    def _layer(self, p: QPainter, picture: Picture) -> None:
        place = self.port.to_widget(*picture.rect)
        p.drawImage(place, picture.image, QRectF(picture.image.rect()))
        if (self.clipping or self.gamut) and picture is not self.before:
            p.drawImage(place, marked(picture, self.clipping, self.gamut), QRectF(picture.image.rect()))

    def _middle(self, image: QImage) -> QRectF:
        """The part of a preview that has the picture's shape: cameras pad or trim theirs by a few pixels."""
        w, h = image.width(), image.height()
        shape = self.port.full[0] / self.port.full[1]
        if abs(w / h / shape - 1) < 0.01:
            return QRectF(0, 0, w, h)
        cut_w, cut_h = min(w, h * shape), min(h, w / shape)
        return QRectF((w - cut_w) / 2, (h - cut_h) / 2, cut_w, cut_h)

    def _grid(self, p: QPainter) -> None:
        r = self.port.rect()
        p.setPen(QPen(QColor(255, 255, 255, 102), 1))
        for k in (1, 2):
            p.drawLine(QPointF(r.x() + k * r.width() / 3, r.y()), QPointF(r.x() + k * r.width() / 3, r.bottom()))
            p.drawLine(QPointF(r.x(), r.y() + k * r.height() / 3), QPointF(r.right(), r.y() + k * r.height() / 3))

    def _corners(self, p: QPainter) -> None:
        w, h = self.width(), self.height()
        if self.what[0]:
            r = paint.pill(p, QPointF(12, 12), self.what[0], self.what[1], close=True)
            self._hits.append((QRectF(r.right() - 26, r.y(), 26, r.height()), self.returned.emit))
        elif self.peek and self.before is not None:
            paint.pill(p, QPointF(12, 12), tr("Before"), tr("as opened"))
        if self.split and self.before is not None:
            x = self.cut * w
            width = paint.pill_width(p, "A", tr("as opened"), False, False)
            paint.pill(p, QPointF(x - 12 - width, h - 44), "A", tr("as opened"))
            paint.pill(p, QPointF(x + 12, h - 44), "B", tr("now"))
        if self.work is not None:
            words, fraction, left = self.work
            more = f"{fraction:.0%}".replace("%", " %") + (f"   {max(1, round(left))} s" if left >= 0.5 else "")
            width = paint.pill_width(p, words, more, True, True)
            r = paint.pill(p, QPointF(w - 12 - width, 12), words, more, spin=True, close=True)
            self._hits.append((QRectF(r.right() - 26, r.y(), 26, r.height()), self.cancelled.emit))
        if self.message:
            width = min(w - 24.0, paint.pill_width(p, self.message, "", False, False))
            r = QRectF((w - width) / 2, 52, width, 28)
            paint.rounded(p, r, theme.now().raised, 6, theme.now().bad)
            paint.text(p, r.adjusted(12, 0, -12, 0), self.message, theme.now().text)
        if self.toast is not None:
            words, action, do = self.toast
            width = paint.pill_width(p, words, action, False, False)
            r = paint.pill(p, QPointF((w - width) / 2, h - 40), words, action)
            if do is not None:
                self._hits.append((r, lambda: self._take(do)))
        if self.port.zoomed and self.base is not None:
            self._navigator(p)

    def _take(self, do: Callable[[], None]) -> None:
        self.say("")
        do()

    def _navigator_rect(self) -> QRectF:
        fw, fh = self.port.full
        s = NAVIGATOR / max(fw, fh)
        return QRectF(self.width() - 12 - fw * s, self.height() - 12 - fh * s, fw * s, fh * s)

    def _navigator(self, p: QPainter) -> None:
        assert self.base is not None
        r, t = self._navigator_rect(), theme.now()
        paint.rounded(p, r.adjusted(-3, -3, 3, 3), t.raised, 4)
        p.drawImage(r, self.base.image, QRectF(self.base.image.rect()))
        v, s = self.port.visible(), r.width() / self.port.full[0]
        paint.rounded(
            p, QRectF(r.x() + v.x() * s, r.y() + v.y() * s, v.width() * s, v.height() * s), "", 2, t.accent, 1.5
        )

    # --- hand -------------------------------------------------------------------------------------------------------

    def _hit(self, at: QPointF) -> Callable[[], None] | None:
        return next((do for r, do in self._hits if r.contains(at)), None)

    def _near_split(self, at: QPointF) -> bool:
        return self.split and self.before is not None and abs(at.x() - self.cut * self.width()) < 8

    def mousePressEvent(self, e: QMouseEvent) -> None:
        at = e.position()
        self.setFocus()
        do = self._hit(at)
        if do is not None:
            do()
        elif self.picking:
            self._held, self._drawn = at, QRectF(at, at)
        elif self._near_split(at):
            self._split_held = True
        elif self.port.zoomed and self._navigator_rect().contains(at):
            self._navigate(at)
        else:
            self._held = at

    def _navigate(self, at: QPointF) -> None:
        r = self._navigator_rect()
        self.port.centre = QPointF((at.x() - r.x()) / r.width(), (at.y() - r.y()) / r.height())
        self._changed()

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        at = e.position()
        if self._split_held:
            self.cut = min(max(at.x() / self.width(), 0.02), 0.98)
            self.update()
        elif self._held is not None and self.picking:
            self._drawn = QRectF(self._held, at).normalized()
            self.update()
        elif self._held is not None and self.port.zoomed:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.port.pan(at.x() - self._held.x(), at.y() - self._held.y())
            self._held = at
            self._changed()
        else:
            self._point(at)

    def _point(self, at: QPointF) -> None:
        if not self.picking:
            hand = Qt.CursorShape.PointingHandCursor if self._hit(at) else Qt.CursorShape.ArrowCursor
            self.setCursor(Qt.CursorShape.SplitHCursor if self._near_split(at) else hand)
        x, y = self.port.to_picture(at).toTuple()
        if 0 <= x < self.port.full[0] and 0 <= y < self.port.full[1]:
            self.pointed.emit(x, y)
        else:
            self.gone.emit()

    def mouseReleaseEvent(self, e: QMouseEvent) -> None:
        if self.picking and self._drawn is not None:
            r, self._drawn = self._drawn, None
            if max(r.width(), r.height()) < 4:  # a click: a small square under it
                r = QRectF(r.x() - 6, r.y() - 6, 12, 12)
            a, b = self.port.to_picture(r.topLeft()), self.port.to_picture(r.bottomRight())
            self.pick(False)
            self.picked.emit((a.x(), a.y(), b.x() - a.x(), b.y() - a.y()))
        self._held, self._split_held = None, False
        if not self.picking:
            self.setCursor(Qt.CursorShape.ArrowCursor)

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        if not self.picking and self._hit(e.position()) is None:
            self.set_zoom(None if self.port.zoom else 1.0, e.position())

    def wheelEvent(self, e: QWheelEvent) -> None:
        turn = e.angleDelta().y()
        if not turn or not self.port.full[0]:
            return
        now = self.port.zoom or self.port.fitting
        zoom = now * 1.25 ** (turn / 120)
        for stop in (1.0, 2.0):
            if min(now, zoom) < stop < max(now, zoom) or abs(zoom / stop - 1) < 0.08:
                zoom = stop
        self.set_zoom(None if zoom <= self.port.fitting * 1.001 else zoom, e.position())

    def leaveEvent(self, e: QEvent) -> None:
        self.gone.emit()
