"""Known colours through the whole pipeline: a simulated chart under several lights, four phases of one scene."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from modisp import Image, Recipe, develop
from modisp.color import spaces
from modisp.image import State
from modisp.metrics import delta_e, xyz_to_lab
from modisp.simulate import simulate, simulate_file

CHART = (288, 432)


def _patches(pixels: torch.Tensor) -> torch.Tensor:
    """(24, 3): the middle of each patch of the chart (drawn to fill `CHART`)."""
    height, width = CHART
    pitch = min(width / 6.5, height / 4.5)
    top, left = (height - 4 * pitch) / 2, (width - 6 * pitch) / 2
    out = []
    for i in range(24):
        y, x = round(top + (i // 6 + 0.5) * pitch), round(left + (i % 6 + 0.5) * pitch)
        out.append(pixels[:, y - 12 : y + 12, x - 12 : x + 12].mean((1, 2)))
    return torch.stack(out)


def _difference(source: Image | Path, truth: Image) -> float:
    """Mean ΔE2000 over the patches, exposure matched on the neutral ones."""
    image = develop(source, Recipe.default(source if isinstance(source, Image) else None), until=State.SCENE)
    got, want = _patches(image.pixels), _patches(truth.pixels)
    got = got * (want[18:, 1].sum() / got[18:, 1].sum())
    to_xyz = spaces.between("rec2020", "xyz").T
    return float(delta_e(xyz_to_lab(got @ to_xyz), xyz_to_lab(want @ to_xyz)).mean())


@pytest.mark.parametrize("light", ["A", "D50", "D65", "LED-4000", "F11"])
@pytest.mark.parametrize("camera", ["aster", "clover"])
def test_a_chart_keeps_its_colours(camera: str, light: str) -> None:
    mosaic, truth = simulate("colorchecker", size=CHART, camera=camera, light=light, exposure=-0.3, noise=100)
    assert _difference(mosaic, truth) <= 3.0


def test_a_chart_keeps_its_colours_through_a_file_with_matrices_for_one_light(tmp_path: Path) -> None:
    path = tmp_path / "chart.dng"
    _, truth = simulate_file("colorchecker", path, size=CHART, light="D50", exposure=-0.3, noise=100, dual=False)
    assert _difference(path, truth) <= 3.0


@pytest.mark.parametrize("cfa", ["xtrans", "quad"])
def test_a_chart_keeps_its_colours_under_other_filters(cfa: str) -> None:
    mosaic, truth = simulate("colorchecker", size=CHART, cfa=cfa, exposure=-0.3, noise=100)
    assert _difference(mosaic, truth) <= 3.0


def test_a_wrong_white_is_seen() -> None:
    """The measure can fail: the same chart with its as-shot white left out is far off."""
    from dataclasses import replace

    mosaic, truth = simulate("colorchecker", size=CHART, light="A", exposure=-0.3, noise=100)
    blind = replace(mosaic, meta=replace(mosaic.meta, white=(0.6, 1.0, 0.7)))
    assert _difference(blind, truth) > 6.0


def test_four_phases_of_one_scene_agree() -> None:
    """45 dB between any two, and means within 0.1 %, where the scene is band-limited below a quarter of Nyquist."""
    scenes = []
    for cfa in ("RGGB", "GRBG", "GBRG", "BGGR"):
        mosaic, _ = simulate("smooth", size=(240, 288), cfa=cfa, noise=0, bits=16)
        recipe = Recipe.default(mosaic).switch("restore", False)
        scenes.append(develop(mosaic, recipe, until=State.SCENE).pixels[:, 8:-8, 8:-8])
    for other in scenes[1:]:
        mse = float(((scenes[0] - other) ** 2).mean())
        assert mse < float(scenes[0].max()) ** 2 * 10**-4.5
        assert other.mean((1, 2)) == pytest.approx(scenes[0].mean((1, 2)), rel=1e-3)
