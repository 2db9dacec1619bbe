"""Thumbnails of places that do not exist: rooms, streets, landscapes, woods, portraits, tables, still lifes.

They are there for their colours alone, for a network that judges the light: how large which surfaces are, what is white,
what is warm, where it is bright.  A thumbnail is (3, 48, 64), linear sRGB under a white light, 1.0 = perfect white;
lamps, skies and highlights may lie above.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from modisp.simulate.canvas import KINDS, SIZE, Array, Canvas, Random, surface
from modisp.simulate.places_more import MORE, OUTDOORS, bounce, person, shadows, sky

__all__ = ["SIZE", "place"]


def _landscape(c: Canvas) -> None:
    rng = c.rng
    horizon = rng.uniform(0.15, 0.75)
    sky(c, horizon)
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
        person(c)


def _street(c: Canvas) -> None:
    rng = c.rng
    sky(c, 1.0)
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
        person(c)


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
        person(c, rng.uniform(0.15, 0.6))


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
    palette = [surface(rng, *KINDS, "measured", "measured", "measured", "grey") for _ in range(rng.integers(1, 10))]
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
    _landscape: 0.11,
    _wood: 0.07,
    _room: 0.13,
    _street: 0.09,
    _portrait: 0.08,
    _table: 0.06,
    _collage: 0.08,
    **{paint: 0.38 * share for paint, share in MORE.items()},
}
_OUTDOORS = (_landscape, _wood, _street, *OUTDOORS)


def place(rng: Random) -> Array:
    """A thumbnail (3, 48, 64) of some place."""
    c = Canvas(rng, surface(rng, *KINDS, "measured"))
    paint = list(_PLACES)[int(rng.choice(len(_PLACES), p=[*_PLACES.values()]))]
    paint(c)
    if rng.random() < 0.4:
        (shadows if paint in _OUTDOORS else bounce)(c)
    c.shade(rng.uniform(0, 2.5))
    if rng.random() < 0.5:
        c.glints(int(rng.integers(1, 12)))
    return c.thumbnail()
