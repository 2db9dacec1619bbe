"""Colour correction beyond the matrix: what a network knows of the errors that a camera's matrices leave.

The network (`modisp.nets.color`) sees no picture: it is told the camera's matrices and the light, and the chart that the
camera was calibrated with, where there is one, and gives the numbers of a closed form (`modisp.operators.rational`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch

from modisp import weights
from modisp.color import spaces, white
from modisp.color.camera import XY, Camera
from modisp.color.traits import traits
from modisp.image import Image, Metadata, State
from modisp.learned import camera as camera_name
from modisp.learned import network
from modisp.operators import calibration
from modisp.operators.calibration import Calibration
from modisp.operators.chartfit import chart_fit, exposed, told_by_chart
from modisp.operators.rational import TERMS, correct
from modisp.stage import Parts, Probe, Reading, Stage, param

TASK = "color_correct"
NEAR = 60.0
"""Mired from the light of the chart at which what the chart alone told has lost most of its say."""
_WORDS = {
    "matrices": "the matrices in the file and a network",
    "guess": "no matrices are known of this camera: a network guesses them from its response to white",
    "chart": "the camera's own chart, its matrices and a network",
}


class ColorCorrectLearned(
    Stage,
    slot="color_correct",
    reads=State.BALANCED,
    writes=State.SCENE,
    title="Colour correction (learned)",
    group="White balance",
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

    def weights_digest(self) -> str:
        """Of the weights and of all calibrations."""
        path = _file()
        return (weights.digest(path) if path else "") + calibration.digest()

    def measure(self, probe: Probe) -> Reading:
        """`source`: what the colours rest on (matrices, chart or guess), and `words` that say so."""
        meta = probe.meta
        own = calibration.find(weights.slug(camera_name(meta)))
        source = "chart" if own else "matrices" if Camera.of(meta).known else "guess"
        return Reading({"source": source, "words": _WORDS[source]})

    def _numbers(self, meta: Metadata) -> tuple[torch.Tensor, torch.Tensor]:
        """(matrix (3, 3), coefficients (3, 9)) in force."""
        camera, light = _known(meta)
        matrix = camera.to_rec2020(light)
        path = _file()
        if not self.strength or path is None or camera.monochrome:
            return matrix, torch.zeros(3, TERMS)
        own = calibration.find(weights.slug(camera_name(meta)))
        found = _coefficients(path, weights.digest(path), _facts(meta), own, light)
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
        linear = coefficients[:, :3]
        squares = (matrix + linear - linear.roll(1, 1)).double().square()
        noise = meta.noise * 3 if len(meta.noise) == 1 else meta.noise
        if len(noise) == 3:
            mixed = squares @ torch.tensor(noise, dtype=torch.float64)
            noise = tuple((float(a), float(b)) for a, b in mixed)
        first = min(meta.clip)
        return replace(meta, clip=(first, first, first), noise=noise)


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
    r, g, b = (min(meta.gains) / v for v in meta.gains)
    return replace(kept, white=(r, g, b))


def _known(meta: Metadata) -> tuple[Camera, XY]:
    """The camera, and the light that is neutral."""
    camera = Camera.of(_facts(meta))
    if not camera.known:
        return camera, spaces.D65
    return camera, camera.light(meta.light or _as_shot(meta, camera))


def _as_shot(meta: Metadata, camera: Camera) -> XY:
    return camera.xy(meta.white) if min(meta.white) > 0 else spaces.D65


def colours(meta: Metadata, own: Calibration, used: bool) -> torch.Tensor:
    """(N, 3) linear Rec.2020: what becomes of a calibration's own patches with it, or by the matrices alone."""
    path = _file()
    seen, _ = own.tensors()
    facts = _facts(replace(meta, gains=(1 / own.white[0], 1 / own.white[1], 1 / own.white[2])))
    camera, light = _at_home(facts, own)
    coefficients = torch.zeros(3, TERMS)
    if used and path is not None:
        coefficients = _coefficients(path, weights.digest(path), facts, own, light)
    return correct(camera.to_rec2020(light), coefficients, seen.T[:, None])[:, 0].T


def _at_home(facts: Metadata, own: Calibration) -> tuple[Camera, XY]:
    """The camera, and the light that its chart was photographed in."""
    camera = Camera.of(facts)
    if not camera.known:  # what it answers to white is all that is known of it
        camera = Camera.of(replace(facts, white=own.white))
    return camera, camera.light(camera.xy(own.white))


@lru_cache(maxsize=64)
def _coefficients(path: Path, _content: str, facts: Metadata, own: Calibration | None, light: XY) -> torch.Tensor:
    """(3, 9): what the network, and the camera's chart, make of a camera under a light."""
    camera, net = Camera.of(facts), network(path, torch.device("cpu"))
    with torch.inference_mode(False), torch.no_grad():
        known = traits(camera, light)[None]
        if own is None:
            return torch.Tensor(net(known)[0])
        seen, wanted = own.tensors()
        camera, home = _at_home(facts, own)
        there = traits(camera, home)
        matrix = camera.to_rec2020(home)
        chart = told_by_chart(seen, matrix, wanted, there[-2:])[None]
        out: torch.Tensor = net(known, chart)[0]
        # what is still wrong under the chart's own light counts there, and less the farther the light is
        seen, base = exposed(seen, matrix, wanted)
        base = correct(matrix, net(there[None], chart)[0], seen.T[:, None])[:, 0].T
        away = (1e6 / white.kelvin_from_xy(light)[0] - 1e6 / white.kelvin_from_xy(home)[0]) / NEAR
        return out + chart_fit(seen, base, wanted) / (1 + away * away)
