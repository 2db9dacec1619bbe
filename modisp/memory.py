"""How the C library's heap behaves while networks run; other systems than glibc's are left alone."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Names of glibc's malloc.h."""


@cache
def keep() -> None:
    """Keep what a layer gives back for the next layer, in one heap for all threads.

    Asking the system for clean pages anew for every layer takes a fifth of all time.
    """
    with suppress(AttributeError, OSError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(M_TRIM_THRESHOLD, 256 << 20)
        libc.mallopt(M_ARENA_MAX, 1)


def give_back() -> None:
    """Give the system what lies unused in the heap."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
