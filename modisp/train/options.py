"""How to train: what a run may be told, where it starts from, and what made that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from .. import weights

CHECKPOINT = "checkpoint.pt"


def start_of(name: str | Path) -> Path:
    """Where to start from: a run's folder, its checkpoint, a weight file, or the name of an installed one.

    Raises WeightsMissing.
    """
    path = Path(name)
    path = path / CHECKPOINT if path.is_dir() else path
    return path if path.is_file() else weights.find(path.name.removesuffix(weights.SUFFIX))


@dataclass(frozen=True)
class Options:
    """How to train; what is trained is the task's."""

    out: Path
    data: Path | None = None
    steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    validate_minutes: float = 3.0
    save_minutes: float = 0.25
    tell_minutes: float = 0.25
    start: Path | None = None
    """A weight file, or a checkpoint, to start from: fine-tuning, or a smaller network to grow."""
    muon: float = 0.003
    """Step size of Muon for the hidden convolutions; 0: AdamW for everything."""
    average: float = 0.998
    weight_decay: float = 1e-4
    warm_up: int = 200
    leaves: int = 128
    """How many dead-leaves pictures the stock holds."""
    short: bool | None = None
    """Compute the hidden layers in bfloat16; None: where the processor is quicker at it (it costs 0.002 dB)."""

    def command(self, task: str) -> str:
        """How to start such a run again, without this machine's paths."""
        words = ["modisp", "train", task]
        for name in ("steps", "minutes", "seed", "muon"):
            value = getattr(self, name)
            words += [f"--{name}", f"{value:g}"] if value else []
        if self.start:
            words += ["--start", self.start.parent.name if self.start.name == CHECKPOINT else self.start.stem]
        return " ".join(words)

    def before(self) -> list[str]:
        """The commands that made what this run starts from, the first one first."""
        if self.start is None:
            return []
        if self.start.suffix == weights.SUFFIX:
            card = weights.card(self.start)
            return [*card.before, f"{card.command} ({card.steps} steps)"]
        state = torch.load(self.start, map_location="cpu", weights_only=True)
        return [*state.get("before", []), f"{state['command']} ({state['step']} steps)"]
