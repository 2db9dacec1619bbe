"""What has to be rendered next.

Renderings are not queued: after each, `pump` looks at what the screen still lacks (the part that is seen, the whole, the
one to compare with) and asks for the most urgent.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from editor_app.document import Document
from editor_app.recipes import Recipe
from editor_app.viewport import Viewport
from editor_app.worker import Engine, Picture

DRAG_SECONDS, DRAG_PIXELS = 0.06, 500_000
"""What a picture may take while a slider is held, and the least it then shows."""

Need = tuple[str, tuple[object, ...], dict[str, Any]]
"""(role, what it is for, the request); a role's picture is stale when it was made for something else."""
Rect = tuple[float, float, float, float]
QUICK = 2_400_000  # pixels up to which a rendering keeps its stages, so that a change is seen at once
_MOST = 16_000_000  # pixels of a part at 1:1, so that dense screens get every pixel they have
_WHOLE = 1200  # long edge of the whole version that is compared with, behind the part that is seen
OTHERS = ("other", "other_region", "other_fine")
"""Roles of what is compared with."""


class Rendering(QObject):
    """Keeps the screen's pictures up to date with the document, the view and the RAW zone."""

    pictured = Signal(object, str)  # Picture, role: base, region, loupe, fine, or of OTHERS
    refining = Signal(object)  # (words, fraction, seconds left) or None
    viewed = Signal(str)  # the boundary that is viewed, "" for the result
    settled = Signal()  # the screen lacks nothing
    said = Signal(str)  # a word for the toast

    def __init__(self, port: Viewport, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.port = port
        self.engine = Engine(self)
        self.document: Document | None = None
        self.until = ""
        self.reference: tuple[object, Path, Recipe, str] | None = (
            None  # to compare with: what tells it, file, recipe, boundary
        )
        self.reference_wanted: Callable[[], tuple[Rect | None, tuple[int, int]]] = lambda: (None, (1, 1))
        self.loupe_wanted: Callable[[], tuple[Rect, tuple[int, int]] | None] = lambda: None
        self.seen_as: Callable[[Recipe], Recipe] | None = None  # how a tool has the picture shown, as without its crop
        self.trying: Recipe | None = None
        self.effect: tuple[str, str, int] | None = (
            None  # (entry, parameter, number of it) whose effect is shown instead
        )
        self.readings: dict[str, Any] = {}
        self.version = 0  # raised by all that changes pixels
        self.dragging = False
        self.shown: dict[str, tuple[object, ...]] = {}  # role → what its picture was rendered for
        self.asked: dict[int, tuple[str, tuple[object, ...]]] = {}
        self.drafts: set[str] = set()  # roles whose pictures are drafts: to be made again when the hand lets go
        e = self.engine
        e.pictured.connect(self._pictured)
        e.unpictured.connect(self._unpictured)
        e.refining.connect(self._refining)
        e.refined.connect(self._refined)
        e.unrefined.connect(self._unrefined)

    @property
    def recipe(self) -> Recipe | None:
        """The recipe that is shown: the one that is tried, else the document's."""
        recipe = self.trying or (self.document.recipe if self.document is not None else None)
        return self.seen_as(recipe) if self.seen_as is not None and recipe is not None else recipe

    def see_as(self, how: Callable[[Recipe], Recipe] | None) -> None:
        """Show the picture as a tool needs it; None: as it is."""
        self.seen_as = how
        self.version += 1
        self.pump()

    def show_on(self, profile: bytes, proof: bool | None = None) -> None:
        """Another monitor, or another profile of it; `proof`: with the colours of the output space alone (None: as it is)."""
        proof = self.engine.proof if proof is None else proof
        if (profile, proof) != (self.engine.monitor, self.engine.proof):
            self.engine.show_on(profile, proof)
            self.version += 1
            self.pump()

    def hold(self, on: bool) -> None:
        """Whether a slider is being dragged: pictures may then be coarser."""
        if on != self.dragging:
            self.dragging = on
            if not on:
                for role in self.drafts:
                    self.shown.pop(role, None)
                self.drafts.clear()
                self.engine.mailbox.give_up()  # as a draft that takes its time to begin with
                self.pump()

    def view(self, ident: str) -> None:
        """View the picture after an entry; "" for the result."""
        if ident != self.until:
            self.until = ident
            self.viewed.emit(ident)
            self.pump()

    def show_effect(self, what: tuple[str, str, int] | None) -> None:
        """Show what a parameter touches in place of the picture; None: the picture again."""
        if what != self.effect:
            self.effect = what
            self.pump()

    def _needs(self) -> list[Need]:
        """What the screen lacks, most urgent first: (role, what it is for, the request)."""
        d = self.document
        if d is None or self.recipe is None or not self.port.full[0]:
            return []
        rect, size = self.port.wanted(0.0) if self.dragging else self.port.wanted()  # no rim in a hurry
        if self.seen_as is not None:
            rect = None  # tools show the whole picture
        out: list[Need] = []
        key: tuple[object, ...]
        view: tuple[object, ...] = (self.until, self.seen_as is not None, None)
        more: dict[str, Any] = {"until": self.until, "recipe": self.recipe, "held": self.dragging}
        loupe = self.loupe_wanted() if not self.dragging else None
        if loupe is not None:
            out.append(("loupe", (self.version, view, *loupe), more | {"rect": list(loupe[0]), "size": loupe[1]}))
        lit = {"effect": list(self.effect)} if self.effect is not None else {}
        if rect is not None:
            key = (self.version, (*view[:2], self.effect), rect, size)
            out.append(("region", key, more | lit | {"rect": list(rect), "size": size, "pixels": _MOST}))
            if self.dragging and "region" in self.drafts:
                return out  # what lies around it takes seconds to begin with, and is not looked at
            fit = self.port.fitting
            size = (round(self.port.full[0] * fit), round(self.port.full[1] * fit))
        else:
            view, more = (*view[:2], self.effect), more | lit
        if self.dragging and rect is None:
            most = self._drag_pixels()
            if most < size[0] * size[1]:
                key = (self.version, view, size, "drag")
                out.append(("base", key, more | {"size": size, "pixels": most}))
                return out
        key = (self.version, view, size)
        out.append(("base", key, more | {"size": size}))
        if self.reference is not None:
            out += self._reference_needs()
        if rect is None and size[0] * size[1] > QUICK and not self.dragging:
            # a dense screen: once more, with every pixel that it has
            out.append(("fine", (*key, "fine"), more | {"size": size, "pixels": _MOST}))
            if self.reference is not None:
                _, tag, request = out[-2]  # the whole of the other version
                out.append(("other_fine", tag, request | {"pixels": _MOST}))
        return out

    def _reference_needs(self) -> list[Need]:
        """What is lacking of the version that is compared with: the part that is seen, then the whole."""
        assert self.reference is not None
        tag, path, recipe, until = self.reference
        rect, size = self.reference_wanted()
        more: dict[str, Any] = {"until": until, "recipe": recipe, "path": path}
        out: list[Need] = []
        if rect is not None:
            out.append(("other_region", (tag, rect, size), more | {"rect": list(rect), "size": size, "pixels": _MOST}))
            size = (_WHOLE, _WHOLE)
        return [*out, ("other", (tag, size), more | {"size": size})]

    def _drag_pixels(self) -> int:
        """As many pixels as are rendered in the time that a drag allows, by what the last ones took."""
        took = self.engine.mailbox.expected("base")
        if took <= 0 or self._base_pixels <= 0:
            return 1_000_000
        return max(DRAG_PIXELS, int(self._base_pixels * DRAG_SECONDS / took))

    _base_pixels = 0

    def pump(self) -> None:
        """Ask for the most urgent thing that the screen lacks."""
        d = self.document
        if d is None:
            return
        asked = {key for _, key in self.asked.values()}
        for role, key, request in self._needs():
            if self.shown.get(role) == key:
                continue
            if key not in asked:
                kind = "effect" if "effect" in request else "drag" if "drag" in key else role
                size, recipe, path = request.pop("size"), request.pop("recipe"), request.pop("path", d.path)
                ident = self.engine.request(kind, path, recipe, size, **request)
                # those that waited are dropped by the mailbox
                running = self.engine.mailbox.running
                self.asked = {i: k for i, k in self.asked.items() if i == running} | {ident: (role, key)}
            return
        self.settled.emit()

    def _pictured(self, picture: Picture) -> None:
        role, key = self.asked.pop(picture.told["id"], ("", ()))
        d = self.document
        mine = d is not None and picture.told["path"] == str(d.path)
        if role in OTHERS:
            self.shown[role] = key
            if self.reference is not None and self.reference[0] == key[0]:
                self.pictured.emit(picture, role)
        elif role and mine:
            view = (self.until, self.seen_as is not None)
            self.shown[role] = key
            if picture.told["drafted"]:
                self.drafts.add(role)
                if not self.dragging:  # the hand has let go in the meantime
                    del self.shown[role]
            if role == "base" and "drag" not in key and not picture.told["effect"]:
                self._base_pixels = picture.image.width() * picture.image.height()
            if not (picture.told["refining"] or picture.told["effect"]):
                before = self.readings if self.until else {}  # of a boundary only what stands before it is told
                self.readings = {**before, **picture.told["readings"]}
            if key[1] in ((*view, None), (*view, self.effect)):
                self.pictured.emit(picture, role)
        self.pump()

    def _unpictured(self, m: dict[str, Any]) -> None:
        role, key = self.asked.pop(m["id"], ("", ()))
        if role and m["why"] and self.document is not None:
            self.shown[role] = key  # it cannot be had; asking again would not help
            self.said.emit(m["why"])
        self.pump()

    def _refining(self, m: dict[str, Any]) -> None:
        if self.document is not None and m["path"] == str(self.document.path):
            self.refining.emit((m["words"], m["fraction"], m["left"]))

    def _refined(self, m: dict[str, Any]) -> None:
        d = self.document
        if d is not None and m["path"] == str(d.path):
            self.refining.emit(None)
            self.version += 1
        elif self.reference is None or m["path"] != str(self.reference[1]):
            return
        for role in OTHERS:
            self.shown.pop(role, None)
        self.pump()

    def _unrefined(self, m: dict[str, Any]) -> None:
        if self.document is not None and m["path"] == str(self.document.path):
            self.refining.emit(None)
            if m["why"]:
                self.said.emit(m["why"])

    def cancel_raw(self) -> None:
        """Stop developing the RAW zone; the picture stays as it is."""
        self.engine.send("cancel", what="raw")
