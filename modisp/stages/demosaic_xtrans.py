"""Demosaicing of X-Trans mosaics (6×6 pattern) by edge-steered kriging."""

from __future__ import annotations

from modisp.image import Image, Metadata, State
from modisp.operators.cfa import balance, is_rgb, period
from modisp.operators.kriging import interpolate
from modisp.stage import Parts, Reading, Stage

RADIUS = 3


class DemosaicXtrans(
    Stage,
    slot="demosaic",
    reads=State.MOSAIC,
    writes=State.CAMERA,
    title="Demosaic (X-Trans)",
    group="Raw",
    ready="rgb",
    infer_halo=24,
):
    """Full colour from an X-Trans mosaic, in any phase: every colour from all samples round it, along edges."""

    @classmethod
    def accepts(cls, meta: Metadata) -> bool:
        """Any 6×6 pattern of red, green and blue."""
        return is_rgb(meta.cfa) and period(meta.cfa) == (6, 6)

    def infer(self, image: Image, reading: Reading) -> Parts:
        """`rgb`: (3, H, W) camera RGB."""
        if not self.accepts(image.meta):
            raise ValueError(
                f"demosaic_xtrans needs a 6×6 pattern, not {'/'.join(image.meta.cfa) or 'none'}: choose another"
            )
        return {"rgb": interpolate(image.pixels, image.meta.cfa, RADIUS, balance(image.meta))}
