"""A mountain lake at dusk: afterglow, alpenglow on snow, mist, a cabin with lit windows, a young moon and first stars.

The land is a height field that rays march over; lengths are metres, y is up, the view goes along −z.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from modisp.simulate.render import View, unit
from modisp.simulate.shapes import Box, Material, Shape, turn
from modisp.simulate.textures import fbm, mix, noise

F = NDArray[np.float32]

_SIDE, _CELL = 2048, 7.0  # samples and metres of the height field
_DEPTH = _SIDE * _CELL
_GLOW = unit(np.array([[0.42], [0.055], [-0.905]], np.float32))  # where the sun went down
_MOON = unit(np.array([[-0.235], [0.312], [-0.92]], np.float32))
_VIEW = View(eye=(0.0, 9.0, 0.0), target=(0.0, 70.0, -1000.0), fov=36.0)


def _grid(scale: float, octaves: int, seed: int, stretch: float = 1.0) -> F:
    x, z = np.meshgrid(np.arange(_SIDE, dtype=np.float32), np.arange(_SIDE, dtype=np.float32))
    p = np.stack(
        [x.ravel() * np.float32(_CELL), np.zeros(_SIDE**2, np.float32), z.ravel() * np.float32(_CELL * stretch)]
    )
    return fbm(p, scale, octaves, seed).reshape(_SIDE, _SIDE)


@lru_cache(maxsize=1)
def _land() -> tuple[F, F]:
    """Heights over the lake (rows: distance, columns: left to right), and what of it is trees."""
    x, z = np.meshgrid((np.arange(_SIDE) - _SIDE / 2) * _CELL, np.arange(_SIDE) * _CELL)
    ridge = 1 - np.abs(2 * _grid(3600, 7, 21) - 1)
    ridge = np.clip((ridge - 0.25) / 0.75, 0, 1) ** 1.7
    hills = _grid(1500, 6, 33)
    rise = 1 / (1 + np.exp(-(z - 6200) / 900))
    valley = 1 - 0.75 * np.exp(-(((x - 2300 - 0.10 * z) / 1500) ** 2))  # the gap where the sky glows
    shore = 1050 + 620 * (
        fbm(np.stack([x.ravel(), 0 * x.ravel(), 0 * x.ravel()]).astype(np.float32), 1400, 4, 5) - 0.5
    ).reshape(x.shape)
    side = np.clip((np.abs(x + 60) - 330 - 0.16 * z) / 700, 0, 1.4) ** 1.3
    low = np.clip((z - shore) / 1500, 0, 1) * 90 + side * 260
    land = (
        low * (0.45 + 1.1 * hills) + rise * valley * (380 + 2250 * ridge) - 6 + np.clip((z - shore) / 60, -1, 0.2) * 6
    )
    land = np.where((z < shore) & (side <= 0), -4, land)
    wooded = 1 / (1 + np.exp((land - 560 - 500 * (hills - 0.5)) / 60)) * (land > 3)
    crowns = _grid(24, 2, 8)
    trees = wooded * np.clip(crowns * 1.9 - 0.45, 0, 1)
    return (land + 21 * trees).astype(np.float32), trees.astype(np.float32)


def _look(table: F, x: F, z: F) -> F:
    """`table` at (x, z), bilinear; the edges go on for ever."""
    u = np.clip(x / np.float32(_CELL) + np.float32(_SIDE / 2), 0, _SIDE - 1.01)
    v = np.clip(-z / np.float32(_CELL), 0, _SIDE - 1.01)
    i, j = v.astype(np.int32), u.astype(np.int32)
    fu, fv = u - j, v - i
    flat = table.reshape(-1)
    k = i * _SIDE + j
    a, b, c, d = flat[k], flat[k + 1], flat[k + _SIDE], flat[k + _SIDE + 1]
    a += (b - a) * fu
    c += (d - c) * fu
    return np.asarray(a + (c - a) * fv, np.float32)


def _march(o: F, d: F) -> F:
    """Distance to the land along each ray, infinity where it meets none."""
    land, _ = _land()
    out = np.full(o.shape[1], np.inf, np.float32)
    alive = np.arange(o.shape[1])
    t = np.full(o.shape[1], 30.0, np.float32)
    before = t.copy()
    for _ in range(300):
        p = o[:, alive] + d[:, alive] * t[alive]
        above = p[1] - _look(land, p[0], p[2])
        under = above < 0
        hit = alive[under]
        low, high = before[hit], t[hit]
        for _ in range(7):
            mid = (low + high) / 2
            q = o[:, hit] + d[:, hit] * mid
            inside = q[1] < _look(land, q[0], q[2])
            low, high = np.where(inside, low, mid), np.where(inside, mid, high)
        out[hit] = high
        keep = ~under & (t[alive] < _DEPTH * 0.98) & ((p[1] < 2900) | (d[1, alive] < 0)) & (p[1] > -30)
        alive, above = alive[keep], above[keep]
        if not alive.size:
            break
        before[alive] = t[alive]
        t[alive] += np.maximum(above * np.float32(0.42), 1.5 + t[alive] * np.float32(0.0016))
    skims = np.nonzero(np.isinf(out) & (o[1] + d[1] * t < 1500) & (d[1] > -0.05))[0]
    out[skims] = t[skims]  # so flat that they creep along the ground to the end of the world
    return out


def _sky(d: F) -> F:
    """The sky's radiance: afterglow over the horizon, blue above, the moon and stars."""
    up = np.clip(d[1], 0, 1)
    toward = np.clip((d * _GLOW).sum(0), -1, 1)
    blue = mix((0.17, 0.24, 0.40), (0.028, 0.058, 0.17), np.clip(up * 2.1, 0, 1) ** 0.75)
    near = np.exp(-up * 9) * (0.35 + 0.65 * np.clip(toward, 0, 1) ** 3)
    band = np.exp(-(((up - 0.13) / 0.09) ** 2)) * np.clip(toward + 0.2, 0, 1) ** 2
    sky = blue + near * np.array([[1.05], [0.50], [0.19]]) + band * np.array([[0.42], [0.17], [0.17]])
    sky += np.exp((toward - 1) * 85)[None] * np.array([[3.6], [1.55], [0.42]])
    # long thin clouds that catch the light from below
    q = d / np.maximum(d[1], 0.02)
    streak = fbm(np.stack([q[0] * 0.9 + 3, 0 * q[0], q[2] * 0.35]).astype(np.float32), 1.3, 5, 14)
    cover = np.clip((streak - 0.53) * 5, 0, 1) * np.clip(up * 9 - 0.3, 0, 1) * np.clip(1.5 - up * 3.2, 0, 1)
    lit = mix((0.30, 0.22, 0.30), (2.0, 0.62, 0.28), np.clip(toward, 0, 1) ** 7)
    sky = sky * (1 - 0.75 * cover) + lit * 0.75 * cover
    # moon: a thin crescent, lit from the sun's side, the rest by the earth
    away = d - _MOON * (d * _MOON).sum(0)
    r = np.sqrt((away * away).sum(0)) / np.float32(0.0125)
    disc = np.clip((1 - r) * 14, 0, 1) * ((d * _MOON).sum(0) > 0)
    side = (away[0] * 0.86 - away[1] * 0.5) / np.float32(0.0125)
    phase = np.clip((side - 0.62 * np.sqrt(np.maximum(0, 1 - (r * 0.98) ** 2))) * 8 + 0.2, 0, 1)
    sky += disc * (0.10 + 17 * phase) * np.array([[1.0], [0.94], [0.82]])
    return np.asarray(sky, np.float32)


def _stars(height: int, width: int, rng: np.random.Generator) -> F:
    """First stars as light that falls on single pixels and their neighbours."""
    out = np.zeros((3, height, width), np.float32)
    spread = np.array([0.18, 0.64, 0.18], np.float32)
    for _ in range(260):
        y, x = int(rng.uniform(1, height * 0.42)), int(rng.uniform(1, width - 2))
        power = 0.05 * rng.pareto(1.7) * (1 - y / (height * 0.47)) ** 1.5
        tint = np.array([1.0, rng.uniform(0.85, 1.0), rng.uniform(0.75, 1.3)], np.float32)
        out[:, y - 1 : y + 2, x - 1 : x + 2] += min(power, 6.0) * tint[:, None, None] * np.outer(spread, spread)
    return out


def _cabin() -> list[Shape]:
    def logs(p: F, n: F) -> F:
        return mix((0.05, 0.032, 0.02), (0.11, 0.07, 0.045), np.abs(np.sin(p[1] * 9)) * noise(p, 0.7, 2))

    def windows(p: F, n: F) -> F:
        front = n[2] > 0.5
        pane = np.zeros(p.shape[1], bool)
        for x, w in ((-3.1, 0.62), (-1.1, 0.62), (2.6, 0.75)):
            pane |= (np.abs(p[0] - x) < w) & (np.abs(p[1] - 0.1) < 0.68)
            pane &= ~((np.abs(p[0] - x) < 0.06) | ((np.abs(p[1] - 0.15) < 0.05) & (np.abs(p[0] - x) < w)))
        warm = 0.55 + 0.6 * noise(p * np.float32(1.0), 0.5, 4)
        return np.where(front & pane, np.array([[9.5], [4.7], [1.35]]) * warm, 0)

    t = turn(9)
    slate = Material(paint=(0.035, 0.04, 0.05))
    at = np.array([-47.0, 3.3, -172.0])

    def put(x: float, y: float, z: float) -> tuple[float, float, float]:
        v = at + t @ np.array([x, y, z])
        return float(v[0]), float(v[1]), float(v[2])

    return [
        Box(material=Material(paint=logs, emit=windows), at=put(0, 0, 0), axes=t, half=(4.6, 1.9, 3.2)),
        Box(material=slate, at=put(0, 2.9, 1.75), axes=t @ turn(0, 32), half=(5.2, 0.14, 2.5)),
        Box(material=slate, at=put(0, 2.9, -1.75), axes=t @ turn(0, -32), half=(5.2, 0.14, 2.5)),
        Box(material=Material(paint=(0.09, 0.07, 0.065)), at=put(-2.6, 4.4, -0.8), axes=t, half=(0.45, 1.1, 0.45)),
        Box(material=Material(paint=logs), at=put(0.5, -2.0, 1.6), axes=t, half=(5.4, 0.16, 5.2)),  # a jetty on posts
        *(
            Box(material=Material(paint=logs), at=put(x, -3.3, z), axes=t, half=(0.14, 1.3, 0.14))
            for x in (-4.4, 0.5, 5.4)
            for z in (-3, 6.4)
        ),
    ]


def _haze(colour: F, d: F, t: F, y: F) -> F:
    """Air between eye and land: its light is the sky's near the horizon; mist lies low over the lake."""
    west = np.clip((d * _GLOW).sum(0), 0, 1) ** 6
    air = np.array([[0.078], [0.092], [0.150]]) + west * np.array([[0.17], [0.085], [0.05]])
    low = np.exp(-np.maximum(y, 0) / 75) * np.clip(t / 1500 - 0.35, 0, 1.5)
    keep = np.exp(-t / 34000 - 0.12 * low)
    return np.asarray(colour * keep + air * (1 - keep), np.float32)


def _ground(p: F, d: F, t: F) -> F:
    land, trees = _land()
    e = np.maximum(np.float32(5.0), t * np.float32(0.0008))
    hx = _look(land, p[0] + e, p[2]) - _look(land, p[0] - e, p[2])
    hz = _look(land, p[0], p[2] + e) - _look(land, p[0], p[2] - e)
    n = unit(np.stack([-hx, 2 * e, -hz]))
    crumble = fbm(p, 60, 4, 6)
    snow = np.clip((p[1] + 420 * (crumble - 0.5) - 830) / 130, 0, 1) * np.clip((n[1] - 0.50 + 0.22 * crumble) * 7, 0, 1)
    rock = mix((0.07, 0.065, 0.065), (0.20, 0.18, 0.17), fbm(p * np.array([[1], [3], [1]], np.float32), 90, 5, 9))
    meadow = mix((0.045, 0.06, 0.022), (0.13, 0.12, 0.05), fbm(p, 25, 4, 3))
    wood = mix((0.010, 0.024, 0.018), (0.075, 0.110, 0.055), fbm(p, 420, 5, 16) * 3 - 1)
    base = np.where(p[1] > 620 + 300 * (crumble - 0.5), rock, meadow)
    cover = np.clip(_look(trees, p[0], p[2]) * 4, 0, 1)
    base = base + (wood - base) * cover
    albedo = base + (np.array([[0.83], [0.86], [0.92]]) - base) * snow
    zenith = np.array([[0.085], [0.125], [0.26]]) * (0.55 + 0.45 * n[1])
    west = np.clip(0.35 + 0.65 * (n * _GLOW).sum(0), 0, 1) * np.array([[0.34], [0.17], [0.10]])
    # the last direct light, from just under the horizon, reaches only what stands high
    high = np.clip((p[1] - 1050) / 700, 0, 1) * np.clip(
        (n * unit(_GLOW * np.array([[1], [0.4], [0.15]], np.float32))).sum(0) * 1.3 + 0.25, 0, 1
    )
    return np.asarray((albedo * (zenith + west + high * np.array([[1.15], [0.46], [0.30]]))), np.float32)


def _scene(o: F, d: F, mirrored: bool = False) -> F:
    """Radiance along rays: sky, land, cabin, and the lake with what it mirrors."""
    out = _sky(d)
    t = _march(o, d)
    index = np.nonzero(np.isfinite(t))[0]
    if index.size:
        p = o[:, index] + d[:, index] * t[index]
        out[:, index] = _haze(_ground(p, d[:, index], t[index]), d[:, index], t[index], p[1])
    for shape in _CABIN:
        s = shape.hit(o, d)
        near = np.nonzero(s < t)[0]
        if near.size:
            surface = shape.surface(o[:, near] + d[:, near] * s[near], d[:, near])
            dim = np.array([[0.12], [0.15], [0.25]]) * (0.4 + 0.6 * np.clip(surface.normal[1], 0, 1)) + 0.03
            out[:, near] = surface.albedo * dim + surface.emit
            t[near] = s[near]
    if mirrored:
        return out
    water = -o[1] / np.where(d[1] < -1e-5, d[1], np.float32(-1e-5))
    lake = np.nonzero((d[1] < -1e-5) & (water < t))[0]
    if lake.size:
        w = water[lake]
        p = o[:, lake] + d[:, lake] * w
        size = 0.045 * np.exp(-w / 90) + 0.006 + 0.010 * np.exp(-w / 500)
        calm = np.clip(fbm(np.stack([p[0], 0 * w, p[2] * 0.25]), 130, 3, 12) * 2.4 - 0.7, 0.06, 1)
        ripple = [
            fbm(
                np.stack([p[0] * 0.55, 0 * w + 31 * k, p[2]]).astype(np.float32),
                1.1 + 0.004 * float(w.mean()),
                3,
                40 + k,
            )
            - 0.5
            for k in range(2)
        ]
        n = unit(np.stack([ripple[0] * size * calm, np.ones_like(w), ripple[1] * size * calm * 1.6]).astype(np.float32))
        cos = -(d[:, lake] * n).sum(0)
        bounce = d[:, lake] + 2 * cos * n
        bounce[1] = np.maximum(bounce[1], 1e-3)
        fresnel = 0.02 + 0.98 * (1 - np.clip(cos, 0, 1)) ** 5
        seen = _scene(p, unit(bounce), mirrored=True)
        deep = np.array([[0.006], [0.014], [0.018]], np.float32)
        colour = seen * fresnel * np.float32(0.92) + deep * (1 - fresnel)
        out[:, lake] = _haze(colour, d[:, lake], w * np.float32(0.6), np.zeros_like(w) + 40)
    return out.astype(np.float32)


_CABIN = _cabin()


def _conifers(height: int, width: int, rng: np.random.Generator) -> F:
    """How much of each pixel dark trees of the near shore cover (height, width): layered boughs that droop."""
    fine = 2
    cover = np.zeros((height * fine, width * fine), np.float32)
    yy, xx = np.mgrid[0 : height * fine, 0 : width * fine].astype(np.float32) / np.float32(height * fine)
    aspect = width / height
    spots = [(0.015, 0.80, 1.05), (0.075, 0.52, 1.02), (0.125, 0.66, 1.06)]
    spots += [(0.985, 0.74, 1.06), (0.925, 0.50, 1.02), (0.872, 0.33, 1.0), (0.83, 0.2, 1.0)]
    for i, (at, tall, foot) in enumerate(spots):
        centre = at * aspect
        reach = 0.17 * tall + 0.01
        left, right = (int(np.clip((centre + k * reach) * height * fine, 0, width * fine)) for k in (-1, 1))
        top, low = int(np.clip((foot - tall) * height * fine, 0, None)), height * fine
        y, x = yy[top:low, left:right], xx[top:low, left:right] - np.float32(centre)
        u = np.maximum(0, (y - (foot - tall)) / tall)  # 0 at the tip, 1 at the foot
        p = np.stack([x.ravel() * 40 / tall**0.5, y.ravel() * 40 / tall**0.5, np.full(x.size, 9.0 * i, np.float32)])
        rough = fbm(p.astype(np.float32), 1.0, 4, 60).reshape(x.shape)
        phase = u * (13 + 10 * tall) + np.abs(x) / tall * 26 + 1.1 * np.sign(x) + 1.6 * rough
        bough = 0.42 + 0.58 * (phase % 1)
        half = tall * 0.165 * (u**0.85) * bough * (0.62 + 0.75 * rough)
        needles = fbm(p.astype(np.float32) * np.float32(6), 1.0, 2, 61).reshape(x.shape)
        edge = (half - np.abs(x)) * height * fine / 2.2 + (needles - 0.55) * 9
        trunk = (0.0045 * tall + 0.002) * u - np.abs(x)
        tree = np.clip(np.maximum(edge, trunk * height * fine), 0, 1) * (u > 0)
        np.maximum(cover[top:low, left:right], tree, out=cover[top:low, left:right])
    bank = fbm(np.stack([xx[0] * 9, 0 * xx[0], 0 * xx[0]]).astype(np.float32), 1.0, 5, 70)
    rim = 0.965 + 0.05 * (bank - 0.5) - 0.06 * np.abs(xx[0] / aspect - 0.5) ** 1.5
    grass = noise(np.stack([xx.ravel() * 420, yy.ravel() * 55, 0 * xx.ravel()]), 1.0, 71).reshape(xx.shape)
    cover = np.maximum(cover, np.clip((yy - rim[None] - 0.022 * grass**2 + 0.006) * height * fine / 3, 0, 1))
    return np.asarray(cover.reshape(height, fine, width, fine).mean((1, 3)), np.float32)


def dusk(height: int, width: int, samples: int = 4, seed: int = 2) -> F:
    """Radiance (3, height, width), linear Rec.2020; 1.0 is a white card under the sky just before sunset."""
    rng = np.random.default_rng(seed)
    out = np.zeros((3, height, width), np.float32)
    rows = max(1, 98304 // width)
    for top in range(0, height, rows):
        n = min(rows, height - top)
        yy, xx = (a.reshape(-1).astype(np.float32) for a in np.mgrid[top : top + n, 0:width])
        for k in range(samples):
            jitter = (np.array([0.7548776662, 0.5698402910]) * (k + 1) % 1 + rng.random((2, 1))) % 1
            o, d = _VIEW.rays(
                xx + np.float32(jitter[0, 0]), yy + np.float32(jitter[1, 0]), height, width, 0 * xx, 0 * xx
            )
            out[:, top : top + n] += _scene(o, d).reshape(3, n, width) / samples
    out += _stars(height, width, rng) * (out.sum(0) < 0.9)
    cover = _conifers(height, width, rng)
    grain = 0.6 + 0.8 * noise(
        np.stack([a.ravel() for a in (*np.mgrid[0:height, 0:width], np.zeros((height, width)))]).astype(np.float32),
        2.5,
        80,
    )
    dark = np.array([[0.0050], [0.0068], [0.0078]], np.float32) * grain[None]
    return (out * (1 - cover) + dark.reshape(3, height, width) * cover).astype(np.float32)
