"""Estimation of the light from a picture: classical statistics, and what is known of lights beforehand."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from modisp.color import white
from modisp.color.camera import RGB, XY, Camera

# Before looking at the picture: most lights lie on the locus (tint 0 ± 12) near 5300 K (190 ± 60 mired).
_PRIOR = ((190.0, 60.0), (0.0, 12.0))
# Errors that the estimators share, in mired and tint; what they do not share shows in their disagreement.
_SHARED = (12.0, 8.0)
_CLIPPED = 0.9  # of saturation: averaging has mixed clipped and unclipped pixels below it, and some files overstate it


def unclipped(pixels: torch.Tensor, clip: Sequence[float], noise: torch.Tensor, reduced: bool = True) -> torch.Tensor:
    """Which pixels (H, W) are above the noise and below saturation; in a reduced picture with their neighbours.

    Above 1.0, where the sensor ended, lies only what was rebuilt.
    """
    limit = torch.tensor([min(1.0, c) for c in clip], dtype=pixels.dtype, device=pixels.device)[:, None, None]
    clipped = (pixels >= _CLIPPED * limit).any(0)
    if reduced:  # averaging has mixed what clipped into what lies beside it
        clipped = F.max_pool2d(clipped[None, None].float(), 3, 1, 1)[0, 0] > 0
    return ~clipped & (pixels > noise).all(0)


def telling(pixels: torch.Tensor, clip: Sequence[float], noise: torch.Tensor) -> torch.Tensor:
    """Which pixels (H, W) say something about the light to closed forms: `unclipped`, and not much darker than others."""
    valid = unclipped(pixels, clip, noise)
    if not valid.any():
        return valid
    total = pixels.sum(0)
    return valid & (total > 0.03 * torch.quantile(total[valid], 0.95))


def grey_world(pixels: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """The mean (Buchsbaum 1980); pixels (3, H, W), valid (H, W), as for all estimators here."""
    return pixels[:, valid].mean(1)


def shades_of_grey(pixels: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Minkowski mean with p = 4 (Finlayson and Trezzi 2004)."""
    return pixels[:, valid].clamp_min(0).pow(4).mean(1).pow(0.25)


def grey_edge(pixels: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Minkowski mean with p = 4 of the gradient of the smoothed picture (van de Weijer et al. 2007)."""
    k = torch.tensor([0.0614, 0.2448, 0.3876, 0.2448, 0.0614], device=pixels.device)
    y = F.pad(pixels[:, None], (3, 3, 3, 3), mode="replicate")
    y = F.conv2d(F.conv2d(y, k[None, None, None]), k[None, None, :, None])[:, 0]
    dx, dy = y[:, 1:-1, 2:] - y[:, 1:-1, :-2], y[:, 2:, 1:-1] - y[:, :-2, 1:-1]
    return torch.hypot(dx, dy)[:, valid].pow(4).mean(1).pow(0.25)


def white_patch(pixels: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """The 99th percentile of each channel (Land 1977, made robust)."""
    return torch.quantile(pixels[:, valid], 0.99, dim=1)


def bright_and_dark(pixels: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """First principal direction of the 3.5 % of pixels farthest along, and back along, the mean (Cheng et al. 2014)."""
    x = pixels[:, valid]
    along = x.mean(1) @ x
    low, high = torch.quantile(along, torch.tensor([0.035, 0.965], device=x.device))
    y = x[:, (along <= low) | (along >= high)]
    vectors: torch.Tensor = torch.linalg.eigh(y @ y.T).eigenvectors
    return vectors[:, -1].abs()


def brightest(pixels: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Mean of the 3 % of pixels that are brightest in all channels: the unclipped whites."""
    x = pixels[:, valid]
    low = (x / x.mean(1, keepdim=True)).amin(0)
    return x[:, low >= torch.quantile(low, 0.97)].mean(1)


def estimate(
    pixels: torch.Tensor, camera: Camera, clip: Sequence[float] = (1.0, 1.0, 1.0), noise: torch.Tensor | float = 0.0
) -> tuple[XY, float]:
    """The light of a small linear camera picture (3, H, W) as xy, and a confidence in 0…1.

    Four estimators are averaged as temperature and tint and weighed, by how far they disagree, against what lights are
    usually like.  `clip` is where each channel saturates, `noise` the level below which values mean nothing.
    """
    level = torch.as_tensor(noise, dtype=pixels.dtype, device=pixels.device)
    valid = telling(pixels, clip, level.clamp_min(1e-5))
    (mired, _), (tint, _) = _PRIOR
    confidence = 0.0
    if int(valid.sum()) >= 16:
        found = [f(pixels, valid) for f in (shades_of_grey, grey_edge, bright_and_dark, brightest)]
        rows = [_mired_and_tint(camera, rgb) for rgb in found if bool((rgb > 0).all())]
        if rows:
            t = torch.tensor(rows, dtype=torch.float64)
            mean, variance = t.mean(0), 3.0 * t.var(0, correction=0)
            prior, spread = torch.tensor(_PRIOR, dtype=torch.float64).T
            weight = spread**2 / (spread**2 + variance + torch.tensor(_SHARED, dtype=torch.float64) ** 2)
            confidence = float(weight.min())
            if not camera.known:  # its temperatures are no temperatures
                weight = torch.ones(2, dtype=torch.float64)
            mired, tint = (float(v) for v in prior + weight * (mean - prior))
    kelvin = min(white.KELVIN[1], max(white.KELVIN[0], 1e6 / max(mired, 1.0)))
    tint = min(white.TINT[1], max(white.TINT[0], tint))
    return white.xy_from_kelvin(kelvin, tint), confidence


def _mired_and_tint(camera: Camera, rgb: torch.Tensor) -> tuple[float, float]:
    neutral: RGB = (float(rgb[0]), float(rgb[1]), float(rgb[2]))
    kelvin, tint = white.kelvin_from_xy(camera.light(camera.xy(neutral)))
    return 1e6 / kelvin, tint
