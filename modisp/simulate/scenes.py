"""Scenes to point the simulated camera at: procedural ones by name, and photographs made linear.

A scene is a palette of reflectances and a way to paint with them, so that a camera sees spectra and the truth sees
colours, both exactly.  Values are upright; 1.0 is a perfect white in the main light, lamps and skies lie above it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from modisp.color import spaces, transfer
from modisp.image import Image, State
from modisp.resample import resize
from modisp.simulate import spectra
from modisp.simulate.leaves import dead_leaves

Paint = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Scene:
    """`paint` turns the palette's colours (K, 3), in any linear space, into a picture (3, H, W).

    `palette` is (K, 81) reflectances on `spectra.WAVELENGTHS`.
    """

    name: str
    palette: NDArray[np.float64]
    paint: Paint


def from_rgb(name: str, pixels: torch.Tensor) -> Scene:
    """A scene of linear Rec.2020 pixels (3, H, W): smooth spectra that look like these under D65."""
    weights = spaces.apply(spaces.between("rec2020", "srgb"), pixels)
    return Scene(name, spectra.basis(), lambda colours: torch.einsum("kc,khw->chw", colours.float(), weights))


def from_srgb(encoded: torch.Tensor) -> torch.Tensor:
    """sRGB-encoded (3, H, W) in [0, 1] as linear Rec.2020."""
    return spaces.apply(spaces.between("srgb", "rec2020"), transfer.decode("srgb", encoded))


def _chart(height: int, width: int, seed: int) -> Scene:
    """The ColorChecker Classic on grey card, measured reflectances."""
    palette = np.vstack([spectra.colorchecker(), np.full((1, spectra.WAVELENGTHS.size), 0.18)])
    pitch = min(width / 6.5, height / 4.5)
    top, left = (height - 4 * pitch) / 2, (width - 6 * pitch) / 2
    gap = pitch * 0.08

    def paint(colours: torch.Tensor) -> torch.Tensor:
        out = colours[24].float()[:, None, None].expand(3, height, width).clone()
        for i in range(24):
            y, x = top + (i // 6) * pitch + gap, left + (i % 6) * pitch + gap
            rows = slice(round(y), round(y + pitch - 2 * gap))
            out[:, rows, round(x) : round(x + pitch - 2 * gap)] = colours[i].float()[:, None, None]
        return out

    return Scene("colorchecker", palette, paint)


def _leaves(height: int, width: int, seed: int) -> torch.Tensor:
    """Dead leaves: occluding shapes of all sizes, with textures, gratings and print."""
    side = min(
        max(height, width), 1024
    )  # larger pictures go on in its mirror images: drawing takes a second per 0.2 MP
    tile = from_srgb(torch.from_numpy(dead_leaves(side, seed)))
    both = torch.cat([tile, tile.flip(2)], 2)
    four = torch.cat([both, both.flip(1)], 1)
    rows, columns = (torch.arange(n) % (2 * side) for n in (height, width))
    return four[:, rows][:, :, columns].contiguous()


def _smooth(height: int, width: int, seed: int) -> torch.Tensor:
    """Random colour, band-limited below a quarter of the Nyquist frequency."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    f = np.hypot(fy, fx)
    falloff = np.where(f < 0.115, 1 / np.maximum(f, 1 / max(height, width)) ** 1.2, 0.0)
    falloff *= 0.5 + 0.5 * np.cos(np.pi * np.clip((f - 0.09) / 0.025, 0, 1))
    falloff[0, 0] = 0
    grey, *colour = (
        np.fft.irfft2(np.fft.rfft2(rng.standard_normal((height, width))) * falloff, (height, width)) for _ in range(4)
    )
    planes = np.stack([grey / grey.std() + 0.35 * c / c.std() for c in colour])
    # a soft limit, so gentle that the harmonics it adds stay far below what is tested
    return torch.from_numpy((0.3 + 0.055 * planes).clip(0.01, 0.9).astype(np.float32))


def _steps(height: int, width: int, seed: int) -> torch.Tensor:
    """Grey steps over sixteen stops above ramps of every hue, from deep shadow to four stops above white."""
    x = (torch.arange(width) + 0.5) / width
    stop = torch.floor(x * 16) - 12
    grey = torch.exp2(stop)
    rows = [grey.expand(3, width)]
    for hue in range(7):
        tint = torch.tensor([0.5 + 0.5 * math.cos(2 * math.pi * (hue / 7 - k / 3)) for k in range(3)])
        rows.append((0.1 + 0.9 * tint)[:, None] * torch.exp2(x * 14 - 11)[None])
    band = torch.arange(height) * len(rows) // height
    return torch.stack(rows, 1)[:, band]


def _zones(height: int, width: int, seed: int) -> torch.Tensor:
    """A zone plate: every direction and frequency up to Nyquist at the shorter edge, pixel-averaged."""
    fine = 4
    y = (torch.arange(height * fine) + 0.5) / fine - height / 2
    x = (torch.arange(width * fine) + 0.5) / fine - width / 2
    reach = min(height, width) / 2
    out = torch.empty(height, width)
    for top in range(0, height, 64):
        n = min(64, height - top)
        rr = y[top * fine : (top + n) * fine, None] ** 2 + x[None] ** 2
        wave = 0.4 + 0.36 * torch.cos(math.pi * rr / (2 * reach)) * (rr < reach**2)
        out[top : top + n] = wave.view(n, fine, width, fine).mean((1, 3))
    return out.expand(3, height, width).clone()


def _flat(height: int, width: int, seed: int) -> torch.Tensor:
    """An even grey of 18 %."""
    return torch.full((3, height, width), 0.18)


def rendered(name: str, size: tuple[int, int]) -> torch.Tensor:
    """One of our rendered scenes (3, H, W), linear Rec.2020, always with the same seed."""
    module = import_module(f"modisp.simulate.{name.replace('-', '_')}")
    return torch.from_numpy(getattr(module, name.replace("-", "_"))(*size))


def _still_life(height: int, width: int, seed: int) -> torch.Tensor:
    """Fruit, glass, brass and print on a table, by a window and a lit lamp (path traced: minutes)."""
    return rendered("still-life", (height, width))


def _dusk(height: int, width: int, seed: int) -> torch.Tensor:
    """A mountain lake after sunset, a cabin with lit windows, stars (ray marched: minutes)."""
    return rendered("dusk", (height, width))


def _workbench(height: int, width: int, seed: int) -> torch.Tensor:
    """Cloth, yarn, spices and a colour card from above, for upright pictures (path traced: minutes)."""
    return rendered("workbench", (height, width))


_RGB: dict[str, Callable[[int, int, int], torch.Tensor]] = {
    "dead-leaves": _leaves,
    "smooth": _smooth,
    "steps": _steps,
    "zone-plate": _zones,
    "grey": _flat,
    "still-life": _still_life,
    "dusk": _dusk,
    "workbench": _workbench,
}


def list_scenes() -> dict[str, str]:
    """Names of the procedural scenes and one line about each."""
    about = {"colorchecker": _chart, **_RGB}
    return {name: (f.__doc__ or "").strip().split("\n")[0] for name, f in about.items()}


def scene(source: str | Path | Image, size: tuple[int, int] | None = None, seed: int = 0) -> Scene:
    """A scene by name (of `size` = (height, width), 768 × 1152 without), from a picture file or from an `Image`.

    A picture is made linear and, where `size` is given, scaled down to fit inside it.  Raises ValueError for an unknown
    name or a picture that is no scene, `modisp.io.ImageError` for a file that cannot be read.
    """
    if size is not None and (min(size) < 1 or size[0] * size[1] > 400_000_000):
        raise ValueError(f"a scene has 1 to 400 million pixels, not {size[1]} × {size[0]}")
    if isinstance(source, str) and source in ("colorchecker", *_RGB):
        height, width = size or (768, 1152)
        return (
            _chart(height, width, seed)
            if source == "colorchecker"
            else from_rgb(source, _RGB[source](height, width, seed))
        )
    if isinstance(source, str | Path):
        path = Path(source)
        if not path.exists() and not path.suffix:
            names = ", ".join(list_scenes())
            raise ValueError(f"{str(source)!r} is neither a picture file nor a scene: the scenes are {names}")
        pixels, name = _linear(path), path.stem
    else:
        pixels, name = scene_pixels(source), source.meta.name or "image"
    if size is not None:
        s = min(size[0] / pixels.shape[1], size[1] / pixels.shape[2], 1.0)
        to = (max(1, round(pixels.shape[1] * s)), max(1, round(pixels.shape[2] * s)))
        if to != tuple(pixels.shape[1:]):
            pixels = resize(
                pixels, (0.0, 0.0, float(pixels.shape[2]), float(pixels.shape[1])), to, "lanczos3"
            ).clamp_min(0)
    return from_rgb(name, pixels)


def _linear(path: Path) -> torch.Tensor:
    """A picture file as linear Rec.2020, upright."""
    if path.suffix.lower() == ".hdr":
        from modisp.simulate.radiance import read_hdr

        return spaces.apply(spaces.between("srgb", "rec2020"), read_hdr(path))
    from modisp.io import open_image

    return scene_pixels(open_image(path))


def scene_pixels(image: Image) -> torch.Tensor:
    """Linear Rec.2020 pixels (3, H, W), upright, of an ENCODED, DISPLAY or SCENE image; ValueError for other states."""
    p = image.pixels
    if image.state is State.ENCODED:
        space = image.meta.space if image.meta.space in spaces.PRIMARIES else "srgb"
        p = spaces.apply(spaces.between(space, "rec2020"), transfer.decode(space, p))
    elif image.state not in (State.SCENE, State.DISPLAY):
        raise ValueError(
            f"a scene is made from a finished picture; this one is in state {image.state.name}: develop it first"
        )
    return turn_upright(p.clamp_min(0), image.meta.orientation).contiguous()


def turn_upright(pixels: torch.Tensor, orientation: int) -> torch.Tensor:
    """Pixels (C, H, W) in sensor orientation, turned upright as EXIF 1…8 says."""
    return _TURNS[orientation][1](pixels)


def turn_to_sensor(pixels: torch.Tensor, orientation: int) -> torch.Tensor:
    """The inverse of `turn_upright`."""
    return _TURNS[orientation][0](pixels)


_Turn = Callable[[torch.Tensor], torch.Tensor]
_TURNS: dict[int, tuple[_Turn, _Turn]] = {  # upright → sensor, sensor → upright
    1: (lambda p: p, lambda p: p),
    2: (lambda p: p.flip(2), lambda p: p.flip(2)),
    3: (lambda p: p.flip(1, 2), lambda p: p.flip(1, 2)),
    4: (lambda p: p.flip(1), lambda p: p.flip(1)),
    5: (lambda p: p.mT, lambda p: p.mT),
    6: (lambda p: p.rot90(1, (1, 2)), lambda p: p.rot90(-1, (1, 2))),
    7: (lambda p: p.mT.flip(1, 2), lambda p: p.mT.flip(1, 2)),
    8: (lambda p: p.rot90(-1, (1, 2)), lambda p: p.rot90(1, (1, 2))),
}
