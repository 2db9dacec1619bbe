"""Training as a user does it: by the command line, on a camera's own files, interrupted and taken up again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from cli import modisp, well

from modisp import resources, weights
from modisp.image import Image, Metadata, State
from modisp.io import open_image
from modisp.io.dng_write import write_dng
from modisp.learned import weight_file
from modisp.stage import Probe, list_stages

pytestmark = pytest.mark.skipif(
    not (resources.path("weights") / f"restore-fast{weights.SUFFIX}").is_file(), reason="no weights to start from"
)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder for runs, with a small stock of dead leaves, which would take a minute to draw."""
    leaves = np.random.default_rng(1).integers(0, 255, (2, 3, 256, 256), dtype=np.uint8)
    np.save(tmp_path / "leaves-128-256.npy", leaves)
    return tmp_path


def test_a_cameras_own_files_make_weights_that_serve_it_alone(
    photographs: Path, runs: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODISP_HOME", str(runs / "home"))
    mine, other = (data / "raw" / "real" / f"gopro_hero{n}_crop.dng" for n in (6, 7))
    done = well(
        "train", "restore", "--camera", mine, "--data", photographs, "--out", runs / "mine", "--steps", 2, "--batch", 2
    )
    name = "restore-fast@gopro-hero6-black"
    assert name in done.out and (runs / "home" / "weights" / f"{name}.safetensors").is_file()
    image, stranger = open_image(mine), open_image(other)
    assert [weight_file("restore", "fast", i.meta).stem for i in (image, stranger)] == [name, "restore-fast"]  # type: ignore[union-attr]
    card = next(c for c in json.loads(well("weights", "--json").out) if c["name"] == name)
    assert card["steps"] == 2 and len(card["before"]) >= 1
    stage = list_stages()["restore"]()
    part = image.cut(image.frame.cut(0, 0, 96, 96))
    assert stage.infer(part, stage.measure(Probe.of(image)))
    refused = modisp("train", "restore", "--camera", mine, "--camera", other, "--data", photographs, "--steps", 1)
    assert refused.code and "one camera" in refused.err


def test_whose_weights_a_camera_s_files_refine_their_filter_array_says(
    photographs: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODISP_HOME", str(runs / "home"))
    cfa = ("GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB", "RBGBRG")
    meta = Metadata(make="Acme", model="X6", cfa=cfa, noise=((1e-3, 1e-6),), white=(0.5, 1.0, 0.6))
    mine = write_dng(runs / "six.dng", Image(torch.rand(1, 60, 60), State.MOSAIC, meta))
    few = ("--data", photographs, "--out", runs / "mine", "--steps", 1, "--batch", 1)
    assert "restore-xtrans-fast@acme-x6" in well("train", "restore", "--camera", mine, *few).out
    assert weight_file("restore-xtrans", "fast", meta).stem == "restore-xtrans-fast@acme-x6"  # type: ignore[union-attr]
    refused = modisp("train", "restore-fast", "--camera", mine, *few)
    assert refused.code and "train restore-xtrans-fast" in refused.err


@pytest.mark.skipif(sys.platform == "win32", reason="sends a Unix signal")
def test_a_run_that_is_stopped_goes_on_where_it_was(photographs: Path, runs: Path) -> None:
    out = runs / "run"
    command = [sys.executable, "-m", "modisp", "train", "demosaic-bayer-fast", "--data", str(photographs)]
    command += ["--out", str(out), "--steps", "100000", "--batch", "1", "--patch", "24"]
    environment = {**os.environ, "MODISP_HOME": str(runs / "home"), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert child.stdout is not None
    said = next((line for line in child.stdout if "  step " in line), "")
    child.send_signal(signal.SIGINT)
    said += child.communicate(timeout=600)[0]
    assert child.returncode == 0 and "saved" in said and (out / "checkpoint.pt").is_file(), said
    before = int(torch.load(out / "checkpoint.pt", weights_only=True)["step"])
    steps = before + 3
    well(
        "train",
        "demosaic-bayer-fast",
        "--data",
        photographs,
        "--out",
        out,
        "--steps",
        steps,
        "--batch",
        1,
        "--patch",
        24,
    )
    after = torch.load(out / "checkpoint.pt", weights_only=True)
    assert after["step"] == steps
    last = json.loads((out / "log.jsonl").read_text().splitlines()[-1])
    assert last["step"] == steps and re.search(r"--steps \d+", after["command"])
    well("train", "plot", out)
    assert (out / "log.png").stat().st_size > 0
