"""The menu on the photograph: tools, zoom, what to compare with, marks, and the grey round it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from editor_app import compare
from editor_app.sight import SURROUNDS
from editor_app.words import tr

if TYPE_CHECKING:
    from editor_app.comparing import Comparing


def surround_words(colour: str) -> str:
    """A surround's name for people."""
    return {
        "": tr("As the theme"),
        "#000000": tr("Black"),
        "#2b2b2b": tr("Dark grey"),
        "#777777": tr("Middle grey"),
        "#bdbdbd": tr("Light grey"),
        "#ffffff": tr("White"),
    }[colour]


def picture_menu(w: Comparing) -> QMenu:
    """What can be done with the photograph that is shown."""
    s, v, actions = w.session, w.viewer, w.commands.actions
    menu = QMenu(w)
    for names in (("crop", "pick", "adjust"), ("fit", "one", "two"), ("copy", "paste", "snapshot")):
        menu.addActions([actions[n] for n in names])
        menu.addSeparator()
    d, declared = s.document, s.declared
    if d is not None and declared is not None:
        versions = menu.addMenu(tr("Compare with"))
        for r in compare.references(d, declared):
            if r.until and not versions.isEmpty() and not versions.actions()[-1].data():
                versions.addSeparator()
            entry = versions.addAction(r.words, partial(w.compare_with, r))
            entry.setData(r.until)
        menu.addActions([actions["two_up"]])
        menu.addSeparator()
    menu.addActions([actions[n] for n in ("clipping", "gamut", "grid")])
    menu.addSeparator()
    surround = menu.addMenu(tr("Surround"))
    group = QActionGroup(surround)
    for colour in SURROUNDS:
        choice = QAction(surround_words(colour), surround, checkable=True, checked=colour == v.surround)
        choice.triggered.connect(partial(v.set_surround, colour))
        group.addAction(choice)
        surround.addAction(choice)
    return menu
