"""Files in and out: RAW files, pictures and modisp's own intermediates.

The names are looked up when they are first used, because decoder processes import this package too and have to stay
without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modisp.io.errors import ImageError as ImageError
    from modisp.io.open import open_image as open_image
    from modisp.io.open import open_preview as open_preview
    from modisp.io.open import read_extras as read_extras
    from modisp.io.open import read_info as read_info
    from modisp.io.save import save_image as save_image

_HOMES = {
    "ImageError": "errors",
    "open_image": "open",
    "open_preview": "open",
    "read_extras": "open",
    "read_info": "open",
    "save_image": "save",
}
__all__ = ["ImageError", "open_image", "open_preview", "read_extras", "read_info", "save_image"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
