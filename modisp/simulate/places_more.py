"""More places: the sea, snow, night, crowds, markets, flowers, animals, cloth, and parts of one thing alone.

These are the ones that closed forms judge worst: of one colour, without white, or with lights in them (see `places`).
"""

from __future__ import annotations

import math

import numpy as np

from modisp.simulate.canvas import KINDS, Array, Canvas, surface


def sky(c: Canvas, horizon: float) -> None:
    """Above the horizon: blue, hazy or of dusk, with clouds or without."""
    rng = c.rng
    above = np.asarray(c.y < horizon, dtype=np.float64)
    kind = rng.choice(["sky", "haze", "dusk"], p=(0.55, 0.3, 0.15))
    top, low = surface(rng, kind), surface(rng, "haze", kind)
    t = np.clip(c.y / max(horizon, 0.05), 0, 1)[..., None] ** rng.uniform(0.6, 2)
    c.pixels = np.where(above[..., None] > 0, top * (1 - t) + low * t, c.pixels)
    if rng.random() < 0.6:  # clouds
        cover = 1 / (1 + np.exp(-4 * (c.noise(1.6) - rng.uniform(-1, 1.5))))
        c.fill(above * cover, surface(rng, "haze", "snow") * rng.uniform(0.5, 1.6), 0.25, 0.02)


def person(c: Canvas, size: float | None = None) -> None:
    """Head, hair, clothes, perhaps hands."""
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


def soft(field: Array, sharp: float) -> Array:
    """A mask of where a field is above 0."""
    return np.asarray(1 / (1 + np.exp(-sharp * field)))


def sea(c: Canvas) -> None:
    """Water to the horizon, perhaps a beach, foam, sails."""
    rng = c.rng
    horizon = rng.uniform(-0.1, 0.6)
    sky(c, horizon)
    near, far = surface(rng, "water", "sky"), surface(rng, "water", "sky", "haze")
    t = np.clip((c.y - horizon) / max(0.1, 1 - horizon), 0, 1)[..., None]
    c.fill((c.y >= horizon) * 1.0, far * (1 - t) + near * t, rng.uniform(0.05, 0.5), 0.04)
    if rng.random() < 0.5:
        foam = soft(c.noise(1.0) - rng.uniform(0.8, 2), 6) * (c.y > horizon)
        c.fill(foam, surface(rng, "snow", "white"), 0.1, 0.01)
    if rng.random() < 0.5:
        c.fill(
            (c.y > rng.uniform(horizon, 1.1) + 0.05 * c.noise(1.8)) * 1.0, surface(rng, "sand", "stone", "soil"), 0.3
        )
    for _ in range(rng.integers(0, 6)):
        w, h = rng.uniform(0.01, 0.12, 2)
        c.fill(
            c.blob(rng.random(), rng.uniform(horizon, 1), w, h, 0.1), surface(rng, "white", "strong", "stone", "wood")
        )
    for _ in range(rng.integers(0, 3)):
        person(c, rng.uniform(0.02, 0.1))


def near(c: Canvas) -> None:
    """A part of one thing, in its own shades, soft behind and perhaps with something small on it."""
    rng = c.rng
    own = surface(rng, *KINDS, "measured", "strong", "leaf", "wood", "cream")
    c.fill(np.ones_like(c.x), own, rng.uniform(0.03, 0.6), rng.uniform(0.0, 0.08))
    for _ in range(rng.integers(0, 5)):
        other = own * np.exp(rng.normal(0, (0.08, 0.02, 0.12))) * 2 ** rng.normal(0, 0.8)
        c.fill(soft(c.noise(rng.uniform(0.8, 1.8)) - rng.uniform(-1, 1.5), 4), other, 0.2, 0.03)
    if rng.random() < 0.5:
        size, (x, y) = rng.uniform(0.02, 0.3), rng.random(2)
        c.fill(c.blob(float(x), float(y), size, size, 0.15), surface(rng, *KINDS, "measured"), 0.3, 0.05)


def snow(c: Canvas) -> None:
    """Snow with blue shadows, trees and rocks in it."""
    rng = c.rng
    horizon = rng.uniform(-0.1, 0.6)
    sky(c, horizon)
    white = surface(rng, "snow")
    c.fill((c.y >= horizon) * 1.0, white, 0.1, 0.01)
    cool = np.exp([-rng.uniform(0.05, 0.3), 0.0, rng.uniform(0.05, 0.35)]) * 2 ** -rng.uniform(0.5, 2)
    c.fill(soft(c.noise(1.6) - rng.uniform(-0.5, 1), 5) * (c.y >= horizon), white * cool, 0.1, 0.01)
    for _ in range(rng.integers(0, 9)):
        w, h = rng.uniform(0.01, 0.15, 2)
        what = surface(rng, "leaf", "wood", "stone", "hair", "soil", "brick")
        c.fill(c.blob(rng.random(), rng.uniform(max(0, horizon), 1), w, h, 0.3), what, 0.4)
    if rng.random() < 0.3:
        person(c)


def night(c: Canvas) -> None:
    """Dark, with windows, signs and lamps; what they light is theirs, what is white is lit by the scene's own light."""
    rng = c.rng
    c.fill(np.ones_like(c.x), surface(rng, "grey", "hair", "stone", "dusk") * rng.uniform(0.05, 0.5), 0.4, 0.05)
    for _ in range(rng.integers(2, 10)):
        x, y, w, h = rng.random(), rng.random(), *rng.uniform(0.03, 0.4, 2)
        what = surface(rng, "stone", "brick", "cream", "grey", "white", "wood", "leaf")
        c.fill(c.box(x - w, y - h, x + w, y + h), what * rng.uniform(0.1, 1), 0.4, 0.05)
    for _ in range(rng.integers(2, 16)):
        x, y, w, h = rng.random(), rng.random(), *rng.uniform(0.005, 0.06, 2)
        lamp = np.exp([rng.normal(0.1, 0.35), 0.0, rng.normal(-0.2, 0.5)]) * 2 ** rng.uniform(-1, 3)
        around = np.exp(-np.hypot(c.x - x, c.y - y) / rng.uniform(0.03, 0.15))[..., None]
        c.pixels = c.pixels * (1 + around * lamp * rng.uniform(0, 1.5))
        c.fill(c.box(x - w, y - h, x + w, y + h), lamp if rng.random() < 0.6 else surface(rng, "strong") * 4, 0.1)
    for _ in range(rng.integers(0, 3)):
        person(c)


def crowd(c: Canvas) -> None:
    """Many people, few of whom wear white."""
    rng = c.rng
    if rng.random() < 0.5:
        sky(c, rng.uniform(0, 0.5))
    size = rng.uniform(0.03, 0.12)
    for _ in range(rng.integers(6, 20)):
        person(c, size * rng.uniform(0.7, 1.4))


def market(c: Canvas) -> None:
    """Heaps of things of a colour each, in rows."""
    rng = c.rng
    c.fill(np.ones_like(c.x), surface(rng, "wood", "grey", "stone", "cream", "white", "soil"), 0.2)
    rows, columns = int(rng.integers(1, 5)), int(rng.integers(2, 7))
    for i in range(rows):
        for j in range(columns):
            colour = surface(rng, "food", "strong", "leaf", "measured", "measured", "white", "pastel")
            x, y = (j + rng.random()) / columns, (i + rng.random()) / rows
            mask = c.blob(x, y, 0.6 / columns, 0.55 / rows, rng.uniform(0, 0.5))
            c.fill(mask, colour, rng.uniform(0.1, 0.6), rng.uniform(0.01, 0.1))
    for _ in range(rng.integers(0, 3)):
        person(c)


def flowers(c: Canvas) -> None:
    """Leaves, and flowers of one to three colours."""
    rng = c.rng
    leaf = surface(rng, "leaf")
    c.fill(np.ones_like(c.x), leaf, 0.6, 0.08)
    c.fill(soft(c.noise() - rng.uniform(-0.5, 1), 5), surface(rng, "leaf", "soil", "straw"), 0.5, 0.08)
    for _ in range(rng.integers(1, 4)):
        colour = surface(rng, "strong", "strong", "white", "pastel", "food")
        many = soft(c.noise(rng.uniform(0.5, 1.2)) - rng.uniform(0, 1.8), 8)
        c.fill(many, colour, 0.4, 0.08)
    if rng.random() < 0.3:
        sky(c, rng.uniform(0, 0.4))


def animal(c: Canvas) -> None:
    """Fur or feathers on grass, straw, snow or a carpet."""
    rng = c.rng
    c.fill(
        np.ones_like(c.x), surface(rng, "leaf", "straw", "soil", "snow", "stone", "water", "strong", "wood"), 0.5, 0.06
    )
    fur = surface(rng, "hair", "cream", "soil", "grey", "white", "straw", "wood")
    size, (x, y) = rng.uniform(0.15, 0.6), rng.uniform(0.3, 0.7, 2)
    c.fill(c.blob(x, y, size, 0.7 * size, 0.1), fur, 0.4, 0.04)
    c.fill(c.blob(x + size * 0.8, y - size * 0.4, size * 0.4, size * 0.4, 0.1), fur * rng.uniform(0.5, 1.5), 0.4, 0.04)
    if rng.random() < 0.5:
        patch = c.blob(x, y, size, 0.7 * size) * soft(c.noise(1.4), 8)
        c.fill(patch, surface(rng, "hair", "white", "soil", "cream"), 0.3, 0.03)


def cloth(c: Canvas) -> None:
    """Stripes, checks and folds of a few dyes."""
    rng = c.rng
    dyes = [
        surface(rng, "strong", "measured", "pastel", "white", "grey", "cream", "hair")
        for _ in range(rng.integers(1, 5))
    ]
    c.fill(np.ones_like(c.x), dyes[0], 0.1, 0.01)
    a, width = rng.uniform(0, 2 * math.pi), rng.uniform(0.03, 0.3)
    for k, dye in enumerate(dyes[1:]):
        turned = a + (math.pi / 2 if k % 2 else 0.0)
        along = (c.x * math.cos(turned) + c.y * math.sin(turned)) / width + rng.random()
        c.fill((along % 1 < rng.uniform(0.1, 0.6)) * 1.0, dye, 0.1, 0.01)
    c.pixels = c.pixels * np.exp2(rng.uniform(0, 0.8) * c.noise(1.6))[..., None]


def shadows(c: Canvas) -> None:
    """Shade outdoors, which the blue sky lights."""
    rng = c.rng
    cool = np.exp([-rng.uniform(0.0, 0.25), 0.0, rng.uniform(0.0, 0.35)]) * 2 ** -rng.uniform(0.5, 3)
    mask = soft(c.noise(rng.uniform(0.9, 1.8)) - rng.uniform(-1, 1), rng.uniform(2, 12))[..., None]
    c.pixels = c.pixels * (1 - mask + mask * cool)


def bounce(c: Canvas) -> None:
    """Light that comes back from a wall, a floor or a lawn has its colour."""
    rng = c.rng
    wall = surface(rng, "cream", "wood", "strong", "brick", "leaf", "pastel")
    tint = (wall / wall.mean()) ** rng.uniform(0.1, 0.5)
    a = rng.uniform(0, 2 * math.pi)
    mask = soft((c.x - 0.5) * math.cos(a) + (c.y - 0.5) * math.sin(a), rng.uniform(2, 10))[..., None]
    c.pixels = c.pixels * (1 - mask + mask * tint)


MORE = {
    sea: 0.09,
    near: 0.17,
    snow: 0.06,
    night: 0.13,
    crowd: 0.1,
    market: 0.12,
    flowers: 0.1,
    animal: 0.1,
    cloth: 0.13,
}
"""How often each is painted among these."""
OUTDOORS = (sea, snow, crowd, flowers, animal)
