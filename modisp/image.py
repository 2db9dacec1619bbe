"""What the numbers mean: the states of a picture, where its pixels lie, and what is known about it.

Every prefix of the pipeline ends in one of seven states, so every intermediate image can be viewed, measured, saved
and resumed.  An `Image` is pixels + state + metadata + frame, and never changes: stages return new ones.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import Any

import torch

XY = tuple[float, float]
RGB = tuple[float, float, float]
Matrix = tuple[RGB, RGB, RGB]
Rect = tuple[float, float, float, float]  # x, y, width, height


class State(Enum):
    """The six named states (and BURST before them): channels, primaries, transfer and reference are fixed by each.

    | state    | pixels    | meaning |
    |----------|-----------|---------|
    | BURST    | (N, H, W) | N frames of CFA samples, scaled as MOSAIC |
    | MOSAIC   | (1, H, W) | CFA samples, linear, black subtracted, 1.0 = sensor saturation; may be below 0 and above 1 |
    | CAMERA   | (3, H, W) | linear camera RGB, same scale |
    | BALANCED | (3, H, W) | camera RGB with the illuminant neutral: grey has R = G = B; the smallest gain is 1 |
    | SCENE    | (3, H, W) | linear Rec.2020 (D65), scene-referred, unclipped, scale of BALANCED |
    | DISPLAY  | (3, H, W) | linear-light Rec.2020 (D65), display-referred, 1.0 = display white, in [0, 1] |
    | ENCODED  | (3, H, W) | in the output space with its transfer function, in [0, 1] |
    """

    BURST = "BURST"
    MOSAIC = "MOSAIC"
    CAMERA = "CAMERA"
    BALANCED = "BALANCED"
    SCENE = "SCENE"
    DISPLAY = "DISPLAY"
    ENCODED = "ENCODED"

    @property
    def channels(self) -> int | None:
        """Channels of an image in this state; None where any number is allowed (BURST)."""
        return {State.BURST: None, State.MOSAIC: 1}.get(self, 3)

    @property
    def on_lattice(self) -> bool:
        """Whether the pixels are CFA samples, so that cutting and shifting must keep to the CFA period."""
        return self in (State.BURST, State.MOSAIC)


LATTICE = 24
"""Full-size pixels: a multiple of every CFA period met (2, 4, 6, 8).  Tiles of CFA samples start on multiples of it."""


@dataclass(frozen=True)
class Frame:
    """Where an image's pixels lie in the full-size picture.

    `full` is (height, width) of the full-size picture, `rect` the covered part as (x, y, width, height) in full-size
    pixels (fractions allowed), `size` the (rows, columns) of the image.  Pixel (i, j) covers the area from
    (y + i·height/rows, x + j·width/columns) on.
    """

    full: tuple[int, int]
    rect: Rect
    size: tuple[int, int]

    @classmethod
    def whole(cls, height: int, width: int, scale: float = 1.0) -> Frame:
        """The frame of a whole picture of `height` × `width` full-size pixels shown at `scale` (≤ 1)."""
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        return cls((height, width), (0.0, 0.0, float(width), float(height)), size)

    @property
    def pitch(self) -> tuple[float, float]:
        """Full-size pixels per image pixel, (vertical, horizontal)."""
        return self.rect[3] / self.size[0], self.rect[2] / self.size[1]

    @property
    def scale(self) -> float:
        """Image pixels per full-size pixel (geometric mean of both axes); 1.0 is full size."""
        py, px = self.pitch
        return 1.0 / math.sqrt(py * px)

    @property
    def is_whole(self) -> bool:
        """Whether the frame covers the full-size picture."""
        return self.rect == (0.0, 0.0, float(self.full[1]), float(self.full[0]))

    @property
    def origin(self) -> tuple[int, int]:
        """(row, column) of the first pixel, in image pixels, rounded; exact at full size."""
        py, px = self.pitch
        return round(self.rect[1] / py), round(self.rect[0] / px)

    def cut(self, top: int, left: int, rows: int, columns: int) -> Frame:
        """The frame of `image[:, top:top+rows, left:left+columns]`."""
        py, px = self.pitch
        x, y = self.rect[0] + left * px, self.rect[1] + top * py
        return Frame(self.full, (x, y, columns * px, rows * py), (rows, columns))

    def grow(self, pixels: int) -> Frame:
        """The frame with up to `pixels` more image pixels on each side, stopping at the picture's edge."""
        py, px = self.pitch
        x, y, w, h = self.rect
        left, top = (min(pixels, math.floor(v + 1e-6)) for v in (x / px, y / py))
        right = min(pixels, math.floor((self.full[1] - x - w) / px + 1e-6))
        bottom = min(pixels, math.floor((self.full[0] - y - h) / py + 1e-6))
        left, top, right, bottom = (max(0, v) for v in (left, top, right, bottom))
        if not (left or top or right or bottom):
            return self
        return self.cut(-top, -left, self.size[0] + top + bottom, self.size[1] + left + right)

    def within(self, outer: Frame) -> tuple[int, int]:
        """(row, column) at which this frame starts inside `outer`, which has the same pitch."""
        py, px = outer.pitch
        return round((self.rect[1] - outer.rect[1]) / py), round((self.rect[0] - outer.rect[0]) / px)


@dataclass(frozen=True)
class Opcode:
    """One DNG opcode (DNG 1.7, chapter 7): which list it came from, its name and its numbers as plain JSON data."""

    list: int
    name: str
    data: Mapping[str, Any]
    optional: bool = False


@dataclass(frozen=True)
class Metadata:
    """All that is known about a picture.  Every field has a default, so that an `Image` can be made by hand.

    Colour: matrices are row-major 3×3 tuples as in DNG 1.7 (`color_matrix`: XYZ → camera, `forward_matrix`: white-balanced
    camera → XYZ D50, `calibration`: CameraCalibration), one per calibration illuminant, whose xy chromaticities are
    `illuminants`.  `white` is the camera's response to the as-shot white (AsShotNeutral), largest component 1.
    Noise: variance at signal x (1.0 = saturation) is a·x + b; `noise` holds one (a, b) for all channels, or one each for
    R, G, B; empty when unknown.  Geometry is in MOSAIC pixels.
    """

    make: str = ""
    model: str = ""
    lens: str = ""
    # sensor
    cfa: tuple[str, ...] = ("RG", "GB")  # one period, from the top-left pixel; ("W",) is monochrome, () not a mosaic
    noise: tuple[tuple[float, float], ...] = ()
    clip: RGB = (1.0, 1.0, 1.0)  # where each channel saturates, in the present state
    black_level: tuple[float, ...] = ()  # of the file's integers, row-major over one CFA period (or one value)
    white_level: float = 0.0  # of the file's integers; 0 when the file held floats
    bad_pixels: tuple[tuple[int, int], ...] = ()  # (row, column)
    # colour
    white: RGB = (1.0, 1.0, 1.0)
    color_matrix: tuple[Matrix, ...] = ()
    forward_matrix: tuple[Matrix, ...] = ()
    calibration: tuple[Matrix, ...] = ()
    illuminants: tuple[XY, ...] = ()
    analog_balance: RGB = (1.0, 1.0, 1.0)
    baseline_exposure: float = 0.0  # EV
    # what stages decided on the way
    light: XY | None = None  # xy chromaticity that white balance made neutral
    gains: RGB = (1.0, 1.0, 1.0)  # that white balance applied
    blur: float = 0.0  # standard deviation of the blur that is left, in full-size pixels; 0 unknown
    # geometry
    crop: tuple[int, int, int, int] | None = None  # DefaultCrop: x, y, width, height
    orientation: int = 1  # EXIF 1…8
    opcodes: tuple[Opcode, ...] = ()
    # capture
    iso: float = 0.0
    shutter: float = 0.0  # s
    aperture: float = 0.0  # f-number
    focal_length: float = 0.0  # mm
    focal_length_35: float = 0.0  # mm, 35 mm equivalent
    distance: float = 0.0  # m, focus distance; 0 unknown
    date: str = ""  # ISO 8601
    gps: tuple[float, float, float] | None = None  # latitude, longitude (degrees), altitude (m)
    exif: bytes = b""  # the source's EXIF as a TIFF block, for carrying over
    # file
    name: str = ""  # file name of the source
    digest: str = ""  # SHA-256 of the source's content, hexadecimal
    done: str = ""  # id of the last recipe entry applied; "" for a fresh source
    space: str = ""  # output space of ENCODED pixels: srgb, display-p3, adobe-rgb, rec2020 or icc
    icc: bytes = b""  # profile of ENCODED pixels

    def dump(self) -> dict[str, Any]:
        """Plain JSON data of the fields that differ from their defaults."""
        out: dict[str, Any] = {}
        for f in fields(self):
            v = getattr(self, f.name)
            if v == f.default:
                continue
            if isinstance(v, bytes):
                v = base64.b64encode(v).decode("ascii")
            elif f.name == "opcodes":
                v = [{"list": o.list, "name": o.name, "data": dict(o.data), "optional": o.optional} for o in v]
            out[f.name] = v
        return out

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Metadata:
        """The inverse of `dump` after a round trip through JSON; unknown keys are left out."""
        known: dict[str, Any] = {}
        for f in fields(cls):
            if f.name not in data:
                continue
            v = data[f.name]
            if f.name == "opcodes":
                v = tuple(Opcode(**o) for o in v)
            elif isinstance(f.default, bytes):
                v = base64.b64decode(v)
            known[f.name] = tuples(v)
        return cls(**known)


def tuples(v: Any) -> Any:
    """Lists, as JSON gives them, made tuples all the way down."""
    return tuple(tuples(i) for i in v) if isinstance(v, list | tuple) else v


@dataclass(frozen=True)
class Image:
    """Pixels and what they mean.

    `pixels` is a float32 tensor, (channels, height, width).  `frame` defaults to a whole picture at full size.
    Raises ValueError where the pixels do not fit the state or the frame.
    """

    pixels: torch.Tensor
    state: State
    meta: Metadata = field(default_factory=Metadata)
    frame: Frame = None  # type: ignore[assignment]  # set below: never None for a reader

    def __post_init__(self) -> None:
        p = self.pixels
        if p.ndim != 3 or (self.state.channels is not None and p.shape[0] != self.state.channels):
            want = f"({self.state.channels or 'N'}, H, W)"
            raise ValueError(f"{self.state.name} needs pixels of shape {want}, got {tuple(p.shape)}")
        if p.shape[1] < 1 or p.shape[2] < 1:
            raise ValueError("an image needs at least one pixel")
        if self.frame is None:
            object.__setattr__(self, "frame", Frame.whole(p.shape[1], p.shape[2]))
        if self.frame.size != (p.shape[1], p.shape[2]):
            raise ValueError(f"frame of {self.frame.size} does not fit pixels of {(p.shape[1], p.shape[2])}")

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.pixels.shape[1])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.pixels.shape[2])

    def to(self, pixels: torch.Tensor, state: State | None = None, meta: Metadata | None = None) -> Image:
        """The same place with other pixels (of the same size), and perhaps another state and metadata."""
        return replace(self, pixels=pixels, state=state or self.state, meta=meta or self.meta)

    def cut(self, frame: Frame) -> Image:
        """The part of this image inside `frame` (same pitch)."""
        if frame == self.frame:
            return self
        top, left = frame.within(self.frame)
        rows, columns = frame.size
        return replace(self, pixels=self.pixels[:, top : top + rows, left : left + columns], frame=frame)
