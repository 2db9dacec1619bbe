"""Fitting a shipped style: offsets from the base network's finish that bring it to a teacher's, over the same lessons.

What the style does by hand-written values of the slot `look` is done first, so that the offsets add only what is missing.
`python -m modisp.train.tone_styles vivid` fits one and writes its `weights.safetensors`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from .. import weights
from ..color.spaces import LUMA
from ..metrics import delta_e
from ..operators import tonemap
from ..operators.tonemap import PARTS, ToneParams
from ..operators.toneoffsets import Offsets, facts
from ..operators.toneview import params_of, see
from ..resources import path
from ..stages.look import _split
from ..style import OFFSETS, Style
from ..teach import TEACHERS
from . import data, tone_data
from .tone import TRAINED_ON, lab, seen_difference

LESSONS, EDGE = 100, 192
STEPS, BATCH, AT_ONCE = 300, 10, 400
NAMES = {"gain": "gain", "curve": "curve", "grid": "local", "chroma": "colour", "tint": "tint"}
"""Part → the first word of the parameter of the stage that takes its offsets."""


@dataclass
class Class:
    """Lessons with what the base network says of each, ready to be drawn from."""

    rgb: Tensor  # (L, 3, N)
    at: Tensor
    finished: Tensor  # (L, 3, N), one teacher's
    base: ToneParams
    known: Tensor

    def take(self, rows: Tensor, pixels: Tensor) -> tuple[ToneParams, Tensor, Tensor, Tensor, Tensor]:
        """(base, facts, pixels, places, finished) of some pictures."""
        base = ToneParams(*(v[rows] for v in self.base.items().values()))
        picked = (t[rows][:, :, pixels] for t in (self.rgb, self.at, self.finished))
        return (base, self.known[rows], *picked)  # type: ignore[return-value]


def gather(lessons: Sequence[tone_data.Lesson], which: int) -> Class:
    """Lessons and the base network's opinion; `which` of the teachers."""
    net, _ = weights.load("tone-natural")
    rows: list[ToneParams] = []
    known: list[Tensor] = []
    with torch.no_grad():
        for i in range(0, len(lessons), 32):
            seen = see(torch.stack([r.seen for r in lessons[i : i + 32]]))
            rows.append(params_of(net(*seen.inputs()), seen))
            known.append(facts(seen))
    base = ToneParams(**{p: torch.cat([getattr(r, p) for r in rows]) for p in PARTS})
    stacked = (torch.stack([getattr(r, k) for r in lessons]) for k in ("rgb", "at"))
    rgb, at = stacked
    return Class(rgb, at, torch.stack([r.finished[which] for r in lessons]), base, torch.cat(known))


def looked(rgb: Tensor, values: Mapping[str, Any]) -> Tensor:
    """DISPLAY colours (B, 3, N) through the stage `look` (without its table), differentiable."""
    b, _, n = rgb.shape
    flat = rgb.transpose(0, 1).reshape(3, -1)
    y = (flat * flat.new_tensor(LUMA).view(3, 1)).sum(0)
    saturation, vibrance = float(values.get("saturation", 1.0)), float(values.get("vibrance", 0.0))
    if saturation != 1.0 or vibrance:
        colour = flat - y
        up = colour.amax(0) / (1 - y).clamp_min(1e-4)
        reach = torch.maximum(up, -colour.amin(0) / y.clamp_min(1e-4)).clamp(0, 1)
        k = saturation * (1 + vibrance * (1 - reach) ** 2)
        flat = y + colour * (k / (1 + (k - 1).clamp_min(0) * reach))
    if fade := float(values.get("monochrome", 0.0)):
        mixes = [float(values.get(f"mix_{c}", 0.0)) for c in ("red", "green", "blue")]
        grey = y + sum(m * (flat[i] - y) for i, m in enumerate(mixes))
        flat = torch.lerp(flat, grey.clamp(0, 1).expand_as(flat), fade)
        y = (flat * flat.new_tensor(LUMA).view(3, 1)).sum(0)
    tints = [float(values.get(k, 0.0)) for k in ("shadow_warmth", "shadow_tint", "highlight_warmth", "highlight_tint")]
    if any(tints):
        table = _split(*tints, float(values.get("tint_balance", 0.0)))
        flat = flat * torch.stack(table(y.detach().contiguous()))
    return flat.view(3, b, n).transpose(0, 1)


def shown(
    offsets: Offsets, drawn: tuple[ToneParams, Tensor, Tensor, Tensor, Tensor], look: Mapping[str, Any]
) -> Tensor:
    """L*a*b* of what the style makes of drawn pixels."""
    base, known, rgb, at, _ = drawn
    params = offsets.on(base, known)
    params = replace(params, curve=params.curve.cummax(1)[0])
    # the grid is read where the base put it, whatever exposure the style gives
    return lab(looked(tonemap.apply(params, rgb, at, (base.gain - params.gain)[:, None]), look))


def wanted(drawn: tuple[ToneParams, Tensor, Tensor, Tensor, Tensor], look: Mapping[str, Any]) -> Tensor:
    """L*a*b* of the teacher's; of a style in black and white, after its colours have gone."""
    finished = drawn[4]
    return lab(looked(finished, look) if look.get("monochrome") else finished)


def fit(lessons: Class, look: Mapping[str, Any], toned: bool, steps: int = STEPS, seed: int = 0) -> Offsets:
    """The offsets that fit a class best, smooth in colour where there was little to learn from.

    Only those of a `toned` look may tint grey.
    """
    random = torch.Generator().manual_seed(seed)
    offsets = Offsets.zeros()
    free = [getattr(offsets, p).requires_grad_() for p in PARTS]
    rates = {"gain": 0.02, "curve": 0.005, "grid": 0.01, "chroma": 0.015, "tint": 0.002 if toned else 0.0}
    groups = [{"params": [v], "lr": rates[p], "peak": rates[p]} for p, v in zip(PARTS, free, strict=True)]
    optimizer = torch.optim.Adam(groups)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * (1 - step / steps) ** 0.7
        rows = torch.randint(len(lessons.rgb), (BATCH,), generator=random)
        drawn = lessons.take(rows, torch.randint(lessons.rgb.shape[2], (AT_ONCE,), generator=random))
        off = seen_difference(shown(offsets, drawn, look), wanted(drawn, look)).mean()
        table = offsets.chroma
        rough = (table - table.roll(1, 1)).square().mean() + table.diff(dim=2).square().mean()
        rough = rough + table.diff(dim=3).square().mean()
        loss = off + 0.3 * rough + 1e-3 * table.square().mean() + 1e-3 * offsets.curve[1:].square().sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return Offsets(**{p: v.detach() for p, v in zip(PARTS, free, strict=True)}, lamp=offsets.lamp)


def judge(offsets: Offsets, held: Class, look: Mapping[str, Any]) -> list[float]:
    """Mean ΔE2000 to the teacher, picture by picture."""
    out = []
    with torch.no_grad():
        for i in range(len(held.rgb)):
            drawn = held.take(torch.tensor([i]), torch.arange(held.rgb.shape[2]))
            out.append(float(delta_e(shown(offsets, drawn, look), wanted(drawn, look)).mean()))
    return out


def held_lessons(names: Sequence[str], kept: Path | None = None) -> list[tone_data.Lesson]:
    """Held-out pictures, finished by some teachers."""
    if kept and kept.exists():
        return [tone_data.Lesson(*row) for row in torch.load(kept, weights_only=True)]
    random = np.random.default_rng(5)
    scenes = tone_data.held_out(data.data_folder())
    rows = [tone_data.lesson(s, [TEACHERS[n] for n in names], random, 3000) for s in scenes]
    if kept:
        torch.save([(r.seen, r.rgb, r.at, r.finished) for r in rows], kept)
    return rows


def look_of(name: str) -> dict[str, Any]:
    """What the shipped style sets in the slot `look`."""
    return dict(Style.load(path("styles") / name).values.get("look", {}))


def write(name: str, offsets: Offsets, folder: Path | None = None) -> Path:
    """Put the offsets beside a style, under the names of the stage's parameters."""
    file = (folder or path("styles") / name) / OFFSETS
    rows = {f"tone_learned.{NAMES[p]}_offsets": torch.tensor(row) for p, row in offsets.dump().items() if row}
    card = {
        "name": name,
        "data": TRAINED_ON,
        "command": f"python -m modisp.train.tone_styles {name}",
        "licence": "Apache-2.0",
    }
    save_file(rows, file, metadata={"card": json.dumps(card)})
    file.chmod(0o644)  # safetensors makes it private, which an installed copy must not be
    return file


def command(arguments: list[str] | None = None) -> None:
    """The command line of ``python -m modisp.train.tone_styles``."""
    others = [n for n in TEACHERS if n != "natural"]
    parser = argparse.ArgumentParser(description="Fit shipped styles to their teachers.")
    parser.add_argument(
        "styles", nargs="*", default=others, metavar="STYLE", help=f"of {', '.join(others)}; all without"
    )
    parser.add_argument("--data", type=Path, help="data folder (or MODISP_DATA)")
    parser.add_argument("--kept", type=Path, default=Path("runs"), help="folder for what takes long to make")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    given.kept.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        teachers = [TEACHERS[n] for n in others]
        stock = tone_data.stock(
            data.data_folder(given.data), teachers, LESSONS, given.kept / "styles.pt", seed=7, edge=EDGE
        )
        held = held_lessons(others, given.kept / "styles-held.pt")
    for name in given.styles:
        which, look = others.index(name), look_of(name)
        teacher = TEACHERS[name]
        toned = any((*teacher.shadow_tint, *teacher.highlight_tint))
        found = fit(gather(stock, which), look, toned)
        errors = judge(found, gather(held, which), look)
        plain = judge(Offsets.zeros(), gather(held, which), look)
        file = write(name, found)
        mean = sum(errors) / len(errors)
        print(
            f"{name}: ΔE2000 {mean:.2f}, worst {max(errors):.2f} (base alone {sum(plain) / len(plain):.2f}) → {file}",
            flush=True,
        )


if __name__ == "__main__":
    command()
