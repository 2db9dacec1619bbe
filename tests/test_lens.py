"""Lens corrections: DNG's formulas, gain maps by channel, hand-set sliders, regions equal to the whole."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from modisp.image import Frame, Image, Metadata, Opcode, State
from modisp.resample import resize_image
from modisp.stage import Reading
from modisp.stages.lens import Lens

H, W = 96, 140


def places(height: int = H, width: int = W) -> torch.Tensor:
    """A picture whose channels are row, column and their sum, as places of pixel centres."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([y, x, x + y])


def picture(*opcodes: Opcode, pixels: torch.Tensor | None = None, **meta: Any) -> Image:
    return Image(places() if pixels is None else pixels, State.CAMERA, Metadata(opcodes=opcodes, **meta))


def rectilinear(*sets: list[float], center: tuple[float, float] = (0.5, 0.5)) -> Opcode:
    return Opcode(3, "WarpRectilinear", {"coefficients": list(sets), "center": list(center)})


def render(stage: Lens, image: Image, frame: Frame) -> torch.Tensor:
    needed = stage.needs(frame, image.frame.full, image.meta)
    x, y, w, h = needed.rect
    assert x >= 0 and y >= 0 and x + w <= image.width + 1e-6 and y + h <= image.height + 1e-6
    whole = needed.size == (round(h), round(w))
    return stage.place(image.cut(needed) if whole else resize_image(image, needed), Reading(), None, frame)


VIGNETTE = Opcode(3, "FixVignetteRadial", {"coefficients": [0.3, 0.1, 0.0, 0.05, 0.0], "center": [0.5, 0.5]})
BARREL = rectilinear([1.0, -0.08, 0.01, 0.0, 0.001, -0.002], center=(0.45, 0.55))


def test_nothing_to_do_is_the_identity() -> None:
    image = picture()
    for stage in (Lens(), Lens().neutral(), Lens(red=2).neutral()):
        assert torch.equal(stage.process(image, Reading(), None), image.pixels)
        assert stage.needs(image.frame, (H, W), image.meta) == image.frame
    assert Lens(red=2, fix_fringes=False).neutral().is_neutral()
    corrected = picture(BARREL, VIGNETTE)
    assert torch.equal(Lens(embedded=False)(corrected).pixels, corrected.pixels)


def test_warp_rectilinear_by_the_letter_of_the_specification() -> None:
    out = Lens()(picture(BARREL)).pixels
    cy, cx = 0.55 * (H - 1), 0.45 * (W - 1)
    m = max(math.hypot(cy - y, cx - x) for y in (0, H - 1) for x in (0, W - 1))
    k0, k1, k2, k3, t0, t1 = BARREL.data["coefficients"][0]
    for row, column in ((10, 20), (48, 70), (80, 120), (30, 100)):
        dy, dx = (row - cy) / m, (column - cx) / m
        r2 = dy * dy + dx * dx
        f = k0 + k1 * r2 + k2 * r2**2 + k3 * r2**3
        y = cy + m * (dy * f + t1 * 2 * dx * dy + t0 * (r2 + 2 * dy * dy))
        x = cx + m * (dx * f + t0 * 2 * dx * dy + t1 * (r2 + 2 * dx * dx))
        assert out[0, row, column] == pytest.approx(y + 0.5, abs=1e-3)
        assert out[1, row, column] == pytest.approx(x + 0.5, abs=1e-3)


def test_warp_fisheye_and_the_second_rectilinear() -> None:
    fisheye = Opcode(3, "WarpFisheye", {"coefficients": [[1.0, 0.1, 0.0, 0.0]], "center": [0.5, 0.5]})
    out = Lens()(picture(fisheye)).pixels
    cy, cx = (H - 1) / 2, (W - 1) / 2
    m = math.hypot(cy, cx)
    r = math.hypot(20 - cy, 30 - cx) / m
    t = math.atan(r)
    assert out[0, 20, 30] == pytest.approx(cy + (20 - cy) * (t + 0.1 * t**3) / r + 0.5, abs=1e-3)
    k = [1.0, 0.02, -0.05] + [0.0] * 14
    second = Opcode(
        3,
        "WarpRectilinear2",
        {"coefficients": [k], "center": [0.5, 0.5], "valid": [[0.0, 1.0]], "reciprocal": False},
    )
    out = Lens()(picture(second)).pixels
    assert out[1, 20, 30] == pytest.approx(cx + (30 - cx) * (1 + 0.02 * r - 0.05 * r * r) + 0.5, abs=1e-3)


def test_planes_are_warped_apart_and_the_parts_can_be_switched() -> None:
    sets = [[1.01, 0, 0, 0, 0, 0], [1.0, -0.05, 0, 0, 0, 0], [0.99, 0, 0, 0, 0, 0]]
    x = places()[1].repeat(3, 1, 1)
    image = picture(rectilinear(*sets), pixels=x)
    out = Lens()(image).pixels
    cx = (W - 1) / 2
    assert out[0, 48, 100] == pytest.approx(cx + (100 - cx) * 1.01 + 0.5, abs=1e-3)
    assert out[2, 48, 100] == pytest.approx(cx + (100 - cx) * 0.99 + 0.5, abs=1e-3)
    assert out[1, 48, 100] < x[1, 48, 100]
    plain = Lens(fix_fringes=False)(image).pixels
    assert torch.equal(plain[0], out[1]) and torch.equal(plain[2], out[1])
    fringes = Lens(fix_distortion=False)(image).pixels
    assert torch.allclose(fringes[1], x[1], atol=1e-5)
    shift = fringes[0] - fringes[1]
    assert torch.allclose(shift[:, 20:-20], (out[0] - out[1])[:, 20:-20], atol=1e-3)
    assert torch.equal(Lens(fix_fringes=False, fix_distortion=False)(image).pixels, x)


def test_vignette_gain() -> None:
    flat = torch.full((3, H, W), 0.5)
    out = Lens()(picture(VIGNETTE, pixels=flat)).pixels
    assert out[1, 0, 0] == pytest.approx(0.5 * (1 + 0.3 + 0.1 + 0.05), rel=1e-5)
    r2 = ((40 - (H - 1) / 2) ** 2 + (20 - (W - 1) / 2) ** 2) / (((H - 1) / 2) ** 2 + ((W - 1) / 2) ** 2)
    assert out[0, 40, 20] == pytest.approx(0.5 * (1 + 0.3 * r2 + 0.1 * r2**2 + 0.05 * r2**4), rel=1e-5)
    assert torch.equal(Lens(fix_vignetting=False)(picture(VIGNETTE, pixels=flat)).pixels, flat)


def gain_map(number: int, top: int, left: int, pitch: int, gains: list[list[list[float]]], planes: int = 1) -> Opcode:
    area = {"top": top, "left": left, "bottom": H, "right": W, "plane": 0, "planes": planes}
    area |= {"row_pitch": pitch, "column_pitch": pitch}
    spacing = [1 / (len(gains) - 1), 1 / (len(gains[0]) - 1)]
    return Opcode(number, "GainMap", {"area": area, "spacing": spacing, "origin": [0.0, 0.0], "gains": gains})


def test_gain_maps_of_raw_samples_go_to_their_colours() -> None:
    flat = torch.ones(3, H, W)
    level = {"R": 1.5, "G": 1.2, "B": 2.0}
    cfa = ("GR", "BG")
    maps = [gain_map(2, t, c, 2, [[[level[cfa[t][c]]]] * 3] * 2) for t in (0, 1) for c in (0, 1)]
    out = Lens()(picture(*maps, pixels=flat, cfa=cfa)).pixels
    assert [float(v) for v in out[:, 30, 30]] == pytest.approx([1.5, 1.2, 2.0], rel=1e-6)
    ramp = gain_map(3, 0, 0, 1, [[[1.0, 1.0, 1.0], [2.0, 1.0, 3.0]]] * 2, planes=3)
    out = Lens()(picture(ramp, pixels=flat, cfa=cfa)).pixels
    x = (70 + 0.5) / W
    assert [float(v) for v in out[:, 30, 70]] == pytest.approx([1 + x, 1.0, 1 + 2 * x], rel=1e-5)


def test_describe_strikes_off_what_was_applied() -> None:
    other = Opcode(2, "TrimBounds", {"rect": [0, 0, 1, 1]})
    image = picture(BARREL, VIGNETTE, other)
    assert Lens()(image).meta.opcodes == (other,)
    assert Lens(embedded=False)(image).meta.opcodes == image.meta.opcodes


STAGES = [
    (Lens(), (BARREL, VIGNETTE)),
    (Lens(distortion=0.8), ()),
    (Lens(distortion=-0.8, red=3, blue=-4, vignetting=0.5), ()),
    (Lens(vignetting=-0.5), (VIGNETTE,)),
    (Lens(), (rectilinear([1.002, 0, 0, 0, 0, 0], [1.0, -0.1, 0, 0, 0, 0], [0.998, 0.05, 0, 0, 0, 0]),)),
]


@pytest.mark.parametrize(("stage", "opcodes"), STAGES)
@pytest.mark.parametrize("scale", [1.0, 0.41])
def test_region_is_the_part_of_the_whole(stage: Lens, opcodes: tuple[Opcode, ...], scale: float) -> None:
    image = picture(*opcodes, pixels=torch.rand(3, H, W, generator=torch.Generator().manual_seed(3)))
    frame = Frame.whole(H, W, scale)
    whole = render(stage, image, frame)
    rows, columns = frame.size
    for top, left in ((0, 0), (rows // 3, columns // 4), (rows // 2, columns // 2)):
        part = frame.cut(top, left, rows // 2, columns // 2)
        got = render(stage, image, part)
        assert (got - whole[:, top : top + rows // 2, left : left + columns // 2]).abs().max() <= 1e-5


@pytest.mark.parametrize("amount", [-1.0, -0.3, 0.4, 1.0])
def test_hand_set_distortion_leaves_no_empty_edge(amount: float) -> None:
    frame = Frame.whole(H, W)
    needed = Lens(distortion=amount)
    ys, xs = needed_places(needed, frame)
    assert ys.min() >= 0 and ys.max() <= H and xs.min() >= 0 and xs.max() <= W
    assert min(float(ys.min()), H - float(ys.max()), float(xs.min()), W - float(xs.max())) < 0.8
    # barrel-shaped lines get straight: the middle of the upper edge is read further in than its ends
    middle, end = ys[1, W // 2], ys[1, 1]
    assert (middle < end) == (amount > 0)


def needed_places(stage: Lens, frame: Frame) -> tuple[torch.Tensor, torch.Tensor]:
    from modisp.operators.lensmap import source
    from modisp.operators.warp import centres

    y, x = source(stage._steps(frame.full, Metadata()), centres(frame, 0, frame.size[0]), 1)
    return y.expand(frame.size), x.expand(frame.size)


def test_red_slider_makes_red_larger() -> None:
    x = (torch.arange(W) - (W - 1) / 2).repeat(3, H, 1)
    out = Lens(red=5)(picture(pixels=x)).pixels
    assert out[0, 48, 100] == pytest.approx(float(x[0, 48, 100]) * 0.995, abs=1e-3)
    assert torch.allclose(out[1], x[1], atol=1e-4)


def test_lensfun_profile_where_the_lens_is_known() -> None:
    pytest.importorskip("lensfunpy", reason="the extra modisp[lens] is not installed")
    shot = Metadata(
        make="Canon",
        model="Canon EOS 5D Mark III",
        lens="EF24-105mm f/4L IS USM",
        focal_length=24,
        aperture=4,
        distance=10,
    )
    flat = Image(torch.full((3, 60, 90), 0.2), State.CAMERA, shot)
    out = Lens(profile=True)(flat).pixels
    assert out[1, 1, 1] > 0.3 and out[1, 30, 45] == pytest.approx(0.2, rel=1e-3)
    bent = Image(places(60, 90), State.CAMERA, shot)
    moved = Lens(profile=True, fix_vignetting=False)(bent).pixels
    assert (moved[0] - bent.pixels[0]).abs().max() > 0.5
    assert torch.equal(Lens(profile=True)(replace(flat, meta=Metadata())).pixels, flat.pixels)
