"""What the options of a command say about a recipe: `--set`, `--use`, `--style`, `--recipe`, and the picture's sidecar."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modisp.cli.say import Usage, warn

if TYPE_CHECKING:
    from modisp.export import Plan
    from modisp.image import Image
    from modisp.recipe import Recipe
    from modisp.stage import Param, Stage
    from modisp.style import Style

YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def value_of(p: Param, where: str, text: str) -> Any:
    """The value that a text says, for a parameter; ValueError with one sentence where it says none.

    Numbers may carry their unit, percentages of a strength are divided by 100; points are written `0,0 0.5,0.6 1,1` or as
    JSON; of eight hues some may be named: `blue:-0.3 aqua:-0.1`.
    """
    from modisp.parameter import FLAT, HUES

    text = text.strip()
    if p.kind == "hues" and ":" in text:
        return p.check(where, _hues(where, text, HUES))
    if p.kind == "number":
        plain = text.removesuffix(p.unit).strip() if p.unit and text != p.unit else text
        try:
            number = float(plain.replace("−", "-"))
        except ValueError:
            raise ValueError(f"{where} is a number, not {text!r}") from None
        if p.unit == "%" and plain != text:
            number /= 100
        return p.check(where, number)
    if p.kind == "switch":
        if text.lower() not in YES + NO:
            raise ValueError(f"{where} is on or off, not {text!r}")
        return text.lower() in YES
    if p.kind == "file":
        return str(Path(text).expanduser().resolve()) if text else ""
    if p.kind in ("choice", "text"):
        return p.check(where, text)
    try:
        rows = (
            json.loads(text) if text.startswith("[") else [[float(n) for n in row.split(",")] for row in text.split()]
        )
    except ValueError:
        raise ValueError(f"{where} is written as numbers with commas, not {text!r}") from None
    if p.kind in FLAT and not text.startswith("["):
        rows = rows[0] if rows else []
    return p.check(where, rows)


def _hues(where: str, text: str, names: Sequence[str]) -> list[float]:
    row = dict.fromkeys(names, 0.0)
    for part in text.split():
        name, _, number = part.partition(":")
        try:
            row[name] = float(number.replace("−", "-"))
        except ValueError:
            raise ValueError(f"{where} is written as blue:0.3 or as eight numbers, not {text!r}") from None
        if name not in names:
            raise ValueError(f"{where} knows no hue {name}; there are: {', '.join(names)}")
    return list(row.values())


def split_set(text: str) -> tuple[str, str, str]:
    """`slot.param=value` in its three parts; Usage where it is not written so."""
    where, equals, value = text.partition("=")
    slot, dot, name = where.strip().rpartition(".")
    if not (equals and dot and slot and name):
        raise Usage(f"--set is written slot.param=value, not {text}")
    return slot, name, value


@dataclass
class Settings:
    """The options of one command, checked as far as they can be before a picture is known.

    Raises Usage for options that no picture could be developed with.
    """

    sets: Sequence[str] = ()
    uses: Sequence[str] = ()
    styles: Sequence[str] = ()
    recipe: Path | None = None
    sidecar: bool = True
    _sets: list[tuple[str, str, str]] = field(default_factory=list)
    _uses: list[str] = field(default_factory=list)
    _styles: list[tuple[Style, float, dict[str, float]]] = field(default_factory=list)
    _given: Recipe | None = None

    def __post_init__(self) -> None:
        from modisp.stage import list_stages

        self._sets = [split_set(t) for t in self.sets]
        for use in self.uses:
            slot, equals, name = (t.strip() for t in use.partition("="))
            if not (equals and slot and name):
                raise Usage(f"--use is written slot=stage, not {use}")
            cls = list_stages().get(name)
            if cls is None:
                raise Usage(f"there is no stage called {name}; `modisp stages` lists them")
            if slot not in cls.slot.split():
                raise Usage(f"{name} does not fill the slot {slot}, but {' and '.join(cls.slot.split())}")
            self._uses.append(name)
        for slot, name, value in self._sets:
            _check_set(slot, name, value)
        self._styles = [parse_style(text) for text in self.styles]
        if self.recipe is not None:
            self._given = load_recipe(self.recipe)

    def plan(self, picture: Path, image: Image, extras: Mapping[str, Any]) -> Plan:
        """The recipe of one picture, and the readings that belong to it.  ValueError where an option does not fit it.

        The base is `--recipe`, else what a saved intermediate carries, else the picture's sidecar, else what is saved for its
        camera, else the default; styles are laid over it, stages are swapped, values set, in this order.
        """
        from modisp.defaults import default_for
        from modisp.export import Plan
        from modisp.recipe import Recipe
        from modisp.sidecar import pinned
        from modisp.stage import Stage, list_stages

        base, saved = self._given, {}
        if base is None and extras.get("recipe"):
            base, saved = Recipe.load(extras["recipe"]), dict(extras.get("readings") or {})
        if base is None and self.sidecar:
            base, saved = _from_sidecar(picture, image)
        recipe = (base or default_for(image)).fit(image)
        for missing in recipe.missing:
            warn(f"{picture.name}: the stage {missing} is not installed here; another stands in for it")
        for style, strength, parts in self._styles:
            recipe = style.apply(recipe, strength, parts)
        for name in self._uses:
            if not list_stages()[name].accepts(image.meta):
                raise ValueError(f"{name} cannot serve {picture.name} (CFA {'/'.join(image.meta.cfa) or 'none'})")
            recipe = recipe.swap(name)
        for slot, name, value in self._sets:
            stage = next((e.stage for e in recipe.entries if slot == e.id or slot in e.slot.split()), None)
            if name == "on":
                recipe = recipe.switch(slot, value.strip().lower() in YES)
            elif isinstance(stage, Stage) and name in stage.params():
                recipe = recipe.set(slot, **{name: value_of(stage.params()[name], f"{slot}.{name}", value)})
            else:
                recipe = recipe.set(slot, **{name: value})  # which says what is wrong
        for e in recipe.entries:
            for sentence in unmet(e.active(), image):
                warn(f"{picture.name}: {sentence}")
        return Plan(recipe, pinned(recipe, saved), saved)


def unmet(stage: Stage, image: Image) -> Iterator[str]:
    """What is wrong where a choice stands for the area that another parameter names, and there is none in the picture."""
    values = stage.values()
    _, _, width, height = image.meta.crop or (0, 0, *image.frame.full[::-1])
    for name, choice in values.items():
        area = values.get(choice) if isinstance(choice, str) else None
        if area == ():
            yield f"{stage.slot}.{name}={choice} does nothing until {stage.slot}.{choice} is set"
        elif isinstance(area, tuple) and len(area) == 4:
            x, y, w, h = area
            if x >= width or y >= height or x + w <= 0 or y + h <= 0:
                yield f"{stage.slot}.{choice} lies outside the picture ({width} × {height}), so {name}={choice} does nothing"


def _from_sidecar(picture: Path, image: Image) -> tuple[Recipe | None, dict[str, Any]]:
    from modisp.sidecar import Sidecar

    car = Sidecar.load(picture)
    if car.problem and car.recipe is None:
        raise ValueError(f"{car.problem}; mend it, move it away, or give --no-sidecar")
    if car.problem:
        warn(car.problem)
    for row in car.outdated():
        warn(f"{picture.name}: {row}")
    if car.recipe is not None and car.digest and image.meta.digest and car.digest != image.meta.digest:
        warn(f"{picture.name}: its sidecar was made for another file of this name; its settings are used all the same")
        return car.recipe, {}
    return car.recipe, car.readings


def _check_set(slot: str, name: str, value: str) -> None:
    """Refuse what no stage of the slot could take."""
    from modisp.stage import list_stages

    stages = list_stages().values()
    fits = [c for c in stages if slot in c.slot.split() or slot.rsplit("-", 1)[0] in c.slot.split()]
    if not fits:
        raise Usage(
            f"there is no slot {slot}; there are: {', '.join(dict.fromkeys(s for c in stages for s in c.slot.split()))}"
        )
    if name == "on":
        if value.strip().lower() not in YES + NO:
            raise Usage(f"{slot}.on is on or off, not {value!r}")
        return
    having = [c for c in fits if name in c.params()]
    if not having:
        known = ", ".join(dict.fromkeys(k for c in fits for k in c.params())) or "none"
        raise Usage(f"{slot} has no parameter {name}; it has: {known}")
    why = ""
    for c in having:
        try:
            value_of(c.params()[name], f"{slot}.{name}", value)
            return
        except ValueError as e:
            why = str(e)
    raise Usage(why)


def parse_style(text: str) -> tuple[Style, float, dict[str, float]]:
    """What `--style` means; Usage where it means nothing.

    NAME, NAME:0.6, NAME:tone=1,look=0.4 or both: the style, its strength and those of its parts.
    """
    from modisp.style import Style

    name, colon, rest = text.rpartition(":")
    s, parts = 1.0, {}
    try:
        for word in rest.split(",") if colon else ():
            part, equals, strength = word.rpartition("=")
            if equals:
                parts[part.strip()] = _strength(strength)
            else:
                s = _strength(strength)
    except ValueError:
        name, s, parts, colon = text, 1.0, {}, ""
    if not all(0 <= v <= 1 for v in (s, *parts.values())):
        raise Usage(f"the strength of a style lies in [0, 1], not {rest}")
    try:
        return Style.load(name if colon else text), s, parts
    except ValueError as e:
        raise Usage(str(e)) from e


def _strength(text: str) -> float:
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def load_recipe(path: Path) -> Recipe:
    """The recipe in a JSON file, which may be a sidecar; ValueError with one sentence where there is none."""
    from modisp.recipe import Recipe

    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as e:
        raise ValueError(f"{path} cannot be read: {e.strerror}") from e
    except (ValueError, RecursionError) as e:
        raise ValueError(f"{path} is not a recipe: it is not JSON") from e
    if isinstance(data, dict) and "entries" not in data and isinstance(data.get("recipe"), dict):
        data = data["recipe"]
    try:
        return Recipe.load(data)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as e:
        raise ValueError(f"{path}: {e}") from e
