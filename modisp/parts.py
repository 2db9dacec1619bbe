"""Parts of a recipe laid onto another, as plain data (what `Recipe.dump` writes): pasting a look, saved defaults.

Nothing here imports torch, so that a window may use it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

Plain = Mapping[str, Any]


def laid(onto: Plain, source: Plain, slots: Collection[str], looks: bool = True) -> dict[str, Any]:
    """`onto` with the entries that fill one of `slots` as they are in `source`, implementation and values and switch.

    Entries are matched by id and by the slots that they fill; one that has no counterpart stays as it is.  Further entries of
    a slot (local adjustments and the like) come along with it, and those of `onto` go.  `looks`: the styles too.
    """
    wanted = set(slots)
    theirs = {e["id"]: e for e in source["entries"]}
    mine = {e["id"] for e in onto["entries"]}
    rows: list[Plain] = []
    for e in onto["entries"]:
        other = theirs.get(e["id"])
        if not wanted & set(e["slot"].split()):
            rows.append(e)
        elif other is not None and other["slot"] == e["slot"]:
            rows.append(other)
        elif not _further(e):
            rows.append(e)
    for k, e in enumerate(source["entries"]):
        if _further(e) and e["id"] not in mine and wanted & set(e["slot"].split()):
            before = [b["id"] for b in source["entries"][:k]]
            at = max((i for i, r in enumerate(rows) if r["id"] in before), default=-1)
            rows.insert(at + 1, e)
    out = {**onto, "entries": rows}
    if looks:
        out.pop("looks", None)
        if source.get("looks"):
            out["looks"] = list(source["looks"])
    return out


def _further(e: Plain) -> bool:
    """Whether an entry is one more of its slot, beside the first."""
    return bool(e["id"] not in e["slot"].split())


def changed(recipe: Plain, default: Plain) -> list[str]:
    """The slots (as entries name them) in which a recipe differs from another, in the recipe's order."""
    there = {e["id"]: _plain(e) for e in default["entries"]}
    return list(dict.fromkeys(e["slot"] for e in recipe["entries"] if there.get(e["id"]) != _plain(e)))


def _plain(e: Plain) -> Plain:
    return {k: v for k, v in e.items() if k != "version"}
