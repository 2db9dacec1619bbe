"""Resampling by a coordinate map: every output pixel is read, by Catmull-Rom's cubic, at a place of the input.

E. Catmull, R. Rom: A class of local interpolating splines, 1974; as a convolution kernel: R. Keys, Cubic convolution
interpolation for digital image processing, IEEE TASSP 29 (1981), a = −1/2.  Coordinates are held in double precision,
so that a region comes out as the same part of the whole does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from modisp.image import Frame
from modisp.native import F, kernel, less, more
from modisp.stage import checkpoint

REACH = 2
"""Input pixels that are needed on each side of a place that is read."""

Places = tuple[torch.Tensor, torch.Tensor]
_ONE, _HALF = F(1), F(-0.5)


def centres(frame: Frame, top: int, bottom: int) -> Places:
    """(y, x) in full-size pixels of the centres of the rows top … bottom−1 of a frame: float64, (rows, 1), (1, columns)."""
    py, px = frame.pitch
    y = frame.rect[1] + (torch.arange(top, bottom, dtype=torch.float64) + 0.5) * py
    x = frame.rect[0] + (torch.arange(frame.size[1], dtype=torch.float64) + 0.5) * px
    return y[:, None], x[None]


def resample(pixels: torch.Tensor, frame: Frame, to: Frame, source: Callable[[Places], Places]) -> torch.Tensor:
    """(C, h, w) of the frame `to`, read from `pixels` (C, H, W), which lie in `frame`.

    `source` maps full-size output places (y, x) to full-size input places; places beyond the input take its edge pixel.
    """
    rows, columns = to.size
    # one pixel before and two behind, so that four taps are there for every place
    padded = torch.nn.functional.pad(pixels[None].to("cpu", torch.float32), (1, 2, 1, 2), mode="replicate")[0].numpy()
    out = torch.empty(pixels.shape[0], rows, columns)
    py, px = frame.pitch
    block = max(1, 65536 // columns)
    for top in range(0, rows, block):
        checkpoint()
        bottom = min(rows, top + block)
        y, x = source(centres(to, top, bottom))
        places = ((y - frame.rect[1]) / py - 0.5, (x - frame.rect[0]) / px - 0.5)
        ys, xs = (v.expand(bottom - top, columns).contiguous().numpy() for v in places)
        _read(padded, ys, xs, out[:, top:bottom].numpy())
    return out.to(pixels.device)


@kernel
def _read(padded: Any, ys: Any, xs: Any, out: Any) -> None:
    """All channels at places in pixels (float64), of which 0 is the centre of the first that is not padding."""
    height, width = float(padded.shape[1] - 4), float(padded.shape[2] - 4)
    for i in range(ys.shape[0]):
        for j in range(ys.shape[1]):
            y, x = less(more(ys[i, j], 0.0), height), less(more(xs[i, j], 0.0), width)
            top, left = int(y), int(x)
            a, b, c, d = _weights(F(y - top))
            across = _weights(F(x - left))
            for k in range(padded.shape[0]):
                plane = padded[k]
                upper = _line(plane, top, left, across) * a + _line(plane, top + 1, left, across) * b
                lower = _line(plane, top + 2, left, across) * c + _line(plane, top + 3, left, across) * d
                out[k, i, j] = upper + lower


@kernel
def _line(plane: Any, row: Any, left: Any, w: Any) -> Any:
    return (
        plane[row, left] * w[0]
        + plane[row, left + 1] * w[1]
        + plane[row, left + 2] * w[2]
        + plane[row, left + 3] * w[3]
    )


@kernel
def _weights(t: Any) -> Any:
    """Of four pixels, for a place that lies `t` behind the second of them."""
    u = _ONE - t
    tu = t * u
    first, last = tu * u * _HALF, tu * t * _HALF
    # the inner two follow from what Keys' kernel keeps: the sum is 1 and a ramp stays a ramp
    third = t + first - last - last
    return first, _ONE - first - third - last, third, last


def cover(
    full: tuple[int, int],
    pitch: tuple[float, float],
    y: tuple[float, float],
    x: tuple[float, float],
    margin: int = REACH,
) -> Frame:
    """The frame with that pitch, on the grid that starts at the picture's corner, that holds the places y, x and a margin.

    `y` and `x` are (least, greatest) full-size coordinates; the frame is cut to the picture `full` and never empty.
    """
    py, px = pitch
    rows, columns = (max(1, math.floor(n / p + 1e-6)) for n, p in zip(full, pitch, strict=True))
    top = min(max(0, math.floor(y[0] / py - 0.5) - margin), rows - 1)
    left = min(max(0, math.floor(x[0] / px - 0.5) - margin), columns - 1)
    bottom = max(top + 1, min(rows, math.ceil(y[1] / py + 0.5) + margin))
    right = max(left + 1, min(columns, math.ceil(x[1] / px + 0.5) + margin))
    rect = (left * px, top * py, (right - left) * px, (bottom - top) * py)
    return Frame(full, rect, (bottom - top, right - left))
