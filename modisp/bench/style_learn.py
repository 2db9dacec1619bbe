"""How near learned styles come to looks that they have not seen, by how many pairs they were learned from.

For each look (a folder of finished pictures) a part of the pairs is kept for testing; styles are learned from 5, 10, 20 and 40
of the others, three times with other pairs, beside what else could be fitted to the same pixels: one curve of luminance; the
usual 3D table from encoded scene light to the finished picture (`modisp.bench.lattice`); and one that knows more than it can,
of 17 steps and smoothed so that it does best on the very pictures that are tested.  That one is fitted to those pictures
themselves, too: what is left then of a look that is the same for all pictures is noise, and other differences of developers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from modisp.bench import lattice
from modisp.color import spaces
from modisp.learn.fit import difference, errors, fit
from modisp.learn.lesson import Lesson, lesson
from modisp.learn.pairs import dated, match
from modisp.learn.read import Sample, lab, read_pair
from modisp.learn.residue import decoded, encoded
from modisp.learn.run import base_network, read_all
from modisp.metrics import delta_e, lab_to_xyz
from modisp.operators import tonemap

COUNTS = (5, 10, 20, 40)
TIMES = 3
SHARE = 0.35
"""Of the pairs, kept for testing: the same for every fit."""
STEPS = 17
SMOOTH = 30.0
OWN = "3D table, fitted to the test"
TOP = 1.5  # scene light at the end of the table's axes, which are its power 1/2.4
Method = Callable[[Lesson, Lesson], Tensor]


@dataclass
class Row:
    """One method on one look, learned from `pairs` pairs: mean ΔE2000 on held-out pictures, the worst, and seconds."""

    look: str
    method: str
    pairs: int
    delta_e: float
    worst: float
    seconds: float
    spread: float = 0.0  # standard deviation over the draws of pairs
    held: int = 0
    values: list[float] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """Plain JSON data."""
        figures = {"delta_e": round(self.delta_e, 3), "worst": round(self.worst, 3), "spread": round(self.spread, 3)}
        head: dict[str, Any] = {"name": self.method, "look": self.look, "pairs": self.pairs}
        return head | figures | {"seconds": round(self.seconds, 2), "held_out": self.held}


def measure(
    raw: Sequence[Path],
    looks: Mapping[str, Sequence[Path]],
    tell: Callable[[str], None],
    threads: int = 2,
    counts: Sequence[int] = COUNTS,
) -> list[Row]:
    """The table: `raw` are RAW files, `looks` finished pictures of them by the look's name."""
    raws, net, rows = dated(raw), base_network(), []
    for look, finished in looks.items():
        pairs, _ = match(raws, dated(finished))
        jobs = [_job(p) for p in pairs if p.finished is not None]
        tell(f"{look}: reading {len(jobs)} pairs")
        samples = [s for s in read_all(jobs, lambda f, w: None, threads) if not s.reason]
        if len(samples) < 8:
            raise ValueError(f"{look} has {len(samples)} pairs that fit; eight are needed at least")
        every = lesson(samples, net)
        order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(0)).tolist()
        held = max(3, round(SHARE * len(order)))
        test, rest = every.of(order[:held]), order[held:]
        if not (possible := [c for c in counts if c <= len(rest)]):
            raise ValueError(f"{look} has {len(rest)} pairs to learn from; {min(counts)} were asked for")
        least = _table(test, test)
        for count in possible:
            rows.append(Row(look, OWN, count, float(least.mean()), float(least.max()), 0.0, 0.0, held))
            for name, method in METHODS.items():
                made, started = [], time.perf_counter()
                for draw in range(TIMES):
                    random = torch.Generator().manual_seed(draw)
                    chosen = [rest[i] for i in torch.randperm(len(rest), generator=random)[:count].tolist()]
                    made.append(method(every.of(chosen), test))
                means = torch.stack([m.mean() for m in made])
                worst = max(float(m.max()) for m in made)
                seconds = (time.perf_counter() - started) / TIMES
                spread = float(means.std())
                rows.append(Row(look, name, count, float(means.mean()), worst, seconds, spread, held))
                tell(f"{look}: {name}, {count} pairs: {rows[-1].delta_e:.2f}")
    return rows


def _job(pair: Any) -> Callable[[], Sample]:
    return lambda: read_pair(pair)


def markdown(rows: Sequence[Row]) -> str:
    """The table, one line for a look and a method, one column for a count of pairs."""
    counts = sorted({r.pairs for r in rows})
    lines = ["| look | method | " + " | ".join(f"{c} pairs" for c in counts) + " | worst | seconds |"]
    lines.append("|---|---|" + "---|" * (len(counts) + 2))
    for look in dict.fromkeys(r.look for r in rows):
        for method in (*METHODS, OWN):
            mine = {r.pairs: r for r in rows if (r.look, r.method) == (look, method)}
            cells = [f"{mine[c].delta_e:.2f} ± {mine[c].spread:.2f}" if c in mine else "" for c in counts]
            last = mine[max(mine)]
            lines.append(f"| {look} | {method} | {' | '.join(cells)} | {last.worst:.1f} | {last.seconds:.1f} |")
    lines.append("")
    lines.append(f"Mean ΔE2000 of pictures kept apart ({rows[0].held}), over {TIMES} draws of pairs; the worst and the")
    lines.append("seconds of fitting are those of the most pairs.")
    return "\n".join(lines)


# --- methods ---------------------------------------------------------------------------------------------------------------


def _style(pairs: Lesson, test: Lesson) -> Tensor:
    return errors(fit(pairs), test)


def _curve(pairs: Lesson, test: Lesson) -> Tensor:
    """One curve of luminance, colour led along as it comes."""
    first = tonemap.ToneParams.plain()
    rise = (first.curve[:, 1:] - first.curve[:, :-1]).clamp_min(4e-3)
    start, steps = first.curve[:, 0].clone().requires_grad_(), torch.log(torch.expm1(rise)).requires_grad_()

    def params(n: int) -> tonemap.ToneParams:
        plain = tonemap.ToneParams.plain(n)
        plain.curve = tonemap.rising(start, steps).expand(n, -1)
        return plain

    def loss(some: Tensor) -> Tensor:
        made = tonemap.apply(params(len(pairs)), pairs.rgb[:, :, some], pairs.at[:, :, some])
        return difference(_lab(made), pairs.wanted[:, some]).mean()

    _descend([(start, 0.01), (steps, 0.06)], loss, pairs.rgb.shape[2], 300)
    return _apart(test, lambda rgb: tonemap.apply(params(len(test)), rgb, test.at.repeat(1, 1, test.parts.shape[2])))


def _table(pairs: Lesson, test: Lesson) -> Tensor:
    """A 3D table from scene light to the finished picture, as smooth as `SMOOTH`, which was chosen by pictures held out."""
    line = torch.linspace(0.0, 1.0, STEPS)
    blue, green, red = torch.meshgrid(line, line, line, indexing="ij")
    table = torch.stack([red, green, blue])[None].clone().requires_grad_()

    def through(rgb: Tensor) -> Tensor:
        at = (rgb.clamp(0, TOP) / TOP).pow(1 / 2.4) * 2 - 1
        flat = at.permute(0, 2, 1).reshape(1, 1, 1, -1, 3)
        found = F.grid_sample(table, flat, padding_mode="border", align_corners=True).view(3, rgb.shape[0], -1)
        return found.clamp_min(0).pow(2.4).permute(1, 0, 2)

    def loss(some: Tensor) -> Tensor:
        rough = torch.stack([(table.diff(n=2, dim=k) ** 2).mean() for k in (2, 3, 4)]).sum()
        return difference(_lab(through(pairs.rgb[:, :, some])), pairs.wanted[:, some]).mean() + SMOOTH * rough

    _descend([(table, 0.02)], loss, pairs.rgb.shape[2], 500)
    return _apart(test, through)


def _plain_table(pairs: Lesson, test: Lesson) -> Tensor:
    """The usual 3D table."""
    given, wanted = _inside(pairs.rgb), encoded(_linear(pairs.wanted.reshape(-1, 3)))
    table = lattice.fit(given, wanted)

    def through(rgb: Tensor) -> Tensor:
        made = lattice.Lattice(_inside(rgb)).read(table).float()
        return decoded(made.clamp(0, 1)).view(3, len(rgb), -1).permute(1, 0, 2)

    return _apart(test, through)


def _apart(test: Lesson, through: Callable[[Tensor], Tensor]) -> Tensor:
    """Mean ΔE2000 of each pair (B,): finer pixels (B, 3, P · N) are finished, then averaged, as learned styles are."""
    with torch.inference_mode():
        made = through(test.parts.flatten(2)).clamp(0, 1).reshape(test.parts.shape).mean(2)
    return delta_e(_lab(made), test.wanted).mean(1)


def _inside(rgb: Tensor) -> Tensor:
    """Scene light (B, 3, N) as the tables see it: (B · N, 3) in [0, 1]."""
    return (rgb.clamp(0, TOP) / TOP).pow(1 / 2.4).permute(0, 2, 1).reshape(-1, 3)


def _linear(values: Tensor) -> Tensor:
    """Linear Rec.2020 (3, N) of CIELAB (N, 3), white D65."""
    return torch.einsum("ij,nj->in", spaces.between("xyz", "rec2020"), lab_to_xyz(values))


def _descend(rows: list[tuple[Tensor, float]], loss: Callable[[Tensor], Tensor], count: int, steps: int) -> None:
    optimiser = torch.optim.Adam([{"params": [p], "lr": rate} for p, rate in rows], betas=(0.9, 0.99))
    random = torch.Generator().manual_seed(0)
    for i in range(steps):
        for group, (_, rate) in zip(optimiser.param_groups, rows, strict=True):
            group["lr"] = rate * (0.5 + 0.5 * math.cos(math.pi * i / steps)) + 1e-5
        value = loss(torch.randint(count, (400,), generator=random))
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _lab(rgb: Tensor) -> Tensor:
    return lab(rgb.permute(1, 0, 2).reshape(3, -1)).view(rgb.shape[0], -1, 3)


METHODS: dict[str, Method] = {
    "learned style": _style,
    "3D table": _plain_table,
    "3D table, smoothed by the test": _table,
    "one curve": _curve,
}
