"""How alike pictures are: PSNR, CPSNR, SSIM, MS-SSIM, ΔE2000, angular error; and MTF of an edge.

Pictures are (C, H, W) or (H, W) tensors of equal shape; ``peak`` is the value of white.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

D65 = (0.95047, 1.0, 1.08883)
"""XYZ of the CIE standard illuminant D65, 2° observer, Y = 1."""


def _inner(image: Tensor, border: int) -> Tensor:
    return image[..., border:-border, border:-border] if border else image


def psnr(result: Tensor, truth: Tensor, peak: float = 1.0, border: int = 0) -> float:
    """Peak signal-to-noise ratio, dB, over all samples; infinite where equal."""
    error = (_inner(result, border).double() - _inner(truth, border).double()).square().mean()
    return math.inf if error == 0 else 10 * math.log10(peak**2 / float(error))


def cpsnr(result: Tensor, truth: Tensor, border: int = 10) -> float:
    """Colour PSNR as demosaicing is judged: values in [0, 1] rounded to 8 bits, a border ignored."""
    bytes_result = (result.clamp(0, 1) * 255).round()
    return psnr(bytes_result, (truth.clamp(0, 1) * 255).round(), 255.0, border)


def ssim(result: Tensor, truth: Tensor, peak: float = 1.0) -> float:
    """Structural similarity, mean over channels and places (Z. Wang et al., IEEE TIP 2004).

    Gaussian window, sigma 1.5, 11 taps; only where the window fits.
    """
    similarity, _ = _ssim_maps(_planes(result), _planes(truth), peak)
    return float(similarity.mean())


def ms_ssim(result: Tensor, truth: Tensor, peak: float = 1.0) -> float:
    """Multi-scale SSIM (Z. Wang et al., Asilomar 2003): five scales; sides of at least 161."""
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    a, b = _planes(result), _planes(truth)
    if min(a.shape[-2:]) < 161:
        raise ValueError("MS-SSIM needs pictures of at least 161 x 161 pixels")
    total = torch.ones(len(a), dtype=a.dtype)
    for scale, weight in enumerate(weights):
        similarity, contrast = _ssim_maps(a, b, peak)
        part = similarity if scale == len(weights) - 1 else contrast
        total = total * part.mean(dim=(1, 2, 3)).clamp_min(0) ** weight
        # An odd side keeps its last row: averaged with nothing beyond it.
        pad = (a.shape[-2] % 2, a.shape[-1] % 2)
        a, b = (F.avg_pool2d(x, 2, padding=pad) for x in (a, b))
    return float(total.mean())


def _planes(image: Tensor) -> Tensor:
    """→ (C, 1, H, W) in double precision."""
    return image.double().reshape(-1, 1, *image.shape[-2:])


def _ssim_maps(a: Tensor, b: Tensor, peak: float) -> tuple[Tensor, Tensor]:
    taps = torch.exp(-0.5 * (torch.arange(-5, 6, dtype=a.dtype) / 1.5) ** 2)
    taps = taps / taps.sum()

    def mean(x: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(x, taps.view(1, 1, 1, -1)), taps.view(1, 1, -1, 1))

    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    contrast = (2 * cov + c2) / (va + vb + c2)
    return contrast * (2 * ma * mb + c1) / (ma**2 + mb**2 + c1), contrast


def xyz_to_lab(xyz: Tensor, white: tuple[float, float, float] = D65) -> Tensor:
    """(..., 3) XYZ, white's Y = 1 → CIE 1976 L* 0 … 100, a*, b*."""
    ratio = xyz / xyz.new_tensor(white)
    cut = 6 / 29
    f = torch.where(ratio > cut**3, ratio.clamp_min(cut**3) ** (1 / 3), ratio / (3 * cut**2) + 4 / 29)
    x, y, z = f.unbind(-1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-1)


def lab_to_xyz(lab: Tensor, white: tuple[float, float, float] = D65) -> Tensor:
    """The inverse of `xyz_to_lab`."""
    y = (lab[..., 0] + 16) / 116
    f = torch.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], dim=-1)
    cut = 6 / 29
    return torch.where(f > cut, f**3, 3 * cut**2 * (f - 4 / 29)) * lab.new_tensor(white)


def delta_e(lab: Tensor, other: Tensor) -> Tensor:
    """CIEDE2000 colour difference of (..., 3) L*a*b* → (...).

    G. Sharma, W. Wu, E. Dalal, Color Research and Application 2005.
    """
    (l1, a1, b1), (l2, a2, b2) = lab.double().unbind(-1), other.double().unbind(-1)
    mean7 = ((torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - (mean7 / (mean7 + 25.0**7)).sqrt())
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = torch.hypot(a1, b1), torch.hypot(a2, b2)
    turn = 2 * math.pi
    h1, h2 = torch.atan2(b1, a1) % turn, torch.atan2(b2, a2) % turn
    grey = c1 * c2 == 0
    dh = (h2 - h1 + math.pi) % turn - math.pi
    dh = torch.where(grey, torch.zeros_like(dh), dh)
    mean_h = torch.where((h1 - h2).abs() > math.pi, (h1 + h2 + turn) / 2, (h1 + h2) / 2)
    mean_h = torch.where(((h1 - h2).abs() > math.pi) & (h1 + h2 >= turn), (h1 + h2 - turn) / 2, mean_h)
    mean_h = torch.where(grey, h1 + h2, mean_h)
    degrees = math.pi / 180
    t = (
        1
        - 0.17 * torch.cos(mean_h - 30 * degrees)
        + 0.24 * torch.cos(2 * mean_h)
        + 0.32 * torch.cos(3 * mean_h + 6 * degrees)
        - 0.20 * torch.cos(4 * mean_h - 63 * degrees)
    )
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    sl = 1 + 0.015 * (mean_l - 50) ** 2 / (20 + (mean_l - 50) ** 2).sqrt()
    sc, sh = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    rotation = 30 * degrees * torch.exp(-(((mean_h / degrees - 275) / 25) ** 2))
    mean7 = mean_c**7
    rt = -2 * (mean7 / (mean7 + 25.0**7)).sqrt() * torch.sin(2 * rotation)
    dl, dc = (l2 - l1) / sl, (c2 - c1) / sc
    dh = 2 * (c1 * c2).sqrt() * torch.sin(dh / 2) / sh
    return (dl**2 + dc**2 + dh**2 + rt * dc * dh).clamp_min(0).sqrt()


def angular_error(rgb: Tensor, other: Tensor) -> Tensor:
    """Angle in degrees between (..., 3) vectors: how far off an estimated illuminant is."""
    a, b = F.normalize(rgb.double(), dim=-1), F.normalize(other.double(), dim=-1)
    # atan2 of the half angles keeps small angles exact where acos would lose them.
    return 2 * torch.atan2((a - b).norm(dim=-1), (a + b).norm(dim=-1)) * (180 / math.pi)


def mtf(edge: Tensor, oversampling: int = 4) -> tuple[Tensor, Tensor]:
    """Contrast over frequency from a slanted, nearly upright edge (H, W), after ISO 12233.

    Returns (frequencies in cycles per pixel 0 … 0.5, MTF, 1 at 0). Linear values; the edge must
    cross every row, a few degrees off the vertical.
    """
    rows, columns = edge.shape
    slope = (edge[:, 1:] - edge[:, :-1]).double()
    at = torch.arange(columns - 1, dtype=torch.float64) + 0.5
    centre = (slope * at).sum(1) / slope.sum(1)
    y = torch.arange(rows, dtype=torch.float64)
    tilt = ((y - y.mean()) * (centre - centre.mean())).sum() / (y - y.mean()).square().sum()
    line = centre.mean() + tilt * (y - y.mean())
    # Distance of every pixel from the edge line, gathered in bins finer than a pixel.
    across = (torch.arange(columns, dtype=torch.float64) - line[:, None]) / math.sqrt(1 + float(tilt) ** 2)
    reach = min(32, int(columns / 2 - (line - columns / 2).abs().max()) - 1)
    inside = across.abs() < reach
    bins = ((across[inside] + reach) * oversampling).long()
    count = 2 * reach * oversampling
    total = torch.zeros(count, dtype=torch.float64).index_add_(0, bins, edge.double()[inside])
    hits = torch.zeros(count, dtype=torch.float64).index_add_(0, bins, torch.ones(len(bins), dtype=torch.float64))
    spread = total / hits.clamp_min(1)
    for i in range(1, count):  # an empty bin takes its neighbour's value
        if hits[i] == 0:
            spread[i] = spread[i - 1]
    line_spread = (spread[1:] - spread[:-1]) * torch.hann_window(count - 1, periodic=False, dtype=torch.float64)
    response = torch.fft.rfft(line_spread).abs()
    frequency = torch.arange(len(response), dtype=torch.float64) * oversampling / (count - 1)
    # The difference of neighbouring bins is itself a small blur: undo it.
    correction = torch.sinc(frequency / oversampling).clamp_min(0.1)
    response = response / response[0] / correction
    keep = frequency <= 0.5
    return frequency[keep], response[keep]
