"""Stars and labels in XMP: what others write is read, what is written leaves all else alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

from modisp.io.ratings import read_rating, write_rating

ATTRIBUTES = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 xmp:Rating="4" xmp:Label="Red" crs:Exposure2012="+0.50"><crs:ToneCurve><rdf:Seq><rdf:li>0, 0</rdf:li></rdf:Seq></crs:ToneCurve>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
ELEMENTS = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:Rating>-1</xmp:Rating></rdf:Description>
</rdf:RDF></x:xmpmeta>"""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    (tmp_path / "p.dng").write_bytes(b"II*\0")
    return tmp_path / "p.dng"


@pytest.mark.parametrize("name", ["p.xmp", "p.dng.xmp"])
def test_what_others_write_beside_is_read(picture: Path, name: str) -> None:
    assert read_rating(picture) is None
    picture.with_name(name).write_text(ATTRIBUTES, "utf-8")
    assert read_rating(picture) == (4, "Red")
    picture.with_name(name).write_text(ELEMENTS, "utf-8")
    assert read_rating(picture) == (-1, "")


def test_what_is_inside_is_read(tmp_path: Path) -> None:
    Pillow.new("RGB", (8, 8)).save(tmp_path / "p.jpg", xmp=ATTRIBUTES.encode())
    assert read_rating(tmp_path / "p.jpg") == (4, "Red")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<x",
        "<a/>",
        "\x00",
        ATTRIBUTES.replace('"4"', '"many"').replace("Red", ""),
        '<!DOCTYPE x [<!ENTITY a "b">]>' + ELEMENTS,
    ],
)
def test_nonsense_says_nothing(picture: Path, text: str) -> None:
    picture.with_suffix(".xmp").write_text(text, "utf-8")
    assert read_rating(picture) in (None, (0, ""))


def test_stars_out_of_range_are_clamped(picture: Path) -> None:
    picture.with_suffix(".xmp").write_text(ATTRIBUTES.replace('"4"', '"900"'), "utf-8")
    assert read_rating(picture) == (5, "Red")


def test_written_and_read_back_with_all_else_kept(picture: Path) -> None:
    file = picture.with_suffix(".xmp")
    file.write_text(ATTRIBUTES, "utf-8")
    assert write_rating(picture, 2, "Blue") == file
    text = file.read_text("utf-8")
    assert read_rating(picture) == (2, "Blue")
    assert 'crs:Exposure2012="+0.50"' in text and "<crs:ToneCurve>" in text and "Red" not in text
    write_rating(picture, -1, "")
    assert read_rating(picture) == (-1, "")


def test_a_new_one_is_made(picture: Path) -> None:
    assert write_rating(picture, 5, "Green") == picture.with_suffix(".xmp")
    assert read_rating(picture) == (5, "Green") and picture.read_bytes() == b"II*\0"


def test_a_file_that_is_not_xmp_is_left_alone(picture: Path) -> None:
    picture.with_suffix(".xmp").write_text("<notes/>", "utf-8")
    with pytest.raises(ValueError, match="left as it is"):
        write_rating(picture, 5, "")
    assert picture.with_suffix(".xmp").read_text("utf-8") == "<notes/>"
