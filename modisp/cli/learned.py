"""Commands about learned stages: `train`, `weights`, `bench demosaic`, `bench restore`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modisp.cli import say
from modisp.cli.lists import Json
from modisp.cli.say import Usage
from modisp.cli.work import ready

if TYPE_CHECKING:
    from modisp.bench.tables import Crop, Row

SHEET = 8
"""Crops on a sheet: those of the pictures that ours do worst."""

Out = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where table.md, table.json and sheets of the worst crops go.")
]
Pattern = Annotated[str, typer.Option("--cfa", help="bayer, xtrans or quad.")]
Limit = Annotated[int | None, typer.Option(min=1, help="So many pictures only, evenly spread.")]


def train(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK", help="What to train (see --list), restore for restore-fast; plot or export for a run."
        ),
    ] = "",
    run: Annotated[
        list[Path], typer.Argument(metavar="[RUN [FILE]]", help="For plot and export: the run's folder, what to write.")
    ] = [],  # noqa: B006  # typer copies it
    out: Annotated[Path | None, typer.Option(metavar="RUN", help="Folder of the run; runs/TASK by default.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder that holds photos/train and photos/val; MODISP_DATA by default.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Time budget; the learning rate follows it.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Length in steps instead.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Patches a step.")] = None,
    patch: Annotated[int | None, typer.Option(min=24, help="Edge of a patch, in pixels.")] = None,
    rate: Annotated[float | None, typer.Option(min=0, help="Greatest learning rate.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed, other patches.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Processor threads.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    start: Annotated[
        Path | None, typer.Option(metavar="FROM", help="A run, a weight file or the name of weights to start from.")
    ] = None,
    muon: Annotated[
        float | None, typer.Option(min=0, help="Step of the optimiser of hidden layers, Muon; 0: AdamW for all.")
    ] = None,
    camera: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE", help="RAW files of one camera: fine-tunes restore on its noise, and installs the weights."
        ),
    ] = [],  # noqa: B006
    test: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For export: pictures for the figures on the card.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List the tasks.")] = False,
) -> None:
    """Train a network; a run that is there already goes on. Ctrl-C saves.

    [dim]modisp train plot RUN [FILE.png][/dim] draws how it went, [dim]modisp train export RUN [FILE][/dim] makes a weight
    file of it, by default among your own, where stages find it.
    """
    ready()
    from modisp.train import TASKS, main

    if show:
        say.table(("task", "network"), ((n, _words(t.architecture)) for n, t in TASKS.items()))
        return
    if task in ("plot", "export"):
        _afterwards(task, run, test)
        return
    profiles, who, family = _profiles(camera) if camera else ([], "", "")
    if family and task == "restore":
        task = family
    name = task if task in TASKS else f"{task}-fast"
    if name not in TASKS:
        raise Usage(f"there is no task {task or 'without a name'}; there are {', '.join(TASKS)}, and plot, export")
    if run:
        raise Usage(f"{task} takes no more words; name the run's folder with --out")
    if family and name.startswith("restore") and name.rpartition("-")[0] != family:
        raise ValueError(f"{name} does not serve the filter array of these files: train {family}-fast")
    folder = out or Path("runs") / (f"{name}@{who}" if who else name)
    if who and start is None:
        from modisp import weights

        start = weights.find(name)
    lengths = {"steps": steps, "minutes": minutes, "batch": batch, "patch": patch, "rate": rate}
    how = {"seed": seed, "threads": threads, "device": device, "start": start}
    how |= {} if muon is None else {"muon": muon}
    kept = main(name, folder, data, profiles=profiles, say=say.out, **lengths, **how)  # type: ignore[arg-type]
    say.out(f"saved {kept}")
    if who:
        _export(folder, f"{name}@{who}", None, None)


def _words(architecture: object) -> str:
    rows = dict(architecture)  # type: ignore[call-overload]
    return ", ".join(f"{k} {v}" for k, v in rows.items())


def _profiles(files: list[Path]) -> tuple[list[tuple[float, float]], str, str]:
    """The noise of RAW files, (shot, read) each, told by the file or estimated; of the one camera that took them its name, as
    in file names, and whose weights restore its filter array."""
    from modisp import weights
    from modisp.io import open_image
    from modisp.learned import camera, mean_noise
    from modisp.nets.mosaic import find_phase
    from modisp.operators.noise import estimate_noise
    from modisp.stage import Probe
    from modisp.stages.restore import WEIGHTS

    profiles, names, families = [], set(), set()
    for path in files:
        image = open_image(path)
        if not image.state.on_lattice:
            raise ValueError(f"{path} holds no sensor data: give RAW files of the camera")
        profiles.append(mean_noise(image.meta.noise or estimate_noise(Probe.of(image).patches())))
        names.add(camera(image.meta))
        phase = find_phase(image.meta.cfa)
        if phase is None:
            raise ValueError(
                f"{path} has a filter array that there is nothing to restore by: {'/'.join(image.meta.cfa) or 'none'}"
            )
        families.add(WEIGHTS[phase[0]])
    if len(names) != 1 or not next(iter(names)) or len(families) != 1:
        raise ValueError(f"the files must be of one camera that they name, not of {', '.join(sorted(names)) or 'none'}")
    if not any(a > 0 or b > 0 for a, b in profiles):
        raise ValueError("no noise can be told from these files: give one with smooth parts, at a high ISO")
    return profiles, weights.slug(next(iter(names))), next(iter(families))


def _afterwards(task: str, words: list[Path], test: Path | None) -> None:
    if not words or len(words) > 2:
        raise Usage(f"write: modisp train {task} RUN [FILE]")
    needed = words[0] / ("log.jsonl" if task == "plot" else "checkpoint.pt")
    if not needed.is_file():
        raise ValueError(f"{words[0]} is not a run that has something to {task}: {needed.name} is missing")
    if task == "export":
        _export(words[0], "", words[1] if len(words) > 1 else None, test)
        return
    from modisp.train import plot

    target = words[1] if len(words) > 1 else words[0] / "log.png"
    say.out(f"{words[0]} → {plot(words[0], target)}")


def _export(run: Path, name: str, target: Path | None, test: Path | None) -> None:
    """A weight file of a run: `target`, or among the user's own under `name`, or the task's name."""
    import torch

    from modisp.resources import home
    from modisp.train.export import export

    if not name and target is None:
        name = str(torch.load(run / "checkpoint.pt", weights_only=True)["task"])
    target = target or home("weights") / f"{name}.safetensors"
    export(run, target, test)
    say.out(f"{run} → {target}")


def weights(json: Json = False) -> None:
    """List the weight files that learned stages can use, each with its card: what it is, and where from."""
    from dataclasses import asdict

    from modisp.weights import list_weights

    cards = list_weights()
    if json:
        say.as_json([asdict(c) for c in cards])
        return
    for c in cards:
        say.out(c.name)
        rows = [
            ("size", f"{c.parameters} parameters, {c.macs_per_pixel / 1000:.1f} GMAC a megapixel"),
            ("network", _words(c.architecture)),
            ("data", c.data),
            *(("first", command) for command in c.before),
            ("made by", f"{c.command} ({c.steps} steps, seed {c.seed})"),
            ("figures", ", ".join(f"{k} {v:g}" for k, v in c.figures.items())),
            ("tested on", c.tested_on),
            ("licence", c.licence),
        ]
        say.table(("", ""), [(k, v) for k, v in rows if v])
        say.out("")


def demosaic(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="True pictures: finished ones, as sharp as can be.")],
    cfa: Pattern = "bayer",
    limit: Limit = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Sample true pictures as a sensor would, and measure what demosaicers make of them."""
    ready()
    from modisp.bench.demosaic import false_colour, false_colour_words, measure

    rows, crops = measure(folder, cfa, limit, say.err.print)
    tints = false_colour(cfa)
    extra = [
        {"name": n, "protocol": f"grey stripes {p:g}", "false_colour": round(v, 4)}
        for n, by in tints.items()
        for p, v in by.items()
    ]
    _report(f"Demosaicing ({cfa})", rows, crops, out, json, false_colour_words(tints), extra)


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="True pictures: finished ones, as sharp as can be.")],
    cfa: Pattern = "bayer",
    limit: Limit = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Put noise and blur on true pictures, sampled as a sensor would, and measure what is made of them."""
    ready()
    from modisp.bench.restore import drift, drift_words, measure, sharpened, sharpened_words

    rows, crops = measure(folder, limit, say.err.print, cfa)
    sharp, moved = sharpened(folder, limit, say.err.print, cfa), drift(cfa)
    extra: list[dict[str, Any]] = [
        {"name": n, "protocol": "blur, samples", "cpsnr": round(v, 4)} for n, v in sharp.items()
    ]
    extra += [
        {"name": n, "protocol": f"flat {k:g}", "drift": round(v, 4)} for n, m in moved.items() for k, v in m.items()
    ]
    _report(
        f"Noise and blur ({cfa})", rows, crops, out, json, f"{sharpened_words(sharp)}\n\n{drift_words(moved)}", extra
    )


def _report(
    title: str,
    rows: list[Row],
    crops: dict[str, list[Crop]],
    out: Path | None,
    as_json: bool,
    more: str = "",
    extra: Sequence[dict[str, Any]] = (),
) -> None:
    import json

    from modisp.bench.tables import markdown, sheet

    text = "\n".join(filter(None, [markdown(title, rows), more]))
    data = [*(r.data() for r in rows), *extra]
    if as_json:
        say.as_json(data)
    else:
        say.out(text)
    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    (out / "table.md").write_text(text + "\n", "utf-8")
    (out / "table.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    for protocol, worst in crops.items():
        sheet(out / f"worst-{protocol.replace(' ', '-')}.png", worst[:SHEET])
