"""Loops over pixels, compiled for the processor at hand (Numba): what must follow a slider while it moves.

A chain of some forty array operations reads and writes the picture forty times, and takes the interpreter's lock between any two
of them.  A kernel goes over it once, holds no lock, and so runs on as many threads as there are strips.  Numbers are float32
throughout; constants are made with `F`, or sums would quietly be done in double.

The first call of a kernel compiles it, which takes a second or two; the result is kept beside the sources, or where that cannot be
written in the user's cache folder, and is found again by later processes.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import time
from typing import Any, TypeVar, cast

import numba
import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

F = np.float32
SOURCES = (
    "native.py",
    "color/gamut.py",
    "nets/around.py",
    "operators/blotches.py",
    "operators/cells.py",
    "operators/cube.py",
    "operators/means.py",
    "operators/points.py",
    "operators/rational.py",
    "operators/tonecurve.py",
    "operators/tonepaint.py",
    "operators/tonesliders.py",
    "operators/warp.py",
    "stages/detail.py",
    "stages/highlights.py",
    "stages/invert_output.py",
    "stages/look.py",
    "stages/output.py",
)
"""All files that hold kernels."""

_STALE = 30 * 86400.0  # seconds

Function = TypeVar("Function", bound=Callable[..., Any])


def _folder() -> str:
    """Where compiled kernels are kept; "" leaves it to Numba.

    Numba looks at the file of a kernel alone, not at those of the kernels that this one calls; so there is a folder for each
    state of all sources.
    """
    here = Path(__file__).parent
    try:
        state = sha256(b"".join((here / name).read_bytes() for name in SOURCES)).hexdigest()[:16]
        folder = here / "__pycache__" / f"native-{state}"
        if not folder.is_dir():
            for old in folder.parent.glob("native-*"):
                if old.stat().st_mtime < time() - _STALE:  # a process that still runs may yet write there
                    shutil.rmtree(old, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ""
    return str(folder)


_FOLDER = _folder()


def kernel(function: Function) -> Function:
    """Compile `function` at its first call; kernels may call each other.  Arrays are NumPy's, contiguous where speed counts."""
    # without "fast" mathematics: it would make a pixel depend on whether it is done alone or eight at a time
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        numba.config.CACHE_DIR = _FOLDER
        made = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # there is no folder that could be written
        made = numba.njit(**options)(function)
    return cast(Function, made)


def planes(pixels: torch.Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three channels of (3, N) or (3, H, W) as flat float32 arrays in main memory; no copy where they lie there already."""
    r, g, b = (c.contiguous().view(-1).numpy() for c in pixels.to("cpu", torch.float32))
    return r, g, b


def numbers(tensor: torch.Tensor) -> tuple[np.float32, ...]:
    """All numbers of a small tensor: what kernels take matrices as, so that these stay in registers."""
    return tuple(F(v) for v in tensor.reshape(-1).tolist())


@intrinsic  # type: ignore[untyped-decorator]
def bits(context: Any, x: Any) -> Any:
    """The bits of a float32 as an int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic  # type: ignore[untyped-decorator]
def from_bits(context: Any, x: Any) -> Any:
    """The float32 that has the bits of an int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


_FOUR, _EIGHT = (ir.VectorType(ir.FloatType(), n) for n in (4, 8))


@intrinsic  # type: ignore[untyped-decorator]
def trilinear(context: Any, table: Any, at: Any, row: Any, plane: Any, x: Any, y: Any, z: Any, out: Any, i: Any) -> Any:
    """`out[i]` (N, 4) of `table` (M, 4), float32: between the eight entries from `at` on, with shares 0…1 along each axis.

    Neighbours along x follow each other, along y they are `row` entries apart, along z `plane`.  Two neighbours, which lie side by
    side, are one operand: a compiler that is left alone takes one number after the other, five times as slowly.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, target = (
            make_array(a)(context, builder, v).data for a, v in ((table, arguments[0]), (out, arguments[7]))
        )
        start, below, behind, *shares = arguments[1:7]

        def entry(array: Any, at: Any, kind: Any) -> Any:
            place = builder.gep(array, [builder.shl(at, at.type(2))])
            return builder.bitcast(place, kind.as_pointer())

        def load(at: Any) -> Any:
            return builder.load(entry(source, at, _EIGHT), align=4)

        def pick(v: Any, which: Any) -> Any:
            return builder.shuffle_vector(v, v, ir.Constant(ir.VectorType(ir.IntType(32), len(which)), which))

        def mixed(a: Any, b: Any, share: Any) -> Any:
            kind = a.type
            wide = pick(
                builder.insert_element(ir.Constant(kind, ir.Undefined), share, ir.IntType(32)(0)), [0] * kind.count
            )
            return builder.fadd(a, builder.fmul(builder.fsub(b, a), wide))

        near, far = (
            mixed(load(at), load(builder.add(at, behind)), shares[2]) for at in (start, builder.add(start, below))
        )
        both = mixed(near, far, shares[1])
        found = mixed(pick(both, [0, 1, 2, 3]), pick(both, [4, 5, 6, 7]), shares[0])
        builder.store(found, entry(target, arguments[8], _FOUR), align=4)
        return context.get_dummy_value()

    whole, part = types.int64, types.float32
    return types.void(table, whole, whole, whole, part, part, part, out, whole), generate


@kernel
def more(a: Any, b: Any) -> Any:
    """The larger; `b` where `a` is no number."""
    return a if a > b else b


@kernel
def less(a: Any, b: Any) -> Any:
    """The smaller; `b` where `a` is no number."""
    return a if a < b else b


_NONE, _ONE = F(0), F(1)


@kernel
def unit(x: Any) -> Any:
    """`x` held to 0…1; 0 where it is no number."""
    return less(more(x, _NONE), _ONE)


_THIRD, _START, _TINY = F(1 / 3), F(0x2A510000), F(1e-30)


@kernel
def cbrt(v: Any) -> Any:
    """The cube root, of either sign, to 1e-6: a third of the exponent, then Halley's step twice."""
    a = more(abs(v), _TINY)
    r = from_bits(types.int32(F(bits(a)) * _THIRD + _START))
    for _ in range(2):
        c = r * r * r
        r *= (c + a + a) / (c + c + a)
    return math.copysign(r, v)
