"""Learning a style from beginning to end: files are read, pairs checked, a look fitted, tried on pairs kept aside, and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from modisp import weights
from modisp.learn.fit import Look, chroma, errors, fit
from modisp.learn.lesson import lesson
from modisp.learn.pairs import Pair
from modisp.learn.read import Sample, left_out, read_edit, read_pair
from modisp.learn.residue import cube_of
from modisp.operators.hald import cube_text
from modisp.stage import cancellable, checkpoint, list_stages
from modisp.style import Style

BASE = "tone-natural"
"""The network whose local light looks take a share of."""
FEWEST = 4
"""Pairs without which nothing is learned; ten are a fair start."""
COLOURLESS = 1.2
"""Mean chroma (CIELAB) of a finished picture that counts as black and white."""
ASIDE = 5  # one pair in so many is kept aside to try the look on
STRANGE, TIMES = 6.0, 4.0
"""A pair is of another look when its ΔE2000 is above the first, and above so many times what pairs usually have."""
WORTH = 0.99
"""What a table of what is left must bring the error of pairs kept aside to, to be kept."""
SHARE = 0.62  # of the time that reading takes, as far as progress tells
Tell = Callable[[float, str], None]


@dataclass(frozen=True)
class Learned:
    """What came out: the look, the pairs it was fitted to and those left out (their `reason` says why), and how near it comes.

    `aside` are the names of the pairs that the figures are of: they were kept from a fit made to be tried on them.
    `near` is the mean ΔE2000 by name: of pairs aside under that fit, of others under the look itself.
    """

    look: Look
    samples: list[Sample]
    out: list[Sample]
    near: dict[str, float] = field(default_factory=dict)
    aside: tuple[str, ...] = ()
    unpaired: tuple[str, ...] = ()

    @property
    def held_out(self) -> float:
        """Mean ΔE2000 of the pairs kept aside; of all where there were too few to keep any."""
        names = self.aside or tuple(self.near)
        return sum(self.near[n] for n in names) / len(names)

    def style(self, name: str, folder: Path, words: str = "") -> Style:
        """The look as a style; a table that belongs to it is written into the folder.

        Both tone stages can paint it.  What the network saw counts for nothing but local light, which the closed form has
        not: the look says the rest.
        """
        rows = self.look.offsets.dump()
        tone = {
            "seen": 0.0,
            "gain_offsets": rows["gain"],
            "curve_offsets": rows["curve"],
            "local_offsets": rows["grid"],
        }
        tone |= {"colour_offsets": rows["chroma"], "tint_offsets": rows["tint"], "colour_lamp_offsets": rows["lamp"]}
        values: dict[str, dict[str, Any]] = {"tone": {k: v for k, v in tone.items() if v != ()}}
        if self.look.vignette:
            values["vignette"] = dict(self.look.vignette)
        if self.look.table is not None:
            file = folder / "residue.cube"
            file.write_text(cube_text(cube_of(self.look.table, name)), "utf-8")
            values["look"] = {"cube": str(file)}
        return Style(name, values, words or self._words())

    def _words(self) -> str:
        return f"Learned from {len(self.samples)} pictures; comes within {self.held_out:.1f} ΔE2000 of pictures it has not seen."


def base_network() -> nn.Module | None:
    """The network of the tone stage; None where it is not installed: looks then have no local light."""
    try:
        return weights.load(BASE)[0]
    except weights.WeightsMissing:
        return None


def read_all(jobs: Sequence[Callable[[], Sample]], tell: Tell, threads: int = 2) -> list[Sample]:
    """The samples of several jobs, in their order, read side by side.  Raises Cancelled."""
    out: list[Sample] = []
    list_stages()  # found once, before threads ask for them
    with ThreadPoolExecutor(threads) as pool:
        waiting = [pool.submit(copy_context().run, job) for job in jobs]
        try:
            for i, future in enumerate(waiting):
                checkpoint()
                out.append(future.result())
                tell((i + 1) / len(jobs), f"{out[-1].name}, {i + 1} of {len(jobs)}")
        except BaseException:
            for future in waiting:
                future.cancel()
            raise
    return out


def learn_pairs(
    pairs: Sequence[Pair],
    *,
    camera_jpegs: bool = False,
    unpaired: Sequence[Path] = (),
    progress: Tell | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Learned:
    """A look from pairs of files.  Raises ValueError where too few pairs can be used, Cancelled when asked to stop."""
    apart = [left_out(p.raw.path.name, p.how) for p in pairs if p.finished is None]
    jobs = [_reader(p, camera_jpegs, cancel) for p in pairs if p.finished is not None]
    found = _learn(jobs, apart, progress, cancel)
    return replace(found, unpaired=tuple(p.name for p in unpaired))


def learn_edits(
    pictures: Sequence[Path], *, progress: Tell | None = None, cancel: Callable[[], bool] | None = None
) -> Learned:
    """A look from pictures that were edited here, as their sidecars have it.  Raises as `learn_pairs`."""
    return _learn([_editor(p, cancel) for p in pictures], [], progress, cancel)


def _reader(pair: Pair, camera_jpegs: bool, cancel: Callable[[], bool] | None) -> Callable[[], Sample]:
    return lambda: read_pair(pair, camera_jpegs, cancel)


def _editor(path: Path, cancel: Callable[[], bool] | None) -> Callable[[], Sample]:
    return lambda: read_edit(path, cancel)


def _learn(
    jobs: Sequence[Callable[[], Sample]],
    out: list[Sample],
    progress: Tell | None,
    cancel: Callable[[], bool] | None,
) -> Learned:
    tell = progress or (lambda fraction, words: None)
    with cancellable(cancel):
        samples = read_all(jobs, lambda f, words: tell(SHARE * f, words))
        out = [*out, *(s for s in samples if s.reason)]
        samples = [s for s in samples if not s.reason]
        _enough(samples, out)
        return learn(samples, out, base_network(), lambda f, words: tell(SHARE + (1 - SHARE) * f, words))


def learn(samples: list[Sample], out: list[Sample], net: nn.Module | None, tell: Tell = lambda f, w: None) -> Learned:
    """A look from samples that were read; pairs of another look are found and left out.  Raises as `learn_pairs`."""
    look = fit(lesson(samples, net), lambda f: tell(0.36 * f, "fitting"))
    samples, strange = _alike(samples, look, net)
    out = [*out, *strange]
    _enough(samples, out)
    near: dict[str, float] = {}
    aside = _aside(samples)
    if aside:
        rest = [s for s in samples if s not in aside]
        trial = fit(lesson(rest, net), lambda f: tell(0.36 + 0.32 * f, "trying it on pictures kept aside"))
        near = _near(trial, aside, net)
        without = _near(replace(trial, table=trial.mixed), aside, net)
        if sum(near.values()) > WORTH * sum(without.values()):  # the table learned its pairs by heart
            near, look = without, replace(look, table=look.mixed)
    if strange:
        again = fit(lesson(samples, net), lambda f: tell(0.68 + 0.32 * f, "fitting"))
        look = again if look.table is not look.mixed else replace(again, table=again.mixed)
    near |= {n: e for n, e in _near(look, samples, net).items() if n not in near}
    tell(1.0, "done")
    return Learned(look, samples, out, near, tuple(s.name for s in aside))


def _near(look: Look, samples: Sequence[Sample], net: nn.Module | None) -> dict[str, float]:
    found = errors(look, lesson(samples, net)).tolist()
    return {s.name: e for s, e in zip(samples, found, strict=True)}


def _alike(samples: list[Sample], look: Look, net: nn.Module | None) -> tuple[list[Sample], list[Sample]]:
    """The samples of the common look, and those of another, with the reason."""
    pairs = lesson(samples, net)
    near, made = errors(look, pairs).tolist(), chroma(look, pairs).tolist()
    wanted = torch.hypot(pairs.wanted[..., 1], pairs.wanted[..., 2]).mean(1).tolist()
    usual = median(near)
    kept, strange = list[Sample](), list[Sample]()
    for s, error, has, should in zip(samples, near, wanted, made, strict=True):
        reason = ""
        if error > max(STRANGE, TIMES * usual):
            reason = f"it is finished unlike the others (ΔE {error:.1f} from their look, where they have {usual:.1f})"
        elif has < COLOURLESS and should > 3 * COLOURLESS:
            reason = "it is finished in black and white, unlike the others"
        (strange if reason else kept).append(left_out(s.name, reason, s.score, s.agree) if reason else s)
    return kept, strange


def _aside(samples: list[Sample]) -> list[Sample]:
    """Pairs to try a look on, evenly spread; none where every pair is needed."""
    if len(samples) < FEWEST + 2:
        return []
    count = max(2, len(samples) // ASIDE)
    return [samples[(2 * i + 1) * len(samples) // (2 * count)] for i in range(count)]


def _enough(samples: Sequence[Sample], out: Sequence[Sample]) -> None:
    if len(samples) >= FEWEST:
        return
    reasons = "; ".join(_first(out))
    raise ValueError(
        f"a style is learned from {FEWEST} pairs at least, and {len(samples)} can be used{': ' + reasons if reasons else ''}"
    )


def _first(out: Sequence[Sample]) -> Iterator[str]:
    for s in out[:3]:
        yield f"{s.name}: {s.reason}"
    if len(out) > 3:
        yield f"and {len(out) - 3} more"
