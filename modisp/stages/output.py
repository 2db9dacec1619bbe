"""Output: display light into the values of an output space."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import torch

from modisp.color import gamut, spaces, transfer
from modisp.image import Image, Metadata, State
from modisp.stage import Parts, Reading, Stage, param

_BLOCK = 1 << 18  # pixels worked on at once, so that intermediates stay in the processor's cache
_NOISE = 256  # period of the dither, in pixels
_LSB = 1.0 / 255.0


class Output(
    Stage,
    slot="output",
    reads=State.DISPLAY,
    writes=State.ENCODED,
    title="Output",
    group="Output",
):
    """Leads colours that the output space cannot show into its gamut, encodes them and dithers what 8 bits would band."""

    space: str = param(
        "srgb",
        choices=tuple(spaces.PRIMARIES),
        help="The colour space of the finished picture. sRGB is safe everywhere; Display P3, Adobe RGB and Rec.2020 hold more "
        "saturated colours, for screens and printers that can show them.",
    )
    gamut: str = param(
        "soft",
        choices=("soft", "clip"),
        advanced=True,
        help="What happens to colours too saturated for the output space. 'Soft' leads them in and keeps their hue, lightness "
        "and gradations; 'clip' cuts each channel, which keeps more saturation but may shift hues and lose detail.",
    )
    dither: str = param(
        "8 bit",
        choices=("off", "8 bit"),
        advanced=True,
        help="Adds noise too fine to be seen, so that smooth skies do not band in files of 8 bits. For 16 bits, turn it off.",
    )

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """The pixels in the output space, in [0, 1]."""
        pixels = image.pixels
        rows = max(1, _BLOCK // image.width)
        if rows >= image.height:
            return self._block(pixels, image.frame.origin)
        out = torch.empty_like(pixels, memory_format=torch.contiguous_format)
        top, left = image.frame.origin
        for i in range(0, image.height, rows):
            out[:, i : i + rows] = self._block(pixels[:, i : i + rows], (top + i, left))
        return out

    def _block(self, block: torch.Tensor, origin: tuple[int, int]) -> torch.Tensor:
        """A few rows (3, H, W), the first pixel at `origin`."""
        if self.space != "rec2020":
            flat = spaces.apply(spaces.between("rec2020", self.space), block).view(3, -1)
            block = (gamut.fit(flat, self.space) if self.gamut == "soft" else flat).view_as(block)
        encoded = transfer.encode_display(self.space, block)
        if self.dither == "8 bit":
            row, column = (v % _NOISE for v in origin)
            _dither(encoded, _columns(column, block.shape[2], block.device), row)
        return encoded

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """Names the space; a profile of the source's holds no longer."""
        return replace(meta, space=self.space, icc=b"", clip=(1.0, 1.0, 1.0), noise=())


@lru_cache(maxsize=4)
def _tile(device: torch.device) -> torch.Tensor:
    """One period of triangular noise of ±1, (1, 256, 256), without low frequencies along the rows.

    The same for all channels, so that grey pictures stay grey.

    The difference of two neighbours of uniform noise is triangular and high-pass (Wannamaker 1992).
    """
    uniform = torch.rand(1, _NOISE, _NOISE, generator=torch.Generator().manual_seed(20))
    return (uniform - uniform.roll(1, 2)).to(device)


@lru_cache(maxsize=32)
def _columns(start: int, width: int, device: torch.device) -> torch.Tensor:
    """The noise of `width` columns from column `start` of the picture on, (1, 256, width)."""
    return _tile(device).repeat(1, 1, -(-(start + width) // _NOISE))[:, :, start : start + width].contiguous()


def _dither(encoded: torch.Tensor, noise: torch.Tensor, top: int) -> None:
    """Add the noise from row `top` on, ±1/255, in place; it fades within the last step before 0 and 1, which stay as they are."""
    done = 0
    while done < encoded.shape[1]:
        start = (top + done) % _NOISE
        part = encoded[:, done : done + _NOISE - start]
        room = torch.addcmul(part, part, part, value=-1.0).clamp_max_(_LSB)
        part.addcmul_(room, noise[:, start : start + part.shape[1]])
        done += part.shape[1]
