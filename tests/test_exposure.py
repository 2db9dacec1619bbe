"""Exposure is one factor, and none at all where nothing is asked of it."""

import pytest
import torch

from modisp.image import Image, Metadata, State
from modisp.stages.exposure import Exposure


@pytest.fixture
def scene() -> Image:
    g = torch.Generator().manual_seed(3)
    return Image(torch.randn(3, 17, 23, generator=g), State.SCENE, Metadata(baseline_exposure=0.75))


def test_a_stop_is_twice_the_light(scene: Image) -> None:
    assert torch.equal(Exposure(ev=1.0, baseline=False)(scene).pixels, scene.pixels * 2)
    assert torch.allclose(Exposure(ev=-1.5, baseline=False)(scene).pixels, scene.pixels * 2**-1.5)


def test_the_makers_baseline_is_applied_once(scene: Image) -> None:
    once = Exposure()(scene)
    assert once.meta.clip == pytest.approx((2**0.75,) * 3)
    assert torch.allclose(once.pixels, scene.pixels * 2**0.75)
    assert torch.equal(Exposure()(once).pixels, once.pixels)


def test_neutral_is_the_identity_whatever_the_file_says(scene: Image) -> None:
    out = Exposure(ev=2.0).neutral()(scene)
    assert torch.equal(out.pixels, scene.pixels) and out.meta == scene.meta


def test_automatic_tone_does_not_see_it() -> None:
    assert not Exposure.seen_by_measure


def test_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"exposure\.ev lies in"):
        Exposure(ev=5.5)
