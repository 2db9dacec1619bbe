"""Sheets that ask which parts of a development are meant: to be pasted, or to be the default of a camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QWidget

from editor_app.declared import StageInfo
from editor_app.layout import Plane, Words, button, column, paragraph, row
from editor_app.panel import GROUPS, group_of
from editor_app.shortcuts import Sheet
from editor_app.widgets import Scroll
from editor_app.words import camera, tr

if TYPE_CHECKING:
    from editor_app.desk import Desk

Row = tuple[StageInfo, bool, bool]  # stage, whether it was changed, whether it is about the frame


class Parts(QWidget):
    """Boxes for the styles and for every stage, by the photographer's groups; what was changed is ticked."""

    def __init__(self, rows: Sequence[Row], looks: bool) -> None:
        super().__init__()
        self.boxes: dict[str, QCheckBox] = {}
        self.looks = _box(tr("Styles and their strengths"), looks)
        self.looks.setEnabled(looks)
        lines: list[QWidget | int] = [self.looks]
        group = ""
        places = {g: i for i, g in enumerate(GROUPS)}
        for info, touched, frame in sorted(rows, key=lambda r: places.get(group_of(r[0].group), len(places))):
            if group_of(info.group) != group:
                group = group_of(info.group)
                lines += [8, Words(tr(group).upper(), "faint", 10, 500, capitals=True)]
            box = _box(info.heading, touched and not frame)
            box.setProperty("quiet", not touched)
            box.setToolTip(info.note)
            self.boxes[info.slot] = box
            lines.append(box)
        self.setLayout(column(*lines, None, gap=2))

    def chosen(self) -> list[str]:
        """The slots that are ticked."""
        return [slot for slot, box in self.boxes.items() if box.isChecked()]

    def tick(self, on: bool) -> None:
        """All of them, or none."""
        for box in (*self.boxes.values(), self.looks):
            box.setChecked(on and box.isEnabled())


def _box(words: str, on: bool) -> QCheckBox:
    box = QCheckBox(words)
    box.setChecked(on)
    box.setFixedHeight(24)
    return box


def _sheet(
    window: Desk, title: str, words: str, parts: Parts, do: str, take: Callable[[], object], *more: QWidget
) -> Sheet:
    every, none = button(tr("All"), "link"), button(tr("None"), "link")
    every.clicked.connect(lambda: parts.tick(True))
    none.clicked.connect(lambda: parts.tick(False))
    area = Scroll(Plane(column(parts, margin=(0, 0, 8, 0))))
    area.setFixedHeight(300)
    text = paragraph(words)
    text.setProperty("soft", True)
    go, leave = button(do, "primary"), button(tr("Cancel"))
    card = Plane(
        column(
            row(Words(title, "text", 14, 600), None, every, none),
            text,
            area,
            *more,
            row(None, leave, 8, go),
            margin=(24, 20, 24, 20),
            gap=10,
        ),
        "panel",
        420,
        radius=8,
    )
    sheet = Sheet(window, card)
    leave.clicked.connect(sheet.leave)
    go.clicked.connect(sheet.leave)
    go.clicked.connect(lambda: take())
    go.setDefault(True)
    sheet.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    go.setFocus()
    return sheet


def paste_sheet(window: Desk) -> Sheet:
    """Which parts of the look that was copied are to be laid onto the chosen photographs."""
    shelf, photos = window.session.shelf, window.selection()
    parts = Parts(shelf.parts(), bool(shelf.copied and shelf.copied.get("looks")))
    n = len(photos)
    words = tr("Onto {0} photographs. What is not ticked stays as it is there.").format(n)
    if n == 1:
        words = tr("Onto {0}. What is not ticked stays as it is there.").format(photos[0].name)

    def take() -> None:
        shelf.paste(photos, parts.chosen(), parts.looks.isChecked())

    return _sheet(window, tr("Paste parts of the look"), words, parts, tr("Paste"), take)


def default_sheet(window: Desk) -> Sheet:
    """Which parts of this development untouched pictures of the camera are to begin with."""
    s = window.session
    d = s.document
    assert d is not None
    parts = Parts(s.shelf.parts(d.recipe), bool(d.recipe.get("looks")))
    name = camera(str(d.facts.get("make", "")), str(d.facts.get("model", "")))
    iso = _box(tr("Only from ISO {0:g} up").format(d.facts.get("iso") or 0), False)
    iso.setEnabled(bool(d.facts.get("iso")))
    forget = button(tr("Forget what was saved for this camera"), "link")
    words = tr("Untouched pictures of the {0} will begin with what is ticked. Edited ones stay as they are.")

    def take() -> None:
        s.shelf.keep_default(parts.chosen(), parts.looks.isChecked(), iso.isChecked())

    title = tr("Default of this camera")
    sheet = _sheet(window, title, words.format(name), parts, tr("Save"), take, iso, Plane(row(forget, None)))
    forget.clicked.connect(sheet.leave)
    forget.clicked.connect(lambda: s.shelf.keep_default(None))
    return sheet
