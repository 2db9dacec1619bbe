"""Output: encoded values, gamut, dither by position."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from modisp.color import spaces, transfer
from modisp.image import Frame, Image, Metadata, State
from modisp.stage import Reading
from modisp.stages.output import Output

SPACES = tuple(spaces.PRIMARIES)


def _random(height: int = 300, width: int = 500) -> Image:
    return Image(torch.rand(3, height, width, generator=torch.Generator().manual_seed(2)), State.DISPLAY)


def _grey(values: torch.Tensor) -> Image:
    return Image(values.reshape(1, 1, -1).repeat(3, 1, 1), State.DISPLAY)


@pytest.mark.parametrize("space", SPACES)
def test_colours_inside_the_gamut_are_encoded_as_they_are(space: str) -> None:
    inside = 0.3 + 0.2 * torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(1))
    image = Image(spaces.apply(spaces.between(space, "rec2020"), inside), State.DISPLAY)
    out = Output(space=space, dither="off")(image)
    assert torch.allclose(out.pixels, transfer.encode(space, inside), atol=3e-5)
    assert out.meta.space == space


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("mapping", ["soft", "clip"])
@pytest.mark.parametrize("dither", ["off", "8 bit"])
def test_everything_lies_between_black_and_white(space: str, mapping: str, dither: str) -> None:
    wild = Image(_random().pixels * 3 - 1, State.DISPLAY)
    for image in (_random(), wild):
        out = Output(space=space, gamut=mapping, dither=dither)(image).pixels
        assert torch.isfinite(out).all()
        assert float(out.min()) >= 0 and float(out.max()) <= 1


@pytest.mark.parametrize("space", SPACES)
def test_greys_stay_neutral(space: str) -> None:
    out = Output(space=space, dither="off")(_grey(torch.linspace(0, 1, 1000))).pixels
    assert torch.equal(out[0], out[1]) and torch.equal(out[1], out[2])
    assert float(out[0, 0, 0]) == 0.0 and float(out[0, 0, -1]) == pytest.approx(1.0)


def test_soft_keeps_gradations_that_clip_loses() -> None:
    t = torch.linspace(0.6, 1.0, 64)
    green = torch.stack([1 - t, torch.full_like(t, 0.8), 1 - t]).reshape(3, 1, 64)
    soft, clip = (Output(gamut=g, dither="off")(Image(green, State.DISPLAY)).pixels for g in ("soft", "clip"))
    assert bool((soft[0, 0].diff() <= 1e-5).all())
    assert float((soft[:, 0, 40] - soft[:, 0, -1]).abs().max()) > 0.01
    assert bool((clip[0, 0, 40:] == clip[0, 0, -1]).all())


def test_blue_stays_blue() -> None:
    """The blue of Rec.2020 keeps its Oklab hue in sRGB; clipping turns it."""
    blue = Image(torch.tensor([0.02, 0.05, 0.7]).reshape(3, 1, 1), State.DISPLAY)

    def hue(rec2020: torch.Tensor) -> torch.Tensor:
        lab = spaces.oklab(rec2020)
        return torch.rad2deg(torch.atan2(lab[2], lab[1]))

    out = transfer.decode("srgb", Output(dither="off")(blue).pixels)
    assert float((hue(spaces.apply(spaces.between("srgb", "rec2020"), out)) - hue(blue.pixels)).abs()) < 0.5


def test_dither_is_triangular_and_without_bias() -> None:
    flat = Image(torch.full((3, 512, 512), 0.2), State.DISPLAY)
    noise = (Output()(flat).pixels - Output(dither="off")(flat).pixels) * 255
    assert float(noise.abs().max()) <= 1.0
    assert abs(float(noise.mean())) < 1e-3
    assert float(noise.std()) == pytest.approx(6**-0.5, rel=0.02)
    assert float(noise.abs().mean()) == pytest.approx(1 / 3, rel=0.02)
    assert torch.equal(noise[0], noise[1]) and torch.equal(noise[0], noise[2]), "grey pictures stay grey"


def test_dithered_steps_keep_the_mean_between_them() -> None:
    value = float(transfer.decode("srgb", torch.tensor(100.3 / 255)))
    out = Output()(Image(torch.full((3, 256, 256), value), State.DISPLAY)).pixels
    eight = (out * 255).round()
    assert float(eight.mean()) == pytest.approx(100.3, abs=0.02)
    assert len(eight.unique()) >= 2


def test_black_and_white_are_not_dithered() -> None:
    for value in (0.0, 1.0):
        out = Output()(Image(torch.full((3, 40, 40), value), State.DISPLAY)).pixels
        assert torch.allclose(out, torch.full_like(out, value), atol=1e-6)


@pytest.mark.parametrize("cut", [(0, 0, 300, 70), (17, 33, 100, 64), (255, 250, 45, 250), (299, 499, 1, 1)])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_tile_is_a_piece_of_the_whole(cut: tuple[int, int, int, int], scale: float) -> None:
    whole = _random()
    frame = Frame((round(300 / scale), round(500 / scale)), (0.0, 0.0, 500 / scale, 300 / scale), (300, 500))
    whole = replace(whole, frame=frame)
    part = whole.cut(frame.cut(*cut))
    stage = Output()
    top, left, rows, columns = cut
    want = stage.process(whole, Reading(), None)[:, top : top + rows, left : left + columns]
    assert torch.allclose(stage.process(part, Reading(), None), want, atol=1e-6)


def test_a_profile_of_the_source_is_dropped() -> None:
    out = Output(space="adobe-rgb")(replace(_random(4, 4), meta=Metadata(icc=b"x", noise=((1.0, 1.0),))))
    assert out.meta.space == "adobe-rgb" and out.meta.icc == b"" and out.meta.noise == ()
