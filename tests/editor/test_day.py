"""A day's work by script: open, edit ten things, undo, close, open again, export; and what happens when something fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from editor_app import recipes, theme
from editor_app.export import Form
from editor_app.keeper import Keeper
from editor_app.window import Window
from modisp import Recipe, Sidecar, open_image
from tests import cli
from tests.editor import helpers

STALL = 0.4
"""Seconds of the window's own work in one turn that would be felt by everybody; what is aimed at is a quarter of it."""


@pytest.fixture(scope="module")
def window(qapp: QApplication) -> Iterator[Window]:
    theme.use("dark")
    w = made()
    yield w
    w.closing = True
    w.close()


def made() -> Window:
    w = Window()
    w.resize(1440, 900)
    w.show()
    return w


def test_two_thousand_photographs_do_not_hold_the_window(qtbot: Any, window: Window, tmp_path: Path) -> None:
    folder = helpers.pictures(tmp_path / "many", 1, (48, 32))
    data = (folder / "p0.png").read_bytes()
    for i in range(1, 2000):
        (folder / f"p{i}.png").write_bytes(data)
    for i in range(0, 2000, 7):
        (folder / f"p{i}.png.modisp").write_text(json.dumps({"format": 1, "rating": i % 6}), "utf-8")
    helpers.opened(qtbot, window, helpers.pictures(tmp_path / "few", 1) / "p0.png")
    dog = helpers.Watchdog()
    window.open_paths([folder])
    catalog = window.session.catalog
    qtbot.waitUntil(lambda: len(catalog.all) == 2000)
    qtbot.waitUntil(lambda: sum(p.known for p in catalog.all) == 2000)
    helpers.wait(qtbot, window)
    strip = window.film.strip
    for _ in range(20):
        strip.offset += 4000
        strip._clamp()
        qtbot.wait(20)
    seen = [catalog.shown[i] for i in strip.visible()]
    qtbot.waitUntil(lambda: all(window.session.previews.images.get(str(p.path)) is not None for p in seen))
    catalog.set_sort("rating")
    catalog.set_filter(least=3)
    assert {p.rating for p in catalog.shown if p is not catalog.current} <= {3, 4, 5} and len(catalog.shown) > 100
    catalog.set_filter(least=0)
    window.select_all()
    assert len(window.selection()) == 2000
    assert dog.stop() < STALL


SCRIPT = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
app = QApplication([])
app.setOrganizationName("modisp-tests"); app.setApplicationName("killed")
from editor_app import theme
theme.use("dark")
from editor_app.window import Window
from tests.editor.helpers import number
w = Window(); w.resize(1200, 800); w.show()
w.open_paths([Path(sys.argv[1])])
n = 0
def edit():
    global n
    if w.session.document is None: return
    _, _, c = number(w)
    n += 1
    c.slider.set(c.shown.clamp(c.shown.low + (n % 40 + 1) / 100 * (c.shown.high - c.shown.low)))
    w._done() if n % 10 == 0 else None
    print(n, flush=True)
t = QTimer(interval=20); t.timeout.connect(edit); t.start()
app.exec()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_kill_in_the_middle_of_a_drag_leaves_a_whole_sidecar(tmp_path: Path) -> None:
    folder = helpers.pictures(tmp_path / "shoot", 1)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder / "p0.png")], stdout=subprocess.PIPE, env=env)
    assert child.stdout is not None and child.stdout.readline()
    sidecar = folder / "p0.png.modisp"
    seen, end = set(), time.monotonic() + 180
    while len(seen) < 3 and time.monotonic() < end:  # the drag is in full swing, and has been saved more than once
        with suppress(OSError):
            seen.add(sidecar.stat().st_mtime_ns)
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert len(seen) == 3
    car = Sidecar.load(folder / "p0.png")
    assert not car.problem and car.recipe is not None and car.history
    assert car.recipe != Recipe.default(open_image(folder / "p0.png"))


def test_what_cannot_be_saved_is_kept_and_tried_again(
    qtbot: Any, window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = helpers.pictures(tmp_path / "shoot")
    sidecar = folder / "p0.png.modisp"
    sidecar.mkdir()  # nothing can be written where a folder is
    helpers.opened(qtbot, window, folder / "p0.png")
    _, _, c = helpers.number(window)
    c.take(c.shown.high)
    d = window.session.document
    assert d is not None
    edited = d.recipe
    qtbot.waitUntil(lambda: window.notice.isVisible())
    assert "p0.png.modisp" in window.notice.words.text()
    helpers.opened(qtbot, window, folder / "p1.png")
    assert list(window.session.keeper.failed) == [(str(folder / "p0.png"), 0)]
    helpers.opened(qtbot, window, folder / "p0.png")
    again = window.session.document
    assert again is not None and again is not d and again.recipe == edited and again.can_undo
    sidecar.rmdir()
    monkeypatch.setattr(window, "_ask_conflict", lambda: "mine")
    window.session.keeper.retry()
    qtbot.waitUntil(sidecar.is_file)
    qtbot.waitUntil(lambda: not window.session.keeper.failed)
    assert window.session.keeper.settle(60)


def change_elsewhere(file: Path, rating: int) -> None:
    s = Sidecar.load(file)
    s.rating = rating
    s.save()


@pytest.mark.parametrize("answer", ["mine", "theirs", "both"])
def test_a_change_from_elsewhere_is_asked_about(
    qtbot: Any, window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    folder = helpers.pictures(tmp_path / "shoot", 1)
    file = folder / "p0.png"
    asked: list[str] = []
    monkeypatch.setattr(window, "_ask_conflict", lambda: asked.append(answer) or answer)
    helpers.opened(qtbot, window, file)
    change_elsewhere(file, 3)
    _, _, c = helpers.number(window)
    c.take(c.shown.high)
    d = window.session.document
    assert d is not None
    edited = d.recipe
    qtbot.waitUntil(lambda: bool(asked))
    qtbot.waitUntil(lambda: not window.session.keeper.sent)
    s = Sidecar.load(file)
    if answer == "mine":
        assert s.recipe == Recipe.load(edited)
    else:
        assert s.recipe is None and s.rating == 3
        assert [k.recipe for k in s.copies] == ([Recipe.load(edited)] if answer == "both" else [])
        qtbot.waitUntil(lambda: window.session.document not in (None, d))  # opened again, as it is told to
        now = window.session.document
        assert now is not None and now.recipe != edited and window.session.keeper.rating == 3


@pytest.mark.parametrize("then", ["stay", "leave"])
def test_what_is_done_while_mine_becomes_a_copy_goes_there_too(
    qtbot: Any, window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """In the moment between the answer and the copy a hand may go on; theirs stays, and nothing of mine is lost."""
    folder = helpers.pictures(tmp_path / "shoot", 2)
    file, keeper = folder / "p0.png", window.session.keeper
    monkeypatch.setattr(window, "_ask_conflict", lambda: "both")
    helpers.opened(qtbot, window, file)
    change_elsewhere(file, 3)
    d = window.session.document
    assert d is not None
    edited: list[Any] = []

    def answer(what: str) -> None:
        Keeper.answer(keeper, what)
        helpers.number(window, skip=1)[2].take(helpers.number(window, skip=1)[2].shown.low)
        keeper.rate(2, None)
        edited.append(d.recipe)
        if then == "leave":
            window.open_paths([folder / "p1.png"])

    monkeypatch.setattr(keeper, "answer", answer)
    helpers.number(window)[2].take(helpers.number(window)[2].shown.high)
    with qtbot.waitSignal(window.session.engine.kept_both):
        pass
    qtbot.waitUntil(lambda: not keeper.sent)
    helpers.wait(qtbot, window)
    s, now = Sidecar.load(file), window.session.document
    assert s.recipe is None and s.rating == 3
    assert [(k.recipe, k.rating) for k in s.copies] == [(Recipe.load(edited[0]), 2)]
    assert now is not None and now is not d and now.path == (file if then == "stay" else folder / "p1.png")
    assert not keeper.late and not keeper.failed


def test_virtual_copies_live_for_themselves(qtbot: Any, window: Window, tmp_path: Path) -> None:
    folder = helpers.pictures(tmp_path / "shoot", 2)
    file, catalog = folder / "p0.png", window.session.catalog
    helpers.opened(qtbot, window, file)
    _, _, c = helpers.number(window)
    c.take(c.shown.high)
    first = window.session.document
    window.commands.actions["virtual_copy"].trigger()
    qtbot.waitUntil(lambda: window.session.photo is not None and window.session.photo.copy == 1)
    helpers.wait(qtbot, window)
    d = window.session.document
    assert first is not None and d is not None and d.recipe == first.recipe
    qtbot.waitUntil(lambda: [p.key for p in catalog.shown] == [(file, 0), (file, 1), (folder / "p1.png", 0)])
    helpers.number(window)[2].take(helpers.number(window)[2].shown.low)
    window.rate(5)
    qtbot.waitUntil(lambda: not window.session.keeper.dirty and not window.session.keeper.sent)
    s = Sidecar.load(file)
    assert s.recipe == Recipe.load(first.recipe) and s.rating == 0
    assert s.copies[0].recipe == Recipe.load(d.recipe) and s.copies[0].rating == 5
    original = catalog.photo(file)
    assert original is not None
    window.session.open(original)
    helpers.wait(qtbot, window)
    assert window.session.document is not None and window.session.document.recipe == first.recipe
    copy = catalog.photo(file, 1)
    assert copy is not None and copy.rating == 5
    said: list[Any] = []
    window.session.shelf.done.connect(lambda *row: said.append(row))
    window.session.shelf.remove_copy(copy)
    qtbot.waitUntil(lambda: bool(said))  # which is after it has left the catalog
    assert catalog.photo(file, 1) is None
    with qtbot.waitSignal(window.session.engine.copied):
        said[-1][2]()
    assert catalog.photo(file, 1) is not None
    assert Sidecar.load(file).version(1).recipe == Recipe.load(d.recipe)


def test_ratings_of_other_programs_are_read_and_written_on_request(qtbot: Any, window: Window, tmp_path: Path) -> None:
    from modisp.io.ratings import read_rating, write_rating

    folder = helpers.pictures(tmp_path / "shoot", 2)
    write_rating(folder / "p0.png", 3, "Red")
    helpers.opened(qtbot, window, folder / "p1.png")
    photo = window.session.catalog.photo(folder / "p0.png")
    assert photo is not None
    qtbot.waitUntil(lambda: (photo.rating, photo.label) == (3, "Red"))
    assert not list(folder.glob("*.modisp"))
    window.rate(4)
    qtbot.waitUntil((folder / "p1.png.modisp").exists)
    assert read_rating(folder / "p1.png") is None
    with qtbot.waitSignal(window.session.engine.xmp):
        window.commands.actions["xmp"].trigger()
    assert read_rating(folder / "p1.png") == (4, "")


def test_a_default_is_saved_for_a_camera(qtbot: Any, window: Window, tmp_path: Path) -> None:
    for n in range(2):
        helpers.raw(tmp_path / f"r{n}.dng", iso=800.0)
    helpers.opened(qtbot, window, tmp_path / "r0.dng")
    ident, name, c = helpers.number(window)
    c.take(c.shown.high)
    d = window.session.document
    assert d is not None
    value = recipes.entry(d.recipe, ident)["values"][name]
    slot = recipes.entry(d.recipe, ident)["slot"]
    with qtbot.waitSignal(window.session.engine.default_kept):
        window.session.shelf.keep_default([slot])
    helpers.opened(qtbot, window, tmp_path / "r1.dng")
    other = window.session.document
    assert other is not None and not other.can_undo
    assert recipes.entry(other.recipe, ident)["values"][name] == value
    assert not (tmp_path / "r1.dng.modisp").exists()
    with qtbot.waitSignal(window.session.engine.default_kept):
        window.session.shelf.keep_default(None)


def test_ten_edits_undo_restart_and_an_export_like_the_command_lines(
    qtbot: Any, window: Window, tmp_path: Path
) -> None:
    file = helpers.raw(tmp_path / "raw.dng")
    w = window
    helpers.opened(qtbot, w, file)
    d = w.session.document
    assert d is not None and w.session.declared is not None
    for k in range(6):
        _, _, c = helpers.number(w, skip=k)
        c.take(c.shown.clamp(c.shown.low + (0.55 + 0.03 * k) * (c.shown.high - c.shown.low)))
    w.session.apply_style(w.session.declared.styles[0], False)
    w.session.apply_style(w.session.declared.styles[-1], True)
    w.session.style_strength(w.session.declared.styles[0].name, 0.4)
    ident = next(e["id"] for e in d.recipe["entries"] if recipes.stage_of(d.recipe, e["id"], d.declared).has_switch)  # type: ignore[union-attr]
    d.switch(ident, False)
    assert len(d.steps) == 11
    w.commands.actions["undo"].trigger()
    w.snapshot()
    edited, steps = d.recipe, [s.recipe for s in d.steps]
    helpers.opened(qtbot, w, helpers.pictures(tmp_path / "other", 1) / "p0.png")
    assert w.session.keeper.settle(60)
    w = made()
    helpers.opened(qtbot, w, file)
    again = w.session.document
    assert again is not None and again.recipe == edited and [s.recipe for s in again.steps] == steps
    assert again.can_redo and len(again.snapshots) == 1
    form = Form(w, w.selection())
    qtbot.addWidget(form)
    form.fill(form.value() | {"format": "TIFF, 16 bit", "folder": str(tmp_path / "out"), "policy": "all"}, "")
    form.add()
    qtbot.waitUntil(lambda: all(j.over for j in w.exports.jobs))
    assert [j.state for j in w.exports.jobs] == ["done"]
    w.closing = True
    w.close()
    out = str(tmp_path / "cli.tif")
    assert cli.modisp("develop", file, "-o", out, "--bits", 16).code == 0
    mine, theirs = open_image(tmp_path / "out" / "raw.tif").pixels, open_image(tmp_path / "cli.tif").pixels
    assert np.array_equal(mine.numpy(), theirs.numpy())
