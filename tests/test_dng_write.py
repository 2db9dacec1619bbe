"""DNG files that modisp writes: exact for ourselves, sound for LibRaw and for readers of TIFF tags."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rawpy
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st

from modisp.color import spaces
from modisp.image import Frame, Image, Metadata, Opcode, State
from modisp.io import opcodes, opcodes_write, open_image, open_preview, read_extras
from modisp.io.dng_write import CEILING, FLOOR, write_dng
from modisp.io.xmp import NAMESPACE, image_extras, pack_extras, parse_extras

H, W = 61, 82
RNG = np.random.default_rng(0)
BAYER = ("GR", "BG")
XTRANS = ("GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB", "RBGBRG")
QUAD = ("RRGG", "RRGG", "GGBB", "GGBB")
EIGHT = (*(("RG" * 4, "GB" * 4) * 4)[:7], "GGGGGGGB")
META = Metadata(
    make="Acme",
    model="X1 Ünicode",
    lens="50mm",
    white=(0.5, 1.0, 0.625),
    color_matrix=(((0.8, -0.2, -0.1), (-0.4, 1.2, 0.2), (-0.1, 0.2, 0.6)),) * 2,
    forward_matrix=(((0.6, 0.2, 0.16), (0.2, 0.7, 0.1), (0.1, 0.0, 0.72)),) * 2,
    calibration=(((1.01, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.99)),) * 2,
    illuminants=((0.44757, 0.40745), (0.3, 0.32)),
    analog_balance=(1.1, 1.0, 0.9),
    baseline_exposure=0.35,
    noise=((1e-4, 1e-6), (2e-4, 2e-6), (3e-4, 3e-6)),
    gains=(2.0, 1.0, 1.6),
    orientation=6,
    crop=(4, 2, W - 8, H - 6),
    iso=400.0,
    shutter=1 / 3,
    date="2024-05-01T10:00:00+02:00",
    gps=(-12.5, 33.25, 100.0),
    opcodes=(Opcode(3, "FixVignetteRadial", {"coefficients": [0.1, 0.2, 0.3, 0.4, 0.5], "center": [0.4, 0.6]}),),
    digest="ab" * 32,
    done="highlights",
)


def noisy(state: State, cfa: tuple[str, ...] = BAYER, **changes: Any) -> Image:
    channels = 1 if state is State.MOSAIC else 3
    pixels = torch.from_numpy(RNG.normal(0.3, 0.15, (channels, H, W)).astype(np.float32))
    return Image(pixels, state, replace(META, cfa=cfa, **changes))


def from_integers(cfa: tuple[str, ...], black: tuple[float, ...], white: int) -> tuple[Image, np.ndarray]:
    """A MOSAIC as decoded from `white`-level integers, and these."""
    stored = RNG.integers(0, white + 200, (H, W)).astype(np.uint16)
    pattern = np.asarray(black, np.float32).reshape(len(cfa) if len(black) > 1 else 1, -1)
    tiled = np.tile(pattern, (H, W))[:H, :W]
    pixels = (stored.astype(np.float32) - tiled) / (np.float32(white) - tiled)
    meta = replace(META, cfa=cfa, black_level=black, white_level=float(white))
    return Image(torch.from_numpy(pixels[None]), State.MOSAIC, meta), stored


def raw_page(path: Path) -> tifffile.TiffPage:
    page = tifffile.TiffFile(path).pages[0]
    return page.pages[0] if page.subifds else page


@pytest.mark.parametrize("state", [State.MOSAIC, State.CAMERA, State.BALANCED, State.SCENE])
@pytest.mark.parametrize("cfa", [BAYER, XTRANS, QUAD, EIGHT, ("W",)], ids=lambda c: f"{len(c)}x{len(c[0])}")
def test_floats_come_back_to_the_last_bit_with_all_that_is_known(
    tmp_path: Path, state: State, cfa: tuple[str, ...]
) -> None:
    image = replace(noisy(state, cfa), frame=Frame((2 * H, 2 * W), (0.0, 0.0, 2.0 * W, 2.0 * H), (H, W)))
    extras = {"recipe": {"tone": [1, 2.5, None]}, "digest": "cd"}
    back = open_image(write_dng(tmp_path / "a.dng", image, extras=extras))
    assert torch.equal(back.pixels, image.pixels)
    assert (back.state, back.meta, back.frame) == (image.state, image.meta, image.frame)
    assert read_extras(tmp_path / "a.dng")["recipe"] == extras["recipe"]
    assert np.array_equal(np.atleast_3d(raw_page(tmp_path / "a.dng").asarray()), image.pixels.permute(1, 2, 0).numpy())


@pytest.mark.parametrize(
    ("cfa", "black"),
    [(BAYER, (512.0,)), (BAYER, (500.0, 501.0, 502.25, 503.0)), (QUAD, tuple(range(256, 272))), (("W",), (64.0,))],
    ids=["one", "each", "quad", "mono"],
)
def test_a_mosaic_that_still_is_its_source_is_written_as_the_source_s_integers(
    tmp_path: Path, cfa: tuple[str, ...], black: tuple[float, ...]
) -> None:
    image, stored = from_integers(cfa, tuple(map(float, black)), 16383)
    page = raw_page(write_dng(tmp_path / "a.dng", image))
    assert page.dtype == np.uint16 and np.array_equal(page.asarray(), stored)
    back = open_image(tmp_path / "a.dng")
    assert torch.equal(back.pixels, image.pixels) and back.meta == image.meta

    pixels = image.pixels.clone()
    pixels[0, 7, 9] += 1e-4
    page = raw_page(write_dng(tmp_path / "b.dng", image.to(pixels)))
    assert page.dtype == np.float32
    assert torch.equal(open_image(tmp_path / "b.dng").pixels, pixels)


def test_linear_pictures_with_one_black_are_written_as_integers_too(tmp_path: Path) -> None:
    stored = RNG.integers(0, 4096, (3, H, W)).astype(np.float32)
    meta = replace(META, cfa=(), black_level=(64.0,), white_level=4095.0)
    image = Image(torch.from_numpy((stored - 64) / np.float32(4095 - 64)), State.CAMERA, meta)
    page = raw_page(write_dng(tmp_path / "a.dng", image))
    assert page.dtype == np.uint16 and np.array_equal(page.asarray(), stored.transpose(1, 2, 0))
    assert torch.equal(open_image(tmp_path / "a.dng").pixels, image.pixels)


@pytest.mark.parametrize("state", [State.MOSAIC, State.CAMERA])
def test_16_bit_files_keep_negatives_of_a_mosaic_and_what_is_above_saturation(tmp_path: Path, state: State) -> None:
    image = noisy(state)
    pixels = image.pixels.clone()
    pixels[:, 0, :4] = torch.tensor([-9.0, -0.2, 2.5, 99.0])
    back = open_image(write_dng(tmp_path / "a.dng", image.to(pixels), bits=16)).pixels
    assert raw_page(tmp_path / "a.dng").dtype == np.uint16
    floor = FLOOR if state is State.MOSAIC else 0.0
    assert back[:, 0, 0].tolist() == pytest.approx([floor] * len(back), abs=2e-3)
    assert back[:, 0, 3].tolist() == pytest.approx([CEILING] * len(back), abs=2e-3)
    inside = (pixels >= floor) & (pixels <= CEILING)
    assert (back - pixels)[inside].abs().max() <= 0.51 * (CEILING - floor) / 65534
    assert torch.equal(open_image(write_dng(tmp_path / "b.dng", image, bits=32)).pixels, image.pixels)


@pytest.mark.parametrize("bits", [0, 16])
def test_half_floats_are_written_as_the_floats_that_they_are(tmp_path: Path, bits: int) -> None:
    short = noisy(State.CAMERA).pixels.half()
    files = []
    for name, pixels in (("a", short), ("b", short.float())):
        files.append(write_dng(tmp_path / f"{name}.dng", noisy(State.CAMERA).to(pixels), bits=bits).read_bytes())
    assert files[0] == files[1] and raw_page(tmp_path / "a.dng").dtype == (np.uint16 if bits else np.float32)


def test_nan_becomes_black_in_integers(tmp_path: Path) -> None:
    image = noisy(State.MOSAIC)
    pixels = image.pixels.clamp_min(0)
    pixels[0, 3, 5] = float("nan")
    back = open_image(write_dng(tmp_path / "a.dng", image.to(pixels), bits=16)).pixels
    assert back.isfinite().all() and back[0, 3, 5] == 0


def test_the_tags_say_what_the_metadata_say(tmp_path: Path) -> None:
    write_dng(tmp_path / "a.dng", noisy(State.MOSAIC, XTRANS))
    tags = {t.code: t.value for t in tifffile.TiffFile(tmp_path / "a.dng").pages[0].tags}

    def numbers(code: int) -> np.ndarray:
        v = np.asarray(tags[code], float)
        return v[::2] / v[1::2]

    assert tags[50706] == bytes((1, 6, 0, 0)) and tags[50707] == bytes((1, 4, 0, 0))
    assert tags[33421] == (6, 6) and bytes(tags[33422]) == bytes("RGB".index(c) for c in "".join(XTRANS))
    assert numbers(50721) == pytest.approx(np.ravel(META.color_matrix[0]))
    assert numbers(50965) == pytest.approx(np.ravel(META.forward_matrix[1]))
    assert numbers(50723) == pytest.approx(np.ravel(META.calibration[0]))
    assert numbers(50727) == pytest.approx(META.analog_balance)
    assert numbers(50728) == pytest.approx(META.white)
    assert numbers(50730) == pytest.approx([META.baseline_exposure])
    assert (tags[50778], tags[50779]) == (17, 255) and 52533 not in tags
    data = np.frombuffer(tags[52534][2:], "<u4").astype(float)
    assert tags[52534][:2] == b"\0\0" and data[::2] / data[1::2] == pytest.approx(META.illuminants[1])
    assert tuple(tags[51041]) == tuple(v for pair in META.noise for v in pair)
    assert (tags[50719], tags[50720]) == ((4, 2), (W - 8, H - 6)) and tags[274] == 6
    assert tags[34665]["ExposureTime"] == (1, 3) and tags[34665]["ISOSpeedRatings"] == 400
    assert 51022 in tags and opcodes.parse(tags[51022], 3)[0]["data"] == META.opcodes[0].data


def test_crop_follows_a_reduced_picture_and_opcodes_stay_out_of_it(tmp_path: Path) -> None:
    image = replace(noisy(State.CAMERA), frame=Frame((2 * H, 2 * W), (0.0, 0.0, 2.0 * W, 2.0 * H), (H, W)))
    write_dng(tmp_path / "a.dng", image)
    tags = {t.code: t.value for t in tifffile.TiffFile(tmp_path / "a.dng").pages[0].tags}
    assert (tags[50719], tags[50720]) == ((2, 1), (37, 27))
    assert 51022 not in tags


@pytest.mark.parametrize("cfa", [("RG", "GB"), ("GR", "BG"), ("BG", "GR"), ("GB", "RG")])
def test_libraw_reads_the_integers_the_phase_and_the_orientation(tmp_path: Path, cfa: tuple[str, ...]) -> None:
    image, stored = from_integers(cfa, (500.0, 501.0, 502.0, 503.0), 16383)
    with rawpy.imread(str(write_dng(tmp_path / "a.dng", image))) as raw:
        assert np.array_equal(raw.raw_image, stored)
        pattern = ["".join("RGBG"[raw.raw_pattern[i, j]] for j in range(2)) for i in range(2)]
        assert tuple(pattern) == cfa
        by_place = [raw.black_level_per_channel[raw.raw_pattern[i, j]] for i in range(2) for j in range(2)]
        assert by_place == [500, 501, 502, 503] and raw.white_level == 16383 and raw.sizes.flip == 6


def test_other_programs_see_the_same_colours_in_camera_and_balanced_files(tmp_path: Path) -> None:
    """LibRaw applies AnalogBalance, calibration, ColorMatrix and AsShotNeutral itself: both ways lead to one picture."""
    smooth = torch.nn.functional.interpolate(
        torch.from_numpy(RNG.random((1, 3, 5, 6), np.float32)), size=(H, W), mode="bicubic"
    )[0].clamp(0.02, 0.45)
    meta = replace(META, gains=(2.0, 1.0, 1.6), white=(0.5, 1.0, 0.625), calibration=(), orientation=1)
    camera = Image(smooth, State.CAMERA, meta)
    balanced = Image(smooth * torch.tensor(meta.gains)[:, None, None], State.BALANCED, meta)
    pictures = []
    for name, image in (("c", camera), ("b", balanced)):
        with rawpy.imread(str(write_dng(tmp_path / f"{name}.dng", image, bits=16))) as raw:
            pictures.append(
                raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, output_bps=16) / 65535
            )
    assert np.abs(pictures[0] - pictures[1]).mean() < 2e-3


def test_colours_of_a_balanced_file_follow_the_dng_model(tmp_path: Path) -> None:
    """Camera pixels and balanced pixels lead to the same XYZ, through ForwardMatrix as DNG 1.7.1 chapter 6 has it."""

    def tag(path: Path, code: int) -> np.ndarray | None:
        found = tifffile.TiffFile(path).pages[0].tags.get(code)
        v = None if found is None else np.asarray(found.value, float)
        return None if v is None else v[::2] / v[1::2]

    def to_xyz(path: Path) -> np.ndarray:
        ab, cc, fm, neutral = (tag(path, code) for code in (50727, 50723, 50964, 50728))
        own = np.diag(np.ones(3) if ab is None else ab) @ (np.eye(3) if cc is None else cc.reshape(3, 3))
        reference = np.linalg.inv(own) @ neutral
        return fm.reshape(3, 3) @ np.diag(1 / reference) @ np.linalg.inv(own)

    camera = to_xyz(write_dng(tmp_path / "c.dng", noisy(State.CAMERA)))
    balanced = to_xyz(write_dng(tmp_path / "b.dng", noisy(State.BALANCED)))
    assert balanced @ np.diag(META.gains) == pytest.approx(camera, abs=1e-6)
    scene = to_xyz(write_dng(tmp_path / "s.dng", noisy(State.SCENE)))
    assert scene == pytest.approx(spaces.between("rec2020", "xyz-d50").numpy(), abs=1e-6)


def test_a_preview_is_found_by_ourselves_and_by_libraw(tmp_path: Path) -> None:
    preview = np.full((40, 60, 3), (200, 40, 90), np.uint8)
    image = noisy(State.MOSAIC, orientation=1)
    path = write_dng(tmp_path / "a.dng", image, preview=preview)
    assert torch.equal(open_image(path).pixels, image.pixels)
    shown = open_preview(path)
    assert shown is not None and shown.pixels.shape == (3, 40, 60)
    assert (shown.pixels * 255).mean((1, 2)).tolist() == pytest.approx([200, 40, 90], abs=2)
    with rawpy.imread(str(path)) as raw:
        assert raw.extract_thumb().format == rawpy.ThumbFormat.JPEG


def test_what_dng_cannot_hold_is_refused(tmp_path: Path) -> None:
    display = Image(torch.zeros(3, 2, 2), State.DISPLAY)
    refused: list[Callable[[], object]] = [
        lambda: write_dng(tmp_path / "a.dng", display),
        lambda: write_dng(tmp_path / "a.dng", noisy(State.MOSAIC), bits=8),
        lambda: write_dng(tmp_path / "a.dng", noisy(State.MOSAIC, ("RX", "GB"))),
        lambda: write_dng(tmp_path / "a.dng", noisy(State.MOSAIC), extras={"x": float("nan")}),
    ]
    for call in refused:
        with pytest.raises(ValueError):
            call()
    assert not list(tmp_path.iterdir())


AREA = {"top": 0, "left": 1, "bottom": 10, "right": 12, "plane": 0, "planes": 1, "row_pitch": 1, "column_pitch": 2}
OPCODES = {
    "WarpRectilinear": {"coefficients": [[1.0, 0.0, 0.1, 0.0, 0.0, 0.0]] * 3, "center": [0.5, 0.25]},
    "WarpFisheye": {"coefficients": [[1.0, 0.0, 0.1, 0.0]], "center": [0.5, 0.5]},
    "WarpRectilinear2": {
        "coefficients": [[float(i) for i in range(17)]],
        "center": [0.5, 0.5],
        "valid": [[0.0, 1.0]],
        "reciprocal": True,
    },
    "FixVignetteRadial": {"coefficients": [1.0, 2.0, 3.0, 4.0, 5.0], "center": [0.4, 0.6]},
    "FixBadPixelsConstant": {"constant": 3, "phase": 1},
    "FixBadPixelsList": {"phase": 1, "points": [[1, 2], [3, 4]], "rects": [[1, 2, 3, 4]]},
    "TrimBounds": {"rect": [1, 2, 3, 4]},
    "MapTable": {"area": AREA, "table": [0, 5, 65535]},
    "MapPolynomial": {"area": AREA, "coefficients": [0.0, 1.0, 0.5]},
    "GainMap": {"area": AREA, "spacing": [0.5, 0.25], "origin": [0.0, 0.1], "gains": [[[1.0], [2.0]], [[1.5], [2.5]]]},
    "DeltaPerRow": {"area": AREA, "values": [1.0, 2.0]},
    "ScalePerColumn": {"area": AREA, "values": [1.0, 0.5]},
}


def test_opcodes_come_back_and_what_cannot_be_said_is_left_out() -> None:
    listed = [Opcode(2, name, data, i % 2 == 0) for i, (name, data) in enumerate(OPCODES.items())]
    assert [Opcode(**o) for o in opcodes.parse(opcodes_write.encode(listed), 2)] == listed
    odd = [Opcode(2, "FixBadPixelsList", {"phase": 0, "points": [[-1, 2]], "rects": []}), Opcode(2, "Secret", {})]
    assert opcodes_write.encode(odd) == b""
    assert len(opcodes.parse(opcodes_write.encode([*odd, listed[3]]), 2)) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text().filter(lambda k: k != "format"), JSON, max_size=5))
def test_any_json_survives_xmp(extras: dict[str, Any]) -> None:
    assert parse_extras(pack_extras(extras)) == extras


@given(
    st.builds(
        Metadata,
        make=st.text(),
        lens=st.text(min_size=200),
        exif=st.binary(),
        gps=st.none() | st.tuples(*[st.floats(-90, 90)] * 3),
        white=st.tuples(*[st.floats(1e-6, 1.0)] * 3),
        bad_pixels=st.lists(st.tuples(st.integers(), st.integers())).map(tuple),
    )
)
def test_any_metadata_survive_xmp(meta: Metadata) -> None:
    image = Image(torch.zeros(3, 1, 1), State.SCENE, meta)
    assert Metadata.load(parse_extras(pack_extras(image_extras(image, meta, None)))["metadata"]) == meta


@pytest.mark.parametrize("bad", [{"a": float("nan")}, {"a": [float("inf")]}, {1: 2}, {"a": object()}, {"a": b"x"}])
def test_what_json_cannot_say_is_refused(bad: dict[Any, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be kept in XMP"):
        pack_extras(bad)


def test_xmp_rewritten_by_other_programs_is_understood_and_damaged_xmp_refused() -> None:
    value = json.dumps({"format": 1, "name": 'a"<&'}).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    moved = f'<rdf:RDF xmlns:rdf="r"><rdf:Description xmlns:q="{NAMESPACE}" q:extras="{value}"/></rdf:RDF>'
    assert parse_extras(moved.encode())["name"] == 'a"<&'
    assert parse_extras(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>") == {} == parse_extras(b"")
    good = pack_extras({"format": 1})
    entity = f'<!DOCTYPE x [<!ENTITY a "b">]><x xmlns:q="{NAMESPACE}" q:extras="&a;"/>'.encode()
    newer = pack_extras({"format": 2})
    for damaged in (good[:-150], good.replace(b"{", b"["), good.replace(b"1}", b"NaN}"), entity, newer):
        with pytest.raises(ValueError):
            parse_extras(damaged)
