"""`modisp bench tone`: how near tone stages come to their teachers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modisp.cli import say
from modisp.cli.lists import Json
from modisp.cli.work import ready


def tone(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]", help="Scenes: .hdr panoramas, RAW files; the data folder's held-out ones without."
        ),
    ] = None,
    style: Annotated[
        list[str],
        typer.Option(metavar="NAME", help="A style that has a teacher; several are possible; all: every one."),
    ] = ["natural"],  # noqa: B006  # typer copies it
    fits: Annotated[
        bool, typer.Option("--fits", help="Also what operators fitted to each picture do (minutes).")
    ] = False,
    without: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of a network without local light, to stand beside.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many pictures only, evenly spread.")] = None,
    halo: Annotated[bool, typer.Option("--halo", help="Measure halos at hard, irregular edges instead.")] = False,
    json: Json = False,
) -> None:
    """Finish scenes that no training has seen, and measure the difference from each style's teacher."""
    ready()
    from modisp.bench import tone as bench
    from modisp.bench import tone_halo
    from modisp.teach import TEACHERS

    if halo:
        edges = tone_halo.measure()
        if json:
            say.as_json([e.data() for e in edges])
        else:
            say.out(tone_halo.markdown(edges))
        return
    names = list(TEACHERS) if "all" in style else style
    rows = bench.measure(folder, names, fits, without, limit, say.err.print)
    if json:
        say.as_json([r.data() for r in rows])
    else:
        say.out(bench.markdown(rows))
