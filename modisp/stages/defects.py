"""Defective sensor pixels: those that the file lists, and, if wished, those that stand out as no lens could draw them.

A pixel is taken as hot (dead) when it lies far above (below) all eight pixels beside it and all eight of its own colour
one period away.  Even a star is spread by the lens over pixels beside it and passes.  A defective pixel becomes the mean
of the two samples of its colour, opposite each other and near by, that agree best: so lines stay lines.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import torch

from modisp.image import Image, Metadata, State
from modisp.operators.cfa import CFA, balance, colours, is_rgb, pad, period
from modisp.stage import Parts, Reading, Stage, param

REACH = 12
FLOOR = 0.01  # of saturation: black noise and dim spots do not count
PAIRS = 6


class Defects(
    Stage,
    slot="defects",
    reads=State.MOSAIC,
    writes=State.MOSAIC,
    title="Defective pixels",
    group="Raw",
):
    """Fills in dead and hot pixels of the sensor from their neighbours."""

    listed: bool = param(
        True, label="Maker's list", help="Fills in the pixels that the camera's maker lists as defective in the file."
    )
    detect: bool = param(
        False, label="Find more", help="Finds hot and dead pixels in the picture, as in long exposures; slower."
    )
    threshold: float = param(
        3.0,
        1,
        10,
        step=0.1,
        unit="×",
        help="How much brighter or darker than all around it a pixel must be; lower finds more, and may take small lights.",
    )

    def halo(self, scale: float) -> int:
        """Samples of one colour are looked for within one period."""
        return REACH

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """(1, H, W) samples → the same with defective ones replaced."""
        x, cfa = image.pixels, image.meta.cfa
        bad = self._listed(image) if self.listed and image.meta.bad_pixels else None
        if self.detect:
            found = self._detected(x, image.meta)
            bad = found if bad is None else bad | found
        if bad is None or not bool(bad.any()):
            return x
        return _repair(x, cfa or ("W",), bad)

    def neutral(self) -> Defects:
        """No pixel is replaced."""
        return replace(self, listed=False, detect=False)

    def _listed(self, image: Image) -> torch.Tensor:
        top, left = image.frame.origin
        bad = torch.zeros(image.height, image.width, dtype=torch.bool)
        at = torch.tensor(image.meta.bad_pixels) - torch.tensor([top, left])
        at = at[(at >= 0).all(1) & (at[:, 0] < image.height) & (at[:, 1] < image.width)]
        bad[at[:, 0], at[:, 1]] = True
        return bad.to(image.pixels.device)

    def _detected(self, x: torch.Tensor, meta: Metadata) -> torch.Tensor:
        cfa = meta.cfa or ("W",)
        h, w = x.shape[1:]
        if is_rgb(cfa):
            gains = torch.tensor([1 / v for v in balance(meta)], device=x.device)
            x = x * gains[colours(cfa, h, w).to(x.device)]
        ph, pw = period(cfa)
        p = pad(x, cfa, ph, ph, pw, pw)[0]
        high: torch.Tensor | None = None
        low: torch.Tensor | None = None
        for dy, dx in {(i * a, j * b) for i in (-1, 0, 1) for j in (-1, 0, 1) for a, b in ((1, 1), (ph, pw)) if i or j}:
            near = p[ph + dy : ph + dy + h, pw + dx : pw + dx + w]
            high = near if high is None else torch.maximum(high, near)
            low = near if low is None else torch.minimum(low, near)
        assert high is not None and low is not None
        hot = x[0] > high + (high.clamp(min=0) + FLOOR) * self.threshold
        dead = (x[0] + FLOOR) * (1 + self.threshold) < low
        return hot | dead


@lru_cache(maxsize=8)
def _pairs(cfa: CFA) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """For each site of the pattern the nearest offsets at which, on both sides, a sample of its colour lies."""
    ph, pw = period(cfa)
    out = {}
    for y in range(ph):
        for x in range(pw):
            fits = [
                (dy, dx)
                for dy in range(0, ph + 1)
                for dx in range(-pw, pw + 1)
                if (dy, dx) > (0, 0) and all(cfa[(y + s * dy) % ph][(x + s * dx) % pw] == cfa[y][x] for s in (1, -1))
            ]
            out[y, x] = sorted(fits, key=lambda o: (o[0] ** 2 + o[1] ** 2, o))[:PAIRS]
    return out


def _repair(pixels: torch.Tensor, cfa: CFA, bad: torch.Tensor) -> torch.Tensor:
    """`pixels` (1, H, W) with those in `bad` (H, W) replaced."""
    x, out = pixels[0], pixels[0].clone()
    h, w = x.shape
    ph, pw = period(cfa)
    rows, columns = bad.nonzero(as_tuple=True)
    site = rows % ph * pw + columns % pw
    for (y, c), offsets in _pairs(cfa).items():
        here = site == y * pw + c
        r, k = rows[here], columns[here]
        if not r.numel():
            continue
        cost, value = [], []
        for dy, dx in offsets:
            ends, usable = [], []
            for s in (1, -1):
                i, j = r + s * dy, k + s * dx
                inside = (i >= 0) & (i < h) & (j >= 0) & (j < w)
                i, j = i.clamp(0, h - 1), j.clamp(0, w - 1)
                ends.append(x[i, j])
                usable.append(inside & ~bad[i, j])
            one, two = torch.where(usable[0], ends[0], ends[1]), torch.where(usable[1], ends[1], ends[0])
            value.append((one + two) * 0.5)
            missing = 4.0 - 2.0 * usable[0].float() - 2.0 * usable[1].float()
            near = (dy * dy + dx * dx) / float(ph * ph + pw * pw)
            cost.append((one - two).abs() * (1 + near) + missing * 1e3 + near * 1e-4)
        costs, values = torch.stack(cost), torch.stack(value)
        least, best = costs.min(0)
        found = values.gather(0, best[None])[0]
        # nothing of its colour is left near by: better as it was
        out[r, k] = torch.where(least < 3.9e3, found, x[r, k])
    return out[None]
