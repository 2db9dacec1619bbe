"""Highlight reconstruction: a clipped channel is rebuilt from those that are not, and what is clipped in all is white.

Divided by the as-shot white, light sources, skies and skin in the highlights have nearly equal channels, yet channels
saturate at different levels: left alone, the one that stops first (green, mostly) leaves magenta behind.  A saturated
channel tells no more than that it is at least so bright; it may be anything up to the brightest channel that is known.
So it is raised to the mean of the other two, where each of these, if it is saturated itself, counts as the brightest of
the three.  Neutral light is rebuilt exactly as long as one channel still answers, coloured light runs into white, and
every step is continuous and never falls as the light grows.

Works at full size (in the RAW zone): in a reduced picture saturated pixels are averaged with others and cannot be told.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from modisp.image import RGB, Image, Metadata, State
from modisp.operators.cfa import balance
from modisp.stage import Parts, Reading, Stage, param

BAND = 32
FULL = 0.99  # of the clip level, from which a channel counts as saturated altogether: sensors are noisy there too


class Highlights(
    Stage,
    slot="highlights",
    reads=State.CAMERA,
    writes=State.CAMERA,
    title="Highlight reconstruction",
    group="Raw",
    raw_zone=True,
):
    """Gives blown-out lights and skies their brightness back, without magenta, and lets them run softly into white."""

    strength: float = param(
        1.0,
        0,
        1,
        step=0.01,
        unit="%",
        help="How far clipped colours are rebuilt; 0 leaves them as the sensor gave them.",
    )
    threshold: float = param(
        0.9,
        0.5,
        0.98,
        step=0.01,
        unit="%",
        advanced=True,
        help="Where rebuilding sets in, as a part of the level at which the sensor clips; lower is softer.",
    )

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """(3, H, W) camera RGB → the same, with values above the clip level where they were rebuilt."""
        if not self.strength:
            return image.pixels
        clip, white = image.meta.clip, balance(image.meta)
        start = torch.tensor(clip, device=image.pixels.device) * self.threshold
        out = image.pixels
        for top in range(0, image.height, BAND):  # most of a picture is not clipped and is left as it is
            x = image.pixels[:, top : top + BAND]
            if bool((x.amax((1, 2)) > start).any()):
                out = out.clone() if out is image.pixels else out
                self._rebuild(x, clip, white, out[:, top : top + BAND])
        return out

    def _rebuild(self, x: torch.Tensor, clip: RGB, white: RGB, out: torch.Tensor) -> None:
        known = [torch.clamp(x[c], max=clip[c]).div_(white[c]) for c in range(3)]
        most = torch.maximum(torch.maximum(known[0], known[1]), known[2])
        gone = [self._saturated(x[c], clip[c]) for c in range(3)]
        guess = [torch.sub(most, known[c]).mul_(gone[c]).add_(known[c]) for c in range(3)]
        for c in range(3):
            rise = guess[c - 1].add(guess[c - 2]).mul_(0.5).sub_(known[c]).clamp_(min=0).mul_(gone[c]).mul_(white[c])
            # what stands above the clip level is overshoot of the interpolation
            rise.sub_((x[c] - clip[c]).clamp_(min=0))
            torch.add(x[c], rise.mul_(self.strength), out=out[c])

    def _saturated(self, x: torch.Tensor, clip: float) -> torch.Tensor:
        t = torch.clamp((x / clip).sub_(self.threshold).div_(FULL - self.threshold), 0, 1)
        return t * t * (3 - 2 * t)

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """All channels now end together, at the level of the one that saturates last."""
        white = balance(meta)
        top = max(k / w for k, w in zip(meta.clip, white, strict=True))
        if math.isinf(top):
            return meta
        r, g, b = (k + self.strength * (top * w - k) for k, w in zip(meta.clip, white, strict=True))
        return replace(meta, clip=(r, g, b))

    def neutral(self) -> Highlights:
        """Nothing is rebuilt."""
        return replace(self, strength=0.0)
