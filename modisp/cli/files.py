"""Which files a command line means, and what their results are to be called."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modisp.cli.say import Usage

# fmt: off
RAW = [
    ".3fr", ".ari", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dcs", ".dng", ".erf", ".fff", ".gpr",
    ".iiq", ".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".ptx", ".pxn", ".qtk", ".r3d",
    ".raf", ".raw", ".rw2", ".rwl", ".rwz", ".sr2", ".srf", ".srw", ".x3f",
]
# fmt: on
FINISHED = [".avif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"]
"""Suffixes of the files that are taken from a folder; a file that is named itself is opened whatever it is called."""


@dataclass(frozen=True)
class Job:
    """One picture to make: from where, to where."""

    source: Path
    target: Path


def sources(given: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The files that are meant, folders opened (not the folders in them), each once; and sentences on what there is not."""
    files: dict[str, Path] = {}
    problems = []
    for path in [p for g in given for p in _expanded(g)]:
        found = [path]
        if path.is_dir():
            try:
                found = [
                    p
                    for p in sorted(path.iterdir())
                    if p.suffix.lower() in RAW + FINISHED and not p.name.startswith(".")
                ]
            except OSError as e:
                problems.append(f"{path} cannot be read: {e.strerror}")
                continue
            if not found:
                problems.append(f"there are no pictures in {path}")
        for p in found:
            files.setdefault(os.path.realpath(p), p)
    return list(files.values()), problems


def _expanded(path: Path) -> list[Path]:
    """The files that a pattern like `*.CR3` names, where no shell has opened it, as on Windows."""
    if path.exists() or not glob.has_magic(path.name):
        return [path]
    return sorted(p for p in path.parent.glob(path.name) if not p.name.startswith(".")) or [path]


def jobs(given: Sequence[Path], files: Sequence[Path], out: Path, suffix: str) -> list[Job]:
    """Where each file goes: to `out` itself where one file is given and `out` is named like one, else into the folder `out`.

    Pictures of equal name get a number.  Raises Usage where several pictures would go into one file.
    """
    like_a_file = out.suffix and not out.is_dir() and not str(out).endswith(("/", os.sep))
    if like_a_file and len(given) == 1 and len(files) < 2 and not given[0].is_dir():
        return [Job(f, out) for f in files]
    if like_a_file and out.suffix.lower() in (*FINISHED, ".dng"):
        raise Usage(f"several pictures need a folder to go to, and {out} is named like a file")
    if out.exists() and not out.is_dir():
        raise Usage(f"{out} is a file, and several pictures need a folder to go to")
    taken: set[str] = set()
    rows = []
    for f in files:
        name, n = f"{f.stem}{suffix}", 1
        while name.lower() in taken:
            n += 1
            name = f"{f.stem}-{n}{suffix}"
        taken.add(name.lower())
        rows.append(Job(f, out / name))
    return rows


def spare(source: Path, target: Path) -> None:
    """ValueError where `target` is the very file that is read: an original is never overwritten, whatever is asked for."""
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"{target} would overwrite the picture that it is made from; choose another name or folder")
