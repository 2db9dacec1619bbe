"""What a hand does on the picture: pointing, picking, comparing."""

from __future__ import annotations

from typing import Any

from editor_app.news import News
from editor_app.words import tr


class Pointing(News):
    """The frame, with a hand on the picture."""

    picking = ("", "")
    _probe: tuple[float, float] | None = None
    _probing = False

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

    def compare(self, split: bool | None = None, peek: bool | None = None) -> None:
        """Show the picture as it was opened: split with the one of now, or alone."""
        v = self.viewer
        v.split = v.split if split is None else split
        v.peek = v.peek if peek is None else peek
        self.session.compare = v.split or v.peek or v.before is not None
        self.top.show_split(v.split)
        v.update()
        self.session.pump()
