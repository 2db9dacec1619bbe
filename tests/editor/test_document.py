"""History: one step per gesture, a walk along the list, and the same again after a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from editor_app import recipes
from editor_app.declared import Declarations
from editor_app.document import Document


def first_number(d: Declarations) -> tuple[str, str, float]:
    """An entry of the default recipe with a number, that number, and a value that is not its default."""
    for e in d.default["raw"]["entries"]:
        for p in d.stages[e["stage"]].params:
            if p.kind == "number":
                return e["id"], p.name, (p.low + p.default) / 2 + 0.01
    raise AssertionError


@pytest.fixture
def doc(declared: Declarations) -> Document:
    return Document(Path("a.dng"), declared, declared.default["raw"])


def test_a_drag_is_one_step(doc: Document) -> None:
    ident, name, v = first_number(doc.declared)
    for k in range(5):
        doc.edit(ident, name, v + k / 100)
    doc.finish()
    assert len(doc.steps) == 2
    doc.edit(ident, name, v)
    assert len(doc.steps) == 3
    doc.undo()
    assert recipes.entry(doc.recipe, ident)["values"][name] == v + 4 / 100
    doc.undo()
    assert doc.recipe == doc.declared.default["raw"] and not doc.can_undo


def test_a_drag_back_to_the_start_leaves_no_step(doc: Document) -> None:
    ident, name, v = first_number(doc.declared)
    default = recipes.stage_of(doc.recipe, ident, doc.declared).param(name).default  # type: ignore[union-attr]
    doc.edit(ident, name, v)
    doc.edit(ident, name, default)
    doc.finish()
    assert len(doc.steps) == 1 and not doc.can_undo


def test_an_edit_after_undo_drops_what_was_undone(doc: Document) -> None:
    ident, name, v = first_number(doc.declared)
    doc.edit(ident, name, v)
    doc.finish()
    doc.undo()
    assert doc.can_redo
    doc.edit(ident, name, v + 0.05)
    assert not doc.can_redo and len(doc.steps) == 2


def test_the_same_recipe_is_no_step(doc: Document) -> None:
    doc.put(doc.recipe, "nothing")
    assert len(doc.steps) == 1


def test_history_survives_json(doc: Document, declared: Declarations) -> None:
    ident, name, v = first_number(declared)
    doc.edit(ident, name, v)
    doc.finish()
    doc.snapshot("one")
    doc.put(recipes.with_looks(doc.recipe, [{"name": "x", "strength": 0.5, "values": {}}]), "Style", "x")
    doc.edit(ident, name, v + 0.05)
    doc.finish()
    doc.undo()
    rows = json.loads(json.dumps(doc.dump_history()))
    again = Document(doc.path, declared, declared.default["raw"])
    again.load_history(rows, doc.recipe)
    assert [s.recipe for s in again.steps] == [s.recipe for s in doc.steps]
    assert again.at == doc.at
    assert [(k.name, k.recipe) for k in again.snapshots] == [("one", doc.snapshots[0].recipe)]
    again.redo()
    assert recipes.entry(again.recipe, ident)["values"][name] == v + 0.05


@pytest.mark.parametrize(
    "rows", [[], [{"kind": "step"}], ["x"], [{"kind": "at", "step": 7}], [{"from": "another program"}]]
)
def test_a_foreign_history_never_costs_the_picture(doc: Document, rows: list[object]) -> None:
    recipe = recipes.with_switch(doc.recipe, doc.recipe["entries"][0]["id"], False)
    doc.load_history(rows, recipe)
    assert doc.recipe == recipe


def test_snapshot_and_restore(doc: Document) -> None:
    ident, name, v = first_number(doc.declared)
    doc.snapshot()
    doc.edit(ident, name, v)
    doc.finish()
    doc.restore(0)
    assert doc.recipe == doc.declared.default["raw"] and len(doc.steps) == 3
    doc.forget(0)
    assert not doc.snapshots


def test_switch_and_reset(doc: Document) -> None:
    ident, name, v = first_number(doc.declared)
    doc.edit(ident, name, v)
    doc.reset(ident)
    assert doc.recipe == doc.declared.default["raw"]
    doc.reset_all()
    assert doc.steps[-1].recipe == doc.default


def test_a_place_that_was_picked_is_copied_as_the_numbers_that_it_gave(declared: Declarations) -> None:
    recipe = declared.default["raw"]
    ident, rect = next(
        (e["id"], p)
        for e in recipe["entries"]
        for p in declared.stages[e["stage"]].params
        if p.kind == "rect" and p.inference
    )
    info = recipes.stage_of(recipe, ident, declared)
    assert info is not None
    params = {p.name: p for p in info.params}
    choice = next(p for p in info.params if rect.name in p.choices)
    number = next(p for p in info.params if p.kind == "number" and p.default != p.high)
    measured = (number.default + number.high) / 2
    readings = {ident: {"values": {rect.name: {number.name: measured}}}}
    picked = recipes.with_values(recipe, ident, params, {rect.name: [3, 4, 50, 60], choice.name: rect.name})
    values = recipes.entry(recipes.settled(picked, readings, declared), ident)["values"]
    assert values == {choice.name: recipes.BY_HAND, number.name: measured}
    automatic = recipes.with_values(recipe, ident, params, {choice.name: "auto"})
    assert recipes.settled(automatic, readings, declared) == automatic


def test_a_value_comes_back_from_the_last_snapshot(doc: Document) -> None:
    ident, name, v = first_number(doc.declared)
    assert not doc.recall(ident, name)
    doc.edit(ident, name, v)
    doc.finish()
    doc.snapshot("A")
    doc.edit(ident, name, v + 0.05)
    doc.finish()
    assert doc.recall(ident, name)
    assert recipes.entry(doc.recipe, ident)["values"][name] == v and len(doc.steps) == 4
    doc.snapshot("B")
    doc.go(0)
    doc.snapshot("C")  # at the default
    doc.go(1)
    assert doc.recall(ident, name) and name not in recipes.entry(doc.recipe, ident).get("values", {})
