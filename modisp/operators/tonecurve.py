"""The tone curve from scene to display and back, and how colour follows it: the shared home of both directions.

Scene luminance is counted in stops (EV) from middle grey (0.18).  The curve is the log-logistic (Naka-Rushton) family
y = x^a / (x^a + c), x in units of middle grey, scaled so that x = 1 gives 0.18 and the scene's white gives exactly 1,
with a toe that lets the slope in log-log fall back to about one in deep shadow.  Colour keeps its direction from the
grey axis: display = y + A·(scene − luminance), so greys stay grey to the last bit and hue does not skew; the chroma
falls with the curve's own slope, and `compress` leads what would leave the gamut smoothly towards white or black.

Sources: Naka & Rushton 1966, J. Physiol. 185; Reinhard & Devlin 2005, IEEE TVCG 11(1); CIE 15:2004 for L*.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from modisp.color import transfer
from modisp.color.spaces import LUMA
from modisp.native import F, bits, kernel, less, more, unit
from modisp.operators.curves import monotone_cubic as monotone_cubic

Array = npt.NDArray[np.float64]

GREY = 0.18
WHITE = 3.5
"""EV above middle grey that reaches display white where nothing was measured."""
NEAREST = 1.9
"""The least `white`, in EV: nearer to middle grey the curve would be no S any more."""
SLOPE = 1.5  # a: slope in log-log far below the shoulder; 1.25 at middle grey, as camera pictures have it
TOE_START, TOE_EASE = -1.0, 0.32  # below this EV the slope eases towards SLOPE·(1 − TOE_EASE)
CHROMA = 0.5  # how much of the curve's slope the chroma follows: 1 as separate R, G, B curves do, 0 not at all
KNEE = 0.8  # chroma up to this share of the way to the gamut's edge is untouched
BLUE = 0.12  # how much red is traded for green where blue loses its chroma on the way to white
STRIP = 1 << 18  # pixels worked on at a time, so that intermediate results stay in the cache
_KNEE, _ROOM, _BLUE, _MOST, _RED_BY_GREEN = F(KNEE), F(1 - KNEE), F(BLUE), F(0.985), F(LUMA[0] / LUMA[1])
_NONE, _ONE, _TWO, _THREE, _DARK = F(0), F(1), F(2), F(3), F(1e-6)
_LUMA = tuple(F(v) for v in LUMA)
HELD, NEVER, _LEFT, _TINY = F(0.25), F(1e9), F(0.5), F(1e-36)

_FIRST, _LAST, _BITS = -18, 8, 6  # a table covers 2^-18 … 2^8 with 2^6 straight pieces per octave
_SHIFT = 23 - _BITS
_OFFSET = (127 + _FIRST) << _BITS
_PIECES = (_LAST - _FIRST) << _BITS


def hinge(u: Array) -> Array:
    """0 below 0, u²/(1 + u) above: a bend without a corner, whose slope goes from 0 to 1."""
    v = np.maximum(u, 0.0)
    return v * v / (1.0 + v)


def ramp(x: Array, low: float, high: float) -> Array:
    """0 up to `low`, 1 from `high`, a smooth cubic between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def display(stops: Array, white: float = WHITE) -> Array:
    """Display luminance, [0, 1], of scene luminance in EV from middle grey; it reaches 1 at `white` (EV, at least NEAREST)."""
    top = 2.0 ** (SLOPE * white)
    c = (1.0 - GREY) / (GREY - 1.0 / top)
    x = np.exp2(SLOPE * np.clip(stops + TOE_EASE * hinge(TOE_START - stops), -60.0, white))
    return np.asarray(x / (x + c) * ((top + c) / top))


def chroma(y: Array) -> Array:
    """The factor on chroma (relative to luminance) at display luminance `y`: above 1 in mid-tones, falling to white."""
    return 1.0 + CHROMA * (SLOPE * (1.0 - np.clip(y, GREY, 1.0)) - 1.0)


def lightness(y: Array) -> Array:
    """CIE L*/100 of luminance `y` (white 1)."""
    return np.where(y > 216 / 24389, 1.16 * np.cbrt(y) - 0.16, y * 9.032963)


def luminance(lightness: Array) -> Array:
    """The inverse of `lightness`."""
    return np.where(lightness > 0.08, ((lightness + 0.16) / 1.16) ** 3, lightness / 9.032963)


def nodes() -> Array:
    """Where a `Table` is to be given its values: 0, then 2^-18 … 2^8 in steps that are even within each octave."""
    octaves = np.repeat(np.exp2(np.arange(_FIRST, _LAST, dtype=np.float64)), 1 << _BITS)
    parts = np.tile(1.0 + np.arange(1 << _BITS) / (1 << _BITS), _LAST - _FIRST)
    return np.concatenate([[0.0], (octaves * parts)[1:], [2.0**_LAST]])


@dataclass(frozen=True, eq=False)
class Table:
    """Functions of one positive number, given at `nodes()` and straight between, constant above; found by float bits."""

    start: torch.Tensor  # (functions, pieces)
    slope: torch.Tensor

    @classmethod
    def of(cls, *values: Array) -> Table:
        """A table of functions whose values at `nodes()` are given."""
        x = nodes()
        y = np.stack(values)
        slope = np.diff(y) / np.diff(x)
        start = y[:, :-1] - slope * x[:-1]
        start[:, -1], slope[:, -1] = y[:, -2], 0.0
        return cls(torch.from_numpy(start.astype(np.float32)), torch.from_numpy(slope.astype(np.float32)))

    def to(self, device: Any) -> Table:
        """The table on `device`."""
        return Table(self.start.to(device), self.slope.to(device))

    def __call__(self, x: torch.Tensor) -> list[torch.Tensor]:
        """The functions at `x` (N,), float32, contiguous; below 0 the first straight piece goes on."""
        where = x.view(torch.int32).bitwise_right_shift(_SHIFT).sub_(_OFFSET).clamp_(0, _PIECES - 1)
        return [
            torch.index_select(s, 0, where).mul_(x).add_(torch.index_select(p, 0, where))
            for p, s in zip(self.start, self.slope, strict=True)
        ]


@lru_cache(maxsize=8)
def transfer_tables(space: str) -> tuple[Table, Table]:
    """The transfer function of `space` and its inverse: within 2e-5 of the curves from 0 up, at a quarter of the time."""
    x = torch.from_numpy(nodes())
    return Table.of(transfer.encode(space, x).numpy()), Table.of(transfer.decode(space, x).numpy())


def luma(rgb: torch.Tensor) -> torch.Tensor:
    """Luminance (N,) of linear Rec.2020 (3, N)."""
    return torch.mul(rgb[0], LUMA[0]).add_(rgb[1], alpha=LUMA[1]).add_(rgb[2], alpha=LUMA[2])


@kernel
def piece(x: Any) -> Any:
    """Which straight piece of a `Table` a positive float32 lies on; the first below 0."""
    return np.uint32(min(max((bits(x) >> _SHIFT) - _OFFSET, 0), _PIECES - 1))


@kernel
def light(r: Any, g: Any, b: Any) -> Any:
    """Luminance of one colour of linear Rec.2020: `luma` within kernels."""
    return _LUMA[0] * r + _LUMA[1] * g + _LUMA[2] * b


@kernel
def sound(r: Any, g: Any, b: Any, held: Any) -> Any:
    """A colour of linear Rec.2020 with so much luminance as there can be to it.

    Matrices lead the light of deep blue lamps to negative green, and its luminance below nothing; what follows luminance would
    then magnify such blues beyond measure.  Where negative parts take more than `held` (`HELD`; `NEVER`) of the luminance of
    the positive ones, they are held back, smoothly, to half of it more at the most.  Exposure does not matter; colours of the
    gamut stay as they are.
    """
    there = light(more(r, _NONE), more(g, _NONE), more(b, _NONE))
    gone = there - light(r, g, b)
    over = more(gone - held * there, _NONE)  # goes to held + _LEFT
    kept = _ONE - over * over / more((over + _LEFT * there) * gone, _TINY)
    return r if r > _NONE else r * kept, g if g > _NONE else g * kept, b if b > _NONE else b * kept


@kernel
def reach(r: Any, g: Any, b: Any, y: Any) -> Any:
    """How far a colour lies on the way from grey to the gamut's edge (1 = on it).

    (r, g, b) is its difference from the grey of the same luminance, `y` that luminance in [0, 1].
    """
    return more(more(more(r, g), b) / more(_ONE - y, _DARK), -less(less(r, g), b) / more(y, _DARK))


@kernel
def contain(r: Any, g: Any, b: Any) -> Any:
    """A colour of linear Rec.2020 led into [0, 1], towards the grey of its luminance; those inside are not touched."""
    y = unit(light(r, g, b))
    kept = _ONE / more(reach(r - y, g - y, b - y, y), _ONE)
    return (
        r if kept >= _ONE else unit((r - y) * kept + y),
        g if kept >= _ONE else unit((g - y) * kept + y),
        b if kept >= _ONE else unit((b - y) * kept + y),
    )


@kernel
def _trade(r: Any, g: Any, b: Any, amount: Any) -> Any:
    """Trade red of blue colours for green of the same luminance, by `amount` of their blueness: (r, g, b).

    On a straight line to white blue looks ever more violet (Abney's effect); this bends the line.
    """
    rival = more(g, _THREE * r - _TWO * g)
    excess = more(b - rival, _NONE) * amount
    return r - excess, g + excess * _RED_BY_GREEN, b


@kernel
def compress(r: Any, g: Any, b: Any, y: Any) -> Any:
    """A colour (its difference from the grey of luminance `y`) inside the gamut: `KNEE` and less of the way stays, all else lands
    below the edge."""
    way = reach(r, g, b, y)
    over = more(way - _KNEE, _NONE)
    # way → KNEE + w·over/(w + over) with w = 1 − KNEE; exactly 1 as a factor where over is 0
    lost = over * over / (more(way, _KNEE) * (over + _ROOM))
    kept = _ONE - lost
    return _trade(r * kept, g * kept, b * kept, lost * _BLUE)


@kernel
def expand(r: Any, g: Any, b: Any, y: Any) -> Any:
    """The inverse of `compress`, but for a trace in the strongest blues; `y` in [0, 1].

    Colours beyond `_MOST` of the way are taken as that, which bounds the result.
    """
    way = more(reach(r, g, b, y), _KNEE)
    over = less(way, _MOST) - _KNEE
    r, g, b = _trade(r, g, b, less(way / (over * _ROOM / (_ROOM - over) + _KNEE) - _ONE, _NONE) * _BLUE)
    way = more(reach(r, g, b, y), _KNEE)
    over = less(way, _MOST) - _KNEE
    grown = (over * _ROOM / (_ROOM - over) + _KNEE) / way
    return r * grown, g * grown, b * grown
