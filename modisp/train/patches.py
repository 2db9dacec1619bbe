"""What the tasks that learn on patches of pictures share."""

from __future__ import annotations

from torch import Tensor

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


def crop(picture: Tensor, multiple: int) -> Tensor:
    """Cut sides down to multiples."""
    height, width = (side // multiple * multiple for side in picture.shape[-2:])
    return picture[..., :height, :width]
