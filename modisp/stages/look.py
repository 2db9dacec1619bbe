"""Look: the colours of the finished picture: saturation, black and white, split tones and a colour table."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from modisp.color import spaces
from modisp.image import Image, State
from modisp.operators import tonecurve as tc
from modisp.operators.cube import SPACES, Cube, CubeError, read_cube
from modisp.parameter import files
from modisp.stage import Parts, Reading, Stage, checkpoint, param

# Full split tones: what R, G, B are multiplied by, less 1; made free of luminance below
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
        colour = self.saturation != 1.0 or self.vibrance != 0.0
        tints = (self.shadow_warmth, self.shadow_tint, self.highlight_warmth, self.highlight_tint)
        if not (tables or colour or self.monochrome or any(tints)):
            return image.pixels
        split = _split(*tints, self.tint_balance).to(image.pixels.device) if any(tints) else None
        flat = image.pixels.reshape(3, -1)
        out = torch.empty_like(flat)
        for i in range(0, flat.shape[1], tc.STRIP):
            checkpoint()
            rgb = out[:, i : i + tc.STRIP].copy_(flat[:, i : i + tc.STRIP])
            if tables:
                self._through(tables, rgb)
            if colour or self.monochrome or split:
                y = tc.luma(rgb)
                if colour:
                    self._saturate(rgb, y)
                if self.monochrome:
                    self._fade(rgb, y)
                    y = tc.luma(rgb)
                if split:
                    for channel, factor in zip(rgb, split(y), strict=True):
                        channel.mul_(factor)
            rgb.clamp_(0.0, 1.0)
        return out.view_as(image.pixels)

    def _through(self, tables: list[tuple[Cube, float]], rgb: torch.Tensor) -> None:
        """Each table moves the colours by its share of what it would do alone."""
        moved = torch.zeros_like(rgb) if len(tables) > 1 else None
        for table, share in tables:
            space = table.space if self.cube_space == "declared" else self.cube_space
            primaries = "rec2020" if space == "linear" else space
            there, back = spaces.between("rec2020", primaries), spaces.between(primaries, "rec2020")
            encode, decode = (t.to(rgb.device) for t in tc.transfer_tables(space))
            given = spaces.apply(there, rgb[:, None])[:, 0]
            linear = _mirrored(decode, table(_mirrored(encode, given)))
            found = spaces.apply(back, linear[:, None])[:, 0]
            (rgb if moved is None else moved).add_(found.clamp_(0.0, 1.0).sub_(rgb), alpha=share)
        if moved is not None:
            rgb.add_(moved)

    def _saturate(self, rgb: torch.Tensor, y: torch.Tensor) -> None:
        rgb.sub_(y)
        r = tc.reach(rgb, y).clamp_(0.0, 1.0)
        k = torch.full_like(r, self.saturation)
        if self.vibrance:
            k.mul_(torch.rsub(r, 1.0).square_().mul_(self.vibrance).add_(1.0))
        # r → k·r / (1 + (k − 1)·r) keeps grey and the gamut's edge where they are; below k = 1 plainly k·r
        k.div_(k.sub(1.0).clamp_min_(0.0).mul_(r).add_(1.0))
        rgb.mul_(k).add_(y)

    def _fade(self, rgb: torch.Tensor, y: torch.Tensor) -> None:
        grey = y.clone()
        for channel, weight in zip(rgb, (self.mix_red, self.mix_green, self.mix_blue), strict=True):
            if weight:
                grey.add_(channel, alpha=weight).sub_(y, alpha=weight)
        rgb.lerp_(grey.clamp_(0.0, 1.0).expand_as(rgb), self.monochrome)


def _mirrored(curve: tc.Table, x: torch.Tensor) -> torch.Tensor:
    (y,) = curve(x.abs().flatten())
    return y.view_as(x).copysign_(x)


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
