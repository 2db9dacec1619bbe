"""Shapes that the path tracer can hit, and the surfaces that their materials give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

F = NDArray[np.float32]
NEAR = np.float32(1e-3)
FAR = np.float32(np.inf)


@dataclass
class Surface:
    """What light does at N points: all arrays (3, N) or (N,), float32 or bool."""

    normal: F
    albedo: F
    f0: F  # reflectance at normal incidence
    rough: F
    emit: F
    metal: NDArray[np.bool_]
    glass: NDArray[np.bool_]

    @classmethod
    def blank(cls, n: int) -> Surface:
        """N black points."""
        v, s = np.zeros((4, 3, n), np.float32), np.zeros(n, np.float32)
        return cls(v[0], v[1], v[2], s, v[3], np.zeros(n, bool), np.zeros(n, bool))

    def put(self, index: NDArray[np.int64], other: Surface) -> None:
        """Write `other`'s points at `index`."""
        self.normal[:, index], self.albedo[:, index], self.f0[:, index] = other.normal, other.albedo, other.f0
        self.rough[index], self.emit[:, index] = other.rough, other.emit
        self.metal[index], self.glass[index] = other.metal, other.glass


Paint = Callable[[F, F], F]  # (points, normals), both (3, N) in the shape's own axes → (3, N)


@dataclass(frozen=True)
class Material:
    """`paint` gives the albedo (or is one colour), `bump` adds to the normal, `emit` glows (colour or Paint)."""

    paint: tuple[float, float, float] | Paint = (0.5, 0.5, 0.5)
    f0: float = 0.04
    rough: float = 1.0
    emit: tuple[float, float, float] | Paint = (0.0, 0.0, 0.0)
    bump: Paint | None = None
    metal: bool = False
    glass: bool = False

    def at(self, p: F, n: F) -> Surface:
        """The surface at points `p` with normals `n`, in the shape's own axes."""
        s = Surface.blank(p.shape[1])
        s.albedo = _colour(self.paint, p, n)
        s.f0 = s.albedo if self.metal else np.full_like(p, self.f0 if self.rough < 1 else 0)
        s.rough[:] = self.rough
        s.emit = _colour(self.emit, p, n)
        s.metal[:], s.glass[:] = self.metal, self.glass
        if self.bump is not None:
            n = n + self.bump(p, n)
            n = n / np.sqrt(np.maximum((n * n).sum(0), 1e-12))
        s.normal = n
        return s


def _colour(c: tuple[float, float, float] | Paint, p: F, n: F) -> F:
    if callable(c):
        return np.asarray(c(p, n), np.float32)
    return np.repeat(np.array(c, np.float32)[:, None], p.shape[1], 1)


def turn(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> F:
    """Rotation (3, 3) by degrees round y, then x, then z; columns are the shape's axes."""
    y, x, z = np.radians([yaw, pitch, roll])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rx = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    rz = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return np.asarray((ry @ rx @ rz), np.float32)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Something at `at`, turned by `axes`.  `light` is sampled as a light; `ghost` casts no shadow; `passes` is what
    a shadow ray keeps when it goes through."""

    material: Material
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    axes: F = field(default_factory=lambda: np.eye(3, dtype=np.float32))
    light: bool = False
    ghost: bool = False
    passes: float = 0.0

    def local(self, o: F, d: F) -> tuple[F, F]:
        """A ray in the shape's own axes."""
        rot = self.axes.T
        if rot[0, 0] == 1 and rot[1, 1] == 1:
            return o - np.array(self.at, np.float32)[:, None], d
        return rot @ (o - np.array(self.at, np.float32)[:, None]), rot @ d

    def hit(self, o: F, d: F) -> F:
        """Distance of the first hit beyond a hair's breadth, infinity for none."""
        return self.meet(*self.local(o, d))

    def surface(self, p: F, d: F) -> Surface:
        """The surface at points `p` that lie on the shape, seen along `d`."""
        own = self.axes.T @ (p - np.array(self.at, np.float32)[:, None])
        s = self.material.at(own, self.normal(own))
        s.normal = self.axes @ s.normal
        return s

    def meet(self, o: F, d: F) -> F:
        """`hit` in the shape's own axes."""
        raise NotImplementedError

    def normal(self, p: F) -> F:
        """Outward unit normals at points in the shape's own axes."""
        raise NotImplementedError

    def sample(self, p: F, u: F, v: F) -> tuple[F, F, F, F]:
        """Towards this light from `p`: (direction, distance, radiance, density per steradian)."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Sphere(Shape):
    """A sphere of `radius`."""

    radius: float

    def meet(self, o: F, d: F) -> F:
        """Quadratic."""
        b = o[0] * d[0] + o[1] * d[1] + o[2] * d[2]
        # the discriminant from the foot of the perpendicular: exact for far spheres (Haines et al. 2019)
        foot = o - b * d
        disc = np.float32(self.radius**2) - (foot[0] * foot[0] + foot[1] * foot[1] + foot[2] * foot[2])
        root = np.sqrt(np.maximum(disc, 0))
        near, far = -b - root, -b + root
        t = np.where(near > NEAR, near, np.where(far > NEAR, far, FAR))
        return np.where(disc > 0, t, FAR)

    def normal(self, p: F) -> F:
        """Radial."""
        return p / np.float32(self.radius)

    def sample(self, p: F, u: F, v: F) -> tuple[F, F, F, F]:
        """Uniform in the cone that the sphere fills."""
        to = np.array(self.at, np.float32)[:, None] - p
        far = np.sqrt((to * to).sum(0))
        cmax = np.sqrt(np.maximum(0, 1 - (self.radius / np.maximum(far, self.radius)) ** 2))
        from modisp.simulate.render import _around

        cosine = (1 - u * (1 - cmax)).astype(np.float32)
        d = _around(to / far, v, cosine)
        root = np.sqrt(np.maximum(self.radius**2 - far * far * (1 - cosine * cosine), 0))
        distance = (far * cosine - root).astype(np.float32)
        s = self.surface(p + d * distance, d)
        return d, distance, s.emit, (1 / (2 * np.pi * np.maximum(1 - cmax, 1e-7))).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Rect(Shape):
    """The rectangle |x| ≤ w/2, |y| ≤ h/2 in the plane z = 0; as a light it shines towards +z."""

    size: tuple[float, float]

    def meet(self, o: F, d: F) -> F:
        """Plane, then bounds."""
        t = -o[2] / np.where(np.abs(d[2]) < 1e-9, np.float32(1e-9), d[2])
        x, y = o[0] + t * d[0], o[1] + t * d[1]
        inside = (np.abs(x) <= self.size[0] / 2) & (np.abs(y) <= self.size[1] / 2) & (t > NEAR)
        return np.where(inside, t, FAR).astype(np.float32)

    def normal(self, p: F) -> F:
        """+z."""
        return np.repeat(np.array([0, 0, 1], np.float32)[:, None], p.shape[1], 1)

    def sample(self, p: F, u: F, v: F) -> tuple[F, F, F, F]:
        """Uniform over the area."""
        own = np.stack([(u - 0.5) * self.size[0], (v - 0.5) * self.size[1], np.zeros_like(u)]).astype(np.float32)
        spot = self.axes @ own + np.array(self.at, np.float32)[:, None]
        to = spot - p
        far = np.sqrt((to * to).sum(0))
        d = to / far
        cosine = -(d * self.axes[:, 2:3]).sum(0)
        area = self.size[0] * self.size[1]
        pdf = np.where(cosine > 1e-4, far * far / (area * np.maximum(cosine, 1e-4)), 0)
        return d, far, self.material.at(own, self.normal(own)).emit, pdf.astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Box(Shape):
    """|x| ≤ a, |y| ≤ b, |z| ≤ c for `half` = (a, b, c)."""

    half: tuple[float, float, float]

    def meet(self, o: F, d: F) -> F:
        """Slabs (Kay and Kajiya 1986)."""
        h = np.array(self.half, np.float32)[:, None]
        inv = 1 / np.where(np.abs(d) < 1e-9, np.float32(1e-9), d)
        a, b = (-h - o) * inv, (h - o) * inv
        near, far = np.minimum(a, b).max(0), np.maximum(a, b).min(0)
        t = np.where(near > NEAR, near, far)
        return np.where((near <= far) & (t > NEAR), t, FAR)

    def normal(self, p: F) -> F:
        """Of the nearest face."""
        q = p / np.array(self.half, np.float32)[:, None]
        axis = np.abs(q).argmax(0)
        out = np.zeros_like(p)
        cols = np.arange(p.shape[1])
        out[axis, cols] = np.sign(q[axis, cols])
        return out


@dataclass(frozen=True, kw_only=True)
class Lathe(Shape):
    """A shape turned round the y axis: `profile` is a line of (radius, y) points with rising arc, joined by cones."""

    profile: tuple[tuple[float, float], ...]
    smooth: bool = True

    def meet(self, o: F, d: F) -> F:
        """Bounding sphere first, then every cone frustum by its quadratic."""
        pts = np.array(self.profile, np.float32)
        mid = np.float32((pts[:, 1].min() + pts[:, 1].max()) / 2)
        reach = np.float32(np.hypot(pts[:, 0], pts[:, 1] - mid).max() * 1.001)
        out = np.full(o.shape[1], FAR, np.float32)
        b = o[0] * d[0] + (o[1] - mid) * d[1] + o[2] * d[2]
        c = o[0] ** 2 + (o[1] - mid) ** 2 + o[2] ** 2 - reach * reach
        index = np.nonzero((b * b > c) & ((b < 0) | (c < 0)))[0]
        if not index.size:
            return out
        # float32 is fine enough only near the shape: rays start where they are nearest to its middle
        skip = -b[index]
        (dx, dy, dz), (ox, oy, oz) = d[:, index], o[:, index] + d[:, index] * skip
        least = NEAR - skip
        best = np.full(index.size, FAR, np.float32)
        xx, xd, dd = ox * ox + oz * oz, ox * dx + oz * dz, dx * dx + dz * dz
        slope = np.where(np.abs(dy) < 1e-9, np.float32(1e-9), dy)
        for (r0, y0), (r1, y1) in pairwise(pts):
            if abs(y1 - y0) < 1e-6:  # a flat ring
                t = (y0 - oy) / slope
                rr = xx + 2 * t * xd + t * t * dd
                good = (rr <= max(r0, r1) ** 2) & (rr >= min(r0, r1) ** 2) & (t > least) & (t < best)
                best = np.where(good, t, best)
                continue
            # only rays that come within the widest radius of the axis while they cross this slab of y
            ta, tb = (y0 - oy) / slope, (y1 - oy) / slope
            ta, tb = np.minimum(ta, tb), np.maximum(ta, tb)
            tc = np.clip(-xd / np.maximum(dd, np.float32(1e-9)), ta, tb)
            near = (tb > least) & (ta < best) & (xx + tc * (2 * xd + tc * dd) <= max(r0, r1) ** 2)
            k_ = np.nonzero(near)[0]
            if not k_.size:
                continue
            k = (r1 - r0) / (y1 - y0)
            m = r0 + k * (oy[k_] - y0)  # radius of the cone at the ray's start
            a2, b2, c2 = dd[k_] - k * k * dy[k_] ** 2, xd[k_] - m * k * dy[k_], xx[k_] - m * m
            root = np.sqrt(np.maximum(b2 * b2 - a2 * c2, 0))
            a2 = np.where(np.abs(a2) < 1e-8, np.float32(1e-8), a2)
            low, high = np.maximum(ta[k_], least[k_]), np.minimum(tb[k_], best[k_])
            hits = b2 * b2 >= a2 * c2
            for t in ((-b2 - root) / a2, (-b2 + root) / a2):
                good = hits & (t > low) & (t <= high)
                high = np.where(good, t, high)
                best[k_[good]] = t[good]
        out[index] = best + skip
        return out

    def normal(self, p: F) -> F:
        """From the profile; smooth ones interpolate along it."""
        pts = np.array(self.profile, np.float32)
        r = np.sqrt(p[0] ** 2 + p[2] ** 2)
        seg = pts[1:] - pts[:-1]
        length2 = np.maximum((seg * seg).sum(1), 1e-12)
        # the nearest segment and the place on it
        along = ((r[None] - pts[:-1, 0:1]) * seg[:, 0:1] + (p[1][None] - pts[:-1, 1:2]) * seg[:, 1:2]) / length2[
            :, None
        ]
        s = np.clip(along, 0, 1)
        dr = r[None] - pts[:-1, 0:1] - s * seg[:, 0:1]
        dy = p[1][None] - pts[:-1, 1:2] - s * seg[:, 1:2]
        i = (dr * dr + dy * dy).argmin(0)
        flat = np.stack([seg[:, 1], -seg[:, 0]], 1) / np.sqrt(length2)[:, None]  # outward for a profile that climbs
        if self.smooth:
            knots = np.concatenate([flat[:1], flat[:-1] + flat[1:], flat[-1:]])
            w = s[i, np.arange(i.size)]
            nr, ny = (1 - w) * knots[i, 0] + w * knots[i + 1, 0], (1 - w) * knots[i, 1] + w * knots[i + 1, 1]
        else:
            nr, ny = flat[i, 0], flat[i, 1]
        size = np.sqrt(np.maximum(nr * nr + ny * ny, 1e-12)) * np.maximum(r, 1e-6)
        return np.stack([nr * p[0] / size, ny / np.sqrt(np.maximum(nr * nr + ny * ny, 1e-12)), nr * p[2] / size])


def touches(o: F, d: F, at: tuple[float, float, float], radius: float) -> NDArray[np.int64]:
    """Which rays come within `radius` of `at`, ahead of their start."""
    to = np.array(at, np.float32)[:, None] - o
    b = to[0] * d[0] + to[1] * d[1] + to[2] * d[2]
    c = to[0] * to[0] + to[1] * to[1] + to[2] * to[2] - np.float32(radius * radius)
    return np.nonzero((b * b > c) & ((b > 0) | (c < 0)))[0]


@dataclass(frozen=True)
class Cluster:
    """Shapes inside one bounding sphere, so that rays which miss it are tested once."""

    at: tuple[float, float, float]
    radius: float
    shapes: tuple[Shape, ...]
