"""The window: every part in its place, and the wires between them and the session."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent

from editor_app.bars import TopBar
from editor_app.commands import commands_of
from editor_app.desk import Desk
from editor_app.export import Queue
from editor_app.words import tr


class Window(Desk):
    """The window: all parts, wired."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("modisp")
        self.setAcceptDrops(True)
        self.exports = Queue(self)
        self._wire()
        self.refold()
        self._live(False)
        QTimer.singleShot(0, self.session.start)

    def _wire(self) -> None:
        s, v, p = self.session, self.viewer, self.panels
        s.declared_changed.connect(self._declared)
        s.opening.connect(self._opening)
        s.opened.connect(self._opened)
        s.failed.connect(self._failed)
        s.recipe_changed.connect(self._recipe)
        s.pictured.connect(self._pictured)
        s.refining.connect(self._refining)
        s.viewed.connect(self._viewed)
        s.said.connect(v.say)
        s.previews.ready.connect(self._preview)
        s.engine.strip.connect(self._strip)
        s.engine.cover.connect(self._cover)
        s.engine.probed.connect(self._probed)
        s.keeper.saved.connect(lambda at: self.status.show_saved(tr("Saved {0}").format(at)))
        away = tr("This folder cannot be written to; your edits are kept in your own folder")
        s.keeper.away.connect(lambda: v.say(away))
        s.keeper.unsaved.connect(v.say)
        s.keeper.conflict.connect(self._conflict)
        v.moved.connect(self._moved)
        v.pointed.connect(self._pointed)
        v.gone.connect(lambda: self.status.show_values(None))
        v.picked.connect(self._picked)
        v.cancelled.connect(s.cancel_raw)
        v.returned.connect(lambda: s.view(""))
        self.status.cancelled.connect(s.cancel_raw)
        p.edited.connect(self._edited)
        p.done.connect(self._done)
        p.applied.connect(partial(self._document, "apply"))
        p.switched.connect(partial(self._document, "switch"))
        p.reset.connect(partial(self._document, "reset"))
        p.swapped.connect(lambda _, stage: s.swap(stage))
        p.viewed.connect(lambda i, on: s.view(i if on else ""))
        p.picking.connect(self._pick)
        self.strip.picked.connect(s.view)
        self.strip.revealed.connect(p.reveal)
        self.film.strip.chosen.connect(s.open)
        self.history.snapshot.connect(self.snapshot)
        self.styles.tried.connect(s.try_style)
        self.styles.applied.connect(s.apply_style)
        self.styles.strength.connect(self._strength)
        self.styles.removed.connect(lambda n: s.style_strength(n, None))
        self.styles.done.connect(self._done)
        self.histogram.plot.marks.connect(self._marks)
        self.histogram.plot.kept.connect(self.commands.actions["clipping"].trigger)
        self.top.zoomed.connect(v.set_zoom)
        if s.declared is not None:
            self._declared()

    # --- hand ---------------------------------------------------------------------------------------------------------

    def _document(self, do: str, *what: Any) -> None:
        if self.session.document is not None:
            getattr(self.session.document, do)(*what)

    def _edited(self, ident: str, param: str, value: Any) -> None:
        if self.session.document is not None:
            self.session.hold(True)
            self.session.document.edit(ident, param, value)

    def _strength(self, name: str, v: float) -> None:
        self.session.hold(True)
        self.session.style_strength(name, v)

    def _done(self) -> None:
        if self.session.document is not None:
            self.session.document.finish()
        self.session.hold(False)

    def refresh(self) -> None:
        d, live = self.session.document, self.session.document is not None
        names = ["snapshot", "copy", "reset_all", "split", "before", "fit", "one", "two", "zoom", "zoom_in", "zoom_out"]
        names += ["clipping", "gamut", "grid", "boundary_before", "boundary_after", "result"]
        self.commands.enable(names, live)
        self.commands.enable(("paste",), live and self.session.shelf.copied is not None)
        self.commands.enable(("undo",), d is not None and d.can_undo)
        self.commands.enable(("redo",), d is not None and d.can_redo)

    def build(self) -> None:
        self.commands = commands_of(self)
        self.top = TopBar(self.commands)
        self.commands.keep_to(self.viewer, ("docks", "bars"))  # elsewhere Tab goes from control to control

    # --- Qt -----------------------------------------------------------------------------------------------------------

    def keyReleaseEvent(self, e: QKeyEvent) -> None:
        if e.key() == Qt.Key.Key_Backslash and not e.isAutoRepeat() and self.viewer.peek:
            self.compare(peek=False)
        super().keyReleaseEvent(e)

    def escape(self) -> None:
        """Leave what is open, cancel what is running: the nearest first."""
        if self.viewer.picking:
            self.viewer.pick(False)
        elif self._floating and not self.dock.isHidden():
            self.dock.hide()
            self.show_page(self.pages.currentIndex())
        elif self.session.until:
            self.session.view("")
        elif self.hidden:
            self.full_screen() if self.isFullScreen() else self.hide_parts(*self.hidden)
        elif self.viewer.work is not None:
            self.session.cancel_raw()

    def dragEnterEvent(self, e: QDragEnterEvent) -> None:
        if e.mimeData().hasUrls():
            e.acceptProposedAction()

    def dropEvent(self, e: QDropEvent) -> None:
        paths = [Path(u.toLocalFile()) for u in e.mimeData().urls() if u.isLocalFile()]
        if paths:
            self.open_paths(paths)

    def closeEvent(self, e: QCloseEvent) -> None:
        QSettings().setValue("window/geometry", self.saveGeometry())
        self.exports.close()
        self.session.close()
        super().closeEvent(e)
