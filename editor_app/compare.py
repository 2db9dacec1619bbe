"""What a picture can be compared with, and how the two lie on each other.  No widgets.

Every version has a place on one common plane: the sensor's picture, upright.  What was rendered before the framing stage,
and the camera's own JPEG, lie there; a result lies there through its framing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtGui import QTransform

from editor_app import recipes
from editor_app.crop_paint import homography
from editor_app.declared import Declarations
from editor_app.document import Document
from editor_app.framing import Framing, Roles
from editor_app.recipes import Recipe
from editor_app.words import tr
from modisp.operators.turns import turned, upright

Size = tuple[int, int]


@dataclass(frozen=True)
class Reference:
    """A version to compare with: another recipe, another boundary, the camera's JPEG, or another photograph."""

    key: str
    words: str
    recipe: Recipe | None = None  # None: the document's own, as it is now
    until: str = ""
    camera: bool = False
    path: Path | None = None  # another photograph


def references(d: Document, declared: Declarations) -> list[Reference]:
    """Everything of one photograph that it can be compared with: as opened, snapshots, the camera's JPEG, boundaries."""
    out = [Reference("opened", tr("As opened"), d.steps[0].recipe), Reference("default", tr("Unedited"), d.default)]
    if d.default == d.steps[0].recipe:
        out.pop()
    out += [Reference(f"snapshot {i} {s.time}", s.name, s.recipe) for i, s in enumerate(d.snapshots)]
    if d.facts.get("cfa"):
        out.append(Reference("camera", tr("Camera's JPEG"), camera=True))
    return out + boundaries(d, declared)


def boundaries(d: Document, declared: Declarations) -> list[Reference]:
    """The picture after each entry that is on."""
    out = []
    for e in d.recipe["entries"]:
        info = declared.stages.get(e["stage"])
        if info is not None and recipes.is_on(e):
            out.append(Reference(f"after {e['id']}", tr("After {0}").format(info.heading), until=str(e["id"])))
    return out


def framer(recipe: Recipe, declared: Declarations) -> tuple[recipes.Entry, Roles] | None:
    """The entry that frames the picture, and its roles; None where none does, or it is off."""
    for e in recipe["entries"]:
        info = declared.stages.get(e["stage"])
        roles = Roles.of(info) if info is not None else None
        if roles is not None and recipes.is_on(e):
            return e, roles
    return None


def reframed(recipe: Recipe, present: Recipe, declared: Declarations) -> Recipe:
    """A recipe with the framing of the present one, so that the two lie on each other."""
    mine, theirs = framer(present, declared), framer(recipe, declared)
    if mine is None or theirs is None or mine[0]["stage"] != theirs[0]["stage"]:
        return recipe
    values = {k: recipes.value(mine[0], p) for k, p in mine[1].all.items()}
    return recipes.with_values(recipe, str(theirs[0]["id"]), mine[1].all, values)


def framed_after(recipe: Recipe, until: str, declared: Declarations) -> bool:
    """Whether the boundary after `until` ("" for the result) is one that is framed already."""
    found = framer(recipe, declared)
    if found is None:
        return False
    ids = [e["id"] for e in recipe["entries"]]
    return not until or until not in ids or ids.index(until) >= ids.index(found[0]["id"])


@dataclass(frozen=True)
class Sensor:
    """What is known of a photograph's sensor: its size, the camera's crop, how it was held."""

    size: Size  # width, height as it lay
    crop: tuple[float, float, float, float]
    orientation: int

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Sensor:
        """From the facts that the engine tells of a photograph."""
        w, h = (int(v) for v in facts.get("size") or (1, 1))
        x, y, cw, ch = facts.get("crop") or (0, 0, w, h)
        inside = x >= 0 and y >= 0 and cw > 0 and ch > 0 and x + cw <= w and y + ch <= h
        return cls((w, h), (x, y, cw, ch) if inside else (0, 0, w, h), int(facts.get("orientation", 1)))

    @property
    def upright(self) -> tuple[float, float, float, float]:
        """The camera's crop in the upright picture of the whole sensor."""
        exif = upright(self.orientation)
        return turned(self.crop, (float(self.size[0]), float(self.size[1])), exif)

    def camera(self, size: Size) -> QTransform:
        """From the pixels of the camera's JPEG to the upright sensor: it covers the camera's crop, less what pads it."""
        x, y, w, h = self.upright
        s = min(w / size[0], h / size[1]) if abs(w / size[0] * size[1] / h - 1) > 0.02 else 0.0
        sx, sy = (s, s) if s else (w / size[0], h / size[1])
        at = QTransform.fromTranslate(x + (w - size[0] * sx) / 2, y + (h - size[1] * sy) / 2)
        return QTransform.fromScale(sx, sy) * at

    def result(self, recipe: Recipe, declared: Declarations) -> QTransform:
        """From the upright sensor to the pixels of a recipe's result."""
        found = framer(recipe, declared)
        if found is None:
            return QTransform()
        entry, roles = found
        values = {k: recipes.value(entry, p) for k, p in roles.all.items()}
        whole = (0.0, 0.0, float(self.size[0]), float(self.size[1]))
        lying, orientation = (self.crop, self.orientation)
        if roles.trim is not None and not recipes.value(entry, roles.trim):
            lying = whole
        if roles.upright is not None and not recipes.value(entry, roles.upright):
            orientation = 1
        exif = upright(orientation)
        x, y, w, h = turned(lying, (whole[2], whole[3]), exif)
        f = Framing.of(values, roles, (w, h), orientation).whole()
        left, top, _, _ = f.box
        middle = QTransform.fromTranslate(f.plane[0] / 2 - left, f.plane[1] / 2 - top)
        return QTransform.fromTranslate(-x, -y) * homography(f) * middle


def laid(theirs: QTransform, mine: QTransform) -> QTransform:
    """From their pixels to mine, both given as from the upright sensor to their pixels."""
    back, possible = theirs.inverted()
    return back * mine if possible else QTransform()
