"""The command palette: everything that can be done, found by a few letters; Enter does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

from editor_app.layout import Plane, column
from editor_app.listing import Line, Listing
from editor_app.shortcuts import Commands, Sheet
from editor_app.vocabulary import best
from editor_app.widgets import Scroll
from editor_app.words import tr

if TYPE_CHECKING:
    from editor_app.window import Window


@dataclass(frozen=True)
class Deed:
    """One line: where it belongs, what it is called, its keys, what it does."""

    group: str
    words: str
    keys: str
    do: Callable[[], object]
    more: str = ""  # what is written about it


def deeds(window: Window, commands: Commands) -> list[Deed]:
    """Commands that can be used, panels to go to, parameters, styles, photographs' filters."""
    rows = [
        Deed(
            tr(c.menu.rpartition("/")[2]), c.words.rstrip("…"), commands.keys(c.name), commands.actions[c.name].trigger
        )
        for c in commands.rows
        if commands.actions[c.name].isEnabled() and c.name != "palette"
    ]
    s = window.session
    d, declared = s.document, s.declared
    if d is None or declared is None:
        return rows
    for e in d.recipe["entries"]:
        info = declared.stages.get(e["stage"])
        if info is None:
            continue
        go = lambda ident=e["id"]: window.panels.reveal(ident)  # noqa: E731
        rows.append(Deed(tr("Go to"), info.heading, "", go, info.note))
        rows += [
            Deed(info.heading, p.words, "", partial(window.panels.reveal, str(e["id"]), p.name), p.help)
            for p in info.params
            if p.kind in _SOUGHT
        ]
    rows += [Deed(tr("Style"), x.name, "", lambda x=x: s.apply_style(x, False)) for x in declared.styles]  # type: ignore[misc]
    return rows


_SOUGHT = ("number", "switch", "choice", "curve", "hues", "wheel", "rect", "file", "regions")


class _Search(QLineEdit):
    moved = Signal(int)
    left = Signal()

    def keyPressEvent(self, e: QKeyEvent) -> None:
        pages = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}
        step = pages.get(Qt.Key(e.key()))
        if step is not None:
            self.moved.emit(step)
        elif e.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(e)


def palette_sheet(window: Window, commands: Commands) -> Sheet:
    """Type a few letters, Enter does it."""
    line, listing = _Search(), Listing(tr("Commands"))
    line.setPlaceholderText(tr("What do you want to do?"))
    area = Scroll(Plane(column(listing, None)))
    area.setFixedHeight(336)
    card = Plane(column(line, 8, area, margin=(16, 16, 16, 12)), "panel", 480, radius=8)
    sheet = Sheet(window, card)
    every = deeds(window, commands)
    shown: list[Deed] = []

    def fill() -> None:
        found = best(line.text(), ((f"{x.words} {x.group}", x.more) for x in every))
        shown[:] = [every[i] for i in found]
        lines = [Line(f"{x.group}: {x.words}" if not x.keys and x.group else x.words, x.keys) for x in shown]
        listing.show_lines(lines, 0 if shown else -1)
        area.verticalScrollBar().setValue(0)

    def move(step: int) -> None:
        if shown:
            listing.current = min(max(0, listing.current + step), len(shown) - 1)
            area.ensureVisible(0, listing.current * 28 + 14, 0, 28)
            listing.update()

    def take(i: int) -> None:
        if 0 <= i < len(shown):
            do = shown[i].do
            sheet.leave()
            do()

    line.textChanged.connect(lambda _: fill())
    line.moved.connect(move)
    line.left.connect(sheet.leave)
    line.returnPressed.connect(lambda: take(listing.current))
    listing.clicked.connect(take)
    fill()
    line.setFocus()
    return sheet
