"""The tone network: from one small view of a whole picture to the numbers of its finish.

A 128² view in EV round the picture's own middle goes down to the 16 × 16 cells of a bilateral grid, joined there by how much
of each cell lies at which level of light; a few blocks with growing reach say what each cell and level gains.  Pooled
features and histograms say the rest: gain, curve, and how to mix a few learned chroma tables.

Source of the idea: Gharbi et al. 2017, "Deep bilateral learning for real-time image enhancement".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BINS = 48
STATISTICS = 6


class _Block(nn.Module):
    """Two 3×3 convolutions round which the input goes; `reach` is the dilation; scaled by what is known of the whole."""

    def __init__(self, width: int, known: int, reach: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=reach, dilation=reach)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.tell = nn.Linear(known, 2 * width)

    def forward(self, x: Tensor, whole: Tensor) -> Tensor:
        scale, shift = self.tell(whole)[:, :, None, None].chunk(2, 1)
        y = F.leaky_relu(self.first(x) * (1 + scale) + shift, 0.1)
        out: Tensor = x + self.second(y)
        return out


class Tone(nn.Module):
    """`forward` gives raw numbers by part, shapes as in `modisp.operators.tonemap` (which nets do not know).

    `levels`, `knots`, `chroma`: how many levels of the grid, knots of the curve and numbers of the chroma table there are;
    `tables`: how many learned tables are mixed; with `grid` off the network says nothing of single places.
    """

    multiple = 16

    def __init__(
        self,
        width: int = 44,
        known: int = 64,
        blocks: int = 3,
        tables: int = 8,
        levels: int = 8,
        knots: int = 25,
        chroma: int = 864,
        grid: bool = True,
    ) -> None:
        super().__init__()
        self.levels, self.grid = levels, grid
        self.down = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(16, 24, 3, 2, 1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(24, 40, 3, 2, 1),
            nn.LeakyReLU(0.1),
        )
        self.join = nn.Conv2d(40 + 2 * levels + 3, width, 1)
        self.whole = nn.Sequential(
            nn.Linear(2 * width + BINS + STATISTICS + levels, 96),
            nn.LeakyReLU(0.1),
            nn.Linear(96, known),
            nn.LeakyReLU(0.1),
        )
        self.blocks = nn.ModuleList(_Block(width, known, reach) for reach in (1, 2, 4, 1, 2, 4)[:blocks])
        self.head = nn.Conv2d(width, levels, 1)
        self.gain = nn.Linear(known, 1)
        self.curve = nn.Linear(known, knots)
        self.mix = nn.Linear(known, tables)
        self.tables = nn.Parameter(torch.randn(tables, chroma) * 0.01)
        self.table = nn.Parameter(torch.zeros(chroma))
        for layer in (self.head, self.gain, self.curve, self.mix):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, view: Tensor, cells: Tensor, histogram: Tensor, statistics: Tensor) -> dict[str, Tensor]:
        """`view` (B, 3, 128, 128): light and two chroma planes; `cells` (B, levels, 16, 16) sum to 1 in each cell.

        `histogram` (B, 48) of light, `statistics` (B, 6).
        """
        features = self.down(view)
        b, _, h, w = features.shape
        y = torch.linspace(-1, 1, h, device=view.device, dtype=view.dtype).view(1, 1, h, 1).expand(b, 1, h, w)
        x = torch.linspace(-1, 1, w, device=view.device, dtype=view.dtype).view(1, 1, 1, w).expand(b, 1, h, w)
        round_ = F.avg_pool2d(F.pad(cells, (2, 2, 2, 2), "replicate"), 5, 1)
        features = self.join(torch.cat([features, cells, round_, x, y, x * x + y * y], 1))
        pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)
        whole = self.whole(torch.cat([pooled, 10 * histogram, statistics, cells.mean((2, 3))], 1))
        for block in self.blocks if self.grid else ():
            features = block(features, whole)
        return {
            "gain": self.gain(whole)[:, 0],
            "curve": self.curve(whole),
            "grid": self.head(F.leaky_relu(features, 0.1)) * (1.0 if self.grid else 0.0),
            "chroma": self.table + self.mix(whole) @ self.tables,
        }

    def macs(self) -> float:
        """Multiply-accumulates of one picture, whatever its size, by megapixel of a 24 MP picture."""
        width = self.head.in_channels
        cells = 16 * 16
        total = 64 * 64 * 27 * 16 + 32 * 32 * 144 * 24 + cells * 216 * 40
        total += cells * width * (self.join.in_channels + len(self.blocks) * 18 * width + self.levels)
        return total / 24e6
