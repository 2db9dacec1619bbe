"""Noise and optics have the moments that they are told."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from modisp.simulate import noise, optics
from modisp.simulate.leaves import dead_leaves


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("shot", "read", "level"), [(1e-3, 1e-5, 0.5), (1e-2, 1e-4, 0.02), (0.0, 4e-4, 0.3)])
def test_variance_is_as_told(exact: bool, shot: float, read: float, level: float) -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.full((1, 1, 400, 400), level)
    noisy = noise.add_noise(x, torch.tensor(shot), torch.tensor(read), random, exact=exact)
    variance = shot * level + read
    assert float(noisy.mean()) == pytest.approx(level, abs=5 * (variance / x.numel()) ** 0.5)
    assert float(noisy.var()) == pytest.approx(variance, rel=0.03)


def test_rows_move_together() -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.full((1, 1, 300, 300), 0.1)
    noisy = noise.add_noise(x, torch.tensor(0.0), torch.tensor(1e-4), random, rows=0.5)
    assert float(noisy.mean(dim=-1).std()) == pytest.approx(0.005, rel=0.2)


def test_profile_follows_the_line() -> None:
    random = torch.Generator().manual_seed(0)
    shot, read = noise.sample_profile(4000, random)
    assert float(shot.min()) >= 1e-4 and float(shot.max()) <= 1.2e-2 + 1e-6
    off = read.log() - (2.18 * shot.log() + 1.2)
    assert float(off.mean()) == pytest.approx(0, abs=0.02)
    assert float(off.std()) == pytest.approx(0.26, abs=0.02)
    assert noise.clip(torch.tensor([-2.0, 0.5, 2.0]), low=0).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("psf", "expected"),
    [
        (optics.gaussian(1.0), 1.0),
        (optics.defocus(3.0), 1.5),
        (optics.box(2.4), 2.4 / 12**0.5),
        (optics.motion(4.0, 0.0), math.sqrt((4 / 12**0.5) ** 2 + 0.3**2) / 2**0.5),
    ],
)
def test_psf_radius(psf: torch.Tensor, expected: float) -> None:
    assert float(psf.sum()) == pytest.approx(1, abs=1e-6)
    # The pixel's own area adds 1/12 of variance per axis.
    assert optics.radius(psf) == pytest.approx(math.sqrt(expected**2 + 1 / 12), rel=0.06)


def test_diffraction_widens_with_the_f_number() -> None:
    radii = [optics.radius(optics.diffraction(f, 2.5)) for f in (2.8, 5.6, 11)]
    assert radii == sorted(radii)


def test_blur_keeps_flat_and_takes_one_psf_per_picture() -> None:
    flat = torch.full((2, 3, 20, 20), 0.4)
    psfs = torch.stack([optics.gaussian(0.5), optics.gaussian(1.5)])
    assert torch.allclose(optics.blur(flat, psfs), flat, atol=1e-6)
    spot = torch.zeros(2, 3, 21, 21)
    spot[..., 10, 10] = 1
    both = optics.blur(spot, psfs)
    assert float(both[0].max()) > float(both[1].max())
    random = torch.Generator().manual_seed(0)
    drawn = [optics.draw(random) for _ in range(20)]
    assert all(0 <= radius < 2.5 and psf.shape == (11, 11) for psf, radius in drawn)


def test_dead_leaves_repeat_and_vary() -> None:
    a, again, other = dead_leaves(64, 3), dead_leaves(64, 3), dead_leaves(64, 4)
    assert a.shape == (3, 64, 64) and a.dtype == np.float32
    assert np.array_equal(a, again) and not np.array_equal(a, other)
    assert a.min() >= 0 and a.max() <= 1 and a.std() > 0.05
