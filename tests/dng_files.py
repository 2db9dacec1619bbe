"""Small files made by hand for the tests of reading: DNG with any tags, JPEG, and the error that a bad file is."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from modisp.io import ImageError, open_image, tags
from modisp.io.tags import Tag, byte, long, short, text

BAYER = ("RG/GB", "BG/GR", "GR/BG", "GB/RG")
XTRANS = "GBGGRG/RGRBGB/GBGGRG/GRGGBG/BGBRGR/GRGGBG"
QUAD = "RRGG/RRGG/GGBB/GGBB"
HEX = "/".join(["RRRRGGGG"] * 4 + ["GGGGBBBB"] * 4)
RNG = np.random.default_rng(7)
VALUES = RNG.integers(0, 4096, (37, 50), dtype=np.uint16)
MATRIX = (0.9, -0.3, -0.1, -0.4, 1.2, 0.2, -0.1, 0.2, 0.6)


def cfa_tags(pattern: str) -> dict[int, Tag]:
    rows = pattern.split("/")
    codes = ["RGB".index(c) for row in rows for c in row]
    return {262: short(32803), 33421: short(len(rows), len(rows[0])), 33422: byte(*codes)}


def dng(path: Path, values: np.ndarray, extra: Mapping[int, Tag], pattern: str = "RG/GB", **more: Any) -> Path:
    """A DNG file with the raw image in IFD0, or in a SubIFD (`preview`: a JPEG for IFD0); `data`: already encoded."""
    samples = values.shape[2] if values.ndim == 3 else 1
    kind = {"u": 1, "f": 3}[values.dtype.kind]
    stored = more.get("data") or values.astype(values.dtype.newbyteorder("<")).tobytes()
    raw = {
        254: long(0),
        256: long(values.shape[1]),
        257: long(values.shape[0]),
        258: short(*[values.dtype.itemsize * 8] * samples),
        259: short(1),
        262: short(34892),
        273: long(8),
        277: short(samples),
        278: long(values.shape[0]),
        279: long(len(stored)),
        339: short(*[kind] * samples),
    } | (cfa_tags(pattern) if samples == 1 and pattern else {})
    main = {50706: byte(1, 4, 0, 0), 271: text("Maker"), 272: text("Model One")}
    preview = more.get("preview", b"")
    body = stored + b"\0" * (len(stored) % 2) + preview + b"\0" * (len(preview) % 2)
    if preview:
        start = 8 + len(stored) + len(stored) % 2
        main |= {254: long(1), 259: short(7), 273: long(start), 279: long(len(preview)), 262: short(6)}
        main |= {k: v for k, v in extra.items() if k in (274, 50728, 50721, 50778)}
        main[330] = tags.directories(raw | dict(extra))
    else:
        main |= raw | dict(extra)
    at = 8 + len(body)
    path.write_bytes(tags.HEADER + struct.pack("<I", at) + body + tags.encode(main, at))
    return path


def jpeg(width: int, height: int, colour: tuple[int, int, int] = (200, 30, 30), **more: Any) -> bytes:
    out = io.BytesIO()
    picture = Picture.new("RGB", (width, height), colour)
    picture.paste((10, 10, 240), (0, 0, width // 2, height // 2))
    picture.save(out, "JPEG", quality=95, **more)
    return out.getvalue()


def expected(values: np.ndarray, black: Any, white: float) -> np.ndarray:
    black = np.asarray(black, np.float32)
    high, wide = black.shape if black.ndim == 2 else (1, 1)
    tiled = np.tile(black.reshape(high, wide), (-(-values.shape[0] // high), -(-values.shape[1] // wide)))
    tiled = tiled[: values.shape[0], : values.shape[1]]
    return np.asarray((values.astype(np.float32) - tiled) / (np.float32(white) - tiled))


def refused(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        open_image(path)
    words = str(caught.value)
    assert path.name in words and "\n" not in words and "{" not in words and 10 < len(words) < 200
    return words


def packed(values: np.ndarray, bits: int) -> bytes:
    rows = (values[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(rows.reshape(len(values), -1).astype(np.uint8), axis=1).tobytes()
