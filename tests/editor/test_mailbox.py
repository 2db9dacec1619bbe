"""The one-slot mailbox: newest wins, nearly done is let finish."""

from __future__ import annotations

from editor_app.mailbox import GRACE, Mailbox


class Bench:
    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[int] = []
        self.stopped: list[int] = []
        self.box = Mailbox(lambda r: self.sent.append(r["id"]), self.stopped.append, lambda: self.now)

    def put(self, ident: int, kind: str = "fit", path: str = "a") -> None:
        self.box.put({"id": ident, "kind": kind, "path": path})

    def teach(self, seconds: float, kind: str = "fit") -> None:
        self.put(0, kind)
        self.now += seconds
        self.box.done(0, finished=True)
        self.sent.clear()


def test_only_the_newest_waits() -> None:
    b = Bench()
    for i in (1, 2, 3, 4):
        b.put(i)
    assert b.sent == [1] and b.box.busy
    b.box.done(1, finished=True)
    assert b.sent == [1, 4]
    b.box.done(4, finished=True)
    assert not b.box.busy


def test_quick_work_is_never_stopped_so_a_drag_keeps_showing_pictures() -> None:
    b = Bench()
    b.teach(GRACE / 2)
    b.put(1)
    for i in range(2, 30):
        b.now += 0.001
        b.put(i)
    assert not b.stopped


def test_slow_work_is_stopped_once_unless_it_is_nearly_done() -> None:
    b = Bench()
    b.teach(2.0)
    b.put(1)
    b.now += 0.5
    b.put(2)
    b.put(3)
    assert b.stopped == [1]
    b.box.done(1, finished=False)
    assert b.sent == [1, 3]
    b.now += 1.9
    b.put(4)
    assert b.stopped == [1]


def test_strangers_are_passed_over() -> None:
    b = Bench()
    b.put(1)
    assert not b.box.done(77, finished=True)
    assert b.box.busy
    b.box.clear()
    assert not b.box.busy


def test_a_drag_on_a_slow_machine_shows_every_picture_that_was_begun() -> None:
    b = Bench()
    shown, running, t = 0, 0, 0.0
    b.put(running := 1)
    for i in range(2, 400):  # one request every 10 ms, each taking 0.5 s
        b.now += 0.01
        b.put(i)
        if b.now - t >= 0.5:
            t, shown = b.now, shown + 1
            b.box.done(running, finished=True)
            running = b.sent[-1]
    assert shown >= 7 and not b.stopped


def test_quick_ones_stop_slow_ones_and_other_photographs_stop_everything() -> None:
    b = Bench()
    b.teach(0.1, "drag")
    b.teach(0.9, "fit")
    b.put(1, "fit")
    b.now += 0.1
    b.put(2, "drag")
    assert b.stopped == [1]
    b.box.done(1, finished=False)
    b.put(3, "drag", path="b")
    assert b.stopped == [1, 2]


def test_what_only_betters_the_picture_stops_for_anything() -> None:
    b = Bench()
    b.put(1, "fine")
    b.put(2, "drag")
    assert b.stopped == [1]
    b.box.done(1, finished=False)
    b.put(3, "fine")
    assert b.stopped == [1] and b.sent == [1, 2]


def test_what_takes_its_time_is_given_up_when_the_hand_lets_go() -> None:
    b = Bench()
    b.put(1, "drag")
    b.box.give_up()
    assert not b.stopped  # it has only just begun
    b.now += 2 * GRACE
    b.box.give_up()
    b.box.give_up()
    assert b.stopped == [1]
    b.put(2)
    b.box.done(1, finished=False)
    assert b.sent == [1, 2] and b.stopped == [1]
