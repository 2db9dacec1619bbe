"""How exported files are to be: what a preset holds, the shipped ones, those of the user, and where a picture goes.  No widgets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings

from editor_app.words import tr

FORMATS = {
    "JPEG": (".jpg", 8),
    "TIFF, 16 bit": (".tif", 16),
    "TIFF, 8 bit": (".tif", 8),
    "PNG": (".png", 8),
    "PNG, 16 bit": (".png", 16),
    "WebP": (".webp", 8),
    "AVIF": (".avif", 8),
    "Linear DNG": (".dng", 0),
}
"""What a file can be: its suffix and bits per channel."""
LOSSY = ("JPEG", "WebP", "AVIF")
POLICIES = (("All but place", "no-gps"), ("All", "all"), ("None", "none"))
EXISTING = (("Add a number", "number"), ("Replace", "replace"), ("Leave it out", "skip"))
SHARPEN = (("None", ""), ("Screen", "screen"), ("Print", "print"))
PLAIN: dict[str, Any] = {
    "format": "JPEG",
    "quality": 92,
    "size": "",
    "space": "",
    "sharpen": "",
    "policy": "no-gps",
    "folder": "",
    "name": "{name}",
    "existing": "number",
}
SHIPPED: dict[str, dict[str, Any]] = {
    "JPEG, full size": PLAIN,
    "JPEG for the web": PLAIN | {"quality": 88, "size": "2048", "sharpen": "screen"},
    "TIFF 16 bit, print": PLAIN | {"format": "TIFF, 16 bit", "sharpen": "print"},
    "Linear DNG": PLAIN | {"format": "Linear DNG", "policy": "all"},
}
TOKENS = {
    "{name}": "The photograph's own name",
    "{n}": "A running number",
    "{style}": "The styles that are in force",
    "{date}": "The day it was taken",
    "{stars}": "Its stars",
    "{copy}": "The number of a virtual copy",
    "{stage}": "The stage after which it is exported",
}


def own() -> dict[str, dict[str, Any]]:
    """The user's own presets by name."""
    try:
        rows = json.loads(str(QSettings().value("export/presets", "{}")))
        return {str(k): PLAIN | dict(v) for k, v in rows.items()}
    except (ValueError, AttributeError, TypeError):
        return {}


def keep(rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep the user's own presets."""
    QSettings().setValue("export/presets", json.dumps(rows))


def last() -> dict[str, Any]:
    """How it was exported last."""
    try:
        return PLAIN | dict(json.loads(str(QSettings().value("export/last", "{}"))))
    except (ValueError, TypeError):
        return dict(PLAIN)


def remember(row: Mapping[str, Any]) -> None:
    """Note how it was exported."""
    QSettings().setValue("export/last", json.dumps(row))


def problem(row: Mapping[str, Any]) -> str:
    """What is wrong with a form, in a sentence; "" where nothing is."""
    side = str(row["size"]).strip()
    if side and not (side.isdigit() and 0 < int(side) < 100_000):
        return tr("The longest side is a number of pixels, or empty")
    unknown = [t for t in re.findall(r"{[^}]*}?", row["name"]) if t not in TOKENS]
    if unknown:
        return tr("{0} means nothing here; there are {1}").format(unknown[0], " ".join(TOKENS))
    return ""


def wanted(row: Mapping[str, Any]) -> dict[str, Any]:
    """A form as the library takes it (see `modisp.export.Wanted`)."""
    side = str(row["size"]).strip()
    _, bits = FORMATS[row["format"]]
    out: dict[str, Any] = {"quality": int(row["quality"]), "metadata": row["policy"], "bits": bits if bits == 16 else 0}
    out |= {"size": int(side) if side else None, "sharpen": row["sharpen"], "force": row["existing"] == "replace"}
    return out


def named(row: Mapping[str, Any], source: Path, n: int, facts: Mapping[str, str]) -> str:
    """The name of the file that a photograph becomes, without its suffix; `facts` for the other tokens."""
    stem = row["name"]
    for token, value in {"{name}": source.stem, "{n}": f"{n:03d}", **facts}.items():
        stem = stem.replace(token, value)
    stem = re.sub(r"{[^}]*}", "", stem)
    stem = re.sub(r'[\x00-\x1f<>:"/\\|?*]+', "-", stem)  # what some system does not allow in a name
    return re.sub(r"([-_ ])[-_ ]*(?=\1)", "", stem).strip(" -_.") or source.stem


def folder_of(row: Mapping[str, Any], source: Path) -> Path:
    """The folder that a photograph goes to: one that is named, else `export` beside it."""
    given = str(row["folder"]).strip()
    if not given:
        return source.parent / "export"
    path = Path(given).expanduser()
    return path if path.is_absolute() else source.parent / path


def free(target: Path, taken: set[Path], how: str) -> Path | None:
    """Where a picture goes, given what is there already; None where it is left out."""
    if how == "replace":
        how = "number" if target in taken else "take"
    if how == "take" or (target not in taken and not target.exists()):
        return target
    if how == "skip":
        return None
    n = 2
    while (new := target.with_stem(f"{target.stem}-{n}")).exists() or new in taken:
        n += 1
    return new


def targets(
    row: Mapping[str, Any], sources: Sequence[tuple[Path, Mapping[str, str]]], taken: set[Path], suffix: str
) -> list[Path | None]:
    """Where each photograph goes; None for one that is left out."""
    out: list[Path | None] = []
    for n, (source, facts) in enumerate(sources, 1):
        target = free(folder_of(row, source) / (named(row, source, n, facts) + suffix), taken, row["existing"])
        if target is not None:
            taken.add(target)
        out.append(target)
    return out
