"""A weaver's table from above: cloth, yarn, spices in bowls, buttons, glass, print, a test target and a colour card."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from modisp.simulate.props import colour_card, face, rod
from modisp.simulate.render import View, World, render
from modisp.simulate.shapes import Box, Cluster, Lathe, Material, Paint, Rect, Shape, Sphere, turn
from modisp.simulate.textures import bumps, drawn, fbm, letters, mix, mottled, noise, peel, srgb, weave, wood

F = NDArray[np.float32]

DISH = ((0.0, 0.12), (0.78, 0.12), (0.92, 0.42), (1.0, 0.42), (0.86, 0.0), (0.0, 0.0))
BUTTON = ((0.0, 0.05), (0.17, 0.05), (0.2, 0.09), (0.25, 0.08), (0.26, 0.03), (0.22, 0.0), (0.0, 0.0))
SPOOL = ((0.0, 1.1), (0.42, 1.1), (0.42, 0.98), (0.31, 0.95), (0.31, 0.15), (0.42, 0.12), (0.42, 0.0), (0.0, 0.0))


def _target() -> F:
    """Lines of rising fineness, a star and small print, on white card."""
    image = Image.new("RGB", (1000, 1000), "#f2f1ec")
    draw = ImageDraw.Draw(image)
    for k in range(48):
        if k % 2 == 0:
            draw.pieslice([40, 40, 540, 540], k * 7.5, (k + 1) * 7.5, fill="#141414")
    x = 580.0
    for k in range(19):
        wide = 12.5 * 0.88**k
        for j in range(2):
            draw.rectangle([x + j * 2 * wide, 60, x + (j * 2 + 1) * wide - 1, 290], fill="#141414")
        x += 4 * wide
    y = 330.0
    for k in range(16):
        tall = 8 * 0.88**k
        for j in range(2):
            draw.rectangle([600, y + j * 2 * tall, 940, y + (j * 2 + 1) * tall - 1], fill="#141414")
        y += 4 * tall
    for k, size in enumerate((52, 42, 34, 27, 22, 18, 15)):
        y = 610 + sum((52, 42, 34, 27, 22, 18, 15)[:k]) * 1.5
        letters(draw, (500, y), "sphinx of black quartz, judge my vow", size, "#141414")
    for k in range(11):
        v = round(255 * (k / 10) ** 0.9)
        draw.rectangle([40 + k * 84, 920, 40 + k * 84 + 83, 975], fill=(v, v, v))
    return drawn(image)


def _label(title: str, sub: str, paper: str, ink: str) -> F:
    image = Image.new("RGB", (600, 300), paper)
    draw = ImageDraw.Draw(image)
    draw.rectangle([14, 14, 585, 285], outline=ink, width=6)
    letters(draw, (300, 115), title, 88, ink)
    letters(draw, (300, 215), sub, 40, ink)
    return drawn(image)


def _stripes(colours: tuple[str, ...], widths: tuple[float, ...], across: bool = False) -> Paint:
    """Woven bands; where `across`, a tartan of the same bands both ways."""
    bands = np.array([srgb(c) for c in colours], np.float32)
    edges = np.cumsum(widths)

    def band(x: F) -> F:
        return np.asarray(
            bands[np.searchsorted(edges, np.abs(x) % edges[-1], side="right").clip(0, len(bands) - 1)].T, np.float32
        )

    def paint(p: F, n: F) -> F:
        tone = 0.82 + 0.36 * noise(p, 0.045, 4)
        if not across:
            return band(p[0]) * tone
        twill = (np.floor(p[0] / 0.05) + np.floor(p[1] / 0.05)) % 2
        return np.asarray(np.where(twill > 0, band(p[0]), band(p[1])) * tone, np.float32)

    return paint


def _yarn(colour: str, seed: int) -> Material:
    """Thread wound in great circles of a few directions, patch by patch."""
    rng = np.random.default_rng(seed)
    poles = rng.normal(size=(5, 3))
    poles = (poles / np.linalg.norm(poles, axis=1, keepdims=True)).astype(np.float32)
    base = srgb(colour)
    dark = (base[0] * 0.35, base[1] * 0.35, base[2] * 0.35)

    def strand(p: F) -> F:
        q = p / np.sqrt(np.maximum((p * p).sum(0), 1e-9))
        patch = np.stack([np.sin(3.1 * (q * w[:, None]).sum(0) + 2 * k) for k, w in enumerate(poles[::-1])]).argmax(0)
        along = (q * poles[patch].T).sum(0)
        return np.asarray(np.abs(np.sin(along * 34 + 1.5 * fbm(q.astype(np.float32), 0.4, 2, seed))), np.float32)

    return Material(
        paint=lambda p, n: mix(dark, base, strand(p) ** 0.7) * (0.75 + 0.5 * noise(p, 0.03, seed)),
        bump=bumps(lambda p: strand(p) * np.float32(0.05), 0.012, 0.55),
    )


def _heap(radius: float, height: float) -> tuple[tuple[float, float], ...]:
    r = np.linspace(0, 1, 7)
    return tuple((float(radius * a), float(0.13 + height * (1 - a**1.7))) for a in r)


def _swatch(
    paint: Paint, at: tuple[float, float], yaw: float, size: tuple[float, float], thread: float, lift: float
) -> Shape:
    cloth = Material(paint=paint, bump=weave(thread, 0.4))
    return Box(material=cloth, at=(at[0], lift, at[1]), axes=turn(yaw, -90), half=(size[0] / 2, size[1] / 2, 0.022))


def world() -> World:
    """The scene; the table is y = 0, x goes right and z down the picture; one unit is about four centimetres."""
    oak = Material(paint=wood((0.10, 0.055, 0.028), (0.40, 0.25, 0.135), 2.9, seed=8), rough=0.5)
    ware = Material(paint=mottled((0.60, 0.58, 0.53), (0.72, 0.70, 0.65), 0.3, 5), rough=0.22)
    shapes: list[Shape] = [
        Box(material=oak, at=(0, -0.5, 0), axes=turn(90), half=(14, 0.5, 9)),
        # a tall window left, out of the picture, and a weak warm ceiling
        Rect(
            material=Material(paint=(0, 0, 0), emit=(8.2, 8.5, 8.9)),
            at=(-11, 7.5, -3),
            axes=turn(72, 35),
            size=(8, 7),
            light=True,
        ),
        Rect(
            material=Material(paint=(0, 0, 0), emit=(3.2, 2.5, 1.7)),
            at=(9, 10, 5),
            axes=turn(-120, 48),
            size=(3, 3),
            light=True,
        ),
        _swatch(
            _stripes(("#16324f", "#e9e2cf", "#b3272d", "#e9e2cf"), (0.5, 0.09, 0.16, 0.09)),
            (-2.7, -4.6),
            12,
            (4.4, 3.6),
            0.045,
            0.03,
        ),
        _swatch(
            _stripes(("#7a1420", "#123d2c", "#d8a72a", "#10243c"), (0.55, 0.42, 0.06, 0.30), True),
            (2.5, -1.9),
            -9,
            (4.2, 4.0),
            0.05,
            0.04,
        ),
        _swatch(_stripes(("#d9cdb4", "#cfc1a4"), (0.3, 0.3)), (-2.4, 3.9), -5, (4.6, 4.2), 0.06, 0.03),
        _swatch(_stripes(("#5d2a66", "#83449a", "#4a1f58"), (0.12, 0.06, 0.1)), (2.9, 5.6), 21, (3.2, 2.8), 0.04, 0.05),
        Box(
            material=Material(paint=face(colour_card(), (3.3, 2.4), (0.02, 0.02, 0.02)), rough=0.7),
            at=(-2.1, 0.09, 4.5),
            axes=turn(7, -90),
            half=(1.65, 1.2, 0.03),
        ),
        Box(
            material=Material(paint=face(_target(), (2.7, 2.7), (0.5, 0.5, 0.48))),
            at=(2.55, 0.11, -1.6),
            axes=turn(-4, -90),
            half=(1.35, 1.35, 0.02),
        ),
        Box(
            material=Material(
                paint=face(
                    _label("INDIGO", "dyed in wool · lot 7", "#ece3cd", "#27374d"), (1.9, 0.95), (0.6, 0.57, 0.5)
                )
            ),
            at=(-3.2, 0.08, -3.1),
            axes=turn(16, -90),
            half=(0.95, 0.475, 0.015),
        ),
    ]
    heaps = ("#c8740f", "#8f1d12", "#d9a514", "#6d7f2a", "#2b3f93")
    places = ((-0.3, -0.9), (-2.55, -0.95), (-1.35, 1.15), (-3.5, 1.3), (0.95, 2.0))
    dishes: list[Shape] = []
    for i, (colour, (x, z)) in enumerate(zip(heaps, places, strict=True)):
        c = srgb(colour)
        powder = Material(paint=mottled((c[0] * 0.7, c[1] * 0.7, c[2] * 0.7), c, 0.09, i), bump=peel(0.035, 0.9))
        dishes.append(Lathe(material=ware, at=(x, 0, z), profile=DISH))
        dishes.append(Lathe(material=powder, at=(x, 0, z), profile=_heap(0.84, 0.34)))
    balls: list[Shape] = [
        Sphere(material=_yarn("#c3272b", 1), at=(-2.6, 1.02, -5.2), radius=1.0),
        Sphere(material=_yarn("#1f6f78", 2), at=(-0.7, 0.84, -5.6), radius=0.82),
        Sphere(material=_yarn("#e2a227", 3), at=(-1.15, 0.72, -3.75), radius=0.70),
        Sphere(material=_yarn("#e8dfcd", 4), at=(3.0, 0.92, 4.9), radius=0.88),
        Sphere(material=_yarn("#b04a7c", 5), at=(1.5, 0.74, 6.1), radius=0.70),
    ]
    glass = Material(paint=(0.985, 0.99, 0.985), rough=0, glass=True)
    aqua = Material(paint=(0.55, 0.85, 0.92), rough=0, glass=True)
    ruby = Material(paint=(0.92, 0.25, 0.22), rough=0, glass=True)
    marbles: list[Shape] = [
        Sphere(material=glass, at=(1.95, 0.42, 1.05), radius=0.42, passes=0.75),
        Sphere(material=aqua, at=(2.75, 0.34, 1.55), radius=0.34, passes=0.6),
        Sphere(material=ruby, at=(2.15, 0.29, 2.0), radius=0.29, passes=0.45),
        Sphere(material=Material(paint=(0.92, 0.9, 0.86), rough=0.05, metal=True), at=(3.3, 0.32, 0.85), radius=0.32),
    ]
    rng = np.random.default_rng(12)
    buttons: list[Shape] = []
    for i, colour in enumerate(
        ("#b52a22", "#f0ead8", "#1d4f8c", "#e3b023", "#2c2a29", "#4f8f5b", "#d66f8e", "#efe9dc", "#7b4a2a")
    ):
        a = rng.uniform(-1.0, 1.0, 2)
        spot = (1.0 + 0.62 * (i % 3) + 0.12 * a[0], 0.0, 3.3 + 0.62 * (i // 3) + 0.12 * a[1])
        tilt = turn(float(rng.uniform(0, 360)), float(rng.uniform(-6, 6)))
        buttons.append(
            Lathe(
                material=Material(paint=srgb(colour), rough=0.2), at=(spot[0], 0.03, spot[2]), axes=tilt, profile=BUTTON
            )
        )
    spools: list[Shape] = []
    for i, colour in enumerate(("#d1451d", "#146b4a", "#2a3f9d", "#e6bd2e")):
        c = srgb(colour)

        def thread(p: F, n: F, c: tuple[float, float, float] = c) -> F:
            wound = (np.abs(p[1] - 0.55) < 0.41) & (np.sqrt(p[0] ** 2 + p[2] ** 2) < 0.4)
            line = 0.65 + 0.35 * np.abs(np.sin(p[1] * 70))
            return np.where(
                wound, np.array(c, np.float32)[:, None] * line, np.array([[0.50], [0.33], [0.18]], np.float32)
            )

        lying = turn(20 + 41 * i, 0, 90)
        spools.append(
            Lathe(
                material=Material(paint=thread, rough=0.6),
                at=(1.2 + 0.95 * i, 0.43, -5.55 + 0.35 * (i % 2)),
                axes=lying,
                profile=SPOOL,
                smooth=False,
            )
        )
    steel = Material(paint=(0.62, 0.61, 0.60), rough=0.25, metal=True)
    brass = Material(paint=(0.80, 0.58, 0.26), rough=0.3, metal=True)
    tools: list[Shape] = [
        rod(steel, np.array([0.1, 0.12, 3.6]), np.array([-0.5, 0.12, 6.9]), 0.045),
        rod(brass, np.array([0.45, 0.10, 3.4]), np.array([0.35, 0.10, 6.8]), 0.06),
    ]
    groups = (
        Cluster((-1.3, 0.3, 0.45), 3.9, tuple(dishes)),
        Cluster((2.55, 0.4, 1.4), 1.3, tuple(marbles)),
        Cluster((1.7, 0.1, 3.9), 1.3, tuple(buttons)),
        Cluster((2.6, 0.5, -5.4), 2.4, tuple(spools)),
        Cluster((0.0, 0.1, 5.2), 2.0, tuple(tools)),
    )
    return World([*shapes, *balls], lambda d: np.full_like(d, 0.16), groups)


VIEW = View(eye=(0.0, 21.0, 1.2), target=(0.0, 0.0, 0.15), fov=40.5, lens=0.05, focus=20.5, up=(0.0, 0.0, -1.0))


def workbench(height: int, width: int, samples: int = 16, seed: int = 3) -> F:
    """Radiance (3, height, width), linear Rec.2020; composed for upright pictures of 2 : 3."""
    return render(world(), VIEW, height, width, samples, seed, depth=4)
