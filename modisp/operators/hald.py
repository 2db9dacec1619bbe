"""Colour tables in pictures (HaldCLUT), and tables written as `.cube` text.

A Hald picture of level L is a square of L³ pixels: it shows a table of N = L² steps an axis, red running fastest, then green,
then blue.  Source: Mark Shelley / Eskil Steenberg, "HaldCLUT" (as RawTherapee, darktable and ImageMagick use it).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from modisp.operators.cube import LARGEST, Cube, CubeError

KEPT = 65
"""Steps an axis that a table is brought down to: more change no colour that can be seen, but make files of tens of MB."""


def identity(steps: int) -> torch.Tensor:
    """The table that changes nothing: (3, N, N, N), indexed (channel, blue, green, red)."""
    line = torch.linspace(0.0, 1.0, steps)
    blue, green, red = torch.meshgrid(line, line, line, indexing="ij")
    return torch.stack([red, green, blue])


def level_of(height: int, width: int) -> int:
    """The level of a Hald picture of this size; 0 for a picture that is none."""
    level = round(width ** (1 / 3))
    return level if height == width == level**3 and level >= 2 else 0


def from_hald(pixels: torch.Tensor, name: str, space: str = "srgb") -> Cube:
    """The table that a Hald picture (3, H, W), encoded in `space`, shows.  CubeError, in one sentence, for other pictures."""
    level = level_of(*pixels.shape[1:])
    if not level:
        raise CubeError(
            f"{name} is no HaldCLUT: such a picture is a square of 64, 125, 216, 512, 1000 or 1728 pixels, and this one"
            f" has {pixels.shape[2]} × {pixels.shape[1]}."
        )
    n = level * level
    return smaller(Cube(pixels.float().reshape(3, n, n, n).contiguous(), space=space))


def to_hald(cube: Cube, level: int = 8) -> torch.Tensor:
    """The Hald picture (3, L³, L³) of a 3D table."""
    n = level * level
    return cube(identity(n).reshape(3, -1)).reshape(3, level**3, level**3)


def smaller(cube: Cube, steps: int = KEPT) -> Cube:
    """The same table with at most so many steps an axis."""
    values = cube.values
    if values.ndim != 4 or values.shape[1] <= steps:
        return cube
    values = F.interpolate(values[None], size=(steps,) * 3, mode="trilinear", align_corners=True)[0]
    return Cube(values, cube.low, cube.high, cube.space, cube.title)


def cube_text(cube: Cube) -> str:
    """A table as the text of a `.cube` file, to six digits."""
    dimensions = 1 if cube.values.ndim == 2 else 3
    steps = cube.values.shape[1]
    if steps > LARGEST[dimensions]:
        raise CubeError(f"a table of {steps} steps is too large for a .cube file.")
    title = cube.title.replace('"', "'").replace("\n", " ")
    head = [f'TITLE "{title}"'] if title else []
    head += [f"# INPUT_SPACE {cube.space}", f"LUT_{dimensions}D_SIZE {steps}"]
    if (cube.low, cube.high) != ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)):
        head += [f"DOMAIN_{k} {a:.6g} {b:.6g} {c:.6g}" for k, (a, b, c) in (("MIN", cube.low), ("MAX", cube.high))]
    rows = cube.values.reshape(3, -1).T.tolist()
    return "\n".join([*head, *(f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in rows)]) + "\n"
