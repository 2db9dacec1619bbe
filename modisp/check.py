"""The laws that every stage keeps, one function each; `modisp check` and the tests run them on any stage, plug-ins too."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch

from modisp.cache import Cache
from modisp.color.spaces import between
from modisp.color.transfer import decode
from modisp.image import Image, Metadata, State
from modisp.metrics import delta_e, xyz_to_lab
from modisp.pipeline import develop
from modisp.recipe import Entry, Recipe
from modisp.resample import resize
from modisp.stage import Param, Stage

LAWS: dict[str, Callable[[type[Stage]], str | None]] = {}
"""What each law says → a function that returns how a stage breaks it, or None."""

TILES = 1e-5
PROXY = 0.8
EVEN = 0.01
CFAS = (("RG", "GB"), ("GB", "RG"), ("W",), ("RRGG", "RRGG", "GGBB", "GGBB"))
XTRANS = ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG")
SIZES = ((1, 1), (2, 3), (5, 1), (17, 31), (48, 64))

_CAMERA = Metadata(
    white=(0.5, 1.0, 0.7),
    color_matrix=(((0.8, -0.25, -0.1), (-0.4, 1.2, 0.2), (-0.05, 0.15, 0.6)),),
    illuminants=((0.3127, 0.3290),),
    noise=((1e-4, 1e-7),),
    iso=100.0,
)


def law(words: str) -> Callable[[Callable[[type[Stage]], str | None]], Callable[[type[Stage]], str | None]]:
    """Register a law under the words that it is named by when it is broken."""

    def add(f: Callable[[type[Stage]], str | None]) -> Callable[[type[Stage]], str | None]:
        LAWS[words] = f
        return f

    return add


def check_stage(cls: type[Stage]) -> list[str]:
    """Every law that a stage breaks, as one sentence each; empty when it keeps them all."""
    broken = []
    for words, f in LAWS.items():
        try:
            with torch.inference_mode():
                found = f(cls)
        except (Exception, SystemExit) as e:  # who ends the process keeps no law
            found = f"{type(e).__name__}: {e}"
        if found:
            broken.append(f"{words}: {found}")
    return broken


# --- what the laws are tried on ---------------------------------------------------------------------------------


def meta_for(cls: type[Stage]) -> Metadata:
    """Metadata that the stage accepts, its CFA above all."""
    for cfa in (*CFAS, XTRANS):
        meta = replace(_CAMERA, cfa=cfa if cls.reads.on_lattice else ("RG", "GB"))
        if cls.accepts(meta):
            return replace(meta, space="srgb" if cls.reads is State.ENCODED else "")
    raise ValueError("it accepts none of the known CFA layouts")


@lru_cache
def _scene(size: int = 264) -> torch.Tensor:
    """(3, size, size) linear light: opaque shapes with textures, seen through a lens."""
    from modisp.simulate.leaves import dead_leaves

    encoded = torch.as_tensor(dead_leaves(size + 8, 7)).float()
    linear = decode("srgb", encoded)
    tap = torch.exp(-(torch.arange(-4, 5.0) ** 2) / 2)
    tap /= tap.sum()
    rows = torch.nn.functional.conv2d(linear[:, None], tap.view(1, 1, 9, 1))
    return torch.nn.functional.conv2d(rows, tap.view(1, 1, 1, 9))[:, 0].clone()


def _sampled(rgb: torch.Tensor, cfa: tuple[str, ...]) -> torch.Tensor:
    """(3, H, W) seen through a CFA: (1, H, W)."""
    h, w = rgb.shape[1:]
    rows = [["RGB".find(cfa[y % len(cfa)][x % len(cfa[0])]) for x in range(w)] for y in range(h)]
    index = torch.tensor(rows)
    return torch.where(index < 0, rgb.mean(0), rgb.gather(0, index.clamp(0)[None])[0])[None].clone()


def natural(cls: type[Stage]) -> Image:
    """A noise-free picture in the state that the stage reads."""
    meta, rgb = meta_for(cls), _scene()
    if cls.reads.on_lattice:
        rgb = rgb * torch.tensor(meta.white).view(3, 1, 1)
        return Image(_sampled(rgb, meta.cfa), cls.reads, meta)
    if cls.reads is State.CAMERA:
        rgb = rgb * torch.tensor(meta.white).view(3, 1, 1)
    if cls.reads is State.ENCODED:
        from modisp.color.transfer import encode

        rgb = encode("srgb", rgb).clamp(0, 1)
    return Image(rgb.clone(), cls.reads, replace(meta, light=(0.3127, 0.3290)))


def _plain(cls: type[Stage], height: int, width: int, fill: str) -> Image:
    c = cls.reads.channels or 2
    g = torch.Generator().manual_seed(1)
    pixels = {
        "black": lambda: torch.zeros(c, height, width),
        "white": lambda: torch.ones(c, height, width),
        "noise": lambda: torch.rand(c, height, width, generator=g),
        "negative": lambda: torch.randn(c, height, width, generator=g) * 0.05,
        "huge": lambda: torch.rand(c, height, width, generator=g) * 64,
    }[fill]()
    return Image(pixels, cls.reads, replace(meta_for(cls), light=(0.3127, 0.3290)))


def settings(cls: type[Stage]) -> Iterator[tuple[str, Stage]]:
    """The stage as it comes, and with each parameter in turn at both ends of its range (or its other choices)."""
    yield "default", cls()
    for name, p in cls.params().items():
        for v in _ends(p):
            if v != p.default:
                yield f"{name}={v}", cls().with_values(**{name: v})


def _ends(p: Param) -> tuple[Any, ...]:
    if p.kind == "number":
        return tuple(v for v in (p.low, p.high) if math.isfinite(v))
    if p.kind == "switch":
        return True, False
    if p.kind == "choice":
        return p.choices
    if p.kind == "curve":
        return (((0.0, 0.0), (0.5, 0.6), (1.0, 1.0)),)
    if p.kind == "rect":
        return ((8.0, 12.0, 40.0, 24.0),)
    if p.kind in ("hues", "wheel", "regions"):
        n = len(p.default)
        return tuple(tuple(v * (1 - 0.5 * (i % 2)) for i in range(n)) for v in (p.low, p.high) if math.isfinite(v))
    return (p.default,)


def _outside(p: Param) -> tuple[Any, ...]:
    if p.kind == "number":
        ends = [v for v in (p.low - 1, p.high + 1) if math.isfinite(v)]
        return (*ends, math.nan, "much")
    return {
        "switch": ("yes", 1),
        "choice": ("no such choice",),
        "curve": (((0.5, 0.5),),),
        "rect": ((1.0, 2.0, -3.0, 4.0),),
        "hues": ((0.0,) * 7, (p.high + 1,) * 8),
        "wheel": ((0.0,) * 2, (p.low - 1,) * 3),
        "regions": ((0.0,) * 6, (p.high + 1,) * 7),
    }.get(p.kind, (1.5,))


def _run(stage: Stage, image: Image, **options: Any) -> Image:
    cache = Cache(memory=1 << 28)
    return develop(image, Recipe((Entry(stage.slot.split()[0], stage),)), cache=cache, **options)


def _one(cls: type[Stage]) -> Stage:
    """The stage, certain to do something where its default does nothing: the first setting that is not neutral."""
    return next((s for _, s in settings(cls) if not s.is_neutral()), cls())


# --- the laws ---------------------------------------------------------------------------------------------------


@law("a stage says what it is and what each of its parameters does")
def _words(cls: type[Stage]) -> str | None:
    if not (cls.__doc__ or "").strip() or (cls.__doc__ or "").startswith(cls.__name__ + "("):
        return "the class has no docstring"
    for name, p in cls.params().items():
        if not p.help.strip():
            return f"{name} has no help text"
        if p.kind in ("number", "hues", "wheel", "regions") and not (math.isfinite(p.low) and math.isfinite(p.high)):
            return f"{name} has no range"
    return None


@law("parameters are accepted at their low, default and high values and refused outside")
def _ranges(cls: type[Stage]) -> str | None:
    for _ in settings(cls):
        pass
    for name, p in cls.params().items():
        for v in _outside(p):
            try:
                cls().with_values(**{name: v})
            except ValueError:
                continue
            return f"{name} takes {v!r}"
    return None


@law("the output has the declared state and shape, at odd, even and tiny sizes")
def _shape(cls: type[Stage]) -> str | None:
    stage = _one(cls)
    for h, w in SIZES:
        image = _plain(cls, h, w, "noise")
        out = stage(image)
        want = stage.full_size((h, w), image.meta)
        if out.state is not cls.writes:
            return f"it writes {out.state.name}"
        if (out.height, out.width) != want or (cls.writes.channels and out.pixels.shape[0] != cls.writes.channels):
            return f"{h} × {w} became {tuple(out.pixels.shape)}, not {want}"
        if out.pixels.dtype != torch.float32:
            return f"the pixels are {out.pixels.dtype}"
    return None


@law("it is pure: the input is unchanged and the same input gives the same result")
def _pure(cls: type[Stage]) -> str | None:
    for words, stage in settings(cls):
        image = _plain(cls, 30, 42, "noise")
        before = image.pixels.clone()
        a, b = stage(image), stage(image)
        if not torch.equal(before, image.pixels):
            return f"it writes to its input ({words})"
        if not torch.equal(a.pixels, b.pixels):
            return f"two runs differ ({words})"
    return None


@law("the result is finite for black, white, noise, negative and very bright input")
def _finite(cls: type[Stage]) -> str | None:
    for fill in ("black", "white", "noise", "negative", "huge"):
        for words, stage in settings(cls):
            if not torch.isfinite(stage(_plain(cls, 26, 38, fill)).pixels).all():
                return f"{fill}, {words}"
    return None


@law("neutral() changes nothing, exactly")
def _neutral(cls: type[Stage]) -> str | None:
    if cls.reads is not cls.writes:
        return None
    for fill in ("noise", "negative", "huge"):
        image = _plain(cls, 30, 42, fill)
        if cls.reads is State.DISPLAY:
            image = image.to(image.pixels.clamp(0, 1))
        out = cls().neutral()(image)
        if out.pixels.shape != image.pixels.shape or not torch.equal(out.pixels, image.pixels):
            return f"{fill} input is changed"
    return None


@law("tiles with their halo equal the whole")
def _tiles(cls: type[Stage]) -> str | None:
    image = natural(cls)
    for words, stage in [("default", cls()), ("changed", _one(cls))]:
        whole = _run(stage, image, tile=4096)
        for tile in (72, 136):
            parts = _run(stage, image, tile=tile, dtype=torch.float64)
            worst = float((whole.pixels - parts.pixels.float()).abs().max())
            if worst > TILES:
                return f"tiles of {tile} differ by {worst:.2g} ({words})"
        h, w = whole.pixels.shape[1:]
        if h > 60 and w > 60:
            part = _run(stage, image, region=(17, 23, 40, 31))
            worst = float((whole.pixels[:, 23:54, 17:57] - part.pixels).abs().max())
            if worst > TILES:
                return f"a region differs by {worst:.2g} ({words})"
    return None


@law("an even colour comes out as it is, wherever the CFA begins")
def _even(cls: type[Stage]) -> str | None:
    if cls.reads is not State.MOSAIC or cls.writes is not State.CAMERA:
        return None
    whole = meta_for(cls)
    for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        cfa = tuple(row[x:] + row[:x] for row in whole.cfa[y:] + whole.cfa[:y])
        meta = replace(whole, cfa=cfa)
        if not cls.accepts(meta):
            continue
        colour = torch.tensor((0.4, 0.4, 0.4) if cfa == ("W",) else (0.2, 0.4, 0.3))[:, None, None]
        for words, stage in [("default", cls()), ("changed", _one(cls))]:
            out = stage(Image(_sampled(colour.expand(3, 48, 48), cfa), cls.reads, meta)).pixels
            worst = float((out - colour)[:, 12:-12, 12:-12].abs().max())
            if not worst <= EVEN:
                return f"through {'/'.join(cfa)} it is wrong by {worst:.2g} ({words})"
    return None


@law("dump and load give an equal stage")
def _round_trip(cls: type[Stage]) -> str | None:
    for words, stage in settings(cls):
        recipe = Recipe((Entry(stage.slot.split()[0], stage),))
        if Recipe.load(json.loads(json.dumps(recipe.dump()))) != recipe:
            return words
    return None


@law("the reduced proxy matches the full-size result, reduced in linear light")
def _proxy(cls: type[Stage]) -> str | None:
    if cls.raw_zone:
        return None
    image = natural(cls)
    for words, stage in settings(cls):
        whole = _run(stage, image)
        scale = 0.4
        small = _run(stage, image, scale=scale)
        h, w = small.pixels.shape[1:]
        full = _linear(whole)
        want = resize(full, (0.0, 0.0, float(full.shape[2]), float(full.shape[1])), (h, w))
        error = float(delta_e(_lab(want), _lab(_linear(small))).mean())
        if not error <= PROXY:
            return f"mean ΔE2000 {error:.2f} ({words})"
    return None


def _linear(image: Image) -> torch.Tensor:
    if image.state is not State.ENCODED:
        return image.pixels
    space = image.meta.space or "srgb"
    return torch.einsum("ij,jhw->ihw", between(space, "rec2020"), decode(space, image.pixels))


def _lab(linear: torch.Tensor) -> torch.Tensor:
    """(3, H, W) linear Rec.2020 → (H, W, 3) CIE Lab (D65)."""
    return xyz_to_lab(torch.einsum("ij,jhw->hwi", between("rec2020", "xyz"), linear.clamp(0)))
