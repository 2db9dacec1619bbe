"""The bar of a comparison: A, B, Split · Side · Difference, and for two stages Keep A, Keep B."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal

from editor_app import paint
from editor_app.floating import FloatingBar
from editor_app.layout import Plane, Words, button, row
from editor_app.widgets import Combo, Segment, Tool
from editor_app.words import tr

SHOWN = ("split", "side", "difference")
WIDTHS = (148, 128)
"""Of the choosers, and where the buttons that keep one need room."""


class CompareBar(FloatingBar):
    """Chooses the two versions and how they are shown; tells, and is told by `show_…`."""

    mode = Signal(str)
    chosen = Signal(str, str)  # side "a" or "b", key
    kept = Signal(str)  # side
    swapped = Signal()
    closed = Signal()

    def __init__(self) -> None:
        self.combos = {"a": Combo(), "b": Combo()}
        for side, c in self.combos.items():
            c.setFixedWidth(WIDTHS[0])
            c.setAccessibleName(tr("Version {0}").format(side.upper()))
            c.activated.connect(lambda _, side=side, c=c: self.chosen.emit(side, c.value()))
        self.modes = Segment([tr("Split"), tr("Side"), tr("Difference")], 216, 26)
        self.modes.tips = [tr("Split  (Y)"), tr("Side by side  (Shift+Y)"), tr("Difference  (Alt+Y)")]
        self.modes.chosen.connect(lambda i: self.mode.emit(SHOWN[i]))
        self.mean = Words("", "soft", 11, width=84, align=paint.LEFT)
        self.mean.setToolTip(
            tr("Mean difference of the values shown, of full scale; the picture shows it 8 times stronger round grey")
        )
        self.keep = {"a": button(tr("Keep A"), "primary"), "b": button(tr("Keep B"))}
        for side, b in self.keep.items():
            b.clicked.connect(lambda _=False, side=side: self.kept.emit(side))
        close = Tool("close", tr("Leave the comparison  (Esc)"), size=22)
        names = (Words("A", weight=600), Words("B", weight=600))
        a_side, b_side = (row(n, 6, c) for n, c in zip(names, self.combos.values(), strict=True))
        shown = row(self.modes, 8, self.mean)
        self.keeps = Plane(row(self.keep["a"], self.keep["b"], gap=8))
        self.keeps.hide()
        self.b_side, self.shown = Plane(b_side), Plane(shown)
        super().__init__([Plane(a_side), self.b_side, self.shown, Plane(row(self.keeps, close, gap=8))])
        close.clicked.connect(self.closed)

    def show_choices(self, side: str, items: Sequence[tuple[str, str]], now: str) -> None:
        """The versions that a side can show (words, key), and the one that it shows."""
        c = self.combos[side]
        if [(c.itemText(i), c.itemData(i)) for i in range(c.count())] != list(items):
            c.blockSignals(True)
            c.clear()
            for words, key in items:
                c.addItem(words, key)
            c.blockSignals(False)
        c.set_value(now)

    def show_mode(self, mode: str) -> None:
        """How the two are shown."""
        self.modes.choose(SHOWN.index(mode) if mode in SHOWN else -1)

    def show_photographs(self, on: bool) -> None:
        """Whether two photographs stand side by side, which nothing else suits."""
        self.b_side.setVisible(not on)
        self.shown.setVisible(not on)

    def show_mean(self, mean: float | None) -> None:
        """The mean difference, of full scale; None for nothing."""
        self.mean.say("" if mean is None else tr("mean {0} %").format(f"{100 * mean:.2f}"))

    def show_keep(self, on: bool) -> None:
        """Whether one of the two can be kept."""
        self.keeps.setVisible(on)
        for c in self.combos.values():
            c.setFixedWidth(WIDTHS[on])
