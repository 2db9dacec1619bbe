"""Finished pictures (JPEG, PNG, TIFF, WebP, AVIF) in a decoder process: pixels as encoded, with profile and EXIF."""

from __future__ import annotations

import contextlib
import io
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modisp.io.capture import capture
from modisp.io.dng import MAX_PIXELS
from modisp.io.errors import ImageError
from modisp.io.ifd import Block, Directory, exif_block
from modisp.io.levels import Levels
from modisp.io.profile import linearise, space_of, space_of_exif
from modisp.io.result import Result
from modisp.io.samples import check_extent, plain, through_tifffile

PLUGINS = ("Jpeg", "Mpo", "Png", "Tiff", "WebP", "Avif")
"""Pillow's readers that hostile files may reach; it has many more."""
JPEG_DENSEST = 512
"""Pixels of a JPEG for one byte: a block of 64 takes at least a bit, and what is missing would be filled with grey."""
DAMAGED = "{name} is cut short or damaged: its picture cannot be decoded"


def is_picture(head: bytes) -> bool:
    """Whether a file begins like a finished picture that is no TIFF."""
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    avif = head[4:8] == b"ftyp" and (head[8:12] in (b"avif", b"avis") or b"avif" in head[16:48])
    return head[:3] == b"\xff\xd8\xff" or head[:8] == b"\x89PNG\r\n\x1a\n" or webp or avif


def is_tiff_picture(head: bytes, directories: list[Directory]) -> bool:
    """Whether a TIFF file is a picture and no camera's raw file: its first and largest image is plain RGB or grey."""
    first = directories[0]
    if head[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):  # Olympus and Panasonic change the magic number
        return False
    if head[8:10] == b"CR" or head[8:12] in (b"IIII", b"MMMM") or first.integer(254) & 1:
        return False
    usual = first.integer(259, 1) in (1, 5, 7, 8, 32773, 32946, 34925, 50000, 50001, 50002, 52546)
    if not usual or first.integer(262, -1) not in (0, 1, 2, 3, 5, 6, 8):
        return False
    if any(d.integer(262) in (32803, 34892) or d.has(33422) for d in directories):
        return False
    area = [d.integer(256) * d.integer(257) for d in directories]
    return area[0] > 0 and area[0] == max(area)


def read_picture(path: Path, unpack: bool) -> Result:
    """A JPEG, PNG, WebP or AVIF file, or a TIFF that nothing else here reads."""
    from PIL import UnidentifiedImageError

    try:
        with opened(path) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise ImageError(f"{{name}} claims {width} × {height} pixels, more than modisp opens; it is damaged")
            if picture.format in ("JPEG", "MPO") and path.stat().st_size * JPEG_DENSEST < width * height:
                raise ImageError("{name} is damaged: it holds fewer pixels than it claims")
            exif = picture.info.get("exif", b"") or picture.getexif().tobytes()
            meta = _meta(exif)
            orientation = picture.getexif().get(274, 1)  # AVIF's own rotation comes out here, too
            meta["orientation"] = orientation if orientation in range(1, 9) else 1
            colourful = picture.mode not in ("L", "LA", "I;16", "I;16B", "I", "F", "1")
            icc = picture.info.get("icc_profile", b"") if colourful else b""
            result = Result("ENCODED", meta)
            result.info = {"size": [width, height], "format": picture.format, "mode": picture.mode}
            if not unpack:
                pass
            elif picture.mode.startswith("I") or picture.mode == "F":
                result.pixels, result.levels = _grey(np.asarray(picture))
            else:
                with open(path, "rb") as file:
                    deep = _deep_png(path, file.read(26))
                result.pixels = _rgb(picture, icc) if deep is None else deep
                result.levels = Levels.simple(0.0, 255.0 if deep is None else 65535.0, 3)
            if picture.mode == "CMYK":
                icc = b""
    except ImageError:
        raise
    except MemoryError:
        raise
    except UnidentifiedImageError as e:
        raise ImageError("{name} is neither a RAW file nor a picture that modisp can read") from e
    except Exception as e:  # Pillow's plug-ins raise whatever they meet in a damaged file
        raise ImageError(DAMAGED) from e
    return _profiled(result, icc, space_of_exif(exif))


def read_tiff(path: Path, block: Block, directories: list[Directory], unpack: bool) -> Result:
    """A TIFF picture of 8, 16 or 32 bits, integers or floats."""
    first = directories[0]
    if first.integer(257) * first.integer(256) > MAX_PIXELS:
        raise ImageError("{name} claims more pixels than modisp opens; it is damaged")
    if first.integer(262) not in (0, 1, 2) or first.integer(258, 1) not in (8, 16, 32):
        return read_picture(path, unpack)
    check_extent(first, path.stat().st_size)
    result = Result("ENCODED", {**capture(block, ifd0=first), "exif": exif_block(block, first)})
    result.info = {"size": [first.integer(256), first.integer(257)], "format": "TIFF"}
    icc = first.raw(34675)
    if unpack:
        values = plain(path, first, block.order)
        if values is None:
            values = through_tifffile(path, first)
        grey = values.shape[2] < 3
        values = np.repeat(values[:, :, :1], 3, 2) if grey else values[:, :, :3]
        top = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
        inverse = first.integer(262) == 0
        result.pixels, result.levels = values, Levels.simple(top if inverse else 0.0, 0.0 if inverse else top, 3)
        icc = b"" if grey else icc
    return _profiled(result, icc)


def opened(source: Path | io.BytesIO) -> Any:
    """Pillow's picture of a file or of bytes, by the readers of PLUGINS alone."""
    from PIL import Image as Picture

    for name in PLUGINS:
        with contextlib.suppress(ImportError):
            import_module(f"PIL.{name}ImagePlugin")
    Picture.MAX_IMAGE_PIXELS = None  # this module has a limit of its own, and the process one for its memory
    return Picture.open(source, formats=[n for n in map(str.upper, PLUGINS) if n in Picture.OPEN])


def xmp_of(path: Path) -> bytes:
    """A picture's XMP; b"" where it has none or cannot be read."""
    try:
        with opened(path) as picture:
            found = picture.info.get("xmp", b"") or picture.info.get("XML:com.adobe.xmp", "")
    except Exception:  # what is wrong with it is told when it is opened
        return b""
    return found.encode() if isinstance(found, str) else bytes(found)


def _profiled(result: Result, icc: bytes, unprofiled: str = "srgb") -> Result:
    """The profile's name; pixels of a space that modisp has no name for are made linear, to be converted."""
    space = space_of(icc) if icc else unprofiled
    result.info["profile"] = space
    if space == "icc" and result.pixels is not None:
        linear = linearise(result.pixels, icc)
        if linear is not None:
            result.pixels, result.info["colorants"] = linear
            result.levels, icc = Levels.simple(0.0, 1.0, 3), b""
        elif result.pixels.dtype == np.uint8:
            result.pixels, space, icc = _by_lcms(result.pixels, icc), "srgb", b""
    result.meta |= {"space": space, "icc": icc, "cfa": ()}
    result.meta = {k: v for k, v in result.meta.items() if v or k == "cfa"}
    return result


def _by_lcms(pixels: NDArray[np.uint8], icc: bytes, mode: str = "RGB") -> NDArray[np.uint8]:
    """8-bit pixels in sRGB; as they are where the profile is of no use."""
    from PIL import Image as Picture
    from PIL import ImageCms

    picture = Picture.fromarray(np.ascontiguousarray(pixels), mode)
    try:
        source, target = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
        return np.asarray(ImageCms.profileToProfile(picture, source, target, outputMode="RGB"))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return np.asarray(picture.convert("RGB"))


def _meta(exif: bytes) -> dict[str, Any]:
    data = exif[6:] if exif.startswith(b"Exif\0\0") else exif
    try:
        block = Block(io.BytesIO(data))
    except ValueError:
        return {}
    ifd0 = block.directory(block.first)[0]
    return {**capture(block, ifd0), "exif": exif_block(block, ifd0)}


def _rgb(picture: Any, icc: bytes) -> NDArray[np.uint8]:
    """8-bit RGB; transparency is left out, and CMYK goes through its own profile where it has one."""
    if picture.mode == "CMYK" and icc:
        return _by_lcms(np.asarray(picture), icc, "CMYK")
    if picture.mode == "P":
        picture = picture.convert("RGBA")
    return np.asarray(picture.convert("RGB"))


def _deep_png(path: Path, head: bytes) -> NDArray[np.uint16] | None:
    """The pixels of a PNG with 16 bits per channel, which Pillow would reduce to 8; None for others."""
    if head[:8] != b"\x89PNG\r\n\x1a\n" or head[24:26] not in (b"\x10\x02", b"\x10\x06"):
        return None
    try:
        import imagecodecs
    except ImportError:  # then 8 bits have to do
        return None
    values = np.asarray(imagecodecs.png_decode(path.read_bytes()))
    return values[:, :, :3] if values.dtype == np.uint16 and values.ndim == 3 else None


def _grey(values: NDArray[Any]) -> tuple[NDArray[Any], Levels]:
    top = 1.0 if values.dtype.kind == "f" else 65535.0
    return np.repeat(values[:, :, np.newaxis], 3, 2), Levels.simple(0.0, top, 3)
