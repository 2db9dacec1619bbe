"""Tools on the picture: what takes the pointer and the keys while it is in hand, and draws over the photograph.

Which tool serves a parameter follows from the parameter's kind (docs/editor.md); none knows a stage by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QCursor, QKeyEvent, QPainter

from editor_app.floating import FloatingBar

if TYPE_CHECKING:
    from editor_app.sight import Sight
    from editor_app.worker import Picture


class PictureTool(QObject):
    """The common part: a tool that does nothing.

    `left`: it wants to be put down.  Places are logical pixels of the viewer.  What returns a bool says whether the tool has
    dealt with it; what it leaves (panning, zooming) the viewer does.
    """

    left = Signal()
    hint = ""
    """One line for the status line: what the hand can do now."""
    bar: FloatingBar | None = None
    """A bar that floats at the bottom of the viewer."""
    covers = False
    """Whether it has the whole viewer to itself: no navigator, no menu, no zooming by a tap."""
    title: tuple[str, str] = ("", "")
    """The pill in the corner: what it is, and more."""

    def __init__(self, viewer: Sight) -> None:
        super().__init__(viewer)
        self.viewer = viewer

    def begin(self) -> None:
        """It is taken in hand."""

    def end(self) -> None:
        """It is put down."""

    def cancel(self) -> None:
        """Esc: leave without a trace; the nearest thing first."""
        self.left.emit()

    def show_picture(self, picture: Picture) -> None:
        """A rendering has come."""

    def draws(self, p: QPainter) -> bool:
        """Draw the photograph itself; False leaves that to the viewer."""
        return False

    def paint(self, p: QPainter) -> None:
        """Draw over the photograph."""

    def cursor(self, at: QPointF) -> Qt.CursorShape | QCursor:
        """The pointer's shape at a place."""
        return Qt.CursorShape.ArrowCursor

    def press(self, at: QPointF, keys: Qt.KeyboardModifier) -> bool:
        """The button goes down."""
        return False

    def move(self, at: QPointF, keys: Qt.KeyboardModifier, held: bool) -> bool:
        """The pointer moves; `held`: with the button down."""
        return False

    def release(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        """The button comes up."""

    def double(self, at: QPointF) -> bool:
        """A double click."""
        return False

    def wheel(self, at: QPointF, turn: float, keys: Qt.KeyboardModifier) -> bool:
        """The wheel turns, by notches."""
        return False

    def gone(self) -> None:
        """The pointer has left the viewer."""

    def wants(self, e: QKeyEvent) -> bool:
        """Whether a key belongs to the tool and not to the window's commands."""
        return False

    def key(self, e: QKeyEvent) -> None:
        """A key that it wanted."""
