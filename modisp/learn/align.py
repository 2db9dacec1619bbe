"""Laying a finished picture over its RAW file: turns, crop, scale, straightening and the small warps of lens corrections.

Tone and colour differ between the two by design, so what is compared is structure: lightness less its surroundings, divided
by its own local contrast.  A coarse search over turns, scales and places (masked normalised cross-correlation: Padfield
2012, IEEE TIP 21(5)) is followed by a few rounds of block matching, to which a smooth map (polynomials) is fitted robustly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from modisp.operators import tonecurve as tc
from modisp.resample import resize
from modisp.stage import checkpoint

COARSE = 144
"""Long edge of the RAW picture in the coarse search."""
FINE = 640
"""The same in the last round of the fine one."""
LIKELY = (1.0, 0.985, 1.015, 0.97)
SCALES = tuple(round(1.06 * 0.966**i, 4) for i in range(36))
"""What share of the RAW picture's long edge a finished picture's long edge may cover: 1.06 … 0.31."""
ENOUGH = 0.55  # a coarse score at which no other scales and turns need be tried
BLOCK = 64

# transpose, flip rows, flip columns: the quarter turns first, mirror images last
TURNS = (
    (False, False, False),
    (True, False, True),
    (True, True, False),
    (False, True, True),
    (False, False, True),
    (False, True, False),
    (True, False, False),
    (True, True, True),
)
Turn = tuple[bool, bool, bool]


@dataclass(frozen=True)
class Aligned:
    """How well a finished picture lies on its RAW file, and where.

    `finished` (3, h, w) is on the RAW picture's pixels, `inside` (h, w) says where it has any.  `score` is the correlation
    of structure, 1 at best; `agree` the share of textured blocks that lie where the map puts them (nan without texture);
    `order` the correlation of the ranks of light: what is brighter in one is brighter in the other.  `scale` is the share
    of the long edge that is covered, `turn` as in TURNS.
    """

    finished: torch.Tensor
    inside: torch.Tensor
    score: float
    agree: float
    scale: float
    turn: Turn
    order: float = 1.0


def turned(pixels: torch.Tensor, turn: Turn) -> torch.Tensor:
    """(C, H, W) transposed, then flipped."""
    out = pixels.mT if turn[0] else pixels
    flips = [d for d, yes in ((1, turn[1]), (2, turn[2])) if yes]
    return out.flip(flips) if flips else out


def align(scene: torch.Tensor, finished: torch.Tensor) -> Aligned:
    """Lay `finished` (3, H, W) over `scene` (3, h, w), both upright, in linear light, of any brightness."""
    small = _reduced(scene, COARSE)
    base = structure(lightness(small, True))
    best = (-1.0, 1.0, (0.0, 0.0), TURNS[0])
    for scales, turns in ((LIKELY, TURNS[:1]), (SCALES, TURNS[:1]), (LIKELY, TURNS[1:]), (SCALES, TURNS[1:4])):
        for turn in turns:
            upright = turned(finished, turn)
            for s in scales:
                checkpoint()
                found = _place(base, upright, s)
                if found[0] > best[0]:
                    best = (found[0], s, found[1], turn)
        if best[0] >= ENOUGH:
            break
    _, s, (top, left), turn = best
    upright = turned(finished, turn).contiguous()
    h, w = _size_at(upright, s)
    # in coordinates of −1 … 1 over the RAW picture and over the finished one
    rows, columns = base.shape
    kx, ky = columns / w, rows / h
    table = torch.zeros(len(POWERS), 2)
    table[0] = torch.tensor([kx - 1 - 2 * left / w, ky - 1 - 2 * top / h])
    table[1, 0], table[2, 1] = kx, ky
    agree = math.nan
    for edge, order, rounds in ((FINE // 3, 1, 2), (FINE * 2 // 3, 3, 2), (FINE, 5, 2)):
        here = structure(lightness(_reduced(scene, edge), True))
        source = lightness(_toward(upright, table, here.shape), False)
        for _ in range(rounds):
            checkpoint()
            table, agree = _refined(here, source, table, order)
    out, inside = _warped(upright, table, (scene.shape[1], scene.shape[2]))
    score, ranks = _score(scene, out, inside), _order(scene, out, inside)
    return Aligned(out, inside, score, agree, _covered(inside), turn, ranks)


# --- structure ------------------------------------------------------------------------------------------------------------


def lightness(rgb: torch.Tensor, scene: bool) -> torch.Tensor:
    """(h, w): about even steps for the eye, of a finished picture or of a scene of unknown brightness."""
    y = tc.luma(rgb.reshape(3, -1)).view(rgb.shape[1:]).clamp_min_(0.0)
    if scene:
        y = y / y.mean().clamp_min(1e-9) * 0.25
        y = y * 1.5 / (y + 0.5)
    return y.pow(1.0 / 3.0)


def structure(light: torch.Tensor, wide: float = 5.0) -> torch.Tensor:
    """(h, w): what differs from its surroundings, in units of the local contrast; near 0 where there is only noise."""
    fine = light - _blurred(light, wide)
    spread = _blurred(fine.square(), 2 * wide).sqrt()
    return fine / (spread + 0.004 + 0.1 * float(fine.square().mean().sqrt()))


def _blurred(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Three box blurs, nearly a Gaussian; edges go on as they are."""
    n = max(1, round(math.sqrt(sigma * sigma * 4 + 1) / 2 - 0.5))
    y = x[None, None]
    for _ in range(3):
        y = F.avg_pool2d(F.pad(y, (n, n, 0, 0), "replicate"), (1, 2 * n + 1), 1)
        y = F.avg_pool2d(F.pad(y, (0, 0, n, n), "replicate"), (2 * n + 1, 1), 1)
    return y[0, 0]


def _reduced(pixels: torch.Tensor, edge: int) -> torch.Tensor:
    h, w = pixels.shape[1:]
    s = edge / max(h, w)
    if s >= 1:
        return pixels
    return resize(pixels, (0.0, 0.0, float(w), float(h)), (max(8, round(h * s)), max(8, round(w * s))))


# --- the coarse search -----------------------------------------------------------------------------------------------------


def _size_at(upright: torch.Tensor, scale: float) -> tuple[int, int]:
    h, w = upright.shape[1:]
    k = scale * COARSE / max(h, w)
    return max(8, round(h * k)), max(8, round(w * k))


def _place(base: torch.Tensor, upright: torch.Tensor, scale: float) -> tuple[float, tuple[float, float]]:
    """(score, (top, left)) of the best place on `base` for a picture at a scale; a part may hang over the edge."""
    size = _size_at(upright, scale)
    h, w = base.shape
    if size[0] > 1.12 * h or size[1] > 1.12 * w:
        return -1.0, (0.0, 0.0)
    whole = (0.0, 0.0, float(upright.shape[2]), float(upright.shape[1]))
    piece = structure(lightness(resize(upright, whole, size), False))
    shape = (h + size[0], w + size[1])
    one, two = torch.fft.rfft2(base, shape), torch.fft.rfft2(piece, shape).conj()
    power = torch.fft.rfft2(base.square(), shape)
    there = torch.fft.rfft2(torch.ones_like(base), shape)
    mask, squared = (torch.fft.rfft2(x, shape).conj() for x in (torch.ones_like(piece), piece.square()))
    both = torch.fft.irfft2(one * two, shape)
    shared = torch.fft.irfft2(there * mask, shape)
    mine, theirs = torch.fft.irfft2(power * mask, shape), torch.fft.irfft2(there * squared, shape)
    score = both / (mine.clamp_min(1e-6) * theirs.clamp_min(1e-6)).sqrt()
    score[shared < 0.85 * min(piece.numel(), base.numel())] = -1.0
    at = int(score.argmax())
    top, left = divmod(at, shape[1])
    value = float(score.flatten()[at])
    return value, (float(top if top < h else top - shape[0]), float(left if left < w else left - shape[1]))


# --- the fine one ----------------------------------------------------------------------------------------------------------

POWERS = tuple((i, n - i) for n in range(6) for i in range(n, -1, -1))
"""Exponents (of x, of y) of the map's terms, by degree: 1, x, y, x², xy, …"""


def _terms(at: torch.Tensor) -> torch.Tensor:
    """(N, terms) of places (N, 2) in −1 … 1."""
    return torch.stack([at[:, 0] ** i * at[:, 1] ** j for i, j in POWERS], 1)


def _grid(size: Sequence[int]) -> torch.Tensor:
    y, x = ((torch.arange(n) + 0.5) * 2 / n - 1 for n in size)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)


def _warped(pixels: torch.Tensor, table: torch.Tensor, size: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """`pixels` (C, H, W) on a raster of `size` that the map leads to it, and where it has any; antialiased."""
    pixels = _toward(pixels, table, size)
    at = (_terms(_grid(size)) @ table).view(1, *size, 2)
    out = F.grid_sample(pixels[None], at, mode="bilinear", padding_mode="border", align_corners=False)[0]
    return out, (at.abs() <= 1).all(-1)[0]


def _toward(pixels: torch.Tensor, table: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """`pixels` reduced so that they are about as fine as a raster of `size`."""
    h, w = pixels.shape[1:]
    k = min(1.0, size[1] / (float(table[1].norm()) * w), size[0] / (float(table[2].norm()) * h)) * 1.25
    if k >= 0.95:
        return pixels
    return resize(pixels, (0.0, 0.0, float(w), float(h)), (max(8, round(h * k)), max(8, round(w * k))))


def _refined(here: torch.Tensor, source: torch.Tensor, table: torch.Tensor, order: int) -> tuple[torch.Tensor, float]:
    """The map after one round of block matching, and the share of textured blocks that agree with it."""
    h, w = here.shape
    moved, inside = _warped(source[None], table, (h, w))
    there = structure(moved[0]) * inside
    starts = [(y, x) for y in _starts(h) for x in _starts(w) if inside[y : y + BLOCK, x : x + BLOCK].all()]
    if len(starts) < 6:
        return table, math.nan
    a = torch.stack([here[y : y + BLOCK, x : x + BLOCK] for y, x in starts])
    b = torch.stack([there[y : y + BLOCK, x : x + BLOCK] for y, x in starts])
    shift, sure = _shifts(a, b)
    good = sure > 0.35
    textured = (a.square().mean((1, 2)) > 0.05) & (b.square().mean((1, 2)) > 0.05)
    if int(good.sum()) < 6:
        return table, float((good & textured).sum()) / max(1, int(textured.sum()))
    centre = torch.tensor([[x + BLOCK / 2, y + BLOCK / 2] for y, x in starts])
    size = torch.tensor([float(w), float(h)])
    at = centre * 2 / size - 1
    # what lies at `centre` on the RAW picture was found at centre + shift on the warped one
    target = _terms((centre + shift) * 2 / size - 1) @ table
    table, away = _solved(at, target, sure * good, table, order, size)
    fits = good & (away < 1.5)
    return table, float((fits & textured).sum()) / max(1, int((textured | good).sum()))


def _starts(n: int) -> list[int]:
    count = max(1, math.ceil((n - BLOCK) / (BLOCK * 0.6)) + 1)
    return sorted({round(i * max(0, n - BLOCK) / max(1, count - 1)) for i in range(count)})


def _shifts(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Where blocks `a` (N, n, n) are found on `b`: (N, 2) shifts (x, y) of up to a quarter block, and how surely (N,)."""
    n = a.shape[-1]
    window = torch.hann_window(n + 2, periodic=False)[1:-1].sqrt()
    window = window[:, None] * window
    a, b = (x - x.mean((1, 2), keepdim=True) for x in (a, b))
    power = (((a * window) ** 2).sum((1, 2)) * ((b * window) ** 2).sum((1, 2))).clamp_min(1e-6).sqrt()
    size = (2 * n, 2 * n)
    both = torch.fft.irfft2(torch.fft.rfft2(a * window, size).conj() * torch.fft.rfft2(b * window, size), size)
    r = n // 4
    near = torch.roll(both, (r, r), (1, 2))[:, : 2 * r + 1, : 2 * r + 1] / power[:, None, None]
    best = near.flatten(1).argmax(1)
    y, x = best // (2 * r + 1), best % (2 * r + 1)
    k = torch.arange(len(a))
    sure = near[k, y, x].clone()
    sure[(x == 0) | (x == 2 * r) | (y == 0) | (y == 2 * r)] = 0.0
    xi, yi = x.clamp(1, 2 * r - 1), y.clamp(1, 2 * r - 1)
    middle = near[k, yi, xi]

    def fraction(low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
        return (0.5 * (low - high) / (low - 2 * middle + high).clamp_max(-1e-6)).clamp(-0.5, 0.5)

    dx = fraction(near[k, yi, xi - 1], near[k, yi, xi + 1])
    dy = fraction(near[k, yi - 1, xi], near[k, yi + 1, xi])
    return torch.stack([xi - r + dx, yi - r + dy], 1), sure


def _solved(
    at: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, table: torch.Tensor, order: int, size: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The map through weighted points, and how far off each lies (RAW pixels); outliers lose their weight (Cauchy)."""
    degree = torch.tensor([i + j for i, j in POWERS])
    terms = _terms(at).double()
    use = degree <= min(order, 1 if int((weight > 0).sum()) < 24 else 3 if int((weight > 0).sum()) < 60 else 5)
    hold = torch.where(degree > 1, 5e-4 * 3.0 ** (degree - 2), 1e-6).double()[use] * float(weight.sum())
    a, k = terms[:, use], weight.double()
    per = size.double() / 2 / table[[1, 2], [0, 1]].double()  # finished units → RAW pixels
    new, away = table, torch.zeros(len(at))
    for _ in range(6):
        left = a.T * k
        found = torch.linalg.solve(left @ a + torch.diag(hold), left @ target.double())
        new = torch.zeros_like(table)
        new[use] = found.float()
        away = ((terms @ new.double() - target.double()) * per).norm(dim=1).float()
        k = weight.double() / (1 + (away / 0.7) ** 2)
    return new, away


# --- how well ----------------------------------------------------------------------------------------------------------------


def _score(scene: torch.Tensor, finished: torch.Tensor, inside: torch.Tensor) -> float:
    """Correlation of structure where both are; the better of two scales, since a soft picture has little of the finer."""
    best = -1.0
    for edge in (96, 240):
        a, b = (structure(lightness(_reduced(p, edge), s)) for p, s in ((scene, True), (finished, False)))
        m = _reduced(inside[None].float(), edge)[0] > 0.99
        m &= _blurred(m.float(), 3.0) > 0.99
        if int(m.sum()) > 64:
            x, y = a[m] - a[m].mean(), b[m] - b[m].mean()
            best = max(best, float((x * y).sum() / (x.norm() * y.norm()).clamp_min(1e-6)))
    return best


def _order(scene: torch.Tensor, finished: torch.Tensor, inside: torch.Tensor) -> float:
    """Spearman's correlation of light, coarsely, where both are."""
    a, b = (lightness(_reduced(p, 96), s) for p, s in ((scene, True), (finished, False)))
    m = _reduced(inside[None].float(), 96)[0] > 0.99
    if int(m.sum()) < 16:
        return 0.0
    x, y = (v[m].argsort().argsort().float() for v in (a, b))
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / (x.norm() * y.norm()).clamp_min(1e-6))


def _covered(inside: torch.Tensor) -> float:
    """The share of the RAW picture's long edge that is covered."""
    across = inside.any(0).float().mean() if inside.shape[1] >= inside.shape[0] else inside.any(1).float().mean()
    return float(across)
