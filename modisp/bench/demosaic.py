"""`modisp bench demosaic`: ours against the classics on true pictures, sampled as a sensor with that pattern would."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from modisp.bench.methods import demosaicers
from modisp.bench.tables import Crop, Protocol, Row, compare, costs, enlarge, pictures
from modisp.color.transfer import decode, encode
from modisp.image import Image, Metadata, State
from modisp.operators.cfa import colours

PATTERNS: dict[str, tuple[str, ...]] = {
    "bayer": ("RG", "GB"),
    "xtrans": ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG"),
    "quad": ("RRGG", "RRGG", "GGBB", "GGBB"),
}

PERIODS = (2.0, 2.2, 2.5, 3.0, 4.0)
"""Widths of stripes, one light and one dark, in pixels."""
_WIDE = 96


def known(cfa: str) -> None:
    """ValueError for what is no pattern."""
    if cfa not in PATTERNS:
        raise ValueError(f"a pattern is one of {', '.join(PATTERNS)}, not {cfa}")


def mosaic(rgb: Tensor, cfa: tuple[str, ...], meta: Metadata | None = None) -> Image:
    """(3, H, W) → the one colour of each pixel that its filter lets through."""
    index = colours(cfa, *rgb.shape[1:])[None]
    return Image(rgb.gather(0, index), State.MOSAIC, meta or Metadata(cfa=cfa))


def shown(linear: Tensor) -> Tensor:
    """Linear light encoded for a display."""
    return encode("srgb", linear.clamp(0, 1))


def protocols(cfa: str) -> dict[str, Protocol]:
    """`encoded`: the published one, the array put on display values; `linear`: on linear light, as a sensor has it."""
    pattern = PATTERNS[cfa]
    return {
        "encoded": Protocol(lambda truth, _: mosaic(truth, pattern), lambda rgb: rgb),
        "linear": Protocol(lambda truth, _: mosaic(decode("srgb", truth), pattern), shown),
    }


def measure(
    folder: Path, cfa: str = "bayer", limit: int | None = None, tell: Callable[[str], None] = print
) -> tuple[list[Row], dict[str, list[Crop]]]:
    """The table of one pattern (`bayer`, `xtrans`, `quad`), and crops of every protocol, the worst first.

    Raises ValueError where the folder holds no pictures or the pattern is unknown.
    """
    known(cfa)
    methods = demosaicers(cfa)
    how = protocols(cfa)
    table = {p: methods for p in how}
    rows, crops = compare(pictures(folder, limit), how, table, tell)
    _, first = next(pictures(folder, 1))
    costs(rows, {p: enlarge(how[p].make(first, 0)) for p in how}, table)
    return rows, crops


def false_colour(cfa: str = "bayer") -> dict[str, dict[float, float]]:
    """What methods make of grey stripes, upright and lying, from 0.2 to 0.8 of display values: by method and period, max − min
    of R, G and B, the mean of all pixels.  0 is right; whatever it is, it is colour that is not there.
    """
    found: dict[str, dict[float, float]] = {}
    x = torch.arange(float(_WIDE)).expand(3, _WIDE, _WIDE)
    inner = (slice(None), slice(12, -12), slice(12, -12))
    with torch.inference_mode():
        for name, method in demosaicers(cfa).items():
            found[name] = {}
            for period in PERIODS:
                wave = 0.5 + 0.3 * (2 * math.pi * x / period).cos()
                seen = [method(mosaic(grey.contiguous(), PATTERNS[cfa]))[inner] for grey in (wave, wave.mT)]
                found[name][period] = float(torch.stack([s.amax(0) - s.amin(0) for s in seen]).mean())
    return found


def false_colour_words(found: Mapping[str, Mapping[float, float]]) -> str:
    """`false_colour` as a markdown table."""
    out = ["## False colour on grey stripes from 0.2 to 0.8, mean of max − min of R, G, B, by their period in pixels\n"]
    out += ["| method | " + " | ".join(f"{p:g}" for p in PERIODS) + " |\n|---|" + "---:|" * len(PERIODS)]
    out += [f"| {name} | " + " | ".join(f"{by[p]:.3f}" for p in PERIODS) + " |" for name, by in found.items()]
    return "\n".join(out)
