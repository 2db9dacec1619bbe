"""Weight files: safetensors with a card in the header that says what they are and where from.

Looked for in the user's folder first, then among those shipped. A file is named by its task
(``demosaic-bayer-fast.safetensors``); for one camera alone by task and camera
(``restore-fast@canon-eos-r5.safetensors``).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from . import resources
from .nets import build

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Card:
    """What a user should know of a weight file before trusting it."""

    name: str
    architecture: dict[str, Any]
    parameters: int
    macs_per_pixel: float
    """Multiply-accumulates per mosaic pixel."""
    data: str
    """Training data and their licences."""
    steps: int
    """Of ``command``."""
    seed: int
    command: str
    """What made them, in a folder that holds what its ``--start`` names."""
    before: list[str] = field(default_factory=list)
    """What made the weights that it started from, the first command first, each with its steps where they are known."""
    figures: dict[str, float] = field(default_factory=dict)
    tested_on: str = ""
    """The pictures that the figures are of; never trained or chosen by."""
    licence: str = "Apache-2.0"
    version: int = 1


class WeightsMissing(FileNotFoundError):
    """Weights that an edit needs are not there; the message names them."""


def slug(camera: str) -> str:
    """A camera's name as it stands in a file name."""
    return re.sub(r"[^a-z0-9]+", "-", camera.lower()).strip("-")


def folders() -> list[Path]:
    """Where weights are looked for, the user's own first."""
    return [resources.home("weights"), resources.path("weights")]


def find(name: str, camera: str | None = None) -> Path:
    """The file of ``name``, the camera's own where there is one."""
    names = [f"{name}@{slug(camera)}", name] if camera else [name]
    for wanted in names:
        for folder in folders():
            path = folder / (wanted + SUFFIX)
            if path.is_file():
                return path
    places = " or ".join(str(folder) for folder in folders())
    raise WeightsMissing(f"weights {name!r} are not in {places}")


def list_weights() -> list[Card]:
    """Cards of all weight files found, by name; a user's file hides a shipped one of the same name."""
    found: dict[str, Path] = {}
    for folder in reversed(folders()):
        if folder.is_dir():
            found.update({path.stem: path for path in sorted(folder.glob("*" + SUFFIX))})
    return [replace(card(path), name=name) for name, path in sorted(found.items())]


def card(path: Path) -> Card:
    """The card alone; the numbers are not read."""
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("card")
    except SafetensorError as why:
        raise ValueError(f"{path.name} is no weight file, or a broken one ({why})") from why
    if text is None:
        raise ValueError(f"{path.name} has no card: not a weight file of modisp")
    known = set(Card.__dataclass_fields__)
    return Card(**{key: value for key, value in json.loads(text).items() if key in known})


def load(name: str | Path, device: torch.device | str = "cpu", camera: str | None = None) -> tuple[nn.Module, Card]:
    """A network ready for use (float32, evaluation mode, no gradients) and its card; by name or path."""
    path = name if isinstance(name, Path) else find(name, camera)
    said = card(path)
    net = build(said.architecture)
    with safe_open(path, framework="pt") as file:
        state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 (not a dict)
    net.load_state_dict(state)
    net = net.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net.eval().requires_grad_(False), said


def save(path: Path, net: nn.Module, said: Card) -> Path:
    """Write atomically, numbers as float16 (a change below 1e-3 of an 8-bit step)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {key: value.detach().cpu().half().contiguous() for key, value in net.state_dict().items()}
    temporary = path.with_name(f".{path.name}.part")
    save_file(state, temporary, metadata={"card": json.dumps(asdict(said), sort_keys=True)})
    temporary.chmod(0o644)  # safetensors makes it private, which an installed copy must not be
    os.replace(temporary, path)
    return path


def digest(name: str | Path, camera: str | None = None) -> str:
    """SHA-256 of the file, hexadecimal: what cache keys and sidecars remember."""
    path = name if isinstance(name, Path) else find(name, camera)
    status = path.stat()
    return _digest(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _digest(path: Path, changed: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
