"""The engine's main loop: JSON lines in, JSON lines out, the work itself in lanes.

What is asked and what is told stands in docs/editor.md; every message here is one method `do_…`.
"""

from __future__ import annotations

import base64
import json
import os
import struct
import sys
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from editor_app.engine import files, styling
from editor_app.engine.declare import declarations
from editor_app.engine.effect import effect
from editor_app.engine.lanes import Lane
from editor_app.engine.looking import Looking
from editor_app.engine.opened import Opened, located
from editor_app.engine.render import Rendered, render
from editor_app.engine.screens import Screen
from editor_app.engine.smalls import Smalls
from editor_app.pages import Page
from modisp import Recipe
from modisp.cache import Cache
from modisp.io import ImageError, decoder
from modisp.resources import home
from modisp.tiles import Progress

KEPT = 3  # pictures that stay open
_DRAFT = 500_000  # pixels of a draft of the whole picture
_QUIET = 0.1  # seconds between two words on progress

Message = Mapping[str, Any]


class Server(Looking, Smalls):
    """One window's engine."""

    def __init__(self, out: IO[str]) -> None:
        self.out, self._lock = out, threading.Lock()
        self.cache = Cache(folder=home("cache"))
        self.open: OrderedDict[str, Opened] = OrderedDict()
        self.pages: dict[str, Page] = {}
        self.saving: Counter[str] = Counter()
        self.screen: Screen | None = None
        self.refining = ("", "")  # the file and RAW zone that were last put into their lane
        self.shown: dict[str, Rendered] = {}  # the last renderings, by what they are for
        trouble = lambda why: self.tell("trouble", why=why)  # noqa: E731
        self.look = Lane("looks", trouble)
        self.raw = Lane("raw", trouble, newest=True, aside=True)
        self.opening = Lane("open", trouble)
        self.spare = Lane("spare", trouble, newest=True, aside=True)
        self.covers = Lane("covers", trouble, newest=True, aside=True)
        self.files = Lane("files", trouble)
        self.thumbs_lane = Lane(
            "thumbs", lambda why: None, aside=True
        )  # what cannot be shown small is said when it is opened
        self.glances = Lane("glances", trouble, newest=True, aside=True)
        self.thumbs: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()

    def tell(self, what: str, **more: Any) -> None:
        """Say something to the window."""
        line = json.dumps({"told": what, **more})
        with self._lock:
            self.out.write(line + "\n")
            self.out.flush()

    def serve(self, lines: IO[str]) -> None:
        """Until the window goes away."""
        self.tell("declared", data=declarations())
        for line in lines:
            message = json.loads(line)
            getattr(self, f"do_{message['do']}")(message)
        self.files.drain(5)

    # --- opening ----------------------------------------------------------------------------------------------------

    def _opened(self, path: str) -> Opened:
        found = self.open.get(path)
        if found is None:
            found = Opened.open(Path(path), self.cache)
            self.open[path] = found
            while len(self.open) > KEPT:
                self.open.popitem(last=False)
        self.open.move_to_end(path)
        return found

    def do_open(self, m: Message) -> None:
        """Open a picture; `ahead` opens it for later and tells nothing."""

        def work(stop: Callable[[], bool]) -> None:
            try:
                if not m.get("ahead"):
                    while self.saving[m["path"]] and not stop():  # what is read must be what was written last
                        time.sleep(0.01)
                    found = self._opened(m["path"])
                    found.look_again(int(m.get("copy", 0)))
                    self.tell("opened", **found.told())
                elif m["path"] not in self.open:
                    self._opened(m["path"])
            except (ImageError, OSError, ValueError, TypeError) as why:
                if not m.get("ahead"):
                    self.tell("unopened", path=m["path"], copy=m.get("copy", 0), why=str(why))

        self.opening.put(work, m["path"])

    # --- rendering --------------------------------------------------------------------------------------------------

    def do_render(self, m: Message) -> None:
        """Render what is asked into a page; tells `pictured`, or `unpictured` where it was cancelled or cannot be."""

        def work(stop: Callable[[], bool]) -> None:
            start = time.perf_counter()
            try:
                made = self._render(m, stop)
            except BaseException as why:
                self.tell("unpictured", id=m["id"], path=m["path"], why=str(why))
                if not isinstance(why, ValueError | TypeError | OSError):
                    raise
                return
            self.tell("pictured", id=m["id"], seconds=time.perf_counter() - start, **made)

        self.look.put(work, m["id"])

    def _render(self, m: Message, stop: Callable[[], bool]) -> dict[str, Any]:
        o = self._opened(m["path"])
        plain = o.plain(m["recipe"])
        if m.get("effect"):
            return self._laid(m, effect(o, plain, m, stop)) | {
                "refining": False,
                "drafted": False,
                "took": dict(o.took),
            }
        with o.lock:
            source, recipe, standing_in = o.hybrid(plain)
        aside = str(m["kind"]).startswith("other")  # what is only compared with waits its turn
        held = bool(m.get("held"))
        self.held = time.monotonic() if held else self.held
        draft = self._drafted(o, plain, m) if standing_in and not aside else None
        if draft is not None and held:
            self._stop_refining()  # what is exact is made when the hand lets go
        elif standing_in and not (aside and self.raw.busy):
            wanted = m["path"], o.key(o.raw_part(plain))
            if not self.raw.busy or wanted != self.refining:  # what is under way already is not begun again
                self.refining = wanted
                self.raw.put(lambda ask: self._refine(o, plain, ask), o.path)
        if draft is not None:
            made = self._draft(o, plain, draft, stop)
        else:
            made = render(o, source, recipe, m, stop, screen=self.screen)
        self.shown["other" if aside or m["kind"] == "loupe" else "region" if m["kind"] == "region" else "base"] = made
        o.took |= made.took if not aside and draft is None else {}
        if not standing_in and not aside:
            o.measured = made.readings
        drafted = draft is not None and held
        return self._laid(m, made) | {"refining": standing_in, "drafted": drafted, "took": dict(o.took)}

    def _laid(self, m: Message, made: Rendered) -> dict[str, Any]:
        """A rendering's pixels into the page that is meant for them; what is told of it."""
        page = self._page(m["page"])
        h, w, _ = made.view.pixels.shape
        n = h * w * 4
        np.frombuffer(page.map, np.uint8, n).reshape(h, w, 4)[:] = made.view.pixels
        # a page that was asked for before the monitor was known has no room for what it shows
        seen = made.view.screen if page.size >= 2 * n else None
        if seen is not None:
            np.frombuffer(page.map, np.uint8, n, n).reshape(h, w, 4)[:] = seen
        return made.told() | {"path": m["path"], "screen": seen is not None, "effect": bool(m.get("effect"))}

    def _drafted(self, o: Opened, plain: Recipe, m: Message) -> Message | None:
        """What to render as a draft, where one can stand in for the RAW zone better than the last one does.

        A part at 1:1 is drafted whenever it can be.  A draft of the whole takes a while to begin with, so that it begins with a
        drag alone; once the hand has let go, it stays as it was until the RAW zone is there.
        """
        key = o.drafts(plain) if not m.get("until") else ""
        if not key:
            return None
        if m.get("rect"):
            return m
        if m.get("held"):
            pixels = min(_DRAFT, m.get("pixels") or _DRAFT)
            o.drafted = key, {"size": m["size"], "pixels": pixels}
        return {**m, **o.drafted[1]} if o.drafted[0] == key else None

    def _draft(self, o: Opened, plain: Recipe, draft: Message, stop: Callable[[], bool]) -> Rendered:
        """Render a draft; what it starts from takes seconds where it was never made, which is told as `refining`."""
        tell, told = self._teller(o)
        try:
            return render(o, o.image, plain, draft, stop, draft=True, screen=self.screen, progress=Progress(tell))
        finally:
            if told():
                self.tell("unrefined", path=str(o.path), why="")

    def _page(self, row: Message) -> Page:
        name = str(row["path"])
        if name not in self.pages:
            self.pages[name] = Page(Path(name), int(row["size"]))
        return self.pages[name]

    def _refine(self, o: Opened, plain: Recipe, ask: Callable[[], bool]) -> None:
        """Develop the RAW zone aside; tells `refining` on the way and `refined` at the end."""
        start, (tell, _) = time.monotonic(), self._teller(o)
        try:
            o.took |= o.develop_raw(plain, ask, tell)
        except BaseException as why:
            self.tell("unrefined", path=str(o.path), why="" if ask() else str(why))
            raise
        self.tell("refined", path=str(o.path), seconds=time.monotonic() - start, took=dict(o.took))

    def _teller(self, o: Opened) -> tuple[Callable[[float, str], None], Callable[[], bool]]:
        """What tells `refining` on a picture, not too often; and whether it has."""
        start = last = time.monotonic()

        def tell(fraction: float, words: str) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _QUIET:
                last = now
                left = (now - start) * (1 - fraction) / fraction if fraction > 0.02 else 0.0
                self.tell("refining", path=str(o.path), fraction=fraction, words=words, left=left)

        return tell, lambda: last > start

    def do_cancel(self, m: Message) -> None:
        """Stop a rendering by its id, or the RAW zone (`what`: "raw")."""
        if m.get("what") == "raw":
            self._stop_refining()
        else:
            self.look.cancel(m["id"])

    def _stop_refining(self) -> None:
        self.refining = ("", "")
        self.raw.cancel()

    def do_screen(self, m: Message) -> None:
        """The monitor's profile, base64 ("": it shows sRGB), for all renderings from now on; `proof`: with the colours of the
        output space alone."""
        self.screen = None
        if m["profile"]:
            try:
                self.screen = Screen(base64.b64decode(m["profile"]), proof=bool(m.get("proof")))
            except (ValueError, struct.error, KeyError, ArithmeticError) as why:
                self.tell("trouble", why=str(why))

    def do_forget(self, m: Message) -> None:
        """A page is not used any more."""
        self.pages.pop(str(m["page"]), None)

    def do_probe(self, m: Message) -> None:
        """Values of the last rendering (`role`: base or region) at (x, y), fractions of its width and height."""
        made = self.shown.get(str(m.get("role", "base")))
        if made is None:
            self.tell("probed", serial=m["serial"], values=[], state="", space="")
        else:
            self.tell("probed", serial=m["serial"], **made.probe(m["x"], m["y"]))

    # --- recipes and files ------------------------------------------------------------------------------------------

    def do_swap(self, m: Message) -> None:
        """The recipe with another stage in its slot; tells `swapped`."""
        try:
            recipe = Recipe.load(m["recipe"]).swap(m["stage"])
        except (ValueError, TypeError) as why:
            self.tell("trouble", why=str(why))
            return
        self.tell("swapped", path=m["path"], recipe=recipe.dump(), stage=m["stage"])

    def do_fit(self, m: Message) -> None:
        """A recipe from elsewhere, made fit for a picture; tells `fitted`."""

        def work(stop: Callable[[], bool]) -> None:
            recipe = Recipe.load(m["recipe"]).fit(self._opened(m["path"]).image)
            self.tell("fitted", path=m["path"], recipe=recipe.dump(), words=m["words"], value=m["value"])

        self.opening.put(work)

    def do_locate(self, m: Message) -> None:
        """Where a rectangle of the result lies in what an entry reads; tells `located`."""

        def work(stop: Callable[[], bool]) -> None:
            o = self._opened(m["path"])
            rect = located(o, o.plain(m["recipe"]), m["entry"], tuple(m["rect"]))
            self.tell("located", path=m["path"], entry=m["entry"], param=m["param"], rect=rect)

        self.opening.put(work)

    def do_save(self, m: Message) -> None:
        """Write a sidecar; tells `saved`, `conflict` or `unsaved`."""
        o = self.open.get(m["path"])
        measured = dict(o.measured) if o is not None else {}
        self.saving[m["path"]] += 1

        def work(stop: Callable[[], bool]) -> None:
            try:
                files.save(m, measured, self.tell)
            finally:
                self.saving[m["path"]] -= 1

        self.files.put(work, m["path"])

    def do_glance(self, m: Message) -> None:
        """Ratings, labels, whether they are edited, copies of many pictures; tells `glanced` in portions."""
        self.glances.put(lambda stop: files.glance(m["paths"], self.tell, stop))

    def do_rate(self, m: Message) -> None:
        """Set the rating or label of pictures that are not open; tells `glanced`."""
        self.files.put(lambda stop: files.rate(m, self.tell))

    def do_xmp(self, m: Message) -> None:
        """Write stars and labels as XMP beside pictures; tells `xmp`."""
        self.files.put(lambda stop: files.write_xmp(m, self.tell))

    def do_paste(self, m: Message) -> None:
        """Lay parts of a recipe onto other pictures' sidecars; tells `pasted`."""
        self.files.put(lambda stop: files.paste(m, self.tell))

    def do_unpaste(self, m: Message) -> None:
        """Take a paste back; tells `unpasted`."""
        self.files.put(lambda stop: files.unpaste(m, self.tell))

    def do_copy(self, m: Message) -> None:
        """Make a virtual copy; tells `copied`."""
        self.files.put(lambda stop: files.copy_(m, self.tell))

    def do_uncopy(self, m: Message) -> None:
        """Take a virtual copy out; tells `uncopied`."""
        self.files.put(lambda stop: files.uncopy(m, self.tell))

    def do_default(self, m: Message) -> None:
        """Save or forget how pictures of this camera begin; tells `default_kept`."""
        self.opening.put(lambda stop: files.keep_default(m, self._opened(m["path"]).image, self.tell))

    def do_style(self, m: Message) -> None:
        """Save, import, export, rename or delete a style; tells `styled`."""
        self.files.put(lambda stop: styling.style(m, self.tell))

    def do_export(self, m: Message) -> None:
        """Export one picture; tells `exporting` on the way, `exported` or `unexported` at the end."""
        self.look.put(lambda stop: files.export_one(m, self.tell, stop), m["id"])


def main() -> None:
    """Serve the window that started this process, until it goes away."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # no library may talk into the answers
    if hasattr(os, "nice"):
        os.nice(3)
    torch.set_num_threads(1)
    torch.zeros(1)
    Server(out).serve(sys.stdin)
    decoder.close()
    os._exit(
        0
    )  # lanes may be in the middle of work that nobody wants any more; torch's threads do not like to be left so
