"""Training as a person starts it: from the command line, and the picture of how it went."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from . import restore
from .loop import train
from .options import Options, start_of
from .tasks import TASKS, task


def main(
    name: str,
    out: Path,
    data: Path | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    batch: int | None = None,
    patch: int | None = None,
    rate: float | None = None,
    profiles: Sequence[tuple[float, float]] = (),
    say: Any = print,
    **options: Any,
) -> Path:
    """Train (or resume) ``name`` in the folder ``out``; returns its checkpoint.

    ``profiles``: the noise (shot, read: `NoiseProfile`) of one camera's files, for a restore task that is
    to be fine-tuned on that camera alone. ``options`` are those of `Options`: seed, threads, device …
    """
    changes = {"batch": batch, "patch": patch, "rate": rate}
    chosen = task(name, **{key: value for key, value in changes.items() if value is not None})
    if profiles:
        if chosen.loss is not restore.loss:
            raise ValueError(f"{name} is not trained on a camera's noise: choose a restore task")
        own = partial(restore.draw, cfa=chosen.architecture["cfa"], profiles=tuple(profiles))
        chosen = replace(chosen, draw=own)
    if options.get("start") is not None:
        options["start"] = start_of(options["start"])
    settings = Options(out=out, data=data, steps=steps, minutes=minutes, **options)
    train(chosen, settings, say)
    return out / "checkpoint.pt"


def plot(out: Path, picture: Path) -> Path:
    """Draw loss and figures of ``out``/log.jsonl over the minutes, each on its own scale; a PNG."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    if not lines:
        raise ValueError(f"nothing logged yet in {out}")
    names = list(dict.fromkeys(name for line in lines for name in line if name not in ("step", "minutes")))
    width, height = 640, 160
    canvas = Image.new("RGB", (width, height * len(names)), "white")
    draw = ImageDraw.Draw(canvas)
    span = max(lines[-1]["minutes"], 1e-6)
    for row, name in enumerate(names):
        seen = [line for line in lines if name in line]
        values = [line[name] for line in seen]
        low, high = min(values), max(values)
        scale = (height - 60) / max(high - low, 1e-9)
        bottom = height * (row + 1) - 20
        points = [
            (20 + (width - 40) * line["minutes"] / span, bottom - (value - low) * scale)
            for line, value in zip(seen, values, strict=True)
        ]
        draw.text((20, height * row + 6), f"{name}: {low:.5g} … {high:.5g}, last {values[-1]:.5g}", fill="black")
        draw.line(points if len(points) > 1 else points * 2, fill=(30, 90, 160), width=2)
    canvas.save(picture)
    return picture


def command(arguments: list[str] | None = None) -> None:
    """The command line of ``python -m modisp.train``."""
    parser = argparse.ArgumentParser(prog="modisp train", description=f"Tasks: {', '.join(TASKS)}")
    parser.add_argument("task", choices=sorted(TASKS))
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/TASK)")
    parser.add_argument("--data", type=Path, help="folder with photos/train and photos/val (or MODISP_DATA)")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--minutes", type=float, help="time budget; the learning rate follows it")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--patch", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--start", type=Path, help="run, weight file or name of weights to start from")
    parser.add_argument("--muon", type=float, default=Options.muon, help="step of Muon; 0: AdamW alone")
    parser.add_argument("--average", type=float, default=Options.average)
    parser.add_argument("--validate-minutes", type=float, default=Options.validate_minutes)
    given = vars(parser.parse_args(arguments))
    name = given.pop("task")
    given["out"] = given["out"] or Path("runs") / name
    print("saved", main(name, say=lambda line: print(line, flush=True), **given))
