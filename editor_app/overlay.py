"""Marks on the picture: what is clipped white or black, as stripes of two forms, and what lies outside sRGB."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from PySide6.QtGui import QColor, QImage

from editor_app import theme
from editor_app.worker import Picture

WHITE, BLACK, GAMUT = 1, 2, 4
"""Bits of a rendering's fourth byte, as the engine writes them."""

_made: WeakKeyDictionary[Picture, tuple[tuple[object, ...], QImage]] = WeakKeyDictionary()


def marked(picture: Picture, clipping: bool, gamut: bool) -> QImage:
    """An image of the marks, transparent elsewhere; white stripes fall, black ones rise, so form tells them apart."""
    how = (clipping, gamut, theme.is_dark())
    kept = _made.get(picture)
    if kept is not None and kept[0] == how:
        return kept[1]
    h, w = picture.image.height(), picture.image.width()
    bits = np.frombuffer(picture.image.constBits(), np.uint8).reshape(h, w, 4)[..., 3]
    out = np.zeros((h, w), np.uint32)
    y, x = np.ogrid[:h, :w]
    t = theme.now()
    if clipping:
        out[((bits & WHITE) > 0) & (((x + y) & 7) < 4)] = QColor(t.bad).rgba()
        out[((bits & BLACK) > 0) & (((x - y) & 7) < 4)] = QColor(t.accent).rgba()
    if gamut:
        out[((bits & GAMUT) > 0) & ((x & 3) < 2) & ((y & 3) < 2)] = QColor(t.warn).rgba()
    image = QImage(out.tobytes(), w, h, 4 * w, QImage.Format.Format_ARGB32).copy()
    _made[picture] = (how, image)
    return image
