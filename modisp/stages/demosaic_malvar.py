"""Linear demosaicing of Bayer mosaics by 5×5 gradient-corrected filters.

H. S. Malvar, L. He, R. Cutler: High-quality linear interpolation for demosaicing of Bayer-patterned color images,
ICASSP 2004.  The filters are applied to samples divided by the as-shot white, where their premise (all colours have the
same gradients) holds for grey things, and as shifted sums on the four phase planes, so that any tiling gives the same
bits.
"""

from __future__ import annotations

import torch

from modisp.image import Image, Metadata, State
from modisp.operators.cfa import balance, is_bayer, phase_planes
from modisp.stage import Parts, Reading, Stage


class DemosaicMalvar(
    Stage,
    slot="demosaic",
    reads=State.MOSAIC,
    writes=State.CAMERA,
    title="Demosaic (Malvar)",
    group="Raw",
):
    """Full colour from a Bayer mosaic: quick, sharp, exact on flat and grey areas."""

    @classmethod
    def accepts(cls, meta: Metadata) -> bool:
        """Bayer in any of its four phases."""
        return is_bayer(meta.cfa)

    def halo(self, scale: float) -> int:
        """The filters reach two pixels."""
        return 2

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """(1, H, W) samples → (3, H, W) camera RGB."""
        cfa = image.meta.cfa
        if not is_bayer(cfa):
            raise ValueError(f"demosaic_malvar needs a Bayer pattern, not {'/'.join(cfa) or 'none'}: choose another")
        white = balance(image.meta)
        kinds = ["RGB".index(c) for row in cfa for c in row]
        planes = phase_planes(image.pixels, 1, tuple(1.0 / white[k] for k in kinds))
        out = torch.empty(3, image.height, image.width, device=image.pixels.device)
        for site in range(4):
            a, b = divmod(site, 2)
            samples = image.pixels[0, a::2, b::2]
            rows, columns = samples.shape
            if not samples.numel():
                continue
            out[kinds[site], a::2, b::2] = samples
            for colour, plane in _estimate(planes, kinds, a, b):
                torch.mul(plane[:rows, :columns], white[colour], out=out[colour, a::2, b::2])
        return out


def _estimate(planes: torch.Tensor, kinds: list[int], a: int, b: int) -> list[tuple[int, torch.Tensor]]:
    """(colour, values) of the two colours missing at the sites (a, b).

    Every weight is a power of two or is multiplied in by itself, so that a fused multiply-add rounds like two steps.
    """
    here, across = planes[2 * a + b], planes[2 * a + 1 - b]
    along, corner = planes[2 * (1 - a) + b], planes[2 * (1 - a) + 1 - b]
    h, w = here.shape[0] - 2, here.shape[1] - 2
    centre = here[1 : 1 + h, 1 : 1 + w]
    left_right = across[1 : 1 + h, b : b + w] + across[1 : 1 + h, b + 1 : b + 1 + w]
    up_down = along[a : a + h, 1 : 1 + w] + along[a + 1 : a + 1 + h, 1 : 1 + w]
    pairs = corner[a : a + h, b : b + w + 1] + corner[a + 1 : a + 1 + h, b : b + w + 1]
    corners = pairs[:, :w] + pairs[:, 1:]
    far_row = here[1 : 1 + h, :w] + here[1 : 1 + h, 2:]
    far_column = here[:h, 1 : 1 + w] + here[2:, 1 : 1 + w]
    if kinds[2 * a + b] == 1:
        base = (centre * 0.625).add_(corners, alpha=-0.125)
        by_row = torch.add(base, left_right, alpha=0.5).add_(far_row, alpha=-0.125).add_(far_column, alpha=0.0625)
        by_column = base.add_(up_down, alpha=0.5).add_(far_column, alpha=-0.125).add_(far_row, alpha=0.0625)
        return [(kinds[2 * a + 1 - b], by_row), (kinds[2 * (1 - a) + b], by_column)]
    bend = far_row.add_(far_column).mul_(-0.25).add_(centre)
    green = left_right.add_(up_down).mul_(0.25).add_(bend, alpha=0.5)
    other = bend.mul_(0.75).add_(corners, alpha=0.25)
    return [(1, green), (kinds[2 * (1 - a) + 1 - b], other)]
