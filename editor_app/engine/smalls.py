"""Small pictures, when nothing else is to be done: of boundaries, of styles, of photographs that are not open."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from editor_app.engine.lanes import Lane
from editor_app.engine.opened import Opened
from editor_app.engine.render import SOURCE, cover, small, thumbnail
from modisp import Recipe, Sidecar
from modisp.cache import Cache

Message = Mapping[str, Any]
REST = 0.4  # seconds for which a hand that drags must have rested


class Smalls:
    """The part of the server that makes them."""

    tell: Callable[..., None]
    cache: Cache
    open: OrderedDict[str, Opened]
    thumbs: OrderedDict[tuple[str, str], dict[str, Any]]
    look: Lane
    raw: Lane
    opening: Lane
    spare: Lane
    covers: Lane
    thumbs_lane: Lane
    _opened: Callable[[str], Opened]
    held = 0.0  # when a picture was last asked for by a hand that drags

    def do_strip(self, m: Message) -> None:
        """A thumbnail of every boundary, one by one, when nothing else is to be done; tells `strip` for each."""

        def work(stop: Callable[[], bool]) -> None:
            o = self._opened(m["path"])
            plain = o.plain(m["recipe"])
            for i, e in enumerate((None, *plain.entries)):
                if not self._idle(o, plain, stop):
                    return
                key = (m["path"], o.key(plain.entries[:i]))
                made = self._small(key, lambda e=e: thumbnail(o, plain, e, m["width"], m["height"], stop))  # type: ignore[misc]
                ident = e.id if e is not None else SOURCE
                self.tell("strip", path=m["path"], serial=m["serial"], entry=ident, **made)

        self.spare.put(work)

    def do_thumbs(self, m: Message) -> None:
        """Small pictures of photographs as their sidecars say, when nothing else is to be done; tells `thumb` for each."""

        def work(path: str, copy: int) -> None:
            while self._wanted() or self.opening.busy:
                time.sleep(0.05)
            made: dict[str, Any] = {"width": 0, "height": 0, "pixels": ""}
            try:
                o = self.open.get(path) or Opened.open(Path(path), self.cache)
                version = Sidecar.load(path).version(copy)
                plain = o.plain((version.recipe or o.default).dump())
                made = small(o, plain, m["size"], lambda: False)
            finally:
                self.tell("thumb", path=path, copy=copy, **made)

        for path, copy in m["targets"]:
            self.thumbs_lane.put(lambda stop, p=path, c=copy: work(p, c))  # type: ignore[misc]

    def do_covers(self, m: Message) -> None:
        """A small picture for every style (`recipes` by the style's key), as `do_strip`; tells `cover` for each."""

        def work(stop: Callable[[], bool]) -> None:
            o = self._opened(m["path"])
            for style, recipe in m["recipes"].items():
                plain = o.plain(recipe)
                if not self._idle(o, plain, stop):
                    return
                key = (m["path"], "cover " + o.key(plain.entries))
                made = self._small(key, lambda p=plain: cover(o, p, m["width"], m["height"], stop))  # type: ignore[misc]
                self.tell("cover", path=m["path"], serial=m["serial"], style=style, **made)

        self.covers.put(work)

    def _small(self, key: tuple[str, str], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A small picture, made once."""
        if key not in self.thumbs:
            self.thumbs[key] = make()
            while len(self.thumbs) > 512:
                self.thumbs.popitem(last=False)
        return self.thumbs[key]

    def _wanted(self) -> bool:
        """Whether the processor is wanted for something that is waited for."""
        return self.look.busy or self.raw.busy or time.monotonic() - self.held < REST

    def _idle(self, o: Opened, plain: Recipe, stop: Callable[[], bool]) -> bool:
        """Wait until nothing else is to be done; false where this need not be done either (it is asked for again when
        the RAW zone is there)."""
        while self._wanted() and not stop():
            time.sleep(0.02)
        part = o.raw_part(plain)
        return not stop() and (not part or o.developed(part))
