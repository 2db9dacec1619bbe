"""What a hand does on the picture: pointing, and the tools for cropping and picking."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QTimer

from editor_app import recipes
from editor_app.compare import framer
from editor_app.crop_tool import CropTool
from editor_app.news import News
from editor_app.picker import Picker, refusal
from editor_app.recipes import Recipe
from editor_app.tools import PictureTool
from editor_app.words import tr
from editor_app.worker import Picture
from modisp.parameter import CLIPPING, PARTS

_PATIENCE = 4000  # milliseconds that a tool stays on show for want of the picture that follows it


class Pointing(News):
    """The frame, with a hand on the picture."""

    _probe: tuple[str, float, float] | None = None
    _probing = False
    _zoom_before: float | None = None

    def _wire_pointing(self) -> None:
        """The wires of viewer, tools and histogram."""
        s, v = self.session, self.viewer
        s.loupe_wanted = v.loupe.wanted
        s.engine.probed.connect(self._probed)
        s.engine.sampled.connect(self._sampled)
        s.engine.counted.connect(self._counted)
        s.recipe_changed.connect(self._tool_follows)
        s.leaving.connect(self._keep_tool)
        s.opening.connect(lambda _: self._drop_tool())
        s.said.connect(v.say)
        v.moved.connect(self._moved)
        v.pointed.connect(self._pointed)
        v.gone.connect(lambda: self.status.show_values(None))
        v.cancelled.connect(s.cancel_raw)
        v.returned.connect(lambda: s.view(""))
        v.hinted.connect(self.status.show_hint)
        self.panels.picking.connect(self.pick)
        self.panels.masked.connect(self._masked)
        self.histogram.plot.marks.connect(self._marks)
        self.histogram.plot.kept.connect(self.commands.actions["clipping"].trigger)
        self.histogram.wanted.connect(self._count)
        self.top.zoomed.connect(v.set_zoom)
        v.monitor.changed = lambda: s.show_on(v.monitor.profile)
        v.monitor.load()
        if v.monitor.problem:
            v.say(v.monitor.problem)

    def _moved(self) -> None:
        self.top.show_zoom(self.viewer.port)
        self.session.pump()

    def _marks(self, on: bool) -> None:
        self.viewer.clipping = on or self.commands.actions["clipping"].isChecked()
        self.viewer.update()

    def _masked(self, ident: str, param: str, part: int, on: bool) -> None:
        """Alt is held with a slider (or not any more): show what it touches, or what clips."""
        s = self.session
        d = s.document
        info = recipes.stage_of(d.recipe, ident, s.declared) if d is not None and s.declared is not None else None
        mask = info.param(param).mask if info is not None else ""
        if mask == CLIPPING:
            self._marks(on)
        elif mask and info is not None:
            p = info.param(param)
            names = PARTS.get(p.kind, ())
            self.touched = f"{tr(names[part].capitalize())}, {p.words.lower()}," if names else p.words
            s.show_effect((ident, param, part) if on and not s.until else None)

    # --- the readout --------------------------------------------------------------------------------------------------

    def _pointed(self, x: float, y: float) -> None:
        current = self.viewer.current
        if current is None:
            return
        left, top, w, h = current.rect
        self.status.show_place(int(x), int(y))
        role = "base" if current is self.viewer.base else "region"
        self._probe = (role, (x - left) / w, (y - top) / h)
        if not self._probing:
            self._ask_probe()

    def _ask_probe(self) -> None:
        if self._probe is not None:
            role, x, y = self._probe
            self._probing, self._probe = True, None
            self.session.engine.send("probe", role=role, x=x, y=y, serial=0)

    def _probed(self, m: dict[str, Any]) -> None:
        self._probing = False
        if m["values"] and self.viewer.underMouse():
            self.status.show_values(m)
        self._ask_probe()

    def _count(self) -> None:
        d = self.session.document
        if d is not None:
            self.session.engine.send("counts", path=str(d.path))

    def _counted(self, m: dict[str, Any]) -> None:
        d = self.session.document
        if d is not None and m["path"] == str(d.path):
            self.histogram.show_counts(m)

    # --- tools --------------------------------------------------------------------------------------------------------

    def take_hand(self) -> None:
        """Put down what is in hand, keeping what it made."""
        tool = self.viewer.tool
        if isinstance(tool, CropTool):
            tool.keep()
        elif tool is not None:
            self._put_down()

    def _take(self, tool: PictureTool, name: str) -> None:
        self.fold_dock()
        self.viewer.take(tool)
        tool.left.connect(self._put_down)
        self.top.show_tool(name)
        self.viewer.setFocus()

    def _put_down(self) -> None:
        v, tool = self.viewer, self.viewer.tool
        if isinstance(tool, CropTool):
            if not tool.leaving:  # it goes on showing the picture until the one without it is there
                tool.leaving = True
                v.set_bar(None)
                v.port.set_zoom(self._zoom_before)
                self.session.see_as(None)
                QTimer.singleShot(_PATIENCE, tool, lambda: self._drop_tool() if v.tool is tool else None)
        else:
            v.take(None)
            self.panels.show_aim("", "")
        v.hinted.emit("")
        self.top.show_tool("move")

    def _keep_tool(self) -> None:
        """What a tool has made is not lost when another photograph is opened or the window is closed."""
        tool = self.viewer.tool
        if isinstance(tool, CropTool) and not tool.leaving:
            tool.keep()

    def _drop_tool(self) -> None:
        """Put the tool down at once."""
        if self.session.seen_as is not None:
            self.session.see_as(None)
        if self.viewer.tool is not None:
            self.viewer.take(None)
            self.panels.show_aim("", "")
        self.top.show_tool("move")

    def crop(self) -> None:
        """Crop, straighten, perspective; once more keeps it."""
        s, v, d = self.session, self.viewer, self.session.document
        if isinstance(v.tool, CropTool):
            v.tool.keep()
            return
        if d is None or s.declared is None:
            return
        found = framer(d.recipe, s.declared)
        if found is None:
            v.say(tr("The stage that crops is switched off; switch it on to crop"))
            return
        entry, roles = found
        self._drop_tool()
        self.leave_comparison()
        s.view("")
        ident = str(entry["id"])
        held = roles.upright is None or recipes.value(entry, roles.upright)
        tool = CropTool(v, roles, int(d.facts.get("orientation", 1)) if held else 1)
        tool.load({k: recipes.value(entry, p) for k, p in roles.all.items()})
        tool.kept.connect(lambda values: self._cropped(ident, values))
        self._zoom_before = v.port.zoom
        v.port.set_zoom(None)
        self._take(tool, "crop")

        def whole(recipe: Recipe) -> Recipe:
            return recipes.with_values(recipe, ident, roles.all, {k: p.default for k, p in roles.all.items()})

        s.see_as(whole)

    def _cropped(self, ident: str, values: dict[str, Any]) -> None:
        d, tool = self.session.document, self.viewer.tool
        if d is not None and isinstance(tool, CropTool):
            d.finish()
            d.apply(ident, values, tool.title[1])
            d.finish()

    def _tool_follows(self) -> None:
        """A row of the panel was moved while the tool is in hand."""
        d, tool, declared = self.session.document, self.viewer.tool, self.session.declared
        if d is not None and declared is not None and isinstance(tool, CropTool):
            found = framer(d.recipe, declared)
            if found is None:
                self._drop_tool()
            else:
                tool.load({k: recipes.value(found[0], p) for k, p in found[1].all.items()})

    def _after_picture(self, picture: Picture, role: str) -> None:
        """A rendering is on show: what waited for it."""
        tool = self.viewer.tool
        if role == "base" and isinstance(tool, CropTool) and tool.leaving:
            self.viewer.take(None)

    # --- the picker ---------------------------------------------------------------------------------------------------

    def pick_first(self) -> None:
        """The first entry that measures something on the picture; once more puts the picker down."""
        d, declared = self.session.document, self.session.declared
        if isinstance(self.viewer.tool, Picker):
            self._put_down()
            return
        for e in d.recipe["entries"] if d is not None and declared is not None else ():
            info = declared.stages.get(e["stage"]) if declared is not None else None
            for p in info.params if info is not None and recipes.is_on(e) else ():
                if p.kind == "rect" and p.inference:
                    self.pick(str(e["id"]), p.name)
                    return

    def pick(self, ident: str, param: str) -> None:
        """Pick something on the picture for a parameter."""
        d, declared = self.session.document, self.session.declared
        info = recipes.stage_of(d.recipe, ident, declared) if d is not None and declared is not None else None
        if info is None:
            return
        self._drop_tool()
        self.leave_comparison()
        self.session.view("")
        tool = Picker(self.viewer, ident, param, info.heading)
        tool.asked.connect(self._ask_sample)
        tool.picked.connect(self._pick)
        self._take(tool, "pick")

    def _ask_sample(self, rect: tuple[float, ...], serial: int = 0) -> None:
        d, tool = self.session.document, self.viewer.tool
        if d is not None and isinstance(tool, Picker):
            row = {"entry": tool.ident, "param": tool.param, "rect": list(rect), "serial": serial}
            self.session.engine.send("sample", path=str(d.path), recipe=self.session.recipe, **row)

    def _pick(self, rect: tuple[float, ...]) -> None:
        self._ask_sample(rect, serial=1)

    def _sampled(self, m: dict[str, Any]) -> None:
        d, tool = self.session.document, self.viewer.tool
        if d is None or m["path"] != str(d.path):
            return
        if not m["serial"]:
            if isinstance(tool, Picker) and m["entry"] == tool.ident:
                tool.show_sample(m | {"asked": tuple(m["asked"])})
            return
        if m["problem"]:
            self.viewer.say(refusal(m["problem"]))
            return
        ident, name = m["entry"], m["param"]
        info = recipes.stage_of(d.recipe, ident, self.session.declared) if self.session.declared else None
        # a choice that names the parameter is what makes it count
        modes = {p.name: name for p in info.params if p.kind == "choice" and name in p.choices} if info else {}
        d.finish()
        d.apply(ident, modes | m["values"] | {name: m["rect"]}, m["words"].partition(": ")[2] or tr("picked"))
        d.finish()

    # --- what `Comparing` adds ------------------------------------------------------------------------------------------

    def leave_comparison(self) -> None:
        """Show the picture alone."""
        raise NotImplementedError
