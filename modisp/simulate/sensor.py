"""The simulated camera: light through filters onto a sensor, photons counted, numbers written, and the truth kept."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from modisp.color import spaces
from modisp.image import Image, Metadata, State
from modisp.io.levels import Levels, normalise
from modisp.simulate import cameras, optics, spectra
from modisp.simulate.noise import add_noise
from modisp.simulate.scenes import Scene, scene, turn_to_sensor

CFAS: dict[str, tuple[str, ...]] = {
    "RGGB": ("RG", "GB"),
    "GRBG": ("GR", "BG"),
    "GBRG": ("GB", "RG"),
    "BGGR": ("BG", "GR"),
    "xtrans": ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG"),
    "quad": ("RRGG", "RRGG", "GGBB", "GGBB"),
    "hex": ("RRRRGGGG",) * 4 + ("GGGGBBBB",) * 4,
    "mono": ("W",),
}
"""Colour filter arrays by name: Bayer's four phases, X-Trans, 2×2 and 4×4 blocks in Bayer order, none."""


def noise_of(iso: float) -> tuple[float, float]:
    """Variance a·x + b at signal x for an ISO speed: a = 1e-4 at ISO 100, b on the line of Brooks et al. (CVPR 2019)."""
    if not 0 <= iso <= 1e6:
        raise ValueError(f"an ISO speed lies in [0, 1000000], not {iso:g}")
    a = 1e-6 * iso
    return a, math.exp(2.18 * math.log(a) + 1.2) if a > 0 else 0.0


def simulate(
    source: Scene | str | Path | Image,
    *,
    cfa: str = "RGGB",
    camera: str = "aster",
    light: str = "D65",
    exposure: float = 0.0,
    noise: float | tuple[float, float] = 100.0,
    blur: float = 0.0,
    seed: int = 0,
    bits: int = 14,
    black: int | None = None,
    dual: bool = True,
    orientation: int = 1,
    baseline: float = 0.0,
    size: tuple[int, int] | None = None,
) -> tuple[Image, Image]:
    """Photograph a scene: (MOSAIC image, noise-free SCENE image, both in sensor orientation).

    `source`: a `Scene`, or what `scenes.scene` takes: a scene's name, a picture file, an Image.  `cfa`: see `CFAS`.
    `camera`: see `cameras.CAMERAS`; `light`: see `spectra.LIGHTS`.  `exposure` in EV: at 0 the scene's white just
    saturates the camera's most sensitive channel.  `noise`: an ISO speed (0 is none), or (a, b) with variance a·x + b.
    `blur`: standard deviation of a Gaussian in pixels, 0…4.  `bits`: 8…16 of the numbers written, `black` their
    pedestal (default 1/32 of the range).  `dual`: matrices for A and D65, else for D65 only.  `orientation`: EXIF's;
    the scene stays upright for the viewer.  `baseline`: BaselineExposure, EV.  `size`: (height, width) of the upright scene.

    The truth is the scene as it looks under D65, at the scale that SCENE has (gains of smallest 1), unclipped.
    Raises ValueError with one sentence for what does not fit.
    """
    if cfa not in CFAS:
        raise ValueError(f"no colour filter array is called {cfa!r}: take one of {', '.join(CFAS)}")
    if not 8 <= bits <= 16:
        raise ValueError(f"a sensor has 8 to 16 bits, not {bits}")
    if orientation not in range(1, 9):
        raise ValueError(f"an orientation is one of EXIF's 1 to 8, not {orientation}")
    if not (abs(exposure) <= 20 and abs(baseline) <= 10):
        raise ValueError(
            f"exposure lies in [-20, 20] EV and baseline in [-10, 10] EV, not {exposure:g} and {baseline:g}"
        )
    white = 2**bits - 1
    black = 2 ** (bits - 5) if black is None else black
    if not 0 <= black < white:
        raise ValueError(f"the black level lies in [0, {white}), not {black}")
    shot, read = noise if isinstance(noise, tuple) else noise_of(noise)
    if not (0 <= shot < 10 and 0 <= read < 10):
        raise ValueError(f"noise is (a, b) with variances a·x + b between 0 and 10, not {(shot, read)}")

    subject = source if isinstance(source, Scene) else scene(source, size, seed)
    body, lamp, gain = cameras.camera(camera), spectra.light(light), 2.0**exposure
    seen = body.response(subject.palette, lamp)
    neutral = body.neutral(lamp)
    if CFAS[cfa] == ("W",):  # no filters: all that the silicon sees
        seen = np.repeat(seen.sum(1, keepdims=True), 3, 1) / neutral.sum()
        neutral = np.ones(3)
    signal = turn_to_sensor(subject.paint(torch.from_numpy(seen * gain).float()), orientation)
    if blur:
        signal = _blur(signal, blur)
    samples = _filter(signal, CFAS[cfa])
    random = torch.Generator().manual_seed(seed)
    samples = add_noise(samples[None], torch.tensor(shot), torch.tensor(read), random, exact=shot > 0)[0]

    meta = _describe(
        subject, body, cfa, dual, neutral, replace(Metadata(), orientation=orientation, baseline_exposure=baseline)
    )
    meta = replace(meta, black_level=(float(black),), white_level=float(white), blur=blur)
    if shot or read:
        meta = replace(meta, noise=((shot, read),), iso=float(round(shot * 1e6)))
    mosaic = Image(_convert(samples, black, white), State.MOSAIC, meta)
    return mosaic, Image(
        _truth(subject, gain, orientation, cfa, seen), State.SCENE, replace(meta, noise=(), opcodes=())
    )


def _truth(subject: Scene, gain: float, orientation: int, cfa: str, seen: Any) -> torch.Tensor:
    """The scene under D65 in linear Rec.2020; of an unfiltered sensor, what it sees, as grey."""
    if CFAS[cfa] == ("W",):
        colours = torch.from_numpy(seen * gain)
    else:
        d65 = spectra.light("D65")
        xyz = spectra.xyz(subject.palette, d65) * (spaces.xyz_of(spaces.D65).numpy() / (spectra.observer() @ d65))
        colours = torch.from_numpy(xyz * gain) @ spaces.between64("xyz", "rec2020").T
    return turn_to_sensor(subject.paint(colours.float()), orientation).contiguous()


def _blur(signal: torch.Tensor, sigma: float) -> torch.Tensor:
    if not 0 <= sigma <= 4:
        raise ValueError(f"blur is a standard deviation of 0 to 4 pixels, not {sigma:g}")
    side = 2 * math.ceil(3.5 * sigma + 1) + 1
    psf = optics.gaussian(sigma, side)
    return optics.blur(signal[None], psf)[0]


def _filter(signal: torch.Tensor, cfa: tuple[str, ...]) -> torch.Tensor:
    """Camera RGB (3, H, W) → the one colour (1, H, W) that each place's filter lets through."""
    high, wide = len(cfa), len(cfa[0])
    out = torch.empty(1, *signal.shape[1:])
    for i, row in enumerate(cfa):
        for j, letter in enumerate(row):
            out[0, i::high, j::wide] = signal["RGB".index(letter) if letter in "RGB" else 1, i::high, j::wide]
    return out


def _convert(samples: torch.Tensor, black: int, white: int) -> torch.Tensor:
    """Through the converter's integers and back to MOSAIC's scale, as a reader of the file would do it."""
    values = np.rint(samples.numpy() * (white - black) + black).clip(0, white)
    out = np.empty_like(values, dtype=np.float32)
    normalise(values.transpose(1, 2, 0), Levels.simple(black, white), 0, out)
    return torch.from_numpy(out)


def _describe(subject: Scene, body: cameras.Camera, cfa: str, dual: bool, neutral: Any, meta: Metadata) -> Metadata:
    r, g, b = (float(v) for v in neutral)
    meta = replace(meta, make="modisp", model=f"modisp {body.name}", name=subject.name, cfa=CFAS[cfa], white=(r, g, b))
    if CFAS[cfa] == ("W",):
        return meta
    profiles = [cameras.profile(body.source, lamp) for lamp in (("A", "D65") if dual else ("D65",))]
    return replace(
        meta,
        color_matrix=tuple(p.color_matrix for p in profiles),
        forward_matrix=tuple(p.forward_matrix for p in profiles),
        illuminants=tuple(p.illuminant for p in profiles),
    )
