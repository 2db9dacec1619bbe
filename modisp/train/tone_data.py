"""Pictures of scenes for the tone networks, and what teachers make of them.

Scenes come from panoramas of real light (perspective views), from photographs led back to scene light, from our own sample
files, and from two of those at once with a hard, irregular border and stops of light between them (windows, stage light,
a figure against the sky).  A fifth of the panoramas is held out: what is measured is measured on their views.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..color import spaces
from ..color.transfer import srgb_decode
from ..operators import tonecurve as tc
from ..operators import tonemap
from ..operators.toneview import SIDE
from ..resample import resize
from ..simulate.radiance import read_hdr
from ..teach import Teacher, finish
from . import data

EDGE = 288  # long edge of a training picture
PIXELS = 3000  # kept of each picture
LAMPS = 0.1  # share of pictures lit by coloured lamps
HELD = 5  # every so many-th panorama is held out


@dataclass
class Lesson:
    """One picture of a stock: what the network sees, some pixels, their places, and what each teacher made of them."""

    seen: Tensor  # (3, 128, 128) float16, EV-normalised scene light
    rgb: Tensor  # (3, PIXELS)
    at: Tensor  # (2, PIXELS)
    finished: Tensor  # (teachers, 3, PIXELS), linear display light


def square(scene: Tensor) -> Tensor:
    """A SCENE picture (3, H, W) as a network sees it: (3, 128, 128), averaged in linear light."""
    return resize(scene, (0.0, 0.0, float(scene.shape[2]), float(scene.shape[1])), (SIDE, SIDE))


def scene_light(encoded: Tensor, white: float) -> Tensor:
    """A finished photograph, sRGB-encoded (3, H, W), led back through a curve whose white lies at `white` EV."""
    linear = spaces.apply(spaces.between("srgb", "rec2020"), srgb_decode(encoded))
    y = tc.luma(linear.reshape(3, -1)).clamp(0, 1)
    ev = np.linspace(-16.0, white, 2000)
    back = np.interp(y.double().numpy(), tc.display(ev, white), ev)
    light = torch.from_numpy(tc.GREY * np.exp2(back)).float()
    return (linear.reshape(3, -1) * (light / y.clamp_min(1e-5))).view_as(linear).clamp_min(0)


@dataclass(frozen=True)
class Scenes:
    """What training pictures are drawn from; all linear Rec.2020."""

    panoramas: list[Tensor]
    photographs: list[Tensor]  # sRGB-encoded
    own: list[Tensor]

    @classmethod
    def open(cls, folder: Path, held: bool = False) -> Scenes:
        """Those of a data folder; `held`: the panoramas that training never sees, alone."""
        found = sorted((folder / "hdr").glob("*.hdr"))
        chosen = [p for i, p in enumerate(found) if (i % HELD == HELD - 1) == held]
        to = spaces.between("srgb", "rec2020")
        panoramas = [spaces.apply(to, read_hdr(p)).clamp_min(0) for p in chosen]
        if held:
            return cls(panoramas, [], [])
        photographs = [data.read(p) for p in sorted((folder / "photos" / "train").iterdir())]
        photographs = [data.reduce(p, max(p.shape[1:]) / 640) for p in photographs]
        return cls(panoramas, photographs, own_scenes())

    def draw(self, random: np.random.Generator, edge: int = EDGE) -> Tensor:
        """A picture (3, H, W), its long edge of so many pixels, at an exposure of its own."""
        picture = self._one(random, edge)
        if random.random() < 0.2 and self.photographs:
            picture = _joined(picture, self._one(random, edge), random)
        if random.random() < 0.5:
            picture = picture.flip(2)
        return _varied(picture, random)

    def _one(self, random: np.random.Generator, edge: int) -> Tensor:
        chance = random.random()
        if not self.photographs or chance < 0.6:
            panorama = self.panoramas[int(random.integers(len(self.panoramas)))]
            width = float(random.uniform(0.8, 1.9))
            pitch = float(np.clip(random.normal(0.0, 0.22), -0.7, 0.7))
            picture = data.view(panorama, float(random.uniform(0, 2 * math.pi)), pitch, width)
        elif chance < 0.93:
            encoded = self.photographs[int(random.integers(len(self.photographs)))]
            picture = scene_light(encoded, float(random.uniform(2.4, 5.0)))
        else:
            picture = self.own[int(random.integers(len(self.own)))]
        return _cut(picture, random, edge)


def own_scenes() -> list[Tensor]:
    """The sample files that are shipped, developed up to scene light."""
    from ..io import open_image
    from ..pipeline import develop
    from ..resources import path

    out = []
    for file in sorted((path("samples")).glob("*.dng")):
        scene = develop(open_image(file), until="SCENE").pixels
        h, w = scene.shape[1:]
        s = 640 / max(h, w)
        out.append(resize(scene, (0.0, 0.0, float(w), float(h)), (round(h * s), round(w * s))).clamp_min(0))
    return out


def _cut(picture: Tensor, random: np.random.Generator, edge: int) -> Tensor:
    """A part of a picture of some usual shape."""
    h, w = picture.shape[1:]
    shape = float(random.choice([1.0, 1.5, 1.5, 1.333, 1.778, 0.667, 0.75]))
    share = float(random.uniform(0.75, 1.0))
    ch, cw = (h * share, h * share * shape) if h * share * shape <= w else (w * share / shape, w * share)
    y, x = float(random.uniform(0, h - ch)), float(random.uniform(0, w - cw))
    s = edge / max(ch, cw)
    size = (max(16, round(ch * s)), max(16, round(cw * s)))
    if s > 1:
        rows, columns = slice(round(y), round(y + ch)), slice(round(x), round(x + cw))
        return data.from_roots(F.interpolate(data.roots(picture[None, :, rows, columns]), size, mode="bicubic")[0])
    return resize(picture, (x, y, cw, ch), size).clamp_min(0)


def _joined(a: Tensor, b: Tensor, random: np.random.Generator) -> Tensor:
    """Two scenes in one, a hard irregular border between them, one lit stops brighter."""
    h, w = a.shape[1:]
    b = F.interpolate(b[None], (h, w), mode="bilinear", align_corners=False)[0]
    cells = int(random.integers(2, 7))
    field = torch.from_numpy(random.normal(size=(1, 1, cells, cells))).float()
    mask = F.interpolate(field, (h, w), mode="bicubic", align_corners=False)[0, 0]
    fine = torch.from_numpy(random.normal(size=(1, 1, 24, 24))).float()
    mask = mask + float(random.uniform(0, 0.4)) * F.interpolate(fine, (h, w), mode="bicubic")[0, 0]
    if random.random() < 0.4:  # a window: straight bars
        bars = ((torch.arange(w) * cells // w) % 2)[None, :] + ((torch.arange(h) * cells // h) % 2)[:, None]
        mask = bars.float() - 0.5
    mask = (mask > 0).float()
    la, lb = (tonemap.stops(tc.luma(p.reshape(3, -1))).mean() for p in (a, b))
    ev = float(random.uniform(1.5, 8.0)) * float(random.choice([-1, 1]))
    return a * (1 - mask) + b * torch.exp2(la - lb + ev) * mask


def _varied(picture: Tensor, random: np.random.Generator) -> Tensor:
    """Another range, another white, a sensor that saturates: the same place on another day."""
    y = tc.luma(picture.reshape(3, -1)).view(picture.shape[1:]).clamp_min(1e-9)
    middle = y.log2().mean()
    picture = picture * torch.exp2((y.log2() - middle) * float(random.uniform(-0.18, 0.22)))
    white = torch.from_numpy(np.exp2(random.normal(0, 0.1, 3))).float().view(3, 1, 1)
    grey = tc.luma(picture.reshape(3, -1)).view(1, *picture.shape[1:])
    picture = grey + (picture * white - grey) * float(random.uniform(0.7, 1.25))
    if random.random() < LAMPS:
        picture = _lamps(picture, random)
    picture = picture * (tc.GREY / torch.exp2(middle)) * float(2 ** random.uniform(-2, 2))
    if random.random() < 0.45:
        level = torch.quantile(picture.amax(0).flatten()[::7], float(random.uniform(0.93, 1.0)))
        picture = torch.minimum(picture, level * float(2 ** random.uniform(0, 1.5)))
    return picture.clamp_min(0)


def _lamps(picture: Tensor, random: np.random.Generator) -> Tensor:
    """A stage's light: two or three strong colours, each over a part of the picture, soft or with an edge."""
    h, w = picture.shape[1:]
    light = torch.full((3, h, w), float(random.uniform(0.05, 0.6)))
    for _ in range(int(random.integers(2, 4))):
        hue = float(random.uniform(0, 2 * math.pi))
        colour = 0.5 + 0.5 * np.cos(hue - np.array([0.0, 2.1, 4.2]))
        colour = np.clip(colour, float(random.uniform(0.01, 0.3)), 1.0) * 2 ** random.uniform(-1.0, 3.0)
        field = torch.from_numpy(random.normal(size=(1, 1, 3, 3))).float()
        field = F.interpolate(field, (h, w), mode="bicubic", align_corners=False)[0, 0]
        field = torch.sigmoid(field * float(2 ** random.uniform(1, 6)))
        light = light + torch.from_numpy(colour).float().view(3, 1, 1) * field
    return picture * light


def lesson(scene: Tensor, teachers: Iterable[Teacher], random: np.random.Generator, pixels: int = PIXELS) -> Lesson:
    """What the network is to see of a picture, and what it is to make of some of its pixels."""
    h, w = scene.shape[1:]
    pick = torch.from_numpy(random.choice(h * w, min(pixels, h * w), replace=h * w < pixels))
    at = torch.stack([(pick % w + 0.5) / w, (pick // w + 0.5) / h])
    finished = torch.stack([finish(scene, t).reshape(3, -1)[:, pick] for t in teachers])
    return Lesson(square(scene), scene.reshape(3, -1)[:, pick], at.float(), finished)


def stock(
    folder: Path, teachers: Iterable[Teacher], count: int, kept: Path | None = None, seed: int = 0, edge: int = EDGE
) -> list[Lesson]:
    """`count` lessons, kept in the file `kept`; a stock that was begun is gone on with."""
    random_state = seed * 100003
    rows: list[Lesson] = []
    if kept and kept.exists():
        rows = [Lesson(*row) for row in torch.load(kept, weights_only=True)]
    scenes = Scenes.open(folder) if len(rows) < count else None
    chosen = list(teachers)
    while scenes and len(rows) < count:
        random = np.random.default_rng(random_state + len(rows))
        rows.append(lesson(scenes.draw(random, edge), chosen, random))
        if kept and (len(rows) % 100 == 0 or len(rows) == count):
            part = kept.with_suffix(".part")
            torch.save([(r.seen, r.rgb, r.at, r.finished) for r in rows], part)
            part.replace(kept)
    return rows[:count]


def read_scene(file: Path) -> list[Tensor]:
    """Pictures (3, H, W) of a file of scene light: views of a panorama, a Radiance picture, a RAW file; none of others."""
    from ..io import ImageError, open_image
    from ..pipeline import develop

    if file.suffix.lower() == ".hdr":
        light = spaces.apply(spaces.between("srgb", "rec2020"), read_hdr(file)).clamp_min(0)
        if light.shape[2] != 2 * light.shape[1]:
            return [light]
        return [data.view(light, turn, 0.05, 1.6) for turn in (0.0, 2.1, 4.2)]
    try:
        image = open_image(file)
    except ImageError:
        return []
    if not image.state.on_lattice:
        return []
    scene = develop(image, until="SCENE").pixels
    h, w = scene.shape[1:]
    s = min(1.0, 640 / max(h, w))
    return [resize(scene, (0.0, 0.0, float(w), float(h)), (round(h * s), round(w * s))).clamp_min(0)]


def held_out(folder: Path, views: int = 4) -> list[Tensor]:
    """Pictures (3, H, W) of the panoramas that training never sees, the same every time."""
    scenes = Scenes.open(folder, held=True)
    out = []
    for i, panorama in enumerate(scenes.panoramas):
        for k in range(views):
            picture = data.view(panorama, 0.9 * i + 2 * math.pi * k / views, (0.0, 0.15, -0.1, 0.05)[k % 4], 1.6)
            side = picture.shape[1]
            rows = slice(0, side) if k % 2 else slice(side // 6, side - side // 6)
            out.append(picture[:, rows].contiguous())
    return out
