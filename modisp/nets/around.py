"""What stands round the trunks, compiled for the processor at hand: each a single pass where torch would make a dozen.

The same as what their callers do with torch for training, other devices and other patterns, to rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modisp.native import F, kernel, less, more

_NONE, _HALF, _EIGHTH, _ONE, _FOUR, _FIVE, _SIX = F(0), F(0.5), F(1 / 8), F(1), F(4), F(5), F(6)
_TWO, _QUARTER, _NINTH, _THREE_HALVES = F(2), F(0.25), F(1 / 9), F(1.5)


def here(x: Tensor) -> bool:
    """Whether kernels can take over: on a processor, in float32, and nobody wants gradients."""
    return x.device.type == "cpu" and x.dtype is torch.float32 and not torch.is_grad_enabled()


# --- values -----------------------------------------------------------------------------------------------------------


def compand_(x: Tensor, gains: Tensor, knee: float) -> Tensor:
    """(1, H, W) in place: times the gain (p, p) of its place in the pattern, then `compand.compand`; contiguous."""
    wide = gains.repeat(1, -(-x.shape[-1] // gains.shape[1]))[:, : x.shape[-1]].contiguous()
    root = knee**0.5
    _compand(x[0].numpy(), wide.numpy(), F(knee), F(root), F((1 + knee) ** 0.5 + root), F(1 / (2 * root)))
    return x


@kernel
def _compand(pixels: Any, gains: Any, knee: Any, root: Any, scale: Any, below: Any) -> None:
    for y in range(pixels.shape[0]):
        row, gain = pixels[y], gains[y % gains.shape[0]]
        for x in range(row.size):
            v = row[x] * gain[x]
            row[x] = (math.sqrt(more(v, _NONE) + knee) - root + less(v, _NONE) * below) * scale


def expanded(u: Tensor, gains: Tensor, knee: float) -> Tensor:
    """(3, H, W), rows contiguous, → `compand.expand` of it, divided by the gain (3, …) of its colour."""
    out = torch.empty(u.shape)
    root = knee**0.5
    factor = F(1 / ((1 + knee) ** 0.5 + root))
    for c in range(u.shape[0]):
        _expand(u[c].numpy(), out[c].numpy(), factor, F(2 * root), F(1 / float(gains[c])))
    return out


@kernel
def _expand(companded: Any, out: Any, factor: Any, slope: Any, gain: Any) -> None:
    for y in range(out.shape[0]):
        row, to = companded[y], out[y]
        for x in range(row.size):
            v = row[x] * factor
            positive = more(v, _NONE)
            to[x] = (v * slope + positive * positive) * gain


def stabilised(x: Tensor, shot: float, floor: float) -> Tensor:
    """`compand.stabilise`, told shot noise and its floor; contiguous."""
    x = x.contiguous()
    out = torch.empty_like(x)
    root = math.sqrt(floor)
    scale = math.sqrt(shot + floor) + root
    _stabilise(x.view(-1).numpy(), out.view(-1).numpy(), F(shot), F(floor), F(root), F(scale), F(scale / (2 * root)))
    return out


@kernel
def _stabilise(values: Any, out: Any, shot: Any, floor: Any, root: Any, scale: Any, below: Any) -> None:
    for i in range(values.size):
        v = values[i]
        positive = more(v, _NONE)
        out[i] = scale * positive / (math.sqrt(shot * positive + floor) + root) + less(v, _NONE) * below


def unstabilised(u: Tensor, shot: float, floor: float) -> Tensor:
    """`compand.unstabilise`, told shot noise and its floor; contiguous."""
    u = u.contiguous()
    out = torch.empty_like(u)
    root = math.sqrt(floor)
    scale = 1 / (math.sqrt(shot + floor) + root)
    _unstabilise(u.view(-1).numpy(), out.view(-1).numpy(), F(shot), F(2 * root), F(scale))
    return out


@kernel
def _unstabilise(values: Any, out: Any, shot: Any, slope: Any, scale: Any) -> None:
    for i in range(values.size):
        v = values[i] * scale
        positive = more(v, _NONE)
        out[i] = v * slope + shot * positive * positive


# --- Bayer planes -----------------------------------------------------------------------------------------------------


@kernel
def _planes(mosaic: Any, out: Any) -> None:
    """(2 h, 2 w) → (4, h + 2, w + 2): its four phases, edges repeated."""
    height, width = mosaic.shape[0] // 2, mosaic.shape[1] // 2
    for y in range(height):
        for a in range(2):
            row, left, right = mosaic[2 * y + a], out[2 * a, y + 1], out[2 * a + 1, y + 1]
            for x in range(width):
                left[x + 1] = row[2 * x]
                right[x + 1] = row[2 * x + 1]
            for one in (left, right):
                one[0], one[width + 1] = one[1], one[width]
    for k in range(4):
        for x in range(width + 2):
            out[k, 0, x], out[k, height + 1, x] = out[k, 1, x], out[k, height, x]


def _split(u: Tensor) -> tuple[np.ndarray, int, int]:
    h, w = u.shape[-2] // 2, u.shape[-1] // 2
    planes = np.empty((4, h + 2, w + 2), F)
    _planes(u.contiguous()[0, 0].numpy(), planes)
    return planes, h, w


def demosaic_input(u: Tensor, told: float, gate: float) -> tuple[np.ndarray, Tensor, np.ndarray]:
    """(1, 1, H, W) → planes (see `_planes`), what the trunk sees (1, 5, h, w) channels last, and the gate (h, w)."""
    planes, h, w = _split(u)
    seen, opened = np.empty((h, w, 5), F), np.empty((h, w), F)
    _see(planes, seen, opened, F(told), F(gate))
    return planes, torch.from_numpy(seen).permute(2, 0, 1)[None], opened


@kernel
def _see(planes: Any, seen: Any, opened: Any, told: Any, gate: Any) -> None:
    height, width = opened.shape
    wide = width + 2
    high, low, contrast = np.empty((3, wide), F), np.empty((3, wide), F), np.empty(width, F)
    for y in range(height):
        for k in range(4):
            c, above, middle, below = (k + 1) // 2, planes[k, y], planes[k, y + 1], planes[k, y + 2]
            most, least = high[c], low[c]
            if k == 2:  # the second green
                for x in range(wide):
                    most[x] = more(most[x], more(above[x], more(middle[x], below[x])))
                    least[x] = less(least[x], less(above[x], less(middle[x], below[x])))
            else:
                for x in range(wide):
                    most[x] = more(above[x], more(middle[x], below[x]))
                    least[x] = less(above[x], less(middle[x], below[x]))
        for x in range(width):
            contrast[x] = _NONE
        for c in range(3):
            most, least = high[c], low[c]
            for x in range(width):
                top = more(most[x], more(most[x + 1], most[x + 2]))
                contrast[x] = more(contrast[x], top - less(least[x], less(least[x + 1], least[x + 2])))
        to = opened[y]
        for x in range(width):
            to[x] = contrast[x] / (contrast[x] + gate)
        r, g, h, b, row = planes[0, y + 1], planes[1, y + 1], planes[2, y + 1], planes[3, y + 1], seen[y]
        for x in range(width):
            row[x, 0], row[x, 1], row[x, 2], row[x, 3], row[x, 4] = r[x + 1], g[x + 1], h[x + 1], b[x + 1], told


def demosaic_output(planes: np.ndarray, residual: Tensor, opened: np.ndarray) -> Tensor:
    """What `demosaic_input` gave and the residual (1, 12, h, w) → (1, 3, H, W): Malvar's interpolation and residual · gate."""
    h, w = opened.shape
    out = torch.empty(1, 3, 2 * h, 2 * w)
    rows = residual.permute(0, 2, 3, 1).contiguous()[0].view(h, w * 12)
    _join(planes, rows.numpy(), opened, out[0].numpy())
    return out


@kernel
def _join(planes: Any, residual: Any, opened: Any, out: Any) -> None:
    height, width = opened.shape
    base = np.empty((12, width), F)
    for y in range(height):
        _malvar(planes, y, base)
        gate, rest = opened[y], residual[y]
        for k in range(12):
            to = base[k]
            for x in range(width):
                to[x] += rest[12 * x + k] * gate[x]
        _lay(base, y, out)


def malvar(u: Tensor) -> Tensor:
    """`interpolate.malvar` of (1, 1, H, W)."""
    planes, h, w = _split(u)
    out = torch.empty(1, 3, 2 * h, 2 * w)
    _interpolate(planes, out[0].numpy())
    return out


@kernel
def _interpolate(planes: Any, out: Any) -> None:
    base = np.empty((12, out.shape[2] // 2), F)
    for y in range(out.shape[1] // 2):
        _malvar(planes, y, base)
        _lay(base, y, out)


@kernel
def _lay(cells: Any, y: int, out: Any) -> None:
    """A row of cells (12, w) into rows 2 y and 2 y + 1 of (3, H, 2 w)."""
    for c in range(3):
        for a in range(2):
            to, left, right = out[c, 2 * y + a], cells[4 * c + 2 * a], cells[4 * c + 2 * a + 1]
            for x in range(left.size):
                to[2 * x] = left[x]
                to[2 * x + 1] = right[x]


@kernel
def _malvar(planes: Any, y: int, out: Any) -> None:
    """One row of cells (12, w) of `interpolate.malvar_planes`; few arrays a loop, so that the compiler takes many cells at once."""
    width = out.shape[1]
    # red, green beside red, green beside blue, blue: the rows above (0), here (1) and below (2)
    r0, r1, r2 = planes[0, y], planes[0, y + 1], planes[0, y + 2]
    g0, g1, g2 = planes[1, y], planes[1, y + 1], planes[1, y + 2]
    h0, h1, h2 = planes[2, y], planes[2, y + 1], planes[2, y + 2]
    b0, b1, b2 = planes[3, y], planes[3, y + 1], planes[3, y + 2]
    own = out[0], out[5], out[6], out[11]
    for x in range(width):
        own[0][x], own[1][x] = r1[x + 1], g1[x + 1]
    for x in range(width):
        own[2][x], own[3][x] = h1[x + 1], b1[x + 1]
    green, blue = out[4], out[8]
    for x in range(width):  # at red
        far = r0[x + 1] + r2[x + 1] + r1[x] + r1[x + 2]
        green[x] = (_FOUR * r1[x + 1] + _TWO * (g1[x] + g1[x + 1] + h0[x + 1] + h1[x + 1]) - far) * _EIGHTH
    for x in range(width):
        far = r0[x + 1] + r2[x + 1] + r1[x] + r1[x + 2]
        blue[x] = (_SIX * r1[x + 1] + _TWO * (b0[x] + b0[x + 1] + b1[x] + b1[x + 1]) - _THREE_HALVES * far) * _EIGHTH
    green, red = out[7], out[3]
    for x in range(width):  # at blue
        far = b0[x + 1] + b2[x + 1] + b1[x] + b1[x + 2]
        green[x] = (_FOUR * b1[x + 1] + _TWO * (h1[x + 1] + h1[x + 2] + g1[x + 1] + g2[x + 1]) - far) * _EIGHTH
    for x in range(width):
        far = b0[x + 1] + b2[x + 1] + b1[x] + b1[x + 2]
        near = r1[x + 1] + r1[x + 2] + r2[x + 1] + r2[x + 2]
        red[x] = (_SIX * b1[x + 1] + _TWO * near - _THREE_HALVES * far) * _EIGHTH
    red, blue = out[1], out[9]
    for x in range(width):  # at green beside red
        rest = _FIVE * g1[x + 1] - (h0[x + 1] + h0[x + 2] + h1[x + 1] + h1[x + 2]) - (g1[x] + g1[x + 2])
        red[x] = (rest + _FOUR * (r1[x + 1] + r1[x + 2]) + _HALF * (g0[x + 1] + g2[x + 1])) * _EIGHTH
    for x in range(width):
        rest = _FIVE * g1[x + 1] - (h0[x + 1] + h0[x + 2] + h1[x + 1] + h1[x + 2]) - (g0[x + 1] + g2[x + 1])
        blue[x] = (rest + _FOUR * (b0[x + 1] + b1[x + 1]) + _HALF * (g1[x] + g1[x + 2])) * _EIGHTH
    red, blue = out[2], out[10]
    for x in range(width):  # at green beside blue
        rest = _FIVE * h1[x + 1] - (g1[x] + g1[x + 1] + g2[x] + g2[x + 1]) - (h1[x] + h1[x + 2])
        blue[x] = (rest + _FOUR * (b1[x] + b1[x + 1]) + _HALF * (h0[x + 1] + h2[x + 1])) * _EIGHTH
    for x in range(width):
        rest = _FIVE * h1[x + 1] - (g1[x] + g1[x + 1] + g2[x] + g2[x + 1]) - (h0[x + 1] + h2[x + 1])
        red[x] = (rest + _FOUR * (r1[x + 1] + r2[x + 1]) + _HALF * (h1[x] + h1[x + 2])) * _EIGHTH


# --- Bayer planes of `restore` ----------------------------------------------------------------------------------------


def restore_input(u: Tensor, sigma: float, radius: float) -> tuple[np.ndarray, Tensor]:
    """(1, 1, H, W) → planes (see `_planes`) and what the trunk sees, (1, 10, h, w) channels last."""
    planes, h, w = _split(u)
    seen = np.empty((h, w, 10), F)
    spread = sigma + 1e-3
    _see_noise(planes, seen, F(1 / spread), F(0.5 * (math.log(spread) + 4.0)), F(radius))
    return planes, torch.from_numpy(seen).permute(2, 0, 1)[None]


@kernel
def _see_noise(planes: Any, seen: Any, scale: Any, noise: Any, radius: Any) -> None:
    height, width = seen.shape[:2]
    down, detail = np.empty(width + 2, F), np.empty((4, width), F)
    for y in range(height):
        for k in range(4):
            above, middle, below, to = planes[k, y], planes[k, y + 1], planes[k, y + 2], detail[k]
            for x in range(width + 2):
                down[x] = above[x] + middle[x] + below[x]
            for x in range(width):
                v = (middle[x + 1] - (down[x] + down[x + 1] + down[x + 2]) * _NINTH) * scale
                to[x] = v / (_ONE + _QUARTER * abs(v))
        row = seen[y]
        for x in range(width):
            for k in range(4):
                row[x, k] = planes[k, y + 1, x + 1]
                row[x, 4 + k] = detail[k, x]
            row[x, 8], row[x, 9] = noise, radius


def restore_output(planes: np.ndarray, found: Tensor, sigma: float, radius: float) -> Tensor:
    """What `restore_input` gave and what the trunk found (1, 8, h, w) → (1, 2, H, W), clean and sharp."""
    h, w = found.shape[-2:]
    out = torch.empty(1, 2, 2 * h, 2 * w)
    rows = found.permute(0, 2, 3, 1).contiguous()[0].view(h, w * 8)
    _part(planes, rows.numpy(), out[0].numpy(), F(4 * sigma), F(radius))
    return out


@kernel
def _part(planes: Any, found: Any, out: Any, sigma: Any, radius: Any) -> None:
    height, width = found.shape[0], found.shape[1] // 8
    clean, sharp = np.empty((4, width), F), np.empty((4, width), F)
    for y in range(height):
        rest = found[y]
        for k in range(4):
            own, one, two = planes[k, y + 1], clean[k], sharp[k]
            for x in range(width):
                one[x] = own[x + 1] + rest[8 * x + k] * sigma
                two[x] = one[x] + rest[8 * x + 4 + k] * radius
        for a in range(2):
            first, second = out[0, 2 * y + a], out[1, 2 * y + a]
            left, right = clean[2 * a], clean[2 * a + 1]
            for x in range(width):
                first[2 * x] = left[x]
                first[2 * x + 1] = right[x]
            left, right = sharp[2 * a], sharp[2 * a + 1]
            for x in range(width):
                second[2 * x] = left[x]
                second[2 * x + 1] = right[x]


# --- blur -------------------------------------------------------------------------------------------------------------


def blurred_samples(rgb: Tensor, taps: Tensor, own: Tensor) -> Tensor:
    """(3, H, W) → (1, H, W): blurred by symmetric taps (middle first) along rows and columns, then sampled.

    `own` (3, p, p): 1 where a place of the pattern is of the colour.  Edges are repeated.
    """
    out = torch.empty(1, *rgb.shape[1:])
    wide = own.repeat(1, 1, -(-rgb.shape[2] // own.shape[2]))[..., : rgb.shape[2]].contiguous()
    _blur(rgb.numpy(), taps.float().numpy(), wide.numpy(), out[0].numpy())
    return out


@kernel
def _blur(rgb: Any, taps: Any, own: Any, out: Any) -> None:
    h, w = out.shape
    reach, phases = taps.size - 1, own.shape[1]
    down, across = np.empty(w + 2 * reach, F), np.empty(w, F)
    for y in range(h):
        to = out[y]
        for x in range(w):
            to[x] = _NONE
        for c in range(3):
            mask = own[c, y % phases]
            if not mask[:phases].any():
                continue
            middle, here = rgb[c, y], down[reach : reach + w]
            for x in range(w):
                here[x] = taps[0] * middle[x]
            for i in range(1, reach + 1):
                above, below, tap = rgb[c, max(y - i, 0)], rgb[c, min(y + i, h - 1)], taps[i]
                for x in range(w):
                    here[x] += tap * (above[x] + below[x])
            for i in range(reach):
                down[i], down[reach + w + i] = here[0], here[w - 1]
            for x in range(w):
                across[x] = taps[0] * here[x]
            for i in range(1, reach + 1):
                before, after, tap = down[reach - i : reach - i + w], down[reach + i : reach + i + w], taps[i]
                for x in range(w):
                    across[x] += tap * (before[x] + after[x])
            for x in range(w):
                to[x] += across[x] * mask[x]
