"""Judging the light: log-chroma histograms of a thumbnail in, a distribution over lights out.

A small picture in canonical camera RGB (see `modisp.color.illuminant`) is sorted by its log-chroma into a grid of
64 × 32 cells, 1/16 wide, turned so that the long axis runs from lamplight to skylight.  Another light moves a histogram
without changing its shape, so a convolutional network is at home here (Barron, "Convolutional color constancy", ICCV
2015; Barron and Tsai, "Fast Fourier color constancy", CVPR 2017).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GRID = (64, 32)
CELL = 1 / 16
ORIGIN = (-2.75, -1.0)
"""Chroma (along, across) of the grid's first corner; what lies outside counts in the cells at the edge."""

_COS, _SIN = math.cos(math.radians(-38)), math.sin(math.radians(-38))
HISTOGRAMS = 5
_LEAST = 1e-6


def chroma(rgb: Tensor) -> Tensor:
    """Canonical RGB (..., 3) > 0 → (along, across) (..., 2): ln(r/g) and ln(b/g), turned; both fall with warmer light."""
    log = rgb.clamp_min(_LEAST).log()
    u, v = log[..., 0] - log[..., 1], log[..., 2] - log[..., 1]
    return torch.stack([_SIN * u + _COS * v, _COS * u - _SIN * v], -1)


def rgb(chroma: Tensor) -> Tensor:
    """The inverse of `chroma`, green 1."""
    along, across = chroma[..., 0], chroma[..., 1]
    u, v = _SIN * along + _COS * across, _COS * along - _SIN * across
    return torch.stack([u.exp(), torch.ones_like(u), v.exp()], -1)


def cells(chroma: Tensor) -> Tensor:
    """Chroma (..., 2) → place on the grid (..., 2), in cells; the centre of the first is 0."""
    return (chroma - chroma.new_tensor(ORIGIN)) / CELL - 0.5


def centres(device: torch.device | None = None) -> Tensor:
    """Chroma (64, 32, 2) of the cells' centres."""
    axes = [ORIGIN[i] + CELL * (torch.arange(GRID[i], device=device) + 0.5) for i in (0, 1)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)


def histograms(pixels: Tensor, valid: Tensor) -> Tensor:
    """Canonical RGB (B, 3, H, W) and which pixels count (B, H, W) → (B, 5, 64, 32), the square roots of shares.

    Of all pixels; of the brightest tenth and fiftieth; of all, by brightness; and of the edges (differences of
    neighbours), by how strong they are.  A histogram of nothing is 0.
    """
    level = pixels.clamp_min(0).sum(1)
    ok = (valid & (pixels > _LEAST).all(1)).float()
    flat = (level * ok).flatten(1)
    count = ok.flatten(1).sum(1).long()
    ranked = flat.topk(flat.shape[1] // 10 + 1, 1).values
    last = ranked.shape[1] - 1
    bright = [ok * (level >= ranked.gather(1, (count // n).clamp_max(last)[:, None])[:, :, None]) for n in (10, 50)]
    first = _sorted(pixels, torch.stack([ok, bright[0], ok * level, bright[1]], -1))
    edges = F.pad((pixels[..., 1:] - pixels[..., :-1]).abs(), (0, 1))
    edges = edges + F.pad((pixels[..., 1:, :] - pixels[..., :-1, :]).abs(), (0, 0, 0, 1))
    # an edge counts where all three pixels that it is made of count
    sound = ok * F.pad(ok[:, :, 1:], (0, 1)) * F.pad(ok[:, 1:], (0, 0, 0, 1)) * (edges > _LEAST).all(1)
    second = _sorted(edges, (sound * edges.sum(1))[..., None])
    both = torch.cat([first[:, :3], second, first[:, 3:]], 1)
    return (both / both.sum((2, 3), keepdim=True).clamp_min(1e-9)).sqrt()


def _sorted(pixels: Tensor, weights: Tensor) -> Tensor:
    """Histograms (B, K, 64, 32) of colours (B, 3, H, W) with weights (B, H, W, K), shared out among four cells each."""
    batch, kinds = len(pixels), weights.shape[-1]
    at = cells(chroma(pixels.permute(0, 2, 3, 1))).flatten(1, 2)
    top = at.new_tensor([GRID[0] - 1.001, GRID[1] - 1.001])
    at = torch.minimum(at.clamp_min(0), top)
    low = at.floor()
    part, low = at - low, low.long()
    base = torch.arange(batch, device=at.device)[:, None] * (GRID[0] * GRID[1])
    out = torch.zeros(batch * GRID[0] * GRID[1], kinds, device=at.device)
    w = weights.flatten(1, 2)
    for di in (0, 1):
        for dj in (0, 1):
            share = (part[..., 0] if di else 1 - part[..., 0]) * (part[..., 1] if dj else 1 - part[..., 1])
            index = base + (low[..., 0] + di) * GRID[1] + low[..., 1] + dj
            out.index_add_(0, index.flatten(), (w * share[..., None]).flatten(0, 1))
    return out.view(batch, *GRID, kinds).permute(0, 3, 1, 2)


class _Pair(nn.Sequential):
    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(nn.Conv2d(cin, cout, 3, padding=1), nn.SiLU(), nn.Conv2d(cout, cout, 3, padding=1), nn.SiLU())


class White(nn.Module):
    """A U-Net on the grid; ``widths`` of its levels.  In: `histograms`; out: logits (B, 64, 32) over lights."""

    place: Tensor

    def __init__(self, widths: tuple[int, ...] = (16, 32, 48, 64)) -> None:
        super().__init__()
        self.widths = tuple(widths)
        place = centres().permute(2, 0, 1)
        self.register_buffer("place", torch.cat([place, place.square()])[None], persistent=False)
        cin = HISTOGRAMS + 4
        self.down = nn.ModuleList(_Pair(a, b) for a, b in zip((cin, *self.widths), self.widths, strict=False))
        pairs = list(zip(self.widths[1:], self.widths, strict=False))[::-1]
        self.narrow = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairs)
        self.up = nn.ModuleList(nn.Sequential(nn.Conv2d(b, b, 3, padding=1), nn.SiLU()) for _, b in pairs)
        self.tail = nn.Conv2d(self.widths[0], 1, 1)

    def forward(self, histograms: Tensor) -> Tensor:
        """See the class."""
        x = torch.cat([4 * histograms, self.place.expand(len(histograms), -1, -1, -1)], 1)
        levels: list[Tensor] = []
        for pair in self.down:
            x = pair(F.avg_pool2d(x, 2) if levels else x)
            levels.append(x)
        for narrow, up, skip in zip(self.narrow, self.up, levels[-2::-1], strict=True):
            x = up(F.interpolate(narrow(x), scale_factor=2, mode="bilinear") + skip)
        y: Tensor = self.tail(x)[:, 0]
        return y

    def macs(self) -> float:
        """Multiply-accumulates of a picture, whatever its size, per cell of the grid."""
        total = 0.0
        for name, layer in self.named_modules():
            if isinstance(layer, nn.Conv2d):
                kind, level = name.split(".")[0], int(name.split(".")[1]) if "." in name else 0
                if kind != "down":
                    level = 0 if kind == "tail" else len(self.widths) - 2 - level + (kind == "narrow")
                total += layer.weight.numel() / 4**level
        return total


WITNESS = (0.05, 0.25)
"""How near (chroma) the light is to what the brightest pixels say, and how often they say nothing about it."""


def witness(pixels: Tensor, valid: Tensor) -> Tensor:
    """Log-likelihood (B, 64, 32) of lights by the brightest pixels alone: the 99th percentiles of the channels.

    A closed form that errs otherwise than a network does, so that both together err less.  Arguments as of `histograms`.
    """
    some = valid & (pixels > _LEAST).all(1)
    flat = torch.where(some[:, None], pixels, pixels.new_zeros(())).flatten(2)
    ranked = flat.sort(2, descending=True).values
    count = some.flatten(1).sum(1)
    rank = (count // 100).clamp_max(flat.shape[2] - 1)[:, None, None].expand(-1, 3, 1)
    brightest = ranked.gather(2, rank)[:, :, 0]
    near = ((centres(pixels.device) - chroma(brightest)[:, None, None]) / WITNESS[0]).square().sum(-1)
    said = ((-0.5 * near).exp() + WITNESS[1]).log()
    return said * (count > 0)[:, None, None]


_IMPOSSIBLE = 1e-12
_TELLING = 100
"""Pixels that half a picture has at least where it is asked by itself."""


def halves(valid: Tensor) -> Tensor:
    """Which pixels (B, 4, H, W) of the left, right, upper and lower half count; all of them where a half has few."""
    height, width = valid.shape[1:]
    cut = valid.new_zeros(4, height, width)
    cut[0, :, : width // 2], cut[2, : height // 2] = True, True
    cut[1], cut[3] = ~cut[0], ~cut[2]
    half = valid[:, None] & cut
    return torch.where((half.sum((2, 3)) >= _TELLING)[..., None, None], half, valid[:, None])


def consult(net: nn.Module, pixels: Tensor, valid: Tensor) -> Tensor:
    """What the network alone says (B, 64, 32), log-likelihoods: of the whole picture, and as much of its halves together.

    They are other scenes, mostly in the same light, so their mean errs less; where they are not, it shows both lights.
    Arguments as of `histograms`.
    """
    ways = torch.cat([valid[:, None], halves(valid)], 1)
    seen = histograms(pixels.repeat_interleave(5, 0), ways.flatten(0, 1))
    said: Tensor = net(seen).flatten(1).softmax(1).view(-1, 5, *GRID)
    return (0.5 * said[:, 0] + 0.5 * said[:, 1:].mean(1)).clamp_min(_IMPOSSIBLE).log()


SURE = 3.0
"""The network learns a truth that is spread out, so it is surer of where a light is than it says: its logits count so often."""


def judge(net: nn.Module, pixels: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (B, 64, 32) over lights, the network's and the brightest pixels' together: how likely they are, and where."""
    own, said = consult(net, pixels, valid), witness(pixels, valid)
    return own + said, SURE * own + said


def lights(net: nn.Module, pixels: Tensor, valid: Tensor) -> list[tuple[Tensor, float]]:
    """The lights of one picture (3, H, W), see `peaks`."""
    likely, sure = judge(net, pixels[None], valid[None])
    return peaks(likely[0].cpu(), sure=sure[0].cpu())


def expected(logits: Tensor) -> Tensor:
    """The mean (B, 2) of the distribution, as chroma."""
    share = logits.flatten(1).softmax(1)
    return share @ centres(logits.device).flatten(0, 1)


REACH = 5.0
"""How far a light's share of the distribution reaches, in cells; what is nearer than that to a light belongs to it."""
APART = 6.0
"""How far, in cells, another light is from one that was found: what is nearer is mostly the tail of the same."""
ROUND, LATER = 9.0, 4.0
"""How far about a light, in cells, the mean is taken that says where it is: what is uncertain has long tails.  About those
that come after the first, less far: tails of the first would draw them to it."""


def peaks(logits: Tensor, most: int = 3, sure: Tensor | None = None) -> list[tuple[Tensor, float]]:
    """The lights of one distribution (64, 32): chroma (2,) and share of each, the likeliest first.

    `sure`, logits of a narrower distribution, say where each of them is; by default `logits` do.
    """
    sure = logits if sure is None else sure
    share = logits.flatten().softmax(0).view(GRID)
    place, left = centres(logits.device), share.clone()
    out: list[tuple[Tensor, float]] = []
    for _ in range(most):
        smooth = F.avg_pool2d(left[None, None], 5, 1, 2)[0, 0]
        at = int(smooth.argmax())
        centre = place.view(-1, 2)[at]
        around = LATER if out else ROUND
        for _ in range(3):  # toward the mean of what is round it
            away = ((place - centre) / CELL).square().sum(-1)
            if float(left[away <= REACH**2].sum()) < 1e-6:
                return out
            by = sure.masked_fill((left == 0) | (away > around**2), -math.inf).flatten().softmax(0)
            centre = by @ place.flatten(0, 1)
        away = ((place - centre) / CELL).square().sum(-1)
        out.append((centre, float(left[away <= REACH**2].sum())))
        left = left.masked_fill(away <= APART**2, 0.0)
    return sorted(out, key=lambda p: -p[1])
