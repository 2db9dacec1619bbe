"""Local Laplacian filtering of log luminance: contrast edited at every scale and place, without halos.

For some levels g of light the picture is remapped round g (what is near g is detail, what is far is an edge), and each
coefficient of the result's Laplacian pyramid is read from the pyramids of the two levels next to the local mean.

Sources: Paris, Hasinoff & Kautz 2011, ACM TOG 30(4); fast form: Aubry et al. 2014, ACM TOG 33(5); Burt & Adelson 1983.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

COARSEST = 6  # pixels: the long edge at which pyramids end, at most twice as much
_TAPS = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


def _down(x: torch.Tensor) -> torch.Tensor:
    """Half the size: binomial blur, every second pixel.  (N, 1, H, W)."""
    taps = _TAPS.to(x)
    x = F.conv2d(F.pad(x, (2, 2, 0, 0), "replicate"), taps.view(1, 1, 1, 5), stride=(1, 2))
    return F.conv2d(F.pad(x, (0, 0, 2, 2), "replicate"), taps.view(1, 1, 5, 1), stride=(2, 1))


def _up(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    h, w = like.shape[-2:]
    # pixel k of the small picture lies on pixel 2k of the large one
    wide = F.interpolate(x, (2 * x.shape[-2] - 1, 2 * x.shape[-1] - 1), mode="bilinear", align_corners=True)
    return F.pad(wide, (0, w - wide.shape[-1], 0, h - wide.shape[-2]), "replicate")


def gaussian_pyramid(x: torch.Tensor) -> list[torch.Tensor]:
    """(N, 1, H, W) and its halves, down to about `COARSEST` pixels."""
    out = [x]
    while max(out[-1].shape[-2:]) > 2 * COARSEST and min(out[-1].shape[-2:]) > 2:
        out.append(_down(out[-1]))
    return out


def local_laplacian(
    light: torch.Tensor, detail: float, edges: float, coarse: float, sigma: float = 1.0, step: float = 1.0
) -> torch.Tensor:
    """Log2 luminance (H, W) with its contrast edited.

    `detail`: exponent on differences below `sigma` stops (below 1 strengthens them); `edges`: slope beyond (below 1
    compresses the range); `coarse`: what is left of the differences between large regions.  Levels lie `step` stops apart.
    """
    guide = gaussian_pyramid(light[None, None])
    low, high = float(light.min()), float(light.max())
    count = max(2, int((high - low) / step) + 2)
    levels = torch.linspace(low, max(high, low + 1e-3), count)
    spacing = float(levels[1] - levels[0])
    bands = [torch.zeros_like(g) for g in guide[:-1]]
    for first in range(0, count, 8):  # a few at a time: memory
        g = levels[first : first + 8].view(-1, 1, 1, 1)
        d = light[None, None] - g
        size = d.abs()
        near = sigma * (size.clamp_max(sigma) / sigma + 1e-6) ** detail
        remapped = g + d.sign() * (near + edges * (size - sigma).clamp_min(0))
        pyramid = gaussian_pyramid(remapped)
        for k, band in enumerate(bands):
            laplacian = pyramid[k] - _up(pyramid[k + 1], pyramid[k])
            hats = (1 - (guide[k] - g).abs() / spacing).clamp_min(0)
            band += (laplacian * hats).sum(0, keepdim=True)
    out = guide[-1]
    middle = out.mean()
    out = middle + (out - middle) * coarse
    for band in reversed(bands):
        out = _up(out, band) + band
    return out[0, 0]


def guided(light: torch.Tensor, small: torch.Tensor, small_light: torch.Tensor) -> torch.Tensor:
    """`small` (h, w), a map made beside `small_light`, at the size of `light` (H, W): its edges follow the light's.

    Source: He & Sun 2015, "Fast guided filter".
    """

    def mean(x: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(F.pad(x[None, None], (2, 2, 2, 2), "replicate"), 5, 1)[0, 0]

    mi, mp = mean(small_light), mean(small)
    slope = (mean(small_light * small) - mi * mp) / (mean(small_light**2) - mi**2 + 0.02)
    both = torch.stack([slope, mp - slope * mi])[None]
    a, b = F.interpolate(both, light.shape, mode="bilinear", align_corners=False)[0]
    out: torch.Tensor = a * light + b
    return out


def surroundings(light: torch.Tensor, spread: float, range_: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation (H, W each) of what lies round each pixel and is not too unlike it.

    Neighbours count by a Gaussian of `spread` (share of the long edge) in place and one of `range_` stops in light, so that
    the surroundings of a roof end at the sky.  Worked out on a small picture for levels of light one stop apart, then read at
    each pixel's own light: a bilateral filter (Tomasi & Manduchi 1998; Durand & Dorsey 2002) with a very wide window.
    """
    h, w = light.shape
    scale = min(1.0, 96 / max(h, w))
    size = (max(2, round(h * scale)), max(2, round(w * scale)))
    small = F.interpolate(light[None, None], size, mode="area")
    sigma = spread * max(size)
    reach = max(1, round(2.5 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)

    def blur(x: torch.Tensor) -> torch.Tensor:
        n = x.shape[0]
        x = F.conv2d(x.view(n, 1, *size), taps.view(1, 1, 1, -1), padding=(0, reach))
        return F.conv2d(x, taps.view(1, 1, -1, 1), padding=(reach, 0))

    low, high = float(light.min()), float(light.max())
    levels = torch.linspace(low, max(high, low + 1e-3), max(2, int(high - low) + 2))
    near = torch.exp(-0.5 * ((small - levels.view(-1, 1, 1, 1)) / range_) ** 2)
    total = blur(near).clamp_min(1e-6)
    mean = blur(near * small) / total
    square = blur(near * small**2) / total
    maps = torch.cat([mean, (square - mean**2).clamp_min(0).sqrt()], 1).permute(1, 0, 2, 3)[None]
    y, x = torch.linspace(-1, 1, h), torch.linspace(-1, 1, w)
    z = (light - low) / max(high - low, 1e-3) * 2 - 1
    where = torch.stack([x.expand(h, w), y[:, None].expand(h, w), z], -1)[None, None]
    out = F.grid_sample(maps, where, padding_mode="border", align_corners=True)[0, :, 0]
    return out[0], out[1]
