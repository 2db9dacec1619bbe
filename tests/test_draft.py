"""Drafts: near the exact picture while a strength of the RAW zone is dragged, without a network; exact when let go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from scenes import BAYER, QUAD, WHITE, WHITES, mosaic

from modisp import resources, weights
from modisp.cache import Cache
from modisp.image import Image, Metadata, State
from modisp.metrics import delta_e
from modisp.pipeline import develop
from modisp.recipe import Recipe
from modisp.simulate.leaves import dead_leaves
from modisp.stage import Stage, list_stages

NOISE = ((2e-3, 2e-5),)
HAVE = (resources.path("weights") / f"restore-fast{weights.SUFFIX}").is_file()


def scene(cfa: tuple[str, ...], size: int = 480) -> Image:
    light = torch.as_tensor(dead_leaves(size, 5)).float() ** 2.2 * WHITES
    clean = mosaic(light, cfa)
    noisy = clean + (NOISE[0][0] * clean + NOISE[0][1]).sqrt() * torch.randn(
        clean.shape, generator=torch.manual_seed(0)
    )
    return Image(noisy, State.MOSAIC, Metadata(cfa=cfa, white=WHITE, noise=NOISE))


def networks(image: Image) -> Recipe:
    """The RAW zone's networks; tone as the closed form has it, which noise in so small a picture does not sway."""
    return Recipe.default(image).swap("restore").swap("demosaic").swap("tone")


@pytest.fixture
def inferred(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The stages whose `infer` ran, and on how many pixels."""
    calls: list[tuple[str, int]] = []

    def count(cls: type[Stage]) -> Callable[..., Any]:
        plain = cls.infer

        def infer(self: Stage, image: Image, reading: Any) -> Any:
            calls.append((cls.name, image.height * image.width))
            return plain(self, image, reading)

        return infer

    for cls in (list_stages()[n] for n in ("demosaic", "restore")):
        monkeypatch.setattr(cls, "infer", count(cls))
    return calls


@pytest.mark.skipif(not HAVE, reason="no weights to restore are shipped")
@pytest.mark.parametrize("cfa", [BAYER[0], BAYER[3], QUAD], ids="/".join)
def test_a_draft_is_near_and_runs_no_network(
    cfa: tuple[str, ...], tmp_path: Path, inferred: list[tuple[str, int]]
) -> None:
    image, cache = scene(cfa), Cache(folder=tmp_path)
    recipe = networks(image)
    develop(image, recipe, scale=0.4, cache=cache)
    for name, value in (
        ("denoise", 0.7),
        ("denoise", 0.45),
        ("chroma", 0.9),
        ("chroma", 0.4),
        ("deblur", 0.1),
        ("deblur", 0.6),
    ):
        develop(image, recipe.set("restore", **{name: value}), scale=0.4, cache=cache, draft=True)
    assert {name for name, _ in inferred} == {"restore", "demosaic"}
    for values in (
        {"denoise": 0.4},
        {"denoise": 0.3, "chroma": 0.5},
        {"deblur": 0.7},
        {"chroma": 0.0},
        {"chroma": 0.3},
    ):
        develop(image, recipe, scale=0.4, cache=cache)  # drafts start from what was exact last
        inferred.clear()
        moved = recipe.set("restore", **values)
        draft = develop(image, moved, scale=0.4, cache=cache, draft=True)
        assert inferred == []
        exact = develop(image, moved, scale=0.4, cache=cache)
        assert [name for name, _ in inferred] == ["demosaic"]
        assert float(_difference(draft, exact)) < 0.5, values
        assert torch.equal(develop(image, moved, scale=0.4, cache=cache, draft=True).pixels, exact.pixels)


@pytest.mark.skipif(not HAVE, reason="no weights to restore are shipped")
def test_a_draft_is_near_with_tones_that_follow_the_picture(tmp_path: Path) -> None:
    image, cache = scene(BAYER[0], 1440), Cache(folder=tmp_path)
    recipe = Recipe.default(image).swap("restore").swap("demosaic")
    develop(image, recipe, scale=0.4, cache=cache)
    moved = recipe.set("restore", denoise=0.3, chroma=0.5)
    draft, exact = (develop(image, moved, scale=0.4, cache=cache, draft=d) for d in (True, False))
    assert float(_difference(draft, exact)) < 0.5


@pytest.mark.skipif(not HAVE, reason="no weights to restore are shipped")
def test_the_way_to_what_a_draft_starts_from_is_told_and_what_is_there_is_not_counted(tmp_path: Path) -> None:
    image, cache, told = scene(BAYER[0]), Cache(folder=tmp_path), list[float]()
    recipe = Recipe.default(image).swap("restore").swap("demosaic")
    more: dict[str, Any] = {"scale": 0.4, "cache": cache, "tile": 96, "progress": lambda f, words: told.append(f)}
    develop(image, recipe, **more)
    told.clear()
    develop(image, recipe.set("restore", denoise=0.4), draft=True, **more)
    assert len(told) > 10 and max(told[:-1]) > 0.9
    told.clear()
    develop(image, recipe.set("restore", denoise=0.3), draft=True, **more)
    assert told == [1.0]
    told.clear()
    develop(image, recipe.set("restore", denoise=0.3), **(more | {"scale": 1.0, "until": "demosaic"}))
    assert len(told) > 10 and max(told[:-1]) > 0.9  # though the network of the noise had nothing to do


@pytest.mark.skipif(not HAVE, reason="no weights to restore are shipped")
def test_a_region_at_full_size_runs_networks_on_itself_alone(tmp_path: Path, inferred: list[tuple[str, int]]) -> None:
    image, cache = scene(BAYER[0], 960), Cache(folder=tmp_path)
    recipe = networks(image)
    develop(image, recipe, scale=0.2, cache=cache)
    inferred.clear()
    moved = recipe.set("restore", denoise=0.1)
    region = (411, 333, 120, 90)
    draft = develop(image, moved, region=region, cache=cache, draft=True)
    assert inferred and all(name == "demosaic" and pixels < 320 * 320 for name, pixels in inferred)
    exact = develop(image, moved, region=region, cache=cache)
    assert (draft.pixels - exact.pixels).abs().max() < 2e-3


@pytest.mark.skipif(not HAVE, reason="no weights to restore are shipped")
def test_without_anything_exact_a_draft_is_exact(tmp_path: Path) -> None:
    image = scene(BAYER[1], 240)
    recipe = Recipe.default(image).swap("restore").swap("demosaic")
    draft = develop(image, recipe, scale=0.5, cache=Cache(folder=tmp_path / "a"), draft=True)
    assert torch.equal(draft.pixels, develop(image, recipe, scale=0.5, cache=Cache(folder=tmp_path / "b")).pixels)


def _difference(a: Image, b: Image) -> torch.Tensor:
    from modisp.color.spaces import between
    from modisp.color.transfer import decode
    from modisp.metrics import xyz_to_lab

    lab = [xyz_to_lab(torch.einsum("ij,jhw->hwi", between("srgb", "xyz"), decode("srgb", x.pixels))) for x in (a, b)]
    return delta_e(*lab).mean()
