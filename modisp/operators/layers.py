"""Fast spatial operators for the look zone: averages on a grid of blocks, edge-aware layers, small blurs, local extremes.

Planes are (H, W) float32 and lie in a frame.  What is done on blocks keeps to a grid that starts at the picture's corner,
so that a tile, given its halo, comes out as the whole does.  Every filter is a sum of shifted views, which on a CPU is
ten times as quick as a pooling or a convolution.

Edge-aware layers: the guided filter (He, Sun & Tang 2013, IEEE TPAMI 35(6)), its coefficients found on blocks (He & Sun
2015, arXiv:1505.00996).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F

from modisp.color.spaces import LUMA
from modisp.image import Frame

RADIUS = 3  # of the box filters on blocks, in blocks, about

Window = tuple[int, int, int, int]
"""A part of a plane: first row, first column, rows, columns."""


def window_of(part: Frame, frame: Frame) -> Window:
    """Where `part` lies in `frame`, which holds it at the same pitch."""
    return (*part.within(frame), *part.size)


def cut(pixels: torch.Tensor, window: Window) -> torch.Tensor:
    """The pixels (…, H, W) in a window."""
    y, x, h, w = window
    return pixels[..., y : y + h, x : x + w]


def luma(rgb: torch.Tensor) -> torch.Tensor:
    """Luminance (H, W) of linear Rec.2020 (3, H, W)."""
    return torch.mul(rgb[0], LUMA[0]).add_(rgb[1], alpha=LUMA[1]).add_(rgb[2], alpha=LUMA[2])


def _pad(plane: torch.Tensor, top: int, bottom: int, left: int, right: int) -> torch.Tensor:
    """Grown by copies of its edge pixels, any number of them."""
    if not (top or bottom or left or right):
        return plane
    return F.pad(plane[None, None], (left, right, top, bottom), mode="replicate")[0, 0]


@dataclass(frozen=True)
class Blocks:
    """The grid of blocks of `f` × `f` image pixels under a frame, aligned to the picture's corner."""

    f: int
    top: int
    left: int
    height: int
    width: int

    @classmethod
    def under(cls, frame: Frame, f: int) -> Blocks:
        """The grid under a frame."""
        # no fraction that is met lies at the edge of this rounding: pieces of a frame must agree on where blocks begin
        row, column = (
            math.floor(v / p + 0.379) for v, p in zip((frame.rect[1], frame.rect[0]), frame.pitch, strict=True)
        )
        return cls(f, row % f, column % f, *frame.size)

    def mean(self, plane: torch.Tensor) -> torch.Tensor:
        """The mean of each block, (rows, columns); blocks cut by the picture's edge go on as it does."""
        f = self.f
        if f == 1:
            return plane
        bottom, right = -(self.top + self.height) % f, -(self.left + self.width) % f
        return F.avg_pool2d(_pad(plane, self.top, bottom, self.left, right)[None, None], f)[0, 0]

    def spread(self, *low: torch.Tensor, window: Window | None = None) -> list[torch.Tensor]:
        """Values of blocks as planes of pixels (of those in `window` only), bilinear between the blocks' centres."""
        y, x, h, w = window or (0, 0, self.height, self.width)
        if self.f == 1:
            return [p[y : y + h, x : x + w] for p in low]
        f, rows, columns = self.f, *low[0].shape
        y, x = y + self.top, x + self.left
        top, left = max(0, y // f - 1), max(0, x // f - 1)
        bottom, right = min(rows, -(-(y + h) // f) + 1), min(columns, -(-(x + w) // f) + 1)
        part = torch.stack([p[top:bottom, left:right] for p in low])[None]
        size = ((bottom - top) * f, (right - left) * f)
        fine = F.interpolate(part, size=size, mode="bilinear", align_corners=False)[0]
        return list(fine[:, y - top * f : y - top * f + h, x - left * f : x - left * f + w])


def box(plane: torch.Tensor, radius: float) -> torch.Tensor:
    """The mean over a square of 2·`radius` + 1 pixels; the outermost count by the part of them that lies inside."""
    h, w = plane.shape
    n, share = math.ceil(radius - 1e-6), radius - math.ceil(radius - 1e-6) + 1.0
    if n < 1:
        return plane
    p = _pad(plane, 0, 0, n, n)
    rows = p[:, :w] + p[:, 2 * n : 2 * n + w]
    rows.mul_(share)
    for i in range(1, 2 * n):
        rows.add_(p[:, i : i + w])
    p = _pad(rows, n, n, 0, 0)
    out = p[:h] + p[2 * n : 2 * n + h]
    out.mul_(share)
    for i in range(1, 2 * n):
        out.add_(p[i : i + h])
    return out.mul_(1.0 / (2.0 * radius + 1.0) ** 2)


def gauss_taps(sigma: float) -> list[float]:
    """Half a Gaussian kernel, from its middle on, integrated over pixels; their sum over both halves is 1."""
    reach = max(1, math.ceil(3.0 * sigma))
    edge = [math.erf((i + 0.5) / (sigma * math.sqrt(2.0))) for i in range(reach + 1)]
    row = [edge[0], *((b - a) / 2 for a, b in pairwise(edge))]
    total = row[0] + 2 * sum(row[1:])
    return [v / total for v in row]


def gauss_reach(sigma: float) -> int:
    """How many pixels on each side `gauss` reads."""
    return len(gauss_taps(sigma)) - 1


def gauss(plane: torch.Tensor, sigma: float) -> torch.Tensor:
    """Blurred by a Gaussian of standard deviation `sigma` pixels; meant for small ones (the cost grows with it)."""
    taps = gauss_taps(sigma)
    n, (h, w) = len(taps) - 1, plane.shape
    p = _pad(plane, 0, 0, n, n)
    rows = p[:, n : n + w] * taps[0]
    for i in range(1, n + 1):
        rows.add_(p[:, n - i : n - i + w], alpha=taps[i]).add_(p[:, n + i : n + i + w], alpha=taps[i])
    p = _pad(rows, n, n, 0, 0)
    out = p[n : n + h] * taps[0]
    for i in range(1, n + 1):
        out.add_(p[n - i : n - i + h], alpha=taps[i]).add_(p[n + i : n + i + h], alpha=taps[i])
    return out


def extremes(plane: torch.Tensor, radius: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """(least, greatest) value within `radius` pixels in both directions."""
    if radius < 1:
        return plane, plane
    out = []
    for f in (torch.minimum, torch.maximum):
        here = plane
        for axis in (1, 0):
            pads = (0, 0, radius, radius) if axis else (radius, radius, 0, 0)
            p, n = _pad(here, *pads), here.shape[axis]
            here = p.narrow(axis, 0, n).clone()
            for i in range(1, 2 * radius + 1):
                f(here, p.narrow(axis, i, n), out=here)
        out.append(here)
    return out[0], out[1]


def smooth(x: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """0 up to `low`, 1 from `high`, a smooth cubic between; a new tensor."""
    t = torch.sub(x, low).div_(high - low).clamp_(0.0, 1.0)
    return t.mul(-2.0).add_(3.0).mul_(t).mul_(t)


def block_edge(radius: float) -> int:
    """The edge of the blocks on which a layer of `radius` image pixels is found."""
    return max(1, round(radius / (RADIUS + 0.5)))


def layer_reach(radius: float) -> int:
    """How many image pixels on each side `layer` reads."""
    f = block_edge(radius)
    return (2 * math.ceil(radius / f) + 2) * f


def coefficients(
    low: torch.Tensor, guide: torch.Tensor, radius: float, flat: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """(slope, start) of the guided filter: `low` as a straight function of `guide`, both on blocks."""
    mean_g, mean_p = box(guide, radius), box(low, radius)
    variance = box(guide * guide, radius).sub_(mean_g * mean_g).clamp_min_(0.0)
    cov = variance if low is guide else box(guide * low, radius).sub_(mean_g * mean_p)
    a = cov / (variance + flat)
    return box(a, radius), box(mean_p.sub_(a * mean_g), radius)


def layer(plane: torch.Tensor, frame: Frame, radius: float, flat: float, window: Window | None = None) -> torch.Tensor:
    """The plane without its detail finer than `radius` image pixels; steps much higher than √`flat` stay as they are.

    Only the part in `window` is made, where one is given; the rest is seen all the same.
    """
    grid = Blocks.under(frame, block_edge(radius))
    low = grid.mean(plane)
    a, b = grid.spread(*coefficients(low, low, radius / grid.f, flat), window=window)
    return torch.addcmul(b, a, plane if window is None else cut(plane, window))


def relief(
    plane: torch.Tensor, frame: Frame, radius: float, flat: float, fine: float, window: Window | None = None
) -> torch.Tensor:
    """What `layer` leaves out, its finest part (less than a block) weakened to the share `fine`."""
    grid = Blocks.under(frame, block_edge(radius))
    low = grid.mean(plane)
    a, b, broad = grid.spread(*coefficients(low, low, radius / grid.f, flat), low, window=window)
    mixed = torch.lerp(broad, plane if window is None else cut(plane, window), fine)
    return torch.rsub(a, 1.0).mul_(mixed).sub_(b)


def contain(rgb: torch.Tensor) -> torch.Tensor:
    """Colours (3, …) of linear Rec.2020 led into [0, 1] in place, towards the grey of their luminance.

    Those inside are not touched; luminance stays where white allows.
    """
    if float(rgb.amax()) <= 1.0 and float(rgb.amin()) >= 0.0:
        return rgb
    y = torch.mul(rgb[0], LUMA[0]).add_(rgb[1], alpha=LUMA[1]).add_(rgb[2], alpha=LUMA[2]).clamp_(0.0, 1.0)
    rgb.sub_(y)
    up = rgb.amax(0).div_(torch.rsub(y, 1.0).clamp_min_(1e-6))
    down = rgb.amin(0).neg_().div_(y.clamp_min(1e-6))
    keep = torch.maximum(up, down).clamp_min_(1.0).reciprocal_()
    return rgb.mul_(keep).add_(y).clamp_(0.0, 1.0)


def blur_edge(sigma: float) -> int:
    """The edge of the blocks on which `blur` works."""
    return max(1, math.floor(sigma / 2.0))


def blur_reach(sigma: float) -> int:
    """How many image pixels on each side `blur` reads."""
    f = blur_edge(sigma)
    return (gauss_reach(sigma / f) + 2) * f


def blur(plane: torch.Tensor, frame: Frame, sigma: float, window: Window | None = None) -> torch.Tensor:
    """Blurred by a Gaussian of any width, wide ones on blocks; `sigma` in image pixels.  `window` as for `layer`."""
    grid = Blocks.under(frame, blur_edge(sigma))
    return grid.spread(gauss(grid.mean(plane), sigma / grid.f), window=window)[0]
