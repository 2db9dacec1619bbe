"""Which finished picture belongs to which RAW file: by name first, then by the second in which it was taken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from modisp.image import Metadata

# what programs and hands add to the name of a finished picture: IMG_0001-edit-2, IMG_0001 (1), IMG_0001_final_web
_ADDED = re.compile(
    r"(?:[ _.-]*(?:\(\d+\)|edit(?:ed)?|final|copy|kopie|copie|export|web|print|full|small|large|srgb|dxo))+$"
)
_NUMBER = re.compile(r"[ _.-]+\d{1,2}$")
SAME = 1.0
"""Seconds that the times of two files of one picture may differ by, for their rounding."""


@dataclass(frozen=True)
class File:
    """A picture file and when it was taken (ISO 8601; "" where the file does not say)."""

    path: Path
    date: str = ""

    @property
    def key(self) -> str:
        """The name by which it is matched: without suffix, in small letters."""
        return self.path.stem.lower()

    @property
    def seconds(self) -> float | None:
        """The time as a number; None where it is not known."""
        try:
            return datetime.fromisoformat(self.date).replace(tzinfo=None).timestamp() if self.date else None
        except ValueError:
            return None


@dataclass(frozen=True)
class Pair:
    """A RAW file and its finished picture, or, where `finished` is None, none and why."""

    raw: File
    finished: File | None
    how: str = ""  # "name" or "time"; of a pair left out, the reason


def plain(key: str) -> str:
    """A file's name without what was added when the picture was finished."""
    while (shorter := _ADDED.sub("", key)) != key and shorter:
        key = shorter
    return key


def match(raws: Sequence[File], finished: Sequence[File]) -> tuple[list[Pair], list[File]]:
    """A pair for every RAW file, in their order, and the finished pictures that belong to none.

    Names count most: equal ones, then those that differ by an addition (IMG_1-edit), then by a short number (IMG_1-2).
    Of several of one name, the one of the same second is taken, else the first by name.  RAW files that are left go
    with the finished picture of the same second, where there is just one.
    """
    free = {f.path: f for f in sorted(finished, key=lambda f: (len(f.key), f.key))}
    found: dict[Path, Pair] = {}
    for form in (lambda k: k, plain, lambda k: _NUMBER.sub("", plain(k))):
        for raw in raws:
            if raw.path in found:
                continue
            # the RAW file's own name is never shortened beyond what was added: IMG-1 and IMG-2 are two pictures
            same = [f for f in free.values() if form(f.key) in (raw.key, plain(raw.key))]
            if same:
                best = min(same, key=lambda f: _apart(raw, f))
                found[raw.path] = Pair(raw, free.pop(best.path), "name")
    by_time = [f for f in free.values() if f.seconds is not None]
    for raw in raws:
        if raw.path in found or raw.seconds is None:
            continue
        same = [f for f in by_time if f.path in free and _apart(raw, f) <= SAME]
        rivals = [r for r in raws if r.path not in found and r is not raw and _between(r, raw) <= SAME]
        if len(same) == 1 and not rivals:
            found[raw.path] = Pair(raw, free.pop(same[0].path), "time")
    none = "no finished picture has its name or its time"
    return [found.get(r.path, Pair(r, None, none)) for r in raws], list(free.values())


def _between(a: File, b: File) -> float:
    s, t = a.seconds, b.seconds
    return abs(s - t) if s is not None and t is not None else float("inf")


def _apart(raw: File, finished: File) -> float:
    """Seconds between two files; where one does not say, more than for files of one picture, and less than for any two."""
    return 2 * SAME if raw.seconds is None or finished.seconds is None else _between(raw, finished)


def dated(paths: Iterable[Path]) -> list[File]:
    """Files with the times that they state; a file that cannot be read has none, and is found out later."""
    from modisp.io import read_info

    out = []
    for path in paths:
        try:
            date = str(Metadata.load(read_info(path)["metadata"]).date)
        except (ValueError, OSError):
            date = ""
        out.append(File(path, date))
    return out


def limited(pairs: Sequence[Pair], most: int | None) -> list[Pair]:
    """At most so many of the pairs that are complete, evenly spread; all that are not."""
    whole = [p for p in pairs if p.finished]
    if most is None or most >= len(whole):
        return list(pairs)
    kept = {whole[i * len(whole) // most].raw.path for i in range(most)}
    left = "more pairs were there than were asked for"
    return [p if p.finished is None or p.raw.path in kept else replace(p, finished=None, how=left) for p in pairs]
