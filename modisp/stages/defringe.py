"""Defringe: purple and green rims along hard edges, left by lenses, lose their colour."""

from __future__ import annotations

from dataclasses import replace

import torch

from modisp.image import Image, State
from modisp.operators.layers import contain, extremes, luma, smooth
from modisp.parameter import OWN
from modisp.stage import Parts, Reading, Stage, param

_LOW, _HIGH = 0.12, 0.4  # range of √luminance nearby: from where on an edge is hard enough to fringe
_MOST = 6  # image pixels


class Defringe(
    Stage, slot="defringe", reads=State.DISPLAY, writes=State.DISPLAY, title="Defringe", group="Lens & crop"
):
    """Takes purple and green out of pixels that lie within a small radius of a hard edge; brightness stays."""

    purple: float = param(0.0, 0.0, 1.0, step=0.01, help="How much of purple and blue rims is taken away.", mask=OWN)
    green: float = param(0.0, 0.0, 1.0, step=0.01, help="How much of green rims is taken away.", mask=OWN)
    radius: float = param(3.0, 1.0, 6.0, step=0.5, unit="px", help="How far from an edge rims may lie.")

    def neutral(self) -> Defringe:
        """No rims taken away; how wide they are does not matter then."""
        return replace(self, purple=0.0, green=0.0)

    def halo(self, scale: float) -> int:
        """The radius at this scale."""
        return _pixels(self.radius * scale)

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """Colour led towards the grey of its luminance where hue and place say so."""
        if not (self.purple or self.green):
            return image.pixels
        rgb = image.pixels
        light = luma(rgb)
        low, high = extremes(light.clamp_min(0.0).sqrt_(), _pixels(self.radius * image.frame.scale))
        near = smooth(high.sub_(low), _LOW, _HIGH)
        r, g, b = rgb.clamp_min(0.0).sqrt_()
        take = torch.zeros_like(near)
        if self.purple:  # blue to magenta: both red and blue above green, blue not far below red
            excess = torch.minimum(torch.lerp(r, b, 0.7).sub_(g), b - r * 0.75)
            take.add_(smooth(excess, 0.0, 0.08), alpha=self.purple)
        if self.green:
            excess = torch.sub(g, torch.maximum(r, b))
            take.add_(smooth(excess, 0.0, 0.06), alpha=self.green)
        take.mul_(near).clamp_max_(1.0)
        return contain(torch.lerp(rgb, light.expand_as(rgb), take))


def _pixels(radius: float) -> int:
    return max(1, min(_MOST, round(radius)))
