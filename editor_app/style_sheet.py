"""The sheet that saves a style: its name, a word on it, and which parts of the development it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from editor_app.layout import Plane, Words, button, column, row
from editor_app.parts_sheet import Parts
from editor_app.shelf import frames
from editor_app.shortcuts import Sheet
from editor_app.widgets import Scroll
from editor_app.words import tr

if TYPE_CHECKING:
    from editor_app.desk import Desk

LATE = ("SCENE", "DISPLAY")
"""States that a style's stages read: what comes before belongs to the camera, what comes after to the file."""


def save_sheet(window: Desk) -> Sheet:
    """Ask for a name and the parts; what was changed, by hand or by a style, is ticked."""
    s = window.session
    d = s.document
    assert d is not None
    styled = {slot for k in d.recipe.get("looks", ()) for slot in k["values"]}
    rows = [
        (info, touched or info.slot in styled, frames(info))
        for info, touched, _ in s.shelf.parts(d.recipe)
        if info.reads in LATE and info.writes != "ENCODED" and info.params and len(info.slot.split()) == 1
    ]
    parts = Parts(rows, False)
    parts.looks.hide()
    name, words = QLineEdit(), QLineEdit()
    name.setPlaceholderText(tr("Name"))
    words.setPlaceholderText(tr("What it is like (optional)"))
    names = [k["name"] for k in d.recipe.get("looks", ())]
    name.setText(" + ".join(names) + (" 2" if len(names) == 1 else "") if names else "")
    note = Words("", "bad", 11)
    area = Scroll(Plane(column(parts, margin=(0, 0, 8, 0))))
    area.setFixedHeight(260)
    go, leave = button(tr("Save"), "primary"), button(tr("Cancel"))
    title = Words(tr("Save as a style"), "text", 14, 600)
    hint = Words(tr("What is ticked becomes part of it"), "soft", 11)
    card = Plane(
        column(title, name, words, hint, area, note, row(None, leave, 8, go), margin=(24, 20, 24, 20), gap=8),
        "panel",
        380,
        radius=8,
    )
    sheet = Sheet(window, card)

    def check() -> None:
        known = {x.name.lower(): x for x in s.declared.styles} if s.declared is not None else {}
        found = known.get(name.text().strip().lower())
        own = found is not None and found.own
        note.say(tr("Your style of that name will be replaced") if own else "", "warn")
        go.setEnabled(bool(name.text().strip()) and bool(parts.chosen()))

    def save() -> None:
        chosen = [slot for slot in parts.chosen()]
        row_ = {"name": name.text().strip(), "words": words.text().strip(), "slots": chosen}
        sheet.leave()
        s.do_style("save", recipe=d.recipe, **row_)

    name.textChanged.connect(lambda _: check())
    for box in parts.boxes.values():
        box.toggled.connect(lambda _: check())
    name.returnPressed.connect(lambda: save() if go.isEnabled() else None)
    leave.clicked.connect(sheet.leave)
    go.clicked.connect(save)
    check()
    sheet.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    name.setFocus()
    return sheet
