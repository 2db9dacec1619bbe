"""Restoration: noise goes, means, scenes and stars stay, blur is found and undone."""

from __future__ import annotations

import math

import pytest
import torch
from scenes import BAYER, QUAD, WHITE, WHITES, XTRANS, mosaic, psnr, raw, smooth_scene

from modisp.image import Image, Metadata, State
from modisp.operators.cfa import colours
from modisp.operators.noise import estimate_blur, estimate_noise, gaussian
from modisp.stage import Probe
from modisp.stages.restore_wavelet import RestoreWavelet


def noisy(clean: torch.Tensor, a: float, b: float, seed: int = 0) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    shot = torch.poisson(clean / a, generator=g) * a if a else clean
    return shot + torch.randn(clean.shape, generator=g) * math.sqrt(b)


@pytest.mark.parametrize("cfa", [BAYER[1], XTRANS, QUAD, ("W",)])
@pytest.mark.parametrize("level", [0.002, 0.02, 0.2, 0.6])
def test_flat_noise_is_taken_off_and_the_mean_is_kept(cfa: tuple[str, ...], level: float) -> None:
    a, b = 1e-2, 1e-4
    y = noisy(torch.full((1, 360, 360), level), a, b)
    image = Image(y, State.MOSAIC, Metadata(cfa=cfa, noise=((a, b),)))
    out = RestoreWavelet(denoise=1, chroma=1)(image).pixels
    assert abs(float(out.mean() - y.mean())) <= max(0.005 * level, 1e-4)
    assert out.std() < 0.2 * y.std()
    # and nothing blotchy is left: means over 24 × 24 pixels scatter no more than before
    blocks = [t.reshape(15, 24, 15, 24).mean((1, 3)).std() for t in (y[0], out[0])]
    assert blocks[1] <= 1.05 * blocks[0]


@pytest.mark.parametrize("cfa", [BAYER[0], XTRANS, QUAD])
@pytest.mark.parametrize("a", [3e-4, 5e-3])
def test_noise_goes_and_the_scene_stays(cfa: tuple[str, ...], a: float) -> None:
    scene = smooth_scene(240, 264, limit=1 / 24) * WHITES
    clean = mosaic(scene, cfa)
    y = noisy(clean, a, a * a)
    image = Image(y, State.MOSAIC, Metadata(cfa=cfa, white=WHITE, noise=((a, a * a),)))
    gain = psnr(RestoreWavelet(denoise=1, chroma=1)(image).pixels, clean) - psnr(y, clean)
    assert gain > (6 if a < 1e-3 else 9)
    default = psnr(RestoreWavelet()(image).pixels, clean) - psnr(y, clean)
    assert 1 < default < gain + 1


def test_without_noise_nothing_is_taken() -> None:
    image = raw(torch.rand(3, 60, 64), BAYER[0], noise=((0.0, 0.0),))
    out = RestoreWavelet(denoise=1, chroma=1)(image).pixels
    assert (out - image.pixels).abs().max() < 1e-5


def test_stars_are_not_eaten() -> None:
    a, b = 1e-3, 1e-6
    y, x = torch.meshgrid(torch.arange(120) * 1.0, torch.arange(120) * 1.0, indexing="ij")
    stars = [(30.2, 40.7), (60.5, 60.5), (80.0, 21.0), (100.4, 90.9)]
    light = torch.full((120, 120), 0.01)
    for cy, cx in stars:
        light = light + 0.3 * torch.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 0.8**2))
    clean = mosaic(light.expand(3, 120, 120) * WHITES, BAYER[0])
    image = Image(noisy(clean, a, b), State.MOSAIC, Metadata(white=WHITE, noise=((a, b),)))
    out = RestoreWavelet(denoise=1, chroma=1)(image).pixels
    for cy, cx in stars:
        part = (slice(None), slice(int(cy) - 3, int(cy) + 5), slice(int(cx) - 3, int(cx) + 5))
        assert (out[part] - 0.006).sum() > 0.85 * (image.pixels[part] - 0.006).sum()


def test_noise_is_estimated_from_the_mosaic() -> None:
    scene = smooth_scene(480, 500, limit=1 / 40) * WHITES
    for a, b in ((2e-4, 1e-7), (2e-3, 1e-5), (1e-2, 2e-4)):
        image = Image(noisy(mosaic(scene, BAYER[2]), a, b), State.MOSAIC, Metadata(cfa=BAYER[2], white=WHITE))
        for found in estimate_noise(Probe.of(image).patches()):
            for x in (0.1, 0.5):
                assert found[0] * x + found[1] == pytest.approx(a * x + b, rel=0.45)
    clean = raw(smooth_scene(480, 500) * WHITES, BAYER[1])  # detail is not noise
    assert all(a * 0.3 + b < 1e-5 for a, b in estimate_noise(Probe.of(clean).patches()))
    reading = RestoreWavelet().measure(Probe.of(image))
    assert len(reading.values["noise"]) == 3
    assert estimate_noise([]) == ((0.0, 0.0),) * 3


def test_blur_is_estimated_and_undone_without_rims() -> None:
    step = torch.where((torch.arange(240) // 40) % 2 == 0, 0.2, 0.7).expand(240, 240)
    step = torch.where(((torch.arange(240) // 48) % 2 == 0)[:, None], step, 0.9 - step)
    noise = ((1e-5, 1e-8),)
    for sigma in (0.8, 1.2):
        blurred = gaussian(step[None, None], sigma)[0].expand(3, 240, 240)
        image = raw(blurred * WHITES, BAYER[0], noise=noise)
        found = estimate_blur(Probe.of(image).patches(), noise * 3, WHITE)
        assert found == pytest.approx(sigma, abs=0.25)
        out = RestoreWavelet(denoise=0, chroma=0, deblur=1)(image)
        sharp = out.pixels / WHITES.squeeze()[colours(BAYER[0], 240, 240)]
        before = image.pixels / WHITES.squeeze()[colours(BAYER[0], 240, 240)]
        truth = step[None]
        assert ((sharp - truth) ** 2).mean() < 0.75 * ((before - truth) ** 2).mean()
        assert sharp.max() < 0.7 + 0.3 * 0.5 and sharp.min() > 0.2 - 0.3 * 0.5
        assert out.meta.blur < 0.1


def test_restore_says_what_is_left_and_does_nothing_at_zero() -> None:
    image = raw(torch.rand(3, 48, 48), BAYER[0], noise=((1e-3, 1e-5),))
    out = RestoreWavelet(denoise=1, chroma=1)(image)
    assert 0 < out.meta.noise[0][0] < 0.1e-3 and len(out.meta.noise) == 3
    off = RestoreWavelet(radius=1.0).neutral()
    assert off.is_neutral() and torch.equal(off(image).pixels, image.pixels)
    assert off(image).meta.noise == image.meta.noise
