"""The body shared by the networks: two resolutions of plain 3x3 convolutions.

Plain convolutions after a pixel-unshuffle are what a CPU runs fastest (about 45 GMAC/s a core);
the second level doubles the receptive field and holds most parameters at a quarter of the pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def quick_short(device: torch.device) -> bool:
    """Does the device multiply bfloat16 natively?  A processor that does not is many times slower at it."""
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return device.type == "cuda" and torch.cuda.is_bf16_supported()


class Block(nn.Module):
    """``x + conv(relu(conv(x)))``; starts near the identity, so depth can be added to a trained net."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) → the same shape."""
        y: Tensor = self.second(self.first(x).relu_())
        return y.add_(x)


class Trunk(nn.Module):
    """(B, cin, h, w) → (B, cout, h, w); h and w even.

    ``width``/``blocks`` at full resolution (blocks are placed before and after the second level),
    ``inner_width``/``inner_blocks`` at half of it.
    """

    def __init__(self, cin: int, cout: int, width: int, blocks: int, inner_width: int, inner_blocks: int) -> None:
        super().__init__()
        self.blocks, self.inner_blocks = blocks, inner_blocks
        self.short = False  # True: the hidden layers compute in bfloat16 (costs 0.002 dB), where that is quicker
        before = blocks // 2
        self.head = nn.Conv2d(cin, width, 3, padding=1)
        self.before = nn.Sequential(*[Block(width) for _ in range(before)])
        self.after = nn.Sequential(*[Block(width) for _ in range(blocks - before)])
        self.tail = nn.Conv2d(width, cout, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)
        if inner_blocks:
            self.down = nn.Conv2d(width, inner_width, 2, stride=2)
            self.inner = nn.Sequential(*[Block(inner_width) for _ in range(inner_blocks)])
            self.up = nn.Conv2d(inner_width, 4 * width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = self.head(x)
        x = x.bfloat16() if self.short else x
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.short):
            x = self.before(x)
            if self.inner_blocks:
                x = x + F.pixel_shuffle(self.up(self.inner(self.down(F.relu(x)))), 2)
            y: Tensor = self.tail(F.relu(self.after(x)))
        return y.float()

    @property
    def reach(self) -> int:
        """How far, in this trunk's own pixels, an output looks (each way)."""
        return 2 + 2 * self.blocks + (2 * (2 * self.inner_blocks + 1) if self.inner_blocks else 0)

    def macs(self) -> float:
        """Multiply-accumulates for one pixel of this trunk's grid."""
        inside = ("inner", "down", "up")
        total = 0.0
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d):
                total += module.weight.numel() * (0.25 if name.startswith(inside) else 1.0)
        return total
