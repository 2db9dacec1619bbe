"""What the session tells, shown in the window's parts."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMessageBox

from editor_app import recent
from editor_app.catalog import Photo
from editor_app.document import Document
from editor_app.frame import Frame
from editor_app.images import THUMB, full_of, keep_aside, key_of, shown_kind, sized, unpacked
from editor_app.rendering import OTHERS
from editor_app.stage_strip import SOURCE
from editor_app.words import tr
from editor_app.worker import Later, Picture


class News(Frame):
    """The frame, kept up to date."""

    def __init__(self) -> None:
        super().__init__()
        self._last: tuple[Picture, Document] | None = None
        self._keeping = Later(self, 1000, self._keep_last)
        self._waits = Later(self, 500, self._wait)
        self.session.leaving.connect(self._keeping.now)

    def refresh(self) -> None:
        """Let those commands be used that can be."""
        raise NotImplementedError

    def _declared(self) -> None:
        d = self.session.declared
        assert d is not None
        self.panels.set_declared(d)
        self._styles()
        if self.session.document is None:
            self.panels.show_recipe(d.default["raw"], default=d.default["raw"])
            self.strip.show_recipe(d.default["raw"], d, False)
        else:
            self._recipe()

    def _styles(self) -> None:
        d = self.session.declared
        if d is not None:
            parts = {s: i.heading for i in reversed(list(d.stages.values())) for s in i.slot.split()}
            self.styles.set_styles(d.styles, parts)

    def _live(self, on: bool) -> None:
        """Whether there is a photograph to work on."""
        self._between(False)
        self.panels.set_live(on)
        if not on:
            self.styles.show_recipe(None)
        self.histogram.setEnabled(on)
        self.commands.enable(("export",), on)
        self.top.set_live(on)
        self._stage()

    def _between(self, on: bool) -> None:
        """Between two photographs: nothing flickers, but nothing can be touched either."""
        for w in (self.panels.area, self.styles, self.history):
            w.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, on)

    def _stage(self) -> None:
        live = self.session.document is not None or self.session.photo is not None
        self.stack.setCurrentWidget(self.viewer if live else self.welcome)
        self.refresh()

    def _opening(self, photo: Photo) -> None:
        self.setWindowTitle(f"{photo.name} - modisp")
        small = self.session.previews.images.get(key_of(*photo.key))
        self.viewer.clear(small, full_of(small) if small is not None else None)
        self._waits.ask()
        self.viewer.what = ("", "")
        self.viewer.setFocus()
        self.strip.forget()
        self.styles.forget()
        self.histogram.show_picture(None)
        self.histogram.show_facts(None)
        self.status.show_file(photo.name, None)
        self.panels.set_viewed("")
        if photo not in self.film.strip.selection:
            self.film.strip.selection = {photo}
        self.film.strip.reveal()
        self._between(True)
        self.commands.enable(("export",), False)
        self._stage()
        recent.remember(photo.path)

    def _wait(self) -> None:
        """Nothing has been rendered for a while: say what is waited for."""
        s, v = self.session, self.viewer
        if v.base is not None or v.message or s.photo is None:
            return
        if not s.engine.ready:
            v.waiting = tr("Starting")
        elif s.document is None:
            v.waiting = tr("Opening")
        else:  # with an empty cache, what is compiled for this processor is compiled now
            long = tr("Rendering; the first time on a computer takes longer")
            v.waiting = long if v.waiting and v.waiting != tr("Opening") else tr("Rendering")
        v.update()
        self._waits.ask()

    def _preview(self, key: str, kind: str, image: QImage | None) -> None:
        photo = self.session.photo
        if kind == "large" and photo is not None and key_of(*photo.key) == key and image is not None:
            full = self.viewer.port.full if self.session.document is not None else full_of(image)
            self.viewer.show_preview(image)
            self.viewer.set_full(full)

    def _opened(self) -> None:
        d = self.session.document
        assert d is not None
        self.history.show_document(d)
        self.info.show_facts(str(d.path), d.facts)
        self.histogram.show_facts(d.facts)
        size = d.facts.get("size") or (0, 0)
        photo = self.session.photo
        self.status.show_file(photo.name if photo is not None else d.path.name, (int(size[0]), int(size[1])))
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
        hurry = self.session.dragging
        self.panels.show_recipe(d.recipe, self.session.readings, d.facts.get("accepted"), d.default, hurry)
        self.strip.show_recipe(d.recipe, declared, True)
        self.styles.show_recipe(d.recipe)
        self.refresh()

    def _pictured(self, picture: Picture, role: str) -> None:
        if role in OTHERS or role == "loupe":
            self.viewer.show_loupe(picture) if role == "loupe" else self.viewer.show_other(picture)
            self._after_picture(picture, role)
            return
        self.viewer.show_picture(picture)
        self._after_picture(picture, role)
        if picture.told["effect"]:
            self.viewer.what = (tr("What {0} touches").format(self.touched), tr("white: most"))
            return
        if role == "base" and self.session.seen_as is None:
            self.histogram.show_picture(picture)
            if not self.session.dragging:
                self.panels.show_counts(picture.told["histogram"] if not self.session.until else ())
        if not self.session.dragging:
            self.strip.show_took(picture.told["took"])
        refining = bool(picture.told["refining"])
        self.strip.show_work(self.strip.refining if refining else None, not refining)
        d = self.session.document
        if d is not None and not refining and not self.session.dragging:
            self.panels.show_recipe(d.recipe, self.session.readings, d.facts.get("accepted"), d.default)
            plain = self.session.seen_as is None and self.session.trying is None
            if role == "base" and not self.session.until and plain:
                self._keep_small(picture, d)
        self._pill(picture)
        self.top.show_zoom(self.viewer.port)

    touched = ""  # the words of the parameter whose effect is shown

    def _after_picture(self, picture: Picture, role: str) -> None:
        """What else follows a rendering."""

    def _keep_small(self, picture: Picture, d: Document) -> None:
        """The last rendering becomes the thumbnail, and is shown at once when the photograph is opened again."""
        small = picture.image.scaledToHeight(THUMB, Qt.TransformationMode.SmoothTransformation)
        self.session.previews.put(d.path, sized(small, picture.full), d.copy)
        self.film.strip.update()
        self._last = (picture, d)
        self._keeping.ask()

    def _keep_last(self) -> None:
        """Nothing has changed for a while: the last rendering is kept."""
        if self._last is not None:
            picture, d = self._last
            self._last = None
            keep_aside(d.path, shown_kind(d.copy), sized(picture.image.copy(), picture.full))

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
            words = tr("As the file holds it") if s.until == SOURCE else tr("After {0}").format(info.heading)
            self.viewer.what = (words, more)
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
            if m["style"].startswith("snapshot "):
                self.history.show_image(m["style"], unpacked(m))
            else:
                self.styles.show_cover(m)

    def _conflict(self) -> None:
        self.session.keeper.answer(self._ask_conflict())

    def _ask_conflict(self) -> str:
        """What is to be kept: "mine", "theirs" or "both"."""
        box = QMessageBox(self)
        box.setText(tr("The sidecar of this photograph was changed elsewhere while it was open here."))
        box.setInformativeText(
            tr("Mine: theirs stays as the backup. Theirs: your edits go. Both: yours become a virtual copy.")
        )
        both = box.addButton(tr("Both, mine as a copy"), QMessageBox.ButtonRole.ActionRole)
        ways: dict[object, str] = {
            box.addButton(tr("Keep mine"), QMessageBox.ButtonRole.AcceptRole): "mine",
            box.addButton(tr("Take theirs"), QMessageBox.ButtonRole.DestructiveRole): "theirs",
        }
        box.setDefaultButton(both)
        box.exec()
        return ways.get(box.clickedButton(), "both")
