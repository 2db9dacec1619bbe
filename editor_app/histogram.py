"""The histogram of the boundary that is viewed, the raw histogram, the waveform; marks light when something clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSettings, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme
from editor_app.layout import Drawing, Words, column, row
from editor_app.widgets import Segment
from editor_app.words import MINUS, aperture, shutter, tr
from editor_app.worker import Picture

SHOWN = 0.0005  # share of pixels from which clipping is worth a mark
MODES = ("rgb", "raw", "wave")
WAVE = (288, 80)
"""Columns and levels of the waveform."""
_SIDE = 16


def waveform(picture: Picture) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """(levels, columns, 3): how often each level of red, green and blue stands in each column, 0…1, brightest on top."""
    columns, levels = WAVE
    h, w = picture.image.height(), picture.image.width()
    pixels = np.frombuffer(picture.image.constBits(), np.uint8).reshape(h, w, 4)
    step = max(1, h // 240)
    part = pixels[::step, :, 2::-1]
    place = np.arange(w, dtype=np.int64) * columns // w
    out = np.empty((levels, columns, 3), np.float32)
    for k in range(3):
        level = part[..., k].astype(np.int64) * levels // 256
        found = np.bincount((level * columns + place).ravel(), minlength=levels * columns)
        out[..., k] = found.reshape(levels, columns)[::-1]
    per_column = np.maximum(1, np.bincount(place, minlength=columns)) * part.shape[0]
    share = out / per_column[None, :, None]
    scaled: np.ndarray[tuple[int, int, int], np.dtype[np.float32]] = np.minimum(1, (share * levels / 6) ** 0.5)
    return scaled


class Plot(QWidget):
    """Three filled curves that make grey where they overlap, or a waveform."""

    marks = Signal(bool)  # hover over a corner: show the overlay
    kept = Signal()  # click on a corner: keep it

    def __init__(self) -> None:
        super().__init__()
        self.curves: list[list[float]] = []
        self.wave: np.ndarray[Any, Any] | None = None
        self.ticks: list[tuple[float, str]] = []  # places 0…1 along the bottom, with a word
        self.clipped = (0.0, 0.0)
        self._over = False
        self.setFixedHeight(88)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Histogram"))

    def show_counts(self, counts: Sequence[Sequence[int]], clipped: Sequence[float]) -> None:
        """Show counts per bin of red, green and blue, and the shares clipped white and black."""
        rows = np.array(counts, float)
        if rows.size:
            padded = np.pad(rows, ((0, 0), (1, 1)), mode="edge")
            smooth = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3
            smooth[:, 0], smooth[:, -1] = rows[:, 0], rows[:, -1]
            peak = max(1.0, float(np.percentile(smooth[:, 1:-1], 98.5)))
            rows = np.minimum(smooth / peak, 1.12)
        self.curves, self.clipped = rows.tolist(), (clipped[0], clipped[1])
        white, black = (f"{c:.1%}".replace("%", " %") for c in self.clipped)
        self.setToolTip(tr("Clipped: {0} white, {1} black").format(white, black))
        self.update()

    def _corners(self) -> list[QRectF]:
        return [QRectF(12, 0, 18, 16), QRectF(self.width() - 30, 0, 18, 16)]

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p, w, h = theme.now(), paint.painter(self), self.width(), self.height()
        if self.wave is not None:
            self._paint_wave(p, QRectF(_SIDE, 8, w - 2 * _SIDE, h - 10))
        else:
            self._paint_curves(p, w, h)
        paint.rounded(p, QRectF(_SIDE, h - 1, w - 2 * _SIDE, 1), t.edge, 0)
        for place, words in self.ticks:
            x = _SIDE + place * (w - 2 * _SIDE)
            paint.rounded(p, QRectF(x, h - 5, 1, 4), t.edge, 0)
            if words:
                paint.text(p, QRectF(x - 20, 0, 40, 12), words, t.faint, 10, align=paint.CENTRE)
        for x, share in ((_SIDE, self.clipped[1]), (w - 24, self.clipped[0])):
            points = [QPointF(x, 9), QPointF(x + 8, 9), QPointF(x + 4, 2)]
            paint.polygon(p, points, t.warn if share > SHOWN else t.track)

    def _paint_curves(self, p: QPainter, w: int, h: int) -> None:
        t, modes = theme.now(), QPainter.CompositionMode
        p.setCompositionMode(modes.CompositionMode_Plus if theme.is_dark() else modes.CompositionMode_Multiply)
        for row_, colour in zip(self.curves, (t.red, t.green, t.blue), strict=False):
            path = QPainterPath(QPointF(_SIDE, h))
            for i, y in enumerate(row_):
                path.lineTo(_SIDE + i * (w - 2 * _SIDE) / (len(row_) - 1), h - y * (h - 8) / 1.12)
            path.lineTo(w - _SIDE, h)
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(QColor(colour))
            p.drawPath(path)
        p.setCompositionMode(modes.CompositionMode_SourceOver)

    def _paint_wave(self, p: QPainter, r: QRectF) -> None:
        """Dots of three colours that add up to white (dark) or take away to black (light)."""
        assert self.wave is not None
        t = theme.now()
        ground = np.array([QColor(t.panel).red()] * 3, np.float32)
        ink = 255 - ground if theme.is_dark() else -ground
        seen = self.wave if theme.is_dark() else (self.wave.sum(2, keepdims=True) - self.wave) / 2
        rgb = np.clip(ground + seen * ink, 0, 255).astype(np.uint8)
        h, w, _ = rgb.shape
        image = QImage(np.ascontiguousarray(rgb).tobytes(), w, h, 3 * w, QImage.Format.Format_RGB888).copy()
        p.drawImage(r, image, QRectF(image.rect()))
        for level in (0.25, 0.5, 0.75):
            line = QColor(t.edge)
            line.setAlphaF(0.5)
            p.fillRect(QRectF(r.x(), r.bottom() - level * r.height(), r.width(), 1), line)

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        over = any(r.contains(e.position()) for r in self._corners())
        if over != self._over:
            self._over = over
            self.marks.emit(over)

    def leaveEvent(self, e: QEvent) -> None:
        if self._over:
            self._over = False
            self.marks.emit(False)

    def mousePressEvent(self, e: QMouseEvent) -> None:
        if any(r.contains(e.position()) for r in self._corners()):
            self.kept.emit()


class Histogram(QWidget):
    """Heading, plot, and four facts of the exposure; RGB · Raw · Wave."""

    wanted = Signal()  # the sensor's own counts

    def __init__(self) -> None:
        super().__init__()
        self.state = Words("", "faint", 10)
        self.plot = Plot()
        self.facts: list[str] = []
        self.told: Mapping[str, Any] | None = None
        self.picture: Picture | None = None
        self.counts: Mapping[str, Any] | None = None
        self.modes = Segment(["RGB", tr("Raw"), tr("Wave")], 126, 22)
        self.modes.tips = [
            tr("Histogram of what is viewed  (Shift+H: next)"),
            tr("What the sensor counted, in stops below saturation  (Shift+H: next)"),
            tr("Waveform: brightness from left to right of the picture  (Shift+H: next)"),
        ]
        kept = str(QSettings().value("histogram/mode", MODES[0]))
        self.mode = kept if kept in MODES else MODES[0]
        self.modes.choose(MODES.index(self.mode))
        self.modes.chosen.connect(lambda i: self.set_mode(MODES[i]))
        exif = Drawing(self._facts, 28)
        self.exif = exif
        title = Words(tr("Histogram"), weight=600)
        head = row(title, 8, self.state, None, self.modes, margin=(_SIDE, 8, _SIDE, 4))
        self.setLayout(column(head, self.plot, exif))

    def show_facts(self, facts: Mapping[str, Any] | None) -> None:
        """Focal length, aperture, time, ISO; places stay where a file says nothing."""
        f = facts or {}
        self.facts = [
            f"{f['focal_length']:.0f} mm" if f.get("focal_length") else "",
            aperture(f.get("aperture") or 0.0),
            shutter(f.get("shutter") or 0.0),
            f"ISO {f['iso']:g}" if f.get("iso") else "",
        ]
        self.counts = None
        self.exif.update()
        if facts is not None and self.mode == "raw":
            self.wanted.emit()

    def show_picture(self, picture: Picture | None) -> None:
        """Show what a rendering is like; None: nothing is open."""
        self.picture, self.told = picture, picture.told if picture is not None else None
        self._show()

    def show_counts(self, counts: Mapping[str, Any]) -> None:
        """Show what the sensor counted."""
        self.counts = counts
        self._show()

    def set_mode(self, mode: str) -> None:
        """The histogram of what is viewed, the sensor's, or the waveform."""
        self.mode = mode
        self.modes.choose(MODES.index(mode))
        QSettings().setValue("histogram/mode", mode)
        if mode == "raw" and self.counts is None and self.told is not None:
            self.wanted.emit()
        self._show()

    def next_mode(self) -> None:
        """The next of the three."""
        self.set_mode(MODES[(MODES.index(self.mode) + 1) % len(MODES)])

    def _show(self) -> None:
        told, plot = self.told, self.plot
        clipped = told["clipped"] if told else (0.0, 0.0)
        plot.wave, plot.ticks = None, []
        if self.mode == "raw":
            self.state.say("EV" if told else "")
            c = self.counts if told else None
            if c is not None:
                span = c["high"] - c["low"]
                marks = range(int(c["low"]), int(c["high"]) + 1, 2)
                plot.ticks = [((ev - c["low"]) / span, f"{ev}".replace("-", MINUS)) for ev in marks]
                plot.ticks = [(x, words if 0.08 < x < 0.92 else "") for x, words in plot.ticks]
            plot.show_counts(c["histogram"] if c else [], c["clipped"] if c else (0.0, 0.0))
            return
        self.state.say(str(told["state"]) if told else "")
        plot.show_counts(told["histogram"] if told else [], clipped)
        if self.mode == "wave" and self.picture is not None:
            plot.wave = waveform(self.picture)

    def _facts(self, p: QPainter, w: int, h: int) -> None:
        for i, words in enumerate(self.facts):
            align = (paint.LEFT, paint.CENTRE, paint.CENTRE, paint.RIGHT)[i]
            paint.text(p, QRectF(_SIDE + (w - 104) * i / 3, 0, 72, h), words, theme.now().soft, 11, align=align)
