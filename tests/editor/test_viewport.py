"""Where the picture lies: fit, zoom at a place, pan."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, QSizeF

from editor_app.viewport import MARGIN, Viewport


def port(ratio: float = 1.0) -> Viewport:
    v = Viewport()
    v.room, v.ratio, v.full = QSizeF(800, 600), ratio, (6000, 4000)
    return v


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_fit_is_centred_inside_the_margin_on_device_pixels(ratio: float) -> None:
    v = port(ratio)
    r = v.rect()
    assert abs(r.width() - (800 - 2 * MARGIN)) < 1 and abs(r.center().x() - 400) < 1
    for value in (r.x(), r.y(), r.width(), r.height()):
        assert abs(value * ratio - round(value * ratio)) < 1e-6
    rect, size = v.wanted()
    assert rect is None and abs(size[0] - r.width() * ratio) <= 1


def test_small_pictures_are_not_enlarged_to_fit() -> None:
    v = port()
    v.full = (100, 50)
    assert v.rect().width() == 100 and v.wanted() == (None, (100, 50))


@pytest.mark.parametrize("at", [QPointF(400, 300), QPointF(250, 200), QPointF(700, 450)])
def test_zoom_keeps_what_is_under_the_pointer(at: QPointF) -> None:
    v = port()
    v.set_zoom(0.5)
    before = v.to_picture(at)
    v.set_zoom(1.0, at)
    after = v.to_picture(at)
    assert abs(after.x() - before.x()) <= 1.5 and abs(after.y() - before.y()) <= 1.5


def test_pan_stops_at_the_edges() -> None:
    v = port()
    v.set_zoom(1.0)
    v.pan(30, -20)
    assert v.visible().width() == 800
    v.pan(99999, 99999)
    assert v.visible().x() == 0 and v.visible().y() == 0
    v.pan(-99999, -99999)
    seen = v.visible()
    assert abs(seen.right() - 6000) < 1e-6 and abs(seen.bottom() - 4000) < 1e-6


def test_one_to_one_on_a_dense_screen_is_a_picture_pixel_per_device_pixel() -> None:
    v = port(2.0)
    v.set_zoom(1.0)
    rect, size = v.wanted(rim=0.0)
    assert rect is not None and rect[2:] == (1600, 1200) and size == (1600, 1200)


@pytest.mark.parametrize("room", [(831, 655), (1437, 893), (1333.4, 700.2)])
@pytest.mark.parametrize("zoom", [1.0, 2.0, 3.0])
def test_whole_pixels_are_asked_for_one_for_one_wherever_the_view_lies(room: tuple[float, float], zoom: float) -> None:
    v = port()
    v.room = QSizeF(*room)
    v.set_zoom(zoom)
    v.pan(33.3, -71.7)
    rect, size = v.wanted()
    assert rect is not None and all(n == int(n) for n in rect) and size == rect[2:]
    seen = v.visible()
    assert rect[0] <= seen.left() and seen.right() <= rect[0] + rect[2] and rect[1] <= seen.top()


def test_beyond_one_to_one_no_more_pixels_are_asked_for_than_there_are() -> None:
    v = port()
    v.set_zoom(4.0)
    rect, size = v.wanted(rim=0.0)
    assert rect is not None and size == (200, 150)


def test_steps_go_up_and_down() -> None:
    v = port()
    v.step(True)
    assert v.zoom == 0.25
    v.step(True)
    v.step(False)
    assert v.zoom == 0.25
