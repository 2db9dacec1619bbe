"""Judging the light by a network: its histograms and lights, its way to canonical colour, its places, its training, its table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from modisp import weights
from modisp.bench import white as bench
from modisp.color.camera import Camera
from modisp.color.canonical import canonical
from modisp.color.illuminant import shades_of_grey
from modisp.image import Image, State
from modisp.io import save_image
from modisp.nets.white import (
    CELL,
    GRID,
    HISTOGRAMS,
    White,
    centres,
    chroma,
    consult,
    expected,
    halves,
    histograms,
    lights,
    peaks,
    rgb,
    witness,
)
from modisp.simulate import spectra, world, world_lights, world_makers, world_surfaces
from modisp.simulate.cameras import camera
from modisp.simulate.places import SIZE, place
from modisp.train import thumbs, variety
from modisp.train import white as training
from tests.cli import modisp, well


def _sensitivities() -> np.ndarray:
    return np.array(
        [s / s.sum(1).max() for n in ("aster", "bellis", "clover") if (s := camera(n).sensitivity) is not None]
    )


def _places(count: int, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.stack([torch.from_numpy(place(rng)).float() for _ in range(count)])


def _world(seed: int = 1) -> training.World:
    """Cameras of our own design, which no training saw, under lamps that no training saw."""
    rng, own = np.random.default_rng(seed), _sensitivities()
    ways = torch.stack([canonical(Camera.of(world_makers.clean(s).metadata())) for s in own]).float()
    lights, _ = world_lights.draw(rng, 400, world_lights.split()[1])
    basis = world_surfaces.bases(rng, 4)
    rows = [torch.from_numpy(a).float() for a in (own, lights, basis)]
    return training.World(rows[0], ways, rows[1], rows[2], ("aster", "bellis", "clover"))


# --- colour ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["aster", "bellis", "clover"])
def test_canonical_colour_is_that_of_one_camera_for_all(name: str) -> None:
    """D65 is grey, and every usual light has a logarithm."""
    own = camera(name).sensitivity
    assert own is not None
    way = canonical(Camera.of(world_makers.clean(own).metadata()))
    day = way @ torch.from_numpy(own @ spectra.light("D65"))
    assert (day / day[1]).tolist() == pytest.approx([1, 1, 1], rel=0.02)
    for light in ("2000", "A", "F2", "F11", "LED-3000", "5000", "15000"):
        seen = way @ torch.from_numpy(own @ spectra.light(light))
        assert float(seen.min()) > 0


def test_lights_of_different_cameras_fall_together() -> None:
    raw, same = [], []
    for own in _sensitivities():
        seen = torch.from_numpy(own @ spectra.light("A"))
        raw.append(chroma(seen))
        same.append(chroma(canonical(Camera.of(world_makers.clean(own).metadata())) @ seen))
    assert float(torch.stack(same).std(0).max()) < 0.35 * float(torch.stack(raw).std(0).max())


def test_chroma_and_its_inverse() -> None:
    colours = torch.rand(50, 3, generator=torch.Generator().manual_seed(1)) + 0.05
    back = rgb(chroma(colours))
    assert torch.allclose(back, colours / colours[:, 1:2], rtol=1e-4)
    warm, cool = chroma(torch.tensor([2.0, 1.0, 0.4])), chroma(torch.tensor([0.7, 1.0, 1.3]))
    assert float(warm[0]) < 0 < float(cool[0]), "the long axis runs from warm to cool"


# --- histograms --------------------------------------------------------------------------------------------------------


def _pixels(seed: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = 0.1 + 0.8 * torch.rand(2, 3, 20, 30, generator=torch.Generator().manual_seed(seed))
    return pixels, torch.ones(2, 20, 30, dtype=torch.bool)


def test_histograms_are_shares() -> None:
    seen = histograms(*_pixels())
    assert seen.shape == (2, HISTOGRAMS, *GRID)
    assert seen.square().sum((2, 3)) == pytest.approx(torch.ones(2, HISTOGRAMS), abs=1e-5)


def test_another_light_moves_a_histogram_without_changing_it() -> None:
    pixels, valid = _pixels()
    pixels = 0.3 + 0.4 * pixels
    light = rgb(torch.tensor([-6 * CELL, 3 * CELL]))
    before, after = histograms(pixels, valid), histograms(pixels * light[:, None, None] / light.max(), valid)
    # brightness may change its order, so of the two that do not look at it
    assert torch.allclose(after[:, 0, :-6, 3:-3], before[:, 0, 6:, :-6], atol=0.02)


def test_exposure_does_not_matter() -> None:
    pixels, valid = _pixels()
    assert torch.allclose(histograms(pixels, valid), histograms(pixels / 8, valid), atol=1e-4)


def test_what_does_not_count_does_not_count() -> None:
    pixels, valid = _pixels()
    valid[:, :, 15:] = False
    other = pixels.clone()
    other[..., 15:] = torch.rand(2, 3, 20, 15)
    assert torch.allclose(histograms(pixels, valid), histograms(other, valid), atol=1e-6)
    assert histograms(pixels, torch.zeros_like(valid)).abs().max() == 0
    assert torch.isfinite(histograms(-pixels, valid)).all()


def test_the_brightest_pixels_are_a_witness() -> None:
    light = rgb(torch.tensor([-0.8, 0.1]))
    pixels, valid = _pixels()
    pixels[1] *= 0.1
    pixels[1, :, 3:6, 3:9] = light[:, None, None] / light.max()
    said = witness(0.5 * pixels, valid)
    best = centres().view(-1, 2)[said.flatten(1).argmax(1)]
    assert best[1] == pytest.approx(torch.tensor([-0.8, 0.1]), abs=CELL)
    assert witness(pixels, torch.zeros_like(valid)).abs().max() == 0, "who sees nothing says nothing"


def test_halves_count_where_they_have_enough() -> None:
    valid = torch.ones(2, 20, 30, dtype=torch.bool)
    valid[1, :, 4:] = False
    left, right, upper, lower = halves(valid).unbind(1)
    assert torch.equal(left[0] ^ right[0], valid[0]) and torch.equal(upper[0] ^ lower[0], valid[0])
    assert int(left[0].sum()) == int(lower[0].sum()) == 300
    for half in (left, right, upper, lower):
        assert torch.equal(half[1], valid[1]), "80 pixels are too few to be parted"


# --- the network -------------------------------------------------------------------------------------------------------


def test_the_network_is_small() -> None:
    assert sum(p.numel() for p in White().parameters()) <= 200_000
    assert White().macs() * GRID[0] * GRID[1] < 50e6


def test_a_network_is_asked_about_the_picture_and_its_halves() -> None:
    pixels, valid = _pixels()
    torch.manual_seed(4)
    net = White((8, 8, 8, 8))
    with torch.no_grad():
        said = consult(net, pixels, valid)
        assert said.exp().sum((1, 2)) == pytest.approx(torch.ones(2), abs=1e-4)
        own = [net(histograms(pixels, v)).flatten(1).softmax(1) for v in (valid, *halves(valid).unbind(1))]
        assert torch.allclose(said.exp().flatten(1), 0.5 * own[0] + 0.125 * sum(own[1:]), atol=1e-6)
        valid[:, 8:] = valid[:, :, 10:] = False
        alone = net(histograms(pixels, valid)).flatten(1).log_softmax(1).view(-1, *GRID)
        assert torch.allclose(consult(net, pixels, valid), alone, atol=1e-4), "few pixels are not parted"


def test_two_lights_are_two_peaks() -> None:
    place_, at = centres(), torch.tensor([[-1.2, 0.05], [0.1, -0.1]])
    share = sum(w * (-0.5 * ((place_ - c) / 0.08).square().sum(-1)).exp() for w, c in zip((0.3, 0.7), at, strict=True))
    assert isinstance(share, torch.Tensor)
    found = peaks((share + 1e-9).log())
    assert [float(m) for _, m in found[:2]] == pytest.approx([0.7, 0.3], abs=0.02)
    assert found[0][0] == pytest.approx(at[1], abs=0.02) and found[1][0] == pytest.approx(at[0], abs=0.02)
    assert sum(m for _, m in found) <= 1 + 1e-5


def test_how_likely_a_light_is_and_where_it_is_are_told_apart() -> None:
    place_ = centres()

    def around(centre: tuple[float, float], width: float) -> torch.Tensor:
        return -0.5 * ((place_ - torch.tensor(centre)) / width).square().sum(-1)

    likely, sure = around((-0.5, 0.0), 0.15), around((-0.45, 0.05), 0.07)
    (plain, share), (narrow, same) = peaks(likely, 1)[0], peaks(likely, 1, sure)[0]
    assert plain == pytest.approx(torch.tensor([-0.5, 0.0]), abs=0.01)
    assert narrow == pytest.approx(torch.tensor([-0.45, 0.05]), abs=0.01)
    assert same == pytest.approx(share, abs=0.1)


def test_a_batch_can_be_learnt() -> None:
    torch.manual_seed(3)
    random = torch.Generator().manual_seed(3)
    example = training.example(training.take(_world(), _places(4, 4), random))
    net = White((8, 16, 16, 16))
    optimizer = torch.optim.AdamW(net.parameters(), 4e-3)
    losses = []
    for _ in range(50):
        loss = training.loss(net, example)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
    with torch.no_grad():
        found = torch.einsum("bij,bj->bi", example[3], rgb(expected(net(example[0]))))
    assert float(training.angle(found, example[4]).median()) < 3


def test_training_draws_what_it_says() -> None:
    random = torch.Generator().manual_seed(5)
    scenes, known = _places(12, 6), _world()
    blown = torch.zeros(12, *SIZE, dtype=torch.bool)
    changed, blown = variety.augment(variety.recoloured(scenes, random), blown, random)
    assert changed.shape == scenes.shape and torch.isfinite(changed).all() and changed.min() > 0 and not blown.any()
    shots = training.take(known, changed, random, mixed=1.0)
    assert shots.share.sum(1) == pytest.approx(torch.ones(12), abs=1e-5) and (shots.share > 0).all()
    assert shots.raw.min() >= 0 and shots.raw.max() <= 1
    grey = training.take(known, torch.full((20, 3, *SIZE), 0.2), random, noise=0.0)
    sound = grey.valid.flatten(1).all(1)
    away = training.angle(grey.raw.mean((2, 3)), grey.neutral[:, 0])[sound]
    assert len(away) and away.max() < 0.2, "grey shows the light itself"


def test_what_is_grey_stays_grey_in_other_scenes() -> None:
    random = torch.Generator().manual_seed(6)
    grey = (0.05 + 0.5 * torch.rand(16, 1, *SIZE, generator=random)).expand(-1, 3, -1, -1)
    blown = torch.zeros(16, *SIZE, dtype=torch.bool)
    again, _ = variety.augment(variety.recoloured(grey, random, share=1.0), blown, random)
    assert torch.allclose(again, again[:, 1:2].expand_as(again), rtol=1e-3)


def test_hues_turn_in_some_scenes_alone() -> None:
    scenes = _places(24, 7)
    same = torch.isclose(variety.recoloured(scenes, torch.Generator().manual_seed(8)), scenes).flatten(1).all(1)
    assert 0 < same.sum() < 24


def test_scenes_lose_colours_and_places_but_never_everything() -> None:
    scenes, random = _places(30, 13), torch.Generator().manual_seed(10)
    valid = torch.ones(30, *SIZE, dtype=torch.bool)
    left = variety.apart(scenes, valid, random).flatten(1).float().mean(1)
    assert (left == 1).any() and (left < 0.9).sum() > 8 and left.min() > 0.3
    few = torch.zeros_like(valid)
    few[:, :10, :10] = True
    assert torch.equal(variety.apart(scenes, few, random), few), "too few are left as they are"


def test_scenes_may_lack_what_is_grey_but_never_everything() -> None:
    scenes, random = _places(40, 12), torch.Generator().manual_seed(9)
    valid = torch.ones(40, *SIZE, dtype=torch.bool)
    kept = variety.lacking(scenes, valid, random, grey=1.0, few=0.0)
    assert (kept.flatten(1).sum(1) >= 150).all() and not kept.all()
    log = scenes.log()
    away = torch.hypot(log[:, 0] - log[:, 1], log[:, 2] - log[:, 1])
    fewer = ~kept.flatten(1).all(1)
    assert fewer.any() and away[fewer][kept[fewer]].min() > 0.05


def test_the_shipped_network_beats_closed_forms_on_cameras_and_lamps_it_never_saw() -> None:
    random = torch.Generator().manual_seed(7)
    shots = training.take(_world(9), _places(150, 8), random)
    net, card = weights.load("white_balance")
    assert isinstance(net, White) and card.parameters <= 200_000
    found = [rgb(lights(net, *one)[0][0]) for one in zip(shots.pixels, shots.valid, strict=True)]
    back = torch.linalg.inv(shots.way)
    ours = training.summary(training.angle(torch.einsum("bij,bj->bi", back, torch.stack(found)), shots.neutral[:, 0]))
    grey = torch.stack([shades_of_grey(p, v) for p, v in zip(shots.raw, shots.valid, strict=True)])
    theirs = training.summary(training.angle(grey, shots.neutral[:, 0]))
    assert ours["median"] < 0.8 * theirs["median"] and ours["worst25"] < 0.7 * theirs["worst25"]


# --- places, figures, table ----------------------------------------------------------------------------------------------


def test_places_are_pictures_and_the_same_each_time() -> None:
    some = _places(30, 10)
    assert some.shape == (30, 3, *SIZE) and torch.isfinite(some).all() and some.min() > 0
    assert torch.equal(some, _places(30, 10))
    means = chroma(some.clamp(max=1).mean((2, 3)))
    assert float(means.std(0).min()) > 0.05, "of many colours"


def test_a_summary_of_errors() -> None:
    errors = torch.arange(1.0, 101.0)
    f = training.summary(errors)
    assert f["mean"] == pytest.approx(50.5) and f["median"] == pytest.approx(50.5)
    assert f["best25"] == pytest.approx(13) and f["worst25"] == pytest.approx(88)
    assert f["trimean"] == pytest.approx(50.5)
    assert float(training.angle(torch.tensor([1.0, 0, 0]), torch.tensor([1.0, 1, 0]))) == pytest.approx(45)


def test_photographs_become_thumbnails(tmp_path: Path) -> None:
    pixels = np.full((90, 60, 3), 128, np.uint8)
    pixels[:30] = 255
    Picture.fromarray(pixels).save(tmp_path / "upright.png")
    picture = thumbs.linear(tmp_path / "upright.png")
    small = thumbs.shrink(picture)
    assert small.shape == (3, *SIZE)
    blown = small.amax(0) > thumbs.BLOWN
    assert blown.float().mean() == pytest.approx(1 / 3, abs=0.02)
    assert small[:, ~blown].max() < 1
    rng = np.random.default_rng(1)
    assert all(c.shape == (3, *SIZE) for c in thumbs.crops(picture, 5, rng))
    assert not thumbs.sound(Path("f67f11de4ca9.png")) and thumbs.sound(tmp_path / "upright.png")


def test_correlation_finds_a_plain_light() -> None:
    light = torch.tensor([1.5, 1.0, 0.5])
    lights = torch.stack([light, torch.tensor([1.0, 1.0, 1.0]), torch.tensor([0.4, 1.0, 0.9])])
    scene = _places(1, 11)[0] * light[:, None, None]
    found = bench.Correlation(lights, 60)(scene, torch.ones(SIZE, dtype=torch.bool))
    assert float(training.angle(found, light)) < 6


def test_the_table(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    folder.mkdir()
    first = sorted((data / "photos" / "val").glob("*.png"))[0]
    (folder / first.name).write_bytes(first.read_bytes())
    well("bench", "white", folder, "--data", data, "--repeat", "1", "--out", tmp_path / "out")
    table = (tmp_path / "out" / "table.md").read_text("utf-8")
    for method in (bench.OURS, "prior alone", "correlation", *bench.CLASSICS):
        assert f"| {method} |" in table
    rows: list[dict[str, Any]] = json.loads((tmp_path / "out" / "table.json").read_text("utf-8"))
    ours = next(r for r in rows if r["name"] == bench.OURS)
    assert set(ours["cameras"]) <= set(world.LEFT_OUT) and ours["median"] < 6
    assert set(ours["sources"]) == {"photographs", "panoramas"} and f"| panoramas | {bench.OURS} |" in table
    assert {"one", "both", "pictures"} <= set(rows[-1])


def test_the_table_without_pictures_or_data_says_so(tmp_path: Path, data: Path) -> None:
    assert "no pictures" in modisp("bench", "white", tmp_path, "--data", data).err
    assert "no camera sensitivities" in modisp("bench", "white", tmp_path, "--data", tmp_path).err


def test_the_lights_of_a_file_are_shown(sample: Path, tmp_path: Path) -> None:
    made = well("info", "--white", sample)
    assert "as shot" in made.out and "auto" in made.out and "%" in made.out
    rows = well("info", "--white", "--json", sample).json()
    lights = rows[0]["lights"]
    assert lights[0]["light"] == "as shot" and lights[0]["confidence"] is None
    assert 1 <= len(lights) - 1 <= 3 and all(2000 <= x["temperature"] <= 25000 for x in lights)
    shares = [x["confidence"] for x in lights[1:]]
    assert shares == sorted(shares, reverse=True) and sum(shares) <= 1.001
    bad = tmp_path / "bad.dng"
    bad.write_bytes(b"no picture")
    made = modisp("info", "--white", bad, sample)
    assert made.code == 1 and "bad.dng" in made.err and "as shot" in made.out
    finished = tmp_path / "finished.png"
    save_image(Image(torch.rand(3, 20, 30), State.ENCODED), finished)
    made = modisp("info", "--white", finished)
    assert made.code == 1 and "give a RAW file" in made.err
