"""What part of a picture is shown, and how it is bent: the crop tool's arithmetic.  No widgets, no pictures.

Two planes, both in full-size pixels: the *area* is the upright picture before anything is cut or bent; the *plane* is the
same after quarter turns and flips, then perspective and straightening about its middle.  The frame that is kept is a
rectangle of the plane.  A stage serves this tool if it declares what `Roles` looks for; its own arithmetic must be the one
written here (docs/editor.md), which a test compares with the stages that ship.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from editor_app.declared import ParamInfo, StageInfo
from modisp.operators.turns import EXIF, QUARTERS, Box, Turn, then, turned, unturned, upright

Point = tuple[float, float]
KEYSTONE = 0.3
"""How much longer lengths get from the middle to the edge, at full perspective."""
LEAST = 32.0
"""The smallest side of a frame that a hand can draw."""
_EPS = 1e-6


@dataclass(frozen=True)
class Roles:
    """Which parameters of a stage say what part of the picture is shown, found by kind, unit and range."""

    crop: ParamInfo
    angle: ParamInfo | None = None
    quarter: ParamInfo | None = None
    aspect: ParamInfo | None = None
    flips: tuple[ParamInfo | None, ParamInfo | None] = (None, None)  # left to right, top to bottom
    bends: tuple[ParamInfo | None, ParamInfo | None] = (None, None)  # vertical, horizontal
    trim: ParamInfo | None = None  # whether the camera's own crop is kept to
    upright: ParamInfo | None = None  # whether it is turned the way the camera was held

    @classmethod
    def of(cls, info: StageInfo) -> Roles | None:
        """The roles of a stage's parameters; None for one that frames nothing.

        A rectangle that is not there to be measured is the crop; a number in degrees on both sides of zero straightens; a
        choice of 0, 90, 180 and 270 turns; a choice with ratios trims; switches and plain numbers named for a direction flip
        and bend.
        """

        def first(kind: str, ok: Any) -> ParamInfo | None:
            return next((p for p in info.params if p.kind == kind and ok(p)), None)

        crop = first("rect", lambda p: not p.inference)
        if crop is None:
            return None

        def along(kind: str, way: str, ok: Any) -> ParamInfo | None:
            return first(kind, lambda p: way in p.name.split("_") and ok(p))

        def sided(p: ParamInfo) -> bool:
            return p.low < 0 < p.high

        def plain(p: ParamInfo) -> bool:
            return sided(p) and not p.unit

        return cls(
            crop,
            first("number", lambda p: p.unit == "°" and sided(p)),
            first("choice", lambda p: {"0", "90", "180", "270"} <= set(p.choices)),
            first("choice", lambda p: any(":" in c for c in p.choices)),
            (along("switch", "horizontal", lambda p: True), along("switch", "vertical", lambda p: True)),
            (along("number", "vertical", plain), along("number", "horizontal", plain)),
            along("switch", "crop", lambda p: True),
            along("switch", "orientation", lambda p: True),
        )

    @property
    def all(self) -> dict[str, ParamInfo]:
        """Every parameter that frames, by name; at their defaults the whole picture is seen, upright and unbent."""
        rows = (self.crop, self.angle, self.quarter, self.aspect, *self.flips, *self.bends)
        return {p.name: p for p in rows if p is not None}


def ratio_of(name: str) -> float:
    """Long ÷ short side of a choice such as "3:2"; 0 for one that is no ratio."""
    a, colon, b = name.partition(":")
    try:
        return float(a) / float(b) if colon else 0.0
    except (ValueError, ZeroDivisionError):
        return 0.0


@dataclass(frozen=True)
class Framing:
    """How a picture is framed.  `size` is the upright area's; `box` the frame in the plane, from its corner on."""

    size: Point
    box: Box
    angle: float = 0.0
    vertical: float = 0.0
    horizontal: float = 0.0
    turn: Turn = EXIF[0]

    @classmethod
    def of(cls, values: Mapping[str, Any], roles: Roles, size: Point, orientation: int = 1) -> Framing:
        """The framing that a stage's values make of an upright area of `size`, seen with an EXIF orientation."""

        def value(p: ParamInfo | None, otherwise: Any = 0.0) -> Any:
            return values.get(p.name, p.default) if p is not None else otherwise

        flat, upside = (bool(value(p, False)) for p in roles.flips)
        own = then(QUARTERS[int(value(roles.quarter, "0")) // 90 % 4], (False, upside, flat))
        exif = upright(orientation)
        lying = (size[1], size[0]) if exif[0] else size
        w, h = lying
        crop = value(roles.crop, ())
        box = (0.0, 0.0, w, h)
        if len(crop) == 4:
            x, y = min(max(0.0, crop[0]), w - 1), min(max(0.0, crop[1]), h - 1)
            box = (x, y, max(1.0, min(crop[0] + crop[2], w) - x), max(1.0, min(crop[1] + crop[3], h) - y))
        box = turned(box, lying, then(exif, own))
        vertical, horizontal = (float(value(p)) for p in roles.bends)
        out = cls(size, box, float(value(roles.angle)), vertical, horizontal, own)
        ratio = ratio_of(str(value(roles.aspect, "")))
        return (out.trimmed(ratio) if ratio else out).shrunk()

    @property
    def plane(self) -> Point:
        """Width and height of the plane."""
        return (self.size[1], self.size[0]) if self.turn[0] else self.size

    @property
    def bent(self) -> bool:
        """Whether the picture is resampled, and not only cut."""
        return bool(self.angle or self.vertical or self.horizontal)

    @property
    def slopes(self) -> Point:
        """What the homography's last row has for x and y, counted from the middle."""
        unit = max(self.plane) / 2
        return -self.horizontal * KEYSTONE / unit, -self.vertical * KEYSTONE / unit

    def source(self, x: float, y: float) -> Point:
        """The place in the turned area, from its middle on, of a place of the plane from its middle on."""
        kx, ky = self.slopes
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        bend = max(_EPS, 1 + ky * y + kx * x)
        return (c * x + s * y) / bend, (c * y - s * x) / bend

    def target(self, x: float, y: float) -> Point:
        """The inverse of `source`."""
        kx, ky = self.slopes
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        u, v = c * x - s * y, s * x + c * y  # the plane's place, but for its scale
        scale = 1.0 / max(_EPS, 1 - ky * v - kx * u)
        return u * scale, v * scale

    # --- the frame --------------------------------------------------------------------------------------------------

    def centred(self, box: Box | None = None) -> Box:
        """A box counted from the plane's middle."""
        x, y, w, h = box or self.box
        return x - self.plane[0] / 2, y - self.plane[1] / 2, w, h

    def inside(self, box: Box) -> bool:
        """Whether a box of the plane shows nothing but picture."""
        x, y, w, h = self.centred(box)
        half_w, half_h = self.plane[0] / 2 + 1e-3, self.plane[1] / 2 + 1e-3
        kx, ky = self.slopes
        for px in (x, x + w):
            for py in (y, y + h):
                if 1 + kx * px + ky * py <= 0.02:
                    return False
                sx, sy = self.source(px, py)
                if abs(sx) > half_w or abs(sy) > half_h:
                    return False
        return True

    def toward(self, box: Box) -> Framing:
        """The frame moved or pulled towards `box`, as far as the picture goes; the present one must lie inside."""
        if self.inside(box):
            return replace(self, box=box)
        low, high = 0.0, 1.0
        for _ in range(30):
            t = (low + high) / 2
            low, high = (t, high) if self.inside(_mixed(self.box, box, t)) else (low, t)
        return replace(self, box=_mixed(self.box, box, low))

    def shrunk(self) -> Framing:
        """The frame made smaller about the plane's middle until it shows nothing but picture, as the stage itself would."""
        if not self.bent:
            return self
        (x, y, w, h), (width, height) = self.centred(), self.plane
        (kx, ky), s = self.slopes, 1.0
        cos, sin = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        for px in (x, x + w):
            for py in (y, y + h):
                bend = kx * px + ky * py
                for place, edge in ((cos * px + sin * py, width / 2), (cos * py - sin * px, height / 2)):
                    slope = abs(place) - edge * bend
                    if slope * s > edge:
                        s = edge / slope
        return replace(self, box=(width / 2 + x * s, height / 2 + y * s, w * s, h * s))

    def kept_inside(self) -> Framing:
        """The frame made smaller about its own middle until it shows nothing but picture."""
        if self.inside(self.box):
            return self
        x, y, w, h = self.box
        point = (x + w / 2, y + h / 2, 0.0, 0.0)
        if not self.inside(point):  # the frame's middle is outside: begin from the plane's
            return self.shrunk()
        return replace(self, box=point).toward(self.box)

    def trimmed(self, ratio: float) -> Framing:
        """The frame cut about its middle to long ÷ short = `ratio`, lying or standing as it does."""
        x, y, w, h = self.box
        ratio = ratio if w >= h else 1 / ratio
        across, down = min(w, h * ratio), min(h, w / ratio)
        return replace(self, box=(x + (w - across) / 2, y + (h - down) / 2, across, down))

    def largest(self, ratio: float, about: Point | None = None) -> Framing:
        """The largest frame of width ÷ height = `ratio` about a place of the plane (its middle), inside the picture."""
        width, height = self.plane
        cx, cy = about or (width / 2, height / 2)
        h = 2 * max(width, height)
        start = replace(self, box=(cx, cy, 0.0, 0.0))
        if not self.inside(start.box):
            return self
        return start.toward((cx - h * ratio / 2, cy - h / 2, h * ratio, h))

    def about(self, **changes: float) -> Framing:
        """Another angle or perspective, with the same thing in the middle of the frame."""
        x, y, w, h = self.centred()
        new = replace(self, **changes)  # type: ignore[arg-type]  # angle, vertical, horizontal: numbers
        cx, cy = new.target(*self.source(x + w / 2, y + h / 2))
        return replace(new, box=(cx - w / 2 + new.plane[0] / 2, cy - h / 2 + new.plane[1] / 2, w, h))

    def whole(self) -> Framing:
        """The frame on whole pixels, as the stage makes it."""
        (x, y, w, h), (width, height) = self.box, self.plane
        if self.bent:
            left, top = math.ceil(x - _EPS), math.ceil(y - _EPS)
            across, down = max(1, math.floor(x + w + _EPS) - left), max(1, math.floor(y + h + _EPS) - top)
        else:
            left, top = math.floor(x + 0.5), math.floor(y + 0.5)
            across, down = max(1, min(round(w), int(width) - left)), max(1, min(round(h), int(height) - top))
        return replace(self, box=(float(left), float(top), float(across), float(down)))

    def after(self, turn: Turn) -> Framing:
        """The same frame once the picture is turned or flipped further; angles go along with it."""
        box = turned(self.box, self.plane, turn)
        mirrored = (turn[0] + turn[1] + turn[2]) % 2 == 1
        vertical, horizontal = (self.horizontal, self.vertical) if turn[0] else (self.vertical, self.horizontal)
        vertical, horizontal = (-vertical if turn[1] else vertical), (-horizontal if turn[2] else horizontal)
        angle = -self.angle if mirrored else self.angle
        return replace(self, box=box, angle=angle, vertical=vertical, horizontal=horizontal, turn=then(self.turn, turn))

    # --- as values --------------------------------------------------------------------------------------------------

    def values(self, roles: Roles, orientation: int = 1) -> dict[str, Any]:
        """The stage's values for this framing; the rectangle says it all, so that nothing is trimmed besides."""
        out: dict[str, Any] = {}
        exif = upright(orientation)
        lying = (self.size[1], self.size[0]) if exif[0] else self.size
        box = unturned(self.whole().box, lying, then(exif, self.turn))
        everything = box == (0, 0, *lying) and not self.bent
        out[roles.crop.name] = [] if everything else [float(v) for v in box]
        for p, v in ((roles.angle, self.angle), *zip(roles.bends, (self.vertical, self.horizontal), strict=True)):
            if p is not None:
                out[p.name] = v
        quarter, flipped = self._quarter()
        if roles.quarter is not None:
            out[roles.quarter.name] = str(90 * quarter)
        for p, on in zip(roles.flips, (flipped, False), strict=True):
            if p is not None:
                out[p.name] = on
        if roles.aspect is not None:
            out[roles.aspect.name] = roles.aspect.default
        return out

    def _quarter(self) -> tuple[int, bool]:
        """The turn as quarter turns, then perhaps a flip left to right."""
        for flipped in (False, True):
            for k, q in enumerate(QUARTERS):
                if then(q, (False, False, flipped)) == self.turn:
                    return k, flipped
        raise AssertionError("every turn is a quarter turn and perhaps a flip")


def _mixed(a: Box, b: Box, t: float) -> Box:
    return (
        a[0] + (b[0] - a[0]) * t,
        a[1] + (b[1] - a[1]) * t,
        a[2] + (b[2] - a[2]) * t,
        a[3] + (b[3] - a[3]) * t,
    )
