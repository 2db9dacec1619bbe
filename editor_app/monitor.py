"""The monitor's colours: its ICC profile, and the transform of what is shown on the way to the screen, and only there.

Readouts, histograms, marks and exports know nothing of it.  Renderings come from the engine with what the monitor shows beside
them, made of all the colours that it has; previews and the camera's JPEG are turned into its colours here.  The profile comes
from a file that was chosen, else from the X server (the `_ICC_PROFILE` of the root window, which calibration tools set);
without one, sRGB goes to the screen as it is.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from weakref import WeakKeyDictionary

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtGui import QColorSpace, QColorTransform, QGuiApplication, QImage

from editor_app.words import tr
from editor_app.worker import Picture

SETTING = "monitor/profile"
NONE = "none"
_MOST = 1 << 22  # 32-bit units of a property: profiles are kilobytes


class Monitor:
    """The transform in force, and what was made with it."""

    def __init__(self) -> None:
        self.words = tr("sRGB, no profile")
        self.problem = ""
        self.transform: QColorTransform | None = None
        self.profile = b""  # where it is another one than sRGB
        self.changed: Callable[[], None] = lambda: None
        self._made: WeakKeyDictionary[Picture, QImage] = WeakKeyDictionary()

    def load(self, screen: int = 0) -> None:
        """Take what the settings and the system say; a profile that cannot be read leaves sRGB, and `problem` says so."""
        chosen = str(QSettings().value(SETTING, "") or "")
        data, self.problem, name = b"", "", ""
        if chosen and chosen != NONE:
            name = Path(chosen).name
            try:
                data = Path(chosen).read_bytes()
            except OSError:
                self.problem = tr("The monitor profile {0} cannot be read; colours are shown as sRGB").format(name)
        elif not chosen:
            data, name = system_profile(screen), tr("the system's profile")
        self._use(data, name)
        self.changed()

    def _use(self, data: bytes, name: str) -> None:
        self._made.clear()
        self.transform, self.profile, self.words = None, b"", tr("sRGB, no profile")
        if not data:
            return
        space = QColorSpace.fromIccProfile(QByteArray(data))
        srgb = QColorSpace(QColorSpace.NamedColorSpace.SRgb)
        if not space.isValid():
            self.problem = tr("The monitor profile {0} cannot be used; colours are shown as sRGB").format(name)
            return
        self.words = space.description() or name
        if space != srgb:
            self.transform, self.profile = srgb.transformationToColorSpace(space), data

    def picture(self, q: Picture) -> QImage:
        """A rendering in the monitor's colours: as the engine made it for the monitor, else made of sRGB, once."""
        if self.transform is None:
            return q.image
        if q.screen is not None:
            return q.screen
        found = self._made.get(q)
        if found is None:
            found = self._made[q] = self.shown(q.image)
        return found

    def shown(self, image: QImage) -> QImage:
        """An sRGB image in the monitor's colours; from any thread."""
        if self.transform is None:
            return image
        # without the fourth byte, which holds marks and not opacity
        out = image.convertToFormat(QImage.Format.Format_RGB32).copy()
        step, line = 64, out.bytesPerLine()
        for y in range(0, out.height(), step):  # it keeps the interpreter to itself: a strip at a time lets others in
            rows = min(step, out.height() - y)
            part = memoryview(out.bits())[y * line : (y + rows) * line]
            QImage(part, out.width(), rows, line, QImage.Format.Format_RGB32).applyColorTransform(self.transform)
            time.sleep(0)
        return out


def system_profile(screen: int = 0) -> bytes:
    """The profile that the window system has for a screen; empty where it has none or cannot be asked."""
    app = QGuiApplication.instance()
    if not isinstance(app, QGuiApplication) or QGuiApplication.platformName() != "xcb" or sys.platform == "win32":
        return b""
    name = ctypes.util.find_library("X11")
    if name is None:
        return b""
    try:
        return _x11_property(ctypes.CDLL(name), b"_ICC_PROFILE" + (f"_{screen}".encode() if screen else b""))
    except (OSError, AttributeError):
        return b""


def _x11_property(x: ctypes.CDLL, name: bytes) -> bytes:
    """A property of the root window, of 8-bit items."""
    x.XOpenDisplay.restype = ctypes.c_void_p
    x.XDefaultRootWindow.restype = x.XInternAtom.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x.XOpenDisplay(None))
    if not display:
        return b""
    try:
        atom = x.XInternAtom(display, name, 1)
        if not atom:
            return b""
        kind, form = ctypes.c_ulong(), ctypes.c_int()
        items, rest = ctypes.c_ulong(), ctypes.c_ulong()
        data = ctypes.POINTER(ctypes.c_ubyte)()
        root = ctypes.c_ulong(x.XDefaultRootWindow(display))
        out = [ctypes.byref(v) for v in (kind, form, items, rest, data)]
        size = (ctypes.c_long(0), ctypes.c_long(_MOST), 0, ctypes.c_ulong(0))
        if x.XGetWindowProperty(display, root, ctypes.c_ulong(atom), *size, *out) != 0 or not data:
            return b""
        found = ctypes.string_at(data, items.value) if form.value == 8 else b""
        x.XFree(data)
        return found
    finally:
        x.XCloseDisplay(display)
