"""Grain: the fine unevenness of film, fixed to the picture and as coarse in a print as on the screen."""

from __future__ import annotations

from dataclasses import replace

import torch

from modisp.image import Image, State
from modisp.operators.layers import contain, luma
from modisp.operators.speckle import speckle
from modisp.stage import Parts, Reading, Stage, checkpoint, param

STRENGTH = 0.08  # standard deviation in √luminance at amount 1, seen from so near that no grain is averaged
_FLOOR = 0.03


class Grain(Stage, slot="grain", reads=State.DISPLAY, writes=State.DISPLAY, title="Grain", group="Style"):
    """Brightness varies by a pattern that belongs to places of the picture; a smaller picture shows its average."""

    amount: float = param(0.0, 0.0, 1.0, step=0.01, help="How strong the grain is.")
    size: float = param(
        0.4,
        0.2,
        1.5,
        step=0.05,
        unit="‰",
        help="How coarse it is, in parts of the long edge: 0.4 ‰ are 2½ pixels of 24-megapixel pictures.",
    )
    roughness: float = param(0.5, 0.0, 1.0, step=0.01, help="Even grains, or clumps among them.")

    def neutral(self) -> Grain:
        """No grain; its size does not matter then."""
        return replace(self, amount=0.0)

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """√luminance plus the pattern, most of it in the middle tones; hue and saturation stay."""
        if not self.amount:
            return image.pixels
        out = torch.empty_like(image.pixels, memory_format=torch.contiguous_format)
        rows = max(1, 131072 // image.width)
        grain = self.size / 1000.0 * max(image.frame.full)
        for top in range(0, image.height, rows):
            checkpoint()
            n = min(rows, image.height - top)
            frame = image.frame.cut(top, 0, n, image.width)
            part = image.pixels[:, top : top + n]
            light = luma(part).clamp_(0.0, 1.0).sqrt_()
            # film shows least of it in its clear and in its densest parts
            room = torch.addcmul(light, light, light, value=-1.0).mul_(2.0 * STRENGTH * self.amount)
            noise = speckle(frame, grain, self.roughness).to(part.device)
            new = torch.addcmul(light, room, noise).clamp_(0.0, 1.0)
            gain = new.div_(light.clamp_min_(_FLOOR)).square_()
            contain(torch.mul(part, gain, out=out[:, top : top + n]))
        return out
