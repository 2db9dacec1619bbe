"""What a whole export costs: CPU seconds and peak memory of the program and all its children, peers side by side."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PATCH, TIMES = 500, (8, 12)
"""The picture that is made where none is given: edge of a patch in pixels, repeated so often down and across (24 MP)."""

PROXY = 1.7e6
"""Pixels of the rendering that a screen shows."""
DRAG = 5e5
"""Pixels of the rendering that is shown while a slider is dragged."""


@dataclass(frozen=True)
class Row:
    """One program on one picture.  `cpu` and `wall` in seconds, `memory` in bytes; `why` says why there are no figures."""

    name: str
    cpu: float = 0.0
    wall: float = 0.0
    memory: float = 0.0
    why: str = ""

    def data(self) -> dict[str, Any]:
        """Plain JSON data."""
        if self.why:
            return {"name": self.name, "error": self.why}
        return {
            "name": self.name,
            "cpu_seconds": round(self.cpu, 2),
            "seconds": round(self.wall, 2),
            "peak_bytes": int(self.memory),
        }


def measure(picture: Path | None, repeat: int, tell: Callable[[Row], None]) -> list[Row]:
    """One row per program, the cheapest of `repeat` runs each; `tell` gets each row as it is done.

    Runs of the programs take turns, so that a busy machine is busy for all of them.  Raises ValueError where the
    picture is missing.
    """
    if picture is not None and not picture.is_file():
        raise ValueError(f"{picture} does not exist")
    with tempfile.TemporaryDirectory(prefix="modisp-bench-") as folder:
        work = Path(folder)
        source = picture or simulated(work)
        programs = dict(commands(source.resolve(), work))
        best: dict[str, Row] = {}
        for turn in range(repeat):
            for name, (command, env) in programs.items():
                row = once(name, command, env, work / "out.jpg")
                if name not in best or row.why or row.cpu < best[name].cpu:
                    best[name] = row if name not in best or not best[name].why else best[name]
                if turn == repeat - 1:
                    tell(best[name])
        again = rerender(source)
        for row in again:
            tell(row)
    missing = [n for n in ("rawtherapee-cli", "darktable-cli") if shutil.which(n) is None]
    absent = [Row(n, why="is not installed here") for n in missing]
    for row in absent:
        tell(row)
    return [*best.values(), *again, *absent]


def rerender(source: Path, repeat: int = 7) -> list[Row]:
    """What a slider costs: a rendering made again after something changed, the RAW zone cached.

    1.7 MP after white balance and after tone; 0.5 MP, as while dragging, after exposure with five stages on that read
    round a pixel.  One row per change, the quickest of `repeat`, in this process; its memory is not told.
    """
    from modisp import Recipe, develop, open_image
    from modisp.cache import Cache

    image = open_image(source)
    plain = Recipe.default(image).switch("restore", False)
    spatial = plain.set("defringe", purple=0.5).set("presence", texture=0.3, clarity=0.3, dehaze=0.2)
    spatial = spatial.set("halation", amount=0.5).set("detail", amount=1.0).set("grain", amount=0.4)
    cases: list[tuple[str, float, Callable[[int], Recipe]]] = [
        (
            "1.7 MP again after white balance",
            PROXY,
            lambda i: plain.set("white_balance", mode="custom", temperature=4000.0 + 50 * i),
        ),
        ("1.7 MP again after tone", PROXY, lambda i: plain.set("tone", contrast=0.02 * (i + 1))),
        (
            "0.5 MP again after exposure, five spatial stages",
            DRAG,
            lambda i: spatial.set("exposure", ev=0.02 * (i + 1)),
        ),
    ]
    cache = Cache(folder=None)
    rows = []
    for name, size, change in cases:
        scale = min(1.0, math.sqrt(size / (image.height * image.width)))
        develop(image, change(-1), scale=scale, cache=cache)
        best = Row("", wall=math.inf)
        for i in range(repeat):
            cpu, wall = time.process_time(), time.perf_counter()
            develop(image, change(i), scale=scale, cache=cache)
            row = Row(name, time.process_time() - cpu, time.perf_counter() - wall)
            best = min(best, row, key=lambda r: r.wall)
        rows.append(best)
    return rows


def simulated(folder: Path) -> Path:
    """A 24 MP camera file of shapes, textures and print, at base ISO; one patch of it is painted and repeated."""
    import torch

    from modisp.io import save_image
    from modisp.simulate.leaves import dead_leaves
    from modisp.simulate.scenes import from_rgb, from_srgb
    from modisp.simulate.sensor import simulate

    patch = from_srgb(torch.from_numpy(dead_leaves(PATCH, 1)))
    mosaic, _ = simulate(from_rgb("leaves", patch.repeat(1, *TIMES)), noise=100.0)
    return save_image(mosaic, folder / "scene.dng", bits=16)


def commands(source: Path, work: Path) -> Iterator[tuple[str, tuple[list[str], dict[str, str]]]]:
    """Name → command and environment of each program; all write the JPEG `out.jpg`, settings and caches of their own."""
    out = str(work / "out.jpg")
    ours = [sys.executable, "-m", "modisp", "develop", str(source), "-o", out, "--force", "--no-sidecar"]
    env = {**os.environ, "MODISP_HOME": str(work / "modisp")}
    yield "modisp, restore off", ([*ours, "--set", "restore.on=off"], env)
    yield "modisp", (ours, env)
    if path := shutil.which("rawtherapee-cli"):
        own = {**os.environ, "RT_SETTINGS": str(work / "rt"), "RT_CACHE": str(work / "rt-cache")}
        yield "rawtherapee-cli, its default", ([path, "-o", out, "-j92", "-Y", "-d", "-c", str(source)], own)
    if path := shutil.which("darktable-cli"):
        core = [
            "--core",
            "--configdir",
            str(work / "dt"),
            "--cachedir",
            str(work / "dt-cache"),
            "--library",
            ":memory:",
        ]
        command = [path, str(source), out, *core, "--disable-opencl"]
        yield "darktable-cli, its default", (command, dict(os.environ))


def once(name: str, command: list[str], env: Mapping[str, str], out: Path) -> Row:
    """One run, from nothing: caches and earlier results are deleted before."""
    shutil.rmtree(out.parent / "modisp", ignore_errors=True)
    for old in (out, Path(f"{out}.xmp")):
        with suppress(FileNotFoundError):
            old.unlink()
    before, started = os.times(), time.perf_counter()
    child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    watch = _Memory(child.pid)
    _, words = child.communicate()
    row = Row(name, wall=time.perf_counter() - started, memory=watch.stop())
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    if child.returncode or not out.is_file():
        last = (words or "").strip().splitlines()[-1:] or ["it wrote nothing"]
        return Row(name, why=f"failed: {last[0]}")
    return replace(row, cpu=cpu)


class _Memory:
    """The greatest memory that a process and its descendants held together, looked at every few milliseconds."""

    def __init__(self, pid: int) -> None:
        self.pid, self.peak, self._done = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(0.03):
            self.peak = max(self.peak, sum(_held(p) for p in _tree(self.pid)))

    def stop(self) -> int:
        """Stop looking; bytes (0 where the system does not tell)."""
        self._done.set()
        self._thread.join()
        return self.peak


def _tree(pid: int) -> list[int]:
    found = [pid]
    for p in found:
        with suppress(OSError, ValueError):
            for task in Path(f"/proc/{p}/task").iterdir():
                found += [int(c) for c in (task / "children").read_text().split()]
    return found


def _held(pid: int) -> int:
    """Proportional set size: pages that processes share are counted once."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
