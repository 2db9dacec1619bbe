"""What the editor's tests stand on: a window system without a screen, settings of their own, no error left unseen.

pytest-qt is taken up here and not by itself, because it would end every test run where Qt's system libraries are missing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

PATIENCE = 180_000  # milliseconds

try:
    from PySide6 import QtGui, QtSvg, QtWidgets  # noqa: F401
    from pytestqt.qt_compat import qt_api
    from pytestqt.qtbot import QtBot, _close_widgets

    qt_api.set_qt_api("pyside6")
    WHY = ""

    class Patient(QtBot):
        """Waits as long as a loaded machine may need: what is waited for ends a wait, and nothing else should."""

        def waitUntil(self, callback: Callable[[], object], *, timeout: int = PATIENCE) -> None:
            super().waitUntil(callback, timeout=timeout)

        def waitSignal(self, signal: Any, **more: Any) -> Any:
            return super().waitSignal(signal, **{"timeout": PATIENCE, **more})

except ImportError as e:
    WHY = f"Qt does not start here ({e}); docs/editor.md lists what it needs"
    collect_ignore_glob = ["test_*.py"]


class Without(pytest.Item):
    """Stands for all of the editor's tests where they cannot run, so that a reader of the report knows why."""

    def runtest(self) -> None:
        pytest.skip(WHY)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if WHY and file_path.name == "conftest.py":
        return _Folder.from_parent(parent, path=file_path)
    return None


class _Folder(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        yield Without.from_parent(self, name="the editor's tests")


@pytest.fixture(scope="session")
def declared() -> object:
    """The real declarations, as the engine tells them."""
    from editor_app.declared import Declarations
    from editor_app.engine.declare import declarations

    return Declarations(declarations())


@pytest.fixture(scope="session")
def qapp() -> object:
    """The one application."""
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication(["modisp-editor"])


@pytest.fixture
def qtbot(qapp: object, request: pytest.FixtureRequest) -> Iterator[QtBot]:
    """Mouse, keyboard and waiting; widgets given to `addWidget` are closed at the end."""
    bot = Patient(request)
    bot._should_raise = lambda raising: raising is not False  # its setting is not registered, see above
    yield bot
    _close_widgets(request.node)


@pytest.fixture(autouse=True)
def _dressed(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The dark theme, settings of its own, and every error of a slot (which Qt only prints) seen."""
    if WHY:
        yield
        return
    from PySide6.QtCore import QSettings

    from editor_app import theme

    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    app = request.getfixturevalue("qapp")
    app.setOrganizationName("modisp-tests")
    app.setApplicationName(tmp_path.name)
    theme.use("dark")
    errors: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: errors.append(error))
    yield
    assert not errors, errors


@pytest.fixture(scope="module")
def window(qapp: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A window, and two pictures beside each other that it can open (`t0.png` and `t1.png` in its `folder`)."""
    import numpy as np
    from PIL import Image

    from editor_app import theme
    from editor_app.window import Window
    from tests.editor.hands import H, W

    folder = tmp_path_factory.mktemp("tools")
    y, x = np.mgrid[:H, :W]
    for i in range(2):
        rgb = np.stack([60 + x % 120, 60 + y % 130, 180 - y // 4 + 10 * i], 2).astype(np.uint8)
        rgb[:40, :60] = 255
        Image.fromarray(rgb).save(folder / f"t{i}.png")
    theme.use("dark")
    w = Window()
    w.setProperty("folder", str(folder))
    w.resize(1440, 900)
    w.show()
    yield w
    w.close()


@pytest.fixture
def opened(qtbot: QtBot, window: Any) -> Any:
    """The window with its first picture, unedited and fitted."""
    from tests.editor.helpers import wait

    window.open_paths([Path(window.property("folder")) / "t0.png"])
    wait(qtbot, window)
    window.session.document.go(0)
    window.viewer.set_zoom(None)
    wait(qtbot, window)
    return window
