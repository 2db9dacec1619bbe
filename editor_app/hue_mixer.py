"""Eight hues: choose a colour and set all of it, or choose a property and set it for all colours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QWidget

from editor_app import hues, paint, theme
from editor_app.adjust import Hold
from editor_app.controls import NumberRow
from editor_app.curve_tabs import Tabs
from editor_app.declared import ParamInfo
from editor_app.groups import Group
from editor_app.layout import column, row
from editor_app.widgets import ARROWS, keeps
from editor_app.words import tr
from modisp.operators.hues import CENTRES

HUES = ("Red", "Orange", "Yellow", "Green", "Aqua", "Blue", "Purple", "Magenta")


def ramp(name: str, i: int) -> tuple[str, ...]:
    """What a slider does to one of the eight hues, as colours from its left to its right end."""
    if name.endswith("hue"):
        return hues.turning(i)
    if name.endswith(("saturation", "chroma")):
        return tuple(hues.colour(0.66, c, CENTRES[i]) for c in (0.0, 0.08, 0.2))
    return tuple(hues.colour(light, c, CENTRES[i]) for light, c in ((0.3, 0.06), (0.62, 0.13), (0.92, 0.06)))


class Discs(QWidget):
    """A row of eight discs, the chosen one ringed; a dot under those that were changed."""

    chosen = Signal(int)
    reset = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.on, self.hot = 0, -1
        self.marked = [False] * 8
        self.setFixedHeight(30)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("Colour"))

    def _spans(self) -> list[QRectF]:
        n = self.width() / 8
        return [QRectF(i * n, 0, n, self.height()) for i in range(8)]

    def choose(self, i: int) -> None:
        """Show a disc as chosen and tell it."""
        if 0 <= i < 8 and i != self.on:
            self.on = i
            self.update()
            self.chosen.emit(i)

    def show_marks(self, marked: Sequence[bool]) -> None:
        """Mark the hues that were changed."""
        if list(marked) != self.marked:
            self.marked = list(marked)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p = theme.now(), paint.painter(self)
        for i, r in enumerate(self._spans()):
            x, y = r.center().x(), 12.0
            if i == self.on:
                paint.disc(p, x, y, 11, "", t.accent if self.hasFocus() else t.text, 1.5)
            elif i == self.hot:
                paint.disc(p, x, y, 11, "", t.edge, 1.5)
            paint.disc(p, x, y, 8, hues.disc(i))
            if self.marked[i]:
                paint.disc(p, x, 27, 2, t.knob)

    def _at(self, e: QMouseEvent) -> int:
        return next((i for i, r in enumerate(self._spans()) if r.contains(e.position())), -1)

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        hot = self._at(e)
        if hot != self.hot:
            self.hot = hot
            self.setToolTip(tr(HUES[hot]) + "\n" + tr("Double-click: reset this colour") if hot >= 0 else "")
            self.update()

    def leaveEvent(self, e: QEvent) -> None:
        self.hot = -1
        self.update()

    def mousePressEvent(self, e: QMouseEvent) -> None:
        self.choose(self._at(e))

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        if self._at(e) >= 0:
            self.reset.emit(self._at(e))

    def event(self, e: QEvent) -> bool:
        return keeps(e, ARROWS) or super().event(e)

    def keyPressEvent(self, e: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(e.key()))
        if step is not None:
            self.choose(self.on + step)
        elif e.key() == Qt.Key.Key_Backspace:
            self.reset.emit(self.on)
        else:
            super().keyPressEvent(e)


class HueMixer(Group):
    """Tabs: all of one colour, or one property of all colours.  The tracks show what the sliders do."""

    def __init__(self, params: Sequence[ParamInfo]) -> None:
        super().__init__(params)
        self.tabs = Tabs([tr("Colour"), *(p.words for p in params)])
        self.tabs.tips = [tr("All of one colour"), *(p.help for p in params)]
        self.discs = Discs()
        self.one: dict[str, NumberRow] = {}
        self.all: dict[str, list[NumberRow]] = {}
        for p in params:
            r = self.one[p.name] = self.number(p.words, p.help, partial(self._chosen, p.name), p.low, p.high)
            r.slider.masked.connect(lambda on, name=p.name: self.masked.emit(name, self.discs.on, on))
        self.first = QWidget()
        self.first.setLayout(column(row(self.discs, margin=(10, 2, 2, 2)), *self.one.values()))
        self.pages: dict[int, QWidget] = {0: self.first}
        self.target = self.aim_button()
        self.body = column(row(self.tabs, 4, self.target, margin=(16, 2, 8, 4)), self.first)
        self.setLayout(self.body)
        self.tabs.chosen.connect(self._page)
        self.discs.chosen.connect(lambda _: self._hue())
        self.discs.reset.connect(self._reset)
        self._hue()

    def aim(self) -> str:
        names = list(self.params)
        return names[self.tabs.on - 1] if self.tabs.on > 0 else names[min(1, len(names) - 1)]

    def show_aim(self, name: str) -> None:
        self.target.setChecked(bool(name))
        if not name:
            self.show_hold(None)
        if name in self.params:
            k = 1 + list(self.params).index(name)
            self.tabs.choose(k)
            self._page(k)

    def show_hold(self, found: Hold | None) -> None:
        share = found.share if found is not None else (0.0,) * 8
        rows = self.all.get(found.aim.param.name if found is not None else "", ())
        for mine in self.all.values():
            for i, r in enumerate(mine):
                r.slider.show_hot(bool(rows) and mine is rows and share[i] > 0)
        if found is not None and self.tabs.on == 0:
            self.discs.choose(max(range(8), key=lambda i: share[i]))

    def _page(self, k: int) -> None:
        """Show a tab; the rows of a property are made when they are first wanted."""
        if k not in self.pages:
            p = list(self.params.values())[k - 1]
            rows = []
            for i, words in enumerate(HUES):
                r = self.number(tr(words), p.help, partial(self.item, p.name, i), p.low, p.high)
                r.slider.ramp = ramp(p.name, i)
                r.slider.masked.connect(partial(self.masked.emit, p.name, i))
                rows.append(r)
            self.all[p.name] = rows
            page = QWidget()
            page.setLayout(column(*rows))
            self.pages[k] = page
            self.body.addWidget(page)
            self.refresh(p.name)
        for i, page in self.pages.items():
            page.setVisible(i == k)

    def _chosen(self, name: str, v: float) -> None:
        self.item(name, self.discs.on, v)

    def _hue(self) -> None:
        """The three rows belong to another colour now."""
        for name, r in self.one.items():
            r.slider.ramp = ramp(name, self.discs.on)
            r.setAccessibleDescription(tr(HUES[self.discs.on]))
            r.show_value(float(self.values[name][self.discs.on]))
            r.slider.update()

    def _reset(self, i: int) -> None:
        for name, p in self.params.items():
            if self.values[name][i] != p.default[i]:
                self.item(name, i, float(p.default[i]))
        self.done.emit()

    def refresh(self, name: str) -> None:
        value = self.values[name]
        self.one[name].show_value(float(value[self.discs.on]))
        for r, v in zip(self.all.get(name, ()), value, strict=False):
            r.show_value(float(v))
        self.tabs.mark(1 + list(self.params).index(name), self.differs(name))
        marks = [any(self.values[n][i] != p.default[i] for n, p in self.params.items()) for i in range(8)]
        self.discs.show_marks(marks)
