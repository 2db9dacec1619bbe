"""Resampling by a coordinate map: every output pixel is read, by Catmull-Rom's cubic, at a place of the input.

E. Catmull, R. Rom: A class of local interpolating splines, 1974; as a convolution kernel: R. Keys, Cubic convolution
interpolation for digital image processing, IEEE TASSP 29 (1981), a = −1/2.  Coordinates are held in double precision,
so that a region comes out as the same part of the whole does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from modisp.image import Frame
from modisp.stage import checkpoint

REACH = 2
"""Input pixels that are needed on each side of a place that is read."""

Places = tuple[torch.Tensor, torch.Tensor]


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
    c, h, w = pixels.shape
    rows, columns = to.size
    # one pixel before and two behind, so that four taps are there for every place
    padded = torch.nn.functional.pad(pixels[None].float(), (1, 2, 1, 2), mode="replicate")[0]
    planes = [p.reshape(-1) for p in padded]
    stride = w + 3
    out = torch.empty(c, rows, columns, device=pixels.device)
    py, px = frame.pitch
    block = max(1, 131072 // columns)
    for top in range(0, rows, block):
        checkpoint()
        bottom = min(rows, top + block)
        y, x = (v.expand(bottom - top, columns) for v in source(centres(to, top, bottom)))
        iy, wy = _taps((y - frame.rect[1]) / py - 0.5, h)
        ix, wx = _taps((x - frame.rect[0]) / px - 0.5, w)
        first = iy.mul_(stride).add_(ix).to(pixels.device)
        wy, wx = [v.to(pixels.device) for v in wy], [v.to(pixels.device) for v in wx]
        for channel, plane in enumerate(planes):
            total = torch.zeros_like(wy[0])
            for j in range(4):
                line = _take(plane, j * stride, first).mul_(wx[0])
                for i in range(1, 4):
                    line.addcmul_(_take(plane, j * stride + i, first), wx[i])
                total.addcmul_(line, wy[j])
            out[channel, top:bottom] = total
    return out


def _take(plane: torch.Tensor, offset: int, index: torch.Tensor) -> torch.Tensor:
    if plane.device.type == "cpu":  # numpy is more than twice as quick at this
        return torch.from_numpy(np.take(plane.numpy()[offset:], index.numpy()))
    return torch.take(plane[offset:], index)


def _taps(at: torch.Tensor, size: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """(first of four pixels, in the padded input; the four weights) for places in pixels, centre of the first = 0."""
    at = at.clamp(0, size - 1)
    whole = at.floor()
    t = at.sub_(whole).float()
    u = 1 - t
    tu = t * u
    first, last = (tu * u).mul_(-0.5), (tu * t).mul_(-0.5)
    # the inner two follow from what Keys' kernel keeps: the sum is 1 and a ramp stays a ramp
    third = t + first - last * 2
    second = 1 - first - third - last
    return whole.long(), [first, second, third, last]


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
