"""Where training patches come from: photographs, dead leaves; and what is done to them."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..color.transfer import srgb_decode, srgb_encode
from ..simulate.leaves import dead_leaves
from ..simulate.radiance import read_hdr

Pixels = NDArray[np.uint8]


def data_folder(folder: Path | None = None) -> Path:
    """The folder with ``photos/train`` and ``photos/val``: given, or ``MODISP_DATA``."""
    found = folder or Path(os.environ.get("MODISP_DATA", "../shared/data"))
    if not (found / "photos").is_dir():
        raise FileNotFoundError(f"no photographs: {found / 'photos'} is missing; name a folder or set MODISP_DATA")
    return found


def encode(linear: Tensor) -> Tensor:
    """Linear → sRGB-encoded; clipped to [0, 1]."""
    return srgb_encode(linear.clamp(0, 1))


def read(path: Path) -> Tensor:
    """(3, H, W) sRGB-encoded in [0, 1]."""
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255


def reduce(encoded: Tensor, factor: float) -> Tensor:
    """Make a photograph smaller in linear light: hides its own demosaicing, noise and compression."""
    size = [round(encoded.shape[-2] / factor), round(encoded.shape[-1] / factor)]
    small = F.interpolate(srgb_decode(encoded)[None], size=size, mode="bicubic", antialias=True)[0]
    return encode(small)


def halve_chroma(encoded: Tensor) -> Tensor:
    """(B, 3, H, W), H and W even: colour at half the resolution, as Photo CD scans and most JPEG files keep it.

    Their fine detail is all but grey, which pictures that were reduced do not show; both are found in the wild.
    """
    luma = (encoded * encoded.new_tensor((0.299, 0.587, 0.114)).view(3, 1, 1)).sum(dim=1, keepdim=True)
    chroma = F.avg_pool2d(encoded - luma, 2)
    return (luma + F.interpolate(chroma, scale_factor=2, mode="bilinear")).clamp(0, 1)


def _bytes(encoded: Tensor) -> Pixels:
    return np.asarray((encoded * 255).round().byte().numpy())


def view(panorama: Tensor, yaw: float, pitch: float, width: float = 1.0) -> Tensor:
    """(3, H, 2 H) equirectangular panorama → a square perspective view ``width`` radians wide.

    About as many pixels as the panorama has there: no detail is invented.
    """
    side = round(panorama.shape[-1] * width / (2 * math.pi))
    at = torch.linspace(-1, 1, side) * math.tan(width / 2)
    x, y = at.expand(side, side), at[:, None].expand(side, side)
    up, ahead = -math.cos(pitch) * y + math.sin(pitch), math.cos(pitch) + math.sin(pitch) * y
    longitude = torch.atan2(x, ahead) + yaw
    latitude = torch.atan2(up, torch.hypot(x, ahead))
    rim = 4  # columns from the other side: a panorama has no seam
    turned = ((longitude / math.pi + 1) % 2 - 1) * (panorama.shape[-1] / (panorama.shape[-1] + 2 * rim))
    grid = torch.stack([turned, -latitude / (math.pi / 2)], dim=-1)
    round_ = F.pad(panorama[None], (rim, rim, 0, 0), "circular")
    return from_roots(
        F.grid_sample(roots(round_), grid[None], mode="bicubic", padding_mode="border", align_corners=False)[0]
    )


def roots(light: Tensor) -> Tensor:
    """Scene light as a cubic may resample it: of light itself, it would draw black rings round lamps."""
    return light.clamp_min(0).sqrt().sqrt()


def from_roots(values: Tensor) -> Tensor:
    """The inverse of `roots`."""
    return values.clamp_min(0).square().square()


def _exposed(light: Tensor, grey: float) -> Tensor:
    """Linear light of any scale → sRGB-encoded, the (logarithmic) mean at ``grey``; the rest clips."""
    luma = light.mean(dim=0).clamp_min(1e-9)
    return encode(light * (grey / luma.log().mean().exp()))


@dataclass(frozen=True)
class Pictures:
    """A stock of 8-bit pictures; of ``tries`` random places the busiest is taken as a patch.

    A picture is as likely as it is large.
    """

    pictures: list[Pixels]
    tries: int

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Areas added up."""
        return np.cumsum([p.shape[1] * p.shape[2] for p in self.pictures], dtype=np.float64)

    @classmethod
    def photographs(cls, folder: Path, reductions: tuple[float, ...]) -> Pictures:
        """All photographs of a folder, each made smaller by each of the factors."""
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
        if not paths:
            raise FileNotFoundError(f"no photographs in {folder}")
        return cls([_bytes(reduce(read(p), factor)) for p in paths for factor in reductions], tries=3)

    @classmethod
    def views(cls, folder: Path) -> Pictures:
        """Perspective views of the panoramas (.hdr) of a folder: real contrast, lamps, deep shade."""
        out = []
        for number, path in enumerate(sorted(folder.glob("*.hdr"))):
            panorama = read_hdr(path)
            for turn, grey in ((0.0, 0.18), (2.1, 0.06), (4.2, 0.1)):
                out.append(_bytes(_exposed(view(panorama, number + turn, 0.1), grey)))
        return cls(out, tries=3)

    @classmethod
    def leaves(cls, count: int, size: int, cache: Path | None = None) -> Pictures:
        """The same ``count`` pictures every time, kept in ``cache`` because they take a minute."""
        kept = cache / f"leaves-{count}-{size}.npy" if cache else None
        if kept and kept.exists():
            return cls(list(np.load(kept)), tries=1)
        drawn = np.stack([(dead_leaves(size, seed) * 255).round().astype(np.uint8) for seed in range(count)])
        if kept:
            temporary = kept.with_name(f".{os.getpid()}-{kept.name}")
            np.save(temporary, drawn)
            os.replace(temporary, kept)
        return cls(list(drawn), tries=1)

    def patch(self, size: int, random: np.random.Generator) -> Pixels:
        """(3, size, size): of a few random places the one with the strongest fine detail."""
        best, most = self.pictures[0][:, :size, :size], -1.0
        for _ in range(self.tries):
            picture = self.pictures[int(np.searchsorted(self.shares, random.random() * self.shares[-1]))]
            y = random.integers(picture.shape[1] - size + 1)
            x = random.integers(picture.shape[2] - size + 1)
            cut = picture[:, y : y + size, x : x + size]
            green = cut[1, ::2].astype(np.int16)
            detail = float(np.abs(np.diff(green, axis=1)).mean())
            if detail > most:
                best, most = cut, detail
        return best


def striped(cut: Pixels, random: np.random.Generator) -> Pixels:
    """(3, P, P): a patch with stripes as fine as pixels get over all or part of it, mostly grey.

    Pictures that were made smaller hardly have them, and a filter array takes them for colour.
    """
    y, x = np.mgrid[: cut.shape[1], : cut.shape[2]].astype(np.float32) - cut.shape[1] / 2

    def along(turn: float) -> NDArray[np.float32]:
        return np.asarray(math.cos(turn) * x + math.sin(turn) * y, np.float32)

    straight = random.random() < 0.7
    turn = math.pi / 2 * random.integers(2) if straight else math.pi * random.random()
    period = 2.0 if random.random() < 0.4 else random.uniform(2, 4)
    wave = np.cos(2 * math.pi * along(turn) / period + math.pi * random.integers(2))
    wave = np.sign(wave) if straight and random.random() < 0.5 else wave
    ends = random.random((2, 1)) + (0.5 * random.normal(0, 0.3, (2, 3)) if random.random() < 0.3 else np.zeros((2, 3)))
    light, dark = 255 * ends.clip(0, 1)[..., None, None]
    paint = dark + (light - dark) * (0.5 + 0.5 * wave)
    inside = along(2 * math.pi * random.random()) > random.uniform(-0.7, 0.3) * cut.shape[1]
    return np.where(inside, paint, cut).round().astype(np.uint8)


@dataclass(frozen=True)
class Source:
    """Photographs and dead leaves, mixed; what step ``n`` gets depends on seed and ``n`` alone."""

    photographs: Pictures
    leaves: Pictures
    share: float = 3 / 4
    coarse: float = 1 / 4
    """Share of patches whose colour has half the resolution."""
    fine: float = 1 / 40
    """Share of patches with fine stripes."""

    @classmethod
    def open(cls, folder: Path, reductions: tuple[float, ...], leaves: int, cache: Path | None = None) -> Source:
        """The training photographs and views of a data folder, and leaves kept in ``cache``."""
        photographs = Pictures.photographs(folder / "photos" / "train", reductions)
        photographs = Pictures(photographs.pictures + Pictures.views(folder / "hdr").pictures, photographs.tries)
        return cls(photographs, Pictures.leaves(leaves, 256, cache))

    def batch(self, count: int, size: int, random: np.random.Generator) -> Tensor:
        """(count, 3, size, size) sRGB-encoded in [0, 1]: flipped, turned, colours at times swapped, gone or coarse."""
        out = []
        for i in range(count):
            stock = self.photographs if i < round(count * self.share) else self.leaves
            cut = np.rot90(stock.patch(size, random), int(random.integers(4)), (1, 2))
            if random.random() < 0.5:
                cut = cut[:, :, ::-1]
            chance = random.random()
            if chance < 0.2:
                cut = cut[random.permutation(3)]
            elif chance < 0.24:  # greys must come out grey
                cut = cut[[1, 1, 1]]
            out.append(striped(cut, random) if random.random() < self.fine else np.ascontiguousarray(cut))
        batch = torch.from_numpy(np.stack(out)).float() / 255
        coarse = torch.from_numpy(random.random(count) < self.coarse)
        if bool(coarse.any()):
            batch[coarse] = halve_chroma(batch[coarse])
        return batch


def pictures(folder: Path, every: int = 1) -> list[Tensor]:
    """Whole pictures for validation, sRGB-encoded."""
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    return [read(p) for p in paths[::every]]
