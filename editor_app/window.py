"""The window: every part in its place, and the wires between them and the session."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QImage, QKeyEvent
from PySide6.QtWidgets import QFileDialog, QMessageBox

from editor_app import recent
from editor_app.bars import TopBar
from editor_app.catalog import LABELS, Photo
from editor_app.commands import commands_of
from editor_app.export import Queue
from editor_app.frame import Frame
from editor_app.images import keep_aside
from editor_app.words import tr
from editor_app.worker import Picture

FOLD, SHORT = 1360, 760
"""Below this width the left dock is a rail; below this height filmstrip and strip are low."""


class Window(Frame):
    """The frame at work."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("modisp")
        self.setAcceptDrops(True)
        self.exports = Queue(self)
        self.picking = ("", "")
        self._probe: tuple[float, float] | None = None
        self._probing = False
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

    # --- the session's news -------------------------------------------------------------------------------------------

    def _declared(self) -> None:
        d = self.session.declared
        assert d is not None
        self.panels.set_declared(d)
        self.styles.set_styles(d.styles)
        if self.session.document is None:
            self.panels.show_recipe(d.default["raw"])
            self.strip.show_recipe(d.default["raw"], d, False)
        else:
            self._recipe()

    def _live(self, on: bool) -> None:
        """Whether there is a photograph to work on."""
        self.panels.set_live(on)
        if not on:
            self.styles.show_recipe(None)
        self.histogram.setEnabled(on)
        self.commands.enable(("export",), on)
        self.top.set_live(on)
        self.stack.setCurrentWidget(self.viewer if on or self.session.photo is not None else self.welcome)
        self.refresh()

    def _opening(self, photo: Photo) -> None:
        self.setWindowTitle(f"{photo.path.name} - modisp")
        self.viewer.clear(self.session.previews.images.get(str(photo.path)))
        self.viewer.what = ("", "")
        self.viewer.setFocus()
        self.strip.forget()
        self.styles.forget()
        self.histogram.show_told(None)
        self.histogram.show_facts(None)
        self.status.show_file(photo.path.name, None)
        self.panels.set_viewed("")
        self.film.strip.selection = {photo.path}
        self.film.strip.reveal()
        self._live(False)
        recent.remember(photo.path)

    def _preview(self, path: str, kind: str, image: QImage | None) -> None:
        photo = self.session.photo
        if kind == "large" and photo is not None and str(photo.path) == path and image is not None:
            full = self.viewer.port.full if self.session.document is not None else (image.width(), image.height())
            self.viewer.preview = image
            self.viewer.set_full(full)
            self.viewer.update()

    def _opened(self) -> None:
        d = self.session.document
        assert d is not None
        self.history.show_document(d)
        self.info.show_facts(str(d.path), d.facts)
        self.histogram.show_facts(d.facts)
        size = d.facts.get("size") or (0, 0)
        self.status.show_file(d.path.name, (int(size[0]), int(size[1])))
        d.history_changed.connect(self.refresh)
        self._live(True)
        self._recipe()

    def _failed(self, why: str) -> None:
        self.viewer.message = why
        self._live(False)
        self.viewer.update()
        if self.session.photo is None:
            self.welcome.say(why)

    def _recipe(self) -> None:
        d, declared = self.session.document, self.session.declared
        if d is None or declared is None:
            return
        self.panels.show_recipe(d.recipe, self.session.readings, d.facts.get("accepted"))
        self.strip.show_recipe(d.recipe, declared, True)
        self.styles.show_recipe(d.recipe)
        self.refresh()

    def _pictured(self, picture: Picture, role: str) -> None:
        if role == "before":
            self.viewer.show_before(picture)
            return
        self.viewer.show_picture(picture)
        self.histogram.show_told(picture.told)
        refining = bool(picture.told["refining"])
        self.strip.show_work(self.strip.refining if refining else None, not refining)
        d = self.session.document
        if d is not None and not refining and not self.session.dragging:
            self.panels.show_recipe(d.recipe, self.session.readings, d.facts.get("accepted"))
            if role == "base" and not self.session.until and self.session.trying is None:
                self._keep(picture, d.path)
        self._pill(picture)
        self.top.show_zoom(self.viewer.port)

    def _keep(self, picture: Picture, path: Path) -> None:
        """The last rendering becomes the thumbnail, and is shown at once when the photograph is opened again."""
        small = picture.image.scaledToHeight(112, Qt.TransformationMode.SmoothTransformation)
        self.session.previews.put(path, small)
        if self.session.keeper.edited:
            keep_aside(path, "shown", picture.image)
        self.film.strip.update()

    def _pill(self, picture: Picture) -> None:
        s, told = self.session, picture.told
        if not s.until:
            self.viewer.what = ("", "")
            return
        d = s.document
        info = next((b.info for b in self.strip.rows if b.ident == s.until), None)
        if d is not None and info is not None:
            ev = float(told["ev"])
            more = str(told["state"]) + (f"   {tr('view exposure')} {ev:+.1f} EV".replace("-", "\u2212") if ev else "")
            self.viewer.what = (tr("After {0}").format(info.heading), more)
        self.viewer.update()

    def _viewed(self, ident: str) -> None:
        self.panels.set_viewed(ident)
        self.strip.set_viewed(ident)
        if not ident:
            self.viewer.what = ("", "")
            self.viewer.update()

    def _refining(self, work: Any) -> None:
        if work is None:
            self.viewer.work = None
            self.strip.show_work(None, True)
            self.status.show_work("", 0, 0)
        else:
            words, fraction, left = work
            self.viewer.work = (tr("Refining: {0}").format(words), fraction, left)
            self.strip.show_work((fraction, left), False)
            self.status.show_work(words, fraction, left)
        self.viewer.update()

    def _strip(self, m: dict[str, Any]) -> None:
        d = self.session.document
        if d is not None and m["path"] == str(d.path):
            self.strip.show_thumb(m)

    def _cover(self, m: dict[str, Any]) -> None:
        d = self.session.document
        if d is not None and m["path"] == str(d.path):
            self.styles.show_cover(m)

    def _conflict(self) -> None:
        box = QMessageBox(self)
        box.setText(tr("The sidecar of this photograph was changed elsewhere."))
        mine = box.addButton(tr("Keep mine"), QMessageBox.ButtonRole.AcceptRole)
        box.addButton(tr("Take theirs"), QMessageBox.ButtonRole.RejectRole)
        box.exec()
        self.session.keeper.answer(box.clickedButton() is mine)

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

    def _moved(self) -> None:
        self.top.show_zoom(self.viewer.port)
        self.session.pump()

    def _marks(self, on: bool) -> None:
        self.viewer.clipping = on or self.commands.actions["clipping"].isChecked()
        self.viewer.update()

    def _pointed(self, x: float, y: float) -> None:
        current = self.viewer.current
        if current is None:
            return
        left, top, w, h = current.rect
        self.status.show_place(int(x), int(y))
        self._probe = ((x - left) / w, (y - top) / h)
        if not self._probing:
            self._ask_probe()

    def _ask_probe(self) -> None:
        if self._probe is not None:
            self._probing = True
            self.session.engine.send("probe", x=self._probe[0], y=self._probe[1], serial=0)
            self._probe = None

    def _probed(self, m: dict[str, Any]) -> None:
        self._probing = False
        self.status.show_values(m)
        self._ask_probe()

    def _pick(self, ident: str, param: str) -> None:
        self.picking = (ident, param)
        self.viewer.pick(True)
        self.viewer.say(tr("Point at something that should be grey, or draw over it"))

    def _picked(self, rect: tuple[float, float, float, float]) -> None:
        ident, param = self.picking
        d = self.session.document
        if d is not None and ident:
            self.session.pick(ident, param, rect)

    def open_files(self) -> None:
        """Ask for files."""
        start = recent.folder()
        names, _ = QFileDialog.getOpenFileNames(self, tr("Open photographs"), start)
        if names:
            self.open_paths([Path(n) for n in names])

    def open_folder(self) -> None:
        """Ask for a folder."""
        name = QFileDialog.getExistingDirectory(self, tr("Open a folder"), recent.folder())
        if name:
            self.open_paths([Path(name)])

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files or folders."""
        self.session.open_paths(paths)

    def selection(self) -> list[Path]:
        """The photographs that are chosen; the current one where none are."""
        chosen = [p.path for p in self.session.catalog.shown if p.path in self.film.strip.selection]
        photo = self.session.photo
        return chosen or ([photo.path] if photo is not None else [])

    def rate(self, stars: int) -> None:
        """Stars for the chosen photographs."""
        self.session.rate(self.selection(), rating=stars)

    def label(self, i: int) -> None:
        """A colour label for the chosen photographs."""
        self.session.rate(self.selection(), label=LABELS[i])

    def snapshot(self) -> None:
        """Keep the picture as it is now."""
        if self.session.document is not None:
            self.session.document.snapshot()
            self.show_page(1)

    def compare(self, split: bool | None = None, peek: bool | None = None) -> None:
        """Show the picture as it was opened: split with the one of now, or alone."""
        v = self.viewer
        v.split = v.split if split is None else split
        v.peek = v.peek if peek is None else peek
        self.session.compare = v.split or v.peek or v.before is not None
        self.top.show_split(v.split)
        v.update()
        self.session.pump()

    def refresh(self) -> None:
        d, live = self.session.document, self.session.document is not None
        names = ["snapshot", "copy", "reset_all", "split", "before", "fit", "one", "two", "zoom", "zoom_in", "zoom_out"]
        names += ["clipping", "gamut", "grid", "boundary_before", "boundary_after", "result"]
        self.commands.enable(names, live)
        self.commands.enable(("paste",), live and self.session.copied is not None)
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
