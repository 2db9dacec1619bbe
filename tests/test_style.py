"""Styles: shipped, hand-written, mixed, saved, and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from modisp.recipe import Recipe
from modisp.style import Style, list_styles


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "style.toml").write_text(text, "utf-8")
    return folder


def flat(v: object) -> list[object]:
    return [n for i in v for n in flat(i)] if isinstance(v, tuple) else [v]


def test_the_shipped_styles_are_there_and_differ() -> None:
    styles = list_styles()
    assert {"natural", "vivid", "soft", "cinematic", "blackwhite"} <= set(styles)
    plain = Recipe.default()
    made = {n: s.apply(plain).resolve().dump().__repr__() for n, s in styles.items()}
    assert len(set(made.values())) == len(made)
    assert all(s.words for s in styles.values())
    assert Style.load("Black & white" if "blackandwhite" in styles else "Black White").name


def test_strength_nought_removes_and_again_replaces() -> None:
    r, vivid = Recipe.default(), Style.load("vivid")
    assert vivid.apply(r, 0.0).resolve() == r.resolve()
    assert len(vivid.apply(vivid.apply(r, 0.3), 0.8).looks) == 1
    half = vivid.apply(r, 1.0, {"tone": 0.0}).resolve()
    assert half["tone"] == r["tone"]
    with pytest.raises(ValueError, match="strength of a style lies in"):
        vivid.apply(r, 1.5)


def test_one_and_nought_is_the_one() -> None:
    r, a, b = Recipe.default(), Style.load("vivid"), Style.load("soft")
    assert b.apply(a.apply(r, 1.0), 0.0).resolve() == a.apply(r, 1.0).resolve()
    mixed = Style.mix("both", [(a, 0.5, {}), (b, 0.5, {})]).apply(r).resolve()
    layered = b.apply(a.apply(r, 0.5), 0.5).resolve()
    for e, f in zip(mixed.entries, layered.entries, strict=True):
        for k, v in e.stage.values().items():  # type: ignore[union-attr]
            assert flat(v) == pytest.approx(flat(f.stage.values()[k])), (e.id, k)  # type: ignore[union-attr]


def test_a_hand_written_style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODISP_HOME", str(tmp_path))
    write(tmp_path / "styles" / "mine", 'name = "Mine"\nwords = "my own"\n[tone]\ncontrast = 0.3\n')
    write(tmp_path / "styles" / "both", 'name = "Both"\n[tone]\ncontrast = 0.1\n[made_of]\nmine = 0.5\n')
    assert list_styles()["mine"].words == "my own"
    assert Style.load("MINE").values == {"tone": {"contrast": 0.3}}
    assert Style.load("both").values["tone"]["contrast"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[white_balance]\ntemperature = 4000", "a style begins at SCENE"),
        ("[tone]\nsparkle = 1", "tone has no parameter sparkle"),
        ("[tone]\ncontrast = 90", "lies in"),
        ("[nothing]\nx = 1", "no slot called nothing"),
        ("tone = 3", "is a table of parameters"),
        ("[tone\n", "cannot be read"),
        ("[made_of]\nbad = 0.5", "made of itself"),
        ("[made_of]\nabsent = 0.5", "absent, which is not there"),
        ("[made_of]\nvivid = 7", "strength of vivid lies in"),
    ],
)
def test_a_wrong_style_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Style.load(write(tmp_path / "bad", text))


def test_a_name_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"no style called nothing; there are: .*vivid"):
        Style.load("nothing")


def test_a_look_is_taken_from_an_edit_and_comes_back(tmp_path: Path) -> None:
    r = Style.load("vivid").apply(Recipe.default().set("tone", contrast=0.2).set("white_balance", tint=20.0), 0.5)
    s = Style.of(r, "Taken", words='with "quotes" and ü')
    assert "white_balance" not in s.values
    s.save(tmp_path / "taken")
    again = Style.load(tmp_path / "taken")
    assert again.values == s.values and again.words == s.words
    done = again.apply(Recipe.default()).resolve()
    assert "detail" not in again.values  # all RAW files begin with some sharpening: that is no part of a look
    for slot in again.values:
        assert done[slot] == r.resolve()[slot]


def test_what_pictures_begin_with_is_counted_once() -> None:
    begun = Recipe.default()["detail"].values()["amount"]
    more = Style.of(Recipe.default().set("detail", amount=begun + 0.25), "Crisp")
    assert more.apply(Recipe.default()).resolve()["detail"].values()["amount"] == pytest.approx(begun + 0.25)
