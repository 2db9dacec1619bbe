"""White balance: which light the picture was taken in, and the gains that make it neutral.

Every mode ends in one chromaticity, and everything follows from that: the gains here, the colour matrix later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from modisp import weights
from modisp.color import white
from modisp.color.camera import RGB, XY, Camera
from modisp.color.canonical import canonical
from modisp.color.illuminant import estimate, unclipped
from modisp.color.spaces import D65
from modisp.image import Image, Metadata, Rect, State
from modisp.learned import network
from modisp.nets.white import lights, rgb
from modisp.operators.noise import by_channel
from modisp.stage import Candidate, Parts, Probe, Reading, Stage, param

PRESETS: dict[str, tuple[float, float]] = {
    "daylight": (5500.0, 0.0),
    "cloudy": (6500.0, 0.0),
    "shade": (7500.0, 0.0),
    "tungsten": (2850.0, 0.0),
    "fluorescent": (3800.0, 21.0),
    "flash": (5500.0, -10.0),  # xenon: on the Planckian locus
}
"""Temperature and tint of usual lights."""

_KELVIN, _TINT = 5003.3, 0.01  # D50; nobody sets just these numbers, so they say that nothing was set
_LEAST_PATCH = 9  # full-size pixels
_LAMP, _SHADE = 4500.0, 6500.0  # K; warmer light is lamplight, cooler light is shade
_THUMB, _SMALL = 256, 64  # long edges of the picture that is looked at, and of what is made of it for the network
_TELLING = 16  # of its pixels, at least, must tell something
_WEIGHTS = "white_balance"
_UNLIKELY = 0.005  # of the likeliest: others below are no candidates
_GREEN = 35.0  # tint; tubes and light below trees


class WhiteBalance(
    Stage,
    slot="white_balance",
    reads=State.CAMERA,
    writes=State.BALANCED,
    title="White balance",
    group="White balance",
    version=5,
):
    """Multiplies the channels so that the light becomes neutral; the smallest gain is 1, so that what is clipped stays white."""

    mode: str = param(
        "as shot",
        choices=("as shot", "auto", "ambience", "custom", "patch", *PRESETS),
        help="Which light the picture was taken in. 'As shot' takes what the camera noted, until you set the temperature or "
        "the tint, which then counts instead; 'auto' judges the picture and makes its light neutral; 'ambience' does the same "
        "and leaves something of the mood of warm and cool light; 'custom' takes temperature and tint as they stand; 'patch' "
        "takes something grey that you point at; the others are usual lights.",
    )
    temperature: float = param(
        _KELVIN,
        *white.KELVIN,
        step=50.0,
        unit="K",
        help="Colour temperature of the light. Higher makes the picture warmer, lower makes it cooler. Counts in the modes "
        "'custom' and, once changed, 'as shot'.",
    )
    tint: float = param(
        _TINT,
        *white.TINT,
        step=1.0,
        help="How far the light is off the daylight and lamp colours. Higher makes the picture more magenta, lower makes it "
        "greener. Counts in the modes 'custom' and, once changed, 'as shot'.",
    )
    ambience: float = param(
        0.3,
        0.0,
        1.0,
        step=0.05,
        inference=True,  # its numbers are told, too
        help="How much of the warmth of lamps and of the coolness of shade is left in the mode 'ambience'. 0 makes every light "
        "neutral, as 'auto' does.",
    )
    patch: Rect | tuple[()] = param(
        (),
        kind="rect",
        inference=True,
        label="Pick grey",
        help="The area that should be grey (for the mode 'patch'), at least 9 by 9 pixels. Clipped pixels in it are ignored.",
    )

    @classmethod
    def migrate(cls, version: int, values: dict[str, Any]) -> dict[str, Any]:
        """Before version 2, 'auto' always left a quarter of the warmth of lamps; before 5, a temperature alone meant tint 0."""
        if version < 2 and values.get("mode") == "auto":
            values = {**values, "mode": "ambience", "ambience": 0.25}
        if version < 5 and values.get("mode") == "custom":
            values = {"temperature": 5003.0, **values}
        if version < 5 and "temperature" in values:
            values = {"tint": 0.0, **values}
        return values

    def weights_digest(self) -> str:
        """Of the network that judges the light; "" where closed forms do."""
        path = _weights()
        return weights.digest(path) if path else ""

    def measure(self, probe: Probe) -> Reading:
        """The light as shot, the lights that the picture speaks for and, where there is a patch, as the patch says.

        Values are by mode: xy (not of usual lights), temperature and tint, so that both can be shown and gone on from.
        Candidates are the lights, likeliest first, at most three.
        """
        meta = probe.meta
        camera = Camera.of(meta)
        if camera.monochrome:
            return Reading()
        found = [(_light(xy), share) for xy, share in _lights(probe, camera)]
        kept = _kept(_xy(found[0][0]), self.ambience)
        values = {"auto": found[0][0], "ambience": _light(kept)} | {
            name: {"temperature": k, "tint": t} for name, (k, t) in PRESETS.items()
        }
        shot = _as_shot(meta, camera)
        # where nothing was noted, 'as shot' stands for the same as 'auto'
        values["as shot"] = _light(shot) if shot else {**values["auto"], "noted": False}
        rows = [Candidate({"mode": "auto"}, found[0][1], _words("auto", found[0][0]))]
        for light, share in found[1:]:
            numbers = {"temperature": round(light["temperature"], 1), "tint": round(light["tint"], 2)}
            rows.append(Candidate({"mode": "custom", **numbers}, share, _words(_kind(light), light)))
        if len(self.patch) == 4:
            neutral = _patch_neutral(probe, self.patch)
            if neutral:
                values["patch"] = _light(camera.light(camera.xy(neutral)))
                rows = [Candidate({"mode": "patch"}, 1.0, _words("patch", values["patch"])), *rows[:2]]
        return Reading(values, tuple(rows))

    def _chosen(self, meta: Metadata, camera: Camera, reading: Reading) -> XY:
        if self.mode == "custom":
            return white.xy_from_kelvin(self.temperature, self.tint)
        if self.mode in PRESETS:
            return white.xy_from_kelvin(*PRESETS[self.mode])
        auto = _read(reading, "auto")
        if self.mode == "ambience" and auto:
            return _kept(auto, self.ambience)
        shot = _as_shot(meta, camera) or auto or camera.xy((1.0, 1.0, 1.0))
        if self.mode == "as shot":
            numbers = (self.temperature, self.tint)
            if numbers == (_KELVIN, _TINT):
                return shot
            pairs = zip(numbers, (_KELVIN, _TINT), white.kelvin_from_xy(shot), strict=True)
            return white.xy_from_kelvin(*(found if value == unset else value for value, unset, found in pairs))
        return _read(reading, self.mode) or shot

    def _gains(self, meta: Metadata, reading: Reading) -> tuple[XY, RGB]:
        """The light that is chosen, and the gains that make it neutral, or what the camera can see of it."""
        camera = Camera.of(meta)
        xy = D65 if camera.monochrome else self._chosen(meta, camera, reading)
        n = camera.neutral(xy)
        return xy, (max(n) / n[0], max(n) / n[1], max(n) / n[2])

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """The pixels times the gains."""
        _, gains = self._gains(image.meta, reading)
        return image.pixels * torch.tensor(gains, dtype=torch.float32, device=image.pixels.device)[:, None, None]

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """Notes the light and the gains; clip levels and noise follow the gains."""
        xy, gains = self._gains(meta, reading)
        r, g, b = (c * k for c, k in zip(meta.clip, gains, strict=True))
        scaled = tuple((a * k, v * k * k) for (a, v), k in zip(by_channel(meta.noise), gains, strict=False))
        return replace(meta, light=xy, gains=gains, clip=(r, g, b), noise=scaled)


def _as_shot(meta: Metadata, camera: Camera) -> XY | None:
    """The light that the camera noted; None where it noted none.

    Equal parts are also what stands where a file notes nothing.  No sensor answers a usual light like that; so it is
    believed only of cameras whose matrices bear it out, and of pictures that are no mosaic from a file.
    """
    if min(meta.white) <= 0:
        return None
    xy = camera.light(camera.xy(meta.white))
    if max(meta.white) == min(meta.white):
        noted = abs(white.kelvin_from_xy(xy)[1]) < 20 if camera.known else not (meta.digest and meta.cfa)
        return xy if noted else None
    return xy


def _weights() -> Path | None:
    """The file of the network that judges the light."""
    try:
        return weights.find(_WEIGHTS)
    except weights.WeightsMissing:
        return None


def _lights(probe: Probe, camera: Camera) -> list[tuple[XY, float]]:
    """The lights (xy) that a picture speaks for and the confidence in each: one at least, the likeliest first, at most three.

    By a network that knows the camera through its matrices; by closed forms where there are no matrices or no weights.
    """
    meta, thumb = probe.meta, probe.thumb(_THUMB)
    noise = _noise_floor(meta, thumb.frame.scale)
    path = _weights() if camera.known else None
    valid = unclipped(thumb.pixels, meta.clip, noise.clamp_min(1e-5), thumb.frame.scale < 1)
    if path is None or int(valid.sum()) < _TELLING:
        return [estimate(thumb.pixels, camera, meta.clip, noise)]
    cell = max(1, max(valid.shape) // _SMALL)
    share = F.avg_pool2d(valid[None, None].float(), cell, ceil_mode=True)
    small = F.avg_pool2d((thumb.pixels * valid)[None], cell, ceil_mode=True) / share.clamp_min(1e-6)
    way = canonical(camera)
    seen = torch.einsum("ij,bjhw->bihw", way.float().to(small.device), small)
    with torch.inference_mode():
        lit = lights(network(path, small.device), seen[0], share[0, 0] >= 0.5)
    found = []
    for place, confidence in lit:
        r, g, b = (float(v) for v in torch.linalg.solve(way, rgb(place.double())).clamp_min(1e-3))
        found.append((camera.light(camera.xy((r, g, b))), confidence))
    return [f for f in found if f[1] >= _UNLIKELY * found[0][1]]


def _kept(xy: XY, share: float) -> XY:
    """The light to make neutral, for one found: so much of the warmth of lamps and of the coolness of shade is kept."""
    kelvin, tint = white.kelvin_from_xy(xy)
    limit = min(max(kelvin, _LAMP), _SHADE)
    return xy if limit == kelvin else white.xy_from_kelvin(1.0 / ((1 - share) / kelvin + share / limit), tint)


def _light(xy: XY) -> dict[str, Any]:
    """A light as plain data: xy, temperature and tint; within what can be set, so that the numbers give the same picture."""
    kelvin, tint = white.kelvin_from_xy(xy)
    k, t = min(white.KELVIN[1], max(white.KELVIN[0], kelvin)), min(white.TINT[1], max(white.TINT[0], tint))
    if (k, t) != (kelvin, tint):
        xy = white.xy_from_kelvin(k, t)
    return {"xy": list(xy), "temperature": k, "tint": t}


def _kind(light: Mapping[str, Any]) -> str:
    """A light in a word."""
    if light["tint"] > _GREEN:
        return "green"
    kinds = ((3600, "lamp"), (4700, "warm"), (6000, "daylight"), (7500, "cloudy"))
    return next((word for kelvin, word in kinds if light["temperature"] < kelvin), "shade")


def _read(reading: Reading, mode: str) -> XY | None:
    light = reading.values.get(mode)
    return _xy(light) if isinstance(light, Mapping) else None


def _xy(light: Mapping[str, Any]) -> XY:
    x, y = light["xy"]
    return float(x), float(y)


def _words(mode: str, light: Mapping[str, Any]) -> str:
    return f"{mode}: {light['temperature']:.0f} K, tint {light['tint']:+.0f}"


def _noise_floor(meta: Metadata, scale: float) -> torch.Tensor:
    """Four standard deviations of the noise of black, (channels or 1, 1, 1), after averaging to `scale`."""
    variance = [b for _, b in meta.noise] or [0.0]
    return 4.0 * min(1.0, 2.0 * scale) * torch.tensor(variance).clamp_min(0).sqrt()[:, None, None]


def _patch_neutral(probe: Probe, rect: Rect) -> RGB | None:
    """The camera's response to what lies in `rect` (DefaultCrop coordinates), None where nothing there can tell.

    Clipped pixels, and the darkest and brightest tenth, are left out.
    """
    x, y, w, h = rect
    crop = probe.meta.crop or (0, 0, 0, 0)
    across, down = (crop[2], crop[3]) if probe.meta.crop else probe.full[::-1]
    if x >= across or y >= down or x + w <= 0 or y + h <= 0:
        return None
    dx, dy = max(0.0, (_LEAST_PATCH - w) / 2), max(0.0, (_LEAST_PATCH - h) / 2)
    pixels = probe.patch((x - dx + crop[0], y - dy + crop[1], w + 2 * dx, h + 2 * dy)).pixels
    flat = pixels.reshape(3, -1)
    # above 1.0, where the sensor ended, lies only what was rebuilt
    limit = torch.tensor([min(1.0, c) for c in probe.meta.clip], device=flat.device)[:, None]
    flat = flat[:, (flat < 0.97 * limit).all(0)]
    if flat.shape[1] == 0:
        return None
    total = flat.sum(0)
    rank = total.argsort()
    cut = rank.numel() // 10
    r, g, b = (float(v) for v in flat[:, rank[cut : rank.numel() - cut]].double().mean(1))
    return (r, g, b) if min(r, g, b) > 1e-4 * max(r, g, b) > 0 else None
