"""The filmstrip: the photographs of the folder, with stars, labels and marks; its first part holds filter and sort."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QMenu, QWidget

from editor_app import paint, theme
from editor_app.catalog import SORTS, Catalog
from editor_app.images import Previews
from editor_app.layout import Plane, Words, column, row
from editor_app.widgets import Tool
from editor_app.words import tr

WIDTH, HEIGHT, GAP = 84.0, 56.0, 10.0
COLOURS = {"Red": "#d0564f", "Yellow": "#d8b13c", "Green": "#5f9e5f", "Blue": "#5a86c4", "Purple": "#9a6fc0"}


class Strip(QWidget):
    """The row of thumbnails; the current one stays in sight."""

    chosen = Signal(object)  # Photo
    selected = Signal()

    def __init__(self, catalog: Catalog, previews: Previews) -> None:
        super().__init__()
        self.catalog, self.previews = catalog, previews
        self.offset = 0.0
        self.selection: set[Path] = set()
        self.hot = -1
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Photographs"))
        catalog.changed.connect(self.update)
        catalog.marked.connect(lambda _: self.update())
        previews.ready.connect(lambda *_: self.update())

    def places(self) -> list[QRectF]:
        """Where the thumbnails lie: all equally wide, so that none moves when another arrives."""
        out, x = [], 16.0 - self.offset
        for _ in self.catalog.shown:
            out.append(QRectF(x, 12, WIDTH, HEIGHT))
            x += WIDTH + GAP
        return out

    def reveal(self) -> None:
        """Scroll so that the current photograph is in sight, with its neighbours."""
        current = self.catalog.current
        if current not in self.catalog.shown:
            return
        places = self.places()
        r = places[self.catalog.shown.index(current)]
        if r.left() < 100:
            self.offset += r.left() - 100
        elif r.right() > self.width() - 100:
            self.offset += r.right() - self.width() + 100
        self._clamp()

    def _clamp(self) -> None:
        places = self.places()
        end = places[-1].right() + self.offset + 16 if places else 0.0
        self.offset = min(max(0.0, self.offset), max(0.0, end - self.width()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p, t = paint.painter(self), theme.now()
        if not self.catalog.shown:
            words = tr("No photograph passes the filter")
            if not self.catalog.all:
                words = tr("The photographs of the open folder line up here")
            paint.text(p, QRectF(self.rect()), words, t.faint, 12, align=paint.CENTRE)
            return
        for i, (photo, r) in enumerate(zip(self.catalog.shown, self.places(), strict=True)):
            if r.right() < -200 or r.left() > self.width() + 200:
                continue
            image = self.previews.thumb(photo.path)
            here = photo is self.catalog.current
            chosen = photo.path in self.selection and len(self.selection) > 1
            ring = t.accent if here else t.fill if chosen or i == self.hot else ""
            p.setOpacity(0.4 if photo.rating < 0 else 1.0)
            if image is not None:
                s = min(r.width() / image.width(), r.height() / image.height())
                w, h = image.width() * s, image.height() * s
                paint.picture(p, QRectF(r.center().x() - w / 2, r.center().y() - h / 2, w, h), image, 3, ring)
            else:
                paint.rounded(p, r, t.panel, 3)
                paint.text(p, r.adjusted(6, 0, -6, 0), photo.path.stem, t.faint, 10, align=paint.CENTRE)
                if ring:
                    paint.rounded(p, r.adjusted(-2, -2, 2, 2), "", 4, ring, 2)
            p.setOpacity(1.0)
            for s in range(max(0, photo.rating)):
                paint.disc(p, r.x() + 2 + s * 5, 78, 1.6, t.text if here else t.soft)
            if photo.rating < 0:
                paint.text(p, QRectF(r.x(), 71, 40, 14), tr("rejected"), t.faint, 10)
            if photo.edited:
                paint.rounded(p, QRectF(r.right() - 9, 77.5, 9, 1), t.faint, 0)
                paint.disc(p, r.right() - 3, 78, 2, t.faint)
            if photo.label in COLOURS:
                paint.rounded(p, QRectF(r.x(), 84, r.width(), 2), COLOURS[photo.label], 1)

    def _at(self, at: QPointF) -> int:
        return next((i for i, r in enumerate(self.places()) if r.contains(at)), -1)

    def mousePressEvent(self, e: QMouseEvent) -> None:
        i = self._at(e.position())
        if i < 0:
            return
        photo = self.catalog.shown[i]
        keys = e.modifiers()
        if keys & Qt.KeyboardModifier.ControlModifier:
            self.selection ^= {photo.path}
        elif keys & Qt.KeyboardModifier.ShiftModifier and self.catalog.current in self.catalog.shown:
            a, b = sorted((self.catalog.shown.index(self.catalog.current), i))
            self.selection |= {p.path for p in self.catalog.shown[a : b + 1]}
        else:
            self.selection = {photo.path}
            self.chosen.emit(photo)
        self.selected.emit()
        self.update()

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        hot = self._at(e.position())
        if hot != self.hot:
            self.hot = hot
            names = (
                [p.name for p in (self.catalog.shown[hot].path, *self.catalog.shown[hot].others)] if hot >= 0 else []
            )
            self.setToolTip(" + ".join(names))
            self.update()

    def leaveEvent(self, e: QEvent) -> None:
        self.hot = -1
        self.update()

    def wheelEvent(self, e: QWheelEvent) -> None:
        self.offset -= e.angleDelta().x() or e.angleDelta().y()
        self._clamp()


class Filmstrip(Plane):
    """Folder, count, filter and sort; then the thumbnails."""

    def __init__(self, catalog: Catalog, previews: Previews) -> None:
        self.catalog = catalog
        self.strip = Strip(catalog, previews)
        self.title = Words("", weight=600)
        self.count = Words("", "faint", 11)
        self.filter = Tool("filter", tr("Filter"), size=24)
        self.sort = Tool("sort", tr("Sort"), size=24)
        self.order = Words("", "soft", 11)
        tools = row(self.filter, self.sort, 2, self.order, None, margin=(-4, 0, 0, 0), gap=4)
        words = Plane(column(10, self.title, self.count, 2, tools, None, margin=(16, 0, 8, 0)), width=theme.LEFT)
        layout = row(words, self.strip)
        layout.setStretch(1, 1)
        super().__init__(layout, "chrome", height=theme.FILM)
        self.filter.clicked.connect(self._filter_menu)
        self.sort.clicked.connect(self._sort_menu)
        catalog.changed.connect(self._say)
        catalog.marked.connect(lambda _: self._say())
        self._say()

    def _say(self) -> None:
        c = self.catalog
        n, edited = len(c.shown), sum(p.edited for p in c.all)
        self.title.say(c.title)
        for w in (self.count, self.filter, self.sort, self.order):
            w.setVisible(bool(c.all))
        words = tr("{0} photographs").format(n) if n != 1 else tr("1 photograph")
        if c.filtered:
            words = tr("{0} of {1}").format(n, len(c.all))
        self.count.say(f"{words}, {tr('{0} edited').format(edited)}" if edited else words)
        self.order.say({"name": tr("Name"), "date": tr("Date"), "rating": tr("Stars")}[c.sort])

    def _filter_menu(self) -> None:
        c, menu = self.catalog, QMenu(self)
        for stars in range(6):
            words = tr("All") if stars == 0 else "\u2605" * stars + tr(" and more")
            a = menu.addAction(words, partial(c.set_filter, stars))
            a.setCheckable(True)
            a.setChecked(c.least == stars)
        menu.addSeparator()
        for words, on, name in (
            (tr("Edited only"), c.edited_only, "edited_only"),
            (tr("Show rejected"), c.rejected, "rejected"),
        ):
            a = menu.addAction(words)
            a.setCheckable(True)
            a.setChecked(on)
            a.triggered.connect(lambda on, name=name: c.set_filter(**{name: on}))
        menu.exec(self.filter.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def _sort_menu(self) -> None:
        menu = QMenu(self)
        names = {"name": tr("Name"), "date": tr("Date"), "rating": tr("Stars")}
        for s in SORTS:
            a = menu.addAction(names[s], partial(self.catalog.set_sort, s))
            a.setCheckable(True)
            a.setChecked(self.catalog.sort == s)
        menu.exec(self.sort.mapToGlobal(QPoint(0, -menu.sizeHint().height())))
