"""The window at work: open, edit, undo, rate, export, close and open again; driven by mouse and keys."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication

from editor_app import recipes
from editor_app.controls import NumberRow
from editor_app.export import Form
from editor_app.presets import free
from editor_app.window import Window
from modisp import Recipe, develop
from tests.editor.helpers import wait


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("folder")
    y, x = np.mgrid[:240, :360]
    for i in range(3):
        rgb = np.stack([x % 256, y, 200 - y + 10 * i], 2).astype(np.uint8)
        Pillow.fromarray(rgb).save(where / f"p{i}.png")
    (where / "broken.png").write_bytes(b"not a picture")
    return where


@pytest.fixture(scope="module")
def window(qapp: QApplication, folder: Path) -> Iterator[Window]:
    from editor_app import theme

    theme.use("dark")
    w = Window()
    w.resize(1440, 900)
    w.show()
    yield w
    w.close()


def settled(qtbot: Any, w: Window, path: Path) -> None:
    w.open_paths([path])
    wait(qtbot, w)


def first_number(w: Window) -> tuple[str, str, NumberRow]:
    for key in w.panels.shape:
        panel = w.panels.panels[key]
        for name, c in panel.controls.items():
            if isinstance(c, NumberRow) and c.shown.low < 0 and not panel.body.isHidden():
                return key[0], name, c
    raise AssertionError


def test_opening_shows_the_picture_its_neighbours_and_leaves_no_file(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p0.png")
    assert [p.path.name for p in window.session.catalog.shown] == ["broken.png", "p0.png", "p1.png", "p2.png"]
    assert window.windowTitle().startswith("p0.png")
    assert window.viewer.port.full == (360, 240)
    assert window.histogram.plot.curves
    assert not list(folder.glob("*.modisp"))
    assert not window.commands.actions["undo"].isEnabled()


def test_a_drag_renders_is_one_step_and_is_saved(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p0.png")
    ident, name, c = first_number(window)
    before = window.viewer.base
    middle = QPoint(c.slider.width() // 2, 13)
    qtbot.mousePress(c.slider, Qt.MouseButton.LeftButton, pos=middle)
    for dx in (4, 8, 12, 16):
        qtbot.mouseMove(c.slider, middle + QPoint(dx, 0))
    qtbot.mouseRelease(c.slider, Qt.MouseButton.LeftButton, pos=middle + QPoint(16, 0))
    d = window.session.document
    assert d is not None and len(d.steps) == 2 and not window.session.dragging
    value = recipes.entry(d.recipe, ident)["values"][name]
    assert value > 0 and window.history.steps.lines[0].name == d.steps[1].name
    wait(qtbot, window)
    assert window.viewer.base is not before
    sidecar = folder / "p0.png.modisp"
    qtbot.waitUntil(sidecar.exists)
    assert json.loads(sidecar.read_text())["recipe"]["entries"]


def test_what_is_seen_is_the_librarys_picture(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p0.png")
    d, picture = window.session.document, window.viewer.base
    assert d is not None and picture is not None
    want = develop(folder / "p0.png", Recipe.load(d.recipe)).pixels.permute(1, 2, 0).mul(255).round().numpy()
    got = np.frombuffer(picture.image.constBits(), np.uint8).reshape(240, 360, 4)[..., 2::-1]
    assert np.abs(got.astype(float) - want).max() <= 1


def test_undo_redo_and_history_after_opening_again(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p0.png")
    _, _, c = first_number(window)
    c.take(c.shown.high / 4)
    d = window.session.document
    assert d is not None and d.can_undo
    edited = d.recipe
    window.commands.actions["undo"].trigger()
    assert d.recipe != edited and window.commands.actions["redo"].isEnabled()
    window.commands.actions["redo"].trigger()
    assert d.recipe == edited
    settled(qtbot, window, folder / "p1.png")
    settled(qtbot, window, folder / "p0.png")
    again = window.session.document
    assert again is not None and again is not d and again.recipe == edited and again.can_undo


def test_rows_follow_the_document(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p0.png")
    d = window.session.document
    ident, name, c = first_number(window)
    assert d is not None
    for v in (c.shown.high, c.shown.high / 2, c.shown.low / 2):
        d.edit(ident, name, v)
        assert c.slider.value == v and c.number.text() == c.shown.text(v)
    d.finish()
    d.undo()
    assert c.slider.value == recipes.value(recipes.entry(d.recipe, ident), c.p)


def test_arrows_belong_to_the_slider_that_has_the_focus(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p1.png")
    _, _, c = first_number(window)
    before = c.slider.value
    window.activateWindow()
    c.slider.setFocus()
    qtbot.keyClick(c.slider, Qt.Key.Key_Right)
    assert c.slider.value > before and window.session.photo is not None
    assert window.session.photo.path.name == "p1.png"
    qtbot.keyClick(c.slider, Qt.Key.Key_Left)
    assert c.slider.value == before
    window.viewer.setFocus()
    qtbot.keyClick(window.viewer, Qt.Key.Key_Right)
    assert window.session.photo.path.name == "p2.png"


def test_stars_by_key(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p2.png")
    window.commands.actions["stars_4"].trigger()
    assert window.session.catalog.photo(folder / "p2.png").rating == 4  # type: ignore[union-attr]
    sidecar = folder / "p2.png.modisp"
    qtbot.waitUntil(sidecar.exists)
    assert window.session.keeper.settle(60)
    data = json.loads(sidecar.read_text())
    assert data["rating"] == 4 and "recipe" not in data


def test_a_broken_file_says_so_and_the_next_one_opens(qtbot: Any, window: Window, folder: Path) -> None:
    window.open_paths([folder / "broken.png"])
    qtbot.waitUntil(lambda: bool(window.viewer.message))
    assert "broken.png" in window.viewer.message
    window.session.beside(1)
    wait(qtbot, window)
    assert window.session.photo is not None and window.session.photo.path.name == "p0.png"
    assert not window.viewer.message


def test_what_is_waited_for_is_said_until_there_is_a_picture(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p1.png")
    photo = window.session.catalog.photo(folder / "p2.png")
    assert photo is not None
    window.session.open(photo)
    window._wait()
    assert window.viewer.waiting == "Opening"
    before = window.viewer.grab().toImage()
    window.viewer.waiting = ""
    assert window.viewer.grab().toImage() != before
    wait(qtbot, window)
    window.viewer.waiting = ""
    window._wait()
    assert window.viewer.waiting == ""


def test_zoom_asks_for_a_region_and_fit_for_the_whole(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p1.png")
    v = window.viewer
    v.set_zoom(8.0, QPointF(v.width() / 2, v.height() / 2))
    wait(qtbot, window)
    assert v.detail is not None and v.detail.rect[2] < 360
    v.set_zoom(None)
    wait(qtbot, window)
    assert v.current is v.base


def test_boundaries_by_keys_and_back(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p1.png")
    qtbot.waitUntil(lambda: any(b.image is not None for b in window.strip.rows))
    window.commands.actions["boundary_before"].trigger()
    assert window.session.until
    wait(qtbot, window)
    assert window.viewer.what[0]
    window.escape()
    assert not window.session.until and not window.viewer.what[0]


def test_styles_are_tried_applied_and_weighed(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p1.png")
    s, d = window.session, window.session.document
    assert d is not None and s.declared is not None
    style = s.declared.styles[0]
    s.try_style(style)
    assert s.trying is not None and not d.can_undo
    s.try_style(None)
    assert s.trying is None
    s.apply_style(style, False)
    assert [k["name"] for k in d.recipe["looks"]] == [style.name]
    r = window.styles.rows[style.name]
    r.whole.take(0.4)
    assert d.recipe["looks"][0]["strength"] == 0.4
    slot = next(iter(r.rows))
    r.rows[slot].take(0.9)
    assert d.recipe["looks"][0]["parts"] == {slot: 0.9}
    r.rows[slot].take(0.4)
    assert "parts" not in d.recipe["looks"][0]
    s.style_strength(style.name, None)
    assert "looks" not in d.recipe


def test_paste_onto_others(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p2.png")
    window.commands.actions["stars_4"].trigger()
    settled(qtbot, window, folder / "p0.png")
    assert window.session.keeper.settle(60)
    _, _, c = first_number(window)
    c.take(c.shown.high / 3)
    window.session.shelf.copy()
    before = json.loads((folder / "p2.png.modisp").read_text())
    said: list[Any] = []
    window.session.shelf.done.connect(lambda *row: said.append(row))
    with qtbot.waitSignal(window.session.engine.pasted):
        window.session.shelf.paste([window.session.catalog.photo(folder / "p2.png")])
    d = window.session.document
    data = json.loads((folder / "p2.png.modisp").read_text())
    assert d is not None and data["recipe"]["entries"] == d.recipe["entries"] and data["rating"] == 4
    with qtbot.waitSignal(window.session.engine.unpasted):
        said[-1][2]()
    assert json.loads((folder / "p2.png.modisp").read_text()) == before


def test_export_goes_on_after_a_failure(qtbot: Any, window: Window, folder: Path, tmp_path: Path) -> None:
    settled(qtbot, window, folder / "p0.png")
    photos = [window.session.catalog.photo(folder / n) for n in ("broken.png", "p0.png")]
    form = Form(window, [p for p in photos if p is not None])
    qtbot.addWidget(form)
    form.folder.setText(str(tmp_path / "out"))
    form.name.setText("{name}-{n}")
    form.side.setText("100")
    form.add()
    jobs = window.exports.jobs
    qtbot.waitUntil(lambda: all(j.state in ("done", "failed") for j in jobs))
    assert [j.state for j in jobs] == ["failed", "done"]
    with Pillow.open(tmp_path / "out" / "p0-002.jpg") as made:
        assert made.size == (100, 67)


def test_where_exports_go(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    assert free(target, set(), "number") == target
    target.write_bytes(b"")
    assert free(target, set(), "number") == tmp_path / "a-2.jpg"
    assert free(target, {tmp_path / "a-2.jpg"}, "number") == tmp_path / "a-3.jpg"
    assert free(target, set(), "skip") is None
    assert free(target, set(), "replace") == target
    assert free(target, {target}, "replace") == tmp_path / "a-2.jpg"


def test_docks_fold_on_narrow_windows(qtbot: Any, window: Window) -> None:
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: window.dock.isHidden() and not window.rail.isHidden())
    window.toggle_page(1)
    assert not window.dock.isHidden() and window.pages.currentIndex() == 1
    window.escape()
    assert window.dock.isHidden()
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: not window.dock.isHidden())


def test_sheets_and_palette(qtbot: Any, window: Window) -> None:
    for name in ("keys", "palette", "export"):
        window.commands.actions[name].trigger()
        assert window.sheet is not None
        window.sheet.leave()
        assert window.sheet is None


def test_a_sheet_keeps_the_keys_and_the_focus_to_itself(qtbot: Any, window: Window, folder: Path) -> None:
    settled(qtbot, window, folder / "p0.png")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    page = window.pages.currentIndex()
    window.commands.actions["export"].trigger()
    sheet = window.sheet
    assert sheet is not None
    for _ in range(40):
        focus = QApplication.focusWidget()
        assert focus is not None and sheet.isAncestorOf(focus)
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
    for key in (Qt.Key.Key_H, Qt.Key.Key_J):
        qtbot.keyClick(sheet, key)
    assert window.pages.currentIndex() == page and not window.viewer.clipping
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert window.sheet is None and window.session.document is not None


def test_no_two_commands_share_a_key(window: Window) -> None:
    keys = [k.toString() for a in window.commands.actions.values() for k in a.shortcuts()]
    assert len(keys) == len(set(keys))


@pytest.mark.skipif(sys.platform != "linux", reason="X11's libraries are looked for on Linux")
def test_a_system_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from editor_app import main

    def missing(name: str) -> None:
        raise OSError("libxcb-icccm.so.4: cannot open shared object file")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(main.ctypes, "CDLL", missing)
    assert main.main(["a.dng"]) == 1
    said = capsys.readouterr().err
    assert "libxcb-icccm.so.4" in said and "docs/editor.md" in said
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert not main._lacking()
