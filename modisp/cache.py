"""Results by what made them: in memory bounded by bytes, and on disk for the RAW zone and for readings.

Keys are hashes of everything that made the pixels, so an entry is never stale, the folder may be deleted at any time, and several
processes may share it: files appear by an atomic rename, and a file that cannot be read counts as absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from modisp.resources import home

Tensors = Mapping[str, torch.Tensor]


def key_of(*what: Any) -> str:
    """A key for anything that JSON can say (other things by their repr)."""
    text = json.dumps(what, sort_keys=True, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


class Cache:
    """Named tensors and JSON data by key.

    `memory` and `disk` bound the bytes kept (least recently used go first); `folder=None` keeps nothing on disk.
    """

    def __init__(self, memory: int = 1 << 30, disk: int = 8 << 30, folder: Path | None = None) -> None:
        self.memory, self.disk, self.folder = memory, disk, folder
        self.used = 0
        self.trails: dict[str, Mapping[int, str]] = {}  # what a request was last made of, so that changes show
        self.exact: dict[
            str, tuple[str, Any]
        ] = {}  # what drafts start from: the key of a result, and where strengths stood
        self._items: OrderedDict[str, Tensors] = OrderedDict()
        self._data: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Tensors | None:
        """The tensors under a key, from memory, else from disk; None when there are none.  Do not write to them."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
                return self._items[key]
        path = self._path(key, ".safetensors")
        if path is None or not path.is_file():
            return None
        try:
            found = load_file(path)
        except Exception:
            # a damaged or vanished file is an absent one: the result is made again
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):  # a folder that may only be read still serves
            os.utime(path)
        self._remember(key, found)
        return found

    def where(self, key: str) -> str:
        """Where tensors lie under a key: "disk", "memory" or ""."""
        path = self._path(key, ".safetensors") if key else None
        if path is not None and path.is_file():
            return "disk"
        with self._lock:
            return "memory" if key in self._items else ""

    def put(self, key: str, tensors: Tensors, *, disk: bool = False) -> None:
        """Keep tensors under a key; on disk too where asked."""
        self._remember(key, tensors)
        path = self._path(key, ".safetensors")
        if disk and path is not None and self._write(path, lambda p: _save(tensors, p)):
            self.trim()

    def drop(self, key: str) -> None:
        """Forget the tensors under a key, in memory only."""
        with self._lock:
            old = self._items.pop(key, None)
            self.used -= _bytes(old) if old else 0

    def unload(self, key: str) -> None:
        """Forget the tensors under a key in memory if they lie on disk, too."""
        if self.where(key) == "disk":
            self.drop(key)

    def get_data(self, key: str) -> Any:
        """JSON data under a key, or None."""
        with self._lock:
            if key in self._data:
                return self._data[key]
        path = self._path(key, ".json")
        if path is None:
            return None
        try:
            return json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def put_data(self, key: str, data: Any) -> None:
        """Keep JSON data under a key, in memory and on disk."""
        with self._lock:
            self._data[key] = data
            while len(self._data) > 4096:
                self._data.popitem(last=False)
        path = self._path(key, ".json")
        if path is not None:
            self._write(path, lambda p: p.write_text(json.dumps(data), "utf-8"))

    def files(self) -> list[Path]:
        """The files kept on disk, least recently used first."""
        if self.folder is None or not self.folder.is_dir():
            return []
        rows = []
        for p in self.folder.glob("??/*"):
            with contextlib.suppress(OSError):
                rows.append((p.stat().st_mtime, p))
        return [p for _, p in sorted(rows)]

    def size(self) -> int:
        """Bytes on disk."""
        total = 0
        for p in self.files():
            with contextlib.suppress(OSError):
                total += p.stat().st_size
        return total

    def trim(self, to: int | None = None) -> int:
        """Delete the least recently used files until the folder holds at most `to` bytes (its bound); bytes freed."""
        files = self.files()
        sizes = {}
        for p in files:
            with contextlib.suppress(OSError):
                sizes[p] = p.stat().st_size
        total, freed = sum(sizes.values()), 0
        for p in files:
            if total - freed <= (self.disk if to is None else to):
                break
            with contextlib.suppress(OSError):
                p.unlink()
                freed += sizes.get(p, 0)
        return freed

    def forget(self) -> None:
        """Empty the memory (the disk stays)."""
        with self._lock:
            self._items.clear()
            self._data.clear()
            self.trails.clear()
            self.exact.clear()
            self.used = 0

    def _remember(self, key: str, tensors: Tensors) -> None:
        with self._lock:
            old = self._items.pop(key, None)
            self.used -= _bytes(old) if old else 0
            self._items[key] = tensors
            self.used += _bytes(tensors)
            while self.used > self.memory and len(self._items) > 1:
                self.used -= _bytes(self._items.popitem(last=False)[1])

    def _path(self, key: str, suffix: str) -> Path | None:
        return None if self.folder is None else self.folder / key[:2] / (key + suffix)

    def _write(self, path: Path, write: Any) -> bool:
        temporary = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
            os.close(handle)
            write(Path(temporary))
            os.replace(temporary, path)
            return True
        except OSError:
            # a full or read-only disk only costs the cache, never the picture
            if temporary:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            return False


KINDS = {torch.float16: "F16", torch.float32: "F32", torch.float64: "F64", torch.uint8: "U8", torch.int64: "I64"}


def _save(tensors: Tensors, path: Path) -> None:
    """A safetensors file, which its own library would only write from a second copy in memory."""
    plain = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    head, at = {}, 0
    for k, v in plain.items():
        head[k] = {"dtype": KINDS[v.dtype], "shape": list(v.shape), "data_offsets": [at, at + v.nbytes]}
        at += v.nbytes
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for v in plain.values():
            file.write(v.reshape(-1).view(torch.uint8).numpy().data)


def _bytes(tensors: Tensors) -> int:
    return sum(t.nbytes for t in tensors.values())


_shared: dict[Path, Cache] = {}


def shared_cache() -> Cache:
    """The process's cache over the user's cache folder."""
    folder = home("cache")
    if folder not in _shared:
        _shared[folder] = Cache(folder=folder)
    return _shared[folder]
