"""Procedural textures for the path tracer: lattice noise, wood, cloth, peel, stone, and pictures drawn with Pillow."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from modisp.color.transfer import decode
from modisp.simulate.shapes import Paint

F = NDArray[np.float32]
_CELLS = 64


@lru_cache(maxsize=64)
def _lattice(seed: int) -> F:
    return np.random.default_rng((77, seed)).random(_CELLS**3, np.float32)


def noise(p: F, scale: float = 1.0, seed: int = 0) -> F:
    """Smooth value noise in [0, 1] at points (3, N); one cell measures `scale` (Perlin's fade, lattice of random values)."""
    q = p / np.float32(scale)
    base = np.floor(q)
    f = q - base
    f = f * f * f * (f * (f * 6 - 15) + 10)
    i = base.astype(np.int32) & (_CELLS - 1)
    j = (i + 1) & (_CELLS - 1)
    table = _lattice(seed)
    y0, y1, z0, z1 = i[1] * _CELLS, j[1] * _CELLS, i[2] * _CELLS**2, j[2] * _CELLS**2
    out = np.zeros(p.shape[1], np.float32)
    for yy, fy in ((y0, 1 - f[1]), (y1, f[1])):
        for zz, fz in ((z0, 1 - f[2]), (z1, f[2])):
            row = yy + zz
            a, b = table[row + i[0]], table[row + j[0]]
            out += (a + (b - a) * f[0]) * fy * fz
    return out


def fbm(p: F, scale: float = 1.0, octaves: int = 5, seed: int = 0, gain: float = 0.5) -> F:
    """Fractal noise in about [0, 1]: octaves of `noise`, each half the size and `gain` the weight of the last."""
    out, weight, total = np.zeros(p.shape[1], np.float32), 1.0, 0.0
    for k in range(octaves):
        out += np.float32(weight) * noise(p + np.float32(17.3 * k), scale / 2**k, seed)
        total += weight
        weight *= gain
    return out / np.float32(total)


def mix(a: tuple[float, float, float], b: tuple[float, float, float], t: F) -> F:
    """Colours from `a` (t = 0) to `b` (t = 1), (3, N)."""
    va, vb = np.array(a, np.float32)[:, None], np.array(b, np.float32)[:, None]
    return va + (vb - va) * np.clip(t, 0, 1)


def bumps(height: object, step: float, depth: float) -> Paint:
    """A bump map: minus the gradient of `height(p) -> (N,)`, by differences of `step`, times `depth`."""

    def bump(p: F, n: F) -> F:
        h0 = height(p)  # type: ignore[operator]
        g = np.empty_like(p)
        for k in range(3):
            q = p.copy()
            q[k] += np.float32(step)
            g[k] = (height(q) - h0) / step  # type: ignore[operator]
        g -= (g * n).sum(0) * n
        return -np.float32(depth) * g

    return bump


def mottled(a: tuple[float, float, float], b: tuple[float, float, float], scale: float, seed: int = 0) -> Paint:
    """Two colours in soft clouds."""
    return lambda p, n: mix(a, b, (fbm(p, scale, 4, seed) - 0.5) * 2.5 + 0.5)


def wood(
    dark: tuple[float, float, float], light: tuple[float, float, float], plank: float, ring: float = 0.5, seed: int = 3
) -> Paint:
    """Planks along x, `plank` wide in z: growth rings, fibres and gaps (points in the shape's axes, any face)."""

    def paint(p: F, n: F) -> F:
        board = np.floor(p[2] / plank)
        own = np.stack([p[0] * 0.12 + board * 7.7, p[1] + board * 3.1, p[2]]).astype(np.float32)
        warp = fbm(own, 1.6, 4, seed) * 2.2
        rings = np.abs(((own[2] - board * plank) * 0.8 + warp * 1.5 + own[1]) / ring % 1 - 0.5) * 2
        fibre = fbm(np.stack([p[0] * 0.25, p[1] * 6, p[2] * 6]).astype(np.float32), 0.5, 4, seed + 1)
        tone = 0.2 + 0.45 * rings**1.5 + 0.5 * (fibre - 0.4) + 0.25 * (np.sin(board * 12.9898) * 0.5)
        edge = np.abs(p[2] / plank % 1 - 0.5)
        return mix(dark, light, tone) * np.where(edge > 0.494, np.float32(0.25), np.float32(1))

    return paint


def weave(thread: float, depth: float = 0.35) -> Paint:
    """The bump of a plain weave in the shape's x-y plane with `thread` wide yarns."""

    def height(p: F) -> F:
        u, v = p[0] / thread, p[1] / thread
        over = ((np.floor(u) + np.floor(v)) % 2).astype(np.float32)
        along = np.where(over > 0, np.sin(np.pi * (u % 1)), np.sin(np.pi * (v % 1)))
        return np.asarray((along * np.float32(thread) + 0.25 * thread * noise(p, thread * 0.7, 5)), np.float32)

    return bumps(height, thread * 0.1, depth)


def peel(size: float, depth: float) -> Paint:
    """The pores of an orange."""
    return bumps(lambda p: noise(p, size, 2) * np.float32(size), size * 0.2, depth)


def picture(pixels: F, size: tuple[float, float]) -> Paint:
    """A picture (rows, columns, 3) stretched over the shape's x-y rectangle of `size`, bilinear, upright in +y."""
    rows, columns = pixels.shape[:2]
    flat = pixels.reshape(-1, 3)

    def paint(p: F, n: F) -> F:
        x = np.clip((p[0] / size[0] + 0.5) * columns - 0.5, 0, columns - 1.001)
        y = np.clip((0.5 - p[1] / size[1]) * rows - 0.5, 0, rows - 1.001)
        i, j = y.astype(np.int32), x.astype(np.int32)
        fy, fx = (y - i)[:, None], (x - j)[:, None]
        k = i * columns + j
        top = flat[k] * (1 - fx) + flat[k + 1] * fx
        low = flat[k + columns] * (1 - fx) + flat[k + columns + 1] * fx
        return np.asarray((top * (1 - fy) + low * fy).T, np.float32)

    return paint


def drawn(image: Image.Image) -> F:
    """A Pillow picture (sRGB) as linear Rec.2020 values (rows, columns, 3)."""
    linear = decode("srgb", torch.from_numpy(np.asarray(image.convert("RGB"), np.float32) / 255)).numpy()
    return (linear @ SRGB_TO_REC2020.T).astype(np.float32)


def srgb(code: str) -> tuple[float, float, float]:
    """The colour #rrggbb (sRGB) as linear Rec.2020."""
    v = drawn(Image.new("RGB", (1, 1), code))[0, 0]
    return float(v[0]), float(v[1]), float(v[2])


SRGB_TO_REC2020 = np.array(
    [[0.627404, 0.329283, 0.043313], [0.069097, 0.919540, 0.011362], [0.016391, 0.088013, 0.895595]], np.float32
)


def letters(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: float, fill: str, anchor: str = "mm"
) -> None:
    """Write `text` with Pillow's own typeface."""
    draw.text(at, text, fill=fill, font=ImageFont.load_default(size), anchor=anchor)
