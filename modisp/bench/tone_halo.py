"""Halos: how far light bends towards an edge, in what a teacher makes of hard, irregular, textured steps and in what a stage does.

Two textured fields, stops apart, meet at a ragged border.  In each field the lightness near the border is held against that of
the same texture far from it; what a stage bends further than its teacher is its halo, in per cent of display lightness.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from modisp.bench.tone import by_stage, teacher_of
from modisp.color.spaces import LUMA

SIDE = 384
STOPS = (4.0, 7.0, 10.0)
SEEDS = (1, 2, 3)
NEAR, FAR = (2, 14), (40, 120)
"""Pixels from the border that count as near it and as far from it."""


@dataclass(frozen=True)
class Edge:
    """One picture: the greatest bend of a field towards its border (share of display white), by the teacher and the stage."""

    stops: float
    seed: int
    teacher: float
    stage: float
    beyond: float

    def data(self) -> dict[str, float]:
        """Plain JSON data."""
        return {k: round(float(v), 4) for k, v in asdict(self).items()}


def scene(stops: float, seed: int) -> tuple[Tensor, Tensor]:
    """(3, H, W) scene light and the distance from the border in pixels, above 0 in the bright field."""
    random = np.random.default_rng(seed)
    coarse = torch.from_numpy(random.normal(size=(1, 1, 4, 4))).float()
    field = F.interpolate(coarse, (SIDE, SIDE), mode="bicubic", align_corners=True)[0, 0]
    ragged = torch.from_numpy(random.normal(size=(1, 1, 48, 48))).float()
    field = field + 0.12 * F.interpolate(ragged, (SIDE, SIDE), mode="bicubic", align_corners=True)[0, 0]
    bright = field > field.median()
    grain = torch.from_numpy(random.normal(size=(1, 1, SIDE // 2, SIDE // 2))).float()
    texture = F.interpolate(grain, (SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0] * 0.25
    light = 0.18 * torch.exp2(texture + torch.where(bright, stops / 2, -stops / 2))
    return light.expand(3, SIDE, SIDE).contiguous(), _distance(bright)


def _distance(inside: Tensor) -> Tensor:
    """Chessboard distance to the border, signed, up to a little beyond what counts as far."""
    out = torch.zeros(SIDE, SIDE)
    for sign, mask in ((1.0, inside), (-1.0, ~inside)):
        here = mask.float()[None, None]
        for _ in range(FAR[1] + 4):
            out += sign * here[0, 0]
            here = -F.max_pool2d(-here, 3, 1, 1)
    return out


def bend(display: Tensor, scene_light: Tensor, distance: Tensor) -> Tensor:
    """(2, bins) how lightness near the border differs from the same field's far off, by distance; dark field first.

    Lightness is taken as the cube root of luminance, less what the texture of the scene explains.
    """
    v = torch.einsum("c,chw->hw", torch.tensor(LUMA), display).clamp_min(0).pow(1 / 3)
    ev = torch.einsum("c,chw->hw", torch.tensor(LUMA), scene_light).log2()
    rows = []
    for sign in (-1.0, 1.0):
        d = distance * sign
        far = (d >= FAR[0]) & (d <= FAR[1])
        x, y = ev[far] - ev[far].mean(), v[far]
        slope = (x * (y - y.mean())).sum() / (x * x).sum()
        rest = v - y.mean() - slope * (ev - ev[far].mean())
        bins = [rest[(d >= k) & (d < k + 4)] for k in range(*NEAR, 4)]
        rows.append(torch.stack([b.mean() for b in bins]))
    return torch.stack(rows)


def measure(
    stops: Sequence[float] = STOPS, seeds: Sequence[int] = SEEDS, stage: Callable[[Tensor], Tensor] | None = None
) -> list[Edge]:
    """Every step at every seed, in the style Natural."""
    stage = stage or by_stage("tone_learned", "natural")
    teacher = teacher_of("natural")
    out = []
    for s in stops:
        for seed in seeds:
            light, distance = scene(s, seed)
            by_teacher, by_us = (bend(f(light), light, distance) for f in (teacher, stage))
            beyond = (by_us.abs() - by_teacher.abs()).clamp_min(0).amax()
            out.append(Edge(s, seed, float(by_teacher.abs().amax()), float(by_us.abs().amax()), float(beyond)))
    return out


def markdown(edges: Sequence[Edge]) -> str:
    """A row for each step, its seeds together."""
    lines = ["| step, EV | teacher bends, % | stage bends, % | beyond the teacher, % |", "|---:|---:|---:|---:|"]
    for s in dict.fromkeys(e.stops for e in edges):
        rows = [e for e in edges if e.stops == s]
        worst = [100 * max(getattr(e, k) for e in rows) for k in ("teacher", "stage", "beyond")]
        lines.append(f"| {s:g} | " + " | ".join(f"{v:.1f}" for v in worst) + " |")
    return "\n".join(lines)
