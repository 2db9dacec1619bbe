"""The cache: bounded, safe to delete, safe to share, never a source of errors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from modisp.cache import Cache, key_of


def tensor(n: int, value: float = 1.0) -> dict[str, torch.Tensor]:
    return {"pixels": torch.full((n,), value)}


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    c = Cache(memory=1000)
    c.put("a", tensor(100))
    c.put("b", tensor(100))
    assert c.get("a") is not None
    c.put("c", tensor(100))
    assert c.get("b") is None and c.get("a") is not None and c.used == 800


def test_disk_outlives_the_process_and_is_bounded(tmp_path: Path) -> None:
    Cache(folder=tmp_path).put("ab1", tensor(50, 3.0), disk=True)
    found = Cache(folder=tmp_path).get("ab1")
    assert found is not None and torch.equal(found["pixels"], torch.full((50,), 3.0))
    small = Cache(folder=tmp_path, disk=3000)
    for i in range(8):
        small.put(f"cd{i}", tensor(200), disk=True)
        os.utime(small.files()[-1], (time.time() + i, time.time() + i))
    assert small.size() <= 3000 and Cache(folder=tmp_path).get("cd7") is not None
    assert small.trim(0) > 0 and small.files() == []


def test_damage_and_deletion_only_cost_time(tmp_path: Path) -> None:
    c = Cache(folder=tmp_path)
    c.put("ab1", tensor(50), disk=True)
    c.put_data("ab2", {"x": 1})
    c.forget()
    for p in c.files():
        p.write_bytes(b"nonsense")
    assert c.get("ab1") is None and c.get_data("ab2") is None
    shutil.rmtree(tmp_path)
    assert c.get("ab1") is None
    c.put("ab1", tensor(5), disk=True)
    assert Cache(folder=tmp_path).get("ab1") is not None


def test_a_disk_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    c = Cache(folder=blocked)
    c.put("ab1", tensor(5), disk=True)
    c.put_data("ab2", [1])
    assert c.get("ab1") is not None and c.get_data("ab2") == [1]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of files")
def test_a_disk_that_fills_up_is_no_error(tmp_path: Path) -> None:
    code = """
import resource, sys, torch
from pathlib import Path
from modisp.cache import Cache
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
c = Cache(folder=Path(sys.argv[1]))
c.put("ab1", {"pixels": torch.ones(10_000)}, disk=True)
c.put_data("ab2", "x" * 40_000)
print(c.get("ab1") is not None, c.get_data("ab2") is not None, c.files())
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout == "True True []\n", done.stderr


def test_many_at_once_write_the_same_key(tmp_path: Path) -> None:
    def work(i: int) -> bool:
        c = Cache(folder=tmp_path)
        c.put("ab1", tensor(10_000, 7.0), disk=True)
        found = Cache(folder=tmp_path).get("ab1")
        return found is not None and bool((found["pixels"] == 7).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(40)))
    assert len(Cache(folder=tmp_path).files()) == 1


def test_keys_tell_contents_apart() -> None:
    assert key_of("a", 1.0) == key_of("a", 1.0)
    assert len({key_of("a", 1.0), key_of("a", 1.5), key_of("b", 1.0), key_of("a", [1.0]), key_of("a")}) == 5
