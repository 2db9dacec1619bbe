"""Thumbnails to judge the light by: crops of photographs, views of panoramas, places that do not exist.

Each is (3, 48, 64), linear sRGB under a white light.  Photographs and panoramas whose own white is off (or coloured light
on purpose) would teach errors, so they are named here and left out.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..color.transfer import srgb_decode
from ..simulate.places import SIZE, place
from ..simulate.radiance import read_hdr
from .data import read, view

_TRAINING = "100f1789 2397c73f 50d13125 7e499613 a2a946cc aed95e00 b51d5fb5 d79d465a f67f11de"
_PANORAMAS = "circus_a kiara_1_ moonless dikholol"
_VALIDATION = "106399 1183021 1943411 2123337 2471234 258947 2666598 271619 333963 3584430 45258"
OFF = frozenset(" ".join((_TRAINING, _PANORAMAS, _VALIDATION)).split())
"""First eight letters of names of pictures that are not lit white."""
PANORAMAS_LEFT_OUT = ("brown_photostudio_07", "chinese_garden", "empty_warehouse_01")
"""No training may see these."""

BLOWN = 4.0
"""Brighter pixels of thumbnails are lamps, suns, and what had clipped in a photograph."""
PHOTOGRAPHS, VIEWS, PLACES = 100, 120, 12000
"""Crops of each photograph, views of each panorama, and places."""


def sound(path: Path) -> bool:
    """Whether a picture is lit white."""
    return path.stem[:8] not in OFF


def linear(path: Path) -> Tensor:
    """A photograph (3, H, W) as linear sRGB; see `unclipped`."""
    return unclipped(read(path))


def unclipped(encoded: Tensor) -> Tensor:
    """sRGB-encoded (3, H, W) made linear; what had clipped, whose colour nobody knows, becomes brighter than `BLOWN`."""
    clipped = (encoded >= 0.995).any(0, keepdim=True)
    return srgb_decode(encoded) * torch.where(clipped, 10 * BLOWN, 1.0)


def crops(picture: Tensor, count: int, rng: np.random.Generator, least: float = 0.3) -> Iterator[Tensor]:
    """Thumbnails of random parts of a picture, its short edge at least `least` of it, as wide as 4 : 3 or as high."""
    height, width = picture.shape[1:]
    for _ in range(count):
        tall = rng.random() < 0.5
        a, b = (4, 3) if tall else (3, 4)
        unit = min(height / a, width / b) * rng.uniform(least, 1)
        h, w = max(2, int(unit * a)), max(2, int(unit * b))
        y, x = rng.integers(height - h + 1), rng.integers(width - w + 1)
        yield shrink(picture[:, y : y + h, x : x + w])


def shrink(picture: Tensor) -> Tensor:
    """To a thumbnail, by averages; upright pictures are laid on their side."""
    p = picture.mT if picture.shape[1] > picture.shape[2] else picture
    return F.interpolate(p[None], size=SIZE, mode="area")[0]


def views(panorama: Tensor, count: int, rng: np.random.Generator) -> Iterator[Tensor]:
    """Thumbnails of random perspective views of a panorama, at random exposures."""
    for _ in range(count):
        wide = rng.uniform(0.5, 1.7)
        square = view(panorama, rng.uniform(0, 2 * math.pi), rng.normal(0, 0.25), wide)
        cut = square.shape[1] // 8
        light = shrink(square[:, cut:-cut] if rng.random() < 0.7 else square)
        yield light * (0.2 * 2 ** rng.normal(0, 0.8) / light.mean(0).clamp_min(1e-6).log().mean().exp())


@dataclass(frozen=True)
class Thumbs:
    """Thumbnails (N, 3, 48, 64), and how likely each is drawn (N,)."""

    pixels: Tensor
    share: Tensor

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """(count, 3, 48, 64)."""
        return self.pixels[torch.multinomial(self.share, count, True, generator=random)].float()


def training(folder: Path, keep: Path, places: int = PLACES) -> Thumbs:
    """All that training may see, kept in a file because it takes minutes; more than a third of it places."""
    kept = keep / f"thumbs-{places}.pt"
    if not kept.exists():
        rng, painter = np.random.default_rng(64), np.random.default_rng(64)
        groups = [
            [c for p in _pictures(folder / "photos" / "train") for c in crops(linear(p), PHOTOGRAPHS, rng)],
            [
                c
                for p in sorted((folder / "hdr").glob("*.hdr"))
                if sound(p) and not p.stem.startswith(PANORAMAS_LEFT_OUT)
                for c in views(read_hdr(p), VIEWS, rng)
            ],
            [torch.from_numpy(place(painter)).float() for _ in range(places)],
        ]
        pixels = torch.stack([c for g in groups for c in g]).clamp(0, 200).half()
        weights = (0.36, 0.26, 0.38)
        share = torch.cat([torch.full((len(g),), w / max(1, len(g))) for g, w in zip(groups, weights, strict=True)])
        keep.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_name(f".{os.getpid()}-{kept.name}")
        torch.save({"pixels": pixels, "share": share}, temporary)
        os.replace(temporary, kept)
    return Thumbs(**torch.load(kept, weights_only=True))


def watched(folder: Path) -> Thumbs:
    """The validation photographs."""
    return of([read(p) for p in _pictures(folder / "photos" / "val")])


def of(pictures: Sequence[Tensor], each: int = 3) -> Thumbs:
    """sRGB-encoded pictures (3, H, W): each whole, and some crops of it."""
    rng = np.random.default_rng(65)
    found: list[Tensor] = []
    for picture in map(unclipped, pictures):
        found += [shrink(picture), *crops(picture, each - 1, rng, 0.5)]
    return Thumbs(torch.stack(found), torch.ones(len(found)))


def _pictures(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.iterdir()) if p.suffix.lower() in (".png", ".jpg", ".jpeg") and sound(p)]
