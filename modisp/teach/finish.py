"""A teacher at work: one picture, from scene to display, with all the time it takes.

1. **Meter.** Log luminance, centre-weighted, without its ends: where the middle lies, how wide the range is.
2. **Local adaptation.** Local Laplacian filtering of log luminance (`modisp.teach.laplacian`): the wider the range, the more
   its large steps give way; small differences gain.  Then dodging: regions that would come out far from the middle are
   led part of the way back, each as a whole.
3. **Exposure and curve.** What came out is metered anew; middle grey and white are placed, and a filmic curve with toe and
   shoulder leads to display lightness.
4. **Colour.** Ratios to luminance carry colour over; chroma, hue and tint are shaped in Oklab; highlights go to white with
   the hue they have; what leaves the gamut is led in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from modisp.color import spaces
from modisp.operators import tonecurve as tc
from modisp.operators import tonemap
from modisp.teach.laplacian import guided, local_laplacian, surroundings

WORKING = 384
"""Long edge, in pixels, up to which local adaptation is worked out on every pixel; larger pictures are led by that."""


@dataclass(frozen=True)
class Bump:
    """What happens to colours round one hue: `centre`, `width` and `turn` in degrees of Oklab hue.

    `chroma` is a factor, `light` a shift of lightness per chroma.
    """

    centre: float
    width: float
    turn: float = 0.0
    chroma: float = 1.0
    light: float = 0.0


@dataclass(frozen=True)
class Teacher:
    """The recipe of one look; the defaults are a plain, mild one."""

    words: str = ""
    ev: float = 0.0
    spread: float = 6.5  # stops of range that are left as they are
    floor: float = 0.5  # the least slope of edges
    detail: float = 0.88  # exponent on differences below one stop
    dodge: float = 0.6  # share of a region's distance from the middle that is taken back
    even: float = 0.32  # how far the contrast within regions is evened
    contrast: float = 1.0
    white: float = 0.0  # EV that white lies further up
    matte: float = 0.0  # lightness of black
    crush: float = 0.0  # shadows pressed into black, EV per EV
    saturation: float = 1.06
    vibrance: float = 0.16
    bumps: tuple[Bump, ...] = ()
    shadow_tint: tuple[float, float] = (0.0, 0.0)
    highlight_tint: tuple[float, float] = (0.0, 0.0)


def _weights(h: int, w: int) -> torch.Tensor:
    y, x = torch.linspace(-1, 1, h)[:, None], torch.linspace(-1, 1, w)
    return 1 - 0.35 * (y * y + x * x)


def meter(light: torch.Tensor) -> tuple[float, float, float, float]:
    """(2 %, trimmed mean, 98 %, 99.7 %) of EV (H, W), weighted towards the centre."""
    weight = _weights(*light.shape).flatten()
    s, order = light.flatten().sort()
    w = weight[order]
    share = (w.cumsum(0) - 0.5 * w) / w.sum()
    q = [float(s[min(int((share < p).sum()), len(s) - 1)]) for p in (0.02, 0.05, 0.95, 0.98, 0.997)]
    mean = float((s.clamp(q[1], q[2]) * w).sum() / w.sum())
    return q[0], mean, q[3], q[4]


def adapt(light: torch.Tensor, teacher: Teacher) -> torch.Tensor:
    """Log2 luminance (H, W) in EV after local adaptation."""
    h, w = light.shape
    if max(h, w) > WORKING:
        s = WORKING / max(h, w)
        small = F.interpolate(light[None, None], (round(h * s), round(w * s)), mode="bilinear", antialias=True)[0, 0]
        return light + guided(light, adapt(small, teacher) - small, small)
    low, middle, high, _ = meter(light)
    slope = max(teacher.floor, min(1.0, teacher.spread / max(high - low, 0.1)))
    out = local_laplacian(light, teacher.detail, slope, slope)
    _, middle, _, _ = meter(out)
    mean, deviation = surroundings(out, 0.13, 2.2)
    off = mean - middle
    # a region with little contrast of its own is given some, one with much is calmed
    own = (1.0 / deviation.clamp(0.4, 3.0)) ** teacher.even
    return middle + off * (1 - teacher.dodge / (1 + (off / 3.5) ** 2)) + (out - mean) * own


def finish(rgb: torch.Tensor, teacher: Teacher) -> torch.Tensor:
    """A whole SCENE picture (3, H, W), linear Rec.2020 of any exposure, as DISPLAY in [0, 1]."""
    weights = rgb.new_tensor(spaces.LUMA).view(3, 1, 1)
    luminance = (rgb * weights).sum(0)
    first = tonemap.stops(luminance)
    _, middle, _, top = meter(first)
    light = first - middle  # any exposure of the same scene gives the same picture
    light = light.clamp(-13.0, max(10.0, top - middle))
    out = adapt(light, teacher)
    low, mean, high, top = meter(out)
    ev = teacher.ev + 0.62 * (-0.1 - mean) + 0.38 * (2.0 - high)
    ev = min(max(ev, teacher.ev - mean - 1.1), teacher.ev - mean + 1.0)
    x = out + ev
    k = teacher.contrast * min(1.12, max(1.0, 1 + 0.06 * (4.2 + low + ev)))  # a hazy picture gets its blacks back
    x = k * x
    if teacher.crush:
        x = x - teacher.crush * torch.nn.functional.softplus(-1.8 - x)
    white = min(5.5, max(2.3, k * (top + ev) + 0.15)) + teacher.white
    y = torch.from_numpy(tc.display(x.double().numpy(), white)).float()
    v = y.clamp(0, 1).pow(1 / 3)
    v = v + teacher.matte * (1 - v / 0.5).clamp_min(0) ** 2
    ratio = v**3 / luminance.clamp_min(2.0**-24)
    flat = (rgb * ratio).reshape(1, 3, -1)
    lab = shaped(tonemap.lab(flat), v.reshape(1, -1), teacher)
    return tonemap.fitted(tonemap.rgb_of(lab)).clamp(0, 1).reshape(rgb.shape)


def _ramp(x: torch.Tensor, low: float, high: float) -> torch.Tensor:
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def shaped(lab: torch.Tensor, v: torch.Tensor, teacher: Teacher) -> torch.Tensor:
    """The colours of a look: Oklab (B, 3, N) at display lightness v (B, N), a new tensor."""
    lightness, a, b = lab.unbind(1)
    c = torch.hypot(a, b)
    s = c / lightness.clamp_min(1e-3)
    hue = torch.rad2deg(torch.atan2(b, a))
    quiet = 1 - _ramp(s, 0.04, 0.45)
    skin = 0.5 * _near(hue, 55, 35) * _ramp(s, 0.03, 0.1)
    k = teacher.saturation * (1 + teacher.vibrance * quiet * (1 - skin))
    k = k * (1 - 0.5 * _ramp(v, 0.82, 1.02)) * (0.7 + 0.3 * _ramp(v, 0.03, 0.3))
    turn, light = torch.zeros_like(hue), torch.zeros_like(hue)
    for bump in teacher.bumps:
        near = _near(hue, bump.centre, bump.width)
        k = k * (1 + (bump.chroma - 1) * near)
        turn = turn + math.radians(bump.turn) * near
        light = light + bump.light * near
    up = _ramp(v, 0.15, 0.85)
    tint = [
        lightness * ((1 - up) * dark + up * bright * (1 - 0.5 * _ramp(v, 0.85, 1.0)))
        for dark, bright in zip(teacher.shadow_tint, teacher.highlight_tint, strict=True)
    ]
    cos, sin = torch.cos(turn) * k, torch.sin(turn) * k
    return torch.stack([lightness + light * c, a * cos - b * sin + tint[0], a * sin + b * cos + tint[1]], 1)


def _near(hue: torch.Tensor, centre: float, width: float) -> torch.Tensor:
    """1 at the centre, 0 from `width` degrees away, a raised cosine between."""
    d = ((hue - centre + 180) % 360 - 180).abs() / width
    return 0.5 + 0.5 * torch.cos(math.pi * d.clamp_max(1))
