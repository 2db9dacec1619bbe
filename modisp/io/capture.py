"""What EXIF tells about the capture (EXIF 3.0, CIPA DC-008), as fields of `Metadata` in plain JSON data."""

from __future__ import annotations

import math
import re
from typing import Any

from modisp.io.ifd import EXIF_IFD, GPS_IFD, Block, Directory


def capture(block: Block, ifd0: Directory) -> dict[str, Any]:
    """Make, model, lens, ISO, shutter, aperture, focal length, date, GPS and orientation: those that are known."""
    exif = block.linked(ifd0, EXIF_IFD)
    # cameras that follow TIFF/EP keep the EXIF tags in IFD0
    tags = Directory(ifd0.entries | exif.entries, ifd0.offset, 0)
    shutter = tags.number(33434) or _apex(tags, 37377, lambda v: 2.0**-v)
    found = {
        "make": ifd0.text(271),
        "model": ifd0.text(272) or ifd0.text(50708),
        "lens": _lens(tags),
        "iso": _iso(tags),
        "shutter": shutter,
        "aperture": tags.number(33437) or _apex(tags, 37378, lambda v: 2.0 ** (v / 2)),
        "focal_length": tags.number(37386),
        "focal_length_35": tags.number(41989),
        "distance": tags.number(37382),
        "date": _date(tags),
        "gps": _gps(block.linked(ifd0, GPS_IFD)),
        "orientation": ifd0.integer(274, 1),
    }
    if found["orientation"] not in range(1, 9):
        found["orientation"] = 1
    kept = {k: v for k, v in found.items() if v and not (isinstance(v, float | int) and not 0 < v < 1e9)}
    if kept.get("orientation") == 1:
        del kept["orientation"]
    return kept


def _apex(tags: Directory, tag: int, of: Any) -> float:
    value = tags.number(tag)
    return float(of(value)) if value and abs(value) < 64 else 0.0


def _iso(tags: Directory) -> float:
    iso = tags.number(34855)
    if iso in (0, 65535):  # the tag has 16 bits; above them the value lies elsewhere
        iso = tags.number(34867) or tags.number(34866) or tags.number(34865) or iso
    return iso


def _lens(tags: Directory) -> str:
    name = tags.text(42036)
    if name:
        return name
    info = tags.numbers(50736) or tags.numbers(42034)
    if len(info) < 4 or info[0] <= 0:
        return ""
    near, far, wide, tele = info[:4]
    zoom = f"{near:g}" if near == far or far <= 0 else f"{near:g}-{far:g}"
    stop = f"{wide:g}" if wide == tele or tele <= 0 else f"{wide:g}-{tele:g}"
    return f"{zoom}mm" + (f" f/{stop}" if wide > 0 else "")


def _date(tags: Directory) -> str:
    text = tags.text(36867) or tags.text(36868) or tags.text(306)
    match = re.fullmatch(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d:\d\d:\d\d).*", text)
    if not match or match[1] == "0000":
        return ""
    zone = tags.text(36881) or tags.text(36880)
    return f"{match[1]}-{match[2]}-{match[3]}T{match[4]}" + (zone if re.fullmatch(r"[+-]\d\d:\d\d", zone) else "")


def _gps(gps: Directory) -> tuple[float, float, float] | None:
    place = []
    for tag, limit in ((2, 90.0), (4, 180.0)):
        parts = gps.numbers(tag)
        if len(parts) != 3:
            return None
        degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
        if not 0 <= degrees <= limit or not math.isfinite(degrees):
            return None
        place.append(-degrees if gps.text(tag - 1) in ("S", "W") else degrees)
    below = gps.raw(5)[:1] == b"\1"
    return place[0], place[1], -gps.number(6) if below else gps.number(6)
