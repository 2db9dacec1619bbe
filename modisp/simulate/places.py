"""Thumbnails of places that do not exist: rooms, streets, landscapes, woods, portraits, tables, still lifes.

They are there for their colours alone, for a network that judges the light: how large which surfaces are, what is white,
what is warm, where it is bright.  A thumbnail is (3, 48, 64), linear sRGB under a white light, 1.0 = perfect white;
lamps, skies and highlights may lie above.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modisp.color.spaces import between64
from modisp.simulate import spectra, world_surfaces

Array = NDArray[Any]
Random = np.random.Generator

SIZE = (48, 64)
_H, _W = 96, 128  # painted twice as large, then averaged

# kinds of surface: ranges of log2 luminance, ln(r/g) and ln(b/g)
_KINDS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "leaf": ((-5.2, -2.0), (-0.75, -0.05), (-1.7, -0.45)),
    "straw": ((-3.5, -1.2), (0.05, 0.35), (-0.95, -0.35)),
    "soil": ((-5.0, -1.5), (0.05, 0.5), (-0.85, -0.1)),
    "stone": ((-4.0, -0.8), (-0.04, 0.14), (-0.3, 0.06)),
    "sand": ((-2.2, -0.6), (0.05, 0.3), (-0.55, -0.15)),
    "wood": ((-5.0, -1.2), (0.15, 0.75), (-1.2, -0.25)),
    "skin": ((-4.6, -0.9), (0.3, 0.75), (-0.75, -0.2)),
    "hair": ((-7.0, -2.5), (0.0, 0.5), (-0.8, 0.0)),
    "brick": ((-4.2, -1.8), (0.4, 1.1), (-0.7, -0.1)),
    "sky": ((-2.2, 0.6), (-1.0, -0.1), (0.05, 0.75)),
    "haze": ((-1.5, 0.8), (-0.12, 0.06), (-0.1, 0.18)),
    "dusk": ((-3.0, 0.2), (-0.1, 0.8), (-0.6, 0.4)),
    "water": ((-5.5, -1.5), (-0.9, -0.05), (-0.35, 0.45)),
    "snow": ((-1.2, 0.1), (-0.06, 0.02), (-0.02, 0.12)),
    "white": ((-0.9, -0.1), (-0.02, 0.05), (-0.12, 0.03)),
    "grey": ((-6.0, -0.6), (-0.04, 0.06), (-0.12, 0.08)),
    "cream": ((-2.2, -0.3), (0.02, 0.16), (-0.42, -0.08)),
    "pastel": ((-2.5, -0.4), (-0.25, 0.3), (-0.4, 0.3)),
    "strong": ((-4.5, -0.8), (-1.6, 1.8), (-2.0, 1.2)),
    "food": ((-4.0, -0.8), (0.2, 1.3), (-1.8, -0.3)),
}


def surface(rng: Random, *kinds: str) -> Array:
    """A colour (3,) of one of some kinds of surface; `measured` is a measured reflectance."""
    kind = kinds[rng.integers(len(kinds))]
    if kind == "measured":
        rows = _measured()
        return np.asarray(rows[rng.integers(len(rows))])
    level, red, blue = _KINDS[kind]
    c = np.exp([_inside(rng, *red), 0.0, _inside(rng, *blue)])
    return np.asarray(c * (2 ** _inside(rng, *level) / (c @ (0.2126, 0.7152, 0.0722))))


def _inside(rng: Random, low: float, high: float) -> float:
    return low + (high - low) * float(rng.beta(1.6, 1.6))


_cache: list[Array] = []


def _measured() -> Array:
    if not _cache:
        xyz = spectra.xyz(world_surfaces.charts(), spectra.light("D65"))
        _cache.append((xyz @ between64("xyz", "srgb").numpy().T).clip(0.003, 1.0))
    return _cache[0]


class Canvas:
    """Something to paint on; all places are shares of width and height, y downwards."""

    def __init__(self, rng: Random, ground: Array) -> None:
        self.rng = rng
        self.pixels = np.broadcast_to(ground, (_H, _W, 3)).copy()
        self.y, self.x = np.meshgrid((np.arange(_H) + 0.5) / _H, (np.arange(_W) + 0.5) / _W, indexing="ij")

    def fill(self, mask: Array, colour: Array, rough: float = 0.2, tint: float = 0.03) -> None:
        """Paint where `mask` (H, W, 0…1), with a texture of `rough` in log luminance and `tint` in log chroma."""
        grain = np.exp(rough * self.noise()[..., None] + tint * np.stack([self.noise(), 0 * self.x, self.noise()], -1))
        m = np.asarray(mask, dtype=np.float64)[..., None]
        self.pixels = self.pixels * (1 - m) + m * colour * grain

    def noise(self, slope: float | None = None) -> Array:
        """A field (H, W) of unit variance with a spectrum that falls as a power of frequency."""
        rng, s = self.rng, self.rng.uniform(0.5, 1.8) if slope is None else slope
        spectrum = rng.standard_normal((_H, _W // 2 + 1)) + 1j * rng.standard_normal((_H, _W // 2 + 1))
        field = np.fft.irfft2(spectrum * _frequencies() ** -s, (_H, _W))
        return np.asarray(field / field.std())

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Array:
        """Mask of a rectangle."""
        return np.asarray((self.x >= x0) & (self.x < x1) & (self.y >= y0) & (self.y < y1), dtype=np.float64)

    def blob(self, x: float, y: float, rx: float, ry: float, rough: float = 0.0) -> Array:
        """Mask of an ellipse, its edge frayed by `rough`."""
        d = np.hypot((self.x - x) / rx, (self.y - y) / ry)
        return np.asarray(d + (rough * self.noise(1.2) if rough else 0.0) < 1, dtype=np.float64)

    def shade(self, amount: float) -> None:
        """Uneven light: a direction, and a pool."""
        rng, a = self.rng, self.rng.uniform(0, 2 * math.pi)
        along = (self.x - 0.5) * math.cos(a) + (self.y - 0.5) * math.sin(a)
        pool = -((self.x - rng.random()) ** 2 + (self.y - rng.random()) ** 2) * rng.uniform(0, 4)
        self.pixels = self.pixels * np.exp2(amount * (2 * along + pool) * rng.random())[..., None]

    def glints(self, count: int) -> None:
        """Highlights of the light's own colour."""
        for _ in range(count):
            (x, y), (w, h) = self.rng.random(2), self.rng.uniform(0.004, 0.03, 2)
            at = self.blob(x, y, w, h)
            self.pixels += at[..., None] * self.rng.uniform(0.2, 3)

    def thumbnail(self) -> Array:
        """(3, 48, 64)."""
        small = self.pixels.reshape(SIZE[0], 2, SIZE[1], 2, 3).mean((1, 3))
        return np.asarray(np.moveaxis(np.maximum(small, 1e-4), -1, 0))


_f: list[Array] = []


def _frequencies() -> Array:
    if not _f:
        f = np.hypot(np.fft.fftfreq(_H)[:, None] * _H, np.fft.rfftfreq(_W)[None] * _W)
        f[0, 0] = np.inf
        _f.append(f)
    return _f[0]


def _sky(c: Canvas, horizon: float) -> None:
    rng = c.rng
    above = np.asarray(c.y < horizon, dtype=np.float64)
    kind = rng.choice(["sky", "haze", "dusk"], p=(0.55, 0.3, 0.15))
    top, low = surface(rng, kind), surface(rng, "haze", kind)
    t = np.clip(c.y / max(horizon, 0.05), 0, 1)[..., None] ** rng.uniform(0.6, 2)
    c.pixels = np.where(above[..., None] > 0, top * (1 - t) + low * t, c.pixels)
    if rng.random() < 0.6:  # clouds
        cover = 1 / (1 + np.exp(-4 * (c.noise(1.6) - rng.uniform(-1, 1.5))))
        c.fill(above * cover, surface(rng, "haze", "snow") * rng.uniform(0.5, 1.6), 0.25, 0.02)


def _landscape(c: Canvas) -> None:
    rng = c.rng
    horizon = rng.uniform(0.15, 0.75)
    _sky(c, horizon)
    if rng.random() < 0.5:  # hills, bluer with distance
        for k in range(rng.integers(1, 4)):
            far = surface(rng, "leaf", "soil", "stone", "straw", "snow")
            haze = rng.uniform(0, 0.8) / (k + 1)
            edge = horizon - 0.15 / (k + 1) * (1 + c.noise(1.8)[:1].clip(-1, 1))
            c.fill((c.y > edge) * 1.0, far * (1 - haze) + haze * surface(rng, "sky", "haze") * 0.6)
    c.fill(
        (c.y > horizon) * 1.0,
        surface(rng, "leaf", "leaf", "straw", "soil", "sand", "water", "stone", "snow"),
        0.4,
        0.08,
    )
    if rng.random() < 0.5:
        c.fill(
            (c.y > rng.uniform(horizon, 1)) * 1.0,
            surface(rng, "leaf", "straw", "soil", "sand", "water", "stone"),
            0.4,
            0.08,
        )
    if rng.random() < 0.4:  # a road or a river
        x = 0.5 + rng.uniform(-0.3, 0.3) + (c.y - horizon) * rng.uniform(-0.5, 0.5)
        c.fill(
            (np.abs(c.x - x) < 0.5 * np.maximum(c.y - horizon, 0)) * 1.0, surface(rng, "stone", "grey", "water", "sand")
        )
    for _ in range(rng.integers(0, 7)):
        size = rng.uniform(0.03, 0.25)
        what = surface(rng, "leaf", "leaf", "straw", "stone", "soil")
        c.fill(
            c.blob(rng.random(), horizon + rng.normal(0, 0.06), size, size * rng.uniform(0.7, 1.6), 0.4),
            what,
            0.6,
            0.08,
        )
    if rng.random() < 0.4:
        _things(c, int(rng.integers(1, 5)), horizon)


def _wood(c: Canvas) -> None:
    """Foliage, near or far, with trunks, flowers and gaps of sky."""
    rng = c.rng
    for _ in range(rng.integers(2, 5)):
        mask = 1 / (1 + np.exp(-5 * (c.noise() - rng.uniform(-1, 1))))
        c.fill(mask, surface(rng, "leaf", "leaf", "leaf", "straw", "soil"), 0.7, 0.1)
    if rng.random() < 0.5:
        c.fill(1 / (1 + np.exp(-8 * (c.noise() - rng.uniform(1, 2)))), surface(rng, "haze", "sky"), 0.2, 0.02)
    for _ in range(rng.integers(0, 7)):
        x, w = rng.random(), rng.uniform(0.01, 0.07)
        c.fill(c.box(x, 0, x + w, rng.uniform(0.5, 1)), surface(rng, "wood", "stone", "soil"), 0.4)
    if rng.random() < 0.5:
        c.fill((c.y > rng.uniform(0.5, 0.95)) * 1.0, surface(rng, "soil", "straw", "leaf", "stone"), 0.5, 0.1)
    colour = surface(rng, "strong", "white", "measured", "pastel")
    for _ in range(rng.integers(0, 18) if rng.random() < 0.5 else 0):
        size = rng.uniform(0.01, 0.1)
        c.fill(c.blob(rng.random(), rng.random(), size, size * 1.3), colour * rng.uniform(0.6, 1.4), 0.3, 0.06)


def _room(c: Canvas) -> None:
    rng = c.rng
    wall = surface(rng, "white", "white", "cream", "cream", "grey", "pastel", "strong", "wood", "brick")
    c.fill(np.ones_like(c.x), wall, 0.06, 0.01)
    corner = rng.uniform(0, 1)
    c.fill(
        (c.x > corner) * 1.0,
        (wall if rng.random() < 0.7 else surface(rng, "cream", "strong", "white")) * rng.uniform(0.4, 1),
        0.06,
        0.01,
    )
    lean = rng.uniform(-0.3, 0.3) * np.abs(c.x - corner)
    top, bottom = rng.uniform(-0.3, 0.25), rng.uniform(0.55, 1.1)
    c.fill((c.y < top - lean) * 1.0, surface(rng, "white", "white", "cream", "wood"), 0.05, 0.01)
    c.fill(
        (c.y > bottom + lean) * 1.0,
        surface(rng, "wood", "wood", "stone", "grey", "soil", "strong", "cream"),
        0.25,
        0.03,
    )
    if rng.random() < 0.5:  # a window
        x, y, w, h = rng.uniform(0, 0.8), rng.uniform(0.05, 0.4), rng.uniform(0.1, 0.4), rng.uniform(0.15, 0.5)
        c.fill(c.box(x - 0.02, y - 0.02, x + w + 0.02, y + h + 0.02), surface(rng, "white", "wood", "grey"), 0.03)
        view = surface(rng, "haze", "sky", "snow", "leaf", "stone")
        c.fill(c.box(x, y, x + w, y + h), view * rng.uniform(1, 6), 0.4, 0.1)
    for _ in range(rng.integers(2, 9)):
        x, y, w, h = rng.random(), rng.uniform(0.3, 1), rng.uniform(0.03, 0.45), rng.uniform(0.03, 0.4)
        what = surface(rng, "wood", "wood", "white", "grey", "cream", "strong", "measured", "pastel", "hair")
        c.fill(c.box(x - w / 2, y - h, x + w / 2, y), what, 0.15, 0.03)
    _things(c, int(rng.integers(0, 10)), 0.5)
    for _ in range(rng.integers(0, 3)):
        c.pixels += c.blob(rng.random(), rng.uniform(0, 0.5), *(rng.uniform(0.01, 0.06, 2)))[..., None] * rng.uniform(
            1, 6
        )
    if rng.random() < 0.4:
        _person(c)


def _street(c: Canvas) -> None:
    rng = c.rng
    _sky(c, 1.0)
    x = -rng.random() * 0.3
    while x < 1:
        w, top = rng.uniform(0.1, 0.6), rng.uniform(-0.2, 0.6)
        front = surface(rng, "stone", "brick", "cream", "grey", "white", "pastel", "sand", "strong", "wood")
        c.fill(c.box(x, top, x + w, 1), front * rng.uniform(0.3, 1.1), 0.15, 0.03)
        across, down = rng.uniform(0.02, 0.1, 2)
        panes = ((c.x / across) % 1 < 0.5) & ((c.y / down) % 1 < 0.55)
        c.fill(
            c.box(x, top + 0.03, x + w, 0.9) * panes,
            surface(rng, "grey", "hair", "sky", "white", "water") * rng.uniform(0.2, 1),
        )
        x += w
    ground = rng.uniform(0.65, 1)
    c.fill((c.y > ground) * 1.0, surface(rng, "stone", "grey", "grey", "soil", "sand", "brick"), 0.2, 0.03)
    for _ in range(rng.integers(0, 6)):
        size = rng.uniform(0.03, 0.2)
        what = surface(rng, "strong", "white", "grey", "measured", "leaf", "hair")
        c.fill(c.blob(rng.random(), ground + rng.normal(0, 0.05), size, size * 0.6, 0.1), what, 0.3, 0.03)
    _things(c, int(rng.integers(0, 8)), 0.6)
    for _ in range(rng.integers(0, 3)):
        _person(c)


def _person(c: Canvas, size: float | None = None) -> None:
    rng = c.rng
    s = size or rng.uniform(0.04, 0.2)
    x, y = rng.uniform(0.1, 0.9), rng.uniform(0.3, 0.7)
    skin = surface(rng, "skin")
    c.fill(
        c.blob(x, y + 2.4 * s, 1.6 * s, 2.0 * s, 0.05),
        surface(rng, "grey", "white", "measured", "strong", "hair", "pastel"),
        0.25,
    )
    c.fill(c.blob(x, y - 0.25 * s, 0.75 * s, 1.15 * s, 0.08), surface(rng, "hair"), 0.3)
    c.fill(c.blob(x, y, 0.58 * s, 0.85 * s), skin, 0.2, 0.04)
    if rng.random() < 0.5:
        c.fill(c.blob(x + rng.normal(0, s), y + 2 * s, 0.5 * s, 0.35 * s, 0.1), skin, 0.2, 0.04)


def _portrait(c: Canvas) -> None:
    rng = c.rng
    back = surface(rng, "grey", "white", "cream", "strong", "leaf", "pastel", "haze", "wood", "measured", "hair")
    c.fill(np.ones_like(c.x), back, rng.uniform(0.03, 0.5), rng.uniform(0.01, 0.1))
    for _ in range(rng.integers(0, 4)):
        size = rng.uniform(0.05, 0.4)
        c.fill(
            c.blob(rng.random(), rng.random(), size, size, 0.2),
            surface(rng, "leaf", "haze", "strong", "wood", "grey"),
            0.2,
        )
    for _ in range(rng.integers(1, 3)):
        _person(c, rng.uniform(0.15, 0.6))


def _table(c: Canvas) -> None:
    """Food and things on a cloth, a board or paper."""
    rng = c.rng
    c.fill(np.ones_like(c.x), surface(rng, "wood", "white", "cream", "grey", "strong", "stone", "measured"), 0.2, 0.03)
    for _ in range(rng.integers(1, 7)):
        x, y, size = *rng.random(2), rng.uniform(0.08, 0.4)
        c.fill(c.blob(x, y, size, size), surface(rng, "white", "white", "grey", "cream", "pastel"), 0.05, 0.01)
        for _ in range(rng.integers(1, 7)):
            a, b = rng.normal(0, size / 2.5, 2)
            what = surface(rng, "food", "food", "leaf", "cream", "strong", "measured")
            c.fill(
                c.blob(x + a, y + b, size * rng.uniform(0.1, 0.5), size * rng.uniform(0.1, 0.5), 0.2), what, 0.35, 0.06
            )


def _collage(c: Canvas) -> None:
    """Anything on anything: a few colours, of all sizes."""
    rng = c.rng
    palette = [surface(rng, *_KINDS, "measured", "measured", "measured", "grey") for _ in range(rng.integers(1, 10))]
    sharpness = rng.uniform(-2.5, -0.7)
    for _ in range(rng.integers(2, 40)):
        size = math.exp(rng.normal(sharpness, 0.7))
        x, y = rng.random(2)
        mask = c.blob(x, y, size, size * rng.uniform(0.4, 2), rng.uniform(0, 0.4))
        if rng.random() < 0.4:
            mask = c.box(x - size, y - size, x + size, y + size * rng.random())
        c.fill(
            mask, palette[rng.integers(len(palette))] * rng.uniform(0.5, 1.3), rng.uniform(0, 0.5), rng.uniform(0, 0.08)
        )


def _things(c: Canvas, count: int, around: float) -> None:
    for _ in range(count):
        size = c.rng.uniform(0.01, 0.12)
        mask = c.blob(c.rng.random(), around + c.rng.normal(0, 0.2), size, size * c.rng.uniform(0.5, 2), 0.1)
        c.fill(mask, surface(c.rng, "measured", "strong", "white", "grey", "pastel"), 0.2, 0.03)


_PLACES: dict[Callable[[Canvas], None], float] = {
    _landscape: 0.2,
    _wood: 0.12,
    _room: 0.2,
    _street: 0.14,
    _portrait: 0.12,
    _table: 0.1,
    _collage: 0.12,
}


def place(rng: Random) -> Array:
    """A thumbnail (3, 48, 64) of some place."""
    c = Canvas(rng, surface(rng, *_KINDS, "measured"))
    list(_PLACES)[int(rng.choice(len(_PLACES), p=[*_PLACES.values()]))](c)
    c.shade(rng.uniform(0, 2.5))
    if rng.random() < 0.5:
        c.glints(int(rng.integers(1, 12)))
    return c.thumbnail()
