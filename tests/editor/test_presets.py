"""How exported files are to be: names, places, presets, and the queue's own bookkeeping; the keys of commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from editor_app import presets
from editor_app.jobs import Queue
from editor_app.queue_list import said
from editor_app.shortcuts import Command, Commands

FACTS = {"{style}": "", "{date}": "2026-11-21", "{stars}": "3", "{copy}": "", "{stage}": ""}


@pytest.mark.parametrize(
    ("template", "want"),
    [
        ("{name}", "IMG_1"),
        ("{name}-{n}", "IMG_1-007"),
        ("{date}_{name}", "2026-11-21_IMG_1"),
        ("{name}-{style}-{copy}", "IMG_1"),
        ("a/b:{name}", "a-b-IMG_1"),
        ("", "IMG_1"),
        ("...", "IMG_1"),
    ],
)
def test_names(template: str, want: str) -> None:
    assert presets.named(presets.PLAIN | {"name": template}, Path("x/IMG_1.NEF"), 7, FACTS) == want


@pytest.mark.parametrize(
    ("row", "word"),
    [({"size": "big"}, "longest side"), ({"size": "0"}, "longest side"), ({"name": "{nmae}"}, "{nmae}")],
)
def test_what_cannot_be_is_said(row: dict[str, Any], word: str) -> None:
    assert word in presets.problem(presets.PLAIN | row)
    assert not presets.problem(presets.PLAIN)


def test_every_shipped_preset_is_whole() -> None:
    for row in presets.SHIPPED.values():
        assert set(row) == set(presets.PLAIN) and not presets.problem(row) and row["format"] in presets.FORMATS
        presets.wanted(row)


def test_where_they_go(tmp_path: Path) -> None:
    source = tmp_path / "a.dng"
    assert presets.folder_of(presets.PLAIN, source) == tmp_path / "export"
    assert presets.folder_of(presets.PLAIN | {"folder": "web"}, source) == tmp_path / "web"
    assert presets.folder_of(presets.PLAIN | {"folder": str(tmp_path / "x")}, source) == tmp_path / "x"
    rows = [(source, FACTS), (tmp_path / "in" / "a.dng", FACTS)]
    both = presets.targets(presets.PLAIN | {"folder": str(tmp_path / "o")}, rows, set(), ".jpg")
    assert both == [tmp_path / "o" / "a.jpg", tmp_path / "o" / "a-2.jpg"]
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "a.jpg").write_bytes(b"")
    skipped = presets.targets(
        presets.PLAIN | {"folder": str(tmp_path / "o"), "existing": "skip"}, rows[:1], set(), ".jpg"
    )
    assert skipped == [None]


def test_own_presets_are_kept() -> None:
    assert presets.own() == {}
    presets.keep({"mine": {"size": "999"}})
    assert presets.own()["mine"] == presets.PLAIN | {"size": "999"}
    presets.remember(presets.PLAIN | {"quality": 50})
    assert presets.last()["quality"] == 50


class Sent:
    """An engine that does nothing."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def send(self, do: str, **more: Any) -> None:
        self.told.append((do, more))


def queue(n: int) -> tuple[Queue, Sent]:
    parent = QObject()
    q, e = Queue(parent), Sent()
    q.kept = parent  # type: ignore[attr-defined]  # a child goes with its parent
    q.engine = e  # type: ignore[assignment]
    for i in range(n):
        q.add(Path(f"{i}.dng"), Path(f"{i}.jpg"), {"wanted": {}})
    return q, e


def test_the_queue_goes_on_pauses_cancels_and_tries_again(qapp: object) -> None:
    q, e = queue(4)
    first, second, third, fourth = q.jobs
    assert [j.state for j in q.jobs] == ["running", "waiting", "waiting", "waiting"] and e.told[0][0] == "export"
    q.pause(True)
    q._failed({"id": first.id, "why": "The disk is full"})
    assert first.state == "failed" and q.running is None and "paused" in said(q)
    q.pause(False)
    assert q.running is second
    q._progress({"id": second.id, "fraction": 0.5, "words": "denoise"})
    assert q.fraction == pytest.approx(1.5 / 4)
    q._done({"id": second.id, "size": 2_000_000})
    assert second.words == "2.0 MB" and q.running is third and said(q).startswith("2 of 4")
    q.cancel_all()
    assert fourth.state == "cancelled" and e.told[-1] == ("cancel", {"id": third.id})
    over: list[tuple[int, int]] = []
    q.finished.connect(lambda *row: over.append(row))
    q._failed({"id": third.id, "why": ""})
    assert third.state == "cancelled" and over == [(1, 1)]
    q.retry(first)
    assert q.running is first
    q._died("")
    assert first.state == "failed"
    q.clear()
    assert q.jobs == []


def test_keys_are_given_taken_and_given_back(qapp: object, qtbot: Any) -> None:
    w = QWidget()
    qtbot.addWidget(w)
    rows = [
        Command("a", "A", ("Ctrl+A", "F5"), "File", lambda: None),
        Command("b", "B", ("Ctrl+B",), "File", lambda: None),
    ]
    c = Commands(w, rows)
    c.set_keys("b", QKeySequence("Ctrl+A"))
    assert c.keys("b") == "Ctrl+A" and c.keys("a") == "" and c.changed("a") and c.changed("b")
    again = Commands(w, rows)
    assert again.keys("b") == "Ctrl+A" and again.keys("a") == ""
    again.set_keys("a", None)
    assert again.keys("a") == "F5", "Ctrl+A is the other's now"
    again.set_keys("b", None)
    again.set_keys("a", None)
    assert again.keys("a") == "Ctrl+A, F5" and again.keys("b") == "Ctrl+B" and not again.changed("a")


def test_the_table_of_keys_takes_the_next_keys(qapp: object, qtbot: Any) -> None:
    from PySide6.QtCore import QPoint, Qt

    from editor_app.key_sheet import KeyTable

    w = QWidget()
    qtbot.addWidget(w)
    rows = [Command("a", "Alpha", ("Ctrl+A",), "File", lambda: None), Command("b", "Beta", (), "File", lambda: None)]
    commands = Commands(w, rows)
    table = KeyTable(commands)
    qtbot.addWidget(table)
    table.show()
    said_: list[str] = []
    table.said.connect(said_.append)
    at = table._place(next(i for i, r in enumerate(table.rows) if r == rows[1])).center().toPoint()
    qtbot.mouseClick(table, Qt.MouseButton.LeftButton, pos=QPoint(at))
    qtbot.keyClick(table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert commands.keys("b") == "Ctrl+A" and commands.keys("a") == "" and "Alpha has no keys" in said_[-1]
    qtbot.mouseClick(table, Qt.MouseButton.LeftButton, pos=QPoint(at))
    qtbot.keyClick(table, Qt.Key.Key_Escape)
    assert commands.keys("b") == "Ctrl+A" and table.waiting < 0
    table.seek("alp")
    assert [r.words for r in table.rows if isinstance(r, Command)] == ["Alpha"]
