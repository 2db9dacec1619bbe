"""What a look is learned from: pixels drawn from pairs, with the finish that looks are offsets from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modisp.learn.read import Sample
from modisp.operators import tonemap, toneoffsets
from modisp.operators.tonemap import ToneParams
from modisp.operators.toneview import SIDE, params_of, see
from modisp.resample import resize

PIXELS = 3000
"""Drawn from each pair."""
EVEN = 1.0
"""Stops between the finer pixels of one that make it count half: a look is learned from what is even."""


@dataclass(frozen=True)
class Lesson:
    """Pixels of B pairs: scene (B, 3, N), places (B, 2, N), Lab wanted (B, N, 3); the base's finish; facts (B, 5).

    `guide` (B,) is the gain by which the base's grid of local light is read, whatever gain the look has.  `frame` (B, 4) is
    what the finished picture shows of the whole: left, top, right, bottom in 0…1.  `parts` (B, 3, P, N) are the finer
    pixels of the scene that each pixel is the mean of.  `lamp` (B,): how warm the light was (`toneoffsets.lamp_of`).
    """

    rgb: Tensor
    at: Tensor
    wanted: Tensor
    base: ToneParams
    facts: Tensor
    guide: Tensor
    frame: Tensor
    parts: Tensor
    lamp: Tensor

    def __len__(self) -> int:
        return len(self.rgb)

    def of(self, rows: Sequence[int]) -> Lesson:
        """Some of the pairs."""
        k = torch.tensor(list(rows))
        base = ToneParams(**{p: v[k] for p, v in self.base.items().items()})
        return Lesson(
            self.rgb[k],
            self.at[k],
            self.wanted[k],
            base,
            self.facts[k],
            self.guide[k],
            self.frame[k],
            self.parts[k],
            self.lamp[k],
        )

    def paint(self, params: ToneParams, some: Tensor | None = None) -> Tensor:
        """DISPLAY (B, 3, N) of the pixels, or of some of each pair's, under a finish."""
        rgb, at = (self.rgb, self.at) if some is None else (self.rgb[:, :, some], self.at[:, :, some])
        return tonemap.apply(params, rgb, at, (self.guide - params.gain)[:, None])

    def weights(self) -> Tensor:
        """(B, N): how much each pixel counts, by how even it is; 1 in the mean."""
        stops = torch.log2(self.parts + 2e-3)
        w = 1 / (1 + ((stops.amax(2) - stops.amin(2)).mean(1) / EVEN) ** 2)
        return w / w.mean()

    def framed(self, some: Tensor | None = None) -> Tensor:
        """Places (B, 2, N) of the pixels in the finished pictures, −1 … 1."""
        at = self.at if some is None else self.at[:, :, some]
        low, high = self.frame[:, :2, None], self.frame[:, 2:, None]
        return (at - low) / (high - low) * 2 - 1


def view_of(sample: Sample) -> Tensor:
    """A sample's scene as measuring sees it: (3, 128, 128)."""
    h, w = sample.scene.shape[1:]
    return resize(sample.scene, (0.0, 0.0, float(w), float(h)), (SIDE, SIDE))


def lesson(samples: Sequence[Sample], net: nn.Module | None, pixels: int = PIXELS) -> Lesson:
    """Pixels drawn from samples, with what looks are offsets from: the plain finish, with the local light of a network.

    What the network says of the rest belongs to its own look, and was found to stand in the way of others.  Without a
    network there is no local light.
    """
    drawn = [s.draw(pixels, seed=i) for i, s in enumerate(samples)]
    with torch.inference_mode():
        seen = see(torch.stack([view_of(s) for s in samples]))
        base = plain = ToneParams.plain(len(samples))
        if net is not None:
            base = params_of(net(*seen.inputs()), seen)
        guide, known = base.gain, toneoffsets.facts(seen)
        base = plain.towards(base, {p: float(p == "grid") for p in tonemap.PARTS})
    frame = torch.tensor([s.frame for s in samples])
    rgb, at, wanted, parts = (torch.stack(rows) for rows in zip(*drawn, strict=True))
    # tensors of inference mode take no part in learning
    base = ToneParams(**{p: v.clone() for p, v in base.items().items()})
    lamp = torch.tensor([s.lamp for s in samples])
    return Lesson(
        rgb.clamp_min(0.0), at, wanted.float(), base, known.clone(), guide.clone(), frame, parts.clamp_min(0.0), lamp
    )
