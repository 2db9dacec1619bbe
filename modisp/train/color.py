"""The training of colour correction: cameras that might be, under lights of every family, with makers' matrices of every kind.

What is told is only what a file tells; what is true is known from spectra.  Half of the examples come with a photograph of
a chart under another light.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from modisp.color import spaces, white
from modisp.color.camera import Camera
from modisp.color.difference import lab, local_frame
from modisp.color.traits import HOMES, traits
from modisp.image import Metadata
from modisp.operators.chartfit import told_by_chart
from modisp.operators.rational import terms
from modisp.simulate import (
    charts,
    spectra,
    world,
    world_lights,
    world_makers,
    world_surfaces,
)

PARTS, CAMERAS, MAKERS, LIGHTS, LAMPS = 2, 4000, 2, 5, 1000
"""Parts of the stock; of each, virtual cameras, makers of each, pictures of each by each maker, and lights in all."""
SHARES = {
    "daylight": 0.26,
    "planck": 0.16,
    "fluorescent": 0.23,
    "led": 0.25,
    "mixture": 0.10,
}
"""Of the families of lights.  Matrices err most under lamps, so there are more of them than in photographs."""
POINTS = 48
"""Colours of each picture."""
TRAINED_ON = (
    "Spectra alone, no photographs: 8000 cameras varied from the measured sensitivities of 26 (rawtoaces, Apache-2.0), lights of "
    "all families drawn at random and lamps, reflectances and charts of colour-science (BSD-3-Clause) and rawtoaces."
)
TESTED_ON = (
    "13 cameras left out, three whole makers among them, 190 reflectances under 20 lights: mean ΔE2000 as a share of that of "
    "the matrices alone, with clean and with varied makers; the same with a chart; growth of noise at grey at the most"
)
WILD = 0.5
"""Share of the cameras of the second part of the stock that are varied twice as much."""
CLEAN = 0.5
"""Share of the makers whose matrices are clean fits."""
OFTEN = 2.0
"""How much oftener these are drawn: matrices leave less of their errors, and what is left takes longer to learn."""
_KEYS = (
    "sensitivity",
    "light",
    "aim",
    "camera",
    "lamp",
    "traits",
    "matrix",
    "adapted",
    "clean",
)


def told(meta: Metadata, neutral: np.ndarray) -> tuple[Tensor, Tensor]:
    """(traits (32,), matrix (3, 3)) for a picture whose white a camera answers with `neutral` (3,)."""
    r, g, b = (float(v) for v in neutral / neutral.max())
    camera = Camera.of(meta)  # the same for all lights: it remembers what it worked out
    if not camera.known:
        camera = Camera.of(replace(meta, white=(r, g, b)))
    xy = camera.light(camera.xy((r, g, b)))
    return traits(camera, xy), camera.to_rec2020(xy)


class Stock:
    """Pictures to be taken: which camera, which maker's matrices, which light; made once and kept on disk."""

    def __init__(self, folder: Path | None, keep: Path, cameras: int = CAMERAS, parts: int = PARTS) -> None:
        for part in range(parts):
            path = _path(keep, cameras, part)
            if not path.exists():
                keep.mkdir(parents=True, exist_ok=True)
                torch.save(_stock(folder, cameras, part), path)
        rows = _joined(keep, cameras, parts)
        for key in _KEYS:
            setattr(self, key, rows[key])
        self.things = _things(folder)
        self.chart = torch.from_numpy(spectra.colorchecker()).float()
        self.charts = torch.from_numpy(charts.under_smooth_lights()).float()
        self.day = torch.from_numpy(charts.to_rec2020(spectra.light("D65"))).float()
        groups = torch.arange(len(self.camera))
        noise = torch.Generator().manual_seed(0)
        told_by = [
            torch.stack(
                [self.read_chart(some, torch.full_like(some, i), noise) for i in range(LIGHTS)],
                1,
            )
            for some in torch.split(groups, 256)
        ]
        self.told = torch.cat(told_by)

    sensitivity: Tensor  # (V, 3, 81)
    light: Tensor  # (L, 81)
    aim: Tensor  # (L, 81, 3), `to_rec2020` of the lights
    camera: Tensor  # (groups,)
    lamp: Tensor  # (groups, LIGHTS)
    traits: Tensor  # (groups, LIGHTS, 32)
    matrix: Tensor  # (groups, LIGHTS, 3, 3)
    told: Tensor  # (groups, LIGHTS, 29), what a chart tells under each light
    adapted: Tensor  # (groups,) 1 where the maker aimed at adapted colours
    clean: Tensor  # (groups,) 1 where the matrices are clean fits

    def draw(self, count: int, points: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """(traits, matrix, chart, known, seen, wanted, weight) of `count` pictures with `points` colours each."""
        group = torch.multinomial(1 + (OFTEN - 1) * self.clean, count, True, generator=random)
        order = torch.rand(count, LIGHTS, generator=random).argsort(1)
        here, there = order[:, 0], order[:, 1]
        pick = self._pick(count, points, random)
        things = self.things[0][pick]
        seen, wanted = self.photograph(group, here, things)
        known = (torch.rand(count, 1, generator=random) < 0.5).float()
        at = (group, here)
        # what a chart tells belongs to the matrix that it was measured with
        loose = (1 - self.clean[group]) * (1 - known[:, 0])
        told, matrix = other_makers(self.traits[at], self.matrix[at], loose, random)
        return (
            told,
            matrix,
            self.told[group, there],
            known,
            seen,
            wanted,
            self.things[1][pick],
        )

    def _pick(self, count: int, points: int, random: torch.Generator) -> Tensor:
        return torch.multinomial(self.things[2], count * points, True, generator=random).view(count, points)

    def photograph(self, group: Tensor, which: Tensor, things: Tensor) -> tuple[Tensor, Tensor]:
        """(balanced colours, true Rec.2020), each (B, P, 3), of reflectances (B, P, 81)."""
        lamp = self.lamp[group, which]
        sees = (self.sensitivity[self.camera[group]] * self.light[lamp][:, None]).mT
        aim = torch.where(self.adapted[group][:, None, None] > 0, self.aim[lamp], self.day)
        return things @ (sees / sees.sum(1, keepdim=True)), things @ aim

    def read_chart(self, group: Tensor, which: Tensor, random: torch.Generator) -> Tensor:
        """(B, 29): what photographs of the chart tell (see `modisp.nets.color`), with a little noise in every patch."""
        seen, _ = self.photograph(group, which, self.chart.expand(len(group), -1, -1))
        seen = seen * (1 + 0.006 * torch.randn(seen.shape, generator=random))
        light = self.traits[group, which][:, -2:]
        wanted = self.chart @ self.charts[torch.from_numpy(charts.nearest(100 * light[:, 0].numpy()))]
        return told_by_chart(seen, self.matrix[group, which], wanted, light)


MAKING = 0.06
"""The most by which one maker's matrices (RMS of their numbers) may differ from another's of the same camera."""


def other_makers(traits: Tensor, matrix: Tensor, loose: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """(traits, matrices) as more makers would write them: where `loose` (B,) is 1, and there are ForwardMatrices.

    The stock holds a few makers of each camera, and their whims could be learnt by heart.
    """
    has_forward = (traits[:, 0:6] - traits[:, 6:12]).abs().amax(1) > 1e-4
    amount = MAKING * torch.rand(len(traits), 1, generator=random) * (loose * has_forward)[:, None]
    off = amount[..., None] * torch.randn(len(traits), 4, 6, generator=random)
    traits = torch.cat([traits[:, :24] + off.flatten(1), traits[:, 24:]], 1)
    warm, cool = off[:, 0].view(-1, 3, 2), off[:, 2].view(-1, 3, 2)
    t = ((_WARM - 100 * traits[:, -2]) / (_WARM - _COOL)).clamp(0, 1)[:, None, None]
    red, blue = torch.lerp(warm, cool, t).unbind(2)
    return traits, matrix + torch.stack([red, -red - blue, blue], 2)


_WARM, _COOL = (1e6 / white.kelvin_from_xy(xy)[0] for xy in HOMES)
"""Mired of the lights that makers measure under."""


def _stock(folder: Path | None, cameras: int, part: int) -> dict[str, Tensor]:
    rng = np.random.default_rng(part)
    known, _ = world.split(world.measured_cameras(folder))
    sensitivities = world.vary(np.array([c.sensitivity for c in known]), rng, cameras, WILD * (part > 0))
    kept, _ = world_lights.split()
    lamps, families = world_lights.draw(rng, LAMPS, kept, SHARES)
    calm = np.flatnonzero(np.isin(families, ("daylight", "planck", "led")))
    owned = world_makers.owned(world_surfaces.patches(folder))
    out: dict[str, list[object]] = {k: [] for k in ("camera", "lamp", "traits", "matrix", "adapted", "clean")}
    for number, s in enumerate(sensitivities):
        for _ in range(MAKERS):
            amount = 0.0 if rng.random() < CLEAN else float(rng.uniform(0.2, 1.1))
            made = world_makers.varied(s, rng, owned, amount)
            if amount == 0 and rng.random() < 0.7:
                made = world_makers.clean(s, owned[rng.integers(len(owned))], rng.random() < 0.8)
            meta = _abridged(made.metadata(), rng)
            which = [rng.choice(calm), *rng.choice(len(lamps), LIGHTS - 1, False)]
            rows = [told(meta, s @ lamps[i]) for i in which]
            out["camera"].append(number)
            out["lamp"].append(which)
            out["traits"].append(torch.stack([r[0] for r in rows]))
            out["matrix"].append(torch.stack([r[1] for r in rows]))
            out["adapted"].append(float(made.adapted))
            out["clean"].append(float(amount == 0))
    return {
        "sensitivity": torch.from_numpy(sensitivities).float(),
        "light": torch.from_numpy(lamps).float(),
        "aim": torch.from_numpy(np.array([charts.to_rec2020(s) for s in lamps])).float(),
        "camera": torch.tensor(out["camera"]),
        "lamp": torch.tensor(np.array(out["lamp"])),
        "traits": torch.stack(out["traits"]),  # type: ignore[arg-type]
        "matrix": torch.stack(out["matrix"]),  # type: ignore[arg-type]
        "adapted": torch.tensor(out["adapted"]),
        "clean": torch.tensor(out["clean"]),
    }


def _abridged(meta: Metadata, rng: np.random.Generator) -> Metadata:
    """Some files carry no ForwardMatrix, some matrices for one light alone, some none."""
    if rng.random() < 0.07:
        return Metadata()
    if rng.random() < 0.15:
        meta = replace(meta, forward_matrix=())
    if rng.random() < 0.08:
        meta = replace(
            meta,
            color_matrix=meta.color_matrix[1:],
            forward_matrix=meta.forward_matrix[1:],
            illuminants=meta.illuminants[1:],
        )
    return meta


def _things(folder: Path | None) -> tuple[Tensor, Tensor, Tensor]:
    """(reflectances (N, 81), their weight in the loss, how often each is drawn): measured, smooth, and pure colours."""
    rng = np.random.default_rng(3)
    pure = []
    for _ in range(400):  # what coloured lamps and flowers send
        centre, width = rng.uniform(420, 670), rng.uniform(6, 30)
        band = np.exp(-0.5 * ((spectra.WAVELENGTHS - centre) / width) ** 2)
        pure.append(rng.uniform(0, 0.06) + rng.uniform(0.2, 1.0) * band)
    sets = [
        (world_surfaces.patches(folder), 1.0, 0.6),
        (world_surfaces.charts(), 1.0, 0.17),
        (world_surfaces.smooth(rng, 1500), 1.0, 0.13),
        (np.array(pure), 0.25, 0.1),
    ]
    each = [
        (
            torch.from_numpy(r).float(),
            torch.full((len(r),), w),
            torch.full((len(r),), s / len(r)),
        )
        for r, w, s in sets
    ]
    things, weight, share = (torch.cat(v) for v in zip(*each, strict=True))
    return things, weight, share


def _path(keep: Path, cameras: int, part: int) -> Path:
    return keep / f"color-stock-{cameras}-{part}.pt"


def _joined(keep: Path, cameras: int = CAMERAS, parts: int = PARTS) -> dict[str, Tensor]:
    """All parts of a stock as one."""
    rows = [torch.load(_path(keep, cameras, part), weights_only=True) for part in range(parts)]
    for part, row in enumerate(rows):
        row["camera"] += part * cameras
        row["lamp"] += part * LAMPS
    return {key: torch.cat([row[key] for row in rows]) for key in _KEYS}


def begin(net: nn.Module, keep: Path) -> None:
    """What the network is told beforehand: what cleanly made matrices are like."""
    rows = _joined(keep)
    net.compare(rows["traits"][(rows["clean"] > 0) & ~_guessed(rows["matrix"][:, 0]), 0])  # type: ignore[operator]


def finish(net: nn.Module, keep: Path) -> None:
    """What the network keeps of the cameras it was trained on, so that it knows strange ones."""
    rows = _joined(keep)
    net.remember(rows["traits"][~_guessed(rows["matrix"][:, 0])].flatten(0, 1))  # type: ignore[operator]


def _guessed(matrix: Tensor) -> Tensor:
    """(B,): whether these matrices (B, 3, 3) stand for none."""
    return (matrix - spaces.between("srgb", "rec2020")).abs().amax((1, 2)) < 1e-4


def examples(folder: Path | None, keep: Path) -> Callable[[int, torch.Generator], tuple[Tensor, ...]]:
    """What a step sees."""
    stock = Stock(folder, keep)
    return lambda count, random: stock.draw(count, POINTS, random)


def correct(coefficients: Tensor, matrix: Tensor, seen: Tensor) -> Tensor:
    """(B, P, 3) balanced colours → linear Rec.2020 (B, P, 3)."""
    more = coefficients @ terms(seen.mT)
    return seen @ matrix.mT + more.mT


NOISE, WORTH = 1.015, 8.0
"""The most that the noise of grey may grow over the matrix alone, and what more costs."""


def loss(net: nn.Module, example: tuple[Tensor, ...]) -> Tensor:
    """Error in the frame of ΔE2000, and noise that grew."""
    known_traits, matrix, chart, known, seen, wanted, weight = example
    coefficients = net(known_traits, chart, known)
    error = _error(correct(coefficients, matrix, seen), wanted)
    mean = ((error + 0.04).sqrt() * weight).mean() + 0.02 * (error.clamp_max(400) * weight).mean()
    grown = (growth(coefficients, matrix) - NOISE).clamp_min(0)
    return mean + WORTH * (grown * ~_guessed(matrix)).mean()  # without a matrix there is nothing to compare with


def _error(made: Tensor, wanted: Tensor) -> Tensor:
    """(B, P): squared, about ΔE2000²."""
    truth = lab(wanted)
    off = (local_frame(truth) @ (lab(made) - truth)[..., None])[..., 0]
    return off.square().sum(-1)


def growth(coefficients: Tensor, matrix: Tensor) -> Tensor:
    """(B,): standard deviation of noise at grey, against that which the matrix alone leaves."""
    linear = coefficients[..., :3]
    grown: Tensor = (matrix + linear - linear.roll(1, -1)).flatten(1).norm(dim=1) / matrix.flatten(1).norm(dim=1)
    return grown


def score(net: nn.Module, pictures: Sequence[Tensor]) -> dict[str, float]:
    """Mean ΔE2000 relative to the matrices, of measured cameras left out, by `modisp.bench.color`."""
    from modisp.bench.color import ratios

    return ratios(net)
