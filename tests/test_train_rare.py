"""What is put into training patches because photographs show too little of it, and what of errors is seen."""

from __future__ import annotations

import pytest
import torch

from modisp.nets.mosaic import sample
from modisp.train.patches import drift, error
from modisp.train.rare import DEEP, pointed, shaded

SEED = 4


def _random() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


def test_points_are_small_bright_and_in_the_share_of_patches_that_is_asked_for() -> None:
    dark = torch.full((64, 3, 48, 48), 0.01)
    lit = pointed(dark, _random(), 0.5)
    added = lit - dark
    some = added.flatten(1).amax(1) > 1e-4
    assert 0.3 < float(some.float().mean()) < 0.7
    assert float(added.min()) >= 0 and float(lit.max()) <= 1
    # what there is lies in few pixels: a patch has two dozen points at most
    assert float((added[some].amax(1) > 0.1 * added[some].flatten(1).amax(1)[:, None, None]).float().mean()) < 0.06


def test_no_points_and_no_shade_where_none_are_wanted() -> None:
    light = torch.rand(4, 3, 24, 24, generator=_random())
    assert torch.equal(pointed(light, _random(), 0.0), light)
    assert torch.equal(shaded(light, _random(), 0.0), light)


def test_shade_darkens_all_colours_alike_and_leaves_brightness_beside_it() -> None:
    light = torch.rand(64, 3, 48, 48, generator=_random()) * 0.9 + 0.1
    part = shaded(light, _random(), 1.0) / light
    assert float(part.max()) <= 1 + 1e-6 and float(part.min()) >= 2**-DEEP * (1 - 1e-5)
    assert torch.allclose(part[:, 0], part[:, 2], rtol=1e-4)
    both = (part.flatten(1).amin(1) < 0.1) & (part.flatten(1).amax(1) > 0.9)
    assert float(both.float().mean()) > 0.1


@pytest.mark.parametrize("cfa", ["bayer", "xtrans", "quad"])
def test_drift_sees_a_cast_that_noise_hides_from_the_error(cfa: str) -> None:
    noise = 0.1 * torch.randn(2, 1, 84, 84, generator=_random())
    cast = sample(torch.tensor([0.02, 0.0, -0.02]).view(1, 3, 1, 1).expand(2, 3, 84, 84), cfa)
    assert float(error(noise + cast)) < 1.03 * float(error(noise))
    assert float(drift(cast, cfa)) == pytest.approx(0.04 / 3, rel=1e-3)
    assert float(drift(noise + cast, cfa)) > 1.1 * float(drift(noise, cfa))
    assert float(drift(torch.full((1, 3, 84, 84), 0.5))) == pytest.approx(0.5)
