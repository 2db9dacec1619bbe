"""Two versions in one view: before and after, snapshots, the camera's JPEG, boundaries, stages, other photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtGui import QImage, QTransform

from editor_app import compare, recipes
from editor_app.adjusting import Adjusting
from editor_app.compare import Reference, Sensor
from editor_app.compare_bar import CompareBar
from editor_app.crop_tool import CropTool
from editor_app.panes import Pane
from editor_app.picture_menu import picture_menu
from editor_app.viewport import Viewport
from editor_app.words import tr
from editor_app.worker import Picture

NOW = "now"


class Comparing(Adjusting):
    """The frame, with two pictures in the viewer."""

    reference: Reference | None = None
    rivals: tuple[str, dict[str, str], dict[str, recipes.Recipe]] | None = None  # entry, stage and recipe by side
    _bar: CompareBar | None = None
    _alone_before = False  # whether the present reference brought the comparison with it

    def _wire_comparing(self) -> None:
        s = self.session
        s.reference_wanted = self.viewer.other_wanted
        s.engine.peered.connect(self._peered)
        s.engine.candidate.connect(self._candidate)
        s.previews.ready.connect(self._camera)
        s.previews.screen = self.viewer.monitor.shown
        s.recipe_changed.connect(self._refer)
        s.viewed.connect(lambda _: self._refer())
        s.opening.connect(lambda _: self._another())
        s.opened.connect(self._refer)
        self.viewer.menu.connect(lambda at: picture_menu(self).exec(at))

    @property
    def bar(self) -> CompareBar:
        """The bar, made when first wanted."""
        if self._bar is None:
            b = self._bar = CompareBar()
            b.mode.connect(self.compare)
            b.chosen.connect(self._choose)
            b.kept.connect(self._keep)
            b.closed.connect(self.leave_comparison)
        return self._bar

    # --- how it is shown ----------------------------------------------------------------------------------------------

    def compare(self, mode: str) -> None:
        """Split, side by side or difference; the same once more shows the picture alone."""
        v = self.viewer
        if self.session.document is None:
            return
        if v.mode == mode:
            self.leave_comparison()
            return
        if v.tool is not None and v.tool.bar is not None:  # there is room for one bar
            self.take_hand()
        if self.reference is None:
            self.reference = self._first()
        pane = v.other or Pane(Viewport())
        self.fold_dock()
        v.compare(mode, pane)
        v.set_bar(self.bar)
        self._refer()
        self.top.show_mode(mode)

    def _first(self) -> Reference:
        d, declared = self.session.document, self.session.declared
        assert d is not None and declared is not None
        return compare.references(d, declared)[0]

    def leave_comparison(self) -> None:
        """Show the picture alone."""
        v = self.viewer
        if self.rivals is not None:
            self.rivals, self.reference = None, None
            self.session.try_recipe(None)
            self.bar.show_keep(False)
        if self.reference is not None and self.reference.path is not None:
            self.reference = None
        self.session.reference = None
        if v.other is not None:
            v.compare("one", None)
            if v.bar is self._bar:
                v.set_bar(None)
            self.top.show_mode("one")
        self._refer()

    def peek(self, on: bool) -> None:
        """What it is compared with, alone, for as long as a key is held."""
        v = self.viewer
        if self.session.document is None or isinstance(v.tool, CropTool):
            return
        if on and v.other is None:
            self.reference = self.reference or self._first()
            v.compare("one", Pane(Viewport()))
        v.peek = on
        self._refer()
        v.update()

    # --- with what ----------------------------------------------------------------------------------------------------

    def _choose(self, side: str, key: str) -> None:
        d, declared = self.session.document, self.session.declared
        if d is None or declared is None:
            return
        if self.rivals is not None:
            self._rival(side, key)
        elif side == "b":
            self.session.view(key if key != NOW else "")
        else:
            self.compare_with(next((r for r in compare.references(d, declared) if r.key == key), None))

    def compare_with(self, reference: Reference | None, mode: str = "") -> None:
        """Compare with a version; `mode` where nothing is compared yet."""
        if reference is None:
            return
        self.reference = reference
        self._alone_before = self.viewer.mode == "one"
        if self.viewer.other is not None:
            self.viewer.other.clear()
        if self.viewer.mode == "one":
            self.compare(mode or "split")
        else:
            self._refer()

    def next_version(self) -> None:
        """Compare with the next of all that there is to compare with."""
        d, declared = self.session.document, self.session.declared
        if d is None or declared is None or self.rivals is not None:
            return
        rows = compare.references(d, declared)
        now = self.reference.key if self.reference is not None and self.viewer.mode != "one" else ""
        keys = [r.key for r in rows]
        self.compare_with(rows[(keys.index(now) + 1) % len(rows) if now in keys else 0])

    def _refer(self) -> None:
        """Tell the session what is wanted to compare with, and the viewer how it lies."""
        s, v = self.session, self.viewer
        d, declared, pane = s.document, s.declared, v.other
        if pane is None or d is None or declared is None:
            s.reference = None
            return
        r = self.reference = self.reference or self._first()
        present = s.recipe or d.recipe
        pane.words, v.now.words = (r.words, ""), self._words_now()
        if r.camera:
            s.reference = None
            s.previews.ask(d.path, "camera")
        else:
            recipe = r.recipe if r.recipe is not None else present
            if r.path is None and v.mode != "side":
                recipe = compare.reframed(recipe, present, declared)
            path = r.path or d.path
            s.reference = ((r.key, r.until, repr(recipe)), path, recipe, r.until)
        self._lay()
        self._show_bar()
        self._tell_mean()
        s.pump()
        v.update()

    def _words_now(self) -> tuple[str, str]:
        s = self.session
        d, declared = s.document, s.declared
        if self.rivals is not None and declared is not None:
            return declared.stages[self.rivals[1]["b"]].kind, ""
        if self.reference is not None and self.reference.path is not None and d is not None:
            return d.path.name, ""
        rows = compare.boundaries(d, declared) if d is not None and declared is not None else []
        return next((r.words for r in rows if s.until and r.until == s.until), tr("Now")), ""

    def _lay(self) -> None:
        """Where the other version's pixels lie on this one's."""
        s, v, r = self.session, self.viewer, self.reference
        d, declared, pane = s.document, s.declared, v.other
        if r is None or pane is None or d is None or declared is None or r.path is not None:
            return
        sensor, present = Sensor.of(d.facts), s.recipe or d.recipe

        def placed(recipe: recipes.Recipe, until: str) -> QTransform:
            after = compare.framed_after(recipe, until, declared)
            return sensor.result(recipe, declared) if after else QTransform()

        mine = placed(present, s.until)
        if r.camera:
            pane.onto = sensor.camera(pane.full) * mine if pane.still is not None else QTransform()
        elif s.reference is not None:
            pane.onto = compare.laid(placed(s.reference[2], r.until), mine)

    def _show_bar(self) -> None:
        s, d, declared = self.session, self.session.document, self.session.declared
        if self.viewer.bar is not self._bar or self._bar is None or d is None or declared is None:
            return
        if self.rivals is not None:
            _, stages, _ = self.rivals
            slot = declared.stages[stages["a"]].slot
            items = [(i.kind, i.name) for i in declared.fitting(slot, d.facts.get("accepted"))]
            for side in ("a", "b"):
                self.bar.show_choices(side, items, stages[side])
        else:
            rows = compare.references(d, declared)
            extra = [self.reference] if self.reference is not None and self.reference.path is not None else []
            now = self.reference.key if self.reference is not None else ""
            self.bar.show_choices("a", [(r.words, r.key) for r in (*extra, *rows)], now)
            last = [(r.words, r.until) for r in compare.boundaries(d, declared)]
            self.bar.show_choices("b", [(tr("Now"), NOW), *last], s.until or NOW)
        self.bar.show_photographs(self.reference is not None and self.reference.path is not None)
        self.bar.show_mode(self.viewer.mode)
        self.viewer.place_bar()

    def _camera(self, path: str, kind: str, found: tuple[QImage, list[QImage]] | None) -> None:
        d, pane, r = self.session.document, self.viewer.other, self.reference
        if kind != "camera" or d is None or str(d.path) != path or pane is None or r is None or not r.camera:
            return
        if found is None:
            self.viewer.say(tr("There is no JPEG of the camera in this file"))
            self.reference = None
            if self._alone_before:
                self.leave_comparison()
            self._refer()
            return
        pane.clear()
        pane.camera, (pane.still, *pane.smaller) = found
        self._lay()
        self.viewer._link()
        self._tell_mean()
        self.viewer.update()

    def _another(self) -> None:
        """Another photograph is opened."""
        if self.rivals is not None:
            self.leave_comparison()
        r = self.reference
        if r is None:
            return
        if r.path is None:
            self.reference = None if r.recipe is not None else r  # its recipes are those of the one before
        elif self.session.photo is not None and r.path == self.session.photo.path:
            self.leave_comparison()

    def _after_picture(self, picture: Picture, role: str) -> None:
        super()._after_picture(picture, role)
        if role == "base" and self.reference is not None:
            self._lay()
        self._tell_mean()

    def _tell_mean(self) -> None:
        """By how much the two differ, where that is what is shown."""
        v = self.viewer
        if self._bar is not None and v.bar is self._bar:
            shown = v.mode == "difference" and v.current is not None and v.other is not None and v.other.there
            if shown and v.current is not None and v.other is not None:
                v.difference.of(v.current, v.other, v.port.zoomed)
            self._bar.show_mean(v.difference.mean if shown else None)

    # --- two photographs ------------------------------------------------------------------------------------------------

    def two_up(self) -> None:
        """Two photographs side by side, zoomed and panned together: the present one and the other that is chosen."""
        s = self.session
        if s.photo is None or s.document is None:
            return
        if self.viewer.mode == "side" and self.reference is not None and self.reference.path is not None:
            self.leave_comparison()
            return
        chosen = [p for p in s.catalog.shown if p in self.film.strip.selection and p.path != s.photo.path]
        other = chosen[0] if chosen else s.catalog.beside(1) or s.catalog.beside(-1)
        if other is None or other.path == s.photo.path:
            self.viewer.say(tr("There is no other photograph to compare with; choose one in the filmstrip with Ctrl"))
            return
        s.engine.send("peer", path=str(other.path))

    def _peered(self, m: dict[str, Any]) -> None:
        path = Path(m["path"])
        if self.session.document is None or path == self.session.document.path:
            return
        self.leave_comparison()
        self.compare_with(Reference(f"photo {path}", path.name, m["recipe"], path=path), "side")

    # --- two stages -----------------------------------------------------------------------------------------------------

    def compare_stages(self, ident: str) -> None:
        """Two stages that fit one place, at that place; only Keep makes a step."""
        s, d, declared = self.session, self.session.document, self.session.declared
        info = recipes.stage_of(d.recipe, ident, declared) if d is not None and declared is not None else None
        if d is None or declared is None or info is None:
            return
        others = [i for i in declared.fitting(info.slot, d.facts.get("accepted")) if i.name != info.name]
        if not others:
            self.viewer.say(tr("There is no other stage for this place"))
            return
        self.leave_comparison()
        stages = {"a": info.name, "b": others[0].name}
        self.rivals = (ident, stages, {})
        s.view(ident)
        for side, stage in stages.items():
            self._rival(side, stage)

    def _rival(self, side: str, stage: str) -> None:
        d = self.session.document
        if d is not None and self.rivals is not None:
            self.rivals[1][side] = stage
            row = {"recipe": d.recipe, "stage": stage, "side": side}
            self.session.engine.send("candidate", path=str(d.path), **row)

    def _candidate(self, m: dict[str, Any]) -> None:
        s, d = self.session, self.session.document
        if d is None or self.rivals is None or m["path"] != str(d.path) or s.declared is None:
            return
        ident, stages, made = self.rivals
        if stages[m["side"]] != m["stage"]:
            return
        made[m["side"]] = m["recipe"]
        if m["side"] == "b":
            s.try_recipe(m["recipe"])
        else:
            until = ident if any(e["id"] == ident for e in m["recipe"]["entries"]) else ""
            self.reference = Reference(f"stage {m['stage']}", s.declared.stages[m["stage"]].kind, m["recipe"], until)
            if self.viewer.mode == "one":
                self.compare("split")
        self.bar.show_keep(True)
        self._refer()

    def _keep(self, side: str) -> None:
        s, d, declared = self.session, self.session.document, self.session.declared
        if d is None or self.rivals is None or declared is None or side not in self.rivals[2]:
            return
        info, recipe = declared.stages[self.rivals[1][side]], self.rivals[2][side]
        self.leave_comparison()
        d.finish()
        d.put(recipe, info.heading, info.kind)
        s.view("")
