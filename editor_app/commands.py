"""The window's commands, in the order of its menus.  Words, keys and what they do stand here once; see `shortcuts`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from editor_app import compare, theme
from editor_app.catalog import LABELS
from editor_app.key_sheet import key_sheet
from editor_app.monitor_sheet import monitor_sheet
from editor_app.palette import palette_sheet
from editor_app.shortcuts import Command, Commands
from editor_app.theme import SCALES
from editor_app.words import tr

if TYPE_CHECKING:
    from editor_app.window import Window


def commands_of(w: Window) -> Commands:
    """All commands of a window."""
    s, v = w.session, w.viewer

    def flag(name: str) -> None:
        setattr(v, name, w.commands.actions[name].isChecked())
        v.update()

    def proof() -> None:
        s.show_on(v.monitor.profile, w.commands.actions["proof"].isChecked())

    def document(do: str) -> None:
        if s.document is not None:
            getattr(s.document, do)()

    def sheet(make: object) -> None:
        if w.sheet is None and callable(make):
            w.sheet = make(w, w.commands)
            w.sheet.closed.connect(lambda: setattr(w, "sheet", None))

    def difference() -> None:
        w.compare("difference")

    def camera() -> None:
        found = compare.references(s.document, s.declared) if s.document is not None and s.declared is not None else []
        w.compare_with(next((r for r in found if r.camera), None))

    def copy() -> None:
        s.shelf.copy()
        w.refresh()

    def label(i: int) -> Command:
        keys = (str(i + 5),) if i < 5 else ()
        return Command(f"label_{i}", tr("Label: {0}").format(tr(LABELS[i])), keys, "Photo/Label", partial(w.label, i))

    def paste() -> None:
        s.shelf.paste(w.selection())

    def scaled(percent: int) -> Command:
        words = tr("Interface at {0} %").format(percent)
        return Command(f"scale_{percent}", words, (), "View/Appearance", partial(w.scale, percent), check=True)

    rows: list[Command | None] = [
        Command("open", tr("Open files…"), ("Ctrl+O",), "File", w.open_files),
        Command("open_folder", tr("Open folder…"), ("Ctrl+Shift+O",), "File", w.open_folder),
        None,
        Command("export", tr("Export…"), ("Ctrl+E",), "File", w.export),
        Command("export_again", tr("Export as last time"), ("Ctrl+Shift+E",), "File", w.export_again),
        Command("export_here", tr("Export the viewed stage's picture…"), (), "File", lambda: w.export(s.until)),
        None,
        Command("xmp", tr("Write stars and labels as XMP"), (), "File", lambda: s.shelf.write_xmp(w.selection())),
        None,
        Command("quit", tr("Quit"), ("Ctrl+Q",), "File", w.close),
        Command("undo", tr("Undo"), ("Ctrl+Z",), "Edit", partial(document, "undo")),
        Command("redo", tr("Redo"), ("Ctrl+Shift+Z", "Ctrl+Y"), "Edit", partial(document, "redo")),
        None,
        Command("copy", tr("Copy the look"), ("Ctrl+C",), "Edit", copy),
        Command("paste", tr("Paste the look, without the crop"), ("Ctrl+V",), "Edit", paste),
        Command("paste_parts", tr("Paste parts of the look…"), ("Ctrl+Shift+V",), "Edit", w.paste_parts),
        None,
        Command("snapshot", tr("Take a snapshot"), ("Ctrl+Shift+S",), "Edit", w.snapshot),
        Command("save_style", tr("Save as a style…"), (), "Edit", w.save_style),
        Command("default", tr("Make it this camera's default…"), (), "Edit", w.keep_default),
        None,
        Command("reset_stage", tr("Reset the stage in hand"), ("Ctrl+R",), "Edit", w.reset),
        Command("reset_all", tr("Reset all"), ("Ctrl+Shift+R",), "Edit", partial(document, "reset_all")),
        Command("crop", tr("Crop and straighten"), ("R",), "Photo", w.crop),
        Command("pick", tr("Pick the white balance"), ("W",), "Photo", w.pick_first),
        *[
            Command(f"ranked_{n}", words, (f"Alt+{n}",), "Photo/Ranked light", partial(w.panels.take_ranked, n - 1))
            for n, words in enumerate((tr("The likeliest light"), tr("The second light"), tr("The third light")), 1)
        ],
        Command("adjust", tr("Adjust by dragging on the picture"), ("T",), "Photo", w.adjust),
        Command("move", tr("Hand: pan and zoom"), ("V",), "Photo", w.take_hand),
        None,
        Command("next", tr("Next photograph"), ("Right",), "Photo", lambda: s.beside(1)),
        Command("previous", tr("Previous photograph"), ("Left",), "Photo", lambda: s.beside(-1)),
        Command("all", tr("Choose all photographs"), ("Ctrl+A",), "Photo", w.select_all),
        Command("film", tr("Go to the filmstrip, to choose by keys"), ("Ctrl+Down",), "Photo", w.film.strip.setFocus),
        None,
        Command("virtual_copy", tr("Make a virtual copy"), ("Ctrl+'",), "Photo", s.shelf.make_copy),
        Command("delete_copy", tr("Delete the virtual copy"), (), "Photo", w.delete_copy),
        None,
        *[Command(f"stars_{n}", "\u2605" * n, (str(n),), "Photo/Stars", partial(w.rate, n)) for n in range(1, 6)],
        Command("stars_0", tr("No stars"), ("0", "U"), "Photo/Stars", partial(w.rate, 0)),
        *[label(i) for i in range(1, len(LABELS))],
        Command("label_0", tr("No label"), (), "Photo/Label", partial(w.label, 0)),
        Command("reject", tr("Reject"), ("X",), "Photo", partial(w.rate, -1)),
        Command("boundary_before", tr("View one stage before"), ("[",), "Stage", lambda: w.strip.step(-1)),
        Command("boundary_after", tr("View one stage after"), ("]",), "Stage", lambda: w.strip.step(1)),
        Command("result", tr("View the result"), ("End",), "Stage", lambda: s.view("")),
        None,
        Command("rivals", tr("Compare two implementations"), (), "Stage", w.compare_at_hand),
        Command("fit", tr("Fit"), ("Ctrl+1",), "View", lambda: v.set_zoom(None)),
        Command("one", tr("1:1"), ("Ctrl+2",), "View", lambda: v.set_zoom(1.0)),
        Command("two", tr("2:1"), ("Ctrl+3",), "View", lambda: v.set_zoom(2.0)),
        Command("zoom", tr("Fit or 1:1 at the pointer"), ("Z", "Space"), "View", v.toggle_zoom),
        Command("zoom_in", tr("Zoom in"), ("Ctrl++", "Ctrl+="), "View", lambda: v.step_zoom(True)),
        Command("zoom_out", tr("Zoom out"), ("Ctrl+-",), "View", lambda: v.step_zoom(False)),
        Command("loupe", tr("Loupe, while held"), ("L",), "View", lambda: v.hold_loupe(not v.loupe.on)),
        None,
        Command("before", tr("Before, while held"), ("\\",), "View/Compare", lambda: w.peek(True)),
        Command("split", tr("Before and after, split"), ("Y",), "View/Compare", lambda: w.compare("split")),
        Command("side", tr("Before and after, side by side"), ("Shift+Y",), "View/Compare", lambda: w.compare("side")),
        Command("difference", tr("Before and after, difference"), ("Alt+Y",), "View/Compare", difference),
        None,
        Command("camera", tr("Compare with the camera's JPEG"), ("Shift+\\", "|"), "View/Compare", camera),
        Command("next_version", tr("Compare with the next version"), ("Shift+C",), "View/Compare", w.next_version),
        Command("two_up", tr("Two photographs side by side"), ("C",), "View/Compare", w.two_up),
        Command("clipping", tr("Show clipping"), ("J",), "View", partial(flag, "clipping"), check=True),
        Command("gamut", tr("Show colours outside sRGB"), ("Shift+J",), "View", partial(flag, "gamut"), check=True),
        Command("proof", tr("Proof: only colours of the output space"), ("Shift+P",), "View", proof, check=True),
        Command("grid", tr("Grid"), ("G",), "View", partial(flag, "grid"), check=True),
        Command("scope", tr("Next kind of histogram"), ("Shift+H",), "View", w.histogram.next_mode),
        None,
        Command("styles", tr("Styles"), ("S",), "View", partial(w.toggle_page, 0)),
        Command("history", tr("History"), ("H",), "View", partial(w.toggle_page, 1)),
        Command("info", tr("Information"), ("I",), "View", partial(w.toggle_page, 2)),
        Command("docks", tr("Hide or show docks"), ("Tab",), "View", lambda: w.hide_parts("docks")),
        Command("bars", tr("Hide or show all bars"), ("Shift+Tab",), "View", lambda: w.hide_parts("docks", "bars")),
        Command("full", tr("Full screen"), ("F",), "View", w.full_screen),
        None,
        *[
            Command(n, words, (), "View/Appearance", partial(w.dress, n), check=True)
            for n, words in (("dark", tr("Dark")), ("light", tr("Light")))
        ],
        None,
        *[scaled(percent) for percent in SCALES],
        None,
        Command("surround", tr("Next grey round the picture"), (), "View/Appearance", w.next_surround),
        Command("monitor", tr("Monitor profile…"), (), "View", lambda: sheet(lambda win, _: monitor_sheet(win, v))),
        Command("palette", tr("Commands…"), ("Ctrl+K",), "Help", lambda: sheet(palette_sheet)),
        Command("keys", tr("Keys…"), ("?",), "Help", lambda: sheet(key_sheet)),
        None,
        Command("escape", tr("Leave or cancel"), ("Esc",), "Help", w.escape),
    ]
    assert set(theme.THEMES) == {"dark", "light"}
    return Commands(w, rows)
