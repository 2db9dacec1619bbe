"""A small path tracer for scenes of our own: spheres, boxes, rectangles and turned shapes under soft lights.

Diffuse, glossy, metal and glass surfaces, depth of field, next-event estimation (Kajiya 1986; Shirley et al. 1996) and
randomised R2 sequences (Roberts 2018) padded per dimension.  Radiance is linear Rec.2020; one unit is perfect white.
Vectors are float32 arrays (3, N); a ray is (origin, direction).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from modisp.simulate.shapes import Cluster, Shape, Surface, touches

F = NDArray[np.float32]

AT_ONCE = 49152  # rays
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


def trace(world: World, o: F, d: F, draw: Callable[[], tuple[F, F]], depth: int, ceiling: float) -> F:
    """Radiance (3, N) along rays.  `draw()` gives two fresh uniform arrays for all N; indirect light is cut at `ceiling`."""
    total = np.zeros_like(o)
    alive = np.arange(o.shape[1])
    beta = np.ones_like(o)
    sharp = np.ones(o.shape[1], bool)  # the last bounce was a mirror's, so lights have not been counted yet
    for bounce in range(depth):
        pairs = [draw() for _ in range(3)]
        (u0, v0), (u1, v1), (u2, v2) = [(u[alive], v[alive]) for u, v in pairs]
        t, which = world.closest(o, d)
        out = which < 0
        limit = np.float32(1e9 if bounce == 0 else ceiling)
        if out.any():
            total[:, alive[out]] += np.minimum(beta[:, out] * world.sky(d[:, out]), limit)
            keep = ~out
            alive, beta, sharp, which = alive[keep], beta[:, keep], sharp[keep], which[keep]
            o, d, t = o[:, keep], d[:, keep], t[keep]
            u0, v0, u1, v1, u2, v2 = (a[keep] for a in (u0, v0, u1, v1, u2, v2))
        if not alive.size:
            break
        p = o + d * t
        s = world.surface(which, p, d)
        total[:, alive] += np.minimum(beta * s.emit * sharp, limit)
        facing = (s.normal * d).sum(0)
        n = np.where(facing > 0, -s.normal, s.normal)
        cos = np.minimum(np.abs(facing), 1)
        fresnel = s.f0 + (1 - s.f0) * (1 - cos) ** 5 * (1 - s.rough) ** 2
        q = np.clip(fresnel.max(0), 0.08, 0.92)
        q = np.where(s.metal, 1, np.where(s.f0.max(0) < 1e-3, 0, q)).astype(np.float32)
        shiny = u0 < q
        matt = np.nonzero(~shiny & ~s.glass)[0]
        if matt.size:
            weight = beta[:, matt] * s.albedo[:, matt]
            start = p[:, matt] + n[:, matt] * EPS * 4
            for k, light in enumerate(x for x in world.shapes if x.light):
                shift = np.float32(0.618034 * k)
                to, distance, le, pdf = light.sample(start, (u1[matt] + shift) % 1, (v1[matt] + shift) % 1)
                lit = (to * n[:, matt]).sum(0)
                on = np.nonzero((lit > 0) & (pdf > 0))[0]
                if on.size:
                    seen = world.clear(start[:, on], to[:, on], distance[on] * np.float32(0.999))
                    gain = seen * lit[on] / (np.float32(np.pi) * pdf[on]) / (1 - q[matt[on]])
                    total[:, alive[matt[on]]] += np.minimum(weight[:, on] * le[:, on] * gain, limit)
        # where next: mirrored (with a rough half vector), refracted, or scattered by the cosine
        half = _around(n, u1, (1 - v2) ** (1 / (1 + 2 / np.maximum(s.rough, 0.02) ** 4 * 1.0)).astype(np.float32))
        mirror = d - 2 * (d * half).sum(0) * half
        below = (mirror * n).sum(0) <= 0
        mirror = np.where(below, d - 2 * (d * n).sum(0) * n, mirror)
        scatter = _around(n, u2, np.sqrt(1 - v2 * np.float32(0.9999)))
        step = np.where(shiny, mirror, scatter)
        factor = np.where(shiny, fresnel / np.maximum(q, 1e-6), s.albedo / np.maximum(1 - q, 1e-6))
        push = n
        if s.glass.any():
            ior = np.where(facing < 0, np.float32(1 / 1.5), np.float32(1.5))
            k = 1 - ior * ior * (1 - cos * cos)
            bent = ior * d + (ior * cos - np.sqrt(np.maximum(k, 0))) * n
            r = np.where(k < 0, 1, 0.04 + 0.96 * (1 - np.where(facing < 0, cos, np.sqrt(np.maximum(k, 0)))) ** 5)
            back = u0 < r
            step = np.where(s.glass, np.where(back, d - 2 * (d * n).sum(0) * n, bent), step)
            factor = np.where(s.glass, np.where(back, 1, s.albedo), factor)
            push = np.where(s.glass & ~back, -n, n)
            shiny = shiny | s.glass
        beta = (beta * factor).astype(np.float32)
        o, d = (p + push * EPS * 4).astype(np.float32), unit(step.astype(np.float32))
        sharp = shiny
        strength = beta.max(0)
        live = strength > 0.02
        if bounce >= 2:  # Russian roulette
            stay = np.clip(strength, 0.1, 1).astype(np.float32)
            live &= v0 < stay
            beta = beta / stay
        alive, beta, sharp, o, d = alive[live], beta[:, live], sharp[live], o[:, live], d[:, live]
    return total


def render(
    world: World, view: View, height: int, width: int, samples: int, seed: int = 0, depth: int = 5, ceiling: float = 8.0
) -> F:
    """Radiance (3, height, width) with `samples` paths a pixel.  The same seed gives the same picture."""
    out = np.zeros((3, height, width), np.float32)
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
        band = np.zeros((3, n), np.float32)
        for k in range(samples):
            at = iter(range(pairs))

            def draw(
                at: object = at, k: int = k, offset: F = offset, order: list[NDArray[np.int64]] = order
            ) -> tuple[F, F]:
                j = next(at)  # type: ignore[call-overload]
                step = ((order[j][k] + 1) * golden % 1).astype(np.float32)
                return (offset[j, 0] + step[0]) % 1, (offset[j, 1] + step[1]) % 1

            jx, jy = draw()
            u, v = draw()
            o, d = view.rays(xx + jx, yy + jy, height, width, u, v)
            band += trace(world, o, d, draw, depth, ceiling)
        out[:, top : top + count] = (band / samples).reshape(3, count, width)
    return out
