"""A recipe: which stages make a picture, in what order, how they are set, and which looks lie over them.

Immutable: undo is a list of recipes, comparison is `==`, and a sidecar holds what differs from the default.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from modisp.image import Image, Metadata, State, tuples
from modisp.mix import blend
from modisp.stage import Stage, list_stages

FORMAT = 1


@dataclass(frozen=True)
class Unknown:
    """The place of a stage that is not installed here; its data is kept and written back as it was."""

    name: str
    slot: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One line of a recipe: a stage with its own id, switched on or off.  `extra` keeps what a newer version wrote."""

    id: str
    stage: Stage | Unknown
    on: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slot(self) -> str:
        """The slot (or slots) that the stage fills."""
        return self.stage.slot

    def active(self) -> Stage:
        """The stage that runs: the neutral one where the entry is switched off."""
        assert isinstance(self.stage, Stage), "resolve() leaves no unknown stages"
        return self.stage if self.on else self.stage.neutral()

    def dump(self) -> dict[str, Any]:
        """Plain JSON data; only parameters that differ from their defaults."""
        if isinstance(self.stage, Unknown):
            return dict(self.stage.data)
        params = self.stage.params()
        values = {k: v for k, v in self.stage.values().items() if v != params[k].default}
        kept = dict(self.extra)
        values |= kept.pop("values", {})
        row: dict[str, Any] = {"id": self.id, "stage": self.stage.name, "slot": self.stage.slot}
        row |= {"version": self.stage.version}
        if values:
            row["values"] = values
        if not self.on:
            row["on"] = False
        return row | kept


@dataclass(frozen=True)
class Look:
    """A style laid over a recipe: its values per slot (a copy, so that the picture never changes by itself).

    `strength` 0…1 holds for every part, unless `parts` names one: a slot, or a slot and the parameters whose names begin
    so ("tone.colour").  Values under a stage's name are for that stage, in place of those of its slot.
    """

    name: str
    values: Mapping[str, Mapping[str, Any]]
    strength: float = 1.0
    parts: Mapping[str, float] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for where, s in (("strength", self.strength), *self.parts.items()):
            if isinstance(s, bool) or not isinstance(s, int | float) or not 0 <= s <= 1:
                raise ValueError(f"the strength of a style lies in [0, 1], not {s!r} ({self.name}, {where})")

    def of(self, slot: str) -> float:
        """The strength in force for a slot."""
        return float(self.parts.get(slot, self.strength))

    def layers(self, slot: str, stage: str) -> list[tuple[float, Mapping[str, Any]]]:
        """(strength, values) that the style lays on a stage in a slot."""
        row = dict(self.values.get(stage, self.values.get(slot, {})))
        out: list[tuple[float, Mapping[str, Any]]] = []
        # longer names first, so that the most exact one decides
        for part in sorted((p for p in self.parts if p.startswith(f"{slot}.")), key=len, reverse=True):
            name = part[len(slot) + 1 :]
            mine = {k: row.pop(k) for k in list(row) if k == name or k.startswith(f"{name}_")}
            out += [(float(self.parts[part]), mine)] if mine else []
        return [*out, (self.of(slot), row)] if row else out

    def dump(self) -> dict[str, Any]:
        """Plain JSON data."""
        row: dict[str, Any] = {"name": self.name, "strength": self.strength}
        row["values"] = {s: dict(v) for s, v in self.values.items()}
        if self.parts:
            row["parts"] = dict(self.parts)
        return row | dict(self.extra)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Look:
        """The inverse of `dump`."""
        known = {k: data[k] for k in ("name", "values", "strength", "parts") if k in data}
        return cls(**known, extra={k: v for k, v in data.items() if k not in known})


@lru_cache
def _order() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "order.toml").read_text("utf-8"))


@lru_cache
def order() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """The default order, as data: chain → slot → stages that may fill it."""
    return {c: {s: tuple(n) for s, n in rows.items()} for c, rows in _order().items() if c != "begin"}


def _default_stage(slot: str, meta: Metadata, chain: str = "raw") -> Stage:
    """The first stage of the slot's list that accepts the picture and volunteers for it, else the first of all.

    The list is that of the chain, or another's where this one has no such slot.

    A file without CFA samples enters after demosaicing, which then need not accept it; in any other case the run refuses.
    """
    stages = list_stages()
    there = [stages[n] for rows in (order()[chain], *order().values()) for n in rows.get(slot, ()) if n in stages]
    if not there:
        raise ValueError(f"no stage is installed for the slot {slot}")
    return next((cls for cls in there if cls.accepts(meta) and cls.volunteers(meta)), there[0])()


def _chain(name: str, meta: Metadata) -> tuple[Entry, ...]:
    stages = {slot: _default_stage(slot, meta, name) for slot in order()[name]}
    return tuple(Entry(slot, type(s)(**begin(name, s))) for slot, s in stages.items())


def begin(chain: str, stage: Stage) -> dict[str, Any]:
    """The values that an untouched picture of a chain has in a stage, where they are not those the stage comes with."""
    there = _order()["begin"].get(chain, {}).get(stage.slot, {})
    return {k: v for k, v in there.items() if k in stage.params()}


@dataclass(frozen=True)
class Recipe:
    """The stages of one picture in order, and the looks laid over them.

    Raises TypeError, naming the two stages, where one does not read what the one before it writes.
    """

    entries: tuple[Entry, ...]
    looks: tuple[Look, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        seen: set[str] = set()
        known = [e.stage for e in self.entries if isinstance(e.stage, Stage)]
        for e in self.entries:
            if e.id in seen:
                raise ValueError(f"two entries of the recipe are called {e.id}")
            seen.add(e.id)
            if isinstance(e.stage, Stage) and not e.on and e.stage.reads is not e.stage.writes:
                raise ValueError(f"{e.id} turns {e.stage.reads.name} into {e.stage.writes.name} and has no switch")
        if len(known) == len(self.entries):
            for a, b in pairwise(known):
                if a.writes is not b.reads:
                    raise TypeError(f"{b.name} reads {b.reads.name}, but {a.name} before it writes {a.writes.name}")

    # --- making -------------------------------------------------------------------------------------------------

    @classmethod
    def default(cls, source: Image | Metadata | None = None) -> Recipe:
        """The recipe of an untouched picture of this kind (a Bayer camera's where nothing is said)."""
        if isinstance(source, Image):
            name = "picture" if source.state is State.ENCODED and not source.meta.done else "raw"
            return cls(_chain(name, source.meta))
        return cls(_chain("raw", source or Metadata()))

    def set(self, where: str, /, **values: Any) -> Recipe:
        """The recipe with parameters of one entry (by id, else by slot) changed.  ValueError on a bad name or value."""
        i = self._index(where)
        e = self.entries[i]
        if isinstance(e.stage, Unknown):
            raise ValueError(f"{e.stage.name} is not installed here, so it cannot be set")
        for k in values:
            if k not in e.stage.params():
                known = ", ".join(e.stage.params()) or "none"
                raise ValueError(f"{e.stage.name} has no parameter {k}; it has: {known}")
        return self._with(i, replace(e, stage=e.stage.with_values(**values)))

    def switch(self, where: str, on: bool) -> Recipe:
        """The recipe with one entry switched on or off."""
        i = self._index(where)
        return self._with(i, replace(self.entries[i], on=on))

    def swap(self, stage: Stage | type[Stage] | str) -> Recipe:
        """The recipe with another stage in its slot (or slots); parameters of equal name and unit are kept."""
        if isinstance(stage, str):
            if stage not in list_stages():
                raise ValueError(f"there is no stage called {stage}; `modisp stages` lists them")
            stage = list_stages()[stage]
        slots = set(stage.slot.split())
        at = [i for i, e in enumerate(self.entries) if slots & set(e.slot.split())]
        if not at:
            raise ValueError(f"this recipe has no slot {stage.slot} for {stage.name}")
        freed = {s for i in at for s in self.entries[i].slot.split()} - slots
        old = self.entries[at[0]]
        if isinstance(stage, type):
            stage = stage(**_kept(old.stage, stage))
        rows = [e for i, e in enumerate(self.entries) if i not in at]
        new = [Entry(old.id if old.id == old.slot else stage.slot.split()[0], stage, old.on, {})]
        if stage.reads is not stage.writes:
            new[0] = replace(new[0], on=True)
        new += [Entry(s, _default_stage(s, Metadata())) for s in order()["raw"] if s in freed]
        new.sort(key=lambda e: _rank(e.slot))
        return replace(self, entries=(*rows[: at[0]], *new, *rows[at[0] :]))

    def add(self, stage: Stage, after: str) -> Recipe:
        """The recipe with one more entry of a stage declared `many`, after another entry; its id is made unique."""
        if not stage.many:
            raise ValueError(f"{stage.name} can be in a recipe only once")
        taken, n, slot = {e.id for e in self.entries}, 1, stage.slot.split()[0]
        while (ident := slot if n == 1 else f"{slot}-{n}") in taken:
            n += 1
        i = self._index(after) + 1
        return replace(self, entries=(*self.entries[:i], Entry(ident, stage), *self.entries[i:]))

    def remove(self, where: str) -> Recipe:
        """The recipe without one entry."""
        i = self._index(where)
        return replace(self, entries=(*self.entries[:i], *self.entries[i + 1 :]))

    def with_looks(self, looks: Iterable[Look]) -> Recipe:
        """The recipe under other looks."""
        return replace(self, looks=tuple(looks))

    def fit(self, source: Image) -> Recipe:
        """The recipe made fit for a source: stages that refuse its CFA, and a chain for another kind of file, changed."""
        picture = source.state is State.ENCODED and not source.meta.done
        if picture != any(e.slot == "input" for e in self.entries):
            mine = {e.slot: e for e in self.entries}
            rows = tuple(mine.get(e.slot, e) for e in Recipe.default(source).entries)
            many = [e for e in self.entries if isinstance(e.stage, Stage) and e.stage.many and e not in rows]
            if not picture:
                return replace(self, entries=rows)
            scene = [e for e in many if isinstance(e.stage, Stage) and e.stage.reads in (State.SCENE, State.DISPLAY)]
            return replace(self, entries=tuple(sorted((*rows, *scene), key=lambda e: _rank(e.slot))))
        out = []
        for e in self.entries:
            if isinstance(e.stage, Stage) and not e.stage.accepts(source.meta) and e.stage.slot in order()["raw"]:
                new = _default_stage(e.stage.slot, source.meta)
                e = replace(e, stage=type(new)(**_kept(e.stage, type(new))))
            out.append(e)
        return replace(self, entries=tuple(out))

    def resolve(self) -> Recipe:
        """The plain recipe that runs: looks composed into the parameters, unknown stages left out or stood in for."""
        rows = []
        for e in self.entries:
            stage = e.stage
            if isinstance(stage, Unknown):
                slot = stage.slot.split()[0] if stage.slot else ""
                if slot not in order()["raw"]:
                    continue
                e = Entry(e.id, _default_stage(slot, Metadata()), e.on)
                assert isinstance(e.stage, Stage)
                stage = e.stage
            layers = [row for s in stage.slot.split() for k in self.looks for row in k.layers(s, stage.name)]
            if layers and e.id == stage.slot.split()[0]:
                e = replace(e, stage=blend(stage, layers))
            rows.append(e)
        return Recipe(tuple(rows))

    # --- reading ------------------------------------------------------------------------------------------------

    def __getitem__(self, where: str) -> Stage:
        """The stage of an entry, by id or slot."""
        stage = self.entries[self._index(where)].stage
        if isinstance(stage, Unknown):
            raise KeyError(f"{stage.name} is not installed here")
        return stage

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the stages that the recipe wants and that are not installed here."""
        return tuple(e.stage.name for e in self.entries if isinstance(e.stage, Unknown))

    def diff(self, other: Recipe) -> list[tuple[str, str, Any, Any]]:
        """What differs, as (entry id, parameter or "stage"/"on"/"looks", here, there)."""
        out: list[tuple[str, str, Any, Any]] = []
        mine, theirs = ({e.id: e for e in r.entries} for r in (self, other))
        for i in dict.fromkeys([*mine, *theirs]):
            a, b = mine.get(i), theirs.get(i)
            if a is None or b is None or a.stage.name != b.stage.name:
                out.append((i, "stage", a and a.stage.name, b and b.stage.name))
                continue
            if a.on != b.on:
                out.append((i, "on", a.on, b.on))
            if isinstance(a.stage, Stage) and isinstance(b.stage, Stage):
                va, vb = a.stage.values(), b.stage.values()
                out += [(i, k, va[k], vb[k]) for k in va if va[k] != vb[k]]
        if self.looks != other.looks:
            out.append(("", "looks", self.looks, other.looks))
        return out

    def dump(self) -> dict[str, Any]:
        """Plain JSON data that `load` turns into an equal recipe, today and with later versions."""
        row = {"format": FORMAT, "entries": [e.dump() for e in self.entries]}
        return row | ({"looks": [k.dump() for k in self.looks]} if self.looks else {}) | dict(self.extra)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Recipe:
        """The recipe of `dump`'s data.  Unknown stages and keys are kept; ValueError says in a sentence what is wrong."""
        if not isinstance(data, Mapping) or not isinstance(data.get("entries"), list):
            raise ValueError("this is not a recipe: it has no list of entries")
        try:
            entries = tuple(_load_entry(row) for row in data["entries"])
            looks = tuple(Look.load(row) for row in data.get("looks", ()))
        except (KeyError, AttributeError, TypeError) as e:
            raise ValueError(f"the recipe is damaged: {e}") from e
        extra = {k: v for k, v in data.items() if k not in ("format", "entries", "looks")}
        return cls(_completed(entries), looks, extra)

    def _index(self, where: str) -> int:
        for i, e in enumerate(self.entries):
            if e.id == where:
                return i
        for i, e in enumerate(self.entries):
            if where in e.slot.split():
                return i
        raise ValueError(f"the recipe has no {where}; it has: {', '.join(e.id for e in self.entries)}")

    def _with(self, i: int, e: Entry) -> Recipe:
        return replace(self, entries=(*self.entries[:i], e, *self.entries[i + 1 :]))


def _rank(slot: str) -> int:
    slots = ["input", *order()["raw"]]
    first = slot.split()[0]
    return slots.index(first) if first in slots else len(slots)


def _kept(old: Stage | Unknown, new: type[Stage]) -> dict[str, Any]:
    """Values of `old` that mean the same in `new`: equal name, kind and unit, and allowed there."""
    if isinstance(old, Unknown):
        return {}
    theirs, out = new.params(), {}
    for k, p in old.params().items():
        q, v = theirs.get(k), getattr(old, k)
        if q and (q.kind, q.unit) == (p.kind, p.unit) and v != p.default:
            try:
                out[k] = q.check(k, v)
            except ValueError:
                continue
    return out


def _completed(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """A whole recipe's entries, and those of newer slots that it lacks, where these do nothing as they come.

    So a recipe saved by an older version can be worked on with all stages, and its picture stays as it is.
    """
    stages = [e.stage for e in entries]
    whole = stages and all(isinstance(s, Stage) for s in (stages[0], stages[-1]))
    if not whole or stages[-1].writes is not State.ENCODED or stages[0].reads not in (State.MOSAIC, State.ENCODED):  # type: ignore[union-attr]
        return entries
    name = "picture" if any(e.slot == "input" for e in entries) else "raw"
    rows, there = list(entries), {s for e in entries for s in (e.id, *e.slot.split())}
    for slot in (s for s in order()[name] if s not in there):
        new = _default_stage(slot, Metadata(), name)
        at = next((i for i, e in enumerate(rows) if _rank(e.slot) > _rank(slot)), len(rows))
        before = next((e.stage for e in reversed(rows[:at]) if isinstance(e.stage, Stage)), None)
        if new.is_neutral() and before is not None and before.writes is new.reads:
            rows.insert(at, Entry(slot, new))
    return tuple(rows)


def _load_entry(row: Mapping[str, Any]) -> Entry:
    cls = list_stages().get(row["stage"])
    if cls is None:
        return Entry(row["id"], Unknown(row["stage"], str(row.get("slot", "")), dict(row)), bool(row.get("on", True)))
    values, version = dict(row.get("values", {})), int(row.get("version", 1))
    if version < cls.version:
        values = cls.migrate(version, values)
    known = {k: tuples(v) for k, v in values.items() if k in cls.params()}
    extra = {k: v for k, v in row.items() if k not in ("id", "stage", "slot", "version", "values", "on")}
    if newer := {k: v for k, v in values.items() if k not in known}:
        extra["values"] = newer
    return Entry(str(row["id"]), cls(**known), bool(row.get("on", True)), extra)
