"""What a parameter touches, seen while Alt is held with its slider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from editor_app.controls import NumberRow
from editor_app.declared import Declarations
from editor_app.engine.effect import Unseen, effect
from editor_app.engine.opened import Opened
from editor_app.engine.render import render
from editor_app.window import Window
from modisp import Recipe
from modisp.cache import Cache
from modisp.parameter import CLIPPING, HUES, OWN
from tests.editor import helpers
from tests.editor.helpers import wait

LEFT, ALT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier
W, H = 240, 160


@pytest.fixture
def opened_file(tmp_path: Path) -> Opened:
    """Dark on the left, bright on the right; the upper half blue, the lower half orange."""
    x = np.linspace(0.05, 0.9, W)
    rgb = np.empty((H, W, 3))
    rgb[: H // 2] = x[None, :, None] * (0.6, 0.7, 1.0)
    rgb[H // 2 :] = x[None, :, None] * (1.0, 0.75, 0.5)
    Pillow.fromarray((255 * rgb).astype(np.uint8)).save(tmp_path / "p.png")
    return Opened.open(tmp_path / "p.png", Cache(folder=None))


def lit(o: Opened, recipe: Recipe, *what: Any) -> np.ndarray[Any, Any]:
    made = effect(o, o.plain(recipe.dump()), {"effect": what, "size": (W, H), "rect": []}, lambda: False)
    pixels = made.view.pixels
    assert (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all()
    return pixels[..., 0].astype(float) / 255


def test_shadows_and_highlights_light_their_own_side(opened_file: Opened) -> None:
    recipe = opened_file.default.set("tone", shadows=0.7)
    dark, bright = lit(opened_file, recipe, "tone", "shadows", 0), lit(opened_file, recipe, "tone", "highlights", 0)
    third = W // 3
    assert dark[:, :third].mean() > 0.5 > 0.2 > dark[:, -third:].mean()
    assert bright[:, -third:].mean() > 0.3 > 0.1 > bright[:, :third].mean()


def test_a_hue_lights_its_colour_alone(opened_file: Opened) -> None:
    blue = lit(opened_file, opened_file.default, "mixer", "saturation", HUES.index("blue"))
    right = W // 2
    assert blue[: H // 2 - 2, right:].mean() > 0.4 > 0.02 > blue[H // 2 + 2 :, right:].mean()


def test_it_lies_where_the_picture_lies_and_is_made_once(opened_file: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    o = opened_file
    recipe = o.default.set("geometry", straighten=6.0, turn="90").switch("detail", False)
    asked = {"effect": ("detail", "masking", 0), "size": (90, 90), "rect": []}
    made = effect(o, o.plain(recipe.dump()), asked, lambda: False)
    plain = render(o, o.image, o.plain(recipe.dump()), {"size": (90, 90)}, lambda: False)
    assert (made.rect, made.full, made.view.pixels.shape) == (plain.rect, plain.full, plain.view.pixels.shape)
    assert effect(o, o.plain(recipe.set("detail", amount=1.7).dump()), asked, lambda: False) is made
    assert effect(o, o.plain(recipe.set("detail", masking=0.9).dump()), asked, lambda: False) is not made
    with pytest.raises(Unseen):
        effect(o, o.plain(recipe.dump()), asked | {"effect": ("geometry", "straighten", 0)}, lambda: False)


def test_noise_is_seen_at_full_size_and_elsewhere_it_is_said(tmp_path: Path) -> None:
    o = Opened.open(helpers.raw(tmp_path / "r.dng", iso=1600.0), Cache(folder=None))
    plain = o.plain(o.default.dump())
    e = next(e for e in plain.entries if "denoise" in e.active().params())
    asked: dict[str, Any] = {
        "effect": (e.id, "denoise", 0),
        "size": (120, 90),
        "rect": [40, 60, 120, 90],
        "pixels": 10**6,
    }
    made = effect(o, plain, asked, lambda: False)
    assert made.rect == (40, 60, 120, 90) and made.view.pixels[..., 0].mean() > 20
    for other in ({"rect": []}, {"size": (60, 45)}):
        with pytest.raises(Unseen, match="1:1"):
            effect(o, plain, asked | other, lambda: False)


def test_masks_name_what_there_is(declared: Declarations) -> None:
    masked = [(s, p) for s in declared.stages.values() for p in s.params if p.mask]
    assert {p.mask for _, p in masked} >= {OWN, CLIPPING}
    for stage, p in masked:
        assert p.mask in (OWN, CLIPPING) or stage.param(p.mask).kind == "number"
        assert p.kind in ("number", "hues")


def rows(w: Window, mask: str) -> NumberRow:
    """A slider of the picture that is open, whose parameter has such a mask."""
    for k in w.panels.shape:
        for c in w.panels.panels[k].controls.values():
            if isinstance(c, NumberRow) and c.p.mask == mask and not w.panels.panels[k].body.isHidden():
                return c
    raise AssertionError


def test_alt_in_a_drag_shows_it_and_letting_go_shows_the_picture(qtbot: Any, opened: Window) -> None:
    w, s = opened, opened.session
    d, c = s.document, rows(opened, OWN)
    before, kept = w.viewer.base, list(w.histogram.plot.curves)
    assert d is not None and before is not None
    steps, knob = len(d.steps), QPoint(round(c.slider._x(c.slider.value)), 13)
    qtbot.mousePress(c.slider, LEFT, pos=knob)
    assert s.effect is None
    qtbot.keyPress(c.slider, Qt.Key.Key_Alt)
    override = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Alt, ALT)
    override.ignore()
    QApplication.sendEvent(c.slider, override)
    assert override.isAccepted()  # else the menu bar has the focus once Alt is let go
    wait(qtbot, w)
    assert w.viewer.base is not before and w.viewer.base is not None and w.viewer.base.told["effect"]
    assert c.p.words in w.viewer.what[0] and list(w.histogram.plot.curves) == kept
    qtbot.mouseMove(c.slider, knob + QPoint(9, 0))
    qtbot.keyRelease(c.slider, Qt.Key.Key_Alt)
    assert s.effect is None
    qtbot.mousePress(c.slider, LEFT, ALT, knob)
    assert s.effect is not None
    qtbot.mouseRelease(c.slider, LEFT, ALT, knob)
    wait(qtbot, w)
    assert s.effect is None and not w.viewer.base.told["effect"] and w.viewer.what == ("", "")
    assert len(d.steps) <= steps + 2


def test_what_clips_is_marked_while_alt_is_held(qtbot: Any, opened: Window) -> None:
    w, c = opened, rows(opened, CLIPPING)
    knob = QPoint(round(c.slider._x(c.slider.value)), 13)
    qtbot.mousePress(c.slider, LEFT, ALT, knob)
    assert w.viewer.clipping and w.session.effect is None
    qtbot.mouseRelease(c.slider, LEFT, ALT, knob)
    assert not w.viewer.clipping
