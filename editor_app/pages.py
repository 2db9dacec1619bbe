"""Memory that the window and the engine share: a file that both map.  Nothing is copied on the way from one to the other."""

from __future__ import annotations

import mmap
import os
import tempfile
from contextlib import suppress
from pathlib import Path


class Page:
    """A piece of shared memory under a file name; made by the window, opened by the engine."""

    def __init__(self, path: Path, size: int, make: bool = False) -> None:
        self.path, self.size = path, size
        flags = os.O_RDWR | (os.O_CREAT | os.O_EXCL if make else 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(path, flags, 0o600)
        try:
            if make:
                os.truncate(path, size)
            self.map = mmap.mmap(handle, size)
        finally:
            os.close(handle)

    def remove(self) -> None:
        """Take the file's name away; the memory goes when nobody maps it any more."""
        with suppress(OSError):
            self.path.unlink()


class Pool:
    """The window's pages: one is lent with every request and comes back when its picture is no longer shown."""

    def __init__(self) -> None:
        base = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="modisp-", dir=base if os.access(base, os.W_OK) else None))
        self.free: list[Page] = []
        self.count = 0

    def take(self, size: int) -> Page:
        """A page of at least `size` bytes."""
        fitting = [p for p in self.free if p.size >= size]
        if fitting:
            page = min(fitting, key=lambda p: p.size)
            self.free.remove(page)
            return page
        if len(self.free) > 2:  # too small for what is asked now, as after the window has grown
            self.free.pop(0).remove()
        self.count += 1
        return Page(self.folder / f"page-{self.count}", -(-size // (1 << 20)) * (1 << 20), make=True)

    def give(self, page: Page) -> None:
        """Take a page back."""
        self.free.append(page)

    def close(self) -> None:
        """Take the folder away."""
        for p in self.free:
            p.remove()
        with suppress(OSError):
            for left in self.folder.iterdir():
                left.unlink()
            self.folder.rmdir()
