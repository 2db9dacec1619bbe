"""Presence: texture, clarity and dehaze, on edge-aware layers whose radii are parts of the picture's long edge."""

from __future__ import annotations

import math

import torch

from modisp.image import Frame, Image, State
from modisp.operators.layers import (
    Blocks,
    Window,
    coefficients,
    contain,
    cut,
    extremes,
    layer,
    layer_reach,
    luma,
    relief,
    window_of,
)
from modisp.parameter import OWN
from modisp.stage import Parts, Reading, Stage, checkpoint, param

TEXTURE, CLARITY, HAZE = 0.0018, 0.012, 0.007  # radii, and the edge of haze's blocks, as parts of the long edge
FLAT_TEXTURE, FLAT_CLARITY, FLAT_HAZE = 0.0025, 0.02, 0.003  # variance of √luminance up to which a layer smooths
FINE = 0.35  # of clarity that reaches into what is texture's
FINEST = 0.75  # radius in image pixels below which texture cannot be seen
VEIL = 0.78  # of the haze found that full dehaze takes away
REACH, SOFTEN = 1, 3  # blocks: where the darkest is looked for, and over which haze is smoothed
_FLOOR = 0.02


class Presence(Stage, slot="presence", reads=State.DISPLAY, writes=State.DISPLAY, title="Presence", group="Detail"):
    """Fine, middling and broad contrast, each on its own layer of √luminance; colour keeps its hue and saturation."""

    texture: float = param(
        0.0,
        -1.0,
        1.0,
        step=0.01,
        help="Brings out fine structure such as skin, bark and cloth, or smooths it.",
        mask=OWN,
    )
    clarity: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Adds punch to shapes in the middle tones, or makes them glow softly.", mask=OWN
    )
    dehaze: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Takes away the veil of mist and haze, or lays one over the distance.", mask=OWN
    )

    def _reach(self, frame: Frame) -> tuple[int, int]:
        """How many image pixels round a pixel the layers read, and haze round those."""
        long, own = max(frame.full) * frame.scale, 0
        if self.texture and TEXTURE * long > FINEST:
            own = layer_reach(TEXTURE * long)
        if self.clarity:
            own = max(own, layer_reach(CLARITY * long))
        return own, (2 * REACH + 2 * SOFTEN + 2) * _haze_block(long) if self.dehaze else 0

    def needs(self, frame: Frame, full: tuple[int, int], meta: object) -> Frame:
        """The frame and what is read round it."""
        return frame.grow(sum(self._reach(Frame(full, frame.rect, frame.size))))

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """All of the image; see `place`."""
        return self.place(image, reading, parts, image.frame)

    def place(self, image: Image, reading: Reading, parts: Parts, frame: Frame) -> torch.Tensor:
        """Haze first, for it hides the rest; then the layers, as one factor on the pixels.

        What lies round the frame is worked on only as far as it must be.
        """
        long = max(image.frame.full) * image.frame.scale
        if self.dehaze:
            whole, image = image, image.cut(_within(frame.grow(self._reach(image.frame)[0]), image.frame))
            image = image.to(self._clear(whole, window_of(image.frame, whole.frame), long))
            checkpoint()
        window = window_of(frame, image.frame)
        out = cut(image.pixels, window)
        fine = self.texture * min(1.0, max(0.0, 2.0 * (TEXTURE * long / FINEST - 1.0)))
        if not (fine or self.clarity):
            return out
        seen = luma(image.pixels).clamp_min_(0.0).sqrt_()
        light = cut(seen, window).clone()
        new = light.clone()
        if fine:
            detail = layer(seen, image.frame, TEXTURE * long, FLAT_TEXTURE, window).sub_(light)
            new.sub_(detail, alpha=2.0 * fine if fine > 0 else 0.7 * fine)
            checkpoint()
        if self.clarity:
            detail = relief(seen, image.frame, CLARITY * long, FLAT_CLARITY, FINE, window)
            # all of it in the middle tones, little in the deepest and brightest, where it would only clip
            middle = torch.addcmul(light, light, light, value=-1.0).mul_(4.0)
            new.addcmul_(detail, middle, value=1.2 * self.clarity if self.clarity > 0 else 0.8 * self.clarity)
        gain = new.clamp_(0.0, 1.1).div_(light.clamp_min_(_FLOOR)).square_().clamp_max_(8.0)
        return contain(out * gain)

    def _clear(self, image: Image, window: Window, long: float) -> torch.Tensor:
        """(I − s·V)/(1 − s·V) in a window: V is the veil, the light that is missing nowhere in the neighbourhood.

        After He, Sun & Tang 2009 (dark channel prior), with white air and without its limit of total darkness.
        """
        grid = Blocks.under(image.frame, _haze_block(long))
        means = [grid.mean(c) for c in image.pixels]
        dark = torch.minimum(torch.minimum(means[0], means[1]), means[2]).clamp_(0.0, 1.0)
        unit = HAZE * long / grid.f
        # the least nearby takes small bright things for dark ones, and too little veil from large ones near their edges;
        # the greatest of those too much from what stands before them: the mean leaves neither rim
        near = round(REACH * unit)
        least = extremes(dark, near)[0]
        low = extremes(least, near)[1].add_(least).mul_(0.5)
        guide = luma(torch.stack(means)).clamp_(0.0, 1.0).sqrt_()
        a, b = grid.spread(*coefficients(low, guide, SOFTEN * unit, FLAT_HAZE), window=window)
        pixels = cut(image.pixels, window)
        veil = torch.addcmul(b, a, luma(pixels).clamp_(0.0, 1.0).sqrt_()).clamp_(0.0, 0.95)
        veil.mul_(VEIL * self.dehaze if self.dehaze > 0 else 1.25 * self.dehaze)
        return contain(torch.sub(pixels, veil).div_(torch.rsub(veil, 1.0)).clamp_min_(0.0))


def _within(part: Frame, frame: Frame) -> Frame:
    """What of `part` lies in `frame`, which has the same pitch."""
    top, left = part.within(frame)
    y, x = max(0, top), max(0, left)
    bottom, right = min(frame.size[0], top + part.size[0]), min(frame.size[1], left + part.size[1])
    return frame.cut(y, x, bottom - y, right - x)


def _haze_block(long: float) -> int:
    return max(1, math.ceil(HAZE * long))
