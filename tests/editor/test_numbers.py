"""How numbers are shown and typed."""

from __future__ import annotations

import pytest

from editor_app.declared import ParamInfo
from editor_app.shown import Shown

SHARE = Shown(ParamInfo("strength", "number", 0.4, 0, 1, 0.01, "%"))
SIGNED = Shown(ParamInfo("contrast", "number", 0.0, -1, 1, 0.01))
STOPS = Shown(ParamInfo("ev", "number", 0.0, -5, 5, 0.05, "EV"))
KELVIN = Shown(ParamInfo("temperature", "number", 5000.0, 2000, 25000, 50, "K"))
WHOLE = Shown(ParamInfo("count", "number", 3, 1, 9, 1))


@pytest.mark.parametrize(
    ("shown", "value", "text"),
    [
        (SHARE, 0.62, "62"),
        (SHARE, 0.0, "0"),
        (SIGNED, 0.14, "+14"),
        (SIGNED, -0.42, "\u221242"),
        (SIGNED, -0.001, "0"),
        (STOPS, 0.35, "+0.35"),
        (KELVIN, 5450, "5450"),
        (WHOLE, 4, "4"),
    ],
)
def test_text(shown: Shown, value: float, text: str) -> None:
    assert shown.text(value) == text


@pytest.mark.parametrize(
    ("shown", "typed", "now", "want"),
    [
        (SHARE, "55", 0.4, 0.55),
        (SHARE, "+5", 0.4, 0.45),
        (SHARE, "-5 %", 0.4, 0.35),
        (STOPS, "-1", 0.35, -1.0),
        (STOPS, "\u22120,5", 0.35, -0.5),
        (STOPS, "+=0.1", 0.35, 0.45),
        (STOPS, "-=.1", 0.35, 0.25),
        (STOPS, "*2", 0.35, 0.7),
        (STOPS, "/2", 0.5, 0.25),
        (KELVIN, "6500", 5000, 6500),
    ],
)
def test_typing(shown: Shown, typed: str, now: float, want: float) -> None:
    found = shown.parse(typed, now)
    assert found is not None and abs(found - want) < 1e-9


@pytest.mark.parametrize("typed", ["", "abc", "1e5", "--1", "+", "/0", "1 2 x"])
def test_what_is_no_number(typed: str) -> None:
    assert STOPS.parse(typed, 0.0) is None


def test_clamp_snaps_to_the_step_and_keeps_whole_numbers_whole() -> None:
    assert STOPS.clamp(0.37) == 0.35
    assert STOPS.clamp(9) == 5
    assert STOPS.clamp(0.371, snap=False) == 0.371
    assert WHOLE.clamp(3.6) == 4 and isinstance(WHOLE.clamp(3.6), int)


@pytest.mark.parametrize("shown", [SHARE, SIGNED, STOPS, KELVIN])
def test_slider_places_are_inverse(shown: Shown) -> None:
    for i in range(11):
        assert abs(shown.place(shown.at(i / 10)) - i / 10) < 1e-9
    assert shown.place(shown.low) == 0 and abs(shown.place(shown.high) - 1) < 1e-9


def test_temperature_has_room_where_the_eye_tells_apart() -> None:
    assert 0.4 < KELVIN.place(3500) < 0.6
