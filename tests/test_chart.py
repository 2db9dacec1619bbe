"""Calibration with a chart: found however it lies, halving the errors of unknown cameras, in clear words when it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from cli import modisp, well

from modisp import Recipe
from modisp.chart.find import Found, find, from_corners, homography
from modisp.chart.measure import calibrate
from modisp.image import Image, State
from modisp.io import open_image
from modisp.io.dng_write import write_dng
from modisp.operators import calibration
from modisp.simulate import charts, simulate, spectra
from modisp.simulate.leaves import dead_leaves
from modisp.simulate.scenes import Scene

SIZE = (480, 720)


@lru_cache(maxsize=1)
def _leaves() -> torch.Tensor:
    return torch.as_tensor(dead_leaves(max(SIZE), 3)).float()[:, : SIZE[0], : SIZE[1]] ** 2.2


def _placed(length: float, angle: float, tilt: float = 0.0, middle: tuple[float, float] = (360, 240)) -> Found:
    """A chart `length` pixels long, turned by `angle` degrees, seen from the side."""
    turn, pitch = np.radians(angle), length / 6
    m = np.eye(3)
    m[:2, :2] = pitch * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    m[2, :2] = tilt, -tilt / 2
    at = m @ (2.5, 1.5, 1)
    m[:2] += np.outer(np.array(middle) - at[:2] / at[2], m[2])
    return Found(m, 1.0)


def _scene(chart: Found, shade: float = 1.0) -> Scene:
    """A chart on a black board before a busy background; left of a slanted edge the light is `shade` of that on the right."""
    height, width = SIZE
    y, x = np.mgrid[0:height, 0:width]
    p = np.linalg.inv(chart.map) @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    c, r = (p[:2] / p[2]).reshape(2, height, width)
    column, row = c.round().astype(int), r.round().astype(int)
    patch = (
        (np.abs(c - column) < 0.42) & (np.abs(r - row) < 0.42) & (column >= 0) & (column < 6) & (row >= 0) & (row < 4)
    )
    board = (c > -0.65) & (c < 5.65) & (r > -0.65) & (r < 3.65)
    index = torch.from_numpy(np.where(patch, row.clip(0, 3) * 6 + column.clip(0, 5), np.where(board, 24, 25)))
    light = torch.from_numpy(np.where(x + 0.4 * y < 0.62 * width, shade, 1.0)).float()
    palette = np.vstack([spectra.colorchecker(), np.full((1, 81), 0.035), spectra.basis()])

    def paint(colours: torch.Tensor) -> torch.Tensor:
        flat = colours[:26].float().T[:, index]
        behind = torch.einsum("kc,khw->chw", colours[25:].float(), _leaves())
        return torch.where(index == 25, behind, flat) * light

    return Scene("chart", palette, paint)


def _photo(chart: Found, shade: float = 1.0, camera: str = "bellis", light: str = "5400", noise: float = 200) -> Image:
    mosaic, _ = simulate(_scene(chart, shade), camera=camera, light=light, exposure=-0.3, noise=noise)
    return replace(mosaic, meta=replace(mosaic.meta, name="chart.dng"))


WAYS = {
    "straight": (_placed(520, 0), 1.0),
    "turned": (_placed(420, 37), 1.0),
    "upside down": (_placed(440, 188), 1.0),
    "upright": (_placed(380, -91), 1.0),
    "tilted": (_placed(430, 12, 0.035), 1.0),
    "small": (_placed(130, 20, middle=(200, 150)), 1.0),
    "partly shaded": (_placed(480, -8), 0.45),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_chart_is_found_however_it_lies(way: str) -> None:
    chart, shade = WAYS[way]
    report = calibrate(_photo(chart, shade))
    pitch = np.linalg.norm(chart.at(1.0, 0.0) - chart.at(0.0, 0.0))
    assert np.abs(report.found.corners() - chart.corners()).max() < 0.25 * pitch
    before, after = report.errors.mean(0)
    assert after < 0.62 * before
    assert 4800 < report.kelvin < 6000


@pytest.mark.parametrize(
    ("camera", "light"), [("aster", "D50"), ("bellis", "D65"), ("clover", "A"), ("clover", "LED-4000")]
)
def test_calibration_halves_the_error_of_a_camera_that_nobody_knew(camera: str, light: str) -> None:
    report = calibrate(_photo(WAYS["turned"][0], camera=camera, light=light, noise=50))
    before, after = report.errors.mean(0)
    assert after <= 0.5 * before
    assert report.calibration.after == pytest.approx(after, abs=1e-3)


def test_what_is_no_chart_is_not_taken_for_one() -> None:
    wanted = charts.reference("colorchecker24", 5000)
    assert find(_leaves(), wanted) is None
    tiles = (
        torch.rand(3, 8, 12, generator=torch.Generator().manual_seed(2))
        .repeat_interleave(40, 1)
        .repeat_interleave(40, 2)
    )
    assert find(tiles, wanted) is None
    assert find(torch.full((3, 200, 300), 0.3), wanted) is None


def test_corners_say_where_the_chart_is() -> None:
    chart = _placed(460, 25)
    image = _photo(chart)
    told = calibrate(image, corners=chart.corners().tolist())
    own = calibrate(image)
    assert np.abs(told.errors.mean(0) - own.errors.mean(0)).max() < 0.15
    with pytest.raises(ValueError, match="four corners"):
        from_corners([(0, 0), (10, 10), (10, 0), (0, 10)])
    with pytest.raises(ValueError, match="wholly inside"):
        calibrate(image, corners=[(0, 0), (900, 0), (900, 400), (0, 400)])


@pytest.mark.parametrize("order", [(1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0), (1, 2, 3, 0)])
def test_corners_in_another_order_are_not_believed(order: tuple[int, ...]) -> None:
    chart = _placed(460, 25)
    with pytest.raises(ValueError, match="dark skin"):
        calibrate(_photo(chart), corners=chart.corners()[list(order)].tolist())


def test_what_matrices_get_wrong_is_not_taken_for_shadows() -> None:
    """A camera without any errs most in brightness, too, which is what a calibration is for."""
    image = _photo(_placed(460, 25))
    unknown = replace(image.meta, color_matrix=(), forward_matrix=(), calibration=(), illuminants=())
    report = calibrate(replace(image, meta=unknown))
    before, after = report.errors.mean(0)
    assert report.shaded <= 2 and after < 0.2 * before


def test_a_homography_takes_points_where_they_belong() -> None:
    truth = _placed(300, 33, 0.04)
    at = np.array([[0, 0], [5, 0], [5, 3], [0, 3], [2, 1.5]], float)
    to = truth.at(at[:, 0], at[:, 1])
    assert np.allclose(Found(homography(at, to), 1).at(3.3, 2.2), truth.at(3.3, 2.2), atol=1e-6)


def test_an_overexposed_patch_is_left_out_and_a_ruined_chart_refused() -> None:
    chart = _scene(_placed(520, 0))
    bright, _ = simulate(chart, camera="bellis", light="D55", exposure=0.35, noise=50)
    assert 18 not in calibrate(bright).used
    for exposure, words in ((3.5, "overexposed|no chart"), (-9.0, "too dark|no chart")):
        ruined, _ = simulate(chart, camera="bellis", light="D55", exposure=exposure, noise=50)
        with pytest.raises(ValueError, match=words):
            calibrate(ruined, corners=_placed(520, 0).corners().tolist())


def test_what_cannot_be_calibrated_is_said(home: Path) -> None:
    image = _photo(_placed(520, 0))
    with pytest.raises(ValueError, match="which camera"):
        calibrate(replace(image, meta=replace(image.meta, make="", model="")))
    with pytest.raises(ValueError, match="RAW file in colour"):
        calibrate(Image(torch.rand(3, 40, 60), State.SCENE, image.meta))
    with pytest.raises(ValueError, match="no chart is called"):
        calibrate(image, "colorchecker99")


def test_the_command_writes_what_the_stage_then_uses(tmp_path: Path, home: Path) -> None:
    chart, path = _placed(500, 5), tmp_path / "chart.dng"
    write_dng(path, _photo(chart), bits=16)
    assert "→" in well("calibrate", path, "--dry-run").out
    assert not calibration.folder().exists()
    said = well("calibrate", path).out
    kept = calibration.path_of("modisp-bellis")
    assert str(kept) in said
    assert "ΔE2000 mean" in said
    assert json.loads(kept.read_text())["camera"] == "modisp bellis"
    assert calibration.find("modisp-bellis") is not None
    again = modisp("calibrate", path)
    assert again.code == 1
    assert "--force" in again.err
    well("calibrate", path, "--force", "--corners", " ".join(f"{x:.0f},{y:.0f}" for x, y in chart.corners()))
    assert modisp("calibrate", path, "--corners", "1,2 3,4").code == 2
    assert modisp("calibrate", tmp_path / "none.dng").code == 1


def test_a_camera_without_matrices_is_said_to_be_guessed_until_its_chart_serves(tmp_path: Path, home: Path) -> None:
    path, image = tmp_path / "chart.dng", _photo(_placed(500, 5))
    unknown = replace(image.meta, color_matrix=(), forward_matrix=(), calibration=(), illuminants=())
    write_dng(path, replace(image, meta=unknown), bits=16)
    assert "guess" in well("info", path).out
    assert "guess" in well("develop", path, "-o", tmp_path / "chart.jpg", "--size", 120).out
    assert (
        Recipe.default(open_image(path))["color_correct"].name == "color_correct"
    )  # written by modisp, perhaps no sensor's
    told = well("calibrate", path).out
    assert "as sRGB → calibrated" in told and " K, tint" not in told
    assert Recipe.default(open_image(path))["color_correct"].name == "color_correct_learned"
    assert "guess" not in well("develop", path, "-o", tmp_path / "again.jpg", "--size", 120).out
    assert "as a chart told" in well("info", path).out


def test_looking_for_a_chart_can_be_cancelled() -> None:
    from modisp.stage import Cancelled

    told = [0.0]  # once the picture is developed, what is left is to look for the chart
    with pytest.raises(Cancelled):
        calibrate(_photo(_placed(520, 0)), progress=lambda f, _: told.append(f), cancel=lambda: told[-1] == 1.0)
