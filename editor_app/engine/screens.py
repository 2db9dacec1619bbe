"""The monitor: its ICC profile, made into a quick way from linear light to the bytes that it wants.

Profiles of three primaries and curves (ICC.1:2022, 10.6 and 10.18) are applied in float, from light; all others, which hold
tables, by the ICC engine of Pillow.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import torch
from PIL import Image as Pillow
from PIL import ImageCms

from modisp.color import icc, spaces, transfer
from modisp.recipe import Recipe

_HALF = 15360 + 1  # bit patterns of the half-precision numbers from 0 to 1
_FINE = 4096  # steps in which a curve is read
_RIM = 0.03  # how far a monitor's primaries may lie outside a space that is said to hold them
Curve = np.ndarray[Any, np.dtype[np.float64]]
_ORDER = ("srgb", "display-p3", "adobe-rgb", "rec2020")


class Screen:
    """A monitor.  `space` is the smallest output space that holds its colours.  Raises ValueError for other profiles than RGB's."""

    def __init__(self, profile: bytes, proof: bool = False) -> None:
        self.proof = proof  # whether it shows no more than the recipe's own output space has
        tags = _tags(profile)
        colorants = [_xyz(tags[t]) for t in (b"rXYZ", b"gXYZ", b"bXYZ") if t in tags]
        curves = [tags[t] for t in (b"rTRC", b"gTRC", b"bTRC") if t in tags]
        self._cms: Any = None
        if len(colorants) == 3 == len(curves):
            to_light = spaces.between64("xyz-d50", "xyz") @ torch.tensor(colorants, dtype=torch.float64).T
            from_light = torch.linalg.inv(to_light)
            self._matrix = {s: (from_light @ spaces.between64(s, "xyz")).float() for s in spaces.PRIMARIES}
            self._tables = [_inverse(c) for c in curves]
        else:
            self._cms, to_light = _by_tables(profile)
        self.space = next((s for s in _ORDER if _holds(s, to_light)), "rec2020")

    def bytes(self, light: torch.Tensor, primaries: str) -> torch.Tensor:
        """Linear light (3, H, W) of one of the output spaces' primaries as the monitor's values, uint8."""
        if self._cms is not None:
            wide = spaces.apply(spaces.between(primaries, "rec2020"), light).clamp_(0, 1)
            values = transfer.encode_display("rec2020", wide).mul_(255).round_().to(torch.uint8)
            picture = Pillow.fromarray(values.permute(1, 2, 0).contiguous().numpy())
            made = np.array(ImageCms.applyTransform(picture, self._cms))
            return torch.from_numpy(made).permute(2, 0, 1)
        places = spaces.apply(self._matrix[primaries], light).clamp_(0, 1).half().view(torch.int16).numpy()
        return torch.from_numpy(np.stack([t.take(p) for t, p in zip(self._tables, places, strict=True)]))

    def widened(self, recipe: Recipe) -> tuple[Recipe, str]:
        """The recipe with its last step into an output space made for this monitor, and the entry before that; the recipe
        itself and "" where it has no choice of such spaces, leads into the monitor's already, or is what is proofed."""
        if self.proof:
            return recipe, ""
        rows = list(recipe.entries)
        for before, e in zip(reversed(rows[:-1]), reversed(rows), strict=False):
            name = next((n for n, p in e.active().params().items() if set(_ORDER) <= set(p.choices or ())), "")
            if name:
                same = getattr(e.active(), name) == self.space
                return (recipe, "") if same else (recipe.set(e.id, **{name: self.space}), before.id)
        return recipe, ""


def _tags(profile: bytes) -> dict[bytes, bytes]:
    """The tags of a profile by their signatures."""
    if len(profile) < 132 or profile[36:40] != b"acsp" or profile[16:20] != b"RGB ":
        raise ValueError("the monitor's profile is no ICC profile of an RGB device")
    count = struct.unpack_from(">I", profile, 128)[0]
    rows = [struct.unpack_from(">4sII", profile, 132 + 12 * i) for i in range(min(count, 1000))]
    return {name: profile[at : at + size] for name, at, size in rows}


def _xyz(tag: bytes) -> Sequence[float]:
    return [v / 65536 for v in struct.unpack_from(">3i", tag, 8)]


def _curve(tag: bytes) -> Curve:
    """A curve's light at even steps of the device's values."""
    x = np.linspace(0.0, 1.0, _FINE)
    if tag[:4] == b"curv":
        count = struct.unpack_from(">I", tag, 8)[0]
        if count < 2:
            return x ** (struct.unpack_from(">H", tag, 12)[0] / 256) if count else x
        rows = np.frombuffer(tag, ">u2", count, 12) / 65535
        return np.interp(x, np.linspace(0, 1, count), rows)
    if tag[:4] != b"para":
        raise ValueError("the monitor's profile has curves of an unknown kind")
    kind = struct.unpack_from(">H", tag, 8)[0]
    given = [v / 65536 for v in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
    g, a, b, c, d, e, f = (given + [1.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(given) - 1 :])[:7]
    if kind in (1, 2):  # flat below the place where the power's base is nothing
        c, d, e, f = 0.0, -b / a, c, c
    found: Curve = np.where(x >= d, np.maximum(a * x + b, 0.0) ** g + e, c * x + f)
    return found


def _inverse(tag: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """From light to the device's values: a table over the bits of half-precision numbers, which are close together in the dark."""
    light = np.arange(_HALF, dtype=np.uint16).view(np.float16).astype(np.float64)
    found = np.interp(light, np.maximum.accumulate(_curve(tag)), np.linspace(0, 255, _FINE))
    return np.rint(found).astype(np.uint8)


def _by_tables(profile: bytes) -> tuple[Any, torch.Tensor]:
    """Pillow's transform from encoded Rec.2020, and XYZ of the three primaries as columns."""
    try:
        rec2020, own = (ImageCms.ImageCmsProfile(BytesIO(p)) for p in (icc.profile("rec2020"), profile))
        how = ImageCms.Intent.RELATIVE_COLORIMETRIC
        there = ImageCms.buildTransform(rec2020, own, "RGB", "RGB", how)
        back = ImageCms.buildTransform(own, rec2020, "RGB", "RGB", how)
    except (ImageCms.PyCMSError, OSError) as why:
        raise ValueError(f"the monitor's profile cannot be used: {why}") from why
    pure = Pillow.fromarray(np.diag([255, 255, 255]).astype(np.uint8)[None])
    values = torch.from_numpy(np.array(ImageCms.applyTransform(pure, back))[0]).double() / 255
    return there, spaces.between64("rec2020", "xyz") @ transfer.decode("rec2020", values).T


def _holds(space: str, primaries: torch.Tensor) -> bool:
    """Whether three primaries, XYZ as columns, lie in an output space or hardly outside."""
    seen = spaces.between64("xyz", space) @ primaries
    return bool((seen / seen.amax(0) >= -_RIM).all())
