"""Quarter turns and flips of a picture, and where boxes of it lie afterwards; plain arithmetic, without torch."""

from __future__ import annotations

Box = tuple[float, float, float, float]
"""(x, y, width, height)"""
Turn = tuple[bool, bool, bool]
"""(transpose, then flip rows, then flip columns)"""

EXIF: tuple[Turn, ...] = (
    (False, False, False),
    (False, False, True),
    (False, True, True),
    (False, True, False),
    (True, False, False),
    (True, False, True),
    (True, True, True),
    (True, True, False),
)
"""The turns that make a picture upright, for the orientations 1…8 of Exif (CIPA DC-008, tag 274)."""
QUARTERS: tuple[Turn, ...] = (EXIF[0], EXIF[5], EXIF[2], EXIF[7])
"""Clockwise, by 0°, 90°, 180° and 270°."""


def upright(orientation: int) -> Turn:
    """The turn for an Exif orientation; none for numbers that Exif does not know."""
    return EXIF[orientation - 1] if 1 <= orientation <= 8 else EXIF[0]


def then(first: Turn, second: Turn) -> Turn:
    """One turn after another."""
    up, left = (first[2], first[1]) if second[0] else (first[1], first[2])
    return first[0] != second[0], up != second[1], left != second[2]


def turned(box: Box, size: tuple[float, float], turn: Turn) -> Box:
    """Where a box of a picture of `size` (width, height) lies after a turn."""
    (x, y, w, h), (width, height) = box, size
    if turn[0]:
        x, y, w, h, width, height = y, x, h, w, height, width
    return (width - x - w if turn[2] else x), (height - y - h if turn[1] else y), w, h


def unturned(box: Box, size: tuple[float, float], turn: Turn) -> Box:
    """The inverse of `turned`; `size` is the picture before the turn."""
    x, y, w, h = box
    across, down = (size[1], size[0]) if turn[0] else size
    x, y = (across - x - w if turn[2] else x), (down - y - h if turn[1] else y)
    return (y, x, h, w) if turn[0] else (x, y, w, h)
