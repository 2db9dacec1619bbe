"""Bad input: a sentence each, nothing written for it, and the rest of the folder done."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cli import modisp, well
from PIL import Image as Picture

from modisp import Image, Metadata, State, save_image
from modisp.simulate.files import simulate_file


def _dng(path: Path) -> bytes:
    simulate_file("colorchecker", path, size=(64, 96), noise=200.0, preview=False)
    return path.read_bytes()


def _truncated(folder: Path, whole: dict[str, bytes]) -> None:
    for suffix, data in whole.items():
        for percent in (1, 20, 50, 80):
            (folder / f"cut-{percent}{suffix}").write_bytes(data[: len(data) * percent // 100])


def _fuzzed(folder: Path, whole: dict[str, bytes]) -> None:
    for suffix, data in whole.items():
        for seed in range(4):
            r, bad = random.Random(seed), bytearray(data)
            for _ in range(40):
                bad[r.randrange(min(len(bad), 600) if seed % 2 else len(bad))] = r.randrange(256)
            (folder / f"fuzz-{seed}{suffix}").write_bytes(bytes(bad))


def _misnamed(folder: Path, whole: dict[str, bytes]) -> None:
    for n, suffix in enumerate((".dng", ".CR2", ".nef", ".jpg", ".png", ".tif", ".arw", ".x3f")):
        (folder / f"text-{n}{suffix}").write_text("This is no picture.\n" * 20)
    for suffix in (".dng", ".jpg", ".raf"):
        (folder / f"empty{suffix}").write_bytes(b"")
        (folder / f"noise{suffix}").write_bytes(random.Random(1).randbytes(5000))
    (folder / "folder.dng").mkdir()
    (folder / "giant.dng").write_bytes(_giant())
    if sys.platform != "win32":
        os.mkfifo(folder / "pipe.dng")
        (folder / "nowhere.dng").symlink_to(folder / "not-there.dng")


def _giant() -> bytes:
    """A TIFF header that claims 200 MP, and 1 kB of data."""
    tags = [(254, 4, 0), (256, 4, 20000), (257, 4, 10000), (258, 3, 16), (259, 3, 1), (262, 3, 32803), (273, 4, 1000)]
    tags += [(277, 3, 1), (278, 4, 10000), (279, 4, 400_000_000), (50706, 1, 0x00000401)]
    rows = b"".join(struct.pack("<HHII", tag, kind, 4 if kind == 1 else 1, value) for tag, kind, value in tags)
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + rows + bytes(4) + bytes(1000)


def test_a_folder_of_bad_files(tmp_path: Path) -> None:
    folder, out = tmp_path / "shoot", tmp_path / "out"
    folder.mkdir()
    whole = {".dng": _dng(folder / "a-good.dng")}
    for suffix in (".jpg", ".png"):
        Picture.effect_noise((60, 40), 60).convert("RGB").save(folder / f"z-good{suffix}")
        whole[suffix] = (folder / f"z-good{suffix}").read_bytes()
    make: list[Callable[[Path, dict[str, bytes]], None]] = [_truncated, _fuzzed, _misnamed]
    for f in make:
        f(folder, whole)
    done = modisp("develop", folder, "-o", out, "--json", "--format", "png")
    rows = {row["name"]: row for row in done.json()}
    assert done.code == 1 and len(rows) >= 43 and len(rows) == len(os.listdir(folder))
    failed = [name for name, row in rows.items() if "error" in row]
    assert not [n for n in failed if "good" in n]
    assert {n for n in rows if n.startswith(("text", "empty", "noise", "folder", "giant", "pipe", "nowhere"))} <= set(
        failed
    )
    assert {n for n in rows if n.endswith(".dng") and n.startswith("cut")} <= set(failed)
    for name in failed:
        sentence = rows[name]["error"]
        assert name in sentence and "\n" not in sentence and "inside modisp" not in sentence, sentence
    written = sorted(os.listdir(out))
    assert written == sorted(Path(row["out"]).name for row in rows.values() if "out" in row)
    for name in written:
        with Picture.open(out / name) as picture:
            picture.load()
    assert f"{len(written)} of {len(rows)} developed" in done.err and all(n in done.err for n in failed)


@pytest.mark.parametrize("fill", ["black", "white", "nan", "negative", "infinite"])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (33, 20)])
def test_files_in_which_nothing_was_recorded_say_so(tmp_path: Path, fill: str, size: tuple[int, int]) -> None:
    value = {"black": 0.0, "white": 1.0, "nan": float("nan"), "negative": -3.0, "infinite": float("inf")}[fill]
    image = Image(torch.full((1, *size), value), State.MOSAIC, Metadata(white=(0.5, 1.0, 0.6)))
    source, target = tmp_path / "odd.dng", tmp_path / "odd.png"
    try:
        save_image(image, source)
    except ValueError:
        pytest.skip("such pixels cannot be saved, so no file can hold them")
    done = modisp("develop", source, "-o", target)
    assert done.code == 1 and not target.exists()
    assert len(done.err.strip().splitlines()) == 1 and "odd.dng" in done.err and "inside modisp" not in done.err


@pytest.mark.parametrize("level", [0.0, 0.02, 1.0])
def test_the_frame_of_a_lens_cap_or_of_the_sun_is_developed(tmp_path: Path, level: float) -> None:
    noise = torch.randn(1, 40, 60, generator=torch.Generator().manual_seed(1)) * 0.01
    source, target = tmp_path / "cap.dng", tmp_path / "cap.png"
    save_image(Image(noise + level, State.MOSAIC, Metadata(white=(0.5, 1.0, 0.6))), source)
    assert modisp("develop", source, "-o", target).code == 0
    with Picture.open(target) as picture:
        assert picture.size == (60, 40)


def test_camera_files_that_are_bad_or_odd(data: Path, tmp_path: Path) -> None:
    for kind in ("bad", "odd"):
        done = modisp("develop", data / "raw" / kind, "-o", tmp_path / kind, "--json", "--size", "200")
        for row in done.json():
            assert ("error" in row) != Path(row.get("out", "nothing")).is_file()
            assert "inside modisp" not in row.get("error", ""), row["error"]


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.dng"
    _dng(path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    done = modisp("develop", path, "-o", tmp_path / "a.jpg")
    assert done.code == 1 and "secret.dng" in done.err


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = modisp("develop", tmp_path / "empty", "-o", tmp_path / "out")
    assert done.code == 1 and "no pictures" in done.err and not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    source = tmp_path / "good.dng"
    _dng(source)
    (tmp_path / "file").write_text("not a folder")
    done = modisp("develop", source, "-o", tmp_path / "file" / "a.jpg")
    assert done.code == 1 and len(done.err.strip().splitlines()) == 1
    (tmp_path / "folder.jpg").mkdir()
    well("develop", source, "-o", tmp_path / "folder.jpg")
    assert (tmp_path / "folder.jpg" / "good.jpg").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of files")
def test_a_disk_that_fills_up_is_one_sentence(tmp_path: Path) -> None:
    source = tmp_path / "good.dng"
    _dng(source)
    (tmp_path / "out").mkdir()
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"
    for command in (
        ["develop", source, "-o", tmp_path / "out" / "a.png", "--bits", "16"],
        ["develop", source, "-o", tmp_path / "out" / "a.dng", "--until", "SCENE"],
        ["run", "demosaic", source, tmp_path / "out" / "b.dng"],
        ["simulate", "grey", tmp_path / "out" / "c.dng", "--size", "96x64"],
    ):
        code = f"{limit}; from modisp.cli import main; main(sys.argv[1:])"
        words = [sys.executable, "-c", code, *map(str, command)]
        done = subprocess.run(words, capture_output=True, text=True, env=os.environ | {"MODISP_HOME": str(tmp_path)})
        assert done.returncode == 1 and "File too large" in done.stderr, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1 and "inside modisp" not in done.stderr, done.stderr
        assert not any((tmp_path / "out").iterdir())
