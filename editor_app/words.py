"""Words for people: translation, and numbers as a photographer writes them."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

MINUS = "\u2212"


def tr(words: str) -> str:
    """The words in the user's language, through Qt's translators."""
    return QCoreApplication.translate("editor", words)


SPELLED = {"srgb": "sRGB", "display-p3": "Display P3", "adobe-rgb": "Adobe RGB", "rec2020": "Rec.2020"}
"""Names that are not written as they are stored."""


def spelled(choice: str) -> str:
    """A choice as people write it."""
    return SPELLED.get(choice) or choice[:1].upper() + choice[1:]


def signed(value: float, digits: int) -> str:
    """A number with its sign, except zero; a true minus."""
    out = f"{value:+.{digits}f}" if round(value, digits) else f"{0:.{digits}f}"
    return out.replace("-", MINUS)


def duration(seconds: float) -> str:
    """A time as short as it can be said: 12 ms, 2.9 s, 3 min."""
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def left(seconds: float) -> str:
    """How long something will still take; empty where nobody can tell."""
    return tr("{0} left").format(duration(max(1.0, seconds))) if seconds > 0 else ""


def shutter(seconds: float) -> str:
    """An exposure time as cameras show it."""
    if seconds <= 0:
        return ""
    return f"1/{1 / seconds:.0f} s" if seconds < 0.4 else f"{seconds:.1f} s".replace(".0 ", " ")


def aperture(number: float) -> str:
    """An f-number as lenses show it."""
    return f"f/{number:.1f}".removesuffix(".0") if number > 0 else ""


def camera(make: str, model: str) -> str:
    """A camera by its name, the maker not said twice."""
    return model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()
