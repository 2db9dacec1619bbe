"""The window: every part in its place, and the wires between them and the session."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QMessageBox

from editor_app.bars import TopBar
from editor_app.commands import commands_of
from editor_app.desk import Desk
from editor_app.jobs import Queue
from editor_app.queue_list import said
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
        s, p = self.session, self.panels
        s.declared_changed.connect(self._declared)
        s.opening.connect(self._opening)
        s.opened.connect(self._opened)
        s.failed.connect(self._failed)
        s.recipe_changed.connect(self._recipe)
        s.pictured.connect(self._pictured)
        s.refining.connect(self._refining)
        s.viewed.connect(self._viewed)
        s.previews.ready.connect(self._preview)
        s.engine.strip.connect(self._strip)
        s.engine.cover.connect(self._cover)
        s.keeper.saved.connect(lambda at: self.status.show_saved(tr("Saved {0}").format(at)))
        away = tr(
            "The folder of this photograph cannot be written to, or its disk is full: your edits are kept in your own folder"
        )
        s.keeper.away.connect(lambda: self.notice.say(away))
        s.keeper.conflict.connect(self._conflict)
        self.status.cancelled.connect(s.cancel_raw)
        self._wire_pointing()
        self._wire_adjusting()
        self._wire_comparing()
        self._wire_desk()
        p.edited.connect(self._edited)
        p.done.connect(self._done)
        p.recalled.connect(self._recalled)
        p.applied.connect(partial(self._document, "apply"))
        p.switched.connect(partial(self._document, "switch"))
        p.reset.connect(partial(self._document, "reset"))
        p.swapped.connect(lambda _, stage: s.swap(stage))
        p.viewed.connect(lambda i, on: s.view(i if on else ""))
        self.strip.picked.connect(s.view)
        self.strip.revealed.connect(p.reveal)
        self.film.strip.chosen.connect(s.open)
        self.history.snapshot.connect(self.snapshot)
        self.history.tried.connect(s.try_recipe)
        self.styles.tried.connect(s.try_style)
        self.styles.applied.connect(s.apply_style)
        self.styles.strength.connect(self._strength)
        self.styles.removed.connect(lambda n: s.style_strength(n, None))
        self.styles.done.connect(self._done)
        self.styles.saving.connect(self.save_style)
        self.styles.asked.connect(self.do_style)
        s.styles_changed.connect(self._styles)
        self.exports.changed.connect(lambda: self.status.show_queue(said(self.exports)))
        self.exports.finished.connect(self._exported)
        self.status.queue_wanted.connect(self.export)
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

    def _recalled(self, ident: str, param: str) -> None:
        d = self.session.document
        if d is not None and not d.recall(ident, param):
            self.viewer.say(tr("There is no snapshot yet whose value it could take"))

    def _strength(self, name: str, v: float, slot: str) -> None:
        self.session.hold(True)
        self.session.style_strength(name, v, slot)

    def _exported(self, done: int, failed: int) -> None:
        if self.sheet is None:
            words = tr("{0} exported").format(done) + (", " + tr("{0} failed").format(failed) if failed else "")
            self.viewer.say(words, tr("Show the queue"), self.export)

    def _done(self) -> None:
        if self.session.document is not None:
            self.session.document.finish()
        self.session.hold(False)

    def refresh(self) -> None:
        d, live = self.session.document, self.session.document is not None
        names = ["snapshot", "copy", "reset_all", "before", "fit", "one", "two", "zoom", "zoom_in", "zoom_out"]
        names += [
            "move",
            "crop",
            "pick",
            "adjust",
            "ranked_1",
            "ranked_2",
            "ranked_3",
            "split",
            "side",
            "difference",
            "two_up",
            "next_version",
            "camera",
            "loupe",
            "scope",
        ]
        names += [
            "export_again",
            "export_here",
            "xmp",
            "save_style",
            "default",
            "reset_stage",
            "virtual_copy",
            "rivals",
        ]
        names += ["clipping", "gamut", "grid", "boundary_before", "boundary_after", "result"]
        self.commands.enable(names, live)
        self.commands.enable(("delete_copy",), any(p.copy for p in self.selection()))
        self.commands.enable(("paste", "paste_parts"), live and self.session.shelf.copied is not None)
        self.commands.enable(("undo",), d is not None and d.can_undo)
        self.commands.enable(("redo",), d is not None and d.can_redo)

    def build(self) -> None:
        self.commands = commands_of(self)
        self.show_settings()
        self.top = TopBar(self.commands)
        self.commands.keep_to(self.viewer, ("docks", "bars"))  # elsewhere Tab goes from control to control

    # --- Qt -----------------------------------------------------------------------------------------------------------

    def keyReleaseEvent(self, e: QKeyEvent) -> None:
        if e.key() == Qt.Key.Key_Backslash and not e.isAutoRepeat() and self.viewer.peek:
            self.peek(False)
        super().keyReleaseEvent(e)

    def escape(self) -> None:
        """Leave what is open, cancel what is running: the nearest first."""
        if self.viewer.tool is not None:
            self.viewer.tool.cancel()
        elif self._floating and not self.dock.isHidden():
            self.fold_dock()
        elif self.viewer.mode != "one":
            self.leave_comparison()
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

    def showEvent(self, e: QShowEvent) -> None:
        super().showEvent(e)
        if self.focusWidget() is None:  # else the first button would be ringed before anybody has pressed Tab
            self.viewer.setFocus() if self.viewer.isVisible() else self.welcome.setFocus()

    def closeEvent(self, e: QCloseEvent) -> None:
        QSettings().setValue("window/geometry", self.saveGeometry())
        if not self._may_close():
            e.ignore()
            return
        self.exports.close()
        self.session.close()
        super().closeEvent(e)

    def _may_close(self) -> bool:
        """Whether all edits are saved, all exports done, or may be given up."""
        keeper = self.session.keeper
        while not keeper.settle() and not self.closing:
            box = QMessageBox(self)
            names = ", ".join(Path(p).name for p, _ in keeper.failed) or tr("This photograph")
            box.setText(tr("The edits of {0} could not be saved.").format(names))
            box.setInformativeText(keeper.problem)
            again = box.addButton(tr("Try again"), QMessageBox.ButtonRole.AcceptRole)
            lose = box.addButton(tr("Close without them"), QMessageBox.ButtonRole.DestructiveRole)
            box.addButton(tr("Stay"), QMessageBox.ButtonRole.RejectRole)
            box.exec()
            if box.clickedButton() is lose:
                break
            if box.clickedButton() is not again:
                return False
        waiting = sum(not j.over for j in self.exports.jobs)
        if waiting and not self.closing:
            box = QMessageBox(self)
            box.setText(tr("{0} exports are not done yet.").format(waiting))
            stop = box.addButton(tr("Stop them and close"), QMessageBox.ButtonRole.DestructiveRole)
            box.addButton(tr("Stay"), QMessageBox.ButtonRole.RejectRole)
            box.exec()
            return box.clickedButton() is stop
        return True

    closing = False  # whether it is closed for good, without a question
