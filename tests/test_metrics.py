"""Metrics against scikit-image and colour-science as oracles."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from modisp import metrics


def pair(channels: int = 3, side: int = 192) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    truth = torch.rand(channels, side, side, generator=random)
    truth = torch.nn.functional.avg_pool2d(truth, 5, 1, 2)
    return (truth + 0.03 * torch.randn(truth.shape, generator=random)).clamp(0, 1), truth


def test_psnr() -> None:
    skimage = pytest.importorskip("skimage.metrics")
    result, truth = pair()
    expected = skimage.peak_signal_noise_ratio(truth.numpy(), result.numpy(), data_range=1.0)
    assert metrics.psnr(result, truth) == pytest.approx(expected, abs=1e-4)
    assert metrics.psnr(truth, truth) == math.inf
    assert metrics.psnr(truth * 255, result * 255, peak=255) == pytest.approx(expected, abs=1e-3)


def test_cpsnr_rounds_to_bytes_and_ignores_the_border() -> None:
    truth = torch.full((3, 40, 40), 100 / 255)
    wrong = truth.clone()
    wrong[:, :10] = 0
    wrong[..., 10:-10, 10:-10] += 0.4 / 255
    assert metrics.cpsnr(wrong, truth) == math.inf
    wrong[..., 10:-10, 10:-10] += 0.6 / 255
    assert metrics.cpsnr(wrong, truth) == pytest.approx(20 * math.log10(255))


def test_ssim() -> None:
    skimage = pytest.importorskip("skimage.metrics")
    result, truth = pair()
    expected = np.mean(
        [
            skimage.structural_similarity(
                t.numpy(), r.numpy(), data_range=1.0, gaussian_weights=True, sigma=1.5,
                use_sample_covariance=False,
            )
            for t, r in zip(truth.double(), result.double(), strict=True)
        ]
    )  # fmt: skip
    assert metrics.ssim(result, truth) == pytest.approx(expected, abs=1e-6)
    assert metrics.ssim(truth, truth) == pytest.approx(1.0)


def test_ms_ssim() -> None:
    result, truth = pair(side=176)
    assert metrics.ms_ssim(truth, truth) == pytest.approx(1.0)
    coarse = metrics.ms_ssim(result, truth)
    assert metrics.ssim(result, truth) < coarse < 1.0  # noise hurts the finest scale most
    with pytest.raises(ValueError, match="161"):
        metrics.ms_ssim(truth[:, :100], truth[:, :100])
    oracle = pytest.importorskip("pytorch_msssim")
    expected = oracle.ms_ssim(result[None].double(), truth[None].double(), data_range=1.0)
    assert coarse == pytest.approx(float(expected), abs=1e-5)


def test_lab_and_delta_e() -> None:
    colour = pytest.importorskip("colour")
    random = np.random.default_rng(0)
    first, second = (random.random((500, 3)) for _ in range(2))
    white = np.array(metrics.D65) / sum(metrics.D65)
    lab = colour.XYZ_to_Lab(first, white[:2])
    ours = metrics.xyz_to_lab(torch.from_numpy(first))
    assert np.abs(ours.numpy() - lab).max() < 1e-3
    scale, offset = np.array([100.0, 200.0, 200.0]), np.array([0.0, -100.0, -100.0])
    a, b = first * scale + offset, second * scale + offset
    b[:50, 1:] = a[:50, 1:] * -1 + random.normal(size=(50, 2))  # nearly opposite hues
    b[50:80] = a[50:80]
    a[80:90, 1:] = 0
    expected = colour.difference.delta_E_CIE2000(a, b)
    got = metrics.delta_e(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    assert np.abs(got - expected).max() < 1e-6


def test_delta_e_published_pair() -> None:
    """Two of the pairs published with the formula."""
    a = torch.tensor([[50.0, 2.6772, -79.7751], [50.0, -1.0, 2.0]])
    b = torch.tensor([[50.0, 0.0, -82.7485], [50.0, 0.0, 0.0]])
    assert metrics.delta_e(a, b).tolist() == pytest.approx([2.0425, 2.3669], abs=1e-4)


def test_angular_error() -> None:
    a = torch.tensor([1.0, 0.0, 0.0])
    assert float(metrics.angular_error(a, torch.tensor([0.0, 2.0, 0.0]))) == pytest.approx(90)
    assert float(metrics.angular_error(a, a * 3)) == 0
    near = torch.tensor([1.0, 1e-5, 0.0])
    assert float(metrics.angular_error(a, near)) == pytest.approx(math.degrees(1e-5), rel=1e-4)


@pytest.mark.parametrize("sigma", [0.6, 1.0])
def test_mtf_of_a_known_blur(sigma: float) -> None:
    """A slanted edge blurred by a Gaussian has the MTF of Gaussian times pixel."""
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    distance = (x - 48 - (y - 48) * math.tan(math.radians(5))) * math.cos(math.radians(5))
    edge = torch.special.ndtr(distance.double() / sigma)
    frequency, response = metrics.mtf(edge)
    expected = torch.exp(-2 * (math.pi * sigma * frequency) ** 2)
    assert float((response - expected).abs().max()) < 0.03
    assert float(response[0]) == 1
