"""A style: the part of a recipe at and after SCENE that makes a look, in a folder that a photographer can write by hand.

`styles/<folder>/style.toml` holds `name`, `words` (one line), `version`, then one table per slot with parameter values;
`[made_of]` may name other styles with their strengths: `vivid = 0.6`, or by part, `vivid = { tone = 1, "look" = 0.4 }`.  A
table named after a stage is for that stage in place of its
slot's; long rows of numbers (parameters of the kind `offsets`) lie in `weights.safetensors` beside it, as stage.parameter.
A style touches nothing before SCENE, so it fits every camera.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from modisp.image import State, tuples
from modisp.mix import mixed
from modisp.parameter import Param, files, mixed_files
from modisp.recipe import Look, Recipe, begin, order
from modisp.resources import home, path
from modisp.stage import Stage, list_stages

Values = Mapping[str, Mapping[str, Any]]
Layer = tuple["Style", float, Mapping[str, float]]
OFFSETS = "weights.safetensors"
_BEFORE_SCENE = (State.BURST, State.MOSAIC, State.CAMERA, State.BALANCED)


def _stage_of(slot: str) -> type[Stage]:
    names = order()["raw"].get(slot, ())
    for cls in (list_stages()[n] for n in names if n in list_stages()):
        return cls
    for cls in list_stages().values():
        if slot in cls.slot.split():
            return cls
    if slot in list_stages():
        return list_stages()[slot]
    raise ValueError(f"there is no slot called {slot}")


def _params_of(slot: str) -> dict[str, Param]:
    """The parameters that a style may set in a slot: those of its usual stage, and those of others that fill it.

    A stage passes over what it does not know, so one style serves them all.
    """
    usual = _stage_of(slot)
    stages = [c for c in list_stages().values() if slot in c.slot.split() and c.reads is usual.reads]
    return {k: p for c in (*stages, usual) for k, p in c.params().items()}


def _check(name: str, values: Values) -> dict[str, dict[str, Any]]:
    """The values in stored form; ValueError with one sentence where a slot or parameter is not one for a style."""
    out: dict[str, dict[str, Any]] = {}
    for slot, row in values.items():
        if not isinstance(row, Mapping):
            raise ValueError(f"style {name}: {slot} is a table of parameters, not {row!r}")
        cls = _stage_of(slot)
        if cls.reads in _BEFORE_SCENE:
            raise ValueError(f"style {name} sets {slot}, which lies before SCENE; a style begins at SCENE")
        params = _params_of(slot)
        if unknown := [k for k in row if k not in params]:
            raise ValueError(f"style {name}: {slot} has no parameter {unknown[0]}; it has: {', '.join(params)}")
        out[slot] = {k: params[k].check(f"style {name}: {slot}.{k}", tuples(v)) for k, v in row.items()}
    return out


@dataclass(frozen=True)
class Style:
    """A named look: parameter values by slot, each meant at strength 1."""

    name: str
    values: Values
    words: str = ""
    folder: Path | None = None
    made_of: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _check(self.name, self.values))

    @property
    def cover(self) -> Path | None:
        """The picture that shows the style, where its folder has one."""
        file = self.folder / "cover.jpg" if self.folder else None
        return file if file is not None and file.is_file() else None

    @classmethod
    def load(cls, name: str | Path) -> Style:
        """A style by its folder's name (the user's own first, then the shipped ones) or by the path of a folder or file.

        ValueError says in one sentence what is wrong.
        """
        given = Path(name)
        file = given if given.suffix == ".toml" else given / "style.toml"
        if not file.is_file() and isinstance(name, str):
            wanted = _plain(name)
            rows = [d for d in _folders() if _plain(d.name) == wanted]
            if not rows:
                known = ", ".join(sorted({d.name for d in _folders()}))
                raise ValueError(f"there is no style called {name}; there are: {known}")
            file = rows[0] / "style.toml"
        return cls._read(file, ())

    @classmethod
    def _read(cls, file: Path, above: tuple[Path, ...]) -> Style:
        if file in above:
            raise ValueError(f"style {file.parent.name} is made of itself")
        try:
            data = tomllib.loads(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
            raise ValueError(f"the style file {file} cannot be read: {e}") from e
        title = str(data.pop("name", file.parent.name))
        words, made_of = str(data.pop("words", "")), data.pop("made_of", {})
        data.pop("version", None)
        _anchor_files(data, file.parent)
        _add_offsets(data, file.parent / OFFSETS)
        style = cls(title, data, words, file.parent, made_of)
        if made_of:
            others = [(cls._read(_file_of(n, file), (*above, file)), *_strengths(n, s)) for n, s in made_of.items()]
            style = replace(style, values=cls.mix(title, [*others, (style, 1.0, {})]).values)
        return style

    @classmethod
    def mix(cls, name: str, layers: Iterable[Layer], words: str = "") -> Style:
        """One style that equals several laid over each other at their strengths, in parameter space.

        A layer is a style, its strength, and those of its parts (see `Look`).
        """
        rows = [(style, Look(style.name, {}, s, parts)) for style, s, parts in layers]
        values: dict[str, dict[str, Any]] = {}
        for key in dict.fromkeys(k for style, _ in rows for k in style.values):
            slot, params = _stage_of(key).slot.split()[0], _params_of(key)
            found: list[tuple[float, Mapping[str, Any]]] = []
            for style, look in rows:
                mine = style.values.get(key, style.values.get(slot))
                found += replace(look, values={slot: mine}).layers(slot, slot) if mine else []
            here = [(s, v) for s, v in found if s > 0]
            made = {
                k: mixed(p, p.default, [(s, v[k]) for s, v in here if k in v])
                for k, p in params.items()
                if any(k in v for _, v in here)
            }
            values[key] = {k: v for k, v in made.items() if v != params[k].default}
        return cls(name, values, words)

    @classmethod
    def of(cls, recipe: Recipe, name: str, slots: Iterable[str] | None = None, words: str = "") -> Style:
        """The look of a recipe (its looks and the user's own values) as a style; `slots` chooses the parts."""
        values: dict[str, dict[str, Any]] = {}
        chain = "picture" if any(e.slot == "input" for e in recipe.entries) else "raw"
        for e in recipe.resolve().entries:
            stage = e.stage
            if not isinstance(stage, Stage) or stage.reads in _BEFORE_SCENE or stage.reads is State.ENCODED:
                continue
            if e.id != stage.slot or (slots is None and stage.slot in ("geometry", "output", "exposure")):
                continue
            if slots is None or stage.slot in slots:
                params, from_here = stage.params(), begin(chain, stage)
                changed = {k: v for k, v in stage.values().items() if v != params[k].default}
                for k, v in from_here.items():  # what every such picture has is no part of a look
                    changed[k] = mixed(params[k], stage.values()[k], [(-1.0, v)])
                changed = {k: v for k, v in changed.items() if v != params[k].default}
                if changed:
                    values[stage.slot] = changed
        return cls(name, values, words)

    def apply(self, recipe: Recipe, strength: float = 1.0, parts: Mapping[str, float] | None = None) -> Recipe:
        """The recipe with this style laid over it (in place of an earlier one of its name).

        `strength` 0…1 for all parts; `parts` gives single slots their own.
        """
        look = Look(self.name, self.values, strength, dict(parts or {}))
        return recipe.with_looks([*(k for k in recipe.looks if k.name != self.name), look])

    def save(self, folder: Path) -> Path:
        """Write `style.toml` into a folder (made if need be); the file's path.  Cubes are copied in beside it."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"name = {_toml(self.name)}", f"words = {_toml(self.words)}", "version = 1"]
        offsets: dict[str, torch.Tensor] = {}
        for slot, row in self.values.items():
            lines += ["", f"[{slot}]"]
            for k, v in row.items():
                if _params_of(slot)[k].kind == "offsets":
                    offsets[f"{slot}.{k}"] = torch.tensor(v, dtype=torch.float32)
                    continue
                if _params_of(slot)[k].kind == "file" and v:
                    v = mixed_files((_copied(Path(path), folder), share) for path, share in files(v))
                lines.append(f"{k} = {_toml(v)}")
        file = folder / "style.toml"
        file.write_text("\n".join(lines) + "\n", "utf-8")
        if offsets:
            save_file(offsets, folder / OFFSETS)
            (folder / OFFSETS).chmod(0o644)
        else:
            (folder / OFFSETS).unlink(missing_ok=True)
        return file


def list_styles() -> dict[str, Style]:
    """Every style that can be read, by folder name; the user's own hide shipped ones of the same name."""
    out: dict[str, Style] = {}
    for folder in _folders():
        if folder.name not in out:
            try:
                out[folder.name] = Style._read(folder / "style.toml", ())
            except ValueError:
                # a style that cannot be read is named when it is asked for, and hides nothing
                continue
    return dict(sorted(out.items()))


def _folders() -> list[Path]:
    roots = [r for r in (home("styles"), path("styles")) if r.is_dir()]
    return [d for r in roots for d in sorted(r.iterdir()) if (d / "style.toml").is_file()]


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _file_of(name: str, beside: Path) -> Path:
    rows = [d for d in (beside.parent.parent / name, *_folders()) if _plain(d.name) == _plain(name)]
    rows = [d for d in rows if (d / "style.toml").is_file()]
    if not rows:
        raise ValueError(f"style {beside.parent.name} is made of {name}, which is not there")
    return rows[0] / "style.toml"


def _strengths(name: str, given: Any) -> tuple[float, dict[str, float]]:
    """A strength for all parts, or a table of strengths by part, of which those not named are 0."""
    if isinstance(given, Mapping):
        return 0.0, {str(part): _strength(f"{name}.{part}", s) for part, s in given.items()}
    return _strength(name, given), {}


def _strength(name: str, s: Any) -> float:
    if isinstance(s, bool) or not isinstance(s, int | float) or not 0 <= s <= 1:
        raise ValueError(f"the strength of {name} lies in [0, 1], not {s!r}")
    return float(s)


def _add_offsets(data: dict[str, Any], file: Path) -> None:
    """Put the long rows of numbers that lie beside a style among its values."""
    if not file.is_file():
        return
    try:
        with safe_open(file, framework="pt") as rows:
            for name in rows.keys():  # noqa: SIM118 (not a dict)
                stage, _, key = name.partition(".")
                data.setdefault(stage, {})[key] = tuple(round(v, 5) for v in rows.get_tensor(name).flatten().tolist())
    except (OSError, SafetensorError) as e:
        raise ValueError(f"the weights of style {file.parent.name} cannot be read: {e}") from e


def _anchor_files(data: dict[str, Any], folder: Path) -> None:
    """Make the paths of cubes absolute: they are written relative to the style's folder."""
    for slot, row in data.items():
        if isinstance(row, dict):
            for k, v in row.items():
                p = _params_of(slot).get(k)
                if p and p.kind == "file" and isinstance(v, str) and v:
                    row[k] = mixed_files((str((folder / path).resolve()), share) for path, share in files(v))


def _copied(file: Path, folder: Path) -> str:
    """The name under which a file lies in a folder, copied there if it does not yet; another of its name is left alone."""
    content, n = file.read_bytes(), 1
    copy = folder / file.name
    while copy.exists() and copy.read_bytes() != content:
        n += 1
        copy = folder / f"{file.stem}-{n}{file.suffix}"
    if not copy.exists():
        copy.write_bytes(content)
    return copy.name


def _toml(v: Any) -> str:
    if isinstance(v, tuple | list):
        return "[" + ", ".join(_toml(i) for i in v) + "]"
    return json.dumps(v, ensure_ascii=False)
