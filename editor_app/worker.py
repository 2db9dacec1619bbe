"""The window's side of the engine: the child process, its messages as signals, and pictures over shared memory.

This process never imports torch: importing it takes seconds and would hold the window, even in a thread.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import sys
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal
from PySide6.QtGui import QImage

from editor_app.mailbox import Mailbox
from editor_app.pages import Page, Pool


@dataclass(eq=False)
class Picture:
    """A rendering as the window shows it: pixels in shared memory and all that was told about them."""

    image: QImage
    told: Mapping[str, Any]
    page: Page | None
    screen: QImage | None = None  # the same in the monitor's own values, where it has some

    @property
    def rect(self) -> tuple[float, float, float, float]:
        """What it shows: x, y, width, height in pixels of the full-size picture."""
        x, y, w, h = self.told["rect"]
        return x, y, w, h

    @property
    def full(self) -> tuple[int, int]:
        """Width and height of the full-size picture."""
        return int(self.told["full"][1]), int(self.told["full"][0])


class Engine(QObject):
    """The child process.  What it tells are signals of the same names, with the message as a dict."""

    pictured = Signal(object)  # Picture
    unpictured = Signal(dict)
    died = Signal(str)
    declared = Signal(dict)
    opened = Signal(dict)
    unopened = Signal(dict)
    refining = Signal(dict)
    refined = Signal(dict)
    unrefined = Signal(dict)
    probed = Signal(dict)
    under = Signal(dict)
    sampled = Signal(dict)
    counted = Signal(dict)
    peered = Signal(dict)
    candidate = Signal(dict)
    strip = Signal(dict)
    cover = Signal(dict)
    thumb = Signal(dict)
    swapped = Signal(dict)
    located = Signal(dict)
    fitted = Signal(dict)
    saved = Signal(dict)
    unsaved = Signal(dict)
    conflict = Signal(dict)
    glanced = Signal(dict)
    kept_both = Signal(dict)
    pasted = Signal(dict)
    unpasted = Signal(dict)
    copied = Signal(dict)
    uncopied = Signal(dict)
    xmp = Signal(dict)
    default_kept = Signal(dict)
    styled = Signal(dict)
    exporting = Signal(dict)
    exported = Signal(dict)
    unexported = Signal(dict)
    trouble = Signal(dict)

    def __init__(self, parent: QObject | None = None, niceness: int = 0) -> None:
        super().__init__(parent)
        self.pool = Pool()
        self.ids = itertools.count(1)
        self.mailbox = Mailbox(self._render, lambda i: self.send("cancel", id=i))
        self._lent: dict[int, Page] = {}
        self._closing = False
        self.ready = False
        self.proof = False
        self.monitor = b""  # its profile, where it shows other colours than sRGB
        self.process = QProcess(self)
        env = QProcessEnvironment.systemEnvironment()
        env.insert("PYTHONPATH", os.pathsep.join(str(Path(p or ".").absolute()) for p in sys.path))
        env.insert("OMP_NUM_THREADS", "1")
        self.process.setProcessEnvironment(env)
        self.process.setProcessChannelMode(QProcess.ProcessChannelMode.ForwardedErrorChannel)
        self.process.readyReadStandardOutput.connect(self._read)
        self.process.finished.connect(self._finished)
        self.process.errorOccurred.connect(self._finished)

    def start(self) -> None:
        """Start the process; it tells `declared` when torch is there."""
        self.ready = False
        self.process.start(sys.executable, ["-m", "editor_app.engine"])
        self.show_on(self.monitor, self.proof)

    def show_on(self, profile: bytes, proof: bool = False) -> None:
        """Render for a monitor with a profile of its own as well; none where it shows sRGB.  `proof`: only with those colours that
        the recipe's own output space has."""
        self.monitor, self.proof = profile, proof
        self.send("screen", profile=base64.b64encode(profile).decode("ascii"), proof=proof)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.state() != QProcess.ProcessState.NotRunning

    def send(self, do: str, **more: Any) -> None:
        """Ask for something; what is sent before the engine is ready waits in the pipe."""
        if self.process.state() != QProcess.ProcessState.NotRunning:
            self.process.write(json.dumps({"do": do, **more}).encode() + b"\n")

    def request(self, kind: str, path: Path, recipe: Mapping[str, Any], size: tuple[int, int], **more: Any) -> int:
        """Ask for a rendering that fits into `size` device pixels; its id.  The newest request wins."""
        ident = next(self.ids)
        row = {"id": ident, "kind": kind, "path": str(path), "recipe": recipe, "size": [max(1, s) for s in size]}
        self.mailbox.put(row | more)
        return ident

    def _render(self, request: Mapping[str, Any]) -> None:
        w, h = request["size"]
        page = self.pool.take(4 * (w + 64) * (h + 64) * (2 if self.monitor else 1))
        self._lent[request["id"]] = page
        self.send("render", **request, page={"path": str(page.path), "size": page.size})
        self.process.waitForBytesWritten(1)  # now, and not after what the window draws first

    def _read(self) -> None:
        while self.process.canReadLine():
            line = bytes(self.process.readLine().data())
            message = json.loads(line)
            what = message.pop("told")
            if what == "pictured":
                self._pictured(message)
            elif what == "unpictured":
                self.pool.give(self._lent.pop(message["id"]))
                self.mailbox.done(message["id"], finished=False)
                self.unpictured.emit(message)
            else:
                self.ready = self.ready or what == "declared"
                getattr(self, what).emit(message)

    def _pictured(self, message: dict[str, Any]) -> None:
        page = self._lent.pop(message["id"])
        w, h = message["width"], message["height"]
        image = QImage(memoryview(page.map), w, h, 4 * w, QImage.Format.Format_RGB32)
        n, screen = 4 * w * h, None
        if message["screen"]:
            screen = QImage(memoryview(page.map)[n : 2 * n], w, h, 4 * w, QImage.Format.Format_RGB32)
        picture = Picture(image, message, page, screen)
        weakref.finalize(picture, self.pool.give, page)  # the page is lent again when nobody shows it any more
        self.mailbox.done(message["id"], finished=True)
        self.pictured.emit(picture)

    def _finished(self, *_: Any) -> None:
        if self._closing or self.process.state() != QProcess.ProcessState.NotRunning:
            return
        self.mailbox.clear()
        self._lent.clear()
        self.died.emit(self.process.errorString())

    def close(self) -> None:
        """End the process; what it was told to save is saved first."""
        self._closing = True
        if self.process.state() != QProcess.ProcessState.NotRunning:
            self.process.closeWriteChannel()
            if not self.process.waitForFinished(8000):
                self.process.kill()
                self.process.waitForFinished(1000)
        self.pool.close()


class Later:
    """Calls something once, a while after the last time it was asked to; used to wait for the end of a burst."""

    def __init__(self, parent: QObject, milliseconds: int, what: Any) -> None:
        self.timer = QTimer(parent, singleShot=True, interval=milliseconds)
        self.timer.timeout.connect(what)

    def ask(self, restart: bool = True) -> None:
        """Ask for the call; `restart` puts it off again."""
        if restart or not self.timer.isActive():
            self.timer.start()

    def now(self) -> None:
        """Call at once where a call was asked for."""
        if self.timer.isActive():
            self.timer.stop()
            self.timer.timeout.emit()
