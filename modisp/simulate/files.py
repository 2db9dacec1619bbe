"""From a scene to files: the DNG, and the truth beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from modisp.color import icc, spaces, transfer
from modisp.image import Image
from modisp.io.atomic import replacing
from modisp.io.dng_write import write_dng
from modisp.io.raster import Attached, write_tiff
from modisp.io.tags import short
from modisp.io.xmp import image_extras, pack_extras
from modisp.resample import resize
from modisp.simulate.sensor import simulate

PREVIEW = 640  # pixels of the long edge


def simulate_file(
    scene: str | Path,
    out: str | Path,
    truth: str | Path | None = None,
    *,
    force: bool = False,
    preview: bool = True,
    **settings: Any,
) -> tuple[Image, Image]:
    """Photograph `scene` (a scene's name or a picture file) into the DNG file `out`; `settings` as for `simulate`.

    `truth` is where the noise-free SCENE image goes: a TIFF or DNG file of floats.  Returns both images.  Raises
    ValueError for settings that do not fit, `modisp.io.ImageError` and OSError for files; FileExistsError without
    `force` where a file is there already.
    """
    out, aside = Path(out), None if truth is None else Path(truth)
    if out.suffix.lower() != ".dng":
        raise ValueError(f"a simulated camera writes DNG files: call it {out.stem}.dng")
    if aside is not None and aside.suffix.lower() not in (".tif", ".tiff", ".dng"):
        raise ValueError(f"the truth is floats, in a .tif or .dng file: {aside.name} is neither")
    for path in (out, aside):
        if path is not None and path.exists() and not force:
            raise FileExistsError(f"{path} exists already")
    mosaic, scene_image = simulate(scene, **settings)
    write_dng(out, mosaic, bits=16, preview=small_picture(scene_image) if preview else None, force=force)
    if aside is not None:
        _write_truth(aside, scene_image, force)
    return mosaic, scene_image


def _write_truth(path: Path, image: Image, force: bool) -> None:
    """A SCENE image as floats: DNG, or TIFF with the profile of linear Rec.2020."""
    if path.suffix.lower() == ".dng":
        write_dng(path, image, bits=32, force=force)
        return
    about = pack_extras(image_extras(image, image.meta, None))
    turned = {274: short(image.meta.orientation)} if image.meta.orientation != 1 else {}
    with replacing(path, force) as file:
        write_tiff(file, image.pixels, 32, Attached(icc.profile("rec2020", linear=True), about, turned))


def small_picture(scene: Image) -> NDArray[np.uint8]:
    """A quick sRGB rendering (h, w, 3) of a SCENE image in sensor orientation, for the file's preview."""
    s = min(1.0, PREVIEW / max(scene.height, scene.width))
    to = (max(1, round(scene.height * s)), max(1, round(scene.width * s)))
    p = resize(scene.pixels, (0.0, 0.0, float(scene.width), float(scene.height)), to).clamp_min(0)
    grey = (torch.tensor(spaces.LUMA)[:, None, None] * p).sum(0)
    middle = float(torch.exp(torch.log(grey + 1e-4).mean()))
    p = p * float(np.clip(0.16 / middle, 0.25, 16.0))
    p = p * (1 + p / 16) / (1 + p) * 1.35  # a shoulder (Reinhard et al. 2002)
    p = spaces.apply(spaces.between("rec2020", "srgb"), p).clamp(0, 1)
    return np.asarray((transfer.encode("srgb", p) * 255 + 0.5).to(torch.uint8).permute(1, 2, 0).numpy())
