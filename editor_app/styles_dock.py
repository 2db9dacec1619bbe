"""The styles dock: covers rendered on the present photograph; hover tries, click applies, strength by part of the mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from editor_app import paint, theme
from editor_app.controls import NumberRow
from editor_app.declared import ParamInfo, StyleInfo
from editor_app.images import unpacked
from editor_app.layout import Plane, Words, column, hairline, row
from editor_app.recipes import Recipe
from editor_app.widgets import Scroll, Tool
from editor_app.words import tr

COVER_W, COVER_H, PITCH, TRY = 96, 58, 84, 120
PLAIN = StyleInfo("", "Plain", "", {}, False)
STRENGTH = ParamInfo(
    "strength", "number", 1.0, 0.0, 1.0, 0.01, "%", help="How much of the style is laid over the picture."
)


def look_of(style: StyleInfo, strength: float = 1.0) -> dict[str, Any]:
    """A style as a recipe keeps it: a copy of its values and its strength."""
    return {"name": style.name, "strength": strength, "values": {s: dict(v) for s, v in style.values.items()}}


class Covers(QWidget):
    """Two columns of small pictures with names."""

    tried = Signal(object)  # StyleInfo or None
    applied = Signal(object, bool)  # StyleInfo, whether to add it to the mix

    def __init__(self) -> None:
        super().__init__()
        self.styles: list[StyleInfo] = []
        self.images: dict[str, QImage] = {}
        self.used: set[str] = set()
        self.hot = -1
        self._try = QTimer(self, singleShot=True, interval=TRY)
        self._try.timeout.connect(
            lambda: self.tried.emit(self.styles[self.hot] if 0 <= self.hot < len(self.styles) else None)
        )
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Styles"))

    def show_styles(self, styles: Sequence[StyleInfo]) -> None:
        """Show these styles, in this order."""
        self.styles = list(styles)
        self.setFixedHeight((len(self.styles) + 1) // 2 * PITCH + 4)
        self.update()

    def _place(self, i: int) -> QRectF:
        return QRectF(16 + i % 2 * (COVER_W + 8), 2 + i // 2 * PITCH, COVER_W, COVER_H)

    def paintEvent(self, event: QPaintEvent) -> None:
        p, t = paint.painter(self), theme.now()
        for i, s in enumerate(self.styles):
            r, on = self._place(i), s.name in self.used or (not s.key and not self.used)
            ring = t.accent if on else t.fill if i == self.hot else ""
            image = self.images.get(s.key)
            if image is not None:
                paint.picture(p, r, image, 3, ring)
            else:
                paint.rounded(p, r, t.field, 3)
                if ring:
                    paint.rounded(p, r.adjusted(-2, -2, 2, 2), "", 4, ring, 2)
            name = QRectF(r.x(), r.bottom() + 4, r.width(), 16)
            paint.text(p, name, s.name, t.text if on else t.soft, 11, 500 if on else 400)

    def _at(self, at: QPointF) -> int:
        hits = [i for i in range(len(self.styles)) if self._place(i).adjusted(0, 0, 0, 20).contains(at)]
        return hits[0] if hits else -1

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        hot = self._at(e.position())
        if hot != self.hot:
            self.hot = hot
            self.setToolTip(self.styles[hot].words if hot >= 0 else "")
            self._try.start()
            self.update()

    def leaveEvent(self, e: QEvent) -> None:
        self.hot = -1
        self._try.stop()
        self.tried.emit(None)
        self.update()

    def mousePressEvent(self, e: QMouseEvent) -> None:
        i = self._at(e.position())
        if i >= 0:
            self._try.stop()
            self.applied.emit(self.styles[i], bool(e.modifiers() & Qt.KeyboardModifier.AltModifier))


class StylesDock(QWidget):
    """Find, covers, and the mix of the styles in force with their strengths."""

    tried = Signal(object)
    applied = Signal(object, bool)
    strength = Signal(str, float)  # name of a style, strength
    removed = Signal(str)
    done = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.all: list[StyleInfo] = []
        self.rows: dict[str, NumberRow] = {}
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Find a style"))
        self.search.textChanged.connect(lambda _: self._filter())
        self.covers = Covers()
        self.covers.tried.connect(self.tried)
        self.covers.applied.connect(self.applied)
        self.hint = Words(tr("Open a photograph to see the styles on it"), "faint", 11)
        head = row(Words(tr("Mix"), weight=600), None, margin=(16, 10, 16, 2))
        self.mix_head = Plane(column(hairline(), head))
        self.mix = column(margin=(0, 0, 4, 12))
        layout = column(
            row(self.search, margin=(16, 4, 12, 10)),
            row(self.hint, margin=(16, 0, 8, 0)),
            Scroll(Plane(column(self.covers, None))),
            self.mix_head,
            self.mix,
        )
        self.setLayout(layout)

    def set_styles(self, styles: Sequence[StyleInfo]) -> None:
        """Take the styles that there are."""
        self.all = [PLAIN, *styles]
        self._filter()

    def _filter(self) -> None:
        words = self.search.text().strip().lower()
        self.covers.show_styles([s for s in self.all if words in f"{s.name} {s.words}".lower()])

    def show_cover(self, message: Mapping[str, Any]) -> None:
        """Take a cover that the engine made."""
        self.covers.images[message["style"]] = unpacked(message)
        self.covers.update()

    def forget(self) -> None:
        """Another photograph: its covers are still to come."""
        self.covers.images.clear()
        self.covers.update()

    def show_recipe(self, recipe: Recipe | None) -> None:
        """Show which styles are in force, and how strongly."""
        looks = list(recipe.get("looks", ())) if recipe is not None else []
        self.hint.setVisible(recipe is None)
        self.covers.setVisible(recipe is not None)
        self.mix_head.setVisible(bool(looks))
        self.covers.used = {k["name"] for k in looks}
        self.covers.update()
        names = [k["name"] for k in looks]
        if names != list(self.rows):
            self._rows(names)
        for k in looks:
            self.rows[k["name"]].show_value(float(k["strength"]))

    def _rows(self, names: Sequence[str]) -> None:
        while self.mix.count():
            item = self.mix.takeAt(0)
            w = item.widget() if item is not None else None
            if w is not None:
                w.deleteLater()
        self.rows = {}
        for name in names:
            info = ParamInfo(name, "number", 1.0, 0.0, 1.0, 0.01, "%", label=name, help=STRENGTH.help)
            r = NumberRow(info)
            r.name.setFixedWidth(60)
            r.changed.connect(lambda v, n=name: self.strength.emit(n, float(v)))
            r.done.connect(self.done)
            off = Tool("close", tr("Take {0} out of the mix").format(name), size=20)
            off.clicked.connect(lambda _=False, n=name: self.removed.emit(n))
            self.rows[name] = r
            line = row(r, off)
            line.setStretch(0, 1)
            self.mix.addWidget(Plane(line))
