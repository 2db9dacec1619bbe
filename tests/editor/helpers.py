"""What several of the editor's tests do: open a photograph and wait, find a row, watch the window's thread."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as Pillow
from PySide6.QtCore import QObject, QTimer

from editor_app.controls import NumberRow
from editor_app.window import Window
from modisp import Image, Metadata, State, save_image


def pictures(where: Path, n: int = 3, size: tuple[int, int] = (360, 240)) -> Path:
    """A folder of `n` small pictures p0.png …"""
    where.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[: size[1], : size[0]]
    for i in range(n):
        rgb = np.stack([x % 256, y % 256, 200 - y % 200 + 10 * (i % 5)], 2).astype(np.uint8)
        Pillow.fromarray(rgb).save(where / f"p{i}.png")
    return where


def raw(file: Path, width: int = 420, height: int = 300, **meta: Any) -> Path:
    """A small RAW file."""
    g = torch.Generator().manual_seed(1)
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    mosaic = (0.05 + 0.5 * x * y + 0.02 * torch.rand(height, width, generator=g))[None]
    given = {"make": "Maker", "model": "Model", "iso": 200.0, "white": (0.5, 1.0, 0.7)} | meta
    save_image(Image(mosaic, State.MOSAIC, Metadata(**given)), file)
    return file


def opened(qtbot: Any, w: Window, path: Path) -> None:
    """Open a photograph and wait for its picture."""
    w.open_paths([path])
    wait(qtbot, w)


def wait(qtbot: Any, w: Window) -> None:
    """Until the screen lacks nothing, and the folder's other photographs are known."""

    def there() -> bool:
        s = w.session
        lacks = [r for r, key, _ in s._needs() if s.shown.get(r) != key]
        rests = not s.engine.mailbox.busy and not s.catalog.listing and not lacks
        return s.document is not None and w.viewer.base is not None and rests

    qtbot.waitUntil(there)


def number(w: Window, negative: bool = True, skip: int = 0) -> tuple[str, str, NumberRow]:
    """A row with a slider that is shown: entry, parameter, control."""
    for key in w.panels.shape:
        panel = w.panels.panels[key]
        for name, c in panel.controls.items():
            if isinstance(c, NumberRow) and (c.shown.low < 0 or not negative) and not panel.body.isHidden():
                if not skip:
                    return key[0], name, c
                skip -= 1
    raise AssertionError


class Watchdog(QObject):
    """How much of its thread's own time (other processes do not count) passes at most between two turns of the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0.0
        self._last = time.thread_time()
        self._timer = QTimer(self, interval=5)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now = time.thread_time()
        self.longest, self._last = max(self.longest, now - self._last), now

    def stop(self) -> float:
        """End; the longest stall in seconds."""
        self._tick()
        self._timer.stop()
        return self.longest
