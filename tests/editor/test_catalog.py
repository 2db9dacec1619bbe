"""The list of photographs: pairing, sorting, filtering."""

from __future__ import annotations

import os
from pathlib import Path

from editor_app.catalog import Catalog


def folder(tmp_path: Path) -> Path:
    for i, name in enumerate(("b.NEF", "b.JPG", "a.jpg", "c.dng", "c.png", "notes.txt", ".hidden.dng", "a.jpg.modisp")):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (1000 - i, 1000 - i))
    (tmp_path / "inner").mkdir()
    return tmp_path


def names(c: Catalog) -> list[str]:
    return [p.path.name for p in c.shown]


def test_raw_and_jpeg_of_one_name_are_one(tmp_path: Path) -> None:
    c = Catalog()
    c.open([folder(tmp_path)])
    assert names(c) == ["a.jpg", "b.NEF", "c.dng", "c.png"]
    assert [p.name for p in c.all[1].others] == ["b.JPG"]
    assert c.title == tmp_path.name


def test_a_file_that_is_named_is_itself(tmp_path: Path) -> None:
    c = Catalog()
    c.open([folder(tmp_path) / "b.JPG", tmp_path / "b.NEF", tmp_path / "missing.dng"])
    assert names(c) == ["b.JPG", "b.NEF"]


def test_sort_filter_and_walk(tmp_path: Path) -> None:
    c = Catalog()
    c.open([folder(tmp_path)])
    c.mark(tmp_path / "c.dng", rating=3, edited=True)
    c.mark(tmp_path / "a.jpg", rating=-1)
    c.set_sort("rating")
    assert names(c)[0] == "c.dng" and names(c)[-1] == "a.jpg"
    c.set_sort("date")
    assert names(c)[0] == "c.png"
    c.set_filter(least=2)
    assert names(c) == ["c.dng"] and c.filtered
    c.set_filter(least=0, edited_only=True)
    assert names(c) == ["c.dng"]
    c.set_filter(edited_only=False, rejected=False)
    c.set_sort("name")
    assert names(c) == ["b.NEF", "c.dng", "c.png"]
    c.choose(c.shown[0])
    assert c.beside(-1) is None and c.beside(1) is c.shown[1] and c.beside(3) is None


def test_the_current_photograph_is_never_filtered_away(tmp_path: Path) -> None:
    c = Catalog()
    c.open([folder(tmp_path)])
    c.choose(c.shown[0])
    c.set_filter(least=5)
    assert names(c) == ["a.jpg"]
