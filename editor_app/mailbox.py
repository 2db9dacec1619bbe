"""One slot for what is to be rendered next: the newest request wins, one that is nearly done is let finish.  No Qt here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

Request = Mapping[str, Any]
GRACE = 0.15
"""Seconds for which a running request is waited for rather than stopped."""
LUXURY = ("fine", "other_fine")
"""Kinds of requests that are stopped for any other: they only better what is seen already."""
LONG = 1.0
"""Seconds from which a rendering is stopped for another of its own kind, every other time."""


class Mailbox:
    """Sends one request at a time.

    "Always start again" would freeze the picture during a drag.  So what runs is stopped only where it is expected to take
    longer than `GRACE` from now, by what requests of its kind took before, and the new one would be there sooner.
    """

    def __init__(
        self,
        send: Callable[[Request], None],
        cancel: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send, self._cancel, self._clock = send, cancel, clock
        self._running: Request | None = None
        self._next: Request | None = None
        self._since = 0.0
        self._stopped = self._starved = False
        self._took: dict[object, float] = {}

    @property
    def busy(self) -> bool:
        """Whether something is being rendered or waits for it."""
        return self._running is not None

    @property
    def running(self) -> int | None:
        """The id of what is being rendered."""
        return int(self._running["id"]) if self._running is not None else None

    def put(self, request: Request) -> None:
        """Ask for a rendering (its `id` tells it from others, its `kind` says what it is like)."""
        if self._running is None:
            self._start(request)
            return
        self._next = request
        if not self._stopped and self._worth_stopping(request):
            self._stopped = self._starved = True
            self._cancel(int(self._running["id"]))

    def give_up(self) -> None:
        """What runs is not wanted any more: stop it, unless it is likely to be there at once."""
        if self._running is not None and not self._stopped and self._clock() - self._since > GRACE:
            self._stopped = True
            self._cancel(int(self._running["id"]))

    def _worth_stopping(self, new: Request) -> bool:
        """Whether the new request would be shown sooner, or what runs is of no use any more."""
        assert self._running is not None
        kind, age = self._running.get("kind"), self._clock() - self._since
        if new.get("path") != self._running.get("path"):
            return True
        if (kind in LUXURY) != (new.get("kind") in LUXURY):
            return kind in LUXURY
        if kind not in self._took:
            return False  # let it finish, so that it is known how long its kind takes
        took = self._took[kind]
        remaining = took - age
        if remaining <= GRACE:
            return False
        if new.get("kind") != kind and self._took.get(new.get("kind"), took) < remaining:
            return True
        return took > LONG and not self._starved  # the one before was finished: something has been seen of late

    def done(self, ident: int, finished: bool) -> bool:
        """A request came back; whether it was the running one."""
        if self._running is None or self._running["id"] != ident:
            return False
        if finished:
            self._starved = False
            kind, took = self._running.get("kind"), self._clock() - self._since
            before = self._took.get(kind, took)
            self._took[kind] = before + 0.4 * (took - before)
        self._running = None
        if self._next is not None:
            request, self._next = self._next, None
            self._start(request)
        return True

    def expected(self, kind: object) -> float:
        """Seconds that requests of a kind took lately; 0 where none is known."""
        return self._took.get(kind, 0.0)

    def clear(self) -> None:
        """Forget everything, as when the engine was started again."""
        self._running = self._next = None

    def _start(self, request: Request) -> None:
        self._running, self._since, self._stopped = request, self._clock(), False
        self._send(request)
