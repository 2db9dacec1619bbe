"""Pictures open, camera files open, and bad files are refused with one sentence."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from dng_files import MATRIX, RNG, VALUES, dng, jpeg, refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from modisp.color import icc, spaces, transfer
from modisp.image import Image, Metadata, State
from modisp.io import ImageError, content, open_image, open_preview, read_extras, save_image, tags
from modisp.io.ifd import SIZES
from modisp.io.tags import Tag, byte, long, rational, short, srational, text


@pytest.mark.parametrize("suffix", ["png", "webp", "avif", "jpg", "tif"])
def test_pictures_open_as_they_are_encoded(tmp_path: Path, suffix: str) -> None:
    rgb = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    rgb[:20, :20] = (30, 60, 220)
    file = tmp_path / f"a.{suffix}"
    exif = Picture.Exif()
    exif[274], exif[271] = 6, "Maker"
    kinds: dict[str, dict[str, Any]] = {"webp": {"lossless": True}, "jpg": {"quality": 97, "subsampling": 0}}
    options = kinds.get(suffix, {})
    Picture.fromarray(rgb).save(file, icc_profile=icc.profile("display-p3"), exif=exif, **options)
    image = open_image(file)
    assert image.state is State.ENCODED and tuple(image.pixels.shape) == (3, 40, 60)
    assert (
        np.abs(image.pixels.numpy() * 255 - rgb.transpose(2, 0, 1)).mean()
        < (0 if suffix in ("png", "tif") else 2) + 1e-3
    )
    assert (image.meta.space, image.meta.orientation, image.meta.make) == ("display-p3", 6, "Maker")
    assert image.meta.icc == icc.profile("display-p3")


@pytest.mark.parametrize("space", ["srgb", "display-p3", "adobe-rgb", "rec2020"])
def test_output_profiles_are_known_by_content(tmp_path: Path, space: str) -> None:
    Picture.new("RGB", (8, 8)).save(tmp_path / "a.png", icc_profile=icc.profile(space))
    assert open_image(tmp_path / "a.png").meta.space == space


def test_a_cameras_mark_of_adobe_rgb_stands_for_a_profile(tmp_path: Path) -> None:
    inner = {40961: short(65535), 40965: tags.directories({1: text("R03")})}
    exif = b"Exif\0\0" + tags.block({34665: tags.directories(inner)})
    (tmp_path / "_a.jpg").write_bytes(jpeg(32, 24, exif=exif))
    assert open_image(tmp_path / "_a.jpg").meta.space == "adobe-rgb"
    preview = open_preview(dng(tmp_path / "b.dng", VALUES, {}, preview=jpeg(96, 64, exif=exif)))
    assert preview is not None and preview.meta.space == "adobe-rgb"


def test_a_foreign_profile_keeps_its_colours(tmp_path: Path) -> None:
    rgb = np.full((8, 8, 3), (180, 90, 40), np.uint8)
    Picture.fromarray(rgb).save(tmp_path / "a.png", icc_profile=icc.profile("srgb", linear=True))
    image = open_image(tmp_path / "a.png")
    assert image.meta.space == "rec2020"
    linear = spaces.apply(spaces.between("rec2020", "srgb"), transfer.decode("rec2020", image.pixels))
    assert np.allclose(linear[:, 0, 0].numpy() * 255, (180, 90, 40), atol=0.3)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_tiff_depths(tmp_path: Path, kind: Any) -> None:
    top = 1.0 if kind == np.float32 else np.iinfo(kind).max
    values = (RNG.random((20, 30, 3)) * top).astype(kind)
    ways: dict[str, dict[str, Any]] = {
        "a.tif": {},
        "b.tif": {"compression": "zlib"},
        "c.tif": {"planarconfig": "separate"},
    }
    for name, options in ways.items():
        stored = values.transpose(2, 0, 1).copy() if name == "c.tif" else values
        tifffile.imwrite(tmp_path / name, stored, photometric="rgb", metadata=None, **options)
        got = open_image(tmp_path / name).pixels.numpy()
        assert np.array_equal(got, values.transpose(2, 0, 1).astype(np.float32) / np.float32(top)), name


def test_deep_png(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    values = RNG.integers(0, 65536, (9, 7, 3), dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(values))
    pixels = open_image(tmp_path / "a.png").pixels.numpy()
    assert np.array_equal(pixels, values.transpose(2, 0, 1).astype(np.float32) / np.float32(65535))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    suffix = "tif" if mode == "CMYK" else "png"
    if mode == "I;16":
        Picture.fromarray(np.full((5, 6), 32896, np.uint16)).save(tmp_path / "a.png")
    else:
        grey = Picture.new("RGB", (6, 5), (128, 128, 128))
        (grey.quantize() if mode == "P" else grey.convert(mode)).save(tmp_path / f"a.{suffix}")
    pixels = open_image(tmp_path / f"a.{suffix}").pixels
    assert tuple(pixels.shape) == (3, 5, 6)
    assert mode == "1" or torch.allclose(pixels, torch.full_like(pixels, 128 / 255), atol=0.02)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "tif"])
def test_finished_pictures_give_back_what_was_put_into_them(tmp_path: Path, suffix: str) -> None:
    pixels = torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(1))
    save_image(Image(pixels, State.ENCODED, Metadata(space="srgb")), tmp_path / f"a.{suffix}", extras={"recipe": [1]})
    assert read_extras(tmp_path / f"a.{suffix}")["recipe"] == [1]
    assert open_image(tmp_path / f"a.{suffix}").state is State.ENCODED


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "a.cr2").write_bytes(jpeg(40, 20))
    assert open_image(tmp_path / "a.cr2").state is State.ENCODED
    dng(tmp_path / "b.jpg", VALUES, {})
    assert open_image(tmp_path / "b.jpg").state is State.MOSAIC


def test_no_file_a_folder_nothing_in_it(tmp_path: Path) -> None:
    assert "exist" in refused(tmp_path / "absent.dng")
    assert refused(tmp_path).endswith("is a folder, not a picture")
    (tmp_path / "empty.dng").touch()
    assert refused(tmp_path / "empty.dng") == "empty.dng is empty"
    (tmp_path / "text.nef").write_text("this is no picture\n" * 50)
    assert "neither" in refused(tmp_path / "text.nef")
    (tmp_path / "zeros.dng").write_bytes(bytes(10000))
    refused(tmp_path / "zeros.dng")


@pytest.mark.parametrize("name, text", [("page.jpg", b"<html><body>404 not found</body></html>"), ("a.dng", b"I")])
def test_a_few_bytes_are_not_taken_for_a_dump_of_a_sensor(tmp_path: Path, name: str, text: bytes) -> None:
    (tmp_path / name).write_bytes(text)
    assert "neither a RAW file nor a picture" in refused(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dng")
    refused(tmp_path / "pipe.dng")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    file = dng(tmp_path / "a.dng", VALUES, {})
    file.chmod(0)
    assert "permission" in refused(file)


def test_headers_that_promise_too_much(tmp_path: Path) -> None:
    huge = {256: long(20000), 257: long(10000)}
    assert "cut short" in refused(dng(tmp_path / "a.dng", VALUES, huge | {279: long(400_000_000)}))
    refused(dng(tmp_path / "b.dng", VALUES, huge))
    refused(dng(tmp_path / "c.dng", VALUES, huge | {259: short(7)}))
    refused(dng(tmp_path / "h.dng", VALUES, huge | {259: short(8)}))
    refused(dng(tmp_path / "i.dng", VALUES, huge | {259: short(8), 279: long(0)}))
    refused(dng(tmp_path / "j.dng", VALUES, huge | {259: short(34892)}))
    refused(dng(tmp_path / "d.dng", VALUES, {256: long(2**31), 257: long(2**31)}))
    refused(dng(tmp_path / "e.dng", VALUES, {256: long(0)}))
    refused(dng(tmp_path / "f.dng", VALUES, {277: short(5)}))
    refused(dng(tmp_path / "g.dng", VALUES, {33422: byte(6, 6, 0, 1)}))


def test_pictures_that_promise_too_much(tmp_path: Path) -> None:
    out = io.BytesIO()
    Picture.new("L", (8, 8)).save(out, "PNG")
    head = struct.pack(">4sIIBBBBB", b"IHDR", 20000, 10000, 8, 2, 0, 0, 0)
    png = out.getvalue()[:12] + head + struct.pack(">I", zlib.crc32(head)) + out.getvalue()[33:]
    (tmp_path / "a.png").write_bytes(png)
    refused(tmp_path / "a.png")
    (tmp_path / "a.jpg").write_bytes(jpeg(8, 8).replace(struct.pack(">HH", 8, 8), struct.pack(">HH", 14000, 14000), 1))
    refused(tmp_path / "a.jpg")
    tags_ = {256: long(20000), 257: long(10000), 258: short(8, 8, 8), 277: short(3), 262: short(2), 273: long(8)}
    body = tags.HEADER + struct.pack("<I", 8) + tags.encode(tags_ | {259: short(1), 279: long(100)}, 8)
    (tmp_path / "a.tif").write_bytes(body + bytes(1000))
    refused(tmp_path / "a.tif")


@pytest.mark.parametrize("part", [0.001, 0.02, 0.3, 0.6, 0.97])
def test_truncated_files(tmp_path: Path, part: float) -> None:
    noise = RNG.integers(0, 255, (300, 400, 3), dtype=np.uint8)
    for suffix in ("jpg", "png", "webp", "avif", "tif"):
        out = io.BytesIO()
        Picture.fromarray(noise).save(out, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
        (tmp_path / f"a.{suffix}").write_bytes(out.getvalue()[: int(part * len(out.getvalue()))])
        refused(tmp_path / f"a.{suffix}")
    whole = dng(tmp_path / "a.dng", RNG.integers(0, 4096, (300, 400), dtype=np.uint16), {}).read_bytes()
    (tmp_path / "a.dng").write_bytes(whole[: int(part * len(whole))])
    refused(tmp_path / "a.dng")


def test_one_pixel(tmp_path: Path) -> None:
    image = open_image(dng(tmp_path / "a.dng", VALUES[:1, :1], {50717: short(4095)}))
    assert tuple(image.pixels.shape) == (1, 1, 1)
    Picture.new("RGB", (1, 1), (255, 0, 0)).save(tmp_path / "a.png")
    assert open_image(tmp_path / "a.png").pixels.flatten().tolist() == [1.0, 0.0, 0.0]


_KINDS = {1: "B", 3: "H", 4: "I", 5: "II", 9: "i", 10: "ii", 11: "f", 12: "d", 7: "B", 2: "B"}
_TAGS = (
    *(254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 322, 323, 324, 325, 330, 339, 700),
    *(33421, 33422, 34665, 34675, 34853, *range(50706, 50742)),
    *(50778, 50779, 50829, 50830, 50964, 51008, 51009, 51022, 51041, 51125),
)


@st.composite
def random_tag(draw: st.DrawFn) -> tuple[int, Tag]:
    kind = draw(st.sampled_from(sorted(_KINDS)))
    size = SIZES[kind]
    data = draw(st.binary(max_size=80))
    small = draw(st.booleans())
    if small and kind in (3, 4):
        data = struct.pack("<" + _KINDS[kind] * 2, draw(st.integers(0, 70)), draw(st.integers(0, 70)))
    return draw(st.sampled_from(_TAGS)), Tag(kind, data[: len(data) // size * size])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(random_tag(), max_size=6))
def test_random_tags_open_or_are_refused(tmp_path: Path, extra: list[tuple[int, Tag]]) -> None:
    file = dng(tmp_path / "a.dng", VALUES, {code: tag for code, tag in extra if tag.data})
    for read in (content.read, content.info, content.preview):
        try:
            result = read(file)
        except ImageError:
            continue
        result.header()
        if result.pixels is not None and read is content.read:
            assert result.pixels.ndim == 3 and result.pixels.size > 0
            Metadata.load(result.header()["meta"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=12), st.booleans())
def test_random_damage_opens_or_is_refused(tmp_path: Path, changes: list[tuple[int, int]], in_jpeg: bool) -> None:
    extra = {50721: srational(*MATRIX), 50728: rational(0.5, 1, 0.7), 50829: long(1, 1, 37, 50), 274: short(6)}
    whole = bytearray(dng(tmp_path / "a.dng", VALUES, extra, preview=jpeg(64, 48)).read_bytes())
    start = 8 if in_jpeg else len(whole) - 600
    for at, value in changes:
        whole[start + at % (len(whole) - start)] = value
    (tmp_path / "a.dng").write_bytes(whole)
    for read in (content.read, content.info, content.preview):
        with contextlib.suppress(ImageError):
            read(tmp_path / "a.dng").header()


REAL = {
    "canon_eos_d30.CRW": ((1, 1448, 2176), ("RG", "GB"), (8, 6, 2160, 1440)),
    "gopro_hero6_12mp.dng": ((1, 3000, 4000), ("RG", "GB"), None),
    "kodak_dc50.KDC": ((1, 512, 768), ("GR", "BG"), None),
    "anonymous_gbrg_10bit.dng": ((1, 480, 640), ("GB", "RG"), None),
    "gopro_hero7_crop.dng": ((1, 1200, 1600), ("RG", "GB"), None),
}


@pytest.mark.parametrize("name", REAL)
def test_camera_files(data: Path, name: str) -> None:
    image = open_image(data / "raw" / "real" / name)
    shape, cfa, crop = REAL[name]
    assert (tuple(image.pixels.shape), image.meta.cfa, image.meta.crop) == (shape, cfa, crop)
    assert image.pixels.isfinite().all() and image.pixels.max() <= 1.0 and image.pixels.mean() > 0.005
    # greens of the two rows see the same light; other pairs of colours do not
    p = image.pixels[0, : shape[1] // 2 * 2, : shape[2] // 2 * 2]
    sites = {(i, j): p[i::2, j::2].mean().item() for i in (0, 1) for j in (0, 1)}
    greens = [v for (i, j), v in sites.items() if cfa[i][j] == "G"]
    if name != "anonymous_gbrg_10bit.dng":  # whose tags and pixels contradict each other; the tags are believed
        assert abs(greens[0] - greens[1]) < 0.03 * max(greens)


def test_the_cameras_own_preview(data: Path) -> None:
    preview = open_preview(data / "raw" / "real" / "canon_eos_d30.CRW")
    assert preview is not None and tuple(preview.pixels.shape) == (3, 960, 1440)


def test_odd_and_bad_files_open_or_say_why(data: Path) -> None:
    files = [f for part in ("odd", "bad", "dumps") for f in sorted((data / "raw" / part).iterdir())]
    assert len(files) > 15
    opened = set()
    for file in files:
        try:
            image = open_image(file)
            assert image.pixels.isfinite().all()
            opened.add(file.name)
        except ImageError:
            refused(file)
    assert {"photoprism__canon_eos_6d.dng", "adobe-dng-sdk__14_hdr_sdr_profiles.dng"} <= opened
    assert not opened & {f.name for f in (data / "raw" / "dumps").iterdir()}
