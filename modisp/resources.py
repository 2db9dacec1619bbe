"""Where things lie: what the project ships (styles, weights, samples), and the user's own folders."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import platformdirs

_HERE = Path(__file__).resolve().parent


def path(kind: str) -> Path:
    """The shipped folder `styles`, `weights` or `samples`: inside an installed wheel, else in the checkout."""
    inner = kind if kind == "styles" else f"assets/{kind}"
    installed = _HERE / "_data" / inner
    return installed if installed.is_dir() else _HERE.parent / inner


def home(kind: str) -> Path:
    """The user's folder `cache`, `styles`, `plugins`, `weights`, `sidecars` or `defaults` (may not exist yet).

    All lie under the environment variable MODISP_HOME where it is set, else where the platform wants them.
    """
    root = os.environ.get("MODISP_HOME")
    if root:
        return Path(root) / kind
    cache, data = _wanted(*(os.environ.get(v) for v in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")))
    return cache if kind == "cache" else data / kind


@lru_cache(maxsize=8)
def _wanted(*environment: str | None) -> tuple[Path, Path]:
    """Where the platform wants caches and data, for what it goes by; asking takes a tenth of a millisecond."""
    cache = platformdirs.user_cache_path("modisp", appauthor=False)
    return cache, platformdirs.user_data_path("modisp", appauthor=False)


def plugin_folder() -> Path:
    """The folder whose Python files are loaded as stages."""
    return home("plugins")
