"""Every command of the window: its words, its keys, and its place in the menus.  Keys can be changed in the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSettings, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from editor_app import paint, theme
from editor_app.layout import Plane, Words, column, row
from editor_app.listing import Line, Listing
from editor_app.widgets import Scroll
from editor_app.words import tr


@dataclass(frozen=True)
class Command:
    """One thing that can be done: `name` for the settings, `words` for people, keys as Qt writes them."""

    name: str
    words: str
    keys: tuple[str, ...]
    menu: str
    do: Callable[[], object]
    check: bool = False


MENUS = ("File", "Edit", "Photo", "Stage", "View", "Help")


class Commands:
    """The commands of a window, as actions."""

    def __init__(self, window: QWidget, rows: Iterable[Command | None]) -> None:
        self.window = window
        self.rows: list[Command] = []
        self.layout: list[Command | None] = list(rows)
        self.actions: dict[str, QAction] = {}
        settings = QSettings()
        for c in self.layout:
            if c is None:
                continue
            action = QAction(c.words, window)
            kept = settings.value(f"keys/{c.name}")
            keys = [str(kept)] if kept else list(c.keys)
            action.setShortcuts([QKeySequence(k) for k in keys])
            action.setCheckable(c.check)
            action.triggered.connect(lambda _=False, do=c.do: do())
            window.addAction(action)
            self.rows.append(c)
            self.actions[c.name] = action

    def keys(self, name: str) -> str:
        """A command's keys as they are written in menus."""
        return ", ".join(s.toString(QKeySequence.SequenceFormat.NativeText) for s in self.actions[name].shortcuts())

    def keep_to(self, widget: QWidget, names: Iterable[str]) -> None:
        """Let the keys of some commands work only while a widget has the focus."""
        for n in names:
            self.window.removeAction(self.actions[n])
            widget.addAction(self.actions[n])
            self.actions[n].setShortcutContext(Qt.ShortcutContext.WidgetShortcut)

    def enable(self, names: Iterable[str], on: bool) -> None:
        """Let commands be used, or not."""
        for n in names:
            self.actions[n].setEnabled(on)


class Sheet(QWidget):
    """Something over the whole window: a dimmed ground and a card; Esc or a click beside it closes it."""

    closed = Signal()

    def __init__(self, window: QWidget, card: QWidget) -> None:
        super().__init__(window)
        self.card = card
        self.setLayout(column(None, row(None, card, None), None))
        self.setGeometry(window.rect())
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setOpacity(0.6)
        p.fillRect(self.rect(), Qt.GlobalColor.black)

    def mousePressEvent(self, e: QMouseEvent) -> None:
        if not self.card.geometry().contains(e.position().toPoint()):
            self.leave()

    def keyPressEvent(self, e: QKeyEvent) -> None:
        if e.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(e)

    def leave(self) -> None:
        """Close."""
        self.hide()
        self.closed.emit()
        self.deleteLater()


class KeyTable(QWidget):
    """All commands with their keys, in two columns."""

    def __init__(self, commands: Commands) -> None:
        super().__init__()
        self.rows = [(c.words, commands.keys(c.name)) for c in commands.rows if commands.keys(c.name)]
        self.half = (len(self.rows) + 1) // 2
        self.setFixedSize(640, self.half * 22 + 8)
        self.setAccessibleName(tr("Keys"))

    def paintEvent(self, event: QPaintEvent) -> None:
        p, t = paint.painter(self), theme.now()
        for i, (words, keys) in enumerate(self.rows):
            x, y = i // self.half * 328, i % self.half * 22
            paint.text(p, QRectF(x, y, 190, 22), words.rstrip("…"), t.soft)
            paint.text(p, QRectF(x + 172, y, 140, 22), keys, t.text, align=paint.RIGHT)


def key_sheet(window: QWidget, commands: Commands) -> Sheet:
    """The table of keys, over the window."""
    head = Words(tr("Keys"), px=14, weight=600)
    card = Plane(column(head, 8, KeyTable(commands), margin=(24, 20, 24, 20)), "panel", radius=8)
    sheet = Sheet(window, card)
    sheet.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    sheet.setFocus()
    return sheet


class _Search(QLineEdit):
    moved = Signal(int)
    left = Signal()

    def keyPressEvent(self, e: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(e.key()))
        if step is not None:
            self.moved.emit(step)
        elif e.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(e)


def palette_sheet(window: QWidget, commands: Commands) -> Sheet:
    """The command palette: type a few letters, Enter does it."""
    line, listing = _Search(), Listing(tr("Commands"))
    line.setPlaceholderText(tr("What do you want to do?"))
    area = Scroll(Plane(column(listing, None)))
    area.setFixedHeight(336)
    card = Plane(column(line, 8, area, margin=(16, 16, 16, 12)), "panel", 480, radius=8)
    sheet = Sheet(window, card)
    shown: list[Command] = []

    def fill() -> None:
        letters = line.text().lower().split()
        usable = [c for c in commands.rows if commands.actions[c.name].isEnabled()]
        shown[:] = [c for c in usable if all(w in f"{c.menu} {c.words}".lower() for w in letters)]
        listing.show_lines([Line(c.words.rstrip("…"), commands.keys(c.name)) for c in shown], 0 if shown else -1)

    def move(step: int) -> None:
        if shown:
            listing.current = min(max(0, listing.current + step), len(shown) - 1)
            area.ensureVisible(0, listing.current * 28 + 14)
            listing.update()

    def take(i: int) -> None:
        if 0 <= i < len(shown):
            name = shown[i].name
            sheet.leave()
            commands.actions[name].trigger()

    line.textChanged.connect(lambda _: fill())
    line.moved.connect(move)
    line.left.connect(sheet.leave)
    line.returnPressed.connect(lambda: take(listing.current))
    listing.clicked.connect(take)
    fill()
    line.setFocus()
    return sheet
