"""Learned demosaicing: a closed-form interpolation plus a residual that a small network predicts.

The residual is multiplied by a gate that is zero where the samples do not vary, so flat areas come
out exact whatever the network says; everything runs on companded values.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import around
from .compand import BENT, compand, expand, slope
from .interpolate import interpolate, malvar_planes
from .mosaic import ALL, PATTERNS, RIM, Sides, fit, masks, tiled, unfit
from .shuffle import shuffle, unshuffle
from .trunk import Trunk
from .turns import averaged

GATE = 5e-4
"""Local contrast (companded) at which the gate is half open: an eighth of an 8-bit step."""

NOISE, MOST = 40.0, 0.02
"""Brings the noise that is told to the network to the size of its other inputs; the most that it was trained to be told."""

TONE = 0.1
"""Signal at which the noise told by its variances is looked up."""

SOFT = 8.0
"""The knee is this many times the shot noise at least: what a root makes of noise in the dark is too dark on the mean."""

FACTORS = {"bayer": 2, "xtrans": 3, "quad": 4}
"""Pixel-unshuffle before the trunk; X-Trans is a chequerboard of two 3x3 cells."""


class Demosaic(nn.Module):
    """One filter array, one size. ``cfa``: ``bayer``, ``xtrans`` or ``quad``, phase of `PATTERNS`.

    ``turns`` (1 … 4): when not training, the mean over so many turns of the mosaic.
    """

    def __init__(
        self, cfa: str, width: int, blocks: int, inner_width: int = 0, inner_blocks: int = 0, turns: int = 1
    ) -> None:
        super().__init__()
        self.cfa = cfa
        self.turns = turns
        self.factor = FACTORS[cfa]
        self.period = PATTERNS[cfa].shape[0]
        planes = self.factor**2
        # Where the pattern repeats slower than the unshuffle (X-Trans), every colour has its planes.
        self.split = self.period != self.factor
        seen = 3 * planes if self.split else planes
        self.trunk = Trunk(seen + 1, 3 * planes, width, blocks, inner_width, inner_blocks)

    @property
    def multiple(self) -> int:
        """Sides of what `forward` takes, and tile origins, must be multiples of this."""
        return math.lcm(self.factor * (2 if self.trunk.inner_blocks else 1), self.period)

    @property
    def halo(self) -> int:
        """Pixels beyond a tile that its result depends on: a multiple of `multiple`."""
        reach = max(self.factor * (self.trunk.reach + 1), 2 * self.period, 8)
        reach += self.period if self.turns > 1 else 0
        return -(-reach // self.multiple) * self.multiple

    def macs(self) -> float:
        """Multiply-accumulates per mosaic pixel."""
        return self.turns * self.trunk.macs() / self.factor**2

    def forward(self, u: Tensor, noise: Tensor | None = None) -> Tensor:
        """(B, 1, H, W) companded mosaic → (B, 3, H, W) companded camera RGB.

        ``noise``: (B, 1, 1, 1), standard deviation of the companded noise; None: there is none.
        """
        told = u.new_zeros(len(u), 1, 1, 1) if noise is None else noise

        def look(x: Tensor) -> Tensor:
            return self._look(x, told)

        return look(u) if self.training else averaged(look, u, self.cfa, self.turns)

    def _look(self, u: Tensor, noise: Tensor) -> Tensor:
        if self.cfa == "bayer" and len(u) == 1 and around.here(u):
            cells, seen, opened = around.demosaic_input(u, NOISE * float(noise), GATE)
            return around.demosaic_output(cells, self.trunk(seen), opened)
        planes = unshuffle(u, self.period)
        contrast = self._contrast(planes)
        if self.split:
            seen = unshuffle(u * masks(self.cfa, u.shape[-2], u.shape[-1], u.device), self.factor)
        else:
            seen = planes
        seen = torch.cat([seen, (NOISE * noise).expand_as(seen[:, :1])], dim=1)
        residual = self.trunk(seen.contiguous(memory_format=torch.channels_last))
        gate = contrast.div_(contrast + GATE)
        if self.cfa == "bayer":
            return shuffle(malvar_planes(planes) + residual * gate, 2)
        return interpolate(u, self.cfa) + shuffle(residual * gate, self.factor)

    def _contrast(self, planes: Tensor) -> Tensor:
        """(B, 1, h, w) on the trunk's grid: max − min of one colour's samples nearby; 0 where flat.

        Over all samples of a colour, not plane by plane: stripes as fine as the filter array are
        constant in every plane, yet not flat.
        """
        pattern = PATTERNS[self.cfa].flatten().to(planes.device)
        same = [planes[:, pattern == colour] for colour in range(3)]
        high = torch.stack([s.amax(dim=1) for s in same], dim=1)
        low = torch.stack([s.amin(dim=1) for s in same], dim=1)
        # Shifted maxima by rows, then columns: a pooling of few channels is ten times slower.
        ends = F.pad(torch.cat([high, -low], dim=1), (1, 1, 1, 1), value=-math.inf)
        ends = torch.maximum(torch.maximum(ends[..., :-2, :], ends[..., 1:-1, :]), ends[..., 2:, :])
        ends = torch.maximum(torch.maximum(ends[..., :-2], ends[..., 1:-1]), ends[..., 2:])
        contrast = (ends[:, :3] + ends[:, 3:]).amax(dim=1, keepdim=True)
        again = self.period // self.factor
        return F.interpolate(contrast, scale_factor=again) if again > 1 else contrast


def demosaic(
    net: Demosaic,
    mosaic: Tensor,
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0),
    noise: tuple[float, float] = (0.0, 0.0),
    knee: float = BENT,
    dy: int = 0,
    dx: int = 0,
    edges: Sides = ALL,
) -> Tensor:
    """(1, H, W) linear mosaic, 1.0 = saturation → (3, H, W) linear camera RGB, same scale.

    ``gains``: what makes a neutral grey (as-shot white balance, smallest 1). Colours are correlated
    when balanced, so the network sees them so; they are divided out again.
    ``noise``: (shot, read) of what noise is left: variance at signal x is ``shot * x + read``.
    ``knee``: that of the companding at least, from `compand.knee_of`; the same for all parts of a picture.
    ``dy, dx`` as from `mosaic.find_phase`. ``edges``: which sides are the picture's.
    Any H, W >= 1; values may lie below 0 and above 1.
    """
    height, width = mosaic.shape[-2:]
    gain = mosaic.new_tensor(gains).view(3, 1, 1)
    rim = -(-RIM // net.multiple) * net.multiple
    x = fit(mosaic, net.period, net.multiple, dy, dx, rim, edges)
    each = gain.flatten()[PATTERNS[net.cfa].to(x.device)]
    # Companding evens the noise only roughly: what counts is a dark middle tone.  Balance multiplies samples and their noise.
    shot, read = noise
    knee = max(knee, SOFT * shot)
    variance = (each * shot * TONE + each.square() * read).mean()
    told = (slope(mosaic.new_tensor(TONE), knee) * variance.sqrt()).clamp_max(MOST)
    quick = around.here(x)
    u = around.compand_(x, each, knee) if quick else compand(x.mul_(tiled(each, x.shape[-2], x.shape[-1])), knee)
    rgb = unfit(net(u[None], told.view(1, 1, 1, 1))[0], height, width, dy, dx, rim, edges)
    return around.expanded(rgb, gain, knee) if quick else expand(rgb, knee) / gain
