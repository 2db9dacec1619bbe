"""Two versions in one view: as opened, boundaries, the camera's JPEG, stages, photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QTransform

from editor_app import compare, recipes
from editor_app.window import Window
from tests.dng_files import dng, jpeg
from tests.editor.hands import crop, drag
from tests.editor.helpers import wait


def test_every_version_lies_where_it_belongs(qtbot: Any, opened: Window) -> None:
    """The picture as opened, drawn under a cropped, turned and bent one, is the same picture."""
    w, tool = opened, crop(qtbot, opened)
    tool._bend("angle", 7.0)
    tool._bend("vertical", 0.3)
    tool.settle()
    tool.turn("right")
    tool.keep()
    wait(qtbot, w)
    qtbot.waitUntil(lambda: w.viewer.tool is None)
    d, declared = w.session.document, w.session.declared
    assert d is not None and declared is not None
    rows = compare.boundaries(d, declared)
    before = next(r for r in rows if not compare.framed_after(d.recipe, r.until, declared) and "tone" in r.key)
    w.compare_with(before, "difference")
    wait(qtbot, w)
    v = w.viewer
    assert v.other is not None and v.other.there and v.current is not None
    v.difference.of(v.current, v.other, False)
    aligned = v.difference.mean
    v.other.onto = v.other.onto * QTransform.fromTranslate(30, 0)
    v.difference.of(v.current, v.other, False)
    assert aligned < 0.02 and v.difference.mean > 2 * aligned
    w.leave_comparison()


@pytest.mark.parametrize("mode", ["split", "side", "difference"])
def test_comparing_with_as_opened(qtbot: Any, opened: Window, mode: str) -> None:
    w, v = opened, opened.viewer
    w.commands.actions[mode].trigger()
    wait(qtbot, w)
    assert v.mode == mode and v.other is not None and v.other.base is not None and v.bar is not None
    v.set_zoom(4.0)
    wait(qtbot, w)
    assert v.other.detail is not None and v.other.port.zoom == 4.0
    v.set_zoom(None)
    assert v.other.port.zoom is None
    if mode == "difference":
        wait(qtbot, w)
        assert v.current is not None and v.difference.of(v.current, v.other, False).pixelColor(9, 9).red() == 128
    w.escape()
    assert v.mode == "one" and v.other is None and w.session.reference is None


def test_panned_together_and_with_shift_apart(qtbot: Any, opened: Window) -> None:
    w, v = opened, opened.viewer
    w.commands.actions["side"].trigger()
    v.set_zoom(6.0)
    wait(qtbot, w)
    assert v.other is not None and v.other.port.centre == v.port.centre
    middle = QPointF(v.half + 200, 300)
    drag(qtbot, w, middle, middle + QPointF(60, 20))
    assert v.other.port.centre == v.port.centre != QPointF(0.5, 0.5)
    drag(qtbot, w, QPointF(200, 300), QPointF(240, 300), Qt.KeyboardModifier.ShiftModifier)
    assert v.other.port.centre.x() < v.port.centre.x()
    w.leave_comparison()


def test_a_comparison_goes_on_with_the_next_photograph(qtbot: Any, opened: Window) -> None:
    w, v = opened, opened.viewer
    w.commands.actions["side"].trigger()
    wait(qtbot, w)
    w.session.beside(1)
    wait(qtbot, w)
    assert v.mode == "side" and v.other is not None and v.other.base is not None
    d = w.session.document
    assert d is not None and v.other.base.told["path"] == str(d.path)
    w.leave_comparison()


def test_before_while_held(qtbot: Any, opened: Window) -> None:
    w, v = opened, opened.viewer
    w.commands.actions["before"].trigger()
    wait(qtbot, w)
    assert v.peek and v.other is not None and v.other.there
    qtbot.keyRelease(w, Qt.Key.Key_Backslash)
    assert not v.peek


def test_two_photographs(qtbot: Any, opened: Window) -> None:
    w, v = opened, opened.viewer
    w.commands.actions["two_up"].trigger()
    qtbot.waitUntil(lambda: v.mode == "side" and v.other is not None and v.other.base is not None)
    wait(qtbot, w)
    assert v.other is not None and v.other.words[0] == "t1.png"
    left = v.grab(v.rect().adjusted(0, 0, -v.width() // 2, 0)).toImage()
    assert left.pixelColor(left.width() // 2, left.height() // 2).blue() > 0
    w.commands.actions["two_up"].trigger()
    assert v.mode == "one"


def test_two_stages_are_compared_without_a_step_and_kept_with_one(qtbot: Any, opened: Window) -> None:
    w, d, declared = opened, opened.session.document, opened.session.declared
    assert d is not None and declared is not None
    accepted = d.facts.get("accepted")
    many = [e for e in d.recipe["entries"] if len(declared.fitting(declared.stages[e["stage"]].slot, accepted)) > 1]
    assert many, "no place of this recipe has two stages"
    e = many[0]
    w.compare_stages(e["id"])
    qtbot.waitUntil(lambda: w.rivals is not None and len(w.rivals[2]) == 2)
    wait(qtbot, w)
    assert not d.can_undo and w.viewer.mode == "split" and not w.bar.keeps.isHidden()
    w._keep("b")
    assert d.at == 1 and recipes.entry(d.recipe, e["id"])["stage"] != e["stage"] and w.viewer.mode == "one"


def test_the_cameras_jpeg_lies_on_the_picture(qtbot: Any, window: Window, tmp_path: Path) -> None:
    values = np.random.default_rng(2).integers(100, 3000, (240, 360), dtype=np.uint16)
    path = dng(tmp_path / "a.dng", values, {}, preview=jpeg(180, 120))
    w, v = window, window.viewer
    w.open_paths([path])
    wait(qtbot, w)
    w.commands.actions["camera"].trigger()
    qtbot.waitUntil(lambda: v.other is not None and v.other.still is not None)
    wait(qtbot, w)
    assert v.mode == "split" and v.other is not None and v.base is not None
    corner = v.other.onto.map(QPointF(180, 120))
    assert abs(corner.x() - v.base.full[0]) < 2 and abs(corner.y() - v.base.full[1]) < 2
    shot = v.grab().toImage()
    spot = v.port.rect().center() + QPointF(-v.port.rect().width() / 4, v.port.rect().height() / 8)
    assert shot.pixelColor(spot.toPoint()).red() > 150 > shot.pixelColor(spot.toPoint()).green()
    w.leave_comparison()
