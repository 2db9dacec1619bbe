"""Threads that each do one kind of work in turn, so that quick work never waits for slow work."""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable

from modisp import tiles
from modisp.stage import Cancelled

Work = Callable[[Callable[[], bool]], None]
"""A piece of work; it is given what asks whether to stop."""


class Lane:
    """One thread and its line of work.

    `newest`: only the last piece put in waits, and what runs is told to stop for it.  `aside`: the work keeps to this
    thread alone, so that the shared worker threads stay free for others.
    """

    def __init__(self, name: str, failed: Callable[[str], None], *, newest: bool = False, aside: bool = False) -> None:
        self.newest, self.aside, self.failed = newest, aside, failed
        self._todo: deque[tuple[object, Work]] = deque()
        self._new = threading.Condition()
        self._stop = threading.Event()
        self._running: object = None
        self.busy = False
        threading.Thread(target=self._loop, name=name, daemon=True).start()

    def put(self, work: Work, key: object = None) -> None:
        """Add a piece of work; `key` is what `cancel` knows it by."""
        with self._new:
            if self.newest:
                self._todo.clear()
                if self._running is not None:
                    self._stop.set()
            self._todo.append((key, work))
            self._new.notify()

    def cancel(self, key: object = None) -> None:
        """Stop what runs and drop what waits: what was put in under `key`, or everything."""
        with self._new:
            kept = [] if key is None else [t for t in self._todo if t[0] != key]
            self._todo = deque(kept)
            if self._running is not None and key in (None, self._running[0]):  # type: ignore[index]
                self._stop.set()

    def _loop(self) -> None:
        if self.aside:
            # the pool's own mark for "do it here"; without it the look zone would wait behind the RAW zone's tiles
            tiles._busy.yes = True
        while True:
            with self._new:
                self._running, self.busy = None, False
                while not self._todo:
                    self._new.wait()
                item = self._todo.popleft()
                self._running, self.busy = item, True
                self._stop.clear()
            try:
                item[1](self._stop.is_set)
            except Cancelled:
                continue
            except Exception as why:  # one piece of work must not end the lane
                traceback.print_exc()
                self.failed(f"{why}" or type(why).__name__)
