"""How true colours become: ΔE2000 over reflectances and lights, of cameras that no training has seen.

Truth is what a person sees under each light, adapted to D65.  White is known exactly; what else is known of a camera is
what its file tells: matrices, either clean ones, or as various and noisy as published ones are (`world_makers.varied`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modisp.color.difference import lab, linear_frame
from modisp.metrics import delta_e
from modisp.operators.chartfit import told_by_chart
from modisp.operators.rational import terms
from modisp.simulate import spectra, world, world_makers, world_surfaces
from modisp.train.color import chart_lights, correct, growth, nearest_chart_light, to_rec2020, told

LIGHTS = (
    *("2500", "A", "3500", "D50", "D55", "D65", "D75", "10000", "E", "FL2", "FL4", "FL7", "FL11", "FL12"),
    *("LED-B1", "LED-B3", "LED-B5", "LED-BH1", "LED-RGB1", "LED-V1"),
)
"""Twenty lights: black bodies, daylight, tubes, LEDs."""
CHART_LIGHT = "5200"
MAKERS = ("clean", "varied")
VARIED = 2
"""How many makers of the second kind are drawn for each camera."""


@dataclass(frozen=True)
class Shot:
    """A camera with a maker's matrices, under all lights: (L, …) each; `chart` is what a photograph of the chart tells."""

    camera: str
    maker: str  # clean or varied
    brand: str
    traits: Tensor
    matrix: Tensor
    seen: Tensor  # (L, N, 3)
    wanted: Tensor  # (L, N, 3)
    chart: Tensor  # (29,)


@lru_cache(maxsize=2)
def shots(folder: Path | None = None, brand: str = "") -> tuple[Shot, ...]:
    """Every left-out camera (or every camera of one maker) with every kind of matrices."""
    rng = np.random.default_rng(190)
    things = world_surfaces.patches(folder)
    charts = world_makers.owned(things)
    lamps = [spectra.light(name) for name in LIGHTS]
    aims = np.array([to_rec2020(s) for s in lamps])
    smooth = torch.from_numpy(chart_lights()).float()
    cameras = world.measured_cameras(folder)
    cameras = [c for c in cameras if c.maker == brand] if brand else world.split(cameras)[1]
    out = []
    for c in cameras:
        s = c.sensitivity
        made = [("clean", world_makers.clean(s, things))]
        made += [("varied", world_makers.varied(s, rng, charts, adapted=True)) for _ in range(VARIED)]
        for kind, matrices in made:
            meta = matrices.metadata()
            rows = [told(meta, s @ lamp) for lamp in lamps]
            seen = np.array([(things @ (s * lamp).T) / (s @ lamp) for lamp in lamps])
            out.append(
                Shot(
                    c.name,
                    kind,
                    c.maker,
                    torch.stack([r[0] for r in rows]),
                    torch.stack([r[1] for r in rows]),
                    torch.from_numpy(seen).float(),
                    torch.from_numpy(things @ aims).float(),
                    _chart(s, meta, smooth, rng),
                )
            )
    return tuple(out)


def _chart(s: np.ndarray, meta: Any, smooth: Tensor, rng: np.random.Generator) -> Tensor:
    lamp, chart = spectra.light(CHART_LIGHT), spectra.colorchecker()
    traits, matrix = told(meta, s @ lamp)
    seen = (chart @ (s * lamp).T) / (s @ lamp) * (1 + 0.005 * rng.normal(size=(24, 3)))
    wanted = torch.from_numpy(chart).float() @ smooth[nearest_chart_light(100 * traits[-2])]
    return told_by_chart(torch.from_numpy(seen).float(), matrix, wanted, traits[-2:])


Method = Callable[[Shot], Tensor]
"""What makes linear Rec.2020 (L, N, 3) of a shot."""


def matrices(shot: Shot) -> Tensor:
    """The interpolated matrices alone."""
    return shot.seen @ shot.matrix.mT


def best_matrix(shot: Shot) -> Tensor:
    """The best 3×3 for each light, of a camera that is known: what calibration of every light could reach."""
    return _best(shot, terms(shot.seen.mT).mT[..., :2])


def root_polynomial(shot: Shot) -> Tensor:
    """Finlayson et al. 2015, second degree, fitted to each light of a camera that is known."""
    r, g, b = shot.seen.clamp_min(0).unbind(-1)
    roots = [(r * g).sqrt() - g, (g * b).sqrt() - g, (r * b).sqrt() - g]
    return _best(shot, torch.stack([r - g, b - g, *roots], -1))


def _best(shot: Shot, x: Tensor) -> Tensor:
    """Least squares in the frame of ΔE2000 over all reflectances, added to the matrices."""
    base = matrices(shot).double()
    frame = linear_frame(shot.wanted.double())
    a = (frame[..., None] * x.double()[..., None, None, :]).flatten(-2).flatten(1, 2)
    y = (frame @ (shot.wanted.double() - base)[..., None]).flatten(1)
    found = torch.linalg.lstsq(a, y[..., None]).solution[..., 0].unflatten(-1, (3, x.shape[-1]))
    out: Tensor = base + x.double() @ found.mT
    return out


def learned(net: nn.Module, chart: bool = False) -> Method:
    """Our network, perhaps with one shot of a chart in daylight."""

    def run(shot: Shot) -> Tensor:
        told_too = (shot.chart.expand(len(shot.traits), -1),) if chart else ()
        with torch.no_grad():
            return correct(net(shot.traits, *told_too), shot.matrix, shot.seen)

    return run


@dataclass
class Row:
    """A method's ΔE2000 for one kind of makers, over cameras, lights and reflectances."""

    method: str
    maker: str
    errors: dict[str, Tensor] = field(default_factory=dict)  # by camera: (draws, L, N)

    def all(self) -> Tensor:
        """Every one."""
        return torch.cat([e.flatten() for e in self.errors.values()])

    def figures(self) -> dict[str, float]:
        """Mean, 95 % and largest."""
        e = self.all()
        return {"mean": float(e.mean()), "p95": float(e.quantile(0.95)), "max": float(e.max())}


def measure(methods: dict[str, Method], taken: tuple[Shot, ...]) -> list[Row]:
    """Every method on every shot."""
    rows = {(m, k): Row(m, k) for k in MAKERS for m in methods}
    for name, method in methods.items():
        for shot in taken:
            e = delta_e(lab(method(shot).double()), lab(shot.wanted.double()))[None]
            kept = rows[name, shot.maker].errors
            kept[shot.camera] = torch.cat([kept[shot.camera], e]) if shot.camera in kept else e
    return list(rows.values())


def ratios(net: nn.Module, folder: Path | None = None) -> dict[str, float]:
    """Means relative to the matrices alone: clean and varied makers, the latter with a chart too; the noise's growth."""
    taken = shots(folder)
    rows = measure({"matrices": matrices, "learned": learned(net), "chart": learned(net, True)}, taken)
    mean = {(r.method, r.maker): r.figures()["mean"] for r in rows}
    out = {k: mean["learned", k] / mean["matrices", k] for k in MAKERS}
    out |= {f"chart_{k}": mean["chart", k] / mean["matrices", k] for k in MAKERS}
    with torch.no_grad():
        out["noise"] = max(float(growth(net(s.traits), s.matrix).max()) for s in taken)
    return out
