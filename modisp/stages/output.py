"""Output: display light into the values of an output space."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from modisp.color import gamut, spaces, transfer
from modisp.image import Image, Metadata, State
from modisp.native import F, kernel, less, numbers, planes, unit
from modisp.stage import Parts, Reading, Stage, param

_NOISE = 256  # period of the dither, in pixels
_LSB, _STEPS = F(1 / 255), F(transfer.STEPS)


class Output(
    Stage,
    slot="output",
    reads=State.DISPLAY,
    writes=State.ENCODED,
    version=2,
    title="Output",
    group="Output",
):
    """Leads colours that the output space cannot show into its gamut, encodes them and dithers what 8 bits would band."""

    space: str = param(
        "srgb",
        choices=tuple(spaces.PRIMARIES),
        help="The colour space of the finished picture. sRGB is safe everywhere; Display P3, Adobe RGB and Rec.2020 hold more "
        "saturated colours, for screens and printers that can show them.",
    )
    gamut: str = param(
        "soft",
        choices=("soft", "clip"),
        advanced=True,
        help="What happens to colours too saturated for the output space. 'Soft' leads them in and keeps their hue, lightness "
        "and gradations; 'clip' cuts each channel, which keeps more saturation but may shift hues and lose detail.",
    )
    dither: str = param(
        "8 bit",
        choices=("off", "8 bit"),
        advanced=True,
        help="Adds noise too fine to be seen, so that smooth skies do not band in files of 8 bits. For 16 bits, turn it off.",
    )

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """The pixels in the output space, in [0, 1]."""
        out = torch.empty(image.pixels.shape)
        matrix = numbers(spaces.between("rec2020", self.space))
        soft = self.gamut == "soft" and self.space != "rec2020"
        _finish(
            *planes(image.pixels),
            *planes(out),
            image.width,
            matrix,
            gamut.of(self.space),
            soft,
            transfer.table(self.space),
            _noise(),
            self.dither == "8 bit",
            *image.frame.origin,
        )
        return out.to(image.pixels.device)

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """Names the space; a profile of the source's holds no longer."""
        return replace(meta, space=self.space, icc=b"", clip=(1.0, 1.0, 1.0), noise=())


@lru_cache(maxsize=1)
def _noise() -> np.ndarray:
    """One period of triangular noise of ±1, (256, 256), without low frequencies along the rows.

    The same for all channels, so that grey pictures stay grey.

    The difference of two neighbours of uniform noise is triangular and high-pass (Wannamaker 1992).
    """
    uniform = torch.rand(1, _NOISE, _NOISE, generator=torch.Generator().manual_seed(20))
    return (uniform - uniform.roll(1, 2))[0].numpy()


@kernel
def _finish(
    r: Any,
    g: Any,
    b: Any,
    red: Any,
    green: Any,
    blue: Any,
    width: int,
    matrix: Any,
    bounds: Any,
    soft: bool,
    table: Any,
    noise: Any,
    dither: bool,
    top: int,
    left: int,
) -> None:
    """Linear Rec.2020 (r, g, b) to values of a space (red, green, blue); all flat, rows of `width` from (top, left) on.

    The noise is ±1/255; it fades within the last step before 0 and 1, which stay as they are.
    """
    m00, _, m02, m10, _, m12, m20, _, m22 = matrix
    chunk, room = np.empty((3, gamut.CHUNK), F), np.empty((3, gamut.CHUNK), F)
    where, value = np.empty(gamut.CHUNK, np.int32), np.empty(gamut.CHUNK, F)
    for row in range(r.size // width):
        for column in range(0, width, gamut.CHUNK):
            n = min(gamut.CHUNK, width - column)
            start = row * width + column
            rs, gs, bs = r[start : start + n], g[start : start + n], b[start : start + n]
            for i in range(n):  # rows sum to 1: with differences from green, grey stays grey to the last bit
                more_red, more_blue = rs[i] - gs[i], bs[i] - gs[i]
                chunk[0, i] = m00 * more_red + m02 * more_blue + gs[i]
                chunk[1, i] = m10 * more_red + m12 * more_blue + gs[i]
                chunk[2, i] = m20 * more_red + m22 * more_blue + gs[i]
            if soft:
                gamut.lead(chunk, n, bounds, room, where)
            for c in range(3):
                out = (red, green, blue)[c][start : start + n]
                for i in range(n):  # the root first, by itself: so it is done eight at a time
                    where[i] = np.int32(math.sqrt(unit(chunk[c, i])) * _STEPS)
                for i in range(n):
                    value[i] = table[np.uint16(where[i])]
                if dither:
                    line = noise[(top + row) % _NOISE]
                    for i in range(n):
                        v = value[i]
                        out[i] = v + less(v - v * v, _LSB) * line[(left + column + i) % _NOISE]
                else:
                    for i in range(n):
                        out[i] = value[i]
