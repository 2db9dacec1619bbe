"""Demosaicing of Bayer mosaics by the mean of the nearest samples of each colour: the plainest there is."""

from __future__ import annotations

import torch

from modisp.image import Image, Metadata, State
from modisp.operators.cfa import is_bayer, phase_planes
from modisp.stage import Parts, Reading, Stage


class DemosaicBilinear(
    Stage,
    slot="demosaic",
    reads=State.MOSAIC,
    writes=State.CAMERA,
    title="Demosaic (bilinear)",
    group="Raw",
):
    """Full colour from a Bayer mosaic by plain averages: soft, with colour fringes at fine detail, never ringing."""

    @classmethod
    def accepts(cls, meta: Metadata) -> bool:
        """Bayer in any of its four phases."""
        return is_bayer(meta.cfa)

    def halo(self, scale: float) -> int:
        """The nearest samples of a colour are one pixel away."""
        return 1

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """(1, H, W) samples → (3, H, W) camera RGB."""
        cfa = image.meta.cfa
        if not is_bayer(cfa):
            raise ValueError(f"demosaic_bilinear needs a Bayer pattern, not {'/'.join(cfa) or 'none'}: choose another")
        kinds = ["RGB".index(c) for row in cfa for c in row]
        planes = phase_planes(image.pixels, 1)
        h, w = planes.shape[1] - 2, planes.shape[2] - 2
        out = torch.empty(3, image.height, image.width, device=image.pixels.device)
        for site in range(4):
            a, b = divmod(site, 2)
            samples = image.pixels[0, a::2, b::2]
            rows, columns = samples.shape
            if not samples.numel():
                continue
            across, along = planes[2 * a + 1 - b], planes[2 * (1 - a) + b]
            left_right = across[1 : 1 + h, b : b + w] + across[1 : 1 + h, b + 1 : b + 1 + w]
            up_down = along[a : a + h, 1 : 1 + w] + along[a + 1 : a + 1 + h, 1 : 1 + w]
            out[kinds[site], a::2, b::2] = samples
            if kinds[site] == 1:
                found = [(kinds[2 * a + 1 - b], left_right, 0.5), (kinds[2 * (1 - a) + b], up_down, 0.5)]
            else:
                corner = planes[2 * (1 - a) + 1 - b]
                pairs = corner[a : a + h, b : b + w + 1] + corner[a + 1 : a + 1 + h, b : b + w + 1]
                corners = pairs[:, :w] + pairs[:, 1:]
                found = [(1, left_right.add_(up_down), 0.25), (kinds[2 * (1 - a) + 1 - b], corners, 0.25)]
            for colour, total, weight in found:
                torch.mul(total[:rows, :columns], weight, out=out[colour, a::2, b::2])
        return out
