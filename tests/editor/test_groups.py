"""Fitting controls: several curves, eight hues, colour wheels; chosen by the kinds of parameters, worked by hand and keys."""

from __future__ import annotations

import math
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget

from editor_app.curve_tabs import CurveTabs
from editor_app.declared import Declarations, ParamInfo, StageInfo
from editor_app.groups import Group, parted
from editor_app.hue_mixer import HueMixer
from editor_app.stage_panel import StagePanel
from editor_app.wheels import Wheels
from modisp.operators.curves import REGIONS

LINE = [[0.0, 0.0], [1.0, 1.0]]
LEFT, SHIFT, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def param(name: str, kind: str, default: Any) -> ParamInfo:
    return ParamInfo(name, kind, default, -1, 1, help="What it does.")


CURVES = [param("apart", "regions", list(REGIONS)), param("all", "curve", LINE), param("red", "curve", LINE)]
HUES = [param(n, "hues", [0.0] * 8) for n in ("hue", "saturation", "luminance")]
WHEELS = [param(n, "wheel", [0.0] * 3) for n in ("dark", "bright")]


def made(qtbot: Any, kind: type[Group], params: list[ParamInfo]) -> tuple[Any, list[tuple[str, Any]], list[int]]:
    g = kind(params)
    g.resize(328, g.sizeHint().height())
    qtbot.addWidget(g)
    g.show()
    heard: list[tuple[str, Any]] = []
    ends: list[int] = []
    g.changed.connect(lambda n, v: heard.append((n, v)))
    g.done.connect(lambda: ends.append(1))
    return g, heard, ends


def press(
    qtbot: Any, w: QWidget, a: QPoint, b: QPoint, key: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    """A drag from a to b."""
    from PySide6.QtCore import QEvent, QPointF
    from PySide6.QtGui import QMouseEvent

    qtbot.mousePress(w, LEFT, key, a)
    w.mouseMoveEvent(QMouseEvent(QEvent.Type.MouseMove, QPointF(b), QPointF(b), LEFT, LEFT, key))
    qtbot.mouseRelease(w, LEFT, key, b)


def test_kinds_choose_the_control_and_one_curve_alone_has_a_row() -> None:
    assert list(parted([*CURVES, *HUES, *WHEELS])) == [CurveTabs, HueMixer, Wheels]
    assert not parted([param("x", "curve", LINE), param("y", "number", 0.0)])
    assert list(parted([param("x", "curve", LINE), CURVES[0]])) == [CurveTabs]


def test_a_panel_holds_them_among_plain_rows(qtbot: Any) -> None:
    params = (param("before", "number", 0.0), *WHEELS, param("after", "number", 0.0))
    info = StageInfo("x", "x", "DISPLAY", "DISPLAY", 1, "X", "Colour", False, False, "", params)
    panel = StagePanel("x", info, [info], True)
    qtbot.addWidget(panel)
    assert set(panel.controls) == {"before", "dark", "bright", "after"} and len(panel.groups) == 1
    heard: list[Any] = []
    panel.edited.connect(lambda *row: heard.append(row))
    panel.show_entry({"id": "x", "stage": "x", "slot": "x", "values": {"dark": [0.2, 0.1, 0.0]}})
    assert not heard and panel.changed
    panel.groups[0].wheels["dark"].reset()  # type: ignore[attr-defined]
    assert heard == [("x", "dark", [0.0, 0.0, 0.0])]


def test_a_curve_is_drawn_per_tab_and_each_drag_is_one_gesture(qtbot: Any) -> None:
    g, heard, ends = made(qtbot, CurveTabs, CURVES)
    at = QPoint(g.field.width() // 2, 40)
    qtbot.mousePress(g.field, LEFT, pos=at)
    assert [n for n, _ in heard] == ["all"] and len(heard[-1][1]) == 3 and not ends
    qtbot.keyClick(g.field, Qt.Key.Key_Escape)
    assert heard[-1] == ("all", LINE) and len(ends) == 1
    press(qtbot, g.field, at, at + QPoint(0, -20))
    assert len(ends) == 2 and g.tabs.marked == [True, False] and g.says.words
    assert heard[-1][1][1][1] > 0.7
    g.tabs._take(1)
    assert g.field.points == [(0.0, 0.0), (1.0, 1.0)] and g.field.colour
    press(qtbot, g.field, at, at)
    assert [n for n, _ in heard][-1] == "red"
    g.undo.click()
    assert heard[-1] == ("red", LINE) and g.tabs.marked == [True, False]


def test_shift_moves_a_point_ten_times_finer(qtbot: Any) -> None:
    moved = []
    for key in (Qt.KeyboardModifier.NoModifier, SHIFT):
        g, heard, _ = made(qtbot, CurveTabs, CURVES)
        g.show_value("all", [[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]])
        from PySide6.QtCore import QEvent, QPointF
        from PySide6.QtGui import QMouseEvent

        at = g.field._to((0.5, 0.5))
        qtbot.mousePress(g.field, LEFT, pos=at.toPoint())
        for y in (1.0, 31.0):
            to = at - QPointF(0, y)
            g.field.mouseMoveEvent(QMouseEvent(QEvent.Type.MouseMove, to, to, LEFT, LEFT, key))
        moved.append(heard[-1][1][1][1] - 0.5)
    assert moved[0] == pytest.approx(31 / 140, abs=0.01) and moved[1] == pytest.approx(3 / 140, abs=0.01)


def test_keys_nudge_points_and_a_burst_is_one_gesture(qtbot: Any) -> None:
    g, heard, ends = made(qtbot, CurveTabs, CURVES)
    g.show_value("all", [[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]])
    g.field.setFocus()
    qtbot.keyClick(g.field, Qt.Key.Key_PageUp)
    qtbot.keyClick(g.field, Qt.Key.Key_PageUp)
    qtbot.keyClick(g.field, Qt.Key.Key_Up)
    qtbot.keyClick(g.field, Qt.Key.Key_Up, SHIFT)
    assert heard[-1][1][1] == pytest.approx([0.5, 0.56]) and not ends
    qtbot.waitUntil(lambda: bool(ends))
    qtbot.keyClick(g.field, Qt.Key.Key_Delete)
    assert heard[-1][1] == LINE and len(ends) == 2


def test_regions_bend_what_is_drawn_and_their_marks_keep_apart(qtbot: Any) -> None:
    g, heard, ends = made(qtbot, CurveTabs, CURVES)
    assert not g.field.bend
    qtbot.keyClick(g.rows[3].slider, Qt.Key.Key_Right)  # highlights
    assert heard[-1] == ("apart", [0.0, 0.0, 0.0, 0.01, 0.25, 0.5, 0.75])
    g.show_value("apart", [1.0, 0, 0, 0, 0.25, 0.5, 0.75])
    assert g.field.bend([0.125])[0] > 0.17
    x = [int(g.splits._x(v)) for v in g.splits.at]
    press(qtbot, g.splits, QPoint(x[0], 7), QPoint(x[2], 7))
    assert heard[-1][1][4] == pytest.approx(0.45) and len(ends) == 1
    qtbot.mouseDClick(g.splits, LEFT, pos=QPoint(int(g.splits._x(0.45)), 7))
    assert heard[-1][1][4] == 0.25
    g.tabs._take(1)
    assert g.field.bend is None  # regions belong to the first curve


def test_the_histogram_lies_behind(qtbot: Any) -> None:
    g, _, _ = made(qtbot, CurveTabs, CURVES)
    g.show_counts([[9e9] + [1, 2, 4, 8] * 4, [0] * 17, [0] * 17])
    luma = list(g.field.counts)
    assert len(luma) == 17 and luma[4] > luma[1] > 0
    g.tabs._take(1)
    assert g.field.counts[4] > luma[4]
    g.show_counts(())
    assert not g.field.counts


def test_all_of_one_colour_or_one_property_of_all(qtbot: Any) -> None:
    g, heard, ends = made(qtbot, HueMixer, HUES)
    g.discs.setFocus()
    for _ in range(5):
        qtbot.keyClick(g.discs, Qt.Key.Key_Right)
    assert g.discs.on == 5 and not heard
    qtbot.keyClick(g.one["luminance"].slider, Qt.Key.Key_Left, SHIFT)
    assert heard[-1] == ("luminance", [0, 0, 0, 0, 0, -0.1, 0, 0])
    assert g.discs.marked[5] and g.tabs.marked == [False, False, False, True]
    g.tabs._take(3)
    assert g.all["luminance"][5].slider.value == -0.1 and g.first.isHidden()
    qtbot.keyClick(g.all["luminance"][0].slider, Qt.Key.Key_Right)
    assert heard[-1][1] == [0.01, 0, 0, 0, 0, -0.1, 0, 0]
    n = len(ends)
    g.discs.reset.emit(5)
    assert heard[-1] == ("luminance", [0.01, 0, 0, 0, 0, 0, 0, 0]) and len(ends) == n + 1
    assert len(set(g.all["luminance"][2].slider.ramp)) > 1


def test_a_wheel_is_dragged_finely_and_let_go(qtbot: Any) -> None:
    g, heard, ends = made(qtbot, Wheels, WHEELS)
    w = g.wheels["dark"]
    middle = QPoint(w.width() // 2, w.height() // 2)
    press(qtbot, w, middle, middle + QPoint(10, 0))
    name, (a, b, _) = heard[-1]
    assert name == "dark" and a == pytest.approx(10 / w.radius, abs=0.02) and abs(b) < 0.02 and len(ends) == 1
    before = w.a
    knob = QPoint(round(w.width() / 2 + w.a * w.radius), middle.y())
    press(qtbot, w, knob, knob + QPoint(10, 0), SHIFT)
    assert w.a - before == pytest.approx(1 / w.radius, abs=0.005)
    press(qtbot, w, middle, middle + QPoint(500, 500))
    assert math.hypot(w.a, w.b) <= 1.0001
    hue = math.atan2(w.b, w.a)
    qtbot.mousePress(w, LEFT, CTRL, QPoint(w.width() - 8, w.height() - 8))
    qtbot.mouseRelease(w, LEFT, CTRL, QPoint(w.width() - 8, w.height() - 8))
    assert math.atan2(w.b, w.a) == pytest.approx(hue)
    qtbot.mouseDClick(w, LEFT, pos=middle)
    assert heard[-1] == ("dark", [0.0, 0.0, 0.0])


def test_rows_belong_to_the_wheel_in_hand(qtbot: Any) -> None:
    g, heard, ends = made(qtbot, Wheels, WHEELS)
    g.wheels["bright"].setFocus()
    qtbot.keyClick(g.wheels["bright"], Qt.Key.Key_Up)
    assert heard[-1] == ("bright", [0.0, 0.01, 0.0]) and g.chosen == "bright"
    assert g.hue.slider.value == pytest.approx(90)
    g.strength.take(0.5)
    assert heard[-1] == ("bright", [0.0, 0.5, 0.0])
    g.hue.take(180.0)
    assert heard[-1][1] == pytest.approx([-0.5, 0.0, 0.0], abs=1e-4)
    g.strength.take(0.0)
    g.strength.take(0.25)
    assert heard[-1][1] == pytest.approx([-0.25, 0.0, 0.0], abs=1e-4)  # the hue was kept
    g.light.take(-0.2)
    assert heard[-1][1][2] == -0.2 and ends
    qtbot.keyClick(g.wheels["bright"], Qt.Key.Key_Backspace)
    assert heard[-1][1] == [0.0, 0.0, -0.2]
    g.strength.take(0.5)
    n = len(ends)
    g.hue.name.reset.emit()
    assert heard[-1][1] == [0.0, 0.0, -0.2] and len(ends) == n + 1  # no hue is no tint
    g.show_value("dark", [0.1, 0.0, 0.0])
    assert g.names["dark"].token == "text" and g.chosen == "bright"


def test_every_parameter_of_these_kinds_has_a_control(qtbot: Any, declared: Declarations) -> None:
    found = 0
    for stage in declared.stages.values():
        mine = [p.name for p in stage.params if p.kind in ("hues", "wheel", "regions", "curve")]
        panel = StagePanel(stage.slot, stage, [stage], True)
        qtbot.addWidget(panel)
        assert set(mine) <= set(panel.controls)
        found += len(mine)
    assert found >= 12


def test_the_history_says_what_was_moved() -> None:
    from editor_app.document import say

    hue, wheel, apart = HUES[2], WHEELS[0], CURVES[0]
    assert say(hue, [0, 0, 0, 0, 0, -0.3, 0, 0]) == "Blue \u221230" and say(hue, hue.default) == "reset"
    assert say(hue, [0.1, 0, 0, 0, 0, -0.3, 0, 0]) == "Blue \u221230 …"  # the one that was moved most
    assert say(wheel, [0.0, 0.5, 0.1]) == "90° 50" and say(wheel, [0.0, 0.0, -0.1]) == "\u221210"
    assert say(apart, [0, 0, 0.2, 0, 0.25, 0.5, 0.75]) == "Lights +20"
