"""The profiles that modisp makes: accepted by Little CMS, and saying what the spaces' definitions say."""

import hashlib
import io

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from PIL import ImageCms

from modisp.color import icc, spaces, transfer
from modisp.io.profile import space_of


def lcms(data: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(data))


@pytest.mark.parametrize("space", icc.NAMES)
@pytest.mark.parametrize("linear", [False, True])
def test_is_a_sound_version_4_display_profile(space: str, linear: bool) -> None:
    data = icc.profile(space, linear)
    p = lcms(data).profile
    assert p.version == pytest.approx(4.4) and p.device_class == "mntr" and p.xcolor_space == "RGB "
    assert p.profile_description.startswith(icc.NAMES[space])
    assert len(data) == int.from_bytes(data[:4], "big") < 1000
    blank = data[:44] + bytes(4) + data[48:64] + bytes(4) + data[68:84] + bytes(16) + data[100:]
    assert hashlib.md5(blank).digest() == data[84:100]


@pytest.mark.parametrize("space", icc.NAMES)
def test_the_colorants_sum_to_the_white_of_the_connection_space(space: str) -> None:
    data = icc.profile(space)
    count = int.from_bytes(data[128:132], "big")
    total = np.zeros(3, int)
    for i in range(count):
        entry = data[132 + 12 * i : 144 + 12 * i]
        at = int.from_bytes(entry[4:8], "big")
        if entry[:4] in (b"rXYZ", b"gXYZ", b"bXYZ"):
            total += np.frombuffer(data[at + 8 : at + 20], ">i4")
    assert total.tolist() == [round(v * 65536) for v in (0.9642, 1.0, 0.8249)]


@pytest.mark.parametrize("space", ["display-p3", "adobe-rgb", "rec2020"])
@pytest.mark.parametrize("target", ["srgb", "rec2020"])
def test_lcms_converts_known_colours_as_the_definitions_do(space: str, target: str) -> None:
    if space == target:
        pytest.skip("nothing to convert")
    values = np.random.default_rng(3).integers(0, 256, (48, 48, 3)).astype(np.uint8)
    values[0, :, :] = np.linspace(0, 255, 48, dtype=np.uint8)[:, None]  # greys
    got = ImageCms.profileToProfile(
        Picture.fromarray(values),
        lcms(icc.profile(space)),
        lcms(icc.profile(target)),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    linear = transfer.decode(space, torch.from_numpy(values.transpose(2, 0, 1).astype(np.float32) / 255))
    want = transfer.encode(target, spaces.apply(spaces.between(space, target), linear).clamp(0, 1))
    worst = np.abs(np.asarray(got) / 255 - want.numpy().transpose(1, 2, 0)).max()
    assert worst <= 1 / 255


@pytest.mark.parametrize("space", icc.NAMES)
def test_our_srgb_agrees_with_that_of_lcms_and_each_is_told_from_the_others(space: str) -> None:
    assert space_of(icc.profile(space)) == space
    assert space_of(icc.profile(space, linear=True)) == "icc"
    if space == "srgb":
        ramp = np.random.default_rng(4).integers(0, 256, (32, 32, 3)).astype(np.uint8)
        got = ImageCms.profileToProfile(
            Picture.fromarray(ramp), lcms(icc.profile(space)), ImageCms.createProfile("sRGB"), renderingIntent=1
        )
        assert np.abs(np.asarray(got).astype(int) - ramp).max() <= 1


def test_an_unknown_space_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of"):
        icc.profile("prophoto")
