"""One opened picture in the engine: its pixels, its sidecar, what of it is developed already."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from editor_app.engine import views
from modisp import Recipe, Sidecar, Stage, list_stages, open_image
from modisp.cache import Cache
from modisp.defaults import default_for
from modisp.draft import loose_key
from modisp.image import Frame, Image, State
from modisp.io.ratings import read_rating
from modisp.recipe import Entry
from modisp.run import Run
from modisp.session import open_source
from modisp.sidecar import beside
from modisp.stage import Reading, cancellable
from modisp.steps import Step
from modisp.tiles import Progress

_KEPT = 3  # RAW zones of one picture
Ask = Callable[[], bool]
Tell = Callable[[float, str], None]


@dataclass
class Opened:
    """A picture that is open in the window."""

    path: Path
    image: Image
    default: Recipe
    sidecar: Sidecar
    cache: Cache
    readings: dict[str, Reading] = field(default_factory=dict)  # that the file itself brought along
    done: str = ""  # the RAW zone that is developed, as JSON
    done_entries: tuple[Entry, ...] = ()
    made: list[str] = field(default_factory=list)  # RAW zones that are developed, the last one last
    quick: tuple[list[Stage], Image] | None = None  # see `_quick`, and with which stages it was made
    lock: threading.Lock = field(default_factory=threading.Lock)
    measured: dict[str, Reading] = field(default_factory=dict)  # by the last full rendering
    took: dict[str, float] = field(default_factory=dict)  # seconds of work by entry, when it ran last
    drafted: tuple[str, dict[str, Any]] = ("", {})  # what the last draft of the whole started from, and its size
    effect: tuple[str, Any] | None = None  # what the last one was made of, and the rendering
    copy: int = 0  # the version that is looked at: a virtual copy's number

    @classmethod
    def open(cls, path: Path, cache: Cache) -> Opened:
        """Open a file with all that belongs to it; ImageError says in one sentence why not."""
        image = open_image(path)
        if image.meta.done:
            image, default, readings = open_source(path, None)
        else:
            default, readings = default_for(image), {}
        # hashed now, once, and not inside the first rendering
        return cls(path, image, default, Sidecar.load(path), cache, readings)

    def look_again(self, copy: int) -> None:
        """Take the sidecar and the camera's default as they are now, and look at one of its versions."""
        self.sidecar, self.copy = Sidecar.load(self.path), copy
        if not self.image.meta.done:
            self.default = default_for(self.image)

    # --- zones --------------------------------------------------------------------------------------------------

    def plain(self, data: Mapping[str, Any]) -> Recipe:
        """The recipe of plain data, made fit for this picture and resolved."""
        return Recipe.load(data).fit(self.image).resolve()

    def raw_part(self, plain: Recipe) -> tuple[Entry, ...]:
        """The entries that run on the whole picture before everything else."""
        if self.image.state is State.ENCODED:
            return ()
        ids = [e.id for e in plain.entries]
        first = ids.index(self.image.meta.done) + 1 if self.image.meta.done in ids else 0
        last = max(
            (i for i, e in enumerate(plain.entries) if isinstance(e.stage, Stage) and e.stage.raw_zone), default=-1
        )
        return plain.entries[first : last + 1] if last >= first else ()

    def key(self, part: tuple[Entry, ...]) -> str:
        """What tells one RAW zone from another."""
        return json.dumps([e.dump() for e in part], sort_keys=True)

    def developed(self, part: tuple[Entry, ...]) -> bool:
        """Whether a RAW zone is there; the last few are, so that two can be compared."""
        return self.key(part) in self.made

    def hybrid(self, plain: Recipe) -> tuple[Image, Recipe, bool]:
        """(source, recipe, whether it is only a stand-in) for a rendering that waits for nothing slow.

        While the RAW zone is being developed, the look zone goes on with the last one, or with a quick one.
        """
        part = self.raw_part(plain)
        if not part or self.developed(part):
            return self.image, plain, False
        if self.done:
            n = len(plain.entries) - len([e for e in plain.entries if e.id not in {p.id for p in part}])
            rest = plain.entries[n:]
            return self.image, Recipe((*self.done_entries, *rest)), True
        if self.image.state.on_lattice:
            return self._quick(part), plain, True
        return replace(self.image, meta=replace(self.image.meta, done=part[-1].id)), plain, True

    def _quick(self, part: tuple[Entry, ...]) -> Image:
        """What stands in for a RAW zone that was never developed: colours averaged by cells of the filter array, with those
        stages of it that are closed forms on colours."""
        rest = [e.active() for e in part if e.on and not e.active().reads.on_lattice]
        rest = [s for s in rest if not s.is_neutral() and type(s).infer is Stage.infer]
        if self.quick is None or self.quick[0] != rest:
            small = views.cells(self.image)
            with torch.inference_mode():
                for stage in rest:
                    small = stage(small)
            self.quick = rest, small
        small = self.quick[1]
        return replace(small, meta=replace(small.meta, done=part[-1].id))

    def drafts(self, plain: Recipe) -> str:
        """What drafts of this RAW zone start from: a key, where only parameters that it is straight in have moved since it
        was developed, else "" (see `modisp.draft`)."""
        part = self.raw_part(plain)
        run = Run(self.image, plain, until=part[-1].id, cache=self.cache, readings=self.pinned(plain), draft=True)
        key = loose_key(run.steps[run.raw_end - 1]) if run.raw_end else ""
        there = self.cache.exact.get(key)
        return key if there is not None and self.cache.get(there[0]) is not None else ""

    def develop_raw(self, plain: Recipe, ask: Ask, tell: Tell) -> dict[str, float]:
        """Develop the RAW zone of a recipe and keep it; seconds of work by entry.  Raises Cancelled."""
        part = self.raw_part(plain)
        if not part or self.developed(part):
            return {}
        with cancellable(ask), torch.inference_mode():
            run = Run(
                self.image,
                plain,
                until=part[-1].id,
                cache=self.cache,
                readings=self.pinned(plain),
                progress=Progress(tell),
            )
            run.let_go()
        with self.lock:
            self.done, self.done_entries = self.key(part), part
            self.made = [*[k for k in self.made if k != self.done], self.done][-_KEPT:]
        return dict(run.took)

    def pinned(self, plain: Recipe) -> dict[str, Reading]:
        """Readings that a sidecar or the file itself keeps for this recipe."""
        return {**self.readings, **self.version.pinned(plain)}

    @property
    def version(self) -> Sidecar:
        """What the sidecar says of the version that is looked at."""
        with suppress(KeyError):
            return self.sidecar.version(self.copy)
        return Sidecar(self.path)

    def run(
        self, source: Image, recipe: Recipe, until: str | None, draft: bool = False, progress: Progress | None = None
    ) -> Run:
        """A run over the whole recipe, or up to an entry."""
        last = until if until in {e.id for e in recipe.entries} else None
        more: dict[str, Any] = {"cache": self.cache, "readings": self.pinned(recipe), "progress": progress}
        return Run(source, recipe, until=last, draft=draft, **more)

    # --- what the window is told ---------------------------------------------------------------------------------

    def accepted(self) -> list[str]:
        """The stages that can serve this picture."""
        return [n for n, c in list_stages().items() if c.accepts(self.image.meta)]

    def told(self) -> dict[str, Any]:
        """Everything that the window is told when the picture is open."""
        s, whole = self.version, self.sidecar
        rating, label = (s.rating, s.label) if whole.touched else read_rating(self.path) or (0, "")
        recipe = (s.recipe or self.default).fit(self.image)
        with torch.inference_mode():
            source, plain, _ = self.hybrid(recipe.resolve())
            run = self.run(source, plain, None)
        full = views.turned(run.full, run.meta.orientation)
        return {
            "path": str(self.path),
            "copy": self.copy,
            "recipe": recipe.dump(),
            "default": self.default.fit(self.image).dump(),
            "edited": s.recipe is not None,
            "facts": views.facts(self.image),
            "history": [_renewed(row) for row in s.history],
            "rating": rating,
            "label": label,
            "problem": whole.problem,
            "newer": whole.newer,
            "outdated": [str(o) for o in s.outdated()],
            "missing": list(recipe.missing),
            "accepted": self.accepted(),
            "full": list(full),
            "stamp": stamp(self.path),
        }


def stamp(picture: Path) -> list[int]:
    """What changes when somebody else writes the sidecar beside a picture."""
    try:
        s = os.stat(beside(picture))
    except OSError:
        return []
    return [s.st_mtime_ns, s.st_size]


def _renewed(row: Any) -> Any:
    """A row of a saved history; a whole recipe in it gets the stages that came since."""
    try:
        return {**row, "recipe": Recipe.load(row["recipe"]).dump()} if row.get("recipe") else row
    except (ValueError, TypeError, AttributeError):
        return row  # written by something else: the window makes of it what it can


def _moves(step: Step) -> bool:
    """Whether a stage puts pixels elsewhere, and does not only read round them."""
    if step.full != step.full_after:
        return True
    y, x = (round(0.35 * n) for n in step.full)
    at = step.stage.needs(Frame(step.full, (float(x), float(y), 1.0, 1.0), (1, 1)), step.full, step.meta).rect
    return abs(at[0] + at[2] / 2 - x - 0.5) > 0.75 or abs(at[1] + at[3] / 2 - y - 0.5) > 0.75


def located(o: Opened, plain: Recipe, ident: str, rect: tuple[float, float, float, float]) -> list[float]:
    """A rectangle of the upright result in the pixels that an entry reads, from the corner of the camera's crop on."""
    with torch.inference_mode():
        run = o.run(o.image, plain, None)
        stored = views.unturned(rect, run.full, run.meta.orientation)
        size = (max(1, round(stored[3])), max(1, round(stored[2])))
        frame = Frame(run.full, stored, size)
        ids = [e.id for e in plain.entries]
        for step in reversed(run.steps):
            if ids.index(step.id) <= ids.index(ident):
                break
            if _moves(step):
                frame = step.stage.needs(frame, step.full, step.meta)
    x, y, w, h = frame.rect
    left, top = (o.image.meta.crop or (0, 0))[:2]
    return [round(x - left, 1), round(y - top, 1), round(w, 1), round(h, 1)]
