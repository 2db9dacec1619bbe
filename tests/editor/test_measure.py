"""`modisp-editor --measure`: figures for the sliders that are asked for, and nothing of the user's is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.editor import helpers


def measured(file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "editor_app.main", "--measure", *more, str(file)]
    return subprocess.run(command, capture_output=True, text=True, env=env)


def test_sliders_are_measured_on_a_copy(tmp_path: Path) -> None:
    file = helpers.pictures(tmp_path / "shoot", 1) / "p0.png"
    done = measured(file, "--sliders", "contrast,style", "--set", "straighten=2.5", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(done.stdout)
    assert rows[0]["slider"] == "Contrast" and rows[1]["slider"].startswith("Style ") and len(rows) == 2
    for r in rows:
        assert r["frames"] < 2 or 0 < r["median ms"] <= r["p95 ms"] <= r["longest ms"]  # a machine may be very busy
    assert [p.name for p in file.parent.iterdir()] == ["p0.png"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    file = helpers.pictures(tmp_path / "shoot", 1) / "p0.png"
    for more, words in (
        ("--sliders=nonsense", "there is no slider nonsense"),
        ("--set=contrast=x", "x is not a number"),
    ):
        done = measured(file, more)
        assert done.returncode == 1 and words in done.stdout and "Traceback" not in done.stderr
    done = measured(tmp_path / "gone.dng")
    assert done.returncode == 1 and "is not a file" in done.stdout
