"""develop(): a source and a recipe become a picture, or any image on the way to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from modisp.cache import Cache
from modisp.image import Frame, Image, State
from modisp.recipe import Recipe
from modisp.run import Run
from modisp.session import entries_between, open_source
from modisp.stage import Reading, cancellable, checkpoint
from modisp.tiles import Progress


def pick_device(device: str | torch.device | None) -> torch.device:
    """`None` and "auto" take CUDA, then MPS, then the CPU."""
    if device not in (None, "auto"):
        try:
            return torch.device(device)
        except RuntimeError as e:
            raise ValueError(f"there is no device {device}; take cpu, cuda, mps or auto") from e
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def develop(
    source: Image | str | Path,
    recipe: Recipe | None = None,
    *,
    until: State | str | None = None,
    region: tuple[int, int, int, int] | None = None,
    scale: float | None = None,
    size: int | None = None,
    device: str | torch.device | None = "cpu",
    tile: int = 512,
    dtype: torch.dtype | None = torch.float32,
    cache: Cache | None = None,
    readings: Mapping[str, Reading] | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    taps: Callable[[str, Image], None] | dict[str, Image] | None = None,
    draft: bool = False,
) -> Image:
    """Develop a source by a recipe.

    `source`: an Image, or a path that `open_image` reads; a saved intermediate goes on from its state, with the recipe and
    readings that it carries unless others are given.  `recipe`: default `Recipe.default(source)`.  `until`: a state (the last image
    in it), a slot or an entry id.  `region`: (x, y, width, height) in pixels of the full-size result.  `scale` (0…1] or
    `size` (long edge in pixels) render a reduced proxy; both apply to the region.  `tile`: edge of a tile in pixels.  `dtype`:
    uint8 or uint16 give ENCODED pixels in full-scale integers, None the shortest floats that hold the result.  `readings`: by
    entry id, used instead of measuring.
    `progress(fraction, words)` is called from worker threads; `cancel()` is asked every few dozen milliseconds.  `taps`
    gets every intermediate image, by entry id.  `draft`: for every step of a drag; where a strength of the RAW zone moves, a
    reduced picture may differ a little (see `modisp.draft`) and a region runs networks on itself alone: ask again without it
    when the hand lets go.  Raises Cancelled, ValueError, TypeError (stages that do not compose), ImageError.
    """
    image, recipe, pinned = open_source(source, recipe)
    del source
    with cancellable(cancel), torch.inference_mode():
        checkpoint()  # what the cache holds is given at once, but not to one who has gone
        if taps is not None:
            give = taps.__setitem__ if isinstance(taps, dict) else taps
            _taps(image, recipe, until, give, cache=cache, device=device, tile=tile, readings=readings or pinned)
        tracker = Progress(progress)
        run = Run(
            image,
            recipe,
            until=until,
            cache=cache,
            device=pick_device(device),
            tile=tile,
            readings=readings or pinned,
            progress=tracker,
            draft=draft,
        )
        del image
        if not draft:
            run.let_go()
        out = run.image(frame_of(run.full, region, scale, size), dtype)
        tracker.finish()
        return out


def frame_of(
    full: tuple[int, int], region: tuple[int, int, int, int] | None, scale: float | None, size: int | None
) -> Frame:
    """The frame of a request; ValueError where the region lies outside or the scale is not in (0, 1]."""
    x, y, w, h = region or (0, 0, full[1], full[0])
    if w < 1 or h < 1 or x < 0 or y < 0 or x + w > full[1] or y + h > full[0]:
        raise ValueError(f"region {(x, y, w, h)} lies outside the picture of {full[1]} × {full[0]} pixels")
    if scale is not None and size is not None:
        raise ValueError("give a scale or a size, not both")
    if size is not None and size < 1:
        raise ValueError(f"a size is at least 1 pixel, not {size}")
    s = min(1.0, size / max(w, h)) if size is not None else 1.0 if scale is None else scale
    if not 0 < s <= 1:
        raise ValueError(f"scale lies in (0, 1], not {s:g}")
    return Frame(full, (float(x), float(y), float(w), float(h)), (max(1, round(h * s)), max(1, round(w * s))))


def _taps(
    image: Image, recipe: Recipe, until: State | str | None, give: Callable[[str, Image], None], **options: Any
) -> None:
    options["device"] = pick_device(options["device"])
    for e in entries_between(recipe.fit(image).resolve(), image, until):
        run = Run(image, recipe, until=e.id, **options)
        give(e.id, run.image(Frame.whole(*run.full)))
