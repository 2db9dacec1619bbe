"""What is done with photographs as wholes, one or many: rated, pasted onto, copied, made the rule for a camera.  No widgets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from editor_app import recipes
from editor_app.catalog import Photo
from editor_app.declared import StageInfo
from editor_app.images import THUMB, keep_aside, small_kind, unpacked
from editor_app.recipes import Recipe
from editor_app.words import tr
from modisp.parts import changed

if TYPE_CHECKING:
    from editor_app.session import Session


class Shelf(QObject):
    """One window's work on many photographs at once.

    `done`: a word on what was done, and perhaps what takes it back.
    """

    done = Signal(str, str, object)  # words, what the button says, what it does

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.session = session
        self.copied: Recipe | None = None
        e = session.engine
        e.glanced.connect(lambda m: session.catalog.glanced(m["rows"]))
        e.pasted.connect(self._pasted)
        e.unpasted.connect(self._look_anew)
        e.copied.connect(self._copied)
        e.thumb.connect(self._thumb)
        e.uncopied.connect(self._uncopied)
        e.xmp.connect(self._xmp)
        self._bares: list[tuple[str, int]] = []  # photographs that bring no small picture along
        self._making: tuple[str, int] | None = None  # the one of them that is being made
        session.previews.lacking.connect(self._bare)
        e.declared.connect(self._restarted)
        e.default_kept.connect(self._default_kept)

    def glance(self) -> None:
        """Ask what the sidecars of all photographs say."""
        paths = list(dict.fromkeys(str(p.path) for p in self.session.catalog.all))
        if paths:
            self.session.engine.send("glance", paths=paths)

    # --- stars and labels -----------------------------------------------------------------------------------------

    def rate(self, photos: Sequence[Photo], rating: int | None = None, label: str | None = None) -> None:
        """Give stars or a label."""
        s = self.session
        if s.photo in photos and s.document is not None:
            s.keeper.rate(rating, label)
        for p in photos:
            s.catalog.mark(p.path, rating, label, copy=p.copy)
        others = [[str(p.path), p.copy] for p in photos if p is not s.photo]
        if others:
            more = {k: v for k, v in (("rating", rating), ("label", label)) if v is not None}
            s.engine.send("rate", targets=others, **more)

    def write_xmp(self, photos: Sequence[Photo]) -> None:
        """Write stars and labels where other programs look for them; virtual copies have no place there."""
        rows = [[str(p.path), p.rating, p.label] for p in photos if not p.copy]
        self.session.engine.send("xmp", rows=rows)

    def _xmp(self, m: dict[str, Any]) -> None:
        words = tr("Stars and labels of {0} photographs written as XMP").format(m["done"])
        self.done.emit("; ".join([*([words] if m["done"] else []), *m["problems"][:1]]), "", None)

    # --- looks copied and pasted ----------------------------------------------------------------------------------

    def copy(self) -> None:
        """Remember this photograph's look."""
        s, d = self.session, self.session.document
        if d is not None and s.declared is not None:
            self.copied = recipes.settled(d.recipe, s.readings, s.declared)
            self.done.emit(tr("Look copied"), "", None)

    def parts(self, recipe: Recipe | None = None) -> list[tuple[StageInfo, bool, bool]]:
        """What of the look that was copied (or of `recipe`) can be pasted: (stage, whether it was changed, whether it is
        about the frame, as a crop is), in the order of the pipeline."""
        s, source = self.session, recipe or self.copied
        if source is None or s.declared is None or s.document is None:
            return []
        there = set(changed(source, s.document.default))
        out, seen = [], set()
        for e in source["entries"]:
            info = s.declared.stages.get(e["stage"])
            if info is not None and info.slot not in seen:
                seen.add(info.slot)
                out.append((info, e["slot"] in there, frames(info)))
        return out

    def paste(self, photos: Sequence[Photo], slots: Collection[str] | None = None, looks: bool = True) -> None:
        """Lay what was copied onto photographs: some slots of it, or all but what is about the frame."""
        s, d = self.session, self.session.document
        if self.copied is None or d is None or s.declared is None:
            return
        if slots is None:
            slots = {info.slot for info, _, frame in self.parts() if not frame}
        here = recipes.settled(d.recipe, s.readings, s.declared)
        if (s.photo in photos or not photos) and here != self.copied:  # where it was copied from, nothing is to be done
            s.put_fitted(recipes.pasted(d.recipe, self.copied, slots, looks), tr("Look pasted"))
        others = [[str(p.path), p.copy] for p in photos if p is not s.photo]
        if others:
            row = {"recipe": self.copied, "slots": sorted(slots), "looks": looks, "default": d.default}
            s.engine.send("paste", targets=others, words=tr("Look pasted"), **row)

    def _pasted(self, m: dict[str, Any]) -> None:
        self._look_anew(m)
        n = len(m["targets"])
        words = tr("Look pasted to {0} photographs").format(n) if n != 1 else tr("Look pasted to 1 photograph")
        said = "; ".join([*([words] if n else []), *m["problems"][:1]])
        back = [row for row in m["before"] if not self._open(row[0], row[1])]
        self.done.emit(said, tr("Undo") if n else "", lambda: self.session.engine.send("unpaste", before=back))

    def _open(self, path: str, copy: int) -> bool:
        p = self.session.photo
        return p is not None and p.key == (Path(path), copy)

    def _look_anew(self, m: dict[str, Any]) -> None:
        self._make_thumbs(m["targets"])

    def _bare(self, key: str) -> None:
        """A file without a preview was seen in the filmstrip: the engine makes a small picture of it."""
        name, _, copy = key.partition("\0")
        self._bares.append((name, int(copy or 0)))
        self._next_bare()

    def _next_bare(self) -> None:
        """One after the other, so that what was seen last comes first."""
        if self._bares and self._making is None and self.session.engine.ready:
            self._making = self._bares.pop()
            self._make_thumbs([self._making])

    def _restarted(self) -> None:
        self._making = None
        self._next_bare()

    def _make_thumbs(self, targets: Sequence[Sequence[Any]]) -> None:
        self.session.engine.send("thumbs", targets=targets, size=[2 * THUMB, THUMB])

    def _thumb(self, m: dict[str, Any]) -> None:
        """A photograph that is not open looks different now; nothing came of it where it has no width."""
        if (m["path"], m["copy"]) == self._making:
            self._restarted()
        if m["width"] and not self._open(m["path"], m["copy"]):
            path, image = Path(m["path"]), unpacked(m)
            self.session.previews.put(path, image, m["copy"])
            self.session.catalog.marked.emit()
            keep_aside(path, small_kind(m["copy"]), image)

    # --- virtual copies -------------------------------------------------------------------------------------------

    def make_copy(self) -> None:
        """Make a virtual copy of the photograph that is open, and open that."""
        s, d = self.session, self.session.document
        if s.photo is not None and d is not None:
            s.keeper.flush()
            s.engine.send("copy", path=str(d.path), copy=s.photo.copy, recipe=d.recipe)

    def remove_copy(self, photo: Photo) -> None:
        """Take a virtual copy out of its sidecar."""
        s = self.session
        if photo.copy:
            if photo is s.photo:
                s.keeper.flush()
            s.engine.send("uncopy", path=str(photo.path), copy=photo.copy)

    def _copied(self, m: dict[str, Any]) -> None:
        s = self.session
        if s.photo is not None and str(s.photo.path) == m["path"]:
            s.keeper.stamp = m["stamp"]
            photo = s.catalog.photo(s.photo.path, m["copy"])
            if photo is not None:
                s.open(photo)
                self.done.emit(tr("This is a virtual copy: one file, another development"), "", None)

    def _uncopied(self, m: dict[str, Any]) -> None:
        s = self.session
        if s.photo is not None and str(s.photo.path) == m["path"]:
            s.keeper.stamp = m["stamp"]
            if s.photo.copy == m["copy"]:
                s.keeper.forget()
                original = s.catalog.photo(s.photo.path)
                if original is not None:
                    s.open(original)
        back = {"path": m["path"], "copy": m["copy"], "row": m["row"]}
        self.done.emit(tr("Virtual copy deleted"), tr("Undo"), lambda: s.engine.send("copy", **back))

    # --- defaults -------------------------------------------------------------------------------------------------

    def keep_default(self, slots: Collection[str] | None, looks: bool = False, iso: bool = False) -> None:
        """Let pictures of this camera (from this ISO up) begin as this one is; None forgets what was saved."""
        d, declared = self.session.document, self.session.declared
        if d is not None and declared is not None:
            recipe = recipes.settled(d.recipe, self.session.readings, declared) if slots is not None else None
            row = {"recipe": recipe, "slots": sorted(slots or ()), "looks": looks, "iso": iso}
            self.session.engine.send("default", path=str(d.path), **row)

    def _default_kept(self, m: dict[str, Any]) -> None:
        if m.get("forgot"):
            words = tr("Pictures of the {0} begin with modisp's own default again")
        else:
            words = tr("Untouched pictures of the {0} begin like this one from now on")
        self.done.emit(words.format(m["camera"]), "", None)


def frames(info: StageInfo) -> bool:
    """Whether a stage decides what part of the picture is shown: it has a rectangle that is not there to be measured."""
    return any(p.kind == "rect" and not p.inference for p in info.params)
