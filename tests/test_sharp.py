"""Sharpening for output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from modisp import Recipe
from modisp.export import Plan, Wanted, export
from modisp.operators.sharp import SHARPNESS, sharpened


def edge(low: float = 0.2, high: float = 0.6) -> torch.Tensor:
    x = torch.full((3, 16, 32), low)
    x[:, :, 16:] = high
    return (x + x.roll(1, 2)) / 2 if low else x


@pytest.mark.parametrize("how", SHARPNESS)
def test_edges_become_steeper_and_flat_areas_stay(how: str) -> None:
    before = edge()
    before[:, :, 0] = before[:, :, 1]
    after = sharpened(before, *SHARPNESS[how])
    slope = (after[0, 8, 17] - after[0, 8, 15]) / (before[0, 8, 17] - before[0, 8, 15])
    assert slope > 1.02
    assert torch.allclose(after[:, :, 4:10], before[:, :, 4:10], atol=1e-6)
    assert torch.allclose(after[:, :, 24:28], before[:, :, 24:28], atol=1e-6)


def test_colours_keep_their_ratios_and_nothing_leaves_the_range() -> None:
    g = torch.Generator().manual_seed(1)
    noise = torch.rand(1, 24, 24, generator=g)
    rgb = torch.cat([0.8 * noise, 0.4 * noise, 0.2 * noise])
    out = sharpened(rgb, *SHARPNESS["print"])
    assert out.min() >= 0 and out.max() <= 1
    inside = (out[0] < 1) & (rgb[2] > 1e-3)
    assert torch.allclose((out[0] / out[2])[inside], torch.tensor(4.0), rtol=1e-3)


def test_black_and_white_stay() -> None:
    for v in (0.0, 1.0):
        flat = torch.full((3, 9, 9), v)
        assert torch.allclose(sharpened(flat, *SHARPNESS["screen"]), flat, atol=1e-6)


def test_an_export_is_sharpened_at_its_final_size(sample: Path, tmp_path: Path) -> None:
    made = {}
    for how in ("", "print"):
        target = tmp_path / f"{how or 'plain'}.png"
        export(sample, target, lambda i, x: Plan(Recipe.default(i), {}, {}), Wanted(size=300, sharpen=how))
        with Pillow.open(target) as image:
            made[how] = np.asarray(image.convert("L"), float)
    assert made[""].shape == made["print"].shape
    rough = {k: np.abs(np.diff(v)).mean() for k, v in made.items()}
    assert rough["print"] > 1.05 * rough[""]
    assert abs(made["print"].mean() - made[""].mean()) < 2
    with pytest.raises(ValueError, match="screen or print"):
        export(sample, tmp_path / "x.png", lambda i, x: Plan(Recipe.default(i), {}, {}), Wanted(sharpen="billboard"))
