"""`modisp calibrate` and `modisp bench color`: a camera's colours measured with a chart, and all cameras' by spectra."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modisp.cli import say
from modisp.cli.lists import Json
from modisp.cli.say import Usage
from modisp.cli.work import Bar, ready, stoppable

if TYPE_CHECKING:
    from modisp.chart.measure import Report


def calibrate(
    picture: Annotated[Path, typer.Argument(metavar="CHART.dng", help="A RAW photograph of a chart in even light.")],
    chart: Annotated[
        str, typer.Option(help="Which chart: colorchecker24 (the ColorChecker Classic).")
    ] = "colorchecker24",
    corners: Annotated[
        str,
        typer.Option(
            metavar='"X,Y X,Y X,Y X,Y"',
            help="The chart's outer corners, in pixels of the upright picture: at the dark skin patch, at the far end of "
            "the same row, and on round. Found by themselves without.",
        ),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace the calibration that the camera has.")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only report; write nothing.")] = False,
) -> None:
    """Measure a camera's colours with a photographed chart; the learned colour correction uses it from then on.

    Reports ΔE2000 of the chart's patches before and after.
    """
    ready()
    from modisp import weights
    from modisp.chart.measure import calibrate as measure
    from modisp.io.atomic import replacing
    from modisp.operators import calibration

    places = _corners(corners) if corners else None
    with stoppable() as stop, Bar(1) as bar:
        report = measure(picture, chart, places, bar.file(picture.name, 0), stop)
    for line in _lines(picture, report):
        say.out(line)
    if dry:
        return
    own = report.calibration
    path = calibration.path_of(weights.slug(own.camera))
    if path.exists() and not force:
        raise ValueError(f"{own.camera} is calibrated already, in {path}; --force replaces that")
    with replacing(path) as file:
        file.write(own.dump().encode())
    say.out(f"{own.camera} → {path}")


def _corners(text: str) -> list[tuple[float, float]]:
    try:
        rows = [tuple(float(v) for v in word.split(",")) for word in text.split()]
    except ValueError:
        rows = []
    if len(rows) != 4 or any(len(r) != 2 for r in rows):
        raise Usage(f"--corners are four places, each X,Y; not {text}")
    return [(r[0], r[1]) for r in rows]


def _lines(picture: Path, report: Report) -> list[str]:
    before, after = report.errors.T
    places = " ".join(f"{x:.0f},{y:.0f}" for x, y in report.found.corners())
    light = f"{report.kelvin:.0f} K, tint {report.tint:+.0f}" if report.known else "unknown, as no matrices are"
    out = [f"{picture.name}: chart at {places}, light {light}"]
    if left := 24 - len(report.used):
        out.append(f"{left} patches are overexposed and left out")
    if report.shaded:
        out.append(f"{report.shaded} patches lie in a light of their own: their brightness is not counted")
    out.append(
        f"ΔE2000 mean {before.mean():.2f} → {after.mean():.2f}, largest {before.max():.2f} → {after.max():.2f} "
        f"({len(before)} patches, {'matrices alone' if report.known else 'as sRGB'} → calibrated)"
    )
    return out


def color(
    folder: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Folder of measured cameras (rawtoaces); MODISP_DATA by default."),
    ] = None,
    maker: Annotated[str, typer.Option(help="All cameras of one maker instead of those left out of training.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the tables there as well (Markdown).")] = None,
    json: Json = False,
) -> None:
    """ΔE2000 of true colours over reflectances and lights: the matrices alone, what could be reached, the learned correction."""
    ready()
    from modisp import weights
    from modisp.bench import color as bench

    net, _ = weights.load("color_correct")
    shots = bench.shots(folder, maker)
    if not shots:
        raise ValueError(f"no camera of {maker} is among the data")
    compared = bench.methods(net)
    rows, fair = bench.measure(compared, shots), {name: compared[name] for name in bench.UNKNOWN}
    others = {s: bench.measure(fair, bench.shots(folder, maker, s)) for s in bench.SURFACES[1:]}
    grown, seconds = bench.noise(net, shots), bench.cost()
    text = bench.markdown(rows, others, grown, seconds)
    if json:
        tables = [(bench.SURFACES[0], r) for r in rows] + [(s, r) for s, found in others.items() for r in found]
        figures = [
            {"method": r.method, "makers": r.maker, "reflectances": s, **r.figures()}
            | {"cameras": {c: r.figures(c) for c in r.errors}}
            for s, r in tables
        ]
        say.as_json([*figures, {"noise": grown, "cpu_24mp": seconds}])
    else:
        say.out(text)
    if out is not None:
        out.write_text(text + "\n", "utf-8")
