"""Tone: from the light of the scene to the light of the display, on one curve through middle grey."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch

from modisp.color import transfer
from modisp.image import Image, State
from modisp.operators import tonecurve as tc
from modisp.operators.tonecurve import Array
from modisp.stage import Parts, Probe, Reading, Stage, checkpoint, param

PRIOR = 0.5
"""EV that lifts a scene exposed by ISO 12232 (saturation at 100/12.7 of the mean) to middle grey."""
METER = (0.8, 0.35, 0.35, 0.3)
"""The wanted lift in EV is the first, less these shares of three levels in EV from middle grey: the trimmed mean, the
mean light, the 98th percentile.  Fitted to finished photographs led back to scene light.  The shares sum to 1, so that
twice the light asks for half the exposure."""
TRUST = 0.7  # how far the measured exposure goes from PRIOR towards what it finds
LIFT, PULL, ENDS, BLACK = 1.25, 0.9, 0.8, 0.08  # of the four regional sliders at ±1: EV, EV, EV, lightness
FLATTEST = 0.2  # the least slope, in EV per EV, that the regional sliders leave: beyond, they give way to each other


class Tone(Stage, slot="tone", reads=State.SCENE, writes=State.DISPLAY, title="Tone", group="Light"):
    """A filmic curve of luminance with colour led along (see `modisp.operators.tonecurve`); all sliders bend that one curve.

    The automatic part places middle grey and white from a metering of the whole picture.
    """

    auto: bool = param(
        True,
        label="Auto levels",
        help="Measures the picture and places middle grey and white; off, the camera's exposure is taken as it is.",
    )
    contrast: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Spreads tones apart around the pivot (above 0) or draws them together."
    )
    highlights: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Brightens or recovers bright parts such as skies; shadows stay as they are."
    )
    shadows: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Opens or deepens dark parts of the picture; highlights stay as they are."
    )
    whites: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Moves the brightest tones: up to pure white, or down from it."
    )
    blacks: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Moves the darkest tones: down into pure black, or up to a faded, matte black."
    )
    pivot: float = param(
        0.0,
        -3.0,
        3.0,
        step=0.1,
        unit="EV",
        help="The tone that contrast leaves alone, counted from middle grey.",
        advanced=True,
    )
    toe: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Softer (above 0) or harder fall of the shadows into black.", advanced=True
    )
    shoulder: float = param(
        0.0, -1.0, 1.0, step=0.01, help="Softer (above 0) or harder rise of the highlights into white.", advanced=True
    )
    curve: tuple[tuple[float, float], ...] = param(
        ((0.0, 0.0), (1.0, 1.0)),
        kind="curve",
        label="Base curve",
        help="A free curve from the brightness that the sliders above give to the one you want; colour follows.  Styles use it;"
        " by hand, Curve has more to offer.",
        advanced=True,
    )

    def measure(self, probe: Probe) -> Reading:
        """See `meter`."""
        if probe.meta.space:  # made from a finished picture: its brightness was somebody's decision
            return Reading({"ev": 0.0})
        thumb = probe.thumb(256)
        y = tc.luma(thumb.pixels.reshape(3, -1)).double().cpu().numpy().reshape(thumb.frame.size)
        # readings pass over the exposure stage; the thumb's metadata tell whether BaselineExposure is still to come
        return Reading(meter(y, min(thumb.meta.clip), thumb.meta.baseline_exposure))

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """One table of luminance, then colour around it, strip by strip."""
        levels = {"ev": 0.0 if image.meta.space else PRIOR, "white": tc.WHITE, "shadows": 0.0}
        if self.auto:
            levels |= {k: float(v) for k, v in reading.values.items()}
        table = _table(self, levels["ev"], levels["white"], levels["shadows"]).to(image.pixels.device)
        flat = image.pixels.reshape(3, -1)
        out = torch.empty_like(flat)
        for i in range(0, flat.shape[1], tc.STRIP):
            checkpoint()
            rgb = flat[:, i : i + tc.STRIP]
            scene = tc.luma(rgb)
            y, gain = table(scene)
            y.clamp_(0.0, 1.0)
            colour = torch.sub(rgb, scene, out=out[:, i : i + tc.STRIP]).mul_(gain)
            tc.compress(colour, y).add_(y).clamp_(0.0, 1.0)
        return out.view_as(image.pixels)

    def bend(self, stops: Array, white: float, lift: float = 0.0) -> Array:
        """Display luminance for scene luminance in EV from middle grey; `lift` is added to the slider `shadows`."""
        x = stops
        if self.contrast:  # white moves along, so that the shoulder stays as long as it was
            k = 2.0 ** (0.6 * self.contrast)
            x, white = (x - self.pivot) * k + self.pivot, max((white - self.pivot) * k + self.pivot, tc.NEAREST)
        if self.toe:
            x = x + 0.4 * self.toe * tc.hinge(-1.0 - x)
        if self.shoulder:
            x = x - 0.4 * self.shoulder * tc.hinge(x - 0.5)
        if self.highlights or self.shadows + lift or self.whites:
            x = self._regions(x, white, self.shadows + lift)
        y = tc.display(x, white)
        if self.blacks:
            light = tc.lightness(y)
            y = tc.luminance(
                np.clip(light + BLACK * self.blacks * np.clip(1.0 - light / 0.45, 0.0, 1.0) ** 3, 0.0, 1.0)
            )
        if self.curve != ((0.0, 0.0), (1.0, 1.0)):
            encoded = transfer.encode("srgb", torch.from_numpy(y)).numpy()
            drawn = torch.from_numpy(np.clip(tc.monotone_cubic(self.curve, encoded), 0.0, 1.0))
            y = transfer.decode("srgb", drawn).numpy()
        return y

    def _regions(self, x: Array, white: float, shadows: float) -> Array:
        """Scene EV `x` moved where masks of its lightness say, never turning an order of tones round."""
        light = tc.lightness(tc.display(x, white))
        # highlights move most below white, so that white stays light; what lies beyond it is within reach again
        bright = tc.ramp(light, 0.42, 0.9) - 0.5 * tc.ramp(light, 0.88, 1.0) * (1.0 - tc.ramp(x - white, 0.0, 2.0))
        moved = (
            x
            + LIFT * shadows * (1.0 - tc.ramp(light, 0.1, 0.7))
            + PULL * self.highlights * bright
            + ENDS * self.whites * tc.ramp(light, 0.65, 1.0)
        )
        step = np.diff(x)
        slope = np.diff(moved) / np.where(step > 0, step, 1.0)
        if slope.min() >= FLATTEST:
            return moved
        # too flat: slopes below FLATTEST ease towards 0 instead, and the curve is rebuilt outwards from middle grey
        slope = np.where(slope < FLATTEST, FLATTEST * np.exp(np.minimum(slope / FLATTEST - 1.0, 0.0)), slope)
        rebuilt = np.concatenate([[0.0], np.cumsum(slope * step)])
        return np.asarray(rebuilt + np.interp(0.0, x, moved) - np.interp(0.0, x, rebuilt))


@lru_cache(maxsize=16)
def _table(stage: Tone, ev: float, white: float, lift: float) -> tc.Table:
    """Display luminance and the factor on colour differences, both of scene luminance."""
    scene = tc.nodes()
    stops = np.log2(np.maximum(scene, 2.0**-60) / tc.GREY) + ev
    y = stage.bend(stops, white, lift)
    ratio = y[1:] / scene[1:]
    # black lifted by hand is grey light on top: it does not magnify what colour there is in the dark
    ratio = np.minimum(np.concatenate([ratio[:1], ratio]), 6.0 * 2.0**ev)
    return tc.Table.of(y, ratio * tc.chroma(y))


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
