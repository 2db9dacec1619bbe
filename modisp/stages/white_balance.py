"""White balance: which light the picture was taken in, and the gains that make it neutral.

Every mode ends in one chromaticity, and everything follows from that: the gains here, the colour matrix later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from modisp.color import white
from modisp.color.camera import RGB, XY, Camera
from modisp.color.illuminant import estimate
from modisp.color.spaces import D65
from modisp.image import Image, Metadata, Rect, State
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

_KELVIN, _TINT = 5003.0, 0.0  # D50, the middle of what is usual; no slider step lands on it by chance
_LEAST_PATCH = 9  # full-size pixels
_LAMP = 4500.0  # K; warmer light is lamplight


class WhiteBalance(
    Stage,
    slot="white_balance",
    reads=State.CAMERA,
    writes=State.BALANCED,
    title="White balance",
    group="White balance",
):
    """Multiplies the channels so that the light becomes neutral; the smallest gain is 1, so that what is clipped stays white."""

    mode: str = param(
        "as shot",
        choices=("as shot", "auto", "custom", "patch", *PRESETS),
        help="Which light the picture was taken in. 'As shot' takes what the camera noted, until you set the temperature or "
        "the tint, which then count instead; 'auto' judges the picture and leaves lamplight a little warm; 'custom' takes "
        "temperature and tint as they stand; 'patch' takes something grey that you point at; the others are usual lights.",
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
    patch: Rect | tuple[()] = param(
        (),
        kind="rect",
        inference=True,
        help="The area that should be grey (for the mode 'patch'), at least 9 by 9 pixels. Clipped pixels in it are ignored.",
    )

    def measure(self, probe: Probe) -> Reading:
        """The light as shot, as judged from the picture and, where there is a patch, as the patch says."""
        meta = probe.meta
        camera = Camera.of(meta)
        if camera.monochrome:
            return Reading()
        thumb = probe.thumb(256)
        xy, confidence = estimate(thumb.pixels, camera, meta.clip, _noise_floor(meta, thumb.frame.scale))
        values = {"auto": _light(_kept_warm(xy) if camera.known else xy)}
        found = [("auto", confidence)]
        shot = _as_shot(meta, camera)
        if shot:
            values["as shot"] = _light(shot)
            found.append(("as shot", 0.9 if abs(white.kelvin_from_xy(shot)[1]) < 60 else 0.3))
        if len(self.patch) == 4:
            neutral = _patch_neutral(probe, self.patch)
            if neutral:
                values["patch"] = _light(camera.light(camera.xy(neutral)))
                found.append(("patch", 1.0))
        found.sort(key=lambda f: -f[1])
        return Reading(values, tuple(Candidate({"mode": m}, c, _words(m, values[m])) for m, c in found))

    def _chosen(self, meta: Metadata, camera: Camera, reading: Reading) -> XY:
        if self.mode == "custom":
            return white.xy_from_kelvin(self.temperature, self.tint)
        if self.mode in PRESETS:
            return white.xy_from_kelvin(*PRESETS[self.mode])
        if self.mode == "as shot" and self.temperature != _KELVIN:
            return white.xy_from_kelvin(self.temperature, self.tint)
        shot = _as_shot(meta, camera) or _read(reading, "auto") or camera.xy((1.0, 1.0, 1.0))
        if self.mode == "as shot":
            return white.xy_from_kelvin(white.kelvin_from_xy(shot)[0], self.tint) if self.tint != _TINT else shot
        return _read(reading, self.mode) or shot

    def _gains(self, meta: Metadata, reading: Reading) -> tuple[XY, RGB]:
        """The light that becomes neutral, and the gains that make it so."""
        camera = Camera.of(meta)
        xy = D65 if camera.monochrome else camera.light(self._chosen(meta, camera, reading))
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
        noise = meta.noise * 3 if len(meta.noise) == 1 else meta.noise
        scaled = tuple((a * k, v * k * k) for (a, v), k in zip(noise, gains, strict=False))
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


def _kept_warm(xy: XY) -> XY:
    """The light to make neutral, for one found automatically: lamplight keeps a quarter of its warmth, as eyes leave it."""
    kelvin, tint = white.kelvin_from_xy(xy)
    if kelvin >= _LAMP:
        return xy
    return white.xy_from_kelvin(1.0 / (0.75 / kelvin + 0.25 / _LAMP), tint)


def _light(xy: XY) -> dict[str, Any]:
    """A light as plain data: xy, and the temperature and tint within what can be set."""
    kelvin, tint = white.kelvin_from_xy(xy)
    return {
        "xy": list(xy),
        "temperature": min(white.KELVIN[1], max(white.KELVIN[0], kelvin)),
        "tint": min(white.TINT[1], max(white.TINT[0], tint)),
    }


def _read(reading: Reading, mode: str) -> XY | None:
    light = reading.values.get(mode)
    return (float(light["xy"][0]), float(light["xy"][1])) if isinstance(light, Mapping) else None


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
    dx, dy = max(0.0, (_LEAST_PATCH - w) / 2), max(0.0, (_LEAST_PATCH - h) / 2)
    pixels = probe.patch((x - dx + crop[0], y - dy + crop[1], w + 2 * dx, h + 2 * dy)).pixels
    flat = pixels.reshape(3, -1)
    limit = torch.tensor(probe.meta.clip, device=flat.device)[:, None]
    flat = flat[:, (flat < 0.97 * limit).all(0)]
    if flat.shape[1] == 0:
        return None
    total = flat.sum(0)
    rank = total.argsort()
    cut = rank.numel() // 10
    r, g, b = (float(v) for v in flat[:, rank[cut : rank.numel() - cut]].double().mean(1))
    return (r, g, b) if min(r, g, b) > 1e-4 * max(r, g, b) > 0 else None
