"""Patterns, scenes and mosaics that the tests of the RAW zone share."""

from __future__ import annotations

import torch

from modisp.image import Image, Metadata, State
from modisp.operators.cfa import colours

BAYER = (("RG", "GB"), ("GR", "BG"), ("BG", "GR"), ("GB", "RG"))
XTRANS = ("GRGGBG", "BGBRGR", "GRGGBG", "GBGGRG", "RGRBGB", "GBGGRG")
QUAD = ("RRGG", "RRGG", "GGBB", "GGBB")
HEXADECA = tuple("".join(c * 4 for c in row) for row in ("GB", "RG") for _ in range(4))
PATTERNS = (*BAYER, XTRANS, QUAD, HEXADECA, ("W",))
WHITE = (0.5, 1.0, 0.65)
WHITES = torch.tensor(WHITE)[:, None, None]


def mosaic(rgb: torch.Tensor, cfa: tuple[str, ...]) -> torch.Tensor:
    if cfa == ("W",):
        return rgb.mean(0, keepdim=True)
    return rgb.gather(0, colours(cfa, *rgb.shape[1:])[None])


def raw(rgb: torch.Tensor, cfa: tuple[str, ...], white: tuple[float, float, float] = WHITE, **meta: object) -> Image:
    return Image(mosaic(rgb, cfa), State.MOSAIC, Metadata(cfa=cfa, white=white, **meta))  # type: ignore[arg-type]


def smooth_scene(height: int, width: int, seed: int = 0, limit: float = 1 / 8) -> torch.Tensor:
    """Random waves below `limit` cycles per pixel (Nyquist is 1/2), coloured, in 0.05 … 0.95."""
    g = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(height) * 1.0, torch.arange(width) * 1.0, indexing="ij")
    out = torch.zeros(3, height, width)
    for _ in range(24):
        f = torch.rand(2, generator=g) * 2 - 1
        f *= limit * float(torch.rand(1, generator=g)) / max(1.0, float(f.norm()))
        phase = float(torch.rand(1, generator=g)) * 6.28
        tint = 0.7 + 0.3 * torch.rand(3, generator=g)
        out += tint[:, None, None] * torch.sin(6.2832 * (f[0] * y + f[1] * x) + phase)
    out -= out.amin()
    return out / out.amax() * 0.9 + 0.05


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(-10 * torch.log10(((a - b) ** 2).mean()))
