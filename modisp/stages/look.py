"""Look: the colours of the finished picture: saturation, black and white, split tones and a colour table."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from modisp.color import spaces
from modisp.image import Image, State
from modisp.native import F, kernel, more, numbers, planes, unit
from modisp.operators import tonecurve as tc
from modisp.operators.cube import SPACES, Cube, CubeError, read_cube
from modisp.parameter import files
from modisp.stage import Parts, Reading, Stage, checkpoint, param

# Full split tones: what R, G, B are multiplied by, less 1; made free of luminance below
_CHUNK = 256  # pixels that the kernel takes at a time
_NONE, _ONE = F(0), F(1)
_WARM = (0.30, 0.0, -0.45)
_GREEN = (-0.20, 0.10, -0.20)


class Look(Stage, slot="look", reads=State.DISPLAY, writes=State.DISPLAY, title="Colour", group="Colour"):
    """DISPLAY to DISPLAY: table, then saturation, then black and white, then split tones; parts at neutral cost nothing.

    All but the table keep luminance, and lead saturated colours to the gamut's edge without clipping them on it.
    """

    saturation: float = param(
        1.0, 0.0, 2.0, step=0.01, help="Strength of all colours: 0 leaves none, 1 leaves them as they are."
    )
    vibrance: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Strength of the quiet colours; those that are strong already change little."
    )
    monochrome: float = param(
        0.0, 0.0, 1.0, step=0.01, label="Black & white", help="Fades the picture into black and white."
    )
    mix_red: float = param(
        0.0,
        -1.0,
        1.0,
        step=0.01,
        label="Red in grey",
        help="How bright red things become in black and white; up is like a red filter (dark skies, light skin).",
    )
    mix_green: float = param(
        0.0,
        -1.0,
        1.0,
        step=0.01,
        label="Green in grey",
        help="How bright green things become in black and white; up is like a green filter (light leaves).",
    )
    mix_blue: float = param(
        0.0,
        -1.0,
        1.0,
        step=0.01,
        label="Blue in grey",
        help="How bright blue things become in black and white; down darkens skies.",
    )
    shadow_warmth: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Tints the shadows: blue below 0, amber above.", advanced=True
    )
    shadow_tint: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Tints the shadows: magenta below 0, green above.", advanced=True
    )
    highlight_warmth: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Tints the highlights: blue below 0, amber above.", advanced=True
    )
    highlight_tint: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Tints the highlights: magenta below 0, green above.", advanced=True
    )
    tint_balance: float = param(
        0.0,
        -1.0,
        1.0,
        step=0.01,
        help="Where the tint of the shadows gives way to that of the highlights: above 0 in darker tones.",
        advanced=True,
    )
    cube: str = param(
        "", kind="file", label="Colour table", help="A .cube file (1D or 3D) whose colours the picture takes on."
    )
    cube_space: str = param(
        "declared",
        choices=("declared", *SPACES),
        label="Table made for",
        help="The colour space that the table was made for; declared means what its file says, else sRGB.",
        advanced=True,
    )
    strength: float = param(
        1.0, 0.0, 1.0, step=0.01, label="Table strength", help="How much of the colour table is blended in."
    )

    def weights_digest(self) -> str:
        """The content of the colour table, so that a changed file is never taken for the old one."""
        try:
            return "+".join(read_cube(path).digest for path, _ in files(self.cube))
        except (CubeError, ValueError):
            return ""  # the sentence belongs to the run, not to asking for its key

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """Strip by strip.  Raises CubeError, in one sentence, where the table cannot be read."""
        rows = files(self.cube) if self.strength else ()
        tables = [(read_cube(path), share * self.strength) for path, share in rows]
        tints = (self.shadow_warmth, self.shadow_tint, self.highlight_warmth, self.highlight_tint)
        if not (tables or self.saturation != 1.0 or self.vibrance or self.monochrome or any(tints)):
            return image.pixels
        split = _split(*tints, self.tint_balance) if any(tints) else _NO_SPLIT
        flat = image.pixels.reshape(3, -1)
        out = torch.empty(flat.shape)
        for i in range(0, flat.shape[1], tc.STRIP):
            checkpoint()
            rgb = flat[:, i : i + tc.STRIP]
            if tables:
                rgb = rgb.cpu().clone()
                self._through(tables, rgb)
            _paint(
                *planes(rgb), *planes(out[:, i : i + tc.STRIP]), F(self.saturation), F(self.vibrance), F(self.monochrome),
                (F(self.mix_red), F(self.mix_green), F(self.mix_blue)), any(tints), split.start.numpy(), split.slope.numpy(),
            )  # fmt: skip
        return out.view(image.pixels.shape).to(image.pixels.device)

    def _through(self, tables: list[tuple[Cube, float]], rgb: torch.Tensor) -> None:
        """Each table moves the colours by its share of what it would do alone."""
        to = torch.zeros_like(rgb) if len(tables) > 1 else rgb
        given = torch.empty_like(rgb)
        for table, share in tables:
            space = table.space if self.cube_space == "declared" else self.cube_space
            primaries = "rec2020" if space == "linear" else space
            there, back = (numbers(spaces.between(*p)) for p in (("rec2020", primaries), (primaries, "rec2020")))
            encode, decode = ((t.start[0].numpy(), t.slope[0].numpy()) for t in tc.transfer_tables(space))
            _encoded(*planes(rgb), *planes(given), there, *encode)
            _moved(*planes(table(given)), *planes(rgb), *planes(to), back, *decode, F(share))
        if to is not rgb:
            rgb.add_(to)


@kernel
def _mirrored(x: Any, start: Any, slope: Any) -> Any:
    """A curve from 0 up, turned about 0."""
    p = tc.piece(abs(x))
    return math.copysign(slope[p] * abs(x) + start[p], x)


@kernel
def _encoded(r: Any, g: Any, b: Any, red: Any, green: Any, blue: Any, matrix: Any, start: Any, slope: Any) -> None:
    m00, m01, m02, m10, m11, m12, m20, m21, m22 = matrix
    for i in range(r.size):
        x, y, z = r[i], g[i], b[i]
        red[i] = _mirrored(m00 * x + m01 * y + m02 * z, start, slope)
        green[i] = _mirrored(m10 * x + m11 * y + m12 * z, start, slope)
        blue[i] = _mirrored(m20 * x + m21 * y + m22 * z, start, slope)


@kernel
def _moved(
    r: Any, g: Any, b: Any, red: Any, green: Any, blue: Any, to_r: Any, to_g: Any, to_b: Any,
    matrix: Any, start: Any, slope: Any, share: Any,
) -> None:  # fmt: skip
    """`to` moved by a share of the way from (red, green, blue) to what a table found, (r, g, b), still encoded."""
    m00, m01, m02, m10, m11, m12, m20, m21, m22 = matrix
    for i in range(r.size):
        x, y, z = _mirrored(r[i], start, slope), _mirrored(g[i], start, slope), _mirrored(b[i], start, slope)
        to_r[i] += share * (unit(m00 * x + m01 * y + m02 * z) - red[i])
        to_g[i] += share * (unit(m10 * x + m11 * y + m12 * z) - green[i])
        to_b[i] += share * (unit(m20 * x + m21 * y + m22 * z) - blue[i])


@kernel
def _paint(
    r: Any, g: Any, b: Any, red: Any, green: Any, blue: Any,
    saturation: Any, vibrance: Any, fade: Any, mix: Any, tinted: bool, start: Any, slope: Any,
) -> None:  # fmt: skip
    rs, gs, bs, where = np.empty(_CHUNK, F), np.empty(_CHUNK, F), np.empty(_CHUNK, F), np.empty(_CHUNK, np.uint32)
    for first in range(0, r.size, _CHUNK):
        n = min(_CHUNK, r.size - first)
        for i in range(n):
            rs[i], gs[i], bs[i] = r[first + i], g[first + i], b[first + i]
        if saturation != _ONE or vibrance != _NONE:
            for i in range(n):
                y = tc.light(rs[i], gs[i], bs[i])
                cr, cg, cb = rs[i] - y, gs[i] - y, bs[i] - y
                # how far the colour lies on the way to the gamut's edge
                way = unit(tc.reach(cr, cg, cb, y))
                k = saturation * (_ONE + vibrance * (_ONE - way) * (_ONE - way))
                # way → k·way / (1 + (k − 1)·way) keeps grey and the edge where they are; below k = 1 plainly k·way
                k /= _ONE + more(k - _ONE, _NONE) * way
                rs[i], gs[i], bs[i] = cr * k + y, cg * k + y, cb * k + y
        if fade != _NONE:
            for i in range(n):
                y = tc.light(rs[i], gs[i], bs[i])
                grey = y + mix[0] * (rs[i] - y) + mix[1] * (gs[i] - y) + mix[2] * (bs[i] - y)
                grey = unit(grey)
                rs[i] += fade * (grey - rs[i])
                gs[i] += fade * (grey - gs[i])
                bs[i] += fade * (grey - bs[i])
        if tinted:
            for i in range(n):
                where[i] = tc.piece(tc.light(rs[i], gs[i], bs[i]))
            for i in range(n):
                p, y = where[i], tc.light(rs[i], gs[i], bs[i])
                rs[i] *= slope[0, p] * y + start[0, p]
                gs[i] *= slope[1, p] * y + start[1, p]
                bs[i] *= slope[2, p] * y + start[2, p]
        for i in range(n):
            red[first + i] = unit(rs[i])
            green[first + i] = unit(gs[i])
            blue[first + i] = unit(bs[i])


@lru_cache(maxsize=8)
def _split(
    shadow_warmth: float, shadow_tint: float, highlight_warmth: float, highlight_tint: float, balance: float
) -> tc.Table:
    """What to multiply R, G and B by, as functions of luminance."""
    light = tc.lightness(np.minimum(tc.nodes(), 1.0))
    middle = 0.5 - 0.3 * balance
    up = tc.ramp(light, middle - 0.35, middle + 0.35)
    high = up * (1.0 - tc.ramp(light, 0.8, 1.0))  # white stays white

    def tint(warmth: float, green: float) -> tc.Array:
        v = warmth * np.array(_WARM) + green * np.array(_GREEN)
        return np.asarray(v - v @ np.array(spaces.LUMA))

    shadow, highlight = tint(shadow_warmth, shadow_tint), tint(highlight_warmth, highlight_tint)
    return tc.Table.of(*(1.0 + s * (1.0 - up) + h * high for s, h in zip(shadow, highlight, strict=True)))


_NO_SPLIT = tc.Table(torch.zeros(3, 1), torch.zeros(3, 1))
