"""Things that more than one rendered scene shows: the colour card, printed faces, rods."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from modisp.simulate.shapes import Lathe, Material, Paint
from modisp.simulate.textures import drawn, letters, picture

F = NDArray[np.float32]
Colour = tuple[float, float, float]

CARD: list[str] = [
    "#5b3a2c",
    "#8d5a41",
    "#b9805f",
    "#d9a98a",
    "#f0cfb8",
    "#6f7d3a",
    "#41683c",
    "#7ea7c9",
    "#c6442d",
    "#e07b1f",
    "#efc319",
    "#3f8f4f",
    "#1f8a9c",
    "#2f4fa3",
    "#5d3f94",
    "#a83a7a",
    "#d8457c",
    "#8a2a33",
    "#f4f4f2",
    "#c9c9c8",
    "#a0a0a0",
    "#7a7a7a",
    "#525252",
    "#2c2c2c",
]
"""Twenty-four colours of our own, sRGB: skins, foliage, sky, primaries and a grey scale."""


def colour_card(text: str = "MODISP") -> F:
    """The card's face: 6 × 4 patches with a caption."""
    image = Image.new("RGB", (960, 700), "#1b1b1b")
    draw = ImageDraw.Draw(image)
    for i, code in enumerate(CARD):
        x, y = 24 + (i % 6) * 154, 24 + (i // 6) * 150
        draw.rectangle([x, y, x + 138, y + 132], fill=code)
    letters(draw, (480, 655), f"{text}  ·  colour card  ·  24 patches", 40, "#e8e8e4")
    return drawn(image)


def face(pixels: F, size: tuple[float, float], rest: Colour) -> Paint:
    """A picture on the side that looks along +z, `rest` on the others."""
    front = picture(pixels, size)

    def paint(p: F, n: F) -> F:
        return np.where(n[2] > 0.5, front(p, n), np.array(rest, np.float32)[:, None])

    return paint


def rod(material: Material, a: F, b: F, radius: float) -> Lathe:
    """A round bar from `a` to `b`."""
    axis = b - a
    length = float(np.linalg.norm(axis))
    y = axis / length
    x = np.cross(y, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    axes = np.stack([x, y, np.cross(x, y)], 1).astype(np.float32)
    return Lathe(
        material=material,
        at=(float(a[0]), float(a[1]), float(a[2])),
        axes=axes,
        profile=((radius, 0.0), (radius, length)),
    )
