"""Networks at work in stages: which weight file serves a picture, read once, heard at once when work is cancelled."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from modisp import memory, weights
from modisp.image import Frame, Metadata
from modisp.nets.trunk import Trunk, quick_short
from modisp.stage import checkpoint

SIZES = ("fast", "best")
QUICK = "quick"
"""A size that only some tasks have."""
TILE = 816 if (os.cpu_count() or 1) <= 2 else 528
"""Edge of the tiles that networks work on, a multiple of `LATTICE`: what lies round a tile is computed in vain, but tiles that
are worked on side by side must not take too much memory together."""
SHARES = (0.25, 0.5, 0.25)
"""Of red, green and blue among the samples: whose noise networks are told."""


def camera(meta: Metadata) -> str:
    """A camera's name as weight files for one camera alone carry it: maker and model, the maker once."""
    first = meta.make.split()[:1]
    named = bool(first) and meta.model.lower().startswith(first[0].lower())
    return meta.model if named else f"{meta.make} {meta.model}".strip()


def weight_file(task: str, size: str, meta: Metadata) -> Path | None:
    """The file that serves a task in a size, the camera's own first; in the other size where there is only that."""
    for wanted in (size, *SIZES):
        try:
            return weights.find(f"{task}-{wanted}", camera(meta) or None)
        except weights.WeightsMissing:
            continue
    return None


def digest(tasks: tuple[str, ...], size: str) -> str:
    """One digest of every file that may serve these tasks in this size, those of single cameras too; "" without any."""
    found = []
    for task in tasks:
        for wanted in (size, *(s for s in SIZES if s != size)):
            files = {
                p.name: p for f in reversed(weights.folders()) for p in f.glob(f"{task}-{wanted}*{weights.SUFFIX}")
            }
            found += [f"{name} {weights.digest(path)}" for name, path in sorted(files.items())]
            if f"{task}-{wanted}{weights.SUFFIX}" in files:
                break
    return hashlib.sha256("\n".join(found).encode()).hexdigest() if found else ""


def mean_noise(noise: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(a, b) of all samples together, from one (a, b), or from one each for R, G, B; (0, 0) where nothing is known.

    Files tell of read noise below nothing at times, fitted to samples that end at black; it counts as none.
    """
    rows = list(noise) * 3 if len(noise) == 1 else list(noise)
    a, b = (max(0.0, sum(s * n[i] for s, n in zip(SHARES, rows, strict=False))) for i in (0, 1))
    return a, b


def edges(frame: Frame) -> tuple[bool, bool, bool, bool]:
    """Which sides of a frame are the picture's own edges: top, bottom, left, right."""
    (x, y, w, h), (height, width) = frame.rect, frame.full
    return y <= 0, y + h >= height, x <= 0, x + w >= width


def network(path: Path, device: torch.device) -> Any:
    """The network of a weight file on a device, ready for use: typed by its own class, asks `checkpoint` at every layer."""
    return _network(path, weights.digest(path), str(device))


@lru_cache(maxsize=8)
def _network(path: Path, content: str, device: str) -> nn.Module:
    net, _ = weights.load(path, device)
    memory.keep()
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_pre_hook(lambda *_: checkpoint())
        if isinstance(layer, Trunk):  # at home only: other devices are quick enough to be exact
            layer.short = device == "cpu" and quick_short(torch.device(device))
    return net
