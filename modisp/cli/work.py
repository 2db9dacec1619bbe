"""What long commands share: quiet threads, a progress bar, and Ctrl-C that ends the work cleanly."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import typer
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from modisp.cli.say import err, error

Tell = Callable[[float, str], None]


def ready(plugins: list[Path] | None = None) -> None:
    """Import what works, with one thread inside each operation: tiles run side by side, and waiting threads cost power."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)
    from modisp.stage import load_plugin

    for path in plugins or ():
        load_plugin(path)


class Stop:
    """Asked to stop: once set, the work in hand ends within moments and leaves nothing behind."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self) -> bool:
        """Whether the work is to stop."""
        return self._event.is_set()

    def handle(self, number: int, frame: FrameType | None) -> None:
        """A signal handler; the second signal does not wait."""
        if self._event.is_set():
            raise KeyboardInterrupt
        self._event.set()


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Within, SIGINT and SIGTERM ask the work to stop instead of breaking it off; work that then fails was cancelled."""
    stop = Stop()
    old: dict[signal.Signals, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError):  # not in the main thread: the caller decides
            old[number] = signal.signal(number, stop.handle)
    try:
        yield stop
    except Exception:
        if not stop():
            raise
        error("cancelled")  # whatever the work ended with: a decoder that was told to stop as well, say
        raise typer.Exit(130) from None
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


class Bar:
    """A progress bar on stderr for one file after the other, with the time left; nothing where stderr is no terminal."""

    def __init__(self, files: int) -> None:
        self._files = files
        self._all: TaskID | None = None
        self._now: TaskID | None = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            console=err,
            transient=True,
            disable=not err.is_terminal,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Bar:
        self._bar.start()
        if self._files > 1:
            self._all = self._bar.add_task("all files", total=self._files)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def file(self, name: str, number: int) -> Tell:
        """Begin a file; returns what tells its progress."""
        if self._now is not None:
            self._bar.remove_task(self._now)
        now = self._now = self._bar.add_task(name, total=1.0)

        def tell(fraction: float, words: str) -> None:
            self._bar.update(now, completed=fraction, description=f"{name}: {words}")
            if self._all is not None:
                self._bar.update(self._all, completed=number + fraction)

        return tell

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within, lines can be printed: the bar is out of the way."""
        self._bar.stop()
        yield
        self._bar.start()
