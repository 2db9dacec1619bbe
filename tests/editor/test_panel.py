"""Panels: every registered stage's is built, every control agrees with its declaration."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget

from editor_app import recipes
from editor_app.controls import Control, NumberRow, control_for
from editor_app.declared import Declarations, ParamInfo
from editor_app.panel import Panels
from editor_app.stage_panel import StagePanel

CURVE = [[0.0, 0.0], [1.0, 1.0]]
OTHERS: dict[str, tuple[Any, Any]] = {
    "number": (0.5, 0.75),
    "switch": (True, False),
    "choice": ("a", "b"),
    "curve": (CURVE, [[0.0, 0.0], [0.5, 0.7], [1.0, 1.0]]),
    "colour": ([0.5, 0.5, 0.5], [1.0, 0.0, 0.0]),
    "file": ("", "/x/y.cube"),
    "text": ("", "words"),
    "rect": ([], [1.0, 2.0, 30.0, 40.0]),
}


def info(kind: str) -> ParamInfo:
    default = OTHERS[kind][0]
    choices = ("a", "b") if kind == "choice" else ()
    return ParamInfo("x", kind, default, 0, 1, 0.01, choices=choices, help="What it does.", inference=True)


@pytest.mark.parametrize("kind", OTHERS)
def test_controls_show_without_telling_and_tell_when_taken(qtbot: Any, kind: str) -> None:
    c = control_for(info(kind))
    assert c is not None
    qtbot.addWidget(c)
    heard: list[Any] = []
    c.changed.connect(heard.append)
    c.show_value(OTHERS[kind][1])
    assert not heard and c.name.token == "text"
    c.take(OTHERS[kind][0])
    assert heard == [OTHERS[kind][0]] and c.name.token == "soft"
    assert "What it does." in c.toolTip() and c.accessibleName()


def test_kinds_that_have_no_row() -> None:
    assert control_for(ParamInfo("x", "mask", [])) is None
    assert control_for(ParamInfo("x", "rect", [])) is None  # not measured: set by a tool on the picture


def number(qtbot: Any) -> NumberRow:
    c = NumberRow(ParamInfo("ev", "number", 0.0, -5, 5, 0.05, "EV"))
    c.resize(320, 26)
    qtbot.addWidget(c)
    c.show()
    return c


def test_dragging_is_one_gesture(qtbot: Any) -> None:
    c = number(qtbot)
    heard: list[Any] = []
    c.changed.connect(heard.append)
    ends: list[int] = []
    c.done.connect(lambda: ends.append(1))
    s = c.slider
    middle = QPoint(s.width() // 2, 13)
    qtbot.mousePress(s, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(s, middle + QPoint(10, 0))
    qtbot.mouseMove(s, middle + QPoint(20, 0))
    assert not ends
    qtbot.mouseRelease(s, Qt.MouseButton.LeftButton, pos=middle + QPoint(20, 0))
    assert len(ends) == 1 and heard[-1] > heard[0] > 0
    assert c.number.text() == c.shown.text(heard[-1])
    qtbot.mouseDClick(s, Qt.MouseButton.LeftButton, pos=middle)
    assert heard[-1] == 0.0 and c.number.text() == "0.00"


def test_a_double_click_with_alt_asks_for_the_last_snapshot(qtbot: Any) -> None:
    c = number(qtbot)
    c.slider.set(0.5)
    asked: list[int] = []
    c.recalled.connect(lambda: asked.append(1))
    alt, left = Qt.KeyboardModifier.AltModifier, Qt.MouseButton.LeftButton
    qtbot.mouseDClick(c.slider, left, alt, QPoint(c.slider.width() // 2, 13))
    qtbot.mouseDClick(c.name, left, alt, QPoint(4, 8))
    assert len(asked) == 2 and c.slider.value == 0.5


def test_escape_takes_a_drag_back(qtbot: Any) -> None:
    c = number(qtbot)
    s = c.slider
    s.setFocus()
    qtbot.mousePress(s, Qt.MouseButton.LeftButton, pos=QPoint(s.width() - 20, 13))
    assert s.value > 0
    qtbot.keyClick(s, Qt.Key.Key_Escape)
    assert s.value == 0 and not s.dragging


def test_keys_and_typing(qtbot: Any) -> None:
    c = number(qtbot)
    heard: list[Any] = []
    c.changed.connect(heard.append)
    qtbot.keyClick(c.slider, Qt.Key.Key_Right)
    qtbot.keyClick(c.slider, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert heard == pytest.approx([0.05, 0.55])
    with qtbot.waitSignal(c.done):
        pass
    c.number.setFocus()
    c.number.selectAll()
    qtbot.keyClicks(c.number, "-1,5")
    qtbot.keyClick(c.number, Qt.Key.Key_Return)
    assert heard[-1] == -1.5 and c.number.text() == "\u22121.50"
    c.number.selectAll()
    qtbot.keyClicks(c.number, "99")
    qtbot.keyClick(c.number, Qt.Key.Key_Return)
    assert heard[-1] == 5 and c.number.text() == "+5.00"


def test_every_registered_stage_has_a_panel(qtbot: Any, declared: Declarations) -> None:
    for stage in declared.stages.values():
        panel = StagePanel(stage.slot, stage, declared.fitting(stage.slot), True)
        qtbot.addWidget(panel)
        rows = [p.name for p in stage.params if p.kind in ("number", "switch", "choice", "curve", "file", "text")]
        assert set(rows) <= set(panel.controls)
        panel.show_entry({"id": stage.slot, "stage": stage.name, "slot": stage.slot})
        assert not panel.changed


def shown(qtbot: Any, declared: Declarations, recipe: recipes.Recipe, **more: Any) -> Panels:
    """All panels, with a recipe's values."""
    panels = Panels(QWidget())
    qtbot.addWidget(panels)
    panels.set_declared(declared)
    panels.show_recipe(recipe, **more)
    panels.finish()
    return panels


def test_panels_follow_the_recipe(qtbot: Any, declared: Declarations) -> None:
    recipe = declared.default["raw"]
    panels = shown(qtbot, declared, recipe)
    assert [k[0] for k in panels.shape] == [e["id"] for e in recipe["entries"]]
    ident = next(e["id"] for e in recipe["entries"] if declared.stages[e["stage"]].has_switch)
    panels.show_recipe(recipes.with_switch(recipe, ident, False))
    panels.finish()
    panel = panels.panel(ident)
    assert panel is not None and panel.changed and not panel.switch.isChecked()
    heard: list[Any] = []
    panels.reset.connect(heard.append)
    panel.undo.click()
    assert heard == [ident]
    panels.show_recipe(declared.default["picture"])
    panels.finish()
    assert [k[0] for k in panels.shape] == [e["id"] for e in declared.default["picture"]["entries"]]


def test_a_swapped_panel_hands_the_focus_on_and_keeps_its_name(qtbot: Any, declared: Declarations) -> None:
    recipe = declared.default["raw"]
    panels = shown(qtbot, declared, recipe)
    panels.show()
    panels.activateWindow()
    qtbot.waitUntil(panels.isActiveWindow)
    ident = next(e["id"] for e in recipe["entries"] if len(declared.fitting(e["slot"])) > 1)
    panel = panels.panel(ident)
    assert panel is not None
    other = next(s for s in declared.fitting(panel.info.slot) if s is not panel.info)
    told: list[Any] = []
    panels.swapped.connect(lambda *row: told.append(row))
    panel.kind.setFocus()
    panel.kind.setCurrentIndex(panel.kind.findData(other.name))
    panel.kind.activated.emit(panel.kind.currentIndex())
    assert told == [(ident, other.name)] and panel.kind.value() == panel.info.name
    rows = [{**e, "stage": other.name} if e["id"] == ident else e for e in recipe["entries"]]
    panels.show_recipe({**recipe, "entries": rows})
    panels.finish()
    new = panels.panel(ident)
    assert new is not None and new is not panel and new.kind.hasFocus() and new.kind.value() == other.name


READING = {"values": {"auto": {"temperature": 3120.0, "tint": 7.0}, "as shot": {"temperature": 2950.0, "tint": 4.0}}}
"""What white balance measured: the numbers that a choice stands for, under its name."""


def white_panel(qtbot: Any, declared: Declarations) -> StagePanel:
    info = declared.stages["white_balance"]
    panel = StagePanel("white_balance", info, [info], True)
    qtbot.addWidget(panel)
    return panel


def white(**values: Any) -> dict[str, Any]:
    return {"id": "white_balance", "stage": "white_balance", "slot": "white_balance", "values": values}


@pytest.mark.parametrize(("mode", "shown"), [("auto", 3120.0), ("as shot", 2950.0), ("custom", 5003.3)])
def test_what_was_measured_is_shown_and_moved(qtbot: Any, declared: Declarations, mode: str, shown: float) -> None:
    panel = white_panel(qtbot, declared)
    told: list[Any] = []
    panel.applied.connect(lambda _, values: told.append(values))
    panel.edited.connect(lambda _, name, v: told.append((name, v)))
    panel.show_entry(white(mode=mode), READING)
    row, choice = panel.controls["temperature"], panel.controls["mode"]
    assert isinstance(row, NumberRow) and row.slider.value == pytest.approx(shown)
    row.take(4000.0)
    if mode == "custom":
        assert told == [("temperature", 4000.0)]
        return
    numbers = READING["values"][mode]
    assert told == [{"mode": "custom", **numbers}, ("temperature", 4000.0)]
    told.clear()
    assert isinstance(choice, Control)
    choice.take("custom")
    assert told == [{"mode": "custom", **numbers}], "choosing it by hand does not make the picture jump"


def test_room_is_kept_for_candidates_that_come_later(qtbot: Any, declared: Declarations) -> None:
    panel = white_panel(qtbot, declared)
    assert panel.chips.isHidden()
    found = {"values": {"temperature": 5000.0}, "confidence": 0.7, "words": "auto: 5000 K"}
    panel.show_entry(white(), {"values": {}, "candidates": [found]})
    assert not panel.chips.isHidden() and len(panel.chips.rows) == 1
    panel.show_entry(white(), None)  # another photograph: nothing is measured yet
    assert not panel.chips.isHidden() and not panel.chips.rows
    again = white_panel(qtbot, declared)  # after a new start
    assert not again.chips.isHidden()
    again.show_entry(white(), {"values": {}, "candidates": []})
    assert again.chips.isHidden() and white_panel(qtbot, declared).chips.isHidden()


def test_numbers_set_by_hand_are_shown_where_they_count(qtbot: Any, declared: Declarations) -> None:
    panel = white_panel(qtbot, declared)
    row = panel.controls["temperature"]
    assert isinstance(row, NumberRow)
    panel.show_entry(white(temperature=4100.0), READING)
    assert row.slider.value == pytest.approx(4100)
    panel.show_entry(white(temperature=4100.0, mode="auto"), READING)
    assert row.slider.value == pytest.approx(3120)


def test_what_an_untouched_picture_begins_with_counts_as_its_default(qtbot: Any, declared: Declarations) -> None:
    """Its panel is not marked as changed, and a double-click or a reset goes back there, not to where the stage begins."""
    ident, p = next(
        (str(e["id"]), p)
        for e in declared.default["raw"]["entries"]
        for p in declared.stages[e["stage"]].params
        if p.kind == "number" and p.low < p.default < p.high and not p.advanced
    )
    begun = (p.default + p.high) / 2
    raw = recipes.with_value(declared.default["raw"], ident, p, begun)  # as a camera's saved default is
    panels = shown(qtbot, declared, raw, default=raw)
    panel = panels.panel(ident)
    assert panel is not None and not panel.changed
    control = panel.controls[p.name]
    assert isinstance(control, NumberRow)
    moved = recipes.with_value(raw, ident, p, p.default)
    panels.show_recipe(moved, default=raw)
    panels.finish()
    assert panel.changed and control.slider.value == p.default
    told: list[float] = []
    control.changed.connect(told.append)
    control.slider.reset()
    assert told == [begun] != [p.default]
    assert recipes.reset(moved, ident, raw) == raw
