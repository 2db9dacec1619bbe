"""Crops, turns and bends: right way up, right part, no resampling where none is needed, regions equal to the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from PIL import ImageOps

from modisp.image import Frame, Image, Metadata, State
from modisp.operators.warp import resample
from modisp.resample import resize, resize_image
from modisp.stage import Reading
from modisp.stages.geometry import Geometry


def picture(height: int, width: int, **meta: object) -> Image:
    generator = torch.Generator().manual_seed(height * 1000 + width)
    return Image(torch.rand(3, height, width, generator=generator), State.DISPLAY, Metadata(**meta))  # type: ignore[arg-type]


def smooth(height: int, width: int, **meta: object) -> Image:
    y, x = torch.meshgrid(torch.arange(height) / 90, torch.arange(width) / 90, indexing="ij")
    pixels = torch.stack([torch.sin(3 * x + y), torch.cos(2 * y - x), torch.sin(4 * y) * torch.cos(3 * x)]) * 0.4 + 0.5
    return Image(pixels, State.DISPLAY, Metadata(**meta))  # type: ignore[arg-type]


def render(stage: Geometry, image: Image, frame: Frame) -> torch.Tensor:
    """What the pipeline does: reduce the input to what the stage asks for, and let it place the result."""
    needed = stage.needs(frame, image.frame.full, image.meta)
    x, y, w, h = needed.rect
    assert x >= 0 and y >= 0 and x + w <= image.width + 1e-6 and y + h <= image.height + 1e-6
    same = needed.size == (round(h), round(w)) and needed.rect == tuple(round(v) for v in needed.rect)
    return stage.place(image.cut(needed) if same else resize_image(image, needed), Reading(), None, frame)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_as_pillow_turns_it(orientation: int) -> None:
    image = picture(5, 8, orientation=orientation)
    shown = Pillow.fromarray((image.pixels[0].numpy() * 255).astype(np.uint8))
    exif = shown.getexif()
    exif[0x0112] = orientation
    shown.info["exif"] = exif.tobytes()
    want = np.asarray(ImageOps.exif_transpose(shown))
    out = Geometry()(image)
    assert np.array_equal((out.pixels[0].numpy() * 255).astype(np.uint8), want)
    assert out.meta.orientation == 1 and out.frame.full == want.shape


@pytest.mark.parametrize("turn", ["0", "90", "180", "270"])
def test_quarter_turns_and_flips_move_pixels(turn: str) -> None:
    image = picture(6, 9)
    turned = torch.rot90(image.pixels, -int(turn) // 90, (1, 2))
    assert torch.equal(Geometry(turn=turn)(image).pixels, turned)
    assert torch.equal(Geometry(turn=turn, flip_horizontal=True)(image).pixels, turned.flip(2))
    assert torch.equal(Geometry(turn=turn, flip_vertical=True)(image).pixels, turned.flip(1))


def test_crops_are_slices() -> None:
    image = picture(40, 60, crop=(4, 6, 50, 30))
    out = Geometry()(image)
    assert torch.equal(out.pixels, image.pixels[:, 6:36, 4:54])
    assert out.meta.crop is None
    inner = Geometry(crop=(5, 3, 20, 10))(image)
    assert torch.equal(inner.pixels, image.pixels[:, 9:19, 9:29])
    assert torch.equal(Geometry(camera_crop=False)(image).pixels, image.pixels)
    beyond = Geometry(crop=(40, 20, 500, 500))(image)
    assert torch.equal(beyond.pixels, image.pixels[:, 26:36, 44:54])
    outside = picture(20, 20, crop=(10, 10, 50, 50))
    assert torch.equal(Geometry()(outside).pixels, outside.pixels)


def test_crop_names_the_same_part_however_the_picture_is_turned() -> None:
    image = picture(40, 60, orientation=6)
    out = Geometry(crop=(5, 3, 20, 10))(image)
    assert torch.equal(out.pixels, torch.rot90(image.pixels[:, 3:13, 5:25], -1, (1, 2)))


@pytest.mark.parametrize(
    ("aspect", "size"), [("1:1", (40, 40)), ("3:2", (40, 60)), ("16:9", (34, 60)), ("2:1", (30, 60))]
)
def test_aspect_trims_about_the_middle(aspect: str, size: tuple[int, int]) -> None:
    out = Geometry(aspect=aspect)(picture(40, 60))
    assert (out.height, out.width) == size
    tall = Geometry(aspect=aspect)(picture(60, 40))
    assert (tall.width, tall.height) == size


def test_neutral_is_the_identity() -> None:
    image = picture(7, 11, orientation=6, crop=(1, 1, 5, 5))
    stage = Geometry(turn="90").neutral()
    assert stage.is_neutral() and not Geometry().is_neutral()
    assert torch.equal(stage(image).pixels, image.pixels)
    assert torch.equal(stage.process(image, Reading(), None), image.pixels)


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
@pytest.mark.parametrize("scale", [0.37, 0.5, 0.9])
def test_turns_and_crops_on_a_proxy_are_the_proxy_of_the_result(orientation: int, scale: float) -> None:
    image = picture(47, 64, orientation=orientation, crop=(3, 5, 57, 41))
    stage = Geometry(flip_vertical=True)
    result = stage(image)
    frame = Frame.whole(*result.frame.full, scale)
    assert torch.allclose(render(stage, image, frame), resize(result.pixels, frame.rect, frame.size), atol=1e-6)


BENDS = [
    Geometry(straighten=7.3),
    Geometry(straighten=-31.0, turn="90"),
    Geometry(vertical=0.7, horizontal=-0.4),
    Geometry(straighten=3.0, vertical=-1.0, aspect="1:1", flip_horizontal=True),
    Geometry(straighten=2.0, crop=(10, 20, 90, 50)),
]


@pytest.mark.parametrize("stage", BENDS)
@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_region_of_a_bent_picture_is_the_part_of_the_whole(stage: Geometry, orientation: int) -> None:
    image = picture(120, 170, orientation=orientation, crop=(5, 3, 160, 110))
    for scale in (1.0, 0.43):
        result = Frame.whole(*stage.full_size(image.frame.full, image.meta), scale)
        whole = render(stage, image, result)
        rows, columns = result.size
        part = result.cut(rows // 3, columns // 4, rows // 2, columns // 2)
        got = render(stage, image, part)
        want = whole[:, rows // 3 : rows // 3 + rows // 2, columns // 4 : columns // 4 + columns // 2]
        assert (got - want).abs().max() <= 1e-5


@pytest.mark.parametrize("stage", BENDS)
@pytest.mark.parametrize("orientation", [1, 2, 6])
def test_no_empty_corner(stage: Geometry, orientation: int) -> None:
    """The corners are read inside the picture, and no smaller part is kept than that asks for."""
    h, w = 120, 170
    meta = Metadata(orientation=orientation)
    full = stage.full_size((h, w), meta)
    area, turn = stage._area((h, w), meta), stage._turns(meta)
    rows, columns = torch.tensor([0.5, full[0] - 0.5]).double(), torch.tensor([0.5, full[1] - 0.5]).double()
    ys, xs = stage._source(area, turn, stage._view(area, turn), (rows[:, None], columns[None]))
    assert ys.min() > 0 and ys.max() < h and xs.min() > 0 and xs.max() < w
    if not stage.crop:
        gap = min(float(v) for v in (ys.min(), h - ys.max(), xs.min(), w - xs.max()))
        assert gap < 2.5


def test_straighten_turns_clockwise() -> None:
    """A horizon that rises to the right is level after a clockwise turn by its angle."""
    h, w = 160, 240
    y, x = torch.meshgrid(torch.arange(h) - h / 2, torch.arange(w) - w / 2, indexing="ij")
    slope = torch.tan(torch.deg2rad(torch.tensor(6.0)))
    image = Image((y + slope * x).repeat(3, 1, 1), State.DISPLAY)
    out = Geometry(straighten=6.0)(image).pixels[0, 8:-8, 16:-16]
    assert (out - out.mean(1, keepdim=True)).abs().max() < 1e-3
    for orientation in (2, 5, 6, 8):  # the eye's clockwise, however the sensor lay
        upright = Geometry(straighten=6.0)(image).pixels
        back = {2: 2, 5: 5, 6: 8, 8: 6}[orientation]
        lying = Geometry()(replace(image, meta=Metadata(orientation=back)))
        seen = Geometry(straighten=6.0)(replace(lying, meta=Metadata(orientation=orientation)))
        assert torch.allclose(seen.pixels, upright, atol=1e-4)


def test_perspective_widens_the_top() -> None:
    h, w = 120, 120
    x = (torch.arange(w) - (w - 1) / 2).repeat(3, h, 1)
    out = Geometry(vertical=0.5)(Image(x, State.DISPLAY)).pixels[0]
    assert (out[0, -1] - out[0, 0]) < 0.8 * (out[-1, -1] - out[-1, 0])
    y = x.transpose(1, 2).contiguous()
    out = Geometry(horizontal=0.5)(Image(y, State.DISPLAY)).pixels[0]
    assert (out[-1, 0] - out[0, 0]) < 0.8 * (out[-1, -1] - out[0, -1])


@pytest.mark.parametrize("stage", BENDS)
def test_bent_proxy_looks_like_the_bent_picture_reduced(stage: Geometry) -> None:
    image = smooth(240, 340)
    result = stage(image)
    frame = Frame.whole(*result.frame.full, 0.5)
    small = resize(result.pixels, frame.rect, frame.size)
    assert (render(stage, image, frame) - small).abs().mean() < 2e-3


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3), (3, 2)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    for stage in (*BENDS, Geometry(turn="90"), Geometry(aspect="16:9"), Geometry(crop=(9, 9, 1, 1))):
        out = stage(picture(*size, orientation=8))
        assert out.pixels.isfinite().all() and out.frame.size == (out.height, out.width)


def test_cubic_keeps_ramps_and_grid_points() -> None:
    y, x = torch.meshgrid(torch.arange(20.0), torch.arange(30.0), indexing="ij")
    ramp = (2 * x - y)[None]
    frame = Frame.whole(20, 30)
    to = Frame((20, 30), (4.3, 5.6, 10.0, 8.0), (8, 10))
    moved = resample(ramp, frame, to, lambda at: at)
    assert torch.allclose(moved, ramp[:, 5:13, 4:14] + 2 * 0.3 - 0.6, atol=1e-5)
    noise = torch.rand(2, 20, 30)
    assert torch.allclose(resample(noise, frame, frame, lambda at: at), noise, atol=1e-7)
