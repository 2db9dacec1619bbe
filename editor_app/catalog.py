"""The photographs of a folder, or of a list of files: paired, rated, sorted, filtered.  No widgets.

A RAW file and a JPEG of one name are one photograph.  Ratings, labels and whether it was edited come from the sidecars,
through the engine; here they are only kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from modisp.cli.files import FINISHED, RAW

SORTS = ("name", "date", "rating")
LABELS = ("", "Red", "Yellow", "Green", "Blue", "Purple")
"""Colour labels, by the words that other programs write into XMP."""


@dataclass
class Photo:
    """One photograph: the file that is edited, the files that go with it, and what a hand has said of it."""

    path: Path
    others: list[Path] = field(default_factory=list)
    rating: int = 0  # −1 rejected … 5
    label: str = ""
    edited: bool = False
    time: float = 0.0
    known: bool = False  # whether its sidecar has been looked at


def found(given: Iterable[Path]) -> list[Photo]:
    """The photographs that are meant by files and folders (not the folders in them), each once, RAW and JPEG paired."""
    files: dict[str, Path] = {}
    named: set[Path] = set()
    for path in given:
        if path.is_dir():
            rows = [p for p in sorted(path.iterdir()) if _is_picture(p)]
        else:
            rows = [path] if path.is_file() else []
            named.update(rows)
        for p in rows:
            files.setdefault(os.path.normcase(os.path.abspath(p)), p)
    by_name: dict[tuple[Path, str], list[Path]] = {}
    for p in files.values():
        by_name.setdefault((p.parent, p.stem.lower()), []).append(p)
    photos = []
    for paths in by_name.values():
        raw = [p for p in paths if p.suffix.lower() in RAW and p not in named]
        named_here = [p for p in paths if p in named]
        if len(raw) == 1 and not named_here:
            jpeg = [p for p in paths if p.suffix.lower() in (".jpg", ".jpeg")]
            rest = [p for p in paths if p not in jpeg and p not in raw]
            photos.append(Photo(raw[0], jpeg))
            photos += [Photo(p) for p in rest]
        else:
            photos += [Photo(p) for p in paths]
    for photo in photos:
        try:
            photo.time = photo.path.stat().st_mtime
        except OSError:
            photo.time = 0.0
    return photos


def _is_picture(p: Path) -> bool:
    return p.suffix.lower() in (*RAW, *FINISHED) and not p.name.startswith(".") and p.is_file()


class Catalog(QObject):
    """The list that the filmstrip shows.  `changed`: which photographs, or their order.  `marked`: one's rating or label."""

    changed = Signal()
    marked = Signal(object)  # Path

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.all: list[Photo] = []
        self.shown: list[Photo] = []
        self.current: Photo | None = None
        self.sort = "name"
        self.least = 0  # only photographs with so many stars
        self.edited_only = False
        self.rejected = True  # whether rejected ones are shown

    def open(self, given: Sequence[Path]) -> None:
        """Take the photographs of files and folders; the first is the current one."""
        self.all = found(given)
        first = given[0] if given else None
        folder = first if first is not None and first.is_dir() else first.parent if first else None
        self.title = folder.name or str(folder) if folder is not None else ""
        self.current = None
        self.arrange()

    def arrange(self) -> None:
        """Filter and sort again."""
        rows = [p for p in self.all if self._passes(p)]
        keys = {
            "name": lambda p: (p.path.name.lower(), str(p.path)),
            "date": lambda p: (p.time, p.path.name.lower()),
            "rating": lambda p: (-p.rating, p.path.name.lower()),
        }
        self.shown = sorted(rows, key=keys[self.sort])
        self.changed.emit()

    def _passes(self, p: Photo) -> bool:
        if p is self.current:
            return True
        if p.rating < 0:
            return self.rejected and not self.least and not self.edited_only
        return p.rating >= self.least and (p.edited or not self.edited_only)

    def set_filter(
        self, least: int | None = None, edited_only: bool | None = None, rejected: bool | None = None
    ) -> None:
        """Show fewer or more photographs; the current one always stays."""
        self.least = self.least if least is None else least
        self.edited_only = self.edited_only if edited_only is None else edited_only
        self.rejected = self.rejected if rejected is None else rejected
        self.arrange()

    def set_sort(self, sort: str) -> None:
        """Order by name, date or rating."""
        self.sort = sort
        self.arrange()

    def photo(self, path: Path) -> Photo | None:
        """The photograph of a file."""
        return next((p for p in self.all if p.path == path), None)

    def choose(self, photo: Photo | None) -> None:
        """Make a photograph the current one."""
        self.current = photo

    def beside(self, step: int) -> Photo | None:
        """The photograph so many places after (before) the current one; None at the ends."""
        if not self.shown:
            return None
        if self.current not in self.shown:
            return self.shown[0]
        i = self.shown.index(self.current) + step
        return self.shown[i] if 0 <= i < len(self.shown) else None

    def mark(self, path: Path, rating: int | None = None, label: str | None = None, edited: bool | None = None) -> None:
        """Note what is known of a photograph."""
        p = self.photo(path)
        if p is None:
            return
        p.known = True
        p.rating = p.rating if rating is None else rating
        p.label = p.label if label is None else label
        p.edited = p.edited if edited is None else edited
        self.marked.emit(path)

    @property
    def filtered(self) -> bool:
        """Whether some photographs are hidden by choice."""
        return bool(self.least or self.edited_only or not self.rejected)
