"""What was measured of one camera with a chart: a small file in the user's folder, one for each camera."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from modisp.image import tuples
from modisp.resources import home

RGB = tuple[float, float, float]
FORMAT = 1
SUFFIX = ".json"


@dataclass(frozen=True)
class Calibration:
    """A chart as one camera saw it, and as it is.

    `seen`: camera RGB of each patch divided by the camera's response to white, any exposure; `wanted`: linear Rec.2020 of
    the same patches as they look under the light, adapted to D65, white being 1; `white`: the response to white, largest 1.
    `before` and `after`: mean ΔE2000 of the patches.
    """

    camera: str
    chart: str
    white: RGB
    seen: tuple[RGB, ...]
    wanted: tuple[RGB, ...]
    before: float = 0.0
    after: float = 0.0

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(seen, wanted), (N, 3) float32 each."""
        return torch.tensor(self.seen), torch.tensor(self.wanted)

    def dump(self) -> str:
        """As the file holds it."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n"


def folder() -> Path:
    """Where the files are."""
    return home("calibration")


def path_of(name: str) -> Path:
    """The file of a camera, by its name as `modisp.weights.slug` writes it."""
    return folder() / (name + SUFFIX)


def find(name: str) -> Calibration | None:
    """The calibration of a camera, None where there is none, or no name.  ValueError, in one sentence, for a broken file."""
    if not name:
        return None
    path = path_of(name)
    try:
        status = path.stat()
    except OSError:
        return None
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _read(path: Path, _changed: int, _size: int) -> Calibration:
    try:
        return parse(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as why:
        raise ValueError(f"{path} is no calibration that can be used: delete it, or calibrate again ({why})") from why


def parse(data: Mapping[str, Any]) -> Calibration:
    """The inverse of `Calibration.dump`, checked.  ValueError, TypeError or KeyError for anything else."""
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    if missing := [f.name for f in fields(Calibration) if f.default is MISSING and f.name not in data]:
        raise ValueError(f"it lacks {', '.join(missing)}")
    made = Calibration(**{f.name: tuples(data[f.name]) for f in fields(Calibration) if f.name in data})
    rows = (*made.seen, *made.wanted, made.white)
    sound = all(len(r) == 3 and all(math.isfinite(v) for v in r) for r in rows)
    if not sound or not 3 <= len(made.seen) == len(made.wanted) or min(made.white) <= 0:
        raise ValueError("its numbers are not those of a chart")
    return made


def digest() -> str:
    """One digest of all files; "" without any: part of what makes a picture."""
    files = sorted(folder().glob("*" + SUFFIX)) if folder().is_dir() else []
    stamps = tuple((p.name, (s := p.stat()).st_mtime_ns, s.st_size) for p in files)
    return hashlib.sha256(repr(stamps).encode()).hexdigest() if stamps else ""
