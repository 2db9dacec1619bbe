"""The styles dock: covers rendered on the present photograph; hover tries, click applies, strength by part of the mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QImage, QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from editor_app import paint, theme
from editor_app.declared import StyleInfo
from editor_app.images import unpacked
from editor_app.layout import Plane, Words, button, column, hairline, row
from editor_app.mix_row import MixRow
from editor_app.recipes import Recipe
from editor_app.widgets import ARROWS, Scroll, Tool, keeps
from editor_app.words import tr

COVER_W, COVER_H, PITCH, TRY = 96, 58, 84, 120
PLAIN = StyleInfo("", "Plain", "", {}, False)


def look_of(style: StyleInfo, strength: float = 1.0) -> dict[str, Any]:
    """A style as a recipe keeps it: a copy of its values and its strength."""
    return {"name": style.name, "strength": strength, "values": {s: dict(v) for s, v in style.values.items()}}


class Covers(QWidget):
    """Two columns of small pictures with names; over one lie its heart and what adds it to the mix."""

    tried = Signal(object)  # StyleInfo or None
    applied = Signal(object, bool)  # StyleInfo, whether to add it to the mix
    loved = Signal(object)  # StyleInfo
    menu = Signal(object, object)  # StyleInfo, where

    def __init__(self) -> None:
        super().__init__()
        self.styles: list[StyleInfo] = []
        self.images: dict[str, QImage] = {}
        self.used: set[str] = set()
        self.hearts: set[str] = set()
        self.hot, self.at = -1, QPointF()
        self._try = QTimer(self, singleShot=True, interval=TRY)
        self._try.timeout.connect(
            lambda: self.tried.emit(self.styles[self.hot] if 0 <= self.hot < len(self.styles) else None)
        )
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("Styles"))

    def show_styles(self, styles: Sequence[StyleInfo]) -> None:
        """Show these styles, in this order."""
        self.styles, self.hot = list(styles), -1
        self.setFixedHeight((len(self.styles) + 1) // 2 * PITCH + 4)
        self.update()

    def _place(self, i: int) -> QRectF:
        return QRectF(16 + i % 2 * (COVER_W + 8), 2 + i // 2 * PITCH, COVER_W, COVER_H)

    def _heart(self, i: int) -> QRectF:
        r = self._place(i)
        return QRectF(r.right() - 18, r.bottom() + 1, 22, 22)

    def _plus(self, i: int) -> QRectF:
        r = self._place(i)
        return QRectF(r.right() - 24, r.top() + 2, 22, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        p, t = paint.painter(self), theme.now()
        for i, s in enumerate(self.styles):
            r, on = self._place(i), s.name in self.used or (not s.key and not self.used)
            if not event.rect().intersects(r.adjusted(-4, -4, 4, 24).toRect()):
                continue
            ring = t.accent if on else t.fill if i == self.hot else ""
            image = self.images.get(s.key)
            if image is not None:
                paint.picture(p, r, image, 3, ring)
            else:
                paint.rounded(p, r, t.field, 3)
                if ring:
                    paint.rounded(p, r.adjusted(-2, -2, 2, 2), "", 4, ring, 2)
            heart = bool(s.key) and (s.key in self.hearts or i == self.hot)
            name = QRectF(r.x(), r.bottom() + 4, r.width() - 18 * heart, 16)
            paint.text(p, name, s.name, t.text if on else t.soft, 11, 500 if on else 400)
            if heart:
                here = self._heart(i).contains(self.at) and i == self.hot
                colour = t.text if here or s.key in self.hearts else t.faint
                icon = "heart-full" if s.key in self.hearts else "heart"
                p.drawPixmap(self._heart(i).topLeft() + QPointF(5, 5), theme.icon(icon, colour, 12))
            if i == self.hot and s.key and self.used and s.name not in self.used:
                box = self._plus(i)
                paint.rounded(p, box, t.raised, 4, t.accent if box.contains(self.at) else t.edge)
                p.drawPixmap(box.topLeft() + QPointF(5, 5), theme.icon("plus", t.text, 12))

    def _at(self, at: QPointF) -> int:
        hits = [i for i in range(len(self.styles)) if self._place(i).adjusted(0, 0, 4, 22).contains(at)]
        return hits[0] if hits else -1

    def _tip(self, i: int) -> str:
        if i < 0:
            return ""
        if self.styles[i].key and self._heart(i).contains(self.at):
            return tr("Favourite")
        if self.styles[i].key and self.used and self._plus(i).contains(self.at):
            return tr("Add it to the mix  (Alt-click)")
        return self.styles[i].words

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        self.at = e.position()
        hot = self._at(self.at)
        if hot != self.hot:
            self.hot = hot
            self._try.start()
        self.setToolTip(self._tip(hot))
        self.update()

    def leaveEvent(self, e: QEvent) -> None:
        self.hot, self.at = -1, QPointF()
        self._try.stop()
        self.tried.emit(None)
        self.update()

    def mousePressEvent(self, e: QMouseEvent) -> None:
        i = self._at(e.position())
        if i < 0 or e.button() != Qt.MouseButton.LeftButton:
            return
        self._try.stop()
        s = self.styles[i]
        if s.key and self._heart(i).contains(e.position()):
            self.loved.emit(s)
        else:
            plus = bool(self.used) and s.name not in self.used and self._plus(i).contains(e.position())
            self.applied.emit(s, plus or bool(e.modifiers() & Qt.KeyboardModifier.AltModifier))

    def contextMenuEvent(self, e: QContextMenuEvent) -> None:
        i = self._at(QPointF(e.pos()))
        if i >= 0 and self.styles[i].key:
            self._try.stop()
            self.tried.emit(None)
            self.menu.emit(self.styles[i], e.globalPos())

    def keyPressEvent(self, e: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -2, Qt.Key.Key_Down: 2}.get(Qt.Key(e.key()))
        if step is not None:
            self.hot = min(max(0, self.hot + step), len(self.styles) - 1)
            self._try.start()
            self.update()
        elif e.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and 0 <= self.hot < len(self.styles):
            self.applied.emit(self.styles[self.hot], bool(e.modifiers() & Qt.KeyboardModifier.AltModifier))
        else:
            super().keyPressEvent(e)

    def event(self, e: QEvent) -> bool:
        return keeps(e, ARROWS) or super().event(e)


class StylesDock(QWidget):
    """Find, covers, and the mix of the styles in force with their strengths."""

    tried = Signal(object)
    applied = Signal(object, bool)
    strength = Signal(str, float, str)  # name of a style, strength, part or ""
    removed = Signal(str)
    done = Signal()
    saving = Signal()
    asked = Signal(str, object)  # what to do with a style: export, rename, delete; import

    def __init__(self) -> None:
        super().__init__()
        self.all: list[StyleInfo] = []
        self.parts: dict[str, str] = {}
        self.rows: dict[str, MixRow] = {}
        self._looks: tuple[bool, list[Any]] | None = None  # what is shown
        self.opened: set[str] = set()
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Find a style"))
        self.search.textChanged.connect(lambda _: self._filter())
        self.only = Tool("heart", tr("Favourites only"), check=True, size=26)
        self.only.clicked.connect(lambda _: self._filter())
        self.covers = Covers()
        kept = QSettings().value("styles/favourites", [])
        self.covers.hearts = {str(k) for k in (kept if isinstance(kept, list) else [kept] if kept else [])}
        self.covers.tried.connect(self.tried)
        self.covers.applied.connect(self.applied)
        self.covers.loved.connect(self._love)
        self.covers.menu.connect(self._menu)
        self.hint = Words(tr("Open a photograph to see them on it"), "faint", 11)
        self.none = Words("", "faint", 11)
        self.none.hide()
        self.count = Words("", "faint", 11)
        head = row(Words(tr("Mix"), weight=600), None, self.count, margin=(16, 10, 16, 2))
        self.mix = column()
        self.mix_area = Scroll(Plane(column(self.mix, None)))
        self.mix_head = Plane(column(hairline(), head, self.mix_area))
        self.save = button(tr("Save style…"))
        self.save.clicked.connect(self.saving)
        self.more = Tool("more", tr("Import styles and colour tables"), size=26)
        self.more.clicked.connect(self._more)
        self.foot = Plane(row(self.save, None, self.more, margin=(16, 10, 12, 12)))
        layout = column(
            row(self.search, 4, self.only, margin=(16, 4, 10, 10)),
            row(self.hint, margin=(16, 0, 8, 0)),
            row(self.none, margin=(16, 0, 8, 6)),
            Scroll(Plane(column(self.covers, None))),
            self.mix_head,
            self.foot,
        )
        layout.setStretch(3, 1)
        self.setLayout(layout)
        self.show_recipe(None)

    def set_styles(self, styles: Sequence[StyleInfo], parts: Mapping[str, str]) -> None:
        """Take the styles that there are, and what their parts are called."""
        self.all, self.parts = [PLAIN, *styles], dict(parts)
        self._filter()

    def _filter(self) -> None:
        words, loved = self.search.text().strip().lower(), self.only.isChecked()
        rows = [s for s in self.all if words in f"{s.name} {s.words}".lower()]
        rows = [s for s in rows if not loved or s.key in self.covers.hearts or not s.key]
        rows.sort(key=lambda s: bool(s.key) and s.key not in self.covers.hearts)  # favourites first
        self.covers.show_styles(rows)
        empty = loved and not self.covers.hearts
        self.none.say(tr("A heart under a style makes it a favourite") if empty else tr("No style is called so"))
        self.none.setVisible(bool(self.all) and (not rows or empty))

    def _love(self, s: StyleInfo) -> None:
        self.covers.hearts ^= {s.key}
        QSettings().setValue("styles/favourites", sorted(self.covers.hearts))
        if self.only.isChecked():
            self._filter()
        self.covers.update()

    def _menu(self, s: StyleInfo, at: QPoint) -> None:
        menu = QMenu(self)
        menu.addAction(tr("Apply {0}").format(s.name), lambda: self.applied.emit(s, False))
        menu.addAction(tr("Add it to the mix"), lambda: self.applied.emit(s, True))
        loved = s.key in self.covers.hearts
        menu.addAction(tr("No favourite any more") if loved else tr("Make it a favourite"), lambda: self._love(s))
        menu.addSeparator()
        menu.addAction(tr("Export it…"), lambda: self.asked.emit("export", s))
        if s.own:
            menu.addAction(tr("Rename…"), lambda: self.asked.emit("rename", s))
            menu.addAction(tr("Delete"), lambda: self.asked.emit("delete", s))
        menu.exec(at)

    def _more(self) -> None:
        menu = QMenu(self)
        menu.addAction(tr("Import styles or colour tables…"), lambda: self.asked.emit("import", None))
        menu.addAction(tr("Open the folder of your styles"), lambda: self.asked.emit("folder", None))
        menu.exec(self.more.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def show_cover(self, message: Mapping[str, Any]) -> None:
        """Take a cover that the engine made."""
        self.covers.images[message["style"]] = unpacked(message)
        self.covers.update()
        for r in self.rows.values():
            r.update()

    def forget(self) -> None:
        """Another photograph: its covers are still to come."""
        self.covers.images.clear()
        self.covers.update()

    def show_recipe(self, recipe: Recipe | None) -> None:
        """Show which styles are in force, and how strongly."""
        looks = list(recipe.get("looks", ())) if recipe is not None else []
        if self._looks == (recipe is None, looks):  # a slider elsewhere moves: sixty times a second
            return
        self._looks = (recipe is None, looks)
        self.hint.setVisible(recipe is None)
        self.covers.setEnabled(recipe is not None)
        self.foot.setEnabled(recipe is not None)
        self.mix_head.setVisible(bool(looks))
        self.covers.used = {k["name"] for k in looks}
        self.covers.update()
        shape = [(k["name"], tuple(k["values"])) for k in looks]
        if shape != [(n, r.slots) for n, r in self._shape()]:
            self._rows(looks)
        for k in looks:
            self.rows[k["name"]].show_look(k)
        self.count.say(tr("{0} styles").format(len(looks)) if len(looks) > 1 else "")

    def _shape(self) -> list[tuple[str, Any]]:
        return list(self.rows.items())

    def _rows(self, looks: Sequence[Mapping[str, Any]]) -> None:
        self.opened = {n for n, r in self.rows.items() if not r.body.isHidden()}
        while self.mix.count():
            item = self.mix.takeAt(0)
            w = item.widget() if item is not None else None
            if w is not None:
                w.hide()
                w.deleteLater()
        self.rows = {}
        keys = {s.name: s.key for s in self.all}
        for k in looks:
            name = str(k["name"])
            r = MixRow(k, self.parts, lambda name=name: self.covers.images.get(keys.get(name, "")))  # type: ignore[misc]
            r.strength.connect(self.strength)
            r.removed.connect(self.removed)
            r.done.connect(self.done)
            r.fold.clicked.connect(self._fit)
            r.set_open(name in self.opened)
            self.rows[name] = r
            self.mix.addWidget(r)
        self._fit()

    def _fit(self) -> None:
        """As much room for the mix as it needs, up to a third of the dock."""
        wanted = sum(60 + (len(r.rows) * theme.ROW if not r.body.isHidden() else 0) for r in self.rows.values())
        self.mix_area.setFixedHeight(min(wanted + 4, max(124, self.height() // 3)))

    def resizeEvent(self, e: QResizeEvent) -> None:
        self._fit()
