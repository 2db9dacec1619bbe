"""A stage that is dropped into the user's folder has panel, strip, undo and sidecar at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from editor_app import recipes
from editor_app.controls import NumberRow
from editor_app.window import Window
from tests.editor import helpers

PLUGIN = '''
from modisp.image import State
from modisp.stage import Stage, param


class Dimmer(Stage, slot="grain", reads=State.DISPLAY, writes=State.DISPLAY, title="Dimmer (plug-in)", group="Style"):
    """Makes the picture darker."""

    amount: float = param(0.0, 0.0, 1.0, step=0.05, help="How much darker.")

    def process(self, image, reading, parts):
        return image.pixels * (1 - self.amount)
'''


def test_a_plug_in_is_at_home(qtbot: Any, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "plugins").mkdir(parents=True)
    file = helpers.pictures(tmp_path / "shoot", 1) / "p0.png"
    probe = Window()  # which slot of a picture's recipe has a switch, and so can be filled by a stage that dims
    probe.closing = True
    qtbot.addWidget(probe)
    helpers.opened(qtbot, probe, file)
    d, declared = probe.session.document, probe.session.declared
    assert d is not None and declared is not None
    infos = [declared.stages[e["stage"]] for e in d.recipe["entries"]]
    slot = next(i.slot for i in infos if (i.reads, i.writes) == ("DISPLAY", "DISPLAY") and not i.many)
    probe.close()
    (home / "plugins" / "dimmer.py").write_text(PLUGIN.replace('"grain"', f'"{slot}"'), "utf-8")
    w = Window()
    w.closing = True
    qtbot.addWidget(w)
    w.show()
    helpers.opened(qtbot, w, file)
    d = w.session.document
    assert d is not None and w.session.declared is not None and "dimmer" in w.session.declared.stages
    with qtbot.waitSignal(w.session.engine.swapped):
        w.session.swap("dimmer")
    ident = next(e["id"] for e in d.recipe["entries"] if e["stage"] == "dimmer")
    panel = w.panels.panel(ident)
    assert panel is not None and panel.info.heading == "Dimmer" and isinstance(panel.controls["amount"], NumberRow)
    helpers.wait(qtbot, w)
    assert w.viewer.base is not None
    before = w.viewer.base.image.pixelColor(100, 100).lightness()
    panel.controls["amount"].take(0.5)
    helpers.wait(qtbot, w)
    assert w.viewer.base.image.pixelColor(100, 100).lightness() < before - 20
    assert any(b.ident == ident for b in w.strip.rows)
    qtbot.waitUntil(lambda: bool(next(b for b in w.strip.rows if b.ident == ident).image))
    sidecar = file.with_name("p0.png.modisp")
    qtbot.waitUntil(lambda: sidecar.exists() and "dimmer" in sidecar.read_text("utf-8"))
    rows = json.loads(sidecar.read_text("utf-8"))["recipe"]["entries"]
    assert next(r for r in rows if r["stage"] == "dimmer")["values"] == {"amount": 0.5}
    d.undo()
    assert "values" not in recipes.entry(d.recipe, ident)
    w.close()
