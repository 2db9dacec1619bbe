"""Learned restoration of a Bayer mosaic: one body, two heads.

*clean*: noise gone, blur kept. *sharp*: noise and blur gone. Works on variance-stabilised samples,
so one set of weights serves every ISO; told the noise and the blur. With no noise *clean* is the
input exactly, and with no blur *sharp* is *clean* exactly.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .compand import stabilise, stable_sigma, unstabilise
from .mosaic import RIM, fit, unfit
from .trunk import Trunk
from .turns import averaged

POOL = 16
"""Side, in mosaic pixels, of the cells over which `keep_mean` compares means."""


class Restore(nn.Module):
    """RGGB mosaics (other Bayer phases through `restore`).

    ``turns`` (1 … 4): when not training, the mean over so many turns of the mosaic.
    """

    period = 2
    factor = 2

    def __init__(self, width: int, blocks: int, inner_width: int, inner_blocks: int, turns: int = 1) -> None:
        super().__init__()
        self.turns = turns
        # 4 planes, 4 planes of detail in units of the noise, noise level, blur radius.
        self.trunk = Trunk(10, 8, width, blocks, inner_width, inner_blocks)

    @property
    def multiple(self) -> int:
        """Sides of what `restore` works on, and tile origins, must be multiples of this."""
        return POOL

    @property
    def halo(self) -> int:
        """Pixels beyond a tile that its result depends on (`keep_mean` looks two cells further)."""
        reach = self.factor * (self.trunk.reach + 1) + 3 * POOL + (2 if self.turns > 1 else 0)
        return -(-reach // POOL) * POOL

    def macs(self) -> float:
        """Multiply-accumulates per mosaic pixel."""
        return self.turns * self.trunk.macs() / self.factor**2

    def forward(self, u: Tensor, sigma: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
        """Stabilised mosaic (B, 1, H, W), its noise sigma and the blur radius (B, 1, 1, 1) → clean, sharp.

        ``radius``: standard deviation of the PSF per axis, pixels (0 … 2).
        """

        def look(x: Tensor) -> Tensor:
            return self._look(x, sigma, radius)

        both = look(u) if self.training else averaged(look, u, "bayer", self.turns)
        clean, sharp = both.chunk(2, dim=1)
        return clean, sharp

    def _look(self, u: Tensor, sigma: Tensor, radius: Tensor) -> Tensor:
        """→ (B, 2, H, W): clean and sharp."""
        planes = F.pixel_unshuffle(u, 2)
        detail = (planes - _mean3(planes)) / (sigma + 1e-3)
        detail = detail / (1 + 0.25 * detail.abs())
        one = torch.ones_like(planes[:, :1])
        # Noise on a logarithmic scale, so that ISO steps are equal steps.
        noise = (sigma + 1e-3).log().add(4.0) * 0.5 * one
        seen = torch.cat([planes, detail, noise, radius * one], dim=1)
        out = self.trunk(seen.contiguous(memory_format=torch.channels_last))
        clean = planes + 4 * sigma * out[:, :4]
        sharp = clean + radius * out[:, 4:]
        return F.pixel_shuffle(torch.cat([clean, sharp], dim=1), 2)


def keep_mean(out: Tensor, x: Tensor, shot: Tensor, read: Tensor) -> Tensor:
    """Give ``out`` (B, 1, H, W) the local mean of ``x``, so that restoring never brightens shadows.

    Means are over about 48x48 pixels of one colour, smoothly. What is missing is shared out by each
    pixel's noise variance: a bright neighbour's error does not land in the dark beside it.
    H, W multiples of `POOL`.
    """
    spread = shot * out.clamp_min(0) + read + 1e-9
    planes = torch.cat([F.pixel_unshuffle(x - out, 2), F.pixel_unshuffle(spread, 2)], dim=1)
    count, channels, height, width = planes.shape
    side = POOL // 2
    cells = planes.reshape(count, channels, height // side, side, width // side, side).mean(dim=(3, 5))
    cells = _mean3(cells)
    missing, share = cells.chunk(2, dim=1)
    ratio = F.interpolate(missing / share, scale_factor=POOL // 2, mode="bilinear")
    return out + spread * F.pixel_shuffle(ratio, 2)


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
) -> tuple[Tensor, Tensor]:
    """(1, H, W) linear mosaic, 1.0 = saturation → (clean, sharp), each (1, H, W).

    Noise variance at signal x is ``shot * x + read`` (DNG NoiseProfile on the same scale);
    ``radius``: blur, standard deviation of the PSF per axis in pixels, 0 … 2.
    ``cfa`` (``bayer`` or ``quad``), ``dy, dx`` as from `mosaic.find_phase`. Any H, W >= 1.

    Every second row and column of a Quad-Bayer mosaic is a Bayer mosaic: the four are restored side
    by side, hence with half the radius, twice the multiple and twice the halo.
    """
    if cfa not in ("bayer", "quad"):
        raise ValueError(f"restore knows Bayer and Quad-Bayer mosaics, not {cfa}")
    height, width = mosaic.shape[-2:]
    step = 2 if cfa == "quad" else 1
    rim = -(-RIM // net.multiple) * net.multiple * step
    x = fit(mosaic, 2 * step, net.multiple * step, dy, dx, rim)
    x = F.pixel_unshuffle(x[None], step).transpose(0, 1)
    a, b, r = (mosaic.new_full((1, 1, 1, 1), v) for v in (shot, read, radius / step))
    pair = net(stabilise(x, a, b), stable_sigma(a, b), r)
    kept = (keep_mean(unstabilise(u, a, b), x, a, b) for u in pair)
    clean, sharp = (F.pixel_shuffle(u.transpose(0, 1), step)[0] for u in kept)
    return unfit(clean, height, width, dy, dx, rim), unfit(sharp, height, width, dy, dx, rim)
