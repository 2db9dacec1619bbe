"""The table of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from modisp import __version__
from modisp.cli import calibrate, develop, learned, lists, run, style, tone, tools, white

app = typer.Typer(
    name="modisp",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
bench = typer.Typer(no_args_is_help=True, help="Measure modisp, beside other programs where they are installed.")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"modisp {__version__}")
        raise typer.Exit


@app.callback()
def modisp(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere on the line.")] = False,
) -> None:
    """Develop RAW photographs through explicit, exchangeable stages."""


app.command()(develop.develop)
app.command()(run.run)
app.command()(lists.info)
app.command()(lists.stages)
app.command()(lists.styles)
app.command()(lists.cache)
app.command()(tools.simulate)
app.command()(learned.train)
app.command()(learned.weights)
bench.command()(tools.speed)
bench.command()(learned.demosaic)
bench.command()(learned.restore)
bench.command()(calibrate.color)
bench.command()(tone.tone)
bench.command()(white.white)
bench.command("style-learn")(style.bench_learn)
app.add_typer(bench, name="bench")
app.add_typer(style.style, name="style")
app.command()(calibrate.calibrate)
app.command()(tools.check)
