"""Who may know whom, and how long a file may be: the shape of the house, read from the sources themselves."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 400

CORE = {"image", "parameter", "probe", "stage", "recipe", "mix", "resample", "resources"}
"""Rooms about what the numbers mean and what a stage is; they rest on torch alone (platformdirs where folders are named)."""
HELP = {"operators"}
"""Closed forms that several stages share: torch only, no stages, no files."""

# room → (rooms of modisp that it may know, packages from outside); numpy and the standard library are free to all
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    **{room: (CORE, {"torch"}) for room in CORE},
    **{room: (CORE | HELP | {"color", "native"}, {"torch"}) for room in HELP},
    "resources": (set(), {"platformdirs"}),
    "native": (set(), {"torch", "numba", "llvmlite"}),
    "nets": ({"nets", "native"}, {"torch"}),
    "color": ({"color", "native"}, {"torch", "colour"}),
    "learned": (CORE | {"learned", "memory", "nets", "weights"}, {"torch"}),
    "weights": ({"weights", "nets", "resources"}, {"torch", "safetensors"}),
    "metrics": ({"metrics", "color", "resample"}, {"torch", "colour"}),
    "stages": (CORE | HELP | {"color", "learned", "native", "nets", "weights"}, {"torch"}),
    "io": ({"io", "image", "color", "operators"}, {"torch", "rawpy", "tifffile", "PIL", "imagecodecs"}),
    "simulate": ({"simulate", "image", "color", "io", "operators", "resample"}, {"torch", "colour", "tifffile", "PIL"}),
}
TOP = (
    CORE | HELP | {"nets", "native", "color", "weights", "learned", "metrics", "stages", "io", "simulate"},
    {"torch", "safetensors", "typer", "rich"},
)
"""What all other rooms may know, besides each other: pipeline, cache, style, sidecar, cli …"""
LATE = {"train", "bench"}
"""Rooms that know everything and are known to nobody but the command line, inside its functions."""
FREE = {("lensfunpy", "modisp/stages/lens.py"), ("stages", "modisp/stage.py")}
"""What one file alone may know: the lens stage its database, and (inside a function) the list of stages the folder it lists."""
NEVER = {"PySide6", "editor_app", "shiboken6"}


class Import(NamedTuple):
    what: str
    line: int
    late: bool  # inside a function


def imports(source: str, package: str = "modisp") -> Iterator[Import]:
    """Every module that a source imports, `from a import b` as a.b; those for type checkers alone do not count."""
    todo: list[tuple[ast.AST, bool]] = [(ast.parse(source), False)]
    while todo:
        node, late = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo += [(n, late) for n in node.orelse]
            continue
        if isinstance(node, ast.Import):
            yield from (Import(a.name, node.lineno, late) for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (Import(f"{module}.{a.name}", node.lineno, late) for a in node.names)
        elif isinstance(node, ast.Call) and (name := _imported_by_call(node)):
            yield Import(name, node.lineno, late)
        inner = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        todo += [(n, inner) for n in ast.iter_child_nodes(node)]


def _imported_by_call(node: ast.Call) -> str:
    named = ast.unparse(node.func).endswith("import_module") and node.args and isinstance(node.args[0], ast.Constant)
    return str(node.args[0].value) if named and isinstance(node.args[0], ast.Constant) else ""


def room_of(module: str) -> str:
    """The room of a dotted name inside modisp; "" for the package itself and for its public names."""
    part = module.split(".")[1] if "." in module else ""
    return part if (ROOT / "modisp" / part).is_dir() or (ROOT / "modisp" / f"{part}.py").is_file() else ""


def breaches(path: str, source: str) -> list[str]:
    """What a source file (path inside the repository, with slashes) knows and must not; one sentence each."""
    room = Path(path).parts[1].removesuffix(".py") if path.startswith("modisp/") else ""
    out = []
    for what, line, late in imports(source, ".".join(Path(path).parent.parts)):
        package = what.split(".")[0]
        if package in NEVER and room:
            out.append(f"{path}:{line} imports {package}; modisp knows no window")
        elif package == "modisp" and room:
            out += [f"{path}:{line} {why}" for why in _inside(path, room, what, late)]
        elif (
            not room or package in sys.stdlib_module_names or (package, path) in FREE or package in ("numpy", "modisp")
        ):
            continue
        elif package == "colour" and not late:
            out.append(f"{path}:{line} imports colour where it costs every start; import it inside the function")
        elif room not in LATE and package not in ALLOWED.get(room, TOP)[1]:
            out.append(f"{path}:{line} {room} must not know {package}")
    return out


def _inside(path: str, room: str, what: str, late: bool) -> Iterator[str]:
    target = room_of(what)
    if room in LATE or not target:
        return
    if target in LATE:
        if room != "cli" or not late:
            yield f"imports {what}; only the command line may, inside a function"
    elif room == "stages" and target == "stages":
        yield f"imports {what}; stages do not know each other"
    elif room in ALLOWED and target not in ALLOWED[room][0] and not (late and (target, path) in FREE):
        yield f"imports {what}; {room} must not know {target}"


def sources() -> list[Path]:
    return [p for folder in ("modisp", "editor_app", "tests") for p in sorted((ROOT / folder).rglob("*.py"))]


def test_every_room_knows_only_what_it_may() -> None:
    found = [b for p in sources() for b in breaches(p.relative_to(ROOT).as_posix(), p.read_text("utf-8"))]
    assert not found, "\n".join(found)


def test_no_file_is_too_long() -> None:
    long = {
        p.relative_to(ROOT).as_posix(): n for p in sources() if (n := len(p.read_text("utf-8").splitlines())) > LONGEST
    }
    assert not long


def test_every_room_of_the_tables_is_there() -> None:
    rooms = {p.name.removesuffix(".py") for p in (ROOT / "modisp").iterdir()}
    assert (CORE | HELP | set(ALLOWED) | LATE) <= rooms


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("modisp/stages/tone.py", "from modisp.io import open_image"),
        ("modisp/stages/tone.py", "def f():\n    import modisp.pipeline"),
        ("modisp/stages/tone.py", "from modisp.stages.exposure import Exposure"),
        ("modisp/stages/tone.py", "from modisp.stages import exposure"),
        ("modisp/stages/tone.py", "from . import exposure"),
        ("modisp/stages/tone.py", "from .. import pipeline"),
        ("modisp/stages/tone.py", "import lensfunpy"),
        ("modisp/image.py", "import tifffile"),
        ("modisp/nets/unet.py", "from modisp.stage import Stage"),
        ("modisp/color/white.py", "import colour"),
        ("modisp/io/raw.py", "from modisp.recipe import Recipe"),
        ("modisp/simulate/sensor.py", "from modisp.pipeline import develop"),
        ("modisp/pipeline.py", "import PIL"),
        ("modisp/pipeline.py", "def f():\n    from modisp.bench import speed"),
        ("modisp/cli/app.py", "from modisp.bench import speed"),
        ("modisp/cli/app.py", "import PySide6"),
        ("modisp/pipeline.py", "import importlib\nimportlib.import_module('modisp.train.loop')"),
    ],
)
def test_a_breach_is_found(path: str, source: str) -> None:
    assert breaches(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("modisp/stages/tone.py", "import math\nimport numpy\nimport torch\nfrom modisp.color.spaces import LUMA"),
        ("modisp/stages/lens.py", "import lensfunpy"),
        ("modisp/color/white.py", "def f():\n    import colour"),
        ("modisp/cli/tools.py", "def f():\n    from modisp.bench import speed"),
        ("modisp/train/loop.py", "from modisp import develop\nfrom modisp.bench import speed"),
        ("modisp/stage.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import modisp.pipeline"),
    ],
)
def test_what_is_allowed_is_not_called_a_breach(path: str, source: str) -> None:
    assert not breaches(path, source)
