"""What most programs do to colours besides a curve of light, in few numbers: channels mixed and curved, corners darkened.

Twenty pairs hold few strongly coloured pixels, and a table says nothing of colours that it was not shown.  A matrix and a
curve for each channel say what programs mostly do to them.  They are written into the table of what is left
(`modisp.learn.residue`), so that a style needs no other stage; the fall of light to the corners is the vignette's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from modisp.color.transfer import srgb_decode, srgb_encode
from modisp.operators.hald import identity
from modisp.stages.vignette_ellipse import STOPS, ramp

KNOTS = 9
"""Of a channel's curve, evenly over its encoded values."""
BENT, STRONG = 2.0, 0.05
"""What speaks against bends of the curves, and against curves and matrices at all."""
SEEN, AGREE = 0.15, 0.8
"""Stops in the corners that count as a vignette (less may be what lenses leave), and the share of pictures that must be
nearer with it: what is darker at its edges by chance is no vignette."""


class Channels:
    """A matrix on linear sRGB and a curve on each encoded channel; both begin as nothing."""

    def __init__(self) -> None:
        self.matrix = torch.zeros(3, 3, requires_grad=True)  # what is added to identity
        self.curves = torch.zeros(3, KNOTS, requires_grad=True)  # what is added to encoded values

    def __call__(self, values: Tensor, neutral: bool = False) -> Tensor:
        """sRGB values (N, 3) in [0, 1], mixed and curved.  `neutral`: greys stay grey."""
        matrix, curves = self.matrix, self.curves
        if neutral:
            matrix = matrix - matrix.mean(1, keepdim=True)
            curves = curves.mean(0, keepdim=True).expand(3, -1)
        linear = srgb_decode(values)
        encoded = srgb_encode(linear + linear @ matrix.T)
        at = encoded.clamp(0, 1) * (KNOTS - 1)
        i = at.detach().floor().clamp(0, KNOTS - 2).long()
        low, high = (curves.T.gather(0, i + k) for k in (0, 1))
        return encoded + torch.lerp(low, high, at - i)

    def cost(self) -> Tensor:
        """What speaks against numbers that pixels do not ask for."""
        rough = self.curves.diff(n=2, dim=1).square().mean()
        return BENT * rough + STRONG * (self.curves.square().mean() + self.matrix.square().mean())

    def table(self, size: int, neutral: bool) -> Tensor:
        """What it adds to sRGB values, (3, size, size, size), indexed (channel, blue, green, red)."""
        plain = identity(size)
        with torch.no_grad():
            made = self(plain.reshape(3, -1).T, neutral).clamp(0, 1)
        return made.T.reshape(plain.shape) - plain


class Falloff:
    """The fall of light to the corners of the finished picture: the numbers of the vignette stage, to be fitted."""

    def __init__(self) -> None:
        self.amount = torch.zeros((), requires_grad=True)
        self.shape = torch.zeros(2, requires_grad=True)  # midpoint and feather lie in 0 … 1 by a sigmoid

    def __call__(self, at: Tensor, even: bool = False) -> Tensor:
        """Factors of light (B, 1, N) at places (B, 2, N; x, y in −1 … 1 of the finished picture).

        `even`: each picture's mean of them, at all places.
        """
        midpoint, feather = torch.sigmoid(self.shape)
        light = falloff(at, self.amount.clamp(-1, 1), midpoint, feather)
        return light.log2().mean(-1, keepdim=True).exp2() if even else light

    def settle(self, nearer: Tensor) -> None:
        """What is hardly a vignette, or none for too many pictures (`nearer` (B,): is it with it?), becomes none."""
        if abs(float(self.amount.detach())) * STOPS < SEEN or float(nearer.float().mean()) < AGREE:
            self.amount.requires_grad_(False).zero_()

    def values(self) -> dict[str, float]:
        """What the vignette stage is set to; nothing where light does not fall."""
        amount = float(self.amount.detach().clamp(-1, 1))
        if not amount:
            return {}
        midpoint, feather = torch.sigmoid(self.shape.detach()).tolist()
        numbers = {"amount": amount, "midpoint": midpoint, "feather": feather}
        return {k: round(v, 3) for k, v in numbers.items()}


def falloff(at: Tensor, amount: Tensor, midpoint: Tensor, feather: Tensor) -> Tensor:
    """As the vignette stage has it, for places (…, 2, N) in −1 … 1: factors of light (…, 1, N)."""
    far = at.square().mean(-2, keepdim=True).clamp_min(1e-6).sqrt()
    begin, end = ramp(midpoint, feather)
    t = ((far - begin) / (end - begin)).clamp(0, 1)
    return torch.exp2(STOPS * amount * t * t * (3 - 2 * t))


def fallen(values: Mapping[str, float], at: Tensor) -> Tensor:
    """Factors of light (…, 1, N) of a vignette by its values; 1 everywhere for none."""
    if not values:
        return torch.ones_like(at[..., :1, :])
    return falloff(at, *(torch.tensor(float(values[k])) for k in ("amount", "midpoint", "feather")))


def display_values(display: Tensor, to_srgb: Tensor) -> Tensor:
    """Linear Rec.2020 (3, N) as sRGB values (N, 3) in [0, 1], with slopes that stay finite."""
    return srgb_encode(torch.einsum("ij,jn->ni", to_srgb, display).clamp(1e-6, 1.0))


def light_of(values: Tensor, from_srgb: Tensor) -> Tensor:
    """The inverse: (3, N)."""
    return torch.einsum("ij,nj->in", from_srgb, srgb_decode(values.clamp(1e-5, 1.0)))
