"""MOSAIC, CAMERA, BALANCED and SCENE images as DNG files, for us to resume from and for other programs to open.

DNG 1.4 (1.6 where a calibration illuminant has no code of its own), uncompressed, one strip.  Numbers are those of
the Adobe DNG specification 1.7.1.  What DNG has no tag for travels in XMP (see `modisp.io.xmp`).
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Picture

from modisp.color.spaces import D65, between64
from modisp.image import Image, Matrix, Metadata, State
from modisp.io import exif, opcodes_write
from modisp.io import tags as tiff
from modisp.io.atomic import replacing
from modisp.io.ifd import SUB_IFDS
from modisp.io.levels import Levels, normalise
from modisp.io.lights import LIGHTS
from modisp.io.tags import Tags, byte, double, long, rational, short, srational
from modisp.io.xmp import image_extras, pack_extras

Floats = NDArray[np.float32] | NDArray[np.float16]
"""Half floats are made whole band by band, as they are written."""

_STANDARD = (17, 21, 23, 20, 22)  # LightSource codes of CIE A, D65, D50, D55, D75: what other programs know
FLOOR, CEILING = -0.25, 8.0  # 16-bit files keep values from and up to here, where there are any
_PLANES = "RGBCMYW"  # CFAPattern: 0 red, 1 green, 2 blue, 3 cyan, …
_CFA, _LINEAR = 32803, 34892  # PhotometricInterpretation
_BAND = 1 << 21  # samples converted at a time: small enough to stay in the cache's reach


def write_dng(
    path: str | Path,
    image: Image,
    *,
    bits: int = 0,
    extras: Mapping[str, Any] | None = None,
    preview: NDArray[np.uint8] | None = None,
    policy: exif.Policy = "all",
    force: bool = True,
) -> Path:
    """Write a linear image (MOSAIC, CAMERA, BALANCED or SCENE) as DNG.

    `bits`: 32 is float32, exact.  16 are integers: the source's own where the pixels are still exactly these, else
    scaled to the range in use (within `FLOOR` … `CEILING`): MOSAIC over a black pedestal, so that negatives survive;
    three channels without, since darktable and RawTherapee know none there, and negatives become 0.  0 takes 16 where
    that loses nothing, else 32.  `extras` is JSON data that goes along in XMP, beside state, frame and metadata.
    `preview` is an sRGB picture (h, w, 3) in sensor orientation, embedded as JPEG for programs that want one.

    Raises ValueError for another state or depth and for what DNG cannot hold, OSError where writing fails; the file is
    then as it was.
    """
    if image.state not in (State.MOSAIC, State.CAMERA, State.BALANCED, State.SCENE):
        raise ValueError(f"DNG holds MOSAIC, CAMERA, BALANCED and SCENE images, not {image.state.name}")
    if bits not in (0, 16, 32):
        raise ValueError(f"DNG files are written with 16 or 32 bits, not {bits}")
    if image.pixels.numel() * 4 > tiff.LIMIT - (1 << 28):
        raise ValueError("the image is too large for a DNG file, which ends at 4 GiB")
    meta = exif.scrub(image.meta, policy)
    packet = pack_extras(image_extras(image, meta, extras))
    held = image.pixels.detach().cpu()
    pixels = (held if held.dtype is torch.float16 else held.float()).numpy()
    stored, levels = _integers(pixels, image, bits)
    main = exif.compose(meta, policy, (image.height, image.width)) | _colour(image.state, image.meta)
    main |= {274: short(meta.orientation), 305: tiff.text("modisp"), 700: tiff.Tag(tiff.BYTE, packet)}
    raw = _raster(image, stored is not None) | levels | _geometry(image)
    if image.meta.noise:
        raw[51041] = double(v for pair in image.meta.noise for v in pair)

    path = Path(path)
    with replacing(path, force) as file:
        file.write(tiff.HEADER + b"\0\0\0\0")
        raw |= {273: long(file.tell()), 279: long(_write_pixels(file, pixels if stored is None else stored))}
        if preview is None:
            main |= raw
        else:
            main |= _preview(file, preview) | {SUB_IFDS: tiff.directories(raw)}
        file.write(b"\0" * (file.tell() % 2))
        at = file.tell()
        file.write(tiff.encode(main, at))
        file.seek(4)
        file.write(struct.pack("<I", at))
    return path


# --- pixels -------------------------------------------------------------------------------------------------------


def bands(height: int, width: int, channels: int, step: int = 1) -> Iterator[slice]:
    """Slices of rows, multiples of `step`, each of some two million samples."""
    rows = max(step, _BAND // (width * channels) // step * step)
    for top in range(0, height, rows):
        yield slice(top, min(height, top + rows))


def _write_pixels(file: IO[bytes], pixels: NDArray[Any]) -> int:
    """Append (C, H, W) pixels with interleaved channels, float32 or uint16; returns how many bytes."""
    channels, height, width = pixels.shape
    kind = np.dtype("<u2" if pixels.dtype == np.uint16 else "<f4")
    for rows in bands(height, width, channels):
        part = np.ascontiguousarray(pixels[:, rows].transpose(1, 2, 0))
        file.write(part.astype(kind, copy=False).data)
    return pixels.size * kind.itemsize


def _floats(pixels: Floats, step: int = 1) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Bands of (C, H, W) pixels as float32, and which rows they are."""
    channels, height, width = pixels.shape
    for rows in bands(height, width, channels, step):
        yield rows, pixels[:, rows].astype(np.float32, copy=False)


def _integers(pixels: Floats, image: Image, bits: int) -> tuple[NDArray[np.uint16] | None, Tags]:
    """The pixels as uint16, or None where float32 is to be written; and the level tags."""
    exact = None if bits == 32 else _source_integers(pixels, image.meta)
    if exact is not None:
        period = _period(image.meta.cfa) if len(image.meta.black_level) > 1 and pixels.shape[0] == 1 else (1, 1)
        return exact, _levels(image.meta.black_level, int(image.meta.white_level), period, pixels.shape[0])
    if bits != 16:
        return None, {50717: long(*[1] * pixels.shape[0])}
    ends = [(part.min(), part.max()) for part in (np.nan_to_num(part) for _, part in _floats(pixels))]
    low = float(np.clip(-min(e[0] for e in ends), 0.0, -FLOOR)) if image.state is State.MOSAIC else 0.0
    high = float(np.clip(max(e[1] for e in ends), 1.0, CEILING))
    unit = math.floor(65534 / (high + low))
    black = math.ceil(low * unit)
    out = np.empty(pixels.shape, np.uint16)
    for rows, part in _floats(pixels):
        # clipped first: numbers near the largest would overflow
        scaled = np.clip(np.nan_to_num(part), FLOOR, CEILING) * np.float32(unit) + np.float32(black + 0.5)
        out[:, rows] = np.clip(scaled, 0, 65535, out=scaled)
    return out, _levels((float(black),), black + unit, (1, 1), pixels.shape[0])


def _source_integers(pixels: Floats, meta: Metadata) -> NDArray[np.uint16] | None:
    """The source file's integers, where the pixels are still exactly these: (value − black) / (white − black)."""
    channels, _, width = pixels.shape
    white, black = meta.white_level, np.asarray(meta.black_level, np.float32)
    if not (0 < white <= 65535 and float(white).is_integer()):
        return None
    if black.size == 1:
        black = np.full((channels, 1, 1), black.item(), np.float32)
    elif channels == 3 and black.size == 3:
        black = black.reshape(3, 1, 1)
    elif channels == 1 and black.size == math.prod(_period(meta.cfa)):
        black = black.reshape(1, *_period(meta.cfa))
    else:
        return None
    if not (np.isfinite(black).all() and (black >= 0).all() and (black < white).all()):
        return None
    if (black * 65536 % 1 != 0).any():  # as a fraction it would come back as another number
        return None
    levels = Levels(black.transpose(1, 2, 0), np.full(channels, white, np.float32))
    down = black.shape[1]
    zero = np.tile(black, (1, 1, -(-width // black.shape[2])))[:, :, :width]
    out = np.empty(pixels.shape, np.uint16)
    for rows, part in _floats(pixels, down):
        n = rows.stop - rows.start
        lifted = zero if down == 1 else np.tile(zero, (1, -(-n // down), 1))[:, :n]
        values = np.rint(part * (np.float32(white) - lifted) + lifted)
        if not (values.min() >= 0 and values.max() <= 65535):  # also where there is a NaN
            return None
        back = np.empty_like(part)
        normalise(values.transpose(1, 2, 0), levels, rows.start, back)
        if not np.array_equal(back, part):
            return None
        out[:, rows] = values
    return out


def _levels(black: tuple[float, ...], white: int, period: tuple[int, int], channels: int) -> Tags:
    """BlackLevelRepeatDim, BlackLevel and WhiteLevel."""
    if len(black) == 1:
        black = black * channels
    whole = all(float(b).is_integer() for b in black)
    tags = {50713: short(*period), 50717: long(*[white] * channels)}
    tags[50714] = long(*map(int, black)) if whole else rational(*black)
    return tags


# --- tags of the raw picture ----------------------------------------------------------------------------------------


def _period(cfa: tuple[str, ...]) -> tuple[int, int]:
    """Rows and columns after which the CFA repeats."""
    return (len(cfa), len(cfa[0])) if cfa else (1, 1)


def _raster(image: Image, whole_numbers: bool) -> Tags:
    """Size, sample format and what the samples are."""
    n, cfa = image.pixels.shape[0], image.meta.cfa
    tags: Tags = {
        254: long(0),
        256: long(image.width),
        257: long(image.height),
        258: short(*[16 if whole_numbers else 32] * n),
        259: short(1),
        262: short(_LINEAR),
        277: short(n),
        278: long(image.height),
        284: short(1),
        339: short(*[1 if whole_numbers else 3] * n),
    }
    if image.state is State.MOSAIC and math.prod(_period(cfa)) > 1:
        letters = "".join(cfa)
        if any(len(row) != len(cfa[0]) for row in cfa) or not set(letters) <= set(_PLANES):
            raise ValueError(
                f"the CFA pattern {' / '.join(cfa)} cannot be written: its rows must be equally long {_PLANES}"
            )
        codes = [_PLANES.index(c) for c in letters]
        tags |= {262: short(_CFA), 33421: short(*_period(cfa)), 33422: byte(*codes)}
        tags |= {50710: byte(*sorted(set(codes))), 50711: short(1)}
    return tags


def _geometry(image: Image) -> Tags:
    """ActiveArea, DefaultCrop, and the opcodes that are still to be applied."""
    height, width = image.height, image.width
    tags: Tags = {50829: long(0, 0, height, width)}
    if image.meta.crop is not None:
        (py, px), (x0, y0) = image.frame.pitch, image.frame.rect[:2]
        x, y, w, h = image.meta.crop
        left, right = (min(width, max(0, round((v - x0) / px))) for v in (x, x + w))
        top, bottom = (min(height, max(0, round((v - y0) / py))) for v in (y, y + h))
        if right > left and bottom > top:
            tags |= {50719: long(left, top), 50720: long(right - left, bottom - top)}
    if image.frame.is_whole and image.frame.size == image.frame.full:
        for number, code in ((1, 51008), (2, 51009), (3, 51022)):
            chosen = [
                o for o in image.meta.opcodes if o.list == number and (number == 3 or image.state is State.MOSAIC)
            ]
            data = opcodes_write.encode(chosen)
            if data:
                tags[code] = tiff.undefined(data)
    return tags


def _preview(file: IO[bytes], preview: NDArray[np.uint8]) -> Tags:
    """Append a JPEG; returns the tags that make it the first directory's picture."""
    buffer = io.BytesIO()
    Picture.fromarray(np.ascontiguousarray(preview)).convert("RGB").save(
        buffer, "JPEG", quality=90, subsampling="4:2:0"
    )
    tags = {
        254: long(1),
        256: long(preview.shape[1]),
        257: long(preview.shape[0]),
        258: short(8, 8, 8),
        259: short(7),
        262: short(6),  # YCbCr
        273: long(file.tell()),
        277: short(3),
        278: long(preview.shape[0]),
        279: long(buffer.tell()),
        284: short(1),
        530: short(2, 2),
        532: rational(0, 255, 128, 255, 128, 255),
        50970: long(1),  # PreviewColorSpace: sRGB
    }
    file.write(buffer.getbuffer())
    return tags


# --- colour tags ------------------------------------------------------------------------------------------------------


def _colour(state: State, meta: Metadata) -> Tags:
    """Everything that says how the numbers become colours, fitting the state of the pixels."""
    name = f"{meta.make} {meta.model}".strip() if meta.make not in meta.model.split() else meta.model
    tags: Tags = {50707: byte(1, 4, 0, 0), 50708: tiff.text(name or "modisp")}
    tags[50730] = srational(meta.baseline_exposure)
    if state is State.SCENE:  # linear Rec.2020 is the camera, and its white is neutral
        color, forward = (
            (_rows(between64("xyz", "rec2020").numpy()),),
            (_rows(between64("rec2020", "xyz-d50").numpy()),),
        )
        meta = replace(meta, color_matrix=color, forward_matrix=forward, illuminants=(D65,))
    elif state is State.BALANCED:
        balanced = _balanced(meta)
        meta = replace(meta, color_matrix=balanced[0], forward_matrix=balanced[1])
    if state in (State.SCENE, State.BALANCED):
        meta = replace(meta, white=(1.0, 1.0, 1.0), analog_balance=(1.0, 1.0, 1.0), calibration=())
    if (
        not meta.color_matrix
    ):  # made by hand, of no known camera: DNG needs one, and linear sRGB is what programs assume
        meta = replace(meta, color_matrix=(_rows(between64("xyz", "srgb").numpy()),), forward_matrix=(), illuminants=())
    if min(meta.white) > 0:
        tags[50728] = rational(*meta.white)
    if meta.analog_balance != (1.0, 1.0, 1.0) and min(meta.analog_balance) > 0:
        tags[50727] = rational(*meta.analog_balance)
    for i, matrix in enumerate(meta.color_matrix[:3]):
        light = meta.illuminants[i] if i < len(meta.illuminants) else D65
        code = next((k for k in _STANDARD if math.dist(LIGHTS[k], light) < 5e-4), 255)
        tags[(50778, 50779, 52529)[i]] = short(code)
        tags[(50721, 50722, 52531)[i]] = _matrix(matrix)
        if i < len(meta.forward_matrix):
            tags[(50964, 50965, 52532)[i]] = _matrix(meta.forward_matrix[i])
        if i < len(meta.calibration):
            tags[(50723, 50724, 52530)[i]] = _matrix(meta.calibration[i])
        if code == 255:
            tags[(52533, 52534, 52535)[i]] = tiff.undefined(b"\0\0" + rational(*light).data)
    newer = any(code in tags for code in (52529, 52533, 52534, 52535))
    tags[50706] = byte(1, 6 if newer else 4, 0, 0)
    return tags


def _balanced(meta: Metadata) -> tuple[tuple[Matrix, ...], tuple[Matrix, ...]]:
    """ColorMatrix and ForwardMatrix of pixels that white balance has multiplied by `meta.gains`."""
    gains = np.diag(meta.gains)
    color, forward = [], []
    for i, matrix in enumerate(meta.color_matrix):
        own = np.diag(meta.analog_balance)
        if i < len(meta.calibration):
            own = own @ np.asarray(meta.calibration[i])
        color.append(_rows(gains @ own @ np.asarray(matrix)))
        if i < len(meta.forward_matrix):
            undo = np.linalg.inv(gains @ own)  # balanced camera → reference camera
            neutral = undo.sum(1)
            forward.append(_rows(np.asarray(meta.forward_matrix[i]) @ np.diag(1 / neutral) @ undo))
    return tuple(color), tuple(forward)


def _rows(matrix: NDArray[np.float64]) -> Matrix:
    a, b, c = (tuple(map(float, row)) for row in matrix)
    return a, b, c  # type: ignore[return-value]  # each row has three


def _matrix(matrix: Matrix) -> tiff.Tag:
    return srational(*(v for row in matrix for v in row))
