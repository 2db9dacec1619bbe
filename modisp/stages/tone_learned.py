"""Tone, learned: a network looks at the whole picture once and says how light is to be led to the display, place by place."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
import torch

from modisp import weights
from modisp.image import Frame, Image, Metadata, State
from modisp.learned import network
from modisp.operators import tonebake, tonemap, tonepaint
from modisp.operators import tonecurve as tc
from modisp.operators.tonelook import STEEPEST, Added, SameBytes, baked_colours, near_white
from modisp.operators.tonemap import ToneParams
from modisp.operators.toneoffsets import Offsets, facts, lamp_of
from modisp.operators.tonesliders import ToneSliders, paint
from modisp.operators.toneview import SIDE, params_of, see
from modisp.stage import Parts, Probe, Reading, Stage, param

WEIGHTS = "tone-natural"
PRIOR = 0.5  # EV, where nothing is measured: as in the closed form
MOST = 5.0
"""EV: a sensor's picture that asks for more is of the dark, or of a lens cap, and stays dark."""
_WHITE = 0.985  # lightness of what saturated the sensor
_UNIT = {"grid": 2.0**-11, "chroma": 2.0**-12}  # of one step of the numbers that readings keep as 16 bits
_TURN = Lock()
"""Strips are painted side by side: the first makes the tables, and the others wait for them instead of making them, too."""


def _strength(label: str, words: str) -> Any:
    return param(1.0, 0.0, 1.0, step=0.01, unit="%", label=label, help=words)


def _offsets(words: str) -> Any:
    return param((), kind="offsets", help=words, advanced=True)


class ToneLearned(
    ToneSliders,
    Stage,
    slot="tone",
    reads=State.SCENE,
    writes=State.DISPLAY,
    version=3,
    title="Tone (learned)",
    group="Light",
):
    """Exposure, curve, local light and colour, predicted for the picture; each has its strength, sliders act round them.

    Works by closed-form operators (`modisp.operators.tonemap`) whose numbers are the reading.  Styles add offsets to them.
    """

    gain_strength: float = _strength(
        "Auto exposure",
        "How far the picture's brightness is set by what was seen; at 0 the camera's exposure is taken.",
    )
    curve_strength: float = _strength(
        "Auto curve", "How far the curve from scene to display follows the picture; at 0 it is the plain one."
    )
    local_strength: float = _strength(
        "Local light", "Opens dark places and holds bright ones back, each as a place; at 0 light is flat but right."
    )
    colour_strength: float = _strength(
        "Auto colour", "How far colours are shaped by lightness and hue; at 0 they are carried over as they are."
    )
    seen: float = param(  # type: ignore[misc]  # the sliders come with defaults
        1.0,
        0.0,
        1.0,
        step=0.01,
        unit="%",
        label="What was seen",
        help="How much of the exposure, curve and colours that the network saw fit lies below what a style adds; a style"
        " that brings its own has none.",
        advanced=True,
    )
    gain_offsets: tuple[float, ...] = _offsets("What styles add to the automatic exposure.")
    curve_offsets: tuple[float, ...] = _offsets("What styles add to the curve.")
    local_offsets: tuple[float, ...] = _offsets("What styles add to local light.")
    colour_offsets: tuple[float, ...] = _offsets("What styles add to colours, on hues, lightnesses and saturations.")
    tint_offsets: tuple[float, ...] = _offsets("How styles tint dark and bright tones.")
    colour_lamp_offsets: tuple[float, ...] = _offsets(
        "What styles add to colours by lamplight, the more the warmer it was."
    )

    @classmethod
    def accepts(cls, meta: Metadata) -> bool:
        """Any picture, where the weights are there."""
        try:
            return bool(weights.find(WEIGHTS))
        except weights.WeightsMissing:
            return False

    def weights_digest(self) -> str:
        """Of the base network."""
        return weights.digest(WEIGHTS) if self.accepts(Metadata()) else ""

    def measure(self, probe: Probe) -> Reading:
        """The base finish of the picture: `gain`, `curve`, `grid`, `chroma`, what styles need to know, and the clip level."""
        if probe.meta.space:  # made from a finished picture: its tones were somebody's decision
            return Reading()
        view = probe.fetch(Frame(probe.full, probe.area, (SIDE, SIDE)))
        pixels = torch.nan_to_num(view.pixels[None].float().cpu(), 0.0, 2.0**14, 0.0).clamp(0.0, 2.0**14)
        # the thumb's metadata tell whether BaselineExposure is still to come
        coming = view.meta.baseline_exposure
        seen = see(pixels * 2.0**coming)
        clip, top = min(view.meta.clip), float(pixels.amax())
        # where white was balanced there was a sensor; the matrix and mended highlights lead a little beyond its saturation
        sensor = view.meta.light is not None
        full = sensor and 0.85 * clip <= top <= 4.0 * clip
        net = network(weights.find(WEIGHTS), torch.device("cpu"))
        params = params_of(net(*seen.inputs()), seen)
        if sensor:
            params.gain.clamp_(max=MOST)
        return Reading(
            {
                "gain": round(float(params.gain), 4),
                "curve": [round(v, 5) for v in params.curve[0].tolist()],
                "grid": _pack(params.grid, _UNIT["grid"]),
                "chroma": _pack(params.chroma, _UNIT["chroma"]),
                "facts": [round(v, 4) for v in facts(seen)[0].tolist()],
                "clip": clip * 2.0**coming,
                "full": full,
                "white": _saturated(pixels * 2.0**coming, 0.85 * clip * 2.0**coming, params) if full else None,
            }
        )

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """Pixel by pixel: light, local light, curve, colours."""
        known = reading.values
        if "gain" not in known:  # nothing to go by, or a finished picture that comes back as it was but for styles
            finished = bool(image.meta.space)
            out = paint(_closed(self, 0.0 if finished else PRIOR), image.pixels, finished)
            style = _alone(self)
            return style.on(image.pixels, out) if style else out
        numbers = (_key(known[k]) for k in ("curve", "grid", "chroma", "facts"))
        lamp = lamp_of(image.meta.light) if self.colour_lamp_offsets else 0.0
        with _TURN:
            finish, guide = _finish(self, known["gain"], *numbers, known.get("white"), lamp)
        hand = math.log2(min(image.meta.clip) / known["clip"]) if min(image.meta.clip) > 0 else 0.0
        full = min(image.meta.clip) if known.get("full") else 0.0
        return finish.paint(image.pixels, _places(image), guide - hand, full)


def _tables(
    stage: ToneLearned, base: ToneParams, known: torch.Tensor, white: float | None, lamp: float
) -> tuple[tonepaint.Finish, float]:
    """The tables of one picture under one setting, and how far from its own light the grid is read, EV."""
    plain = ToneParams.plain()
    plain.gain[:] = PRIOR
    below = plain.towards(base, {p: 1.0 if p == "grid" else stage.seen for p in tonemap.PARTS}) if stage.auto else plain
    wanted = _offsets_of(stage).on(below, known, lamp)
    params = plain.towards(
        wanted,
        {
            "gain": stage.gain_strength,
            "curve": stage.curve_strength,
            "grid": stage.local_strength,
            "chroma": stage.colour_strength,
            "tint": stage.colour_strength,
        },
    )
    gain = float(params.gain)
    predicted = tonebake.spline(params.curve)
    if white is not None and stage.auto:  # what saturated the sensor is white, not grey
        there = float(tonebake.spline(base.curve)(np.array([white]))[0]) ** (1 / 3)
        predicted = tonebake.raised(predicted, there, stage.curve_strength * (_WHITE - there))
    curve = tonebake.Curve.of(lambda ev: stage.bend(ev, near_white(params.curve), 0.0, predicted))
    # local light may make what is dark some stops steeper still
    lift = tonebake.Lift(curve, gain, 2.0 * STEEPEST, max(0.0, float(params.grid[0, :2].max())))
    colours = baked_colours(SameBytes(params.chroma[0]), SameBytes(params.tint[0]))
    grid = params.grid[0].numpy().copy() if bool(params.grid.abs().max() > 1e-6) else None
    # the grid lies where the base put it, whatever exposure a style or a strength gives
    return tonepaint.Finish(gain - math.log2(tc.GREY), curve, lift, colours, grid), float(base.gain) - gain


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _finish(
    stage: ToneLearned, gain: float, curve: Any, grid: str, chroma: str, known: Any, white: float | None, lamp: float
) -> tuple[tonepaint.Finish, float]:
    with torch.no_grad():
        base = ToneParams(
            torch.tensor([gain]),
            torch.tensor([curve]),
            _unpack(grid, "grid"),
            _unpack(chroma, "chroma"),
            torch.zeros(1, *tonemap.SHAPES["tint"]),
        )
        return _tables(stage, base, torch.tensor([known]), white, lamp)


def _saturated(view: torch.Tensor, level: float, params: ToneParams) -> float | None:
    """EV, after gain and local light, of the part of a view (1, 3, N, N) that saturated; None where there is hardly any."""
    luminance = tc.luma(view.reshape(3, -1))
    found = (luminance >= level).nonzero()[:, 0]
    if len(found) < 0.003 * len(luminance):
        return None
    at = (torch.stack([found % SIDE, found // SIDE]) + 0.5) / SIDE
    light = tonemap.stops(luminance[found])[None] + params.gain
    return round(float((light + tonemap.local(params.grid, at[None], light)).mean()), 3)


@lru_cache(maxsize=8)
def _closed(stage: ToneLearned, ev: float) -> tc.Table:
    return stage.table(ev, tc.WHITE, 0.0)


@lru_cache(maxsize=8)
def _alone(stage: ToneLearned) -> Added | None:
    """What styles add to a picture of which nothing was measured; None where they add nothing."""
    found = _offsets_of(stage)
    scaled = Offsets(
        found.gain * stage.gain_strength,
        found.curve * stage.curve_strength,
        torch.zeros_like(found.grid),
        found.chroma * stage.colour_strength,
        found.tint * stage.colour_strength,
        torch.zeros_like(found.lamp),
    )
    return None if scaled.nothing() else Added(stage, scaled, 1.0 - stage.seen)


def _offsets_of(stage: ToneLearned) -> Offsets:
    return Offsets.load(
        {
            "gain": stage.gain_offsets,
            "curve": stage.curve_offsets,
            "grid": stage.local_offsets,
            "chroma": stage.colour_offsets,
            "tint": stage.tint_offsets,
            "lamp": stage.colour_lamp_offsets,
        }
    )


def _places(image: Image) -> tonepaint.Places:
    """Where an image lies in the part of the picture that counts."""
    left, top, width, height = Probe(image.meta, image.frame.full, image.state, lambda f: image).area
    py, px = image.frame.pitch
    y = (image.frame.rect[1] - top + py * (np.arange(image.height) + 0.5)) / height
    return tonepaint.Places((image.frame.rect[0] - left + 0.5 * px) / width, px / width, y)


def _pack(values: torch.Tensor, unit: float) -> str:
    steps = (values / unit).round().clamp(-32768, 32767).to(torch.int16).cpu().numpy().astype("<i2")
    return base64.b64encode(steps.tobytes()).decode("ascii")


def _unpack(text: str, part: str) -> torch.Tensor:
    steps = np.frombuffer(base64.b64decode(text), "<i2").astype(np.float32)
    return torch.from_numpy(steps * np.float32(_UNIT[part])).view(1, *tonemap.SHAPES[part])


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
