"""The hand that adjusts on the picture: what a drag changes follows from the kinds of a stage's parameters."""

from __future__ import annotations

from typing import Any

from editor_app import recipes
from editor_app.adjust import Aim, Hold, aims
from editor_app.adjust_tool import AdjustTool
from editor_app.pointing import Pointing
from editor_app.words import tr


class Adjusting(Pointing):
    """The frame, with a hand that adjusts on the picture."""

    _last_aim = ("", "")  # entry and parameter that were adjusted last

    def _wire_adjusting(self) -> None:
        s = self.session
        s.engine.under.connect(self._under)
        s.recipe_changed.connect(self._adjust_follows)
        self.panels.aiming.connect(self.adjust)

    def adjust(self, ident: str = "", param: str = "") -> None:
        """Take the tool for a parameter, or for the one of last time; once more puts it down."""
        d, declared, tool = self.session.document, self.session.declared, self.viewer.tool
        if d is None or declared is None:
            return
        if isinstance(tool, AdjustTool) and (not ident or (tool.aim.ident, tool.aim.param.name) == (ident, param)):
            self.take_hand()
            return
        found = aims(d.recipe, declared)
        if not found:
            self.viewer.say(tr("The stages that can be adjusted on the picture are switched off"))
            return
        keys = [(a.ident, a.param.name) for a in found]
        wanted = (ident, param) if ident else self._last_aim
        if ident and wanted not in keys:
            self.viewer.say(tr("Switch the stage on to adjust it on the picture"))
            return
        aim = found[keys.index(wanted) if wanted in keys else 0]
        self.take_hand()
        self._drop_tool()
        self.leave_comparison()
        self.session.view("")
        new = AdjustTool(self.viewer, found, aim)
        new.asked.connect(self._ask_under)
        new.moved.connect(self._adjusted)
        new.done.connect(self._adjust_done)
        new.aimed.connect(self._aimed)
        new.pointed.connect(self._aim_pointed)
        self._take(new, "adjust")
        self._aimed(aim)
        self._adjust_follows()

    def _aimed(self, aim: Aim) -> None:
        self._last_aim = aim.ident, aim.param.name
        self.panels.show_aim(aim.ident, aim.param.name)
        self._adjust_follows()
        self.viewer.update()

    def _aim_pointed(self, found: Hold | None) -> None:
        tool = self.viewer.tool
        if isinstance(tool, AdjustTool):
            self.panels.show_hold(tool.aim.ident, tool.aim.param.name, found)

    def _adjust_follows(self) -> None:
        """The recipe has changed: the tool goes on from what stands there now."""
        d, declared, tool = self.session.document, self.session.declared, self.viewer.tool
        if d is None or declared is None or not isinstance(tool, AdjustTool):
            return
        e = next((e for e in d.recipe["entries"] if e["id"] == tool.aim.ident), None)
        if e is None or e["stage"] != tool.aim.stage.name or not recipes.is_on(e):
            self._drop_tool()
            return
        tool.values = {p.name: recipes.value(e, p) for p in tool.aim.stage.params}

    def _ask_under(self, rect: tuple[float, ...]) -> None:
        d, tool = self.session.document, self.viewer.tool
        if d is not None and isinstance(tool, AdjustTool):
            row = {"entry": tool.aim.ident, "rect": list(rect), "serial": 0}
            self.session.engine.send("under", path=str(d.path), recipe=self.session.recipe, **row)

    def _under(self, m: dict[str, Any]) -> None:
        d, tool = self.session.document, self.viewer.tool
        if d is not None and m["path"] == str(d.path) and isinstance(tool, AdjustTool) and m["entry"] == tool.aim.ident:
            tool.show_under(m)
        elif isinstance(tool, AdjustTool):
            tool.waiting = False

    def _adjusted(self, value: Any) -> None:
        d, tool = self.session.document, self.viewer.tool
        if d is not None and isinstance(tool, AdjustTool):
            self.session.hold(True)
            d.edit(tool.aim.ident, tool.aim.param.name, value)

    def _adjust_done(self) -> None:
        if self.session.document is not None:
            self.session.document.finish()
        self.session.hold(False)
