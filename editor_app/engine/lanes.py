"""Threads that each do one kind of work in turn, so that quick work never waits for slow work."""

from __future__ import annotations

import threading
import time
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
        self._doomed: set[object] = set()
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
            self.busy = True
            self._new.notify()

    def cancel(self, key: object = None) -> None:
        """Stop what was put in under `key` (what still waits is begun, told to stop, so that it can say so); without a
        key, stop what runs and drop all that waits."""
        with self._new:
            if key is None:
                self._todo.clear()
            elif any(t[0] == key for t in self._todo):
                self._doomed.add(key)
            if self._running is not None and key in (None, self._running[0]):  # type: ignore[index]
                self._stop.set()

    def drain(self, seconds: float) -> None:
        """Wait until everything is done, at most so long."""
        end = time.monotonic() + seconds
        while (self._todo or self.busy) and time.monotonic() < end:
            time.sleep(0.01)

    def _loop(self) -> None:
        if self.aside:
            # the pool's own mark for "do it here"; without it the look zone would wait behind the RAW zone's tiles
            tiles._busy.yes = True
        while True:
            with self._new:
                self._running, self.busy = None, bool(self._todo)
                while not self._todo:
                    self._new.wait()
                item = self._todo.popleft()
                self._running, self.busy = item, True
                self._stop.clear()
                if item[0] in self._doomed:
                    self._doomed.discard(item[0])
                    self._stop.set()
            try:
                item[1](self._stop.is_set)
            except Cancelled:
                continue
            except Exception as why:  # one piece of work must not end the lane
                traceback.print_exc()
                self.failed(f"{why}" or type(why).__name__)
