"""A camera's colour: between light, camera response and Rec.2020, through the matrices that its maker measured.

The model is that of DNG 1.7, chapter 6 (Mapping Camera Color Space to CIE XYZ Space), with any number of calibration
illuminants: matrices are interpolated by inverse temperature between neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from modisp.color import spaces, white

XY = tuple[float, float]
RGB = tuple[float, float, float]
_Matrices = tuple[tuple[RGB, RGB, RGB], ...]
_Array = npt.NDArray[np.float64]

_STANDARD_A = (0.44758, 0.40745)
_LEAST = 0.02  # least response of a channel, or of a cone, that a light may cause in relation to the largest
_BY_GAINS = 1 / 3
"""Share of the white-balanced response that counts as calibrated when only one illuminant was, against the share of XYZ: at
D65 with a dozen cameras, and a chart under lamps and tubes, a third gives the smallest errors."""


class Tags(Protocol):
    """What is known of a camera's colour (as in `modisp.image.Metadata`)."""

    @property
    def white(self) -> RGB: ...  # noqa: D102
    @property
    def cfa(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def color_matrix(self) -> _Matrices: ...  # noqa: D102
    @property
    def forward_matrix(self) -> _Matrices: ...  # noqa: D102
    @property
    def calibration(self) -> _Matrices: ...  # noqa: D102
    @property
    def illuminants(self) -> tuple[XY, ...]: ...  # noqa: D102
    @property
    def analog_balance(self) -> RGB: ...  # noqa: D102


class _Facts(NamedTuple):
    cfa: tuple[str, ...]
    white: RGB
    color_matrix: _Matrices
    forward_matrix: _Matrices
    calibration: _Matrices
    illuminants: tuple[XY, ...]
    analog_balance: RGB


_K = TypeVar("_K")
_V = TypeVar("_V")


def _remembered(f: Callable[[Camera, _K], _V]) -> Callable[[Camera, _K], _V]:
    """Keep the latest answers: every tile of a picture asks the same."""
    known = lru_cache(maxsize=64)(f)

    @wraps(f)
    def answer(self: Camera, question: _K) -> _V:
        return known(self, question)

    return answer


def _usable(matrices: _Matrices, count: int, sees: _Array) -> bool:
    """Whether there are `count` sound matrices, and each answers `sees` (3,) with positive numbers."""
    if len(matrices) < count or count == 0:
        return False
    m = np.array(matrices[:count], dtype=np.float64)
    if not np.isfinite(m).all() or np.abs(np.linalg.det(m)).min() < 1e-9:
        return False
    out = m @ sees
    return bool((out.min(1) >= _LEAST * out.max(1)).all() and out.min() > 0)


def _array(t: torch.Tensor) -> _Array:
    return np.asarray(t.numpy(), dtype=np.float64)


class Camera:
    """The colour model of one camera body.

    Without usable matrices, balanced colours are taken for those of sRGB, the as-shot light for D65, and other lights are
    answered as with the primaries of Display P3, between which all usual ones lie: a guess that keeps neutrals neutral.
    `known` says whether there were matrices.  A monochrome camera sees no colour of any light.
    """

    def __init__(self, tags: Tags) -> None:
        self.monochrome = bool(tags.cfa) and len(set("".join(tags.cfa))) == 1
        as_shot = tags.white if min(tags.white) > 0 else (1.0, 1.0, 1.0)
        ones, d50 = np.ones(3), _array(spaces.xyz_of(spaces.D50))
        n = len(tags.color_matrix)
        lights = list(tags.illuminants)
        if len(lights) < n:  # the usual ones
            lights = [spaces.D65] if n == 1 else [_STANDARD_A, spaces.D65]
            n = len(lights)
        self.known = _usable(tags.color_matrix, n, d50)
        if self.known:
            color = np.array(tags.color_matrix[:n], dtype=np.float64)
        else:
            n, lights = 1, [spaces.D65]
            color = np.array(as_shot)[:, None] * _array(spaces.between64("xyz", "display-p3"))[None]
        body = np.broadcast_to(np.eye(3), color.shape)
        if self.known and _usable(tags.calibration, n, ones):
            body = np.array(tags.calibration[:n], dtype=np.float64)
        if self.known and min(tags.analog_balance) > 0:
            body = np.array(tags.analog_balance)[:, None] * body
        forward = self.known and _usable(tags.forward_matrix, n, ones)
        mired = np.array([1e6 / white.kelvin_from_xy(xy)[0] for xy in lights[:n]])
        self._mired, order = np.unique(mired, return_index=True)  # rising; a light given twice counts once
        self._color, self._body = color[order], body[order]
        self._lights = [lights[i] for i in order]
        self._forward = np.array(tags.forward_matrix, dtype=np.float64)[order] if forward else None

    @classmethod
    def of(cls, tags: Tags) -> Camera:
        """The camera with these tags; one asked for again is the same object, and remembers what it worked out."""
        return _camera(_Facts(*(getattr(tags, name) for name in _Facts._fields)))

    @property
    def guessed(self) -> bool:
        """Whether it sees colour, and nothing is known of how."""
        return not (self.known or self.monochrome)

    def _at(self, rows: _Array, mired: float) -> _Array:
        """Rows of matrices, interpolated at one reciprocal temperature."""
        i = int(np.clip(np.searchsorted(self._mired, mired) - 1, 0, max(0, len(rows) - 2)))
        if len(rows) == 1:
            return np.asarray(rows[0])
        t = np.clip((mired - self._mired[i]) / (self._mired[i + 1] - self._mired[i]), 0.0, 1.0)
        return np.asarray((1 - t) * rows[i] + t * rows[i + 1])

    def _from_xyz(self, mired: float) -> _Array:
        return np.asarray(self._at(self._body, mired) @ self._at(self._color, mired))

    def _response(self, xy: XY) -> _Array:
        mired = 1e6 / white.kelvin_from_xy(xy)[0] if len(self._mired) > 1 else 0.0
        return np.asarray(self._from_xyz(mired) @ _array(spaces.xyz_of(xy)))

    def _plausible(self, xy: XY) -> bool:
        if min(xy) < 1e-3:
            return False
        response = self._response(xy)
        cones = np.array(spaces.BRADFORD) @ _array(spaces.xyz_of(xy))
        return bool(response.min() >= _LEAST * response.max() > 0 and cones.min() >= _LEAST * cones.max() > 0)

    @_remembered
    def light(self, xy: XY) -> XY:
        """`xy`, or where this camera could hardly see a light of that colour, the nearest one toward daylight that it can."""
        if self._plausible(xy):
            return xy
        (x0, y0), (x1, y1) = spaces.D50, xy
        near, far = 0.0, 1.0
        for _ in range(24):
            t = (near + far) / 2
            near, far = (t, far) if self._plausible((x0 + t * (x1 - x0), y0 + t * (y1 - y0))) else (near, t)
        return x0 + near * (x1 - x0), y0 + near * (y1 - y0)

    @_remembered
    def neutral(self, xy: XY) -> RGB:
        """The camera's response to a light (passed through `light` first), largest component 1."""
        if self.monochrome:
            return 1.0, 1.0, 1.0
        response = self._response(self.light(xy))
        r, g, b = (float(v) for v in response / response.max())
        return max(r, _LEAST), max(g, _LEAST), max(b, _LEAST)

    @_remembered
    def xy(self, neutral: RGB) -> XY:
        """The light to which the camera responds with `neutral` (any scale, all above 0): the inverse of `neutral`.

        The temperature at which the matrices are interpolated and that of the light they give must agree; there is
        such a temperature between the calibration illuminants, or it is taken at the nearer end.
        """
        response = np.asarray(neutral, dtype=np.float64)

        def solve(mired: float) -> XY:
            return spaces.xy_of(tuple(np.linalg.solve(self._from_xyz(mired), response)))

        def excess(mired: float) -> float:
            return 1e6 / white.kelvin_from_xy(solve(mired))[0] - mired

        xy = solve(white.falling_root(excess, float(self._mired[0]), float(self._mired[-1])))
        return xy if np.isfinite(xy).all() else spaces.D50

    @_remembered
    def to_rec2020(self, xy: XY) -> torch.Tensor:
        """BALANCED camera RGB → linear Rec.2020 for a scene lit by `xy`: (3, 3) float32, rows sum to 1; shared.

        With several calibration illuminants: through the ForwardMatrix where there is one, else the inverse ColorMatrix
        and Bradford adaptation.  With one alone, under another light, these two err apart: there it is a mixture of both.
        """
        if self.monochrome:
            return torch.eye(3)
        if not self.known:
            return spaces.between("srgb", "rec2020")
        xy = self.light(xy)
        mired = 1e6 / white.kelvin_from_xy(xy)[0]
        response = self._response(xy)
        adapt = _array(spaces.adaptation(xy, spaces.D65))
        d50_to_d65 = _array(spaces.between64("xyz-d50", "xyz"))
        if len(self._mired) == 1:
            home = self._lights[0]
            at_home = self._response(home)
            sees = adapt @ _array(spaces.adaptation(spaces.D50, home)) @ self._to_d50(mired, at_home)
            to_xyz = (1 - _BY_GAINS) * sees @ np.diag(response / at_home)
            to_xyz += _BY_GAINS * d50_to_d65 @ self._to_d50(mired, response)
        elif self._forward is not None:
            to_xyz = d50_to_d65 @ self._to_d50(mired, response)
        else:
            to_xyz = adapt @ np.linalg.inv(self._from_xyz(mired)) @ np.diag(response)
        return _keeping_grey(to_xyz)

    @_remembered
    def by_color_matrix(self, xy: XY) -> torch.Tensor:
        """As `to_rec2020`, through the inverse ColorMatrix and Bradford adaptation alone: a maker's second opinion."""
        if self.monochrome or not self.known:
            return self.to_rec2020(xy)
        xy = self.light(xy)
        inverse = np.linalg.inv(self._from_xyz(1e6 / white.kelvin_from_xy(xy)[0]))
        return _keeping_grey(_array(spaces.adaptation(xy, spaces.D65)) @ inverse @ np.diag(self._response(xy)))

    def _to_d50(self, mired: float, response: _Array) -> _Array:
        """Camera RGB balanced by `response` → XYZ D50, through the ForwardMatrix or what ColorMatrix implies for it."""
        if self._forward is not None:
            forward = self._at(self._forward, mired)
        else:
            to_xyz = np.linalg.inv(self._color[0]) * (self._color[0] @ _array(spaces.xyz_of(self._lights[0])))
            forward = _array(spaces.adaptation(self._lights[0], spaces.D50)) @ to_xyz
        ideal = np.linalg.inv(self._at(self._body, mired)) @ np.diag(response)
        matrix = forward @ (ideal / ideal.sum(1, keepdims=True))
        return np.asarray(matrix * (_array(spaces.xyz_of(spaces.D50)) / matrix.sum(1))[:, None])


def _keeping_grey(to_xyz: _Array) -> torch.Tensor:
    """Balanced camera RGB → XYZ D65 as a matrix to Rec.2020 whose rows sum to 1."""
    matrix = _array(spaces.between64("xyz", "rec2020")) @ to_xyz
    return torch.from_numpy(matrix / matrix.sum(1, keepdims=True)).float()


@lru_cache(maxsize=16)
def _camera(facts: _Facts) -> Camera:
    return Camera(facts)
