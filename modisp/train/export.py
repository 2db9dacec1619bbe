"""From a run to a weight file with its card: the averaged weights, and figures on held-out pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import nn

from .. import weights
from ..nets import build
from . import data
from .grow import grow
from .tasks import Task, task

TRAINED_ON = (
    "34 photographs (Unsplash licence), reduced 1.4 and 2 times in linear light; views of 24 panoramas "
    "(Poly Haven, CC0); dead leaves and fine stripes drawn by modisp (Apache-2.0); a quarter of the patches with "
    "colour at half the resolution. Chosen on 43 photographs (CC BY-SA 4.0), which are not in the training data."
)


def export(run: Path, target: Path, test: Path | None = None, trained_on: str = TRAINED_ON) -> weights.Card:
    """Checkpoint of the folder ``run`` → the weight file ``target``.

    ``test``: a folder of pictures that were neither trained nor chosen by; the figures go into the card.
    """
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    chosen = task(state["task"])
    # How many turns are averaged is no matter of the weights: the task says, now.
    architecture = {k: v for k, v in state["architecture"].items() if k != "turns"}
    architecture |= {k: v for k, v in chosen.architecture.items() if k == "turns"}
    net = build(architecture)
    grow(state["average"], net)
    if chosen.finish is not None:
        chosen.finish(net, run.parent)
    card = weights.Card(
        name=chosen.name,
        architecture=architecture,
        parameters=sum(p.numel() for p in net.parameters()),
        macs_per_pixel=net.macs(),  # type: ignore[operator]
        data=chosen.trained_on or trained_on,
        steps=state["step"],
        seed=state["seed"],
        command=state["command"],
        before=state.get("before", []),
        figures=figures(net, chosen, test) if test or chosen.tested_on else {},
        tested_on=f"{len(data.pictures(test))} pictures of {test.parent.name}/{test.name}"
        if test
        else chosen.tested_on,
    )
    weights.save(target, net, card)
    return card


def figures(net: nn.Module, chosen: Task, folder: Path | None) -> dict[str, float]:
    """What the task watches, on the pictures of a folder (dB), or on what the task knows by itself."""
    with torch.no_grad():
        scored = chosen.score(net.eval(), data.pictures(folder) if folder else [])
    return {name: round(value, 3) for name, value in scored.items()}


def command(arguments: list[str] | None = None) -> None:
    """The command line of ``python -m modisp.train.export``."""
    parser = argparse.ArgumentParser(description="Write the weights of a run with their card.")
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("target", type=Path, help="the .safetensors file")
    parser.add_argument("--test", type=Path, help="folder of pictures for the card's figures")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(export(given.run, given.target, given.test))


if __name__ == "__main__":
    command()
