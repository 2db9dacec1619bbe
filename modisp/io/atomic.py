"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path, force: bool = True) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `path` once the block ends well; else `path` stays as it was.

    Written beside the target, flushed to the disk, then moved.  The folder is made where it is missing.  Without `force`
    FileExistsError where `path` exists.  OSError as the system raises it.
    """
    if not force and os.path.lexists(path):
        raise FileExistsError(f"{path} exists")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".modisp-{secrets.token_hex(6)}.part")
    try:
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if not force and os.path.lexists(path):  # somebody else wrote it meanwhile
            raise FileExistsError(f"{path} exists")
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
