"""The command line: one file per group of commands, and `main`, which turns every error into a sentence and an exit code."""

from __future__ import annotations

import sys
from contextlib import suppress


def main(argv: list[str] | None = None) -> None:
    """Run a command and exit: 0 when all is well, 1 for an error, 2 for a command that cannot be meant, 130 when cancelled.

    Heavy modules are imported by the commands that need them, so that help appears at once.
    """
    given = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a file name may hold anything
    from modisp.cli import say
    from modisp.cli.app import app

    say.debug = "--debug" in given
    try:
        app(args=[a for a in given if a != "--debug"], prog_name="modisp")
    except KeyboardInterrupt:
        say.error("cancelled")
        sys.exit(130)
    except Exception as why:
        say.failure(why)
        sys.exit(1)
