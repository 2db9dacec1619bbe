"""`modisp-editor --measure FILE`: how well pictures follow a dragged slider, in a real window that nobody sees."""

from __future__ import annotations

import json
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from editor_app.controls import NumberRow
from editor_app.shot import wait

if TYPE_CHECKING:
    from editor_app.window import Window

SECONDS, EVERY = 2.0, 0.016
"""How long each slider is dragged to and fro, and between two places of the hand."""
LEAST, MOST = 5, 20.0
"""So many pictures are waited for on a slow machine, so many seconds."""
REACH = 0.2  # of a slider's way, to either side of where it stands
COLUMNS = ("slider", "frames", "median ms", "p95 ms", "longest ms", "megapixels", "window held ms")


class Refused(ValueError):
    """A sentence on what was asked for and cannot be."""


def measure(app: QApplication, asked: Any, made: Callable[[], Window]) -> int:
    """Open a copy of `asked.paths[0]`, drag its sliders, print a table (or JSON); the exit status.

    Settings and sidecar are those of the copy: nothing of the user's is touched.
    """
    source = asked.paths[0] if asked.paths else None
    if source is None or not source.is_file():
        print(f"{source} is not a file" if source else "--measure needs a file")
        return 1
    with tempfile.TemporaryDirectory(prefix="modisp-measure-") as folder:
        file = Path(shutil.copy(source, folder))
        sidecar = source.with_name(f"{source.name}.modisp")
        if sidecar.is_file():
            shutil.copy(sidecar, folder)
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
        window = made()
        try:
            rows = list(_rows(app, window, file, asked))
        except Refused as why:
            print(why)
            return 1
        finally:
            window.closing = True
            window.close()
    print(json.dumps(rows, indent=1) if asked.json else _table(rows))
    return 0


def _rows(app: QApplication, w: Window, file: Path, asked: Any) -> Iterator[Mapping[str, Any]]:
    width, _, height = asked.size.partition("x")
    w.resize(int(width), int(height))
    w.show()
    s = w.session
    problem: list[str] = []
    s.failed.connect(problem.append)
    w.open_paths([file])

    def rests() -> bool:
        base, lacks = w.viewer.base, [r for r, key, _ in s._needs() if s.shown.get(r) != key]
        there = s.document is not None and base is not None and not base.told["refining"]
        strip = bool(w.strip.rows) and all(b.neutral or b.image is not None for b in w.strip.rows)
        return bool(problem) or (there and strip and not lacks and not s.engine.mailbox.busy)

    def settle() -> None:
        if not wait(app, rests) or problem:
            raise Refused(problem[0] if problem else "the picture never came")

    settle()
    w.panels.finish()
    named = [n.strip().lower() for n in asked.sliders.split(",") if n.strip()]
    sliders = {k: c for k, c in _sliders(w).items() if not named or c.p.words.lower() in named}
    for given in filter(None, asked.set.split(",")):
        words, _, v = given.partition("=")
        found = next((c for c in _sliders(w, True).values() if c.p.words.lower() == words.strip().lower()), None)
        if found is None:
            raise Refused(f"there is no slider {words.strip()}")
        try:
            found.take(found.shown.clamp(float(v)))
        except ValueError as why:
            raise Refused(f"{v or 'nothing'} is not a number for {words.strip()}") from why
    settle()
    lacking = set(named) - {c.p.words.lower() for c in sliders.values()} - {"style"}
    if lacking:
        raise Refused(f"there is no slider {sorted(lacking)[0]}")
    for c in sliders.values():
        yield _drag(app, w, c.p.words, _way(c), c.slider.set)
        c.take(c.p.default if c.measured else c.slider.value)
        settle()
    style = next((x for x in s.declared.styles if not x.own), None) if s.declared is not None else None
    if style is not None and (not named or "style" in named):
        s.apply_style(style, False)
        settle()
        yield _drag(app, w, f"Style {style.name}", lambda t: 0.6 + 0.4 * t, lambda v: w._strength(style.name, v, ""))


def _sliders(w: Window, hidden: bool = False) -> dict[tuple[str, str], NumberRow]:
    """Rows with a slider: those that are seen before anything is unfolded, or all."""
    rows = {(k, n): c for k in w.panels.shape for n, c in w.panels.panels[k].controls.items()}
    return {
        (k[0], n): c
        for (k, n), c in rows.items()
        if isinstance(c, NumberRow) and (hidden or not (c.p.advanced or w.panels.panels[k].body.isHidden()))
    }


def _way(c: NumberRow) -> Callable[[float], float]:
    """A function of −1…1: where the hand is."""
    middle = min(max(c.shown.place(c.slider.value), REACH), 1 - REACH)
    return lambda t: c.shown.at(middle + REACH * t)


def _drag(
    app: QApplication, w: Window, words: str, way: Callable[[float], float], to: Callable[[float], None]
) -> Mapping[str, Any]:
    """Drag to and fro once; what came of it."""
    came: list[tuple[float, int]] = []

    def seen(picture: Any, role: str) -> None:
        if role in ("base", "region"):
            came.append((time.monotonic(), picture.image.width() * picture.image.height()))

    w.session.pictured.connect(seen)
    start = last = time.monotonic()
    held = moved = 0.0
    while (gone := (now := time.monotonic()) - start) < SECONDS or (len(came) < LEAST and gone < MOST):
        if now - moved >= EVERY:
            moved = now
            to(way(math.sin(2 * math.pi * gone / SECONDS)))
        app.processEvents()
        held = max(held, time.monotonic() - last)
        time.sleep(0.001)
        last = time.monotonic()
    w.session.pictured.disconnect(seen)
    w._done()
    gaps = sorted(1e3 * (b[0] - a[0]) for a, b in pairwise(came))
    if not gaps:
        return dict(zip(COLUMNS, (words, len(came), None, None, None, None, round(1e3 * held)), strict=True))
    p95 = gaps[math.ceil(0.95 * len(gaps)) - 1]
    size = round(statistics.median(n for _, n in came) / 1e6, 2)
    figures = (len(came), *(round(v) for v in (statistics.median(gaps), p95, gaps[-1])), size, round(1e3 * held))
    return dict(zip(COLUMNS, (words, *figures), strict=True))


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join("-" if r[c] is None else str(r[c]) for c in COLUMNS) + " |" for r in rows]
    return "\n".join(lines)
