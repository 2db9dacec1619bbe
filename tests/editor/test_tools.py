"""Tools on the picture, by mouse and keys: crop, straighten, lines, the picker, loupe, scopes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPointF, QRectF, Qt

from editor_app import compare, rendering
from editor_app.overlay import marked
from editor_app.picker import Picker
from editor_app.picture_menu import picture_menu
from editor_app.window import Window
from modisp import Image, Metadata, State, save_image
from tests.editor.hands import H, W, crop, crop_values, drag
from tests.editor.helpers import wait


def test_crop_by_a_corner_is_one_step_of_the_size_that_was_told(qtbot: Any, opened: Window) -> None:
    w, tool = opened, crop(qtbot, opened)
    before = len(w.session.document.steps)  # type: ignore[union-attr]
    r = tool.frame()
    drag(qtbot, w, r.bottomRight(), r.bottomRight() - QPointF(120 * tool.zoom, 80 * tool.zoom))
    assert tool.title[1] == f"{W - 120} × {H - 80} px"
    assert len(w.session.document.steps) == before  # type: ignore[union-attr]
    qtbot.keyClick(w.viewer, Qt.Key.Key_Return)
    wait(qtbot, w)
    qtbot.waitUntil(lambda: w.viewer.tool is None)
    d = w.session.document
    assert d is not None and d.at == 1 and d.steps[1].value == f"{W - 120} × {H - 80} px"
    assert w.viewer.base is not None and w.viewer.base.full == (W - 120, H - 80)


def test_escape_leaves_everything_as_it_was(qtbot: Any, opened: Window) -> None:
    w, tool = opened, crop(qtbot, opened)
    tool.turn("right")
    w.commands.actions["escape"].trigger()
    wait(qtbot, w)
    qtbot.waitUntil(lambda: w.viewer.tool is None)
    d = w.session.document
    assert d is not None and d.at == 0 and w.viewer.base is not None and w.viewer.base.full == (W, H)


def test_dragging_outside_turns_and_the_frame_stays_inside(qtbot: Any, opened: Window) -> None:
    w, tool = opened, crop(qtbot, opened)
    centre = tool.frame().center()
    start = QPointF(tool.frame().right() + 40, centre.y())
    drag(qtbot, w, start, start + QPointF(0, 60))
    f = tool.framing
    assert f is not None and f.angle > 2 and f.inside(f.box)
    assert (tool.frame().center() - centre).manhattanLength() < 1.5
    qtbot.keyClick(w.viewer, Qt.Key.Key_Return)
    wait(qtbot, w)
    assert w.viewer.base is not None
    _, _, fw, fh = f.whole().box
    assert w.viewer.base.full == (fw, fh)


def test_a_drawn_level_straightens(qtbot: Any, opened: Window) -> None:
    w, tool = opened, crop(qtbot, opened)
    c = tool.frame().center()
    drag(qtbot, w, c - QPointF(150, 10), c + QPointF(150, 10), Qt.KeyboardModifier.ControlModifier)
    assert tool.framing is not None and tool.framing.angle == pytest.approx(-3.81, abs=0.15)
    w.commands.actions["escape"].trigger()


def test_two_lines_set_the_perspective(qtbot: Any, opened: Window) -> None:
    w, tool = opened, crop(qtbot, opened)
    qtbot.keyClick(w.viewer, Qt.Key.Key_L)
    assert tool.drawing and not tool.bar.bends.isHidden()
    r = tool.frame()
    left, right = r.left() + 60, r.right() - 60
    drag(qtbot, w, QPointF(left + 25, r.top() + 20), QPointF(left, r.bottom() - 20))
    assert tool.framing is not None and tool.framing.vertical == 0 and tool.framing.angle != 0
    r = tool.frame()
    drag(qtbot, w, QPointF(right - 40, r.top() + 20), QPointF(right, r.bottom() - 20))
    assert tool.framing.vertical != 0 and tool.framing.inside(tool.framing.box)
    qtbot.keyClick(w.viewer, Qt.Key.Key_Return)
    wait(qtbot, w)
    assert any(v not in (0, 0.0) for v in crop_values(w).values() if isinstance(v, float))


def test_ratios_swap_guides_and_nudges_by_key(qtbot: Any, opened: Window) -> None:
    w, tool = opened, crop(qtbot, opened)
    tool.set_ratio("1:1")
    f = tool.framing
    assert f is not None and f.box[2] == pytest.approx(f.box[3])
    tool.set_ratio("16:9")
    qtbot.keyClick(w.viewer, Qt.Key.Key_X)
    f = tool.framing
    assert f is not None and f.box[3] / f.box[2] == pytest.approx(16 / 9)
    r = tool.frame()
    drag(qtbot, w, r.topLeft(), r.topLeft() + QPointF(30, 10))
    f = tool.framing
    assert f is not None and f.box[3] / f.box[2] == pytest.approx(16 / 9)
    guide, x = tool.guide, f.box[0]
    qtbot.keyClick(w.viewer, Qt.Key.Key_O)
    qtbot.keyClick(w.viewer, Qt.Key.Key_Left)
    assert tool.guide != guide and tool.framing is not None and tool.framing.box[0] == pytest.approx(x - 1)
    wide = tool.framing.box[2]
    qtbot.keyClick(w.viewer, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert tool.framing.box[2] == pytest.approx(wide - 2)
    qtbot.keyClick(w.viewer, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert tool.framing.angle == pytest.approx(0.1)
    photo = w.session.photo
    qtbot.keyClick(w.viewer, Qt.Key.Key_Backspace)
    assert tool.framing.box == (0, 0, W, H) and w.session.photo is photo
    w.commands.actions["escape"].trigger()


def test_an_angle_is_typed_and_the_tool_stays_in_hand(qtbot: Any, opened: Window) -> None:
    w, tool = opened, crop(qtbot, opened)
    w.activateWindow()
    field = tool.bar.amounts["angle"].number
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: field.selectedText() == field.text())
    qtbot.keyClicks(field, "2.3")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert tool.framing is not None and tool.framing.angle == 2.3 and w.viewer.tool is tool
    qtbot.keyClicks(field, "9")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert tool.framing.angle == 2.3 and "9" not in field.text() and w.viewer.tool is tool
    w.commands.actions["escape"].trigger()


def test_a_kept_crop_opens_again_as_it_was(qtbot: Any, opened: Window) -> None:
    w, tool = opened, crop(qtbot, opened)
    tool.set_ratio("3:2")
    tool._bend("angle", 4.0)
    tool.settle()
    assert tool.framing is not None
    box = tool.framing.whole().box
    tool.keep()
    wait(qtbot, w)
    qtbot.waitUntil(lambda: w.viewer.tool is None)
    again = crop(qtbot, w)
    assert again.framing is not None and again.framing.whole().box == box and again.framing.angle == 4.0
    assert again.ratio_name == "3:2"
    w.commands.actions["escape"].trigger()


def test_a_crop_in_hand_is_kept_when_another_photograph_is_opened(qtbot: Any, opened: Window) -> None:
    w, tool = opened, crop(qtbot, opened)
    tool.set_ratio("1:1")
    w.session.beside(1)
    wait(qtbot, w)
    assert w.viewer.tool is None and w.session.seen_as is None
    w.open_paths([Path(w.property("folder")) / "t0.png"])
    wait(qtbot, w)
    d = w.session.document
    assert d is not None and d.at == 1 and w.viewer.base is not None and w.viewer.base.full == (H, H)
    again = crop(qtbot, w)
    again.keep()  # nothing was changed: no step
    assert d.at == 1
    wait(qtbot, w)


def test_the_panels_rows_move_the_tool(qtbot: Any, opened: Window) -> None:
    w, tool = opened, crop(qtbot, opened)
    d, declared = w.session.document, w.session.declared
    assert d is not None and declared is not None
    found = compare.framer(d.recipe, declared)
    assert found is not None and found[1].angle is not None
    d.edit(str(found[0]["id"]), found[1].angle.name, 5.0)
    assert tool.framing is not None and tool.framing.angle == 5.0
    w.commands.actions["escape"].trigger()


def test_the_loupe_asks_for_the_pixels_under_it(qtbot: Any, opened: Window) -> None:
    w, v = opened, opened.viewer
    v.loupe.show(True)
    v.loupe.move(v.port.rect().center())
    wait(qtbot, w)
    picture = v.loupe.picture
    assert picture is not None
    x, y, ww, hh = picture.rect
    assert x <= W / 2 <= x + ww and y <= H / 2 <= y + hh and picture.image.width() == ww
    v.loupe.show(False)
    assert v.loupe.wanted() is None


def test_dense_screens_get_every_pixel_once_nothing_moves(
    qtbot: Any, opened: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    w, s = opened, opened.session
    monkeypatch.setattr(rendering, "QUICK", 1000)
    quick = w.viewer.base
    s.pump()
    wait(qtbot, w)
    assert s.shown["fine"][:3] == s.shown["base"] and w.viewer.base is not quick
    s.hold(True)
    assert "fine" not in [role for role, _, _ in s._needs()]
    s.hold(False)


def test_scopes(qtbot: Any, opened: Window) -> None:
    h = opened.histogram
    h.set_mode("wave")
    assert h.plot.wave is not None and h.plot.wave.max() > 0
    h.set_mode("raw")
    qtbot.waitUntil(lambda: h.counts is not None)
    assert h.plot.ticks and h.plot.wave is None
    h.next_mode()
    assert h.mode == "wave"
    h.set_mode("rgb")
    assert len(h.plot.curves) == 3


def test_marks_lie_on_the_clipped_pixels_at_any_zoom(qtbot: Any, opened: Window) -> None:
    v = opened.viewer
    for zoom in (None, 3.0):
        v.set_zoom(zoom, QPointF(20, 20) if zoom else None)
        wait(qtbot, opened)
        q = v.base
        assert q is not None
        room = QRectF(0, 0, v.port.room.width(), v.port.room.height())
        made = marked(q, v.port.to_widget(*q.rect), room, v.port.ratio, True, False)
        assert made is not None
        place, image = made
        a = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width())
        ys, xs = np.nonzero(a)
        spots = [
            v.port.to_picture(QPointF(place.x() + x + 0.5, place.y() + y + 0.5)) for x, y in zip(xs, ys, strict=True)
        ]
        clipped = [s for s in spots if s.x() < 61 and s.y() < 41]
        assert len(clipped) > 20 and len(clipped) == len(spots)
        gaps = np.diff(np.flatnonzero(a[ys.min() + 5]))
        assert set(gaps.tolist()) == {1, 5}  # stripes 2 px wide, 6 px from one to the next, whatever the zoom
    v.set_zoom(None)


def test_space_held_pans_and_a_tap_zooms(qtbot: Any, opened: Window) -> None:
    v = opened.viewer
    qtbot.keyClick(v, Qt.Key.Key_Space)
    assert v.port.zoom == 1.0 or v.port.fitting == 1.0
    v.set_zoom(8.0)
    zoom, centre = v.port.zoom, QPointF(v.port.centre)
    qtbot.keyClick(v, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert v.port.centre.x() > centre.x() and opened.session.photo is not None
    centre = QPointF(v.port.centre)
    qtbot.keyPress(v, Qt.Key.Key_Space)
    drag(qtbot, opened, QPointF(300, 300), QPointF(340, 320))
    qtbot.keyRelease(v, Qt.Key.Key_Space)
    assert v.port.zoom == zoom and v.port.centre != centre
    v.set_zoom(None)


def test_the_picker_puts_itself_down(qtbot: Any, opened: Window) -> None:
    opened.commands.actions["pick"].trigger()  # a finished picture has nothing to pick, and nothing happens
    tool = opened.viewer.tool
    assert tool is None or isinstance(tool, Picker)
    opened.take_hand()
    assert opened.viewer.tool is None


def sensor(path: Path) -> Path:
    """A raw file that stands upright only when turned: dark on the sensor's left, grey, with a clipped corner."""
    y, x = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    mosaic = 0.05 + 0.3 * (x / W) + 0.1 * (y / H)
    mosaic[:40, :40] = 1.0
    for i, j, k in ((0, 0, 0.6), (1, 1, 0.7)):
        mosaic[i::2, j::2] *= torch.where(mosaic[i::2, j::2] >= 1, 1.0, k)
    meta = Metadata(make="Maker", model="Model", white=(0.6, 1.0, 0.6), orientation=6)
    save_image(Image(mosaic[None], State.MOSAIC, meta), path)
    return path


def test_a_turned_raw_file_is_cropped_where_the_frame_was(qtbot: Any, window: Window, tmp_path: Path) -> None:
    w, v = window, window.viewer
    w.open_paths([sensor(tmp_path / "a.dng")])
    wait(qtbot, w)
    assert v.base is not None and v.base.full == (H, W)
    qtbot.waitUntil(lambda: v.base is not None and not v.base.told["refining"])
    wait(qtbot, w)
    before = v.base.image.copy()
    tool = crop(qtbot, w)
    r = tool.frame()
    drag(qtbot, w, r.bottomRight(), r.center())
    tool.keep()
    wait(qtbot, w)
    qtbot.waitUntil(lambda: v.tool is None)
    fw, fh = v.base.full
    assert abs(fw - H / 2) <= 2 and abs(fh - W / 2) <= 2
    for at in ((0.6, 0.3), (0.3, 0.8), (0.9, 0.9)):
        now = v.base.image.pixelColor(int(at[0] * v.base.image.width()), int(at[1] * v.base.image.height()))
        then = before.pixelColor(int(at[0] * before.width() / 2), int(at[1] * before.height() / 2))
        assert abs(now.green() - then.green()) <= 4


def test_picking_by_mouse_and_key(qtbot: Any, window: Window, tmp_path: Path) -> None:
    w, v = window, window.viewer
    w.open_paths([sensor(tmp_path / "b.dng")])
    wait(qtbot, w)
    w.commands.actions["pick"].trigger()
    tool, d = v.tool, w.session.document
    assert isinstance(tool, Picker) and d is not None
    spot = v.port.rect().center()
    v.loupe.move(spot)
    tool._late.start()
    qtbot.waitUntil(lambda: bool(tool.told))
    assert any(" K" in words for words, _ in v.loupe.words)
    rgb = tool.told["rgb"]
    assert isinstance(rgb, list) and max(rgb) - min(rgb) > 8
    size = tool.size
    qtbot.keyClick(v, Qt.Key.Key_Plus)
    assert tool.size == size + 1 and v.loupe.square > 11
    qtbot.mouseClick(v, Qt.MouseButton.LeftButton, pos=spot.toPoint())
    qtbot.waitUntil(lambda: d.can_undo)
    values = next(e for e in d.recipe["entries"] if e["id"] == tool.ident)["values"]
    assert tool.param in values and tool.param in values.values() and " K" in d.steps[1].value
    assert v.tool is tool  # another place can be tried

    def tint() -> float:
        rgb = tool.told["rgb"]
        assert isinstance(rgb, list)
        return float(max(rgb) - min(rgb))

    qtbot.waitUntil(lambda: tint() < 3)  # what is told is told of the picture as it is now
    v.loupe.move(v.port.rect().topRight() + QPointF(-8, 8))  # the sensor's first corner, now at the top right
    tool.take()
    qtbot.waitUntil(lambda: v.toast is not None and "Clipped" in v.toast[0])
    assert len(d.steps) == 2
    w.escape()
    assert v.tool is None


def test_a_choice_that_wants_an_area_takes_up_the_picker(qtbot: Any, window: Window, tmp_path: Path) -> None:
    w = window
    w.open_paths([sensor(tmp_path / "b.dng")])
    wait(qtbot, w)
    panel = next(p for p in w.panels.panels.values() if "patch" in p.controls)
    panel.controls["mode"].take("patch")
    tool = w.viewer.tool
    assert isinstance(tool, Picker) and tool.param == "patch"
    w.escape()
    panel.controls["patch"].take([10, 10, 20, 20])
    panel.controls["mode"].take("auto")
    panel.controls["mode"].take("patch")
    assert w.viewer.tool is None


def test_the_menu_on_the_picture_offers_every_version_and_surround(qtbot: Any, opened: Window) -> None:
    menu = picture_menu(opened)
    words = [a.text() for m in menu.actions() if m.menu() is not None for a in m.menu().actions()]
    assert {"As opened", "Black", "Middle grey"} <= set(words)
    next(a for m in menu.actions() if m.menu() for a in m.menu().actions() if a.text() == "Black").trigger()
    assert opened.viewer.surround == "#000000"
    opened.viewer.set_surround("")


def test_tools_cover_the_key_table(window: Window) -> None:
    want = {"move": "V", "crop": "R", "pick": "W", "split": "Y", "side": "Shift+Y", "before": "\\", "clipping": "J"}
    for name, key in want.items():
        assert key in [k.toString() for k in window.commands.actions[name].shortcuts()]
