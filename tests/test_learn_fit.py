"""A look fitted to pixels: one that treats all pictures alike, one that follows each, and pictures of another look."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from modisp.bench import style_learn
from modisp.color.white import xy_from_kelvin
from modisp.image import Image, Metadata, State
from modisp.learn.after import fallen
from modisp.learn.align import Aligned
from modisp.learn.fit import Look, errors, fit, grey_chroma, ridge
from modisp.learn.lesson import lesson
from modisp.learn.read import Sample, _sample
from modisp.learn.report import render, whole_error
from modisp.learn.residue import moved
from modisp.learn.run import FEWEST, Learned, learn
from modisp.operators import tonemap
from modisp.operators.toneoffsets import Offsets, lamp_of
from modisp.probe import Cancelled, cancellable
from modisp.recipe import Recipe
from modisp.stage import list_stages
from modisp.style import Style
from tests.scenes import smooth_scene

STEPS = (100, 50, 0)


def pictures(count: int, look: Look, first: int = 0, lamps: tuple[float, ...] = (0.0,)) -> list[Sample]:
    """Scenes of all sorts of light, finished by a look; in the light of lamps in turn (see `lamp_of`)."""
    out = []
    for i in range(first, first + count):
        g = torch.Generator().manual_seed(i)
        light = smooth_scene(48, 64, i, 1 / 8)[:1] * (2 + 4 * float(torch.rand(1, generator=g)))
        scene = smooth_scene(48, 64, 100 + i, 1 / 8) * torch.exp2(
            light - light.mean() - 2 - 3 * float(torch.rand(1, generator=g))
        )
        plain = Sample(f"{i}.dng", scene, scene, torch.ones(48, 64, dtype=torch.bool), lamp=lamps[i % len(lamps)])
        out.append(replace(plain, finished=render(plain, look, None)))
    return out


def a_look(follows: float, tint: float = 0.0) -> Look:
    """Brighter, flatter, blues darker and quieter; as much of automatic exposure as is said."""
    look = Offsets.zeros()
    look.gain[0], look.gain[1] = 0.4, -4.0 * follows
    look.curve[0] = 0.05 * torch.cos(tonemap.knots() / 3)
    look.chroma[0, 7:10] = -0.4
    look.chroma[2, 7:10] = -0.1
    look.tint[1, 1:4] = tint
    return Look(look, bool(tint), follows)


@pytest.mark.parametrize("follows", [0.0, 0.8])
def test_a_look_is_found_from_ten_pairs_and_holds_for_others(follows: float) -> None:
    wanted = a_look(follows)
    found = fit(lesson(pictures(10, wanted), None, 400), steps=STEPS)
    others = lesson(pictures(5, wanted, 50), None, 400)
    before = errors(Look(Offsets.zeros(), False, 0.0), others).mean()
    after = errors(found, others).mean()
    assert before > 4 * after and after < 1.5, (float(before), float(after))
    assert found.follows == pytest.approx(follows, abs=0.2)
    assert not found.tinted and not found.offsets.tint.any(), "greys stay grey"


def test_colours_that_go_along_with_the_light_are_found_and_hold_for_others() -> None:
    wanted = a_look(0.0)
    wanted.offsets.lamp[0, 0:3], wanted.offsets.lamp[1, 0:3] = 0.6, 0.3  # reds and oranges by lamplight
    found = fit(lesson(pictures(10, wanted, lamps=(0.0, 1.0)), None, 400), steps=STEPS)
    others = lesson(pictures(6, wanted, 50, (0.0, 0.5, 1.0)), None, 400)
    blind = replace(found, offsets=replace(found.offsets, lamp=torch.zeros_like(found.offsets.lamp)))
    assert errors(found, others).mean() < 0.6 * errors(blind, others).mean()
    alone = fit(lesson(pictures(6, wanted, lamps=(1.0,)), None, 400), steps=STEPS)
    assert not alone.offsets.lamp.any(), "pictures of one light say nothing of another"


def test_a_tinted_look_is_found_as_one() -> None:
    found = fit(lesson(pictures(6, a_look(0.0, 0.06)), None, 400), steps=STEPS)
    assert found.tinted
    assert float(grey_chroma(found.offsets.tint).max()) > 2
    assert float(grey_chroma(torch.zeros(2, 6)).max()) < 0.02


def test_mixed_channels_and_dark_corners_are_found_and_belong_to_the_style(tmp_path: Path) -> None:
    vignette = {"amount": -0.4, "midpoint": 0.3, "feather": 0.6}
    mix = torch.tensor([[0.8, 0.15, 0.05], [0.05, 0.9, 0.05], [0.0, 0.2, 0.8]])
    stage = list_stages()["vignette_ellipse"](**vignette)

    def finished(s: Sample) -> Sample:
        mixed = torch.einsum("ij,jhw->ihw", mix, s.finished)
        return Sample(s.name, s.scene, stage(Image(mixed, State.DISPLAY)).pixels, s.inside)

    samples = [finished(s) for s in pictures(10, a_look(0.0))]
    others = [finished(s) for s in pictures(5, a_look(0.0), 50)]
    found = fit(lesson(samples, None, 400), steps=(160, 80, 0))
    assert found.vignette["amount"] == pytest.approx(-0.4, abs=0.12)
    assert not found.tinted and found.table is found.mixed
    near = errors(found, lesson(others, None, 400)).mean()
    flat = errors(replace(found, vignette={}), lesson(others, None, 400)).mean()
    unmixed = errors(replace(found, table=None), lesson(others, None, 400)).mean()
    assert near < 1.2 and flat > 2 * near and unmixed > 1.2 * near, (float(near), float(flat), float(unmixed))
    style = Learned(found, samples, [], {"0.dng": 1.0}).style("Mine", tmp_path)
    assert style.values["vignette"] == found.vignette and (tmp_path / "residue.cube").is_file()
    grey = torch.linspace(0, 1, 50).expand(3, -1)
    made = moved(found.table, grey.T)
    assert float((made.amax(1) - made.amin(1)).max()) < 2e-3, "greys stay grey"


def test_light_falls_to_the_corners_as_in_the_vignette_stage() -> None:
    values = {"amount": -0.6, "midpoint": 0.2, "feather": 0.7}
    image = Image(torch.full((3, 40, 60), 0.5), State.DISPLAY)
    wanted = list_stages()["vignette_ellipse"](**values)(image).pixels
    y, x = ((torch.arange(n) + 0.5) * 2 / n - 1 for n in (40, 60))
    at = torch.stack(torch.meshgrid(x, y, indexing="xy")).reshape(2, -1)
    assert torch.allclose(0.5 * fallen(values, at).view(1, 40, 60).expand(3, -1, -1), wanted, atol=1e-4)
    assert bool((fallen({}, at) == 1).all())


def test_the_frame_of_a_cropped_picture_is_what_it_shows() -> None:
    inside = torch.zeros(40, 60, dtype=torch.bool)
    inside[10:30, 15:60] = True
    assert Sample("a", torch.zeros(3, 40, 60), torch.zeros(3, 40, 60), inside).frame == (0.25, 0.25, 1.0, 0.75)


@pytest.mark.parametrize(("edge", "long"), [(6000, 384), (1290, 256), (1140, 192)])
def test_colours_are_compared_at_a_grain_coarser_than_pixels_of_the_file(edge: int, long: int) -> None:
    scene = torch.rand(3, 512, 768, generator=torch.Generator().manual_seed(1))
    whole = Aligned(scene, torch.ones(512, 768, dtype=torch.bool), 1.0, 1.0, 1.0, (False,) * 3)
    sample = _sample("a.dng", scene, whole, edge, 0.0)
    assert max(sample.inside.shape) == long
    rgb, _, _, parts = sample.draw(200)
    assert parts.shape == (3, 4, 200), "as many of any file, so that files of all sizes go together"
    assert torch.allclose(parts.mean(1), rgb, atol=0.02)


def test_pictures_are_finished_in_finer_pixels_and_then_averaged() -> None:
    look = a_look(0.0)
    pairs = lesson(pictures(3, look), None, 300)
    alike = replace(pairs, parts=pairs.rgb[:, :, None].repeat(1, 1, 4, 1))
    table = style_learn.METHODS["3D table"]
    assert (
        torch.allclose(errors(look, alike), errors(look, pairs), atol=1e-4) and float(errors(look, pairs).max()) < 0.1
    )
    assert torch.allclose(table(pairs, alike), table(pairs, pairs), atol=1e-4)
    edges = pairs.rgb[:, :, None] * torch.tensor([0.1, 0.1, 1.9, 1.9])[:, None]
    away = errors(look, replace(pairs, parts=edges))
    assert float(away.mean()) > 1, "the mean of what an edge becomes is not what its mean becomes"


def test_a_curve_never_falls_and_pictures_of_the_report_are_those_of_the_fit() -> None:
    wanted = a_look(0.5)
    samples = pictures(5, wanted)
    found = fit(lesson(samples, None, 200), steps=(30, 10, 20))
    made = render(samples[0], found, None)
    by_fit = errors(found, lesson(samples[:1], None, 4000))
    assert whole_error(samples[0], made) == pytest.approx(float(by_fit), rel=0.1)
    ramp = Sample(
        "ramp", torch.exp2(torch.linspace(-9, 3, 400)).expand(3, 2, 400), torch.zeros(3, 2, 400), torch.ones(2, 400) > 0
    )
    assert float(render(ramp, found, None)[1, 0].diff().min()) > -1e-5


def test_pairs_of_another_look_are_left_out_and_no_others(tmp_path: Path) -> None:
    samples = pictures(9, a_look(0.3))
    strange = {"3.dng", "8.dng"}
    grey = [
        Sample(s.name, s.scene, s.finished.mean(0, keepdim=True).expand(3, -1, -1) ** 2.2, s.inside)
        if s.name in strange
        else s
        for s in samples
    ]
    told: list[float] = []
    found = learn(grey, [], None, lambda f, words: told.append(f))
    assert {s.name for s in found.out} == strange
    assert all("unlike the others" in s.reason for s in found.out)
    assert len(found.aside) >= 2 and found.held_out < 2.5 and set(found.near) == {s.name for s in found.samples}
    assert told == sorted(told) and told[-1] == 1.0
    style = found.style("Mine", tmp_path)
    assert set(style.values) <= {"tone", "look"} and style.values["tone"]["seen"] == 0.0
    assert ("look" in style.values) == (found.look.table is not None) == (tmp_path / "residue.cube").is_file()


def test_ridge_takes_a_constant_for_noise_and_finds_what_is_there() -> None:
    g = torch.Generator().manual_seed(2)
    facts = torch.cat([torch.ones(20, 1), torch.randn(20, 4, generator=g)], 1)
    noise, error = ridge(facts, torch.randn(20, generator=g))
    assert not noise[1:].any() and error > 0.5
    found, error = ridge(facts, facts @ torch.tensor([1.0, 2.0, 0.0, -1.0, 0.0]) + 0.05 * torch.randn(20, generator=g))
    assert torch.allclose(found, torch.tensor([1.0, 2.0, 0.0, -1.0, 0.0]), atol=0.1) and error < 0.02


def test_too_few_pairs_and_a_wish_to_stop() -> None:
    with pytest.raises(ValueError, match=f"{FEWEST} pairs at least, and 2 can be used: a.dng: why"):
        from modisp.learn.read import left_out
        from modisp.learn.run import _enough

        _enough(pictures(2, a_look(0.0)), [left_out("a.dng", "why")])
    with pytest.raises(Cancelled), cancellable(lambda: True):
        fit(lesson(pictures(4, a_look(0.0)), None, 100), steps=(5, 5, 5))


@pytest.mark.parametrize("name", ["tone", "tone_learned"])
def test_both_tone_stages_paint_what_was_learned(name: str) -> None:
    look = a_look(0.4, 0.03)
    sample = pictures(1, look, 7)[0]
    values = style_values(look)
    stage = list_stages()[name](**{k: v for k, v in values.items() if k in list_stages()[name].params()})
    image = Image(sample.scene, State.SCENE)
    made = stage.with_values(**({"local_strength": 0.0} if name == "tone_learned" else {}))(image).pixels
    # the exact function and its tables differ by less than can be seen
    assert whole_error(sample, made) < 0.6


@pytest.mark.parametrize("name", ["tone", "tone_learned"])
def test_both_tone_stages_know_how_warm_the_light_was(name: str) -> None:
    look = a_look(0.0)
    look.offsets.lamp[0], look.offsets.lamp[1, 2:6] = -0.5, 0.2
    cls = list_stages()[name]
    values = {k: v for k, v in style_values(look).items() if k in cls.params()}
    stage = cls(**values).with_values(**({"local_strength": 0.0} if name == "tone_learned" else {}))
    for kelvin in (6504.0, 2856.0):
        light = xy_from_kelvin(kelvin)
        sample = replace(pictures(1, look, 7)[0], lamp=lamp_of(light))
        wanted = replace(sample, finished=render(sample, look, None))
        made = stage(Image(sample.scene, State.SCENE, replace(Metadata(), light=light))).pixels
        assert whole_error(wanted, made) < 0.6
    by_day = stage(Image(sample.scene, State.SCENE)).pixels
    assert whole_error(wanted, by_day) > 1.0


def test_a_learned_style_fades_in_without_a_jump_over_the_closed_form() -> None:
    style = Style("Learned", {"tone": style_values(a_look(0.4))})
    plain = Recipe.default()
    image = Image(pictures(1, a_look(0.0), 3)[0].scene, State.SCENE)
    made = [style.apply(plain, s / 10).resolve()["tone"](image).pixels for s in range(11)]
    assert torch.equal(made[0], plain["tone"](image).pixels)
    way = [float((m - made[0]).abs().mean()) for m in made]
    assert all(a < b for a, b in pairwise(way)) and max(b - a for a, b in pairwise(way)) < 1.3 * way[-1] / 10
    other = Style("Other", {"tone": style_values(a_look(0.0, 0.05))})
    both = other.apply(style.apply(plain, 1.0), 0.0).resolve()["tone"](image).pixels
    assert torch.equal(both, made[-1])


def style_values(look: Look) -> dict[str, Any]:
    """What a learned style sets in the tone slot."""
    rows = look.offsets.dump()
    values = {"seen": 0.0, "gain_offsets": rows["gain"], "curve_offsets": rows["curve"]}
    return values | {
        "colour_offsets": rows["chroma"],
        "tint_offsets": rows["tint"],
        "colour_lamp_offsets": rows["lamp"],
    }


@pytest.mark.parametrize("name", ["tone", "tone_learned"])
def test_noise_round_black_stays_dark_and_without_strong_colour(name: str) -> None:
    noise = 1e-3 * torch.randn(3, 48, 64, generator=torch.Generator().manual_seed(4))
    scene = torch.cat([noise, pictures(1, a_look(0.0), 5)[0].scene], 1)
    faded = a_look(0.0)
    faded.offsets.curve[0] = 0.08  # black is lifted
    values = style_values(faded)
    cls = list_stages()[name]
    made = cls(**{k: v for k, v in values.items() if k in cls.params()})(Image(scene, State.SCENE)).pixels[:, :48]
    assert float((made.amax(0) - made.amin(0)).max()) < 0.15
