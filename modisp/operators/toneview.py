"""What a tone network is shown of a picture, and how its raw numbers become a finish (`modisp.operators.tonemap`).

Light is counted from the picture's own middle, so that the same scene at any exposure is the same to the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from modisp.color import spaces
from modisp.operators import tonemap
from modisp.operators.tonemap import ToneParams

SIDE = 128
"""Edge of the square view of the whole picture, whatever its shape."""
MIDDLE = -0.1
"""EV from middle grey at which a picture's middle is put before the network says more."""
RANGE = 12.0  # EV round the middle; what lies beyond is taken as there
BINS, LOWEST, BIN = 48, -10.0, 0.375  # of the histogram of light, in EV


@dataclass
class Seen:
    """What a network is told of a batch of pictures; `middle` (B,) is the EV that was taken off, `light` the rest."""

    view: torch.Tensor  # (B, 3, 128, 128)
    cells: torch.Tensor  # (B, 8, 16, 16)
    histogram: torch.Tensor  # (B, 48)
    statistics: torch.Tensor  # (B, 6)
    middle: torch.Tensor
    light: torch.Tensor  # (B, 128, 128)

    def inputs(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """The arguments of the network."""
        return self.view, self.cells, self.histogram, self.statistics


def centre() -> torch.Tensor:
    """How much each pixel of a view counts, (128, 128)."""
    at = torch.linspace(-1, 1, SIDE) ** 2
    return 1 - 0.35 * (at[:, None] + at)


def see(square: torch.Tensor) -> Seen:
    """From SCENE views (B, 3, 128, 128), linear Rec.2020 at any exposure, of whole pictures squeezed to a square."""
    b = square.shape[0]
    rgb = square.clamp_min(0).reshape(b, 3, -1)
    luminance = (rgb * rgb.new_tensor(spaces.LUMA).view(1, 3, 1)).sum(1)
    light = tonemap.stops(luminance)
    weight = centre().to(light).flatten()
    ordered, order = light.sort(1)
    shares = weight[order].cumsum(1) / weight.sum()

    def quantile(p: float) -> torch.Tensor:
        i = torch.searchsorted(shares, torch.full((b, 1), p, dtype=shares.dtype)).clamp_max(shares.shape[1] - 1)
        return ordered.gather(1, i)[:, 0]

    low, high = quantile(0.05), quantile(0.95)
    inner = light.maximum(low[:, None]).minimum(high[:, None])
    middle = (inner * weight).sum(1) / weight.sum()
    light = (light - middle[:, None]).clamp(-RANGE, RANGE)
    lab = tonemap.lab(rgb / luminance.clamp_min(2.0**-24)[:, None])
    chroma = (lab[:, 1:] / lab[:, :1].clamp_min(0.1)).clamp(-1, 1)
    at = ((light - LOWEST) / BIN).clamp(0, BINS - 1.001)
    below, part = at.long(), at - at.long()
    share = (weight / weight.sum()).expand_as(at)
    histogram = torch.zeros(b, BINS, dtype=light.dtype, device=light.device)
    histogram.scatter_add_(1, below, share * (1 - part)).scatter_add_(1, below + 1, share * part)
    ends = [quantile(p) - middle for p in (0.02, 0.25, 0.75, 0.98, 0.997)]
    saturation = chroma.square().sum(1).add(1e-8).sqrt().mean(1)
    statistics = torch.stack([*(e / 4 for e in ends), 4 * saturation], 1)
    view = torch.cat([light[:, None] / 3, 4 * chroma], 1).view(b, 3, SIDE, SIDE)
    light = light.view(b, SIDE, SIDE)
    cells = tonemap.occupancy(light + MIDDLE)
    return Seen(view, cells / (SIDE // tonemap.ROWS) ** 2, histogram, statistics, middle, light)


def params_of(raw: Mapping[str, torch.Tensor], seen: Seen) -> ToneParams:
    """The finish that raw numbers of a network mean: all zero, they are a plain one for this picture.

    `raw`: gain (B,), curve (B, 25), grid (B, 8, 16, 16), chroma (B, 864); differentiable.
    """
    plain = ToneParams.plain(len(seen.middle)).to(seen.middle.device)
    rise = (plain.curve[:, 1:] - plain.curve[:, :-1]).clamp_min(4e-3)
    steps = torch.log(torch.expm1(rise))
    curve = tonemap.rising(plain.curve[:, 0] + 0.1 * raw["curve"][:, 0], steps + raw["curve"][:, 1:])
    gain = MIDDLE - seen.middle + raw["gain"]
    share = tonemap.occupancy(seen.light + (MIDDLE + raw["gain"].detach())[:, None, None])
    grid = tonemap.centred(raw["grid"], share)
    chroma = raw["chroma"].view(-1, *tonemap.SHAPES["chroma"])
    return ToneParams(gain, curve, grid, chroma, plain.tint)
