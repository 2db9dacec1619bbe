"""The sheet that says which profile the monitor has, and lets another be chosen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QFileDialog, QWidget

from editor_app.layout import Plane, Words, button, column, paragraph, row
from editor_app.monitor import NONE, SETTING
from editor_app.shortcuts import Sheet
from editor_app.sight import Sight
from editor_app.words import tr


def monitor_sheet(window: QWidget, viewer: Sight) -> Sheet:
    """Which profile is in force: the system's, a file's, or none; a choice counts at once."""
    now = Words("", "text", width=400)
    problem = paragraph("", 11)
    problem.setMinimumHeight(32)

    def show() -> None:
        now.say(viewer.monitor.words)
        problem.setText(viewer.monitor.problem or tr("It counts on the way to the screen only, never in exports."))

    def take(value: str) -> None:
        QSettings().setValue(SETTING, value)
        viewer.monitor.load()
        viewer.update()
        show()

    def ask() -> None:
        start = str(Path.home())
        name, _ = QFileDialog.getOpenFileName(
            window, tr("Monitor profile"), start, tr("ICC profiles (*.icc *.icm);;All files (*)")
        )
        if name:
            take(name)

    system, file, none, done = (button(w) for w in (tr("System's"), tr("File…"), tr("None"), tr("Done")))
    done.setProperty("kind", "primary")
    system.clicked.connect(lambda: take(""))
    file.clicked.connect(ask)
    none.clicked.connect(lambda: take(NONE))
    head = Words(tr("Monitor profile"), px=14, weight=600)
    choose = row(system, file, none, None, done, gap=8)
    card = Plane(column(head, 12, now, 4, problem, 12, choose, margin=(24, 20, 24, 20)), "panel", 480, radius=8)
    sheet = Sheet(window, card)
    done.clicked.connect(sheet.leave)
    done.setFocus()
    show()
    return sheet
