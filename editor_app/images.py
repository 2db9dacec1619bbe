"""Small pictures: as messages carry them, and those that cameras put into their files, fetched in the background.

Embedded previews are decoded by modisp's decoder processes and read by threads here; nothing imports torch.  What was
made once is kept as a small JPEG in the user's cache folder.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from modisp.cli.files import FINISHED
from modisp.io.decoder import decode
from modisp.io.errors import ImageError
from modisp.io.levels import Levels, normalise
from modisp.resources import home

THUMB, LARGE = 168, 2048
"""Long edges of a filmstrip thumbnail's cached picture (height of it) and of a preview."""
WIDE = 6000  # pixels of a long edge that no window has
WHOLE = 1 << 20  # pixels of a long edge that no JPEG has
_KEPT, _NEAR = 600, 4


def sized(image: QImage, full: tuple[int, int]) -> QImage:
    """A small picture that knows how large the picture is that it was made of; a JPEG keeps that."""
    image.setText("full", f"{full[0]} {full[1]}")
    return image


def full_of(image: QImage) -> tuple[int, int]:
    """The size of the picture that a small one was made of.  Where nobody can tell, a large one of its shape: fitted, it lies
    where the photograph will lie."""
    try:
        w, h = (int(v) for v in image.text("full").split())
    except ValueError:
        n = -(-WIDE // max(1, image.width(), image.height()))
        w, h = n * image.width(), n * image.height()
    return w, h


def unpacked(message: Mapping[str, Any]) -> QImage:
    """The small picture inside a message of the engine."""
    w, h = message["width"], message["height"]
    data = base64.b64decode(message["pixels"])
    return QImage(data, w, h, 4 * w, QImage.Format.Format_RGB32).copy()


def reduced(pixels: np.ndarray[Any, Any], longest: int) -> np.ndarray[Any, Any]:
    """(H, W, 3) bytes, averaged over whole blocks until the long edge is at most twice `longest`."""
    n = max(pixels.shape[:2]) // longest
    if n < 2:
        return pixels
    h, w = pixels.shape[0] // n * n, pixels.shape[1] // n * n
    total = np.zeros((h // n, w // n, pixels.shape[2]), np.uint16)
    for i, j in itertools.product(range(n), range(n)):
        total += pixels[i:h:n, j:w:n]
    out: np.ndarray[Any, Any] = (total // (n * n)).astype(np.uint8)
    return out


def embedded(path: Path, longest: int) -> QImage | None:
    """The preview inside a file, upright, not much larger than `longest`; None where it has none or cannot be read."""
    found: list[np.ndarray[Any, Any]] = []

    def receive(header: dict[str, Any], stream: IO[bytes]) -> None:
        pixels = np.empty(header["shape"], np.dtype(header["dtype"]))
        view = memoryview(pixels.data).cast("B")
        while view:
            got = stream.readinto(view)  # type: ignore[attr-defined]  # a pipe's buffered reader
            if not got:
                raise EOFError
            view = view[got:]
        if pixels.dtype != np.uint8:
            out = np.empty((pixels.shape[2], *pixels.shape[:2]), np.float32)
            normalise(pixels, Levels.load(header["levels"]), 0, out)
            pixels = (np.nan_to_num(out).clip(0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
        found.append(pixels if pixels.shape[2] == 3 else np.repeat(pixels[:, :, :1], 3, 2))

    try:
        decode("preview", path, receive)
    except (ImageError, OSError, ValueError, KeyError):
        return None
    if not found:
        return None
    pixels = np.ascontiguousarray(reduced(found[0], longest))
    h, w, _ = pixels.shape
    image = QImage(pixels.tobytes(), w, h, 3 * w, QImage.Format.Format_RGB888).copy()
    finished = path.suffix.lower() in FINISHED  # its preview is the picture itself
    return sized(image, (found[0].shape[1], found[0].shape[0])) if finished else image


def _stamp(path: Path) -> str:
    try:
        s = path.stat()
        return f"{s.st_mtime_ns} {s.st_size}"
    except OSError:
        return ""


def kept_file(path: Path, kind: str) -> Path:
    """Where a small picture of a file is kept; another place once the file has changed."""
    key = hashlib.blake2b(f"{path.absolute()} {_stamp(path)}".encode(), digest_size=16).hexdigest()
    return home("cache") / "editor" / kind / key[:2] / f"{key}.jpg"


def key_of(path: Path, copy: int = 0) -> str:
    """What a photograph's pictures are known by; no file name holds a zero byte."""
    return f"{path}\0{copy}" if copy else str(path)


def shown_kind(copy: int) -> str:
    """Under what the last rendering of a photograph is kept."""
    return f"shown-{copy}" if copy else "shown"


def small_kind(copy: int) -> str:
    """Under what a small rendering of a photograph that was not open is kept."""
    return f"small-{copy}"


def _age(file: Path) -> float:
    try:
        return -file.stat().st_mtime
    except OSError:
        return 0.0


def keep_aside(path: Path, kind: str, image: QImage) -> None:
    """As `keep`, in a thread of its own."""
    threading.Thread(target=keep, args=(path, kind, image.copy()), daemon=True).start()


def keep(path: Path, kind: str, image: QImage) -> None:
    """Keep a small picture; a full disk costs nothing but that."""
    file = kept_file(path, kind)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(str(file), "JPEG", 88)  # type: ignore[call-overload]  # the stubs want bytes, Qt takes both
    except OSError:
        return


class Previews(QObject):
    """Fetches small pictures in two threads: the ones asked for last come first."""

    lacking = Signal(str)  # key of a photograph that brings no small picture along
    ready = Signal(
        str, str, object
    )  # key of the photograph, kind (thumb, large), QImage; of "camera" (QImage, pyramid); or None

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.images: OrderedDict[str, QImage] = OrderedDict()
        self.large: OrderedDict[str, QImage] = OrderedDict()  # of the photographs nearby
        self.asked: set[tuple[str, str]] = set()
        self._todo: queue.PriorityQueue[tuple[int, str, str]] = queue.PriorityQueue()
        self._turn = itertools.count()
        self._closed = False
        self.screen: Callable[[QImage], QImage] = lambda image: image  # as the monitor needs the camera's JPEG
        self.ready.connect(self._take, Qt.ConnectionType.QueuedConnection)
        for _ in range(2):
            threading.Thread(target=self._work, name="previews", daemon=True).start()

    def thumb(self, path: Path, copy: int = 0) -> QImage | None:
        """A thumbnail, if it is there; else it is fetched, and `ready` tells."""
        found = self.images.get(key_of(path, copy))
        if found is None:
            self.ask(path, "thumb", copy)
        return found

    def ask(self, path: Path, kind: str, copy: int = 0) -> None:
        """Fetch a picture of a file, before all that was asked for earlier."""
        key = key_of(path, copy)
        if kind == "large" and key in self.large:
            self.ready.emit(key, kind, self.large[key])
        elif (key, kind) not in self.asked:
            self.asked.add((key, kind))
            urgent = 0 if kind == "thumb" else -(1 << 40)
            self._todo.put((urgent - next(self._turn), key, kind))

    def put(self, path: Path, image: QImage, copy: int = 0) -> None:
        """Take a better thumbnail, as of an edited picture."""
        key = key_of(path, copy)
        self.images[key] = image
        self.asked.add((key, "thumb"))
        self.large.pop(key, None)

    def close(self) -> None:
        """End the threads."""
        self._closed = True
        for _ in range(2):
            self._todo.put((-(1 << 60), "", ""))

    def _take(self, key: str, kind: str, image: QImage | None) -> None:
        if kind == "large":
            self.asked.discard((key, kind))
            if image is not None:
                self.large[key] = image
                while len(self.large) > _NEAR:
                    self.large.popitem(last=False)
        elif kind == "camera":
            self.asked.discard((key, kind))
        elif image is None:
            self.lacking.emit(key)
        else:
            self.images[key] = image
            while len(self.images) > _KEPT:
                old, _ = self.images.popitem(last=False)
                self.asked.discard((old, "thumb"))

    def _work(self) -> None:
        while not self._closed:
            _, key, kind = self._todo.get()
            if self._closed or not key:
                return
            name, _, copy = key.partition("\0")
            path = Path(name)
            image = self._kept(path, kind, int(copy or 0)) or self._made(path, kind)
            if image is None and kind == "large":  # a blurred one is better than none
                image = self._kept(path, "thumb", int(copy or 0))
            told: object = image
            if kind == "camera" and image is not None:  # as it is, and as the monitor needs it
                seen = self.screen(image)
                told = (image, pyramid(seen))
            try:
                self.ready.emit(key, kind, told)
            except RuntimeError:  # the window is gone
                return

    def _kept(self, path: Path, kind: str, copy: int) -> QImage | None:
        if kind == "camera":  # the file's own, whatever was edited
            return None
        shown = [kept_file(path, shown_kind(copy))]
        if kind == "thumb":  # the newest of those that show the development, else the camera's
            shown += [kept_file(path, small_kind(copy))]
            shown.sort(key=_age)
            shown += [kept_file(path, "thumbs")]
        for file in shown:
            if file.is_file():
                image = QImage(str(file))
                if not image.isNull():
                    return _small(image) if kind == "thumb" else image
        return None

    def _made(self, path: Path, kind: str) -> QImage | None:
        image = embedded(path, {"large": LARGE, "camera": WHOLE}.get(kind, 2 * THUMB))
        if image is not None and kind == "thumb":
            image = _small(image)
            keep(path, "thumbs", image)
        return image


def pyramid(image: QImage) -> list[QImage]:
    """An image and its halves, averaged, down to about a thousand pixels: what is drawn small must not alias."""
    out = [image]
    while max(out[-1].width(), out[-1].height()) > 1200:
        half = (max(1, out[-1].width() // 2), max(1, out[-1].height() // 2))
        smooth = Qt.TransformationMode.SmoothTransformation
        out.append(out[-1].scaled(*half, Qt.AspectRatioMode.IgnoreAspectRatio, smooth))
    return out


def _small(image: QImage) -> QImage:
    return image.scaledToHeight(THUMB, Qt.TransformationMode.SmoothTransformation) if image.height() > THUMB else image
