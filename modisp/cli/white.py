"""Commands about the white of a picture: `info --white`, `bench white`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modisp.cli import say
from modisp.cli.learned import Out
from modisp.cli.lists import Json
from modisp.cli.work import Bar, Stop, Tell, ready, stoppable

if TYPE_CHECKING:
    from modisp.stage import Reading


def show_lights(pictures: Sequence[Path], as_json: bool) -> bool:
    """Say for each file which light its camera noted and which lights its picture speaks for; False where one failed."""
    ready()
    rows: list[dict[str, Any]] = []
    failed = False
    with stoppable() as stop, Bar(len(pictures)) as bar:
        for number, path in enumerate(pictures):
            try:
                row = {"name": str(path), "lights": lights(_reading(path, bar.file(path.name, number), stop))}
            except (ValueError, TypeError, OSError) as why:
                if stop():
                    raise
                failed = True
                with bar.paused():
                    say.failure(why, str(path))
                continue
            rows.append(row)
            if not as_json:
                with bar.paused():
                    _show(row)
    if as_json:
        say.as_json(rows)
    return not failed


def _reading(path: Path, tell: Tell, stop: Stop) -> Reading:
    from modisp.cache import shared_cache
    from modisp.image import State
    from modisp.run import Run
    from modisp.session import open_source
    from modisp.stage import cancellable
    from modisp.tiles import Progress

    image, recipe, pinned = open_source(path, None)
    if image.state not in (State.MOSAIC, State.CAMERA):
        raise ValueError(f"{path.name} is past white balance: give a RAW file")
    with cancellable(stop):
        run = Run(image, recipe, until="white_balance", cache=shared_cache(), readings=pinned, progress=Progress(tell))
    return run.readings["white_balance"]


def lights(reading: Reading) -> list[dict[str, Any]]:
    """One row a light: what it is, temperature, tint, confidence (0…1; None for what the camera noted)."""
    shot = reading.values.get("as shot")
    rows = [_row("as shot", shot, None)] if shot and shot.get("noted", True) else []
    for c in reading.candidates:
        numbers = reading.values.get(str(c.values.get("mode")), c.values)
        rows.append(_row(c.words.partition(":")[0], numbers, round(c.confidence, 3)))
    return rows


def _row(name: str, light: Any, confidence: float | None) -> dict[str, Any]:
    numbers = {"temperature": round(light["temperature"], 1), "tint": round(light["tint"], 1)}
    return {"light": name, **numbers, "confidence": confidence}


def _show(row: dict[str, Any]) -> None:
    say.out(row["name"])
    say.table(
        ("light", "temperature", "tint", "confidence"),
        (
            (
                r["light"],
                f"{r['temperature']:.0f} K",
                f"{r['tint']:+.0f}",
                "" if r["confidence"] is None else f"{r['confidence']:.0%}",
            )
            for r in row["lights"]
        ),
    )
    if not row["lights"]:
        say.out("a monochrome picture has no white to balance")
    say.out("")


def white(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Photographs that are lit white.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Holds colour/ (camera sensitivities); MODISP_DATA by default."),
    ] = None,
    repeat: Annotated[
        int, typer.Option(min=1, help="Shots of each scene, each by another camera in another light.")
    ] = 3,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A weight file other than the one installed.")
    ] = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Light photographs anew, see them as cameras that no training saw, and measure how well their light is found."""
    ready()
    import json as plain

    from modisp.bench.white import markdown, measure
    from modisp.simulate.world import colour_folder

    rows, mixed = measure(folder, colour_folder(data).parent, repeat, weights or "white_balance", say.err.print)
    text, table = markdown(rows, mixed), [*(r.data() for r in rows), {"name": "two lights", **mixed}]
    if json:
        say.as_json(table)
    else:
        say.out(text)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "table.md").write_text(text + "\n", "utf-8")
        (out / "table.json").write_text(plain.dumps(table, indent=1) + "\n", "utf-8")
