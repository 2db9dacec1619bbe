"""How the editor looks: tokens (dark and light), type, sizes, the palette, the style sheet and the icons.

Greys have equal red, green and blue, so that nothing in the window tints the judgement of a photograph; the accent says
where one is, never how much something is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from modisp.resources import path


class Theme(NamedTuple):
    """The colours of one theme, by what they are for."""

    chrome: str
    panel: str
    surround: str
    field: str
    hover: str
    raised: str
    line: str
    edge: str
    text: str
    soft: str
    faint: str
    track: str
    fill: str
    knob: str
    accent: str
    accent_fill: str
    on_accent: str
    warn: str
    bad: str
    good: str
    red: str  # of the histogram: the three add up to grey (dark) or multiply to grey (light)
    green: str
    blue: str


DARK = Theme(
    chrome="#191919",
    panel="#212121",
    surround="#2b2b2b",
    field="#2d2d2d",
    hover="#383838",
    raised="#303030",
    line="#303030",
    edge="#4a4a4a",
    text="#e8e8e8",
    soft="#b4b4b4",
    faint="#969696",
    track="#404040",
    fill="#9c9c9c",
    knob="#d6d6d6",
    accent="#7fb0f7",
    accent_fill="#3a6fc4",
    on_accent="#ffffff",
    warn="#e3b341",
    bad="#f07f78",
    good="#7fc08a",
    red="#602020",
    green="#1c581e",
    blue="#1c205a",
)
LIGHT = Theme(
    chrome="#d6d6d6",
    panel="#e6e6e6",
    surround="#bdbdbd",
    field="#f4f4f4",
    hover="#fbfbfb",
    raised="#f7f7f7",
    line="#d0d0d0",
    edge="#a2a2a2",
    text="#1a1a1a",
    soft="#3a3a3a",
    faint="#4c4c4c",
    track="#bcbcbc",
    fill="#6c6c6c",
    knob="#3a3a3a",
    accent="#1a55ae",
    accent_fill="#2b66c0",
    on_accent="#ffffff",
    warn="#8a5a00",
    bad="#b3261e",
    good="#2c6e3a",
    red="#f0b8b8",
    green="#b8e0bc",
    blue="#bccaf2",
)
THEMES = {"dark": DARK, "light": LIGHT}

TOP, STRIP, FILM, STATUS, LEFT, RAIL, RIGHT, ROW, HEAD = 44, 108, 92, 24, 240, 44, 328, 26, 32
STRIP_LOW, FILM_LOW = 28, 68
"""Sizes of the parts of the window in logical pixels."""

SCALES = (90, 100, 110, 125, 150)
"""Percent that the whole interface can be scaled by."""

FAMILIES = [
    "Inter",
    "Segoe UI Variable Text",
    "Segoe UI",
    ".AppleSystemUIFont",
    "Noto Sans",
    "Cantarell",
    "DejaVu Sans",
]

_now = DARK


def now() -> Theme:
    """The theme in force."""
    return _now


def is_dark() -> bool:
    """Whether the dark theme is in force."""
    return _now is DARK


@lru_cache(maxsize=64)
def font(px: int = 12, weight: int = 400, capitals: bool = False) -> QFont:
    """The editor's type: tabular figures, no hinting; capitals are set a little wider."""
    f = QFont()
    f.setFamilies(FAMILIES)
    f.setPixelSize(px)
    f.setWeight(QFont.Weight(weight))
    f.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    f.setFeature(QFont.Tag("tnum"), 1)
    if capitals:
        f.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.6)
    return f


@lru_cache(maxsize=512)
def _icon(name: str, colour: str, px: int, ratio: float) -> QPixmap:
    svg = (path("icons") / f"{name}.svg").read_text("utf-8").replace("currentColor", colour)
    pixmap = QPixmap(round(px * ratio), round(px * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    p = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(p, QRectF(0, 0, px, px))
    p.end()
    return pixmap


def icon(name: str, colour: str = "", px: int = 16) -> QPixmap:
    """A stroke icon from `assets/icons`, drawn at the device's ratio, in a token's colour (`soft` where none is given)."""
    app = QGuiApplication.instance()
    ratio = app.devicePixelRatio() if isinstance(app, QGuiApplication) else 1.0
    return _icon(name, colour or _now.soft, px, ratio)


def undress() -> None:
    """Take the style sheet off: to put another on is then several times quicker than to replace it."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    if app.styleSheet():
        app.setStyleSheet("")


def use(name: str) -> None:
    """Dress the application: "dark" or "light"."""
    global _now
    _now = THEMES[name]
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    undress()
    if app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    palette, role = QPalette(), QPalette.ColorRole
    for r in (role.Text, role.WindowText, role.ButtonText, role.ToolTipText):
        palette.setColor(r, QColor(_now.text))
    for r, c in (
        (role.Window, _now.chrome),
        (role.Base, _now.field),
        (role.AlternateBase, _now.panel),
        (role.Button, _now.hover),
        (role.ToolTipBase, _now.raised),
        (role.PlaceholderText, _now.faint),
        (role.Highlight, _now.accent_fill),
        (role.HighlightedText, _now.on_accent),
        (role.Link, _now.accent),
    ):
        palette.setColor(r, QColor(c))
    app.setPalette(palette)
    app.setFont(font())
    app.setStyleSheet(sheet(_now))


def sheet(t: Theme) -> str:
    """The style sheet of everything that Qt draws itself."""
    check = (path("icons") / ("tick-dark.svg" if t is DARK else "tick-light.svg")).as_posix()
    return f"""
* {{ color: {t.text}; }}
QToolTip, QMenu, QComboBox QAbstractItemView {{ background: {t.raised}; border: 1px solid {t.edge}; padding: 4px; outline: 0; }}
QMenuBar, QMenuBar::item {{ background: transparent; }}
QMenuBar::item {{ color: {t.soft}; padding: 5px 8px; border-radius: 4px; }}
QMenu::item {{ padding: 5px 24px 5px 24px; border-radius: 4px; }}
QMenu::item:disabled {{ color: {t.edge}; }}
QMenu::separator {{ height: 1px; background: {t.edge}; margin: 4px 8px; }}
QMenuBar::item:selected, QMenu::item:selected, QComboBox QAbstractItemView::item:selected {{
    background: {t.hover}; color: {t.text}; }}
QLineEdit {{ background: {t.field}; border: 1px solid transparent; border-radius: 4px; padding: 0 5px; min-height: 24px;
    selection-background-color: {t.accent_fill}; selection-color: {t.on_accent}; placeholder-text-color: {t.faint}; }}
QLineEdit:hover {{ background: {t.hover}; }}
QLineEdit#number {{ background: transparent; padding: 0 4px 1px 4px; min-height: 19px; color: {t.soft}; }}
QLineEdit#number:hover {{ background: {t.field}; }}
QLineEdit#number[changed="true"] {{ color: {t.text}; }}
QLineEdit#number[blink="true"] {{ border-color: {t.warn}; }}
QLineEdit:focus, QLineEdit#number:focus {{ background: {t.field}; border-color: {t.accent}; }}
QPushButton {{ background: {t.hover}; border: 1px solid transparent; border-radius: 4px; padding: 0 14px; min-height: 26px; }}
QPushButton:hover {{ border-color: {t.edge}; }}
QPushButton:focus {{ border-color: {t.accent}; }}
QPushButton:disabled {{ color: {t.edge}; }}
QPushButton[kind="primary"] {{ background: {t.accent_fill}; color: {t.on_accent}; }}
QPushButton[kind="link"] {{ background: transparent; color: {t.accent}; padding: 0 4px; }}
QPushButton[kind="place"] {{ background: transparent; color: {t.text}; padding: 0 4px; text-decoration: underline; }}
QPushButton[kind="quiet"] {{ background: transparent; color: {t.faint}; padding: 0; min-height: 20px; margin-left: -1px; }}
QPushButton[kind="quiet"]:hover {{ color: {t.text}; border-color: transparent; }}
QPushButton[kind="quiet"]:disabled, QLineEdit#number:disabled {{ color: {t.edge}; }}
QCheckBox {{ spacing: 8px; color: {t.text}; }}
QCheckBox[quiet="true"] {{ color: {t.faint}; }}
QCheckBox:disabled {{ color: {t.edge}; }}
QCheckBox::indicator {{ width: 14px; height: 14px; border-radius: 3px; border: 1px solid {t.edge}; background: {t.field}; }}
QCheckBox::indicator:checked {{ background: {t.fill}; border-color: {t.fill}; image: url({check}); }}
QCheckBox::indicator:focus, QCheckBox::indicator:hover {{ border-color: {t.accent}; }}
QLabel[token="soft"] {{ color: {t.soft}; }}
QLabel[token="faint"] {{ color: {t.faint}; }}
QPlainTextEdit {{ background: {t.field}; border: 0; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: 0; }}
QScrollBar:vertical {{ width: 8px; background: transparent; }}
QScrollBar:horizontal {{ height: 8px; background: transparent; }}
QScrollBar::handle {{ background: {t.track}; border-radius: 2px; margin: 2px; min-height: 32px; min-width: 32px; }}
QScrollBar::handle:hover {{ background: {t.fill}; }}
QScrollBar::handle:disabled {{ background: transparent; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
    background: none; height: 0; width: 0; }}
"""
