"""Invert output: a finished picture (JPEG, PNG, TIFF …) back to scene light, so that every later tool works on it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from modisp.color import spaces
from modisp.image import Image, Metadata, State
from modisp.native import kernel, planes, unit
from modisp.operators import tonecurve as tc
from modisp.stage import Parts, Reading, Stage


class InvertOutput(Stage, slot="input", reads=State.ENCODED, writes=State.SCENE, title="Invert output", group="Output"):
    """ENCODED to SCENE through the inverse of the default tone curve.

    `meta.space` names the space of the pixels ("" is taken for srgb); it stays in the metadata, which tells automatic
    measurements that the picture's brightness was decided before.
    """

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """Decoded, in Rec.2020, then up the tone curve; white comes out `tonecurve.WHITE` stops above middle grey."""
        space = _space(image.meta)
        decode = tc.transfer_tables(space)[1]
        (linear,) = decode(image.pixels.clamp(0.0, 1.0).flatten().cpu())
        out = spaces.apply(spaces.between(space, "rec2020"), linear.view(image.pixels.shape)).clamp_(0.0, 1.0)
        table = _table()
        _raise(*planes(out), table.start.numpy(), table.slope.numpy())
        return out.to(image.pixels.device)

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """The metadata without the profile, which the pixels no longer follow."""
        return replace(meta, space=_space(meta), icc=b"")


def _space(meta: Metadata) -> str:
    return meta.space if meta.space in spaces.PRIMARIES else "srgb"


@lru_cache(maxsize=1)
def _table() -> tc.Table:
    """Scene luminance and the factor on colour differences, both of display luminance."""
    stops = np.linspace(-22.0, tc.WHITE, 1 << 15)
    display = tc.display(stops)
    y = np.minimum(tc.nodes(), 1.0)
    scene = np.interp(y, display, tc.GREY * np.exp2(stops))
    scene[0] = 0.0
    ratio = np.concatenate([scene[1:2] / y[1:2], scene[1:] / y[1:]])
    return tc.Table.of(scene, ratio / tc.chroma(y))


@kernel
def _raise(r: Any, g: Any, b: Any, start: Any, slope: Any) -> None:
    """Display light up the curve, in place."""
    for i in range(r.size):
        y = tc.light(r[i], g[i], b[i])
        p = tc.piece(y)
        scene, gain = slope[0, p] * y + start[0, p], slope[1, p] * y + start[1, p]
        y = unit(y)
        cr, cg, cb = tc.expand(r[i] - y, g[i] - y, b[i] - y, y)
        r[i], g[i], b[i] = cr * gain + scene, cg * gain + scene, cb * gain + scene
