"""Pairs for learning: found by name and time, laid over each other, and left out where they do not fit."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from modisp.learn.align import TURNS, align, turned
from modisp.learn.pairs import File, limited, match
from modisp.learn.read import misfit
from modisp.simulate.scenes import scene
from tests.scenes import smooth_scene


def names(raws: list[str], finished: list[str], dates: dict[str, str] | None = None) -> dict[str, str]:
    def files(paths: list[str]) -> list[File]:
        return [File(Path(p), (dates or {}).get(p, "")) for p in paths]

    pairs, rest = match(files(raws), files(finished))
    out = {p.raw.path.name: p.finished.path.name if p.finished else "" for p in pairs}
    return out | {"rest": " ".join(f.path.name for f in rest)}


def test_names_are_matched_exactly_first_then_without_what_programs_add() -> None:
    found = names(["IMG_1.CR3", "IMG_12.cr3", "b.dng"], ["img_12.JPG", "IMG_1-Edit-2.tif", "IMG_1_final.jpg", "c.png"])
    assert found == {
        "IMG_1.CR3": "IMG_1_final.jpg",
        "IMG_12.cr3": "img_12.JPG",
        "b.dng": "",
        "rest": "IMG_1-Edit-2.tif c.png",
    } or (found["IMG_1.CR3"] in ("IMG_1_final.jpg", "IMG_1-Edit-2.tif") and found["IMG_12.cr3"] == "img_12.JPG")
    assert found["b.dng"] == "" and "c.png" in found["rest"]


def test_of_one_name_the_time_decides_and_time_alone_is_enough() -> None:
    dates = {"a/1.dng": "2026-05-01T10:00:00", "x/1.jpg": "2026-05-01T12:30:00", "y/1.jpg": "2026-05-01T10:00:01"}
    assert names(["a/1.dng"], ["x/1.jpg", "y/1.jpg"], dates)["1.dng"] == "1.jpg"
    pairs, _ = match(
        [File(Path("a/1.dng"), dates["a/1.dng"])], [File(Path(p), dates[p]) for p in ("x/1.jpg", "y/1.jpg")]
    )
    assert pairs[0].finished is not None and pairs[0].finished.path.parent.name == "y"
    dates = {"a.dng": "2026-05-01T10:00:00", "b.dng": "2026-05-01T10:00:20", "holiday.jpg": "2026-05-01T10:00:20"}
    assert names(["a.dng", "b.dng"], ["holiday.jpg"], dates) == {"a.dng": "", "b.dng": "holiday.jpg", "rest": ""}
    # two pictures of one second cannot be told apart by time
    dates["a.dng"] = dates["b.dng"]
    assert names(["a.dng", "b.dng"], ["holiday.jpg"], dates)["rest"] == "holiday.jpg"


def test_so_many_pairs_as_are_asked_for() -> None:
    pairs, _ = match([File(Path(f"{i}.dng")) for i in range(9)], [File(Path(f"{i}.jpg")) for i in range(8)])
    kept = limited(pairs, 4)
    assert sum(p.finished is not None for p in kept) == 4 and len(kept) == 9
    assert limited(pairs, None) == pairs


@pytest.fixture(scope="module")
def subject() -> torch.Tensor:
    """Something with shapes of all sizes, in scene light."""
    leaves = scene("dead-leaves", (360, 480), 4)
    pixels = (
        leaves.paint(torch.eye(3))
        if leaves.palette.shape[0] == 3
        else leaves.paint(torch.eye(leaves.palette.shape[0])[:, :3])
    )
    light = torch.exp2(3 * smooth_scene(*pixels.shape[1:], seed=3, limit=1 / 200)[:1] - 2)
    return (pixels.abs() + 0.01) * light


def finished(scene_light: torch.Tensor) -> torch.Tensor:
    """A contrasty, warm, saturated finish."""
    x = scene_light / scene_light.mean() * 0.3
    y = x**1.3 / (x**1.3 + 0.25)
    return (y * torch.tensor([1.05, 1.0, 0.85])[:, None, None]).clamp(0, 1)


def bent(
    pixels: torch.Tensor, angle: float = 0.0, barrel: float = 0.0, rect: tuple[float, ...] = (0, 0, 1, 1)
) -> torch.Tensor:
    """A part (x, y, width, height in shares) of a picture, turned by degrees and bent by a lens."""
    h, w = pixels.shape[1:]
    rows, columns = round(rect[3] * h), round(rect[2] * w)
    y, x = torch.meshgrid(
        torch.arange(rows) + 0.5 + rect[1] * h - h / 2, torch.arange(columns) + 0.5 + rect[0] * w - w / 2, indexing="ij"
    )
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    x, y = c * x - s * y, s * x + c * y
    k = 1 + barrel * ((x * x + y * y) / (w * w + h * h) * 4 - 0.5)
    at = torch.stack([x * k / (w / 2), y * k / (h / 2)], -1)[None]
    return F.grid_sample(pixels[None], at, mode="bicubic", padding_mode="border", align_corners=False)[0].clamp(0, 1)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"rect": (0.25, 0.1, 0.6, 0.7)},
        {"angle": 2.0, "rect": (0.05, 0.05, 0.9, 0.9)},
        {"barrel": 0.05},
        {"rect": (0.02, 0.0, 0.97, 1.0), "barrel": -0.03},
    ],
)
def test_a_finished_picture_is_laid_where_it_belongs(subject: torch.Tensor, how: dict[str, float]) -> None:
    whole = finished(subject)
    found = align(subject, bent(whole, **how))  # type: ignore[arg-type]
    assert not misfit(found), (found.score, found.agree, found.scale)
    inside = found.inside.clone()
    # resampling twice softens: compare what is left of it, with what one pixel off would make
    made, wanted = (F.avg_pool2d(p[None], 3, 1, 1)[0] for p in (found.finished, whole))
    off, by_one = ((p - wanted).abs().mean(0)[inside].mean() for p in (made, wanted.roll(1, 2)))
    assert float(off) < 0.4 * float(by_one), (float(off), float(by_one))
    share = how.get("rect", (0, 0, 1, 1))
    assert float(inside.float().mean()) == pytest.approx(share[2] * share[3], abs=0.06)  # type: ignore[index]


@pytest.mark.parametrize("turn", TURNS[:5])
def test_turned_and_small_pictures_are_found_too(subject: torch.Tensor, turn: tuple[bool, bool, bool]) -> None:
    whole = finished(subject)
    small = F.interpolate(turned(whole, turn)[None], scale_factor=0.5, mode="area")[0]
    found = align(subject, small)
    assert not misfit(found)
    assert float((found.finished - whole).abs().mean()) < 0.04


def test_a_picture_of_something_else_is_refused(subject: torch.Tensor) -> None:
    other = scene("dead-leaves", (360, 480), 9).paint(
        torch.rand(scene("dead-leaves", (360, 480), 9).palette.shape[0], 3)
    )
    assert "shows something else" in misfit(align(subject, finished(other.abs())))
    assert misfit(align(subject, 1 - finished(subject))), "a negative"
    assert misfit(align(subject, torch.full((3, 200, 300), 0.4)))
