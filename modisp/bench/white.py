"""`modisp bench white`: automatic white balance on scenes, cameras and lamps that no training saw, beside the classics.

Pictures of a folder are taken for scenes under a white light, given spectra, lit by measured lamps and daylight, and seen by
the measured cameras that are left out of training, with matrices as makers write them.  Everyone is given the same thumbnail
and the same way to canonical colour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from modisp import weights
from modisp.bench.tables import KINDS
from modisp.color.illuminant import bright_and_dark, brightest, grey_edge, grey_world, shades_of_grey, white_patch
from modisp.nets.white import CELL, GRID, ORIGIN, cells, chroma, histograms, lights, rgb
from modisp.simulate.places import place
from modisp.simulate.radiance import read_hdr
from modisp.train import thumbs
from modisp.train.white import World, angle, summary, take

Estimator = Callable[[Tensor, Tensor], Tensor]
OURS = "learned"
NEAR = 5.0
"""Degrees: a candidate as near as this to a light has found it."""

CLASSICS: dict[str, Estimator] = {
    "grey-world": grey_world,
    "shades of grey": shades_of_grey,
    "grey-edge": grey_edge,
    "white-patch": white_patch,
    "bright and dark": bright_and_dark,
    "brightest": brightest,
}


@dataclass
class Row:
    """A method's recovery errors in degrees, in order of the pictures; and figures by camera and by where scenes come from."""

    method: str
    errors: Tensor
    groups: dict[str, dict[str, float]] = field(default_factory=dict)
    sources: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, float]:
        """Mean, median, trimean, best and worst quarter."""
        return summary(self.errors)

    def data(self) -> dict[str, Any]:
        """Plain JSON data."""
        figures = {k: round(v, 3) for k, v in self.figures.items()}
        return {"name": self.method, **figures, "cameras": self.groups, "sources": self.sources}


class Correlation:
    """Colour by correlation (Finlayson, Hordley and Hubel 2001): Bayes' rule over which chromaticities occur at all.

    The likelihood of colours under white light, and how likely which light is, are counted on places that do not exist and
    on the lights of training.
    """

    def __init__(self, lights: Tensor, scenes: int = 250) -> None:
        rng = np.random.default_rng(9)
        stock = torch.stack([torch.from_numpy(place(rng)).float() for _ in range(scenes)])
        seen = histograms(stock, torch.ones(scenes, *stock.shape[2:], dtype=torch.bool))[:, 0] > 0.01
        self.table = (seen.float().mean(0) + 1e-3).log()
        self.origin = cells(chroma(torch.ones(3)))
        self.lights = cells(chroma(lights))

    def __call__(self, pixels: Tensor, valid: Tensor) -> Tensor:
        """Canonical pixels (3, H, W) → canonical light (3,)."""
        seen = (histograms(pixels[None], valid[None])[0, 0] > 0.01).nonzero().float()
        back = (seen[None] - self.lights[:, None] + self.origin).round().long()
        inside = ((back >= 0) & (back < torch.tensor(GRID))).all(-1)
        at = back.clamp_min(0)
        at = torch.minimum(at, torch.tensor(GRID) - 1)
        score = torch.where(inside, self.table[at[..., 0], at[..., 1]], self.table.min()).sum(1)
        posterior = (score - score.max()).mul(0.2).softmax(0)  # neighbouring cells are no independent witnesses
        mean = (posterior[:, None] * self.lights).sum(0)
        return rgb((mean + 0.5) * CELL + torch.tensor(ORIGIN))


Lights = list[tuple[Tensor, float]]


def learned(name: str | Path = "white_balance") -> Callable[[Tensor, Tensor], Lights]:
    """(canonical pixels (3, H, W), valid (H, W)) → the lights, likeliest first; WeightsMissing where there are no weights."""
    net, _ = weights.load(name)

    def found(pixels: Tensor, valid: Tensor) -> Lights:
        with torch.inference_mode():
            return lights(net, pixels, valid)

    return found


def scenes(folder: Path, data: Path, each: int = 4, views: int = 30) -> tuple[Tensor, list[str]]:
    """Thumbnails (N, 3, 48, 64) and where each is from: every picture in the folder, whole and crops, and views of the panoramas
    that are left out of training.
    """
    rng = np.random.default_rng(66)
    found: list[Tensor] = []
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in KINDS and thumbs.sound(path):
            picture = thumbs.linear(path)
            found += [thumbs.shrink(picture), *thumbs.crops(picture, each - 1, rng, 0.5)]
    if not found:
        raise ValueError(f"there are no pictures in {folder} ({', '.join(KINDS)})")
    sources = ["photographs"] * len(found)
    for name in thumbs.PANORAMAS_LEFT_OUT:
        for path in (data / "hdr").glob(f"{name}*.hdr"):
            found += thumbs.views(read_hdr(path), views, rng)
    return torch.stack(found), sources + ["panoramas"] * (len(found) - len(sources))


def measure(
    folder: Path,
    data: Path,
    repeat: int = 3,
    name: str | Path = "white_balance",
    tell: Callable[[str], None] = print,
) -> tuple[list[Row], dict[str, float]]:
    """A row per method, and of scenes in two lights how often one, and both, are among three candidates (shares).

    `data` is the folder with `colour` and `hdr`; each scene is shot `repeat` times.
    """
    ours = learned(name)
    random = torch.Generator().manual_seed(12)
    once, sources = scenes(folder, data)
    stock = once.repeat(repeat, 1, 1, 1)
    known = World.make(data, 13, False)
    shots = take(known, stock, random, noise=0.01)
    back, truth = torch.linalg.inv(shots.way), shots.neutral[:, 0]
    usable = shots.valid.flatten(1).sum(1) >= 64
    tell(f"{int(usable.sum())} pictures of {len(stock) // repeat} scenes")

    tried = World.make(data, 14, True, 200, 1500)
    some = torch.randint(200, (1500,), generator=random)
    lit = torch.einsum("ncw,nw->nc", tried.sensitivity[some], tried.light)
    usual = torch.einsum("nij,nj->ni", tried.canonical[some], lit)
    usual = usual[(usual > 0).all(1)]
    prior, correlation = rgb(chroma(usual).mean(0)), Correlation(usual[:600])

    # gradients look three pixels far: what clipped is to stay out of them
    inner = F.max_pool2d((~shots.valid)[:, None].float(), 7, 1, 3)[:, 0] == 0
    found: dict[str, list[Tensor]] = {OURS: [], "prior alone": [], **{k: [] for k in CLASSICS}, "correlation": []}
    for i in usable.nonzero()[:, 0].tolist():
        lights = ours(shots.pixels[i], shots.valid[i])
        found[OURS].append(back[i] @ rgb(lights[0][0]))
        found["prior alone"].append(back[i] @ prior)
        found["correlation"].append(back[i] @ correlation(shots.pixels[i], shots.valid[i]))
        for method, estimate in CLASSICS.items():
            sound = inner[i] if estimate is grey_edge and bool(inner[i].any()) else shots.valid[i]
            found[method].append(estimate(shots.raw[i], sound))
        if (len(found[OURS])) % 100 == 0:
            tell(f"{len(found[OURS])} of {int(usable.sum())}")
    names = [known.names[int(b)] for b in shots.body[usable]]
    of = [sources[i % len(sources)] for i in usable.nonzero()[:, 0].tolist()]
    rows = []
    for method, answers in found.items():
        errors = angle(torch.stack(answers), truth[usable])
        rows.append(Row(method, errors, _by(names, errors), _by(of, errors)))
    return rows, _two_lights(known, stock, ours)


def _by(names: list[str], errors: Tensor) -> dict[str, dict[str, float]]:
    groups: dict[str, dict[str, float]] = {}
    for name in sorted(set(names)):
        mine = summary(errors[torch.tensor([n == name for n in names])])
        groups[name] = {k: round(mine[k], 3) for k in ("median", "mean", "worst25")}
    return groups


def _two_lights(known: World, stock: Tensor, ours: Callable[[Tensor, Tensor], Lights]) -> dict[str, float]:
    """Scenes in which each of two lights, ten degrees or more apart, falls on a quarter at least."""
    random = torch.Generator().manual_seed(15)
    shots = take(known, stock, random, mixed=1.0, noise=0.01)
    apart = angle(shots.neutral[:, 0], shots.neutral[:, 1]) > 2 * NEAR
    fair = apart & (shots.share.amin(1) > 0.25) & (shots.valid.flatten(1).sum(1) >= 64)
    back, one, both = torch.linalg.inv(shots.way), 0, 0
    chosen = fair.nonzero()[:, 0].tolist()
    for i in chosen:
        lights = ours(shots.pixels[i], shots.valid[i])
        near = [min(float(angle(back[i] @ rgb(c), n)) for c, _ in lights) < NEAR for n in shots.neutral[i]]
        one, both = one + any(near), both + all(near)
    return {"pictures": len(chosen), "one": one / max(1, len(chosen)), "both": both / max(1, len(chosen))}


def markdown(rows: list[Row], mixed: Mapping[str, float]) -> str:
    """The tables: methods, ours by camera, two lights."""
    best = min((r for r in rows if r.method != OURS), key=lambda r: r.figures["median"])
    worst = min(r.figures["worst25"] for r in rows if r.method != OURS)
    out = ["# White balance, recovery error in degrees\n"]
    out.append("| method | mean | median | trimean | best 25 % | worst 25 % |\n|---|---:|---:|---:|---:|---:|")
    for r in sorted(rows, key=lambda r: r.figures["median"]):
        f = r.figures
        out.append(
            f"| {r.method} | "
            + " | ".join(f"{f[k]:.2f}" for k in ("mean", "median", "trimean", "best25", "worst25"))
            + " |"
        )
    ours = next(r for r in rows if r.method == OURS)
    of_median, of_worst = ours.figures["median"] / best.figures["median"], ours.figures["worst25"] / worst
    out.append(
        f"\n{len(ours.errors)} pictures; {of_median:.2f} × the best other median, {of_worst:.2f} × the best other worst 25 %\n"
    )
    out.append("| camera | mean | median | worst 25 % |\n|---|---:|---:|---:|")
    out += [f"| {n} | {f['mean']:.2f} | {f['median']:.2f} | {f['worst25']:.2f} |" for n, f in ours.groups.items()]
    out.append("\n| scenes | method | mean | median | worst 25 % |\n|---|---|---:|---:|---:|")
    for n in ours.sources:
        others = [r for r in rows if r is not ours]
        nearest = min(others, key=lambda r: r.sources[n]["median"])
        for r in (ours, nearest):
            f = r.sources[n]
            out.append(f"| {n} | {r.method} | {f['mean']:.2f} | {f['median']:.2f} | {f['worst25']:.2f} |")
    out.append(
        f"\nIn the light of two lamps ({mixed['pictures']:.0f} pictures) one of both is among three candidates in "
        f"{mixed['one']:.0%}, both are in {mixed['both']:.0%} (within {NEAR:g}°)"
    )
    return "\n".join(out)
