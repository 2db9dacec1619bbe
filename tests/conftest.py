"""What every test stands on: a home of its own, one torch thread, and the data that is not part of the repository."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

# before torch is imported: worker threads of the pipeline are the only ones that should run
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
_HOME = tempfile.mkdtemp(prefix="modisp-tests-")
os.environ["MODISP_HOME"] = _HOME

import hypothesis  # noqa: E402
import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent

hypothesis.settings.register_profile("modisp", deadline=None, print_blob=True)
hypothesis.settings.load_profile("modisp")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    torch.set_num_threads(1)
    yield
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh MODISP_HOME for one test."""
    folder = tmp_path / "home"
    monkeypatch.setenv("MODISP_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of photographs and camera files that tests may use where it is at hand."""
    folder = Path(os.environ.get("MODISP_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"MODISP_DATA: there is no folder {folder}")
    return folder


@pytest.fixture(scope="session")
def sample() -> Path:
    """A sample picture that ships with modisp."""
    from modisp.resources import path

    found = sorted(path("samples").glob("*.dng"))
    assert found, f"no samples in {path('samples')}"
    return found[0]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a few made-up photographs."""
    import numpy as np
    from PIL import Image

    root = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for kind in ("train", "val"):
        (root / "photos" / kind).mkdir(parents=True)
        for i in range(2):
            coarse = random.integers(0, 255, (20, 20, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize((160, 160), Image.Resampling.BICUBIC)
            picture.save(root / "photos" / kind / f"{i}.png")
    return root
