"""Tone: from the light of the scene to the light of the display, on one curve through middle grey."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from modisp.image import Image, State
from modisp.operators import tonecurve as tc
from modisp.operators.tonecurve import Array
from modisp.operators.tonelook import USUAL, Added, OwnFinish
from modisp.operators.toneoffsets import Offsets, facts_of, lamp_of
from modisp.operators.tonesliders import ToneSliders, paint
from modisp.operators.toneview import SIDE
from modisp.resample import resize
from modisp.stage import Parts, Probe, Reading, Stage, param

PRIOR = 0.5
"""EV that lifts a scene exposed by ISO 12232 (saturation at 100/12.7 of the mean) to middle grey."""
METER = (0.8, 0.35, 0.35, 0.3)
"""The wanted lift in EV is the first, less these shares of three levels in EV from middle grey: the trimmed mean, the
mean light, the 98th percentile.  Fitted to finished photographs led back to scene light.  The shares sum to 1, so that
twice the light asks for half the exposure."""
TRUST = 0.7  # how far the measured exposure goes from PRIOR towards what it finds


def _share(label: str, words: str) -> Any:
    return param(1.0, 0.0, 1.0, step=0.01, unit="%", label=label, help=words, advanced=True)


def _offsets(words: str) -> Any:
    return param((), kind="offsets", help=words, advanced=True)


class Tone(
    ToneSliders,
    Stage,
    slot="tone",
    reads=State.SCENE,
    writes=State.DISPLAY,
    title="Tone (filmic)",
    group="Light",
    version=2,
):
    """A filmic curve of luminance with colour led along (see `modisp.operators.tonecurve`); all sliders bend that one curve.

    The automatic part places middle grey and white from a metering of the whole picture.
    """

    seen: float = _share(
        "Filmic curve",
        "How much of the measured finish there is beside one that a style brings whole; styles set it.",
    )
    gain_offsets: tuple[float, ...] = _offsets("What styles add to the exposure.")
    curve_offsets: tuple[float, ...] = _offsets("What styles add to the curve.")
    colour_offsets: tuple[float, ...] = _offsets("What styles add to colours, on hues, lightnesses and saturations.")
    tint_offsets: tuple[float, ...] = _offsets("How styles tint dark and bright tones.")
    colour_lamp_offsets: tuple[float, ...] = _offsets(
        "What styles add to colours by lamplight, the more the warmer it was."
    )

    def measure(self, probe: Probe) -> Reading:
        """See `meter`."""
        if probe.meta.space:  # made from a finished picture: its brightness was somebody's decision
            return Reading({"ev": 0.0})
        thumb = probe.thumb(256)
        y = tc.luma(thumb.pixels.reshape(3, -1)).double().cpu().numpy().reshape(thumb.frame.size)
        # readings pass over the exposure stage; the thumb's metadata tell whether BaselineExposure is still to come
        coming = thumb.meta.baseline_exposure
        whole = (0.0, 0.0, float(thumb.width), float(thumb.height))
        square = resize(torch.nan_to_num(thumb.pixels, 0.0, 2.0**14, 0.0).cpu(), whole, (SIDE, SIDE)).clamp(
            0.0, 2.0**14
        )
        known = facts_of(tc.luma(square.reshape(3, -1)) * 2.0**coming).tolist()
        return Reading({**meter(y, min(thumb.meta.clip), coming), "facts": [round(v, 4) for v in known]})

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """One table of luminance, then colour around it, strip by strip; blended with what a style brings of its own."""
        own = 1.0 - self.seen
        levels = {"ev": 0.0 if image.meta.space else PRIOR, "white": tc.WHITE, "shadows": 0.0}
        if self.auto:
            levels |= {k: float(v) for k, v in reading.values.items() if k != "facts"}
        if own and image.meta.space:  # finished before: what a style changes about a plain finish is added to it
            return _added(self).on(image.pixels, paint(_table(self, 0.0, tc.WHITE, 0.0), image.pixels, True))
        lamp = lamp_of(image.meta.light) if self.colour_lamp_offsets else 0.0
        finish = _own(self, own, tuple(reading.values.get("facts", USUAL)), lamp) if own else None
        if finish and own == 1.0:
            return finish.paint(image.pixels)
        table = _table(self, levels["ev"], levels["white"], levels["shadows"])
        out = paint(table, image.pixels, bool(image.meta.space))
        return out.lerp_(finish.paint(image.pixels), own) if finish else out


def _offsets_of(stage: Tone, share: float) -> Offsets:
    """What styles add, at full strength: as they are laid on, offsets hold the share that their finish has in the picture."""
    rows = {"gain": stage.gain_offsets, "curve": stage.curve_offsets}
    rows |= {"chroma": stage.colour_offsets, "tint": stage.tint_offsets, "lamp": stage.colour_lamp_offsets}
    return Offsets.load({k: [v / share for v in row] for k, row in rows.items()})


@lru_cache(maxsize=8)
def _own(stage: Tone, share: float, known: tuple[float, ...], lamp: float) -> OwnFinish:
    return OwnFinish(stage, _offsets_of(stage, share), known, PRIOR, lamp)


@lru_cache(maxsize=8)
def _added(stage: Tone) -> Added:
    return Added(stage, _offsets_of(stage, 1.0), 1.0 - stage.seen)


@lru_cache(maxsize=16)
def _table(stage: Tone, ev: float, white: float, lift: float) -> tc.Table:
    return stage.table(ev, white, lift)


def meter(y: Array, clip: float = 1.0, coming: float = 0.0) -> dict[str, float]:
    """What scene luminance (H, W), sound up to `clip`, asks for once `coming` EV have been added to it.

    `ev`: the lift to middle grey; `white`: the EV above it where display white lies; `shadows`: how far, on the scale
    of the slider, to open the dark quarter of a picture whose range is wide (against the light, by night).
    """
    stops = np.log2(np.clip(np.nan_to_num(y), 2.0**-14, 2.0**14) / tc.GREY) + coming
    rows, columns = (np.linspace(-1.0, 1.0, n) if n > 1 else np.zeros(1) for n in y.shape)
    weight = 1.0 - 0.35 * (rows[:, None] ** 2 + columns**2)
    order = np.argsort(np.uint16((stops + 64.0) * 512.0), axis=None, kind="stable")  # 16 bits: five times as quick
    s, w = stops.ravel()[order], weight.ravel()[order]
    share = (np.cumsum(w) - 0.5 * w) / w.sum()
    low, dark, high, bright, top = (float(np.interp(q, share, s)) for q in (0.05, 0.25, 0.95, 0.98, 0.998))
    mean = float(np.average(np.clip(s, low, high), weights=w))
    light = float(np.log2(np.average(np.exp2(np.minimum(s, bright)), weights=w)))
    found = METER[0] - (METER[1] * mean + METER[2] * light + METER[3] * bright)
    ev = min(3.5, max(-2.0, PRIOR + TRUST * (found - PRIOR)))
    full = math.log2(max(clip, 1e-3) / tc.GREY) + coming
    if top >= full - 0.05:  # what saturated the sensor is white, however bright the rest
        ev = max(ev, 2.1 - top)
    white = min(5.0, max(2.1, ev + max(top, min(top + 0.3, full))))
    lift = min(0.5, max(0.0, 0.3 * (-2.2 - dark - ev)))
    return {"ev": ev, "white": white, "shadows": lift}
