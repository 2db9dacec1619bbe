"""Any image of the pipeline as pixels for a screen: sRGB bytes, upright, with marks for what clips, and a histogram.

Bytes are (H, W, 4): blue, green, red, marks; the marks are 1 where a channel clips, 2 where all is black, 4 where the
colour lies outside sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from modisp.color import spaces, transfer
from modisp.image import Frame, Image, Rect, State
from modisp.operators import turns

if TYPE_CHECKING:
    from editor_app.engine.screens import Screen

WHITE, BLACK, GAMUT = 1, 2, 4
BINS = 128
_CODES = 65535
_FILTERS = {"R": (1.3, 0.75, 0.75), "G": (0.75, 1.3, 0.75), "B": (0.75, 0.75, 1.3)}


@dataclass(frozen=True)
class View:
    """What a screen gets of an image."""

    pixels: NDArray[np.uint8]  # (H, W, 4)
    values: torch.Tensor  # (C, H, W), in the image's own state, upright: what the readout tells
    histogram: list[list[int]]  # three rows of BINS counts, over encoded values
    clipped: tuple[float, float]  # shares of pixels that are clipped white and black
    exposure: float  # EV of the view
    screen: NDArray[np.uint8] | None = None  # the same in the monitor's own values


def turned(full: tuple[int, int], orientation: int) -> tuple[int, int]:
    """The size of a picture once it is upright."""
    return (full[1], full[0]) if orientation >= 5 else full


def unturned(rect: Rect, full: tuple[int, int], orientation: int) -> Rect:
    """Where a rectangle of the upright picture lies in the picture as it is stored, `full` being its stored size."""
    return turns.unturned(rect, (full[1], full[0]), turns.upright(orientation))


def upright(pixels: torch.Tensor, orientation: int) -> torch.Tensor:
    """Pixels (C, H, W) turned and mirrored as an EXIF orientation asks; the inverse of `unturned`."""
    if orientation in (2, 3, 7, 8):
        pixels = pixels.flip(2)
    if orientation in (3, 4, 6, 7):
        pixels = pixels.flip(1)
    return pixels.transpose(1, 2) if orientation >= 5 else pixels


def cells(image: Image) -> Image:
    """A mosaic averaged by cells of its filter array: camera colours at a fraction of the size, quickly made.

    Grey sensors give three equal channels.
    """
    period = (len(image.meta.cfa), len(image.meta.cfa[0])) if image.meta.cfa else (2, 2)
    rows, columns = image.height // period[0], image.width // period[1]
    if not rows or not columns:
        return replace(image, pixels=image.pixels.expand(3, -1, -1), state=State.CAMERA)
    cut = image.pixels[0, : rows * period[0], : columns * period[1]]
    blocks = cut.reshape(rows, period[0], columns, period[1])
    out = torch.zeros(3, rows, columns)
    letters = [(i, j, c) for i, line in enumerate(image.meta.cfa or ("WW", "WW")) for j, c in enumerate(line)]
    for k, letter in enumerate("RGB"):
        here = [(i, j) for i, j, c in letters if c == letter] or [(i, j) for i, j, _ in letters]
        for i, j in here:
            out[k] += blocks[:, i, :, j]
        out[k] /= len(here)
    py, px = image.frame.pitch
    x, y = image.frame.rect[:2]
    rect = (x, y, columns * period[1] * px, rows * period[0] * py)
    return Image(out, State.CAMERA, image.meta, Frame(image.frame.full, rect, (rows, columns)))


def exposure_for(image: Image) -> float:
    """The view exposure in EV that makes a linear image readable: its bright parts just below white."""
    if image.state in (State.DISPLAY, State.ENCODED):
        return 0.0
    flat = image.pixels.amax(0).flatten()
    flat = flat[:: max(1, flat.numel() // 50_000)]
    bright = float(torch.quantile(flat, 0.98)) if flat.numel() else 0.0
    return float(np.clip(np.log2(0.8 / bright), -6, 8)) if bright > 1e-6 else 0.0


def view(image: Image, exposure: float | None = None, screen: Screen | None = None, seen: Image | None = None) -> View:
    """An image as it is shown; `exposure` in EV for linear states, found where none is given.

    On a `screen` with colours of its own, `seen` (the same picture with more colours) is what it shows.
    """
    ev = exposure_for(image) if exposure is None else exposure
    lit = image
    if image.state not in (State.DISPLAY, State.ENCODED):
        lit = replace(image, pixels=image.pixels * 2.0**ev)
    encoded, inside = _encoded(lit)
    white, black = _clipping(image)
    # bytes all along: whole numbers of 64 bits would take as long as all the rest
    marks = white.view(torch.uint8) * WHITE
    marks |= black.view(torch.uint8) * BLACK
    marks |= (~inside).view(torch.uint8) * GAMUT
    encoded = upright(encoded, image.meta.orientation)
    marks = upright(marks[None], image.meta.orientation)[0]
    rgb = encoded.mul(255).round_().to(torch.uint8)
    pixels = _interleaved(rgb)
    pixels[..., 3] = marks
    n = marks.numel()
    share = (float(white.sum()) / n, float(black.sum()) / n)
    own = None
    if screen is not None:
        values = screen.bytes(*_light(seen if seen is not None else lit))
        own = _interleaved(upright(values, image.meta.orientation)).numpy()
    return View(pixels.numpy(), upright(image.pixels, image.meta.orientation), _histogram(rgb), share, ev, own)


def _interleaved(rgb: torch.Tensor) -> torch.Tensor:
    """Bytes (3, H, W) as (H, W, 4): blue, green, red and a byte that is not set."""
    out = torch.empty(*rgb.shape[1:], 4, dtype=torch.uint8)
    for k in range(3):
        out[..., 2 - k] = rgb[k]
    return out


def _light(image: Image) -> tuple[torch.Tensor, str]:
    """What is shown as linear light, and the primaries that it is in; a sensor's own colours are taken for sRGB's."""
    p = image.pixels
    if image.state.on_lattice:
        return _tinted(image), "srgb"
    if image.state in (State.SCENE, State.DISPLAY):
        return p, "rec2020"
    space = image.meta.space or "srgb"
    if image.state is not State.ENCODED or space not in transfer.TRANSFERS:
        return p, "srgb"
    index = p.mul(_CODES).to(torch.int32).clamp_(0, _CODES)
    return torch.index_select(_decoded(space), 0, index.view(-1)).view_as(p), space


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _decoded(space: str) -> torch.Tensor:
    """The light of all values of 16 bits."""
    return transfer.decode(space, (torch.arange(_CODES + 1, dtype=torch.float64) + 0.5) / (_CODES + 1)).float()


def _encoded(image: Image) -> tuple[torch.Tensor, torch.Tensor]:
    """sRGB values (3, H, W) in [0, 1] of what is to be shown, and where they lay in sRGB's gamut."""
    p = image.pixels
    if image.state.on_lattice:
        p = _tinted(image)
    elif image.state in (State.SCENE, State.DISPLAY):
        p = spaces.apply(spaces.between("rec2020", "srgb"), p)
    elif image.state is State.ENCODED:
        space = image.meta.space or "srgb"
        if space == "srgb":
            return p.clamp(0, 1), torch.ones(p.shape[1:], dtype=torch.bool)
        if space in transfer.TRANSFERS:
            p = spaces.apply(spaces.between(space, "srgb"), transfer.decode(space, p))
    inside = (p >= -1e-3).all(0)
    if image.state in (State.DISPLAY, State.ENCODED):
        inside &= (p <= 1.001).all(0)
    return transfer.encode_display("srgb", p.clamp(0, 1)), inside


def _tinted(image: Image) -> torch.Tensor:
    """One sample per pixel, shown as a grey tinted by its filter."""
    out = image.pixels[:1].expand(3, -1, -1).clone()
    cfa = image.meta.cfa
    if not cfa or not set("".join(cfa)) <= set("RGB"):
        return out
    top, left = image.frame.origin
    for i, line in enumerate(cfa):
        for j, letter in enumerate(line):
            a, b = (i - top) % len(cfa), (j - left) % len(line)
            for k, gain in enumerate(_FILTERS[letter]):
                out[k, a :: len(cfa), b :: len(line)] *= gain
    return out


def _clipping(image: Image) -> tuple[torch.Tensor, torch.Tensor]:
    p = image.pixels
    if image.state in (State.DISPLAY, State.ENCODED):
        brightest = p.amax(0)
        return brightest >= 254.5 / 255, brightest <= 0.5 / 255
    limit = image.meta.clip if p.shape[0] == 3 else (min(image.meta.clip),)
    top = torch.tensor(limit, dtype=torch.float32)[:, None, None] * 0.995
    return (p >= top).any(0), (p <= 0).all(0)


def _histogram(rgb: torch.Tensor) -> list[list[int]]:
    return [torch.bincount(c.flatten() >> 1, minlength=BINS).tolist() for c in rgb.to(torch.int32)]


def facts(image: Image) -> dict[str, Any]:
    """What the window tells of the picture that was opened."""
    m = image.meta
    return {
        "make": m.make,
        "model": m.model,
        "lens_model": m.lens,
        "iso": m.iso,
        "shutter": m.shutter,
        "aperture": m.aperture,
        "focal_length": m.focal_length,
        "date": m.date,
        "gps": m.gps,
        "size": [image.frame.full[1], image.frame.full[0]],
        "crop": list(m.crop) if m.crop else None,
        "cfa": "/".join(m.cfa),
        "state": image.state.name,
        "orientation": m.orientation,
    }
