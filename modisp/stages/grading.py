"""Grading: a tint and a lightness of their own for shadows, mid-tones and highlights, and for the picture as a whole."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from math import hypot

import numpy as np
import torch

from modisp.color import spaces
from modisp.image import Image, State
from modisp.operators import tonecurve as tc
from modisp.operators.layers import contain
from modisp.stage import Parts, Reading, Stage, checkpoint, param

Wheel = tuple[float, ...]
_NONE = (0.0, 0.0, 0.0)
CHROMA = 0.10  # Oklab chroma that a full tint gives to middle grey
LIGHT = 0.12  # Oklab lightness that a full luminance adds where its mask is 1


class Grading(Stage, slot="grading", reads=State.DISPLAY, writes=State.DISPLAY, title="Colour grading", group="Colour"):
    """Tints in Oklab by brightness, as a coloured light on each range of tones; black and white themselves stay neutral.

    A wheel is (a, b, light): direction and length of the tint on the Oklab plane, 1 at the rim, and a lightness −1…1.
    """

    shadows: Wheel = param(_NONE, -1.0, 1.0, kind="wheel", help="Tint and lightness of the dark tones.")
    midtones: Wheel = param(
        _NONE, -1.0, 1.0, kind="wheel", label="Mid-tones", help="Tint and lightness of the tones between."
    )
    highlights: Wheel = param(_NONE, -1.0, 1.0, kind="wheel", help="Tint and lightness of the bright tones.")
    overall: Wheel = param(_NONE, -1.0, 1.0, kind="wheel", help="Tint and lightness of all tones.")
    balance: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Where shadows give way to highlights: above 0 more tones count as bright."
    )
    blending: float = param(
        0.5, 0.0, 1.0, step=0.01, help="How softly shadows, mid-tones and highlights run into each other."
    )

    def neutral(self) -> Grading:
        """No tint and no lightness; where the tones part does not matter then."""
        return replace(self, shadows=_NONE, midtones=_NONE, highlights=_NONE, overall=_NONE)

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """Each channel times a function of luminance, strip by strip."""
        wheels = (self.shadows, self.midtones, self.highlights, self.overall)
        if not any(map(any, wheels)):
            return image.pixels
        table = _table(wheels, self.balance, self.blending).to(image.pixels.device)
        flat = image.pixels.reshape(3, -1)
        out = torch.empty_like(flat)
        for i in range(0, flat.shape[1], tc.STRIP):
            checkpoint()
            rgb = flat[:, i : i + tc.STRIP]
            for channel, factor, to in zip(rgb, table(tc.luma(rgb)), out[:, i : i + tc.STRIP], strict=True):
                torch.mul(channel, factor, out=to)
            contain(out[:, i : i + tc.STRIP])
        return out.view_as(image.pixels)


def masks(light: tc.Array, balance: float, blending: float) -> tuple[tc.Array, tc.Array, tc.Array]:
    """How much of Oklab lightness `light` is shadow, mid-tone and highlight; the three sum to 1."""
    middle, half = 0.55 - 0.25 * balance, 0.12 + 0.38 * blending
    low = 1.0 - tc.ramp(light, middle - 0.17 - half, middle - 0.17 + half)
    high = tc.ramp(light, middle + 0.17 - half, middle + 0.17 + half)
    both = np.maximum(low + high, 1.0)
    low, high = low / both, high / both
    return low, 1.0 - low - high, high


@lru_cache(maxsize=32)
def _table(wheels: tuple[Wheel, ...], balance: float, blending: float) -> tc.Table:
    """What to multiply R, G and B by, as functions of luminance: what becomes of the grey of that luminance."""
    y = np.minimum(tc.nodes(), 1.0)
    light = np.cbrt(y)  # Oklab L of a grey
    a, b, new = np.zeros_like(light), np.zeros_like(light), light.copy()
    room = 4.0 * light * (1.0 - light)  # white and black keep their place
    window = np.minimum(light / 0.35, 1.0) * (1.0 - tc.ramp(light, 0.7, 1.0))
    for mask, wheel in zip((*masks(light, balance, blending), np.ones_like(light)), wheels, strict=True):
        far = max(1.0, hypot(wheel[0], wheel[1]))
        a += mask * window * CHROMA * wheel[0] / far
        b += mask * window * CHROMA * wheel[1] / far
        new += mask * room * LIGHT * wheel[2]
    lab = torch.from_numpy(np.stack([np.maximum(new, 0.0), a, b]))
    roots = torch.linalg.inv(spaces.lms_to_lab()) @ lab
    rgb = (torch.linalg.inv(spaces.to_lms("rec2020")) @ roots.pow(3)).numpy()
    factors = np.clip(rgb[:, 1:] / y[1:], 0.0, 8.0)
    return tc.Table.of(*np.concatenate([factors[:, :1], factors], axis=1))
