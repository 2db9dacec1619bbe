"""The sample photographs in assets/samples, made again: `python -m modisp.simulate.samples FOLDER`.

Each is a scene of our own rendering, seen by another of our cameras.  It takes some ten minutes of one core; the seeds
are fixed, so the files come out as they are shipped, but for what another processor rounds differently.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from modisp.io.dng_write import write_dng
from modisp.simulate.files import small_picture
from modisp.simulate.scenes import from_rgb, rendered
from modisp.simulate.sensor import simulate


@dataclass(frozen=True)
class Sample:
    """A scene, the size of its upright picture, and how it is taken; `seen` are fields of its metadata."""

    scene: str
    size: tuple[int, int]
    settings: dict[str, Any]
    seen: dict[str, Any] = field(default_factory=dict)


SAMPLES = {
    "still_life": Sample(
        "still-life",
        (864, 1296),
        {"camera": "aster", "cfa": "RGGB", "light": "5300", "exposure": 0.0, "noise": 200.0, "blur": 0.5, "seed": 11},
        {
            "shutter": 1 / 60,
            "aperture": 4.0,
            "focal_length": 60.0,
            "date": "2026-03-14T16:42:10",
            "lens": "modisp 60mm f/2.8",
        },
    ),
    "dusk": Sample(
        "dusk",
        (864, 1296),
        {
            "camera": "clover",
            "cfa": "GRBG",
            "light": "D65",
            "exposure": -0.8,
            "noise": 400.0,
            "blur": 0.5,
            "seed": 12,
            "dual": False,
        },
        {
            "shutter": 2.0,
            "aperture": 8.0,
            "focal_length": 40.0,
            "date": "2026-10-03T18:57:31",
            "lens": "modisp 40mm f/2",
        },
    ),
    "workbench": Sample(
        "workbench",
        (1296, 864),
        {
            "camera": "bellis",
            "cfa": "xtrans",
            "light": "4600",
            "exposure": -0.3,
            "noise": 320.0,
            "seed": 13,
            "orientation": 8,
        },
        {
            "shutter": 1 / 30,
            "aperture": 5.6,
            "focal_length": 35.0,
            "date": "2026-05-22T11:05:02",
            "lens": "modisp 35mm f/2",
        },
    ),
}
"""The shipped samples by name."""


def make(name: str, folder: Path, pixels: torch.Tensor | None = None) -> Path:
    """Write one sample; `pixels` is its rendered scene (3, H, W), rendered here where it is not given."""
    sample = SAMPLES[name]
    if pixels is None:
        pixels = rendered(sample.scene, sample.size)
    mosaic, truth = simulate(from_rgb(name, pixels), **sample.settings)
    mosaic = replace(mosaic, meta=replace(mosaic.meta, name=f"{name}.dng", **sample.seen))
    return write_dng(folder / f"{name}.dng", mosaic, bits=16, preview=small_picture(truth))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m modisp.simulate.samples", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the DNG files go")
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(SAMPLES)}; all without")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(SAMPLES):
        parser.error(f"there is no sample called {', '.join(sorted(unknown))}")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name in chosen.names or SAMPLES:
        print(make(name, chosen.folder))


if __name__ == "__main__":
    main()
