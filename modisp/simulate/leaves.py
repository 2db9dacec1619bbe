"""Dead leaves: endless synthetic pictures with the edge statistics of photographs and exact truth.

G. Matheron 1968; A. Lee, D. Mumford, J. Huang, IJCV 2001. Shapes of all sizes cover one another;
here they carry gradients, textures, gratings up to the sampling limit, and lines of text.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Plane = NDArray[np.float32]

SUPER = 3
"""Supersampling: edges are averaged over this many subpixels each way, as a pixel's area does."""


def dead_leaves(size: int, seed: int, shapes: int = 0) -> Plane:
    """(3, size, size) sRGB-encoded in [0, 1]. ``shapes``: small ones, put over large ones that cover the picture."""
    random = np.random.default_rng(seed)
    side = size * SUPER
    colours = _palette(random)
    canvas = np.broadcast_to(colours[0][:, None, None], (3, side, side)).astype(np.float32).copy()
    for _ in range(size // 4):
        _leaf(canvas, random, colours, side / 16, side / 3)
    for _ in range(shapes or size * size // 200):
        _leaf(canvas, random, colours, 2.0 * SUPER, side / 6)
    # Averaging subpixels is light adding up, hence linear (gamma 2.2 is near enough here).
    light = canvas.clip(0, 1) ** 2.2
    light = light.reshape(3, size, SUPER, size, SUPER).mean(axis=(2, 4))
    return np.asarray(light ** (1 / 2.2), dtype=np.float32)


def _palette(random: np.random.Generator) -> Plane:
    """(24, 3): greys, muted and strong colours, as in photographs mostly muted."""
    grey = random.random((24, 1)) ** 1.2
    strength = random.choice([0.0, 0.1, 0.25, 0.6], size=(24, 1), p=[0.2, 0.35, 0.3, 0.15])
    return np.asarray(grey + strength * (random.random((24, 3)) - 0.5), np.float32).clip(0.01, 0.99)


def _leaf(canvas: Plane, random: np.random.Generator, colours: Plane, low: float, high: float) -> None:
    """Put one shape on top; radius by a power law (number ~ radius^-3): no scale is preferred."""
    side = canvas.shape[1]
    power = random.random()
    radius = 1.0 / np.sqrt(power / low**2 + (1 - power) / high**2)
    x0, y0 = random.random(2) * side
    reach = int(radius) + 1
    left, top = max(0, int(x0) - reach), max(0, int(y0) - reach)
    right, bottom = min(side, int(x0) + reach + 1), min(side, int(y0) + reach + 1)
    if right <= left or bottom <= top:
        return
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    x, y = x - np.float32(x0), y - np.float32(y0)
    turn = random.random() * 2 * np.pi
    a, b = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    kind = random.integers(5)
    if kind == 0:
        inside = np.hypot(a, b) < radius
    elif kind == 1:
        inside = np.hypot(a, b / random.uniform(0.1, 0.7)) < radius
    elif kind == 2:
        inside = (np.abs(a) < radius * 0.7) & (np.abs(b) < radius * random.uniform(0.05, 0.7))
    elif kind == 3:
        inside = (b > -radius / 2) & (np.sqrt(3) * np.abs(a) + b < radius)
    else:
        inside = np.hypot(a, b) < radius * (0.7 + 0.3 * np.cos(random.integers(3, 9) * np.arctan2(b, a)))
    paint = _paint(a, b, radius, random, colours)
    region = canvas[:, top:bottom, left:right]
    np.copyto(region, paint, where=inside[None])


def _paint(a: Plane, b: Plane, radius: float, random: np.random.Generator, colours: Plane) -> Plane:
    """(3, h, w): what a shape is covered with."""
    one, two = colours[random.integers(len(colours), size=2)]
    kind = random.random()
    if kind < 0.35:
        mix = np.zeros_like(a)
    elif kind < 0.55:
        mix = 0.5 + 0.5 * (a / radius)
    elif kind < 0.72:
        period = SUPER * random.uniform(2.0, 12.0)
        wave = np.sin(a * (2 * np.pi / period) + random.random() * 6)
        mix = 0.5 + 0.5 * (np.sign(wave) if random.random() < 0.3 else wave)
        mix = mix * random.uniform(0.2, 1.0)
    elif kind < 0.9:
        mix = _texture(a.shape, random) * random.uniform(0.1, 0.8)
    else:
        mix = _letters(a.shape, random)
    return np.asarray(one[:, None, None] + (two - one)[:, None, None] * mix[None], np.float32)


def _texture(shape: tuple[int, ...], random: np.random.Generator) -> Plane:
    """Noise with a random fall-off over scales, some of it stretched like bark or fabric."""
    height, width = shape
    total = np.zeros(shape, np.float32)
    fall = random.uniform(0.5, 1.1)
    stretch = 2 ** random.integers(0, 3)
    for level in range(1, 5):
        step = SUPER * 2 ** (level - 1)
        grain = random.random((height // step + 2, width // (step * stretch) + 2), dtype=np.float32)
        big = grain.repeat(step, 0).repeat(step * stretch, 1)[:height, :width]
        total += np.float32(fall**-level if fall > 1 else fall**level) * big
    total -= total.min()
    return np.asarray(total / max(float(total.max()), 1e-6), np.float32)


@cache
def _fonts() -> list[ImageFont.FreeTypeFont | ImageFont.ImageFont]:
    return [ImageFont.load_default(size) for size in (7 * SUPER, 9 * SUPER, 12 * SUPER, 18 * SUPER)]


def _letters(shape: tuple[int, ...], random: np.random.Generator) -> Plane:
    """Rows of random letters, as on a page."""
    height, width = shape
    page = Image.new("L", (width, height))
    draw = ImageDraw.Draw(page)
    fonts = _fonts()
    pick = int(random.integers(len(fonts)))
    line = (7, 9, 12, 18)[pick] * SUPER
    letters = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 .,;:!?"
    for top in range(0, height, int(line * 1.3)):
        text = "".join(random.choice(list(letters), size=width * 2 // line + 1))
        draw.text((0, top), text, fill=255, font=fonts[pick])
    return np.asarray(page, np.float32) / np.float32(255)
