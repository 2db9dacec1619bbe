"""Where training patches come from: photographs, dead leaves; and what is done to them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

Pixels = NDArray[np.uint8]


def data_folder(folder: Path | None = None) -> Path:
    """The folder with ``photos/train`` and ``photos/val``: given, or ``MODISP_DATA``."""
    found = folder or Path(os.environ.get("MODISP_DATA", "../shared/data"))
    if not (found / "photos").is_dir():
        raise FileNotFoundError(f"no photographs: {found / 'photos'} is missing; name a folder or set MODISP_DATA")
    return found


def decode(encoded: Tensor) -> Tensor:
    """sRGB-encoded → linear (IEC 61966-2-1), both in [0, 1]."""
    return torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4)


def encode(linear: Tensor) -> Tensor:
    """Linear → sRGB-encoded; clipped to [0, 1]."""
    x = linear.clamp(0, 1)
    return torch.where(x <= 0.0031308, x * 12.92, 1.055 * x.clamp_min(0.0031308) ** (1 / 2.4) - 0.055)


def read(path: Path) -> Tensor:
    """(3, H, W) sRGB-encoded in [0, 1]."""
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255


def reduce(encoded: Tensor, factor: float) -> Tensor:
    """Make a photograph smaller in linear light: hides its own demosaicing, noise and compression."""
    size = [round(encoded.shape[-2] / factor), round(encoded.shape[-1] / factor)]
    small = F.interpolate(decode(encoded)[None], size=size, mode="bicubic", antialias=True)[0]
    return encode(small)


def _bytes(encoded: Tensor) -> Pixels:
    return np.asarray((encoded * 255).round().byte().numpy())


@dataclass
class Pictures:
    """A stock of 8-bit pictures from which the busier patches are drawn."""

    pictures: list[Pixels]
    tries: int = 3
    random: np.random.Generator = field(default_factory=np.random.default_rng)

    @classmethod
    def photographs(cls, folder: Path, reductions: tuple[float, ...], seed: int) -> Pictures:
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
        stock = [_bytes(reduce(read(p), factor)) for p in paths for factor in reductions]
        return cls(stock, random=np.random.default_rng(seed))

    def patch(self, size: int) -> Pixels:
        """(3, size, size): of a few random places the one with the strongest fine detail."""
        best, most = None, -1.0
        for _ in range(self.tries):
            picture = self.pictures[self.random.integers(len(self.pictures))]
            y = self.random.integers(picture.shape[1] - size + 1)
            x = self.random.integers(picture.shape[2] - size + 1)
            cut = picture[:, y : y + size, x : x + size]
            green = cut[1, ::2].astype(np.int16)
            detail = float(np.abs(np.diff(green, axis=1)).mean())
            if detail > most:
                best, most = cut, detail
        assert best is not None
        return best

    def batch(self, count: int, size: int) -> Tensor:
        """(count, 3, size, size) sRGB-encoded in [0, 1]; flipped, turned, channels now and then swapped."""
        out = []
        for _ in range(count):
            cut = np.rot90(self.patch(size), self.random.integers(4), (1, 2))
            if self.random.random() < 0.5:
                cut = cut[:, :, ::-1]
            if self.random.random() < 0.2:
                cut = cut[self.random.permutation(3)]
            out.append(np.ascontiguousarray(cut))
        return torch.from_numpy(np.stack(out)).float() / 255
