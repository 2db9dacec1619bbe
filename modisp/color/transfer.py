"""Transfer functions: from linear light to encoded values and back, by output space.

| space                | curve                                            |
|----------------------|--------------------------------------------------|
| `srgb`, `display-p3` | IEC 61966-2-1                                    |
| `adobe-rgb`          | power 563/256 (Adobe RGB (1998), 4.3.4.2)        |
| `rec2020`            | OETF of ITU-R BT.2020                            |
| `linear`             | none                                             |

1.0 is display white on both sides.  Values below 0 are mirrored (f(−x) = −f(x)), values above 1 go on along the curve.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

TRANSFERS = ("srgb", "display-p3", "adobe-rgb", "rec2020", "linear")

ADOBE_GAMMA = 563.0 / 256.0
_ALPHA, _BETA = 1.09929682680944, 0.018053968510807  # BT.2020, to the precision at which the two pieces meet

# (slope near black, linear limit, scale, power): y = slope·x below the limit, scale·x^power − (scale − 1) above
_CURVES = {
    "srgb": (12.92, 0.0031308, 1.055, 1.0 / 2.4),
    "display-p3": (12.92, 0.0031308, 1.055, 1.0 / 2.4),
    "adobe-rgb": (0.0, 0.0, 1.0, 1.0 / ADOBE_GAMMA),
    "rec2020": (4.5, _BETA, _ALPHA, 0.45),
}


def _curve(space: str) -> tuple[float, float, float, float]:
    if space not in _CURVES:
        raise ValueError(f"{space!r} has no transfer function; choose one of {', '.join(TRANSFERS)}")
    return _CURVES[space]


def encode(space: str, linear: torch.Tensor) -> torch.Tensor:
    """Linear light → encoded values of `space`; any shape, a new tensor.  ValueError for unknown names."""
    if space == "linear":
        return linear.clone()
    slope, limit, scale, power = _curve(space)
    x = linear.abs()
    y = x.pow(power)
    if scale != 1.0:
        y.mul_(scale).sub_(scale - 1.0)
    if limit:
        y = torch.where(x < limit, x.mul_(slope), y)
    return y.copysign_(linear)


def decode(space: str, encoded: torch.Tensor) -> torch.Tensor:
    """Encoded values of `space` → linear light; any shape, a new tensor.  ValueError for unknown names."""
    if space == "linear":
        return encoded.clone()
    slope, limit, scale, power = _curve(space)
    y = encoded.abs()
    x = y.add(scale - 1.0).div_(scale).pow_(1.0 / power) if scale != 1.0 else y.pow(1.0 / power)
    if limit:
        x = torch.where(y < limit * slope, y.div_(slope), x)
    return x.copysign_(encoded)


def srgb_encode(linear: torch.Tensor) -> torch.Tensor:
    """As `encode` of sRGB for values ≥ 0, by steps that gradients pass through and stay finite in."""
    return torch.where(linear > 0.0031308, 1.055 * linear.clamp_min(0.0031308).pow(1 / 2.4) - 0.055, 12.92 * linear)


def srgb_decode(encoded: torch.Tensor) -> torch.Tensor:
    """The inverse of `srgb_encode`."""
    return torch.where(encoded > 0.04045, ((encoded.clamp_min(0.04045) + 0.055) / 1.055).pow(2.4), encoded / 12.92)


STEPS = 65535
"""Of the root of linear light, in `table`."""


@lru_cache(maxsize=8)
def table(space: str) -> np.ndarray:
    """`encode` of [0, 1] for display, (65536,) float32, over √linear·STEPS rounded down.

    The root spreads the dark values as the curves do, so the error stays below 0.75/65535; 0 and 1 are exact.
    """
    root = (torch.arange(STEPS + 1, dtype=torch.float64) + 0.5) / STEPS
    root[0], root[-1] = 0.0, 1.0
    return encode(space, root.square()).float().numpy()


def encode_display(space: str, linear: torch.Tensor) -> torch.Tensor:
    """As `encode` for values in [0, 1] (others are clamped), five times as fast: by `table`."""
    index = linear.sqrt().mul_(STEPS).to(torch.int32).clamp_(0, STEPS)
    values = torch.from_numpy(table(space)).to(linear.device)
    return torch.index_select(values, 0, index.view(-1)).view_as(linear)
