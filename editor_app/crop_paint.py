"""How the crop tool looks: the picture through its homography, the dimmed surround, guides, corner angles, lines."""

from __future__ import annotations

import math
from functools import lru_cache

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QCursor, QImage, QPainter, QPen, QPixmap, QTransform

from editor_app import theme
from editor_app.framing import Framing

GOLDEN = (3 - math.sqrt(5)) / 2
ANGLE = 20.0
"""Length of a corner angle's arms."""


@lru_cache(maxsize=4)
def turning(ratio: float) -> QCursor:
    """The pointer where a drag turns the picture: a round arrow, white with a dark rim."""
    px = 24
    shape = QPixmap(round(px * ratio), round(px * ratio))
    shape.setDevicePixelRatio(ratio)
    shape.fill(Qt.GlobalColor.transparent)
    p = QPainter(shape)
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        p.drawPixmap(4 + dx, 4 + dy, theme.icon("turn-right", "#000000", 16))
    p.drawPixmap(4, 4, theme.icon("turn-right", "#ffffff", 16))
    p.end()
    return QCursor(shape, px // 2, px // 2)


def homography(f: Framing) -> QTransform:
    """From the upright picture's pixels to the plane, counted from its middle."""
    w, h = f.plane
    c, s = math.cos(math.radians(f.angle)), math.sin(math.radians(f.angle))
    kx, ky = f.slopes
    source = QTransform(c, -s, kx, s, c, ky, 0, 0, 1)  # plane → turned area, both from the middle
    turn = f.turn
    area = QTransform(0, 1, 1, 0, 0, 0) if turn[0] else QTransform()
    if turn[1]:
        area *= QTransform(1, 0, 0, -1, 0, h)
    if turn[2]:
        area *= QTransform(-1, 0, 0, 1, w, 0)
    back, possible = source.inverted()
    return area * QTransform.fromTranslate(-w / 2, -h / 2) * (back if possible else QTransform())


def picture(p: QPainter, onto: QTransform, image: QImage, full: tuple[int, int]) -> None:
    """A rendering of the whole picture, its pixels going where `onto` says."""
    p.save()
    p.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
    p.setTransform(onto, True)
    p.drawImage(QRectF(0, 0, *full), image, QRectF(image.rect()))
    p.restore()


def frame(p: QPainter, room: QRectF, r: QRectF, guide: str, surround: str) -> None:
    """The frame: outside dimmed, a guide, a thin edge and bold corners."""
    p.save()
    dim = QColor(surround or theme.now().surround)
    dim.setAlphaF(0.6)
    for part in (
        QRectF(room.left(), room.top(), room.width(), max(0.0, r.top() - room.top())),
        QRectF(room.left(), r.bottom(), room.width(), max(0.0, room.bottom() - r.bottom())),
        QRectF(room.left(), r.top(), max(0.0, r.left() - room.left()), r.height()),
        QRectF(r.right(), r.top(), max(0.0, room.right() - r.right()), r.height()),
    ):
        p.fillRect(part, dim)
    p.setRenderHint(QPainter.RenderHint.Antialiasing)
    _strokes(p, guide_lines(r, guide), 102, 1)
    p.setPen(QPen(QColor(0, 0, 0, 90), 1))
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawRect(r.adjusted(-1, -1, 1, 1))
    p.setPen(QPen(QColor(255, 255, 255, 200), 1))
    p.drawRect(r)
    _handles(p, r)
    p.restore()


def _strokes(p: QPainter, lines: list[QLineF], alpha: int, width: float) -> None:
    """White lines with a breath of black beside them, so that they are seen on white as well."""
    p.setPen(QPen(QColor(0, 0, 0, alpha // 2), width + 1.5))
    p.drawLines(lines)
    p.setPen(QPen(QColor(255, 255, 255, alpha), width))
    p.drawLines(lines)


def _handles(p: QPainter, r: QRectF) -> None:
    arm = min(ANGLE, r.width() / 3, r.height() / 3)
    lines = []
    for x, dx in ((r.left(), 1), (r.right(), -1)):
        for y, dy in ((r.top(), 1), (r.bottom(), -1)):
            lines += [QLineF(x, y, x + dx * arm, y), QLineF(x, y, x, y + dy * arm)]
    if r.width() > 5 * ANGLE:
        lines += [QLineF(r.center().x() - 8, y, r.center().x() + 8, y) for y in (r.top(), r.bottom())]
    if r.height() > 5 * ANGLE:
        lines += [QLineF(x, r.center().y() - 8, x, r.center().y() + 8) for x in (r.left(), r.right())]
    for colour, width in ((QColor(0, 0, 0, 120), 4.5), (QColor("#ffffff"), 3.0)):
        pen = QPen(colour, width)
        pen.setCapStyle(Qt.PenCapStyle.SquareCap)
        p.setPen(pen)
        p.drawLines(lines)


def guide_lines(r: QRectF, guide: str) -> list[QLineF]:
    """The lines of a guide inside a frame."""
    if guide == "diagonal":  # from every corner at 45°: where they meet, and the two of the whole frame
        side = min(r.width(), r.height())
        out = [QLineF(r.topLeft(), r.bottomRight()), QLineF(r.topRight(), r.bottomLeft())]
        for x, dx in ((r.left(), side), (r.right(), -side)):
            out += [QLineF(x, r.top(), x + dx, r.top() + side), QLineF(x, r.bottom(), x + dx, r.bottom() - side)]
        return out
    n = max(2, round(8 * min(1.0, r.width() / r.height())))
    m = max(2, round(8 * min(1.0, r.height() / r.width())))
    across = {"thirds": [1 / 3, 2 / 3], "golden": [GOLDEN, 1 - GOLDEN], "grid": [i / n for i in range(1, n)]}
    down = across | {"grid": [i / m for i in range(1, m)]}
    out = [
        QLineF(r.left() + t * r.width(), r.top(), r.left() + t * r.width(), r.bottom()) for t in across.get(guide, ())
    ]
    return out + [
        QLineF(r.left(), r.top() + t * r.height(), r.right(), r.top() + t * r.height()) for t in down.get(guide, ())
    ]


def line(p: QPainter, a: QPointF, b: QPointF) -> None:
    """A line that a hand has drawn, with its two ends."""
    accent = QColor(theme.DARK.accent)
    for colour, width in ((QColor(0, 0, 0, 140), 3.5), (accent, 1.5)):
        p.setPen(QPen(colour, width))
        p.drawLine(QLineF(a, b))
    for end in (a, b):
        p.setPen(QPen(QColor(0, 0, 0, 140), 1))
        p.setBrush(accent)
        p.drawEllipse(end, 4, 4)
