"""What the engine tells the tools: samples and why they are refused, the sensor's counts, where a rectangle lies."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from editor_app.engine.looking import BRIGHTEST, DARKEST, counts, sample
from editor_app.engine.opened import Opened, located
from editor_app.engine.render import render
from modisp import Image, Metadata, Recipe, State, save_image
from modisp.cache import Cache

H, W = 240, 360
GREY = (0.5, 1.0, 0.7)  # the sensor's answer to grey in this light


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    rgb = torch.full((3, H, W), 0.2)
    rgb[:, 20:60, 20:60] = torch.tensor([0.8, 0.2, 0.1])[:, None, None]
    rgb *= torch.tensor(GREY)[:, None, None]
    rgb[:, 100:140, 100:140] = 1.2  # clipped
    rgb[:, 180:220, 180:220] = 0.0
    mosaic = torch.empty(1, H, W)
    for i, j, k in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[0, i::2, j::2] = rgb[k, i::2, j::2]
    meta = Metadata(make="Maker", model="Model", white=(0.6, 1.0, 0.6), noise=((0.0, 1e-8),), orientation=3)
    path = tmp_path_factory.mktemp("looking") / "raw.dng"
    save_image(Image(mosaic.clamp(0, 1), State.MOSAIC, meta), path)
    return Opened.open(path, Cache(folder=None))


def measured(o: Opened) -> tuple[str, str]:
    """The entry and the parameter that a rectangle is measured for."""
    for e in o.default.fit(o.image).resolve().entries:
        for name, p in type(e.stage).params().items():
            if p.kind == "rect" and p.inference:
                return e.id, name
    raise AssertionError


def asked(o: Opened, box: tuple[float, ...]) -> dict[str, Any]:
    """A sample of `box`, given as the sensor lies; the picture stands upside down."""
    x, y, w, h = box
    shown = (W - x - w, H - y - h, w, h)
    plain = o.plain(o.default.dump())
    ident, param = measured(o)
    rect = located(o, plain, ident, shown)
    assert rect == pytest.approx(list(box), abs=1)
    return sample(o, o.image, plain, ident, param, rect, shown)


def test_a_grey_sample_gives_the_light_and_makes_it_grey(opened: Opened) -> None:
    told = asked(opened, (240, 40, 40, 40))
    assert not told["problem"] and " K" in told["words"] and told["values"]
    ident, param = measured(opened)
    data = opened.default.dump()
    for e in data["entries"]:
        if e["id"] == ident:
            e["values"] = {**told["values"], param: [240.0, 40.0, 40.0, 40.0]}
    plain = opened.plain(Recipe.load(data).dump())
    again = sample(opened, opened.image, plain, ident, param, [240, 40, 40, 40], (80, 160, 40, 40))
    before = asked(opened, (240, 40, 40, 40))
    assert max(again["rgb"]) - min(again["rgb"]) < 2 < max(before["rgb"]) - min(before["rgb"])


@pytest.mark.parametrize(("box", "why"), [((105, 105, 30, 30), "clipped"), ((185, 185, 30, 30), "dark")])
def test_what_tells_nothing_is_refused(opened: Opened, box: tuple[float, ...], why: str) -> None:
    told = asked(opened, box)
    assert told["problem"] == why and not told["values"]


def test_the_sensors_counts_stand_where_they_are_in_stops(opened: Opened) -> None:
    told = counts(opened.image)
    n = len(told["histogram"][0])
    for k, row in enumerate(told["histogram"]):
        peak = DARKEST + (row.index(max(row)) + 0.5) * (BRIGHTEST - DARKEST) / n
        assert peak == pytest.approx(float(torch.log2(torch.tensor(0.2 * GREY[k]))), abs=0.1)
    assert told["clipped"][0] == pytest.approx(1600 / (H * W), rel=0.3)
    assert told["clipped"][1] == pytest.approx(1600 / (H * W), rel=0.3)


def test_the_readout_of_a_mosaic_names_the_filter(opened: Opened) -> None:
    plain = opened.plain(opened.default.dump())
    asked = {"until": plain.entries[0].id, "rect": [100, 60, 40, 40], "size": [40, 40]}
    made = render(opened, opened.image, plain, asked, lambda: False)
    x, y, w, h = made.rect
    assert made.state is State.MOSAIC
    for i in range(4):
        for j in range(4):
            told = made.probe((j + 0.5) / w, (i + 0.5) / h)
            row, column = H - 1 - (int(y) + i), W - 1 - (int(x) + j)  # the picture stands upside down
            assert told["filter"] == ("RG", "GB")[row % 2][column % 2]
            assert told["values"][0] == pytest.approx(float(opened.image.pixels[0, row, column]), abs=1e-4)
