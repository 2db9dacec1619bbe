"""save_image: any image to the file that fits its state, whole or not at all."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import torch

from modisp.color import icc
from modisp.image import Image, Metadata, State
from modisp.io import exif
from modisp.io.atomic import replacing
from modisp.io.dng_write import write_dng
from modisp.io.errors import ImageError
from modisp.io.raster import DEPTHS, FORMATS, LONGEST, Attached, write_picture
from modisp.io.tags import Tags, short
from modisp.io.xmp import image_extras, pack_extras

_LINEAR = (State.MOSAIC, State.CAMERA, State.BALANCED, State.SCENE)


def save_image(
    image: Image,
    path: str | Path,
    *,
    quality: int = 92,
    subsampling: str = "4:4:4",
    progressive: bool = False,
    bits: int = 0,
    policy: exif.Policy = "all",
    extras: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Path:
    """Write an image to the file format that its state has; returns the path.

    | state                            | suffix                                    | bits (the first when 0)             |
    |----------------------------------|-------------------------------------------|-------------------------------------|
    | MOSAIC, CAMERA, BALANCED, SCENE  | .dng                                      | 32 float; 16 where nothing is lost  |
    | DISPLAY                          | .tif .tiff                                | 32 float                            |
    | ENCODED                          | .jpg .jpeg .png .tif .tiff .webp .avif    | 8; PNG 8, 16; TIFF 16, 8, 32 float  |

    `quality` is 1 … 100 (JPEG, WebP, AVIF), `subsampling` of the chroma 4:4:4, 4:2:2 or 4:2:0 (JPEG, AVIF).  ENCODED floats
    are rounded to the nearest step; uint8 and uint16 pixels are taken as they are.  `policy` says which EXIF goes along:
    `all`, `no-gps` or `none`.  `extras` is JSON data (recipe, readings, digest) that travels in XMP beside state, frame and
    metadata; ENCODED files carry XMP only where `extras` is given.

    The file appears whole or not at all: it is written beside its place, flushed and moved.  Its folder is made where it is
    missing.  Raises ImageError, one sentence, where the suffix does not fit, the file exists already (unless `force`),
    an argument is out of range, or writing fails; an older file is then as it was.
    """
    path = Path(path)
    _check(image, path, quality, subsampling, policy)
    bits = _depth(image, path, bits)
    if path.is_dir():
        raise ImageError(f"{path} is a folder; give the name of a file in it")
    try:
        if image.state in _LINEAR:
            return write_dng(path, image, bits=bits, extras=extras, policy=policy, force=force)
        attached = _attached(image, path, policy, extras)
        with replacing(path, force) as file:
            kind = FORMATS[path.suffix.lower()]
            write_picture(file, kind, image.pixels, bits, attached, quality, subsampling, progressive)
        return path
    except FileExistsError as e:
        if os.path.lexists(path):
            raise ImageError(f"{path} exists already; choose another name or allow it to be overwritten") from e
        raise ImageError(f"{path} could not be written: {e.strerror or e}") from e
    except OSError as e:
        raise ImageError(f"{path} could not be written: {e.strerror or e}") from e
    except (ValueError, OverflowError, struct.error, MemoryError) as e:  # numbers that a tag cannot hold, among others
        raise ImageError(f"{path} could not be written: {e or 'there is not enough memory'}") from e


def _check(image: Image, path: Path, quality: int, subsampling: str, policy: str) -> None:
    """Refuse a wrong suffix and arguments out of range."""
    suffix = path.suffix.lower()
    if image.state is State.BURST:
        raise ImageError("a BURST has no file format of its own; save its frames one by one as MOSAIC")
    fitting = {State.DISPLAY: (".tif", ".tiff"), State.ENCODED: tuple(FORMATS)}.get(image.state, (".dng",))
    if suffix not in fitting:
        better = path.with_suffix(fitting[0]).name if path.name else f"name{fitting[0]}"
        raise ImageError(
            f"{path}: an image in state {image.state.name} is saved as {', '.join(fitting)}; name it {better}, say"
        )
    if not 1 <= quality <= 100:
        raise ImageError(f"quality goes from 1 to 100; {quality} is outside")
    if subsampling not in ("4:4:4", "4:2:2", "4:2:0"):
        raise ImageError(f"subsampling is 4:4:4, 4:2:2 or 4:2:0, not {subsampling}")
    if policy not in get_args(exif.Policy):
        raise ImageError(f"the EXIF policy is one of {', '.join(get_args(exif.Policy))}, not {policy}")
    if image.state is State.ENCODED:
        kind = FORMATS[suffix]
        if max(image.height, image.width) > LONGEST[kind]:
            raise ImageError(f"{path}: {kind} ends at {LONGEST[kind]} pixels an edge; choose TIFF or a smaller size")


def _depth(image: Image, path: Path, bits: int) -> int:
    """The bits per channel to write (DNG decides on 0 itself)."""
    if image.state in _LINEAR:
        allowed: tuple[int, ...] = (0, 16, 32)
    elif image.state is State.DISPLAY:
        allowed = (32,)
    else:
        allowed = DEPTHS[FORMATS[path.suffix.lower()]]
        if bits == 0 and image.pixels.dtype == torch.uint16 and 16 in allowed:
            return 16
        if bits == 0 and image.pixels.dtype == torch.uint8:
            return 8
    if bits not in (0, *allowed):
        words = " or ".join(str(b) for b in allowed if b)
        raise ImageError(f"{path}: such a file has {words} bits per channel, not {bits}")
    return bits or allowed[0]


def _attached(image: Image, path: Path, policy: exif.Policy, extras: Mapping[str, Any] | None) -> Attached:
    """Profile, XMP and EXIF of a DISPLAY or ENCODED image."""
    meta = exif.scrub(image.meta, policy)
    tags = _tags(image, meta, policy)
    if image.state is State.DISPLAY:
        profile = icc.profile("rec2020", linear=True)
        xmp = pack_extras(image_extras(image, meta, extras))
    else:
        profile = image.meta.icc or (icc.profile(image.meta.space) if image.meta.space in icc.NAMES else b"")
        if FORMATS[path.suffix.lower()] != "TIFF":  # XMP is short in these, and the file itself holds profile and EXIF
            meta = replace(meta, icc=b"", exif=b"", opcodes=(), bad_pixels=())
        xmp = b"" if extras is None else pack_extras(image_extras(image, meta, extras))
    return Attached(profile, xmp, tags)


def _tags(image: Image, meta: Metadata, policy: exif.Policy) -> Tags:
    """EXIF tags; the orientation is that of the pixels, which geometry has made upright (1) in a whole run."""
    tags = exif.compose(meta, policy, (image.height, image.width))
    if tags or image.meta.orientation != 1:
        tags[274] = short(image.meta.orientation)
    return tags
