"""Demosaicing of Quad-Bayer and hexadeca mosaics (2×2 or 4×4 pixels of a colour), and of other repeating patterns."""

from __future__ import annotations

from modisp.image import LATTICE, Image, Metadata, State
from modisp.operators.cfa import balance, is_bayer, is_rgb, period
from modisp.operators.kriging import interpolate
from modisp.stage import Parts, Reading, Stage


class DemosaicQuad(
    Stage,
    slot="demosaic",
    reads=State.MOSAIC,
    writes=State.CAMERA,
    title="Demosaic (Quad-Bayer)",
    group="Raw",
    ready="rgb",
    infer_halo=24,
):
    """Full colour at every pixel from blocks of equal filters, by the best linear estimate, along edges."""

    @classmethod
    def accepts(cls, meta: Metadata) -> bool:
        """Red, green and blue in any pattern whose period divides 24, up to 8 pixels, but Bayer and 6×6."""
        if not is_rgb(meta.cfa) or is_bayer(meta.cfa) or period(meta.cfa) == (6, 6):
            return False
        return all(p <= 8 and LATTICE % p == 0 for p in period(meta.cfa))

    def infer(self, image: Image, reading: Reading) -> Parts:
        """`rgb`: (3, H, W) camera RGB."""
        cfa = image.meta.cfa
        if not self.accepts(image.meta):
            raise ValueError(f"demosaic_quad cannot serve the pattern {'/'.join(cfa) or 'none'}: choose another")
        radius = 5 if max(period(cfa)) > 4 else 4
        return {"rgb": interpolate(image.pixels, cfa, radius, balance(image.meta))}
