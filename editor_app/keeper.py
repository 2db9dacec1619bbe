"""Saves what a hand does, within a second and only then: one sidecar write at a time, through the engine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QEventLoop, QObject, Signal

from editor_app.document import Document
from editor_app.words import tr
from editor_app.worker import Later

if TYPE_CHECKING:
    from editor_app.session import Session

Row = dict[str, Any]

SOON, AGAIN = 800, 10_000
"""Milliseconds: during a drag it is saved at least every second; a save that failed is tried again."""


def _key(row: Row) -> tuple[str, int]:
    return str(row["path"]), int(row["copy"])


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
        self.problem = ""  # why the last save failed
        self.sent: dict[tuple[str, int], Row] = {}  # saves that are on their way
        self.failed: dict[tuple[str, int], Row] = {}  # those that did not succeed
        self.late: dict[tuple[str, int], Row] = {}  # what follows one that is on its way into a copy of its own
        self._soon = Later(self, SOON, self._save)
        self._again = Later(self, AGAIN, self.retry)
        e = session.engine
        e.saved.connect(self._saved)
        e.unsaved.connect(self._unsaved)
        e.conflict.connect(self._conflict)
        e.kept_both.connect(self._kept_both)
        e.declared.connect(lambda _: self._resend())

    def take(self, document: Document, told: Row) -> None:
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

    def _save(self, last: bool = False, **how: bool) -> None:
        d = self.document
        if d is None or not self.dirty or self._asking or (self._flying and not last):
            return
        self.dirty, self._flying = False, True
        row = self._row(d) | how
        if self.sent.get(_key(row), {}).get("both"):
            self.late[_key(row)] = row
        else:
            self._send(row)

    def _row(self, d: Document) -> Row:
        return {
            "path": str(d.path),
            "copy": d.copy,
            "recipe": d.recipe if self.edited else None,
            "history": d.dump_history() if self.edited else [],
            "rating": self.rating,
            "label": self.label,
            "stamp": self.stamp,
        }

    def _send(self, row: Row) -> None:
        self.sent[_key(row)] = row
        self.session.engine.send("save", **row)

    def _mine(self, m: Row) -> bool:
        d = self.document
        return d is not None and _key(m) == (str(d.path), d.copy)

    def _saved(self, m: Row) -> None:
        row = self.sent.pop(_key(m), None)
        self.failed.pop(_key(m), None)
        if row is not None:
            edited = row["recipe"] is not None
            self.session.catalog.mark(Path(m["path"]), row["rating"], row["label"], edited, m["copy"])
        if m["away"] and not self._told_away:
            self._told_away = True
            self.away.emit()
        if not self._mine(m):
            return
        self.stamp, self._flying = m["stamp"], False
        self.saved.emit(time.strftime("%H:%M"))
        if self.dirty:
            self._soon.ask(restart=False)

    def _unsaved(self, m: Row) -> None:
        """Nothing is lost: it is kept here, tried again, and asked about at the end."""
        row, late = self.sent.pop(_key(m), None), self.late.pop(_key(m), {})
        if row is not None:
            self.failed[_key(m)] = row | late
            self.problem = m["why"]
            self._again.ask()
        if self._mine(m):
            self._flying, self.dirty = False, True
        self.unsaved.emit(m["why"])

    def retry(self) -> None:
        """Try once more to save what could not be saved."""
        self._save()
        for key, row in list(self.failed.items()):
            if key not in self.sent:
                self._send(row)

    def _resend(self) -> None:
        """The engine was started again: what it may not have written is sent once more."""
        for row in list(self.sent.values()):
            self._send(row)

    def _conflict(self, m: Row) -> None:
        row = self.sent.pop(_key(m), None)
        if self._mine(m):
            self._flying, self.dirty, self._asking = False, True, True
            self.conflict.emit()
        elif row is not None:  # nobody can be asked any more, and nothing must be lost
            self._send(row | {"both": True})
            words = tr("{0} was changed elsewhere too; your edits are kept as a virtual copy of it")
            self.unsaved.emit(words.format(Path(m["path"]).name))

    def kept(self, document: Document) -> bool:
        """Give a document back what could not be saved of it; whether there was anything."""
        row = self.failed.pop((str(document.path), document.copy), None)
        if row is None or row["recipe"] is None:
            return False
        document.load_history(row["history"], row["recipe"])
        return True

    def answer(self, what: str) -> None:
        """After a conflict: keep "mine" (theirs becomes the backup), take "theirs", or "both": mine as a virtual copy."""
        self._asking = False
        if self.document is None:
            return
        if what == "mine":
            self._save(force=True)
        elif what == "both":
            self._save(both=True)
        else:
            self.dirty = False
            self.session.reload()

    def _kept_both(self, m: Row) -> None:
        """Mine is a copy now; what a hand did while it was written goes there too, and never over theirs."""
        self.sent.pop(_key(m), None)
        self.failed.pop(_key(m), None)
        late = self.late.pop(_key(m), None)
        d = self.document
        if d is not None and self._mine(m):
            late = self._row(d) if self.dirty else late
            self.dirty = self._flying = False
            self.session.reload()
        if late is not None:
            self._send(late | {"copy": m["made"], "stamp": m["stamp"]})

    def settle(self, seconds: float = 8.0) -> bool:
        """Save everything now and wait for it; whether nothing is left unsaved."""
        self.flush()
        for key, row in list(self.failed.items()):
            if key not in self.sent:
                self._send(row)
        end = time.monotonic() + seconds
        while self.sent and time.monotonic() < end and self.session.engine.alive:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, 50)
        return not (self.failed or self.sent)

    def forget(self) -> None:
        """The document is gone: there is nothing to be saved any more."""
        self.document, self.dirty = None, False
