"""The filmstrip: the photographs of the folder, with stars, labels and marks; its first part holds filter and sort."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QContextMenuEvent,
    QIcon,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QWidget

from editor_app import paint, theme
from editor_app.catalog import LABELS, SORTS, Catalog, Photo
from editor_app.images import Previews, key_of
from editor_app.layout import Plane, Words, column, row
from editor_app.widgets import Tool
from editor_app.words import tr
from editor_app.worker import Later

WIDTH, HEIGHT, GAP = 84.0, 56.0, 10.0
_FAR = (Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
COLOURS = {"Red": "#d0564f", "Yellow": "#d8b13c", "Green": "#5f9e5f", "Blue": "#5a86c4", "Purple": "#9a6fc0"}


class Strip(QWidget):
    """The row of thumbnails; the current one stays in sight."""

    chosen = Signal(object)  # Photo
    selected = Signal()
    menu = Signal(object)  # where it is wanted, on the screen

    def __init__(self, catalog: Catalog, previews: Previews) -> None:
        super().__init__()
        self.catalog, self.previews = catalog, previews
        self.offset = 0.0
        self._at_index = -1  # the place of the current photograph
        self.selection: set[Photo] = set()
        self.pointed: Photo | None = None  # where keys are; None: at the current one
        self._anchor: Photo | None = None  # where a choice by keys began
        self.hot = -1
        self._seen: set[str] = set()  # what was last drawn, so that only their thumbnails draw it again
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(theme.FILM_LOW)
        self.setAccessibleName(tr("Photographs"))
        self.setAccessibleDescription(
            tr("Shift and arrows choose, Ctrl and arrows move, Ctrl and space choose one more")
        )
        catalog.changed.connect(self._changed)
        catalog.marked.connect(self.update)
        previews.ready.connect(self._ready)

    def _changed(self) -> None:
        self.selection &= set(self.catalog.shown)
        shown, current = self.catalog.shown, self.catalog.current
        at = shown.index(current) if current in shown else -1
        moved, self._at_index = at != self._at_index, at
        if moved:  # the folder was listed, sorted or filtered round the photograph that is open
            self.reveal()
        self._clamp()

    def _ready(self, key: str, kind: str, image: object) -> None:
        if kind == "thumb" and key in self._seen:
            self.update()

    @property
    def low(self) -> bool:
        """Whether there is no room for marks under the thumbnails."""
        return self.height() < theme.FILM

    def place(self, i: int) -> QRectF:
        """Where a thumbnail lies: all equally wide, so that none moves when another arrives."""
        return QRectF(16.0 - self.offset + i * (WIDTH + GAP), 4 if self.low else 12, WIDTH, HEIGHT)

    def visible(self, rim: float = 0.0) -> range:
        """Which thumbnails are seen, with a rim of so many pixels."""
        first = int((self.offset - rim - 16) // (WIDTH + GAP))
        last = int((self.offset + rim + self.width()) // (WIDTH + GAP)) + 1
        return range(max(0, first), min(len(self.catalog.shown), last))

    def reveal(self) -> None:
        """Scroll so that the current photograph is in sight, with its neighbours."""
        self.pointed = self._anchor = None
        if self.catalog.current in self.catalog.shown:
            self._show(self.catalog.shown.index(self.catalog.current))

    def _show(self, i: int) -> None:
        r = self.place(i)
        if r.left() < 100:
            self.offset += r.left() - 100
        elif r.right() > self.width() - 100:
            self.offset += r.right() - self.width() + 100
        self._clamp()

    def _clamp(self) -> None:
        end = 32 + len(self.catalog.shown) * (WIDTH + GAP) - GAP
        self.offset = min(max(0.0, self.offset), max(0.0, end - self.width()))
        self.update()

    def resizeEvent(self, e: QResizeEvent) -> None:
        self._clamp()

    def paintEvent(self, event: QPaintEvent) -> None:
        p, t = paint.painter(self), theme.now()
        self._seen = set()
        if not self.catalog.shown:
            words = tr("No photograph passes the filter")
            if not self.catalog.all:
                words = tr("The photographs of the open folder line up here")
            paint.text(p, QRectF(self.rect()), words, t.faint, 12, align=paint.CENTRE)
            return
        for i in reversed(self.visible(200)):  # what is asked for last comes first: the leftmost
            self._photo(p, i)

    def _photo(self, p: QPainter, i: int) -> None:
        t, photo, r = theme.now(), self.catalog.shown[i], self.place(i)
        self._seen.add(key_of(photo.path, photo.copy))
        image = self.previews.thumb(photo.path, photo.copy)
        here = photo is self.catalog.current
        chosen = photo in self.selection and len(self.selection) > 1
        ring = t.accent if here else t.fill if chosen or i == self.hot else ""
        p.setOpacity(0.4 if photo.rating < 0 else 1.0)
        shape = r
        if image is not None:
            s = min(r.width() / image.width(), r.height() / image.height())
            w, h = image.width() * s, image.height() * s
            shape = QRectF(r.center().x() - w / 2, r.center().y() - h / 2, w, h)
            paint.picture(p, shape, image, 3, ring)
        else:
            paint.rounded(p, r, t.panel, 3)
            paint.text(p, r.adjusted(6, 0, -6, 0), photo.path.stem, t.faint, 10, align=paint.CENTRE)
            if ring:
                paint.rounded(p, r.adjusted(-2, -2, 2, 2), "", 4, ring, 2)
        p.setOpacity(1.0)
        if self.hasFocus() and photo is (self.pointed or self.catalog.current):
            paint.rounded(p, shape.adjusted(-4.5, -4.5, 4.5, 4.5), "", 6, t.accent)
        if photo.copy:
            fold = QRectF(shape.x() + 3, shape.bottom() - 17, 18, 14)
            paint.rounded(p, fold, t.raised, 3)
            paint.text(p, fold, str(photo.copy), t.text, 10, 600, paint.CENTRE)
        y = r.bottom() + (4 if self.low else 10)
        if photo.rating < 0:
            paint.text(p, QRectF(r.x(), y - 7, 60, 14), tr("rejected"), t.faint, 10)
        for s in range(max(0, photo.rating)):
            paint.disc(p, r.x() + 2 + s * 5, y, 1.6, t.text if here else t.soft)
        if photo.edited:
            paint.rounded(p, QRectF(r.right() - 9, y - 0.5, 9, 1), t.faint, 0)
            paint.disc(p, r.right() - 3, y, 2, t.faint)
        if photo.label in COLOURS and not self.low:
            paint.rounded(p, QRectF(r.x(), y + 6, r.width(), 2), COLOURS[photo.label], 1)

    def _at(self, at: QPointF) -> int:
        return next((i for i in self.visible() if self.place(i).contains(at)), -1)

    def mousePressEvent(self, e: QMouseEvent) -> None:
        i = self._at(e.position())
        if i < 0:
            return
        photo = self.pointed = self.catalog.shown[i]
        self._anchor = None
        keys = e.modifiers()
        if e.button() == Qt.MouseButton.RightButton:
            if photo not in self.selection:
                self.selection = {photo}
        elif keys & Qt.KeyboardModifier.ControlModifier:
            self.selection ^= {photo}
        elif keys & Qt.KeyboardModifier.ShiftModifier and self.catalog.current in self.catalog.shown:
            a, b = sorted((self.catalog.shown.index(self.catalog.current), i))
            self.selection |= set(self.catalog.shown[a : b + 1])
        else:
            self.selection = {photo}
            self.chosen.emit(photo)
        self.selected.emit()
        self.update()

    # --- by keys --------------------------------------------------------------------------------------------------

    def event(self, e: QEvent) -> bool:
        if e.type() == QEvent.Type.ShortcutOverride and isinstance(e, QKeyEvent) and self._meant(e):
            e.accept()
            return True
        return super().event(e)

    def _meant(self, e: QKeyEvent) -> bool:
        """Whether a key is the strip's, and not the window's: plain arrows open, as everywhere."""
        shift, ctrl = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
        key = Qt.Key(e.key())
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            return bool(e.modifiers() & (shift | ctrl))
        if key == Qt.Key.Key_Space:
            return bool(e.modifiers() & ctrl)
        return key in (*_FAR, Qt.Key.Key_Return, Qt.Key.Key_Enter)

    def keyPressEvent(self, e: QKeyEvent) -> None:
        shown = self.catalog.shown
        if not shown or not self._meant(e):
            super().keyPressEvent(e)
            return
        here = self.pointed or self.catalog.current
        i = shown.index(here) if here in shown else 0
        key, keys = Qt.Key(e.key()), e.modifiers()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.selection = {shown[i]}
            self.chosen.emit(shown[i])
        elif key == Qt.Key.Key_Space:
            self.selection ^= {shown[i]}
            self._anchor = shown[i]
        else:
            page = max(1, len(self.visible()) - 1)
            far = {_FAR[0]: -len(shown), _FAR[1]: len(shown), _FAR[2]: -page, _FAR[3]: page}
            to = min(max(0, i + far.get(key, 1 if key == Qt.Key.Key_Right else -1)), len(shown) - 1)
            self.pointed = shown[to]
            if keys & Qt.KeyboardModifier.ShiftModifier:
                self._anchor = self._anchor if self._anchor in shown else shown[i]
                a, b = sorted((shown.index(self._anchor), to))
                kept = self.selection if keys & Qt.KeyboardModifier.ControlModifier else set()
                self.selection = kept | set(shown[a : b + 1])
            else:
                self._anchor = None
            self._show(to)
        self.selected.emit()
        self.update()

    def contextMenuEvent(self, e: QContextMenuEvent) -> None:
        if self.catalog.shown:
            self.menu.emit(e.globalPos())

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        hot = self._at(e.position())
        if hot != self.hot:
            self.hot = hot
            self.setToolTip(self._tip(self.catalog.shown[hot]) if hot >= 0 else "")
            self.update()

    @staticmethod
    def _tip(photo: Photo) -> str:
        words = " + ".join([photo.name, *(p.name for p in photo.others)])
        if photo.copy:
            words = tr("{0}, virtual copy {1}").format(photo.path.name, photo.copy)
        more = [tr("{0} stars").format(photo.rating)] if photo.rating > 0 else []
        more += [tr("rejected")] if photo.rating < 0 else []
        more += [tr(photo.label).lower()] if photo.label else []
        more += [tr("edited")] if photo.edited else []
        return words + ("\n" + ", ".join(more) if more else "")

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
        self.filter = Tool("filter", tr("Filter"), size=24, check=True)
        self.sort = Tool("sort", tr("Sort"), size=24)
        self.order = Words("", "soft", 11)
        tools = row(self.filter, self.sort, 2, self.order, None, margin=(-4, 0, 0, 0), gap=4)
        self.head = column(10, self.title, self.count, 2, tools, None, margin=(16, 0, 8, 0))
        words = Plane(self.head, width=theme.LEFT + 4)  # the dock and its grip
        layout = row(words, self.strip)
        layout.setStretch(1, 1)
        super().__init__(layout, "chrome", height=theme.FILM)
        self.filter.clicked.connect(self._filter_menu)
        self.sort.clicked.connect(self._sort_menu)
        self._later = Later(self, 50, self._say)  # thousands of marks come at once
        catalog.changed.connect(self._say)
        catalog.marked.connect(lambda: self._later.ask(restart=False))
        self.strip.selected.connect(self._say)
        self._say()

    def set_low(self, low: bool) -> None:
        """Keep the thumbnails only, on low windows."""
        self.setFixedHeight(theme.FILM_LOW if low else theme.FILM)
        self.count.setVisible(not low and bool(self.catalog.all))
        self.head.setContentsMargins(16, 0, 8, 0)

    def _say(self) -> None:
        c = self.catalog
        n, edited = len(c.shown), sum(p.edited for p in c.all)
        self.title.say(c.title)
        low = self.height() < theme.FILM
        for w in (self.filter, self.sort, self.order):
            w.setVisible(bool(c.all))
        self.count.setVisible(bool(c.all) and not low)
        self.filter.setChecked(c.filtered)
        words = tr("{0} photographs").format(n) if n != 1 else tr("1 photograph")
        if c.filtered:
            words = tr("{0} of {1}").format(n, len(c.all))
        chosen = len(self.strip.selection)
        more = tr("{0} chosen").format(chosen) if chosen > 1 else tr("{0} edited").format(edited) if edited else ""
        self.count.say(f"{words}, {more}" if more else words)
        self.order.say(_sorts()[c.sort] + (" \u2193" if c.down else ""))

    def _filter_menu(self) -> None:
        c, menu = self.catalog, QMenu(self)
        self.filter.setChecked(c.filtered)
        for stars in range(6):
            words = tr("All") if stars == 0 else "\u2605" * stars + tr(" and more")
            _checked(menu, words, c.least == stars, partial(c.set_filter, stars))
        menu.addSeparator()
        for name in LABELS:
            words = tr("Any colour") if not name else tr(name)
            a = _checked(menu, words, c.label == name, partial(c.set_filter, label=name))
            if name:
                a.setIcon(_swatch(COLOURS[name]))
        menu.addSeparator()
        _checked(menu, tr("Edited only"), c.edited_only, partial(c.set_filter, edited_only=not c.edited_only))
        _checked(menu, tr("Show rejected"), c.rejected, partial(c.set_filter, rejected=not c.rejected))
        if c.filtered:
            menu.addSeparator()
            menu.addAction(tr("Show all"), partial(c.set_filter, 0, False, True, ""))
        menu.exec(self.filter.mapToGlobal(QPoint(0, -menu.sizeHint().height())))
        self.filter.setChecked(c.filtered)

    def _sort_menu(self) -> None:
        c, menu = self.catalog, QMenu(self)
        for s in SORTS:
            _checked(menu, _sorts()[s], c.sort == s, partial(c.set_sort, s))
        menu.addSeparator()
        _checked(menu, tr("The other way round"), c.down, partial(c.set_sort, c.sort, not c.down))
        menu.exec(self.sort.mapToGlobal(QPoint(0, -menu.sizeHint().height())))


def _sorts() -> dict[str, str]:
    return {"name": tr("Name"), "date": tr("Date taken"), "rating": tr("Stars"), "edited": tr("Edited first")}


def _checked(menu: QMenu, words: str, on: bool, do: Callable[[], object]) -> QAction:
    a = menu.addAction(words)
    a.setCheckable(True)
    a.setChecked(on)
    a.triggered.connect(lambda _=False: do())
    return a


def _swatch(colour: str) -> QIcon:
    pixmap = QPixmap(10, 10)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)
