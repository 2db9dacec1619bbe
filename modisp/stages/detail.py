"""Detail: sharpening with a radius, a mask for flat areas, and a limit to halos."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from modisp.image import Image, State
from modisp.operators.layers import contain, extremes, gauss, gauss_reach, luma, smooth
from modisp.stage import Parts, Reading, Stage, param

_FLOOR = 0.02
_LEAST = 0.03  # of its contrast by which a line of one pixel must change to be seen


class Detail(
    Stage, slot="detail", reads=State.DISPLAY, writes=State.DISPLAY, version=2, title="Sharpening", group="Detail"
):
    """Unsharp masking of √luminance; colour keeps its hue and saturation.  Judge it at 1:1.

    RAW files begin with some of it (see `order.toml`), finished pictures with none.
    """

    amount: float = param(0.0, 0.0, 2.0, step=0.01, help="How much contrast of fine edges is raised.")
    radius: float = param(
        0.8, 0.3, 3.0, step=0.1, unit="px", help="How wide the edges are that are sharpened; small for sharp lenses."
    )
    masking: float = param(
        0.2, 0.0, 1.0, step=0.01, help="Keeps even areas such as skies and skin from being sharpened with their noise."
    )
    halo_limit: float = param(
        0.6, 0.0, 1.0, step=0.01, help="How little edges may overshoot: 1 leaves no bright or dark rims at all."
    )

    def neutral(self) -> Detail:
        """No sharpening; its radius does not matter then."""
        return replace(self, amount=0.0)

    def halo(self, scale: float) -> int:
        """What the blur reads, and the pixel beside it."""
        sigma = self.radius * min(scale, 1.0)
        return max(gauss_reach(sigma), _near(sigma)) if self._seen(sigma) else 0

    def _seen(self, sigma: float) -> bool:
        """Whether sharpening by a blur of so many pixels of the image can be seen; in small pictures it mostly cannot."""
        return 6.0 * self.amount * math.exp(-0.5 / max(sigma, 1e-3) ** 2) > _LEAST

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """One factor on the pixels: sharpened luminance over luminance."""
        sigma = self.radius * min(image.frame.scale, 1.0)
        if not self._seen(sigma):
            return image.pixels
        light = luma(image.pixels).clamp_min_(0.0).sqrt_()
        detail = torch.sub(light, gauss(light, sigma)).mul_(1.5 * self.amount)
        low, high = extremes(light, _near(sigma))
        if self.masking:
            detail.mul_(smooth(high - low, 0.03 * self.masking, 0.03 * self.masking + 0.15 * self.masking))
        new = detail.add_(light)
        room = 0.3 * (1.0 - self.halo_limit) ** 2 + 1e-4
        for bound, sign in ((high, 1.0), (low, -1.0)):
            over = torch.sub(new, bound).mul_(sign).clamp_min_(0.0)
            # what lies beyond is pressed into `room`: over → room·over/(room + over)
            new.sub_(over.square().div_(over.add_(room)), alpha=sign)
        gain = new.clamp_(0.0, 1.1).div_(light.clamp_min_(_FLOOR)).square_()
        return contain(image.pixels * gain)


def _near(sigma: float) -> int:
    return max(1, round(sigma))
