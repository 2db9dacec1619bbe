"""Parts of recipes laid onto others, and what a photographer saves as the default of a camera."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from modisp import Image, Metadata, Recipe, State
from modisp.defaults import default_for, file_of, forget_default, save_default
from modisp.parts import changed, laid


def picture(iso: float = 100.0, model: str = "M1") -> Image:
    return Image(torch.zeros(1, 8, 8), State.MOSAIC, Metadata(make="Maker", model=model, iso=iso))


def test_only_the_chosen_parts_are_laid_over() -> None:
    base, plain = Recipe.default(), Recipe.default().dump()
    source = base.set("exposure", ev=1.0).set("tone", contrast=0.4).switch("restore", False)
    got = Recipe.load(laid(plain, source.dump(), ["exposure", "restore"]))
    assert got["exposure"].values()["ev"] == 1.0 and got["tone"] == base["tone"]
    assert not next(e.on for e in got.entries if e.id == "restore")
    assert changed(source.dump(), plain) == ["restore", "exposure", "tone"]


def test_an_implementation_comes_along() -> None:
    rivals = Recipe.default().swap("demosaic_bilinear")
    got = Recipe.load(laid(Recipe.default().dump(), rivals.dump(), ["demosaic"]))
    assert got["demosaic"].name == "demosaic_bilinear"


def test_looks_come_along_or_stay() -> None:
    look = {"name": "x", "strength": 0.5, "values": {}}
    plain, styled = Recipe.default().dump(), Recipe.default().dump() | {"looks": [look]}
    assert laid(plain, styled, [], True)["looks"] == [look]
    assert laid(styled, plain, [], True) == plain
    assert laid(styled, plain, [], False) == styled


def test_a_default_holds_for_its_camera_and_from_its_iso_up(home: Path) -> None:
    base = Recipe.default(picture())
    save_default(picture().meta, base.set("exposure", ev=0.3), ["exposure"], False, None)
    save_default(picture().meta, base.set("exposure", ev=0.6).set("tone", contrast=1.0), ["exposure"], False, 1600.0)
    assert default_for(picture(100))["exposure"].values()["ev"] == 0.3
    assert default_for(picture(3200))["exposure"].values()["ev"] == 0.6
    assert default_for(picture(3200))["tone"] == base["tone"]
    assert default_for(picture(100, "M2")) == base
    save_default(picture().meta, base.set("exposure", ev=-1.0), ["exposure"], False, None)
    assert default_for(picture(100))["exposure"].values()["ev"] == -1.0
    assert forget_default(picture().meta) and default_for(picture(3200)) == Recipe.default(picture(3200))
    assert not forget_default(picture().meta)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"rows": [{"iso": "x"}]}',
        '{"rows": [{"iso": null, "slots": ["tone"], "recipe": {"entries": [3]}}]}',
    ],
)
def test_a_damaged_file_costs_only_itself(home: Path, text: str) -> None:
    file = file_of(picture().meta)
    assert file is not None
    file.parent.mkdir(parents=True)
    file.write_text(text, "utf-8")
    assert default_for(picture()) == Recipe.default(picture())


def test_no_camera_no_default(home: Path) -> None:
    nameless = replace(picture().meta, make="", model="")
    with pytest.raises(ValueError, match="which camera"):
        save_default(nameless, Recipe.default(), ["exposure"], False, None)
