"""What tools on the picture ask the engine: samples, other photographs, other stages to compare, the sensor's own counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from editor_app.engine import views
from editor_app.engine.lanes import Lane
from editor_app.engine.opened import Opened, located
from modisp import Recipe
from modisp.color import spaces, transfer
from modisp.image import Frame, Image
from modisp.io import ImageError
from modisp.operators.layers import luma
from modisp.run import Run
from modisp.stage import Probe, Stage
from modisp.steps import Step

Message = Mapping[str, Any]

DARKEST, BRIGHTEST = -12.0, 0.5
"""EV below and above saturation that the raw histogram spans."""
_DARK = 2.0  # how many standard deviations of black's noise a sample must be above black, to tell a colour
_CLIPPED, _LIMIT = 0.2, 0.97


class Looking:
    """The part of the server that serves tools; see `Server` for the rest."""

    opening: Lane
    tell: Callable[..., None]
    _opened: Callable[[str], Opened]

    def do_peer(self, m: Message) -> None:
        """Another photograph, to stand beside the present one; tells `peered` (recipe and size) or `trouble`."""

        def work(stop: Callable[[], bool]) -> None:
            try:
                told = self._opened(m["path"]).told()
            except (ImageError, OSError, ValueError, TypeError) as why:
                self.tell("trouble", why=str(why))
                return
            self.tell("peered", path=m["path"], recipe=told["recipe"], full=told["full"])

        self.opening.put(work)

    def do_candidate(self, m: Message) -> None:
        """The recipe with another stage in its slot, only to look at; tells `candidate`."""
        try:
            recipe = Recipe.load(m["recipe"]).swap(m["stage"]).dump()
        except (ValueError, TypeError) as why:
            self.tell("trouble", why=str(why))
            return
        self.tell("candidate", path=m["path"], recipe=recipe, stage=m["stage"], side=m["side"])

    def _pointed(self, m: Message) -> tuple[Opened, list[float], Image, Recipe]:
        """What a hand points at: the picture, the rectangle as an entry sees it, and what to render it from."""
        o = self._opened(m["path"])
        plain = o.plain(m["recipe"])
        rect = located(o, plain, m["entry"], tuple(m["rect"]))
        with torch.inference_mode(), o.lock:
            source, recipe, _ = o.hybrid(plain)
        return o, rect, source, recipe

    def do_sample(self, m: Message) -> None:
        """What lies in a rectangle of the result, and what an entry would read there; tells `sampled`."""

        def work(stop: Callable[[], bool]) -> None:
            o, rect, source, recipe = self._pointed(m)
            made = sample(o, source, recipe, str(m["entry"]), str(m["param"]), rect, tuple(m["rect"]))
            told = {"path": m["path"], "entry": m["entry"], "param": m["param"]}
            told |= {"serial": m["serial"], "asked": m["rect"], "rect": rect}
            self.tell("sampled", **told, **made)

        self.opening.put(work)

    def do_under(self, m: Message) -> None:
        """What an entry reads in a rectangle of the result, as tones and hue; tells `under`."""

        def work(stop: Callable[[], bool]) -> None:
            o, rect, source, recipe = self._pointed(m)
            told = {"path": m["path"], "entry": m["entry"], "serial": m["serial"]}
            self.tell("under", **told, **under(o, source, recipe, str(m["entry"]), rect))

        self.opening.put(work)

    def do_counts(self, m: Message) -> None:
        """The histogram of what the sensor counted; tells `counted`."""

        def work(stop: Callable[[], bool]) -> None:
            self.tell("counted", path=m["path"], **counts(self._opened(m["path"]).image))

        self.opening.put(work)


def sample(
    o: Opened, source: Image, recipe: Recipe, ident: str, param: str, rect: list[float], shown: tuple[float, ...]
) -> dict[str, Any]:
    """The mean colour of `shown` in the result, `problem` where it cannot tell a colour, and the entry's candidate for it."""
    with torch.inference_mode():
        run = o.run(source, recipe, None)
        x, y, w, h = views.unturned((shown[0], shown[1], shown[2], shown[3]), run.full, run.meta.orientation)
        x, y = min(max(0.0, x), run.full[1] - 1.0), min(max(0.0, y), run.full[0] - 1.0)
        size = (max(1, min(256, round(h))), max(1, min(256, round(w))))
        seen = views.view(run.image(Frame(run.full, (x, y, max(1.0, w), max(1.0, h)), size)))
        rgb = [float(seen.pixels[..., k].mean()) for k in (2, 1, 0)]
        n = next((i for i, s in enumerate(run.steps) if s.id == ident), -1)
        if n < 0:
            return {"rgb": rgb, "problem": "", "words": "", "values": {}}
        step = run.steps[n]
        probe = Probe(step.meta, step.full, step.stage.reads, lambda f: run._pull(n, f, seen=True))
        problem = _problem(step, probe, rect)
        candidate = {} if problem else _candidate(step, probe, run, param, rect)
    return {"rgb": rgb, "problem": problem, "words": "", "values": {}} | candidate


def under(o: Opened, source: Image, recipe: Recipe, ident: str, rect: list[float]) -> dict[str, Any]:
    """What reaches an entry in a rectangle, on average: `tones` (of luminance, red, green and blue, sRGB-encoded, 0…1), `hue`
    (degrees of Oklab) and `chroma`."""
    ids = [e.id for e in recipe.entries]
    n = ids.index(ident) if ident in ids else 0
    with torch.inference_mode():
        run = o.run(source, recipe, ids[n - 1] if n else None)
        left, top = (run.meta.crop or (0, 0))[:2]
        h, w = run.full
        x, y = min(max(0.0, rect[0] + left), w - 1.0), min(max(0.0, rect[1] + top), h - 1.0)
        size = (max(1, min(64, round(rect[3]))), max(1, min(64, round(rect[2]))))
        seen = run._pull(len(run.steps), Frame(run.full, (round(x), round(y), size[1], size[0]), size)).pixels
        rgb = seen.reshape(seen.shape[0], -1).mean(1).expand(3)[:, None, None].float()
        tones = torch.cat([luma(rgb)[None], rgb]).clamp(0.0, 1.0)
        _, a, b = spaces.oklab(rgb.clamp_min(0.0)).flatten().tolist()
    encoded = transfer.encode("srgb", tones).flatten().tolist()
    return {"tones": encoded, "hue": math.degrees(math.atan2(b, a)) % 360.0, "chroma": math.hypot(a, b)}


def _problem(step: Step, probe: Probe, rect: list[float]) -> str:
    """Why nothing can be read from a rectangle; "" where it can."""
    crop = step.meta.crop or (0, 0, 0, 0)
    pixels = probe.patch((rect[0] + crop[0], rect[1] + crop[1], rect[2], rect[3])).pixels
    flat = pixels.reshape(pixels.shape[0], -1)
    if not flat.shape[1]:
        return "outside"
    limit = torch.tensor(step.meta.clip[: flat.shape[0]])[:, None]
    if float((flat >= _LIMIT * limit).any(0).float().mean()) > _CLIPPED:
        return "clipped"
    noise = [b for _, b in step.meta.noise] or [0.0]
    floor = torch.tensor((noise * 3)[: flat.shape[0]]).clamp_min(0).sqrt() * _DARK / math.sqrt(flat.shape[1])
    return "dark" if bool((flat.mean(1) <= torch.maximum(floor, torch.tensor(1e-4))).any()) else ""


def _candidate(step: Step, probe: Probe, run: Run, param: str, rect: list[float]) -> dict[str, Any]:
    """What the stage would read with its `param` at the rectangle: the candidate that this makes for."""
    changed: Stage = replace(step.stage, **{param: tuple(rect)})  # type: ignore[type-var]  # every stage is a dataclass
    reading = changed.measure(probe)
    before = {json_key(c.values) for c in step.reading.candidates}
    named = [c for c in reading.candidates if param in c.values.values()]
    new = [c for c in reading.candidates if json_key(c.values) not in before]
    found = (named or new)[:1]
    return {"words": found[0].words, "values": dict(found[0].values)} if found else {"problem": "nothing"}


def json_key(values: Mapping[str, Any]) -> str:
    """What tells candidates apart."""
    return repr(sorted(values.items()))


def counts(image: Image) -> dict[str, Any]:
    """Three rows of counts over EV below saturation (red, green, blue; all three alike without a filter array), and shares
    of samples at saturation and at or below black."""
    pixels, cfa = image.pixels, image.meta.cfa
    rows: list[list[int]] = []
    high = low = 0.0
    for k, letter in enumerate("RGB"):
        planes = [pixels[min(k, pixels.shape[0] - 1)]]
        if image.state.on_lattice:
            h, w = max(1, len(cfa)), len(cfa[0]) if cfa else 1
            places = [(i, j) for i, line in enumerate(cfa) for j, c in enumerate(line) if c == letter] or [(0, 0)]
            planes = [pixels[0, i::h, j::w] for i, j in places]
        values = torch.cat([p.flatten()[:: max(1, p.numel() // 2_000_000)] for p in planes])
        clip = image.meta.clip[min(k, len(image.meta.clip) - 1)]
        ev = torch.log2((values / clip).clamp_min(2.0 ** (DARKEST - 1)))
        inside = ev[(ev >= DARKEST) & (ev <= BRIGHTEST)]
        rows.append(torch.histc(inside.float(), views.BINS, DARKEST, BRIGHTEST).int().tolist())
        high, low = (
            max(high, float((values >= 0.995 * clip).float().mean())),
            max(low, float((values <= 0).float().mean())),
        )
    return {"histogram": rows, "clipped": [high, low], "low": DARKEST, "high": BRIGHTEST}
