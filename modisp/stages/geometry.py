"""Crop, turns, flips, straightening and perspective, in one step and with at most one resampling.

The order, as the eye sees it: the camera's own crop, its orientation, turns and flips; then perspective and straightening
about the middle of that picture; then the crop.  A crop that would leave the picture's edge in view is made smaller about
the middle, just so far that it does not.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from modisp.image import Frame, Image, Metadata, Rect, State
from modisp.operators.turns import QUARTERS, Turn, then, turned, unturned, upright
from modisp.operators.warp import Places, cover, resample
from modisp.stage import Parts, Reading, Stage, param

ASPECTS = {"free": 0.0, "1:1": 1.0, "5:4": 5 / 4, "4:3": 4 / 3, "3:2": 3 / 2, "16:9": 16 / 9, "2:1": 2.0}
KEYSTONE = 0.3  # how much longer (shorter) than in the middle lengths get at the edge, at full strength
FINER = 0.8


class Geometry(
    Stage,
    slot="geometry",
    reads=State.DISPLAY,
    writes=State.DISPLAY,
    seen_by_measure=False,
    title="Crop and straighten",
    group="Lens & crop",
):
    """What part of the picture is shown, and which way up.

    `crop` is in full-size pixels of the camera's crop (of the whole picture where that is switched off), as the sensor
    sees it, before turns: so it names the same part at any scale and however the picture is turned.  With nothing but
    crops, turns and flips the pixels are moved, never resampled.
    """

    straighten: float = param(
        0.0,
        -45,
        45,
        step=0.1,
        unit="°",
        help="Turns the picture clockwise until the horizon is level; the edges are cropped so that no corner is empty.",
    )
    crop: tuple[float, ...] = param(
        (),
        kind="rect",
        unit="px",
        help="The part to keep: x, y, width, height in full-size pixels as the sensor lay, before turns; empty keeps all.",
    )
    aspect: str = param(
        "free",
        choices=tuple(ASPECTS),
        help="Trims the picture to this ratio of long to short side, about the middle.",
    )
    turn: str = param(
        "0", choices=("0", "90", "180", "270"), unit="°", help="Turns the picture clockwise by quarter turns."
    )
    flip_horizontal: bool = param(False, help="Mirrors the picture left to right.")
    flip_vertical: bool = param(False, help="Mirrors the picture top to bottom.")
    vertical: float = param(
        0.0,
        -1,
        1,
        step=0.01,
        label="Perspective V",
        help="Makes falling lines upright: right widens the top (camera tilted up), left widens the bottom.",
    )
    horizontal: float = param(
        0.0,
        -1,
        1,
        step=0.01,
        label="Perspective H",
        help="Evens out a wall seen at a slant: right widens the left side, left widens the right side.",
    )
    camera_crop: bool = param(
        True, help="Keeps to the frame that the camera meant; off shows every pixel of the sensor.", advanced=True
    )
    orientation: bool = param(True, help="Turns the picture the way the camera was held.", advanced=True)

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """The pixels as they are: all that happens here happens to their places (`place`)."""
        return image.pixels

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """Upright and cropped: nothing of either is left to do."""
        return replace(meta, crop=None, orientation=1)

    def neutral(self) -> Geometry:
        """The sensor's picture, whole and as it lies."""
        return replace(super().neutral(), camera_crop=False, orientation=False)

    # --- where things lie ------------------------------------------------------------------------------------------

    def _area(self, full: tuple[int, int], meta: Metadata) -> Rect:
        h, w = full
        c = meta.crop
        inside = c and c[0] >= 0 and c[1] >= 0 and c[2] > 0 and c[3] > 0 and c[0] + c[2] <= w and c[1] + c[3] <= h
        if self.camera_crop and c and inside:
            return float(c[0]), float(c[1]), float(c[2]), float(c[3])
        return 0.0, 0.0, float(w), float(h)

    def _turns(self, meta: Metadata) -> Turn:
        turn = upright(meta.orientation if self.orientation else 1)
        turn = then(turn, QUARTERS[int(self.turn) // 90])
        return then(turn, (False, self.flip_vertical, self.flip_horizontal))

    @property
    def _bends(self) -> bool:
        return bool(self.straighten or self.vertical or self.horizontal)

    def _view(self, area: Rect, turn: Turn) -> Rect:
        """The part shown, in full-size pixels of the turned area."""
        x, y, w, h = (0.0, 0.0, area[2], area[3])
        if self.crop:
            x = min(max(0.0, self.crop[0]), area[2] - 1)
            y = min(max(0.0, self.crop[1]), area[3] - 1)
            w = max(1.0, min(self.crop[0] + self.crop[2], area[2]) - x)
            h = max(1.0, min(self.crop[1] + self.crop[3], area[3]) - y)
        x, y, w, h = turned((x, y, w, h), (area[2], area[3]), turn)
        ratio = ASPECTS[self.aspect]
        if ratio:
            ratio = ratio if w >= h else 1 / ratio
            across, down = min(w, h * ratio), min(h, w / ratio)
            x, y, w, h = x + (w - across) / 2, y + (h - down) / 2, across, down
        width, height = (area[3], area[2]) if turn[0] else (area[2], area[3])
        if self._bends:
            s = self._shrink((x - width / 2, y - height / 2, w, h), width, height)
            x, y, w, h = width / 2 + (x - width / 2) * s, height / 2 + (y - height / 2) * s, w * s, h * s
        if self._bends:  # whole pixels inside the picture only
            left, top = math.ceil(x - 1e-6), math.ceil(y - 1e-6)
            across, down = max(1, math.floor(x + w + 1e-6) - left), max(1, math.floor(y + h + 1e-6) - top)
        else:
            left, top = math.floor(x + 0.5), math.floor(y + 0.5)
            across, down = max(1, min(round(w), int(width) - left)), max(1, min(round(h), int(height) - top))
        return float(left), float(top), float(across), float(down)

    def _slopes(self, width: float, height: float) -> tuple[float, float]:
        unit = max(width, height) / 2
        return -self.vertical * KEYSTONE / unit, -self.horizontal * KEYSTONE / unit

    def _shrink(self, rect: Rect, width: float, height: float) -> float:
        """The greatest factor, at most 1, by which a rectangle round the middle stays inside the picture when it is bent.

        A corner v, scaled by s, is read at R·s·v / (1 + s·k·v): each edge of the picture is a linear bound on s.
        """
        ky, kx = self._slopes(width, height)
        c, s = math.cos(math.radians(self.straighten)), math.sin(math.radians(self.straighten))
        factor = 1.0
        for x in (rect[0], rect[0] + rect[2]):
            for y in (rect[1], rect[1] + rect[3]):
                bend = kx * x + ky * y
                for place, edge in ((c * x + s * y, width / 2), (c * y - s * x, height / 2)):
                    slope = abs(place) - edge * bend
                    if slope * factor > edge:
                        factor = edge / slope
        return factor

    def _source(self, area: Rect, turn: Turn, view: Rect, at: Places) -> Places:
        """Input places of output places, both (y, x) in full-size pixels."""
        width, height = (area[3], area[2]) if turn[0] else (area[2], area[3])
        y, x = at[0] + (view[1] - height / 2), at[1] + (view[0] - width / 2)
        ky, kx = self._slopes(width, height)
        c, s = math.cos(math.radians(self.straighten)), math.sin(math.radians(self.straighten))
        bend = 1 + ky * y + kx * x
        y, x = (c * y - s * x) / bend, (c * x + s * y) / bend
        y, x = (-y if turn[1] else y), (-x if turn[2] else x)
        if turn[0]:
            y, x = x, y
        return y + (area[1] + area[3] / 2), x + (area[0] + area[2] / 2)

    # --- the contract of a geometric stage ---------------------------------------------------------------------------

    def full_size(self, full: tuple[int, int], meta: Metadata) -> tuple[int, int]:
        """(height, width) of the cropped and turned picture."""
        view = self._view(self._area(full, meta), self._turns(meta))
        return int(view[3]), int(view[2])

    def needs(self, frame: Frame, full: tuple[int, int], meta: Metadata) -> Frame:
        """The input frame: with turns and crops only, the very same pixels; else all that is read, at the same pitch."""
        area, turn = self._area(full, meta), self._turns(meta)
        view = self._view(area, turn)
        if not self._bends:
            x, y, w, h = frame.rect
            x, y, w, h = unturned((x + view[0], y + view[1], w, h), (area[2], area[3]), turn)
            size = (frame.size[1], frame.size[0]) if turn[0] else frame.size
            return Frame(full, (x + area[0], y + area[1], w, h), size)
        left, top, w, h = frame.rect
        corners = (
            torch.tensor([[top], [top + h]], dtype=torch.float64),
            torch.tensor([[left, left + w]], dtype=torch.float64),
        )
        ys, xs = self._source(area, turn, view, corners)
        py, px = frame.pitch
        # a reduced input is read a little finer than it is shown, or reading between its pixels would blur it
        py, px = (max(min(p, 1.0), p * FINER) for p in ((px, py) if turn[0] else (py, px)))
        return cover(full, (py, px), (float(ys.min()), float(ys.max())), (float(xs.min()), float(xs.max())))

    def place(self, image: Image, reading: Reading, parts: Parts, frame: Frame) -> torch.Tensor:
        """The pixels of the output `frame` from an input that covers `needs(frame)`."""
        full = image.frame.full
        area, turn = self._area(full, image.meta), self._turns(image.meta)
        if self._bends:
            view = self._view(area, turn)
            return resample(image.pixels, image.frame, frame, lambda at: self._source(area, turn, view, at))
        pixels = image.cut(self.needs(frame, full, image.meta)).pixels
        if turn[0]:
            pixels = pixels.transpose(1, 2)
        axes = [axis for axis, flipped in ((1, turn[1]), (2, turn[2])) if flipped]
        return pixels.flip(axes).contiguous() if axes or turn[0] else pixels
