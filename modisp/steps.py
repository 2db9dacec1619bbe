"""One stage of a run, and which frames it needs of what comes before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from modisp.cache import key_of
from modisp.image import LATTICE, Frame, Image, Metadata, State
from modisp.keys import identity
from modisp.resample import resize_image
from modisp.stage import Reading, Stage
from modisp.tiles import tiles_of

LARGEST = 1536  # pixels: tiles are made no larger than this, whatever they need


@dataclass
class Step:
    """One stage of a run, with what is known before it: metadata, full size and key of its input."""

    id: str
    stage: Stage
    meta: Metadata
    full: tuple[int, int]
    key: str
    seen_key: str  # of the input as automatic readings see it
    reading: Reading
    meta_after: Metadata
    full_after: tuple[int, int]
    loose: str = ""  # of the input wherever straight parameters stand (see `modisp.draft`)
    key_after: str = ""  # of its result

    @property
    def infer_key(self) -> str:
        """The key of what its stage's `infer` makes."""
        return key_of("infer", self.key, *identity(self.stage, inference=True), self.reading.dump())


def snap(frame: Frame, state: State) -> Frame:
    """A frame widened so that it starts on the CFA lattice, where the state asks for it."""
    if not state.on_lattice:
        return frame
    top, left = (int(v) % LATTICE for v in (frame.rect[1], frame.rect[0]))
    return frame.cut(-top, -left, frame.size[0] + top, frame.size[1] + left)


def grid(tile: int) -> int:
    """A tile's edge that stays on the CFA lattice."""
    return max(1, tile // LATTICE) * LATTICE


def slow_work(stage: Stage, full: tuple[int, int]) -> int:
    """Units of work of a stage's `infer` on a whole picture: four for each tile; 0 where there is none."""
    return 0 if type(stage).infer is Stage.infer else 4 * len(tiles_of(Frame.whole(*full), grid(stage.tile)))


def work(stages: Sequence[Stage], full: tuple[int, int], tile: int) -> int:
    """Units of work of a development: the tiles of each zone, and what is slow."""
    stages = [s for s in stages if not s.is_neutral()]
    zones = len({s.raw_zone for s in stages})
    return zones * len(tiles_of(Frame.whole(*full), tile)) + sum(slow_work(s, full) for s in stages)


def needs(step: Step, frame: Frame) -> Frame:
    """The frame of a step's input from which its output `frame` can be made."""
    return snap(step.stage.needs(frame, step.full, step.meta), step.stage.reads)


def reach(step: Step, frame: Frame) -> int:
    """How many rows round those that it gives a step reads, in the middle of a frame; 0 where it moves places."""
    middle = frame.cut(frame.size[0] // 2, 0, 1, frame.size[1])
    return (needs(step, middle).size[0] - 1) // 2 if step.full == step.full_after else 0


def tile_edge(steps: Sequence[Step], frame: Frame, edge: int) -> int:
    """The edge of tiles: `edge`, or more where all that the steps read round a tile would be many times the tile itself."""
    return max(edge, min(LARGEST, 3 * sum(reach(s, frame) for s in steps)))


def finer(step: Step, need: Frame, fine: int) -> Frame:
    """The frame to pull where a step needs `need`: finer where display light is still light, yet about to be encoded."""
    if fine == 1 or step.stage.reads is not State.DISPLAY or step.stage.writes is not State.ENCODED:
        return need
    return replace(need, size=(need.size[0] * fine, need.size[1] * fine))


def averaged(image: Image, need: Frame) -> Image:
    """An image as it is needed, reduced where it was made finer."""
    return image if image.frame == need else resize_image(image, need)
