"""The table of keys: every command with its keys; a click and the next keys pressed give it others."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from editor_app import paint, theme
from editor_app.layout import Plane, Words, button, column, row
from editor_app.shortcuts import MENUS, Command, Commands, Sheet
from editor_app.widgets import Scroll
from editor_app.words import tr

LINE, WIDTH = 26, 320


@dataclass(frozen=True)
class Fixed:
    """A key that a control has of its own, and that cannot be another."""

    words: str
    keys: str


HANDS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "On the picture",
        (
            ("Hand, while held", "Space"),
            ("Pan when zoomed", "Shift+arrows"),
            ("Zoom at the pointer", "Wheel"),
            ("Fit or 1:1", "Double click"),
            ("Move the line of a split", ", and ."),
            ("Pan one half of two", "Shift+drag"),
        ),
    ),
    (
        "Crop",
        (
            ("Keep, leave", "Enter, Esc"),
            ("Draw a level", "Ctrl+drag"),
            ("Turn", "Drag outside, Alt+arrows"),
            ("Move, resize", "Arrows, Ctrl+arrows"),
            ("Next guide, swap the sides", "O, X"),
        ),
    ),
    (
        "Sliders and numbers",
        (
            ("One step, ten", "Arrows, Shift+arrows"),
            ("A tenth of the range", "Page up, Page down"),
            ("Default", "Backspace, double click"),
            ("As in the last snapshot", "Alt+double click"),
            ("Ten times finer", "Shift+drag"),
            ("See what it touches, or what clips", "Alt+drag"),
            ("Back to where a drag began", "Esc"),
            ("Reckon from the value", "+=5  -=5  *2  /2"),
        ),
    ),
    (
        "Panels and strips",
        (
            ("Fold all other panels", "Alt+click"),
            ("Choose several photographs", "Ctrl+click, Shift+click"),
            ("Add a style to the mix", "Alt+click"),
            ("Compare two boundaries", "Shift+click"),
        ),
    ),
)
"""What hands and keys do within a control, by where that is."""
MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)


class KeyTable(QWidget):
    """All commands in two columns, by menu; the one that waits for keys is ringed."""

    said = Signal(str)

    def __init__(self, commands: Commands) -> None:
        super().__init__()
        self.commands = commands
        self.letters = ""
        self.waiting = self.hot = -1
        self.rows: list[Command | Fixed | str] = []
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Keys"))
        self.seek("")

    def seek(self, letters: str) -> None:
        """Show the commands whose words or keys hold some letters."""
        words = letters.lower().split()
        self.rows = []
        for menu in MENUS:
            found = [c for c in self.commands.rows if c.home == menu and all(w in self._text(c) for w in words)]
            self.rows += [tr(menu), *found] if found else []
        for where, keys in HANDS:
            fixed = [Fixed(tr(a), tr(b)) for a, b in keys]
            fixed = [f for f in fixed if all(w in f"{tr(where)} {f.words} {f.keys}".lower() for w in words)]
            self.rows += [tr(where), *fixed] if fixed else []
        self.half = (len(self.rows) + 1) // 2
        self.waiting = self.hot = -1
        self.setFixedSize(2 * WIDTH + 24, max(4, self.half) * LINE + 8)
        self.update()

    def _text(self, c: Command) -> str:
        return f"{c.menu} {c.words} {self.commands.keys(c.name)}".lower()

    def _place(self, i: int) -> QRectF:
        return QRectF(i // self.half * (WIDTH + 24), i % self.half * LINE, WIDTH, LINE)

    def paintEvent(self, event: QPaintEvent) -> None:
        p, t = paint.painter(self), theme.now()
        for i, c in enumerate(self.rows):
            r = self._place(i)
            if isinstance(c, str):
                paint.text(p, r.adjusted(0, 5, 0, 3), c.upper(), t.faint, 10, 500, capitals=True)
                continue
            if isinstance(c, Fixed):
                width = paint.text(p, r.adjusted(r.width() - 170, 0, 0, 0), c.keys, t.soft, align=paint.RIGHT)
                paint.text(p, r.adjusted(0, 0, -width - 12, 0), c.words, t.soft)
                continue
            if i == self.waiting:
                paint.rounded(p, r.adjusted(-6, 1, 6, -1), t.field, 4, t.accent)
            elif i == self.hot:
                paint.rounded(p, r.adjusted(-6, 1, 6, -1), t.hover, 4)
            keys = tr("Press keys…") if i == self.waiting else self.commands.keys(c.name)
            changed = self.commands.changed(c.name)
            width = paint.text(p, r.adjusted(r.width() - 130, 0, 0, 0), keys, t.text, align=paint.RIGHT)
            words = c.words.rstrip("…") + ("  \u2022" if changed else "")
            paint.text(p, r.adjusted(0, 0, -width - 12, 0), words, t.text if changed else t.soft)

    def _at(self, e: QMouseEvent) -> int:
        return next((i for i in range(len(self.rows)) if self._place(i).contains(e.position())), -1)

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        i = self._at(e)
        self.hot = i if i >= 0 and isinstance(self.rows[i], Command) else -1
        self.update()

    def leaveEvent(self, e: QEvent) -> None:
        self.hot = -1
        self.update()

    def mousePressEvent(self, e: QMouseEvent) -> None:
        i = self._at(e)
        if e.button() == Qt.MouseButton.LeftButton and i >= 0 and isinstance(self.rows[i], Command):
            self.waiting = i
            self.setFocus()
            self.said.emit(
                tr("Press the keys that are to do it; Esc leaves it as it is, Backspace takes its keys away")
            )
            self.update()

    def contextMenuEvent(self, e: QContextMenuEvent) -> None:
        c = self.rows[self.hot] if self.hot >= 0 else ""
        if isinstance(c, Command):
            menu = QMenu(self)
            menu.addAction(tr("No keys"), lambda: self._give(c, QKeySequence()))
            menu.addAction(tr("The keys that it came with"), lambda: self._give(c, None))
            menu.exec(e.globalPos())

    def event(self, e: QEvent) -> bool:
        if e.type() == QEvent.Type.ShortcutOverride and self.waiting >= 0:
            e.accept()  # these keys are meant for the table, whatever else they do
            return True
        if e.type() == QEvent.Type.KeyPress and self.waiting >= 0 and isinstance(e, QKeyEvent):
            self.keyPressEvent(e)  # Tab too
            return True
        return super().event(e)

    def keyPressEvent(self, e: QKeyEvent) -> None:
        if self.waiting < 0:
            super().keyPressEvent(e)
            return
        key = Qt.Key(e.key())
        c = self.rows[self.waiting]
        if key in MODIFIERS or not isinstance(c, Command):
            return
        if key == Qt.Key.Key_Escape and not e.modifiers():
            self.said.emit("")
        elif key == Qt.Key.Key_Backspace and not e.modifiers():
            self._give(c, QKeySequence())
        else:
            self._give(c, QKeySequence(e.keyCombination()))
        self.waiting = -1
        self.update()

    def _give(self, c: Command, keys: QKeySequence | None) -> None:
        other = self.commands.owner(keys, c.name) if keys is not None and not keys.isEmpty() else None
        self.commands.set_keys(c.name, keys)
        words = tr("{0}: {1}").format(c.words.rstrip("…"), self.commands.keys(c.name) or tr("no keys"))
        if other is not None:
            words += ". " + tr("{0} has no keys any more").format(other.words.rstrip("…"))
        self.said.emit(words)
        self.update()


def key_sheet(window: QWidget, commands: Commands) -> Sheet:
    """The table of keys, over the window."""
    table, find, said = KeyTable(commands), QLineEdit(), Words("", "soft", 11)
    find.setPlaceholderText(tr("Find a command or a key"))
    find.setFixedWidth(220)
    find.textChanged.connect(table.seek)
    every, leave = button(tr("Restore all")), button(tr("Close"))
    area = Scroll(Plane(column(table, None)))
    area.setFixedSize(2 * WIDTH + 48, min(560, window.height() - 190))
    said.say(tr("Click a command to give it other keys"))
    table.said.connect(said.say)

    def restore() -> None:
        for c in commands.rows:
            if commands.changed(c.name):
                commands.set_keys(c.name, None)
        for c in commands.rows:  # keys that were another's are free again
            if not commands.changed(c.name):
                commands.set_keys(c.name, None)
        table.update()

    every.clicked.connect(restore)
    head = row(Words(tr("Keys"), px=14, weight=600), None, find)
    foot = row(said, None, every, 8, leave)
    foot.setStretch(0, 1)
    card = Plane(column(head, 10, area, 10, foot, margin=(24, 18, 24, 18)), "panel", radius=8)
    sheet = Sheet(window, card)
    leave.clicked.connect(sheet.leave)
    sheet.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    sheet.setFocus()
    return sheet
