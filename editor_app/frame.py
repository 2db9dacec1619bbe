"""The window's frame: its parts in their places, the dock that folds to a rail, what can be hidden."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, QSettings, Qt, QTimer
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from editor_app import theme
from editor_app.bars import StatusLine, TopBar
from editor_app.docks import HistoryDock, InfoDock
from editor_app.filmstrip import Filmstrip
from editor_app.histogram import Histogram
from editor_app.layout import Plane, column, row
from editor_app.panel import Panels
from editor_app.session import Session
from editor_app.shortcuts import Commands, Sheet
from editor_app.stage_strip import StageStrip
from editor_app.styles_dock import StylesDock
from editor_app.viewer import Viewer
from editor_app.welcome import Welcome
from editor_app.widgets import Segment, Tool
from editor_app.words import tr

FOLD, SHORT = 1360, 760
"""Below this width the left dock is a rail; below this height stage strip and filmstrip are low."""


class Grip(QWidget):
    """An edge that can be dragged: four pixels that only the pointer's shape tells of; a double-click restores it."""

    def __init__(self, widget: QWidget, name: str, widths: tuple[int, int], sign: int) -> None:
        super().__init__()
        self.widget, self.name, self.widths, self.sign = widget, f"width/{name}", widths, sign
        self._from: tuple[float, int] | None = None
        self.setFixedWidth(4)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setToolTip(tr("Drag: width. Double-click: as it was"))
        self.take(int(str(QSettings().value(self.name, widths[0]))))

    def take(self, width: int) -> None:
        """Make the widget so wide, as far as it may be."""
        self.widget.setFixedWidth(min(max(width, self.widths[0]), self.widths[1]))

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), QColor(theme.now().panel))

    def mousePressEvent(self, e: QMouseEvent) -> None:
        self._from = (e.globalPosition().x(), self.widget.width())

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        if self._from is not None:
            self.take(round(self._from[1] + self.sign * (e.globalPosition().x() - self._from[0])))

    def mouseReleaseEvent(self, e: QMouseEvent) -> None:
        self._from = None
        QSettings().setValue(self.name, self.widget.width())

    def mouseDoubleClickEvent(self, e: QMouseEvent) -> None:
        self.take(self.widths[0])


class Frame(QWidget):
    """top bar / (stage strip, (dock | viewer), filmstrip | panels) / status line."""

    commands: Commands
    top: TopBar

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(1024, 640)
        self.viewer = Viewer()
        self.session = Session(self.viewer.port, self)
        self.histogram = Histogram()
        self.panels = Panels(self.histogram)
        self.strip = StageStrip()
        self.film = Filmstrip(self.session.catalog, self.session.previews)
        self.styles, self.history, self.info = StylesDock(), HistoryDock(), InfoDock()
        self.status = StatusLine()
        self.welcome = Welcome(self.open_files, self.open_folder, self.open_paths, self.session.previews)
        self.sheet: Sheet | None = None
        self.hidden: set[str] = set()
        self._floating = False
        self.build()
        self._lay_out()

    def build(self) -> None:
        """Make the commands and the top bar."""
        raise NotImplementedError

    def open_files(self) -> None:
        """Ask for files."""
        raise NotImplementedError

    def open_folder(self) -> None:
        """Ask for a folder."""
        raise NotImplementedError

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files or folders."""
        raise NotImplementedError

    def _lay_out(self) -> None:
        self.pages = QStackedWidget()
        for page in (self.styles, self.history, self.info):
            self.pages.addWidget(page)
        self.tabs = Segment([tr("Styles"), tr("History"), tr("Info")], height=40, tabs=True)
        self.tabs.chosen.connect(self.show_page)
        self.dock = Plane(column(self.tabs, self.pages), "panel", theme.LEFT)
        icons = (("cards", tr("Styles  (S)")), ("clock", tr("History  (H)")), ("info", tr("Info  (I)")))
        self.folded = [Tool(i, n, check=True, size=32) for i, n in icons]
        for i, tool in enumerate(self.folded):
            tool.clicked.connect(partial(self.toggle_page, i))
        self.rail = Plane(column(*self.folded, None, margin=(6, 8, 6, 8), gap=4), "panel", theme.RAIL)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.welcome)
        self.stack.addWidget(self.viewer)
        self.dock_grip = Grip(self.dock, "dock", (theme.LEFT, 360), 1)
        middle = row(self.dock, self.dock_grip, self.rail, self.stack)
        middle.setStretch(3, 1)
        self.strip_plane = Plane(column(self.strip), "chrome")
        left = column(self.strip_plane, middle, self.film)
        left.setStretch(1, 1)
        body = row(left, Grip(self.panels, "panels", (theme.RIGHT, 400), -1), self.panels)
        body.setStretch(0, 1)
        whole = column(self.top, body, self.status)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def show_page(self, i: int) -> None:
        """Show a page of the left dock: styles, history or information."""
        self.pages.setCurrentIndex(i)
        self.tabs.choose(i)
        for k, tool in enumerate(self.folded):
            tool.setChecked(k == i and not self.dock.isHidden())
        self.session.want(("covers", "snapshots", "")[i] if not self.dock.isHidden() else "")

    def toggle_page(self, i: int) -> None:
        """Open a page of the dock, or close it if it is open already."""
        open_already = not self.dock.isHidden() and self.pages.currentIndex() == i
        if self.width() < FOLD:
            self.dock.setVisible(not open_already)
            self._float()
        elif not open_already:
            self.dock.show()
        self.show_page(i)

    def _float(self) -> None:
        """On narrow windows the dock lies over the picture, beside the rail."""
        if self.width() < FOLD and not self.dock.isHidden():
            at = self.stack.mapTo(self, QPoint(0, 0))
            self.dock.setGeometry(at.x(), at.y(), theme.LEFT, self.stack.height())
            self.dock.raise_()

    def fold_dock(self) -> None:
        """Where the dock lies over the picture, put it away: what is done on the picture needs all of it."""
        if self._floating and not self.dock.isHidden():
            self.dock.hide()
            self.show_page(self.pages.currentIndex())

    def refold(self) -> None:
        narrow, low = self.width() < FOLD, self.height() < SHORT
        self.dock_grip.setVisible(not narrow and "docks" not in self.hidden)
        if low != self.strip.low:
            self.strip.set_low(low)
            self.film.set_low(low)
        self.rail.setVisible(narrow and "docks" not in self.hidden)
        if narrow and not self._floating:
            self._floating = True
            self._middle().removeWidget(self.dock)
            self.dock.hide()
        elif not narrow and self._floating:
            self._floating = False
            self._middle().insertWidget(0, self.dock)
        if not narrow:
            self.dock.setVisible("docks" not in self.hidden)
        self.show_page(self.pages.currentIndex())
        self._float()

    def _middle(self) -> Any:
        body = self.layout().itemAt(1).layout()  # type: ignore[union-attr]  # made in _lay_out
        return body.itemAt(0).layout().itemAt(1).layout()  # type: ignore[union-attr]

    def hide_parts(self, *parts: str) -> None:
        """Hide docks, bars, or all but the picture; once more brings them back."""
        self.hidden = set() if self.hidden == set(parts) else set(parts)
        self.top.setVisible("bars" not in self.hidden)
        self.strip_plane.setVisible("bars" not in self.hidden)
        self.film.setVisible("bars" not in self.hidden)
        self.status.setVisible("bars" not in self.hidden)
        self.panels.setVisible("docks" not in self.hidden)
        self.dock.setVisible("docks" not in self.hidden and self.width() >= FOLD)
        self.refold()

    def full_screen(self) -> None:
        """The picture alone, on the whole screen."""
        if self.isFullScreen():
            self.showNormal()
            self.hidden = {"docks", "bars"}
            self.hide_parts("docks", "bars")
        else:
            self.hidden = set()
            self.hide_parts("docks", "bars")
            self.showFullScreen()

    def dress(self, name: str) -> None:
        """Dark or light; in three turns of the event loop, so that none is long, with nothing drawn between them."""
        QSettings().setValue("theme", name)
        self.show_settings()
        self.setUpdatesEnabled(False)
        theme.undress()
        QTimer.singleShot(0, self, partial(self._dressed, name))

    def show_settings(self) -> None:
        """Tick what is in force in the menus."""
        kept = QSettings()
        dressed, percent = str(kept.value("theme", "dark")), str(kept.value("scale", 100))
        for name in theme.THEMES:
            self.commands.actions[name].setChecked(name == dressed)
        for p in theme.SCALES:
            self.commands.actions[f"scale_{p}"].setChecked(str(p) == percent)

    def _dressed(self, name: str) -> None:
        theme.use(name)
        QTimer.singleShot(0, self, partial(self.setUpdatesEnabled, True))

    def resizeEvent(self, e: QResizeEvent) -> None:
        self.refold()
        if self.sheet is not None:
            self.sheet.setGeometry(self.rect())
