"""Vignette: the finished picture's edges darkened or lightened, after the crop."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import torch

from modisp.image import Image, State
from modisp.operators.layers import contain, luma, smooth
from modisp.stage import Parts, Reading, Stage, checkpoint, param

STOPS = 2.5  # at ±1, in the corners
Number = TypeVar("Number", float, torch.Tensor)


def ramp(midpoint: Number, feather: Number) -> tuple[Number, Number]:
    """How far from the middle (the corners are 1) light begins to change, and where it has changed altogether."""
    start = 0.75 * midpoint
    half = 0.02 + 0.5 * feather * (1.0 - 0.5 * start)
    middle = start + (1.0 - start) * 0.5
    return middle - half, middle + half


class VignetteEllipse(
    Stage, slot="vignette", reads=State.DISPLAY, writes=State.DISPLAY, title="Vignette", group="Style"
):
    """Light falls off, or rises, towards the edges of the picture as it is cropped."""

    amount: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Darkens the edges (below 0) or lightens them; at the ends by 2½ stops."
    )
    midpoint: float = param(0.5, 0.0, 1.0, step=0.01, help="How far from the middle it begins.")
    roundness: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Follows the picture's shape at 0, a circle above, a rounded frame below."
    )
    feather: float = param(0.5, 0.0, 1.0, step=0.01, help="How softly it begins.")
    highlights: float = param(0.0, 0.0, 1.0, step=0.01, help="Spares bright places, such as lamps near the edge.")

    def neutral(self) -> VignetteEllipse:
        """No darkening; its shape does not matter then."""
        return replace(self, amount=0.0)

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """The pixels times 2^(stops × mask); the mask is 0 in the middle and 1 in the corners."""
        if not self.amount:
            return image.pixels
        (full_h, full_w), (x, y, w, h) = image.frame.full, image.frame.rect
        device = image.pixels.device
        rows = (y + (torch.arange(image.height, dtype=torch.float64) + 0.5) * h / image.height) * (2 / full_h) - 1
        columns = (x + (torch.arange(image.width, dtype=torch.float64) + 0.5) * w / image.width) * (2 / full_w) - 1
        # a circle through the corners for roundness 1, the picture's own ellipse at 0
        long, round_ = max(full_h, full_w), max(self.roundness, 0.0)
        rows = rows * (1 + round_ * (full_h / long - 1))
        columns = columns * (1 + round_ * (full_w / long - 1))
        power = 2.0 + 6.0 * max(-self.roundness, 0.0)
        u, v = (t.abs().pow(power).float().to(device) for t in (rows, columns))
        tall, wide = ((1 + round_ * (n / long - 1)) ** power for n in (full_h, full_w))
        corner = tall + wide
        begin, end = ramp(self.midpoint, self.feather)
        out = torch.empty_like(image.pixels, memory_format=torch.contiguous_format)
        block = max(1, 131072 // image.width)
        for top in range(0, image.height, block):
            checkpoint()
            far = (u[top : top + block, None] + v).div_(corner)
            far = far.sqrt_() if power == 2.0 else far.log_().mul_(1.0 / power).exp_()
            mask = smooth(far, begin, end)
            part = image.pixels[:, top : top + block]
            if self.highlights and self.amount < 0:
                mask.mul_(smooth(luma(part), 0.25, 0.9).mul_(-self.highlights).add_(1.0))
            contain(torch.mul(part, mask.mul_(STOPS * self.amount).exp2_(), out=out[:, top : top + block]))
        return out
