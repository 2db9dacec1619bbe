"""Detail: sharpening with a radius, a mask for flat areas, and a limit to halos."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from modisp.image import Image, State
from modisp.native import F, kernel, less, more, planes, unit
from modisp.operators.layers import gauss_reach, gauss_taps
from modisp.operators.tonecurve import contain
from modisp.operators.tonecurve import light as luminance
from modisp.parameter import OWN
from modisp.stage import Parts, Reading, Stage, param

_NONE, _THREE = F(0), F(3)
_FLOOR, _TOP, _MASK = F(0.02), F(1.1), (F(0.03), F(0.15))
_LEAST = 0.03  # of its contrast by which a line of one pixel must change to be seen


class Detail(Stage, slot="detail", reads=State.DISPLAY, writes=State.DISPLAY, title="Sharpening", group="Detail"):
    """Unsharp masking of √luminance; colour keeps its hue and saturation.  Judge it at 1:1.

    RAW files begin with some of it (see `order.toml`), finished pictures with none.
    """

    amount: float = param(0.0, 0.0, 2.0, step=0.01, help="How much contrast of fine edges is raised.", mask=OWN)
    radius: float = param(
        0.8,
        0.3,
        3.0,
        step=0.1,
        unit="px",
        help="How wide the edges are that are sharpened; small for sharp lenses.",
        mask="amount",
    )
    masking: float = param(
        0.2,
        0.0,
        1.0,
        step=0.01,
        help="Keeps even areas such as skies and skin from being sharpened with their noise.",
        mask="amount",
    )
    halo_limit: float = param(
        0.6,
        0.0,
        1.0,
        step=0.01,
        help="How little edges may overshoot: 1 leaves no bright or dark rims at all.",
        mask="amount",
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
        out = torch.empty(image.pixels.shape)
        size, taps = (image.height, image.width), np.array(gauss_taps(sigma), F)
        room = 0.3 * (1.0 - self.halo_limit) ** 2 + 1e-4
        numbers = tuple(F(v) for v in (1.5 * self.amount, self.masking, room))
        _sharpen(*planes(image.pixels), *planes(out), size, taps, _near(sigma), numbers)
        return out.to(image.pixels.device)


@kernel
def _sharpen(
    r: Any, g: Any, b: Any, red: Any, green: Any, blue: Any, size: Any, taps: Any, near: int, numbers: Any
) -> None:
    """Row by row; copies of the edge pixels stand for what lies beyond.  `near`: where rims are looked for, in pixels."""
    (h, w), (amount, masking, room), reach = size, numbers, taps.size - 1
    light = np.empty((h, w), F)
    for y in range(h):
        lit, begin = light[y], y * w
        rs, gs, bs = r[begin : begin + w], g[begin : begin + w], b[begin : begin + w]
        for x in range(w):
            lit[x] = math.sqrt(more(luminance(rs[x], gs[x], bs[x]), _NONE))
    rim = max(reach, near)
    soft, low, high = np.empty(w + 2 * rim, F), np.empty(w + 2 * rim, F), np.empty(w + 2 * rim, F)
    blurred, least, most = np.empty(w, F), np.empty(w, F), np.empty(w, F)
    for y in range(h):
        lit = light[y]
        down, down_low, down_high = soft[rim : rim + w], low[rim : rim + w], high[rim : rim + w]
        for x in range(w):
            down[x] = taps[0] * lit[x]
            down_low[x] = down_high[x] = lit[x]
        for i in range(1, rim + 1):
            over, under = light[max(y - i, 0)], light[min(y + i, h - 1)]
            if i <= reach:
                for x in range(w):
                    down[x] += taps[i] * (over[x] + under[x])
            if i <= near:
                for x in range(w):
                    down_low[x] = less(less(down_low[x], over[x]), under[x])
                    down_high[x] = more(more(down_high[x], over[x]), under[x])
        for i in range(rim):
            for row in (soft, low, high):
                row[i], row[rim + w + i] = row[rim], row[rim + w - 1]
        for x in range(w):
            blurred[x], least[x], most[x] = taps[0] * down[x], down_low[x], down_high[x]
        for i in range(1, rim + 1):
            if i <= reach:
                before, after = soft[rim - i : rim - i + w], soft[rim + i : rim + i + w]
                for x in range(w):
                    blurred[x] += taps[i] * (before[x] + after[x])
            if i <= near:
                before, after = low[rim - i : rim - i + w], low[rim + i : rim + i + w]
                for x in range(w):
                    least[x] = less(less(least[x], before[x]), after[x])
                before, after = high[rim - i : rim - i + w], high[rim + i : rim + i + w]
                for x in range(w):
                    most[x] = more(more(most[x], before[x]), after[x])
        begin = y * w
        rs, gs, bs = r[begin : begin + w], g[begin : begin + w], b[begin : begin + w]
        to_r, to_g, to_b = red[begin : begin + w], green[begin : begin + w], blue[begin : begin + w]
        for x in range(w):
            detail = (lit[x] - blurred[x]) * amount
            if masking > _NONE:
                t = (most[x] - least[x] - _MASK[0] * masking) / (_MASK[1] * masking)
                t = unit(t)
                detail *= (_THREE - t - t) * t * t
            new = lit[x] + detail
            # what lies beyond the brightest and the darkest nearby is pressed into `room`: over → room·over/(room + over)
            over_high = more(new - most[x], _NONE)
            new -= over_high * over_high / (over_high + room)
            over_low = more(least[x] - new, _NONE)
            new += over_low * over_low / (over_low + room)
            gain = less(more(new, _NONE), _TOP) / more(lit[x], _FLOOR)
            soft[x] = gain * gain
        for x in range(w):  # by itself: in one loop with the above it would be done one by one
            gain = soft[x]
            to_r[x], to_g[x], to_b[x] = contain(rs[x] * gain, gs[x] * gain, bs[x] * gain)


def _near(sigma: float) -> int:
    return max(1, round(sigma))
