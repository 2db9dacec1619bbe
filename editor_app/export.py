"""Export: a sheet with presets, a form and the queue (see `jobs`), and the same again without asking."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QInputDialog, QLineEdit, QMenu, QWidget

from editor_app import paint, presets
from editor_app.catalog import Photo
from editor_app.controls import NumberRow
from editor_app.declared import Declarations, ParamInfo
from editor_app.layout import Item, Plane, Words, button, column, hairline, row
from editor_app.listing import Line, Listing
from editor_app.queue_list import QueueFoot, QueueHead, QueueList
from editor_app.shortcuts import Sheet
from editor_app.stage_strip import SOURCE
from editor_app.widgets import Combo, Scroll, Tool
from editor_app.words import spelled, tr

if TYPE_CHECKING:
    from editor_app.desk import Desk

NAME = 104  # width of the form's names
LINEAR = ("MOSAIC", "CAMERA", "BALANCED", "SCENE")
"""States whose pictures are saved as DNG."""


def spaces(declared: Declarations | None) -> tuple[str, ...]:
    """The colour spaces that a finished picture can be in: the first choice of the stage that encodes it."""
    for info in declared.stages.values() if declared is not None else ():
        if info.writes == "ENCODED":
            return next((p.choices for p in info.params if p.kind == "choice"), ())
    return ()


CHOSEN, ALL = "chosen", "all"


def _counted(n: int) -> str:
    return tr("{0} photographs").format(n) if n != 1 else tr("1 photograph")


class Form(QWidget):
    """How the files are wanted.  `changed`: another preset may be meant."""

    changed = Signal()

    def __init__(self, window: Desk, photos: Sequence[Photo], until: str = "") -> None:
        super().__init__()
        self.window_, self.photos, self.until = window, list(photos), until
        self.state = self._state()
        self.title = Words("", "text", 14, 600)
        self.format = Combo([(n, n) for n in self._formats()])
        self.quality = self._quality()
        self.side = QLineEdit()
        self.side.setFixedWidth(72)
        self.side.setAlignment(paint.RIGHT)
        self.side.setPlaceholderText(tr("all"))
        words = tr("As developed")
        self.space = Combo([(words, ""), *((spelled(s), s) for s in spaces(window.session.declared))])
        self.sharpen = Combo([(tr(n), v) for n, v in presets.SHARPEN])
        self.policy = Combo([(tr(n), v) for n, v in presets.POLICIES])
        self.folder = QLineEdit()
        self.folder.setPlaceholderText(tr("export, beside the photograph"))
        browse = Tool("folder", tr("Choose a folder"))
        browse.clicked.connect(self._browse)
        self.name = QLineEdit("{name}")
        self.name.setToolTip("\n".join(f"{t}: {tr(w)}" for t, w in presets.TOKENS.items()))
        tokens = Tool("plus", tr("What a name can hold"))
        tokens.clicked.connect(lambda: self._tokens(tokens))
        self.preview = Words("", "faint", 11, middle=True)
        self.existing = Combo([(tr(n), v) for n, v in presets.EXISTING])
        self.problem = Words("", "bad", 11)
        self.go = button(tr("Add to queue"), "primary")
        self.go.clicked.connect(self.add)
        self.go.setDefault(True)
        self.close_button = button(tr("Close"))
        self.count = Words(_counted(len(photos)), "soft")
        self.who = self._who()
        self.who_line = self._line(tr("Photographs"), self.who)
        self.who_line.setVisible(self.who.count() > 1)
        self.size_line = self._line(tr("Longest side"), self.side, 8, Words(tr("px, never enlarged"), "faint"), None)
        self.space_line = self._line(tr("Colour space"), self.space)
        self.sharpen_line = self._line(tr("Sharpening"), self.sharpen)
        layout = column(
            self.title,
            4,
            self.who_line,
            self._line(tr("Format"), self.format),
            self.quality,
            self.size_line,
            self.space_line,
            self.sharpen_line,
            self._line(tr("Metadata"), self.policy),
            2,
            hairline(0, 0),
            2,
            self._line(tr("Folder"), self.folder, 4, browse),
            self._line(tr("Name"), self.name, 4, tokens),
            self._line("", self.preview, None),
            self._line(tr("If it exists"), self.existing),
            None,
            self.problem,
            row(self.count, None, self.close_button, 8, self.go),
            margin=(24, 18, 24, 18),
            gap=7,
        )
        self.setLayout(layout)
        for edit in (self.name, self.side, self.folder):
            edit.textChanged.connect(lambda _: self._edited())
        for combo in (self.format, self.space, self.sharpen, self.policy, self.existing):
            combo.currentIndexChanged.connect(lambda _: self._edited())
        self.quality.done.connect(self._edited)
        self.who.activated.connect(lambda _: self._choose())
        self.fill(presets.last(), "")

    def _who(self) -> Combo:
        """Which photographs: the chosen ones, or all that the filmstrip shows."""
        chosen, every = self.photos, self.window_.session.catalog.shown
        words = tr("The {0} that are chosen").format(len(chosen)) if len(chosen) > 1 else tr("This one")
        items = [(words, CHOSEN)]
        if len(every) > len(chosen):
            items.append((tr("All {0} in the filmstrip").format(len(every)), ALL))
        return Combo(items)

    def _choose(self) -> None:
        window = self.window_
        self.photos = list(window.session.catalog.shown) if self.who.value() == ALL else window.selection()
        self.count.say(_counted(len(self.photos)))
        self._edited()

    def _quality(self) -> NumberRow:
        words = tr("For JPEG, WebP and AVIF: more is better, and larger.")
        out = NumberRow(ParamInfo("quality", "number", 92, 1, 100, 1, label=tr("Quality"), help=words))
        out.layout().setContentsMargins(0, 0, 0, 0)  # type: ignore[union-attr]  # made in its constructor
        out.name.setFixedWidth(NAME)
        return out

    def _state(self) -> str:
        """The state of the picture that is exported."""
        rows = {b.ident: b.info for b in self.window_.strip.rows}
        return rows[self.until].writes if self.until in rows else "ENCODED"

    def _formats(self) -> list[str]:
        if self.state == "ENCODED":
            return list(presets.FORMATS)
        return ["DNG, 32 bit", "DNG, 16 bit"] if self.state in LINEAR else ["TIFF, 32 bit"]

    def _line(self, words: str, *items: Item) -> Plane:
        for i in items:
            if isinstance(i, QWidget) and words:
                i.setAccessibleName(words)
        return Plane(row(Words(words, "soft", width=NAME), *items))

    # --- what is asked for ----------------------------------------------------------------------------------------

    def value(self) -> dict[str, Any]:
        """The form as a preset holds it."""
        return {
            "format": self.format.value(),
            "quality": round(self.quality.slider.value),
            "size": self.side.text().strip(),
            "space": self.space.value(),
            "sharpen": self.sharpen.value(),
            "policy": self.policy.value(),
            "folder": self.folder.text().strip(),
            "name": self.name.text(),
            "existing": self.existing.value(),
        }

    def fill(self, preset: dict[str, Any], title: str) -> None:
        """Fill the form as a preset says; what the picture cannot be stays as it is."""
        self.blockSignals(True)
        self.quality.slider.set(float(preset["quality"]))
        self.quality.show_value(float(preset["quality"]))
        for edit, name in ((self.side, "size"), (self.folder, "folder"), (self.name, "name")):
            edit.setText(str(preset[name]))
        for combo, name in (
            (self.format, "format"),
            (self.space, "space"),
            (self.sharpen, "sharpen"),
            (self.policy, "policy"),
            (self.existing, "existing"),
        ):
            combo.set_value(str(preset[name]))
        self.blockSignals(False)
        self._title(title)
        self._example()

    def _title(self, words: str) -> None:
        if self.until:
            b = next((b for b in self.window_.strip.rows if b.ident == self.until), None)
            words = (
                tr("As the file holds it")
                if self.until == SOURCE
                else tr("After {0}").format(b.info.heading if b else "")
            )
            words = f"{words}: {self.state}"
        self.title.say(words or tr("Export"))

    def _edited(self) -> None:
        self._example()
        if not self.signalsBlocked():
            self.changed.emit()

    def _browse(self) -> None:
        name = QFileDialog.getExistingDirectory(self, tr("Choose a folder"), self.folder.text())
        if name:
            self.folder.setText(name)

    def _tokens(self, at: QWidget) -> None:
        menu = QMenu(self)
        for token, words in presets.TOKENS.items():
            menu.addAction(f"{token}   {tr(words)}", partial(self.name.insert, token))
        menu.exec(at.mapToGlobal(QPoint(0, at.height())))

    def suffix(self) -> str:
        """The suffix of the files."""
        value = self.format.value()
        return presets.FORMATS[value][0] if value in presets.FORMATS else ".tif" if "TIFF" in value else ".dng"

    def _sources(self) -> list[tuple[Any, dict[str, str]]]:
        return [(p.path, self._facts(p)) for p in self.photos]

    def _facts(self, p: Photo) -> dict[str, str]:
        d = self.window_.session.document
        mine = d is not None and p is self.window_.session.photo
        looks = d.recipe.get("looks", ()) if d is not None and mine else ()
        return {
            "{style}": "+".join(k["name"] for k in looks),
            "{date}": p.taken[:10],
            "{stars}": str(max(0, p.rating)),
            "{copy}": str(p.copy) if p.copy else "",
            "{stage}": self.until.lstrip("@"),
        }

    def _example(self) -> None:
        finished = self.state == "ENCODED" and self.format.value() != "Linear DNG"
        for w in (self.space_line, self.sharpen_line):
            w.setEnabled(finished)
        self.size_line.setEnabled(self.state not in ("MOSAIC",))
        self.quality.setEnabled(self.format.value() in presets.LOSSY)
        value = self.value()
        self.problem.say(presets.problem(value))
        self.go.setEnabled(not self.problem.words and bool(self.photos))
        if self.photos and not self.problem.words:
            found = presets.targets(value, self._sources()[:1], set(), self.suffix())[0]
            self.preview.say(found.name if found is not None else tr("left out: it is there already"))

    def message(self, value: dict[str, Any]) -> dict[str, Any]:
        """What the engine is told of every picture."""
        if self.state == "ENCODED" and self.format.value() == "Linear DNG":
            return {"wanted": presets.wanted(value) | {"until": "SCENE", "bits": 16, "sharpen": ""}, "space": ""}
        if self.state != "ENCODED":
            bits = 32 if "32" in self.format.value() else 16
            row_ = {"until": self.until, "bits": bits, "sharpen": ""}
            more = {"size": None} if self.state == "MOSAIC" else {}
            return {
                "wanted": presets.wanted(value | {"format": "JPEG"}) | row_ | more,
                "state": self.state,
                "space": "",
            }
        return {"wanted": presets.wanted(value), "space": value["space"]}

    def add(self) -> None:
        """Put the photographs into the queue."""
        value = self.value()
        if presets.problem(value):
            return
        if self.state == "ENCODED":
            presets.remember(value)
        add_to_queue(self.window_, self.photos, value, self.message(value), self._sources(), self.suffix())


def add_to_queue(
    window: Desk,
    photos: Sequence[Photo],
    value: dict[str, Any],
    message: dict[str, Any],
    sources: Sequence[tuple[Any, dict[str, str]]],
    suffix: str,
) -> None:
    """Put photographs into the queue; the open one as it is now, also where its sidecar could not be written yet."""
    queue, s = window.exports, window.session
    s.keeper.flush()
    taken = {j.target for j in queue.jobs if not j.over}
    left_out = 0
    for photo, target in zip(photos, presets.targets(value, sources, taken, suffix), strict=True):
        if target is None:
            left_out += 1
            continue
        more = {"recipe": s.document.recipe} if s.document is not None and photo is s.photo else {}
        queue.add(photo.path, target, message | more, photo.copy)
    if left_out:
        window.viewer.say(tr("{0} are there already and were left out").format(left_out))


def export_again(window: Desk, photos: Sequence[Photo]) -> None:
    """Export as last time, without asking."""
    form = Form(window, photos)
    form.add()
    form.deleteLater()
    window.viewer.say(tr("Exporting {0} as last time").format(len(photos)))


def export_sheet(window: Desk, until: str = "") -> Sheet:
    """Presets, the form, and the queue, over the window."""
    form = Form(window, window.selection(), until)
    listing = Listing(tr("Presets"))
    plus = Tool("plus", tr("Keep these settings as a preset"), size=24)
    names: list[str] = []

    def show(current: int = -1) -> None:
        names[:] = [*presets.SHIPPED, *presets.own()]
        listing.show_lines([Line(tr(n)) for n in names], current)

    def choose(i: int) -> None:
        listing.current = i
        listing.update()
        form.fill({**presets.SHIPPED, **presets.own()}[names[i]], tr(names[i]))

    def keep() -> None:
        name, yes = QInputDialog.getText(window, tr("Keep as a preset"), tr("Name"))
        name = name.strip()
        if yes and name and name not in presets.SHIPPED:
            presets.keep(presets.own() | {name: form.value()})
            show([*presets.SHIPPED, *presets.own()].index(name))

    def menu(i: int, at: QPoint) -> None:
        if names[i] not in presets.SHIPPED:
            rows = QMenu(window)
            replace = rows.addAction(tr("Replace by these settings"))
            delete = rows.addAction(tr("Delete"))
            chosen = rows.exec(at)
            if chosen is replace:
                presets.keep(presets.own() | {names[i]: form.value()})
            elif chosen is delete:
                presets.keep({k: v for k, v in presets.own().items() if k != names[i]})
                show()

    def edited() -> None:
        listing.current = -1
        listing.update()

    listing.clicked.connect(choose)
    listing.menu.connect(menu)
    plus.clicked.connect(keep)
    form.changed.connect(edited)
    if form.state != "ENCODED":
        form.fill(presets.PLAIN | {"name": "{name}-{stage}"}, "")
    show()
    head = row(Words(tr("Presets"), weight=600), None, plus, margin=(16, 0, 12, 0))
    left = Plane(column(16, head, 6, Scroll(Plane(column(listing, None))), 8), "chrome", 184, radius=8)
    plain = form.state == "ENCODED"  # presets are for finished pictures
    if not plain:
        left.hide()
    layout = row(left, form, Plane(_queue(window, form), "chrome", 328, radius=8))
    layout.setStretch(1, 1)
    sheet = Sheet(window, Plane(layout, "panel", 960 if plain else 776, 520, radius=8))
    form.close_button.clicked.connect(sheet.leave)
    sheet.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    form.go.setFocus()
    return sheet


def _queue(window: Desk, form: Form) -> Any:
    queue = window.exports
    foot = QueueFoot(queue)
    foot.folder.clicked.connect(partial(_show, form))
    rows = QueueList(queue, window.session.previews)
    return column(QueueHead(queue), 6, Scroll(Plane(column(rows, None))), 8, foot)


def _show(form: Form) -> None:
    done = [j for j in form.window_.exports.jobs if j.state == "done"]
    folder = done[-1].target.parent if done else None
    if folder is None and form.photos:
        folder = presets.folder_of(form.value(), form.photos[0].path)
    if folder is not None:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
