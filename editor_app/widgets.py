"""Small widgets that every part of the window is made of: icon buttons, switches, choices, segments, scrolling."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFrame,
    QLineEdit,
    QScrollArea,
    QWidget,
)

from editor_app import paint, theme
from editor_app.layout import Drawing


class Tool(QAbstractButton):
    """An icon button; checked wears the accent."""

    alt_clicked = Signal()

    def __init__(self, name: str, tip: str, check: bool = False, size: int = 28) -> None:
        super().__init__()
        self.name = name
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFixedSize(size, size)
        self.setCheckable(check)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_icon(self, name: str) -> None:
        """Wear another icon; "" leaves the place empty."""
        self.name = name
        self.update()

    def mouseReleaseEvent(self, e: QMouseEvent) -> None:
        if e.modifiers() & Qt.KeyboardModifier.AltModifier and self.rect().contains(e.position().toPoint()):
            self.setDown(False)
            self.alt_clicked.emit()
        else:
            super().mouseReleaseEvent(e)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.name:
            return
        t, p = theme.now(), paint.painter(self)
        hot = self.isEnabled() and (self.underMouse() or self.isDown())
        if (hot or self.isChecked()) and self.width() > 16:
            paint.rounded(p, QRectF(self.rect()), t.hover, 4)
        if self.hasFocus():
            paint.rounded(p, QRectF(self.rect()), "", 4, t.accent)
        px = 12 if self.width() <= 20 else 16
        colour = t.accent if self.isChecked() else t.text if hot else t.soft
        p.drawPixmap((self.width() - px) // 2, (self.height() - px) // 2, theme.icon(self.name, colour, px))


class Switch(QAbstractButton):
    """On or off, without accent: being on is the normal case.  Drawn 24 × 14 in a larger target."""

    def __init__(self, tip: str, on: bool = True, height: int = 22) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setChecked(on)
        self.setFixedSize(24, height)
        self.setToolTip(tip)
        self.setAccessibleName(tip)

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p, on, y = theme.now(), paint.painter(self), self.isChecked(), (self.height() - 14) / 2
        border = t.accent if self.hasFocus() else "" if on else t.edge
        paint.rounded(p, QRectF(0, y, 24, 14), t.fill if on else "", 7, border)
        paint.disc(p, 17 if on else 7, y + 7, 4.5, t.panel if on else t.fill)


class Combo(QComboBox):
    """A choice; flat (in a panel header) it is only words and a chevron until the pointer comes."""

    def __init__(self, items: Sequence[tuple[str, str]] = (), flat: bool = False) -> None:
        super().__init__()
        self.flat = flat
        self.setFixedHeight(24 if flat else 26)
        self.setFont(theme.font(11 if flat else 12))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        for words, value in items:
            self.addItem(words, value)

    def value(self) -> str:
        """The value of the chosen item."""
        return str(self.currentData())

    def set_value(self, value: str) -> None:
        """Choose by value, without telling anybody."""
        self.blockSignals(True)
        self.setCurrentIndex(max(0, self.findData(value)))
        self.blockSignals(False)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.currentText()) + 34, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(48, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p, hot = theme.now(), paint.painter(self), self.underMouse() or self.hasFocus()
        if not self.flat or hot:
            ground = t.hover if hot else t.field
            paint.rounded(p, QRectF(self.rect()), ground, 4, t.accent if self.hasFocus() else "")
        colour = t.soft if self.flat and not hot else t.text
        align = paint.RIGHT if self.flat else paint.LEFT
        r = QRectF(8, 0, self.width() - 30, self.height())
        paint.text(p, r, self.currentText(), colour, 11 if self.flat else 12, align=align)
        p.drawPixmap(self.width() - 18, self.height() // 2 - 6, theme.icon("down", colour, 12))

    def wheelEvent(self, e: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(e)
        else:
            e.ignore()


class Segment(QWidget):
    """One of a few, as words or icons on one field; as tabs, words with the accent under the chosen one."""

    chosen = Signal(int)

    def __init__(
        self, items: Sequence[str], width: int = 0, height: int = 26, icons: bool = False, tabs: bool = False
    ) -> None:
        super().__init__()
        self.items, self.on, self.hot, self.icons, self.tabs = list(items), 0, -1, icons, tabs
        self.tips: list[str] = []
        if width:
            self.setFixedWidth(width)
        self.setFixedHeight(height)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(" · ".join(items))

    def choose(self, i: int) -> None:
        """Show item `i` as chosen (none for −1), without telling anybody."""
        if i != self.on:
            self.on = i
            self.update()

    def spans(self) -> list[QRectF]:
        """Where the items lie."""
        if not self.tabs:
            return self._parted()
        out, x = [], 16.0
        metrics = QFontMetrics(theme.font(12, 600))  # as wide as when it is chosen, so that none moves
        for words in self.items:
            width = metrics.horizontalAdvance(words)
            out.append(QRectF(x, 0, width, self.height()))
            x += width + 18
        return out

    def _parted(self) -> list[QRectF]:
        """Equal parts; where a word is too wide for its own, all have the same air round theirs."""
        n = self.width() / len(self.items)
        metrics = QFontMetrics(theme.font(11, 500))
        needs = [0.0 if self.icons else float(metrics.horizontalAdvance(w)) for w in self.items]
        air = (self.width() - sum(needs)) / len(needs)
        out, x = [], 0.0
        for need in needs:
            width = need + air if max(needs) > n - 14 else n
            out.append(QRectF(x, 0, width, self.height()))
            x += width
        return out

    def paintEvent(self, event: QPaintEvent) -> None:
        t, p = theme.now(), paint.painter(self)
        if not self.tabs:
            paint.rounded(p, QRectF(self.rect()), t.field, 4, t.accent if self.hasFocus() else "")
        for i, (s, r) in enumerate(zip(self.items, self.spans(), strict=True)):
            on, colour = i == self.on, t.text if i in (self.on, self.hot) else t.soft
            if on and not self.tabs:
                paint.rounded(p, r.adjusted(2, 2, -2, -2), t.edge if theme.is_dark() else t.track, 3)
            if self.tabs:
                width = paint.text(p, r.adjusted(0, 0, 4, 0), s, colour, 12, 600 if on else 400)
                if on:
                    paint.rounded(p, QRectF(r.x(), self.height() - 4, width, 2), t.accent, 1)
            elif self.icons:
                p.drawPixmap(round(r.center().x() - 8), round(r.center().y() - 8), theme.icon(s, colour))
            else:
                paint.text(p, r, s, colour, 11, 500 if on else 400, paint.CENTRE)

    def _at(self, at: QPointF) -> int:
        return next((i for i, r in enumerate(self.spans()) if r.adjusted(-4, 0, 4, 0).contains(at)), -1)

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        hot = self._at(e.position())
        if hot != self.hot:
            self.hot = hot
            self.setToolTip(self.tips[hot] if 0 <= hot < len(self.tips) else "")
            self.update()

    def leaveEvent(self, e: QEvent) -> None:
        self.hot = -1
        self.update()

    def mousePressEvent(self, e: QMouseEvent) -> None:
        self._take(self._at(e.position()))

    def event(self, e: QEvent) -> bool:
        return keeps(e, ARROWS) or super().event(e)

    def keyPressEvent(self, e: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(e.key()))
        if step is None:
            super().keyPressEvent(e)
        else:
            self._take(min(max(0, self.on + step), len(self.items) - 1))

    def _take(self, i: int) -> None:
        if i >= 0 and i != self.on:
            self.on = i
            self.update()
            self.chosen.emit(i)


class Scroll(QScrollArea):
    """Scrolls upright only; what goes on below fades into the panel instead of being cut."""

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.shade = Drawing(self._fade)
        self.shade.setParent(self)
        self.shade.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        bar = self.verticalScrollBar()
        bar.valueChanged.connect(lambda _: self.shade.update())
        bar.rangeChanged.connect(lambda low, high: bar.setEnabled(high > low))

    def _fade(self, p: QPainter, w: int, h: int) -> None:
        bar = self.verticalScrollBar()
        if bar.value() >= bar.maximum():
            return
        ground, clear = QColor(theme.now().panel), QColor(theme.now().panel)
        clear.setAlpha(0)
        g = QLinearGradient(0, 0, 0, h)
        g.setColorAt(0, clear)
        g.setColorAt(0.9, ground)
        p.fillRect(0, 0, w, h, g)

    def resizeEvent(self, e: QResizeEvent) -> None:
        super().resizeEvent(e)
        self.shade.setGeometry(0, self.height() - 40, self.width() - 8, 40)
        self.shade.raise_()


def keeps(e: QEvent, keys: frozenset[Qt.Key]) -> bool:
    """Claim keys that a focused control uses itself, before the window takes them for its shortcuts."""
    if e.type() == QEvent.Type.ShortcutOverride and isinstance(e, QKeyEvent):
        plain = e.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
        if plain and Qt.Key(e.key()) in keys:
            e.accept()
            return True
    return False


class NumberField(QLineEdit):
    """A number beside its slider: the focus selects it, Enter takes it and does nothing else, Esc leaves it as it was."""

    left = Signal()

    def __init__(self, words: str) -> None:
        super().__init__()
        self.setObjectName("number")
        self.setFixedWidth(52)
        self.setAlignment(paint.RIGHT)
        self.setFont(theme.font())
        self.setAccessibleName(words)

    def focusInEvent(self, e: QFocusEvent) -> None:
        super().focusInEvent(e)
        QTimer.singleShot(0, self, self.selectAll)  # once a click has put the cursor where it lies

    def event(self, e: QEvent) -> bool:
        return keeps(e, frozenset({Qt.Key.Key_Escape})) or super().event(e)

    def keyPressEvent(self, e: QKeyEvent) -> None:
        if e.key() == Qt.Key.Key_Escape:
            self.setModified(False)
            self.left.emit()
        else:
            super().keyPressEvent(e)
            if e.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                e.accept()  # or what lies below would take it for its own


ARROWS = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down})


class Hover(QWidget):
    """A widget that knows whether the pointer is over it."""

    def enterEvent(self, e: QEnterEvent) -> None:
        self.update()

    def leaveEvent(self, e: QEvent) -> None:
        self.update()
