"""Hands for the tests: dragging on the picture, taking the crop tool."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from editor_app import compare, recipes
from editor_app.crop_tool import CropTool
from editor_app.window import Window

W, H = 480, 320
"""The size of the pictures at work."""


def crop(qtbot: Any, w: Window) -> CropTool:
    w.commands.actions["crop"].trigger()
    tool = w.viewer.tool
    assert isinstance(tool, CropTool)
    qtbot.waitUntil(lambda: tool.framing is not None)
    return tool


def drag(qtbot: Any, w: Window, a: QPointF, b: QPointF, keys: Any = Qt.KeyboardModifier.NoModifier) -> None:
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(w.viewer, left, keys, a.toPoint())
    for t in (0.3, 0.7, 1.0):
        at = a + (b - a) * t
        place = QPointF(w.viewer.mapToGlobal(at.toPoint()))
        QApplication.sendEvent(w.viewer, QMouseEvent(QEvent.Type.MouseMove, at, place, left, left, keys))
    qtbot.mouseRelease(w.viewer, left, keys, b.toPoint())


def crop_values(w: Window) -> dict[str, Any]:
    d, declared = w.session.document, w.session.declared
    assert d is not None and declared is not None
    found = compare.framer(d.recipe, declared)
    assert found is not None
    return {k: recipes.value(found[0], p) for k, p in found[1].all.items()}
