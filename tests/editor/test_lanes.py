"""Lanes of the engine: in turn, newest only, cancelled by key, and nothing ends them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from editor_app.engine.lanes import Lane
from modisp.stage import Cancelled


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not what() and time.monotonic() < end:
        time.sleep(0.005)
    assert what()


def test_in_turn_and_drained() -> None:
    done: list[int] = []
    lane = Lane("test", lambda why: None)
    for i in range(5):
        lane.put(lambda stop, i=i: done.append(i))  # type: ignore[misc]
    lane.drain(60)
    assert done == [0, 1, 2, 3, 4]


def test_the_newest_stops_what_runs_and_drops_what_waits() -> None:
    done: list[str] = []
    lane = Lane("test", lambda why: None, newest=True)

    def slow(stop: Callable[[], bool]) -> None:
        until(stop)
        done.append("stopped")
        raise Cancelled

    lane.put(slow)
    until(lambda: lane.busy and not lane._todo)
    lane.put(lambda stop: done.append("dropped"))
    lane.put(lambda stop: done.append("newest"))
    lane.drain(60)
    assert done == ["stopped", "newest"]


def test_what_is_cancelled_while_it_waits_still_answers() -> None:
    heard: list[bool] = []
    go = threading.Event()
    lane = Lane("test", lambda why: None)
    lane.put(lambda stop: go.wait(60) and None, 1)
    lane.put(lambda stop: heard.append(stop()), 2)
    lane.put(lambda stop: heard.append(stop()), 3)
    lane.cancel(2)
    go.set()
    lane.drain(60)
    assert heard == [True, False]


def test_an_error_is_told_and_the_lane_goes_on() -> None:
    told: list[str] = []
    done: list[int] = []
    lane = Lane("test", told.append)

    def bad(stop: Callable[[], bool]) -> None:
        raise ValueError("this is wrong")

    lane.put(bad)
    lane.put(lambda stop: done.append(1))
    lane.drain(60)
    assert told == ["this is wrong"] and done == [1]
