"""Colour filter arrays as the networks want them: patterns, masks, phases and padding."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

PATTERNS: dict[str, Tensor] = {
    "bayer": torch.tensor([[0, 1], [1, 2]]),
    "quad": torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 2, 2], [1, 1, 2, 2]]),
    "xtrans": torch.tensor(
        [
            [1, 0, 1, 1, 2, 1],
            [2, 1, 2, 0, 1, 0],
            [1, 0, 1, 1, 2, 1],
            [1, 2, 1, 1, 0, 1],
            [0, 1, 0, 2, 1, 2],
            [1, 2, 1, 1, 0, 1],
        ]
    ),
}
"""The one phase each network is trained on: 0 red, 1 green, 2 blue, tiled from the top left."""


RIM = 12
"""Mirrored pixels put around a picture at least: convolutions see zeros beyond what they are given."""


def masks(cfa: str, height: int, width: int, device: torch.device | None = None) -> Tensor:
    """(3, H, W) of 0 and 1: which colour is sampled where."""
    pattern = PATTERNS[cfa].to(device)
    return tiled(torch.stack([(pattern == colour) for colour in range(3)]).float(), height, width)


def tiled(cell: Tensor, height: int, width: int) -> Tensor:
    """(..., p, p) repeated to (..., height, width)."""
    period = cell.shape[-1]
    times = (1,) * (cell.ndim - 2) + (-(-height // period), -(-width // period))
    return cell.repeat(times)[..., :height, :width]


def sample(rgb: Tensor, cfa: str) -> Tensor:
    """(..., 3, H, W) → (..., 1, H, W): what a sensor with this filter array keeps."""
    mask = masks(cfa, rgb.shape[-2], rgb.shape[-1], rgb.device)
    return (rgb * mask).sum(dim=-3, keepdim=True)


def find_phase(rows: Sequence[str]) -> tuple[str, int, int] | None:
    """A camera's repeating pattern, as ``("RG", "GB")`` → (cfa, dy, dx), or None when it is unknown.

    ``dy, dx``: how many rows and columns to put above and left so that the picture starts in the
    phase of `PATTERNS`.
    """
    if not rows or any(set(row) - set("RGB") or len(row) != len(rows[0]) for row in rows):
        return None
    pattern = torch.tensor([["RGB".index(letter) for letter in row] for row in rows])
    for name, known in PATTERNS.items():
        period = known.shape[0]
        if not pattern.numel() or period % pattern.shape[0] or period % pattern.shape[1]:
            continue
        seen = pattern.repeat(period // pattern.shape[0], period // pattern.shape[1])
        for dy in range(period):
            for dx in range(period):
                if torch.equal(known.roll((-dy, -dx), (0, 1)), seen):
                    return name, dy, dx
    return None


Sides = tuple[bool, bool, bool, bool]
"""Top, bottom, left, right: which sides of a tile are the picture's own edges."""
ALL: Sides = (True, True, True, True)


def fit(
    mosaic: Tensor, period: int, multiple: int, dy: int = 0, dx: int = 0, rim: int = 0, edges: Sides = ALL
) -> Tensor:
    """Pad (..., H, W) so that phase, size and border suit a network; cut the result with `unfit`.

    Puts ``dy + rim`` rows above (``rim`` a multiple of ``multiple``, none where there is no edge) and as many below as
    reach a multiple; padding mirrors the picture but keeps every sample's colour (period ``period``).
    """
    height, width = mosaic.shape[-2:]
    above, below, ahead, behind = (rim * edge for edge in edges)
    top, left = dy + above, dx + ahead
    bottom, right = (
        -(-(shift + size) // multiple) * multiple - shift + more
        for shift, size, more in ((dy, height, below), (dx, width, behind))
    )
    out = mosaic.new_empty(*mosaic.shape[:-2], top + bottom, left + right)
    out[..., top : top + height, left : left + width] = mosaic
    for axis, size, before, end in ((-2, height, top, bottom), (-1, width, left, right)):  # rows, then whole columns
        source = (_mirror(size, before, end, period) + before).to(mosaic.device)
        for start, length in ((0, before), (before + size, end - size)):
            if length:
                part = out.index_select(axis, source[start : start + length])
                out.narrow(axis, start, length).copy_(part)
    return out


def unfit(image: Tensor, height: int, width: int, dy: int = 0, dx: int = 0, rim: int = 0, edges: Sides = ALL) -> Tensor:
    """Undo `fit`: the (..., height, width) part that is the picture."""
    top, left = dy + rim * edges[0], dx + rim * edges[2]
    return image[..., top : top + height, left : left + width]


def _mirror(size: int, before: int, end: int, period: int) -> Tensor:
    """Source index of each position −before … end − 1: mirrored about the edge pixel, same phase."""
    out = []
    for i in range(-before, end):
        j = -i if i < 0 else (2 * (size - 1) - i if i >= size else i)
        j -= (j - i) % period if i >= size else 0
        j += (i - j) % period if i < 0 else 0
        if not 0 <= j < size:
            j = i % period if size > i % period else (i % size)
        out.append(j)
    return torch.tensor(out)
