"""The training loop: one for all tasks.

What step n sees depends on the seed and n alone, so a resumed run follows the same curve. With
``minutes`` the learning rate follows the time spent instead of the steps.
"""

from __future__ import annotations

import copy
import json
import math
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from .. import weights
from ..nets.trunk import Trunk, quick_short
from . import data
from .grow import grow
from .muon import Muon
from .options import CHECKPOINT, Options
from .tasks import Task

PAUSE = 60.0
"""Seconds that a step counts at most: one that took longer was put aside (Ctrl-Z), and that was no training."""


def train(task: Task, options: Options, say: Any = print) -> nn.Module:
    """Run or resume; returns the averaged network. Files in ``options.out``: checkpoint.pt, log.jsonl."""
    torch.set_num_threads(options.threads)
    rank, world = _join(options)
    torch.manual_seed(options.seed)
    device = torch.device(options.device)
    net = task.net().to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if options.start is not None:
        net = grow(_weights(options.start, device), net)
    if options.short if options.short is not None else quick_short(device):
        for part in net.modules():
            if isinstance(part, Trunk):
                part.short = True
    average = copy.deepcopy(net).eval()
    run = Run(task, options, net, average, optimizers(net, task, options), device)
    resumed = run.resume()
    folder = data.data_folder(options.data)
    if rank == 0:
        say("getting the training data ready; some of it is drawn the first time, which takes a minute or two")
    made = task.examples(folder, options.out.parent) if task.examples else None
    if task.begin is not None and not resumed:
        for one in (net, average):
            task.begin(one, options.out.parent)
    source = None if made else data.Source.open(folder, task.reductions, options.leaves, options.out.parent)
    watched = data.pictures(folder / "photos" / "val", every=4) if source and rank == 0 else []
    stop = _Stop()
    for step in run.steps():
        random = np.random.default_rng((options.seed, step, rank))
        torch_random = torch.Generator().manual_seed(int(random.integers(2**62)))
        if made is not None:
            drawn = made(task.batch, torch_random)
        elif source is not None:
            drawn = task.draw(source.batch(task.batch, task.patch, random), torch_random)
        example = tuple(t.to(device) for t in drawn)
        run.learn(step, example, world)
        if rank == 0:
            if run.due("save", options.save_minutes):
                run.save()
            if run.due("validate", max(options.validate_minutes, run.looking)):
                run.validate(watched, say)
            elif run.due("tell", options.tell_minutes):
                run.note()
                say(run.words())
        if stop.asked:
            break
    if rank == 0:
        if not stop.asked:
            run.validate(watched, say)
        run.save()
    if dist.is_initialized():
        dist.destroy_process_group()
    return run.average


def optimizers(net: nn.Module, task: Task, options: Options) -> list[torch.optim.Optimizer]:
    """AdamW; with Muon chosen, Muon for the hidden convolutions and AdamW for the rest."""
    named = dict(net.named_parameters())
    hidden = {n for n, p in named.items() if p.ndim == 4 and "head" not in n and "tail" not in n}
    hidden = hidden if options.muon else set()
    rest = [p for n, p in named.items() if n not in hidden]
    out: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(rest, lr=task.rate, betas=(0.9, 0.99), weight_decay=options.weight_decay)
    ]
    if hidden:
        out.append(Muon([named[n] for n in sorted(hidden)], lr=options.muon))
    for optimizer in out:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return out


@dataclass
class Run:
    """The state of a run, everything that a checkpoint holds."""

    task: Task
    options: Options
    net: nn.Module
    average: nn.Module
    optimizers: list[torch.optim.Optimizer]
    device: torch.device
    step: int = 0
    spent: float = 0.0
    """Seconds trained, validation left out."""
    loss: float = math.nan
    looking: float = 0.0
    """Minutes between two validations at the least: ten times what the last one took."""

    def __post_init__(self) -> None:
        self.last = dict.fromkeys(("save", "validate"), time.monotonic())
        self.last["tell"] = -math.inf  # the first step is told of at once
        self.before = self.options.before()  # now: a better file may lie there when the run ends
        self.options.out.mkdir(parents=True, exist_ok=True)

    @property
    def total(self) -> int:
        """Steps of the whole run, where steps are what limits it."""
        return self.options.steps or self.task.steps

    def progress(self) -> float:
        """0 … 1 of the budget."""
        if self.options.minutes is not None:
            return min(1.0, self.spent / (60 * self.options.minutes))
        return min(1.0, self.step / self.total)

    def steps(self) -> Iterator[int]:
        """Numbers of the steps still to do."""
        while self.progress() < 1:
            yield self.step

    def learn(self, step: int, example: tuple[Tensor, ...], world: int) -> None:
        """One step of the optimisers and of the average."""
        began = time.monotonic()
        # Warm-up, then a cosine to (nearly) nothing.
        factor = min(1.0, (step + 1) / self.options.warm_up) * (0.5 + 0.5 * math.cos(math.pi * self.progress()))
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * max(factor, 1e-3)
        loss = self.task.loss(self.net, example)
        loss.backward()  # type: ignore[no-untyped-call]
        parameters = list(self.net.parameters())
        if world > 1:
            for p in parameters:
                if p.grad is not None:
                    dist.all_reduce(p.grad)
                    p.grad /= world
        norm = nn.utils.clip_grad_norm_(parameters, 1.0)
        if torch.isfinite(norm):
            for optimizer in self.optimizers:
                optimizer.step()
        # A short memory at first, else the average would remember the random start.
        keep = min(self.options.average, (step + 1) / (step + 10))
        with torch.no_grad():
            for mean, p in zip(self.average.parameters(), parameters, strict=True):
                mean.lerp_(p, 1 - keep)
        value = float(loss.detach())
        self.loss = value if math.isnan(self.loss) else 0.99 * self.loss + 0.01 * value
        self.step += 1
        self.spent += min(time.monotonic() - began, PAUSE)

    def due(self, what: str, minutes: float) -> bool:
        """Is it time again to ``save`` or ``validate``?"""
        if time.monotonic() - self.last[what] < 60 * minutes:
            return False
        self.last[what] = time.monotonic()
        return True

    def validate(self, watched: list[Tensor], say: Any) -> None:
        """Figures of the averaged network on validation pictures, to the log and the screen."""
        began = time.monotonic()
        with torch.no_grad():
            figures = self.task.score(self.average, [p.to(self.device) for p in watched])
        self.looking = (time.monotonic() - began) / 6
        self.note({name: round(value, 3) for name, value in figures.items()})
        say(self.words("  ".join(f"{name} {value:.2f}" for name, value in figures.items())))

    def note(self, figures: Mapping[str, float] | None = None) -> None:
        """A line of the log."""
        line = {"step": self.step, "minutes": round(self.spent / 60, 2), "loss": round(self.loss, 6), **(figures or {})}
        with self.log.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def words(self, shown: str = "") -> str:
        """How far the run is, in a line: share, step, loss, figures, time left."""
        share = max(self.progress(), 1e-6)
        left = self.spent * (1 - share) / share
        ahead = f"{left / 60:.0f} min left" if left > 90 else f"{left:.0f} s left"
        parts = [self.task.name, f"{share:4.0%}", f"step {self.step}", f"loss {self.loss:.5f}", shown, ahead]
        return "  ".join(filter(None, parts))

    @property
    def log(self) -> Path:
        """One JSON object a line: step, minutes, loss, and figures where there was a look at the validation pictures."""
        return self.options.out / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        """Everything that a resumed run needs."""
        return self.options.out / CHECKPOINT

    def save(self) -> None:
        """Atomic: a killed run leaves the last good checkpoint."""
        state = {
            "task": self.task.name,
            "architecture": dict(self.task.architecture),
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "step": self.step,
            "spent": self.spent,
            "loss": self.loss,
            "seed": self.options.seed,
            "command": self.options.command(self.task.name),
            "before": self.before,
        }
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(state, temporary)
        os.replace(temporary, self.checkpoint)

    def resume(self) -> bool:
        """Go on where the folder's checkpoint ends; start afresh, and say False, where there is none."""
        if not self.checkpoint.exists():
            self.log.unlink(missing_ok=True)
            return False
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        if {**state["architecture"], "turns": 1} != {**self.task.architecture, "turns": 1}:  # turns need no weights
            raise ValueError(f"{self.checkpoint} is of another architecture; choose another folder")
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.spent, self.loss = state["step"], state["spent"], state["loss"]
        self.before = state.get("before", self.before)
        if self.log.exists():  # what was logged after the checkpoint will be done again
            lines = [line for line in self.log.read_text().splitlines() if json.loads(line)["step"] <= self.step]
            self.log.write_text("".join(line + "\n" for line in lines))
        return True


class _Stop:
    """Ctrl-C (or a polite kill) ends the run after the step, with everything saved."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                signal.signal(number, self._ask)
            except ValueError:  # not the main thread: whoever runs us there stops us by other means
                return

    def _ask(self, *_: object) -> None:
        self.asked = True


def _weights(path: Path, device: torch.device) -> dict[str, Tensor]:
    if path.suffix == weights.SUFFIX:
        return weights.load(path, device)[0].state_dict()
    average: dict[str, Tensor] = torch.load(path, map_location=device, weights_only=True)["average"]
    return average


def _join(options: Options) -> tuple[int, int]:
    """(rank, how many): under torchrun several processes share the batch's gradients."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if options.device.startswith("cuda") else "gloo")
    return int(os.environ.get("RANK", "0")), world
