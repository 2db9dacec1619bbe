"""What was open last, in the user's settings."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings

MOST, FILES = 5, 10


def remember(photo: Path) -> None:
    """Note the photograph that is opened, and its folder."""
    settings = QSettings()
    settings.setValue("session/photo", str(photo))
    settings.setValue("session/files", list(dict.fromkeys([str(photo), *(str(p) for p in files())]))[:FILES])
    rows = [str(photo.parent), *(str(p) for p in folders())]
    settings.setValue("session/recent", list(dict.fromkeys(rows))[:MOST])


def photo() -> Path | None:
    """The photograph that was open last, if it is still there."""
    last = Path(str(QSettings().value("session/photo", "")))
    return last if last.is_file() else None


def folder() -> str:
    """The folder to begin in when files are asked for."""
    rows = folders()
    return str(rows[0]) if rows else ""


def folders() -> list[Path]:
    """The folders of late that are still there, the last first."""
    return [p for p in _kept("session/recent") if p.is_dir()]


def files() -> list[Path]:
    """The photographs of late, the last first."""
    return _kept("session/files")


def _kept(name: str) -> list[Path]:
    kept = QSettings().value(name)
    rows = kept if isinstance(kept, list) else [kept] if kept else []  # a list of one comes back as itself
    return [Path(str(p)) for p in rows]
