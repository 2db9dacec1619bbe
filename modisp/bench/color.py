"""How true colours become: ΔE2000 over reflectances and lights, of cameras that no training has seen.

Truth is what a person sees under each light, adapted to D65.  White is known exactly; what else is known of a camera is
what its file tells: matrices, either clean ones, or as various and noisy as published ones are (`world_makers.varied`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from modisp.color.difference import lab, linear_frame
from modisp.color.spaces import apply
from modisp.image import Metadata
from modisp.metrics import delta_e
from modisp.nets.color import gains
from modisp.operators.chartfit import calibrated
from modisp.operators.rational import TERMS, calm, correct, near_grey, terms
from modisp.simulate import charts, spectra, world, world_makers, world_surfaces
from modisp.train.color import growth, told

LIGHTS = (
    *("2500", "A", "3500", "D50", "D55", "D65", "D75", "10000", "E", "FL2", "FL4", "FL7", "FL11", "FL12"),
    *("LED-B1", "LED-B3", "LED-B5", "LED-BH1", "LED-RGB1", "LED-V1"),
)
"""Twenty lights: black bodies, daylight, tubes, LEDs."""
CHART_LIGHT = "5200"
MAKERS = ("clean", "varied")
SURFACES = ("measured", "charts", "smooth")
"""Sets of reflectances: rawtoaces' 190, charts, skins and foods of colour-science, smooth ones drawn at random."""
VARIED = 2
"""How many makers of the second kind are drawn for each camera."""


@dataclass(frozen=True)
class Shot:
    """A camera with a maker's matrices, under all lights: (L, …) each."""

    camera: str
    maker: str  # clean or varied
    brand: str
    traits: Tensor
    matrix: Tensor
    seen: Tensor  # (L, N, 3)
    wanted: Tensor  # (L, N, 3)
    chart: tuple[
        Tensor, Tensor, Tensor, Tensor
    ]  # of a photograph of the chart: traits, matrix, seen and wanted (24, 3)


@lru_cache(maxsize=4)
def shots(folder: Path | None = None, brand: str = "", surfaces: str = "measured") -> tuple[Shot, ...]:
    """Every left-out camera (or every camera of one maker) with every kind of matrices, before one of `SURFACES`."""
    rng = np.random.default_rng(190)
    things = world_surfaces.patches(folder)
    if surfaces == "charts":
        shown = world_surfaces.charts()
    elif surfaces == "smooth":
        shown = world_surfaces.smooth(np.random.default_rng(191), len(things))
    else:
        shown = things
    owned = world_makers.owned(things)
    lamps = [spectra.light(name) for name in LIGHTS]
    aims = np.array([charts.to_rec2020(s) for s in lamps])
    cameras = world.measured_cameras(folder)
    cameras = [c for c in cameras if c.maker == brand] if brand else world.split(cameras)[1]
    out = []
    for c in cameras:
        s = c.sensitivity
        made = [("clean", world_makers.clean(s, things))]
        made += [("varied", world_makers.varied(s, rng, owned, adapted=True)) for _ in range(VARIED)]
        for kind, matrices in made:
            meta = matrices.metadata()
            rows = [told(meta, s @ lamp) for lamp in lamps]
            seen = np.array([(shown @ (s * lamp).T) / (s @ lamp) for lamp in lamps])
            out.append(
                Shot(
                    c.name,
                    kind,
                    c.maker,
                    torch.stack([r[0] for r in rows]),
                    torch.stack([r[1] for r in rows]),
                    torch.from_numpy(seen).float(),
                    torch.from_numpy(shown @ aims).float(),
                    _chart(s, meta, rng),
                )
            )
    return tuple(out)


def _chart(s: np.ndarray, meta: Metadata, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    lamp, chart = spectra.light(CHART_LIGHT), spectra.colorchecker()
    traits, matrix = told(meta, s @ lamp)
    seen = (chart @ (s * lamp).T) / (s @ lamp) * (1 + 0.005 * rng.normal(size=(24, 3)))
    wanted = charts.reference("colorchecker24", 1e4 / float(traits[-2]))
    return traits, matrix, torch.from_numpy(seen).float(), torch.from_numpy(wanted).float()


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
        rows = zip(shot.matrix, _numbers(net, shot, chart), shot.seen, strict=True)
        return torch.stack([correct(m, c, seen.T[:, None])[:, 0].T for m, c, seen in rows])

    return run


def _numbers(net: nn.Module, shot: Shot, chart: bool, noise: Tensor | None = None) -> Tensor:
    """(L, 3, 9): the coefficients in force, as the stage finds them; by what a picture tells of its noise, see `calm`."""

    def tell(traits: Tensor, told: Tensor | None = None) -> Tensor:
        numbers: Tensor = net(traits, told) * net.trust(traits)[:, None, None]  # type: ignore[operator]
        return numbers

    with torch.no_grad():
        numbers = calibrated(tell, shot.traits, *shot.chart) if chart else tell(shot.traits)
        return calm(numbers, shot.matrix, gains(shot.traits), noise, chart)


@dataclass
class Row:
    """A method's ΔE2000 for one kind of makers, over cameras, lights and reflectances."""

    method: str
    maker: str
    errors: dict[str, Tensor] = field(default_factory=dict)  # by camera: (draws, L, N)

    def all(self) -> Tensor:
        """Every one."""
        return torch.cat([e.flatten() for e in self.errors.values()])

    def figures(self, camera: str = "") -> dict[str, float]:
        """Mean, 95 % and largest, of all cameras or of one."""
        e = self.errors[camera].flatten() if camera else self.all()
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


GREYS = {"mid-grey": 0.18, "shadow": 0.03, "deep shadow": 0.01}
NOISES = {"ISO 100": (1e-4, 1e-7), "ISO 1600": (16e-4, 2.8e-6), "ISO 6400": (64e-4, 4.5e-5)}
"""(a, b): variance a·x + b at signal x."""


def noise(net: nn.Module, taken: tuple[Shot, ...]) -> dict[str, dict[str, float]]:
    """By how much the noise of greys (all three channels) grows over the matrix alone, at the most of all shots in any light;
    with a chart over the maker's matrix and the one that the chart calls for, whichever is noisier.
    """
    random = torch.Generator().manual_seed(5)
    drawn = torch.randn(3, 20_000, generator=random)
    out: dict[str, dict[str, float]] = {}
    for name, (a, b) in NOISES.items():
        for chart in (False, True):
            most = out[f"{name}, with a chart" if chart else name] = dict.fromkeys(GREYS, 0.0)
            for shot in taken:
                gain = gains(shot.traits)
                told = torch.stack([a * gain, b * gain.square()], -1)
                found = _numbers(net, shot, chart, told)
                for k, level in GREYS.items():
                    seen = level + (told[..., 0] * level + told[..., 1]).sqrt()[..., None] * drawn
                    for matrix, own, x in zip(shot.matrix, found, seen[:, :, None], strict=True):
                        bases = [matrix, near_grey(matrix, own)] if chart else [matrix]
                        alone = max(float(apply(m, x).var(2).sum()) for m in bases)
                        most[k] = max(most[k], (float(correct(matrix, own, x).var(2).sum()) / alone) ** 0.5)
    return out


def cost(pixels: int = 1 << 20) -> float:
    """CPU seconds of the correction at 24 megapixels, beyond those of a matrix alone."""
    random = torch.Generator().manual_seed(6)
    strip = torch.rand(3, 64, pixels // 64 // 8, generator=random)  # as the pipeline hands it over
    matrix, numbers = torch.eye(3), 0.1 * torch.randn(3, TERMS, generator=random)
    spent = []
    with torch.inference_mode():
        works: list[Callable[[], Tensor]] = [lambda: correct(matrix, numbers, strip), lambda: apply(matrix, strip)]
        for work in works:
            work()
            took = []
            for _ in range(9):
                before = time.process_time()
                for _ in range(8):
                    work()
                took.append(time.process_time() - before)
            spent.append(min(took))
    return (spent[0] - spent[1]) * 24e6 / (8 * strip[0].numel())


def markdown(rows: list[Row], others: dict[str, list[Row]], grown: dict[str, dict[str, float]], seconds: float) -> str:
    """The tables: all cameras together for each kind of makers, each camera, other reflectances, lights, noise and cost."""
    out = ["# Colour correction of cameras left out of training\n"]
    by = {(r.method, r.maker): r for r in rows}
    methods = list(dict.fromkeys(r.method for r in rows))
    for kind in MAKERS:
        base = by["matrices", kind].figures()
        cameras = by["matrices", kind].errors
        out.append(f"## {kind} makers ({len(cameras)} cameras, {len(LIGHTS)} lights)\n")
        out.append(
            "| method | ΔE2000 mean | p95 | max | mean, share of matrices | p95, share | worst camera's p95, share |"
        )
        out.append("|---|---:|---:|---:|---:|---:|---:|")
        for m in methods:
            f = by[m, kind].figures()
            worst, where = max((share(by[m, kind], by["matrices", kind], c), c) for c in cameras)
            shares = f"{f['mean'] / base['mean']:.3f} | {f['p95'] / base['p95']:.3f} | {worst:.3f} ({where})"
            out.append(f"| {m} | {f['mean']:.2f} | {f['p95']:.2f} | {f['max']:.1f} | {shares} |")
        out += _each_camera([by[m, kind] for m in UNKNOWN])
    out += _other_surfaces(others)
    out.append("## each light, clean makers\n\n| light | matrices | learned | share |\n|---|---:|---:|---:|")
    for i, name in enumerate(LIGHTS):
        a, b = (
            float(torch.cat([e[:, i] for e in by[m, "clean"].errors.values()]).mean()) for m in ("matrices", "learned")
        )
        out.append(f"| {name} | {a:.2f} | {b:.2f} | {b / a:.2f} |")
    out.append("\n## growth of noise over the matrix alone, at the most\n\n| noise | " + " | ".join(GREYS) + " |")
    out.append("|---" * (len(GREYS) + 1) + "|")
    out += [f"| {k} | " + " | ".join(f"{v:.3f}" for v in most.values()) + " |" for k, most in grown.items()]
    out.append(f"\nCost at 24 MP beyond a matrix: {seconds:.2f} CPU s.")
    return "\n".join(out)


def _each_camera(rows: list[Row]) -> list[str]:
    """The methods that need not know the camera, the matrices first, on each camera: means, and p95 as shares."""
    base, *better = rows
    out = ["\n| camera | " + " | ".join(f"{r.method}: mean, p95, max" for r in rows) + " | shares of the means |"]
    out.append("|---" * (len(rows) + 2) + "|")
    for camera in base.errors:
        each = [r.figures(camera) for r in rows]
        words = [f"{f['mean']:.2f}, {f['p95']:.2f}, {f['max']:.1f}" for f in each]
        shares = ", ".join(f"{f['mean'] / each[0]['mean']:.2f}" for f in each[1:])
        out.append(f"| {camera} | " + " | ".join(words) + f" | {shares} |")
    return [*out, ""] if better else []


def _other_surfaces(others: dict[str, list[Row]]) -> list[str]:
    out = ["## other reflectances\n\n| reflectances | makers | method | mean | p95 | max | mean, share | p95, share |"]
    out.append("|---|---|---|---:|---:|---:|---:|---:|")
    for name, rows in others.items():
        for r in rows:
            f, base = r.figures(), next(b for b in rows if (b.method, b.maker) == ("matrices", r.maker)).figures()
            shares = f"{f['mean'] / base['mean']:.3f} | {f['p95'] / base['p95']:.3f}"
            out.append(
                f"| {name} | {r.maker} | {r.method} | {f['mean']:.2f} | {f['p95']:.2f} | {f['max']:.1f} | {shares} |"
            )
    return [*out, ""]


def share(row: Row, base: Row, camera: str) -> float:
    """One camera's p95 as a share of that of the matrices alone."""
    return float(row.errors[camera].quantile(0.95) / base.errors[camera].quantile(0.95))


UNKNOWN = ("matrices", "learned", "learned, one chart")
"""The methods that need no knowledge of the camera's sensitivities."""


def methods(net: nn.Module) -> dict[str, Method]:
    """All that is compared."""
    return {
        "matrices": matrices,
        "best 3×3 per light (camera known)": best_matrix,
        "root-polynomial (camera known)": root_polynomial,
        "learned": learned(net),
        "learned, one chart": learned(net, True),
    }
