"""`modisp bench demosaic`: ours against the classics on true pictures, sampled as a sensor with that pattern would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
