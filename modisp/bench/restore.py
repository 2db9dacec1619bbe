"""`modisp bench restore`: noise and blur taken out by ours and by the classics, judged on the demosaiced picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from modisp.bench.demosaic import PATTERNS, known, mosaic, shown
from modisp.bench.methods import Restorer, demosaicers, restorers, sizes, stage, then, wiener, wiener_planes
from modisp.bench.tables import BORDER, Crop, Method, Protocol, Row, compare, costs, enlarge, pictures
from modisp.color.transfer import decode
from modisp.image import Image, Metadata
from modisp.metrics import cpsnr
from modisp.simulate import optics
from modisp.simulate.noise import add_noise
from modisp.stages.restore import WEIGHTS

EVEN = (0.02, 0.05)
"""Standard deviations of even noise on encoded values: the published protocol."""
SHOT = 4e-3
"""Shot noise of the protocol that is a camera's at high ISO; read noise goes with it as in `simulate.noise`."""
BLUR, BLUR_SHOT = 1.0, 1e-3
LEVELS = (0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9)
FLAT_SHOT = 1e-2


def read_of(shot: float) -> float:
    """Read variance that goes with shot noise: the line of Brooks et al., CVPR 2019."""
    return math.exp(2.18 * math.log(shot) + 1.2)


def noisy(light: Tensor, shot: float, read: float, seed: int, blur: float = 0.0, cfa: str = "bayer") -> Image:
    """(3, H, W) → a noisy mosaic (`bayer`, `xtrans`, `quad`) that tells its noise."""
    if blur:
        light = optics.blur(light[None], optics.gaussian(blur))[0]
    pattern = PATTERNS[cfa]
    clean = mosaic(light, pattern, Metadata(cfa=pattern, noise=((shot, read),)))
    random = torch.Generator().manual_seed(1000 + seed)
    return clean.to(add_noise(clean.pixels[None], torch.tensor(shot), torch.tensor(read), random)[0])


def protocols(cfa: str = "bayer") -> dict[str, Protocol]:
    """Even noise on encoded values, a camera's noise on linear light, and blur with a little noise."""

    def even(sigma: float) -> Protocol:
        return Protocol(lambda truth, n: noisy(truth, 0.0, sigma * sigma, n, cfa=cfa), lambda rgb: rgb)

    def camera(shot: float, blur: float = 0.0) -> Protocol:
        return Protocol(lambda truth, n: noisy(decode("srgb", truth), shot, read_of(shot), n, blur, cfa), shown)

    return {
        **{f"noise {sigma:g}": even(sigma) for sigma in EVEN},
        f"shot noise {SHOT:g}": camera(SHOT),
        f"blur {BLUR:g}": camera(BLUR_SHOT, BLUR),
    }


def denoisers(cfa: str = "bayer") -> dict[str, Method]:
    """Restoration, then demosaicing: ours with ours of the same size, the classics with the best there is and with Menon."""
    demosaic = demosaicers(cfa)
    best = next(iter(demosaic))
    out = {}
    for name, restorer in restorers(cfa).items():
        out[f"{name} + {name if name in demosaic else best}"] = then(
            restorer, demosaic[name if name in demosaic else best]
        )
    if "Menon" in demosaic:
        out["restore_wavelet + Menon"] = then(restorers(cfa)["wavelets (restore_wavelet)"], demosaic["Menon"])
    return out | {k: demosaic[k] for k in ("Menon", "Malvar", "LibRaw three-pass") if k in demosaic}


FULL = {"denoise": 1.0, "chroma": 1.0, "deblur": 1.0}
STRENGTHS = (1.0, 3.0, 10.0)


def sharpeners(cfa: str = "bayer") -> dict[str, Restorer]:
    """Blur undone on the samples: ours told the radius and left to find it, our classical restoration."""
    out: dict[str, Restorer] = {}
    for size in reversed(sizes(WEIGHTS[cfa])):
        out[f"modisp {size}, told"] = stage("restore", size=size, radius=BLUR, **FULL)
        out[f"modisp {size}, found"] = stage("restore", size=size, **FULL)
    out["restore_wavelet, told"] = stage("restore_wavelet", radius=BLUR, **FULL)
    out["restore_wavelet, noise only"] = stage("restore_wavelet", denoise=1.0, chroma=1.0)
    return out


def deblurrers(cfa: str = "bayer") -> dict[str, Method]:
    """Blur undone, then demosaicing; Wiener's filter the other way round, after the best demosaicing."""
    demosaic = demosaicers(cfa)
    best = next(iter(demosaic))
    out = {k: then(r, demosaic.get(k.split(",")[0], demosaic[best])) for k, r in sharpeners(cfa).items()}
    for strength in STRENGTHS:
        out[f"Wiener {strength:g}, told"] = wiener(demosaic[best], optics.gaussian(BLUR), strength)
    out["nothing"] = demosaic[best]
    return out


def sharpened(
    folder: Path, limit: int | None = None, tell: Callable[[str], None] = print, cfa: str = "bayer"
) -> dict[str, float]:
    """Blur undone, judged on the samples themselves: CPSNR (8 bits, dB) of encoded mosaics by method, the mean of the pictures.

    Raises ValueError as `measure`.
    """
    known(cfa)
    methods = sharpeners(cfa)
    for strength in STRENGTHS if cfa == "bayer" else ():
        methods[f"Wiener {strength:g} on planes, told"] = wiener_planes(optics.gaussian(BLUR / 2), strength)
    methods["nothing"] = lambda image: image
    protocol, found = protocols(cfa)[f"blur {BLUR:g}"], dict.fromkeys(methods, 0.0)
    count = 0
    with torch.inference_mode():
        for count, (picture, truth) in enumerate(pictures(folder, limit), 1):
            image, sharp = protocol.make(truth, count - 1), mosaic(truth, PATTERNS[cfa]).pixels
            for name, method in methods.items():
                found[name] += cpsnr(shown(method(image).pixels), sharp, BORDER)
            tell(f"{picture}, deblurred samples")
    return {name: total / count for name, total in found.items()}


def measure(
    folder: Path, limit: int | None = None, tell: Callable[[str], None] = print, cfa: str = "bayer"
) -> tuple[list[Row], dict[str, list[Crop]]]:
    """The table of one pattern (`bayer`, `xtrans`, `quad`), and crops of every protocol, the worst first.

    Raises ValueError where the folder holds no pictures or the pattern is unknown.
    """
    known(cfa)
    how = protocols(cfa)
    methods = {p: deblurrers(cfa) if p.startswith("blur") else denoisers(cfa) for p in how}
    rows, crops = compare(pictures(folder, limit), how, methods, tell)
    _, first = next(pictures(folder, 1))
    costs(rows, {p: enlarge(how[p].make(first, 0)) for p in how}, methods)
    return rows, crops


def sharpened_words(found: Mapping[str, float]) -> str:
    """`sharpened` as a markdown table."""
    out = [f"## blur {BLUR:g}, judged on the samples that restoration hands on\n", "| method | CPSNR |\n|---|---:|"]
    out += [f"| {name} | {value:.2f} |" for name, value in sorted(found.items(), key=lambda f: -f[1])]
    return "\n".join(out)


def drift(cfa: str = "bayer") -> dict[str, dict[float, float]]:
    """Mean out − mean in of flat 512 × 512 patches by restorer and level, as a part of what is allowed.

    Allowed are half a percent of the level, at least 1e-4; noise has a = 1e-2.
    """
    out: dict[str, dict[float, float]] = {}
    found: Mapping[str, Restorer] = restorers(cfa)
    with torch.inference_mode():
        for name in (n for n in found if n.startswith(("modisp", "wavelets (restore"))):
            out[name] = {}
            for level in LEVELS:
                image = noisy(torch.full((3, 512, 512), level), FLAT_SHOT, read_of(FLAT_SHOT), 0, cfa=cfa)
                moved = float(found[name](image).pixels.double().mean() - image.pixels.double().mean())
                out[name][level] = moved / max(0.005 * level, 1e-4)
    return out


def drift_words(moved: Mapping[str, Mapping[float, float]]) -> str:
    """`drift` as a markdown table."""
    out = ["## Mean of flat patches, out − in, as a part of what is allowed (1 is the bound)\n"]
    out.append("| level | " + " | ".join(moved) + " |\n|---:" + "|---:" * len(moved) + "|")
    out += [f"| {level:g} | " + " | ".join(f"{moved[n][level]:.2f}" for n in moved) + " |" for level in LEVELS]
    return "\n".join(out)
