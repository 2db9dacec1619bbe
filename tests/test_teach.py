"""The teachers: what their steps promise, and that every one of them has a style that learned from it."""

from __future__ import annotations

import pytest
import torch

from modisp.metrics import delta_e
from modisp.style import list_styles
from modisp.teach import TEACHERS, finish
from modisp.teach.laplacian import guided, local_laplacian, surroundings
from modisp.train.tone import lab


@pytest.fixture(scope="module")
def scene() -> torch.Tensor:
    """(3, 64, 96): soft colours under light that falls by seven stops, with a lamp."""
    random = torch.Generator().manual_seed(1)
    colour = torch.nn.functional.interpolate(torch.rand(1, 3, 12, 18, generator=random), (64, 96), mode="bicubic")[0]
    light = torch.exp2(torch.linspace(0, -7, 96)).expand(64, 96).clone()
    light[10:16, 70:78] = 20.0
    return (colour.clamp(0.1, 1) * light).contiguous()


def test_local_laplacian_changes_nothing_where_nothing_is_asked() -> None:
    light = torch.randn(50, 70, generator=torch.Generator().manual_seed(0)).cumsum(1) * 0.3
    assert torch.allclose(local_laplacian(light, 1.0, 1.0, 1.0), light, atol=1e-3)


def test_local_laplacian_strengthens_detail_and_compresses_edges() -> None:
    step = torch.where(torch.arange(64) < 32, -4.0, 4.0).expand(64, 64)
    wave = 0.2 * torch.sin(torch.arange(64) * 0.9).expand(64, 64)
    out = local_laplacian(step + wave, 0.7, 0.5, 0.5)
    assert float(out[:, 40:].mean() - out[:, :24].mean()) < 6.0
    assert out[32, 40:56].std() > 1.1 * wave[32, 40:56].std()
    # no halo: the plateaus stay level up to the edge
    level = local_laplacian(step.contiguous(), 0.7, 0.5, 0.5)
    assert (level[32, 33:40] - level[32, 48]).abs().max() < 0.25


def test_surroundings_end_at_strong_edges() -> None:
    step = torch.where(torch.arange(96) < 48, -4.0, 4.0).expand(64, 96).contiguous()
    mean, deviation = surroundings(step, 0.13, 2.2)
    assert (mean - step).abs().max() < 0.3 and deviation.max() < 1.6


def test_a_map_is_carried_to_a_larger_picture_along_its_edges() -> None:
    light = torch.where(torch.arange(128) < 64, -3.0, 3.0).expand(96, 128).contiguous()
    small = light[::4, ::4].contiguous()
    assert (guided(light, 0.5 * small, small) - 0.5 * light).abs().max() < 0.05


@pytest.mark.parametrize("name", TEACHERS)
def test_a_teacher_finishes_any_exposure_alike(scene: torch.Tensor, name: str) -> None:
    out = finish(scene, TEACHERS[name])
    assert out.shape == scene.shape and out.min() >= 0 and out.max() <= 1
    again = finish(scene * 16, TEACHERS[name])
    assert delta_e(lab(out.reshape(1, 3, -1)), lab(again.reshape(1, 3, -1))).mean() < 0.1


@pytest.mark.parametrize("name", TEACHERS)
def test_grey_stays_grey_but_where_the_look_is_toned(scene: torch.Tensor, name: str) -> None:
    teacher = TEACHERS[name]
    out = finish(scene.mean(0, keepdim=True).expand(3, -1, -1).contiguous(), teacher)
    chroma = lab(out.reshape(1, 3, -1))[..., 1:].norm(dim=-1).max()
    toned = any((*teacher.shadow_tint, *teacher.highlight_tint))
    assert (chroma > 1.0) if toned else (chroma < 0.5)


def test_every_teacher_has_a_style() -> None:
    styles = list_styles()
    for name in TEACHERS:
        assert name in styles
        assert name == "natural" or styles[name].values["tone_learned"]["curve_offsets"]
