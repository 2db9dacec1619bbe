"""What a stage is: declared parameters, a state read, a state written, and up to four pure functions.

To add a stage, add one file to `modisp/stages`, to the user's plug-in folder, or to a package that names it under the
entry-point group `modisp.stages`.  Everything else (panel, command line, sidecar, docs, laws) is drawn from here.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Self, dataclass_transform

import torch

from modisp.image import LATTICE, Frame, Image, Metadata, Rect, State

KINDS = ("number", "switch", "choice", "curve", "colour", "rect", "points", "mask", "file", "text")

SLOTS = [
    "input",
    "defects",
    "restore",
    "demosaic",
    "highlights",
    "lens",
    "white_balance",
    "color_correct",
    "exposure",
    "tone",
    "look",
    "detail",
    "geometry",
    "output",
]


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
class Param:
    """How one parameter may be set; editor rows, options and docs are drawn from this.

    Values by kind: number: float (or int, where the default is one); switch: bool; choice: one of `choices`; curve: tuple
    of (x, y) with rising x; colour: (r, g, b); rect: (x, y, width, height) or (); points, mask: tuple of tuples of
    numbers; file, text: str.  `inference` marks what `measure` and `infer` may look at.
    """

    kind: str
    default: Any
    low: float = -math.inf
    high: float = math.inf
    step: float = 0.0
    unit: str = ""
    label: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()
    group: str = ""
    advanced: bool = False
    inference: bool = False

    def check(self, where: str, v: Any) -> Any:
        """`v` in its stored form; ValueError with one sentence where it does not fit."""
        if self.kind == "number":
            if isinstance(v, bool) or not isinstance(v, int | float) or not math.isfinite(v):
                raise ValueError(f"{where} is a number, not {v!r}")
            if not self.low <= v <= self.high:
                raise ValueError(f"{where} lies in [{self.low:g}, {self.high:g}], not {v:g}")
            if isinstance(self.default, int):
                if v != int(v):
                    raise ValueError(f"{where} is a whole number, not {v!r}")
                return int(v)
            return float(v)
        if self.kind == "switch":
            if not isinstance(v, bool):
                raise ValueError(f"{where} is true or false, not {v!r}")
            return v
        if self.kind in ("choice", "file", "text"):
            if not isinstance(v, str):
                raise ValueError(f"{where} is a text, not {v!r}")
            if self.kind == "choice" and v not in self.choices:
                raise ValueError(f"{where} is one of {', '.join(self.choices)}, not {v!r}")
            return v
        return self._check_numbers(where, v)

    def _check_numbers(self, where: str, v: Any) -> Any:
        flat = self.kind in ("rect", "colour")
        if not isinstance(v, list | tuple):
            raise ValueError(f"{where} is a list of numbers, not {v!r}")
        rows = [v] if flat else v
        for row in rows:
            if not isinstance(row, list | tuple) or not all(
                isinstance(i, int | float) and not isinstance(i, bool) and math.isfinite(i) for i in row
            ):
                raise ValueError(f"{where} is made of finite numbers, not {v!r}")
        out = tuple(tuple(float(i) for i in row) for row in rows)
        want = {"rect": (0, 4), "colour": (3,), "curve": (2,), "points": (2,)}.get(self.kind)
        if want and any(len(row) not in want for row in out):
            raise ValueError(f"{where} needs {want[-1]} numbers {'in all' if flat else 'a point'}, not {v!r}")
        if self.kind == "rect" and len(out[0]) == 4 and (out[0][2] <= 0 or out[0][3] <= 0):
            raise ValueError(f"{where} needs a width and a height above zero, not {v!r}")
        if self.kind == "curve" and (len(out) < 2 or any(a[0] >= b[0] for a, b in pairwise(out))):
            raise ValueError(f"{where} needs two points or more, with rising x, not {v!r}")
        return out[0] if flat else out


def param(
    default: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    help: str,
    kind: str = "",
    step: float = 0.0,
    unit: str = "",
    label: str = "",
    choices: tuple[str, ...] = (),
    group: str = "",
    advanced: bool = False,
    inference: bool = False,
) -> Any:
    """Declare a parameter of a stage.  The kind follows from the default (number, switch, choice) unless it is named."""
    if not kind:
        if isinstance(default, bool):
            kind = "switch"
        elif isinstance(default, int | float):
            kind = "number"
        elif choices:
            kind = "choice"
        else:
            raise TypeError(f"name the kind of a parameter whose default is {default!r}: one of {', '.join(KINDS)}")
    p = Param(kind, default, low, high, step, unit, label, help, choices, group, advanced, inference)
    return field(default=default, metadata={"param": p})


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


Parts = Mapping[str, torch.Tensor] | None


@dataclass_transform(frozen_default=True, field_specifiers=(param,))
class Stage:
    """One step of the development.

    A subclass is a frozen dataclass of its parameters.  Its class line says which `slot` it fills (stages of one slot can
    stand in for each other; several slots may be named, separated by spaces), the state it `reads` and `writes`, and

    - `version`: raised whenever the same parameters make other pixels (with a migration, see `migrate`);
    - `many`: a recipe may hold several entries of it;
    - `seen_by_measure=False`: automatic readings of later stages ignore it (what a hand does must not be undone);
    - `title`: words for people, `group`: the photographer's group that its panel belongs to;
    - `tile`, `infer_halo`: how `infer` is tiled, in full-size pixels.

    It overrides only what it needs of `measure`, `infer`, `process` and `describe`.  All are pure: same image, same
    parameters, same result; the input is never written to.
    """

    name: ClassVar[str]
    slot: ClassVar[str]
    reads: ClassVar[State]
    writes: ClassVar[State]
    version: ClassVar[int]
    many: ClassVar[bool]
    seen_by_measure: ClassVar[bool]
    title: ClassVar[str]
    group: ClassVar[str]
    raw_zone: ClassVar[bool]
    tile: ClassVar[int]
    infer_halo: ClassVar[int]
    registry: ClassVar[dict[str, type[Stage]]] = {}

    def __init_subclass__(
        cls,
        *,
        slot: str,
        reads: State,
        writes: State,
        version: int = 1,
        many: bool = False,
        seen_by_measure: bool = True,
        title: str = "",
        group: str = "",
        raw_zone: bool = False,
        tile: int = 768,
        infer_halo: int = 0,
        name: str = "",
    ) -> None:
        cls.slot, cls.reads, cls.writes, cls.version, cls.many = slot, reads, writes, version, many
        cls.seen_by_measure, cls.tile, cls.infer_halo = seen_by_measure, tile, infer_halo
        cls.name = name or cls.__module__.rsplit(".", 1)[-1]
        cls.title, cls.group = title or cls.name.replace("_", " ").capitalize(), group
        cls.raw_zone = raw_zone or reads.on_lattice
        Stage.registry[cls.name] = dataclass(frozen=True)(cls)

    def __post_init__(self) -> None:
        for key, p in self.params().items():
            object.__setattr__(self, key, p.check(f"{self.name}.{key}", getattr(self, key)))

    @classmethod
    def params(cls) -> dict[str, Param]:
        """The declared parameters by name, in order."""
        return {f.name: f.metadata["param"] for f in fields(cls) if "param" in f.metadata}  # type: ignore[arg-type]

    def values(self, inference_only: bool = False) -> dict[str, Any]:
        """The parameter values by name."""
        return {k: getattr(self, k) for k, p in self.params().items() if p.inference or not inference_only}

    def with_values(self, **values: Any) -> Self:
        """The same stage with some parameters changed; ValueError where a value does not fit."""
        return replace(self, **values)  # type: ignore[type-var]  # subclasses are dataclasses

    # --- what a stage overrides -----------------------------------------------------------------------------------

    def measure(self, probe: Probe) -> Reading:
        """See the whole picture once.  May look at parameters declared `inference=True` only."""
        return Reading()

    def infer(self, image: Image, reading: Reading) -> Parts:
        """Named tensors (C, H, W) computed in place by something slow; cached.  Same rule for parameters.

        Called on tiles that start on the CFA lattice, with `infer_halo` around; runs at full size only.
        """
        return None

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """The pixels of the result, (C, H, W) float32, same height and width as `image`, any tile, region or scale."""
        raise TypeError(f"{self.name} does not override process")

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """The metadata of the result."""
        return meta

    def halo(self, scale: float) -> int:
        """How many pixels round an output pixel `process` needs of an input at `scale`, in pixels of that input."""
        return 0

    def neutral(self) -> Self:
        """The same stage set so that it does nothing (where it reads what it writes)."""
        return type(self)()

    def weights_digest(self) -> str:
        """Content digest of the weights that the stage will use; "" for closed forms."""
        return ""

    @classmethod
    def accepts(cls, meta: Metadata) -> bool:
        """Whether the stage can serve a picture of this kind (its CFA, say); decides among a slot's defaults."""
        return True

    @classmethod
    def migrate(cls, version: int, values: dict[str, Any]) -> dict[str, Any]:
        """Parameter values saved by `version` (older than `cls.version`), brought up to date."""
        return values

    # --- what a geometric stage overrides besides ------------------------------------------------------------------

    def full_size(self, full: tuple[int, int], meta: Metadata) -> tuple[int, int]:
        """(height, width) of the full-size result for a full-size input of `full`."""
        return full

    def needs(self, frame: Frame, full: tuple[int, int], meta: Metadata) -> Frame:
        """The frame of the input (full size `full`, metadata `meta`) from which the output `frame` can be made."""
        return frame.grow(self.halo(frame.scale))

    def place(self, image: Image, reading: Reading, parts: Parts, frame: Frame) -> torch.Tensor:
        """The pixels of the output `frame` from an input that covers `needs(frame)`."""
        out = self.process(image, reading, parts)
        top, left = frame.within(image.frame)
        return out[:, top : top + frame.size[0], left : left + frame.size[1]]

    # --- what everybody may call -------------------------------------------------------------------------------------

    def __call__(self, image: Image) -> Image:
        """Run the stage on one whole image: measure, infer, process, describe."""
        if image.state is not self.reads:
            raise TypeError(f"{self.name} reads {self.reads.name}, but was given {image.state.name}")
        full = (image.height, image.width)
        whole = replace(image, frame=Frame.whole(*full)) if image.frame.is_whole else image
        reading = self.measure(Probe.of(whole))
        parts = self.infer(whole, reading)
        frame = whole.frame
        if whole.frame.is_whole:
            frame = Frame.whole(*self.full_size(full, image.meta))
        pixels = self.place(whole, reading, parts, frame)
        meta = replace(self.describe(image.meta, reading), done="")
        if frame == whole.frame and image.frame.is_whole:
            frame = image.frame
        return Image(pixels, self.writes, meta, frame)

    def is_neutral(self) -> bool:
        """Whether the stage, as it is set, does nothing.  A stage without parameters always does something."""
        return self.reads is self.writes and bool(self.params()) and self == self.neutral()


BROKEN: dict[str, str] = {}
"""Plug-ins that could not be loaded: where they are → why."""


def load_plugin(path: Path) -> list[type[Stage]]:
    """Import one file of stages; returns the stages that it defines.  Raises ImportError with one sentence."""
    before = dict(Stage.registry)
    name = f"modisp_plugins.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"{path} is not a Python file with a stage in it")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as e:
        Stage.registry.clear()
        Stage.registry.update(before)
        del sys.modules[name]
        raise ImportError(f"{path.name} could not be loaded: {type(e).__name__}: {e}") from e
    return [c for n, c in Stage.registry.items() if before.get(n) is not c]


_discovered = False


def list_stages() -> dict[str, type[Stage]]:
    """Every stage by name: those of modisp, of entry points in the group `modisp.stages`, and of the plug-in folder."""
    global _discovered
    if not _discovered:
        _discovered = True
        import modisp.stages
        from modisp.resources import plugin_folder

        for m in pkgutil.iter_modules(modisp.stages.__path__):
            importlib.import_module(f"modisp.stages.{m.name}")
        for e in entry_points(group="modisp.stages"):
            try:
                e.load()
            except Exception as why:
                BROKEN[e.name] = f"{type(why).__name__}: {why}"
        for path in sorted(plugin_folder().glob("*.py")):
            try:
                load_plugin(path)
            except ImportError as why:
                BROKEN[str(path)] = str(why)
    return dict(Stage.registry)
