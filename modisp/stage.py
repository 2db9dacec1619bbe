"""What a stage is: declared parameters, a state read, a state written, and up to four pure functions.

To add a stage, add one file to `modisp/stages`, to the user's plug-in folder, or to a package that names it under the
entry-point group `modisp.stages`.  Everything else (panel, command line, sidecar, docs, laws) is drawn from here.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar, Self, dataclass_transform

import torch

from modisp.image import Frame, Image, Metadata, State
from modisp.parameter import Param, param
from modisp.probe import Cancelled, Candidate, Probe, Reading, cancellable, checkpoint

__all__ = [
    "BROKEN",
    "Cancelled",
    "Candidate",
    "Param",
    "Parts",
    "Probe",
    "Reading",
    "Stage",
    "cancellable",
    "checkpoint",
    "list_stages",
    "load_plugin",
    "param",
]

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
    "defringe",
    "presence",
    "halation",
    "curves",
    "mixer",
    "grading",
    "look",
    "detail",
    "geometry",
    "vignette",
    "grain",
    "output",
]


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
    - `tile`, `infer_halo`: how `infer` is tiled, in full-size pixels;
    - `straight`: names of parameters that the resulting samples are straight in (drags can be drafted, see `modisp.draft`);
    - `ready`: the part of `infer` that is the result as it stands, where there is nothing left to `process`.

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
    ready: ClassVar[str]
    straight: ClassVar[tuple[str, ...]]
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
        ready: str = "",
        straight: tuple[str, ...] = (),
        name: str = "",
    ) -> None:
        cls.slot, cls.reads, cls.writes, cls.version, cls.many = slot, reads, writes, version, many
        cls.seen_by_measure, cls.tile, cls.infer_halo = seen_by_measure, tile, infer_halo
        cls.name = name or cls.__module__.rsplit(".", 1)[-1]
        cls.ready, cls.straight = ready, straight
        cls.title, cls.group = title or cls.name.replace("_", " ").capitalize(), group
        cls.raw_zone = raw_zone or reads.on_lattice
        Stage.registry[cls.name] = dataclass(frozen=True)(cls)

    def __post_init__(self) -> None:
        for key, p in self.params().items():
            object.__setattr__(self, key, p.check(f"{self.name}.{key}", getattr(self, key)))

    @classmethod
    def params(cls) -> dict[str, Param]:
        """The declared parameters by name, in order."""
        return dict(_declared(cls))  # type: ignore[arg-type]

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

        Called on tiles that start on the CFA lattice, with `around` pixels around; runs at full size only.
        """
        return None

    def around(self, meta: Metadata) -> int:
        """How many pixels round a tile `infer` needs: `infer_halo`, unless it depends on parameters or the picture."""
        return self.infer_halo

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """The pixels of the result, (C, H, W) float32, same height and width as `image`, any tile, region or scale.

        Parts that come from a cache are float16.
        """
        if not self.ready:
            raise TypeError(f"{self.name} does not override process")
        if parts is None:
            raise TypeError(f"{self.name}.process needs the parts that infer made")
        return parts[self.ready].float()

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
    def volunteers(cls, meta: Metadata) -> bool:
        """Whether the stage is taken by default where it accepts; others wait until they are asked for."""
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
        out = self._pixels(image, reading, parts)
        top, left = frame.within(image.frame)
        return out[:, top : top + frame.size[0], left : left + frame.size[1]]

    def _pixels(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """What `process` makes; where it fails in a way that it did not mean to, the error names the stage."""
        try:
            out: Any = self.process(image, reading, parts)
        except (Cancelled, ValueError, OSError, MemoryError):
            raise
        except (Exception, SystemExit) as e:
            raise RuntimeError(f"the stage {self.name} failed: {type(e).__name__}: {e}") from e
        want = (self.writes.channels or image.pixels.shape[0], image.height, image.width)
        if not isinstance(out, torch.Tensor) or out.shape != want:
            found = (
                f"pixels of shape {tuple(out.shape)}" if isinstance(out, torch.Tensor) else f"a {type(out).__name__}"
            )
            raise ValueError(f"the stage {self.name} is to give pixels of shape {want}, and gave {found}")
        return out

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
        return self.reads is self.writes and bool(self.params()) and self == _neutral(self)


@lru_cache(maxsize=512)
def _declared(cls: type[Stage]) -> dict[str, Param]:
    return {f.name: f.metadata["param"] for f in fields(cls) if "param" in f.metadata}  # type: ignore[arg-type]


@lru_cache(maxsize=512)
def _neutral(stage: Stage) -> Stage:
    return stage.neutral()


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
    except (Exception, SystemExit) as e:  # a script that ends must not end modisp with it
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
            except (Exception, SystemExit) as why:
                BROKEN[e.name] = f"{type(why).__name__}: {why}"
        for path in sorted(plugin_folder().glob("*.py")):
            try:
                load_plugin(path)
            except ImportError as why:
                BROKEN[str(path)] = str(why)
    return dict(Stage.registry)
