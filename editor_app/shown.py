"""How a number is shown and typed: its factor, digits and unit, and where it stands on its slider.

Strengths are stored 0…1 and shown as 0…100; colour temperatures stand on the slider by their reciprocal, as the eye
takes them.  No Qt here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from editor_app.declared import ParamInfo
from editor_app.words import MINUS


@dataclass(frozen=True)
class Shown:
    """The public face of one number parameter."""

    p: ParamInfo

    @property
    def factor(self) -> float:
        """Shown value ÷ stored value."""
        small = max(abs(self.low), abs(self.high)) <= 2
        return 100.0 if small and (self.p.unit == "%" or (not self.p.unit and 0 < self.p.step < 0.1)) else 1.0

    @property
    def unit(self) -> str:
        """The unit's short name."""
        return self.p.unit

    @property
    def low(self) -> float:
        """Least stored value; a range is made up where none is declared."""
        return self.p.low if math.isfinite(self.p.low) else min(0.0, 2.0 * self.p.default - 1.0)

    @property
    def high(self) -> float:
        """Greatest stored value."""
        return self.p.high if math.isfinite(self.p.high) else max(1.0, 2.0 * self.p.default + 1.0)

    @property
    def step(self) -> float:
        """The stored value's step."""
        return self.p.step or (1.0 if isinstance(self.p.default, int) else (self.high - self.low) / 100)

    @property
    def digits(self) -> int:
        """Digits after the point."""
        return max(0, math.ceil(-math.log10(self.step * self.factor) - 1e-9))

    def text(self, v: float) -> str:
        """A stored value as it is written: a plus where zero is the middle, a true minus."""
        x = v * self.factor
        if round(x, self.digits) == 0:
            x = 0.0
        signed = self.low < 0 and x
        return (f"{x:+.{self.digits}f}" if signed else f"{x:.{self.digits}f}").replace("-", MINUS)

    def parse(self, words: str, now: float) -> float | None:
        """What was typed, as a stored value (not yet clamped); None where it is no number.

        `+=5`, `-=5`, `*2` and `/2` go from the present value, and so do `+5` and `-5` where the range has no negatives.
        """
        text = words.strip().replace(MINUS, "-").replace(",", ".").replace(" ", "").rstrip("%°")
        found = re.fullmatch(r"(\+=|-=|\*|/|)([+-]?(?:\d+\.?\d*|\.\d+))", text)
        if not found:
            return None
        how, number = found.group(1), float(found.group(2))
        if how == "*":
            return now * number
        if how == "/":
            return now / number if number else None
        if how or (self.low >= 0 and text[0] in "+-"):
            return now + (-number if how == "-=" else number) / self.factor
        return number / self.factor

    def clamp(self, v: float, snap: bool = True) -> float:
        """The nearest allowed value; snapped to the declared step (counted from zero)."""
        if snap:
            v = round(round(v / self.step) * self.step, 10)
        v = min(max(v, self.low), self.high)
        return round(v) if isinstance(self.p.default, int) else float(v)

    def place(self, v: float) -> float:
        """Where a stored value stands on the slider, 0…1."""
        if self.p.unit == "K" and self.low > 0:
            return (1 / self.low - 1 / v) / (1 / self.low - 1 / self.high)
        return (v - self.low) / (self.high - self.low)

    def at(self, place: float) -> float:
        """The inverse of `place`."""
        place = min(max(place, 0.0), 1.0)
        if self.p.unit == "K" and self.low > 0:
            return 1 / (1 / self.low - place * (1 / self.low - 1 / self.high))
        return self.low + place * (self.high - self.low)
