"""Where the picture lies in the viewer: fit or zoomed, panned, and what of it is seen.  No widgets, no pictures.

`zoom` is device pixels per picture pixel; None fits the picture.  Places are in logical pixels of the widget.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF

MARGIN = 16
STEPS = (0.0625, 0.125, 0.25, 0.333, 0.5, 0.667, 1.0, 2.0, 3.0, 4.0, 8.0, 16.0)
MOST, LEAST = STEPS[-1], 0.03


class Viewport:
    """The mapping between the widget and the full-size picture."""

    def __init__(self) -> None:
        self.room = QSizeF(1, 1)
        self.ratio = 1.0
        self.full = (0, 0)  # width, height of the picture
        self.zoom: float | None = None
        self.centre = QPointF(0.5, 0.5)  # fractions of the picture

    @property
    def fitting(self) -> float:
        """The zoom that fits the picture into the room, never above 1:1."""
        w, h = self.full
        if not w or not h:
            return 1.0
        margin = 2 * MARGIN
        s = min((self.room.width() - margin) / w, (self.room.height() - margin) / h)
        return min(1.0, max(LEAST / 2, s * self.ratio))

    @property
    def scale(self) -> float:
        """Logical pixels per picture pixel."""
        return (self.zoom or self.fitting) / self.ratio

    def rect(self) -> QRectF:
        """Where the whole picture lies, on whole device pixels."""
        w, h = self.full[0] * self.scale, self.full[1] * self.scale
        if self.zoom is None:
            x, y = (self.room.width() - w) / 2, (self.room.height() - h) / 2
        else:
            x = self._placed(w, self.room.width(), self.centre.x())
            y = self._placed(h, self.room.height(), self.centre.y())
        r = self.ratio
        return QRectF(round(x * r) / r, round(y * r) / r, max(1, round(w * r)) / r, max(1, round(h * r)) / r)

    @staticmethod
    def _placed(length: float, room: float, centre: float) -> float:
        if length <= room:
            return (room - length) / 2
        return min(0.0, max(room - length, room / 2 - centre * length))

    def to_picture(self, at: QPointF) -> QPointF:
        """The picture's pixel at a place in the widget (may lie outside)."""
        r = self.rect()
        return QPointF((at.x() - r.x()) / self.scale, (at.y() - r.y()) / self.scale)

    def to_widget(self, x: float, y: float, w: float = 0, h: float = 0) -> QRectF:
        """A rectangle of picture pixels in the widget."""
        r, full = self.rect(), self.full
        sx, sy = r.width() / max(1, full[0]), r.height() / max(1, full[1])
        return QRectF(r.x() + x * sx, r.y() + y * sy, w * sx, h * sy)

    def visible(self, rim: float = 0.0) -> QRectF:
        """The picture pixels that are seen, with a rim (fraction of the room) around, inside the picture."""
        r, s = self.rect(), self.scale
        seen = QRectF(-r.x() / s, -r.y() / s, self.room.width() / s, self.room.height() / s)
        dx, dy = seen.width() * rim, seen.height() * rim
        return seen.adjusted(-dx, -dy, dx, dy).intersected(QRectF(0, 0, self.full[0], self.full[1]))

    @property
    def zoomed(self) -> bool:
        """Whether a part of the picture lies outside the room."""
        r = self.rect()
        return self.zoom is not None and (r.width() > self.room.width() + 1 or r.height() > self.room.height() + 1)

    def set_zoom(self, zoom: float | None, at: QPointF | None = None) -> None:
        """Zoom so that the picture under `at` (the room's middle) stays where it is."""
        if zoom is None:
            self.zoom, self.centre = None, QPointF(0.5, 0.5)
            return
        at = at or QPointF(self.room.width() / 2, self.room.height() / 2)
        under = self.to_picture(at)
        self.zoom = min(MOST, max(LEAST, zoom))
        self._centre_at(under, at)

    def _centre_at(self, under: QPointF, at: QPointF) -> None:
        s, (w, h) = self.scale, self.full
        x = (under.x() * s - at.x() + self.room.width() / 2) / max(1e-9, w * s)
        y = (under.y() * s - at.y() + self.room.height() / 2) / max(1e-9, h * s)
        self.centre = QPointF(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))

    def pan(self, dx: float, dy: float) -> None:
        """Move the picture by logical pixels."""
        if self.zoom is None:
            return
        r = self.rect()
        middle = QPointF(self.room.width() / 2 - dx, self.room.height() / 2 - dy)
        self.centre = QPointF(
            min(max((middle.x() - r.x()) / r.width(), 0.0), 1.0), min(max((middle.y() - r.y()) / r.height(), 0.0), 1.0)
        )

    def step(self, up: bool, at: QPointF | None = None) -> None:
        """The next zoom of the usual ones."""
        now = self.zoom or self.fitting
        rows = [s for s in STEPS if s > now * 1.01] if up else [s for s in reversed(STEPS) if s < now * 0.99]
        if rows:
            self.set_zoom(rows[0], at)

    def wanted(self, rim: float = 0.15) -> tuple[tuple[float, float, float, float] | None, tuple[int, int]]:
        """What to render: (rectangle of the picture, in whole pixels, or None for all of it; width and height in device pixels)."""
        s = self.scale * self.ratio
        if not self.zoomed:
            return None, (round(self.full[0] * min(s, 1)), round(self.full[1] * min(s, 1)))
        v = whole(self.visible(rim), self.full)  # or what is asked for at 1:1 would be a little reduced
        size = (round(v.width() * min(s, 1)), round(v.height() * min(s, 1)))
        return (v.x(), v.y(), v.width(), v.height()), size


def whole(part: QRectF, full: tuple[int, int]) -> QRectF:
    """The whole pixels of a picture that a part of it touches."""
    return QRectF(part.toAlignedRect()).intersected(QRectF(0, 0, *full))
