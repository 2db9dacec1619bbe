"""From a source to finished files: which file fits, how deep, how large, and what travels along so that it can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from modisp.image import Frame, Image, State
from modisp.io import ImageError, open_image, read_extras, save_image
from modisp.io.exif import Policy
from modisp.io.raster import DEPTHS, FORMATS
from modisp.operators.sharp import SHARPNESS, sharpened
from modisp.pipeline import develop, pick_device
from modisp.recipe import Entry, Recipe
from modisp.resample import resize
from modisp.run import Run
from modisp.sidecar import dump_readings
from modisp.stage import Reading, Stage, cancellable
from modisp.tiles import Progress

SUFFIXES = {State.DISPLAY: (".tif", ".tiff"), State.ENCODED: tuple(FORMATS)}
"""Suffixes of the files that an image in a state is saved as, the usual first; earlier states are all saved as .dng."""


@dataclass(frozen=True)
class Wanted:
    """How a file is wanted.

    `until`: a state, slot or entry id to stop after.  `size`: long edge in pixels, reached by Lanczos in linear light from the
    full size (never enlarged).  `bits` per channel, 0 for the format's usual.  `quality` 1 … 100 and `subsampling` where
    the format loses something.  `sharpen` a finished picture for "screen" or "print", at its final size.  `metadata`: which
    EXIF goes along.  `force` overwrites.
    """

    until: State | str | None = None
    size: int | None = None
    bits: int = 0
    quality: int = 92
    subsampling: str = "4:4:4"
    progressive: bool = False
    sharpen: str = ""
    metadata: Policy = "all"
    device: str = "cpu"
    force: bool = False


@dataclass(frozen=True)
class Plan:
    """How one picture is to be made: its recipe, and readings that hold for it (as kept in `saved`, plain JSON data)."""

    recipe: Recipe
    readings: Mapping[str, Reading]
    saved: Mapping[str, Any]


def suffix_of(state: State) -> str:
    """The suffix of the file that an image in a state is saved as, where nothing else is asked for."""
    return SUFFIXES.get(state, (".dng",))[0]


def state_at(recipe: Recipe, until: State | str | None) -> State:
    """The state that a development up to `until` ends in; ValueError where the recipe has no such place."""
    if until is None:
        return State.ENCODED
    if isinstance(until, State):
        return until
    if until.upper() in State.__members__:
        return State[until.upper()]
    stages = [e.stage for e in recipe.entries if until in (e.id, *e.slot.split()) and isinstance(e.stage, Stage)]
    if not stages:
        places = ", ".join([s.name for s in State][1:] + [e.id for e in recipe.entries])
        raise ValueError(f"there is no {until} to stop at; there are: {places}")
    return stages[-1].writes


def export(
    source: Path,
    target: Path,
    plan_for: Callable[[Image, Mapping[str, Any]], Plan],
    wanted: Wanted,
    *,
    taps: Path | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Image:
    """Develop a file into a file; returns the image that was written.

    `plan_for(image, extras)` is given the opened image and what an intermediate carries.  `taps`: a folder for every
    intermediate image.  Raises Cancelled, ValueError (ImageError too), TypeError, OSError; `target` then is as it was.
    """
    _free(target, wanted.force)
    image = open_image(source)
    _holds_a_picture(image, source)
    plan = plan_for(image, read_extras(source) if image.meta.done else {})
    recipe = plan.recipe.fit(image)
    last = state_at(recipe, wanted.until)
    _check(target, last, wanted)
    options: dict[str, Any] = {"device": pick_device(wanted.device), "readings": plan.readings}
    extras: dict[str, Any] | None = None
    if taps is not None or last is not State.ENCODED:
        with cancellable(cancel), torch.inference_mode():
            run = Run(image, recipe, progress=Progress(progress), **options)
        run.unload()
        options["readings"] = {**plan.readings, **run.readings}
        saved = {**plan.saved, **dump_readings(recipe, options["readings"])}
        extras = {"recipe": recipe.dump(), "readings": saved}
        del run
    options |= {"progress": progress, "cancel": cancel}
    give = None if taps is None else _keeper(recipe, taps, wanted, extras)
    box = [image]  # so that `_develop` alone holds the source, and can let it go
    del image
    dtype = depth(target, last, wanted.bits)
    if wanted.size is None and not wanted.sharpen:
        plain = recipe if dtype is torch.uint8 else _without_dither(recipe)
        out = _develop(box, plain, wanted.until, dtype, options, give)
    else:
        if give is not None:
            _develop([box[0]], recipe, wanted.until, torch.float32, options, give)
        out = _at_size(box, recipe, last, dtype, wanted, options)
    kept = extras if last is not State.ENCODED else None
    save_image(
        out,
        target,
        quality=wanted.quality,
        subsampling=wanted.subsampling,
        progressive=wanted.progressive,
        bits=0 if last is State.ENCODED else wanted.bits,
        policy=wanted.metadata,
        extras=kept,
        force=wanted.force,
    )
    return out


def export_stage(
    box: list[Image],
    stage: Stage,
    recipe: Recipe,
    target: Path,
    wanted: Wanted,
    extras: Mapping[str, Any],
    *,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Image:
    """Run one stage on an image that it reads, and save the result; returns it.

    The image is taken out of the `box`: nobody is to hold it longer than it is needed.
    `recipe` goes along with the stage put into its slot, so that `develop` goes on after it.  Raises as `export` does.
    """
    _free(target, wanted.force)
    _check(target, stage.writes, wanted)
    slot = stage.slot.split()[0]
    alone = Recipe((Entry(slot, stage),))
    box[0] = replace(box[0], meta=replace(box[0].meta, done=""))
    options = {"device": pick_device(wanted.device), "readings": None, "progress": progress, "cancel": cancel}
    out = _develop(box, alone, None, depth(target, stage.writes, wanted.bits), options)
    ids = {e.id for e in recipe.entries}
    if any(slot in e.slot.split() for e in recipe.entries):
        recipe = recipe.swap(stage)
        ids = {e.id for e in recipe.entries}
    out = replace(out, meta=replace(out.meta, done=slot if slot in ids else ""))
    kept = None if out.state is State.ENCODED else {**extras, "recipe": recipe.dump()}
    save_image(out, target, quality=wanted.quality, policy=wanted.metadata, extras=kept, force=wanted.force)
    return out


def _free(target: Path, force: bool) -> None:
    if target.is_dir():
        raise ValueError(f"{target} is a folder; give the name of a file in it")
    if not force and target.exists():
        raise ValueError(f"{target} exists already; --force overwrites it")


def _holds_a_picture(image: Image, source: Path) -> None:
    """Name a file in which nothing was recorded, where a blank picture would only hide it.

    A lens cap's frame is developed like any other: its noise makes it differ from nothing.
    """
    pixels = image.pixels
    if image.meta.done:
        return
    if image.height * image.width == 1:
        raise ImageError(f"{source.name} is a single pixel: there is no picture in it")
    if float(pixels.max()) <= 0:
        raise ImageError(f"{source.name} is all black: nothing was recorded in it")
    if float(pixels.min()) >= 1:
        raise ImageError(f"{source.name} is all white: every sample in it is saturated")


def _check(target: Path, state: State, wanted: Wanted) -> None:
    """Refuse, before the work, a file that the result could not be saved as."""
    fits = SUFFIXES.get(state, (".dng",))
    if target.suffix.lower() not in fits:
        raise ValueError(f"{target}: an image in state {state.name} is saved as {', '.join(fits)}")
    allowed = (
        DEPTHS[FORMATS[target.suffix.lower()]] if state is State.ENCODED else (32,) if fits[0] == ".tif" else (16, 32)
    )
    if wanted.bits and wanted.bits not in allowed:
        words = " or ".join(str(b) for b in sorted(allowed))
        raise ValueError(f"{target}: such a file has {words} bits per channel, not {wanted.bits}")


def depth(target: Path, state: State, bits: int = 0) -> torch.dtype | None:
    """The kind of number in which a picture is best rendered for a file; None leaves it to the run."""
    if state is not State.ENCODED:
        return None
    bits = bits or DEPTHS[FORMATS[target.suffix.lower()]][0]
    return {8: torch.uint8, 16: torch.uint16}.get(bits, torch.float32)


def _develop(
    box: list[Image],
    recipe: Recipe,
    until: State | str | None,
    dtype: torch.dtype | None,
    options: Mapping[str, Any],
    taps: Callable[[str, Image], None] | None = None,
) -> Image:
    """Develop what is in the box, which is emptied.

    Each argument by name: a call with ``**`` would hold on to the source for as long as it runs.
    """
    return develop(
        box.pop(),
        recipe,
        until=until,
        dtype=dtype,
        taps=taps,
        device=options["device"],
        readings=options["readings"],
        progress=options["progress"],
        cancel=options["cancel"],
    )


def _at_size(
    box: list[Image], recipe: Recipe, last: State, dtype: torch.dtype | None, wanted: Wanted, options: Mapping[str, Any]
) -> Image:
    """Full size first, then Lanczos in linear light, then (for a finished picture) the rest of the recipe."""
    if last.on_lattice:
        raise ValueError(f"{last.name} pixels cannot be resized; leave out --size, or develop further")
    finished = last is State.ENCODED
    if finished and box[0].state is last and box[0].meta.done:
        raise ValueError(
            "this picture is finished, so it cannot be resized in linear light; develop from an earlier state"
        )
    plain = recipe if dtype is torch.uint8 else _without_dither(recipe)
    if wanted.sharpen not in ("", *SHARPNESS):
        raise ValueError(f"a picture is sharpened for {' or '.join(SHARPNESS)}, not for {wanted.sharpen}")
    size = wanted.size or 1 << 30
    with cancellable(options["cancel"]), torch.inference_mode():
        run = Run(box[0], recipe, until=wanted.until, device=options["device"], readings=options["readings"])
    full = max(run.full)
    del run
    if size >= full and not (wanted.sharpen and finished):
        return _develop(box, plain, wanted.until, dtype, options)
    # half floats are plenty for what is about to be averaged, and half the memory
    until, kind = (State.DISPLAY, torch.float16) if finished else (wanted.until, None)
    made = _develop(box, recipe, until, kind, options)
    box = [_resized(made, size) if size < full else replace(made, pixels=made.pixels.float())]
    del made
    if wanted.sharpen and finished:
        box = [replace(box[0], pixels=sharpened(box[0].pixels, *SHARPNESS[wanted.sharpen]))]
    return _develop(box, plain, wanted.until, dtype, options) if finished else box.pop()


def _resized(image: Image, size: int) -> Image:
    """The image as a picture of its own, its long edge `size` pixels."""
    h, w = image.height, image.width
    s = size / max(h, w)
    new = (max(1, round(h * s)), max(1, round(w * s)))
    pixels = resize(image.pixels, (0.0, 0.0, float(w), float(h)), new, "lanczos3")
    if image.state is State.DISPLAY:
        pixels.clamp_(0, 1)  # windowed sinc rings
    x, y, cw, ch = image.meta.crop or (0, 0, w, h)
    crop = (round(x * s), round(y * s), min(round(cw * s), new[1]), min(round(ch * s), new[0]))
    meta = replace(image.meta, crop=crop if image.meta.crop else None, blur=image.meta.blur * s, bad_pixels=())
    return Image(pixels, image.state, meta, Frame.whole(*new))


def _without_dither(recipe: Recipe) -> Recipe:
    """Dither hides the steps of 8 bits; finer numbers have none to hide."""
    for e in recipe.entries:
        if isinstance(e.stage, Stage) and e.stage.writes is State.ENCODED and (p := e.stage.params().get("dither")):
            return recipe.set(e.id, dither="off" if "off" in p.choices else False)
    return recipe


def tap_names(entries: list[Entry]) -> dict[str, str]:
    """The file names of all intermediate images, by entry id; the finished one is a TIFF, which carries what to resume from."""
    out = {}
    for n, e in enumerate(entries, 1):
        state = e.stage.writes if isinstance(e.stage, Stage) else State.SCENE
        out[e.id] = f"{n:02}-{e.id}{'.tif' if state is State.ENCODED else suffix_of(state)}"
    return out


def _keeper(
    recipe: Recipe, folder: Path, wanted: Wanted, extras: Mapping[str, Any] | None
) -> Callable[[str, Image], None]:
    """A function that saves intermediate images in a folder; ValueError where one would be overwritten unasked."""
    names = tap_names(list(recipe.resolve().entries))
    for name in names.values():
        _free(folder / name, wanted.force)

    def give(entry: str, tap: Image) -> None:
        bits = 16 if tap.state is State.ENCODED else 0
        save_image(tap, folder / names[entry], bits=bits, policy=wanted.metadata, extras=extras, force=wanted.force)

    return give
