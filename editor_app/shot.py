"""A picture of the window, taken once everything in it is there; the README's pictures are made so."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from editor_app.window import Window

PATIENCE = 180.0  # seconds


def wait(app: QApplication, until: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Let the window live until something is true; whether it came true in time."""
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)
    return until()


def take(app: QApplication, window: Window, paths: Sequence[Path], out: Path, size: str, view: str, do: str) -> int:
    """Open the paths, wait for the picture and the thumbnails, write the window to a file; the exit status."""
    w, _, h = size.partition("x")
    window.resize(int(w), int(h))
    window.show()
    s = window.session
    problem: list[str] = []
    s.failed.connect(problem.append)
    if paths:
        window.open_paths(paths)

    def there() -> bool:
        rows = window.strip.rows
        strip = bool(rows) and all(b.neutral or b.image is not None for b in rows)
        covers = not s.extras_wanted["covers"] or len(window.styles.covers.images) >= len(window.styles.all)
        return bool(problem) or (strip and covers and window.viewer.base is not None and not s.engine.mailbox.busy)

    done = wait(app, there if paths else lambda: s.declared is not None and s.engine.ready)
    if done and view and not problem:
        s.view(view)
        wait(app, lambda: bool(window.viewer.what[0]), 30)
    wait(app, lambda: False, 0.5)
    if done and do in window.commands.actions:
        window.commands.actions[do].trigger()
        wait(app, lambda: not s.engine.mailbox.busy, 30)
        wait(app, lambda: False, 0.5)
    window.panels.finish()
    saved = window.grab().save(str(out), "PNG", 0)  # 0: as small as it gets
    window.closing = True
    window.close()
    if problem or not done or not saved:
        print(problem[0] if problem else f"{out} could not be written" if done else "the picture never came")
        return 1
    return 0
