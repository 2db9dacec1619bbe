"""One rendering: which frame of which boundary, how large, and what is told about it."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from editor_app.engine import views
from editor_app.engine.opened import Opened
from editor_app.engine.screens import Screen
from modisp import Recipe, Stage
from modisp.image import LATTICE, Frame, Image, Rect, State
from modisp.recipe import Entry
from modisp.resample import resize_image
from modisp.stage import Cancelled, Reading, cancellable
from modisp.tiles import Progress

Small = dict[str, Any]

SOURCE = "@source"
"""What stands for the boundary before all entries: the picture as the file holds it."""
_MOST = 2_400_000  # pixels of one rendering; a little below what the pipeline keeps stage by stage


@dataclass(frozen=True)
class Rendered:
    """A finished rendering."""

    image: Image
    view: views.View
    rect: Rect  # what it shows, in pixels of the upright full-size picture
    full: tuple[int, int]  # (rows, columns) of that
    readings: dict[str, Reading]
    state: State  # of the boundary; a mosaic that is shown small is an image of its cells' colours
    took: dict[str, float]  # seconds of work by entry, of those that ran

    def told(self) -> dict[str, Any]:
        """What the window is told of it."""
        h, w, _ = self.view.pixels.shape
        return {
            "width": w,
            "height": h,
            "rect": list(self.rect),
            "full": list(self.full),
            "state": self.state.name,
            "space": self.image.meta.space,
            "readings": {k: r.dump() for k, r in self.readings.items()},
            "histogram": self.view.histogram,
            "clipped": list(self.view.clipped),
            "ev": self.view.exposure,
        }

    def probe(self, x: float, y: float) -> dict[str, Any]:
        """The values at fractions of width and height."""
        values = self.view.values
        i = min(max(int(y * values.shape[1]), 0), values.shape[1] - 1)
        j = min(max(int(x * values.shape[2]), 0), values.shape[2] - 1)
        return {
            "values": [float(v) for v in values[:, i, j]],
            "state": self.image.state.name,
            "space": self.image.meta.space,
            "filter": self._filter(i, j),
        }

    def _filter(self, i: int, j: int) -> str:
        """The letter of the filter over a sample of the upright view; "" where there is none."""
        cfa = self.image.meta.cfa
        if not self.image.state.on_lattice or not cfa:
            return ""
        size = (self.image.height, self.image.width)
        x, y, _, _ = views.unturned((j, i, 1, 1), size, self.image.meta.orientation)
        top, left = self.image.frame.origin
        line = cfa[(int(y) + top) % len(cfa)]
        return line[(int(x) + left) % len(line)]


def fitted(rect: Rect, size: tuple[int, int], most: float = _MOST) -> float:
    """The scale (≤ 1) at which `rect` fits into `size` = (width, height) and into `most` pixels."""
    s = min(1.0, size[0] / rect[2], size[1] / rect[3])
    return min(s, math.sqrt(most / (rect[2] * rect[3])))


def render(
    o: Opened,
    source: Image,
    recipe: Recipe,
    asked: Mapping[str, Any],
    stop: Callable[[], bool],
    draft: bool = False,
    screen: Screen | None = None,
    progress: Progress | None = None,
) -> Rendered:
    """Render what is asked: `until` an entry ("" for the result), `rect` of the upright picture ([] for the whole of
    it), fitted into `size`; at most `pixels` of them; `ev` of the view; perhaps as a draft (whose `progress` to its ends is
    told), and for a `screen` with colours of its own.  Raises Cancelled."""
    with cancellable(stop), torch.inference_mode():
        until = asked.get("until") or None
        if until == SOURCE:  # nothing is left to be done on it
            source, until = _as_read(o.image, recipe), None
        run = o.run(source, recipe, until, draft, progress)
        turn = run.meta.orientation
        upright = views.turned(run.full, turn)
        rect = tuple(asked.get("rect") or (0, 0, upright[1], upright[0]))
        rect = _inside(rect, upright)
        scale = fitted(rect, tuple(asked["size"]), asked.get("pixels") or _MOST)
        stored = views.unturned(rect, run.full, turn)
        lattice = run.state.on_lattice
        frame = _frame(run.full, stored, 1.0 if lattice else scale, LATTICE if lattice else 1)
        seen = None
        if screen is not None and run.state is State.ENCODED:
            wide, before = screen.widened(recipe)
            if before:
                o.run(source, recipe, before, draft).image(frame)  # kept, so that only what follows is made twice
                seen = o.run(source, wide, until, draft).image(frame)
        image = run.image(frame)
        if lattice and scale < 0.75:
            image = views.cells(image)
            if fitted(image.frame.rect, tuple(asked["size"])) < image.frame.scale:
                image = resize_image(image, _frame(run.full, image.frame.rect, scale))
        shown = views.view(image, asked.get("ev"), screen, seen)
        covered = _upright(image.frame.rect, run.full, turn)
        return Rendered(image, shown, covered, upright, dict(run.readings), run.state, dict(run.took))


def _as_read(image: Image, recipe: Recipe) -> Image:
    """The picture as the file holds it, marked as finished."""
    return replace(image, meta=replace(image.meta, done=recipe.entries[-1].id))


def _inside(rect: Rect, full: tuple[int, int]) -> Rect:
    """Whole pixels of a rectangle inside the picture; at least one."""
    x0, y0 = min(max(0, math.floor(rect[0])), full[1] - 1), min(max(0, math.floor(rect[1])), full[0] - 1)
    x1, y1 = (
        min(full[1], max(x0 + 1, math.ceil(rect[0] + rect[2]))),
        min(full[0], max(y0 + 1, math.ceil(rect[1] + rect[3]))),
    )
    return float(x0), float(y0), float(x1 - x0), float(y1 - y0)


def _upright(stored: Rect, full: tuple[int, int], orientation: int) -> Rect:
    """The inverse of `views.unturned`."""
    x, y, w, h = stored
    if orientation in (2, 3, 7, 8):
        x = full[1] - x - w
    if orientation in (3, 4, 6, 7):
        y = full[0] - y - h
    return (y, x, h, w) if orientation >= 5 else (x, y, w, h)


def _frame(full: tuple[int, int], rect: Rect, scale: float, lattice: int = 1) -> Frame:
    x, y, w, h = rect
    if lattice > 1:
        left, top = x // lattice * lattice, y // lattice * lattice
        x, y, w, h = left, top, x + w - left, y + h - top
    return Frame(full, (x, y, w, h), (max(1, round(h * scale)), max(1, round(w * scale))))


def thumbnail(o: Opened, plain: Recipe, e: Entry | None, width: int, height: int, stop: Callable[[], bool]) -> Small:
    """A small picture of the boundary after an entry (None: before all), with where it is kept; nothing where it is the same
    picture as before it, or (`why`) where it cannot be made."""
    if e is not None:
        stage = e.stage
        assert isinstance(stage, Stage)
        if not e.on or stage.is_neutral():
            return {"neutral": True}
    try:
        made = _packed(o, plain, e.id if e is not None else SOURCE, width, height, stop)
        where = o.run(o.image, plain, None).kept(e.id) if e is not None else "memory"
    except Cancelled:
        raise
    except (ValueError, TypeError, OSError, RuntimeError, MemoryError) as why:
        return {"neutral": False, "why": str(why) or type(why).__name__}
    return {"neutral": False, "kept": where} | made


def cover(o: Opened, plain: Recipe, width: int, height: int, stop: Callable[[], bool]) -> Small:
    """A small picture of the result."""
    return _packed(o, plain, "", width, height, stop)


def small(o: Opened, plain: Recipe, size: tuple[int, int], stop: Callable[[], bool]) -> Small:
    """The whole result within a size, quickly made: the RAW zone's stand-in serves."""
    with o.lock:
        source, recipe, _ = o.hybrid(plain)
    pixels = render(o, source, recipe, {"size": size}, stop).view.pixels
    out = np.ascontiguousarray(pixels)
    out[..., 3] = 255
    data = base64.b64encode(out.tobytes()).decode("ascii")
    return {"width": out.shape[1], "height": out.shape[0], "pixels": data}


def _packed(o: Opened, plain: Recipe, until: str, width: int, height: int, stop: Callable[[], bool]) -> Small:
    """A boundary's middle as `width` × `height` pixels inside a message."""
    # all of one size, so that stages whose input is the same run once
    asked = {"until": until, "size": (512, 512)}
    pixels = _covering(render(o, o.image, plain, asked, stop).view.pixels, width, height)
    data = base64.b64encode(pixels.tobytes()).decode("ascii")
    return {"width": width, "height": height, "pixels": data}


def _covering(pixels: np.ndarray[Any, Any], width: int, height: int) -> np.ndarray[Any, Any]:
    """The middle of a picture, averaged down to width × height."""
    p = torch.from_numpy(pixels[..., :3].copy()).permute(2, 0, 1).float()
    h, w = p.shape[1:]
    s = max(width / w, height / h)
    cut_w, cut_h = min(w, width / s), min(h, height / s)
    image = Image(p, State.CAMERA)
    frame = Frame((h, w), ((w - cut_w) / 2, (h - cut_h) / 2, cut_w, cut_h), (height, width))
    small = resize_image(image, frame).pixels.round().clamp(0, 255).to(torch.uint8)
    out = np.full((height, width, 4), 255, np.uint8)
    out[..., :3] = small.permute(1, 2, 0).numpy()
    return out
