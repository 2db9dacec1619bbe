"""What made a result, as keys: content of the source, then stage by stage what it is, how it is set, what it measured."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from modisp.cache import key_of
from modisp.image import Image
from modisp.parameter import files
from modisp.stage import Reading, Stage


def source_key(source: Image) -> str:
    """A key of the content of an image: its pixels, metadata and place."""
    pixels = source.pixels
    kept = getattr(pixels, "_modisp_key", None)
    version = None if pixels.is_inference() else pixels._version
    if kept is None or version is None or kept[0] != version:
        h = hashlib.blake2b(pixels.detach().cpu().contiguous().numpy().data, digest_size=20).hexdigest()
        kept = (version, h, None, "")
    if kept[2] is not source.meta:
        kept = (version, kept[1], source.meta, key_of(source.meta.dump()))
        pixels._modisp_key = kept  # type: ignore[attr-defined]
    return key_of("source", kept[1], kept[3], source.state.name, source.frame.full, source.frame.rect)


def identity(stage: Stage, inference: bool = False) -> tuple[Any, ...]:
    """What a stage is and how it is set (or only what its `measure` and `infer` may look at)."""
    values = stage.values(inference_only=inference)
    for name, p in stage.params().items():
        if p.kind == "file" and values.get(name):
            values[name] = (values[name], *(_stamp(path) for path, _ in files(values[name])))
    return stage.name, stage.version, stage.weights_digest(), values


def _stamp(path: str) -> tuple[int, int] | None:
    """What changes when a file's content does."""
    try:
        s = os.stat(path)
    except OSError:
        return None
    return s.st_mtime_ns, s.st_size


def key_after(upstream: str, stage: Stage, reading: Reading) -> str:
    """The key of a stage's result, from that of its input."""
    return key_of(upstream, *identity(stage), reading.dump())
