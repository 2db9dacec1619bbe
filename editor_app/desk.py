"""What a hand does with photographs as a whole: open, choose, rate, keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog

from editor_app import recent
from editor_app.catalog import LABELS, Photo
from editor_app.pointing import Pointing
from editor_app.words import tr


class Desk(Pointing):
    """The frame, with photographs on it."""

    def open_files(self) -> None:
        """Ask for files."""
        start = recent.folder()
        names, _ = QFileDialog.getOpenFileNames(self, tr("Open photographs"), start)
        if names:
            self.open_paths([Path(n) for n in names])

    def open_folder(self) -> None:
        """Ask for a folder."""
        name = QFileDialog.getExistingDirectory(self, tr("Open a folder"), recent.folder())
        if name:
            self.open_paths([Path(name)])

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files or folders."""
        self.session.open_paths(paths)

    def selection(self) -> list[Photo]:
        """The photographs that are chosen; the current one where none are."""
        chosen = [p for p in self.session.catalog.shown if p in self.film.strip.selection]
        return chosen or ([self.session.photo] if self.session.photo is not None else [])

    def select_all(self) -> None:
        """Choose every photograph that is shown."""
        self.film.strip.selection = set(self.session.catalog.shown)
        self.film.strip.selected.emit()
        self.film.strip.update()

    def rate(self, stars: int) -> None:
        """Stars for the chosen photographs."""
        self.session.shelf.rate(self.selection(), rating=stars)

    def label(self, i: int) -> None:
        """A colour label for the chosen photographs."""
        self.session.shelf.rate(self.selection(), label=LABELS[i])

    def snapshot(self) -> None:
        """Keep the picture as it is now."""
        if self.session.document is not None:
            self.session.document.snapshot()
            self.show_page(1)
