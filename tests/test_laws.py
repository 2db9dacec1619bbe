"""The laws over every stage that is installed, and proof that each law can be broken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from modisp.check import LAWS, check_stage
from modisp.image import Image, State
from modisp.stage import Parts, Reading, Stage, list_stages, param

STAGES = sorted(list_stages().items())


@pytest.mark.parametrize("cls", [c for _, c in STAGES], ids=[n for n, _ in STAGES])
def test_every_stage_keeps_the_laws(cls: type[Stage]) -> None:
    assert check_stage(cls) == []


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    before = list_stages()
    yield
    Stage.registry.clear()
    Stage.registry.update(before)


def broken_by(cls: type[Stage]) -> set[str]:
    return {words for words in LAWS for row in check_stage(cls) if row.startswith(words)}


def test_a_sound_stage_breaks_none() -> None:
    class Sound(Stage, slot="look", reads=State.DISPLAY, writes=State.DISPLAY, name="sound"):
        """Mixes in the mean of the channels."""

        amount: float = param(0.0, 0.0, 1.0, help="how grey the picture becomes")

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            return torch.lerp(image.pixels, image.pixels.mean(0, keepdim=True).expand_as(image.pixels), self.amount)

    assert check_stage(Sound) == []


def test_no_words() -> None:
    class Mute(Stage, slot="look", reads=State.DISPLAY, writes=State.DISPLAY, name="mute"):
        """Does nothing."""

        amount: float = param(0.0, 0.0, 1.0, help=" ")

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            return image.pixels

    assert any("each of its parameters" in w for w in broken_by(Mute))


def test_writes_to_its_input() -> None:
    class Greedy(Stage, slot="look", reads=State.SCENE, writes=State.DISPLAY, name="greedy"):
        """Halves what it was given, in place."""

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            return image.pixels.mul_(0.5)

    assert any("pure" in w for w in broken_by(Greedy))


def test_not_the_declared_shape() -> None:
    class Half(Stage, slot="demosaic", reads=State.MOSAIC, writes=State.CAMERA, name="half"):
        """One pixel from each cell."""

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            return image.pixels[:, ::2, ::2].expand(3, -1, -1).clone()

    assert any("declared state and shape" in w for w in broken_by(Half))


def test_one_phase_for_all() -> None:
    class Stubborn(Stage, slot="demosaic", reads=State.MOSAIC, writes=State.CAMERA, name="stubborn"):
        """Takes every mosaic for RG/GB and fills each cell with its colour."""

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            h, w = image.height, image.width
            p = torch.nn.functional.pad(image.pixels[None], (0, w % 2, 0, h % 2), mode="replicate")[0, 0]
            cells = torch.stack([p[0::2, 0::2], p[0::2, 1::2], p[1::2, 1::2]])
            return cells.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, :h, :w].clone()

    assert broken_by(Stubborn) == {"an even colour comes out as it is, wherever the CFA begins"}


def test_not_finite() -> None:
    class Log(Stage, slot="tone", reads=State.SCENE, writes=State.DISPLAY, name="log"):
        """A logarithm without care."""

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            return torch.log2(image.pixels)

    assert any("finite" in w for w in broken_by(Log))


def test_neutral_is_not() -> None:
    class Warm(Stage, slot="look", reads=State.DISPLAY, writes=State.DISPLAY, name="warm"):
        """Always a little off."""

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            return image.pixels * 1.0001

    assert any("neutral" in w for w in broken_by(Warm))


def test_forgets_its_halo() -> None:
    class Blur(Stage, slot="demosaic", reads=State.MOSAIC, writes=State.CAMERA, name="blur"):
        """Averages over five pixels and declares no halo."""

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            p = torch.nn.functional.pad(image.pixels, (2, 2, 0, 0), mode="replicate")
            return torch.nn.functional.avg_pool1d(p, 5, 1).expand(3, -1, -1).clone()

    assert any("tiles" in w for w in broken_by(Blur))


def test_depends_on_scale() -> None:
    class Sharpen(Stage, slot="look", reads=State.SCENE, writes=State.DISPLAY, name="sharpen"):
        """A fixed radius in pixels, whatever the scale."""

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            p = torch.nn.functional.pad(image.pixels, (3, 3, 3, 3), mode="replicate")
            return (image.pixels + 3 * (image.pixels - torch.nn.functional.avg_pool2d(p, 7, 1))).clamp(0, 1)

        def halo(self, scale: float) -> int:
            return 3

    assert any("proxy" in w for w in broken_by(Sharpen))


def test_takes_anything() -> None:
    class Loose(Stage, slot="look", reads=State.DISPLAY, writes=State.DISPLAY, name="loose"):
        """Has no range."""

        amount: float = param(0.0, help="as much as you like")

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            return image.pixels

        def __post_init__(self) -> None:
            return None

    words = broken_by(Loose)
    assert any("refused outside" in w for w in words) and any("what each of its parameters" in w for w in words)


def test_loses_values_when_saved() -> None:
    class Leaky(Stage, slot="look", reads=State.DISPLAY, writes=State.DISPLAY, name="leaky", version=2):
        """Compares unequal to itself."""

        amount: float = param(0.0, 0.0, 1.0, help="how much")

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            return image.pixels

        def values(self, inference_only: bool = False) -> dict[str, float]:
            return {"amount": 0.0}

    assert any("dump and load" in w for w in broken_by(Leaky))
