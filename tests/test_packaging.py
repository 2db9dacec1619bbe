"""The wheel: what is in it, and that it works far from the checkout."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

LARGEST_SAMPLE = 4 << 20


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, built without a network."""
    if importlib.util.find_spec("hatchling") is None or importlib.util.find_spec("pip") is None:
        pytest.skip("building needs hatchling and pip in this environment: pip install -e '.[dev]'")
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "-q",
        "-w",
        folder,
        ROOT,
    ]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [path] = folder.glob("modisp-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked, as it would be installed."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as z:
        z.extractall(folder)
    return folder


def test_the_wheel_holds_what_ships(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as z:
        names = set(z.namelist())
    shipped = [p for folder in ("styles", "assets") for p in (ROOT / folder).rglob("*") if p.is_file()]
    assert shipped and {f"modisp/_data/{p.relative_to(ROOT).as_posix()}" for p in shipped} <= names
    code = [p for p in (ROOT / "modisp").rglob("*") if p.suffix in (".py", ".toml", ".typed")]
    assert {p.relative_to(ROOT).as_posix() for p in code} <= names
    assert not [n for n in names if n.startswith("tests/") or "__pycache__" in n]
    assert any(n.endswith("licenses/LICENSE") for n in names)
    assert wheel.stat().st_size < 60 << 20


def _python(installed: Path, cwd: Path, *args: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(installed), "MODISP_HOME": str(cwd / "home")}
    done = subprocess.run([sys.executable, *args], capture_output=True, text=True, cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_wheel_finds_its_things_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    for kind, pattern in (("styles", "*/style.toml"), ("samples", "*.dng")):
        code = f"import modisp.resources as r; print(r.__file__); print(r.path('{kind}'))"
        file, folder = _python(installed, tmp_path, "-c", code).splitlines()
        assert Path(file).is_relative_to(installed) and Path(folder).is_relative_to(installed)
        assert list(Path(folder).glob(pattern))
    names = _python(installed, tmp_path, "-c", "import modisp; print(*modisp.list_styles())").split()
    assert {"natural", "vivid", "soft", "cinematic", "blackwhite"} <= set(names)


def test_the_wheel_develops_a_sample(installed: Path, tmp_path: Path) -> None:
    sample = min((installed / "modisp" / "_data" / "assets" / "samples").glob("*.dng"), key=lambda p: p.stat().st_size)
    said = _python(installed, tmp_path, "-m", "modisp", "develop", str(sample), "-o", "out", "--style", "vivid")
    assert str(Path("out") / f"{sample.stem}.jpg") in said and (tmp_path / "out" / f"{sample.stem}.jpg").is_file()


def test_samples_are_small_and_worth_having() -> None:
    samples = sorted((ROOT / "assets" / "samples").glob("*.dng"))
    assert 2 <= len(samples) <= 3 and all(p.stat().st_size <= LARGEST_SAMPLE for p in samples)


def test_what_is_installed_is_what_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["scripts"] == {"modisp": "modisp.cli:main"} and project["requires-python"] == ">=3.11"
    assert (ROOT / "constraints.txt").read_text("utf-8").split() == ["torch==2.13.0"]
    from modisp import __version__

    assert project["version"] == __version__ and f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert not (ROOT / "uv.lock").exists() and "index" not in (ROOT / "pyproject.toml").read_text("utf-8")


def test_public_names_are_what_they_say_whatever_was_imported_before() -> None:
    code = (
        "import modisp.stage, modisp.pipeline, modisp.style, modisp.sidecar, modisp.io, modisp as m\n"
        "print([n for n in m.__all__ if type(getattr(m, n)).__name__ == 'module'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
