"""What one side of the viewer shows: its renderings, a still where there is none, and how it lies on the other side."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QTransform

from editor_app import paint
from editor_app.viewport import Viewport, whole
from editor_app.worker import Picture

GAIN = 8
"""How much a difference is made stronger."""
SHARP = 4.0
"""Device pixels per picture pixel above which pixels are squares."""

_NONE, _MOVED, _SCALED = (
    QTransform.TransformationType.TxNone,
    QTransform.TransformationType.TxTranslate,
    QTransform.TransformationType.TxScale,
)
Screen = Callable[[Picture], QImage]


class Pane:
    """A photograph, or one version of it, with a viewport of its own for when it stands beside another."""

    def __init__(self, port: Viewport) -> None:
        self.port = port
        self.base: Picture | None = None  # the whole picture
        self.detail: Picture | None = None  # a part of it, sharper
        self.still: QImage | None = None  # shown where nothing is rendered: a preview, the camera's JPEG
        self.smaller: list[QImage] = []  # the same, halved and halved again
        self.camera: QImage | None = None  # the camera's JPEG as it is, not as the monitor needs it
        self.words = ("", "")  # what it is, and more
        self.onto = QTransform()  # from its pixels to those of the other side's picture

    @property
    def there(self) -> bool:
        """Whether there is something to see."""
        return self.base is not None or self.still is not None

    @property
    def full(self) -> tuple[int, int]:
        """Width and height of its whole picture."""
        if self.base is not None:
            return self.base.full
        return (self.still.width(), self.still.height()) if self.still is not None else (0, 0)

    def clear(self) -> None:
        """Nothing to see."""
        self.base = self.detail = self.still = self.camera = None
        self.smaller = []

    def show(self, picture: Picture) -> None:
        """Take a rendering, whole or in part."""
        x, y, w, h = picture.rect
        if (x, y) == (0, 0) and w >= picture.full[0] - 32 and h >= picture.full[1] - 32:
            self.base = picture
        else:
            self.detail = picture
        if self.base is not None and self.detail is not None and self.base.full != self.detail.full:
            self.detail = None if picture is self.base else self.detail

    def still_for(self, scale: float) -> QImage:
        """The still as it is best drawn at so many device pixels per pixel of it: the smallest that has enough."""
        assert self.still is not None
        enough = [i for i in self.smaller if i.width() >= 0.99 * scale * self.still.width()]
        return min(enough, key=lambda i: i.width()) if enough else self.still

    def layers(self, parts: bool) -> list[Picture]:
        """The renderings from the bottom up; `parts`: with the sharper one."""
        return [q for q in (self.base, self.detail if parts else None) if q is not None]

    def paint(self, p: QPainter, port: Viewport, screen: Screen, parts: bool) -> None:
        """Draw where `port` says; `parts`: with the sharper part."""
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, port.scale * port.ratio <= SHARP)
        layers = self.layers(parts)
        if not layers and self.still is not None:
            image = self.still_for(port.rect().width() * port.ratio / self.still.width())
            p.drawImage(port.rect(), image, middle(image, port.full))
        for q in layers:
            paint.pixels(p, port.to_widget(*q.rect), screen(q), port.ratio)

    def paint_onto(self, p: QPainter, onto: QTransform, screen: Screen, parts: bool, ratio: float = 1.0) -> None:
        """Draw with its pixels going where `onto` says; `ratio`: device pixels per unit of it."""
        p.save()
        straight = onto.type() in (_NONE, _MOVED, _SCALED) and onto.m11() > 0 < onto.m22()
        big = straight and onto.m11() * ratio > SHARP
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not big)
        layers = self.layers(parts)
        if straight:  # pixel for pixel where it can be, as sharp as what it is compared with
            for q in layers:
                paint.pixels(p, onto.mapRect(QRectF(*q.rect)), screen(q), ratio)
            layers = []
        p.setTransform(onto, True)
        if self.base is None and self.still is not None:
            image = self.still_for(math.sqrt(abs(onto.determinant())) * ratio)
            if screen is plain and self.camera is not None:
                image = self.camera
            p.drawImage(QRectF(0, 0, *self.full), image, QRectF(image.rect()))
        for q in layers:
            p.drawImage(QRectF(*q.rect), screen(q), QRectF(q.image.rect()))
        p.restore()


def middle(image: QImage, full: tuple[int, int]) -> QRectF:
    """The part of a preview that has the picture's shape: cameras pad or trim theirs by a few pixels."""
    w, h = image.width(), image.height()
    shape = full[0] / max(1, full[1])
    if abs(w / h / shape - 1) < 0.01:
        return QRectF(0, 0, w, h)
    cut_w, cut_h = min(w, h * shape), min(h, w / shape)
    return QRectF((w - cut_w) / 2, (h - cut_h) / 2, cut_w, cut_h)


def plain(q: Picture) -> QImage:
    """A rendering as it came."""
    return q.image


class Difference:
    """What tells two panes apart, as a picture round grey; made once for each pair."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self.image: QImage | None = None
        self.mean = 0.0  # of full scale

    def of(self, now: Picture, other: Pane, parts: bool) -> QImage:
        """`now` minus `other`, gain 8 round grey, on the pixels of `now`."""
        key = (now, *other.layers(parts), other.still.cacheKey() if other.still is not None else 0, other.onto)
        if key == self._key and self.image is not None:
            return self.image
        h, w = now.image.height(), now.image.width()
        under = QImage(w, h, QImage.Format.Format_RGB32)
        under.fill(Qt.GlobalColor.black)
        seen = QImage(w, h, QImage.Format.Format_ARGB32)
        seen.fill(Qt.GlobalColor.transparent)
        x, y, full_w, full_h = now.rect
        onto = other.onto * QTransform.fromTranslate(-x, -y) * QTransform.fromScale(w / full_w, h / full_h)
        p = QPainter(under)
        other.paint_onto(p, onto, plain, parts)
        p.end()
        gap = np.subtract(_bytes(now.image), _bytes(under), dtype=np.int16)
        self._key, self.mean = key, float(np.abs(gap[::2, ::2, :3]).mean()) / 255
        np.clip(gap, -(128 // GAIN), 127 // GAIN, out=gap)
        gap *= GAIN
        gap += 128
        out = gap.astype(np.uint8)
        self.image = QImage(out.tobytes(), w, h, 4 * w, QImage.Format.Format_RGB32).copy()
        return self.image


def _bytes(image: QImage) -> np.ndarray[Any, np.dtype[np.uint8]]:
    h, w = image.height(), image.width()
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(h, image.bytesPerLine() // 4, 4)
    return flat[:, :w]


def seen_part(onto: QTransform, rect: tuple[float, float, float, float], full: tuple[int, int]) -> QRectF:
    """The part of a pane's picture under a rectangle of the other side's, inside its own `full` size."""
    back, possible = onto.inverted()
    if not possible:
        return QRectF(0, 0, *full)
    x, y, w, h = rect
    corners = [back.map(QPointF(a, b)) for a in (x, x + w) for b in (y, y + h)]
    xs, ys = [c.x() for c in corners], [c.y() for c in corners]
    box = QRectF(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
    return whole(box, full)
