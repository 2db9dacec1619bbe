"""Saves what a hand does, within a second and only then: one sidecar write at a time, through the engine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from editor_app.document import Document
from editor_app.worker import Later

if TYPE_CHECKING:
    from editor_app.session import Session

SOON = 800  # milliseconds; during a drag at least every second


class Keeper(QObject):
    """The open document's way into its sidecar.

    `saved`: a word on where and when.  `conflict`: somebody else has changed the sidecar; `answer` says what to do.
    """

    saved = Signal(str)  # the time
    away = Signal()  # it went into the user's own folder; said once
    unsaved = Signal(str)
    conflict = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.session = session
        self.document: Document | None = None
        self.stamp: list[int] = []
        self.rating, self.label = 0, ""
        self._told_away = False
        self.dirty = self.edited = self._flying = self._asking = False
        self._soon = Later(self, SOON, self._save)
        e = session.engine
        e.saved.connect(self._saved)
        e.unsaved.connect(self._unsaved)
        e.conflict.connect(self._conflict)

    def take(self, document: Document, told: dict[str, Any]) -> None:
        """Follow a document that was just opened (`told` by the engine)."""
        if document is not self.document:
            document.touched.connect(self._touched)
            self.dirty = self._flying = self._asking = False
        self.document, self.stamp = document, told["stamp"]
        self.rating, self.label, self.edited = told["rating"], told["label"], told["edited"]

    def rate(self, rating: int | None, label: str | None) -> None:
        """Stars or a label for the open photograph."""
        self.rating = self.rating if rating is None else rating
        self.label = self.label if label is None else label
        self._dirty()

    def _touched(self) -> None:
        self.edited = True
        self._dirty()

    def _dirty(self) -> None:
        self.dirty = True
        self._soon.ask(restart=False)

    def flush(self) -> None:
        """Save at once what is not saved yet."""
        if self.dirty:
            self._soon.timer.stop()
            self._save(last=True)

    def _save(self, last: bool = False, force: bool = False) -> None:
        d = self.document
        if d is None or not self.dirty or self._asking or (self._flying and not last):
            return
        self.dirty, self._flying = False, True
        self.session.engine.send(
            "save",
            path=str(d.path),
            recipe=d.recipe if self.edited else None,
            history=d.dump_history() if self.edited else [],
            rating=self.rating,
            label=self.label,
            stamp=self.stamp,
            force=force or (last and self._flying and bool(self.stamp)),
        )

    def _mine(self, m: dict[str, Any]) -> bool:
        return self.document is not None and m["path"] == str(self.document.path)

    def _saved(self, m: dict[str, Any]) -> None:
        if not self._mine(m) or self.document is None:
            return
        self.stamp, self._flying = m["stamp"], False
        self.session.catalog.mark(self.document.path, self.rating, self.label, self.edited)
        self.saved.emit(time.strftime("%H:%M"))
        if m["away"] and not self._told_away:
            self._told_away = True
            self.away.emit()
        if self.dirty:
            self._soon.ask(restart=False)

    def _unsaved(self, m: dict[str, Any]) -> None:
        if self._mine(m):
            self._flying, self.dirty = False, True  # kept, and tried again with the next step
        self.unsaved.emit(m["why"])

    def _conflict(self, m: dict[str, Any]) -> None:
        if self._mine(m):
            self._flying, self.dirty, self._asking = False, True, True
            self.conflict.emit()

    def answer(self, mine: bool) -> None:
        """After a conflict: keep mine (theirs becomes the backup), or take theirs."""
        self._asking = False
        d = self.document
        if d is None:
            return
        if mine:
            self._save(force=True)
        else:
            self.dirty = False
            self.session.reload()
