"""The crop tool's frame: how it lies on the turned picture, how the two are shown, and what the bar asks of it.

Nothing is rendered while the hand moves: the whole upright picture is shown through the same homography that the stage
applies.
"""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, QSettings
from PySide6.QtGui import QPainter, QTransform

from editor_app import crop_paint
from editor_app.crop_bar import FREE, ORIGINAL, CropBar
from editor_app.framing import Framing, Roles, ratio_of
from editor_app.leaning import Line
from editor_app.sight import Sight
from editor_app.tools import PictureTool
from editor_app.words import tr
from editor_app.worker import Picture
from modisp.operators.turns import EXIF, QUARTERS

SPACE = 40.0
"""Room round the picture, for handles and turning."""
_TURNS = {"left": QUARTERS[3], "right": QUARTERS[1], "across": EXIF[1], "down": EXIF[3]}


class CropFrame(PictureTool):
    """The frame without a hand on it; `CropTool` has one."""

    bar: CropBar

    def __init__(self, viewer: Sight, roles: Roles, orientation: int) -> None:
        super().__init__(viewer)
        self.roles, self.orientation = roles, orientation
        self.values: dict[str, object] = {}
        self.framing: Framing | None = None
        self.begun: Framing | None = None  # as the document has it
        self.picture: Picture | None = None
        self.guide = str(QSettings().value("crop/guide", "thirds"))
        self.ratio = 0.0  # width ÷ height that is kept; 0 for none
        self.ratio_name = FREE
        self.lines: list[Line] = []
        self.line: Line | None = None  # that is being drawn
        self.anchor, self.zoom = QPointF(0, 0), 1.0  # what lies in the viewer's middle; logical pixels per plane pixel
        self.turning = False  # a finer guide is shown while the picture turns
        self.was: Framing | None = None  # where the present gesture began
        self._bending = ""
        self.leaving = False
        self.bar = CropBar(roles)
        b = self.bar
        b.ratio.connect(self.set_ratio)
        b.swapped.connect(self.swap)
        b.guide.connect(self.set_guide)
        b.bent.connect(self._bend)
        b.settled.connect(self.settle)
        b.turned.connect(self.turn)
        b.reset.connect(self.reset)
        b.guides.set_value(self.guide)

    # --- what is shown ------------------------------------------------------------------------------------------------

    def load(self, values: dict[str, object]) -> None:
        """Take up the stage's values, as when a row of its panel was moved meanwhile."""
        if values == self.values or self.leaving:
            return
        self.values = dict(values)
        if self.picture is not None:
            self._take_up()

    def show_picture(self, picture: Picture) -> None:
        """The whole upright picture has come."""
        if picture.rect[2:] != picture.full:
            return
        first = self.picture is None or self.picture.full != picture.full
        self.picture = picture
        if first:
            self._take_up()

    def _take_up(self) -> None:
        assert self.picture is not None
        w, h = self.picture.full
        self.framing = Framing.of(self.values, self.roles, (float(w), float(h)), self.orientation).whole()
        self.begun = self.framing
        self._set_ratio_name(self._ratio_seen())
        self.fit()
        self.tell()

    def _ratio_seen(self) -> str:
        """The ratio that a cropped frame has, to the pixel; free where it has none, or is not cropped."""
        f = self.framing
        assert f is not None
        _, _, w, h = f.box
        if (w, h) == f.plane:
            return FREE
        names = [str(self.bar.ratios.itemData(i)) for i in range(self.bar.ratios.count())]
        for name in (n for n in names if ratio_of(n)):
            if abs(max(w, h) - min(w, h) * ratio_of(name)) <= 2:
                return name
        own = max(f.plane) / min(f.plane)
        return ORIGINAL if abs(max(w, h) - min(w, h) * own) <= 2 else FREE

    def fit(self) -> None:
        """The whole picture in view."""
        f = self.framing
        if f is None:
            return
        (w, h), v = f.plane, self.viewer
        xs, ys = zip(*(f.target(sx * w / 2, sy * h / 2) for sx in (-1, 1) for sy in (-1, 1)), strict=True)
        room_w, room_h = v.width() - 2 * SPACE, v.height() - 2 * SPACE - self._bar_height()
        self.zoom = min(room_w / (max(xs) - min(xs)), room_h / (max(ys) - min(ys)), 1.0 / v.port.ratio)
        self.anchor = QPointF((max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2)

    def _bar_height(self) -> int:
        return self.bar.sizeHint().height() + 8

    @property
    def middle(self) -> QPointF:
        """The viewer's middle, above the bar."""
        return QPointF(self.viewer.width() / 2, (self.viewer.height() - self._bar_height()) / 2)

    def to_widget(self, x: float, y: float) -> QPointF:
        """A place of the plane, from its middle on, in the viewer."""
        return self.middle + QPointF(x - self.anchor.x(), y - self.anchor.y()) * self.zoom

    def to_plane(self, at: QPointF) -> QPointF:
        """The inverse of `to_widget`."""
        return (at - self.middle) / self.zoom + self.anchor

    def frame(self) -> QRectF:
        """Where the frame lies in the viewer."""
        assert self.framing is not None
        x, y, w, h = self.framing.centred()
        return QRectF(self.to_widget(x, y), self.to_widget(x + w, y + h))

    def transform(self) -> QTransform:
        """From the picture's pixels to the viewer."""
        f = self.framing
        assert f is not None
        m, a = self.middle, self.anchor
        onto = QTransform(self.zoom, 0, 0, self.zoom, m.x() - a.x() * self.zoom, m.y() - a.y() * self.zoom)
        return crop_paint.homography(f) * onto

    def draws(self, p: QPainter) -> bool:
        if self.framing is None or self.picture is None:
            return False
        image = self.viewer.to_screen(self.picture)
        crop_paint.picture(p, self.transform(), image, self.picture.full)
        return True

    def paint(self, p: QPainter) -> None:
        if self.framing is None or self.leaving:
            return
        angle = self.bar.amounts.get("angle")
        turning = self.turning or (angle is not None and angle.slider.dragging)
        crop_paint.frame(
            p, QRectF(self.viewer.rect()), self.frame(), "grid" if turning else self.guide, self.viewer.surround
        )
        shown = [*self.lines, *([self.line] if self.line else [])]
        for line in shown:
            a, b = (self.to_widget(*self.framing.target(*end)) for end in line)
            crop_paint.line(p, a, b)

    def tell(self) -> None:
        """Show what has become of the framing."""
        f = self.framing
        if f is None:
            return
        _, _, w, h = f.whole().box
        self.title = (tr("Crop"), f"{w:.0f} × {h:.0f} px")
        self.bar.show_values(f.angle, f.vertical, f.horizontal)
        self.viewer.update()

    def set_angle(self, start: Framing, angle: float) -> None:
        """The frame of `start` at another angle, its middle kept on the screen and in the picture."""
        self.become(start.about(angle=round(min(45.0, max(-45.0, angle)), 2)).kept_inside())

    def become(self, new: Framing) -> None:
        """Take a framing whose plane lies otherwise; what was in the frame's middle stays where it was on the screen."""
        old = self.framing
        assert old is not None
        (x, y, w, h), (u, v, k, m) = old.centred(), new.centred()
        self.anchor += QPointF(u + k / 2 - x - w / 2, v + m / 2 - y - h / 2)
        self.framing = new

    # --- what the bar asks for ----------------------------------------------------------------------------------------

    def _bend(self, name: str, v: float) -> None:
        if self.framing is None:
            return
        if name != self._bending:  # another row than before: a gesture of its own
            self._bending, self.was = name, None
        self.was = self.was or self.framing
        self.become(self.was.about(**{name: v}).kept_inside())
        self.tell()

    def settle(self) -> None:
        """A gesture is over: the next one begins from here."""
        self.was = None
        self.tell()

    def _original(self) -> float:
        assert self.framing is not None
        return self.framing.plane[0] / self.framing.plane[1]

    def _set_ratio_name(self, name: str) -> None:
        self.ratio_name = name
        self.bar.ratios.set_value(name)
        f = self.framing
        if f is None or name == FREE:
            self.ratio = 0.0
            return
        standing = f.box[2] < f.box[3]
        own = self._original()
        r = (own if own >= 1 else 1 / own) if name == ORIGINAL else ratio_of(name)
        self.ratio = 1 / r if standing else r

    def set_ratio(self, name: str) -> None:
        """Keep a ratio: the largest such frame about the present one's middle."""
        self._set_ratio_name(name)
        self._reratio()

    def _reratio(self) -> None:
        f = self.framing
        if f is not None and self.ratio:
            x, y, w, h = f.box
            area = w * h  # as large as it was, where there is room
            new_w, new_h = math.sqrt(area * self.ratio), math.sqrt(area / self.ratio)
            point = replace(f, box=(x + w / 2, y + h / 2, 0.0, 0.0))
            self.framing = point.toward((x + (w - new_w) / 2, y + (h - new_h) / 2, new_w, new_h))
        self.tell()

    def swap(self) -> None:
        """Lying becomes standing and the other way round."""
        f = self.framing
        if f is None:
            return
        x, y, w, h = f.box
        self.ratio = 1 / self.ratio if self.ratio else 0.0
        point = replace(f, box=(x + w / 2, y + h / 2, 0.0, 0.0))
        self.framing = point.toward((x + (w - h) / 2, y + (h - w) / 2, h, w))
        self.tell()

    def set_guide(self, name: str) -> None:
        """Show another guide; it is remembered."""
        self.guide = name
        self.bar.guides.set_value(name)
        QSettings().setValue("crop/guide", name)
        self.viewer.update()

    def turn(self, how: str) -> None:
        """A quarter turn or a flip."""
        if self.framing is None:
            return
        self.framing = self.framing.after(_TURNS[how])
        self.lines = []
        if how in ("left", "right") and self.ratio:
            self.ratio = 1 / self.ratio
        self.fit()
        self.tell()

    def reset(self) -> None:
        """The whole picture, level, as the camera was held."""
        f = self.framing
        if f is not None:
            self.framing = Framing(f.size, (0.0, 0.0, *f.size))
            self.lines = []
            self._set_ratio_name(FREE)
            self.fit()
            self.tell()
