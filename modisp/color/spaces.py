"""Linear colour spaces by name, the matrices between them, and Oklab.

| name         | meaning                                   | white |
|--------------|-------------------------------------------|-------|
| `rec2020`    | linear RGB, ITU-R BT.2020 primaries       | D65   |
| `srgb`       | linear RGB, ITU-R BT.709 primaries        | D65   |
| `display-p3` | linear RGB, SMPTE EG 432-1 (P3) primaries | D65   |
| `adobe-rgb`  | linear RGB, Adobe RGB (1998) primaries    | D65   |
| `xyz`        | CIE 1931 XYZ, Y = 1 is white              | D65   |
| `xyz-d50`    | CIE 1931 XYZ, Y = 1 is white (ICC PCS)    | D50   |
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

D65 = (0.3127, 0.3290)
D50 = (0.3457, 0.3585)
LUMA = (0.2627, 0.6780, 0.0593)
"""Weights of linear Rec.2020 R, G, B in relative luminance (ITU-R BT.2020)."""

PRIMARIES: dict[str, tuple[tuple[float, float], ...]] = {
    "rec2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "srgb": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "display-p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "adobe-rgb": ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)),
}
"""xy chromaticities of R, G, B; every RGB space here has the white D65."""

SPACES = (*PRIMARIES, "xyz", "xyz-d50")

BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
"""XYZ → the cone-like responses in which white points are exchanged (Lam 1985; ICC.1:2022, annex E)."""

# B. Ottosson, "A perceptual color space for image processing" (2020): XYZ D65 → LMS, and LMS^(1/3) → Lab
_OK_LMS = (
    (0.8189330101, 0.3618667424, -0.1288597137),
    (0.0329845436, 0.9293118715, 0.0361456387),
    (0.0482003018, 0.2643662691, 0.6338517070),
)
_OK_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def xyz_of(xy: Sequence[float]) -> torch.Tensor:
    """XYZ (3,) float64 of luminance 1 for an xy chromaticity."""
    x, y = float(xy[0]), float(xy[1])
    return torch.tensor([x / y, 1.0, (1.0 - x - y) / y], dtype=torch.float64)


def xy_of(xyz: Sequence[float] | torch.Tensor) -> tuple[float, float]:
    """The xy chromaticity of XYZ (3,)."""
    x, y, z = (float(v) for v in xyz)
    return x / (x + y + z), y / (x + y + z)


def adaptation(source: Sequence[float], target: Sequence[float]) -> torch.Tensor:
    """XYZ → XYZ, (3, 3) float64: colours seen under the white `source` (xy) as they look under `target` (Bradford)."""
    cone = torch.tensor(BRADFORD, dtype=torch.float64)
    gains = (cone @ xyz_of(target)) / (cone @ xyz_of(source))
    matrix: torch.Tensor = torch.linalg.inv(cone) @ (gains[:, None] * cone)
    return matrix


def _to_xyz(name: str) -> torch.Tensor:
    if name == "xyz":
        return torch.eye(3, dtype=torch.float64)
    if name == "xyz-d50":
        return adaptation(D50, D65)
    if name not in PRIMARIES:
        raise ValueError(f"{name!r} is not a colour space; choose one of {', '.join(SPACES)}")
    columns = torch.stack([xyz_of(p) for p in PRIMARIES[name]], 1)
    matrix: torch.Tensor = columns * torch.linalg.solve(columns, xyz_of(D65))
    return matrix


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # what is shared must serve where gradients are wanted too
def between64(a: str, b: str) -> torch.Tensor:
    """As `between`, in float64; shared, so never write to it."""
    matrix: torch.Tensor = torch.linalg.solve(_to_xyz(b), _to_xyz(a))
    return matrix


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def between(a: str, b: str) -> torch.Tensor:
    """The matrix (3, 3) float32 from linear `a` to linear `b`; shared, so never write to it.

    White goes to white: where the white points differ, colours are adapted by Bradford.  ValueError for unknown names.
    """
    return between64(a, b).float()


def keeps_grey(matrix: torch.Tensor) -> bool:
    """Whether the matrix maps equal values to the same equal values (each row sums to 1)."""
    return bool((matrix.sum(1) - 1).abs().max() < 1e-5)


def apply(matrix: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """`matrix` (3, 3) applied to every pixel of (3, H, W): a new tensor.

    Where the rows of the matrix sum to 1, it is applied to the differences from the second channel, so that grey
    (equal values) stays grey to the last bit.
    """
    flat = pixels.reshape(3, -1)
    grey = keeps_grey(matrix)
    m = matrix.to(pixels.device, pixels.dtype)
    if not grey:
        return (m @ flat).view_as(pixels)
    differences = flat[0::2] - flat[1]
    return torch.addmm(flat[1], m[:, 0::2], differences).view_as(pixels)


@lru_cache(maxsize=len(SPACES))
@torch.inference_mode(False)
def to_lms(name: str) -> torch.Tensor:
    """Linear `name` → the LMS of Oklab, (3, 3) float64, scaled so that white is (1, 1, 1)."""
    matrix = torch.tensor(_OK_LMS, dtype=torch.float64) @ between64(name, "xyz")
    # the published digits leave white 1e-4 off; with rows that sum to 1 grey has a = b = 0
    return matrix / matrix.sum(1, keepdim=True)


@lru_cache(maxsize=1)
@torch.inference_mode(False)
def lms_to_lab() -> torch.Tensor:
    """Cube roots of LMS → Oklab, (3, 3) float64."""
    lab = torch.tensor(_OK_LAB, dtype=torch.float64)
    lab[0] /= lab[0].sum()
    lab[1:] -= lab[1:].mean(1, keepdim=True)
    return lab


@lru_cache(maxsize=1)
@torch.inference_mode(False)
def _oklab_matrices() -> tuple[torch.Tensor, ...]:
    lms, lab = to_lms("rec2020"), lms_to_lab()
    return lms.float(), lab.float(), torch.linalg.inv(lab).float(), torch.linalg.inv(lms).float()


def cbrt(x: torch.Tensor) -> torch.Tensor:
    """The real cube root, of negative values too."""
    return x.abs().pow_(1.0 / 3.0).copysign_(x)


def oklab(pixels: torch.Tensor) -> torch.Tensor:
    """Linear Rec.2020 (3, H, W) → Oklab: L (white 1), a, b (Ottosson 2020, scaled so that greys have a = b = 0)."""
    lms, lab, _, _ = _oklab_matrices()
    roots = cbrt(apply(lms, pixels))
    return (lab.to(pixels) @ roots.reshape(3, -1)).view_as(pixels)


def from_oklab(lab: torch.Tensor) -> torch.Tensor:
    """The inverse of `oklab`."""
    _, _, roots, rgb = _oklab_matrices()
    lms = (roots.to(lab) @ lab.reshape(3, -1)).pow_(3).view_as(lab)
    return apply(rgb, lms)


def noise_after(matrix: torch.Tensor, noise: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Noise (shot, read) of each channel once a `matrix` (3, 3) has mixed them, counted at grey; one row stands for all three.

    The sums of squares hold for noise that channels do not share.  Of other counts of rows nothing is known: they stay.
    """
    rows = tuple(noise) * 3 if len(noise) == 1 else tuple(noise)
    if len(rows) != 3:
        return rows
    mixed = matrix.double().square() @ torch.tensor(rows, dtype=torch.float64)
    return tuple((float(a), float(b)) for a, b in mixed)
