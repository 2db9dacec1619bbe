"""From files to samples: a RAW file's scene and the finished picture's colours, pixel by pixel, or why they do not fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from modisp.color import spaces
from modisp.image import Image, State
from modisp.io import open_image, open_preview
from modisp.learn.align import Aligned, align
from modisp.learn.pairs import Pair
from modisp.metrics import xyz_to_lab
from modisp.operators.toneoffsets import lamp_of
from modisp.pipeline import develop
from modisp.recipe import Recipe
from modisp.resample import resize
from modisp.sidecar import Sidecar
from modisp.simulate.scenes import scene_pixels, turn_upright
from modisp.stage import Reading, Stage, list_stages

EDGE = 768
"""Long edge of what is read, in pixels."""
FINER, COVER = (2, 4), 5
"""How many pixels along an edge are averaged before colours are compared (at least, at most): as many as make one cover
so many of the RAW file's, which is coarser than noise, sharpening and what alignment and demosaicers leave."""
SMALLEST = 96  # long edge of a finished picture that something can be learned from
PARTS = 2
"""Finer pixels along an edge of one in which colours are compared: the picture is finished in those, then averaged."""
QUICK, MANY = "demosaic_bilinear", 3000
"""Where a RAW file has at least so many pixels along an edge, its pixels are averaged so much that a finer demosaicer would
change nothing but the time it takes; so would noise reduction, for any."""


@dataclass(frozen=True)
class Sample:
    """One pair, read: `scene` and `finished` (3, h, w) in linear Rec.2020 on the same pixels, the whole picture upright.

    `inside` (h, w) are the pixels that count.  `reason` says, where it is not empty, why the pair is left out.  `fine`
    (3, PARTS·h, PARTS·w) is the scene in finer pixels, None for none: a curve of averaged light is not the average of curved light.
    `lamp`: how warm the light was (`modisp.operators.toneoffsets.lamp_of`).
    """

    name: str
    scene: torch.Tensor
    finished: torch.Tensor
    inside: torch.Tensor
    score: float = 1.0
    agree: float = 1.0
    scale: float = 1.0
    reason: str = ""
    turn: tuple[bool, bool, bool] = (False, False, False)
    fine: torch.Tensor | None = None
    lamp: float = 0.0

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """What the finished picture shows of the whole: left, top, right, bottom, in 0…1."""
        rows, columns = (self.inside.any(d).nonzero()[:, 0] for d in (1, 0))
        if not len(rows):
            return 0.0, 0.0, 1.0, 1.0
        h, w = self.inside.shape
        return int(columns[0]) / w, int(rows[0]) / h, (int(columns[-1]) + 1) / w, (int(rows[-1]) + 1) / h

    def draw(self, count: int, seed: int = 0) -> tuple[torch.Tensor, ...]:
        """Random pixels: scene (3, N), places (2, N; x, y in 0…1 of the whole picture), Lab of the finished (N, 3).

        Last, the finer pixels that each scene's pixel is the mean of, (3, P, N).
        """
        where = self.inside.flatten().nonzero()[:, 0]
        random = torch.Generator().manual_seed(seed)
        k = where[torch.randint(len(where), (count,), generator=random)] if len(where) else where
        h, w = self.inside.shape
        x, y = k % w, torch.div(k, w, rounding_mode="floor")
        scene = self.scene.flatten(1)[:, k]
        parts = scene[:, None]
        if self.fine is not None:
            n = self.fine.shape[1] // h
            cells = [self.fine[:, y * n + i, x * n + j] for i in range(n) for j in range(n)]
            parts = torch.stack(cells, 1)
        return scene, torch.stack([(x + 0.5) / w, (y + 0.5) / h]), lab(self.finished.flatten(1)[:, k]), parts


def lab(rgb: torch.Tensor) -> torch.Tensor:
    """CIELAB (N, 3), white D65, of linear Rec.2020 (3, N)."""
    xyz = torch.einsum("ij,jn->ni", spaces.between("rec2020", "xyz").to(rgb), rgb)
    return xyz_to_lab(xyz)


def read_pair(pair: Pair, camera_jpeg: bool = False, cancel: Callable[[], bool] | None = None) -> Sample:
    """The sample of a pair of files; its `reason` says why it is of no use.  Raises nothing but Cancelled."""
    name = pair.raw.path.name
    try:
        image = open_image(pair.raw.path)
        if not camera_jpeg and image.state is State.ENCODED:
            return left_out(name, "it is a finished picture, not a RAW file")
        scene, lamp = scene_of(image, quick(image), cancel)
        finished = _finished(pair)
    except (ValueError, OSError) as why:
        return left_out(name, str(why))
    if max(finished.shape[1:]) < SMALLEST:
        return left_out(name, f"the finished picture has only {finished.shape[2]} × {finished.shape[1]} pixels")
    found = align(scene, finished)
    if reason := misfit(found):
        return left_out(name, reason, found.score, found.agree)
    return _sample(name, scene, found, _edge(image), lamp)


def read_edit(path: Path, cancel: Callable[[], bool] | None = None) -> Sample:
    """What a photographer's own edit, kept in the picture's sidecar, makes of the scene that it starts from."""
    try:
        car = Sidecar.load(path)
        if car.recipe is None:
            return left_out(path.name, car.problem or "nobody has edited it")
        image = open_image(path)
        recipe = car.recipe.fit(image)
        lookless = [e.id for e in recipe.entries if isinstance(e.stage, Stage) and e.stage.writes is State.DISPLAY]
        places = [e.id for e in recipe.entries if isinstance(e.stage, Stage) and e.stage.slot == "geometry"]
        last = lookless[lookless.index(places[0]) - 1] if places else lookless[-1]
        # what an edit did before SCENE belongs to the picture, what it did after is the look; the exposure by hand is not
        before = quick(image, recipe)
        plain = before.set("exposure", ev=0.0)
        # what was measured when it was edited holds: what is left out for quickness would sway automatic readings
        seen = car.pinned(recipe)
        scene, lamp = scene_of(image, plain, cancel, readings=seen)
        done, _ = scene_of(image, before, cancel, until=last, readings=seen)
    except (ValueError, OSError, TypeError) as why:
        return left_out(path.name, str(why))
    if done.shape != scene.shape:
        return left_out(path.name, "its edit bends the picture")
    whole = Aligned(done, torch.ones(done.shape[1:], dtype=torch.bool), 1.0, 1.0, 1.0, (False,) * 3)
    return _sample(path.name, scene, whole, _edge(image), lamp)


def quick(image: Image, recipe: Recipe | None = None) -> Recipe:
    """The recipe (default: of an untouched picture) with what only fine detail needs left out."""
    recipe = (recipe or Recipe.default(image)).fit(image)
    if not image.state.on_lattice:
        return recipe
    cls = list_stages().get(QUICK) if _edge(image) >= MANY else None
    if cls is not None and cls.accepts(image.meta):
        recipe = recipe.swap(cls)
    for slot in ("restore", "detail"):
        recipe = recipe.switch(slot, False) if any(e.id == slot for e in recipe.entries) else recipe
    return recipe


def scene_of(
    image: Image,
    recipe: Recipe,
    cancel: Callable[[], bool] | None,
    until: State | str = State.SCENE,
    readings: Mapping[str, Reading] | None = None,
) -> tuple[torch.Tensor, float]:
    """(3, h, w), long edge EDGE: what the tone stage is given of the camera's crop, upright; or a later image of the recipe.

    And how warm the light was (`lamp_of`).
    """
    area = _area(image)
    size = min(EDGE, max(area[2:]))
    out = develop(image, recipe, until=until, region=area, size=size, cancel=cancel, readings=readings)
    return turn_upright(out.pixels, image.meta.orientation).contiguous(), lamp_of(out.meta.light)


def _area(image: Image) -> tuple[int, int, int, int]:
    """x, y, width, height of the camera's crop; of all where there is none that could be."""
    c, (h, w) = image.meta.crop, image.frame.full
    sound = (
        c is not None and c[0] >= 0 and c[1] >= 0 and c[2] > 0 and c[3] > 0 and c[0] + c[2] <= w and c[1] + c[3] <= h
    )
    return c if sound and c is not None else (0, 0, w, h)


def _edge(image: Image) -> int:
    return max(_area(image)[2:])


def _finished(pair: Pair) -> torch.Tensor:
    """Linear Rec.2020 (3, H, W), upright, reduced to twice EDGE at most."""
    assert pair.finished is not None
    if pair.finished.path == pair.raw.path:
        found = open_preview(pair.raw.path)
        if found is None:
            raise ValueError("the camera has put no JPEG into it")
    else:
        found = open_image(pair.finished.path)
        if found.state is not State.ENCODED:
            raise ValueError(f"{pair.finished.path.name} is no finished picture")
    linear = scene_pixels(found)
    h, w = linear.shape[1:]
    k = 2 * EDGE / max(h, w)
    return linear if k >= 1 else resize(linear, (0.0, 0.0, float(w), float(h)), (round(h * k), round(w * k)))


def misfit(found: Aligned) -> str:
    """Why a finished picture cannot be of this RAW file; "" where it is.

    Pictures of another subject correlate below 0.55 where they are laid large; laid small, one part of one picture may look
    like all of another (a horizon), so more has to agree.  Finished pictures of the same subject reach 0.85, and 0.6 in the
    order of light, however they were toned.
    """
    small = found.scale <= 0.6
    if found.score < (0.75 if small else 0.65) or found.order < 0.35:
        likeness = max(0.0, min(found.score, found.order))
        return f"the finished picture shows something else (likeness {likeness:.2f})"
    if found.agree < (0.45 if small else 0.25) or (small and math.isnan(found.agree)):
        parts = 0.0 if math.isnan(found.agree) else found.agree
        return f"the finished picture cannot be laid over it ({parts:.0%} of its parts fit)"
    if float(found.inside.float().mean()) < 0.1:
        return "the finished picture shows too small a part of it"
    return ""


def left_out(name: str, reason: str, score: float = 0.0, agree: float = 0.0) -> Sample:
    """A sample that is none."""
    nothing = torch.zeros(3, 1, 1)
    return Sample(name, nothing, nothing, torch.zeros(1, 1, dtype=torch.bool), score, agree, 0.0, reason)


def _sample(name: str, scene: torch.Tensor, found: Aligned, edge: int, lamp: float) -> Sample:
    """`edge`: the long edge of what the RAW file shows, in its own pixels."""
    h, w = scene.shape[1:]
    n = min(FINER[1], max(FINER[0], math.ceil(COVER * max(h, w) / edge)))
    whole, size = (0.0, 0.0, float(w), float(h)), (max(1, round(h / n)), max(1, round(w / n)))
    light, finished = (resize(p, whole, size) for p in (scene, found.finished))
    inside = resize(found.inside[None].float(), whole, size)[0] > 0.999
    fine = resize(scene, whole, (PARTS * size[0], PARTS * size[1]))
    return Sample(name, light, finished, inside, found.score, found.agree, found.scale, "", found.turn, fine, lamp)
