"""Exports hold no more memory than they need."""

from __future__ import annotations

import weakref
from pathlib import Path

import pytest

from modisp import Image, Recipe
from modisp.export import Plan, Wanted, export, export_stage
from modisp.io import open_image
from modisp.stage import list_stages


class Watch:
    """Whether the source was still held when work last told how far it was."""

    def __init__(self) -> None:
        self.held: list[bool] = []

    def source(self, image: Image) -> None:
        self.image = weakref.ref(image)

    def tell(self, share: float, words: str) -> None:
        self.held.append(self.image() is not None)


@pytest.mark.parametrize("until", [None, "demosaic"])
@pytest.mark.parametrize("size", [None, 300])
def test_an_export_lets_its_source_go(sample: Path, tmp_path: Path, until: str | None, size: int | None) -> None:
    """It would be a third of the memory."""
    watch = Watch()

    def plan(image: Image, extras: object) -> Plan:
        watch.source(image)
        return Plan(Recipe.default(image), {}, {})

    target = tmp_path / ("x.jpg" if until is None else "x.dng")
    export(sample, target, plan, Wanted(until=until, size=size), progress=watch.tell)
    assert watch.held and not watch.held[-1]


def test_so_does_one_stage(sample: Path, tmp_path: Path) -> None:
    image = open_image(sample)
    watch, recipe = Watch(), Recipe.default(image)
    watch.source(image)
    box = [image]
    del image
    stage = list_stages()["demosaic_malvar"]()
    export_stage(box, stage, recipe, tmp_path / "x.dng", Wanted(), {}, progress=watch.tell)
    assert watch.held and not watch.held[-1] and not box
