"""develop(): zones, readings, tiles, regions, caches, cancelling; on stages small enough to be understood."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from modisp.cache import Cache
from modisp.color import transfer
from modisp.image import Frame, Image, Metadata, State
from modisp.pipeline import develop
from modisp.recipe import Entry, Recipe
from modisp.stage import Cancelled, Parts, Probe, Reading, Stage, checkpoint, param

calls: Counter[str] = Counter()


class Clean(Stage, slot="restore", reads=State.MOSAIC, writes=State.MOSAIC, name="t_clean", tile=48, infer_halo=24):
    """A slow smoothing, cached, and a strength that blends it."""

    strength: float = param(0.5, 0.0, 1.0, help="how much")

    def infer(self, image: Image, reading: Reading) -> Parts:
        calls["clean.infer"] += 1
        p = torch.nn.functional.pad(image.pixels[None], (2, 2, 2, 2), mode="replicate")
        return {"smooth": torch.nn.functional.avg_pool2d(p, 5, 1)[0]}

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        calls["clean.process"] += 1
        assert parts is not None
        return image.pixels + self.strength * (parts["smooth"] - image.pixels)

    def neutral(self) -> Clean:
        return Clean(strength=0.0)


class Colour(Stage, slot="demosaic", reads=State.MOSAIC, writes=State.CAMERA, name="t_colour"):
    """Three channels from each sample and its neighbours on the lattice."""

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        calls["colour.process"] += 1
        p = torch.nn.functional.pad(image.pixels[None], (2, 2, 2, 2), mode="replicate")[0]
        x = p[:, 2:-2, 2:-2]
        return torch.cat([x, (p[:, 2:-2, :-4] + p[:, 2:-2, 4:]) / 2, (p[:, :-4, 2:-2] + p[:, 4:, 2:-2]) / 2])

    def halo(self, scale: float) -> int:
        return 2


class Gain(Stage, slot="white_balance", reads=State.CAMERA, writes=State.BALANCED, name="t_gain"):
    """A gain per channel."""

    red: float = param(1.0, 0.0, 4.0, help="gain of red")

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        return image.pixels * torch.tensor([self.red, 1.0, 1.0]).view(3, 1, 1)


class Matrix(Stage, slot="color_correct", reads=State.BALANCED, writes=State.SCENE, name="t_matrix"):
    """As it is."""

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        return image.pixels.clone()


class Brighten(Stage, slot="exposure", reads=State.SCENE, writes=State.SCENE, name="t_brighten", seen_by_measure=False):
    """The hand's exposure."""

    gain: float = param(1.0, 0.1, 10.0, help="times")

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        return image.pixels * self.gain


class Auto(Stage, slot="tone", reads=State.SCENE, writes=State.DISPLAY, name="t_auto"):
    """Brings the mean to a quarter."""

    lift: float = param(0.0, 0.0, 0.5, help="plus")

    def measure(self, probe: Probe) -> Reading:
        calls["auto.measure"] += 1
        return Reading({"mean": float(probe.thumb(32).pixels.mean())})

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        return image.pixels * (0.25 / reading.values["mean"]) + self.lift


class Crop(Stage, slot="geometry", reads=State.DISPLAY, writes=State.DISPLAY, name="t_crop"):
    """Takes pixels off each side."""

    edge: int = param(8, 0, 50, help="how many")

    def neutral(self) -> Crop:
        return Crop(edge=0)

    def full_size(self, full: tuple[int, int], meta: Metadata) -> tuple[int, int]:
        return max(1, full[0] - 2 * self.edge), max(1, full[1] - 2 * self.edge)

    def needs(self, frame: Frame, full: tuple[int, int], meta: Metadata) -> Frame:
        x, y, w, h = frame.rect
        return Frame(full, (x + self.edge, y + self.edge, w, h), frame.size)

    def place(self, image: Image, reading: Reading, parts: Parts, frame: Frame) -> torch.Tensor:
        return image.pixels[:, : frame.size[0], : frame.size[1]]


@pytest.fixture(autouse=True)
def _count() -> Iterator[None]:
    calls.clear()
    yield


def recipe() -> Recipe:
    rows = [Clean(), Colour(), Gain(), Matrix(), Brighten(), Auto(), Crop()]
    return Recipe(tuple(Entry(s.slot, s) for s in rows))


@pytest.fixture
def source() -> Image:
    g = torch.Generator().manual_seed(3)
    return Image(torch.rand(1, 150, 203, generator=g), State.MOSAIC)


def test_two_tile_sizes_and_a_region_are_the_whole(source: Image) -> None:
    whole = develop(source, recipe(), cache=Cache(), tile=4096, dtype=torch.float64).pixels
    assert whole.shape == (3, 134, 187)
    for tile in (31, 64, 100):
        part = develop(source, recipe(), cache=Cache(), tile=tile, dtype=torch.float64).pixels
        assert float((part - whole).abs().max()) <= 1e-6
    region = develop(source, recipe(), cache=Cache(), region=(20, 30, 41, 17)).pixels
    assert float((region - whole[:, 30:47, 20:61]).abs().max()) <= 1e-6


def test_a_cold_and_a_warm_cache_agree_and_the_raw_zone_runs_once(source: Image, tmp_path: Path) -> None:
    cold = develop(source, recipe(), cache=Cache(folder=tmp_path))
    before = Counter(calls)
    assert before["clean.infer"] == 4 * 5 and before["colour.process"] > 0
    warm = develop(source, recipe(), cache=Cache(folder=tmp_path))
    assert torch.equal(cold.pixels, warm.pixels) and calls == before


def test_what_a_change_runs_again(source: Image) -> None:
    cache, r = Cache(), recipe()
    develop(source, r, cache=cache)
    calls.clear()
    develop(source, r.set("white_balance", red=2.0), cache=cache)
    assert not calls["clean.infer"] and not calls["clean.process"] and not calls["colour.process"]
    develop(source, r.set("restore", strength=0.9), cache=cache)
    assert not calls["clean.infer"] and calls["clean.process"] and calls["colour.process"]


def test_the_hand_is_not_measured(source: Image) -> None:
    cache, r = Cache(), recipe()
    plain = develop(source, r, cache=cache)
    bright = develop(source, r.set("exposure", gain=2.0), cache=cache)
    assert calls["auto.measure"] == 1
    assert torch.allclose(bright.pixels, plain.pixels * 2, atol=1e-6)
    develop(source, r.set("white_balance", red=3.0), cache=cache)
    assert calls["auto.measure"] == 2


def test_pinned_readings_are_used(source: Image) -> None:
    out = develop(source, recipe(), cache=Cache(), readings={"tone": Reading({"mean": 0.5})})
    assert calls["auto.measure"] == 0
    assert float(out.pixels.mean()) == pytest.approx(0.25, rel=0.2)


def test_every_tap_resumes_in_the_same_picture(source: Image) -> None:
    taps: dict[str, Image] = {}
    out = develop(source, recipe(), cache=Cache(), taps=taps)
    assert list(taps) == [e.id for e in recipe().entries]
    assert [t.state for t in taps.values()][:3] == [State.MOSAIC, State.CAMERA, State.BALANCED]
    for name, tap in taps.items():
        again = develop(tap, recipe(), cache=Cache())
        # the RAW zone's result is rounded to float16 wherever it is entered
        assert float((again.pixels - out.pixels).abs().max()) < 1e-3, name


@pytest.mark.parametrize(("until", "short"), [("mosaic", False), ("camera", True), ("scene", False), (None, False)])
def test_the_shortest_floats_lose_nothing(source: Image, until: str | None, short: bool) -> None:
    """A picture that is kept in float16 is not made twice as large to be saved."""
    whole = develop(source, recipe(), cache=Cache(), until=until)
    out = develop(source, recipe(), cache=Cache(), until=until, dtype=None)
    assert out.pixels.dtype is (torch.float16 if short else torch.float32)
    assert torch.equal(out.pixels.float(), whole.pixels) and out.meta == whole.meta and out.frame == whole.frame


def test_until_a_state_a_slot_or_nothing_known(source: Image) -> None:
    assert develop(source, recipe(), cache=Cache(), until=State.CAMERA).meta.done == "demosaic"
    assert develop(source, recipe(), cache=Cache(), until="scene").meta.done == "exposure"
    assert develop(source, recipe(), cache=Cache(), until="color_correct").state is State.SCENE
    assert develop(source, recipe(), cache=Cache(), until="mosaic").state is State.MOSAIC
    with pytest.raises(ValueError, match="until is a state"):
        develop(source, recipe(), cache=Cache(), until="frying")
    later = develop(source, recipe(), cache=Cache(), until="tone")
    with pytest.raises(ValueError, match="already past"):
        develop(later, recipe(), cache=Cache(), until="demosaic")


def test_a_proxy_is_the_reduced_picture(source: Image) -> None:
    whole = develop(source, recipe(), cache=Cache()).pixels
    small = develop(source, recipe(), cache=Cache(), scale=0.5).pixels
    want = torch.nn.functional.interpolate(whole[None], size=small.shape[1:], mode="area")[0]
    assert small.shape == (3, 67, 94) and float((small - want).abs().mean()) < 0.02
    assert max(develop(source, recipe(), cache=Cache(), size=60).pixels.shape) == 60
    for bad in ({"scale": 0.0}, {"scale": 2.0}, {"scale": 0.5, "size": 9}, {"region": (0, 0, 999, 2)}):
        with pytest.raises(ValueError):
            develop(source, recipe(), cache=Cache(), **bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_a_small_picture_of_fine_texture_is_as_bright_as_the_finished_one(dtype: torch.dtype) -> None:
    """Leaves against the sky: averaged before the tone curve they come out at another brightness than after it."""
    light = torch.rand(1, 60, 80, generator=torch.Generator().manual_seed(2)) > 0.7
    light = light.repeat_interleave(8, 1).repeat_interleave(8, 2)
    texture = Image(torch.where(light, 1.5, 0.02).expand(3, -1, -1).contiguous(), State.SCENE)
    plain = Recipe.default(texture).set("tone", auto=False).set("output", dither="off").set("detail", amount=0.0)
    whole = transfer.decode("srgb", develop(texture, plain, cache=Cache()).pixels).mean()
    small = develop(texture, plain, cache=Cache(), scale=0.15, dtype=dtype).pixels
    small = small / 255.0 if dtype is torch.uint8 else small
    assert float(transfer.decode("srgb", small).mean()) == pytest.approx(float(whole), rel=0.15)


def test_integers_for_export(source: Image) -> None:
    out = develop(source, recipe(), cache=Cache(), dtype=torch.uint8).pixels
    plain = develop(source, recipe(), cache=Cache()).pixels
    assert out.dtype is torch.uint8
    assert float((out.float() / 255 - plain.clamp(0, 1)).abs().max()) <= 0.51 / 255


class Slow(Stage, slot="restore", reads=State.MOSAIC, writes=State.MOSAIC, name="t_slow"):
    """Takes many small steps, and counts them."""

    steps = 0

    def infer(self, image: Image, reading: Reading) -> Parts:
        for _ in range(200):
            Slow.steps += 1
            checkpoint()
        return {"x": image.pixels}

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        return image.pixels

    def is_neutral(self) -> bool:
        return False


def test_cancel_is_heard_at_once(source: Image) -> None:
    Slow.steps = 0
    with pytest.raises(Cancelled):
        develop(source, recipe().swap(Slow()), cache=Cache(), cancel=lambda: Slow.steps >= 3)
    assert Slow.steps == 3


def test_what_is_asked_in_vain(source: Image) -> None:
    """Who has gone gets nothing, not even what lies ready; what cannot be meant is refused by its own name."""
    kept = Cache()
    develop(source, recipe(), cache=kept)
    with pytest.raises(Cancelled):
        develop(source, recipe(), cache=kept, cancel=lambda: True)
    with pytest.raises(ValueError, match="there is no device toaster"):
        develop(source, recipe(), cache=kept, device="toaster")
    with pytest.raises(ValueError, match="a size is at least 1 pixel, not 0"):
        develop(source, recipe(), cache=kept, size=0)


def test_progress_rises_to_one(source: Image) -> None:
    seen: list[tuple[float, str]] = []
    lock = threading.Lock()

    def tell(fraction: float, words: str) -> None:
        with lock:
            seen.append((fraction, words))

    develop(source, recipe(), cache=Cache(), tile=48, progress=tell, dtype=torch.float64)
    assert seen[-1][0] == 1.0 and max(f for f, _ in seen) == 1.0 and len(seen) > 20
    assert {"t clean", "demosaicing", "developing"} <= {w for _, w in seen}


def test_another_file_with_the_same_name_is_another_key(source: Image) -> None:
    cache = Cache()
    a = develop(source, recipe(), cache=cache)
    b = develop(source.to(source.pixels * 0.5 + 0.1), recipe(), cache=cache)
    assert not torch.equal(a.pixels, b.pixels)
    source.pixels.mul_(0.25).add_(0.1)
    c = develop(source, recipe(), cache=cache)
    assert not torch.equal(a.pixels, c.pixels)


def test_a_recipe_for_another_state_says_so() -> None:
    scene = Image(torch.rand(3, 8, 8), State.BALANCED)
    r = Recipe(tuple(e for e in recipe().entries if e.slot in ("tone", "geometry")))
    with pytest.raises(ValueError, match="no stage of this recipe reads BALANCED"):
        develop(scene, r, cache=Cache())
