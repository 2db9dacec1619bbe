"""Curve: brightness led along a drawn curve, for all colours together or for red, green and blue each on its own."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from modisp.color import transfer
from modisp.image import Image, State
from modisp.operators import tonecurve as tc
from modisp.operators.curves import PLAIN, REGIONS, through
from modisp.operators.layers import contain
from modisp.stage import Parts, Reading, Stage, checkpoint, param

Points = tuple[tuple[float, float], ...]
STEEPEST = 8.0  # the most that colour is strengthened where a curve lifts the dark


class Curves(Stage, slot="curves", reads=State.DISPLAY, writes=State.DISPLAY, title="Curve", group="Light"):
    """A tone curve over sRGB-encoded brightness, by regions and by points, then one for each of red, green and blue.

    The curve for all colours acts on luminance and takes colour along, so hues stay; what it adds to black is grey light.
    """

    regions: tuple[float, ...] = param(
        REGIONS,
        -1.0,
        1.0,
        kind="regions",
        help="Raises or lowers shadows, darks, lights and highlights, each without disturbing the order of tones; the last"
        " three numbers say where they part.",
    )
    luma: Points = param(
        PLAIN, kind="curve", label="Luminance", help="From the brightness that is there to the one you want."
    )
    red: Points = param(PLAIN, kind="curve", help="The same for red alone: up is redder, down is more cyan.")
    green: Points = param(PLAIN, kind="curve", help="The same for green alone: up is greener, down is more magenta.")
    blue: Points = param(PLAIN, kind="curve", help="The same for blue alone: up is bluer, down is more yellow.")

    def neutral(self) -> Curves:
        """Straight curves; where the regions part does not matter then."""
        return replace(self, regions=(0.0,) * 4 + self.regions[4:], luma=PLAIN, red=PLAIN, green=PLAIN, blue=PLAIN)

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """One table of luminance, then one for each channel, strip by strip."""
        joint = any(self.regions[:4]) or self.luma != PLAIN
        single = [
            None if c == PLAIN else _channel(c).to(image.pixels.device) for c in (self.red, self.green, self.blue)
        ]
        if not joint and not any(single):
            return image.pixels
        table = _luminance(self.regions, self.luma).to(image.pixels.device) if joint else None
        flat = image.pixels.reshape(3, -1)
        out = torch.empty_like(flat)
        for i in range(0, flat.shape[1], tc.STRIP):
            checkpoint()
            rgb = out[:, i : i + tc.STRIP].copy_(flat[:, i : i + tc.STRIP])
            if table:
                y = tc.luma(rgb)
                bent, gain = table(y)
                contain(rgb.sub_(y).mul_(gain).add_(bent))
            for channel, curve in zip(rgb, single, strict=True):
                if curve:
                    channel.copy_(curve(channel)[0])
            rgb.clamp_(0.0, 1.0)
        return out.view_as(image.pixels)


def _bent(x: tc.Array, regions: tuple[float, ...], points: Points) -> tc.Array:
    encoded = transfer.encode("srgb", torch.from_numpy(np.minimum(x, 1.0))).numpy()
    return transfer.decode("srgb", torch.from_numpy(through(regions, points, encoded))).numpy()


@lru_cache(maxsize=32)
def _channel(points: Points) -> tc.Table:
    return tc.Table.of(_bent(tc.nodes(), REGIONS, points))


@lru_cache(maxsize=32)
def _luminance(regions: tuple[float, ...], points: Points) -> tc.Table:
    """Luminance after the curve, and the factor on differences from it: the curve's slope from black, less lifted black."""
    x = tc.nodes()
    y = _bent(x, regions, points)
    ratio = (y[1:] - y[0]) / np.minimum(x[1:], 1.0)
    return tc.Table.of(y, np.minimum(np.concatenate([ratio[:1], ratio]), STEEPEST))
