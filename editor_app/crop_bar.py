"""The bar of the crop tool: ratio, swap, guide, angle, lines, turn, flip, Reset, Done; perspective in a second row."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from editor_app.declared import ParamInfo
from editor_app.floating import FloatingBar
from editor_app.framing import Roles, ratio_of
from editor_app.layout import Plane, Words, button, row
from editor_app.shown import Shown
from editor_app.slider import Slider
from editor_app.widgets import Combo, NumberField, Tool
from editor_app.words import tr

FREE, ORIGINAL = "free", "original"
USUAL = ("1:1", "3:2", "4:3", "5:4", "16:9", "2:1")
GUIDES = ("none", "thirds", "golden", "diagonal", "grid")


def guide_words(name: str) -> str:
    """A guide's name for people."""
    return {
        "none": tr("No guide"),
        "thirds": tr("Thirds"),
        "golden": tr("Golden section"),
        "diagonal": tr("Diagonals"),
        "grid": tr("Grid"),
    }[name]


class Amount(QWidget):
    """A number parameter in a bar: words, slider, number; all of it told as one value."""

    moved = Signal(float)
    done = Signal()

    def __init__(self, p: ParamInfo, words: str, width: int) -> None:
        super().__init__()
        self.shown = Shown(p)
        self.slider = Slider(self.shown)
        self.slider.setFixedWidth(width)
        self.slider.setToolTip(p.help)
        self.number = NumberField(p.words)
        self.number.left.connect(self._leave)
        self.number.editingFinished.connect(self._typed)
        unit = Words(self.shown.unit, "faint", 11, width=12 if self.shown.unit else 4)
        self.setLayout(row(Words(words, "soft") if words else 0, 8 if words else 0, self.slider, 4, self.number, unit))
        self.slider.moved.connect(self._moved)
        self.slider.done.connect(self.done)
        self.show_value(p.default)

    def show_value(self, v: float) -> None:
        """Show a value without telling anybody."""
        if not self.slider.dragging:
            self.slider.show_value(v)
        if not self.number.isModified():
            self.number.setText(self.shown.text(v))

    def _moved(self, v: float) -> None:
        self.number.setModified(False)
        self.moved.emit(v)

    def _leave(self) -> None:
        self.show_value(self.slider.value)
        self.slider.setFocus()

    def _typed(self) -> None:
        if self.number.isModified():
            self.number.setModified(False)
            found = self.shown.parse(self.number.text(), self.slider.value)
            if found is not None:
                self.moved.emit(self.shown.clamp(found, snap=False))
                self.done.emit()
            self.number.setText(self.shown.text(self.slider.value))


class CropBar(FloatingBar):
    """The floating bar; the tool sets what it shows, it tells what is wanted."""

    ratio = Signal(str)
    swapped = Signal()
    guide = Signal(str)
    bent = Signal(str, float)  # "angle", "vertical" or "horizontal"
    settled = Signal()
    lines = Signal(bool)
    turned = Signal(str)  # "left", "right", "across" or "down"
    reset = Signal()
    done = Signal()

    def __init__(self, roles: Roles) -> None:
        declared = roles.aspect.choices if roles.aspect is not None else ()
        self.ratios = Combo(ratio_items(declared))
        self.ratios.setFixedWidth(92)
        self.ratios.setToolTip(tr("Ratio of the sides  (A: next)"))
        self.ratios.setAccessibleName(tr("Ratio"))
        self.swap = Tool("swap", tr("Lying or standing  (X)"))
        self.guides = Combo([(guide_words(g), g) for g in GUIDES])
        self.guides.setFixedWidth(132)
        self.guides.setToolTip(tr("Guide  (O: next)"))
        self.guides.setAccessibleName(tr("Guide"))
        self.amounts: dict[str, Amount] = {}
        if roles.angle is not None:
            self.amounts["angle"] = Amount(roles.angle, tr("Angle"), 88)
        for name, p, words in zip(
            ("vertical", "horizontal"), roles.bends, (tr("Vertical"), tr("Horizontal")), strict=True
        ):
            if p is not None:
                self.amounts[name] = Amount(p, words, 88)
        tip = tr("Draw lines that should stand upright or lie level: one straightens, two set the perspective  (L)")
        self.draw = Tool("perspective", tip, check=True)
        turns = []
        if roles.quarter is not None:
            turns += [("turn-left", tr("Turn left  (,)"), "left"), ("turn-right", tr("Turn right  (.)"), "right")]
        if roles.flips[0] is not None:
            turns.append(("flip-h", tr("Flip left to right  (H)"), "across"))
        if roles.flips[1] is not None:
            turns.append(("flip-v", tr("Flip top to bottom  (Shift+H)"), "down"))
        self.turns = [Tool(icon, words) for icon, words, _ in turns]
        for tool, (_, _, how) in zip(self.turns, turns, strict=True):
            tool.clicked.connect(lambda _=False, how=how: self.turned.emit(how))
        back = button(tr("Reset"))
        back.setToolTip(tr("The whole picture, level  (Backspace)"))
        ready = button(tr("Done"), "primary")
        ready.setToolTip(tr("Keep the crop  (Enter); Esc leaves the picture as it was"))
        for b in (back, ready):
            b.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        first: list[QWidget | int] = [self.ratios, self.swap, 8, self.guides, 8]
        if "angle" in self.amounts:
            first.append(self.amounts["angle"])
        middle: list[QWidget | int] = [self.draw, 4, *self.turns]
        bends = [self.amounts[n] for n in ("vertical", "horizontal") if n in self.amounts]
        self.bends = Plane(row(*bends, gap=16))
        self.bends.setProperty("alone", True)
        self.bends.hide()
        super().__init__(
            [self.bends, Plane(row(*first, gap=2)), Plane(row(*middle, gap=2)), Plane(row(back, ready, gap=8))]
        )
        self.ratios.activated.connect(lambda _: self.ratio.emit(self.ratios.value()))
        self.guides.activated.connect(lambda _: self.guide.emit(self.guides.value()))
        self.swap.clicked.connect(self.swapped)
        self.draw.clicked.connect(self.lines)
        back.clicked.connect(self.reset)
        ready.clicked.connect(self.done)
        for name, a in self.amounts.items():
            a.moved.connect(lambda v, name=name: self.bent.emit(name, v))
            a.done.connect(self.settled)

    def show_lines(self, on: bool) -> None:
        """Whether lines are drawn; perspective then has its row."""
        self.draw.setChecked(on)
        self.bends.setVisible(on and len(self.amounts) > 1)

    def show_values(self, angle: float, vertical: float, horizontal: float) -> None:
        """Show the framing's numbers."""
        for name, v in (("angle", angle), ("vertical", vertical), ("horizontal", horizontal)):
            if name in self.amounts:
                self.amounts[name].show_value(v)


def ratio_items(declared: Sequence[str]) -> list[tuple[str, str]]:
    """The ratios to choose from: free, the picture's own, the usual ones, and what the stage declares besides."""
    known = [*USUAL, *(d for d in declared if ratio_of(d) and d not in USUAL)]
    return [(tr("Free"), FREE), (tr("Original"), ORIGINAL), *((k.replace(":", " : "), k) for k in known)]
