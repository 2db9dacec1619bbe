"""What a hand does with photographs as a whole: open, choose, rate, keep."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, QProcess, QSettings, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QWidget

from editor_app import compare, recent, recipes
from editor_app.catalog import LABELS, Photo
from editor_app.compare import Reference
from editor_app.comparing import Comparing
from editor_app.declared import StyleInfo
from editor_app.export import export_again, export_sheet
from editor_app.jobs import Queue
from editor_app.notice import Notice
from editor_app.parts_sheet import default_sheet, paste_sheet
from editor_app.shortcuts import Sheet
from editor_app.sight import SURROUNDS
from editor_app.stage_panel import COMPARE, COPY, DEFAULT, StagePanel
from editor_app.stage_strip import SOURCE
from editor_app.style_sheet import save_sheet
from editor_app.words import tr
from modisp.resources import home


class Desk(Comparing):
    """The frame, with photographs on it."""

    exports: Queue
    notice: Notice

    def _wire_desk(self) -> None:
        """The wires of strip, filmstrip and shelf."""
        s = self.session
        self.notice = Notice(self.stack)
        s.shelf.done.connect(self._say)
        s.warned.connect(self._warn)
        s.opening.connect(lambda _: self.notice.hide())
        s.keeper.unsaved.connect(self._unsaved)
        s.keeper.saved.connect(lambda _: self._saved())
        self.recent_menu = QMenu(tr("Open recent"), self)
        self.top.menus["File"].insertMenu(self.commands.actions["export"], self.recent_menu)
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self.strip.wanted.connect(self._boundary_menu)
        self.panels.asked.connect(self._panel_asked)
        self.strip.compared.connect(self._compare_boundary)
        self.film.strip.menu.connect(self._photo_menu)
        s.engine.refined.connect(lambda m: self.strip.show_took(m["took"]) if self._about(m) else None)

    def _about(self, m: Mapping[str, Any]) -> bool:
        d = self.session.document
        return d is not None and m["path"] == str(d.path)

    # --- what is said ---------------------------------------------------------------------------------------------

    def _say(self, words: str, action: str, do: Callable[[], None] | None) -> None:
        if words:
            self.viewer.say(words, action, do)

    def _warn(self, words: str) -> None:
        self.notice.say(words)

    def _unsaved(self, why: str) -> None:
        words = tr("Not saved yet, but kept here and tried again: {0}").format(why)
        self.notice.say(words, tr("Try again"), self.session.keeper.retry)

    def _saved(self) -> None:
        if self.notice.isVisible() and self.notice.action.text() == tr("Try again"):
            self.notice.hide()

    # --- opening --------------------------------------------------------------------------------------------------

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

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for rows in (recent.folders(), recent.files()):
            for path in rows:
                action = self.recent_menu.addAction(path.name or str(path), partial(self.open_paths, [path]))
                action.setToolTip(str(path))
                action.setEnabled(path.exists())
            self.recent_menu.addSeparator()

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files or folders."""
        self.session.open_paths(paths)

    def selection(self) -> list[Photo]:
        """The photographs that are chosen; the current one where none are."""
        chosen = [p for p in self.session.catalog.shown if p in self.film.strip.selection]
        return chosen or ([self.session.photo] if self.session.photo is not None else [])

    def select_all(self) -> None:
        """Choose every photograph that is shown."""
        self.film.strip.selection = set(self.session.catalog.shown)
        self.film.strip.selected.emit()
        self.film.strip.update()

    def rate(self, stars: int) -> None:
        """Stars for the chosen photographs."""
        self.session.shelf.rate(self.selection(), rating=stars)

    def label(self, i: int) -> None:
        """A colour label for the chosen photographs."""
        self.session.shelf.rate(self.selection(), label=LABELS[i])

    def snapshot(self) -> None:
        """Keep the picture as it is now."""
        if self.session.document is not None:
            self.session.document.snapshot()
            self.show_page(1)
            self.session.idle.ask()

    # --- sheets ---------------------------------------------------------------------------------------------------

    def show_sheet(self, make: Callable[[Any], Sheet]) -> None:
        """Lay a sheet over the window, if there is none yet."""
        if self.sheet is None:
            self.sheet = make(self)
            self.sheet.closed.connect(lambda: setattr(self, "sheet", None))

    def export(self, until: str = "") -> None:
        """Ask how the chosen photographs are to be exported: finished, or as they are after an entry."""
        if self.session.document is not None:
            self.show_sheet(lambda w: export_sheet(w, until))

    def export_again(self) -> None:
        """Export the chosen photographs as last time."""
        if self.session.document is not None:
            export_again(self, self.selection())

    def save_style(self) -> None:
        """Ask what a style of this development is to hold."""
        if self.session.document is not None:
            self.show_sheet(save_sheet)

    def do_style(self, what: str, style: StyleInfo | None) -> None:
        """Import, export, rename or delete a style."""
        s = self.session
        if what == "import":
            kinds = tr("Styles and colour tables (*.zip *.toml *.cube *.png *.tif *.tiff)")
            names, _ = QFileDialog.getOpenFileNames(self, tr("Import styles or colour tables"), "", kinds)
            if names:
                s.do_style("import", paths=names)
        elif what == "folder":
            folder = home("styles")
            folder.mkdir(parents=True, exist_ok=True)
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        elif style is not None and what == "export":
            name = QFileDialog.getExistingDirectory(self, tr("Export {0} into a folder").format(style.name))
            if name:
                s.do_style("export", key=style.key, folder=name)
        elif style is not None and what == "rename":
            name, yes = QInputDialog.getText(self, tr("Rename the style"), tr("Name"), text=style.name)
            if yes and name.strip():
                s.do_style("rename", key=style.key, name=name.strip())
        elif style is not None:
            s.do_style("delete", key=style.key)

    def compare_at_hand(self) -> None:
        """Compare two implementations of the stage that is being worked on."""
        ident = self.stage_at_hand()
        if ident:
            self.compare_stages(ident)
        else:
            self.viewer.say(tr("Click the panel of a stage first, then compare it"))

    def scale(self, percent: int) -> None:
        """Scale the interface; Qt takes it up when the editor starts."""
        QSettings().setValue("scale", percent)
        self.show_settings()
        self.viewer.say(
            tr("The interface is at {0} % from the next start on").format(percent), tr("Start anew"), self.restart
        )

    def restart(self) -> None:
        """Close, and start again with the photograph that is open."""
        photo = self.session.photo
        more = [str(photo.path)] if photo is not None else []
        if self.close():
            QProcess.startDetached(sys.executable, ["-m", "editor_app.main", *more])

    def paste_parts(self) -> None:
        """Ask which parts of the look are to be pasted."""
        if self.session.shelf.copied is not None and self.session.document is not None:
            self.show_sheet(paste_sheet)

    def keep_default(self) -> None:
        """Ask what untouched pictures of this camera are to begin with."""
        if self.session.document is not None:
            self.show_sheet(default_sheet)

    # --- menus ----------------------------------------------------------------------------------------------------

    def _compare_boundary(self, ident: str) -> None:
        d, declared = self.session.document, self.session.declared
        if d is not None and declared is not None:
            rows = [r for r in compare.boundaries(d, declared) if r.until == ident]
            self.compare_with(rows[0] if rows else Reference("result", tr("Result")))

    def _boundary_menu(self, ident: str, at: QPoint) -> None:
        b = next(b for b in self.strip.rows if b.ident == ident)
        menu = QMenu(self)
        menu.addAction(tr("View this picture"), lambda: self.strip.picked.emit(self.strip.told(ident)))
        menu.addAction(tr("Compare with it"), partial(self._compare_boundary, ident))
        menu.addAction(tr("Export this picture…"), partial(self.export, self.strip.told(ident)))
        if ident != SOURCE:
            menu.addSeparator()
            declared, d = self.session.declared, self.session.document
            if declared is not None and d is not None:
                rivals = declared.fitting(b.info.slot, d.facts.get("accepted"))
                both = menu.addAction(tr("Compare two implementations"), partial(self.compare_stages, ident))
                both.setEnabled(len(rivals) > 1)
            menu.addAction(tr("Show its panel"), partial(self.panels.reveal, ident))
            menu.addAction(tr("Reset {0}").format(b.info.heading), partial(self.reset, ident))
        menu.exec(at)

    def reset(self, ident: str = "") -> None:
        """One stage back to its defaults: the given one, else the one that is being worked on."""
        d = self.session.document
        ident = ident or self.stage_at_hand()
        if d is not None and ident:
            d.reset(ident)
        elif d is not None:
            self.viewer.say(tr("Click the panel of a stage first, then reset it"))

    def stage_at_hand(self) -> str:
        """The entry that is being worked on: its panel has the focus, it is viewed, or it was edited last."""
        w: QWidget | None = self.focusWidget()
        while w is not None:
            if isinstance(w, StagePanel):
                return w.ident
            w = w.parentWidget()
        if self.session.until and self.session.until != SOURCE:
            return self.session.until
        d = self.session.document
        return d.last_entry() if d is not None else ""

    def _panel_asked(self, ident: str, what: str) -> None:
        """What a panel's menu asks for."""
        d, shelf = self.session.document, self.session.shelf
        if d is None:
            return
        if what == COMPARE:
            self.compare_stages(ident)
        elif what == DEFAULT:
            self.keep_default()
        elif what == COPY:
            shelf.copy()
            self.refresh()
        elif shelf.copied is not None and self.session.photo is not None:
            shelf.paste([self.session.photo], [recipes.entry(d.recipe, ident)["slot"]], looks=False)
        else:
            self.viewer.say(tr("Nothing was copied yet"))

    def _photo_menu(self, at: QPoint) -> None:
        menu, actions = QMenu(self), self.commands.actions
        names = ["copy", "paste", "paste_parts", "", "virtual_copy", "delete_copy", "", "export", "", "xmp", "", "all"]
        for name in names:
            if name:
                menu.addAction(actions[name])
            else:
                menu.addSeparator()
        photos = self.selection()
        if photos:
            show = partial(QDesktopServices.openUrl, QUrl.fromLocalFile(str(photos[0].path.parent)))
            menu.addAction(tr("Show in its folder"), show)
        menu.exec(at)

    def delete_copy(self) -> None:
        """Delete the chosen virtual copies; the photographs themselves are never deleted."""
        copies = [p for p in self.selection() if p.copy]
        for photo in copies:
            self.session.shelf.remove_copy(photo)
        if not copies:
            self.viewer.say(tr("Only virtual copies can be deleted here; photographs stay"))

    def next_surround(self) -> None:
        """Another grey round the picture; the first is the theme's."""
        v = self.viewer
        v.set_surround(SURROUNDS[(SURROUNDS.index(v.surround) + 1) % len(SURROUNDS)])
