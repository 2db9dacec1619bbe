"""`modisp develop`: pictures from files, one after the other; a bad one never stops the others."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modisp.cli import say
from modisp.cli.files import Job, jobs, sources, spare
from modisp.cli.say import Usage
from modisp.cli.work import Bar, Stop, Tell, ready, stoppable

if TYPE_CHECKING:
    from modisp.cli.settings import Settings
    from modisp.export import Plan, Wanted
    from modisp.image import Image


class Format(str, Enum):  # noqa: UP042  # StrEnum prints differently in the help
    """Formats of finished pictures."""

    jpg, png, tif, webp, avif = "jpg", "png", "tif", "webp", "avif"


class Carry(str, Enum):  # noqa: UP042
    """What goes along of the source's EXIF."""

    all, no_gps, none = "all", "no-gps", "none"


class Bits(str, Enum):  # noqa: UP042
    """Bits per channel."""

    eight, sixteen, float = "8", "16", "32"


class Subsampling(str, Enum):  # noqa: UP042
    """How finely colour is kept in JPEG and AVIF."""

    full, half, quarter = "4:4:4", "4:2:2", "4:2:0"


LOOK, FILE, WORK = "What the picture looks like", "What is written", "Where and how"
Plugins = Annotated[
    list[Path],
    typer.Option("--plugin", metavar="FILE.py", help="A Python file with stages of your own.", show_default=False),
]
Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, mps or auto.", rich_help_panel=WORK)]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.", rich_help_panel=FILE)]


def develop(
    pictures: Annotated[
        list[Path], typer.Argument(metavar="IN…", help="RAW files, pictures, saved intermediates, or folders of them.")
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="OUT", help="A file for one picture; a folder for several.")
    ],
    style: Annotated[
        list[str],
        typer.Option(
            metavar="NAME[:STRENGTH][,PART=STRENGTH]",
            help="A style; several are mixed. Parts are slots (tone, look …) or tone.gain, tone.curve, tone.local, tone.colour.",
            rich_help_panel=LOOK,
        ),
    ] = [],  # noqa: B006  # typer copies it
    set_: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="SLOT.PARAM=VALUE",
            help="One setting; SLOT.on=off for none of it.",
            rich_help_panel=LOOK,
        ),
    ] = [],  # noqa: B006
    use: Annotated[
        list[str], typer.Option(metavar="SLOT=STAGE", help="Another stage for a slot.", rich_help_panel=LOOK)
    ] = [],  # noqa: B006
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Start from a recipe (JSON) or a sidecar.", rich_help_panel=LOOK),
    ] = None,
    sidecar: Annotated[
        bool,
        typer.Option("--sidecar/--no-sidecar", help="Read settings from a picture's sidecar.", rich_help_panel=LOOK),
    ] = True,
    space: Annotated[
        str,
        typer.Option(metavar="SPACE", help="srgb, display-p3, adobe-rgb or rec2020.", rich_help_panel=FILE),
    ] = "",
    until: Annotated[
        str,
        typer.Option(
            metavar="STATE|SLOT",
            help="Stop there and save that image; develop goes on from it.",
            rich_help_panel=FILE,
        ),
    ] = "",
    size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Long edge in pixels; resized from full size.", rich_help_panel=FILE),
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="Kind of picture where OUT is a folder.", rich_help_panel=FILE)
    ] = Format.jpg,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG, WebP and AVIF.", rich_help_panel=FILE)] = 92,
    sharpen: Annotated[
        str, typer.Option(metavar="FOR", help="Sharpen the finished size for screen or print.", rich_help_panel=FILE)
    ] = "",
    subsampling: Annotated[
        Subsampling, typer.Option(help="How finely JPEG and AVIF keep colour.", rich_help_panel=FILE)
    ] = Subsampling.full,
    progressive: Annotated[
        bool, typer.Option("--progressive", help="JPEG that appears coarse first.", rich_help_panel=FILE)
    ] = False,
    bits: Annotated[
        Bits | None, typer.Option(help="Bits per channel; by default 8, and 16 for TIFF.", rich_help_panel=FILE)
    ] = None,
    metadata: Annotated[
        Carry, typer.Option(help="What goes along of the camera's notes.", rich_help_panel=FILE)
    ] = Carry.all,
    taps: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save the image after every stage, too.", rich_help_panel=FILE)
    ] = None,
    force: Force = False,
    device: Device = "cpu",
    plugin: Plugins = [],  # noqa: B006
    json: Annotated[bool, typer.Option("--json", help="Say what was done as JSON.", rich_help_panel=WORK)] = False,
) -> None:
    """Make finished pictures from RAW files (or go on from saved intermediates).

    Settings are read from a picture's sidecar NAME.EXT.modisp unless --recipe or --no-sidecar says otherwise.
    """
    files, problems = sources(pictures)
    ready(plugin)
    from modisp.cli.settings import Settings
    from modisp.export import Wanted

    settings = Settings([*set_, *([f"output.space={space}"] if space else [])], use, style, recipe, sidecar)
    suffix = _suffix(until, format_.value)
    wanted = Wanted(
        until=until or None,
        size=size,
        bits=int(bits.value) if bits else 0,
        quality=quality,
        sharpen=sharpen,
        subsampling=subsampling.value,
        progressive=progressive,
        metadata=metadata.value,
        device=checked_device(device),
        force=force,
    )
    todo = jobs(pictures, files, out, suffix)
    for sentence in problems:
        say.error(sentence)
    with stoppable() as stop, Bar(len(todo)) as bar:
        rows = _all(todo, settings, wanted, taps, stop, bar, quiet=json)
    if json:
        say.as_json([r.data() for r in rows])
    failed = [r for r in rows if r.error]
    if len(todo) + len(problems) > 1:
        words = f"{len(rows) - len(failed)} of {len(todo)} developed"
        names = ", ".join(r.job.source.name for r in failed)
        say.err.print(words + (f"; failed: {names}" if failed else ""), soft_wrap=True, markup=False)
    if stop():
        say.error("cancelled")
        raise typer.Exit(130)
    if failed or problems:
        raise typer.Exit(1)


@dataclass
class Result:
    """What became of one job."""

    job: Job
    seconds: float = 0.0
    size: tuple[int, int] = (0, 0)
    error: str = ""
    note: str = ""

    def data(self) -> dict[str, Any]:
        """Plain JSON data."""
        row: dict[str, Any] = {"name": self.job.source.name, "source": str(self.job.source)}
        if self.error:
            return row | {"error": self.error}
        width, height = self.size
        row |= {"out": str(self.job.target), "width": width, "height": height, "seconds": round(self.seconds, 2)}
        return row | ({"note": self.note} if self.note else {})


def _all(
    todo: list[Job], settings: Settings, wanted: Wanted, taps: Path | None, stop: Stop, bar: Bar, quiet: bool
) -> list[Result]:
    from modisp.cache import shared_cache
    from modisp.stage import Cancelled

    rows = []
    for n, job in enumerate(todo):
        if stop():
            break
        folder = taps / job.target.stem if taps and len(todo) > 1 else taps
        tell = bar.file(job.source.name, n)
        try:
            row = _one(job, settings, wanted, folder, stop, tell)
        except Cancelled:
            break
        except Exception as why:
            if stop():
                break  # a decoder that was told to end as well, say
            row = Result(job, error=say.sentence(why, job.source.name))
            with bar.paused():
                say.failure(why, job.source.name)
        else:
            if not quiet:
                width, height = row.size
                with bar.paused():
                    say.out(f"{job.source} → {job.target}  ({width} × {height}, {row.seconds:.1f} s)")
                    if row.note:
                        say.out(f"  {row.note}")
        rows.append(row)
        shared_cache().forget()
    return rows


def _one(job: Job, settings: Settings, wanted: Wanted, taps: Path | None, stop: Stop, tell: Tell) -> Result:
    from modisp.color.camera import Camera
    from modisp.export import export
    from modisp.image import State
    from modisp.stage import Probe
    from modisp.stages.color_correct_learned import ColorCorrectLearned, has_chart

    started = time.perf_counter()
    spare(job.source, job.target)
    notes: list[str] = []

    def plan(image: Image, extras: Mapping[str, Any]) -> Plan:
        if image.state is State.MOSAIC and Camera.of(image.meta).guessed and not has_chart(image.meta):
            notes.append(f"colour matrices: {say.GUESSED}")
        planned = settings.plan(job.source, image, extras)
        for stage in (e.active() for e in planned.recipe.entries if image.state is State.MOSAIC):
            if isinstance(stage, ColorCorrectLearned) and stage.strength:
                found = stage.measure(Probe.of(image)).values
                if found["source"] == "strange":
                    notes.append(f"colours: {found['words']}")
        return planned

    image = export(
        job.source,
        job.target,
        plan,
        wanted,
        taps=taps,
        progress=tell,
        cancel=stop,
    )
    return Result(job, time.perf_counter() - started, (image.width, image.height), note="; ".join(notes))


def _suffix(until: str, finished: str) -> str:
    """The suffix of results in a folder; Usage where `until` names nothing."""
    if not until:
        return f".{finished}"
    from modisp.export import suffix_of
    from modisp.image import State
    from modisp.stage import list_stages

    if until.upper() in State.__members__:
        state = State[until.upper()]
    else:
        slot = until if any(until in c.slot.split() for c in list_stages().values()) else until.rpartition("-")[0]
        stages = [c for c in list_stages().values() if slot in c.slot.split()]
        if not stages:
            slots = dict.fromkeys(s for c in list_stages().values() for s in c.slot.split())
            raise Usage(
                f"--until is a state ({', '.join(State.__members__)}) or a slot ({', '.join(slots)}), not {until}"
            )
        state = stages[-1].writes
    return f".{finished}" if state is State.ENCODED else suffix_of(state)


def checked_device(name: str) -> str:
    """The device, if it is here; Usage if not."""
    import torch

    kind = name.partition(":")[0]
    here = {"auto": True, "cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not here.get(kind, False):
        raise Usage(f"there is no device {name} here; there are: {', '.join(k for k, there in here.items() if there)}")
    return name
