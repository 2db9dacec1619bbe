"""Kernels: their helpers, and that what is kept of them goes by the state of all their sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

import modisp
from modisp import native
from modisp.native import F, kernel

ROOT = Path(modisp.__file__).parent


@kernel
def _roots(x: np.ndarray, out: np.ndarray) -> None:
    for i in range(x.size):
        out[i] = native.cbrt(x[i])


@kernel
def _ends(x: np.ndarray, out: np.ndarray) -> None:
    for i in range(x.size):
        out[i] = native.less(native.more(x[i], F(0)), F(1))


def test_cube_roots_of_either_sign() -> None:
    x = np.concatenate([-np.logspace(-9, 5, 5001), np.logspace(-9, 5, 5001)]).astype(F)
    out = np.empty_like(x)
    _roots(x, out)
    assert np.abs(out / np.cbrt(x.astype(np.float64)) - 1).max() < 1e-6
    _roots(np.zeros(3, F), out[:3])
    assert np.abs(out[:3]).max() < 1e-9


def test_what_is_no_number_is_clamped_like_the_rest() -> None:
    out = np.empty(5, F)
    _ends(np.array([np.nan, -1, 0.5, 2, np.inf], F), out)
    assert out.tolist() == [0, 0, 0.5, 1, 1]


def test_planes_share_memory_where_they_can() -> None:
    x = torch.zeros(3, 4, 5)
    native.planes(x)[1][:] = 7
    assert float(x[1].min()) == 7 and float(x[0].max()) == 0
    r, g, b = native.planes(torch.arange(24.0).view(3, 2, 4)[:, :, ::2])
    assert (r.tolist(), g.tolist(), b.tolist()) == ([0, 2, 4, 6], [8, 10, 12, 14], [16, 18, 20, 22])


def test_all_sources_of_kernels_are_listed() -> None:
    holding = {p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*.py") if "@kernel" in p.read_text("utf-8")}
    assert holding | {"native.py"} == set(native.SOURCES)
