"""Lens correction: distortion, colour fringes and vignetting, as the file asks for it, as lensfun knows it, or by hand.

All that applies is folded into one coordinate map and one gain, so that the picture is resampled at most once.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import torch

from modisp.image import Frame, Image, Metadata, State
from modisp.operators.lensmap import GAINS, WARPS, Step, bilinear, gain, opcode_steps, radial_unit, source
from modisp.operators.warp import Places, centres, cover, resample
from modisp.stage import Parts, Reading, Stage, checkpoint, param

DISTORTION = 0.15  # how far the farthest corner moves at full strength, as a part of its distance
GRID = 256  # columns of lensfun's answers: they are smooth
LIMIT = 8.0  # greatest brightening


class Lens(
    Stage,
    slot="lens",
    reads=State.CAMERA,
    writes=State.CAMERA,
    title="Lens correction",
    group="Lens & crop",
):
    """Straight lines stay straight, edges lose their colour fringes, corners get their light back."""

    embedded: bool = param(
        True, label="Built-in profile", help="Applies the lens corrections that the camera wrote into the file."
    )
    profile: bool = param(
        False,
        label="Lensfun profile",
        help="Corrects by lensfun's table where it knows the camera and the lens (needs the extra `modisp[lens]`).",
    )
    fix_distortion: bool = param(True, label="Distortion", help="Lets the file's or table's distortion correction act.")
    fix_fringes: bool = param(True, label="Colour fringes", help="Lets the file's or table's fringe correction act.")
    fix_vignetting: bool = param(True, label="Vignetting", help="Lets the file's or table's corner brightening act.")
    distortion: float = param(
        0.0,
        -1,
        1,
        step=0.01,
        unit="%",
        label="Barrel",
        help="Right straightens barrel-shaped lines, left pincushion-shaped ones.",
    )
    red: float = param(
        0.0, -5, 5, step=0.05, unit="‰", label="Red fringe", help="Makes the red part of the picture larger or smaller."
    )
    blue: float = param(
        0.0,
        -5,
        5,
        step=0.05,
        unit="‰",
        label="Blue fringe",
        help="Makes the blue part of the picture larger or smaller.",
    )
    vignetting: float = param(
        0.0, -1, 1, step=0.01, unit="%", label="Corner light", help="Brightens the corners, or darkens them."
    )

    def _steps(self, full: tuple[int, int], meta: Metadata) -> list[Step]:
        wanted = (self.fix_distortion, self.fix_fringes, self.fix_vignetting)
        steps = opcode_steps(meta.opcodes, full, meta.cfa, *wanted) if self.embedded else []
        if self.profile and not any(s.warp for s in steps):
            tables = _lensfun(full, meta, *wanted)
            steps = [
                *(_profile_steps(full, *tables) if tables else []),
                *([] if tables and tables[1] is not None else steps),
            ]
        cy, cx, unit = radial_unit(full, (0.5, 0.5))
        if self.vignetting:
            v = self.vignetting

            def light(y: torch.Tensor, x: torch.Tensor, channel: int) -> torch.Tensor:
                rr = ((y - cy) / unit) ** 2 + ((x - cx) / unit) ** 2
                return 1 + v * rr if v > 0 else 1 / (1 - v * rr)

            steps.append(Step(gain=light))
        if self.red or self.blue:
            sizes = (1 - self.red / 1000, 1.0, 1 - self.blue / 1000)
            steps.append(Step(warp=lambda y, x, c: (cy + (y - cy) * sizes[c], cx + (x - cx) * sizes[c]), split=True))
        if self.distortion:
            k = -self.distortion * DISTORTION
            zoom = _zoom(k, full)

            def bend(y: torch.Tensor, x: torch.Tensor, channel: int) -> Places:
                dy, dx = (y - cy) * zoom, (x - cx) * zoom
                f = 1 + k * (dy * dy + dx * dx) / unit**2
                return cy + dy * f, cx + dx * f

            steps.append(Step(warp=bend))
        return steps

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """(3, H, W) camera RGB → the same, corrected as far as the image holds what is read."""
        return self.place(image, reading, parts, image.frame)

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """The opcodes that were applied are done with."""
        if not self.embedded:
            return meta
        return replace(meta, opcodes=tuple(o for o in meta.opcodes if o.name not in WARPS + GAINS))

    def neutral(self) -> Lens:
        """No correction of any kind."""
        return replace(self, embedded=False, profile=False, distortion=0.0, red=0.0, blue=0.0, vignetting=0.0)

    def needs(self, frame: Frame, full: tuple[int, int], meta: Metadata) -> Frame:
        """The frame itself while nothing is warped, else all that its places are read from."""
        steps = self._steps(full, meta)
        if not any(s.warp for s in steps):
            return frame
        x, y, w, h = frame.rect
        at = (
            (y + torch.linspace(0, h, 33, dtype=torch.float64))[:, None],
            (x + torch.linspace(0, w, 33, dtype=torch.float64))[None],
        )
        places = [source(steps, at, c) for c in range(3)]
        ys, xs = torch.stack([p[0].expand(33, 33) for p in places]), torch.stack([p[1].expand(33, 33) for p in places])
        return cover(
            full, frame.pitch, (float(ys.min()), float(ys.max())), (float(xs.min()), float(xs.max())), margin=4
        )

    def place(self, image: Image, reading: Reading, parts: Parts, frame: Frame) -> torch.Tensor:
        """The pixels of the output `frame` from an input that covers `needs(frame)`."""
        steps = self._steps(image.frame.full, image.meta)
        if any(s.warp for s in steps):
            if any(s.warp and s.split for s in steps):
                out = torch.cat([self._read(image, frame, steps, slice(c, c + 1), c) for c in range(3)])
            else:
                out = self._read(image, frame, steps, slice(0, 3), 1)
        else:
            out = image.cut(frame).pixels
        if any(s.gain for s in steps):
            out = _brighten(out, frame, steps)
        return out

    @staticmethod
    def _read(image: Image, frame: Frame, steps: list[Step], channels: slice, channel: int) -> torch.Tensor:
        return resample(image.pixels[channels], image.frame, frame, lambda at: source(steps, at, channel))


def _brighten(pixels: torch.Tensor, frame: Frame, steps: list[Step]) -> torch.Tensor:
    out = torch.empty_like(pixels)
    split = any(s.split for s in steps)
    rows = max(1, 131072 // pixels.shape[2])
    for top in range(0, pixels.shape[1], rows):
        checkpoint()
        bottom = min(top + rows, pixels.shape[1])
        at = centres(frame, top, bottom)
        factors = [gain(steps, at, c).clamp(0, LIMIT).float().to(pixels.device) for c in (range(3) if split else (1,))]
        for c in range(3):
            torch.mul(pixels[c, top:bottom], factors[c if split else 0], out=out[c, top:bottom])
    return out


@lru_cache(maxsize=32)
def _zoom(k: float, full: tuple[int, int]) -> float:
    """The greatest picture that a bend by 1 + k·r² fills without empty edges: how much the places are drawn together."""
    unit = radial_unit(full, (0.5, 0.5))[2]
    hy, hx = full[0] / 2, full[1] / 2
    t = torch.linspace(0, 1, 257, dtype=torch.float64)
    y = torch.cat([t * hy, torch.full_like(t, hy)]) / unit
    x = torch.cat([torch.full_like(t, hx), t * hx]) / unit
    low, high = 0.3, 1.5
    for _ in range(50):
        z = (low + high) / 2
        f = z * (1 + k * (y * y + x * x) * z * z)
        rising = 1 + 3 * k * (y * y + x * x) * z * z
        if bool(((f * y * unit <= hy) & (f * x * unit <= hx) & (rising > 0)).all()):
            low = z
        else:
            high = z
    return low


Tables = tuple[torch.Tensor | None, torch.Tensor | None]


def _profile_steps(full: tuple[int, int], places: torch.Tensor | None, light: torch.Tensor | None) -> list[Step]:
    """Steps from lensfun's tables: `places` (rows, columns, 3, 2: x, y) and `light` (rows, columns)."""
    h, w = full
    steps = []
    if light is not None:
        rows, columns = light.shape

        def brighten(y: torch.Tensor, x: torch.Tensor, channel: int) -> torch.Tensor:
            return bilinear(light, y * (rows / h) - 0.5, x * (columns / w) - 0.5)

        steps.append(Step(gain=brighten))
    if places is not None:
        down, across = places.shape[:2]

        def warp(y: torch.Tensor, x: torch.Tensor, channel: int) -> Places:
            v, u = y * (down / h) - 0.5, x * (across / w) - 0.5
            found = [bilinear(places[:, :, channel, k], v, u) for k in (1, 0)]
            return (found[0] + 0.5) * (h / down), (found[1] + 0.5) * (w / across)

        steps.append(Step(warp=warp, split=True))
    return steps


def _lensfun(full: tuple[int, int], meta: Metadata, distortion: bool, fringes: bool, vignetting: bool) -> Tables:
    if not meta.model or not meta.focal_length:
        return None, None
    shot = (meta.make, meta.model, meta.lens, meta.focal_length, meta.aperture or 8.0, meta.distance or 1000.0)
    return _lookup(full, shot, distortion, fringes, vignetting)


@lru_cache(maxsize=4)
def _lookup(
    full: tuple[int, int],
    shot: tuple[str, str, str, float, float, float],
    distortion: bool,
    fringes: bool,
    vignetting: bool,
) -> Tables:
    """lensfun's tables for a shot, on a grid; (None, None) where the extra is missing or the lens is unknown."""
    try:
        import lensfunpy
        import numpy as np
    except ImportError:
        return None, None
    make, model, name, focal, aperture, distance = shot
    database = lensfunpy.Database()
    cameras = database.find_cameras(make, model)
    lenses = database.find_lenses(cameras[0], None, name or None) if cameras else []
    if not lenses or (not name and len(lenses) > 1):
        return None, None
    h, w = full
    columns = min(GRID, w)
    rows = max(2, round(columns * h / w))
    modifier = lensfunpy.Modifier(lenses[0], cameras[0].crop_factor, columns, rows)
    kinds = lensfunpy.ModifyFlags
    flags = (kinds.DISTORTION | kinds.SCALE if distortion else 0) | (kinds.TCA if fringes else 0)
    flags |= kinds.VIGNETTING if vignetting else 0
    if not flags:
        return None, None
    modifier.initialize(
        focal, aperture, distance, scale=0.0 if distortion else 1.0, pixel_format=np.float32, flags=int(flags)
    )
    found = modifier.apply_subpixel_geometry_distortion() if distortion or fringes else None
    ones = np.ones((rows, columns, 3), np.float32)
    lit = vignetting and modifier.apply_color_modification(ones)
    return (
        None if found is None else torch.from_numpy(found.astype(np.float64)),
        torch.from_numpy(ones[..., 1].astype(np.float64)) if lit else None,
    )
