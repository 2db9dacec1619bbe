"""What a matrix leaves wrong of a camera's colours, told from the camera's matrices and the light, and perhaps a chart.

The network sees no picture.  It gives the numbers of a closed form (the coefficients of nine terms for each of R, G, B),
once for a camera under a light.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

TRAITS = 32
"""Numbers that describe the camera and the light."""
OWN = 28
"""The first of them, which are the camera's alone, whatever the light."""
CLEAN = 4.0
"""Mean square of how far they are off, in spreads of clean matrices, at which half of that is listened to."""
TERMS = 9
"""Terms that are weighted for each of R, G, B."""
BOUND = 1.2
"""No coefficient is larger."""
KNOWN, STRANGE = 16.0, 32.0
"""Distances (Mahalanobis) from the cameras of the training up to which the network is trusted, and from which it is not.

All but a thousandth of those cameras lie within the first.
"""

# Of many cameras under many lights: what is usual, and how much it varies.  Scales inputs alone, so round figures do.
_USUAL = (
    *(1.2, 0.0, -0.1, -0.3, 0.1, 1.5, 1.2, 0.0, -0.1, -0.3, 0.1, 1.5),
    *(1.2, -0.1, 0.0, -0.4, 0.1, 1.3, 1.2, -0.1, 0.0, -0.4, 0.1, 1.3),
    *(-0.6, -1.3, -1.4, -0.4, -1.0, -0.9, 2.5, 0.0),
)
_VARIES = (
    *(0.15, 0.07, 0.07, 0.09, 0.08, 0.2, 0.15, 0.07, 0.07, 0.09, 0.08, 0.2),
    *(0.15, 0.07, 0.07, 0.09, 0.05, 0.13, 0.15, 0.07, 0.07, 0.09, 0.05, 0.13),
    *(0.25, 0.2, 0.3, 0.2, 0.5, 0.5, 1.0, 0.2),
)


class Color(nn.Module):
    """Traits (B, 32), and perhaps what a chart told (B, 29), → coefficients (B, 3, 9).

    What a chart tells: the coefficients (27) that it asks for by itself under its own light, that light as mired/100 and tint/100.

    What is told of the camera is seen twice: as it is, and by how far it is off the cleanly made matrices of cameras, each
    direction in its own spread (`fine`).  So the little that tells one sensor's errors from another's is not lost beside
    what differs between all cameras; in carelessly made matrices that little means nothing, and fades.
    """

    def __init__(self, hidden: int = 256, layers: int = 2) -> None:
        super().__init__()
        told = 3 * TERMS + 2
        self.camera = nn.Linear(TRAITS + OWN, hidden)
        self.chart = nn.Linear(told, hidden)
        self.inner = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers))
        self.out = nn.Linear(hidden, 6 * TERMS)
        with torch.no_grad():
            self.chart.weight.mul_(0.3)
            self.out.weight.mul_(0.1)
            self.out.bias.zero_()
        self.usual: Tensor
        self.varies: Tensor
        self.register_buffer("usual", torch.tensor(_USUAL), persistent=False)
        self.register_buffer("varies", torch.tensor(_VARIES), persistent=False)
        self.middle: Tensor
        self.whiten: Tensor
        self.register_buffer("middle", torch.zeros(TRAITS))
        self.register_buffer("whiten", torch.zeros(TRAITS, TRAITS))
        self.centre: Tensor
        self.fine: Tensor
        self.register_buffer("centre", torch.zeros(OWN))
        self.register_buffer("fine", torch.zeros(OWN, OWN))

    def forward(self, traits: Tensor, chart: Tensor | None = None, known: Tensor | None = None) -> Tensor:
        """`known` (B, 1): 1 where there is a chart, 0 where its numbers are to be left out; all where it is not given."""
        fine = (traits[:, :OWN] - self.centre) @ self.fine
        fine = torch.asinh(fine) / (1 + (fine.square().mean(1, keepdim=True) / CLEAN).square())
        x: Tensor = self.camera(torch.cat([(traits - self.usual) / self.varies, fine], 1))
        own = traits.new_zeros(len(traits), 3 * TERMS)
        if chart is not None:
            share = torch.ones_like(chart[:, :1]) if known is None else known
            own = share * chart[:, : 3 * TERMS]
            away = chart[:, 3 * TERMS :] - traits[:, -2:]
            x = x + share * self.chart(torch.cat([own * 8, away], 1))
        x = functional.silu(x)
        for layer in self.inner:
            x = x + functional.silu(layer(x))
        wanted, trust = self.out(x).chunk(2, 1)
        wanted = 0.3 * wanted + own * torch.sigmoid(5 * trust)
        return (BOUND * torch.tanh(wanted / BOUND)).reshape(-1, 3, TERMS)

    def compare(self, clean: Tensor) -> None:
        """Take traits (N, 32) for those of cleanly made matrices: before the training, as all else rests on it."""
        self.centre.copy_(clean[:, :OWN].double().mean(0))
        self.fine.copy_(_whitened(clean[:, :OWN]))

    def trust(self, traits: Tensor) -> Tensor:
        """Traits (B, 32) → how far the network knows such cameras, (B,) in 0…1."""
        away = ((traits - self.middle) @ self.whiten).norm(dim=1)
        t: Tensor = ((STRANGE - away) / (STRANGE - KNOWN)).clamp(0, 1)
        return t * t * (3 - 2 * t)

    def remember(self, traits: Tensor) -> None:
        """Take traits (N, 32) for those of all cameras that are known."""
        self.middle.copy_(traits.double().mean(0))
        self.whiten.copy_(_whitened(traits))

    def macs(self) -> float:
        """Multiply-accumulates for one pixel: those of the closed form, as the network runs once."""
        return 3.0 * TERMS


def gains(traits: Tensor) -> Tensor:
    """(B, 32) → (B, 3): by what white balance multiplies the channels, green 1."""
    red, blue = torch.exp2(-traits[:, OWN : OWN + 2]).unbind(1)
    return torch.stack([red, torch.ones_like(red), blue], 1)


def _whitened(rows: Tensor) -> Tensor:
    """(N, K) → (K, K), times which rows have unit variance in all directions; in those that hardly vary, less."""
    values, vectors = torch.linalg.eigh(
        torch.cov(rows.double().T) + 1e-5 * torch.eye(rows.shape[1], dtype=torch.float64)
    )
    out: Tensor = vectors / values.sqrt()
    return out
