"""Colour correction: from white-balanced camera RGB to linear Rec.2020."""

from __future__ import annotations

from dataclasses import replace

import torch

from modisp.color import spaces
from modisp.color.camera import XY, Camera
from modisp.image import Image, Metadata, State
from modisp.stage import Parts, Reading, Stage


class ColorCorrect(
    Stage,
    slot="color_correct",
    reads=State.BALANCED,
    writes=State.SCENE,
    title="Colour correction (matrix)",
    group="White balance",
):
    """Turns the camera's colours into real ones with the matrices that its maker measured, for the light of the picture.

    The matrices are interpolated for the light that white balance chose; grey stays grey exactly.  Monochrome pictures
    pass unchanged.
    """

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """The pixels times one 3×3 matrix."""
        return spaces.apply(_matrix(image.meta), image.pixels)

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """Noise follows the matrix (at grey); whites are sound up to the level at which the first channel clips."""
        first = min(meta.clip)
        return replace(meta, clip=(first, first, first), noise=spaces.noise_after(_matrix(meta), meta.noise))


def _matrix(meta: Metadata) -> torch.Tensor:
    """BALANCED → Rec.2020, (3, 3)."""
    camera = Camera.of(meta)
    return camera.to_rec2020(meta.light or _as_shot(meta, camera))


def _as_shot(meta: Metadata, camera: Camera) -> XY:
    return camera.xy(meta.white) if min(meta.white) > 0 else spaces.D65
