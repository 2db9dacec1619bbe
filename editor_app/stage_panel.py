"""The panel of one stage: a header and a row per parameter, drawn from its declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QPoint, QSettings, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QPainter
from PySide6.QtWidgets import QMenu, QWidget

from editor_app import paint, theme
from editor_app.chips import Chips
from editor_app.controls import Control, NumberRow, PickRow, control_for, spacer
from editor_app.declared import ParamInfo, StageInfo
from editor_app.groups import Group, Part, parted
from editor_app.layout import Drawing, Plane, Words, button, column, row
from editor_app.recipes import BY_HAND, Entry, Recipe, begun, changed, is_on, standing, value
from editor_app.widgets import Combo, Switch, Tool
from editor_app.words import tr

COMPARE, DEFAULT, COPY, PASTE = "compare", "default", "copy", "paste"
"""What can be asked for besides; see `StagePanel.asked`."""


class StagePanel(QWidget):
    """fold | name | changed dot | … | implementation | reset | view | switch; below it one row per parameter."""

    edited = Signal(str, str, object)  # entry, parameter, value
    done = Signal()
    applied = Signal(str, object)  # entry, several values at once
    switched = Signal(str, bool)
    reset = Signal(str)
    swapped = Signal(str, str)  # entry, stage
    viewed = Signal(str, bool)
    picking = Signal(str, str)  # entry, parameter
    recalled = Signal(str, str)  # entry, parameter: the value of the last snapshot is wanted
    aiming = Signal(str, str)  # entry, parameter: to be adjusted on the picture
    masked = Signal(str, str, int, bool)  # entry, parameter, number of it: whether what it touches is to be seen
    folded = Signal(str, bool)
    alone = Signal(str)  # fold all the others
    asked = Signal(str, str)  # entry, what else is to be done with its stage: compare, copy, paste or default

    def __init__(self, ident: str, info: StageInfo, rivals: Sequence[StageInfo], unfolded: bool) -> None:
        super().__init__()
        self.ident, self.info = ident, info
        self.changed = False
        self.choice, self.standing = "", dict[str, Any]()
        self.setAccessibleName(info.heading)
        self.controls: dict[str, Control | Part] = {}
        self.groups: list[Group] = []
        self.chips = Chips()
        rows = self._rows([p for p in info.params if not p.advanced])
        more = self._rows([p for p in info.params if p.advanced])
        self.more = Plane(column(*more))
        self.more.hide()
        self.reveal = button(tr("More"), "quiet")
        self.reveal.setFont(theme.font(11))
        self.reveal.clicked.connect(self._reveal)
        body = column(self.chips, *rows, self.more, spacer())
        if more:
            body.insertLayout(body.count() - 1, row(16, self.reveal, None))
        self.body = Plane(body)
        self.chips.setHidden(not self._chips_kept())
        self.has_rows = bool(rows or more)
        self._header(rivals)
        layout = column(self.header, self.body)
        self.setLayout(layout)
        self.set_folded(not (unfolded and self.has_rows))
        self.chips.applied.connect(lambda values: self.applied.emit(self.ident, values))

    def _rows(self, params: Sequence[ParamInfo]) -> list[QWidget]:
        """A control for each parameter; those that belong together share one, where the first of them stands."""
        groups = parted(params)
        home = {p.name: kind for kind, mine in groups.items() for p in mine}
        rows: list[QWidget] = []
        for p in params:
            kind = home.get(p.name)
            if kind is None:
                c = self._control(p)
                rows += [c] if c is not None else []
            elif p is groups[kind][0]:
                g = kind(groups[kind])
                g.changed.connect(lambda name, v: self.edited.emit(self.ident, name, v))
                g.done.connect(self.done)
                g.aimed.connect(lambda name: self.aiming.emit(self.ident, name))
                g.masked.connect(lambda name, i, on: self.masked.emit(self.ident, name, i, on))
                self.controls |= {q.name: Part(g, q.name) for q in groups[kind]}
                self.groups.append(g)
                rows.append(g)
        return rows

    def show_counts(self, counts: Sequence[Sequence[float]]) -> None:
        """Hand the picture's histogram to the controls that draw it."""
        for g in self.groups:
            g.show_counts(counts)

    def _control(self, p: ParamInfo) -> Control | None:
        c = control_for(p)
        if c is not None:
            self.controls[p.name] = c
            c.changed.connect(lambda v: self._edit(p, v))
            c.done.connect(self.done)
            c.recalled.connect(lambda: self.recalled.emit(self.ident, p.name))
            if isinstance(c, NumberRow):
                c.slider.masked.connect(lambda on: self.masked.emit(self.ident, p.name, 0, on))
            if isinstance(c, PickRow):
                c.picking.connect(lambda: self.picking.emit(self.ident, p.name))
        return c

    def _edit(self, p: ParamInfo, v: Any) -> None:
        """A hand on a number that was measured goes on from there: all that was measured with it is now set by hand."""
        taken = p.name in self.standing and v != p.default
        if taken or (self.standing and (p.name, v) == (self.choice, BY_HAND)):
            self.applied.emit(self.ident, {self.choice: BY_HAND, **self.standing})
            if not taken:
                return
        self.edited.emit(self.ident, p.name, v)
        named = self.controls.get(v) if p.kind == "choice" else None
        if isinstance(named, PickRow) and not named.value:  # the choice does nothing until something is picked
            self.picking.emit(self.ident, v)

    def _header(self, rivals: Sequence[StageInfo]) -> None:
        name = self.info.heading
        self.fold = Tool("down", tr("Fold {0} (Alt: all others)").format(name), size=16)
        self.title = Words(name, "text", 12, 600)
        self.title.mousePressEvent = lambda e: self._fold()  # type: ignore[method-assign]
        self.dot = Drawing(self._dot, width=14, height=theme.HEAD)
        self.kind = Combo([(s.kind, s.name) for s in rivals], flat=True)
        self.kind.setMaximumWidth(118)
        self.kind.setAccessibleName(tr("Implementation of {0}").format(name))
        for i, s in enumerate(rivals):
            self.kind.setItemData(i, f"{s.title}\n{s.note}", Qt.ItemDataRole.ToolTipRole)
        if len(rivals) > 1:
            self.kind.insertSeparator(len(rivals))
            self.kind.addItem(tr("Compare two…"), COMPARE)
            self.kind.addItem(tr("Make it the default…"), DEFAULT)
        self.kind.set_value(self.info.name)
        self.kind.view().setMinimumWidth(160)
        if len(rivals) < 2:
            self.kind.hide()
        self.undo = Tool("reset", tr("Reset {0}").format(name), size=22)
        self.eye = Tool("eye", tr("View the picture after {0}").format(name), check=True, size=22)
        self.switch = Switch(tr("{0} on or off").format(name))
        end: QWidget = self.switch if self.info.has_switch else Drawing(lambda p, w, h: None, 22, 24)
        if not self.info.has_switch:
            self.switch.setParent(self)
            self.switch.hide()
        layout = row(
            self.fold, self.title, self.dot, None, self.kind, 2, self.undo, self.eye, 6, end, margin=(0, 0, 8, 0)
        )
        self.header = Plane(layout, height=theme.HEAD)
        self.fold.clicked.connect(self._fold)
        self.fold.alt_clicked.connect(lambda: self.alone.emit(self.ident))
        self.kind.activated.connect(lambda _: self._swap())
        self.undo.clicked.connect(lambda: self.reset.emit(self.ident))
        self.eye.clicked.connect(lambda on: self.viewed.emit(self.ident, on))
        self.switch.clicked.connect(lambda on: self.switched.emit(self.ident, on))

    def _dot(self, p: QPainter, w: int, h: int) -> None:
        if self.changed:
            paint.disc(p, 7, h / 2 + 0.5, 2.5, theme.now().knob)

    def _swap(self) -> None:
        wanted = self.kind.value()
        self.kind.set_value(self.info.name)  # this panel stays that of its stage: the other one has a panel of its own
        if wanted in (COMPARE, DEFAULT):
            self.asked.emit(self.ident, wanted)
        elif wanted != self.info.name:
            self.swapped.emit(self.ident, wanted)

    def show_row(self, param: str) -> QWidget | None:
        """Give a parameter's row the focus, unfolding what hides it; the row."""
        found = self.controls.get(param)
        if found is None:
            return None
        row: QWidget = found.group if isinstance(found, Part) else found
        if self.more.isAncestorOf(row) and self.more.isHidden():
            self._reveal()
        for w in (row, *row.findChildren(QWidget)):
            if w.focusPolicy() & Qt.FocusPolicy.TabFocus:
                w.setFocus()
                break
        return row

    def _reveal(self) -> None:
        shown = self.more.isHidden()
        self.more.setVisible(shown)
        self.reveal.setText(tr("Less") if shown else tr("More"))

    def _fold(self) -> None:
        if self.has_rows:
            self.set_folded(not self.body.isHidden())
            self.folded.emit(self.ident, self.body.isHidden())

    def set_folded(self, folded: bool) -> None:
        """Show the rows, or the header alone."""
        self.body.setVisible(not folded)
        self.fold.set_icon(("right" if folded else "down") if self.has_rows else "")
        self.fold.setEnabled(self.has_rows)

    def show_entry(self, e: Entry, reading: Mapping[str, Any] | None = None, default: Recipe | None = None) -> None:
        """Show an entry's values and what was measured, without telling anybody."""
        self.changed = changed(e, self.info, default)
        base = begun(default, e)
        self.dot.setToolTip(tr("Changed") if self.changed else "")
        self.dot.update()
        self.undo.set_icon("reset" if self.changed else "")
        self.undo.setEnabled(self.changed)
        self.switch.setChecked(is_on(e))
        values = {p.name: value(e, p) for p in self.info.params}
        self.choice, self.standing = standing(self.info.params, values, reading)
        for name, v in (values | self.standing).items():
            control = self.controls.get(name)
            if isinstance(control, Control):
                control.set_default(value(base, self.info.param(name)))
                control.measured = name in self.standing
            if control is not None:
                control.show_value(v)
        if reading is None:
            self.chips.wait()
            return
        self.chips.show_candidates(reading.get("candidates", ()), values)
        if self.chips.isHidden() == self._chips_kept():
            QSettings().setValue(f"chips/{self.info.name}", not self.chips.isHidden())

    def _chips_kept(self) -> bool:
        """Whether there were candidates the last time that they were known: so much room is kept for them."""
        return bool(QSettings().value(f"chips/{self.info.name}", False, type=bool))

    def contextMenuEvent(self, e: QContextMenuEvent) -> None:
        menu = QMenu(self)
        entry = menu.addAction(tr("Reset {0}").format(self.info.heading), lambda: self.reset.emit(self.ident))
        entry.setEnabled(self.changed)
        menu.addAction(tr("View the picture after it"), lambda: self.viewed.emit(self.ident, True))
        menu.addAction(tr("Fold all others"), lambda: self.alone.emit(self.ident))
        menu.addSeparator()
        menu.addAction(tr("Copy its settings"), lambda: self.asked.emit(self.ident, COPY))
        menu.addAction(tr("Paste settings into it"), lambda: self.asked.emit(self.ident, PASTE))
        if self.kind.count() > 1:
            menu.addAction(tr("Compare two implementations"), lambda: self.asked.emit(self.ident, COMPARE))
        menu.exec(e.globalPos() if e.globalPos() else QPoint())
