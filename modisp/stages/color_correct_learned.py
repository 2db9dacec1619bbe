"""Colour correction beyond the matrix: what a network knows of the errors that a camera's matrices leave.

The network (`modisp.nets.color`) sees no picture: it is told the camera's matrices and the light, and the chart that the
camera was calibrated with, where there is one, and gives the numbers of a closed form (`modisp.operators.rational`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch

from modisp import weights
from modisp.color import spaces
from modisp.color.camera import XY, Camera
from modisp.color.traits import traits
from modisp.image import Image, Metadata, State
from modisp.learned import camera as camera_name
from modisp.learned import network
from modisp.nets.color import gains
from modisp.operators import calibration
from modisp.operators.calibration import Calibration
from modisp.operators.chartfit import calibrated
from modisp.operators.noise import by_channel
from modisp.operators.rational import TERMS, calm, correct, near_grey
from modisp.operators.wavelet import Noise
from modisp.stage import Candidate, Parts, Probe, Reading, Stage, param

TASK = "color_correct"
_WORDS = {
    "matrices": "the matrices in the file and a network",
    "guess": "no matrices are known of this camera: a network guesses them from its response to white",
    "chart": "the camera's own chart, its matrices and a network",
    "strange": "the matrices in the file alone: they are like those of no camera that the network knows",
}
_last = threading.local()


class ColorCorrectLearned(
    Stage,
    slot="color_correct",
    reads=State.BALANCED,
    writes=State.SCENE,
    title="Colour correction (learned)",
    group="White balance",
    version=4,
):
    """Turns the camera's colours into real ones: the maker's matrices, and a network that takes off the errors they leave.

    Grey stays grey exactly, and exposure changes no colour.  A camera that was calibrated with a chart uses what the chart
    told; for a camera without matrices they are guessed.
    """

    strength: float = param(
        1.0,
        0,
        1,
        step=0.01,
        unit="%",
        label="True colours",
        help="How much of the learned correction is added to the colours that the maker's matrices give.",
    )

    @classmethod
    def accepts(cls, meta: Metadata) -> bool:
        """Cameras that see colour, where the weights are there."""
        return _file() is not None and not Camera.of(meta).monochrome

    @classmethod
    def volunteers(cls, meta: Metadata) -> bool:
        """Where matrices or a chart tell of the camera; for a file also where none do, since a guess is better than none."""
        return bool(meta.digest) or Camera.of(meta).known or has_chart(meta)

    def weights_digest(self) -> str:
        """Of the weights and of all calibrations."""
        path = _file()
        return (weights.digest(path) if path else "") + calibration.digest()

    def measure(self, probe: Probe) -> Reading:
        """`source`: what the colours rest on (a key of `_WORDS`), and `words` that say so; where they are guessed, the choices."""
        camera, light = _known(probe.meta)
        path = _file()
        if _own(probe.meta):
            source = "chart"
        elif not camera.known:
            source = "guess"
        else:
            with torch.no_grad():
                known = path and float(network(path, torch.device("cpu")).trust(traits(camera, light)[None])) > 0
            source = "matrices" if known else "strange"
        sure = 0.5 * _share(probe.meta)
        either = (
            Candidate({"strength": 1.0}, 0.4 + sure, "Guessed: no matrices known"),
            Candidate({"strength": 0.0}, 0.6 - sure, "As sRGB: no matrices known"),
        )
        ranked = tuple(sorted(either, key=lambda c: -c.confidence)) if source == "guess" else ()
        return Reading({"source": source, "words": _WORDS[source]}, ranked)

    def _numbers(self, meta: Metadata) -> tuple[torch.Tensor, torch.Tensor]:
        """(matrix (3, 3), coefficients (3, 9)) in force; found once for all strips of a picture, which share their metadata."""
        held: tuple[ColorCorrectLearned, Metadata, tuple[torch.Tensor, torch.Tensor]] | None
        held = getattr(_last, "held", None)
        if held is None or held[0] != self or held[1] is not meta:
            held = _last.held = self, meta, self._found(meta)
        return held[2]

    def _found(self, meta: Metadata) -> tuple[torch.Tensor, torch.Tensor]:
        camera, light = _known(meta)
        matrix = camera.to_rec2020(light)
        path = _file()
        if not self.strength or path is None or camera.monochrome:
            return matrix, torch.zeros(3, TERMS)
        own = _own(meta)
        found = _coefficients(
            path, weights.digest(path), _facts(meta), own, light, _share(meta), by_channel(meta.noise)
        )
        return matrix, self.strength * found

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """The matrix, and the correction where there is one."""
        matrix, coefficients = self._numbers(image.meta)
        if not coefficients.any():
            return spaces.apply(matrix, image.pixels)
        return correct(matrix, coefficients, image.pixels)

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """Noise follows what becomes of grey; whites are sound up to the level at which the first channel clips."""
        matrix, coefficients = self._numbers(meta)
        first = min(meta.clip)
        return replace(
            meta, clip=(first, first, first), noise=spaces.noise_after(near_grey(matrix, coefficients), meta.noise)
        )


def has_chart(meta: Metadata) -> bool:
    """Whether there is a calibration of the camera, sound or not."""
    name = _name(meta)
    return bool(name) and calibration.path_of(name).is_file()


def _own(meta: Metadata) -> Calibration | None:
    return calibration.find(_name(meta))


def _name(meta: Metadata) -> str:
    return weights.slug(camera_name(meta))


def _file() -> Path | None:
    try:
        return weights.find(TASK)
    except weights.WeightsMissing:
        return None


def _facts(meta: Metadata) -> Metadata:
    """What counts of a picture's metadata here, so that all pictures of a kind share one answer.

    Of a camera without matrices it is only known how it answers to what is white, whoever judged what that is.
    """
    kept = Metadata(
        cfa=meta.cfa,
        white=meta.white,
        color_matrix=meta.color_matrix,
        forward_matrix=meta.forward_matrix,
        calibration=meta.calibration,
        illuminants=meta.illuminants,
        analog_balance=meta.analog_balance,
    )
    if Camera.of(meta).known or min(meta.gains) <= 0:
        return kept
    sees = torch.tensor(meta.gains).reciprocal()
    r, g, b = torch.lerp(torch.tensor(_USUAL), sees / sees.max(), _plausible(sees.tolist())).tolist()
    return replace(kept, white=(r, g, b))


def _share(meta: Metadata) -> float:
    """How much of a guess is taken, 0…1: half where only the usual is known, none of what need not come from a sensor."""
    if min(meta.gains) <= 0:
        return 0.0
    sure = _plausible([1 / v for v in meta.gains])
    return 0.5 + 0.5 * sure if meta.cfa else sure


def _known(meta: Metadata) -> tuple[Camera, XY]:
    """The camera, and the light that is neutral."""
    camera = Camera.of(_facts(meta))
    if not camera.known:
        return camera, spaces.D65
    return camera, camera.light(meta.light or _as_shot(meta, camera))


def _as_shot(meta: Metadata, camera: Camera) -> XY:
    return camera.xy(meta.white) if min(meta.white) > 0 else spaces.D65


def colours(meta: Metadata, own: Calibration, by: Literal["matrices", "network", "chart"]) -> torch.Tensor:
    """(N, 3) linear Rec.2020: what becomes of a calibration's own patches by the matrices, with the network, with the chart too."""
    path = _file()
    seen, _ = own.tensors()
    facts = _facts(replace(meta, gains=(1 / own.white[0], 1 / own.white[1], 1 / own.white[2])))
    camera, light = _at_home(facts, own)
    coefficients = torch.zeros(3, TERMS)
    if by != "matrices" and path is not None:
        chart = own if by == "chart" else None
        coefficients = _coefficients(path, weights.digest(path), facts, chart, light, 1.0)
    return correct(camera.to_rec2020(light), coefficients, seen.T[:, None])[:, 0].T


def _at_home(facts: Metadata, own: Calibration) -> tuple[Camera, XY]:
    """The camera, and the light that its chart was photographed in."""
    camera = Camera.of(facts)
    if not camera.known:  # what it answers to white is all that is known of it
        camera = Camera.of(replace(facts, white=own.white))
    return camera, camera.light(camera.xy(own.white))


_USUAL = (0.5, 1.0, 0.65)
"""How sensors answer to daylight, about: for files that were balanced in the camera, and so do not tell."""


def _plausible(white: Sequence[float]) -> float:
    """0…1: whether it can be a sensor that answers so to white; green is the greatest with all, unless the file is balanced."""
    r, g, b = white
    t = min(1.0, max(0.0, (-0.3 - math.log2(r * b / (g * g))) / 0.5))
    return t * t * (3 - 2 * t)


@lru_cache(maxsize=64)
def _coefficients(
    path: Path, _content: str, facts: Metadata, own: Calibration | None, light: XY, guess: float, noise: Noise = ()
) -> torch.Tensor:
    """(3, 9): what the network, and the camera's chart, make of a camera under a light; without matrices `guess` of it."""
    camera, net = Camera.of(facts), network(path, torch.device("cpu"))
    with torch.inference_mode(False), torch.no_grad():
        known, matrix = traits(camera, light)[None], camera.to_rec2020(light)[None]

        def tell(told: torch.Tensor, chart: torch.Tensor | None = None) -> torch.Tensor:
            trust: torch.Tensor = net.trust(told)[:, None, None] if camera.known else torch.tensor(guess)
            numbers: torch.Tensor = trust * net(told, chart)
            return numbers

        if own is None:
            numbers = tell(known)
        else:
            at, home = _at_home(facts, own)
            numbers = calibrated(tell, known, traits(at, home), at.to_rec2020(home), *own.tensors())
        if not camera.known:
            return numbers[0]
        told = torch.tensor(noise).clamp_min(0)[None] if noise else None
        return calm(numbers, matrix, gains(known), told, own is not None)[0]
