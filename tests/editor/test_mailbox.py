"""The one-slot mailbox: newest wins, nearly done is let finish."""

from __future__ import annotations

from editor_app.mailbox import GRACE, Mailbox


class Bench:
    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[int] = []
        self.stopped: list[int] = []
        self.box = Mailbox(lambda r: self.sent.append(r["id"]), self.stopped.append, lambda: self.now)

    def put(self, ident: int, kind: str = "fit") -> None:
        self.box.put({"id": ident, "kind": kind})

    def teach(self, seconds: float) -> None:
        self.put(0)
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
