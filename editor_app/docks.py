"""The left dock's pages on history and on what the file says about itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QGridLayout, QInputDialog, QLabel, QMenu, QWidget

from editor_app.document import Document, Snapshot
from editor_app.layout import Plane, Words, column, hairline, paragraph, row
from editor_app.listing import Line, Listing
from editor_app.recipes import Recipe
from editor_app.widgets import Scroll, Tool
from editor_app.words import aperture, camera, shutter, tr

TRY = 120  # milliseconds after which what the pointer rests on is shown


class HistoryDock(QWidget):
    """Snapshots, then steps, newest on top; a click goes there."""

    snapshot = Signal()
    tried = Signal(object)  # the recipe that the pointer rests on, None when it leaves

    def __init__(self) -> None:
        super().__init__()
        self.document: Document | None = None
        self.count = Words("", "faint", 11)
        self.shots = Listing(tr("Snapshots"), pictures=True)
        self.images: dict[str, QImage] = {}
        self._over: Recipe | None = None
        self._try = QTimer(self, singleShot=True, interval=TRY)
        self._try.timeout.connect(lambda: self.tried.emit(self._over))
        self.steps = Listing(tr("Steps"))
        self.hint = Words(tr("Keep a version to come back to"), "faint", 11)
        plus = Tool("plus", tr("Take a snapshot  (Ctrl+Shift+S)"), size=24)
        plus.clicked.connect(self.snapshot)
        layout = column(
            row(Words(tr("Snapshots"), weight=600), None, plus, margin=(16, 4, 12, 0)),
            row(self.hint, margin=(16, 2, 16, 6)),
            row(self.shots, margin=(0, 0, 8, 0)),
            8,
            hairline(),
            10,
            row(Words(tr("Steps"), weight=600), None, self.count, margin=(16, 0, 16, 6)),
            Scroll(Plane(column(self.steps, None))),
        )
        self.setLayout(layout)
        self.steps.clicked.connect(self._go)
        self.shots.clicked.connect(self._restore)
        self.shots.menu.connect(self._menu)
        self.steps.hovered.connect(self._hover_step)
        self.shots.hovered.connect(self._hover_shot)
        self.show_document(None)

    def show_document(self, document: Document | None) -> None:
        """Follow another document."""
        if self.document is not None and self.document is not document:
            self.document.history_changed.disconnect(self.update_lines)
        if document is not None and document is not self.document:
            document.history_changed.connect(self.update_lines)
        if document is not self.document:
            self.images.clear()
        self.document = document
        self.update_lines()

    def update_lines(self) -> None:
        """Show the document's steps and snapshots as they are now."""
        d = self.document
        steps = list(reversed(d.steps)) if d is not None else []
        at = len(steps) - 1 - d.at if d is not None else -1
        lines = [Line(s.name, s.value, "faint" if i < at else "soft") for i, s in enumerate(steps)]
        self.steps.show_lines(lines, at)
        self.count.say(tr("{0} of {1}").format(d.at + 1, len(steps)) if d is not None else "")
        shots = d.snapshots if d is not None else []
        self.shots.show_lines([Line(s.name, _when(s.time), image=self.images.get(key_of(s))) for s in shots])
        self.shots.setVisible(bool(shots))
        self.hint.setVisible(not shots)

    def show_image(self, key: str, image: QImage) -> None:
        """Take the picture of a snapshot."""
        self.images[key] = image
        self.update_lines()

    def _hover_step(self, i: int) -> None:
        d = self.document
        self._hover(d.steps[len(d.steps) - 1 - i].recipe if d is not None and 0 <= i < len(d.steps) else None)

    def _hover_shot(self, i: int) -> None:
        d = self.document
        self._hover(d.snapshots[i].recipe if d is not None and 0 <= i < len(d.snapshots) else None)

    def _hover(self, recipe: Recipe | None) -> None:
        self._over = recipe
        if recipe is None:
            self._try.stop()
            self.tried.emit(None)
        else:
            self._try.start()

    def _go(self, i: int) -> None:
        if self.document is not None:
            self.document.go(len(self.document.steps) - 1 - i)

    def _restore(self, i: int) -> None:
        if self.document is not None:
            self.document.restore(i)

    def _menu(self, i: int, at: QPoint) -> None:
        if self.document is None:
            return
        menu = QMenu(self)
        menu.addAction(tr("Rename…"), partial(self._rename, i))
        menu.addAction(tr("Delete"), partial(self.document.forget, i))
        menu.exec(at)

    def _rename(self, i: int) -> None:
        if self.document is None:
            return
        old = self.document.snapshots[i].name
        name, yes = QInputDialog.getText(self, tr("Rename the snapshot"), tr("Name"), text=old)
        if yes and name.strip():
            self.document.rename(i, name.strip())


def key_of(shot: Snapshot) -> str:
    """What a snapshot's picture is known by."""
    return f"snapshot {shot.time}"


def _when(seconds: float) -> str:
    """The time of day, or the day where it was another."""
    then, now = time.localtime(seconds), time.localtime()
    return time.strftime("%H:%M" if then[:3] == now[:3] else "%d.%m.%Y", then)


class InfoDock(QWidget):
    """Two columns: what it is, what the file says; the words can be selected and copied."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = QGridLayout()
        self.grid.setContentsMargins(16, 4, 8, 16)
        self.grid.setHorizontalSpacing(8)
        self.grid.setVerticalSpacing(8)
        self.grid.setColumnMinimumWidth(0, 80)
        self.grid.setColumnStretch(1, 1)
        self.name = Words("", "text", 12, 600, middle=True)
        head = row(self.name, margin=(16, 4, 16, 4))
        self.rows: list[tuple[QLabel, QLabel]] = []
        self.setLayout(column(head, Scroll(Plane(column(self.grid, None)))))

    def show_facts(self, path: str, facts: Mapping[str, Any] | None) -> None:
        """Show a file's facts; lines without one are left out."""
        f = facts or {}
        size = f.get("size") or (0, 0)
        found = [
            (tr("Camera"), camera(str(f.get("make", "")), str(f.get("model", "")))),
            (tr("Lens"), f.get("lens_model", "")),
            (tr("Exposure"), shutter(f.get("shutter") or 0.0)),
            (tr("Aperture"), aperture(f.get("aperture") or 0.0)),
            (tr("Focal length"), f"{f['focal_length']:.0f} mm" if f.get("focal_length") else ""),
            (tr("Sensitivity"), f"ISO {f['iso']:g}" if f.get("iso") else ""),
            (tr("Taken"), str(f.get("date", "")).replace("T", " ")[:16]),
            (tr("Size"), f"{size[0]} × {size[1]}" if size[0] else ""),
            (tr("Filter array"), f.get("cfa", "")),
            (tr("Folder"), path.rpartition("/")[0].rpartition("/")[2]),
        ]
        self.name.say(path.rpartition("/")[2])
        self.name.setToolTip(path)
        lines = [(a, str(b)) for a, b in found if b]
        while len(self.rows) < len(lines):
            pair = (paragraph("", token="faint"), paragraph("", token="text"))
            for k, label in enumerate(pair):
                self.grid.addWidget(label, len(self.rows), k, Qt.AlignmentFlag.AlignTop)
            pair[1].setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.rows.append(pair)
        for i, pair in enumerate(self.rows):
            for label, words in zip(pair, lines[i] if i < len(lines) else ("", ""), strict=True):
                label.setText(words)
                label.setVisible(bool(words))
