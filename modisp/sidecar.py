"""The file beside the photograph: `NAME.EXT.modisp`, JSON, with everything that a hand has decided about it.

It keeps the recipe (with the content of its styles), the readings and the digests of the weights that made the picture, so that
the picture stays as it is when modisp gets better, until somebody chooses to update it.  Keys that this version does not know
are written back as they were.  It is written whole or not at all, and the last good one is kept beside it (`.bak`).
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from modisp.image import tuples
from modisp.io.atomic import replacing
from modisp.recipe import Entry, Recipe
from modisp.resources import home
from modisp.stage import Reading, Stage

FORMAT = 1
LARGEST = 64 << 20  # bytes; a hand's work is a thousand times smaller
_MINE = ("readings", "weights", "rating", "label", "history")
_ELSEWHERE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
"""Where a folder fails so, the user's own folder, perhaps on another disk, may still serve."""


@dataclass(frozen=True)
class Outdated:
    """A place where the picture was made by something other than what is installed now.  `present` is "" if it is missing."""

    entry: str
    stage: str
    what: str  # "stage", "version" or "weights"
    saved: str
    present: str

    def __str__(self) -> str:
        now = f"now it is {self.present}" if self.present else "which is not installed here"
        return f"{self.entry} was made by {self.stage} with {self.what} {self.saved}, {now}"


@dataclass
class Sidecar:
    """What belongs to one picture file.

    `recipe` is None as long as nobody has edited the picture.  `readings` and `weights` are plain JSON data by entry id; see `pin`
    and `pinned`.  `copies` are further versions of the same picture ("virtual copies"), each as if it had a sidecar of its own,
    told apart by `number`.  `rating` is −1 (rejected) … 5 and `label` a word, as in XMP.  `problem` says in a sentence why the
    file on disk could not be used; it is then put aside by `save`, never overwritten.
    """

    picture: Path
    recipe: Recipe | None = None
    readings: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    rating: int = 0
    label: str = ""
    history: list[Any] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    copies: list[Sidecar] = field(default_factory=list)
    number: int = 0
    problem: str = ""
    versions: dict[str, int] = field(default_factory=dict)  # of the stages, as the file had them

    # --- reading ------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, picture: str | Path) -> Sidecar:
        """The sidecar of a picture; an empty one where there is none.  Never raises for what a sidecar file holds."""
        picture = Path(picture)
        found = _found(picture)
        if not found:
            return cls(picture)
        path = max(found, key=lambda p: p.stat().st_mtime_ns)
        try:
            return cls._of(picture, _read(path))
        except (OSError, ValueError) as why:
            problem = f"{path} is damaged: {why}"
        try:
            kept = cls._of(picture, _read(backup(path)))
        except (OSError, ValueError):
            return cls(picture, problem=problem)
        kept.problem = f"{problem}; the last good one is used"
        return kept

    @classmethod
    def _of(cls, picture: Path, data: dict[str, Any]) -> Sidecar:
        try:
            recipe = Recipe.load(data["recipe"]) if data.get("recipe") is not None else None
            versions = {row["id"]: int(row.get("version", 1)) for row in data["recipe"]["entries"]} if recipe else {}
        except (TypeError, KeyError, AttributeError, OverflowError, RecursionError) as why:
            raise ValueError(f"its recipe is not sound ({why})") from why
        source = _typed(data, "source", dict, {})
        rating = _typed(data, "rating", int, 0)
        if isinstance(rating, bool) or not -1 <= rating <= 5:
            raise ValueError(f"a rating lies in [-1, 5], not {rating}")
        out = cls(
            picture,
            recipe,
            _typed(data, "readings", dict, {}),
            _typed(data, "weights", dict, {}),
            _digest(_typed(source, "digest", str, "")),
            rating,
            _typed(data, "label", str, ""),
            _typed(data, "history", list, []),
        )
        out.versions = versions
        out.number = _typed(data, "number", int, 0)
        out.copies = [cls._of(picture, row) for row in _typed(data, "copies", list, []) if isinstance(row, dict)]
        out.extra = {k: v for k, v in data.items() if k not in (*_MINE, "recipe", "copies", "number")}
        return out

    def version(self, number: int) -> Sidecar:
        """A virtual copy by its number; the picture itself for 0.  KeyError where there is none."""
        if not number:
            return self
        for c in self.copies:
            if c.number == number:
                return c
        raise KeyError(f"{self.picture.name} has no copy {number}")

    def add_copy(self, of: Sidecar) -> Sidecar:
        """A new virtual copy that begins as `of` (the picture itself, or another copy)."""
        number = max((c.number for c in self.copies), default=0) + 1
        made = replace(of, copies=[], extra={}, number=number, rating=0, label="", history=[], digest="", problem="")
        self.copies.append(made)
        return made

    def remove_copy(self, number: int) -> None:
        """Take a virtual copy out.  KeyError where there is none."""
        self.copies.remove(self.version(number))

    @property
    def newer(self) -> bool:
        """Whether a newer modisp wrote the file; what this one does not know is kept as it is."""
        form = self.extra.get("format", FORMAT)
        return isinstance(form, int) and form > FORMAT

    # --- writing ------------------------------------------------------------------------------------------------

    @property
    def touched(self) -> bool:
        """Whether a hand has done anything to the picture; only then is a file written."""
        return self.recipe is not None or bool(self.rating or self.label or self.history or self.copies)

    def dump(self) -> dict[str, Any]:
        """Plain JSON data: what `save` writes."""
        data: dict[str, Any] = {"format": FORMAT} | self.extra
        source: dict[str, Any] = {"name": self.picture.name} | dict(self.extra.get("source", {}))
        if self.digest:
            with suppress(OSError):
                source |= {"bytes": self.picture.stat().st_size}
            source |= {"digest": self.digest}
        data["source"] = source
        if self.copies:
            copies = [c.extra | {"number": c.number} | c._dump() for c in self.copies]
            return data | self._dump() | {"copies": copies}
        return data | self._dump()

    def _dump(self) -> dict[str, Any]:
        out = {"recipe": self.recipe.dump()} if self.recipe is not None else {}
        return out | {k: getattr(self, k) for k in _MINE if getattr(self, k)}

    def save(self) -> Path | None:
        """Write the file and return where it is: beside the picture, or in the user's own folder where that is not allowed or the
        disk is full.

        None, and nothing written, for a picture that nobody has touched.  OSError with a sentence when neither
        can be written: the file then is as it was.
        """
        if not self.touched and not _found(self.picture):
            return None
        if not self.digest:
            with suppress(OSError):
                self.digest = digest_of(self.picture)
        for part in (self, *self.copies):
            part._mark()
        text = json.dumps(self.dump(), indent=1, allow_nan=False).encode()
        try:
            return self._write(beside(self.picture), text)
        except OSError as why:
            if why.errno not in _ELSEWHERE or not self.digest:
                raise _sentence(why, beside(self.picture)) from why
        path = home("sidecars") / f"{self.digest}.modisp"
        try:
            return self._write(path, text)
        except OSError as why:
            raise _sentence(why, beside(self.picture)) from why

    def _write(self, path: Path, text: bytes) -> Path:
        old = path.read_bytes() if path.is_file() else b""
        if old == text:
            return path
        if old:
            try:
                type(self)._of(self.picture, _parse(old))
                keep = backup(path)
            except ValueError:
                keep = _unused(path)
            with replacing(keep) as file:
                file.write(old)
        with replacing(path) as file:
            file.write(text)
        self.problem = ""
        return path

    # --- for ever -----------------------------------------------------------------------------------------------

    def pin(self, recipe: Recipe, readings: Mapping[str, Reading]) -> None:
        """Keep what was measured, together with what it was measured by."""
        self.readings = dump_readings(recipe, readings)

    def pinned(self, recipe: Recipe) -> dict[str, Reading]:
        """The readings that hold for a recipe, by entry id, to be given to `develop`."""
        return pinned(recipe, self.readings)

    def outdated(self) -> list[Outdated]:
        """What an update would change, or what is missing here, place by place; empty when the picture is up to date."""
        out = []
        for e in self.recipe.entries if self.recipe else ():
            if not isinstance(e.stage, Stage):
                out.append(Outdated(e.id, e.stage.name, "stage", e.stage.name, ""))
                continue
            version = self.versions.get(e.id, e.stage.version)
            if version != e.stage.version:
                out.append(Outdated(e.id, e.stage.name, "version", str(version), str(e.stage.version)))
            saved = self._weights_of(e)
            if saved and saved != (now := e.stage.weights_digest()):
                out.append(Outdated(e.id, e.stage.name, "weights", saved, now))
        return out

    def update(self) -> None:
        """Let the picture be made by what is installed now: weights, versions and readings of old are forgotten."""
        self.readings, self.weights, self.versions = {}, {}, {}

    def _weights_of(self, e: Entry) -> str:
        row = self.weights.get(e.id)
        return str(row.get("digest", "")) if isinstance(row, dict) and row.get("stage") == e.stage.name else ""

    def _mark(self) -> None:
        """Note the weights of entries that have none noted: the ones noted before stay until an update."""
        for e in self.recipe.entries if self.recipe else ():
            if isinstance(e.stage, Stage) and not self._weights_of(e) and (now := e.stage.weights_digest()):
                self.weights[e.id] = {"stage": e.stage.name, "digest": now}


# --- readings: the same in a sidecar and in a saved intermediate ---------------------------------------------------------


def dump_readings(recipe: Recipe, readings: Mapping[str, Reading]) -> dict[str, Any]:
    """Readings by entry id as plain JSON data, each with the stage, version, weights and parameters that made it."""
    stages = {e.id: e.stage for e in recipe.resolve().entries}
    return {k: _maker(stages[k]) | r.dump() for k, r in readings.items() if isinstance(stages.get(k), Stage)}


def pinned(recipe: Recipe, data: Mapping[str, Any]) -> dict[str, Reading]:
    """The readings of `dump_readings` that still hold: same stage and version, same parameters to measure by.

    Other weights do not matter: a new model must not change a picture that is finished.
    """
    out = {}
    for e in recipe.resolve().entries:
        row = data.get(e.id)
        if not isinstance(row, Mapping) or not isinstance(e.stage, Stage):
            continue
        now = _maker(e.stage)
        if all(tuples(row.get(k)) == tuples(now[k]) for k in ("stage", "version", "inference")):
            with suppress(TypeError, ValueError, AttributeError):
                out[e.id] = Reading.load(row)
    return out


def _maker(stage: Any) -> dict[str, Any]:
    row = {"stage": stage.name, "version": stage.version, "inference": stage.values(inference_only=True)}
    return row | ({"weights": digest} if (digest := stage.weights_digest()) else {})


# --- files ------------------------------------------------------------------------------------------------------------------


def beside(picture: Path) -> Path:
    """Where the sidecar of a picture lies: `NAME.EXT.modisp` in its folder."""
    return picture.with_name(picture.name + ".modisp")


def backup(path: Path) -> Path:
    """Where the last good one of a sidecar file lies."""
    return path.with_name(path.name + ".bak")


def _digest(text: str) -> str:
    """A digest as a file states it, if it is one: it will name a file."""
    return text if re.fullmatch("[0-9a-f]{64}", text) else ""


def digest_of(picture: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with open(picture, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _found(picture: Path) -> list[Path]:
    return [p for p in (beside(picture), _away(picture)) if p is not None and p.is_file()]


def _away(picture: Path) -> Path | None:
    """The sidecar of a picture whose folder could not be written to, if there are such at all."""
    folder = home("sidecars")
    with suppress(OSError):
        if picture.stat().st_size in (sizes := _sizes(folder)) or None in sizes:
            return folder / f"{digest_of(picture)}.modisp"
    return None


_known: dict[Path, tuple[int, set[int | None]]] = {}


def _sizes(folder: Path) -> set[int | None]:
    """The sizes of the pictures whose sidecars lie in a folder (None for one that does not say): only pictures of such a
    size are worth hashing, which matters for a folder of thousands."""
    try:
        stamp = folder.stat().st_mtime_ns
    except OSError:
        return set()
    if folder not in _known or _known[folder][0] != stamp:
        found: set[int | None] = set()
        for p in folder.glob("*.modisp"):
            with suppress(OSError, ValueError):
                source = _read(p).get("source")
                size = source.get("bytes") if isinstance(source, dict) else None
                found.add(size if isinstance(size, int) else None)
        _known[folder] = (stamp, found)
    return _known[folder][1]


def _unused(path: Path) -> Path:
    """A name beside a damaged file for putting it aside."""
    n = 1
    while (aside := path.with_name(f"{path.name}.damaged-{n}")).exists():
        n += 1
    return aside


def _read(path: Path) -> dict[str, Any]:
    if path.stat().st_size > LARGEST:
        raise ValueError("it is far too large")
    return _parse(path.read_bytes())


def _parse(text: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_constant=_refuse)
    except RecursionError as why:
        raise ValueError("it is nested too deeply") from why
    if not isinstance(data, dict):
        raise ValueError("it holds no table of data")
    return data


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _typed(data: Mapping[str, Any], key: str, kind: type, default: Any) -> Any:
    value = data.get(key, default)
    if not isinstance(value, kind):
        raise ValueError(f"its {key} is not what it should be, but {value!r:.80}")
    return value


def _sentence(why: OSError, path: Path) -> OSError:
    return OSError(why.errno, f"{path} could not be saved, and is as it was: {why.strerror or why}")
