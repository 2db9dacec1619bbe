"""What files say comes in right: colour, capture, opcodes, previews, intermediates."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from dng_files import MATRIX, RNG, VALUES, dng, jpeg, packed
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

from modisp.image import Frame, Image, Metadata, Opcode, State
from modisp.io import opcodes, open_image, open_preview, read_extras, read_info, save_image, tags
from modisp.io.capture import capture
from modisp.io.containers import exif_of
from modisp.io.ifd import Block
from modisp.io.tags import Tag, byte, double, long, rational, short, srational, text, undefined


def test_colour_tags(tmp_path: Path) -> None:
    one = {50721: srational(*MATRIX), 50778: short(21), 50728: rational(0.25, 0.5, 0.4)}
    meta = open_image(dng(tmp_path / "1.dng", VALUES, one)).meta
    assert np.allclose(meta.color_matrix, np.reshape(MATRIX, (1, 3, 3)), atol=1e-6)
    assert meta.illuminants == ((0.31271, 0.32902),) and meta.forward_matrix == () and meta.calibration == ()
    assert meta.white == (0.5, 1.0, 0.8)
    two = one | {
        50722: srational(*(v * 1.1 for v in MATRIX)),
        50779: short(255),
        52534: undefined(struct.pack("<H4I", 0, 345, 1000, 355, 1000)),
        50964: srational(*MATRIX),
        50965: srational(*MATRIX),
        50723: srational(1.02, 0, 0, 0, 1, 0, 0, 0, 0.98),
        50727: rational(1.5, 1, 1.25),
        50730: srational(0.35),
        51109: srational(-0.1),
        51041: double([1e-4, 2e-7, 1.1e-4, 2e-7, 1.2e-4, 3e-7]),
    }
    meta = open_image(dng(tmp_path / "2.dng", VALUES, two)).meta
    assert len(meta.color_matrix) == len(meta.forward_matrix) == len(meta.calibration) == 2
    assert meta.illuminants[1] == (0.345, 0.355) and meta.analog_balance == (1.5, 1.0, 1.25)
    assert meta.calibration == (((1.02, 0, 0), (0, 1, 0), (0, 0, 0.98)), ((1, 0, 0), (0, 1, 0), (0, 0, 1)))
    assert meta.baseline_exposure == pytest.approx(0.25) and len(meta.noise) == 3 and meta.noise[2] == (1.2e-4, 3e-7)
    foreign = two | {50931: text("maker"), 50932: text("other")}
    assert open_image(dng(tmp_path / "3.dng", VALUES, foreign)).meta.calibration == ()


def test_white_given_as_a_chromaticity(tmp_path: Path) -> None:
    extra = {50721: srational(*MATRIX), 50778: short(21), 50729: rational(0.3457, 0.3585)}
    white = open_image(dng(tmp_path / "a.dng", VALUES, extra)).meta.white
    want = np.reshape(MATRIX, (3, 3)) @ np.array([0.3457 / 0.3585, 1, (1 - 0.3457 - 0.3585) / 0.3585])
    assert np.allclose(white, want / want.max(), atol=1e-6)


@pytest.mark.parametrize(
    "bad",
    [
        {50728: rational(0, 1, 1)},
        {50728: rational(1, 1)},
        {50714: long(70000), 50717: long(60000)},
        {50717: short(0)},
        {50721: srational(*[0] * 9)},
        {50829: long(9, 9, 3, 3)},
        {50719: long(100, 100), 50720: long(5, 5)},
        {50713: short(0, 0)},
        {274: short(77)},
        {51041: double([float("nan"), 1.0])},
    ],
)
def test_senseless_tags_are_as_good_as_absent(tmp_path: Path, bad: dict[int, Tag]) -> None:
    meta = open_image(dng(tmp_path / "a.dng", VALUES, bad)).meta
    default = Metadata()
    for name in ("white", "color_matrix", "crop", "orientation", "noise"):
        assert getattr(meta, name) == getattr(default, name)
    assert meta.white_level > 0 and max(meta.black_level) < meta.white_level


def test_white_level_is_seen_where_the_file_does_not_say(tmp_path: Path) -> None:
    values = np.minimum(RNG.integers(0, 20000, (64, 64)), 14000).astype(np.uint16)
    values[:, :2] = 16383 - 2400
    image = open_image(dng(tmp_path / "a.dng", values, {258: short(14)}, data=packed(values, 14)))
    assert image.meta.white_level == 14000 and image.pixels.max() == 1
    even = RNG.integers(0, 16000, (64, 64), dtype=np.uint16)  # bright, but nothing piles up
    image = open_image(dng(tmp_path / "b.dng", even, {258: short(14)}, data=packed(even, 14)))
    assert image.meta.white_level == 16383


def test_crop_follows_the_aspect_chosen_in_the_camera(tmp_path: Path) -> None:
    extra = {50719: long(2, 2), 50720: long(40, 32), 51125: rational(0.25, 0, 0.75, 1)}
    assert open_image(dng(tmp_path / "a.dng", VALUES, extra)).meta.crop == (2, 10, 40, 16)


def test_capture_and_exif(tmp_path: Path) -> None:
    exif = {
        33434: rational(1 / 250),
        33437: rational(2.8),
        34855: short(640),
        36867: text("2024:05:06 07:08:09"),
        36881: text("+02:00"),
        37386: rational(35),
        42036: text("35mm F2"),
        37500: undefined(b"maker" * 9),
    }
    gps = {1: text("S"), 2: rational(33, 30, 0), 3: text("E"), 4: rational(151, 15, 0), 5: byte(0), 6: rational(12)}
    extra = {274: short(6), 34665: tags.directories(exif), 34853: tags.directories(gps)}
    meta = open_image(dng(tmp_path / "a.dng", VALUES, extra)).meta
    assert (meta.make, meta.model, meta.lens, meta.iso, meta.aperture) == ("Maker", "Model One", "35mm F2", 640, 2.8)
    assert meta.shutter == pytest.approx(1 / 250) and meta.focal_length == 35 and meta.orientation == 6
    assert meta.date == "2024-05-06T07:08:09+02:00" and meta.gps == (-33.5, 151.25, 12.0)
    carried = Picture.Exif()
    carried.load(meta.exif)
    assert carried[271] == "Maker" and carried.get_ifd(34665)[36867] == "2024:05:06 07:08:09"
    assert 37500 not in carried.get_ifd(34665) and carried.get_ifd(34853)[2] == (33.0, 30.0, 0.0)
    assert len(meta.digest) == 64 and meta.name == "a.dng"


def opcode_list(*items: tuple[int, int, bytes]) -> Tag:
    body = b"".join(struct.pack(">4I", n, 0x01030000, flags, len(data)) + data for n, flags, data in items)
    return undefined(struct.pack(">I", len(items)) + body)


AREA = struct.pack(">8I", 0, 0, 37, 50, 0, 1, 1, 1)


def test_opcodes_come_as_plain_data(tmp_path: Path) -> None:
    gains = np.arange(6, dtype=">f4").tobytes()
    second = opcode_list((9, 1, AREA + struct.pack(">2I4dI", 2, 3, 0.5, 0.25, 0.1, 0.2, 1) + gains), (99, 1, b"?"))
    warp = struct.pack(">I8d", 1, 1, 0.1, 0.02, 0.003, 0.4, 0.5, 0.5, 0.5)
    warp2 = struct.pack(">I", 1) + struct.pack(">19d", *range(19)) + struct.pack(">2dI", 0.5, 0.5, 1)
    third = opcode_list(
        (1, 0, warp), (3, 1, struct.pack(">7d", 1, 2, 3, 4, 5, 0.5, 0.5)), (14, 1, warp2), (1, 0, b"cut")
    )
    meta = open_image(dng(tmp_path / "a.dng", VALUES, {51009: second, 51022: third})).meta
    assert [(o.list, o.name, o.optional) for o in meta.opcodes] == [
        (2, "GainMap", True),
        (3, "WarpRectilinear", False),
        (3, "FixVignetteRadial", True),
        (3, "WarpRectilinear2", True),
    ]
    gain, rectilinear, vignette, second_warp = (o.data for o in meta.opcodes)
    assert gain["gains"] == [[[0.0], [1.0], [2.0]], [[3.0], [4.0], [5.0]]]
    assert tuple(gain["spacing"]) == (0.5, 0.25) and gain["area"]["bottom"] == 37
    assert tuple(rectilinear["coefficients"][0]) == (1, 0.1, 0.02, 0.003, 0.4, 0.5)
    assert tuple(vignette["coefficients"]) == (1, 2, 3, 4, 5) and tuple(vignette["center"]) == (0.5, 0.5)
    assert tuple(second_warp["valid"][0]) == (17.0, 18.0) and second_warp["reciprocal"] is True
    again = Metadata.load(meta.dump())
    assert again.opcodes == meta.opcodes


def test_bad_pixels_are_counted_in_the_active_area(tmp_path: Path) -> None:
    values = np.full((37, 50), 1000, np.uint16)
    values[20, 21] = 0
    listed = struct.pack(">3I2I4I", 0, 1, 1, 8, 9, 10, 10, 12, 11)
    first = opcode_list((5, 1, listed), (4, 1, struct.pack(">2I", 0, 0)))
    extra = {51008: first, 50829: long(4, 5, 37, 50)}
    meta = open_image(dng(tmp_path / "a.dng", values, extra)).meta
    assert meta.bad_pixels == ((4, 4), (6, 5), (7, 5), (16, 16))


def test_value_maps_of_list_two_make_the_pixels_linear(tmp_path: Path) -> None:
    cube = AREA + struct.pack(">I4d", 3, 0, 0.25, 0, 0.75)
    scale = AREA + struct.pack(">I37f", 37, *np.linspace(0.5, 1, 37))
    after = AREA + struct.pack(">2I4dIf", 1, 1, 1, 1, 0, 0, 1, 2.0)
    extra = {51009: opcode_list((8, 0, cube), (12, 0, scale), (9, 0, after)), 50717: short(4095)}
    image = open_image(dng(tmp_path / "a.dng", VALUES, extra))
    x = VALUES / 4095
    want = (0.25 * x + 0.75 * x**3) * np.linspace(0.5, 1, 37)[:, None]
    assert np.allclose(image.pixels[0].numpy(), want, atol=1e-5)
    assert [o.name for o in image.meta.opcodes] == ["GainMap"] and image.meta.white_level == 0


@given(st.binary(max_size=400), st.integers(1, 3))
def test_opcode_bytes_never_crash(data: bytes, number: int) -> None:
    for o in opcodes.parse(data, number, 3, 5):
        assert o["name"] in opcodes.NAMES.values()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_preview_is_upright(tmp_path: Path, orientation: int) -> None:
    file = dng(tmp_path / "a.dng", VALUES, {274: short(orientation)}, preview=jpeg(96, 64))
    preview = open_preview(file)
    assert preview is not None and preview.state is State.ENCODED and preview.meta.orientation == 1
    with Picture.open(io.BytesIO(jpeg(96, 64))) as picture:
        turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(orientation)
        want = picture.copy() if turn is None else picture.transpose(Picture.Transpose(turn))
    assert np.array_equal((preview.pixels.numpy() * 255).round().astype(np.uint8).transpose(1, 2, 0), np.asarray(want))


def test_the_thumbnail_in_a_jpegs_exif_is_not_its_end(tmp_path: Path) -> None:
    thumb = jpeg(40, 30, (0, 255, 0))
    exif = tags.HEADER + struct.pack("<I", 8)
    ifd1 = {513: long(0), 514: long(len(thumb))}
    first = tags.encode({271: text("Maker")}, 8)
    at = 8 + len(first)
    ifd1[513] = long(at + len(tags.encode(ifd1, at)))
    exif += first[:-10] + struct.pack("<I", at) + first[-6:] if len(first) % 2 else first
    preview = jpeg(96, 64, exif=b"Exif\0\0" + exif + tags.encode(ifd1, at) + thumb)
    assert preview.count(b"\xff\xd9") > 1
    found = open_preview(dng(tmp_path / "a.dng", VALUES, {}, preview=preview))
    assert found is not None and tuple(found.pixels.shape) == (3, 64, 96)


def test_no_preview_is_none_and_a_picture_is_its_own(tmp_path: Path) -> None:
    assert open_preview(dng(tmp_path / "a.dng", VALUES, {})) is None
    assert open_preview(dng(tmp_path / "b.dng", VALUES, {}, preview=jpeg(96, 64)[:-900])) is None
    (tmp_path / "c.jpg").write_bytes(jpeg(30, 20, exif=b"Exif\0\0" + tags.block({274: short(6)})))
    own = open_preview(tmp_path / "c.jpg")
    assert own is not None and tuple(own.pixels.shape) == (3, 30, 20)


@pytest.mark.parametrize("profile", [(0.0, 4e-4), (1e-4, 0.0), (1e-4, -1e-7), (0.0, 4e-4, 0.0, 5e-4, 0.0, 4e-4)])
def test_noise_may_be_the_same_at_all_levels(tmp_path: Path, profile: tuple[float, ...]) -> None:
    image = open_image(dng(tmp_path / "a.dng", VALUES, {51041: double(profile)}))
    assert image.meta.noise == tuple(zip(profile[::2], profile[1::2], strict=True))
    save_image(image, tmp_path / "b.dng")
    assert open_image(tmp_path / "b.dng").meta.noise == image.meta.noise


def test_info_tells_without_decoding(tmp_path: Path) -> None:
    extra = {50829: long(1, 2, 37, 50), 51041: double([1e-4, 1e-7])}
    info = read_info(dng(tmp_path / "a.dng", VALUES, extra, preview=jpeg(96, 64)))
    assert info["state"] == "MOSAIC" and info["kind"] == "dng" and info["size"] == [48, 36]
    assert info["raw_size"] == [50, 37] and info["previews"] == [[96, 64]] and info["metadata"]["cfa"] == ["RG", "GB"]
    assert info["metadata"]["noise"] == [[1e-4, 1e-7]] and "exif" not in info["metadata"]


@pytest.mark.parametrize("state", [s for s in State if s not in (State.BURST, State.ENCODED)])
def test_intermediates_come_back_exactly(tmp_path: Path, state: State) -> None:
    channels = state.channels or 1
    pixels = torch.from_numpy(RNG.normal(0.3, 0.5, (channels, 24, 48)).astype(np.float32))
    pixels = pixels.clamp(0, 1) if state is State.DISPLAY else pixels
    meta = Metadata(
        make="Maker",
        cfa=("GB", "RG") if state is State.MOSAIC else (),
        noise=((1e-4, 3e-7),),
        white=(0.512345678, 1.0, 0.7),
        color_matrix=(((1.0, 0.1, 0.2), (0.3, 1.4, 0.5), (0.6, 0.7, 1.8)),),
        illuminants=((0.3127, 0.329),),
        light=(0.34, 0.36),
        crop=(2, 3, 40, 18),
        orientation=8,
        opcodes=(Opcode(3, "FixVignetteRadial", {"coefficients": (1, 2, 3, 4, 5), "center": (0.5, 0.5)}),),
        digest="ab" * 32,
        name="source.dng",
        done="white_balance",
    )
    frame = Frame((240, 480), (48.0, 24.0, 48.0, 24.0), (24, 48))
    image = Image(pixels, state, meta, frame)
    file = tmp_path / ("a.tif" if state is State.DISPLAY else "a.dng")
    save_image(image, file, extras={"recipe": {"x": [1, 2]}})
    back = open_image(file)
    assert back.state is state and back.frame == frame and torch.equal(back.pixels, pixels)
    assert back.meta == Metadata.load(json.loads(json.dumps(meta.dump())))
    assert read_extras(file)["recipe"] == {"x": [1, 2]}


def test_a_sources_own_integers_come_back_exactly(tmp_path: Path) -> None:
    extra = {50713: short(2, 2), 50714: short(255, 256, 257, 260), 50717: short(4095), 50721: srational(*MATRIX)}
    first = open_image(dng(tmp_path / "a.dng", VALUES, extra))
    save_image(first, tmp_path / "b.dng")
    with tifffile.TiffFile(tmp_path / "b.dng") as tif:
        assert np.array_equal(tif.pages[0].asarray(), VALUES)
    second = open_image(tmp_path / "b.dng")
    assert torch.equal(first.pixels, second.pixels) and second.meta == first.meta and second.frame == first.frame
    assert read_extras(tmp_path / "a.dng") == {}


# --- containers that are no TIFF files ---


def box(kind: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def test_exif_is_found_in_every_container(tmp_path: Path) -> None:
    first, inner, gps = {271: text("Maker"), 272: text("Model")}, {34855: short(800)}, {1: text("N")}
    whole = tags.block(first | {34665: tags.directories(inner)})
    parts = [box(name, tags.block(t)) for name, t in ((b"CMT1", first), (b"CMT2", inner), (b"CMT4", gps))]
    raf = b"FUJIFILMCCD-RAW ".ljust(84, b"\0") + struct.pack(">II", 100, 5000) + bytes(8)
    heap = b"\0\0" + b"Maker\0Model\0" + bytes(3)
    table = struct.pack("<HHII", 1, 0x080A, 12, 2) + struct.pack("<I", len(heap))
    files = {
        "cr3": box(b"ftyp", b"crx ") + box(b"moov", box(b"uuid", bytes(16), *parts)),
        "raf": raf + jpeg(32, 24, exif=b"Exif\0\0" + whole),
        "mrw": b"\0MRM" + struct.pack(">I4sI", 8 + len(whole), b"\0TTW", len(whole)) + whole,
        "jpg": jpeg(32, 24, exif=b"Exif\0\0" + whole),
        "crw": b"II" + struct.pack("<I", 26) + b"HEAPCCDR" + bytes(12) + heap + table,
    }
    for suffix, data in files.items():
        file = tmp_path / f"a.{suffix}"
        file.write_bytes(data)
        block = Block(io.BytesIO(exif_of(file)))
        found = capture(block, block.directory(block.first)[0])
        assert (found["make"], found["model"]) == ("Maker", "Model"), suffix
        assert suffix == "crw" or found["iso"] == 800, suffix
        for cut in range(0, len(data), 7):
            file.write_bytes(data[:cut])
            exif_of(file)
