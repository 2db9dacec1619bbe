"""Decoder processes: pooled, limited, replaced when they die, and never a danger to the process that asks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from modisp.io import ImageError, decoder, open_image
from modisp.io.decoder import Pool
from modisp.io.levels import Levels
from modisp.io.result import Result
from modisp.io.worker import send


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "picture.tif"
    tifffile.imwrite(file, np.arange(60, dtype=np.uint8).reshape(4, 5, 3), photometric="rgb", metadata=None)
    return file


def serving(code: str) -> str:
    """A process that answers jobs by `code`; braces are doubled for the two limits that are filled in."""
    return code.replace("{", "{{").replace("}", "}}") + "  # {} {}"


def test_one_process_serves_many_jobs(picture: Path) -> None:
    pool = Pool(size=1)
    try:
        pool.run("info", picture)
        first = pool._idle[0].child.pid
        for _ in range(5):
            assert pool.run("info", picture)["state"] == "ENCODED"
        assert [p.child.pid for p in pool._idle] == [first]
    finally:
        pool.close()


def test_a_dead_process_is_replaced(picture: Path) -> None:
    pool = Pool(size=1)
    try:
        pool.run("info", picture)
        dead = pool._idle[0].child
        dead.kill()
        dead.wait()
        assert pool.run("info", picture)["state"] == "ENCODED"
        assert pool._idle[0].child.pid != dead.pid
    finally:
        pool.close()


def test_death_in_the_middle_is_one_sentence(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(size=1)
    dying = "import sys, os; sys.stdin.readline(); sys.stdout.write('half'); sys.stdout.flush(); os._exit(11)"
    with monkeypatch.context() as patch:
        patch.setattr(decoder, "_SERVE", serving(dying))
        with pytest.raises(ImageError, match=r"picture\.tif cannot be decoded"):
            pool.run("open", picture)
    assert pool._idle == []
    assert pool.run("info", picture)["state"] == "ENCODED"
    pool.close()


def test_pixels_that_never_come_are_an_error(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys, json, struct; sys.stdin.readline(); "
        "h = json.dumps({'info': {}, 'shape': [4, 4, 1], 'dtype': '|u1', 'levels': {'black': [[[0]]], 'white': [1]}}); "
        "sys.stdout.buffer.write(struct.pack('<Q', len(h)) + h.encode() + b'abc'); sys.stdout.flush()"
    )
    monkeypatch.setattr(decoder, "_SERVE", serving(code))
    monkeypatch.setattr(decoder, "_pool", Pool(size=1))
    with pytest.raises(ImageError, match="cannot be decoded"):
        open_image(picture)


def test_time_is_limited(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_SERVE", serving("import time; time.sleep(3600)"))
    pool = Pool(size=1, seconds=0.5)
    with pytest.raises(ImageError, match=r"longer than 0\.5 s"):
        pool.run("open", picture)
    assert pool._idle == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only here does the system refuse the memory itself")
def test_memory_is_limited(tmp_path: Path) -> None:
    file = tmp_path / "large.tif"
    tifffile.imwrite(file, np.zeros((4000, 4000, 3), np.float32), photometric="rgb", compression="zlib", metadata=None)
    pool = Pool(size=1, memory=240 << 20)
    try:
        with pytest.raises(ImageError, match=r"large\.tif .*memory"):
            pool.run("open", file)
        small = tmp_path / "small.tif"
        tifffile.imwrite(small, np.zeros((40, 40, 3), np.float32), photometric="rgb", compression="zlib", metadata=None)
        assert pool.run("info", small)["state"] == "ENCODED"
    finally:
        pool.close()


def test_threads_share_the_pool(tmp_path: Path) -> None:
    files = []
    for i in range(12):
        files.append(tmp_path / f"{i}.tif")
        tifffile.imwrite(files[-1], np.full((300, 400, 3), i * 20, np.uint8), photometric="rgb", metadata=None)
    seen: dict[int, float] = {}

    def read(i: int) -> None:
        seen[i] = open_image(files[i]).pixels.mean().item()

    threads = [threading.Thread(target=read, args=(i,)) for i in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert {i: round(v * 255) for i, v in seen.items()} == {i: i * 20 for i in range(12)}
    assert len(decoder._pool._idle) <= 4


def test_a_bug_in_the_receiver_gives_up_the_process_only(picture: Path) -> None:
    pool = Pool(size=1)

    def broken(header: dict[str, Any], stream: Any) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        pool.run("open", picture, broken)
    assert pool._idle == []
    assert pool.run("info", picture)["state"] == "ENCODED"
    pool.close()


def test_decoder_processes_stay_without_torch() -> None:
    code = (
        "import sys; from modisp.io import worker, content, libraw, samples, preview; import PIL.Image, tifffile; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'scipy', 'colour'}))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only here does the system forbid it")
def test_decoder_processes_cannot_write(tmp_path: Path) -> None:
    code = (
        "import sys; from modisp.io.worker import _limit_memory; _limit_memory(8 << 30)\n"
        "try: open(sys.argv[1], 'wb').write(b'x' * 10000); print('written')\n"
        "except OSError: print('refused')"
    )
    run = [sys.executable, "-c", "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n" + code]
    out = subprocess.run([*run, str(tmp_path / "x")], capture_output=True, text=True, check=False)
    assert "written" not in out.stdout


def test_closing_ends_the_processes(picture: Path) -> None:
    pool = Pool(size=1)
    pool.run("info", picture)
    child = pool._idle[0].child
    pool.close()
    assert child.poll() is not None


@pytest.mark.skipif(os.name == "nt", reason="counts open files by /dev/fd")
def test_nothing_leaks(picture: Path) -> None:
    open_image(picture)
    before = len(os.listdir("/dev/fd"))
    for _ in range(20):
        open_image(picture)
        with pytest.raises(ImageError):
            open_image(picture.with_name("absent"))
    assert len(os.listdir("/dev/fd")) <= before


def test_an_answer_is_one_header_and_the_pixels() -> None:
    import io
    import json
    import struct

    out = io.BytesIO()
    pixels = np.arange(48, dtype=">u2").reshape(4, 4, 3)
    send(out, Result("CAMERA", {"exif": b"\0\1"}, pixels[:, 1:], Levels.simple(1, 5, 3)))
    data = out.getvalue()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert header["dtype"] == ">u2" and header["shape"] == [4, 3, 3] and header["meta"]["exif"] == "AAE="
    assert data[8 + length :] == pixels[:, 1:].tobytes()
