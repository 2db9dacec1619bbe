"""A still life by a window: fruit, glass, brass, cloth, print and a colour card, a daylit window and a lit lamp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from modisp.simulate.props import colour_card, face, rod
from modisp.simulate.render import View, World, render
from modisp.simulate.shapes import Box, Cluster, Lathe, Material, Rect, Shape, Sphere, turn
from modisp.simulate.textures import (
    drawn,
    fbm,
    letters,
    mix,
    mottled,
    noise,
    peel,
    srgb,
    weave,
    wood,
)

F = NDArray[np.float32]


def _spine(title: str, paper: str, ink: str, length: int = 1400, height: int = 190) -> F:
    image = Image.new("RGB", (length, height), paper)
    draw = ImageDraw.Draw(image)
    for x in (60, 84, length - 84, length - 60):
        draw.line([x, 0, x, height], fill=ink, width=6)
    letters(draw, (length / 2, height / 2), title, 92, ink)
    return drawn(image)


def _poster() -> F:
    image = Image.new("RGB", (900, 1200), "#efe9dc")
    draw = ImageDraw.Draw(image)
    draw.ellipse([250, 150, 650, 550], fill="#d9572b")
    draw.rectangle([100, 520, 800, 640], fill="#1f3f5b")
    draw.polygon([(100, 640), (330, 400), (520, 640)], fill="#2f6f6a")
    draw.polygon([(360, 640), (600, 350), (800, 640)], fill="#18324a")
    letters(draw, (450, 760), "LIGHT & GLASS", 92, "#1c1c1c")
    for i, line in enumerate(
        ("every photon is counted once,", "then given a name and a colour,", "and kept until it is needed")
    ):
        letters(draw, (450, 880 + 56 * i), line, 42, "#333333")
    letters(draw, (450, 1130), "MOSAIC · CAMERA · SCENE · DISPLAY", 34, "#7a2f1c")
    return drawn(image)


def _outside(p: F, n: F) -> F:
    # what the window shows: bright sky above, a hedge below; brightest near the top
    h = np.clip(p[1] / 6 + 0.5, 0, 1)
    sky = mix((11, 11.5, 12), (7.5, 9.5, 13.5), h)
    tree = fbm(np.stack([p[0], p[1], 0 * p[0]]).astype(np.float32), 1.6, 5, 9) * 0.35 + 0.12
    leaf = mix((0.5, 0.8, 0.25), (2.4, 3.2, 0.9), fbm(p * np.float32(1.0), 0.35, 3, 4))
    return np.where(h < tree, leaf, sky).astype(np.float32)


def _book(
    title: str, paper: str, ink: str, at: tuple[float, float, float], yaw: float, half: tuple[float, float, float]
) -> list[Shape]:
    cover = Material(paint=face(_spine(title, paper, ink), (2 * half[0], 2 * half[1]), srgb(paper)), rough=0.5)

    def leaves(p: F, n: F) -> F:
        return mix(
            (0.62, 0.56, 0.45), (0.86, 0.81, 0.70), noise(p * np.array([[0.3], [60], [0.3]], np.float32), 1.0, 6)
        )

    t = turn(yaw)
    pages = (half[0] - 0.06, half[1] - 0.06, half[2] - 0.04)
    inner = t @ np.array([0.10, 0, -0.10], np.float32)
    at_pages = (at[0] + float(inner[0]), at[1], at[2] + float(inner[2]))
    lid = (half[0], 0.05, half[2])
    return [
        Box(material=cover, at=(at[0], at[1] + half[1] - 0.05, at[2]), axes=t, half=lid),
        Box(material=cover, at=(at[0], at[1] - half[1] + 0.05, at[2]), axes=t, half=lid),
        Box(material=Material(paint=leaves), at=at_pages, axes=t, half=pages),
        Box(
            material=cover,
            at=tuple(float(v) for v in np.array(at) + t @ np.array([0, 0, half[2] - 0.04])),  # type: ignore[arg-type]
            axes=t,
            half=(half[0], half[1], 0.05),
        ),
    ]


def _fruit(p0: tuple[tuple[float, float], ...], size: float) -> tuple[tuple[float, float], ...]:
    # a smooth profile through a few points (Catmull-Rom, 4 steps each)
    pts = np.array(p0, np.float64) * size
    ext = np.concatenate([pts[:1] * 2 - pts[1:2], pts, pts[-1:] * 2 - pts[-2:-1]])
    out = []
    for i in range(1, len(ext) - 2):
        a, b, c, d = ext[i - 1 : i + 3]
        for s in np.linspace(0, 1, 4, endpoint=False):
            q = 0.5 * (2 * b + (c - a) * s + (2 * a - 5 * b + 4 * c - d) * s**2 + (3 * b - a - 3 * c + d) * s**3)
            out.append((max(0.0, float(q[0])), float(q[1])))
    return (*out, (float(pts[-1, 0]), float(pts[-1, 1])))


APPLE = _fruit(
    ((0, 0.1), (0.35, 0.0), (0.8, 0.3), (1.0, 0.9), (0.85, 1.5), (0.45, 1.72), (0.12, 1.6), (0.0, 1.45)), 0.8
)
PEAR = _fruit(
    ((0, 0.05), (0.5, 0.0), (0.95, 0.45), (0.95, 1.0), (0.62, 1.6), (0.42, 2.1), (0.25, 2.4), (0, 2.45)), 0.78
)
VASE = _fruit(
    ((0, 0), (0.7, 0), (0.95, 0.25), (1.25, 1.1), (1.1, 1.9), (0.55, 2.5), (0.42, 2.9), (0.6, 3.2), (0.52, 3.2)), 1.0
)
BOWL = _fruit(
    ((0, 0), (0.8, 0.0), (0.9, 0.12), (1.7, 0.6), (2.15, 1.2), (2.08, 1.22), (1.6, 0.72), (0.8, 0.28), (0, 0.25)), 1.0
)
STAND = _fruit(((0, 0), (0.9, 0), (0.95, 0.1), (0.3, 0.25), (0.13, 0.6), (0.12, 2.2), (0.26, 2.5), (0.3, 2.75)), 1.0)
POT = ((0.0, 0.0), (0.62, 0.0), (0.85, 1.15), (0.95, 1.15), (0.95, 1.5), (0.85, 1.5), (0.8, 1.2), (0.0, 1.2))


def _streaks(a: str, b: str, seed: int):  # type: ignore[no-untyped-def]
    def paint(p: F, n: F) -> F:
        angle = np.arctan2(p[2], p[0])
        q = np.stack([np.cos(angle) * 3, p[1] * 0.6, np.sin(angle) * 3]).astype(np.float32)
        t = fbm(q, 0.5, 4, seed) * 1.4 + 0.35 * n[0] - 0.25
        dots = noise(p, 0.06, seed + 1) > 0.86
        return np.where(dots, mix(srgb(a), srgb(b), t) * 0.6 + 0.25, mix(srgb(a), srgb(b), t))

    return paint


def world() -> World:
    """The scene; the table top is y = 0, one unit is ten centimetres."""
    glaze = Material(
        paint=lambda p, n: mix(
            srgb("#16407a"), srgb("#6fa9c9"), (fbm(p, 0.9, 5, 11) - 0.4) * 2.2 + np.clip(p[1] - 2.4, 0, 1)
        ),
        rough=0.12,
        f0=0.05,
    )
    brass = Material(paint=(0.83, 0.60, 0.24), rough=0.28, metal=True)
    orange = Material(paint=mottled(srgb("#e8760c"), srgb("#f59a1f"), 0.5), rough=0.35, bump=peel(0.05, 0.45))
    lemon = Material(paint=mottled(srgb("#e9c51a"), srgb("#f6e04a"), 0.4, 1), rough=0.35, bump=peel(0.06, 0.35))
    apple = Material(paint=_streaks("#a80f18", "#d96a2a", 1), rough=0.22)
    green = Material(paint=_streaks("#6f8f20", "#b9c04a", 4), rough=0.25)
    peach = Material(
        paint=lambda p, n: mix(srgb("#efb878"), srgb("#b8392f"), fbm(p, 0.6, 5, 8) * 2.4 - 0.95 + 0.45 * n[0]),
        rough=1.0,
        bump=peel(0.02, 0.15),
    )
    plum = Material(paint=mottled(srgb("#3a1d44"), srgb("#6a4a86"), 0.4, 6), rough=0.4)
    clay = Material(paint=mottled(srgb("#b0603c"), srgb("#c8845c"), 0.35, 2), bump=peel(0.08, 0.2))
    plaster = Material(paint=mottled((0.50, 0.47, 0.42), (0.60, 0.57, 0.51), 2.5, 12), bump=peel(0.35, 0.10))
    table = Material(paint=wood((0.09, 0.045, 0.02), (0.42, 0.25, 0.12), 2.6), rough=0.42)
    cloth = Material(
        paint=lambda p, n: np.where(
            (np.abs(np.abs(p[1]) - 1.55) < 0.16) | (np.abs(np.abs(p[1]) - 1.2) < 0.05),
            np.array(srgb("#2f5f8a"), np.float32)[:, None],
            mix((0.62, 0.58, 0.50), (0.74, 0.70, 0.62), noise(p, 0.1, 3)),
        ),
        bump=weave(0.055),
    )
    stem = Material(paint=srgb("#3b5a2c"), rough=0.6)
    billy = Material(paint=mottled(srgb("#e0a90a"), srgb("#f7d23a"), 0.08, 3), bump=peel(0.07, 0.9))
    card = Material(paint=face(colour_card(), (2.88, 2.1), (0.02, 0.02, 0.02)), rough=0.7)
    print_ = Material(paint=face(_poster(), (2.7, 3.6), srgb("#3a2a1c")), rough=1.0)
    frame = Material(paint=wood((0.05, 0.03, 0.015), (0.2, 0.12, 0.06), 9), rough=0.4)
    white = Material(paint=(0.72, 0.70, 0.66), rough=0.5)
    glass = Material(paint=(0.985, 0.995, 0.99), f0=0.04, rough=0.0, glass=True)
    tinted = Material(paint=(0.72, 0.90, 0.80), f0=0.04, rough=0.0, glass=True)
    books: list[Shape] = [
        *_book("A FIELD GUIDE TO LIGHT", "#7c1f24", "#e8c878", (2.0, 0.32, -1.5), -8, (2.2, 0.32, 1.3)),
        *_book("ON GRAIN AND SILVER", "#1f3b35", "#d9d3b8", (2.1, 0.88, -1.55), 5, (2.0, 0.24, 1.2)),
    ]
    fruit: list[Shape] = [
        Lathe(
            material=Material(paint=mottled((0.66, 0.64, 0.58), (0.74, 0.72, 0.66), 0.5), rough=0.25),
            at=(-0.6, 0, 0.4),
            profile=BOWL,
        ),
        Sphere(material=orange, at=(-1.35, 1.15, 0.55), radius=0.82),
        Sphere(material=orange, at=(0.25, 1.12, 0.15), radius=0.8),
        Sphere(material=orange, at=(-0.6, 1.2, -0.5), radius=0.8),
        Sphere(material=lemon, at=(-0.45, 1.15, 1.15), radius=0.7),
        Sphere(material=peach, at=(-0.55, 1.95, 0.2), radius=0.72),
    ]
    shapes: list[Shape] = [
        Box(material=table, at=(0, -0.25, 0), half=(11, 0.25, 5.2)),
        Rect(material=plaster, at=(0, 3, -6.2), size=(40, 24)),
        Rect(material=plaster, at=(-7.5, 3, 0), axes=turn(90), size=(40, 24)),
        Rect(material=Material(paint=(0.25, 0.2, 0.16)), at=(0, -8, 0), axes=turn(0, -90), size=(60, 60)),
        # window in the left wall and its bars
        Rect(
            material=Material(paint=(0, 0, 0), emit=_outside),
            at=(-7.4, 4.6, -1.2),
            axes=turn(90),
            size=(6.4, 6.4),
            light=True,
        ),
        *(Box(material=white, at=(-7.3, 4.6, z), half=(0.12, 3.3, 0.1)) for z in (-4.4, -1.2, 2.0)),
        *(Box(material=white, at=(-7.3, y, -1.2), half=(0.12, 0.1, 3.3)) for y in (1.4, 4.6, 7.8)),
        Box(material=white, at=(-7.1, 1.2, -1.2), half=(0.5, 0.12, 3.7)),
        # lamp
        Lathe(material=brass, at=(4.2, 0.0, -2.6), profile=STAND),
        Sphere(
            material=Material(paint=(0, 0, 0), emit=(17.0, 10.2, 4.3)), at=(4.2, 3.55, -2.6), radius=0.95, light=True
        ),
        # picture on the wall
        Box(material=frame, at=(0.7, 5.0, -6.12), half=(1.58, 2.03, 0.06)),
        Box(material=print_, at=(0.7, 5.0, -6.05), half=(1.35, 1.8, 0.02)),
        # vase and its flowers
        Lathe(material=glaze, at=(-2.5, 0, -2.0), profile=VASE),
        # on the cloth
        Rect(material=cloth, at=(-0.4, 0.012, 1.0), axes=turn(4, -90), size=(13, 4.6)),
        Lathe(material=apple, at=(-3.55, 0.0, 1.5), axes=turn(30, 6), profile=APPLE),
        Lathe(material=green, at=(1.55, 0.62, 2.5), axes=turn(-25, 8, 74), profile=PEAR),
        Sphere(material=plum, at=(-2.35, 0.5, 2.5), radius=0.5),
        Sphere(material=plum, at=(-1.5, 0.45, 3.0), radius=0.45),
        Sphere(material=peach, at=(2.75, 0.62, 1.9), radius=0.62),
        Sphere(material=glass, at=(0.2, 0.55, 3.1), radius=0.55, passes=0.75),
        Sphere(material=tinted, at=(3.9, 0.42, 2.9), radius=0.42, passes=0.7),
        Lathe(material=clay, at=(-4.9, 0, -0.6), profile=POT, smooth=False),
        Box(material=card, at=(4.3, 1.08, 0.35), axes=turn(-22, -12), half=(1.44, 1.05, 0.04)),
    ]
    rng = np.random.default_rng(5)
    flowers: list[Shape] = []
    for _ in range(11):
        a, lean, up = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 1.1), rng.uniform(1.6, 2.9)
        foot, head = (
            np.array([-2.5, 2.9, -2.0]),
            np.array([-2.5 + lean * np.cos(a), 3.0 + up, -2.0 + lean * np.sin(a) * 0.7]),
        )
        flowers.append(rod(stem, foot, head, 0.035))
        flowers.append(Sphere(material=billy, at=_point(head), radius=float(rng.uniform(0.22, 0.32))))
    buds: list[Shape] = []
    leaf = Material(paint=mottled(srgb("#37652c"), srgb("#7d9a3f"), 0.2), rough=0.5)
    for _ in range(9):
        a, lean, up = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.9), rng.uniform(0.6, 1.6)
        foot = np.array([-4.9, 1.1, -0.6])
        head = foot + np.array([lean * np.cos(a), up, lean * np.sin(a)])
        buds.append(rod(stem, foot, head, 0.045))
        buds.append(Sphere(material=leaf, at=_point(head), radius=0.2))
    groups = (
        Cluster((-2.5, 4.5, -2.0), 2.2, tuple(flowers)),
        Cluster((-4.9, 1.9, -0.6), 1.6, tuple(buds)),
        Cluster((2.05, 0.6, -1.5), 2.7, tuple(books)),
        Cluster((-0.6, 1.25, 0.3), 2.3, tuple(fruit)),
    )
    return World(shapes, lambda d: np.full_like(d, 0.10), groups)


def _point(v: F) -> tuple[float, float, float]:
    return float(v[0]), float(v[1]), float(v[2])


VIEW = View(eye=(0.9, 4.7, 14.8), target=(-0.15, 2.25, 0.0), fov=31.0, lens=0.05, focus=15.0)


def still_life(height: int, width: int, samples: int = 12, seed: int = 1) -> F:
    """Radiance (3, height, width), linear Rec.2020."""
    return render(world(), VIEW, height, width, samples, seed, depth=4)
