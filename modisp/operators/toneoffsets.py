"""A style as offsets from the base network's finish, in parameter space: what a look adds, whatever the picture.

Each part is a short row of numbers, linear in a few facts of the picture, so that styles add up, scale by a strength, and are
fitted from few pictures:

- `gain` (5): EV, for the facts (1, middle, dark end, dark quarter, bright end) of `facts`.  A share of −1 on the middle takes
  automatic exposure out.
- `curve` (5 × 25): lightness at the knots, for the same facts.
- `grid` (1): share by which local work grows.
- `chroma` (864): added to the table of the colours.
- `tint` (12): added to the tints.
- `lamp` (144): added to the table of the colours, at all lightnesses, by how warm the light was (see `lamp_of`).  Programs know
  cameras by matrices of their own, and differ more by lamplight than by day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from modisp.color.white import kelvin_from_xy
from modisp.operators import tonemap
from modisp.operators.tonemap import ToneParams
from modisp.operators.toneview import Seen, centre

FACTS = 5
SIZES: Mapping[str, tuple[int, ...]] = {
    "gain": (FACTS,),
    "curve": (FACTS, tonemap.KNOTS),
    "grid": (1,),
    "chroma": tonemap.SHAPES["chroma"],
    "tint": tonemap.SHAPES["tint"],
    "lamp": (3, tonemap.HUES, 1, tonemap.SATURATIONS),
}
_DAY, _LAMP = 1e6 / 6504, 1e6 / 2856
"""Mireds of D65 and of a tungsten lamp."""


def lamp_of(light: Sequence[float] | None) -> float:
    """How warm the light (xy) was that became neutral: 0 by day, 1 in the light of a tungsten lamp, -0.5 … 1.5; 0 unknown."""
    if light is None:
        return 0.0
    return min(1.5, max(-0.5, (1e6 / kelvin_from_xy(light)[0] - _DAY) / (_LAMP - _DAY)))


def facts(seen: Seen) -> torch.Tensor:
    """(B, 5): 1, the middle of the picture's light (EV from middle grey / 4), and 2 %, 25 %, 98 % of its light round that / 4."""
    ends = seen.statistics
    return torch.stack([torch.ones_like(seen.middle), seen.middle / 4, ends[:, 0], ends[:, 1], ends[:, 3]], 1)


def facts_of(luminance: torch.Tensor) -> torch.Tensor:
    """The same `facts`, to 0.002 EV, from the luminance (128²,) of one view alone, at a tenth of the time: (5,)."""
    light = tonemap.stops(luminance).double().cpu().numpy()
    weight = centre().numpy().ravel()
    order = np.argsort(np.uint16(np.clip((light + 64.0) * 512.0, 0, 65535)), kind="stable")  # 16 bits sort quickly
    shares = np.cumsum(weight[order]) / weight.sum()
    at = np.searchsorted(shares, (0.02, 0.05, 0.25, 0.95, 0.98)).clip(max=len(light) - 1)
    dark, low, quarter, high, bright = light[order[at]]
    middle = float((np.clip(light, low, high) * weight).sum() / weight.sum())
    return torch.tensor([1.0, *((v / 4) for v in (middle, dark - middle, quarter - middle, bright - middle))])


@dataclass
class Offsets:
    """What a style adds to each part; shapes as in `SIZES`."""

    gain: torch.Tensor
    curve: torch.Tensor
    grid: torch.Tensor
    chroma: torch.Tensor
    tint: torch.Tensor
    lamp: torch.Tensor

    @classmethod
    def zeros(cls) -> Offsets:
        """No change."""
        return cls(*(torch.zeros(SIZES[f.name]) for f in fields(cls)))

    @classmethod
    def load(cls, rows: Mapping[str, Sequence[float]]) -> Offsets:
        """From plain numbers by part; parts that are missing or empty add nothing.  ValueError where a count is wrong."""
        out = {}
        for part, shape in SIZES.items():
            row = rows.get(part) or ()
            n = torch.Size(shape).numel()
            if row and len(row) != n:
                raise ValueError(f"the part {part} of a style has {n} numbers, not {len(row)}")
            out[part] = torch.tensor(row, dtype=torch.float32).view(shape) if row else torch.zeros(shape)
        return cls(**out)

    def nothing(self) -> bool:
        """Whether nothing is added to any part."""
        return not any(bool(getattr(self, f.name).any()) for f in fields(self))

    def dump(self, digits: int = 4) -> dict[str, tuple[float, ...]]:
        """Plain numbers by part; a part that adds nothing is empty."""
        rows = {f.name: tuple(round(v, digits) for v in getattr(self, f.name).flatten().tolist()) for f in fields(self)}
        return {part: row if any(row) else () for part, row in rows.items()}

    def on(self, base: ToneParams, known: torch.Tensor, lamp: torch.Tensor | float = 0.0) -> ToneParams:
        """The base's finish (a batch) with the style at full strength; `known`, `lamp` (B,): their `facts`, `lamp_of`."""
        warm = torch.as_tensor(lamp, dtype=known.dtype).view(-1, 1, 1, 1, 1)
        return ToneParams(
            base.gain + known @ self.gain,
            base.curve + known @ self.curve,
            base.grid * (1 + self.grid),
            base.chroma + self.chroma + warm * self.lamp,
            base.tint + self.tint,
        )
