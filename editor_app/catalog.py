"""The photographs that are open: found in files and folders, paired, sorted and filtered.  No widgets.

A RAW file and a JPEG of one name are one photograph; a virtual copy is a photograph of its own.  Ratings, labels and whether it
was edited come from the sidecars, through the engine; here they are only kept.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Qt, Signal

from modisp.cli.files import FINISHED, RAW

SORTS = ("name", "date", "rating", "edited")
LABELS = ("", "Red", "Yellow", "Green", "Blue", "Purple")
"""Colour labels, by the words that other programs write into XMP."""


@dataclass(eq=False)
class Photo:
    """One photograph: the file that is edited, the files that go with it, and what a hand has said of it."""

    path: Path
    others: list[Path] = field(default_factory=list)
    copy: int = 0  # the number of a virtual copy; 0 for the picture itself
    rating: int = 0  # −1 rejected … 5
    label: str = ""
    edited: bool = False
    time: float = 0.0
    taken: str = ""  # as the camera wrote it, ISO 8601
    known: bool = False  # whether its sidecar has been looked at

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.path.name} · {self.copy}" if self.copy else self.path.name

    @property
    def key(self) -> tuple[Path, int]:
        """What tells it from all others."""
        return self.path, self.copy


def found(given: Iterable[Path]) -> list[Photo]:
    """The photographs that are meant by files and folders (not the folders in them), each once, RAW and JPEG paired."""
    files: dict[str, tuple[Path, float]] = {}
    named: set[Path] = set()
    for path in given:
        if path.is_dir():
            rows = _listed(path)
        else:
            rows = [(path, path.stat().st_mtime)] if path.is_file() else []
            named.update(p for p, _ in rows)
        for p, time in rows:
            files.setdefault(os.path.normcase(os.path.abspath(p)), (p, time))
    by_name: dict[tuple[Path, str], list[Path]] = {}
    for p, _ in files.values():
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
    times = dict(files.values())
    for photo in photos:
        photo.time = times[photo.path]
    return photos


def _listed(folder: Path) -> list[tuple[Path, float]]:
    """The pictures in a folder with the times of their last change."""
    rows = []
    kinds = (*RAW, *FINISHED)
    try:
        with os.scandir(folder) as entries:
            for e in entries:
                if not e.name.startswith(".") and os.path.splitext(e.name)[1].lower() in kinds and e.is_file():
                    rows.append((folder / e.name, e.stat().st_mtime))
    except OSError:
        return sorted(rows)
    return sorted(rows)


class Catalog(QObject):
    """The list that the filmstrip shows.  `changed`: which photographs, or their order.  `marked`: ratings or labels."""

    changed = Signal()
    marked = Signal()
    listed = Signal(int, object, object)  # turn, title, photographs; from the thread that lists

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.all: list[Photo] = []
        self.shown: list[Photo] = []
        self.current: Photo | None = None
        kept = str(QSettings().value("film/sort", ""))
        self.sort, self.down = kept.lstrip("-") if kept.lstrip("-") in SORTS else "name", kept.startswith("-")
        self.least = 0  # only photographs with so many stars
        self.edited_only = False
        self.rejected = True  # whether rejected ones are shown
        self.label = ""  # only photographs of this colour
        self._index: dict[tuple[Path, int], Photo] = {}
        self._copied: set[Path] = set()  # files that have, or had, virtual copies
        self._turn = 0
        self.listing = False  # whether a folder is being listed aside
        self.listed.connect(self._listed, Qt.ConnectionType.QueuedConnection)

    # --- which there are ------------------------------------------------------------------------------------------

    def open(self, given: Sequence[Path]) -> None:
        """Take the photographs of files and folders at once."""
        self._turn += 1
        self.listing = False
        self.take(_title(given), found(given))

    def open_aside(self, given: Sequence[Path]) -> None:
        """The same by a thread: a large folder, or one that lies far away, must not hold the window."""
        self._turn += 1
        turn, rows = self._turn, list(given)
        self.listing = True

        def work() -> None:
            title, photos = _title(rows), found(rows)
            try:
                self.listed.emit(turn, title, photos)
            except RuntimeError:  # the window is gone
                return

        threading.Thread(target=work, name="folder", daemon=True).start()

    def _listed(self, turn: int, title: str, photos: list[Photo]) -> None:
        if turn == self._turn:
            self.listing = False
            self.take(title, photos)

    def take(self, title: str, photos: Sequence[Photo]) -> None:
        """Take photographs; what is known of those that stay is kept."""
        kept = self.current
        self.title = title
        stay = {p.path for p in photos}
        copies = [p for p in self.all if p.copy and p.path in stay]
        self.all = [kept if kept is not None and p.key == kept.key else p for p in photos]
        for p, q in zip(self.all, photos, strict=True):
            p.others, p.time = q.others, q.time
        self.all += copies
        self.current = kept if kept in self.all else None
        self._index = {p.key: p for p in self.all}
        self.arrange()

    # --- order ----------------------------------------------------------------------------------------------------

    def arrange(self) -> None:
        """Filter and sort again."""
        rows = [p for p in self.all if self._passes(p)]
        keys = {
            "name": lambda p: (),
            "date": lambda p: (p.taken or _day(p.time),),
            "rating": lambda p: (-p.rating,),
            "edited": lambda p: (not p.edited,),
        }
        rows.sort(key=lambda p: (p.path.name.lower(), str(p.path), p.copy))
        rows.sort(key=keys[self.sort])
        self.shown = rows[::-1] if self.down else rows
        self.changed.emit()

    def _passes(self, p: Photo) -> bool:
        if p is self.current:
            return True
        starred = p.rating >= self.least if p.rating >= 0 else self.rejected and not self.least
        return starred and (p.edited or not self.edited_only) and (not self.label or p.label == self.label)

    def set_filter(
        self,
        least: int | None = None,
        edited_only: bool | None = None,
        rejected: bool | None = None,
        label: str | None = None,
    ) -> None:
        """Show fewer or more photographs; the current one always stays."""
        self.least = self.least if least is None else least
        self.edited_only = self.edited_only if edited_only is None else edited_only
        self.rejected = self.rejected if rejected is None else rejected
        self.label = self.label if label is None else label
        self.arrange()

    def set_sort(self, sort: str, down: bool | None = None) -> None:
        """Order by name, date, rating or whether it was edited; `down`: the other way round."""
        self.sort = sort
        self.down = self.down if down is None else down
        QSettings().setValue("film/sort", "-" * self.down + sort)
        self.arrange()

    @property
    def filtered(self) -> bool:
        """Whether some photographs are hidden by choice."""
        return bool(self.least or self.edited_only or not self.rejected or self.label)

    # --- one of them ----------------------------------------------------------------------------------------------

    def photo(self, path: Path, copy: int = 0) -> Photo | None:
        """The photograph of a file, or a virtual copy of it."""
        return self._index.get((path, copy))

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

    # --- what is known of them ------------------------------------------------------------------------------------

    def mark(
        self,
        path: Path,
        rating: int | None = None,
        label: str | None = None,
        edited: bool | None = None,
        copy: int = 0,
    ) -> None:
        """Note what is known of a photograph."""
        p = self.photo(path, copy)
        if p is not None:
            _note(p, {"rating": rating, "label": label, "edited": edited})
            self.marked.emit()

    def glanced(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Note what sidecars say of many photographs, with the virtual copies that they hold."""
        grown = False
        for path, row in rows.items():
            p = self.photo(Path(path))
            if p is None:
                continue
            if p is not self.current or not p.known:
                _note(p, row)
            grown |= self._copies(p, row.get("copies", ()))
        if grown or self.filtered or self.sort != "name":
            self.arrange()
        self.marked.emit()

    def _copies(self, p: Photo, rows: Sequence[Mapping[str, Any]]) -> bool:
        there = {int(r["copy"]): r for r in rows}
        if not there and p.path not in self._copied:
            return False
        self._copied.add(p.path)
        gone = [q for q in self.all if q.path == p.path and q.copy and q.copy not in there]
        for q in gone:
            self.all.remove(q)
            del self._index[q.key]
        new = [n for n in there if (p.path, n) not in self._index]
        for n in new:
            made = Photo(p.path, [], n, time=p.time, taken=p.taken)
            self.all.append(made)
            self._index[made.key] = made
        for n, row in there.items():
            q = self._index[p.path, n]
            if q is not self.current:
                _note(q, row)
        return bool(new or gone)


def _note(p: Photo, row: Mapping[str, Any]) -> None:
    p.known = True
    for name in ("rating", "label", "edited", "taken"):
        if row.get(name) is not None:
            setattr(p, name, row[name])


def _title(given: Sequence[Path]) -> str:
    first = given[-1] if given else None  # a file that brings its folder along comes before it
    folder = first if first is not None and first.is_dir() else first.parent if first else None
    return folder.name or str(folder) if folder is not None else ""


def _day(time: float) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(time).isoformat()
