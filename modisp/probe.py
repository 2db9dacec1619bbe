"""How a stage sees the whole picture once, and what it finds there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from modisp.image import LATTICE, Frame, Image, Metadata, Rect, State


class Cancelled(Exception):
    """The caller asked for the work to stop; nothing was kept of it."""


_cancel: ContextVar[Callable[[], bool] | None] = ContextVar("cancel", default=None)


def checkpoint() -> None:
    """Raise `Cancelled` if the caller has asked to stop; long stages call it every few dozen milliseconds."""
    ask = _cancel.get()
    if ask is not None and ask():
        raise Cancelled


@contextmanager
def cancellable(ask: Callable[[], bool] | None) -> Iterator[None]:
    """Within, `checkpoint` raises `Cancelled` as soon as `ask()` is true."""
    token = _cancel.set(ask)
    try:
        yield
    finally:
        _cancel.reset(token)


@dataclass(frozen=True)
class Candidate:
    """One possible answer of a measurement: parameter values that would choose it, and a confidence in 0…1."""

    values: Mapping[str, Any]
    confidence: float
    words: str = ""


@dataclass(frozen=True)
class Reading:
    """What a stage measured on the whole picture: plain JSON data by name, and ranked candidates (best first)."""

    values: Mapping[str, Any] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()

    def dump(self) -> dict[str, Any]:
        """Plain JSON data."""
        rows = [{"values": dict(c.values), "confidence": c.confidence, "words": c.words} for c in self.candidates]
        return {"values": dict(self.values), **({"candidates": rows} if rows else {})}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Reading:
        """The inverse of `dump`."""
        return cls(dict(data.get("values", {})), tuple(Candidate(**c) for c in data.get("candidates", ())))


class Probe:
    """How `measure` looks at the whole picture that its stage will be given.

    `fetch(frame)` returns the stage's input for any frame: full-size windows, or (not for CFA samples) reduced views,
    antialiased by area averaging.
    """

    def __init__(self, meta: Metadata, full: tuple[int, int], state: State, fetch: Callable[[Frame], Image]) -> None:
        self.meta, self.full, self.state, self.fetch = meta, full, state, fetch

    @classmethod
    def of(cls, image: Image) -> Probe:
        """A probe over one finished image (taken as the whole picture)."""
        from modisp.resample import resize_image

        whole = replace(image, frame=Frame.whole(image.height, image.width))

        def fetch(frame: Frame) -> Image:
            return whole.cut(frame) if frame.pitch == (1.0, 1.0) else resize_image(whole, frame)

        return cls(image.meta, whole.frame.full, image.state, fetch)

    @property
    def area(self) -> Rect:
        """The part that counts: DefaultCrop where it lies inside the picture, else everything."""
        c = self.meta.crop
        if c and c[0] >= 0 and c[1] >= 0 and c[0] + c[2] <= self.full[1] and c[1] + c[3] <= self.full[0]:
            return float(c[0]), float(c[1]), float(c[2]), float(c[3])
        return 0.0, 0.0, float(self.full[1]), float(self.full[0])

    def thumb(self, long_edge: int = 512) -> Image:
        """The whole picture (inside `area`), its long edge at most `long_edge` pixels.  Not for CFA samples."""
        if self.state.on_lattice:
            raise TypeError("a mosaic has no thumbnail: use patches")
        x, y, w, h = self.area
        s = min(1.0, long_edge / max(w, h))
        return self.fetch(Frame(self.full, (x, y, w, h), (max(1, round(h * s)), max(1, round(w * s)))))

    def patches(self, size: int = 240, count: int = 25) -> list[Image]:
        """Up to `count` full-size windows of `size`² pixels, evenly spread, starting on the CFA lattice."""
        x, y, w, h = (int(v) for v in self.area)
        n = max(1, math.isqrt(count))
        out = []
        for start_y in _starts(y, h, size, n, LATTICE):
            for start_x in _starts(x, w, size, n, LATTICE):
                checkpoint()
                rows, cols = min(size, self.full[0] - start_y), min(size, self.full[1] - start_x)
                rect = (float(start_x), float(start_y), float(cols), float(rows))
                out.append(self.fetch(Frame(self.full, rect, (rows, cols))))
        return out

    def patch(self, rect: Rect) -> Image:
        """The full-size pixels of (x, y, width, height), cut to the picture; for CFA samples widened to the lattice."""
        g = LATTICE if self.state.on_lattice else 1
        x0 = min(max(0, math.floor(rect[0] / g) * g), (self.full[1] - 1) // g * g)
        y0 = min(max(0, math.floor(rect[1] / g) * g), (self.full[0] - 1) // g * g)
        x1 = min(self.full[1], max(x0 + 1, math.ceil(rect[0] + rect[2])))
        y1 = min(self.full[0], max(y0 + 1, math.ceil(rect[1] + rect[3])))
        return self.fetch(Frame(self.full, (float(x0), float(y0), float(x1 - x0), float(y1 - y0)), (y1 - y0, x1 - x0)))


def _starts(origin: int, length: int, size: int, n: int, lattice: int) -> list[int]:
    room = max(0, length - size)
    first = math.ceil(origin / lattice) * lattice if length > lattice else origin // lattice * lattice
    steps = {first + round(room * i / max(1, n - 1)) // lattice * lattice for i in range(n)}
    return sorted(s for s in steps if s < origin + length)
