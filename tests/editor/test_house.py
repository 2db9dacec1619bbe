"""The shape of the editor: it names no stage, keeps torch to the engine, and widgets out of its models."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from editor_app.declared import Declarations

ROOT = Path(__file__).resolve().parents[2] / "editor_app"
FILES = sorted(ROOT.rglob("*.py"))
MAKERS = ("Tool", "icon", "set_icon")
PLAIN = {
    "framing.py",
    "leaning.py",
    "document.py",
    "catalog.py",
    "recipes.py",
    "shown.py",
    "declared.py",
    "mailbox.py",
    "viewport.py",
    "pages.py",
}
"""Files that hold no widgets."""


def texts(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every text of a source, but not its docstrings."""
    docs = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            for line in node.body:
                if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
                    docs.add(id(line.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value, node.lineno


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{a.name}" for a in node.names)


def named(source: str, names: set[str]) -> list[str]:
    return [f"line {line}: {text}" for text, line in texts(ast.parse(source)) if text in names]


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_file_names_a_stage(file: Path, declared: Declarations) -> None:
    names = set(declared.stages) | {s for i in declared.stages.values() for s in i.slot.split()}
    assert not named(file.read_text("utf-8"), names)


def test_a_named_stage_would_be_found(declared: Declarations) -> None:
    name = next(iter(declared.stages))
    assert named(f"x = recipe['{name}']", set(declared.stages))
    assert not named(f'"""{name}"""', set(declared.stages))


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_who_knows_whom(file: Path) -> None:
    known = set(imported(ast.parse(file.read_text("utf-8"))))
    engine = "engine" in file.relative_to(ROOT).parts
    packages = {k.split(".")[0] for k in known}
    if engine:
        assert not packages & {"PySide6"}
        assert not [
            k for k in known if k.startswith("editor_app.") and k.split(".")[1] not in ("engine", "pages", "recipes")
        ]
    else:
        assert "torch" not in packages
        assert not [k for k in known if k.startswith("editor_app.engine")]
    if file.name in PLAIN:
        assert not [k for k in known if k.startswith(("PySide6.QtWidgets", "PySide6.QtGui.QP"))]


def test_every_icon_that_is_named_is_there() -> None:
    from modisp.resources import path

    icons = {p.stem for p in path("icons").glob("*.svg")}
    used = set()
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in (
                "Tool",
                "icon",
                "set_icon",
            ):
                first = node.args[0] if node.args else None
                for part in ast.walk(first) if first is not None else ():
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value:
                        used.add(part.value)
    from editor_app.panel import GROUPS

    assert used and (used | set(GROUPS.values())) <= icons
