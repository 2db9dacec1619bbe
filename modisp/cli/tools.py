"""Commands for those who build: `simulate`, `bench speed`, `check`."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modisp.cli import say
from modisp.cli.develop import Force
from modisp.cli.say import Usage
from modisp.cli.work import ready

if TYPE_CHECKING:
    from modisp.stage import Stage


def _list(wanted: bool) -> None:
    if not wanted:
        return
    from modisp.simulate.cameras import CAMERAS
    from modisp.simulate.scenes import list_scenes
    from modisp.simulate.sensor import CFAS
    from modisp.simulate.spectra import LIGHTS

    rows = [("scene", k, v) for k, v in list_scenes().items()] + [("camera", k, "") for k in CAMERAS]
    rows += [("light", k, "") for k in LIGHTS] + [("cfa", k, "") for k in CFAS]
    say.table(("", "name", ""), rows)
    raise typer.Exit


def simulate(
    scene: Annotated[str, typer.Argument(metavar="SCENE", help="A scene of our own (see --list), or a picture file.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.dng", help="The camera file to write.")],
    truth: Annotated[Path | None, typer.Option(metavar="TRUTH.tif", help="Where the noise-free scene goes.")] = None,
    cfa: Annotated[
        str, typer.Option(help="Colour filters: RGGB, GRBG, GBRG, BGGR, xtrans, quad, hex or mono.")
    ] = "RGGB",
    camera: Annotated[str, typer.Option(help="A camera (see --list), or a JSON file of sensitivities.")] = "aster",
    light: Annotated[str, typer.Option(help="The light that falls on the scene (see --list).")] = "D65",
    exposure: Annotated[float, typer.Option(metavar="EV", help="0: white just saturates.")] = 0.0,
    noise: Annotated[
        str, typer.Option(metavar="ISO", help="ISO speed (0: none), or A,B for a variance of A·x + B.")
    ] = "100",
    blur: Annotated[float, typer.Option(metavar="SIGMA", help="Gaussian blur of the lens, in pixels.")] = 0.0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the scene, in pixels.")] = "",
    bits: Annotated[int, typer.Option(min=8, max=16, help="Of the numbers written.")] = 14,
    black: Annotated[int | None, typer.Option(min=0, help="Pedestal of the numbers written.")] = None,
    single: Annotated[bool, typer.Option("--single", help="Colour matrices for one light instead of two.")] = False,
    baseline: Annotated[float, typer.Option(metavar="EV", help="BaselineExposure.")] = 0.0,
    orientation: Annotated[int, typer.Option(min=1, max=8, help="How the camera was held (EXIF).")] = 1,
    seed: Annotated[int, typer.Option(help="Another seed makes other noise.")] = 0,
    force: Force = False,
    show: Annotated[
        bool, typer.Option("--list", callback=_list, is_eager=True, help="Scenes, cameras, lights.")
    ] = False,
) -> None:
    """Photograph a scene with a camera of our own: a DNG, and the truth beside it."""
    ready()
    from modisp.simulate.files import simulate_file
    from modisp.simulate.sensor import CFAS

    for path in (out, truth):
        if path is not None and path.exists() and not force:
            raise ValueError(f"{path} exists already; --force overwrites it")
    simulate_file(
        scene,
        out,
        truth,
        force=force,
        cfa={k.lower(): k for k in CFAS}.get(cfa.lower().replace("-", ""), cfa),
        camera=camera,
        light=light,
        exposure=exposure,
        noise=_noise(noise),
        blur=blur,
        size=_size(size),
        bits=bits,
        black=black,
        dual=not single,
        baseline=baseline,
        orientation=orientation,
        seed=seed,
    )
    say.out(f"{scene} → {out}" + (f", {truth}" if truth else ""))


def _noise(text: str) -> float | tuple[float, float]:
    try:
        numbers = [float(n) for n in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        return numbers[0]
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    raise Usage(f"--noise is an ISO speed, or A,B; not {text}")


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d+)[x×](\d+)", text)
    if not found:
        raise Usage(f"--size is written WxH, not {text}")
    return int(found[2]), int(found[1])


def check(
    which: Annotated[str, typer.Argument(metavar="STAGE", help="package.module:Class, FILE.py, or a stage's name.")],
) -> None:
    """Try a stage by the laws that every stage keeps, and name those that it breaks."""
    ready()
    from modisp.check import check_stage

    bad = False
    for cls in _stages(which):
        broken = check_stage(cls)
        bad = bad or bool(broken)
        for sentence in broken:
            say.error(f"{cls.name}: {sentence}")
        if not broken:
            say.out(f"{cls.name} keeps all laws")
    if bad:
        raise typer.Exit(1)


def _stages(which: str) -> list[type[Stage]]:
    from modisp.stage import Stage, list_stages, load_plugin

    known = list_stages()
    if which in known:
        return [known[which]]
    if which.endswith(".py"):
        found = load_plugin(Path(which))
        if not found:
            raise ValueError(f"{which} defines no stage")
        return found
    module, colon, name = which.partition(":")
    if not colon:
        raise Usage(f"{which} is neither a stage, nor FILE.py, nor package.module:Class")
    sys.path.insert(0, "")  # a module beside the caller, as Python itself finds it
    try:
        cls = getattr(importlib.import_module(module), name, None)
    except ImportError as e:
        raise ValueError(f"{module} cannot be imported: {e}") from e
    if not (isinstance(cls, type) and issubclass(cls, Stage)):
        raise ValueError(f"{module} has no stage called {name}")
    return [cls]


def speed(
    picture: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A RAW file; a simulated one of 24 MP without.")
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Runs of each; the least CPU time counts.")] = 3,
    json: Annotated[bool, typer.Option("--json", help="A list of objects, for other programs.")] = False,
) -> None:
    """CPU seconds and peak memory of whole exports, children included, beside other programs that are installed."""
    from modisp.bench.speed import Row, measure

    def tell(row: Row) -> None:
        if not json:
            say.out(
                f"{row.name:<34}" + (row.why or f"{row.cpu:7.2f} CPU s {row.wall:7.2f} s {row.memory / 1e6:7.0f} MB")
            )

    rows = measure(picture, repeat, tell)
    if json:
        say.as_json([r.data() for r in rows])
