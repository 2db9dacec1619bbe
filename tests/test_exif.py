"""EXIF in what modisp writes: composed, carried over, and held back by policy."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from modisp.image import Image, Metadata, State
from modisp.io import ImageError, open_image, read_extras, save_image
from modisp.io import tags as tiff
from modisp.io.xmp import parse_extras

H, W = 37, 53
META = Metadata(
    make="Acme",
    model="X1",
    lens="Ünilens 50",
    iso=200.0,
    shutter=1 / 125,
    aperture=2.8,
    focal_length=50.0,
    focal_length_35=75.0,
    date="2024-05-01T10:00:00.250000+02:00",
    gps=(-12.5, 33.25, -4.5),
    space="srgb",
    cfa=(),
    name="IMG_1.dng",
    digest="ef" * 32,
)


def picture(meta: Metadata = META) -> Image:
    return Image(torch.linspace(0, 1, 3 * H * W).reshape(3, H, W), State.ENCODED, meta)


def exif_of(path: Path) -> dict[int, Any]:
    """The tags of the first directory; under 34665 and 34853 those of EXIF and GPS."""
    with Picture.open(path) as p:
        exif = p.getexif()
        return dict(exif) | {k: dict(exif.get_ifd(k)) for k in (34665, 34853)}


def xmp_of(path: Path) -> bytes:
    with Picture.open(path) as p:
        return p.info.get("xmp", b"")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_exif_is_composed_of_the_metadata(tmp_path: Path, suffix: str) -> None:
    exif = exif_of(save_image(picture(), tmp_path / f"a{suffix}"))
    assert (exif[271], exif[272], exif[305], exif[274]) == ("Acme", "X1", "modisp", 1)
    inner = exif[34665]
    assert (inner[34855], float(inner[33434]), float(inner[33437])) == (200, pytest.approx(1 / 125), 2.8)
    assert (float(inner[37386]), inner[41989]) == (50.0, 75)
    assert inner[36867] == "2024:05:01 10:00:00" and inner[36881] == "+02:00" and inner[37521] == "25"
    assert (inner[40962], inner[40963], inner[40961]) == (W, H, 1)
    gps = exif[34853]
    assert gps[1] == "S" and [float(v) for v in gps[2]] == [12, 30, 0] and float(gps[6]) == 4.5
    assert gps[3] == "E" and [float(v) for v in gps[4]] == [33, 15, 0]
    back = open_image(tmp_path / f"a{suffix}").meta
    assert (back.lens, back.gps, back.iso, back.date[:19]) == (META.lens, META.gps, META.iso, META.date[:19])


def source_exif(order: str) -> bytes:
    """A camera's EXIF block with maker notes and a position."""
    inner = {37500: tiff.undefined(b"MAKERNOTE" * 50), 42033: tiff.text("SN-123"), 37386: tiff.rational(35.5)}
    inner |= {37380: tiff.srational(-1 / 3), 40962: tiff.long(9999), 36867: tiff.text("2020:01:02 03:04:05")}
    position = {1: tiff.text("N"), 2: tiff.rational(1, 2, 3), 3: tiff.text("E"), 4: tiff.rational(4, 5, 6)}
    first = {315: tiff.text("Ann"), 33432: tiff.text("© Ann"), 256: tiff.long(9999), 274: tiff.short(8)}
    first |= {34665: tiff.directories(inner), 34853: tiff.directories(position)}
    little = tiff.block(first)
    return little if order == "<" else swapped(little)


def swapped(little: bytes) -> bytes:
    """The same TIFF block with the other byte order."""
    out = bytearray(little)
    out[:4] = b"MM\0*"
    out[4:8] = little[7:3:-1]

    def turn(at: int, size: int, count: int) -> None:
        for i in range(at, at + size * count, size):
            out[i : i + size] = little[i : i + size][::-1]

    def directory(at: int) -> None:
        n = int.from_bytes(little[at : at + 2], "little")
        turn(at, 2, 1)
        for e in range(at + 2, at + 2 + 12 * n, 12):
            code, kind = (int.from_bytes(little[e + i : e + i + 2], "little") for i in (0, 2))
            count = int.from_bytes(little[e + 4 : e + 8], "little")
            turn(e, 2, 2)
            turn(e + 4, 4, 1)
            word, each = {3: (2, 2), 4: (4, 4), 5: (4, 8), 10: (4, 8)}.get(kind, (1, 1))
            where = e + 8
            if each * count > 4:
                where = int.from_bytes(little[e + 8 : e + 12], "little")
                turn(e + 8, 4, 1)
            turn(where, word, each * count // word)
            if code in (34665, 34853):
                directory(int.from_bytes(little[e + 8 : e + 12], "little"))

    directory(8)
    return bytes(out)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_source_s_exif_is_carried_over_without_its_maker_notes_and_layout(tmp_path: Path, order: str) -> None:
    image = picture(replace(META, exif=source_exif(order)))
    path = save_image(image, tmp_path / "a.jpg")
    exif = exif_of(path)
    inner = exif[34665]
    assert (exif[315], exif[274], inner[42033]) == ("Ann", 1, "SN-123")
    assert (float(inner[37386]), float(inner[37380])) == (35.5, pytest.approx(-1 / 3))
    assert (inner[40962], inner[34855], inner[36867]) == (W, 200, "2020:01:02 03:04:05")
    assert 256 not in exif and 37500 not in inner and b"MAKERNOTE" not in path.read_bytes()
    assert [float(v) for v in exif[34853][2]] == [1, 2, 3]


@pytest.mark.parametrize(
    "exif", [b"", b"junk", b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff" + b"\xee" * 80]
)
def test_damaged_exif_is_no_obstacle(tmp_path: Path, exif: bytes) -> None:
    assert exif_of(save_image(picture(replace(META, exif=exif)), tmp_path / "a.jpg"))[271] == "Acme"


@pytest.mark.parametrize(
    ("state", "name"), [(State.ENCODED, "a.jpg"), (State.ENCODED, "a.png"), (State.SCENE, "a.dng")]
)
def test_policies_let_nothing_through_that_they_forbid(tmp_path: Path, state: State, name: str) -> None:
    exif = source_exif("<")
    image = replace(picture(replace(META, exif=exif)), state=state)
    extras: dict[str, Any] = {"recipe": {}}

    def found(policy: Any) -> tuple[bool, bool, bool]:
        path = save_image(image, tmp_path / name, extras=extras, policy=policy, force=True)
        kept = read_extras(path).get("metadata", {}) if state is State.SCENE else parse_extras(xmp_of(path))["metadata"]
        position = tifffile.TiffFile(path).pages[0].tags.get(34853) if state is State.SCENE else exif_of(path)[34853]
        return (
            bool(position) or "gps" in kept or b"33.25" in path.read_bytes(),
            b"SN-123" in path.read_bytes(),
            b"2024-05-01" in path.read_bytes() or b"2020:01:02" in path.read_bytes(),
        )

    assert found("all") == (True, True, True)
    assert found("no-gps") == (False, True, True)
    assert found("none") == (False, False, False)
    if state is State.SCENE:
        meta = open_image(tmp_path / name).meta
        assert (meta.iso, meta.lens, meta.gps, meta.exif) == (META.iso, META.lens, None, b"")


@pytest.mark.parametrize("policy", ["all", "none"])
def test_the_orientation_tells_how_the_pixels_lie(tmp_path: Path, policy: Any) -> None:
    image = picture(replace(META, orientation=6))
    path = save_image(image, tmp_path / "a.jpg", policy=policy)
    assert exif_of(path)[274] == 6 and (271 in exif_of(path)) == (policy == "all")


def test_exif_too_long_for_jpeg_gives_way_to_what_the_metadata_say(tmp_path: Path) -> None:
    long = tiff.block({34665: tiff.directories({37510: tiff.undefined(b"x" * 70000)}), 315: tiff.text("Ann")})
    exif = exif_of(save_image(picture(replace(META, exif=long)), tmp_path / "a.jpg"))
    assert exif[271] == "Acme" and 37510 not in exif[34665]


NUMBER = st.floats() | st.just(0.0) | st.floats(1e-9, 1e12)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(
        Metadata,
        make=st.text(max_size=9),
        lens=st.text(max_size=9),
        date=st.text(max_size=9) | st.datetimes().map(str),
        exif=st.binary(max_size=40).map(lambda b: b"II*\0\x08\0\0\0" + b),
        gps=st.none() | st.tuples(NUMBER, NUMBER, NUMBER),
        white=st.tuples(NUMBER, NUMBER, NUMBER),
        orientation=st.integers(-2, 70000),
        **{k: NUMBER for k in ("iso", "shutter", "aperture", "focal_length", "focal_length_35", "distance")},
        baseline_exposure=NUMBER,
        black_level=st.lists(NUMBER, max_size=4).map(tuple),
        white_level=NUMBER,
    ),
    st.sampled_from([(State.ENCODED, "a.jpg"), (State.DISPLAY, "a.tif"), (State.CAMERA, "a.dng")]),
)
def test_no_metadata_break_saving_but_by_an_image_error(tmp_path: Path, meta: Metadata, target: Any) -> None:
    state, name = target
    try:
        path = save_image(replace(picture(meta), state=state), tmp_path / name, force=True)
    except ImageError as e:
        assert "\n" not in str(e) and "could not be written" in str(e)
    else:
        assert path.stat().st_size > 100
