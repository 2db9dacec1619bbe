"""Every command of the window: its words, its keys, and its place in the menus.  Keys can be changed in the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QSettings, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from editor_app.layout import column, row


@dataclass(frozen=True)
class Command:
    """One thing that can be done: `name` for the settings, `words` for people, keys as Qt writes them.

    `menu` is one of MENUS, and, after a stroke, the submenu that it stands in.
    """

    name: str
    words: str
    keys: tuple[str, ...]
    menu: str
    do: Callable[[], object]
    check: bool = False

    @property
    def home(self) -> str:
        """The menu that it is found under."""
        return self.menu.partition("/")[0]


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
            keys = list(c.keys) if kept is None else [str(kept)] if kept else []
            action.setShortcuts([QKeySequence(k) for k in keys])
            action.setCheckable(c.check)
            action.triggered.connect(lambda _=False, do=c.do: do())
            window.addAction(action)
            self.rows.append(c)
            self.actions[c.name] = action

    def keys(self, name: str) -> str:
        """A command's keys as they are written in menus."""
        return ", ".join(s.toString(QKeySequence.SequenceFormat.NativeText) for s in self.actions[name].shortcuts())

    def changed(self, name: str) -> bool:
        """Whether a command's keys are others than it came with."""
        return QSettings().contains(f"keys/{name}")

    def owner(self, keys: QKeySequence, but: str = "") -> Command | None:
        """The command that has these keys, other than `but`."""
        return next((c for c in self.rows if c.name != but and keys in self.actions[c.name].shortcuts()), None)

    def set_keys(self, name: str, keys: QKeySequence | None) -> None:
        """Give a command other keys (an empty sequence: none), taken from whoever has them; None: those it came with."""
        settings, row = QSettings(), next(c for c in self.rows if c.name == name)
        if keys is None:
            settings.remove(f"keys/{name}")
            wanted = [k for k in map(QKeySequence, row.keys) if self.owner(k, name) is None]
        else:
            wanted = [] if keys.isEmpty() else [keys]
            settings.setValue(f"keys/{name}", keys.toString(QKeySequence.SequenceFormat.PortableText))
            other = self.owner(keys, name) if wanted else None
            if other is not None:
                self.set_keys(other.name, QKeySequence())
        self.actions[name].setShortcuts(wanted)

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
        self._before: QWidget | None = QApplication.focusWidget()
        self.setLayout(column(None, row(None, card, None), None))
        self.setGeometry(window.rect())
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.show()
        self.raise_()
        self.setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setOpacity(0.6)
        p.fillRect(self.rect(), Qt.GlobalColor.black)

    def mousePressEvent(self, e: QMouseEvent) -> None:
        if not self.card.geometry().contains(e.position().toPoint()):
            self.leave()

    def event(self, e: QEvent) -> bool:
        if e.type() == QEvent.Type.ShortcutOverride:
            e.accept()  # while a sheet is open, the window's keys are not meant
            return True
        return super().event(e)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes round inside the sheet."""
        focus = QApplication.focusWidget()
        here = focus if focus is not None and self.isAncestorOf(focus) else self
        w: QWidget | None = here.nextInFocusChain() if forward else here.previousInFocusChain()
        while w is not None and w is not here:
            reached = self.isAncestorOf(w) and w.isVisible() and w.isEnabled()
            if reached and w.focusPolicy() & Qt.FocusPolicy.TabFocus:
                w.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
                break
            w = w.nextInFocusChain() if forward else w.previousInFocusChain()
        return True

    def keyPressEvent(self, e: QKeyEvent) -> None:
        if e.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(e)

    def leave(self) -> None:
        """Close."""
        self.hide()
        if self._before is not None and isValid(self._before) and self._before.isVisible():
            self._before.setFocus()  # the hand goes on where it was
        self.closed.emit()
        self.deleteLater()
