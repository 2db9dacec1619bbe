"""Learned restoration of a mosaic: one body, two heads.

*clean*: noise gone, blur kept. *sharp*: noise and blur gone. Works on variance-stabilised samples,
so one set of weights serves every ISO; told the noise and the blur. With no noise *clean* is the
input exactly, and with no blur *sharp* is *clean* exactly.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import around
from .compand import floor, stabilise, stable_sigma, unstabilise
from .interpolate import own_mean
from .mosaic import ALL, PATTERNS, RIM, Sides, fit, masks, unfit
from .shuffle import planar, shuffle, unshuffle
from .trunk import Trunk
from .turns import averaged

FACTORS = {"bayer": 2, "xtrans": 3}
"""Pixel-unshuffle before the trunk. Quad-Bayer goes through `restore` as four Bayer mosaics."""


TOLD, WIDEST = 1.2, 2.0
"""How many times as wide a blur is told to a network as it is, and the widest that is told.

Trained on blur of many shapes whose width is known only roughly, networks err on the soft side, for all shapes, widths and noise
by about as much.
"""


class Restore(nn.Module):
    """One filter array (``bayer`` or ``xtrans``, phase of `PATTERNS`), one size.

    ``turns`` (1 … 4): when not training, the mean over so many turns of the mosaic.
    """

    def __init__(
        self, width: int, blocks: int, inner_width: int, inner_blocks: int, turns: int = 1, cfa: str = "bayer"
    ) -> None:
        super().__init__()
        self.cfa = cfa
        self.turns = turns
        self.factor = FACTORS[cfa]
        self.period = PATTERNS[cfa].shape[0]
        planes = self.factor**2
        # Planes, of every colour by itself where the pattern repeats slower than the unshuffle; what each has of detail in
        # units of the noise; noise level and blur radius.
        self.split = self.period != self.factor
        self.trunk = Trunk((4 if self.split else 2) * planes + 2, 2 * planes, width, blocks, inner_width, inner_blocks)

    @property
    def multiple(self) -> int:
        """Sides of what `forward` takes, and tile origins, must be multiples of this."""
        return math.lcm(self.factor * (2 if self.trunk.inner_blocks else 1), self.period)

    @property
    def halo(self) -> int:
        """Pixels beyond a tile that its result depends on: a multiple of `multiple`."""
        reach = self.factor * (self.trunk.reach + (2 if self.split else 1)) + (self.period if self.turns > 1 else 0)
        return -(-reach // self.multiple) * self.multiple

    def macs(self) -> float:
        """Multiply-accumulates per mosaic pixel."""
        return self.turns * self.trunk.macs() / self.factor**2

    def forward(self, u: Tensor, sigma: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
        """Stabilised mosaic (B, 1, H, W), its noise sigma and the blur radius (B, 1, 1, 1) → clean, sharp.

        ``radius``: standard deviation of the PSF per axis, pixels (0 … 2).
        """

        def look(x: Tensor) -> Tensor:
            return self._look(x, sigma, radius)

        both = look(u) if self.training else averaged(look, u, self.cfa, self.turns)
        clean, sharp = both.chunk(2, dim=1)
        return clean, sharp

    def _look(self, u: Tensor, sigma: Tensor, radius: Tensor) -> Tensor:
        """→ (B, 2, H, W): clean and sharp."""
        if self.factor == 2 and len(u) == 1 and around.here(u):
            level, blur = float(sigma), float(radius)
            cells, seen = around.restore_input(u, level, blur)
            return around.restore_output(cells, self.trunk(seen), level, blur)
        planes = unshuffle(u, self.factor)
        if self.split:
            colours = masks(self.cfa, u.shape[-2], u.shape[-1], u.device)
            seen, detail = unshuffle(u * colours, self.factor), unshuffle(u - own_mean(u, colours), self.factor)
        else:
            seen, detail = planes, planes - _mean3(planes)
        detail = detail / (sigma + 1e-3)
        detail = detail / (1 + 0.25 * detail.abs())
        one = torch.ones_like(planes[:, :1])
        # Noise on a logarithmic scale, so that ISO steps are equal steps.
        noise = (sigma + 1e-3).log().add(4.0) * 0.5
        seen = torch.cat([seen, detail, noise * one, radius * one], dim=1)
        out = planar(self.trunk(seen.contiguous(memory_format=torch.channels_last)))
        clean = torch.addcmul(planes, sigma, out[:, : planes.shape[1]], value=4)
        sharp = torch.addcmul(clean, radius, out[:, planes.shape[1] :])
        return shuffle(torch.cat([clean, sharp], dim=1), self.factor)


def _mean3(x: Tensor) -> Tensor:
    """Mean over 3x3, edges repeated; written out because pooling few channels is slow."""
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    x = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]
    return (x[..., :-2] + x[..., 1:-1] + x[..., 2:]) * (1 / 9)


def restore(
    net: Restore,
    mosaic: Tensor,
    shot: float,
    read: float,
    radius: float,
    cfa: str = "bayer",
    dy: int = 0,
    dx: int = 0,
    edges: Sides = ALL,
) -> tuple[Tensor, Tensor]:
    """(1, H, W) linear mosaic, 1.0 = saturation → (clean, sharp), each (1, H, W).

    Noise variance at signal x is ``shot * x + read`` (DNG NoiseProfile on the same scale);
    ``radius``: blur, standard deviation of the PSF per axis in pixels, 0 … 2.
    ``cfa`` (the network's, or ``quad`` for a Bayer one), ``dy, dx`` as from `mosaic.find_phase`.
    ``edges``: which sides are the picture's. Any H, W >= 1.

    Every second row and column of a Quad-Bayer mosaic is a Bayer mosaic: the four are restored side
    by side, hence with half the radius, twice the multiple and twice the halo.
    """
    if cfa != net.cfa and (cfa, net.cfa) != ("quad", "bayer"):
        raise ValueError(f"these weights restore {net.cfa} mosaics, not {cfa}")
    height, width = mosaic.shape[-2:]
    step = 2 if cfa == "quad" else 1
    multiple = net.multiple * step
    rim = -(-RIM * step // multiple) * multiple
    x = fit(mosaic, net.period * step, multiple, dy, dx, rim, edges)
    x = unshuffle(x[None], step).transpose(0, 1) if step > 1 else x[None]
    a, b, r = (mosaic.new_full((1, 1, 1, 1), v) for v in (shot, read, min(WIDEST, TOLD * radius / step)))
    if around.here(x):
        base = floor(shot, read)
        both = net(around.stabilised(x, shot, base), stable_sigma(a, b), r)
        pair = [around.unstabilised(u, shot, base) for u in both]
    else:
        pair = [unstabilise(u, a, b) for u in net(stabilise(x, a, b), stable_sigma(a, b), r)]
    if step > 1:
        pair = [shuffle(u.transpose(0, 1), step) for u in pair]
    clean, sharp = (unfit(u[0], height, width, dy, dx, rim, edges) for u in pair)
    return clean, sharp
