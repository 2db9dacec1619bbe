"""The right side: histogram, group jumps, and the panels of all stages, grouped as a photographer thinks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any

from PySide6.QtCore import QPoint, QSettings, QTimer, Signal
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from editor_app import theme
from editor_app.adjust import Hold
from editor_app.declared import Declarations
from editor_app.layout import Plane, Words, column, hairline, row
from editor_app.recipes import Recipe
from editor_app.stage_panel import StagePanel
from editor_app.widgets import Scroll, Tool
from editor_app.words import tr

GROUPS = {
    "Raw": "group-raw",
    "White balance": "group-white-balance",
    "Light": "group-light",
    "Colour": "group-colour",
    "Style": "group-style",
    "Detail": "group-detail",
    "Lens & crop": "group-lens-crop",
    "Output": "group-output",
}
"""A photographer's groups, in order, with their icons."""
OTHER = "Other"
TURN = 0.03
"""Seconds for which panels are built before the window has its turn."""
_OPEN = {"White balance", "Light", "Colour", "Detail"}


def group_of(name: str) -> str:
    """The group that a stage is shown in."""
    return name if name in GROUPS else OTHER


class Panels(QWidget):
    """Headers and rows of every entry of the recipe shown; built once per stage, then only updated."""

    edited = Signal(str, str, object)
    done = Signal()
    applied = Signal(str, object)
    switched = Signal(str, bool)
    reset = Signal(str)
    swapped = Signal(str, str)
    viewed = Signal(str, bool)
    picking = Signal(str, str)
    recalled = Signal(str, str)
    aiming = Signal(str, str)
    masked = Signal(str, str, int, bool)
    asked = Signal(str, str)

    def __init__(self, histogram: QWidget) -> None:
        super().__init__()
        self.declared: Declarations | None = None
        self.panels: dict[tuple[str, str], StagePanel] = {}
        self.shape: list[tuple[str, str]] = []
        self.tops: dict[str, QWidget] = {}
        self.counts: Sequence[Sequence[float]] = ()
        self._wanted: tuple[Recipe, Mapping[str, Any] | None, frozenset[str] | None, Recipe | None] = (
            {},
            None,
            None,
            None,
        )
        self._hurry = False
        self._told: dict[str, tuple[object, ...]] = {}  # what each entry's panel shows
        self._more = QTimer(self, singleShot=True, interval=0)
        self._more.timeout.connect(self._grow)
        self.settings = QSettings()
        self.jumps = {g: Tool(icon, g, check=True, size=32) for g, icon in GROUPS.items()}
        for g, tool in self.jumps.items():
            tool.clicked.connect(lambda _, g=g: self.jump(g))
        bar = row(*self.jumps.values(), margin=(14, 4, 14, 4), gap=5)
        self.inner = QWidget()
        self.list = QVBoxLayout(self.inner)
        self.list.setContentsMargins(0, 0, 0, 0)
        self.list.setSpacing(0)
        self.area = Scroll(self.inner)
        self.area.verticalScrollBar().valueChanged.connect(lambda _: self._mark())
        self.bar = Plane(bar, height=40)
        layout = column(histogram, hairline(), self.bar, hairline(), self.area)
        outer = column(Plane(layout, "panel"))
        self.setLayout(outer)
        self.setFixedWidth(theme.RIGHT)

    def set_declared(self, declared: Declarations) -> None:
        """Take (new) declarations; the panels are built again when a recipe is shown."""
        self.declared, self.shape = declared, []
        for p in self.panels.values():
            p.deleteLater()
        self.panels = {}
        self._arrange()

    def show_recipe(
        self,
        recipe: Recipe,
        readings: Mapping[str, Any] | None = None,
        accepted: frozenset[str] | None = None,
        default: Recipe | None = None,
        hurry: bool = False,
    ) -> None:
        """Show a recipe's values; `accepted` names the stages that can serve this picture, `default` how it was untouched.

        In a hurry, as in the middle of a drag, only those of entries that have changed.
        """
        self._wanted, self._hurry = (recipe, readings, accepted, default), hurry
        self._grow()

    def finish(self) -> None:
        """Build at once what is still lacking."""
        while self._more.isActive():
            self._more.stop()
            self._grow()

    def _grow(self) -> None:
        """Show what is wanted, as soon as all panels are there: they are built a few at a time, so that the window is not held."""
        recipe, readings, accepted, default = self._wanted
        if self.declared is None:
            return
        rows = [e for e in recipe["entries"] if e["stage"] in self.declared.stages]
        shape = [(str(e["id"]), str(e["stage"])) for e in rows]
        end = monotonic() + TURN
        for key in shape:
            if key not in self.panels:
                if monotonic() > end:
                    self._more.start()
                    return
                self.panels[key] = self._build(*key, accepted)
        if shape != self.shape and monotonic() > end:  # to lay them out takes a turn of its own
            self._more.start()
            return
        self._more.stop()
        if shape != self.shape:
            self.shape = shape
            self._arrange()
            self.show_counts(self.counts)
        for e in rows:
            told = (e, (readings or {}).get(e["id"]), default)
            if not (self._hurry and self._told.get(e["id"]) == told):
                self.panels[e["id"], e["stage"]].show_entry(*told)
                self._told[e["id"]] = told

    def _build(self, ident: str, stage: str, accepted: frozenset[str] | None) -> StagePanel:
        assert self.declared is not None
        info = self.declared.stages[stage]
        rivals = self.declared.fitting(info.slot, accepted)
        if info not in rivals:
            rivals = [info, *rivals]
        unfolded = self.settings.value(f"unfolded/{ident}", group_of(info.group) in _OPEN, type=bool)
        panel = StagePanel(ident, info, rivals, bool(unfolded))
        for name in (
            "edited",
            "done",
            "applied",
            "switched",
            "reset",
            "swapped",
            "viewed",
            "picking",
            "recalled",
            "aiming",
            "masked",
            "asked",
        ):
            getattr(panel, name).connect(getattr(self, name))
        panel.folded.connect(lambda i, folded: self.settings.setValue(f"unfolded/{i}", not folded))
        panel.alone.connect(self._alone)
        return panel

    def _arrange(self) -> None:
        """Lay the panels out by group."""
        while self.list.count():
            item = self.list.takeAt(0)
            w = item.widget() if item is not None else None
            if w is not None and not isinstance(w, StagePanel):
                w.hide()
                w.deleteLater()
        shown = {self.panels[key] for key in self.shape}
        focus = QApplication.focusWidget()
        gone = [p for p in self.panels.values() if p not in shown]
        held = next((p.ident for p in gone if focus is not None and p.isAncestorOf(focus)), "")
        for p in gone:  # they stay where they are in the tree: a new parent would mean to be styled anew
            p.hide()
        groups: dict[str, list[StagePanel]] = {g: [] for g in (*GROUPS, OTHER)}
        for key in self.shape:
            groups[group_of(self.panels[key].info.group)].append(self.panels[key])
        self.tops = {}
        for g, panels in groups.items():
            if not panels:
                continue
            if self.tops:
                self.list.addWidget(hairline(right=8))
            caption = g.upper() if len(panels) > 1 and panels[0].info.heading != g else ""
            top = Plane(
                row(Words(caption, "faint", 10, 500, capitals=True), margin=(16, 6, 16, 0)), height=26 if caption else 4
            )
            self.tops[g] = top
            self.list.addWidget(top)
            for p in panels:
                self.list.addWidget(p)
                p.setVisible(True)
            self.list.addSpacing(4)
        self.list.addStretch(1)
        for g, tool in self.jumps.items():
            tool.setEnabled(g in self.tops)
            tool.setToolTip(g if g in self.tops else tr("{0}: nothing here yet").format(g))
        swapped = self.panel(held) if held else None
        if swapped is not None:  # another implementation took its place: the hand goes on at its chooser
            swapped.kind.setFocus()
        QTimer.singleShot(0, self, self._mark)  # once they have their places

    def _alone(self, ident: str) -> None:
        for (i, _), p in self.panels.items():
            p.set_folded(i != ident)
            self.settings.setValue(f"unfolded/{i}", i == ident)

    def set_live(self, on: bool) -> None:
        """Whether there is a photograph to work on; without one the panels are a table of contents."""
        self.inner.setEnabled(on)
        self.bar.setEnabled(on)

    def panel(self, ident: str) -> StagePanel | None:
        """The panel of an entry that is shown."""
        return next((self.panels[k] for k in self.shape if k[0] == ident), None)

    def show_counts(self, counts: Sequence[Sequence[float]]) -> None:
        """Hand the picture's histogram to the controls that draw it."""
        self.counts = counts
        for p in self._shown():
            p.show_counts(counts)

    def show_aim(self, ident: str, param: str) -> None:
        """Reveal the parameter that is adjusted on the picture; "" for none."""
        for p in self._shown():
            for g in p.groups:
                g.show_aim(param if p.ident == ident and param in g.params else "")
        if ident:
            self.reveal(ident)

    def show_hold(self, ident: str, param: str, found: Hold | None) -> None:
        """Show in its panel what the pointer on the picture would change, or changes."""
        p = self.panel(ident)
        for g in p.groups if p is not None else ():
            if param in g.params:
                g.show_hold(found)

    def take_ranked(self, i: int) -> None:
        """Apply answer `i` of the first stage that has ranked answers."""
        found = next((p.chips for p in self._shown() if p.chips.rows), None)
        if found is not None:
            found.apply(i)

    def set_viewed(self, ident: str) -> None:
        """Light the eye of the entry whose picture is viewed; "" for the result."""
        for p in self._shown():
            p.eye.setChecked(p.ident == ident)

    def _shown(self) -> Iterable[StagePanel]:
        return (self.panels[k] for k in self.shape)

    def jump(self, group: str) -> None:
        """Scroll to a group."""
        if group in self.tops:
            self.area.verticalScrollBar().setValue(self.tops[group].y())
        self._mark()

    def reveal(self, ident: str, param: str = "") -> None:
        """Scroll to the panel of an entry and unfold it; with a parameter, to its row, which gets the focus."""
        p = self.panel(ident)
        if p is None:
            return
        p.set_folded(False)
        row = p.show_row(param) if param else None
        QTimer.singleShot(0, self, partial(self._reach, p, row))  # once they have their places

    def _reach(self, p: StagePanel, row: QWidget | None) -> None:
        bar = self.area.verticalScrollBar()
        bar.setValue(p.y())
        if row is not None:
            at = row.mapTo(self.inner, QPoint(0, 0)).y()
            if at + row.height() > p.y() + self.area.viewport().height() - 40:
                bar.setValue(at - self.area.viewport().height() // 2)

    def _mark(self) -> None:
        at = self.area.verticalScrollBar().value() + 40
        here = [g for g, w in self.tops.items() if w.y() <= at]
        for g, tool in self.jumps.items():
            tool.setChecked(bool(here) and g == here[-1])
