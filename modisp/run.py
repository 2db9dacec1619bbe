"""A run: the steps between a source and a result, prepared, then pulled from the end.

Two zones.  Stages of the RAW zone (those that read CFA samples, and other spatial networks) run on the whole picture at full size,
in tiles, once; their result is rounded to float16 and cached.  Look-zone stages run on whatever is asked for: a reduced
proxy, a region at full size, or the whole picture in tiles.  Every image is pulled from the end: a stage says which frame of its
input it needs for a frame of its output.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from time import perf_counter

import torch

from modisp.cache import Cache, key_of, shared_cache
from modisp.draft import Values, blend, end_of, loose_key, values_of
from modisp.image import LATTICE, Frame, Image, Metadata, State
from modisp.inference import infer
from modisp.keys import key_after, source_key
from modisp.readings import read
from modisp.recipe import Recipe
from modisp.resample import resize_image
from modisp.session import entries_between
from modisp.stage import Parts, Reading, Stage, checkpoint
from modisp.steps import Step, averaged, finer, grid, needs, reach, slow_work, snap, tile_edge, work
from modisp.tiles import Progress, each, fineness, strips, tiles_of

PROXY_PIXELS = 2_500_000
"""Frames up to this many pixels are rendered stage by stage, each result kept, so that a change re-runs only what follows."""
KEPT_RATE = 60e6  # bytes a second: what a network makes quicker is kept in memory alone
WIDE = 6  # rows: a stage that reads further round a pixel of such a frame is given its input whole


class Run:
    """One development: the steps between a source and `until`, readings measured, ready to be pulled."""

    def __init__(
        self,
        source: Image,
        recipe: Recipe,
        *,
        until: State | str | None = None,
        cache: Cache | None = None,
        device: torch.device | str = "cpu",
        tile: int = 512,
        readings: Mapping[str, Reading] | None = None,
        progress: Progress | None = None,
        draft: bool = False,
    ) -> None:
        self.draft, self.disk = False, True  # what is measured is exact
        self.cache = cache if cache is not None else shared_cache()
        self.device, self.tile, self.progress = torch.device(device), max(tile, LATTICE), progress or Progress(None)
        self.source: Image | None = source
        self.start = (source.state, source.meta, source.frame.full)
        self.source_key = source_key(source)
        self.took: dict[str, float] = {}  # seconds of work by entry, for what was not found in the cache
        self.recipe = plain = recipe.fit(source).resolve()
        entries = entries_between(plain, source, until)
        self.steps: list[Step] = []
        self.raw_end, self.state = 0, source.state
        meta, full = source.meta, source.frame.full
        key = seen = rough = self.source_key
        self.work = work([e.active() for e in entries if e.on], full, self.tile)
        planned = not draft  # of a draft nothing is to be done but its ends (see `modisp.draft`)
        self.progress.plan(self.work * planned)
        for e in entries:
            stage, after = e.active(), replace(meta, done=e.id)
            if not e.on or (stage.is_neutral() and not (draft and stage.straight)):
                meta = after
                continue
            if not stage.accepts(meta):
                raise ValueError(f"{stage.name} cannot serve this picture (CFA {'/'.join(meta.cfa) or 'none'})")
            step = Step(e.id, stage, meta, full, key, seen, Reading(), after, full, rough)
            self.steps.append(step)
            if stage.raw_zone:
                self.raw_end = len(self.steps)
            n = len(self.steps) - 1
            step.reading = read(step, (readings or {}).get(e.id), partial(self._pull, n, seen=True), self.cache, draft)
            if (there := slow_work(stage, full)) and self.cache.where(step.infer_key):
                self.work -= there
                self.progress.plan(-there * planned)
            step.meta_after = replace(stage.describe(meta, step.reading), done=e.id)
            step.full_after = stage.full_size(full, meta)
            step.key_after = key_after(key, stage, step.reading)
            if stage.seen_by_measure:
                seen = step.key_after if seen == key else key_after(seen, stage, step.reading)
            rough = loose_key(step)
            meta, full, key, self.state = step.meta_after, step.full_after, step.key_after, stage.writes
        self.meta, self.full, self.key, self.draft = meta, full, key, draft

    def kept(self, entry: str) -> str:
        """Where the result of an entry is kept: "disk", "memory" or "" (it is made anew when it is wanted)."""
        n = next((i for i, s in enumerate(self.steps) if s.id == entry), None)
        if n is None:
            return ""
        if n >= self.raw_end:
            return "memory" if any(self.cache.where(t.get(n + 1, "")) for t in self.cache.trails.values()) else ""
        where = self.cache.where(self.raw_key())
        if where == "disk" or type(self.steps[n].stage).infer is Stage.infer:
            return where
        return self.cache.where(self.steps[n].infer_key) or where

    @property
    def readings(self) -> dict[str, Reading]:
        """What the stages measured, by entry id."""
        return {s.id: s.reading for s in self.steps if type(s.stage).measure is not Stage.measure}

    # --- results ------------------------------------------------------------------------------------------------

    def image(self, frame: Frame, dtype: torch.dtype | None = torch.float32) -> Image:
        """The result for a frame; integer dtypes (uint8, uint16) are for ENCODED pixels, rounded to full scale.

        None: the shortest floats that hold the result; those of the whole RAW zone are the cache's own, not to be changed.
        """
        n = len(self.steps)
        if dtype is None and n == self.raw_end > 0 and not self.state.on_lattice and frame == Frame.whole(*self.full):
            return Image(self._raw(), self.state, self.meta, frame)
        dtype = dtype or torch.float32
        if frame.size[0] * frame.size[1] <= PROXY_PIXELS and dtype is torch.float32 and n > self.raw_end:
            return replace(self._kept(n, frame, fineness(frame)), meta=self.meta)
        if n == 0:
            return replace(self.base(0, frame), meta=self.meta)
        if not self._local(frame):
            self._prepare_raw()
        out = torch.empty(self.state.channels or 1, *frame.size, dtype=dtype)
        work, fine = tiles_of(frame, tile_edge(self.steps[self.raw_end :], frame, self.tile)), fineness(frame)
        self.progress.expect(len(work), "developing" if n > self.raw_end else "reading the sensor")

        def one(t: Frame) -> None:
            top, left = t.within(frame)
            pixels = self._pull(n, t, fine=fine).pixels
            if not dtype.is_floating_point:
                pixels = (pixels * torch.iinfo(dtype).max).round_()
            out[:, top : top + t.size[0], left : left + t.size[1]] = pixels.to("cpu", dtype)
            self.progress.step()

        each(one, work)
        return Image(out, self.state, self.meta, frame)

    # --- pulling ------------------------------------------------------------------------------------------------

    def _pull(self, n: int, frame: Frame, seen: bool = False, fine: int = 1) -> Image:
        """The image after the first n steps, for a frame; `seen` leaves out what automatic readings must not see.

        `fine`: how many times finer display light is made before it is averaged and encoded.
        """
        if n == 0 or (n == self.raw_end and not self._after(n)[0].on_lattice and not self._local(frame)):
            return self.base(n, frame)
        if n < self.raw_end and frame.pitch != (1.0, 1.0) and not self._after(n)[0].on_lattice:
            return resize_image(self._pull(n, Frame.whole(*self._after(n)[2]), seen), frame)
        step = self.steps[n - 1]
        if seen and not step.stage.seen_by_measure:
            return self._pull(n - 1, frame, seen, fine)
        if step.stage.ready and (made := self._parts(n - 1, frame)):
            return Image(made[step.stage.ready].float(), step.stage.writes, step.meta_after, frame)
        need = needs(step, frame)
        image = averaged(self._pull(n - 1, finer(step, need, fine), seen, fine), need)
        checkpoint()
        parts = self._parts(n - 1, need)
        pixels = self._placed(step, replace(image, meta=step.meta), parts, frame)
        return Image(pixels, step.stage.writes, step.meta_after, frame)

    def _placed(self, step: Step, image: Image, parts: Parts, frame: Frame) -> torch.Tensor:
        start = perf_counter()
        pixels = step.stage.place(image, step.reading, parts, frame)
        self.took[step.id] = self.took.get(step.id, 0.0) + perf_counter() - start
        return pixels

    def _kept(self, n: int, frame: Frame, fine: int) -> Image:
        """As `_pull`, from the latest result in memory that still holds; the result is kept.

        Strips go through all stages at once, small enough for the processor's cache; only the input of stages that read
        far round a pixel is made whole first, or strips would overlap many times over.  That is kept besides, and the input
        of the first stage that changed since the last such request: what has changed is likely to change again.
        """
        frames, keys, kind = {n: frame}, {}, "draft" if self.draft else "look"
        for i in range(n, self.raw_end, -1):
            step = self.steps[i - 1]
            keys[i] = key_of(kind, step.key_after, *dataclasses.astuple(frames[i]), str(self.device))
            frames[i - 1] = finer(step, needs(step, frames[i]), fine)
        trail = key_of("trail", *dataclasses.astuple(frame))
        before = self.cache.trails.get(trail, {})
        self.cache.trails[trail] = keys
        if (old := before.get(n)) and old != keys[n]:
            self.cache.drop(old)  # a drag makes hundreds of results, and asks for none again; memory is best used anew
        changed = next((i for i in range(self.raw_end + 1, n) if before.get(i) != keys[i]), n)
        start = next((i for i in range(n, self.raw_end, -1) if self.cache.get(keys[i])), self.raw_end)
        wide = {i - 1 for i in range(start + 1, n + 1) if reach(self.steps[i - 1], frames[i]) > WIDE}
        for end in sorted({changed - 1, n} | wide):
            if start < end:
                self._fuse(start, end, frames, keys, fine)
                start = end
                if (old := before.get(end)) and old != keys[end]:
                    self.cache.drop(old)
        step = self.steps[n - 1]
        return Image(self._held(keys[n]), step.stage.writes, step.meta_after, frame)

    def _held(self, key: str) -> torch.Tensor:
        found = self.cache.get(key)
        assert found is not None, "the cache keeps at least what was put into it last"
        return found["pixels"]

    def _fuse(self, start: int, end: int, frames: Mapping[int, Frame], keys: Mapping[int, str], fine: int) -> None:
        """Stages start + 1 … end in one go, strip by strip; the result is put under its key."""
        state, meta, _ = self._after(start)
        if start > self.raw_end:
            base = self._here(Image(self._held(keys[start]), state, meta, frames[start]))
        else:
            base = self._pull(start, frames[start])
        out = torch.empty(3, *frames[end].size)

        def pull(n: int, t: Frame) -> Image:
            if n == start:
                return base.cut(t)
            checkpoint()
            step = self.steps[n - 1]
            need = needs(step, t)
            image = replace(averaged(pull(n - 1, finer(step, need, fine)), need), meta=step.meta)
            pixels = self._placed(step, image, self._parts(n - 1, need), t)
            return Image(pixels, step.stage.writes, step.meta_after, t)

        def one(t: Frame) -> None:
            top, left = t.within(frames[end])
            out[:, top : top + t.size[0], left : left + t.size[1]] = pull(end, t).pixels

        each(one, strips(frames[end], reach(self.steps[start], frames[start + 1])))
        self.cache.put(keys[end], {"pixels": out})

    def base(self, n: int, frame: Frame) -> Image:
        """The source (n = 0) or the result of the RAW zone, for a frame."""
        moved = None
        if n:
            state, meta, full = self._after(n)
            key, moved = self._start(frame)
            pixels = self._raw() if moved is None else self.cache.get(key)[self._name()]  # type: ignore[index]
            base = Image(pixels, state, meta, Frame.whole(*full))
        else:
            assert self.source is not None, "the source is let go once the RAW zone is made"
            base, key = self.source, self.source_key
        if frame.pitch == base.frame.pitch:
            part = base.cut(frame)
            return self._here(replace(part, pixels=part.pixels.float()))
        if base.state.on_lattice:
            raise ValueError(f"{base.state.name} pixels cannot be reduced: ask for scale 1")
        if frame.size[0] * frame.size[1] > PROXY_PIXELS:
            out = resize_image(base, frame)
        else:
            if frame.scale < base.frame.scale / 8:  # thumbnails of several sizes read the whole picture only once
                rows, columns = (max(1, n // 4) for n in base.frame.size)
                base = self._reduced(key, base, replace(base.frame, size=(rows, columns)))
            out = self._reduced(key, base, frame)
        if moved is not None:
            end = partial(end_of, self, frame)
            out = replace(out, pixels=blend(out.pixels, self.steps[: self.raw_end], moved, end))
        return self._here(out)

    # --- drafts -------------------------------------------------------------------------------------------------

    def _local(self, frame: Frame) -> bool:
        """Whether a draft runs the RAW zone's networks on this frame alone."""
        return self.draft and frame.pitch == (1.0, 1.0) and not self.cache.where(self.raw_key())

    def _start(self, frame: Frame) -> tuple[str, Values | None]:
        """The key of the RAW zone's result; for a draft, of one that is at hand, and where strengths stood for it."""
        key = self.raw_key()
        if self.draft and frame.pitch != (1.0, 1.0) and not self.cache.where(key):
            found = self.cache.exact.get(loose_key(self.steps[self.raw_end - 1]))
            if found is not None and self.cache.get(found[0]) is not None:
                return found
        return key, None

    def _reduced(self, key: str, base: Image, frame: Frame) -> Image:
        """A reduced view of a base image, kept in memory."""
        key = key_of("base", key, frame.rect, frame.size)
        found = self.cache.get(key)
        if found is None:
            found = {"pixels": resize_image(base, frame).pixels}
            self.cache.put(key, found)
        return Image(found["pixels"], base.state, base.meta, frame)

    def _here(self, image: Image) -> Image:
        return image if image.pixels.device == self.device else replace(image, pixels=image.pixels.to(self.device))

    def _after(self, n: int) -> tuple[State, Metadata, tuple[int, int]]:
        if n == 0:
            return self.start
        s = self.steps[n - 1]
        return s.stage.writes, s.meta_after, s.full_after

    # --- the RAW zone -------------------------------------------------------------------------------------------

    def raw_key(self) -> str:
        """The key of the RAW zone's result."""
        s = self.steps[self.raw_end - 1]
        return s.infer_key if s.stage.ready else key_of("raw", s.key_after)

    def _name(self) -> str:
        """What the RAW zone's result is called in the cache."""
        return self.steps[self.raw_end - 1].stage.ready or "pixels"

    def _prepare_raw(self) -> None:
        """What runs on the whole picture comes first, so that tiles of the look zone only cut from it."""
        if not self.raw_end:
            return
        if self._after(self.raw_end)[0].on_lattice:
            for n in range(self.raw_end):
                self._parts(n, None)
        else:
            self._raw()

    def _raw(self) -> torch.Tensor:
        """The RAW zone's result, whole, float16 (rounded even when fresh, so that a cold and a warm cache agree)."""
        step = self.steps[self.raw_end - 1]
        key, name = self.raw_key(), self._name()
        found = self.cache.get(key)
        if found is None:
            for n in range(self.raw_end):
                self._parts(n, None)
                if self.steps[n].stage.ready:
                    self._unload(n)
            found = self.cache.get(key)
        if found is not None:
            self._start_drafts_here(key)
            return found[name]
        out = torch.empty(3, *step.full_after, dtype=torch.float16)
        # tiles stay on the CFA lattice, whatever tile size was asked for
        work = tiles_of(Frame.whole(*step.full_after), grid(self.tile))
        self.progress.expect(len(work), "demosaicing")

        def one(t: Frame) -> None:
            need = needs(step, t)
            image = replace(self._pull(self.raw_end - 1, need), meta=step.meta)
            checkpoint()
            pixels = self._placed(step, image, self._parts(self.raw_end - 1, need), t)
            top, left = t.within(Frame.whole(*step.full_after))
            out[:, top : top + t.size[0], left : left + t.size[1]] = pixels.to("cpu", torch.float16)
            self.progress.step()

        each(one, work)
        # on disk only where it took a network or the like: a closed form is made again sooner than it is written
        slow = any(type(s.stage).infer is not Stage.infer for s in self.steps[: self.raw_end])
        self.cache.put(key, {"pixels": out}, disk=slow and self.disk)
        self._unload(self.raw_end)
        self._start_drafts_here(key)
        return out

    def _start_drafts_here(self, key: str) -> None:
        if self.disk:
            self.cache.exact[loose_key(self.steps[self.raw_end - 1])] = key, values_of(self.steps[: self.raw_end])

    def _unload(self, n: int) -> None:
        """Let go of what the networks of the first n steps made: it has done its work, and lies on disk."""
        for s in self.steps[:n]:
            self.cache.unload(s.infer_key)

    def let_go(self) -> None:
        """Drop the source's pixels if the RAW zone's result stands for them: half the memory of an export."""
        if self.raw_end and not self._after(self.raw_end)[0].on_lattice:
            self._raw()
            self.source = None

    def unload(self) -> None:
        """Let go of what measuring made of the RAW zone, where it lies on disk."""
        self._unload(self.raw_end)
        self.cache.unload(self.raw_key() if self.raw_end else "")

    def _parts(self, n: int, frame: Frame | None) -> Parts:
        """What step n's `infer` made, cut (or reduced) to a frame; computed on the whole picture when first wanted."""
        step = self.steps[n]
        if type(step.stage).infer is Stage.infer:
            return None
        key = step.infer_key
        found = self.cache.get(key)
        whole = Frame.whole(*step.full)
        if found is None:
            start = perf_counter()
            if self.draft and frame is not None:
                around = snap(frame, step.stage.reads)
                found, whole = infer(step, around, lambda f: self._pull(n, f)), around
            else:
                found = infer(step, whole, lambda f: self._pull(n, f), self.progress)
                worth = KEPT_RATE * (perf_counter() - start) > sum(p.nbytes for p in found.values())
                self.cache.put(key, found, disk=self.disk and worth)
            self.took[step.id] = self.took.get(step.id, 0.0) + perf_counter() - start
        if frame is None:
            return None
        out = {}
        for name, p in found.items():
            part = Image(p[:1], State.MOSAIC, frame=whole)
            if frame.pitch == whole.pitch:
                top, left = frame.within(whole)
                cut = p[:, top : top + frame.size[0], left : left + frame.size[1]]
            else:
                cut = torch.cat([resize_image(replace(part, pixels=c[None]), frame).pixels for c in p])
            out[name] = cut.to(self.device)
        return out
