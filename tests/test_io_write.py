"""save_image: exact pixels, profiles, EXIF by policy, and files that appear whole or not at all."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as Picture
from PIL import ImageCms, features

from modisp.color import icc, spaces, transfer
from modisp.image import Frame, Image, Metadata, State
from modisp.io import ImageError, open_image, read_extras, save_image
from modisp.io.raster import FORMATS, bands
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


def picture(height: int = H, width: int = W, meta: Metadata = META) -> Image:
    """A smooth ENCODED picture with values on no step of any depth."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    return Image(torch.stack([x, y, (x * y).sqrt() * 0.97 + 0.013]), State.ENCODED, meta)


def xmp_of(path: Path) -> bytes:
    with Picture.open(path) as p:
        return p.info.get("xmp", b"")


def hwc(pixels: torch.Tensor, top: int) -> np.ndarray:
    return np.floor(pixels.double().permute(1, 2, 0).numpy() * top + 0.5)


def exif_of(path: Path) -> dict[int, Any]:
    """The tags of the first directory; under 34665 and 34853 those of EXIF and GPS."""
    with Picture.open(path) as p:
        exif = p.getexif()
        return dict(exif) | {k: dict(exif.get_ifd(k)) for k in (34665, 34853)}


# --- pixels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(H, W), (1, 1), (700, 611), (1, 4001), (3001, 1)])
@pytest.mark.parametrize(("name", "bits"), [("a.png", 8), ("a.png", 16), ("a.tif", 8), ("a.TIFF", 16), ("a.tif", 32)])
def test_lossless_formats_hold_the_rounded_pixels(
    tmp_path: Path, name: str, bits: int, height: int, width: int
) -> None:
    image = picture(height, width)
    path = save_image(image, tmp_path / name, bits=bits)
    if bits == 16 and path.suffix == ".png":
        got = pytest.importorskip("imagecodecs").png_decode(path.read_bytes())
    elif path.suffix == ".png":
        got = np.asarray(Picture.open(path))
    else:
        got = tifffile.imread(path)
    if bits == 32:
        assert np.array_equal(got, image.pixels.permute(1, 2, 0).numpy())
    else:
        assert got.dtype == (np.uint8 if bits == 8 else np.uint16)
        exact = image.pixels.double().permute(1, 2, 0).numpy() * (2**bits - 1)
        assert np.abs(got - exact).max() <= 0.51  # the arithmetic is float32's


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_lossy_formats_are_close(tmp_path: Path, suffix: str) -> None:
    if suffix != ".jpg" and not features.check(suffix[1:]):
        pytest.skip(f"this Pillow has no {suffix}")
    image = picture(200, 300)
    path = save_image(image, tmp_path / f"a{suffix}", quality=95)
    got = np.asarray(Picture.open(path).convert("RGB")).astype(float)
    assert got.shape == (200, 300, 3) and np.abs(got - hwc(image.pixels, 255)).mean() < 1.5


def test_jpeg_options_are_heard(tmp_path: Path) -> None:
    image = picture(200, 300)
    plain = save_image(image, tmp_path / "a.jpg")
    small = save_image(image, tmp_path / "b.jpg", subsampling="4:2:0", progressive=True, quality=50)
    with Picture.open(small) as p, Picture.open(plain) as q:
        assert p.info.get("progressive") and not q.info.get("progressive")
        assert [c[1:3] for c in p.layer] == [(2, 2), (1, 1), (1, 1)]
        assert [c[1:3] for c in q.layer] == [(1, 1), (1, 1), (1, 1)]
    assert small.stat().st_size < plain.stat().st_size


def test_values_outside_are_clipped_and_nan_is_black() -> None:
    pixels = torch.tensor([[[-1.0, 0.0, 0.5, 1.0, 2.0, float("nan"), float("inf")]]]).repeat(3, 1, 1)
    eight = next(bands(pixels, 8))[1][0, :, 0].tolist()
    sixteen = next(bands(pixels, 16))[1][0, :, 0].tolist()
    assert eight == [0, 0, 128, 255, 255, 0, 255] and sixteen == [0, 0, 32768, 65535, 65535, 0, 65535]


@pytest.mark.parametrize("kind", [torch.uint8, torch.uint16])
def test_integers_are_taken_as_they_are(tmp_path: Path, kind: torch.dtype) -> None:
    top = 255 if kind is torch.uint8 else 65535
    values = np.random.default_rng(1).integers(0, top + 1, (3, H, W))
    image = Image(torch.from_numpy(values.astype(np.uint8 if top == 255 else np.uint16)), State.ENCODED, META)
    assert np.array_equal(tifffile.imread(save_image(image, tmp_path / "a.tif")), values.transpose(1, 2, 0))
    assert tifffile.imread(tmp_path / "a.tif").dtype == (np.uint8 if top == 255 else np.uint16)
    other = tifffile.imread(save_image(image, tmp_path / "b.tif", bits=16 if top == 255 else 8))
    want = values * 257 if top == 255 else np.floor(values / 257 + 0.5)
    assert np.array_equal(other, want.transpose(1, 2, 0))


def test_display_is_an_exact_float_tiff_with_a_linear_profile(tmp_path: Path) -> None:
    image = replace(picture(), state=State.DISPLAY, frame=Frame((2 * H, 2 * W), (0.0, 0.0, 2.0 * W, 2.0 * H), (H, W)))
    back = open_image(save_image(image, tmp_path / "a.tif", extras={"readings": {"tone": [1.5]}}))
    assert torch.equal(back.pixels, image.pixels)
    assert (back.state, back.meta, back.frame) == (image.state, image.meta, image.frame)
    assert read_extras(tmp_path / "a.tif")["readings"] == {"tone": [1.5]}
    page = tifffile.TiffFile(tmp_path / "a.tif").pages[0]
    assert page.tags[34675].value == icc.profile("rec2020", linear=True)


def test_an_encoded_step_can_be_resumed_when_extras_go_along(tmp_path: Path) -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = picture(meta=replace(META, done="output", icc=own, exif=b"MM\0*"))
    back = open_image(save_image(image, tmp_path / "a.tif", bits=32, extras={"recipe": {"a": "é"}}))
    assert (back.state, back.meta) == (State.ENCODED, image.meta) and torch.equal(back.pixels, image.pixels)
    with Picture.open(save_image(image, tmp_path / "a.png", extras={"recipe": {"a": "é"}})) as p:
        kept = parse_extras(p.info["xmp"])
    assert kept["recipe"] == {"a": "é"} and kept["state"] == "ENCODED"
    assert Metadata.load(kept["metadata"]) == replace(image.meta, icc=b"", exif=b"")
    assert "xmp" not in Picture.open(save_image(image, tmp_path / "b.png")).info


# --- profile --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", icc.NAMES)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_the_profile_inside_is_that_of_the_space(tmp_path: Path, space: str, suffix: str) -> None:
    image = picture(meta=replace(META, space=space))
    with Picture.open(save_image(image, tmp_path / f"a{suffix}", bits=8)) as p:
        assert p.info["icc_profile"] == icc.profile(space)


def test_a_picture_in_a_wide_space_looks_right_to_a_colour_managed_viewer(tmp_path: Path) -> None:
    srgb = torch.rand(3, H, W, generator=torch.Generator().manual_seed(5))
    linear = spaces.apply(spaces.between("srgb", "rec2020"), transfer.decode("srgb", srgb))
    image = Image(transfer.encode("rec2020", linear), State.ENCODED, replace(META, space="rec2020"))
    with Picture.open(save_image(image, tmp_path / "a.png")) as p:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(p.info["icc_profile"]))
        shown = ImageCms.profileToProfile(p, profile, ImageCms.createProfile("sRGB"), renderingIntent=1)
    assert np.abs(np.asarray(shown) - hwc(srgb, 255)).mean() < 1.0  # of 8 bits' rounding in the wide space


def test_a_profile_of_the_picture_s_own_is_kept(tmp_path: Path) -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = picture(meta=replace(META, space="icc", icc=own))
    with Picture.open(save_image(image, tmp_path / "a.jpg")) as p:
        assert p.info["icc_profile"] == own


# --- whole or not at all --------------------------------------------------------------------------------------------

CASES = [(State.SCENE, "a.dng"), (State.DISPLAY, "a.tif"), *[(State.ENCODED, f"a{s}") for s in FORMATS if s != ".avif"]]


@pytest.mark.parametrize(("state", "name"), CASES)
def test_an_older_file_is_never_replaced_silently(tmp_path: Path, state: State, name: str) -> None:
    image = replace(picture(), state=state)
    (tmp_path / name).write_bytes(b"older")
    with pytest.raises(ImageError, match="exists already"):
        save_image(image, tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"older"
    save_image(image, tmp_path / name, force=True)
    assert (tmp_path / name).stat().st_size > 100 and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(("state", "name"), CASES)
@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failure_leaves_the_older_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State, name: str, call: str
) -> None:
    (tmp_path / name).write_bytes(b"older")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(ImageError, match="could not be written: No space left on device"):
        save_image(replace(picture(), state=state), tmp_path / name, force=True)
    assert (tmp_path / name).read_bytes() == b"older" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
def test_a_disk_that_fills_up_while_writing_leaves_the_older_file(tmp_path: Path) -> None:
    code = """
import resource, sys, torch
from dataclasses import replace
from modisp.image import Image, State
from modisp.io import ImageError, save_image
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
noise = Image(torch.rand(3, 400, 400), State.ENCODED)
for state, name in ((State.SCENE, "a.dng"), (State.DISPLAY, "a.tif"), *((State.ENCODED, n) for n in sys.argv[2:])):
    try:
        save_image(replace(noise, state=state), f"{sys.argv[1]}/{name}", force=True)
        print("written", name)
    except ImageError as e:
        assert "could not be written" in str(e) and str(e).count(chr(10)) == 0, e
        print("refused", name)
"""
    names = ["b.tif", "a.png", "a.jpg", "a.webp"]
    for name in ("a.dng", "a.tif", *names):
        (tmp_path / name).write_bytes(b"older")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[::2] == ["refused"] * 6
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {n: b"older" for n in ("a.dng", "a.tif", *names)}


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_image(picture(), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_made_and_an_impossible_one_named(tmp_path: Path) -> None:
    assert save_image(picture(), tmp_path / "new" / "deep" / "a.png").is_file()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    for bad in (tmp_path / "file" / "a.png", tmp_path / "folder.png"):
        with pytest.raises(ImageError) as e:
            save_image(picture(), bad)
        assert str(bad) in str(e.value)


@pytest.mark.parametrize(
    ("state", "name", "options", "words"),
    [
        (State.SCENE, "a.jpg", {}, r"SCENE is saved as \.dng; name it a\.dng"),
        (State.DISPLAY, "a.png", {}, r"DISPLAY is saved as \.tif"),
        (State.ENCODED, "a.dng", {}, r"ENCODED is saved as \.jpg"),
        (State.ENCODED, "a", {}, "ENCODED is saved as"),
        (State.ENCODED, "a.jpg", {"quality": 0}, "quality goes from 1 to 100"),
        (State.ENCODED, "a.jpg", {"subsampling": "4:1:1"}, "subsampling is"),
        (State.ENCODED, "a.jpg", {"bits": 16}, "8 bits per channel, not 16"),
        (State.ENCODED, "a.jpg", {"policy": "some"}, "policy is one of"),
        (State.ENCODED, "a.jpg", {"extras": {"x": float("nan")}}, "cannot be kept"),
        (State.SCENE, "a.dng", {"bits": 8}, "16 or 32 bits"),
        (State.SCENE, "a.dng", {"extras": {"x": {1: 2}}}, "cannot be kept"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    tmp_path: Path, state: State, name: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ImageError, match=words) as e:
        save_image(replace(picture(), state=state), tmp_path / name, **options)
    assert "\n" not in str(e.value) and not list(tmp_path.iterdir())


def test_too_long_an_edge_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="16383 pixels an edge; choose TIFF"):
        save_image(picture(1, 17000), tmp_path / "a.webp")


def test_a_burst_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="one by one"):
        save_image(Image(torch.zeros(4, 2, 2), State.BURST), tmp_path / "a.dng")


def test_a_recipe_too_long_for_jpeg_does_not_stop_the_picture(tmp_path: Path) -> None:
    path = save_image(picture(), tmp_path / "a.jpg", extras={"recipe": "x" * 70000})
    assert xmp_of(path) == b"" and Picture.open(path).size == (W, H)
    path = save_image(picture(), tmp_path / "a.png", extras={"recipe": "x" * 70000})
    assert parse_extras(xmp_of(path))["recipe"] == "x" * 70000
