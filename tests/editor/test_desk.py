"""What is done with photographs as wholes: parts pasted, styles saved and imported, boundaries exported, everything found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from editor_app import recipes, theme
from editor_app.export import Form
from editor_app.window import Window
from tests.editor import helpers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return helpers.pictures(tmp_path_factory.mktemp("folder"))


@pytest.fixture(scope="module")
def window(qapp: QApplication) -> Iterator[Window]:
    theme.use("dark")
    w = Window()
    w.resize(1440, 900)
    w.show()
    yield w
    w.closing = True
    w.close()


def test_the_palette_finds_panels_parameters_and_styles(qtbot: Any, window: Window, folder: Path) -> None:
    from editor_app.palette import deeds

    helpers.opened(qtbot, window, folder / "p1.png")
    d, declared = window.session.document, window.session.declared
    assert d is not None and declared is not None
    rows = deeds(window, window.commands)
    words = {r.words for r in rows}
    usable = {c.words.rstrip("…") for c in window.commands.rows if window.commands.actions[c.name].isEnabled()}
    assert usable - words <= {"Commands"}
    assert {s.name for s in declared.styles} <= words
    headings = {declared.stages[e["stage"]].heading for e in d.recipe["entries"]}
    assert headings <= words
    next(r for r in rows if r.group == "Style" and r.words == declared.styles[0].name).do()
    assert d.recipe["looks"][0]["name"] == declared.styles[0].name
    d.undo()


def test_parts_are_pasted_as_they_are_ticked(qtbot: Any, window: Window, folder: Path) -> None:
    from editor_app.parts_sheet import Parts

    helpers.opened(qtbot, window, folder / "p0.png")
    d, shelf = window.session.document, window.session.shelf
    assert d is not None
    d.put(d.default, "reset")
    ident, name, c = helpers.number(window)
    c.take(c.shown.high)
    shelf.copy()
    parts = Parts(shelf.parts(), False)
    qtbot.addWidget(parts)
    slot = recipes.entry(d.recipe, ident)["slot"]
    assert parts.chosen() == [slot]
    helpers.opened(qtbot, window, folder / "p2.png")
    now = window.session.document
    assert now is not None
    now.put(now.default, "reset")
    parts.tick(False)
    photo = window.session.photo
    assert photo is not None
    with qtbot.waitSignal(window.session.engine.fitted):
        shelf.paste([photo], parts.chosen(), False)
    assert now.recipe == now.default
    with qtbot.waitSignal(window.session.engine.fitted):
        shelf.paste([photo], [slot], False)
    assert recipes.entry(now.recipe, ident)["values"] == {name: c.shown.high}


def test_a_style_is_saved_used_exported_deleted_and_brought_back(
    qtbot: Any, window: Window, folder: Path, tmp_path: Path
) -> None:
    helpers.opened(qtbot, window, folder / "p0.png")
    s, d = window.session, window.session.document
    assert d is not None and s.declared is not None
    ident, name, c = helpers.number(window)
    c.take(c.shown.high)
    slot = recipes.entry(d.recipe, ident)["slot"]

    def do(what: str, **more: Any) -> Any:
        with qtbot.waitSignal(s.engine.styled) as found:
            s.do_style(what, **more)
        assert s.declared is not None
        return found.args[0], {x.name: x for x in s.declared.styles}

    _, styles = do("save", recipe=d.recipe, name="Mine & Yours", words="A word", slots=[slot])
    mine = styles["Mine & Yours"]
    assert mine.own and mine.values == {slot: {name: c.shown.high}} and mine.key == "mine-yours"
    assert mine in window.styles.covers.styles
    do("export", key=mine.key, folder=str(tmp_path))
    assert (tmp_path / "mine-yours" / "style.toml").is_file()
    told, styles = do("delete", key=mine.key)
    assert "Mine & Yours" not in styles
    _, styles = do(**told["undo"])
    assert "Mine & Yours" in styles
    _, styles = do("rename", key=mine.key, name="Ours")
    assert "Ours" in styles and "Mine & Yours" not in styles
    _, styles = do("import", paths=[str(tmp_path / "mine-yours" / "style.toml"), str(tmp_path / "nothing.toml")])
    assert {"Ours", "Mine & Yours"} <= set(styles)
    shipped = next(x for x in styles.values() if not x.own)
    with qtbot.waitSignal(s.engine.trouble) as found:
        s.do_style("delete", key=shipped.key)
    assert "comes with modisp" in found.args[0]["why"]


def test_a_colour_table_becomes_a_style(qtbot: Any, window: Window, folder: Path, tmp_path: Path) -> None:
    helpers.opened(qtbot, window, folder / "p0.png")
    s = window.session
    rows = [f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1)]
    (tmp_path / "good_one.cube").write_text("LUT_3D_SIZE 2\n" + "\n".join(rows), "utf-8")
    (tmp_path / "bad.cube").write_text("LUT_3D_SIZE 2\n0 0 0", "utf-8")
    with qtbot.waitSignal(s.engine.styled) as found:
        s.do_style("import", paths=[str(tmp_path / "good_one.cube"), str(tmp_path / "bad.cube")])
    assert "good one" in found.args[0]["words"] and "bad" in found.args[0]["words"]
    style = next(x for x in found.args[0]["styles"] if x["name"] == "good one")
    assert style["own"] and not any(x["name"] == "bad" for x in found.args[0]["styles"])


def test_photographs_are_chosen_by_keys(qtbot: Any, window: Window, tmp_path: Path) -> None:
    where = helpers.pictures(tmp_path / "row", 5)
    helpers.opened(qtbot, window, where / "p1.png")
    strip, catalog = window.film.strip, window.session.catalog
    qtbot.waitUntil(lambda: len(catalog.shown) == 5)
    window.activateWindow()
    window.commands.actions["film"].trigger()
    keys, shift, ctrl = Qt.Key, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier

    def chosen(key: Qt.Key, how: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> str:
        qtbot.keyClick(strip, key, how)
        return "".join(p.path.stem[1] for p in catalog.shown if p in strip.selection)

    assert chosen(keys.Key_Right, shift) == "12"
    assert chosen(keys.Key_Right, shift) == "123"
    assert chosen(keys.Key_Left, shift) == "12"
    assert chosen(keys.Key_Home, shift) == "01"
    assert chosen(keys.Key_End, ctrl) == "01"
    assert chosen(keys.Key_Space, ctrl) == "014"
    assert chosen(keys.Key_Left, ctrl) == "014"
    assert chosen(keys.Key_Left, shift | ctrl) == "01234"
    assert window.session.photo is not None and window.session.photo.path.stem == "p1"
    window.rate(2)
    assert {p.rating for p in catalog.shown} == {2}
    assert chosen(keys.Key_Return) == "2"
    assert window.session.photo.path.stem == "p2"
    helpers.wait(qtbot, window)


def test_a_hald_picture_and_a_packed_style_become_styles(qtbot: Any, window: Window, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image as Pillow

    from modisp import Recipe, develop, list_styles
    from modisp.library import export

    n = 16  # level 4: a table of 16³ colours in a picture of 64 × 64
    r, g, b = np.meshgrid(*[np.linspace(0, 255, n)] * 3, indexing="ij")
    swapped = (
        np.stack([b, r, g], 3).transpose(2, 1, 0, 3).reshape(64, 64, 3)
    )  # red runs fastest; channels change places
    Pillow.fromarray(swapped.round().astype(np.uint8)).save(tmp_path / "turned_round.png")
    Pillow.fromarray(np.zeros((50, 50, 3), np.uint8)).save(tmp_path / "no_table.png")
    export(next(iter(list_styles().values())), tmp_path / "packed.zip")
    file = helpers.pictures(tmp_path / "own", 1) / "p0.png"
    helpers.opened(qtbot, window, file)
    s, d = window.session, window.session.document
    assert d is not None and s.declared is not None
    paths = [str(tmp_path / f"{name}") for name in ("turned_round.png", "no_table.png", "packed.zip")]
    with qtbot.waitSignal(s.engine.styled) as found:
        s.do_style("import", paths=paths)
    words = found.args[0]["words"]
    assert "turned round" in words and "no HaldCLUT" in words and next(iter(list_styles().values())).name in words
    before = np.asarray(develop(file, Recipe.load(d.recipe), size=60).pixels)
    style = next(x for x in s.declared.styles if x.name == "turned round")
    s.apply_style(style, False)
    after = np.asarray(develop(file, Recipe.load(d.recipe), size=60).pixels)
    assert np.abs(after - before[[2, 0, 1]]).mean() < 0.03 < np.abs(after - before).mean(), (
        d.recipe.get("looks"),
        before[:, 5, 5],
        after[:, 5, 5],
    )


def test_the_strip_tells_times_and_where_results_are(qtbot: Any, window: Window, folder: Path) -> None:
    from editor_app.stage_strip import SOURCE

    helpers.opened(qtbot, window, folder / "p1.png")
    strip, d = window.strip, window.session.document
    assert d is not None
    qtbot.waitUntil(lambda: all(b.neutral or b.image is not None for b in strip.rows))
    assert strip.rows[0].ident == SOURCE and strip.rows[0].info.writes == "ENCODED"
    assert strip.rows[-1].seconds > 0 and strip.rows[-1].mark in ("memory", "anew")
    _, _, c = helpers.number(window)
    c.take(c.shown.high)
    assert strip.rows[-1].mark == "stale" and strip.rows[0].mark != "stale"
    qtbot.waitUntil(lambda: strip.rows[-1].mark != "stale")
    strip.show_thumb({"entry": strip.rows[-1].ident, "neutral": False, "why": "it burst"})
    assert strip.rows[-1].mark == "failed" and "it burst" in strip._tip(strip.rows[-1])
    d.undo()


def test_a_boundary_is_exported_and_opens_again(qtbot: Any, window: Window, folder: Path, tmp_path: Path) -> None:
    from modisp import open_image

    helpers.opened(qtbot, window, folder / "p1.png")
    b = next(b for b in window.strip.rows if b.info.writes == "SCENE")
    form = Form(window, window.selection(), b.ident)
    qtbot.addWidget(form)
    form.fill(
        form.value() | {"quality": 90, "folder": str(tmp_path), "name": "{name}-{stage}", "format": "DNG, 32 bit"}, ""
    )
    before = len(window.exports.jobs)
    form.add()
    qtbot.waitUntil(lambda: all(j.over for j in window.exports.jobs))
    job = window.exports.jobs[before]
    assert job.state == "done", job.words
    made = open_image(tmp_path / f"p1-{b.ident}.dng")
    assert made.state.name == "SCENE" and made.meta.done == b.ident


def test_all_photographs_of_the_folder_can_be_exported_from_the_sheet(qtbot: Any, window: Window, folder: Path) -> None:
    from editor_app.export import ALL, CHOSEN, Form

    helpers.opened(qtbot, window, folder / "p0.png")
    window.export()
    assert window.sheet is not None
    form = window.sheet.findChild(Form)
    assert isinstance(form, Form) and form.who.value() == CHOSEN and len(form.photos) == 1
    every = list(window.session.catalog.shown)
    assert len(every) > 1 and form.who_line.isVisible()
    form.who.setCurrentIndex(form.who.findData(ALL))
    form.who.activated.emit(form.who.currentIndex())
    assert form.photos == every and str(len(every)) in form.count.words
    window.sheet.leave()
