"""A pool of decoder processes: hostile files can kill only them, and only for themselves.

Each process decodes one file after the other (starting one costs 0.2 s), is given up when it dies, runs too long or
grows too large, and takes no part of this process's memory: pixels arrive through a pipe, slab by slab, and are
normalised on the way, so that neither side holds a second copy.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from modisp.io.errors import ImageError

SECONDS = 60
"""Time limit of one job."""
MEMORY = 6 << 30
"""Bytes of address space that one decoder process may take."""
_SERVE = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from modisp.io.worker import main; main({}, {})"

Receive = Callable[[dict[str, Any], IO[bytes]], None]
"""Called with an answer's header and the stream from which it has to read exactly the pixels' bytes."""


class Process:
    """One decoder process.  Not for two threads at a time."""

    def __init__(self, seconds: float, memory: int) -> None:
        self.seconds = seconds
        self.owner = os.getpid()
        code = _SERVE.format(memory, int(seconds))
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "", "PYTHONDONTWRITEBYTECODE": "1"}
        self.child = subprocess.Popen(
            [sys.executable, "-c", code, json.dumps([str(Path(p or ".").absolute()) for p in sys.path])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

        if sys.platform.startswith("linux"):  # fewer turns for the same pixels
            import fcntl

            assert self.child.stdout is not None
            with contextlib.suppress(OSError):
                fcntl.fcntl(self.child.stdout.fileno(), 1031, 1 << 20)  # F_SETPIPE_SZ

    @property
    def alive(self) -> bool:
        """Whether it can take another job."""
        return self.owner == os.getpid() and self.child.poll() is None

    def run(self, do: str, path: Path, receive: Receive | None) -> dict[str, Any]:
        """One job; EOFError or OSError where the process does not live to its end, TimeoutError where it took too long."""
        assert self.child.stdin is not None and self.child.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            self.child.kill()

        timer = threading.Timer(self.seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            self.child.stdin.write(json.dumps({"do": do, "path": str(path)}).encode() + b"\n")
            self.child.stdin.flush()
            (length,) = struct.unpack("<Q", _exactly(self.child.stdout, 8))
            header: dict[str, Any] = json.loads(_exactly(self.child.stdout, length))
            if "shape" in header and receive is not None:
                receive(header, self.child.stdout)
            return header
        except (EOFError, OSError) as e:
            if late.is_set():
                raise TimeoutError from e
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process."""
        if self.owner != os.getpid():
            return  # it belongs to the process that this one was forked from
        self.child.kill()
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.child.wait()


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


class Pool:
    """At most `size` decoder processes; callers beyond that wait for their turn.  Safe from any thread."""

    def __init__(self, size: int = 0, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.seconds, self.memory = seconds, memory
        self._turn = threading.BoundedSemaphore(size or max(1, min(4, os.cpu_count() or 1)))
        self._lock = threading.Lock()
        self._idle: list[Process] = []

    def run(self, do: str, path: Path, receive: Receive | None = None) -> dict[str, Any]:
        """The header of the answer to one job, the pixels having gone through `receive`.

        Raises ImageError, naming the file, for every failure that the file can cause.
        """
        with self._turn:
            process = self._take()
            try:
                header = process.run(do, path, receive)
            except BaseException as e:
                process.close()  # also after an interruption: its pipe is in the middle of something
                if isinstance(e, TimeoutError):
                    raise ImageError(f"{path.name} took longer than {self.seconds:g} s to decode; it is damaged") from e
                if isinstance(e, EOFError | OSError):
                    sentence = f"{path.name} cannot be decoded: it is damaged, or needs more memory than is allowed"
                    raise ImageError(sentence) from e
                raise
            with self._lock:
                self._idle.append(process)
        if "error" in header["info"]:
            sentence = header["info"]["error"].replace("{name}", path.name)
            raise ImageError(sentence) from RuntimeError(header["info"].get("detail", ""))
        return header

    def _take(self) -> Process:
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.alive:
                    return process
                process.close()
        return Process(self.seconds, self.memory)

    def close(self) -> None:
        """End the processes that wait for work."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()


_pool = Pool()
atexit.register(_pool.close)


def decode(do: str, path: Path, receive: Receive | None = None) -> dict[str, Any]:
    """`Pool.run` of the pool that all of modisp shares."""
    return _pool.run(do, path, receive)


def close() -> None:
    """End the shared decoder processes that are idle, to give back their memory (some 40 MB each)."""
    _pool.close()
