"""What a network is told of a camera and a light, all of it from the matrices that the camera's maker wrote."""

from __future__ import annotations

import math

import torch

from modisp.color import spaces, white
from modisp.color.camera import XY, Camera

STANDARD_A = (0.44758, 0.40745)
HOMES = (STANDARD_A, spaces.D65)
"""The lights under which cameras are compared, those of most makers' matrices."""
COUNT = 32
"""How many numbers `traits` gives."""


def traits(camera: Camera, light: XY) -> torch.Tensor:
    """(32,) float32: the camera's matrices to Rec.2020 under `HOMES` by both ways, its responses to white, the light.

    Matrices keep grey, so that two columns say all of one: 6 numbers each, ForwardMatrix's then ColorMatrix's for each
    light.  Then log2 of red and blue over green of the response to each home light and to `light`, and `light` as
    mired/100 and tint/100.
    """
    out: list[float] = []
    for home in HOMES:
        for matrix in (camera.to_rec2020(home), camera.by_color_matrix(home)):
            out += matrix[:, 0::2].flatten().tolist()
    for xy in (*HOMES, light):
        r, g, b = camera.neutral(xy)
        out += [math.log2(r / g), math.log2(b / g)]
    kelvin, tint = white.kelvin_from_xy(light)
    return torch.tensor([*out, 1e4 / kelvin, tint / 100.0])
