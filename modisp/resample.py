"""Resampling of linear-light pixels on separable kernels with exact coverage: the one home of every change of size."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import torch

from modisp.image import Frame, Image


def _box(x: torch.Tensor, width: float) -> torch.Tensor:
    # overlap of the unit-wide source pixel at x with a box of `width`: exact area coverage
    return (torch.minimum(x + 0.5, torch.tensor(width / 2)) - torch.maximum(x - 0.5, torch.tensor(-width / 2))).clamp(0)


def _lanczos3(x: torch.Tensor, width: float) -> torch.Tensor:
    t = x / width
    return torch.where(t.abs() < 3, torch.sinc(t) * torch.sinc(t / 3), torch.zeros_like(t))


KERNELS: dict[str, tuple[Callable[[torch.Tensor, float], torch.Tensor], float]] = {
    "box": (_box, 0.5),
    "lanczos3": (_lanczos3, 3.0),
}


@lru_cache(maxsize=64)
def _bands(
    start: float, length: float, n_out: int, n_in: int, kernel: str, block: int
) -> list[tuple[int, torch.Tensor]]:
    """Weights for blocks of outputs: [(first source index, matrix (outputs, sources)), …]."""
    f, support = KERNELS[kernel]
    pitch = length / n_out
    width = max(pitch, 1.0)
    reach = support * width + 0.5
    out = []
    for a in range(0, n_out, block):
        b = min(a + block, n_out)
        centres = start + (torch.arange(a, b, dtype=torch.float64) + 0.5) * pitch
        lo = max(0, math.floor(float(centres[0]) - reach))
        hi = min(n_in, math.ceil(float(centres[-1]) + reach) + 1)
        lo, hi = min(lo, n_in - 1), max(hi, min(lo, n_in - 1) + 1)
        w = f(torch.arange(lo, hi, dtype=torch.float64) + 0.5 - centres[:, None], width)
        total = w.sum(1, keepdim=True)
        out.append(
            (lo, torch.where(total.abs() > 1e-9, w / total.where(total.abs() > 1e-9, torch.ones(1)), 0.0).float())
        )
    return out


def resize(
    pixels: torch.Tensor,
    rect: tuple[float, float, float, float],
    size: tuple[int, int],
    kernel: str = "box",
    block: int = 32,
) -> torch.Tensor:
    """The part `rect` = (x, y, width, height; in source pixels, fractions allowed) of `pixels` (C, H, W) as `size` pixels.

    `box` averages by exact area coverage, `lanczos3` is windowed sinc (Duchon 1979).  Any float type in, float32 out.
    """
    c, h, w = pixels.shape
    x, y, rw, rh = rect
    out = torch.empty(c, *size, dtype=torch.float32, device=pixels.device)
    columns = _bands(x, rw, size[1], w, kernel, block)
    row = 0
    for lo, weights in _bands(y, rh, size[0], h, kernel, block):
        wr = weights.to(pixels.device)
        strip = torch.matmul(wr, pixels[:, lo : lo + wr.shape[1]].float())
        col = 0
        for left, wc in columns:
            n = wc.shape[0]
            out[:, row : row + wr.shape[0], col : col + n] = torch.matmul(
                strip[:, :, left : left + wc.shape[1]], wc.to(pixels.device).T
            )
            col += n
        row += wr.shape[0]
    return out


def resize_image(image: Image, frame: Frame, kernel: str = "box") -> Image:
    """`image` resampled to `frame`, which lies inside it.  Only for linear-light pixels that are not CFA samples."""
    py, px = image.frame.pitch
    rect = (
        (frame.rect[0] - image.frame.rect[0]) / px,
        (frame.rect[1] - image.frame.rect[1]) / py,
        frame.rect[2] / px,
        frame.rect[3] / py,
    )
    return Image(resize(image.pixels, rect, frame.size, kernel), image.state, image.meta, frame)
