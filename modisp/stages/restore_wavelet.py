"""Noise and blur taken out of the mosaic: wavelet shrinkage told by the noise model, and a damped deconvolution.

Noise: see `modisp.operators.wavelet`.  Blur: van Cittert's iteration (P. H. van Cittert, Z. Physik 69, 1931), two steps, on the
colour-blind local mean of the denoised mosaic, so that no colour is touched; held back where it is no clearer than the
noise, and where it would reach beyond what is seen close by, so that edges get steep but no rims.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch.nn import functional as F

from modisp.image import Image, Metadata, State
from modisp.operators.cfa import balance, colours, is_rgb, period
from modisp.operators.noise import LEAST, gaussian, left_after, luminance, survey
from modisp.operators.wavelet import Noise, find_noise
from modisp.parameter import OWN
from modisp.stage import Parts, Probe, Reading, Stage, checkpoint, param

STEPS = 2
BAND = 240
REACH = 48  # pixels, that deblurring of the widest blur on the largest pattern looks round itself
OVERSHOOT = 0.15  # of the local range, that sharpening may reach beyond it


class RestoreWavelet(
    Stage,
    slot="restore",
    reads=State.MOSAIC,
    writes=State.MOSAIC,
    version=2,
    title="Noise and blur (wavelets)",
    group="Detail",
    straight=("denoise", "chroma"),
    tile=1200,
    infer_halo=96,
):
    """Takes grain, colour noise and a little lens blur out of the sensor's own samples, before anything else."""

    denoise: float = param(
        0.4,
        0,
        1,
        step=0.01,
        unit="%",
        label="Noise",
        help="Takes off grain: how much of the brightness noise is removed.",
        mask=OWN,
    )
    chroma: float = param(
        0.8, 0, 1, step=0.01, unit="%", label="Colour noise", help="Takes off coloured specks and blotches.", mask=OWN
    )
    deblur: float = param(
        0.0,
        0,
        1,
        step=0.01,
        unit="%",
        label="Deblur",
        help="Makes edges as crisp as they were before the lens.",
        mask=OWN,
    )
    radius: float = param(
        0.0,
        0,
        2,
        step=0.05,
        unit="px",
        label="Blur radius",
        help="How wide the blur is that Deblur undoes, in pixels; 0 takes what its edges tell.",
        advanced=True,
        inference=True,
    )
    level: float = param(
        1.0,
        0.25,
        4,
        step=0.05,
        label="Noise level",
        help="Corrects the measured noise level: raise it where grain is left, lower it where texture is lost.",
        advanced=True,
        inference=True,
    )

    @classmethod
    def accepts(cls, meta: Metadata) -> bool:
        """Red, green and blue in a pattern that divides 24, or a sensor without colours."""
        return is_rgb(meta.cfa) or (bool(meta.cfa) and len(set("".join(meta.cfa))) == 1)

    def measure(self, probe: Probe) -> Reading:
        """`noise`: (a, b) for R, G, B, the file's or estimated; `blur`: its standard deviation in pixels, 0 unknown."""
        return survey(probe)

    def _noise(self, reading: Reading) -> Noise:
        return tuple((float(a) * self.level**2, float(b) * self.level**2) for a, b in reading.values["noise"])

    def _sigma(self, reading: Reading) -> float:
        return self.radius or max(LEAST, float(reading.values["blur"]))

    def infer(self, image: Image, reading: Reading) -> Parts:
        """`luma`, `chroma`: the noise found, each (1, H, W)."""
        luma, chroma = find_noise(image.pixels, image.meta.cfa, self._noise(reading), balance(image.meta))
        return {"luma": luma, "chroma": chroma}

    def halo(self, scale: float) -> int:
        """Deblurring looks round itself; noise was found beforehand."""
        return REACH if self.deblur else 0

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """(1, H, W) samples less the noise, plus the detail that blur took, each by its strength."""
        out = image.pixels
        if parts is None or self == self.neutral():
            return out
        for name, strength in (("luma", -self.denoise), ("chroma", -self.chroma)):
            if strength:
                out = parts[name].float().mul(strength).add_(out)
        return self._deblur(out, image, reading) if self.deblur else out

    def _deblur(self, x: torch.Tensor, image: Image, reading: Reading) -> torch.Tensor:
        cfa, white, noise, sigma = image.meta.cfa, balance(image.meta), self._noise(reading), self._sigma(reading)
        gains = torch.tensor(white, device=x.device)
        out = torch.empty_like(x)
        for top in range(0, image.height, BAND):  # in bands that the processor's cache holds
            checkpoint()
            first, last = max(0, top - REACH), min(image.height, top + BAND + REACH)
            detail = _sharpen(luminance(x[:, first:last], cfa, white), sigma, max(period(cfa)), noise[1])
            if is_rgb(cfa):
                detail *= gains[colours(cfa, last - first, image.width).to(x.device)]
            bottom = min(top + BAND, image.height)
            out[:, top:bottom] = detail[:, top - first : bottom - first].mul_(self.deblur).add_(x[:, top:bottom])
        return out

    def describe(self, meta: Metadata, reading: Reading) -> Metadata:
        """The noise and blur that are left."""
        if self == self.neutral() or "noise" not in reading.values:
            return meta
        left = left_after(self.denoise, self.chroma)
        noise = tuple((a * left, b * left) for a, b in self._noise(reading))
        blur = self._sigma(reading) * (1 - self.deblur)
        return replace(meta, noise=noise, blur=blur)

    def neutral(self) -> RestoreWavelet:
        """Everything is left as it was measured."""
        return replace(self, denoise=0.0, chroma=0.0, deblur=0.0)


def _greatest(x: torch.Tensor, choose: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """The greatest (least) value within two pixels."""
    for axis in (-1, -2):
        p = F.pad(x, (2, 2, 0, 0) if axis == -1 else (0, 0, 2, 2), mode="replicate")
        n = p.shape[axis]
        two = choose(p.narrow(axis, 0, n - 1), p.narrow(axis, 1, n - 1))
        x = choose(choose(two.narrow(axis, 0, n - 4), two.narrow(axis, 2, n - 4)), p.narrow(axis, 4, n - 4))
    return x


def _sharpen(y: torch.Tensor, sigma: float, span: int, noise: tuple[float, float]) -> torch.Tensor:
    """What deblurring adds to the local mean (1, H, W) over `span` pixels of a picture blurred by `sigma`."""
    own = (span * span + 2) / 12 if span > 1 else 0.0
    x = y[None]
    sharp, flat = x, x
    for _ in range(STEPS):
        sharp = sharp + x - gaussian(sharp, (sigma * sigma + own) ** 0.5)
        if own:  # the mean's own blur is no fault of the lens: sharpen for both, less what the mean alone would get
            flat = flat + x - gaussian(flat, own**0.5)
    detail = sharp - flat
    high, low = _greatest(x, torch.maximum), _greatest(x, torch.minimum)
    room = (high - low) * OVERSHOOT
    detail = torch.maximum(torch.minimum(detail, high - x + room), low - x - room)
    energy = detail * detail
    floor = noise[0] * x.clamp(min=0) + noise[1] + 1e-12
    return (detail * energy / (energy + floor))[0]
