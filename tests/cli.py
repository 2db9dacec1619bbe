"""Running the command line inside the test's own process: starting Python and torch anew would cost seconds each time."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from typing import Any

from modisp.cli import main
from modisp.stage import Stage


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def modisp(*args: object) -> Done:
    """`modisp ARGS`; stages that it loads are forgotten afterwards."""
    out, err = io.StringIO(), io.StringIO()
    before, code = dict(Stage.registry), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(a) for a in args])
        except SystemExit as end:
            code = int(end.code or 0)
    for name in set(Stage.registry) - set(before):
        if name.startswith("near") or "modisp_plugins" in Stage.registry[name].__module__:
            del Stage.registry[name]
    assert "Traceback" not in err.getvalue() + out.getvalue(), err.getvalue()
    return Done(code, out.getvalue(), err.getvalue())


def well(*args: object) -> Done:
    """A command that has to succeed."""
    done = modisp(*args)
    assert done.code == 0, done.err
    return done
