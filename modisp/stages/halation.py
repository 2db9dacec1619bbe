"""Halation: the warm glow that film has round its brightest lights."""

from __future__ import annotations

from dataclasses import replace

import torch

from modisp.image import Frame, Image, State
from modisp.operators.layers import blur, blur_reach, contain, cut, luma, smooth, window_of
from modisp.stage import Parts, Reading, Stage, param

_LEAST = 0.2  # image pixels
WARM, PLAIN = (1.0, 0.22, 0.04), (0.8, 0.8, 0.8)


class Halation(Stage, slot="halation", reads=State.DISPLAY, writes=State.DISPLAY, title="Halation", group="Style"):
    """Light of the brightest places, blurred, tinted and laid over the picture as a second exposure would be."""

    amount: float = param(0.0, 0.0, 1.0, step=0.01, help="How strong the glow is.")
    radius: float = param(
        0.006, 0.002, 0.03, step=0.001, unit="%", help="How far the glow reaches, in parts of the long edge."
    )
    threshold: float = param(0.6, 0.2, 0.95, step=0.01, help="How bright a place must be to glow.")
    redness: float = param(1.0, 0.0, 1.0, step=0.01, help="Red as on film at full, colourless at none.")

    def neutral(self) -> Halation:
        """No glow; its reach does not matter then."""
        return replace(self, amount=0.0)

    def needs(self, frame: Frame, full: tuple[int, int], meta: object) -> Frame:
        """The frame and what the blur reads round it."""
        return frame.grow(blur_reach(self._sigma(Frame(full, frame.rect, frame.size)))) if self.amount else frame

    def _sigma(self, frame: Frame) -> float:
        return max(_LEAST, self.radius * max(frame.full) * frame.scale)

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """All of the image; see `place`."""
        return self.place(image, reading, parts, image.frame)

    def place(self, image: Image, reading: Reading, parts: Parts, frame: Frame) -> torch.Tensor:
        """1 − (1 − picture)·(1 − glow), which never clips."""
        window = window_of(frame, image.frame)
        pixels = cut(image.pixels, window)
        if not self.amount:
            return pixels
        bright = luma(image.pixels)
        source = smooth(bright, self.threshold, 1.0).mul_(bright)
        glow = blur(source, image.frame, self._sigma(image.frame), window)
        out = 1.0 - pixels
        for channel, warm, plain in zip(out, WARM, PLAIN, strict=True):
            tint = self.amount * (self.redness * warm + (1.0 - self.redness) * plain)
            channel.mul_(torch.mul(glow, -tint).add_(1.0))
        return contain(out.neg_().add_(1.0))
