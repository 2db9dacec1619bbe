"""What runs in a decoder process: read a job, decode, send facts and pixels, forget everything, wait.

A job is a line of JSON, {"do", "path"}; the answer is eight bytes of length, JSON, and the pixels' bytes as stored.
This process never imports torch, never writes a file, and can be killed at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from modisp.io import content
from modisp.io.errors import ImageError
from modisp.io.result import Result, slabs


def main(memory: int, seconds: int) -> None:
    """Serve jobs from standard input until it ends, within `memory` bytes and `seconds` of CPU time for each job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it ends this process
    _limit_memory(memory)
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # no library may talk into the answers
    for line in sys.stdin.buffer:
        job = json.loads(line)
        _limit_time(seconds)
        with contextlib.suppress(BrokenPipeError):
            send(out, answer(job["do"], Path(job["path"])))


def answer(do: str, path: Path) -> Result:
    """The result of one job; whatever goes wrong becomes a result with an error sentence."""
    try:
        return content.JOBS[do](path)
    except ImageError as e:
        return _failed(str(e), e)
    except MemoryError as e:
        return _failed("{name} needs more memory than a decoder may take; it is damaged, or too large", e)
    except Exception as e:  # damaged files find every way to fail
        return _failed("{name} is damaged: it cannot be read", e)


def _failed(sentence: str, error: Exception) -> Result:
    detail = "".join(traceback.format_exception(error))
    return Result(info={"error": sentence, "detail": detail})


def send(out: BinaryIO, result: Result) -> None:
    """Write an answer; the pixels go slab by slab, so that no second copy of them is made."""
    head = json.dumps(result.header(), allow_nan=True).encode()
    out.write(struct.pack("<Q", len(head)) + head)
    if result.pixels is not None:
        for top, rows in slabs(result.pixels.shape, result.pixels.dtype.itemsize):
            out.write(np.ascontiguousarray(result.pixels[top : top + rows]).data)
    out.flush()


def _limit_memory(limit: int) -> None:
    """Refuse allocations beyond the limit where the system can; else end this process when it grows past it."""
    if sys.platform.startswith("linux"):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        return

    def watch() -> None:
        while _used() < limit:
            time.sleep(0.1)
        os._exit(9)

    threading.Thread(target=watch, daemon=True).start()


def _used() -> int:
    """Bytes of memory that this process takes."""
    if sys.platform == "win32":
        import ctypes

        class Counters(ctypes.Structure):
            _fields_ = (
                ("size", ctypes.c_ulong),
                ("faults", ctypes.c_ulong),
                *((f"n{i}", ctypes.c_size_t) for i in range(8)),
            )

        counters = Counters()
        kernel: Any = ctypes.windll.kernel32
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(kernel.GetCurrentProcess())
        kernel.K32GetProcessMemoryInfo(handle, ctypes.byref(counters), ctypes.sizeof(counters))
        return int(counters.n1)  # WorkingSetSize
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def _limit_time(seconds: int) -> None:
    """Let the system end this process when a job takes too much CPU time, even if nobody watches any longer."""
    if sys.platform != "win32":
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + seconds + 1, hard))
