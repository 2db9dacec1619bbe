"""modisp: a modular, stage-separable neural image signal processor for RAW photographs.

The public names below are loaded when first used, so that `import modisp` is quick and a decoding child process stays small.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modisp.image import Image, Metadata, State
    from modisp.io import open_image, save_image
    from modisp.pipeline import develop
    from modisp.recipe import Recipe
    from modisp.sidecar import Sidecar
    from modisp.stage import Stage, list_stages, param
    from modisp.style import Style, list_styles

_HOMES = {
    "Image": "image",
    "Metadata": "image",
    "State": "image",
    "Stage": "stage",
    "param": "stage",
    "list_stages": "stage",
    "Recipe": "recipe",
    "Style": "style",
    "list_styles": "style",
    "Sidecar": "sidecar",
    "develop": "pipeline",
    "open_image": "io",
    "save_image": "io",
}

__all__ = [
    "Image",
    "Metadata",
    "Recipe",
    "Sidecar",
    "Stage",
    "State",
    "Style",
    "develop",
    "list_stages",
    "list_styles",
    "open_image",
    "param",
    "save_image",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"modisp.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'modisp' has no attribute {name!r}")
