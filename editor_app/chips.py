"""Ranked answers of a stage's measurement, as chips above its rows: best first, click (or Alt-1 2 3) applies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from editor_app import paint, theme
from editor_app.widgets import Hover

MOST, ROW = 4, 3
"""How many are shown (what was picked by hand besides the best three), and how many stand side by side."""
_GAP = 6


def light(kelvin: float) -> str:
    """The colour of a light, for a disc of 10 px: enough to tell warm from cold (a fit through four usual lights)."""
    stops = [(2000, (255, 196, 128)), (4000, (250, 222, 184)), (5500, (245, 238, 226)), (6500, (238, 242, 250))]
    stops.append((10000, (205, 222, 252)))
    k = min(max(kelvin, stops[0][0]), stops[-1][0])
    for (k0, a), (k1, b) in pairwise(stops):
        if k <= k1:
            t = (k - k0) / (k1 - k0)
            return QColor(*(round(x + (y - x) * t) for x, y in zip(a, b, strict=True))).name()
    return "#ffffff"


class Chips(Hover):
    """Up to four candidates (plain data: values, confidence, words), three side by side."""

    applied = Signal(object)  # parameter values

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Mapping[str, Any]] = []
        self.on = -1
        self.setFixedHeight(48)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.hide()

    def show_candidates(self, rows: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> None:
        """Show candidates; the one whose values are in force is ringed."""
        self.rows = list(rows)[:MOST]
        hits = [i for i, r in enumerate(self.rows) if all(values.get(k) == v for k, v in r["values"].items())]
        self.on = hits[0] if hits else -1
        self.setVisible(bool(self.rows))
        self.setFixedHeight(48 if len(self.rows) <= ROW else 48 + 40 + _GAP)
        self.setAccessibleName(" · ".join(str(r["words"]) for r in self.rows))
        self.update()

    def wait(self) -> None:
        """Nothing is known yet: the room stays as it was, so that nothing moves when the candidates come."""
        self.rows, self.on = [], -1
        self.update()

    def spans(self) -> list[QRectF]:
        """Where the chips lie: always thirds, so that nothing jumps when one comes or goes."""
        w = (self.width() - 32 - (ROW - 1) * _GAP + 8) / ROW
        places = [(i % ROW, i // ROW) for i in range(len(self.rows))]
        return [QRectF(16 + x * (w + _GAP), 2 + y * (40 + _GAP), w, 40) for x, y in places]

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p = theme.now(), paint.painter(self)
        at = self.mapFromGlobal(self.cursor().pos())
        for i, (r, c) in enumerate(zip(self.spans(), self.rows, strict=True)):
            hot = self.underMouse() and r.contains(at)
            paint.rounded(p, r, t.hover if hot else t.field, 4, t.accent if i == self.on else "")
            what, _, words = str(c["words"]).partition(": ")
            kelvin = re.search(r"(\d+) K", words)
            x = r.x() + 9
            if kelvin:
                paint.disc(p, x + 5, r.y() + 13, 5, light(float(kelvin.group(1))), t.edge, 1)
                x += 16
            head = kelvin.group(0) if kelvin else what
            colour = t.text if i == self.on else t.soft
            paint.text(p, QRectF(x, r.y() + 4, r.right() - x - 4, 18), head, colour, 11, 500 if i == self.on else 400)
            name = what[:1].upper() + what[1:] if kelvin else words
            paint.text(p, QRectF(r.x() + 9, r.y() + 20, r.width() - 48, 18), name, t.faint, 10)
            share = float(c["confidence"])
            paint.text(
                p,
                QRectF(r.right() - 44, r.y() + 20, 36, 18),
                f"{share:.0%}".replace("%", " %"),
                t.faint,
                10,
                400,
                paint.RIGHT,
            )

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        i = next((i for i, r in enumerate(self.spans()) if r.contains(e.position())), -1)
        self.setToolTip(str(self.rows[i]["words"]) if i >= 0 else "")
        self.setCursor(Qt.CursorShape.PointingHandCursor if i >= 0 else Qt.CursorShape.ArrowCursor)
        self.update()

    def mousePressEvent(self, e: QMouseEvent) -> None:
        for r, c in zip(self.spans(), self.rows, strict=True):
            if r.contains(e.position()):
                self.applied.emit(dict(c["values"]))

    def apply(self, i: int) -> None:
        """Apply candidate `i`, where there is one."""
        if i < len(self.rows):
            self.applied.emit(dict(self.rows[i]["values"]))
