"""The top bar (menus, tools, zoom, undo, export) and the status line (file, readout, work)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QMenu, QMenuBar, QSizePolicy, QWidget

from editor_app import paint, theme
from editor_app.layout import Drawing, Plane, Words, button, row
from editor_app.shortcuts import MENUS, Command, Commands
from editor_app.viewport import Viewport
from editor_app.widgets import Segment, Tool
from editor_app.words import SPELLED, signed, tr
from editor_app.words import left as left_words

HANDS = (("move", "hand"), ("crop", "crop"), ("pick", "pipette"), ("adjust", "target"))
SIDE, NARROW, ROOMY, NAMED = 330, 1232, 1200, 280
"""The width of each end; below the second, half of the tools goes into a menu."""


def _gap() -> QWidget:
    return Drawing(lambda p, w, h: paint.rounded(p, QRectF(w / 2, 14, 1, 16), theme.now().track, 0), theme.TOP, 17)


class TopBar(Plane):
    """menus · tools, centred · undo, redo, Export."""

    zoomed = Signal(object)  # None or a zoom

    def __init__(self, commands: Commands) -> None:
        self.commands = commands
        bar = QMenuBar()
        bar.setNativeMenuBar(False)
        bar.setFont(theme.font())
        bar.setFixedHeight(26)
        bar.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.menus = {m: bar.addMenu(tr(m)) for m in MENUS}
        self._fill(commands)
        self.hands = {n: self._hand(i, n) for n, i in HANDS}
        self.single = Segment(["single", "split", "side"], 96, 28, icons=True)
        words = (("split", tr("One picture")), ("split", tr("Before and after, split")), ("side", tr("Side by side")))
        self.single.tips = [tr("One picture  (Esc)"), *(self._tip(n, w) for n, w in words[1:])]
        self.single.chosen.connect(self._mode)
        self.mode = "one"
        self.marks = [self._toggle(i, n) for i, n in (("clip", "clipping"), ("gamut", "gamut"), ("grid", "grid"))]
        self.zoom = Segment([tr("Fit"), "1:1", "2:1"], 120, 28)
        self.percent = Words("", "soft", 11, width=44, align=paint.RIGHT)
        half = Plane(row(*self.marks, _gap(), self.zoom, gap=4))
        self.half = half
        self.more = Tool("more", tr("Overlays and zoom"))
        self.more.clicked.connect(self._menu)
        self.more.hide()
        tools = row(*self.hands.values(), _gap(), self.single, _gap(), half, self.more, self.percent, gap=4)
        self.tools = Plane(tools)
        self.undo = self._button("undo", "undo")
        self.redo = self._button("redo", "redo")
        self.export = button(tr("Export"))
        self.export.clicked.connect(commands.actions["export"].trigger)
        self.ends = Plane(row(None, self.undo, self.redo, 12, self.export, 16, gap=4), width=SIDE)
        super().__init__(
            row(Plane(row(8, bar, None), width=SIDE), None, self.tools, None, self.ends), "chrome", height=theme.TOP
        )
        self.zoom.chosen.connect(lambda i: self.zoomed.emit((None, 1.0, 2.0)[i]))
        for name in ("undo", "redo", "export"):
            commands.actions[name].changed.connect(self._follow)
        self._follow()
        self.show_tool("move")

    def _fill(self, commands: Commands) -> None:
        """The menus, in the order of the commands; a gap parts what stands in one menu, else the menus that they stand in."""
        before: Command | None = None
        gap = False
        for c in commands.layout:
            if c is None:
                gap = True
                continue
            home, _, sub = c.menu.partition("/")
            if gap and before is not None and before.home == home:
                self.menus[c.menu if before.menu == c.menu else home].addSeparator()
            if c.menu not in self.menus:
                self.menus[c.menu] = self.menus[home].addMenu(tr(sub))
            self.menus[c.menu].addAction(commands.actions[c.name])
            before, gap = c, False

    def resizeEvent(self, e: QResizeEvent) -> None:
        narrow = self.width() < NARROW
        self.half.setVisible(not narrow)
        self.more.setVisible(narrow)

    def _menu(self) -> None:
        """The tools' second half, where there is no room for it."""
        menu, actions = QMenu(self), self.commands.actions
        menu.addActions([actions[n] for n in ("clipping", "gamut", "grid")])
        menu.addSeparator()
        menu.addActions([actions[n] for n in ("fit", "one", "two", "zoom_in", "zoom_out")])
        menu.exec(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def _tip(self, name: str, words: str) -> str:
        keys = self.commands.keys(name)
        return f"{words}  ({keys})" if keys else words

    def _button(self, icon: str, name: str) -> Tool:
        tool = Tool(icon, self._tip(name, self.commands.actions[name].text()))
        tool.clicked.connect(self.commands.actions[name].trigger)
        return tool

    def _toggle(self, icon: str, name: str) -> Tool:
        action = self.commands.actions[name]
        tool = Tool(icon, self._tip(name, action.text()), check=True)
        tool.clicked.connect(action.trigger)
        action.toggled.connect(tool.setChecked)
        return tool

    def _follow(self) -> None:
        actions = self.commands.actions
        self.undo.setEnabled(actions["undo"].isEnabled())
        self.redo.setEnabled(actions["redo"].isEnabled())
        self.export.setEnabled(actions["export"].isEnabled())

    def set_live(self, on: bool) -> None:
        """Whether there is a photograph to work on."""
        self.tools.setEnabled(on)
        if not on:
            self.percent.say("")

    def _hand(self, icon: str, name: str) -> Tool:
        tool = Tool(icon, self._tip(name, self.commands.actions[name].text()), check=True)
        tool.clicked.connect(lambda: self._take(name))
        return tool

    def _take(self, name: str) -> None:
        self.hands[name].setChecked(self.hand == name)  # what is in hand is told by `show_tool`
        self.commands.actions[name].trigger()

    hand = "move"

    def show_tool(self, name: str) -> None:
        """Which tool is in hand."""
        self.hand = name
        for n, tool in self.hands.items():
            tool.setChecked(n == name)

    def _mode(self, i: int) -> None:
        """Trigger what shows it so; the same once more ends a comparison."""
        wanted = ("one", "split", "side")[i]
        self.show_mode(self.mode)
        if wanted != self.mode:
            self.commands.actions[self.mode if wanted == "one" else wanted].trigger()

    def show_mode(self, mode: str) -> None:
        """How two pictures are shown: one, split, side or difference."""
        self.mode = mode
        self.single.choose({"one": 0, "split": 1, "side": 2}.get(mode, -1))

    def show_zoom(self, port: Viewport) -> None:
        """The zoom in force."""
        z = port.zoom or port.fitting
        self.percent.say(f"{z:.0%}".replace("%", " %") if port.full[0] else "")
        self.zoom.choose(0 if port.zoom is None else {1.0: 1, 2.0: 2}.get(port.zoom, -1))


class StatusLine(Plane):
    """file, size, saved · readout · work, progress, cancel."""

    cancelled = Signal()
    queue_wanted = Signal()

    def __init__(self) -> None:
        self.queue = button("", "quiet")
        self.queue.setFont(theme.font(11))
        self.queue.setToolTip(tr("Show the export queue"))
        self.queue.hide()
        self.file = Words(tr("Ready.  ? shows all keys"), "soft", 11, middle=True)
        self.file.setMaximumWidth(NAMED)
        self.pixels = Words("", "faint", 11)
        self.saved = Words("", "faint", 11)
        self.place = Words("", "soft", 11, width=124)
        self.values = Words("", "soft", 11, width=250)
        self.hint = Words("", "soft", 11)
        self.hint.hide()
        self.work = Words("", "soft", 11, width=220, align=paint.RIGHT)
        self.bar = Drawing(self._bar, theme.STATUS, 96)
        self.cancel = Tool("close", tr("Cancel  (Esc)"), size=20)
        self.fraction = 0.0
        keep = self.cancel.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.cancel.setSizePolicy(keep)
        self.cancel.hide()
        for w in (self.file, self.pixels, self.saved):
            w.setFixedHeight(19)
        layout = row(
            self.file,
            12,
            self.pixels,
            12,
            self.saved,
            None,
            self.place,
            self.values,
            self.hint,
            None,
            self.queue,
            12,
            self.work,
            8,
            self.bar,
            4,
            self.cancel,
            margin=(16, 0, 12, 0),
        )
        super().__init__(layout, "chrome", height=theme.STATUS)
        self.cancel.clicked.connect(self.cancelled)
        self.queue.clicked.connect(self.queue_wanted)

    def _bar(self, p: QPainter, w: int, h: int) -> None:
        if self.fraction > 0:
            t = theme.now()
            paint.rounded(p, QRectF(0, 11, w, 2), t.track, 1)
            paint.rounded(p, QRectF(0, 11, w * self.fraction, 2), t.accent, 1)

    def show_file(self, name: str, size: tuple[int, int] | None) -> None:
        """The photograph that is open."""
        self.file.say(name, "text")
        self.file.setToolTip(name)
        self.pixels.say(f"{size[0]} × {size[1]}" if size else "")
        self.saved.say("")

    def show_saved(self, words: str) -> None:
        """When it was saved."""
        self.saved.say(words)

    def show_work(self, words: str, fraction: float, left: float) -> None:
        """What is being done, how far it is, and for how long still; "" for nothing."""
        percent = f"{fraction:.0%}".replace("%", " %")
        self.work.say(
            "  ".join(w for w in (words[:1].upper() + words[1:], percent, left_words(left)) if w) if words else ""
        )
        self.fraction = fraction if words else 0.0
        self.cancel.setVisible(bool(words))
        self.bar.update()

    def show_hint(self, words: str) -> None:
        """What the hand can do now, in place of the readout; "" for nothing."""
        self.hint.say(words)
        for w in (self.place, self.values):
            w.setVisible(not words)
        for w in (self.pixels, self.saved):  # there is no room for all of it on narrow windows
            w.setVisible(not words or self.width() >= ROOMY)
        self.hint.setVisible(bool(words))

    def show_queue(self, words: str) -> None:
        """How far the exports are; "" where there are none."""
        self.queue.setText(tr("Export: {0}").format(words) if words else "")
        self.queue.setVisible(bool(words))

    def show_place(self, x: int, y: int) -> None:
        """The pixel under the pointer."""
        self.place.say(f"x {x}   y {y}")

    def show_values(self, told: Mapping[str, Any] | None) -> None:
        """The values under the pointer, in the state that is viewed."""
        if told is None:
            self.place.say("")
            self.values.say("")
            return
        values, state = told["values"], told["state"]
        if state == "ENCODED":
            numbers = [f"{v * 255:.0f}" for v in values]
            unit = SPELLED.get(told.get("space") or "srgb", "")
        else:
            numbers = [signed(v, 3).lstrip("+") for v in values]
            unit = tr("linear")
        names = "RGB" if len(numbers) == 3 else (told.get("filter") or "")
        self.values.say(
            "   ".join(f"{n} {v}".strip() for n, v in zip(names or " ", numbers, strict=False)) + f"   {unit}"
        )
