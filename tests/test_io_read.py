"""Raw samples come in right: every layout, encoding and level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from dng_files import BAYER, HEX, QUAD, RNG, VALUES, XTRANS, dng, expected, packed, refused

from modisp.image import State
from modisp.io import open_image
from modisp.io.tags import long, rational, short, srational


@pytest.mark.parametrize("pattern", [*BAYER, XTRANS, QUAD, HEX])
def test_every_layout_keeps_its_phase(tmp_path: Path, pattern: str) -> None:
    file = dng(tmp_path / "a.dng", VALUES, {50714: short(64), 50717: short(4095)}, pattern)
    image = open_image(file)
    assert image.state is State.MOSAIC
    assert image.meta.cfa == tuple(pattern.split("/"))
    assert torch.equal(image.pixels[0], torch.from_numpy(expected(VALUES, [[64]], 4095)))
    assert (image.meta.black_level, image.meta.white_level) == ((64.0,), 4095.0)


def test_a_repeated_pattern_is_reduced_to_its_period(tmp_path: Path) -> None:
    image = open_image(dng(tmp_path / "a.dng", VALUES, {}, "RGRG/GBGB/RGRG/GBGB"))
    assert image.meta.cfa == ("RG", "GB")


def test_monochrome_and_linear_files(tmp_path: Path) -> None:
    mono = open_image(dng(tmp_path / "m.dng", VALUES, {50717: short(4095)}, ""))
    assert (mono.state, mono.meta.cfa, tuple(mono.pixels.shape)) == (State.MOSAIC, ("W",), (1, 37, 50))
    rgb = RNG.integers(0, 60000, (21, 30, 3), dtype=np.uint16)
    levels = {50714: short(100, 200, 300), 50717: long(60000, 50000, 40000)}
    linear = open_image(dng(tmp_path / "l.dng", rgb, levels))
    assert (linear.state, linear.meta.cfa) == (State.CAMERA, ())
    for c, (black, white) in enumerate([(100, 60000), (200, 50000), (300, 40000)]):
        assert np.array_equal(linear.pixels[c].numpy(), expected(rgb[:, :, c], [[black]], white))


def test_active_area_black_and_phase_start_at_its_corner(tmp_path: Path) -> None:
    across, down = np.linspace(0, 3, 41).round(2), np.linspace(0, 5, 28).round(2)
    extra = {
        50829: long(5, 3, 33, 44),
        50713: short(2, 2),
        50714: rational(64.5, 65.25, 66, 67),
        50715: srational(*across),
        50716: srational(*down),
        50717: short(4000),
        50719: long(4, 2),
        50720: long(30, 20),
    }
    image = open_image(dng(tmp_path / "a.dng", VALUES, extra, "GB/RG"))
    assert image.meta.cfa == ("GB", "RG") and tuple(image.pixels.shape) == (1, 28, 41)
    assert image.meta.crop == (4, 2, 30, 20) and image.meta.black_level == (64.5, 65.25, 66.0, 67.0)
    base = np.tile([[64.5, 65.25], [66, 67]], (14, 21))[:, :41]
    black = (base + across + down[:, None]).astype(np.float32)
    want = (VALUES[5:33, 3:44].astype(np.float32) - black) / (4000 - black)
    assert np.allclose(image.pixels[0].numpy(), want, atol=1e-6)


def test_saturation_is_one_at_every_position(tmp_path: Path) -> None:
    full = np.full((200, 301), 16383, np.uint16)
    extra = {50713: short(2, 2), 50714: short(512, 600, 700, 800), 50717: short(16383)}
    pixels = open_image(dng(tmp_path / "a.dng", full, extra)).pixels
    assert (pixels == 1).all()


def test_slabs_meet_without_a_seam(tmp_path: Path) -> None:
    values = RNG.integers(0, 16383, (1501, 701), dtype=np.uint16)  # more than one slab, rows of each odd
    black = [[500, 510], [520, 530], [540, 550]]
    extra = {50713: short(3, 2), 50714: short(*np.ravel(black).tolist()), 50717: short(16383)}
    image = open_image(dng(tmp_path / "a.dng", values, extra))
    assert np.array_equal(image.pixels[0].numpy(), expected(values, black, 16383))


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_integers_of_every_depth(tmp_path: Path, bits: int) -> None:
    values = RNG.integers(0, 2**bits, (40, 48), dtype=np.uint16)
    data = packed(values, bits) if bits < 16 else b""
    image = open_image(dng(tmp_path / "a.dng", values, {258: short(bits)}, data=data))
    assert np.array_equal(image.pixels[0].numpy(), expected(values, [[0]], 2**bits - 1))


def test_lossless_jpeg_with_and_without_a_linearisation_table(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    values = RNG.integers(0, 256, (40, 48), dtype=np.uint16)
    table = (np.arange(256) ** 2 // 2).astype(np.uint16)
    data = imagecodecs.ljpeg_encode(values, bitspersample=16)
    compressed = {259: short(7)}
    plain = open_image(dng(tmp_path / "a.dng", values, compressed | {50717: short(4095)}, QUAD, data=data))
    assert np.array_equal(plain.pixels[0].numpy(), expected(values, [[0]], 4095))
    for name, more in (("jpeg", compressed), ("plain", {})):
        extra = {50712: short(*table), 50717: long(32512), **more}
        curved = open_image(dng(tmp_path / f"{name}.dng", values, extra, data=data if more else b""))
        assert np.array_equal(curved.pixels[0].numpy(), expected(table[values], [[0]], 32512)), name


@pytest.mark.parametrize("kind", ["f2", "f4"])
@pytest.mark.parametrize("how", ["plain", "deflate", "tiled"])
def test_floats(tmp_path: Path, kind: str, how: str) -> None:
    values = RNG.random((64, 80)).astype(kind)
    values[3, 4], values[5, 6] = np.nan, np.inf
    if how == "plain":
        file = dng(tmp_path / "a.dng", values, {})
    else:
        pytest.importorskip("imagecodecs")
        extra = [(50706, "B", 4, (1, 4, 0, 0), True), (33421, "H", 2, (2, 2), True), (33422, "B", 4, b"\2\1\1\0", True)]
        file = tmp_path / "a.dng"
        options: dict[str, Any] = {"compression": 8, "predictor": 3} | ({"tile": (32, 32)} if how == "tiled" else {})
        tifffile.imwrite(file, values, photometric="CFA", metadata=None, extratags=extra, **options)
    image = open_image(file)
    want = np.nan_to_num(values.astype(np.float32), nan=0, posinf=1)
    assert np.array_equal(image.pixels[0].numpy(), want)
    assert image.meta.white_level == 0 and image.meta.cfa == (("RG", "GB") if how == "plain" else ("BG", "GR"))


def test_a_value_beyond_all_numbers_is_saturated_and_none_at_all_is_refused(tmp_path: Path) -> None:
    values = (100 * RNG.random((20, 30))).astype("f4")
    values[3, 4], values[5, 6], values[7, 8] = np.inf, np.nan, -np.inf
    image = open_image(dng(tmp_path / "a.dng", values, {50714: long(10), 50717: long(100)}))
    assert image.pixels[0, 3, 4] == 1 and image.pixels[0, 5, 6] == 0 and image.pixels[0, 7, 8] == 0
    for nothing in (np.nan, np.inf):
        assert "none of its pixels" in refused(dng(tmp_path / "b.dng", np.full((20, 30), nothing, "f4"), {}))


def test_big_endian_tiles_in_a_subifd(tmp_path: Path) -> None:
    extra = [(33421, "H", 2, (2, 2), True), (33422, "B", 4, b"\1\0\2\1", True), (50717, "H", 1, 4095, True)]
    with tifffile.TiffWriter(tmp_path / "a.dng", byteorder=">") as out:
        small = np.zeros((20, 30, 3), np.uint8)
        main = [(50706, "B", 4, (1, 4, 0, 0), True), (50728, "2I", 3, (1, 2, 1, 1, 1, 4), True)]
        out.write(small, photometric="rgb", subfiletype=1, subifds=1, metadata=None, extratags=main)
        out.write(VALUES, photometric="CFA", subfiletype=0, tile=(16, 16), metadata=None, extratags=extra)
    image = open_image(tmp_path / "a.dng")
    assert image.meta.cfa == ("GR", "BG") and image.meta.white == (0.5, 1.0, 0.25)
    assert np.array_equal(image.pixels[0].numpy(), expected(VALUES, [[0]], 4095))


@pytest.mark.parametrize("how", [{}, {"tile": (32, 32)}, {"planarconfig": "separate"}, {"compression": 8}])
def test_linear_files_however_they_are_laid_out(tmp_path: Path, how: dict[str, Any]) -> None:
    if "compression" in how:
        pytest.importorskip("imagecodecs")
    rgb = RNG.integers(0, 65536, (70, 90, 3), dtype=np.uint16)
    stored = rgb.transpose(2, 0, 1).copy() if "planarconfig" in how else rgb
    tag = (50706, "B", 4, (1, 4, 0, 0), True)
    tifffile.imwrite(tmp_path / "a.dng", stored, photometric="LINEAR_RAW", metadata=None, extratags=[tag], **how)
    image = open_image(tmp_path / "a.dng")
    assert image.state is State.CAMERA
    assert np.array_equal(image.pixels.numpy(), rgb.transpose(2, 0, 1).astype(np.float32) / np.float32(65535))
