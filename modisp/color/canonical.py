"""One colour space for the raw RGB of all cameras: what an average camera would have answered.

A network that judges the light sees every camera through its matrices, as if it were this one; so it need not have seen
the camera.  Lights of all usual colours have positive values here, which they have not in any display's space.
"""

from __future__ import annotations

import torch

from modisp.color import spaces
from modisp.color.camera import Camera

# XYZ (D65) → the mean of 26 measured cameras balanced for D65: least squares, as a ColorMatrix is made; rows give D65 as 1
_AVERAGE = ((1.401, -0.170, -0.149), (-0.550, 1.261, 0.241), (-0.251, 0.387, 0.782))


def canonical(camera: Camera) -> torch.Tensor:
    """Camera RGB → canonical RGB, (3, 3) float64; D65 becomes (1, 1, 1), whatever else the matrices say of it."""
    n = torch.tensor(camera.neutral(spaces.D65), dtype=torch.float64)
    average = torch.tensor(_AVERAGE, dtype=torch.float64) @ spaces.between64("rec2020", "xyz")
    matrix: torch.Tensor = average @ camera.to_rec2020(spaces.D65).double() @ torch.diag(1 / n)
    return matrix / (matrix @ n)[:, None]
