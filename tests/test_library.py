"""The photographer's own styles: saved from edits, taken in from tables, handed out, and never half there."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch

from modisp.image import Image, Metadata, State
from modisp.io import save_image
from modisp.library import COVER, folder_name, import_table, new_folder, read_table, table_of
from modisp.operators.cube import Cube, CubeError, parse_cube
from modisp.operators.hald import KEPT, cube_text, from_hald, identity, smaller, to_hald
from modisp.recipe import Recipe
from modisp.sidecar import Sidecar
from modisp.style import Style
from tests.cli import modisp, well


def turned(steps: int = 16) -> Cube:
    """Red, green and blue in other places, and darker."""
    return Cube(identity(steps)[[1, 2, 0]] ** 1.2, title="Turned")


def hald_file(folder: Path, cube: Cube, level: int = 4) -> Path:
    image = Image(to_hald(cube, level), State.ENCODED, Metadata(cfa=(), space="srgb"))
    return save_image(image, folder / "turned.png", bits=16)


def test_a_hald_picture_and_the_text_of_a_table_come_back_as_they_were(tmp_path: Path) -> None:
    cube = turned()
    x = torch.rand(3, 500)
    for again in (from_hald(to_hald(cube, 4), "a"), parse_cube(cube_text(cube)), read_table(hald_file(tmp_path, cube))):
        assert torch.allclose(again(x.clone()), cube(x.clone()), atol=1e-4)
    assert parse_cube(cube_text(Cube(cube.values, (-1, 0, 0), (2, 1, 1), "rec2020", "T"))).low == (-1.0, 0.0, 0.0)
    assert parse_cube(cube_text(Cube(torch.rand(3, 9)))).values.shape == (3, 9)
    assert smaller(Cube(identity(100))).values.shape[1] == KEPT
    assert torch.allclose(smaller(Cube(identity(100)))(x.clone()), x, atol=1e-5)
    with pytest.raises(CubeError, match=r"no HaldCLUT: .* 60 × 60"):
        from_hald(torch.rand(3, 60, 60), "a.png")


def test_a_table_becomes_a_style_with_a_cover_that_fades_in(home: Path, tmp_path: Path) -> None:
    folder = import_table(hald_file(tmp_path, turned()), "My Film")
    assert folder == home / "styles" / "my-film" and (folder / COVER).stat().st_size > 5000
    style = Style.load("my film")
    x = Image(torch.rand(3, 8, 8), State.DISPLAY)
    whole, half = (style.apply(Recipe.default(), s).resolve()["look"](x).pixels for s in (1.0, 0.5))
    assert torch.allclose(half, (whole + x.pixels) / 2, atol=1e-5) and not torch.allclose(whole, x.pixels, atol=0.1)
    with pytest.raises(ValueError, match=r"my-film of yours already; --force"):
        import_table(hald_file(tmp_path / "b", turned()), "My Film")


def test_a_look_is_saved_from_an_edit_mixed_and_handed_on(home: Path, tmp_path: Path, sample: Path) -> None:
    picture = tmp_path / "a.dng"
    picture.write_bytes(sample.read_bytes())
    car = Sidecar.load(picture)
    car.recipe = Style.load("vivid").apply(
        Recipe.default().set("look", saturation=0.8).set("white_balance", tint=9.0), 0.5
    )
    car.save()
    well("style", "save", "Ours", "--from", picture, "--words", "our own")
    ours = Style.load("ours")
    assert ours.words == "our own" and "white_balance" not in ours.values and (home / "styles/ours" / COVER).is_file()
    assert ours.values["look"]["saturation"] == pytest.approx(car.recipe.resolve()["look"].saturation)  # type: ignore[attr-defined]
    row = next(r for r in well("styles", "--json", "--page", tmp_path / "all.html").json() if r["name"] == "ours")
    assert row["words"] == "our own" and Path(row["cover"]).is_file()
    text = (tmp_path / "all.html").read_text("utf-8")
    assert "our own" in text and "data:image/jpeg" in text and "<code>vivid</code>" in text
    assert modisp("styles", "--page", tmp_path / "all.pdf").code == 2
    well("style", "save", "Only tone", "--from", picture, "--only", "tone")
    assert set(Style.load("only tone").values) == {"tone"}
    well("style", "save", "Both", "--style", "ours:0.5", "--style", "soft:look=1")
    assert Style.load("both").values["look"]["saturation"] != ours.values["look"]["saturation"]
    well("style", "export", "ours", tmp_path / "ours.zip")
    well("style", "import", tmp_path / "ours.zip", "--name", "Theirs")
    assert Style.load("theirs").values == ours.values
    again = modisp("style", "import", tmp_path / "ours.zip")
    assert again.code == 1 and "already" in again.err
    assert not list((home / "styles").glob(".modisp-*")), "nothing half made stays"


def test_a_style_is_handed_out_as_a_table(home: Path, tmp_path: Path) -> None:
    style = Style("Quiet", {"look": {"saturation": 0.5}})
    table, left = table_of(style)
    assert not left
    grey = torch.rand(1, 50).expand(3, 50).contiguous()
    assert torch.allclose(table(grey.clone()), grey, atol=0.01)
    red = torch.tensor([[0.8], [0.3], [0.3]])
    out = table(red.clone())
    assert 0.1 < float(out[0] - out[1]) < 0.4
    style.save(home / "styles" / "quiet")
    for kind in ("cube", "png"):
        well("style", "export", "quiet", tmp_path / f"quiet.{kind}")
        made = read_table(tmp_path / f"quiet.{kind}")
        assert torch.allclose(made(red.clone()), out, atol=0.01)
    assert modisp("style", "export", "quiet", tmp_path / "quiet.cube").code == 1
    assert modisp("style", "export", "quiet", tmp_path / "quiet.doc").code == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["save", "x"], "say where the look is taken"),
        (["save", "x", "--from", "gone.dng"], "gone.dng does not exist"),
        (["save", "!?", "--style", "vivid"], "a style needs a name"),
        (["import", "gone.cube"], "gone.cube does not exist"),
        (["import", "a.cube", "b.cube", "--name", "c"], "names one style"),
        (["import", "a.cube", "--space", "cmyk"], "there is no space cmyk"),
        (["export", "nothing", "a.zip"], "no style called nothing"),
        (["learn", "x"], "say what to learn from"),
        (["learn", "x", "--raw", "gone"], "say what to learn from"),
        (["learn", "x", "--edits", "gone"], "gone does not exist"),
        (["learn", "x", "--camera-jpegs", "."], "there are no RAW files in ."),
    ],
)
def test_what_cannot_be_meant_is_said(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = modisp("style", *line)
    assert done.code != 0 and words in " ".join(done.err.split())


def test_a_bad_zip_and_a_folder_that_fails_leave_nothing(home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"PK\x03\x04 no")
    assert "no packed style" in modisp("style", "import", bad).err
    with zipfile.ZipFile(bad, "w") as packed:
        packed.writestr("a/style.toml", 'name = "A"\n[tone]\nsparkle = 1\n')
        packed.writestr("../../evil", "x")
    assert "sparkle" in modisp("style", "import", bad).err
    with pytest.raises(RuntimeError), new_folder("Half"):
        raise RuntimeError
    assert not list((home / "styles").iterdir()) and not (tmp_path.parent / "evil").exists()
    assert folder_name("Ålesund & Nice!") == "ålesund-nice"
