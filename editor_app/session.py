"""What happens in the window, without its widgets: which photograph is open, what is done to it, what is copied and tried."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from editor_app import declared as declared_
from editor_app import recipes
from editor_app.catalog import Catalog, Photo
from editor_app.declared import Declarations, StyleInfo
from editor_app.document import Document
from editor_app.images import Previews
from editor_app.keeper import Keeper
from editor_app.recipes import Recipe
from editor_app.rendering import Rendering
from editor_app.shelf import Shelf
from editor_app.styles_dock import look_of
from editor_app.viewport import Viewport
from editor_app.words import tr
from editor_app.worker import Later


class Session(Rendering):
    """One window's work."""

    declared_changed = Signal()
    leaving = Signal()  # the photograph that is open is about to be put away: what is in hand counts now
    opening = Signal(object)  # Photo
    opened = Signal()  # a document is there
    failed = Signal(str)  # the photograph cannot be opened: a sentence
    recipe_changed = Signal()
    styles_changed = Signal()
    warned = Signal(str)  # a sentence on the sidecar; "" where all is well

    def __init__(self, port: Viewport, parent: QObject | None = None) -> None:
        super().__init__(port, parent)
        self.catalog = Catalog()
        self.previews = Previews(self)
        self.keeper = Keeper(self)
        self.declared: Declarations | None = declared_.kept()
        self.photo: Photo | None = None
        self.deaths = 0
        self.extras_wanted = {"strip": True, "covers": False, "snapshots": False}
        self.idle = Later(self, 350, self._extras)
        self.settled.connect(self.idle.ask)
        self.ahead = Later(self, 1500, self._ahead)
        e = self.engine
        e.declared.connect(self._declared)
        e.opened.connect(self._opened)
        e.unopened.connect(self._unopened)
        e.swapped.connect(self._swapped)
        e.located.connect(self._located)
        e.fitted.connect(self._fitted)
        e.trouble.connect(lambda m: self.said.emit(m["why"]))
        e.styled.connect(self._styled_anew)
        self.shelf = Shelf(self)
        self._first = False  # whether the first photograph of what is listed is to be opened
        self.catalog.changed.connect(self._arranged)
        e.died.connect(self._died)

    def start(self) -> None:
        """Start the engine; panels are drawn at once from what was kept of its declarations."""
        self.engine.start()

    def close(self) -> None:
        """Save, and end the engine."""
        self.leaving.emit()
        self.keeper.flush()
        self.previews.close()
        self.engine.close()

    def _declared(self, m: dict[str, Any]) -> None:
        found = Declarations(m["data"])
        if self.declared is None or found.version != self.declared.version:
            declared_.keep(found)
            self.declared = found
            self.declared_changed.emit()
        if self.document is None:
            self._ask_open()

    def _died(self, why: str) -> None:
        self.deaths += 1
        self.asked.clear()
        self.shown.clear()
        self.refining.emit(None)
        if self.deaths > 3:
            self.said.emit(tr("Rendering stopped again and again; save and start the editor anew"))
            return
        self.said.emit(tr("Rendering stopped and was started again; nothing is lost"))
        self.engine.start()

    # --- photographs --------------------------------------------------------------------------------------------------

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files or folders.  A single file brings its folder along; it is the current one."""
        paths = [p.absolute() for p in paths if p.exists()]
        if not paths:
            self.failed.emit(tr("There is no such file or folder"))
            return
        if all(p.is_file() for p in paths):
            self._first = False
            self.catalog.open(paths)
            self.open(self.catalog.shown[0])
            if len(paths) == 1:
                self.catalog.open_aside([paths[0], paths[0].parent])
            else:
                self.shelf.glance()
        else:
            self._first = True
            self.catalog.choose(None)
            self.catalog.open_aside(paths)

    def _arranged(self) -> None:
        """What is listed has changed: look at new sidecars, and open the first where a folder was asked for."""
        if self._listing != (now := [id(p) for p in self.catalog.all]):
            self._listing = now
            self.shelf.glance()
        if self._first:
            self._first = False
            if self.catalog.shown:
                self.open(self.catalog.shown[0])
            else:
                self.failed.emit(tr("There are no pictures in {0}").format(self.catalog.title))

    _listing: list[int] = []  # noqa: RUF012  # replaced, never changed

    def open(self, photo: Photo) -> None:
        """Open one photograph of the catalog."""
        self.leaving.emit()
        self.keeper.flush()
        self.photo, self.document = photo, None
        self.catalog.choose(photo)
        self.until, self.trying, self.readings, self.dragging = "", None, {}, False
        self.effect = None
        self.shown.clear()
        self.asked.clear()
        self.version += 1
        self.opening.emit(photo)
        self.previews.ask(photo.path, "large", photo.copy)
        self.engine.send("cancel", what="raw")
        self._ask_open()

    def _ask_open(self) -> None:
        if self.photo is not None and self.engine.ready:
            self.engine.send("open", path=str(self.photo.path), copy=self.photo.copy)

    def reload(self) -> None:
        """Open the photograph again, with what its sidecar says now."""
        self.document = None
        self._ask_open()

    def beside(self, step: int) -> None:
        """Open the next (previous) photograph."""
        photo = self.catalog.beside(step)
        if photo is not None and photo is not self.photo:
            self.open(photo)

    def _opened(self, m: dict[str, Any]) -> None:
        if not self._mine(m) or self.photo is None or self.declared is None:
            return
        if self.document is None:
            facts = m["facts"] | {"default": m["default"], "accepted": frozenset(m["accepted"])}
            d = Document(self.photo.path, self.declared, m["recipe"], facts, self.photo.copy)
            if m["edited"]:
                d.load_history(m["history"], m["recipe"])
            unsaved = self.keeper.kept(d)
            self.document = d
            d.changed.connect(self._changed)
            self.keeper.take(d, m)
            if unsaved:
                d.touched.emit()
        else:
            self.keeper.take(self.document, m)
        self.catalog.mark(self.photo.path, m["rating"], m["label"], m["edited"], self.photo.copy)
        self.port.full = (m["full"][1], m["full"][0])
        self.opened.emit()
        self._warn(m)
        self.version += 1
        self.pump()

    def _warn(self, m: dict[str, Any]) -> None:
        """Say what is not as it should be with the sidecar, and what was kept."""
        words = ""
        if m["problem"]:
            words = tr("{0}. It is put aside, not overwritten, when you edit").format(m["problem"])
        elif m["newer"]:
            words = tr("A newer modisp wrote this sidecar; what this one does not know is kept as it is")
        elif m["missing"]:
            words = tr("Not installed here: {0}. Its place is kept; another stands in for it").format(m["missing"][0])
        elif m["outdated"]:
            words = tr("{0}; the picture stays as it was made as far as it can").format(m["outdated"][0])
        self.warned.emit(words)

    def _mine(self, m: dict[str, Any]) -> bool:
        p = self.photo
        return p is not None and (str(p.path), p.copy) == (m["path"], m.get("copy", 0))

    def _unopened(self, m: dict[str, Any]) -> None:
        if self._mine(m):
            self.failed.emit(m["why"])

    def _ahead(self) -> None:
        """Open the neighbours for later: the next one first."""
        if self.engine.mailbox.busy:
            return
        for step in (1, -1):
            photo = self.catalog.beside(step)
            if photo is not None and self.photo is not None and photo.path != self.photo.path:
                self.engine.send("open", path=str(photo.path), ahead=True)
                self.previews.ask(photo.path, "large", photo.copy)

    # --- recipes ------------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        self.trying = None
        self.version += 1
        self.recipe_changed.emit()
        self.pump()

    def swap(self, stage: str) -> None:
        """Put another stage into its slot."""
        if self.document is not None:
            self.engine.send("swap", path=str(self.document.path), recipe=self.document.recipe, stage=stage)

    def _swapped(self, m: dict[str, Any]) -> None:
        d = self.document
        if d is not None and str(d.path) == m["path"] and self.declared is not None:
            info = self.declared.stages[m["stage"]]
            d.put(m["recipe"], info.heading, info.kind)

    def pick(self, ident: str, param: str, rect: tuple[float, float, float, float]) -> None:
        """Give a parameter a rectangle that was drawn on the result."""
        d = self.document
        if d is not None:
            row = {"entry": ident, "param": param, "rect": list(rect)}
            self.engine.send("locate", path=str(d.path), recipe=d.recipe, **row)

    def _located(self, m: dict[str, Any]) -> None:
        d = self.document
        info = recipes.stage_of(d.recipe, m["entry"], self.declared) if d is not None and self.declared else None
        if d is None or info is None or m["path"] != str(d.path):
            return
        name = m["param"]
        # a choice that names the parameter is what makes it count
        modes = {p.name: name for p in info.params if p.kind == "choice" and name in p.choices}
        d.apply(m["entry"], {name: m["rect"]} | modes, tr("picked"))

    def put_fitted(self, recipe: Recipe, words: str, value: str = "") -> None:
        """Make a recipe from elsewhere the one in force, once the engine has made it fit this picture."""
        if self.document is not None:
            row = {"recipe": recipe, "words": words, "value": value}
            self.engine.send("fit", path=str(self.document.path), **row)

    def _fitted(self, m: dict[str, Any]) -> None:
        if self.document is not None and m["path"] == str(self.document.path):
            self.document.put(m["recipe"], m["words"], m["value"])

    def _styled_anew(self, m: dict[str, Any]) -> None:
        """Styles were saved, imported or deleted."""
        if self.declared is not None:
            self.declared = Declarations({**self.declared.data, "styles": m["styles"]})
            declared_.keep(self.declared)
            self.styles_changed.emit()
            self.idle.ask()
        if m["words"]:
            undo = (lambda: self.do_style(**m["undo"])) if m.get("undo") else None
            self.shelf.done.emit(m["words"], tr("Undo") if undo else "", undo)

    def try_style(self, style: StyleInfo | None) -> None:
        """Show a style for as long as the pointer is over it."""
        d = self.document
        if d is None:
            return
        new = None if style is None else self._styled(d.recipe, style, alone=True)
        if new != self.trying:
            self.trying = None if new == d.recipe else new
            self.version += 1
            self.pump()

    def try_recipe(self, recipe: Recipe | None) -> None:
        """Show another recipe for a while; None: the document's own."""
        if recipe != self.trying:
            self.trying = recipe
            self.version += 1
            self.pump()

    def _styled(self, recipe: Recipe, style: StyleInfo, alone: bool) -> Recipe:
        return recipes.with_look(recipe, look_of(style) if style.key else None, alone)

    def apply_style(self, style: StyleInfo, add: bool) -> None:
        """Lay a style over the picture, in place of others or beside them."""
        if self.document is not None:
            alone = not add or not style.key
            self.trying = None
            self.document.put(self._styled(self.document.recipe, style, alone), tr("Style"), style.name)

    def style_strength(self, name: str, strength: float | None, slot: str = "") -> None:
        """Set a style's strength, or that of one of its parts (as the whole again where it equals that); None takes it out."""
        d = self.document
        if d is None:
            return
        rows = [recipes.weighed(k, strength, slot) if k["name"] == name else k for k in d.recipe.get("looks", ())]
        value = f"{strength:.0%}".replace("%", " %") if strength is not None else tr("off")
        looks = [k for k in rows if k is not None]
        words = tr("Style: {0}").format(name)
        d.put(recipes.with_looks(d.recipe, looks), words, value, key=("style", name, slot))

    def do_style(self, what: str, **more: Any) -> None:
        """Save, import, export, rename or delete a style; the list of styles then comes anew."""
        self.engine.send("style", what=what, **more)

    def want(self, what: str) -> None:
        """Which small pictures are on show besides the strip's, so that they are wanted: "covers", "snapshots" or ""."""
        new = bool(what) and not self.extras_wanted.get(what)
        self.extras_wanted |= {"covers": what == "covers", "snapshots": what == "snapshots"}
        if new:
            self.idle.ask()

    def _extras(self) -> None:
        """Thumbnails of the boundaries, covers of the styles, the next photograph: when nothing else is to be done."""
        d = self.document
        if d is None or self.dragging or self.engine.mailbox.busy:
            return
        row = {"path": str(d.path), "serial": self.version}
        if self.extras_wanted["strip"]:
            self.engine.send("strip", recipe=d.recipe, width=192, height=88, **row)
        shots = {f"snapshot {k.time}": k.recipe for k in d.snapshots}
        if shots and self.extras_wanted["snapshots"]:
            self.engine.send("covers", recipes=shots, width=88, height=56, **row)
        elif self.extras_wanted["covers"] and self.declared is not None:
            made = {s.key: self._styled(d.recipe, s, alone=True) for s in self.declared.styles}
            made = {"": recipes.with_looks(d.recipe, ())} | made
            self.engine.send("covers", recipes=made, width=192, height=116, **row)
        self.ahead.ask()
