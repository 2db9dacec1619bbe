"""States, frames, metadata, parameters, probes and resampling: the ground that everything stands on."""

from __future__ import annotations

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modisp.image import LATTICE, Frame, Image, Metadata, Opcode, State
from modisp.resample import resize, resize_image
from modisp.stage import Param, Probe


def test_an_image_must_fit_its_state() -> None:
    with pytest.raises(ValueError, match=r"MOSAIC needs pixels of shape \(1, H, W\)"):
        Image(torch.zeros(3, 4, 4), State.MOSAIC)
    with pytest.raises(ValueError, match="at least one pixel"):
        Image(torch.zeros(3, 0, 4), State.SCENE)
    with pytest.raises(ValueError, match="does not fit pixels"):
        Image(torch.zeros(3, 4, 4), State.SCENE, frame=Frame.whole(5, 5))
    assert Image(torch.zeros(7, 4, 4), State.BURST).height == 4


def test_metadata_survives_json_and_ignores_what_it_does_not_know() -> None:
    meta = Metadata(
        make="Ä",
        cfa=("GBGGRG",),
        noise=((1e-4, 2e-7), (1e-4, 3e-7)),
        color_matrix=(((1.0, 0.0, 0.1), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),),
        gps=(1.0, 2.0, 3.0),
        exif=b"\x00\xff",
        crop=(1, 2, 3, 4),
        opcodes=(Opcode(2, "GainMap", {"gain": [[1.0, 2.0]]}),),
        light=(0.31, 0.33),
    )
    data = json.loads(json.dumps(meta.dump()))
    again = Metadata.load(data | {"later": 1})
    assert again == meta
    assert Metadata.load({}) == Metadata() and Metadata().dump() == {}


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 40), st.floats(0.05, 1.0))
def test_growing_stays_inside_and_keeps_the_pitch(h: int, w: int, pixels: int, scale: float) -> None:
    whole = Frame.whole(h, w, scale)
    rows, columns = whole.size
    part = whole.cut(rows // 3, columns // 3, max(1, rows // 4), max(1, columns // 4))
    grown = part.grow(pixels)
    x, y, gw, gh = grown.rect
    assert x >= -1e-6 and y >= -1e-6 and x + gw <= w + 1e-6 and y + gh <= h + 1e-6
    assert grown.pitch == pytest.approx(whole.pitch)
    top, left = part.within(grown)
    assert 0 <= top <= pixels and 0 <= left <= pixels
    assert whole.grow(pixels) == whole


def test_a_box_is_the_exact_mean() -> None:
    x = torch.rand(3, 60, 90)
    assert torch.allclose(resize(x, (0, 0, 90, 60), (15, 30)), torch.nn.functional.avg_pool2d(x, (4, 3)), atol=1e-6)
    odd = resize(x, (0, 0, 90, 60), (7, 11))
    assert float(odd.mean()) == pytest.approx(float(x.mean()), abs=1e-5)
    part = resize(x, (10.0, 20.0, 30.0, 12.0), (12, 30))
    assert torch.allclose(part, x[:, 20:32, 10:40], atol=1e-6)


@pytest.mark.parametrize("kernel", ["box", "lanczos3"])
def test_resampling_keeps_flats_and_ramps(kernel: str) -> None:
    flat = torch.full((3, 50, 70), 0.3)
    assert torch.allclose(resize(flat, (0, 0, 70, 50), (13, 17), kernel), torch.tensor(0.3), atol=1e-6)
    ramp = torch.linspace(0, 1, 200).expand(1, 8, 200)
    out = resize(ramp, (0, 0, 200, 8), (8, 50), kernel)[0, 4]
    want = resize(ramp, (0, 0, 200, 8), (8, 50))[0, 4]
    assert float((out - want)[4:-4].abs().max()) < 2e-3
    assert resize(torch.rand(3, 1, 1), (0, 0, 1, 1), (1, 1), kernel).shape == (3, 1, 1)


def test_a_region_of_a_reduction_is_the_reduction_of_the_region() -> None:
    image = Image(torch.rand(3, 120, 160), State.SCENE)
    whole = resize_image(image, Frame.whole(120, 160, 0.25))
    part = resize_image(image, whole.frame.cut(5, 7, 10, 20))
    assert torch.allclose(part.pixels, whole.pixels[:, 5:15, 7:27], atol=1e-6)


def test_probe_patches_lie_on_the_lattice_and_inside_the_crop() -> None:
    meta = Metadata(crop=(30, 40, 500, 400))
    image = Image(torch.rand(1, 500, 600), State.MOSAIC, meta)
    probe = Probe.of(image)
    patches = probe.patches(96, 9)
    assert len(patches) == 9
    for p in patches:
        assert p.frame.rect[0] % LATTICE == 0 and p.frame.rect[1] % LATTICE == 0
        assert p.frame.rect[0] + 96 <= 530 + LATTICE and p.pixels.shape == (1, 96, 96)
    with pytest.raises(TypeError, match="use patches"):
        probe.thumb()
    picked = probe.patch((33.0, 50.0, 10.0, 9.0))
    assert picked.frame.rect[:2] == (24.0, 48.0)
    scene = Probe.of(Image(torch.rand(3, 500, 600), State.SCENE, meta))
    assert scene.thumb(100).pixels.shape == (3, 80, 100)
    tiny = Probe.of(Image(torch.rand(1, 3, 2), State.MOSAIC))
    assert tiny.patches(96)[0].pixels.shape == (1, 3, 2)


@pytest.mark.parametrize(
    ("p", "good", "bad"),
    [
        (Param("number", 0.0, -1, 1), [0, 1, -1.0], [2, math.nan, math.inf, "a", True, None]),
        (Param("number", 3, 1, 9), [1, 9, 4.0], [1.5, 0]),
        (Param("switch", False), [True], [1, "yes"]),
        (Param("choice", "a", choices=("a", "b")), ["b"], ["c", 1]),
        (Param("rect", ()), [(), (1, 2, 3, 4)], [(1, 2), (1, 2, 0, 4), (1, 2, math.nan, 4), 3]),
        (Param("colour", (0.0, 0.0, 0.0)), [(1, 0, 0)], [(1, 0), "red"]),
        (Param("curve", ((0.0, 0.0), (1.0, 1.0))), [[[0, 0], [1, 1]]], [((0, 0),), ((1, 0), (0, 1)), ((0, 0), (0, 1))]),
        (Param("points", ()), [(), ((1, 2),)], [((1, 2, 3),)]),
        (Param("file", ""), ["x.cube"], [3]),
    ],
)
def test_values_are_stored_in_one_form_or_refused(p: Param, good: list[object], bad: list[object]) -> None:
    for v in good:
        stored = p.check("x", v)
        assert p.check("x", stored) == stored
    for v in bad:
        with pytest.raises(ValueError, match=r"^x "):
            p.check("x", v)
