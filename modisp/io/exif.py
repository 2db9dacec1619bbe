"""EXIF for what we write: carried over from the source, or composed of the metadata.  (EXIF 2.32, CIPA DC-008.)"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Literal

from modisp.image import Metadata
from modisp.io import tags as tiff
from modisp.io.ifd import EXIF_IFD, GPS_IFD
from modisp.io.tags import Tags

Policy = Literal["all", "no-gps", "none"]

_DESCRIPTION = (270, 271, 272, 306, 315, 18246, 33432, 40091, 40092, 40093, 40094, 40095)
"""What is carried over of the first directory: words about the picture, never how its pixels lay in the source."""

_LEFT_OUT = (37121, 37122, 37500, 40961, 40962, 40963, 40965, 41730, 59932)
"""Not carried over: the source's encoding and size, its CFA, padding, and maker notes (their offsets break)."""

_LARGEST = 60000  # bytes: JPEG keeps EXIF in one segment; a source's EXIF beyond that is not carried over


def scrub(meta: Metadata, policy: Policy) -> Metadata:
    """The metadata without what the policy forbids to pass on.

    `no-gps` drops the position; `none` also the date, the source's file name and its EXIF.  Exposure and lens stay: the
    stages that are still to come need them.
    """
    if policy == "all":
        return meta
    if policy == "none":
        return replace(meta, gps=None, exif=b"", date="", name="")
    return replace(meta, gps=None, exif=_without_gps(meta.exif))


def _without_gps(exif: bytes) -> bytes:
    tags = tiff.decode(exif)
    if not tags:
        return b""
    tags.pop(GPS_IFD, None)
    return tiff.block(tags)


def compose(meta: Metadata, policy: Policy = "all", size: tuple[int, int] | None = None) -> Tags:
    """The first directory's descriptive tags, with the EXIF and GPS directories as children; {} for policy `none`.

    The source's own entries come first; what they lack comes from `meta`.  `size` is (height, width) of the picture.
    """
    if policy == "none":
        return {}
    source = tiff.decode(meta.exif)
    tags = {k: v for k, v in source.items() if k in _DESCRIPTION}
    inner: Tags = {}
    if EXIF_IFD in source:
        inner = {k: v for k, v in source[EXIF_IFD].children[0].items() if k not in _LEFT_OUT}
    _fill(tags, inner, meta)
    tags[305] = tiff.text("modisp")
    if size is not None:
        tags |= {282: tiff.rational(72), 283: tiff.rational(72), 296: tiff.short(2)}  # obligatory: 72 dots per inch
        inner[40960] = tiff.undefined(b"0100")
        inner |= {40962: tiff.long(size[1]), 40963: tiff.long(size[0])}
        inner[40961] = tiff.short(1 if meta.space == "srgb" else 0xFFFF)
    tags[EXIF_IFD] = tiff.directories(inner)
    if policy == "all":
        gps = source[GPS_IFD].children[0] if GPS_IFD in source else _gps(meta)
        if gps:
            tags[GPS_IFD] = tiff.directories(gps)
    if source and len(tiff.block(tags)) > _LARGEST:
        return compose(replace(meta, exif=b""), policy, size)
    return tags


def _fill(tags: Tags, inner: Tags, meta: Metadata) -> None:
    """Add to both directories what `meta` knows and they lack."""
    for code, words in ((271, meta.make), (272, meta.model)):
        if words:
            tags.setdefault(code, tiff.text(words))
    inner.setdefault(36864, tiff.undefined(b"0232"))
    for code, value in ((33434, meta.shutter), (33437, meta.aperture), (37386, meta.focal_length)):
        if value > 0:
            inner.setdefault(code, tiff.rational(min(value, 1e6)))
    if meta.distance > 0:
        inner.setdefault(37382, tiff.rational(min(meta.distance, 1e6)))
    if meta.iso > 0:
        inner.setdefault(34855, tiff.short(min(65535, round(meta.iso))))
        inner.setdefault(34864, tiff.short(2))  # recommended exposure index
        inner.setdefault(34866, tiff.long(min(2**32 - 1, round(meta.iso))))
    if meta.focal_length_35 > 0:
        inner.setdefault(41989, tiff.short(min(65535, round(meta.focal_length_35))))
    if meta.lens:
        inner.setdefault(42036, tiff.text(meta.lens))
    try:
        when = datetime.fromisoformat(meta.date)
    except ValueError:
        return
    stamp = tiff.text(when.strftime("%Y:%m:%d %H:%M:%S"))
    tags.setdefault(306, stamp)
    if 36867 not in inner:
        inner[36867] = stamp
        if when.microsecond:
            inner[37521] = tiff.text(f"{when.microsecond:06d}".rstrip("0"))
        if when.utcoffset() is not None:
            inner[36881] = tiff.text(when.isoformat()[-6:])


def _gps(meta: Metadata) -> Tags:
    if meta.gps is None or not all(map(math.isfinite, meta.gps)):
        return {}
    latitude, longitude, altitude = meta.gps
    return {
        0: tiff.byte(2, 3, 0, 0),
        1: tiff.text("S" if latitude < 0 else "N"),
        2: tiff.rational(*_sexagesimal(latitude)),
        3: tiff.text("W" if longitude < 0 else "E"),
        4: tiff.rational(*_sexagesimal(longitude)),
        5: tiff.byte(1 if altitude < 0 else 0),
        6: tiff.rational(abs(altitude)),
    }


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    seconds = round(abs(degrees) * 3600, 6)
    return float(seconds // 3600), float(seconds // 60 % 60), round(seconds % 60, 6)
