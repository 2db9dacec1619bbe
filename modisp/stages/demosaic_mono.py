"""Monochrome sensors have no mosaic: their one channel becomes three equal ones."""

from __future__ import annotations

import torch

from modisp.image import Image, Metadata, State
from modisp.stage import Parts, Reading, Stage


class DemosaicMono(
    Stage,
    slot="demosaic",
    reads=State.MOSAIC,
    writes=State.CAMERA,
    title="Monochrome sensor",
    group="Raw",
):
    """A grey picture from a sensor without colour filters, every pixel as it was measured."""

    @classmethod
    def accepts(cls, meta: Metadata) -> bool:
        """Patterns of a single letter, whichever it is."""
        return bool(meta.cfa) and len(set("".join(meta.cfa))) == 1

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """(1, H, W) samples → (3, H, W), three equal channels."""
        if not self.accepts(image.meta):
            raise ValueError(f"demosaic_mono needs a sensor without colour filters, not {'/'.join(image.meta.cfa)}")
        return image.pixels.repeat(3, 1, 1)
