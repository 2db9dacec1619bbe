"""Adjusting on the picture: what a drag holds follows from the parameter's kind, and one drag is one step."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPointF, Qt

from editor_app import recipes
from editor_app.adjust import NEAR, Aim, aims, hold
from editor_app.adjust_tool import AdjustTool
from editor_app.curve_tabs import CurveTabs
from editor_app.declared import Declarations, ParamInfo, StageInfo
from editor_app.hue_mixer import HueMixer
from editor_app.window import Window
from modisp.operators.curves import PLAIN, monotone_cubic, through
from modisp.operators.hues import CENTRES, blend
from tests.editor.hands import drag
from tests.editor.helpers import wait

BLUE = 5


def aim_of(kind: str, name: str = "x", more: tuple[ParamInfo, ...] = ()) -> Aim:
    default: Any = [list(p) for p in PLAIN] if kind == "curve" else [0.0] * 8
    p = ParamInfo(name, kind, default, -1.0, 1.0)
    info = StageInfo("any", "any", "DISPLAY", "DISPLAY", 1, "Any", "Light", False, False, "", (*more, p))
    return Aim("id", info, p)


def told(tone: float = 0.4, degrees: float = 0.0, chroma: float = 0.1) -> dict[str, Any]:
    return {"tones": [tone, tone + 0.1, tone - 0.1, tone], "hue": degrees, "chroma": chroma}


def test_a_drag_raises_the_curve_where_the_pointer_is_and_leaves_the_ends() -> None:
    h = hold(aim_of("curve"), {}, told(0.4))
    assert h is not None
    up = h.changed(0.3)
    assert [p[0] for p in up] == sorted(p[0] for p in up) and len(up) == 3
    assert up[0] == [0.0, 0.0] and up[-1] == [1.0, 1.0]
    assert float(monotone_cubic(up, 0.4)) == pytest.approx(0.4 + 0.3 * h.full, abs=0.01)
    assert h.after(h.changed(-0.3)) < 0.4 < h.after(up)
    assert h.changed(0.0)[1] == pytest.approx([0.4, 0.4], abs=1e-3)


def test_a_point_that_is_near_is_moved_and_not_crowded() -> None:
    start = [[0.0, 0.0], [0.4 + NEAR / 2, 0.5], [1.0, 1.0]]
    h = hold(aim_of("curve"), {"x": start}, told(0.4))
    assert h is not None
    assert len(h.changed(0.2)) == 3 and h.changed(0.2)[1][1] == pytest.approx(0.6)
    assert h.cleared() == [[0.0, 0.0], [1.0, 1.0]]


def test_channels_read_their_own_tone_and_regions_come_before_the_points_of_the_first_curve() -> None:
    red = hold(aim_of("curve", "red"), {}, told(0.4))
    assert red is not None and red.tone == pytest.approx(0.5)
    regions = [0.0, 0.6, 0.0, 0.0, 0.25, 0.5, 0.75]
    first = ParamInfo("r", "regions", [0.0, 0.0, 0.0, 0.0, 0.25, 0.5, 0.75])
    h = hold(aim_of("curve", more=(first,)), {"r": regions}, told(0.4))
    assert h is not None and h.tone == 0.4
    assert h.at == pytest.approx(float(through(regions, PLAIN, 0.4))) and h.at > 0.41


@pytest.mark.parametrize("degrees", [CENTRES[BLUE], CENTRES[BLUE] + 12.0, 359.0])
def test_a_drag_moves_the_hues_that_are_in_the_colour_and_no_others(degrees: float) -> None:
    h = hold(aim_of("hues"), {}, told(degrees=degrees))
    assert h is not None
    up, down = h.changed(0.5), h.changed(-0.5)
    assert float(blend(up, degrees)) > 0.3 and float(blend(down, degrees)) < -0.3
    assert sum(v != 0 for v in up) <= 2 and all((u == 0) == (s == 0) for u, s in zip(up, h.share, strict=True))
    assert max(abs(v) for v in h.changed(9.0)) == 1.0
    assert h.words(up)[0][1] == max(up)


def test_a_grey_has_no_hue_to_hold() -> None:
    assert hold(aim_of("hues"), {}, told(chroma=0.005)) is None


def test_what_can_be_adjusted_follows_from_kinds(declared: Declarations) -> None:
    found = aims(declared.default["raw"], declared)
    assert {a.param.kind for a in found} == {"curve", "hues"}
    off = recipes.with_switch(declared.default["raw"], found[0].ident, False)
    assert found[0].ident not in {a.ident for a in aims(off, declared)}


def taken(qtbot: Any, w: Window, kind: str) -> AdjustTool:
    d, declared = w.session.document, w.session.declared
    assert d is not None and declared is not None
    aim = next(a for a in aims(d.recipe, declared) if a.param.kind == kind)
    w.adjust(aim.ident, aim.param.name)
    tool = w.viewer.tool
    assert isinstance(tool, AdjustTool) and w.top.hands["adjust"].isChecked()
    return tool


def middle(w: Window) -> QPointF:
    r = w.viewer.port.rect()
    return QPointF(r.x() + 0.55 * r.width(), r.y() + 0.3 * r.height())


def pulled(qtbot: Any, w: Window, tool: AdjustTool, by: float) -> None:
    at = middle(w)
    tool.move(at, Qt.KeyboardModifier.NoModifier, False)
    qtbot.waitUntil(lambda: tool.told is not None and not tool.waiting)
    drag(qtbot, w, at, at - QPointF(0, by))
    wait(qtbot, w)


@pytest.mark.parametrize("kind", ["curve", "hues"])
def test_a_drag_on_the_picture_is_one_step_and_its_panel_shows_it(qtbot: Any, opened: Window, kind: str) -> None:
    w, d = opened, opened.session.document
    tool = taken(qtbot, w, kind)
    before = d.at
    pulled(qtbot, w, tool, 60)
    assert d.at == before + 1
    value = recipes.value(recipes.entry(d.recipe, tool.aim.ident), tool.aim.param)
    group = next(g for g in w.panels.panel(tool.aim.ident).groups if tool.aim.param.name in g.params)
    assert group.values[tool.aim.param.name] == value != tool.aim.param.default
    if isinstance(group, CurveTabs):
        assert len(value) == 3 and value[1][1] > value[1][0] and group.field.tone is not None
    else:
        assert isinstance(group, HueMixer) and max(value) > 0
    w.commands.actions["adjust"].trigger()
    assert w.viewer.tool is None and not w.top.hands["adjust"].isChecked()
    if isinstance(group, CurveTabs):
        assert group.field.tone is None
    else:
        assert not any(r.slider.lit for rows in group.all.values() for r in rows)


def test_esc_takes_a_drag_back_and_then_puts_the_tool_down(qtbot: Any, opened: Window) -> None:
    w, d = opened, opened.session.document
    tool = taken(qtbot, w, "curve")
    before, at = d.at, middle(w)
    tool.move(at, Qt.KeyboardModifier.NoModifier, False)
    qtbot.waitUntil(lambda: tool.told is not None and not tool.waiting)
    qtbot.mousePress(w.viewer, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at.toPoint())
    tool.move(at - QPointF(0, 40), Qt.KeyboardModifier.NoModifier, True)
    assert d.at == before + 1
    w.escape()
    assert d.at == before and w.viewer.tool is tool
    qtbot.mouseRelease(w.viewer, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at.toPoint())
    w.escape()
    assert w.viewer.tool is None


def test_a_comparison_puts_the_tool_down_and_brings_its_own_bar(qtbot: Any, opened: Window) -> None:
    w = opened
    taken(qtbot, w, "hues")
    w.commands.actions["split"].trigger()
    assert w.viewer.tool is None and w.viewer.bar is w.bar
    w.leave_comparison()


def test_keys_nudge_what_lies_under_the_pointer(qtbot: Any, opened: Window) -> None:
    w, d = opened, opened.session.document
    tool = taken(qtbot, w, "curve")
    tool.move(middle(w), Qt.KeyboardModifier.NoModifier, False)
    qtbot.waitUntil(lambda: tool.told is not None and not tool.waiting)
    before = d.at
    for _ in range(3):
        qtbot.keyClick(w.viewer, Qt.Key.Key_Up)
    assert d.at == before + 1
    value = recipes.value(recipes.entry(d.recipe, tool.aim.ident), tool.aim.param)
    assert value[1][1] - value[1][0] == pytest.approx(0.03, abs=0.002)
    w.escape()


def test_the_dock_lies_over_the_picture_on_narrow_windows(qtbot: Any, opened: Window) -> None:
    w = opened
    size = w.size()
    w.resize(1280, 800)
    try:
        qtbot.waitUntil(lambda: w.viewer.geometry().width() > 800)
        before = w.viewer.geometry().width()
        w.commands.actions["history"].trigger()
        assert w.dock.isVisible() and w.viewer.geometry().width() == before
        assert w.dock.geometry().x() == w.rail.geometry().right() + 1
        w.commands.actions["adjust"].trigger()
        assert not w.dock.isVisible()  # what is done on the picture needs all of it
        w.escape()
        w.commands.actions["history"].trigger()
        w.commands.actions["history"].trigger()
        assert not w.dock.isVisible()
    finally:
        w.resize(size)
    assert w.dock.isVisible() and w.dock.geometry().x() == 0


def test_the_theme_changes_and_the_menu_ticks_it(qtbot: Any, opened: Window) -> None:
    from editor_app import theme

    w = opened
    for name, wanted in (("light", theme.LIGHT), ("dark", theme.DARK)):
        w.commands.actions[name].trigger()
        qtbot.waitUntil(lambda wanted=wanted: theme.now() is wanted and w.updatesEnabled())
        assert [n for n in theme.THEMES if w.commands.actions[n].isChecked()] == [name]
        assert w.grab().toImage().pixelColor(4, 4).name() == wanted.chrome
