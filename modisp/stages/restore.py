"""Noise and blur taken out of the mosaic by a network, each by a strength that acts outside of it.

`modisp.nets.restore` gives two versions of the samples, one without noise and one without noise and blur.  What they
differ by is kept, the noise parted in brightness (its colour-blind local mean) and colour (the rest), so that moving a
strength never runs the network again.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from modisp.image import Image, Metadata, State
from modisp.learned import SIZES, TILE, digest, edges, mean_noise, network, weight_file
from modisp.nets.mosaic import find_phase
from modisp.nets.restore import restore
from modisp.nets.settle import REACH as SETTLED
from modisp.nets.settle import lacking
from modisp.operators.blotches import REACH as BLOTCHES
from modisp.operators.blotches import blotches
from modisp.operators.cfa import balance, is_rgb, per_site
from modisp.operators.means import REACH, without_means
from modisp.operators.noise import LEAST, left_after, luminance, survey
from modisp.operators.points import points
from modisp.parameter import OWN
from modisp.stage import Parts, Probe, Reading, Stage, param

WEIGHTS = {"bayer": "restore", "quad": "restore", "xtrans": "restore-xtrans"}
"""Whose weights serve which filter array."""


def _found(meta: Metadata, size: str) -> tuple[Path, str, int, int] | None:
    """(weights, pattern, rows, columns to its start) for a picture; None where it cannot be served."""
    found = find_phase(meta.cfa) if is_rgb(meta.cfa) else None
    path = weight_file(WEIGHTS[found[0]], size, meta) if found else None
    return (path, *found) if found and path else None


_SETTLE, _NOISY, _COLOURED = 0.9, 1e-3, 3e-4
"""How much of what deblurring still lacks is added where there is no noise, and half of it in colour; the variances at a middle
grey that halve the one and the other, by trial."""
_GREY, _GRAINY, _FAST = 0.18, 0.06, 1000.0
"""A middle grey; the standard deviation of its noise, as a part of it, from which grain is plain; the ISO that stands for it."""


class Restore(
    Stage,
    slot="restore",
    reads=State.MOSAIC,
    writes=State.MOSAIC,
    version=6,
    title="Noise and blur (learned)",
    group="Detail",
    straight=("denoise", "chroma", "deblur"),
    tile=TILE,
):
    """Takes grain, colour noise and blur out of the sensor's own samples, by a network that is told how much there is."""

    denoise: float = param(
        0.8,
        0,
        1,
        step=0.01,
        unit="%",
        label="Noise",
        help="Takes off grain: how much of the brightness noise is removed. Some left looks natural.",
        mask=OWN,
    )
    chroma: float = param(
        1.0, 0, 1, step=0.01, unit="%", label="Colour noise", help="Takes off coloured specks and blotches.", mask=OWN
    )
    deblur: float = param(
        0.0,
        0,
        1,
        step=0.01,
        unit="%",
        label="Deblur",
        help="Makes edges as crisp as they were before the lens.",
        mask=OWN,
    )
    radius: float = param(
        0.0,
        0,
        2,
        step=0.05,
        unit="px",
        label="Blur radius",
        help="How wide the blur is that Deblur undoes, in pixels; 0 takes what its edges tell.",
        advanced=True,
        inference=True,
    )
    level: float = param(
        1.0,
        0.25,
        4,
        step=0.05,
        label="Noise level",
        help="Corrects the measured noise level: raise it where grain is left, lower it where texture is lost.",
        advanced=True,
        inference=True,
    )
    size: str = param(
        "fast",
        choices=SIZES,
        label="Network",
        help="Best tells texture from grain a little better and takes several times as long. Where only one of them "
        "is installed, that one is taken.",
        inference=True,
    )

    @classmethod
    def accepts(cls, meta: Metadata) -> bool:
        """Bayer, Quad-Bayer and X-Trans in any phase, where a weight file is there."""
        return _found(meta, SIZES[0]) is not None

    @classmethod
    def volunteers(cls, meta: Metadata) -> bool:
        """Pictures with plain grain, by what their file tells: elsewhere closed forms do, in a fraction of the time."""
        if not meta.noise:
            return meta.iso >= _FAST
        shot, read = mean_noise(meta.noise)
        return shot * _GREY + read > (_GRAINY * _GREY) ** 2

    def weights_digest(self) -> str:
        """Of the weights in this size."""
        return digest(tuple(dict.fromkeys(WEIGHTS.values())), self.size)

    def measure(self, probe: Probe) -> Reading:
        """`noise`: (a, b) for R, G, B, the file's or estimated; `blur`: its standard deviation in pixels, 0 unknown."""
        return survey(probe)

    def _noise(self, reading: Reading) -> list[tuple[float, float]]:
        return [(float(a) * self.level**2, float(b) * self.level**2) for a, b in reading.values["noise"]]

    def _radius(self, reading: Reading) -> float:
        return self.radius or min(2.0, max(LEAST, float(reading.values["blur"])))

    def infer(self, image: Image, reading: Reading) -> Parts:
        """`noise`: what is taken off; `sharp`: what deblurring adds; each (1, H, W)."""
        meta = image.meta
        found = _found(meta, self.size)
        if found is None:
            raise ValueError(f"there are no weights to restore {'/'.join(meta.cfa) or 'no pattern'}: choose another")
        shot, read = mean_noise(self._noise(reading))
        path, cfa, dy, dx = found
        net = network(path, image.pixels.device)
        where = edges(image.frame)
        clean, sharp = restore(net, image.pixels, shot, read, self._radius(reading), cfa, dy, dx, where)
        return {"noise": image.pixels - clean, "sharp": sharp - clean}

    def around(self, meta: Metadata) -> int:
        """As far as the network looks; on each of the four mosaics that a Quad-Bayer one is."""
        found = _found(meta, self.size)
        return network(found[0], torch.device("cpu")).halo * (2 if found[1] == "quad" else 1) if found else 0

    def halo(self, scale: float) -> int:
        """Local means are kept, low noise of colour is sought, and what is deblurred is blurred again."""
        if self == self.neutral():
            return 0
        return max(REACH + SETTLED * (self.deblur > 0), BLOTCHES * (self.chroma > 0))

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """(1, H, W) samples less the noise, plus the detail, each by its strength; local means stay as they are."""
        out = image.pixels
        if parts is None or self == self.neutral():
            return out
        cfa, noise = image.meta.cfa, parts["noise"].float()
        shot, read = mean_noise(self._noise(reading))
        clean = out - noise
        lost = points(out, clean, cfa, shot, read + 1e-9)
        clean += lost
        noise = noise - lost
        if self.denoise or self.chroma:
            noise = without_means(noise, clean, cfa, shot, read + 1e-9)
        if self.denoise != self.chroma:
            white = balance(image.meta)
            luma = luminance(noise, cfa, white)
            luma *= per_site(luma.new_tensor(white), cfa, image.height, image.width)
            out = luma.mul_(self.chroma - self.denoise).add_(out)
        if self.chroma:
            noise += blotches(clean, cfa, balance(image.meta), shot, read + 1e-9)
            out = out - noise.mul_(self.chroma)
        if self.deblur:
            sharp = without_means(parts["sharp"].float(), clean, cfa, shot, read + 1e-9)
            sharp += self._lacking(image, reading, clean, clean + sharp)
            out = out + sharp.mul_(self.deblur)
        return out

    def _lacking(self, image: Image, reading: Reading, clean: torch.Tensor, sharp: torch.Tensor) -> torch.Tensor:
        phase = find_phase(image.meta.cfa)
        if phase is None:
            return torch.zeros_like(sharp)
        shot, read = mean_noise(self._noise(reading))
        variance = shot * _GREY + read
        share = _SETTLE / (1 + variance / _NOISY)
        coloured = 0.5 * share / (1 + variance / _COLOURED)
        white = balance(image.meta)
        found = lacking(clean, sharp, self._radius(reading), *phase, sharp.new_tensor(white))
        # the rest as brightness alone: where the interpolation errs, it errs in colour
        luma = luminance(found, image.meta.cfa, white)
        luma *= per_site(luma.new_tensor(white), image.meta.cfa, image.height, image.width)
        return luma.mul_(share - coloured).add_(found, alpha=coloured)

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """The noise and blur that are left."""
        if self == self.neutral() or "noise" not in reading.values:
            return meta
        left = left_after(self.denoise, self.chroma)
        noise = tuple((a * left, b * left) for a, b in self._noise(reading))
        return replace(meta, noise=noise, blur=self._radius(reading) * (1 - self.deblur))

    def neutral(self) -> Restore:
        """Everything is left as it was measured."""
        return replace(self, denoise=0.0, chroma=0.0, deblur=0.0)
