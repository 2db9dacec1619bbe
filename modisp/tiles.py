"""Cutting frames into tiles, working on them in a few threads, and telling how far the work is."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context

from modisp import memory
from modisp.image import Frame

WORKERS = max(1, min(8, os.cpu_count() or 1))
_pool: ThreadPoolExecutor | None = None
_busy = threading.local()


def tiles_of(frame: Frame, edge: int) -> list[Frame]:
    """A frame cut into tiles of at most `edge`² image pixels, row by row."""
    rows, columns = frame.size
    return [
        frame.cut(top, left, min(edge, rows - top), min(edge, columns - left))
        for top in range(0, rows, edge)
        for left in range(0, columns, edge)
    ]


STRIP = 142_000
"""Pixels of a strip, about: few enough to stay in a processor's cache, enough to outweigh the calls."""


def strips(frame: Frame, reach: int = 0) -> list[Frame]:
    """A frame cut into strips of whole rows, small enough to stay in a processor's cache.

    Where `reach` rows more are read round each, strips are so high that this does not become the greater part.
    """
    rows, columns = frame.size
    edge = max(16, STRIP // columns, min(6 * reach, -(-rows // WORKERS)))
    return [frame.cut(top, 0, min(edge, rows - top), columns) for top in range(0, rows, edge)]


def each(work: Callable[[Frame], None], frames: Sequence[Frame]) -> None:
    """Do `work` on every frame, on all cores; the first error stops the rest and is raised.

    Work inside work runs where it is: threads of the pool never wait for the pool.
    """
    if len(frames) < 2 or WORKERS == 1 or getattr(_busy, "yes", False):
        for f in frames:
            work(f)
        return
    global _pool
    if _pool is None:
        memory.keep()  # before there are threads: those that came earlier keep heaps of their own
        _pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="modisp", initializer=_alone)
    stop = threading.Event()
    todo = iter(frames)
    lock = threading.Lock()

    def lane() -> None:
        # grad mode is per thread
        import torch

        _busy.yes = True
        try:
            with torch.inference_mode():
                while not stop.is_set():
                    with lock:
                        f = next(todo, None)
                    if f is None:
                        return
                    work(f)
        except BaseException:
            stop.set()
            raise
        finally:
            _busy.yes = False

    lanes = [_pool.submit(copy_context().run, lane) for _ in range(min(WORKERS, len(frames)))]
    errors = [e for e in (f.exception() for f in lanes) if e is not None]
    if errors:
        raise errors[0]


def _alone() -> None:
    """Each thread of the pool computes on one core: two layers of threads only wait for each other."""
    import torch

    torch.set_num_threads(1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Small work in this thread alone: what a second one would save, it more than wastes in waiting."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Progress:
    """Counts units of work as they are announced and done; tells (fraction, words) to a listener."""

    def __init__(self, tell: Callable[[float, str], None] | None) -> None:
        self.tell, self.words = tell, ""
        self._total = self._done = self._planned = 0
        self._told = 0.0
        self._lock = threading.Lock()

    def plan(self, units: int) -> None:
        """Announce in one sum what `expect` will announce bit by bit; below 0: what was found in a cache, and never will be."""
        with self._lock:
            self._planned += units
            self._total += units

    def expect(self, units: int, words: str) -> None:
        """Announce work; the words say what is being done now."""
        with self._lock:
            known = min(units, self._planned)
            self._planned -= known
            self._total += units - known
            self.words = words

    def step(self, units: int = 1) -> None:
        """Units were done.  The fraction never falls, even when more work is announced."""
        if self.tell is None:
            return
        with self._lock:
            self._done += units
            self._told = max(self._told, min(0.99, self._done / max(1, self._total)))
            fraction, words = self._told, self.words
        self.tell(fraction, words)

    def finish(self) -> None:
        """All is done."""
        if self.tell is not None:
            self.tell(1.0, "done")


FINER, FINER_PIXELS = 4, 1_700_000
"""How many times finer, at most, a small picture is rendered up to display light, and how many pixels that may take."""


def fineness(frame: Frame) -> int:
    """How many times finer a small picture is rendered up to display light; 1 for all but small ones.

    A bent curve of an average is not the average of the curve: fine texture, reduced before the tone curve, comes out at
    another brightness than in the finished picture reduced.  Where pixels are few, more of them cost little.
    """
    room = math.isqrt(max(1, FINER_PIXELS // (frame.size[0] * frame.size[1])))
    return max(1, min(FINER, room, math.floor(min(frame.pitch) + 1e-6)))
