"""The palette finds things by the words that a hand from another editor knows."""

from __future__ import annotations

from typing import Any

import pytest

from editor_app.declared import Declarations
from editor_app.palette import deeds
from editor_app.vocabulary import ALIKE, best, plain
from editor_app.window import Window

KNOWN = [
    ("develop settings copy", "Copy the look"),
    ("sync settings", "Paste the look, without the crop"),
    ("clarity", "Clarity"),
    ("local contrast", "Clarity"),
    ("white balance", "Pick the white balance"),
    ("eyedropper", "Pick the white balance"),
    ("wb", "Pick the white balance"),
    ("rotate", "Crop and straighten"),
    ("horizon", "Crop and straighten"),
    ("virtual copy", "Make a virtual copy"),
    ("duplicate", "Make a virtual copy"),
    ("soft proof", "Show colours outside sRGB"),
    ("overexposed", "Show clipping"),
    ("hsl", "Colour mixer"),
    ("color mixer", "Colour mixer"),
    ("split toning", "Colour grading"),
    ("noise reduction", "Noise"),
    ("sharpen", "Sharpening"),
    ("b&w", "Black & white"),
    ("lut", "Colour table"),
    ("keystone", "Perspective V"),
    ("chromatic aberration", "Colour fringes"),
    ("targeted adjustment", "Adjust by dragging on the picture"),
    ("preset", "Save as a style"),
    ("shortcuts", "Keys"),
    ("soft proofing", "Show colours outside sRGB"),
    ("100%", "1:1"),
    ("theme dark", "Dark"),
    ("tone curve", "Curve"),
    ("fill light", "Shadows"),
    ("hot pixels", "Defective pixels"),
    ("exif", "Information"),
    ("rating", "\u2605"),
    ("film grain", "Grain"),
]


def things(w: Window, declared: Declarations) -> list[tuple[str, str, str]]:
    """(words, all names, what is written) of what the palette offers, here and for a RAW file."""
    w.session.shelf.copy()
    w.refresh()
    rows = [(x.words, f"{x.words} {x.group}", x.more) for x in deeds(w, w.commands)]
    for e in declared.default["raw"]["entries"]:
        info = declared.stages[e["stage"]]
        rows.append((info.heading, f"{info.heading} Go to", info.note))
        rows += [(p.words, f"{p.words} {info.heading}", p.help) for p in info.params]
    return rows


@pytest.mark.parametrize(("sought", "wanted"), KNOWN, ids=[k for k, _ in KNOWN])
def test_it_is_found_among_the_first(opened: Window, declared: Declarations, sought: str, wanted: str) -> None:
    found = things(opened, declared)
    first = list(dict.fromkeys(found[i][0] for i in best(sought, ((names, more) for _, names, more in found))))[:6]
    assert wanted in first, first


def test_all_that_is_known_elsewhere_names_something_here(opened: Window, declared: Declarations) -> None:
    words = [f"{x.words} {x.group}" for x in deeds(opened, opened.commands)]
    for info in declared.stages.values():
        words += [info.heading, *(p.words for p in info.params)]
    words += [c.words for c in opened.commands.rows]
    text = " | ".join(f" {plain(w)} " for w in words)
    assert [ours for ours, _ in ALIKE if f" {ours} " not in text and f" {ours}s " not in text] == []


def test_nonsense_finds_nothing_and_nothing_finds_all() -> None:
    things = [("Open files File", ""), ("Undo Edit", "Takes the last step back.")]
    assert best("xyzzy", things) == [] and best("  ", things) == [0, 1]
    assert best("undo", things) == [1] and best("last step", things) == [1]


def test_a_parameter_is_gone_to_with_the_focus_on_its_row(qtbot: Any, opened: Window) -> None:
    w = opened
    found = deeds(w, w.commands)
    i = next(
        i for i in best("clarity", ((f"{x.words} {x.group}", x.more) for x in found)) if found[i].words == "Clarity"
    )
    found[i].do()
    qtbot.waitUntil(lambda: w.focusWidget() is not None and w.focusWidget().accessibleName() == "Clarity")
    qtbot.waitUntil(lambda: not w.focusWidget().visibleRegion().isEmpty())


def test_the_table_of_keys_is_complete_and_finds_hands_too(qtbot: Any, opened: Window) -> None:
    from editor_app.key_sheet import HANDS, Fixed, KeyTable
    from editor_app.shortcuts import Command

    table = KeyTable(opened.commands)
    qtbot.addWidget(table)
    assert {r.name for r in table.rows if isinstance(r, Command)} == set(opened.commands.actions)
    assert sum(isinstance(r, Fixed) for r in table.rows) == sum(len(keys) for _, keys in HANDS)
    table.seek("level")
    assert [r.keys for r in table.rows if isinstance(r, Fixed)] == ["Ctrl+drag"]
