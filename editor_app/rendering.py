"""What has to be rendered next.

Renderings are not queued: after each, `pump` looks at what the screen still lacks (the part that is seen, the whole, the
one to compare with) and asks for the most urgent.
"""

from __future__ import annotations

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


class Rendering(QObject):
    """Keeps the screen's pictures up to date with the document, the view and the RAW zone."""

    pictured = Signal(object, str)  # Picture, role: base, region or before
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
        self.compare = False  # whether a picture to compare with is wanted
        self.trying: Recipe | None = None
        self.readings: dict[str, Any] = {}
        self.version = 0  # raised by all that changes pixels
        self.dragging = False
        self.shown: dict[str, tuple[object, ...]] = {}  # role → what its picture was rendered for
        self.asked: dict[int, tuple[str, tuple[object, ...]]] = {}
        e = self.engine
        e.pictured.connect(self._pictured)
        e.unpictured.connect(self._unpictured)
        e.refining.connect(self._refining)
        e.refined.connect(self._refined)
        e.unrefined.connect(self._unrefined)

    @property
    def recipe(self) -> Recipe | None:
        """The recipe that is shown: the one that is tried, else the document's."""
        return self.trying or (self.document.recipe if self.document is not None else None)

    def hold(self, on: bool) -> None:
        """Whether a slider is being dragged: pictures may then be coarser."""
        if on != self.dragging:
            self.dragging = on
            if not on:
                self.pump()

    def view(self, ident: str) -> None:
        """View the picture after an entry; "" for the result."""
        if ident != self.until:
            self.until = ident
            self.viewed.emit(ident)
            self.pump()

    def _needs(self) -> list[Need]:
        """What the screen lacks, most urgent first: (role, what it is for, the request)."""
        d = self.document
        if d is None or self.recipe is None or not self.port.full[0]:
            return []
        rect, size = self.port.wanted()
        out: list[Need] = []
        key: tuple[object, ...]
        more: dict[str, Any] = {"until": self.until}
        if rect is not None:
            key = (self.version, self.until, rect, size)
            out.append(("region", key, more | {"rect": list(rect), "size": size, "recipe": self.recipe}))
            fit = self.port.fitting
            size = (round(self.port.full[0] * fit), round(self.port.full[1] * fit))
        if self.dragging and rect is None:
            most = self._drag_pixels()
            if most < size[0] * size[1]:
                key = (self.version, self.until, size, "drag")
                out.append(("base", key, more | {"size": size, "pixels": most, "recipe": self.recipe}))
                return out
        key = (self.version, self.until, size)
        out.append(("base", key, more | {"size": size, "recipe": self.recipe}))
        if self.compare:
            first = d.steps[0].recipe
            out.append(("before", (id(d), size), {"size": size, "recipe": first}))
        return out

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
                kind = "drag" if "pixels" in request else role
                size, recipe = request.pop("size"), request.pop("recipe")
                ident = self.engine.request(kind, d.path, recipe, size, **request)
                # those that waited are dropped by the mailbox
                running = self.engine.mailbox.running
                self.asked = {i: k for i, k in self.asked.items() if i == running} | {ident: (role, key)}
            return
        self.settled.emit()

    def _pictured(self, picture: Picture) -> None:
        role, key = self.asked.pop(picture.told["id"], ("", ()))
        d = self.document
        if d is None or not role or picture.told["path"] != str(d.path):
            self.pump()
            return
        self.shown[role] = key
        if role == "base" and "drag" not in key:
            self._base_pixels = picture.image.width() * picture.image.height()
        if role != "before" and not picture.told["refining"]:
            self.readings = picture.told["readings"]
        if self.until == (key[1] if role != "before" else self.until):
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
        if self.document is not None and m["path"] == str(self.document.path):
            self.refining.emit(None)
            self.version += 1
            self.shown.pop("before", None)
            self.pump()

    def _unrefined(self, m: dict[str, Any]) -> None:
        if self.document is not None and m["path"] == str(self.document.path):
            self.refining.emit(None)
            if m["why"]:
                self.said.emit(m["why"])

    def cancel_raw(self) -> None:
        """Stop developing the RAW zone; the picture stays as it is."""
        self.engine.send("cancel", what="raw")
