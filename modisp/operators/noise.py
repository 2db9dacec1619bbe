"""What a mosaic itself tells about its noise and its blur."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch.nn import functional as F

from modisp.image import RGB, Image
from modisp.operators.cfa import CFA, balance, fold, is_bayer, per_site, period
from modisp.operators.wavelet import Noise, spread
from modisp.probe import Probe, Reading

LEAST = 0.5  # pixels of blur that any lens leaves, where no edges tell
LEFT = 0.15  # standard deviation of the noise that is left at full strength, about

BLOCK = 8
CALM = 0.05  # the calmest part of the blocks of a brightness, taken as flat
CALM_VARIANCE = 0.6  # what those have, by trial on flat noise, as a part of the true variance
CALMED = 0.8  # pixels of blur that edges are looked for in, as noise would make them look sharper
STRONG = 0.2  # of the edges, those that are looked at: the steepest, as they rise highest out of texture and noise
EDGES = 0.76  # which of these, from the sharpest on, tells the blur: lines and texture look sharper than they are
ENOUGH = 100  # edges, or nothing is told
SLOPE = 0.59  # variance that central differences and the grid add to an edge


def survey(probe: Probe) -> Reading:
    """`noise`: (a, b) for R, G, B, the file's or estimated; `blur`: its standard deviation in pixels, 0 unknown."""
    patches = probe.patches()
    noise = by_channel(probe.meta.noise) or estimate_noise(patches)
    blur = probe.meta.blur or estimate_blur(patches, noise, balance(probe.meta))
    return Reading({"noise": [list(n) for n in noise], "blur": round(blur, 3)})


def by_channel(noise: Noise) -> Noise:
    """One (a, b) for each of R, G, B, where there may be one for all; () where there is none."""
    return noise * 3 if len(noise) == 1 else noise


def left_after(denoise: float, chroma: float) -> float:
    """The share of the noise's variance that is left, about, after it was taken off by two strengths in [0, 1]."""
    return sum((1 - (1 - LEFT) * s) ** 2 for s in (denoise, chroma)) / 2


def estimate_noise(patches: Iterable[Image]) -> tuple[tuple[float, float], ...]:
    """((a, b), …) for R, G, B with variance = a·x + b at signal x, from MOSAIC windows; (0, 0) where nothing is told.

    In small blocks the variance of what is left of samples of one colour by the difference of two Laplacians (J. Immerkær,
    Fast noise variance estimation, CVIU 64, 1996), to which flat, sloping and bent parts add nothing; of each brightness
    the calmest blocks, because what is not noise only adds; then a line that weighs relative errors.
    """
    levels: list[list[torch.Tensor]] = [[], [], []]
    variances: list[list[torch.Tensor]] = [[], [], []]
    for patch in patches:
        cfa = patch.meta.cfa
        rows, columns = period(cfa)
        for i in range(rows):
            for j in range(columns):
                level, variance = _blocks(patch.pixels[0], i, j, cfa)
                k = "RGB".find(cfa[i][j]) if cfa[i][j] in "RGB" else 1
                levels[k].append(level)
                variances[k].append(variance)
    red, green, blue = (_fit(torch.cat(x), torch.cat(v)) if x else None for x, v in zip(levels, variances, strict=True))
    base = green or red or blue or (0.0, 0.0)
    # channels of one sensor are alike: one that seems far noisier has seen texture (its samples lie further apart)
    return tuple(own if own and _at(own) < 1.5 * _at(base) else base for own in (red, green, blue))


def _at(noise: tuple[float, float], x: float = 0.2) -> float:
    return noise[0] * x + noise[1]


def _blocks(x: torch.Tensor, i: int, j: int, cfa: CFA) -> tuple[torch.Tensor, torch.Tensor]:
    """(level, variance) of the noise in blocks of BLOCK² samples of the site (i, j), clipped ones left out."""
    rows, columns = period(cfa)
    if is_bayer(cfa) and cfa[i][j] == "G":  # the nearest greens are diagonal neighbours
        near, far = ((1, 1), (1, -1)), ((2, 0), (0, 2))
    else:
        near, far = ((rows, 0), (0, columns)), ((rows, columns), (rows, -columns))
    reach_y, reach_x = max(2, rows), max(2, columns)
    top, left = -(-reach_y // rows) * rows + i, -(-reach_x // columns) * columns + j
    n = [
        (size - first - reach + step - 1) // step
        for size, first, reach, step in zip(x.shape, (top, left), (reach_y, reach_x), (rows, columns), strict=True)
    ]
    h, w = (max(0, v) // BLOCK * BLOCK for v in n)
    if not h or not w:
        return x.new_zeros(0), x.new_zeros(0)

    def moved(dy: int, dx: int) -> torch.Tensor:
        return x[top + dy : top + dy + h * rows : rows, left + dx : left + dx + w * columns : columns][:h, :w]

    centre = moved(0, 0)
    d = centre * 4
    for weight, offsets in ((-2.0, near), (1.0, far)):
        for dy, dx in offsets:
            d = d.add(moved(dy, dx), alpha=weight).add(moved(-dy, -dx), alpha=weight)
    variance = F.avg_pool2d((d * d)[None], BLOCK)[0] / 36
    level = F.avg_pool2d(centre[None], BLOCK)[0]
    top_level = F.max_pool2d(centre[None], BLOCK)[0]
    good = (top_level < 0.95) & (variance > 0) & (level.abs() < 2)
    return level[good], variance[good]


def _fit(level: torch.Tensor, variance: torch.Tensor) -> tuple[float, float] | None:
    if len(level) < 24:
        return None
    order = level.argsort()
    groups = max(2, min(12, len(order) // 24))
    points = []
    for part in order.tensor_split(groups):
        v = float(variance[part].double().quantile(CALM)) / CALM_VARIANCE
        points.append((float(level[part].double().mean()), max(v, 1e-12)))
    x, calm = torch.tensor(points, dtype=torch.float64).unbind(1)
    a, b = _line(x, calm)
    for _ in range(3):  # texture lifts some groups: what lies above the line counts for less
        calm = torch.minimum(calm, (a * x + b).clamp(min=1e-12) * 1.2)
        a, b = _line(x, calm)
    return a, b


def _line(x: torch.Tensor, v: torch.Tensor) -> tuple[float, float]:
    """Least relative squares of v ≈ a·x + b with a, b ≥ 0."""
    p, q = x / v, 1 / v
    pp, pq, qq, sp, sq = (float(t.sum()) for t in (p * p, p * q, q * q, p, q))
    det = pp * qq - pq * pq
    if det > 1e-12 * pp * qq:
        a, b = (sp * qq - sq * pq) / det, (sq * pp - sp * pq) / det
        if a >= 0 and b >= 0:
            return a, b
        if b < 0 and sp > 0:
            return sp / pp, 0.0
    return 0.0, sq / qq


def luminance(mosaic: torch.Tensor, cfa: CFA, white: RGB) -> torch.Tensor:
    """(1, H, W): the colour-blind local mean of samples divided by `white`: equal shares of colours at every pixel.

    Its kernel is the period's box, centred: along each axis of variance (p² + 2) / 12 for an even period p.
    """
    gains = torch.tensor([1.0 / w for w in white], device=mosaic.device)
    h, w = mosaic.shape[1:]
    x = mosaic
    if len(set("".join(cfa))) > 1:
        x = x * per_site(gains, cfa, h, w)
    for axis, p in ((1, period(cfa)[0]), (2, period(cfa)[1])):
        if p == 1:
            continue
        r = p // 2
        n = x.shape[axis]
        before, after = fold(-r, 0, n, 1).to(x.device), fold(n, n + r, n, 1).to(x.device)
        padded = torch.cat([x.index_select(axis, before), x, x.index_select(axis, after)], axis)
        if p % 2:
            x = sum((padded.narrow(axis, i, n) for i in range(1, p)), padded.narrow(axis, 0, n)) / p
        else:
            ends = (padded.narrow(axis, 0, n) + padded.narrow(axis, p, n)).mul_(0.5)
            x = sum((padded.narrow(axis, i, n) for i in range(1, p)), ends) / p
    return x


def estimate_blur(patches: Iterable[Image], noise: tuple[tuple[float, float], ...], white: RGB) -> float:
    """Standard deviation in pixels of the blur of the sharpest edges in MOSAIC windows; 0 where there are none.

    An edge blurred once more by a known Gaussian loses gradient by √((s² + g²) / s²) (S. Zhuo, T. Sim: Defocus map
    estimation from a single image, Pattern Recognition 44, 2011); the blur of the local mean itself is taken off.
    """
    steepness, widths = [torch.zeros(0)], [torch.zeros(0)]
    for patch in patches:
        if min(patch.height, patch.width) < 16:
            continue
        y = gaussian(luminance(patch.pixels, patch.meta.cfa, white)[None], CALMED)
        more = gaussian(y, 1.0)
        steep, soft = _gradient(y), _gradient(more)
        a, b = noise[1]
        floor = 0.01 + 1.2 * (a * more[..., 1:-1, 1:-1].clamp(min=0) + b).sqrt()
        edge = (steep > floor) & (steep >= F.max_pool2d(steep, 3, 1, 1))
        ratio = (steep[edge] / soft[edge].clamp(min=1e-6)).clamp(min=1.001)
        steepness.append(steep[edge])
        widths.append(1 / (ratio**2 - 1).sqrt())
    rank = torch.cat(steepness).argsort(descending=True)
    if len(rank) < ENOUGH:
        return 0.0
    sharp = float(torch.cat(widths)[rank[: int(STRONG * len(rank))]].double().quantile(EDGES))
    own = CALMED**2 + SLOPE + max((p * p + 2) / 12 if p > 1 else 0.0 for p in period(patch.meta.cfa))
    return min(2.0, math.sqrt(max(0.0, sharp**2 - own)))


def _gradient(x: torch.Tensor) -> torch.Tensor:
    across = x[..., 1:-1, 2:] - x[..., 1:-1, :-2]
    along = x[..., 2:, 1:-1] - x[..., :-2, 1:-1]
    return torch.hypot(across, along) / 2


def gaussian(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """(…, H, W) blurred, about by a Gaussian: short kernels (k, 1 − 2k, k) in turn; edge pixels are repeated."""
    times = max(1, math.ceil(sigma * sigma / 0.5))
    k = sigma * sigma / (2 * times)
    for axis in (-1, -2) * times:
        x = spread(x, axis, 1, k)
    return x
