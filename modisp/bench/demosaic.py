"""`modisp bench demosaic`: ours against the classics on true pictures, sampled as a sensor with that pattern would."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from modisp.bench.methods import demosaicers
from modisp.bench.tables import BORDER, Crop, Protocol, Row, compare, costs, enlarge, pictures
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
_TURNS, _STARTS, _WIDE = (0.0, 45.0, 90.0), (0.0, 1 / 6), 96  # degrees; parts of a period; pixels


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


def stripes(period: float) -> list[Tensor]:
    """Grey stripes (3, 96, 96) from 0.2 to 0.8 of display values: upright, lying and slanting, each begun at two places."""
    y, x = torch.meshgrid(torch.arange(float(_WIDE)), torch.arange(float(_WIDE)), indexing="ij")
    ways = [math.cos(math.radians(turn)) * x + math.sin(math.radians(turn)) * y for turn in _TURNS]
    waves = [(2 * math.pi * (way / period + start)).cos() for way in ways for start in _STARTS]
    return [(0.5 + 0.3 * wave).expand(3, -1, -1).contiguous() for wave in waves]


def tint(rgb: Tensor) -> float:
    """Mean of max − min of R, G and B (3, H, W), away from the border."""
    inner = rgb[:, BORDER:-BORDER, BORDER:-BORDER]
    return float((inner.amax(0) - inner.amin(0)).mean())


def false_colour(cfa: str = "bayer") -> dict[str, dict[float, float]]:
    """The most colour that methods make of grey `stripes`, by method and period: see `tint`; 0 is right."""
    found: dict[str, dict[float, float]] = {}
    with torch.inference_mode():
        for name, method in demosaicers(cfa).items():
            found[name] = {p: max(tint(method(mosaic(s, PATTERNS[cfa]))) for s in stripes(p)) for p in PERIODS}
    return found


def false_colour_words(found: Mapping[str, Mapping[float, float]]) -> str:
    """`false_colour` as a markdown table."""
    out = ["## False colour on grey stripes from 0.2 to 0.8: mean of max − min of R, G, B, by period in pixels\n"]
    out[0] += "\nThe most of upright, lying and slanting (45°) ones.\n"
    out += ["| method | " + " | ".join(f"{p:g}" for p in PERIODS) + " |\n|---|" + "---:|" * len(PERIODS)]
    out += [f"| {name} | " + " | ".join(f"{by[p]:.3f}" for p in PERIODS) + " |" for name, by in found.items()]
    return "\n".join(out)
