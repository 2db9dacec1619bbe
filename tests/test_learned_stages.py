"""The learned stages: pure, exact where they must be, heard when cancelled, and never run again for a strength."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cli import well
from scenes import BAYER, QUAD, WHITE, WHITES, XTRANS, mosaic, psnr, raw, smooth_scene

from modisp import resources, weights
from modisp.bench.demosaic import stripes, tint
from modisp.cache import Cache
from modisp.check import check_stage
from modisp.image import Image, Metadata, State
from modisp.io import open_image
from modisp.learned import camera, mean_noise, weight_file
from modisp.nets import build
from modisp.nets.compand import BENT, STRAIGHT
from modisp.nets.mosaic import sample
from modisp.nets.restore import restore
from modisp.operators.blotches import blotches
from modisp.operators.means import without_means
from modisp.pipeline import develop
from modisp.recipe import Recipe
from modisp.simulate.leaves import dead_leaves
from modisp.stage import Cancelled, Probe, Stage, cancellable, list_stages

Demosaic, Restore = (list_stages()[n] for n in ("demosaic", "restore"))
TINY = {"width": 8, "blocks": 1, "inner_width": 8, "inner_blocks": 1}
TASKS: dict[str, dict[str, Any]] = {
    **{f"demosaic-{cfa}-fast": {"kind": "demosaic", "cfa": cfa, **TINY} for cfa in ("bayer", "xtrans", "quad")},
    "restore-fast": {"kind": "restore", **TINY},
    "restore-xtrans-fast": {"kind": "restore", "cfa": "xtrans", **TINY},
}
ALL = (*BAYER, XTRANS, QUAD)
NOISE = (1e-3, 1e-5)


def save(folder: Path, name: str, seed: int = 0) -> None:
    """Weights of chance, which do something, if nothing good."""
    torch.manual_seed(seed)
    architecture = TASKS["-".join(name.split("@")[0].split("-")[:-1]) + "-fast"]
    net = build(architecture)
    for p in net.trunk.tail.parameters():  # type: ignore[union-attr]
        p.data *= 0.2
    card = weights.Card(name, architecture, 1, 1.0, "none", 1, seed, "none")
    weights.save(folder / f"{name}{weights.SUFFIX}", net, card)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights of chance for every task, and no others."""
    monkeypatch.setattr(resources, "home", lambda kind: tmp_path / kind)
    monkeypatch.setattr(resources, "path", lambda kind: tmp_path / "shipped" / kind)
    for name in TASKS:
        save(tmp_path / "weights", name)
    return tmp_path / "weights"


@pytest.fixture
def inferred(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages whose `infer` ran, in order."""
    calls: list[str] = []

    def count(cls: type[Stage]) -> Callable[..., Any]:
        plain = cls.infer

        def infer(self: Stage, image: Image, reading: Any) -> Any:
            calls.append(cls.name)
            return plain(self, image, reading)

        return infer

    for cls in (Demosaic, Restore):
        monkeypatch.setattr(cls, "infer", count(cls))
    return calls


def leaves(size: int = 144, seed: int = 3) -> torch.Tensor:
    return torch.as_tensor(dead_leaves(size, seed)).float() ** 2.2


def grainy(cfa: tuple[str, ...] = BAYER[0], size: int = 144, **meta: Any) -> Image:
    g = torch.Generator().manual_seed(0)
    clean = mosaic(leaves(size) * WHITES, cfa)
    pixels = clean + (NOISE[0] * clean + NOISE[1]).sqrt() * torch.randn(clean.shape, generator=g)
    return Image(pixels, State.MOSAIC, Metadata(cfa=cfa, white=WHITE, noise=(NOISE,), **meta))


@pytest.fixture
def run_of(shelf: Path, tmp_path: Path) -> Iterator[Callable[..., Image]]:
    """`develop` by the learned stages up to CAMERA, with a cache on disk."""
    cache = Cache(folder=tmp_path / "cache")
    recipe = Recipe.default(Metadata()).swap("restore").swap("demosaic")

    def run(image: Image, fresh: bool = False, **values: Any) -> Image:
        kept = Cache(folder=tmp_path / "cache") if fresh else cache
        return develop(image, recipe.set("restore", **values), until=State.CAMERA, cache=kept)

    return run


@pytest.mark.parametrize("cls", [Demosaic, Restore], ids=["demosaic", "restore"])
def test_any_weights_keep_the_laws(cls: type[Stage], shelf: Path) -> None:
    assert check_stage(cls) == []


@pytest.mark.parametrize("cfa", ALL, ids="/".join)
def test_flat_light_of_any_colour_comes_out_exact_in_every_phase(cfa: tuple[str, ...], shelf: Path) -> None:
    flat = torch.tensor([0.3, 0.5, 0.07])[:, None, None].expand(3, 45, 61)
    out = Demosaic()(raw(flat, cfa))
    assert out.state is State.CAMERA and (out.pixels - flat).abs().max() < 1e-4


@pytest.mark.parametrize("cfa", ALL, ids="/".join)
def test_scenes_come_out_in_their_own_colours_in_every_phase(cfa: tuple[str, ...], shelf: Path) -> None:
    rgb = smooth_scene(72, 90, limit=1 / 16) * WHITES
    assert psnr(Demosaic()(raw(rgb, cfa)).pixels, rgb) > 30


@pytest.mark.parametrize("name", ["bayer", "xtrans", "quad"])
def test_shipped_weights_beat_the_closed_form(name: str) -> None:
    if not (resources.path("weights") / f"demosaic-{name}-fast{weights.SUFFIX}").is_file():
        pytest.skip(f"no weights for {name} are shipped")
    cfa, other = {
        "bayer": (BAYER[2], "demosaic_malvar"),
        "xtrans": (XTRANS, "demosaic_xtrans"),
        "quad": (QUAD, "demosaic_quad"),
    }[name]
    rgb = leaves(192, 11) * WHITES
    image = raw(rgb, cfa)
    inner = (slice(None), slice(8, -8), slice(8, -8))
    ours, theirs = (psnr(list_stages()[n]()(image).pixels[inner], rgb[inner]) for n in ("demosaic", other))
    assert ours > theirs + 0.5


@pytest.mark.parametrize("size", ["quick", "fast", "best"])
@pytest.mark.parametrize(("name", "cfa"), [("bayer", BAYER[1]), ("xtrans", XTRANS), ("quad", QUAD)])
def test_grey_stripes_stay_grey(name: str, cfa: tuple[str, ...], size: str) -> None:
    if not (resources.path("weights") / f"demosaic-{name}-{size}{weights.SUFFIX}").is_file():
        pytest.skip(f"no such weights for {name} are shipped")
    x = torch.arange(96.0).expand(3, 96, 96)
    for period in (2.0, 2.2, 2.5, 3.0):
        wave = 0.5 + 0.3 * (2 * torch.pi * x / period).cos()
        for grey in (wave, wave.mT):
            out = Demosaic(size=size)(Image(mosaic(grey, cfa), State.MOSAIC, Metadata(cfa=cfa))).pixels
            assert tint(out) < 0.06, (period, size)


@pytest.mark.parametrize("size", ["quick", "fast"])
def test_grey_stripes_stay_grey_wherever_they_begin_and_however_they_lie(size: str) -> None:
    if not (resources.path("weights") / f"demosaic-bayer-{size}{weights.SUFFIX}").is_file():
        pytest.skip("no such weights are shipped")
    for period in (2.0, 2.2, 2.5, 3.0):
        for grey in stripes(period):
            made = Image(mosaic(grey, BAYER[0]), State.MOSAIC, Metadata(cfa=BAYER[0]))
            assert tint(Demosaic(size=size)(made).pixels) < 0.07, (period, size)


@pytest.mark.parametrize("size", ["quick", "fast", "best"])
@pytest.mark.parametrize("cfa", [BAYER[0], XTRANS, QUAD], ids="/".join)
def test_noise_that_is_left_hardly_takes_colour_out_of_the_dark(cfa: tuple[str, ...], size: str) -> None:
    if not (resources.path("weights") / f"demosaic-bayer-{size}{weights.SUFFIX}").is_file():
        pytest.skip("no weights to demosaic are shipped")
    shot, read, g = 3e-3, 5e-6, torch.Generator().manual_seed(2)
    clean = mosaic((0.01 * WHITES).expand(3, 240, 240), cfa)
    noisy = clean + (shot * clean + read).sqrt() * torch.randn(clean.shape, generator=g)
    out = Demosaic(size=size)(Image(noisy, State.MOSAIC, Metadata(cfa=cfa, white=WHITE, noise=((shot, read),))))
    level = out.pixels[:, 8:-8, 8:-8].mean((1, 2)) / WHITES[:, 0, 0] / 0.01
    assert (level - 1).abs().max() < 0.08, level.tolist()


def test_shipped_weights_take_noise_better_than_wavelets() -> None:
    if not (resources.path("weights") / f"restore-fast{weights.SUFFIX}").is_file():
        pytest.skip("no weights to restore are shipped")
    image, clean = grainy(size=192), mosaic(leaves(192) * WHITES, BAYER[0])
    full = {"denoise": 1.0, "chroma": 1.0}
    ours, theirs = (psnr(list_stages()[n](**full)(image).pixels, clean) for n in ("restore", "restore_wavelet"))
    assert ours > theirs


@pytest.mark.parametrize("size", ["fast", "best"])
def test_noise_is_taken_off_as_well_where_the_blur_is_guessed_wrong(size: str) -> None:
    net, _ = weights.load(resources.path("weights") / f"restore-{size}.safetensors")
    truth = sample(leaves(192), "bayer")
    seen = truth + 0.05 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    near = {radius: psnr(restore(net, seen, 0.0, 0.05**2, radius)[0], truth) for radius in (0.0, 1.0)}
    assert near[0.0] > psnr(seen, truth) + 3 and near[1.0] > near[0.0] - 0.4


@pytest.mark.parametrize(("cls", "cfa"), [*((Demosaic, c) for c in ALL), *((Restore, c) for c in ALL)])
def test_a_tile_with_its_halo_equals_the_whole(cls: type[Stage], cfa: tuple[str, ...], shelf: Path) -> None:
    image = grainy(cfa, 336)
    stage = cls()
    reading = stage.measure(Probe.of(image))
    whole = stage.infer(image, reading)
    for top, left in ((96, 192), (0, 96)):
        inside = image.frame.cut(top, left, 96, 96)
        around = inside.grow(-(-stage.around(image.meta) // 24) * 24)
        a, b = inside.within(around)
        part = stage.infer(image.cut(around), reading)
        assert whole is not None and part is not None and set(whole) == set(part)
        for name, p in part.items():
            want = whole[name][:, top : top + 96, left : left + 96]
            assert (p[:, a : a + 96, b : b + 96] - want).abs().max() < 1e-5, name


def test_strengths_never_run_the_network_again(run_of: Callable[..., Image], inferred: list[str]) -> None:
    image = grainy()
    first = run_of(image)
    assert inferred == ["restore", "demosaic"]
    inferred.clear()
    other = run_of(image, denoise=0.3, chroma=0.5, deblur=1.0)
    assert inferred == ["demosaic"]  # its input is another one
    assert not torch.equal(first.pixels, other.pixels)
    inferred.clear()
    assert torch.equal(run_of(image).pixels, first.pixels) and inferred == []
    run_of(image, radius=1.5)
    assert inferred == ["restore", "demosaic"]


def test_a_second_open_does_no_inference(run_of: Callable[..., Image], inferred: list[str]) -> None:
    image = grainy()
    first = run_of(image)
    inferred.clear()
    again = run_of(Image(image.pixels.clone(), image.state, image.meta), fresh=True)
    assert inferred == [] and torch.equal(first.pixels, again.pixels)


@pytest.mark.parametrize("cls", [Demosaic, Restore], ids=["demosaic", "restore"])
def test_cancel_is_heard_between_layers(cls: type[Stage], shelf: Path) -> None:
    image, stage = grainy(), cls()
    reading = stage.measure(Probe.of(image))
    asked = 0

    def ask() -> bool:
        nonlocal asked
        asked += 1
        return asked == 4

    with cancellable(ask), pytest.raises(Cancelled):
        stage.infer(image, reading)
    assert asked == 4
    with cancellable(lambda: False):
        assert stage.infer(image, reading)


def test_without_weights_a_stage_stands_aside(shelf: Path) -> None:
    bayer, xtrans = Metadata(), Metadata(cfa=XTRANS)
    assert Demosaic.accepts(bayer) and Restore.accepts(bayer) and Restore.accepts(xtrans)
    assert not Demosaic.accepts(Metadata(cfa=("W",))) and not Demosaic.accepts(Metadata(cfa=()))
    for name in TASKS:
        (shelf / f"{name}{weights.SUFFIX}").unlink()
    assert not Demosaic.accepts(bayer) and not Restore.accepts(bayer)
    assert Demosaic().weights_digest() == "" == Restore().weights_digest()
    with pytest.raises(ValueError, match="no weights"):
        Demosaic()(grainy())
    with pytest.raises(ValueError, match="no weights"):
        Restore()(grainy())


def test_other_weights_are_another_stage(shelf: Path) -> None:
    before, image = Restore().weights_digest(), grainy(size=48)
    assert before and before == Restore(size="best").weights_digest()  # there is but one size
    one = Restore(size="best", denoise=1)(image).pixels
    assert torch.equal(one, Restore(denoise=1)(image).pixels)
    save(shelf, "restore-best", 1)
    assert Restore().weights_digest() == before != Restore(size="best").weights_digest()
    assert not torch.equal(one, Restore(size="best", denoise=1)(image).pixels)


def test_a_cameras_own_weights_are_taken_for_it_alone(shelf: Path) -> None:
    before = Restore().weights_digest()
    save(shelf, "restore-fast@modisp-aster", 5)
    assert Restore().weights_digest() != before
    mine, other = Metadata(make="modisp", model="modisp Aster"), Metadata(make="Maker", model="One")
    assert (camera(mine), camera(other), camera(Metadata())) == ("modisp Aster", "Maker One", "")
    for meta, name in ((mine, "restore-fast@modisp-aster"), (other, "restore-fast"), (Metadata(), "restore-fast")):
        found = weight_file("restore", "fast", meta)
        assert found is not None and found.stem == name
    image = grainy(size=48)
    a, b = (
        Restore()(replace(image, meta=replace(image.meta, make=m.make, model=m.model))).pixels for m in (mine, other)
    )
    assert not torch.equal(a, b) and torch.equal(b, Restore()(image).pixels)


@pytest.mark.parametrize("cfa", [BAYER[1], XTRANS, QUAD])
def test_what_networks_see_is_bent_by_noise_and_else_by_level(cfa: tuple[str, ...], shelf: Path) -> None:
    """A balanced level: what the light's own colour does to the samples counts for nothing."""

    def knee(level: float, **meta: Any) -> float:
        grey = (torch.tensor(WHITE) * level).view(3, 1, 1).expand(3, 192, 240)
        reading = Demosaic().measure(Probe.of(raw(grey, cfa, **meta)))
        return float(reading.values["knee"])

    assert knee(0.02) == knee(0.5, noise=((1e-4, 0.0),)) == pytest.approx(BENT)
    assert knee(0.5) == knee(0.02, noise=((0.0, 4e-4),)) == pytest.approx(STRAIGHT)
    assert knee(0.2) == pytest.approx((BENT * STRAIGHT) ** 0.5, rel=1e-3)


def test_noise_parts_in_brightness_and_colour(shelf: Path) -> None:
    image = grainy()
    stage = Restore(denoise=1, chroma=1)
    reading = stage.measure(Probe.of(image))
    parts = stage.infer(image, reading)
    assert parts is not None
    clean = stage.process(image, reading, parts)
    shot, read = mean_noise(reading.values["noise"])
    level = image.pixels - parts["noise"]
    kept = without_means(parts["noise"], level, image.meta.cfa, shot, read)  # local means stay
    low = blotches(level, image.meta.cfa, WHITE, shot, read)
    assert torch.allclose(clean, image.pixels - kept - low, atol=1e-6)
    assert torch.equal(Restore(denoise=0, chroma=0).process(image, reading, parts), image.pixels)
    only = Restore(denoise=0, chroma=1).process(image, reading, parts)
    from modisp.operators.noise import luminance

    moved = luminance(only - image.pixels, image.meta.cfa, WHITE)
    grain = luminance(clean - image.pixels, image.meta.cfa, WHITE)
    assert moved.std() < 0.5 * grain.std()  # taking colour noise off leaves brightness nearly alone
    sharp = Restore(denoise=1, chroma=1, deblur=1).process(image, reading, parts)
    half = Restore(denoise=1, chroma=1, deblur=0.5).process(image, reading, parts)
    assert not torch.equal(sharp, clean) and torch.allclose(half, (clean + sharp) / 2, atol=1e-6)


@pytest.mark.parametrize("level", [0.002, 0.02, 0.3, 0.9])
def test_the_mean_is_kept_whatever_the_weights(level: float, shelf: Path) -> None:
    g = torch.Generator().manual_seed(1)
    a, b = 1e-2, 1e-4
    pixels = level + (a * level + b) ** 0.5 * torch.randn(1, 512, 512, generator=g)
    image = Image(pixels, State.MOSAIC, Metadata(noise=((a, b),)))
    out = Restore(denoise=1, chroma=1)(image).pixels
    assert abs(float(out.mean() - pixels.mean())) <= max(0.005 * level, 1e-4)


def test_without_noise_and_at_zero_nothing_is_taken(shelf: Path) -> None:
    image = raw(torch.rand(3, 60, 64), BAYER[0], noise=((0.0, 0.0),))
    assert (Restore(denoise=1, chroma=1)(image).pixels - image.pixels).abs().max() < 1e-3
    off = Restore(radius=1.0, size="best").neutral()
    assert off.is_neutral() and torch.equal(off(image).pixels, image.pixels) and off(image).meta.noise == ((0.0, 0.0),)


def test_read_noise_below_nothing_counts_as_none(shelf: Path) -> None:
    """Files tell of it, fitted to samples that end at black."""
    image = grainy()
    below, none = (Restore()(replace(image, meta=replace(image.meta, noise=((1e-3, b),)))).pixels for b in (-1e-5, 0.0))
    assert torch.isfinite(below).all() and not torch.equal(below, image.pixels)
    assert torch.equal(below, none)


def test_restore_tells_what_is_left(shelf: Path) -> None:
    out = Restore(denoise=1, chroma=1, deblur=1, radius=1.0)(grainy())
    assert out.meta.blur == 0 and 0 < out.meta.noise[0][0] < 0.1 * NOISE[0]
    assert Restore(deblur=0.25, radius=1.0)(grainy()).meta.blur == pytest.approx(0.75)
    assert mean_noise(()) == (0, 0) and mean_noise(((0.5, 0.25),)) == (0.5, 0.25)
    assert mean_noise(((4, 0), (0, 8), (0, 0))) == (1, 4)


def test_the_name_of_a_slot_means_ours_where_it_can_serve_and_else_the_default(shelf: Path, tmp_path: Path) -> None:
    for cfa, made in (("GBRG", "demosaic"), ("mono", "demosaic_mono")):
        shot, out = tmp_path / f"{cfa}.dng", tmp_path / f"{cfa}-camera.dng"
        well("simulate", "dead-leaves", shot, "--size", "60x48", "--cfa", cfa)
        well("run", "demosaic", shot, out)
        image = open_image(shot)
        assert torch.allclose(open_image(out).pixels, list_stages()[made]()(image).pixels, atol=2e-3)


def test_networks_are_begun_with_where_they_are_worth_their_time() -> None:
    """A quick one to demosaic; one to restore where grain is plain, by the noise that the file tells or by its ISO speed."""

    def begun(**known: Any) -> dict[str, Stage]:
        recipe = Recipe.default(raw(smooth_scene(16, 16), BAYER[0], **known))
        return {e.id: e.active() for e in recipe.entries}

    assert begun(noise=((5e-5, 0.0),))["restore"].name == begun(iso=200.0)["restore"].name == "restore_wavelet"
    assert begun(noise=((2e-3, 1e-5),))["restore"].name == begun(iso=6400.0)["restore"].name == "restore"
    assert begun()["demosaic"].name == "demosaic" and begun()["demosaic"].values()["size"] == "quick"
