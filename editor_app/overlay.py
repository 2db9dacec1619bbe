"""Marks on the picture: what is clipped white or black, as stripes of two forms, and what lies outside sRGB.

They are drawn on the screen's own pixels, so that at any zoom they lie exactly where the picture's pixels do and their
stripes are as wide as ever.
"""

from __future__ import annotations

import math
from weakref import WeakKeyDictionary

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage

from editor_app import theme
from editor_app.worker import Picture

WHITE, BLACK, GAMUT = 1, 2, 4
"""Bits of a rendering's fourth byte, as the engine writes them."""
WIDE, PERIOD = 2.0, 6.0
"""Width of a stripe and from one to the next, in logical pixels along a row."""

_made: WeakKeyDictionary[Picture, tuple[tuple[object, ...], tuple[QRectF, QImage] | None]] = WeakKeyDictionary()


def marked(
    picture: Picture, place: QRectF, room: QRectF, ratio: float, clipping: bool, gamut: bool
) -> tuple[QRectF, QImage] | None:
    """The marks of a picture that lies at `place`, for the part of it inside `room` (both in logical pixels).

    Returns where to draw and an image of the screen's pixels there, transparent between the marks; None where there is
    nothing to mark.  White stripes fall, black ones rise, and colours out of gamut are dotted: form tells them apart.
    """
    how = (clipping, gamut, theme.is_dark(), place.getRect(), room.getRect(), ratio)
    kept = _made.get(picture)
    if kept is None or kept[0] != how:
        kept = (how, _marks(picture, place, room, ratio, clipping, gamut))
        _made[picture] = kept
    return kept[1]


def _marks(
    picture: Picture, place: QRectF, room: QRectF, ratio: float, clipping: bool, gamut: bool
) -> tuple[QRectF, QImage] | None:
    seen = place.intersected(room)
    if seen.isEmpty():
        return None
    left, top = math.floor(seen.left() * ratio), math.floor(seen.top() * ratio)
    right, bottom = math.ceil(seen.right() * ratio), math.ceil(seen.bottom() * ratio)
    rows, columns = picture.image.height(), picture.image.width()
    xs, ys = np.arange(left, right), np.arange(top, bottom)
    u = ((xs + 0.5) / ratio - place.left()) / place.width() * columns
    v = ((ys + 0.5) / ratio - place.top()) / place.height() * rows
    inside_x, inside_y = (u >= 0) & (u < columns), (v >= 0) & (v < rows)
    bits = np.frombuffer(picture.image.constBits(), np.uint8).reshape(rows, columns, 4)[..., 3]
    wanted = (WHITE | BLACK if clipping else 0) | (GAMUT if gamut else 0)
    here = bits.take(v[inside_y].astype(np.intp), 0).take(u[inside_x].astype(np.intp), 1) & wanted
    spots = np.flatnonzero(here)
    if not spots.size:
        return None
    wide, period = max(1, round(WIDE * ratio)), max(2, round(PERIOD * ratio))
    xs, ys = xs[inside_x], ys[inside_y]
    row, column = np.divmod(spots.astype(np.int32), np.int32(here.shape[1]))
    x, y, kind = xs.astype(np.int32)[column], ys.astype(np.int32)[row], here.ravel()[spots]
    out = np.zeros(here.shape, np.uint32)
    flat, t = out.reshape(-1), theme.now()
    if gamut:
        flat[spots[(kind & GAMUT > 0) & (x % period < wide) & (y % period < wide)]] = QColor(t.warn).rgba()
    if clipping:
        flat[spots[(kind & WHITE > 0) & ((x + y) % period < wide)]] = QColor(t.bad).rgba()
        flat[spots[(kind & BLACK > 0) & ((x - y) % period < wide)]] = QColor(t.accent).rgba()
    h, w = here.shape[0], here.shape[1]
    image = QImage(out.tobytes(), w, h, 4 * w, QImage.Format.Format_ARGB32).copy()
    return QRectF(int(xs[0]) / ratio, int(ys[0]) / ratio, w / ratio, h / ratio), image
