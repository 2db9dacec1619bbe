"""What the command line says: results on stdout, errors as one sentence on stderr, JSON where it is asked for."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

err = Console(stderr=True, highlight=False)
debug = False
"""Whether tracebacks are wanted (`--debug`)."""

GUESSED = "none are known of this camera: its colours are a guess"
MEASURED = "none are known of this camera: its colours are as a chart told"


class Usage(typer.BadParameter):
    """A command that cannot be meant; exit code 2."""


def out(text: str) -> None:
    """One line of result."""
    print(text, flush=True)


def warn(sentence: str) -> None:
    """Something that the photographer should know; the work goes on."""
    err.print(Text("warning: ", "yellow") + Text(sentence, ""), soft_wrap=True)


def error(sentence: str) -> None:
    """Something that failed."""
    err.print(Text("error: ", "bold red") + Text(sentence, ""), soft_wrap=True)


def failure(why: BaseException, about: str = "") -> None:
    """An exception as its sentence; with its traceback where that was asked for."""
    if debug:
        traceback.print_exception(why)
    error(sentence(why, about))


def sentence(why: BaseException, about: str = "") -> str:
    """An exception in one sentence, which names the file that it is `about`; faults of modisp itself are called so."""
    text = _words(why)
    return text if about in text else f"{about}: {text}"


def _words(why: BaseException) -> str:
    if isinstance(why, MemoryError):
        return "there is not enough memory"
    if isinstance(why, OSError) and why.strerror:
        return f"{why.filename or 'a file could not be written or read'}: {why.strerror}"
    text = str(why.args[0] if isinstance(why, KeyError) and why.args else why).strip()
    line = text.splitlines()[0] if text else type(why).__name__
    if isinstance(why, OSError | ValueError | TypeError | ImportError) and text:
        return line
    return f"something went wrong inside modisp ({type(why).__name__}: {line}); --debug shows where"


def as_json(rows: Sequence[Any]) -> None:
    """Print a list of objects as JSON, for other programs."""
    out(json.dumps(rows, indent=1, ensure_ascii=False, default=str))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings."""
    t = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name in columns:
        t.add_column(name, overflow="fold")
    for row in rows:
        t.add_row(*(Text(cell) for cell in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(t)


def size(n: float) -> str:
    """Bytes in words."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if n < 1000 or unit == "GB":
            return f"{n:.0f} {unit}" if unit == "bytes" or n >= 100 else f"{n:.1f} {unit}"
        n /= 1000
    return ""
