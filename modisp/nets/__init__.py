"""Networks: pure torch, one architecture per file, no knowledge of stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from .color import Color
from .demosaic import Demosaic
from .restore import Restore
from .tone import Tone
from .white import White


def build(architecture: Mapping[str, Any]) -> nn.Module:
    """An untrained network from its description: ``kind`` and the arguments of its class."""
    kinds: dict[str, type[nn.Module]] = {
        "color": Color,
        "demosaic": Demosaic,
        "restore": Restore,
        "tone": Tone,
        "white": White,
    }
    arguments = dict(architecture)
    kind = arguments.pop("kind")
    if kind not in kinds:
        raise ValueError(f"unknown architecture {kind!r}; this version knows {', '.join(kinds)}")
    return kinds[kind](**arguments)
