"""Several curves on one field: tabs to choose one, the histogram behind, and regions to move without points."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme
from editor_app.adjust import CHANNELS, Hold
from editor_app.curve import CurveField
from editor_app.declared import ParamInfo
from editor_app.groups import Group
from editor_app.layout import Words, column, row
from editor_app.slider import REST
from editor_app.widgets import ARROWS, Segment, Tool, keeps
from editor_app.words import tr
from modisp.operators.curves import PLAIN, REGIONS, splits, through

TINTS = {"red": "#cf6a66", "green": "#69a86d", "blue": "#6f8fd6"}
"""Of the lines, by the name of the parameter; others are drawn in the colour of text."""
_NAMES = ("Shadows", "Darks", "Lights", "Highlights")


class Tabs(Segment):
    """A segment whose items carry a disc where something was changed."""

    def __init__(self, items: Sequence[str], width: int = 0) -> None:
        super().__init__(items, width=width, height=24)
        self.marked = [False] * len(items)

    def mark(self, i: int, on: bool) -> None:
        """Mark an item as changed, or not."""
        if self.marked[i] != on:
            self.marked[i] = on
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        p = paint.painter(self)
        for r, on in zip(self.spans(), self.marked, strict=True):
            if on:
                paint.disc(p, r.right() - 5, r.top() + 6, 2, theme.now().knob)


class Splits(QWidget):
    """Three marks under the field: where the regions part.  Drag; double-click for the default; arrows move the chosen one."""

    moved = Signal(int, float)
    done = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.at: tuple[float, ...] = REGIONS[4:]
        self.held, self.chosen = -1, 1
        self.setFixedHeight(14)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("Where shadows, darks, lights and highlights part"))
        self.setToolTip(tr("Where shadows, darks, lights and highlights part\nDouble-click: default"))
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self.done)

    def _x(self, v: float) -> float:
        return 5 + v * (self.width() - 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p = theme.now(), paint.painter(self)
        p.fillRect(QRectF(5, 3, self.width() - 10, 1), QColor(t.track))
        for i, v in enumerate(self.at):
            x = self._x(v)
            hot = self.hasFocus() and i == self.chosen
            colour = t.accent if hot else t.knob if i == self.held else t.fill
            paint.polygon(p, [QPointF(x, 3), QPointF(x + 5, 11), QPointF(x - 5, 11)], colour)

    def _place(self, i: int, v: float) -> None:
        low = self.at[i - 1] + 0.05 if i else 0.05
        high = self.at[i + 1] - 0.05 if i < 2 else 0.95
        self.moved.emit(i, round(min(max(v, low), high), 4))

    def mousePressEvent(self, e: QMouseEvent) -> None:
        found = min((abs(self._x(v) - e.position().x()), i) for i, v in enumerate(self.at))
        if found[0] <= 12:
            self.held = self.chosen = found[1]
            self.update()

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        if self.held >= 0:
            self._place(self.held, (e.position().x() - 5) / (self.width() - 10))

    def mouseReleaseEvent(self, e: QMouseEvent) -> None:
        if self.held >= 0:
            self.held = -1
            self.update()
            self.done.emit()

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        self.held = -1
        found = min((abs(self._x(v) - e.position().x()), i) for i, v in enumerate(self.at))
        self._place(found[1], REGIONS[4 + found[1]])
        self.done.emit()

    def event(self, e: QEvent) -> bool:
        return keeps(e, ARROWS) or super().event(e)

    def keyPressEvent(self, e: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -0.01, Qt.Key.Key_Right: 0.01}.get(Qt.Key(e.key()))
        if step is not None:
            self._place(self.chosen, self.at[self.chosen] + step)
            self._rest.start()
        elif e.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.chosen = (self.chosen + (1 if e.key() == Qt.Key.Key_Up else -1)) % 3
            self.update()
        else:
            super().keyPressEvent(e)


class CurveTabs(Group):
    """Tabs, a field, marks for the regions, and a row for each region."""

    def __init__(self, params: Sequence[ParamInfo]) -> None:
        super().__init__(params)
        self.curves = [p for p in params if p.kind == "curve"]
        self.regions = next((p.name for p in params if p.kind == "regions"), "")
        self.shown = 0
        self.counts: list[list[float]] = []
        self.tabs = Tabs([p.words[:1] for p in self.curves], width=30 * len(self.curves))
        self.tabs.tips = [f"{p.words}\n{p.help}" for p in self.curves]
        self.tabs.setAccessibleName(tr("Which curve is shown"))
        self.says = Words("", "faint", 11, align=paint.RIGHT)
        self.undo = Tool("", tr("Reset this curve"), size=22)
        self.field = CurveField(self.curves[0].default)
        self.target = self.aim_button()
        head = row(self.tabs, None, self.says, 6, self.undo, self.target)
        body = column(head, 4, self.field, margin=(16, 2, 8, 2))
        self.splits = Splits()
        self.rows = []
        if self.regions:
            body.addWidget(self.splits)
            what = self.params[self.regions].help
            move = [partial(self.item, self.regions, i) for i in range(4)]
            self.rows = [self.number(tr(n), what, move[i]) for i, n in enumerate(_NAMES)]
        self.setLayout(column(body, *reversed(self.rows)))
        self.tabs.chosen.connect(self._choose)
        self.field.changed.connect(lambda v: self.take(self._name, v))
        self.field.done.connect(self.done)
        self.field.pointed.connect(self._point)
        self.undo.clicked.connect(self._reset)
        self.splits.moved.connect(lambda i, v: self.item(self.regions, 4 + i, v))
        self.splits.done.connect(self.done)
        self._choose(0)

    @property
    def _name(self) -> str:
        return self.curves[self.shown].name

    def _choose(self, i: int) -> None:
        self.shown = i
        self.tabs.choose(i)
        p = self.curves[i]
        for w in (self.splits, *self.rows):  # regions belong to the first curve
            w.setEnabled(i == 0)
        self.field.chosen = -1
        self.field.default = [tuple(q) for q in p.default]
        self.field.colour = TINTS.get(p.name, "")
        self.field.setAccessibleName(p.words)
        self.field.setToolTip(
            f"{p.words}: {p.help}\n" + tr("Click: a point · drag (Shift: finer) · double-click: remove · arrows: nudge")
        )
        self._point(None)
        self._counts()
        self.refresh(p.name)

    def _bent(self) -> Any:
        """What is drawn over the points of the first curve while regions are in force."""
        regions = self.values.get(self.regions, REGIONS)
        if self.shown or not any(regions[:4]):
            return None
        points = self.values[self._name]
        return lambda x: through(regions, points, x)

    def refresh(self, name: str) -> None:
        if name == self.regions:
            value = self.values[name]
            self.splits.at = splits(value)
            self.splits.update()
            for i, r in enumerate(self.rows):
                r.show_value(float(value[i]))
        else:
            i = next(i for i, p in enumerate(self.curves) if p.name == name)
            self.tabs.mark(i, self.differs(name))
            if i == self.shown:
                self.field.show_value(self.values[name])
        self.field.bend = self._bent()
        on = self.differs(self._name)
        self.undo.set_icon("reset" if on else "")
        self.undo.setEnabled(on)
        self.field.update()

    def aim(self) -> str:
        return self._name

    def show_aim(self, name: str) -> None:
        self.target.setChecked(bool(name))
        if not name:
            self.show_hold(None)
        names = [p.name for p in self.curves]
        if name in names and name != self._name:
            self._choose(names.index(name))

    def show_hold(self, found: Hold | None) -> None:
        if found is None or found.aim.param.name != self._name:
            self.field.show_tone(None)
            self._point(None)
            return
        before, after = found.tone, found.after(self.values[self._name])
        self.field.show_tone((before, after))
        self._point((before, after))

    def _reset(self) -> None:
        self.take(self._name, [list(p) for p in PLAIN])
        self.done.emit()

    def _point(self, at: Any) -> None:
        self.says.say("" if at is None else f"{round(at[0] * 255)} → {round(at[1] * 255)}")

    def show_counts(self, counts: Sequence[Sequence[float]]) -> None:
        rows = np.array(counts, float)
        self.counts = []
        if rows.ndim == 2 and rows.shape[0] == 3 and rows.shape[1] > 8:
            # the ends hold what is clipped, and would flatten all the rest
            peak = max(1.0, float(np.percentile(rows[:, 1:-1], 98.5)))
            rows = np.minimum(rows / peak, 1.0)
            self.counts = [rows.mean(0).tolist(), *rows.tolist()]
        self._counts()

    def _counts(self) -> None:
        channel = CHANNELS.index(self._name) + 1 if self._name in CHANNELS else 0
        self.field.show_counts(self.counts[channel] if self.counts else [])
