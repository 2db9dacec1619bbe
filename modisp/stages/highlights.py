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
from typing import Any

import torch

from modisp.image import Image, Metadata, State
from modisp.native import F, kernel, less, more, planes, unit
from modisp.operators.cfa import balance
from modisp.stage import Parts, Reading, Stage, param

FULL = 0.99  # of the clip level, from which a channel counts as saturated altogether: sensors are noisy there too
_FULL, _NONE, _HALF, _THREE = F(FULL), F(0), F(0.5), F(3)


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
        out = torch.empty(image.pixels.shape)
        clip, white = (tuple(F(v) for v in row) for row in (image.meta.clip, balance(image.meta)))
        _rebuild(*planes(image.pixels), *planes(out), clip, white, F(self.threshold), F(self.strength))
        return out.to(image.pixels.device)

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


@kernel
def _rebuild(
    r: Any, g: Any, b: Any, red: Any, green: Any, blue: Any, clip: Any, white: Any, threshold: Any, strength: Any
) -> None:
    for i in range(r.size):
        known_r, known_g, known_b = (
            less(r[i], clip[0]) / white[0],
            less(g[i], clip[1]) / white[1],
            less(b[i], clip[2]) / white[2],
        )
        most = more(more(known_r, known_g), known_b)
        gone_r = _saturated(r[i], clip[0], threshold)
        gone_g = _saturated(g[i], clip[1], threshold)
        gone_b = _saturated(b[i], clip[2], threshold)
        guess_r = known_r + (most - known_r) * gone_r
        guess_g = known_g + (most - known_g) * gone_g
        guess_b = known_b + (most - known_b) * gone_b
        rise_r = more((guess_g + guess_b) * _HALF - known_r, _NONE) * gone_r * white[0]
        rise_g = more((guess_b + guess_r) * _HALF - known_g, _NONE) * gone_g * white[1]
        rise_b = more((guess_r + guess_g) * _HALF - known_b, _NONE) * gone_b * white[2]
        # what stands above the clip level is overshoot of the interpolation
        red[i] = r[i] + (rise_r - more(r[i] - clip[0], _NONE)) * strength
        green[i] = g[i] + (rise_g - more(g[i] - clip[1], _NONE)) * strength
        blue[i] = b[i] + (rise_b - more(b[i] - clip[2], _NONE)) * strength


@kernel
def _saturated(x: Any, clip: Any, threshold: Any) -> Any:
    """How far a channel is saturated, 0…1."""
    t = unit((x / clip - threshold) / (_FULL - threshold))
    return t * t * (_THREE - t - t)
