"""A finish in numbers, and the plain, differentiable function that paints with it: SCENE to DISPLAY in five steps.

A `ToneParams` holds what a network (or a fit) has to say of one picture, or of a batch of pictures (B first):

- `gain` (B,): stops that bring the scene's middle to middle grey (0.18).
- `curve` (B, 25): the global curve: cube root of display luminance at `knots()` (EV from middle grey), rising.
- `grid` (B, 8, 16, 16): local stops at 8 levels of scene light, 16 rows and 16 columns of the whole picture; mean 0 a level.
- `chroma` (B, 3, 12, 6, 4): on 12 hues × 6 lightnesses × 4 saturations of Oklab: log2 of the factor on chroma, turn of the
  hue (rad), shift of lightness per chroma.  Nothing of it touches grey.
- `tint` (B, 2, 6): Oklab a, b per lightness, added at 6 lightnesses (toned looks; 0 keeps grey grey).

`apply` is the definition: every pixel for itself once its place is known, so fits run on any few pixels.  The stage runs
the same from small tables (`modisp.operators.tonebake`).  What leaves the gamut is led in by the fixed curve of
`modisp.operators.tonecurve`.

Sources: Chen, Paris & Durand 2007 (bilateral grid); Gharbi et al. 2017, ACM TOG 36(4) (grids predicted from a thumbnail);
Ottosson 2020 (Oklab); de Boor 1978 (monotone coefficients make a monotone spline).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch.nn import functional as F

from modisp.color import spaces
from modisp.operators import tonecurve as tc

KNOTS = 25
FIRST, STEP = -9.0, 2.0 / 3.0
"""EV of the first knot of the curve, and from knot to knot: the last is at 7."""
LEVELS, ROWS, COLUMNS = 8, 16, 16
DARKEST, LEVEL = -8.0, 2.0
"""EV (after the gain) of the grid's first level, and from level to level: the last is at 6."""
HUES, LIGHTS, SATURATIONS = 12, 6, 4
BEND = 0.3
"""Saturation s (Oklab chroma by lightness) lies at 4·s/(s + BEND) on the table's third axis: nodes at 0, 0.1, 0.3, 0.9."""
PARTS = ("gain", "curve", "grid", "chroma", "tint")
SHAPES: Mapping[str, tuple[int, ...]] = {
    "gain": (),
    "curve": (KNOTS,),
    "grid": (LEVELS, ROWS, COLUMNS),
    "chroma": (3, HUES, LIGHTS, SATURATIONS),
    "tint": (2, LIGHTS),
}
_FLOOR = 2.0**-24  # luminance below which all is black


@dataclass
class ToneParams:
    """The parts of a finish; see the table above.  Sums and products act on every part (parameter space is linear)."""

    gain: torch.Tensor
    curve: torch.Tensor
    grid: torch.Tensor
    chroma: torch.Tensor
    tint: torch.Tensor

    @classmethod
    def zeros(cls, batch: int = 1) -> ToneParams:
        """All numbers 0: what offsets start from."""
        return cls(*(torch.zeros(batch, *SHAPES[p]) for p in PARTS))

    @classmethod
    def plain(cls, batch: int = 1) -> ToneParams:
        """Nothing measured: the curve of the closed form with its default white, no local work, colours as they are."""
        out = cls.zeros(batch)
        out.gain += 0.5
        out.curve += _plain_curve()
        return out

    def items(self) -> dict[str, torch.Tensor]:
        """The parts by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __add__(self, other: ToneParams) -> ToneParams:
        return ToneParams(*(a + b for a, b in zip(self.items().values(), other.items().values(), strict=True)))

    def __mul__(self, factor: float) -> ToneParams:
        return ToneParams(*(v * factor for v in self.items().values()))

    def to(self, device: torch.device | str) -> ToneParams:
        """The same on a device."""
        return ToneParams(*(v.to(device) for v in self.items().values()))

    def towards(self, other: ToneParams, strength: float | Mapping[str, float]) -> ToneParams:
        """From these (0) to others (1), in parameter space; `strength` for all parts or by name (missing: 1)."""
        s = strength if isinstance(strength, Mapping) else dict.fromkeys(PARTS, strength)
        mine, theirs = self.items(), other.items()
        return ToneParams(**{p: torch.lerp(mine[p], theirs[p], float(s.get(p, 1.0))) for p in PARTS})


def knots() -> torch.Tensor:
    """(25,) EV from middle grey of the curve's knots."""
    return FIRST + STEP * torch.arange(KNOTS)


def _plain_curve() -> torch.Tensor:
    return torch.from_numpy(tc.display(knots().double().numpy())).float().pow(1 / 3)


def rising(start: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """A curve (B, 25) from its first value (B,) and 24 raw steps (B, 24), any sign: softplus makes each rise above 0."""
    return torch.cat([start[:, None], start[:, None] + F.softplus(steps).cumsum(1)], 1)


def centred(grid: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """`grid` (B, 8, 16, 16) less, at each level of light, its mean over the picture, so that local work is only local.

    `share` (B, 8, 16, 16): how much of the picture lies in each cell (see `occupancy`).
    """
    weight = share + 1e-4 * share.mean((1, 2, 3), keepdim=True) + 1e-9
    return grid - (grid * weight).sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True)


def stops(luminance: torch.Tensor) -> torch.Tensor:
    """EV from middle grey of a scene luminance."""
    return torch.log2(luminance.clamp_min(_FLOOR) / tc.GREY)


def occupancy(light: torch.Tensor) -> torch.Tensor:
    """How many pixels of a picture lie in each cell of the grid, split linearly between levels: (B, 8, 16, 16).

    `light` (B, H, W): EV after the gain, on the whole picture; H and W multiples of 16.
    """
    at = ((light - DARKEST) / LEVEL).clamp(0, LEVELS - 1)
    level = torch.arange(LEVELS, device=light.device).view(1, LEVELS, 1, 1)
    hats = (1 - (at[:, None] - level).abs()).clamp_min(0)
    return F.adaptive_avg_pool2d(hats, (ROWS, COLUMNS)) * (light.shape[1] * light.shape[2] / (ROWS * COLUMNS))


def local(grid: torch.Tensor, at: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    """The grid's stops (B, N) at places `at` (B, 2, N: x, y in 0…1 of the whole picture) for `light` (B, N) in EV."""
    x = (at[:, 0] * COLUMNS - 0.5) * (2 / (COLUMNS - 1)) - 1
    y = (at[:, 1] * ROWS - 0.5) * (2 / (ROWS - 1)) - 1
    z = (light - DARKEST) * (2 / (LEVEL * (LEVELS - 1))) - 1
    where = torch.stack([x, y, z], -1)[:, None, None]
    return F.grid_sample(grid[:, None], where, padding_mode="border", align_corners=True)[:, 0, 0, 0]


def curved(curve: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    """Cube root of display luminance (B, N) for `light` (B, N) in EV: a quadratic B-spline on the knots.

    Below the first knot light falls to black in proportion; above the last it stays.
    """
    padded = torch.cat([2 * curve[:, :1] - curve[:, 1:2], curve, 2 * curve[:, -1:] - curve[:, -2:-1]], 1)
    u = ((light - FIRST) / STEP).clamp(0, KNOTS - 1)
    i = u.detach().round().long()
    d = u - i
    before, here, after = (padded.gather(1, i + k) for k in (0, 1, 2))
    v = 0.5 * (0.5 - d) ** 2 * before + (0.75 - d * d) * here + 0.5 * (0.5 + d) ** 2 * after
    return v.clamp_min(0) * torch.exp2((light - FIRST).clamp_max(0) / 3)


def coloured(chroma: torch.Tensor, tint: torch.Tensor, lab: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    """Oklab `lab` (B, 3, N) through the table, at `light` (B, N): cube root of display luminance.  A new tensor."""
    lightness, a, b = lab.unbind(1)
    square = a * a + b * b
    c = (square + 1e-12).sqrt()
    s = c / lightness.clamp_min(1e-4)
    hue = torch.atan2(b, torch.where(square < 1e-10, a + 1e-5, a)) * (HUES / (2 * math.pi)) % HUES
    wide = torch.cat([chroma, chroma[:, :, :1]], 2)  # hue goes round
    where = torch.stack(
        [
            (SATURATIONS * s / (s + BEND)) * (2 / (SATURATIONS - 1)) - 1,
            light * 2 - 1,
            hue * (2 / HUES) - 1,
        ],
        -1,
    )[:, None, None]
    by, turn, lift = F.grid_sample(wide, where, padding_mode="border", align_corners=True)[:, :, 0, 0].unbind(1)
    k = torch.exp2(by)
    cos, sin = torch.cos(turn) * k, torch.sin(turn) * k
    row = light.clamp(0, 1) * (LIGHTS - 1)
    i = row.detach().floor().clamp(0, LIGHTS - 2).long()
    toned = [torch.lerp(t.gather(1, i), t.gather(1, i + 1), row - i) for t in tint.unbind(1)]
    fade = lightness  # a tint is a share of the light
    return torch.stack(
        [lightness + lift * c, a * cos - b * sin + toned[0] * fade, a * sin + b * cos + toned[1] * fade], 1
    )


def fitted(rgb: torch.Tensor) -> torch.Tensor:
    """Linear colours (B, 3, N) led into the gamut on the line to grey of their luminance; gradients live on both sides."""
    y = (rgb * rgb.new_tensor(spaces.LUMA).view(1, 3, 1)).sum(1, keepdim=True)
    y = y.clamp(0, 1)
    colour = rgb - y
    reach = torch.maximum(
        colour.amax(1, keepdim=True) / (1 - y).clamp_min(1e-4), -colour.amin(1, keepdim=True) / y.clamp_min(1e-4)
    )
    over = (reach - tc.KNEE).clamp_min(0)
    room = 1 - tc.KNEE
    wanted = torch.where(over > 0, tc.KNEE + room * over / (room + over), reach)
    return y + colour * (wanted / reach.clamp_min(1e-6))


def lab(rgb: torch.Tensor) -> torch.Tensor:
    """Oklab of linear Rec.2020 (B, 3, N), with a slope that stays finite at black."""
    lms, mix, _, _ = spaces._oklab_matrices()
    cones = torch.einsum("ij,bjn->bin", lms.to(rgb), rgb)
    # the slope of a cube root at 0 is infinite, which gradients must not meet
    roots = (cones.abs() + 1e-9).pow(1 / 3) * cones.sign()
    return torch.einsum("ij,bjn->bin", mix.to(rgb), roots)


def rgb_of(lab: torch.Tensor) -> torch.Tensor:
    """The inverse of `lab`."""
    _, _, roots, rgb = spaces._oklab_matrices()
    return torch.einsum("ij,bjn->bin", rgb.to(lab), torch.einsum("ij,bjn->bin", roots.to(lab), lab).pow(3))


def apply(params: ToneParams, rgb: torch.Tensor, at: torch.Tensor, guide: torch.Tensor | float = 0.0) -> torch.Tensor:
    """SCENE pixels (B, 3, N), linear Rec.2020, to DISPLAY in [0, 1] but for rounding; differentiable in all parts.

    `at` (B, 2, N): x, y of each pixel in 0…1 of the whole picture.  `guide`: EV to add to the pixel's own light where the
    grid is read (an exposure by hand is taken off there, so that local work stays where it was).
    """
    luminance = (rgb * rgb.new_tensor(spaces.LUMA).view(1, 3, 1)).sum(1)
    light = stops(luminance) + params.gain[:, None]
    moved = light + local(params.grid, at, light + guide)
    v = curved(params.curve, moved)
    ratio = v.pow(3) / luminance.clamp_min(_FLOOR)
    carried = lab(rgb * ratio[:, None])
    return fitted(rgb_of(coloured(params.chroma, params.tint, carried, v)))
