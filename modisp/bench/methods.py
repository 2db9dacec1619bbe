"""Methods that ours are measured against: other people's, where they are installed, and what the textbooks know."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from modisp import weights
from modisp.bench.tables import Method
from modisp.image import Image
from modisp.io.dng_write import write_dng
from modisp.learned import QUICK, SIZES
from modisp.nets.compand import stabilise, stable_sigma, unstabilise
from modisp.operators.cfa import pad
from modisp.stage import list_stages
from modisp.stages.restore import WEIGHTS

SMALLEST = 528
"""Pixels: LibRaw refuses smaller X-Trans pictures."""

Restorer = Callable[[Image], Image]
"""MOSAIC image → MOSAIC image."""


def stage(name: str, **values: object) -> Callable[[Image], Image]:
    """A stage of modisp, set so."""
    made = list_stages()[name]().with_values(**values)
    return lambda image: made(image)


def pixels(first: Callable[[Image], Image]) -> Method:
    """A stage's result as pixels."""
    return lambda image: first(image).pixels


def then(restorer: Restorer, demosaicer: Method) -> Method:
    """One after the other."""
    return lambda image: demosaicer(restorer(image))


def sizes(task: str) -> list[str]:
    """The sizes of a task whose weights are at hand."""
    found = []
    for size in (QUICK, *SIZES):
        try:
            weights.find(f"{task}-{size}")
        except weights.WeightsMissing:
            continue
        found.append(size)
    return found


# --- demosaicing --------------------------------------------------------------------------------------------------


def demosaicers(cfa: str) -> dict[str, Method]:
    """What can demosaic a pattern (`bayer`, `xtrans`, `quad`) here, by name, ours first, the best of ours at the head."""
    out = {f"modisp {s}": pixels(stage("demosaic", size=s)) for s in reversed(sizes(f"demosaic-{cfa}"))}
    if cfa != "bayer":
        out[f"demosaic_{cfa}"] = pixels(stage(f"demosaic_{cfa}"))
    if cfa == "bayer":
        out["Malvar"] = pixels(stage("demosaic_malvar"))
        out["bilinear"] = pixels(stage("demosaic_bilinear"))
        if find_spec("colour_demosaicing"):
            out["Menon"] = menon
        out |= {f"LibRaw {n}": libraw(n) for n in ("AHD", "DCB", "AAHD")}
    if cfa == "xtrans":
        out["LibRaw three-pass"] = libraw("AHD")
    return out


def menon(image: Image) -> Tensor:
    """D. Menon, S. Andriani, G. Calvagno: Demosaicing with directional filtering and a posteriori decision, 2007."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about drawing, which nobody wants here
        from colour_demosaicing import demosaicing_CFA_Bayer_Menon2007

    pattern = "".join(image.meta.cfa)
    out = demosaicing_CFA_Bayer_Menon2007(image.pixels[0].double().numpy(), pattern)
    return torch.from_numpy(np.ascontiguousarray(out, np.float32)).permute(2, 0, 1)


def libraw(algorithm: str) -> Method:
    """LibRaw's demosaicer of a name, through a DNG of 16 bits."""

    def run(image: Image) -> Tensor:
        import rawpy

        with tempfile.TemporaryDirectory(prefix="modisp-bench-") as folder:
            path = Path(folder) / "mosaic.dng"
            bottom, right = (max(0, SMALLEST - n) for n in (image.height, image.width))
            grown = pad(image.pixels.clamp(0, 1), image.meta.cfa, 0, bottom, 0, right)
            write_dng(path, Image(grown, image.state, image.meta), bits=16)
            with rawpy.imread(str(path)) as raw:
                rgb = raw.postprocess(
                    demosaic_algorithm=rawpy.DemosaicAlgorithm[algorithm],
                    output_color=rawpy.ColorSpace.raw,
                    gamma=(1, 1),
                    user_wb=[1, 1, 1, 1],
                    output_bps=16,
                    no_auto_bright=True,
                    adjust_maximum_thr=0,
                    user_flip=0,
                )
        rgb = rgb[: image.height, : image.width]
        return torch.from_numpy(rgb.astype(np.float32) / 65535).permute(2, 0, 1)

    return run


# --- noise and blur ---------------------------------------------------------------------------------------------------


def restorers(cfa: str = "bayer") -> dict[str, Restorer]:
    """What can take noise out of a mosaic of a pattern here, by name, at full strength, ours first."""
    full = {"denoise": 1.0, "chroma": 1.0}
    out = {f"modisp {s}": stage("restore", size=s, **full) for s in reversed(sizes(WEIGHTS[cfa]))}
    out["wavelets (restore_wavelet)"] = stage("restore_wavelet", **full)
    if cfa == "bayer" and find_spec("skimage"):
        out["non-local means"] = _on_planes(_nlm)
    if cfa == "bayer" and find_spec("skimage") and find_spec("pywt"):
        out["wavelets (scikit-image)"] = _on_planes(_shrink)
    return out


def _on_planes(denoise: Callable[[np.ndarray, float], np.ndarray]) -> Restorer:
    """A denoiser of even noise, of standard deviation 1, on the four phase planes (h, w, 4) of variance-stabilised samples."""

    def run(image: Image) -> Image:
        shot, read = (torch.tensor(v) for v in image.meta.noise[0])
        h, w = image.height // 2 * 2, image.width // 2 * 2
        unit = stable_sigma(shot, read)
        planes = F.pixel_unshuffle(stabilise(image.pixels[None, :, :h, :w], shot, read) / unit, 2)[0]
        clean = torch.from_numpy(denoise(planes.permute(1, 2, 0).double().numpy(), 1.0)).float().permute(2, 0, 1)
        out = image.pixels.clone()
        out[:, :h, :w] = unstabilise(F.pixel_shuffle(clean[None], 2)[0] * unit, shot, read)
        return image.to(out)

    return run


def _nlm(planes: np.ndarray, sigma: float) -> np.ndarray:
    """A. Buades, B. Coll, J.-M. Morel: A non-local algorithm for image denoising, CVPR 2005."""
    from skimage.restoration import denoise_nl_means

    return np.asarray(
        denoise_nl_means(planes, patch_size=5, patch_distance=6, h=0.6 * sigma, sigma=sigma, channel_axis=-1)
    )


def _shrink(planes: np.ndarray, sigma: float) -> np.ndarray:
    """S. G. Chang, B. Yu, M. Vetterli: Adaptive wavelet thresholding for image denoising and compression, 2000."""
    from skimage.restoration import denoise_wavelet

    span = float(np.ptp(planes)) or 1.0
    clean = denoise_wavelet((planes - planes.min()) / span, sigma=sigma / span, channel_axis=-1, rescale_sigma=False)
    return np.asarray(clean * span + planes.min())


def wiener(demosaicer: Method, psf: Tensor, strength: float) -> Method:
    """N. Wiener's filter of the demosaiced picture; see `filtered`."""

    def run(image: Image) -> Tensor:
        return filtered(demosaicer(image), psf, image.meta.noise[0], strength)

    return run


def wiener_planes(psf: Tensor, strength: float) -> Restorer:
    """N. Wiener's filter of the four phase planes of a mosaic, on which a blur is half as wide (`psf` is theirs)."""

    def run(image: Image) -> Image:
        out = image.pixels.clone()
        h, w = image.height // 2 * 2, image.width // 2 * 2
        planes = F.pixel_unshuffle(out[None, :, :h, :w], 2)[0]
        out[:, :h, :w] = F.pixel_shuffle(filtered(planes, psf, image.meta.noise[0], strength)[None], 2)[0]
        return image.to(out)

    return run


def filtered(pixels: Tensor, psf: Tensor, noise: tuple[float, float], strength: float) -> Tensor:
    """N. Wiener's filter of (C, H, W), told the PSF and the noise, for pictures whose spectrum falls as the square of frequency.

    Mirrored beyond the edges; `strength` scales the share of noise to signal.
    """
    a, b = noise
    rim = 16
    x = F.pad(pixels[None], (rim, rim, rim, rim), "reflect")[0].double()
    h, w = x.shape[1:]
    kernel = torch.zeros(h, w, dtype=torch.float64)
    side = psf.shape[-1]
    kernel[:side, :side] = psf
    response = torch.fft.rfft2(kernel.roll((-(side // 2), -(side // 2)), (0, 1)))
    v, u = torch.fft.fftfreq(h)[:, None], torch.fft.rfftfreq(w)[None]
    fall = 1 / (v * v + u * u).clamp_min(1 / (h * w)).double()
    out = torch.empty_like(x)
    for c, plane in enumerate(x):
        level = a * float(plane.clamp_min(0).mean()) + b
        signal = max(1e-8, float(plane.var()) - level) * fall / float(fall.mean())
        gain = response.conj() / (response.abs() ** 2 + strength * level / signal)
        mean = plane.mean()
        out[c] = torch.fft.irfft2(torch.fft.rfft2(plane - mean) * gain, s=(h, w)) + mean
    return out[:, rim:-rim, rim:-rim].float()
