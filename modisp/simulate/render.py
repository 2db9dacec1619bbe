"""A small path tracer for scenes of our own: spheres, boxes, rectangles and turned shapes under soft lights.

Diffuse, glossy, metal and glass surfaces, depth of field, next-event estimation (Kajiya 1986; Shirley et al. 1996) and
randomised R2 sequences (Roberts 2018) padded per dimension.  Radiance is linear Rec.2020; one unit is perfect white.
Vectors are float32 arrays (3, N); a ray is (origin, direction).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modisp.simulate.clean import clean
from modisp.simulate.shapes import Cluster, Shape, Surface, touches

F = NDArray[np.float32]

AT_ONCE = 49152  # rays
_SOFT = 0.2  # roughness from which lamps are seen in a gloss by sampling them, not by hitting them
EPS = np.float32(2e-4)


@dataclass(frozen=True)
class View:
    """A thin-lens camera at `eye` looking at `target`; `fov` is the vertical angle in degrees, lengths in scene units."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    fov: float
    lens: float = 0.0  # radius of the lens
    focus: float = 0.0  # distance in focus; 0 is the target's
    up: tuple[float, float, float] = (0.0, 1.0, 0.0)

    def rays(self, x: F, y: F, height: int, width: int, u: F, v: F) -> tuple[F, F]:
        """Origins and directions through the picture positions (x, y), in pixels; (u, v) pick a point of the lens."""
        eye, target = np.array(self.eye), np.array(self.target)
        ahead = target - eye
        distance = self.focus or float(np.linalg.norm(ahead))
        ahead = ahead / np.linalg.norm(ahead)
        right = np.cross(ahead, np.array(self.up))
        right /= np.linalg.norm(right)
        top = np.cross(right, ahead)
        half = np.tan(np.radians(self.fov) / 2)
        px = (2 * x - width) / height * half
        py = (height - 2 * y) / height * half
        frame = np.stack([right, top, ahead], 1).astype(np.float32)
        aim = frame @ (np.stack([px, py, np.ones_like(px)]) * np.float32(distance))
        r, a = self.lens * np.sqrt(u), 2 * np.pi * v
        start = frame @ np.stack([r * np.cos(a), r * np.sin(a), np.zeros_like(r)]).astype(np.float32)
        return start + np.array(self.eye, np.float32)[:, None], unit(aim.astype(np.float32) - start)


def unit(v: F) -> F:
    """`v` at length one."""
    out: F = v / np.sqrt(np.maximum((v * v).sum(0), 1e-20))
    return out


def _around(n: F, u: F, cosine: F) -> F:
    # directions at angle acos(cosine) round n, azimuth 2πu; basis of Duff et al. 2017
    sine = np.sqrt(np.maximum(0, 1 - cosine * cosine))
    a = np.float32(2 * np.pi) * u
    sign = np.where(n[2] < 0, np.float32(-1), np.float32(1))
    k = -1 / (sign + n[2])
    b = n[0] * n[1] * k
    x, y = np.cos(a) * sine, np.sin(a) * sine
    return np.stack(
        [
            x * (1 + sign * n[0] * n[0] * k) + y * b + cosine * n[0],
            x * sign * b + y * (sign + n[1] * n[1] * k) + cosine * n[1],
            -x * sign * n[0] - y * n[1] + cosine * n[2],
        ]
    )


@dataclass(frozen=True)
class World:
    """Shapes, which of them are lights, and what a ray that leaves the scene sees."""

    loose: Sequence[Shape]
    sky: Callable[[F], F]
    clusters: Sequence[Cluster] = ()

    @cached_property
    def shapes(self) -> list[Shape]:
        """All shapes, loose ones first."""
        return [*self.loose, *(s for c in self.clusters for s in c.shapes)]

    def closest(self, o: F, d: F) -> tuple[F, NDArray[np.int16]]:
        """(distance, index of the shape) of the nearest hit; infinity and −1 for none."""
        t = np.full(o.shape[1], np.inf, np.float32)
        which = np.full(o.shape[1], -1, np.int16)
        for i, shape in enumerate(self.loose):
            new = shape.hit(o, d)
            nearer = new < t
            t = np.where(nearer, new, t)
            which[nearer] = i
        i = len(self.loose)
        for c in self.clusters:
            index = touches(o, d, c.at, c.radius)
            if index.size:
                near = World(c.shapes, self.sky).closest(o[:, index], d[:, index])
                nearer = near[0] < t[index]
                t[index[nearer]], which[index[nearer]] = near[0][nearer], near[1][nearer] + i
            i += len(c.shapes)
        return t, which

    def clear(self, o: F, d: F, distance: F) -> F:
        """How much light comes through along each segment: 1, 0, or between through glass."""
        through = np.ones(o.shape[1], np.float32)
        for shape in self.loose:
            if not (shape.light or shape.ghost):
                through *= np.where(shape.hit(o, d) < distance, np.float32(shape.passes), np.float32(1))
        for c in self.clusters:
            index = touches(o, d, c.at, c.radius)
            if index.size:
                through[index] *= World(c.shapes, self.sky).clear(o[:, index], d[:, index], distance[index])
        return through

    def surface(self, which: NDArray[np.int16], p: F, d: F) -> Surface:
        """The surfaces at points `p` on the shapes `which`."""
        out = Surface.blank(p.shape[1])
        for i in np.unique(which):
            index = np.nonzero(which == i)[0]
            out.put(index, self.shapes[i].surface(p[:, index], d[:, index]))
        return out


def trace(world: World, o: F, d: F, draw: Callable[[], tuple[F, F]], depth: int, ceiling: float) -> tuple[F, F]:
    """(radiance (3, N) along rays, what they meet first: albedo and normal (6, N)).

    `draw()` gives two fresh uniform arrays for all N; what arrives by way of other surfaces is cut at `ceiling`.
    """
    total = np.zeros_like(o)
    first = np.ones((6, o.shape[1]), np.float32)
    alive = np.arange(o.shape[1])
    beta = np.ones_like(o)
    sharp = np.ones(o.shape[1], bool)  # mirrored or bent all the way so far, so lamps have not been counted
    for bounce in range(depth):
        pairs = [draw() for _ in range(3)]
        t, which = world.closest(o, d)
        limit = np.float32(1e9 if bounce == 0 else ceiling)
        out = which < 0
        if out.any():
            total[:, alive[out]] += np.minimum(beta[:, out] * world.sky(d[:, out]), limit)
            keep = ~out
            alive, beta, sharp, which = alive[keep], beta[:, keep], sharp[keep], which[keep]
            o, d, t = o[:, keep], d[:, keep], t[keep]
        if not alive.size:
            break
        (u0, v0), (u1, v1), (u2, v2) = [(u[alive], v[alive]) for u, v in pairs]
        p = o + d * t
        s = world.surface(which, p, d)
        total[:, alive] += np.minimum(beta * s.emit * sharp, limit)
        if bounce == 0:
            plain = ~(s.glass | s.metal | (s.emit.max(0) > 0))
            first[:3, alive] = np.where(plain, np.maximum(s.albedo, 0.02), 1)
            first[3:, alive] = s.normal
        facing = (s.normal * d).sum(0)
        n = np.where(facing > 0, -s.normal, s.normal)
        cos = np.minimum(np.abs(facing), 1)
        open_ = np.nonzero(~s.glass)[0]
        if open_.size:
            light = beta[:, open_] * _direct(world, p, d, n, s, open_, u1, v1, u0 if bounce else None)
            total[:, alive[open_]] += np.minimum(light, limit)
        step, factor, push, mirrored = _onward(d, n, facing, cos, s, (u0, u1, u2, v2))
        beta = (beta * factor).astype(np.float32)
        o, d = (p + push * EPS * 4).astype(np.float32), unit(step.astype(np.float32))
        sharp = sharp & mirrored & (s.glass | (s.rough < _SOFT))  # no caustics: lamps are sampled instead
        strength = beta.max(0)
        live = strength > 0.02
        if bounce >= 1:  # Russian roulette
            stay = np.clip(strength, 0.1, 1).astype(np.float32)
            live &= v0 < stay
            beta = beta / stay
        alive, beta, sharp, o, d = alive[live], beta[:, live], sharp[live], o[:, live], d[:, live]
    return total, first


def _lobe(rough: F) -> F:
    # exponent of the cosine that spreads half vectors (Blinn 1977)
    return np.asarray(1 + 2 / np.maximum(rough, 0.02) ** 4, np.float32)


def _direct(world: World, p: F, d: F, n: F, s: Surface, index: NDArray[np.int64], u: F, v: F, pick: F | None) -> F:
    """Light straight from the lamps (3, N) on the points `index`; from one lamp each where `pick` chooses it."""
    lamps = [x for x in world.shapes if x.light]
    start, n, d = p[:, index] + n[:, index] * EPS * 4, n[:, index], d[:, index]
    albedo, f0, rough = np.where(s.metal, 0, s.albedo)[:, index], s.f0[:, index], s.rough[index]
    out = np.zeros_like(start)
    for k, lamp in enumerate(lamps):
        mine = (
            np.arange(index.size)
            if pick is None
            else np.nonzero((pick[index] * 7919 % 1 * len(lamps)).astype(int) == k)[0]
        )
        if not mine.size:
            continue
        shift = np.float32(0.618034 * k)
        to, distance, le, pdf = lamp.sample(start[:, mine], (u[index[mine]] + shift) % 1, (v[index[mine]] + shift) % 1)
        lit = (to * n[:, mine]).sum(0)
        on = np.nonzero((lit > 0) & (pdf > 0))[0]
        if not on.size:
            continue
        to, at = to[:, on], mine[on]
        seen = world.clear(start[:, at], to, distance[on] * np.float32(0.999))
        reflect = albedo[:, at] / np.float32(np.pi)
        soft = rough[at] >= _SOFT
        if soft.any():
            half = unit(to - d[:, at])
            e = _lobe(rough[at])
            spread = (e + 2) / (2 * np.pi) * np.maximum((half * n[:, at]).sum(0), 0) ** e
            tilt = np.maximum((half * to).sum(0), 1e-3)
            f = (f0[:, at] + (1 - f0[:, at]) * (1 - tilt) ** 5 * (1 - rough[at]) ** 2) * (rough[at] < 1)
            view = np.maximum(-(d[:, at] * n[:, at]).sum(0), 0.05)
            reflect = reflect + f * spread * soft / (4 * np.maximum(view, lit[on]))
        out[:, at] += reflect * le[:, on] * (seen * lit[on] / pdf[on]) * (1 if pick is None else len(lamps))
    return out


def _onward(d: F, n: F, facing: F, cos: F, s: Surface, draws: tuple[F, F, F, F]) -> tuple[F, F, F, NDArray[np.bool_]]:
    """Where paths go next: (direction, weight, side to start from, whether mirrored or bent rather than scattered)."""
    u0, u1, u2, v2 = draws
    fresnel = s.f0 + (1 - s.f0) * (1 - cos) ** 5 * (1 - s.rough) ** 2
    q = np.clip(fresnel.max(0), 0.08, 0.92)
    q = np.where(s.metal, 1, np.where(s.f0.max(0) < 1e-3, 0, q)).astype(np.float32)
    shiny = u0 < q
    half = _around(n, u1, ((1 - v2) ** (1 / (_lobe(s.rough) + 1))).astype(np.float32))
    mirror = d - 2 * (d * half).sum(0) * half
    mirror = np.where((mirror * n).sum(0) <= 0, d - 2 * (d * n).sum(0) * n, mirror)
    scatter = _around(n, u2, np.sqrt(1 - v2 * np.float32(0.9999)))
    step = np.where(shiny, mirror, scatter)
    factor = np.where(shiny, fresnel / np.maximum(q, 1e-6), s.albedo / np.maximum(1 - q, 1e-6))
    push = n
    if s.glass.any():
        ior = np.where(facing < 0, np.float32(1 / 1.5), np.float32(1.5))
        k = 1 - ior * ior * (1 - cos * cos)
        inner = np.sqrt(np.maximum(k, 0))
        bent = ior * d + (ior * cos - inner) * n
        r = np.where(k < 0, 1, 0.04 + 0.96 * (1 - np.where(facing < 0, cos, inner)) ** 5)
        back = u0 < r
        step = np.where(s.glass, np.where(back, d - 2 * (d * n).sum(0) * n, bent), step)
        factor = np.where(s.glass, np.where(back, 1, s.albedo), factor)
        push = np.where(s.glass & ~back, -n, n)
        shiny = shiny | s.glass
    return step, factor, push, shiny


def render(
    world: World, view: View, height: int, width: int, samples: int, seed: int = 0, depth: int = 5, ceiling: float = 6.0
) -> F:
    """Radiance (3, height, width) with `samples` paths a pixel, cleaned of noise.  The same seed gives the same picture."""
    out = np.zeros((3, height, width), np.float32)
    guide = np.zeros((6, height, width), np.float32)
    spread = np.zeros((height, width), np.float32)
    rows = max(1, AT_ONCE // width)
    golden = np.array([0.7548776662466927, 0.5698402909980532])
    for top in range(0, height, rows):
        rng = np.random.default_rng((seed, top))
        count = min(rows, height - top)
        n = count * width
        yy, xx = (a.reshape(-1).astype(np.float32) for a in np.mgrid[top : top + count, 0:width])
        pairs = 2 + 3 * depth
        offset = rng.random((pairs, 2, n), np.float32)
        order = [rng.permutation(samples) for _ in range(pairs)]
        band, seen, square = np.zeros((3, n), np.float32), np.zeros((6, n), np.float32), np.zeros(n, np.float32)
        for k in range(samples):
            at = iter(range(pairs))

            def draw(at: Iterator[int] = at, k: int = k, offset: F = offset, order: list[Any] = order) -> tuple[F, F]:
                j = next(at)
                step = ((order[j][k] + 1) * golden % 1).astype(np.float32)
                return (offset[j, 0] + step[0]) % 1, (offset[j, 1] + step[1]) % 1

            jx, jy = draw()
            u, v = draw()
            o, d = view.rays(xx + jx, yy + jy, height, width, u, v)
            light, first = trace(world, o, d, draw, depth, ceiling)
            band += light
            seen += first
            square += (light / first[:3]).mean(0) ** 2
        where = slice(top, top + count)
        out[:, where] = (band / samples).reshape(3, count, width)
        guide[:, where] = (seen / samples).reshape(6, count, width)
        spread[where] = (square / samples).reshape(count, width)
    return clean(out, guide, spread, samples)
