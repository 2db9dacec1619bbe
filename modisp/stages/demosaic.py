"""Demosaicing by a network: a closed-form interpolation plus what `modisp.nets.demosaic` learnt that it gets wrong.

The samples are balanced by the as-shot white and companded on the way in, and both are undone on the way out; the
network is told the noise that the metadata tell of.  Bayer (any phase), X-Trans and Quad-Bayer mosaics, each where its
weights are at hand.
"""

from __future__ import annotations

from pathlib import Path

import torch

from modisp.image import Image, Metadata, State
from modisp.learned import QUICK, SIZES, TILE, digest, edges, mean_noise, network, weight_file
from modisp.nets.compand import knee_of, level_of, tells
from modisp.nets.demosaic import demosaic
from modisp.nets.mosaic import PATTERNS, find_phase
from modisp.operators.cfa import balance, is_rgb, per_site
from modisp.stage import Parts, Probe, Reading, Stage, param

LOOK = 48
"""Edge of the windows that tell how bright a picture is, where no noise tells what its values are."""


def _found(meta: Metadata, size: str) -> tuple[Path, int, int] | None:
    """(weights, rows, columns to the start of their pattern) for a picture; None where it cannot be served."""
    found = find_phase(meta.cfa) if is_rgb(meta.cfa) else None
    path = weight_file(f"demosaic-{found[0]}", size, meta) if found else None
    return (path, *found[1:]) if found and path else None


class Demosaic(
    Stage,
    slot="demosaic",
    reads=State.MOSAIC,
    writes=State.CAMERA,
    version=3,
    title="Demosaic (learned)",
    group="Raw",
    ready="rgb",
    tile=TILE,
):
    """Full colour at every pixel by a network: fine stripes and hair without zippers or false colours."""

    size: str = param(
        "fast",
        choices=(QUICK, *SIZES),
        label="Network",
        help="Quick is nearly as quick as a formula and much cleaner; Fast gets more out of fine detail in three times "
        "the time; Best a little more again, and takes several times as long. Where the one that is asked for is not "
        "installed, another is taken.",
        inference=True,
    )

    @classmethod
    def accepts(cls, meta: Metadata) -> bool:
        """Patterns that a weight file is there for."""
        return _found(meta, SIZES[0]) is not None

    @classmethod
    def volunteers(cls, meta: Metadata) -> bool:
        """Patterns that there is a quick network for: an untouched picture is not to be waited for."""
        found = _found(meta, QUICK)
        return found is not None and f"-{QUICK}" in found[0].name

    def weights_digest(self) -> str:
        """Of the weights for all patterns in this size."""
        return digest(tuple(f"demosaic-{cfa}" for cfa in PATTERNS), self.size)

    def around(self, meta: Metadata) -> int:
        """As far as the network looks."""
        found = _found(meta, self.size)
        return network(found[0], torch.device("cpu")).halo if found else 0

    def measure(self, probe: Probe) -> Reading:
        """`knee`: how the samples are companded, by their noise or else their level (`modisp.nets.compand.knee_of`)."""
        shot, read = mean_noise(probe.meta.noise)
        level = None
        if not tells(shot, read):
            white = balance(probe.meta)
            seen = [
                p.pixels / per_site(p.pixels.new_tensor(white), p.meta.cfa, p.height, p.width)
                for p in probe.patches(LOOK)
            ]
            level = level_of(torch.cat([x.flatten() for x in seen]))
        return Reading({"knee": knee_of(shot, read, level)})

    def infer(self, image: Image, reading: Reading) -> Parts:
        """`rgb`: (3, H, W) camera RGB."""
        meta = image.meta
        found = _found(meta, self.size)
        if found is None:
            raise ValueError(f"there are no weights to demosaic {'/'.join(meta.cfa) or 'no pattern'}: choose another")
        red, green, blue = balance(meta)
        gains = (1 / red, 1 / green, 1 / blue)
        path, dy, dx = found
        net, knee = network(path, image.pixels.device), float(reading.values["knee"])
        return {"rgb": demosaic(net, image.pixels, gains, mean_noise(meta.noise), knee, dy, dx, edges(image.frame))}
