"""Exposure: brighter or darker by a number of stops, as if the shutter had been open longer or shorter."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import torch

from modisp.image import Image, Metadata, State
from modisp.parameter import CLIPPING
from modisp.stage import Parts, Reading, Stage, param


class Exposure(
    Stage,
    slot="exposure",
    reads=State.SCENE,
    writes=State.SCENE,
    seen_by_measure=False,
    title="Exposure",
    group="Light",
):
    """SCENE times 2^EV: the user's EV and the camera maker's BaselineExposure (DNG 1.7, tag 50730)."""

    ev: float = param(
        0.0,
        -5.0,
        5.0,
        step=0.05,
        unit="EV",
        label="Exposure",
        help="Brightens or darkens the whole picture by stops; automatic brightness does not undo it.",
        mask=CLIPPING,
    )
    baseline: bool = param(
        True,
        label="Camera baseline",
        help="Applies the brightness step that the camera maker wrote into the file, so that pictures of"
        " different cameras start out equally bright.",
        advanced=True,
    )

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """The pixels times one factor; the very same pixels where the factor is 1."""
        stops = self._stops(image.meta)
        return image.pixels * 2.0**stops if stops else image.pixels

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """The clip level follows; the BaselineExposure that has been applied is not there any more."""
        r, g, b = (c * 2.0 ** self._stops(meta) for c in meta.clip)
        return replace(meta, clip=(r, g, b), baseline_exposure=0.0 if self.baseline else meta.baseline_exposure)

    def _stops(self, meta: Metadata) -> float:
        return self.ev + (meta.baseline_exposure if self.baseline else 0.0)

    def neutral(self) -> Self:
        """No step at all, not even the camera's."""
        return type(self)(ev=0.0, baseline=False)
