"""`modisp-editor [FILE|FOLDER…]`: open the editor; `--screenshot OUT.png FILE` writes a picture of its window and ends,
`--measure FILE` says how well pictures follow its sliders."""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    """Run the editor; the exit status."""
    parser = argparse.ArgumentParser(prog="modisp-editor", description="A darkroom for RAW photographs.")
    parser.add_argument("paths", nargs="*", type=Path, metavar="FILE|FOLDER", help="what to open")
    parser.add_argument("--screenshot", type=Path, metavar="OUT.png", help="write a picture of the window, and end")
    parser.add_argument("--size", default="1440x900", help="of the window in a screenshot or measurement, as 1440x900")
    parser.add_argument("--theme", choices=("dark", "light"), help="dark or light")
    parser.add_argument(
        "--view", default="", metavar="STAGE", help="in the screenshot, the boundary to view (entry id)"
    )
    parser.add_argument(
        "--do", default="", metavar="COMMAND", help="in the screenshot, a command done before (as export)"
    )
    parser.add_argument(
        "--measure", action="store_true", help="drag the sliders of FILE, print how well they go, and end"
    )
    parser.add_argument("--sliders", default="", metavar="NAMES", help="measure only these, as exposure,contrast,style")
    parser.add_argument(
        "--set", default="", metavar="NAME=VALUE", help="before measuring, as straighten=2.3,clarity=0.3"
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    asked = parser.parse_args(argv)
    unseen = asked.screenshot or asked.measure
    if unseen:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # no screen is needed
    elif sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} & set(os.environ):
        print("modisp-editor needs a screen: neither DISPLAY nor WAYLAND_DISPLAY is set", file=sys.stderr)
        return 1
    try:
        from PySide6.QtWidgets import QApplication
    except ImportError as why:
        print(f"modisp-editor needs PySide6 and its system libraries: {why}", file=sys.stderr)
        print("Install them with: pip install 'modisp[editor]'", file=sys.stderr)
        return 1
    lacking = _lacking()
    if lacking:
        print(f"modisp-editor cannot open a window: {lacking}", file=sys.stderr)
        print("docs/editor.md lists the system libraries that it needs", file=sys.stderr)
        return 1
    from PySide6.QtCore import QByteArray, QSettings

    from editor_app import recent, theme
    from editor_app.measure import measure
    from editor_app.shot import take
    from editor_app.window import Window

    organization = ("modisp", "modisp-editor")
    percent = int(str(QSettings(*organization).value("scale", 100)))
    if percent in theme.SCALES and percent != 100 and "QT_SCALE_FACTOR" not in os.environ and not unseen:
        os.environ["QT_SCALE_FACTOR"] = str(percent / 100)  # Qt reads it when it starts
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setOrganizationName(organization[0])
    app.setApplicationName(organization[1])
    settings = QSettings()
    theme.use(asked.theme or str(settings.value("theme", "dark")))
    if asked.measure:
        return measure(app, asked, Window)
    window = Window()
    if asked.screenshot:
        return take(app, window, asked.paths, asked.screenshot, asked.size, asked.view, asked.do)
    kept = settings.value("window/geometry")
    if not (isinstance(kept, QByteArray) and window.restoreGeometry(kept)):
        room = app.primaryScreen().availableGeometry().size()
        window.resize(min(1440, room.width() - 2), min(900, room.height() - 32))  # the title bar is seen too
    window.show()
    last = recent.photo()
    if asked.paths:
        window.open_paths(asked.paths)
    elif last is not None:
        window.open_paths([last])
    return int(app.exec())


def _lacking() -> str:
    """The system library that X11 windows would need and that is not there, in the loader's words; Qt itself would abort."""
    other = os.environ.get("QT_QPA_PLATFORM", "xcb") != "xcb" or "WAYLAND_DISPLAY" in os.environ
    if sys.platform != "linux" or other or "DISPLAY" not in os.environ:
        return ""
    import PySide6

    library = Path(PySide6.__file__).parent / "Qt" / "lib" / "libQt6XcbQpa.so.6"
    try:
        if library.is_file():
            ctypes.CDLL(str(library))
    except OSError as why:
        return str(why)
    return ""


if __name__ == "__main__":
    sys.exit(main())
