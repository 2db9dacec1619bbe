"""Drawing helpers: one line of text, a rounded area, a disc, a picture; all in the editor's type and colours."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from editor_app import theme

_MIDDLE = Qt.AlignmentFlag.AlignVCenter
LEFT = _MIDDLE | Qt.AlignmentFlag.AlignLeft
RIGHT = _MIDDLE | Qt.AlignmentFlag.AlignRight
CENTRE = _MIDDLE | Qt.AlignmentFlag.AlignHCenter


def painter(w: QWidget) -> QPainter:
    """A smooth painter on a widget."""
    p = QPainter(w)
    p.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    if not w.isEnabled():
        p.setOpacity(0.4)
    return p


def text(
    p: QPainter,
    r: QRectF,
    words: str,
    colour: str = "",
    px: int = 12,
    weight: int = 400,
    align: Qt.AlignmentFlag = LEFT,
    capitals: bool = False,
) -> int:
    """Write one line, elided on the right; returns its width."""
    p.setFont(theme.font(px, weight, capitals))
    p.setPen(QColor(colour or theme.now().text))
    words = p.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(r.width()) + 1)
    p.drawText(r, int(align), words)
    return p.fontMetrics().horizontalAdvance(words)


def _dip(p: QPainter, colour: str, border: str = "", width: float = 1) -> None:
    p.setPen(QPen(QColor(border), width) if border else Qt.PenStyle.NoPen)
    p.setBrush(QColor(colour) if colour else Qt.BrushStyle.NoBrush)


def rounded(p: QPainter, r: QRectF, colour: str = "", radius: float = 4, border: str = "", width: float = 1) -> None:
    """An area with round corners, filled, framed or both."""
    _dip(p, colour, border, width)
    p.drawRoundedRect(r.adjusted(0.5, 0.5, -0.5, -0.5) if border and width == 1 else r, radius, radius)


def disc(p: QPainter, x: float, y: float, r: float, colour: str = "", border: str = "", width: float = 2) -> None:
    """A disc, filled, ringed or both."""
    _dip(p, colour, border, width)
    p.drawEllipse(QPointF(x, y), r, r)


def polygon(p: QPainter, points: list[QPointF], colour: str) -> None:
    """A filled shape."""
    _dip(p, colour)
    p.drawPolygon(points)


def picture(p: QPainter, r: QRectF, image: QImage | QPixmap, radius: float = 3, ring: str = "") -> None:
    """A picture that fills `r` (its middle, cut to the shape), with round corners and perhaps a ring."""
    path = QPainterPath()
    path.addRoundedRect(r, radius, radius)
    p.save()
    p.setClipPath(path)
    w, h = float(image.width()), float(image.height())
    if w and h:
        cut_w, cut_h = min(w, h * r.width() / r.height()), min(h, w * r.height() / r.width())
        part = QRectF((w - cut_w) / 2, (h - cut_h) / 2, cut_w, cut_h)
        if isinstance(image, QImage):
            p.drawImage(r, image, part)
        else:
            p.drawPixmap(r, image, part)
    p.restore()
    if ring:
        rounded(p, r.adjusted(-2, -2, 2, 2), "", radius + 1, ring, 2)


def pixels(p: QPainter, place: QRectF, image: QImage, ratio: float) -> None:
    """An image at a place in logical pixels; where it has as many pixels as the screen has there, one for one.

    Scaling by what should be 1 and is not quite would drop and double lines of pixels here and there.
    """
    x, y, w, h = (round(v * ratio) for v in (place.x(), place.y(), place.width(), place.height()))
    if (w, h) == (image.width(), image.height()):
        p.save()
        p.scale(1 / ratio, 1 / ratio)
        p.drawImage(x, y, image)
        p.restore()
    else:
        p.drawImage(place, image, QRectF(image.rect()))


def pill_width(p: QPainter, words: str, more: str, spin: bool, close: bool) -> float:
    """How wide `pill` draws."""
    p.setFont(theme.font(12, 500))
    a = p.fontMetrics().horizontalAdvance(words)
    p.setFont(theme.font(11))
    b = p.fontMetrics().horizontalAdvance(more) + 10 if more else 0
    return 24.0 + a + b + 18 * spin + 18 * close


def pill(p: QPainter, at: QPointF, words: str, more: str = "", *, spin: bool = False, close: bool = False) -> QRectF:
    """A raised label, 28 high, its top left at `at`; returns where it is."""
    t = theme.now()
    r = QRectF(at.x(), at.y(), pill_width(p, words, more, spin, close), 28)
    rounded(p, r, t.raised, 6)
    x = r.x() + 12
    if spin:
        disc(p, x + 5, r.center().y(), 5, "", t.track)
        p.setPen(QPen(QColor(t.accent), 2))
        p.drawArc(QRectF(x, r.y() + 9, 10, 10), 90 * 16, -223 * 16)
        x += 18
    width = text(p, QRectF(x, r.y(), r.width(), 28), words, t.text, 12, 500)
    if more:
        text(p, QRectF(x + width + 10, r.y(), r.width(), 28), more, t.soft, 11)
    if close:
        p.drawPixmap(round(r.right() - 20), round(r.y() + 8), theme.icon("close", t.soft, 12))
    return r
