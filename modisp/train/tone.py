"""The task of a tone network: to finish a picture as its teacher does, from a small view and some pixels of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from ..color import spaces
from ..metrics import xyz_to_lab
from ..operators import tonemap
from ..operators.tonemap import ToneParams
from ..operators.toneview import Seen, params_of, see
from ..teach import TEACHERS
from . import data, tone_data

LESSONS = 2900
TRAINED_ON = (
    "Views of 20 panoramas (Poly Haven, CC0), 34 photographs (Unsplash licence) led back to scene light, our own sample scenes "
    "(Apache-2.0), and joins of two; finished by the teachers of modisp.teach. Every fifth panorama is held out."
)
TESTED_ON = "16 views of the panoramas held out, against the teacher"
AT_ONCE = 1200
"""Pixels of each picture in one step."""
Example = tuple[Tensor, ...]


def lab(light: Tensor) -> Tensor:
    """Linear Rec.2020 (B, 3, N) → CIE L*a*b* (B, N, 3)."""
    to = spaces.between("rec2020", "xyz").to(light)
    return xyz_to_lab(torch.einsum("ij,bjn->bni", to, light).clamp_min(0))


def seen_difference(a: Tensor, b: Tensor) -> Tensor:
    """A colour difference close to ΔE2000 that can be learned by: CIE94's weights, smooth at 0; of L*a*b* (…, 3)."""
    chroma = torch.hypot(b[..., 1] + 1e-4, b[..., 2])
    d = a - b
    light = d[..., 0]
    # along the chroma and across it
    along = (d[..., 1] * b[..., 1] + d[..., 2] * b[..., 2]) / chroma.clamp_min(1e-2)
    square = d[..., 1] ** 2 + d[..., 2] ** 2
    across = (square - along**2).clamp_min(0)
    dark = 1 + 0.015 * (b[..., 0] - 50) ** 2 / (20 + (b[..., 0] - 50) ** 2).sqrt()
    total = (light / dark) ** 2 + (along / (1 + 0.045 * chroma)) ** 2 + across / (1 + 0.015 * chroma) ** 2
    return (total + 0.01).sqrt()


def encoded(light: Tensor) -> Tensor:
    """Linear Rec.2020 (B, 3, N) → sRGB, [0, 1]."""
    return data.encode(torch.einsum("ij,bjn->bin", spaces.between("rec2020", "srgb").to(light), light))


def predict(net: nn.Module, square: Tensor) -> ToneParams:
    """The finish that a network gives pictures, from their square views (B, 3, 128, 128)."""
    seen = see(square)
    return params_of(net(*seen.inputs()), seen)


def examples(teacher: str, folder: Path | None, kept: Path) -> Callable[[int, torch.Generator], Example]:
    """What draws lessons of a stock: what is seen of the pictures (see `Seen`), then pixels, places, finished pixels."""
    with torch.no_grad():
        stock = tone_data.stock(data.data_folder(folder), [TEACHERS[teacher]], LESSONS, kept / f"{teacher}.pt", seed=1)
        seen = [[t[0] for t in vars(see(row.seen[None])).values()] for row in stock]

    def draw(count: int, random: torch.Generator) -> Example:
        out: list[tuple[Tensor, ...]] = []
        for i in torch.randint(len(stock), (count,), generator=random).tolist():
            row, shown = stock[i], seen[i]
            pick = torch.randint(row.rgb.shape[1], (AT_ONCE,), generator=random)
            at = row.at[:, pick]
            if bool(torch.rand((), generator=random) < 0.5):  # light falls from above: left and right alone may change
                shown = [t.flip(-1) if t.ndim > 1 else t for t in shown]
                at = torch.stack([1 - at[0], at[1]])
            out.append((*shown, row.rgb[:, pick], at, row.finished[0][:, pick]))
        return tuple(torch.stack(c) for c in zip(*out, strict=True))

    return draw


def loss(net: nn.Module, example: Example) -> Tensor:
    """Mean difference, more where a picture is far off, as PSNR counts it too, and of the picture without its local part."""
    *shown, rgb, at, finished = example
    seen = Seen(*shown)
    params = params_of(net(*seen.inputs()), seen)
    target, made = lab(finished), tonemap.apply(params, rgb, at)
    off = seen_difference(lab(made), target)
    total = off.mean() + 0.1 * off.square().mean(1).sqrt().mean()
    noise = (encoded(made) - encoded(finished)).square().mean((1, 2))
    total = total + 30.0 * (noise + 1e-8).sqrt().mean()
    if getattr(net, "grid", False):
        few = slice(0, rgb.shape[2] // 4)
        alone = ToneParams(params.gain, params.curve, torch.zeros_like(params.grid), params.chroma, params.tint)
        flat = seen_difference(lab(tonemap.apply(alone, rgb[:, :, few], at[:, :, few])), target[:, few])
        total = total + 0.1 * flat.mean() + 2e-3 * params.grid.square().mean()
    return total + 1e-3 * params.chroma.square().mean()


def score(net: nn.Module, pictures: Sequence[Tensor], teacher: str) -> dict[str, float]:
    """Mean ΔE2000 and PSNR (dB) of a few pixels of each held-out picture, against the teacher."""
    from ..metrics import delta_e

    rows = _watched(teacher)
    errors, noise = [], []
    for row in rows:
        out = tonemap.apply(predict(net, row.seen[None]), row.rgb[None], row.at[None]).clamp(0, 1)
        truth = row.finished[:1]
        errors.append(float(delta_e(lab(out), lab(truth)).mean()))
        noise.append(-10 * float((encoded(out) - encoded(truth)).square().mean().log10()))
    return {"de": sum(errors) / len(rows), "worst": max(errors), "psnr": sum(noise) / len(rows), "least": min(noise)}


_kept: dict[str, list[tone_data.Lesson]] = {}


def _watched(teacher: str) -> list[tone_data.Lesson]:
    import numpy as np

    if teacher not in _kept:
        random = np.random.default_rng(5)
        scenes = tone_data.held_out(data.data_folder())
        _kept[teacher] = [tone_data.lesson(s, [TEACHERS[teacher]], random, 4000) for s in scenes]
    return _kept[teacher]


def examples_of(teacher: str) -> Callable[[Path | None, Path], Callable[[int, torch.Generator], Example]]:
    """`examples` of one teacher."""
    return partial(examples, teacher)
