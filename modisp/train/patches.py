"""What the tasks that learn on patches of pictures share."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from ..nets.mosaic import masks

Example = tuple[Tensor, ...]
"""What a loss needs, as the task's own `draw` returns it."""

BORDER = 6
"""Rim of a patch left out of the loss: convolutions see zeros beyond it."""


def error(wrong: Tensor) -> Tensor:
    """Half absolute, half root-mean-square error of each patch.

    The second looks at a patch as PSNR looks at a picture; the first learns faster.
    """
    wrong = wrong[..., BORDER:-BORDER, BORDER:-BORDER]
    per_patch = (wrong.square().mean(dim=(1, 2, 3)) + 1e-9).sqrt()
    return 0.5 * (wrong.abs().mean() + per_patch.mean())


def drift(wrong: Tensor, cfa: str | None = None, cell: int = 12) -> Tensor:
    """What errors come to over cells of so many pixels, colour by colour: brightening, darkening, casts.

    Of pictures (B, 3, H, W), or of mosaics (B, 1, H, W) of a filter array.  In strong noise a mean that is off is a small part
    of the errors of the pixels, and yet it is what is seen.
    """
    wrong = wrong[..., BORDER:-BORDER, BORDER:-BORDER]
    if cfa is None:
        return F.avg_pool2d(wrong, cell).abs().mean()
    own = masks(cfa, wrong.shape[-2], wrong.shape[-1], wrong.device)
    return (F.avg_pool2d(wrong * own, cell) / own.mean((1, 2)).view(3, 1, 1)).abs().mean()


def crop(picture: Tensor, multiple: int) -> Tensor:
    """Cut sides down to multiples."""
    height, width = (side // multiple * multiple for side in picture.shape[-2:])
    return picture[..., :height, :width]
