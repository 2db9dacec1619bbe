"""From a photograph of a chart to a camera's calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from modisp import learned, weights
from modisp.chart.find import COLUMNS, ROWS, Found, find, from_corners
from modisp.color import white
from modisp.color.camera import Camera
from modisp.color.difference import lab
from modisp.image import Image, Metadata, State
from modisp.metrics import delta_e
from modisp.operators.calibration import RGB, Calibration
from modisp.pipeline import develop
from modisp.recipe import Recipe
from modisp.resample import resize
from modisp.simulate.charts import reference
from modisp.simulate.scenes import turn_upright
from modisp.stage import cancellable
from modisp.stages.color_correct_learned import colours

Array = NDArray[np.float64]

SIZES = (900, 1800)
"""Long edges of the pictures that the chart is looked for in, one after the other."""
NEUTRAL = (18, 19, 20, 21, 22)
"""The neutral patches but for black, which little light comes from."""
INSIDE = 0.25
"""How far from its middle a patch is measured, as a share of the way to the next."""
_GRID = 25  # places a patch is measured at, each way
_CLIPPED, _DARK = 0.96, 0.01
_SHADE = 0.2  # in ln of luminance, how far a patch may be off its neighbours before it counts as lit otherwise
_FEW = 2  # so many may be off for other reasons
_FEWEST = 12
_STRANGE = 8.0  # ΔE2000 that a calibration leaves on average, where what was measured is no chart


@dataclass(frozen=True)
class Report:
    """A calibration, where the chart was found (in the upright picture, camera's crop), and what the patches were like.

    `errors`: ΔE2000 (patches, 2) before and after; `used`: which patches of the chart they are; `kelvin`, `tint`: its light, or
    what it is taken for where no matrices are `known`.
    """

    calibration: Calibration
    found: Found
    errors: Array
    used: tuple[int, ...]
    shaded: int
    kelvin: float
    tint: float
    known: bool


def calibrate(
    path: Path | Image,
    chart: str = "colorchecker24",
    corners: Sequence[Sequence[float]] | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Report:
    """Calibrate the camera of a RAW photograph of a chart.

    `corners` (4, 2): the chart's outer corners in pixels of the upright picture, dark skin's first, then light skin's way round;
    found by themselves where they are not given.  Raises ValueError, in one sentence, where the picture does not serve;
    Cancelled and ImageError as `modisp.develop`.
    """
    reference(chart, 5000.0)  # an unknown chart is said at once
    if not weights_there():
        raise ValueError("a calibration is used by the learned colour correction, whose weights are not installed")
    image = _opened(path)
    meta = image.meta
    if image.state is not State.MOSAIC or Camera.of(meta).monochrome:
        raise ValueError("a camera is calibrated by what its sensor saw: give a RAW file in colour")
    name = learned.camera(meta)
    if not weights.slug(name):
        raise ValueError("the file does not say which camera took it, so nothing could use the calibration")
    recipe = Recipe.default(image).switch("highlights", False)  # what is clipped is to be seen as clipped
    made = develop(image, recipe, until=State.CAMERA, progress=progress, cancel=cancel)
    seen = _upright(made)
    with cancellable(cancel):
        found = from_corners(corners) if corners is not None else _look(seen, meta, chart)
    values, sound = _patches(seen, found, made.meta)
    return _fitted(name, chart, meta, values, sound, found)


def weights_there() -> bool:
    """Whether the stage that uses calibrations has its weights."""
    from modisp.stages.color_correct_learned import ColorCorrectLearned

    return ColorCorrectLearned.accepts(Metadata())


def _opened(path: Path | Image) -> Image:
    if isinstance(path, Image):
        return path
    from modisp.io import open_image

    return open_image(path)


def _upright(image: Image) -> torch.Tensor:
    """As the photographer sees it: the camera's crop, turned as it was held."""
    height, width = image.height, image.width
    x, y, w, h = image.meta.crop or (0, 0, width, height)
    inside = x >= 0 and y >= 0 and x + w <= width and y + h <= height
    pixels = image.pixels[:, y : y + h, x : x + w] if inside else image.pixels
    return turn_upright(pixels, image.meta.orientation)


def _look(seen: torch.Tensor, meta: Metadata, chart: str) -> Found:
    height, width = seen.shape[1:]
    gains = 1 / torch.tensor(meta.white if min(meta.white) > 0 else (0.5, 1.0, 0.7))[:, None, None]
    wanted = reference(chart, 5000.0)
    for size in SIZES:
        scale = min(1.0, size / max(height, width))
        to = (max(1, round(height * scale)), max(1, round(width * scale)))
        small = resize(seen, (0.0, 0.0, float(width), float(height)), to) * gains
        level = float(torch.quantile(small[1].flatten()[:: max(1, small[1].numel() // 100_000)], 0.99))
        found = find(small / max(level, 1e-6), wanted)
        if found is not None:
            return found.scaled(width / to[1])
        if scale == 1.0:
            break
    raise ValueError(
        "no chart was found: photograph it larger and evenly lit, or name its corners with --corners, "
        "the dark skin patch's first"
    )


def _patches(seen: torch.Tensor, found: Found, meta: Metadata) -> tuple[Array, list[int]]:
    """(camera RGB (24, 3), which patches are sound): means of the middle of each, without the tenths that are farthest off."""
    height, width = seen.shape[1:]
    step = np.linspace(-INSIDE, INSIDE, _GRID)
    dx, dy = (v.ravel() for v in np.meshgrid(step, step))
    values, sound = np.zeros((COLUMNS * ROWS, 3)), []
    for k in range(COLUMNS * ROWS):
        at = found.at(k % COLUMNS + dx, k // COLUMNS + dy).round().astype(int)
        if at.min() < 0 or at[:, 0].max() >= width or at[:, 1].max() >= height:
            raise ValueError("the chart does not lie wholly inside the picture")
        v = np.sort(seen[:, at[:, 1], at[:, 0]].numpy().astype(np.float64), 1)
        cut = v.shape[1] // 10
        values[k] = v[:, cut:-cut].mean(1)
        if (v[:, -cut - 1] < _CLIPPED * np.array(meta.clip)).all():
            sound.append(k)
    if max(values[k][1] for k in range(len(values))) < _DARK:
        raise ValueError("the chart is too dark to tell colours: expose it longer")
    if len(sound) < _FEWEST or sum(k in sound for k in NEUTRAL) < 2:
        raise ValueError(f"{24 - len(sound)} of the chart's 24 patches are overexposed: expose it less")
    return values, sound


def _fitted(name: str, chart: str, meta: Metadata, values: Array, sound: list[int], found: Found) -> Report:
    grey = [k for k in NEUTRAL if k in sound]
    plain = reference(chart, 5000.0)
    ratio = values[grey] / plain[grey]
    neutral = np.median(ratio / ratio[:, 1:2], 0)
    if not np.isfinite(neutral).all() or neutral.min() < 0.02 * neutral.max():
        raise ValueError("the chart's greys have no usable colour in this picture: is the light coloured?")
    neutral = neutral / neutral.max()
    r, g, b = (float(v) for v in neutral)
    camera = Camera.of(meta if Camera.of(meta).known else replace(meta, white=(r, g, b)))
    xy = camera.light(camera.xy((r, g, b)))
    kelvin, tint = white.kelvin_from_xy(xy)
    wanted = reference(chart, kelvin)[sound]
    seen = values[sound] / neutral
    own = Calibration(name, chart, (r, g, b), _rows(seen), _rows(wanted))
    # the matrices alone would make a patch of their own errors look shaded
    gain, shaded = _light_on(colours(meta, own, "network").double().numpy(), wanted, sound)
    own = replace(own, seen=_rows(seen * gain[:, None]))
    errors = np.stack([_errors(colours(meta, own, by), wanted) for by in ("matrices", "chart")], 1)
    if errors[:, 1].mean() > _STRANGE:
        raise ValueError(
            "the colours found there are not this chart's: name its corners with --corners, beginning at the dark skin patch "
            "and going on along the light skin patch's row"
        )
    own = replace(own, before=round(float(errors[:, 0].mean()), 4), after=round(float(errors[:, 1].mean()), 4))
    return Report(own, found, errors, tuple(sound), shaded, kelvin, tint, Camera.of(meta).known)


def _light_on(base: Array, wanted: Array, sound: list[int]) -> tuple[Array, int]:
    """(gain (N,) that undoes how the light varies over the chart, how many patches lie in a light of their own).

    A slope in ln of luminance that the patches agree on.  One that is far off it is taken at its own light; all are where
    several are off, as a shadow then lies across the chart.
    """
    off = np.log(np.maximum(wanted[:, 1], 1e-4) / np.maximum(base[:, 1], 1e-4))
    k = np.array(sound)
    a = np.column_stack([np.ones(len(k)), k % COLUMNS, k // COLUMNS]).astype(np.float64)
    weight = np.ones(len(k))
    for _ in range(20):  # least absolute deviations, by weights (Huber)
        fit = np.linalg.lstsq(a * weight[:, None], off * weight, rcond=None)[0]
        rest = off - a @ fit
        weight = 1 / np.sqrt(np.maximum(np.abs(rest), 0.03))
    alone = np.abs(rest) > _SHADE
    across = alone.sum() > _FEW
    return np.exp(np.where(alone | across, off, a @ fit)), int(alone.sum())


def _errors(made: torch.Tensor, wanted: Array) -> Array:
    """ΔE2000 (N,) at the exposure at which the patches agree best."""
    got = made.double().numpy()
    scale = np.exp(np.median(np.log(np.maximum(wanted[:, 1], 1e-4) / np.maximum(got[:, 1], 1e-4))))
    return np.asarray(delta_e(lab(torch.from_numpy(got * scale)), lab(torch.from_numpy(wanted))).numpy())


def _rows(values: Array) -> tuple[RGB, ...]:
    return tuple((float(r), float(g), float(b)) for r, g, b in values.round(6))
