"""Open files as Images: RAW files, pictures, previews and modisp's own intermediates."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from modisp.color import spaces, transfer
from modisp.image import Frame, Image, Metadata, State
from modisp.io.decoder import decode
from modisp.io.errors import ImageError
from modisp.io.levels import Levels, normalise
from modisp.io.result import slabs


def open_image(path: str | os.PathLike[str]) -> Image:
    """Any file that modisp reads, decided by content: a MOSAIC or CAMERA image from a RAW file, an ENCODED one from a
    picture, and from an intermediate of modisp exactly the image that was saved.

    Pixels keep the sensor's orientation; `meta.orientation` and `meta.crop` say how to show them.
    Raises ImageError, one sentence that names the file.
    """
    file = checked(path)
    sink = _Sink()
    header = decode("open", file, sink)
    return _image(file, header, sink)


def open_preview(path: str | os.PathLike[str]) -> Image | None:
    """The largest preview inside a RAW file, at once: ENCODED and upright; a picture is its own preview.

    None where the file has none.  Raises ImageError for files that modisp cannot read.
    """
    file = checked(path)
    sink = _Sink()
    header = decode("preview", file, sink)
    if sink.pixels is None:
        return None
    return Image(sink.pixels, State.ENCODED, Metadata.load(header["meta"] | {"name": file.name}))


def read_info(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a file says about itself, as JSON data, without its pixels being decoded.

    Keys: `state`, `kind`, `bytes`, `size` (width, height), `previews`, `opcodes` (their names), `metadata` (as
    `Metadata.dump`, the bulky fields left out), and for RAW files `raw_size`, `active_area`, `bits`.
    """
    file = checked(path)
    header = decode("info", file)
    meta = {k: v for k, v in header["meta"].items() if k not in ("exif", "icc", "opcodes", "bad_pixels")}
    info = dict(header["info"])
    info["bad_pixels"] = len(header["meta"].get("bad_pixels", ()))
    return {"name": file.name, "state": header["state"], **info, "metadata": meta, **_own_facts(header)}


def _own_facts(header: dict[str, Any]) -> dict[str, Any]:
    return {"frame": header["frame"]} if header["frame"] else {}


def read_extras(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON data that modisp keeps in its own intermediates (state, frame, metadata, recipe …); {} in other files."""
    extras: dict[str, Any] = decode("extras", checked(path))["extras"]
    return extras


def checked(path: str | os.PathLike[str]) -> Path:
    """The path of a file that can be read; ImageError for folders, pipes, empty files and such."""
    file = Path(os.path.abspath(path))
    try:
        found = os.stat(file)
        if stat.S_ISDIR(found.st_mode):
            raise ImageError(f"{file.name} is a folder, not a picture")
        if not stat.S_ISREG(found.st_mode):
            raise ImageError(f"{file.name} is no ordinary file, so it cannot be opened as a picture")
        if found.st_size == 0:
            raise ImageError(f"{file.name} is empty")
        with open(file, "rb"):
            pass
    except FileNotFoundError as e:
        raise ImageError(f"{file.name} does not exist") from e
    except PermissionError as e:
        raise ImageError(f"{file.name} may not be read: you have no permission") from e
    except ImageError:
        raise
    except (OSError, ValueError) as e:
        raise ImageError(f"{file.name} cannot be opened: {getattr(e, 'strerror', None) or e}") from e
    return file


class _Sink:
    """Takes the pixels off the pipe and normalises them slab by slab, straight into a float32 tensor."""

    def __init__(self) -> None:
        self.pixels: torch.Tensor | None = None
        self.hollow = True  # no number among those taken so far

    def __call__(self, header: dict[str, Any], stream: IO[bytes]) -> None:
        rows, width, channels = (int(n) for n in header["shape"])
        dtype, levels = np.dtype(header["dtype"]), Levels.load(header["levels"])
        self.pixels = torch.empty((channels, rows, width), dtype=torch.float32)
        out = self.pixels.numpy()
        for top, count in slabs((rows, width, channels), dtype.itemsize):
            slab = np.empty((count, width, channels), dtype)
            view = memoryview(slab.data).cast("B")
            while view:
                got = stream.readinto(view)  # type: ignore[attr-defined]
                if not got:
                    raise EOFError
                view = view[got:]
            if dtype.kind == "f" and not (sound := np.isfinite(slab)).all():
                low, high = float(levels.black.min()), float(levels.white.max())
                slab = np.nan_to_num(slab, nan=low, posinf=high, neginf=low)
                self.hollow &= not sound.any()
            else:
                self.hollow = False
            normalise(slab, levels, top, out[:, top : top + count])


def _image(file: Path, header: dict[str, Any], sink: _Sink) -> Image:
    if sink.pixels is None:
        raise ImageError(f"{file.name} holds no pixels")
    if sink.hollow:
        raise ImageError(f"{file.name} holds no picture: none of its pixels is a number")
    try:
        meta = Metadata.load(header["meta"])
        state = State[header["state"]]
        frame = header["frame"] and Frame(*(tuple(header["frame"][k]) for k in ("full", "rect", "size")))
        if header["extras"]:
            return Image(sink.pixels, state, meta, frame)
        own = Metadata.load(header["meta"] | {"name": file.name, "digest": _digest(file)})
        return _converted(Image(sink.pixels, state, own, frame), header["info"].get("colorants"))
    except (KeyError, TypeError, ValueError) as e:
        raise ImageError(f"{file.name} is damaged: its description does not fit its pixels") from e


def _converted(image: Image, colorants: list[list[float]] | None) -> Image:
    """A picture whose profile is none of ours, linear so far, as Rec.2020, which holds nearly all of its colours."""
    if colorants is None:
        return image
    matrix = spaces.between64("xyz-d50", "rec2020") @ torch.tensor(colorants, dtype=torch.float64)
    linear = spaces.apply(matrix.float(), image.pixels).clamp_(0.0, 1.0)
    return image.to(transfer.encode("rec2020", linear), meta=replace(image.meta, space="rec2020"))


def _digest(file: Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
