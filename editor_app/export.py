"""Export: a sheet with presets, a form and the queue; the queue works in an engine of its own and goes on after a failure."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from editor_app import paint, theme
from editor_app.controls import NumberRow
from editor_app.declared import ParamInfo
from editor_app.layout import Item, Plane, Words, button, column, hairline, row
from editor_app.listing import Line, Listing
from editor_app.shortcuts import Sheet
from editor_app.widgets import Combo, Scroll, Tool
from editor_app.words import duration, tr
from editor_app.worker import Engine

if TYPE_CHECKING:
    from editor_app.window import Window

FORMATS = {"JPEG": ".jpg", "TIFF, 16 bit": ".tif", "PNG": ".png", "WebP": ".webp", "AVIF": ".avif"}
PRESETS: dict[str, dict[str, Any]] = {
    "JPEG, full size": {"format": "JPEG", "quality": 92, "size": ""},
    "JPEG for the web": {"format": "JPEG", "quality": 88, "size": "2048"},
    "TIFF 16 bit, print": {"format": "TIFF, 16 bit", "quality": 92, "size": ""},
}
POLICIES = (("All but place", "no-gps"), ("All", "all"), ("None", "none"))
EXISTING = (("Add a number", "number"), ("Replace", "replace"), ("Leave it out", "skip"))


@dataclass
class Job:
    """One picture to be exported."""

    id: int
    source: Path
    target: Path
    message: dict[str, Any]
    state: str = "waiting"  # running, done, failed, cancelled
    fraction: float = 0.0
    words: str = ""
    began: float = 0.0


class Queue(QObject):
    """Jobs, one after the other, in an engine process of its own; started with the first job."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.jobs: list[Job] = []
        self.engine: Engine | None = None
        self._ids = itertools.count(1)

    def add(self, source: Path, target: Path, message: dict[str, Any]) -> None:
        """Put a picture into the queue."""
        self.jobs.append(Job(next(self._ids), source, target, message))
        if self.engine is None:
            self.engine = Engine(self)
            self.engine.exporting.connect(self._progress)
            self.engine.exported.connect(self._done)
            self.engine.unexported.connect(self._failed)
            self.engine.died.connect(self._died)
            self.engine.start()
        self._next()

    @property
    def running(self) -> Job | None:
        """The job that is being worked on."""
        return next((j for j in self.jobs if j.state == "running"), None)

    def cancel(self, job: Job) -> None:
        """Take a job out, or stop it."""
        if job.state == "running" and self.engine is not None:
            self.engine.send("cancel", id=job.id)
        elif job.state == "waiting":
            job.state = "cancelled"
        self.changed.emit()

    def cancel_all(self) -> None:
        """Take everything out that is not done."""
        for job in self.jobs:
            self.cancel(job)

    def retry(self, job: Job) -> None:
        """Try a failed job once more."""
        if job.state in ("failed", "cancelled"):
            job.state, job.fraction, job.words = "waiting", 0.0, ""
            self._next()

    def _next(self) -> None:
        job = next((j for j in self.jobs if j.state == "waiting"), None)
        if job is not None and self.running is None and self.engine is not None:
            job.state, job.began = "running", time.monotonic()
            self.engine.send("export", id=job.id, path=str(job.source), target=str(job.target), **job.message)
        self.changed.emit()

    def _of(self, m: dict[str, Any]) -> Job | None:
        return next((j for j in self.jobs if j.id == m["id"]), None)

    def _progress(self, m: dict[str, Any]) -> None:
        job = self._of(m)
        if job is not None:
            job.fraction, job.words = m["fraction"], m["words"]
            self.changed.emit()

    def _done(self, m: dict[str, Any]) -> None:
        job = self._of(m)
        if job is not None:
            size = m["size"] / 1e6
            job.state, job.words = "done", f"{size:.1f} MB"
        self._next()

    def _failed(self, m: dict[str, Any]) -> None:
        job = self._of(m)
        if job is not None:
            job.state, job.words = ("failed", m["why"]) if m["why"] else ("cancelled", "")
        self._next()

    def _died(self, why: str) -> None:
        job = self.running
        if job is not None:
            job.state, job.words = "failed", tr("Rendering stopped; there may be too little memory")
        if self.engine is not None and any(j.state == "waiting" for j in self.jobs):
            self.engine.start()
        self._next()

    def close(self) -> None:
        """End the engine; what is not done is not done."""
        if self.engine is not None:
            self.cancel_all()
            self.engine.close()


class QueueList(QWidget):
    """The jobs: name, what is going on, a cross or Retry at the right."""

    def __init__(self, queue: Queue) -> None:
        super().__init__()
        self.queue = queue
        queue.changed.connect(self._grow)
        self.setAccessibleName(tr("Export queue"))
        self._grow()

    def _grow(self) -> None:
        self.setFixedHeight(max(1, len(self.queue.jobs)) * 48)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p, t, w = paint.painter(self), theme.now(), self.width()
        for i, job in enumerate(self.queue.jobs):
            y = i * 48
            active = job.state in ("running", "done")
            paint.text(p, QRectF(16, y + 6, w - 90, 18), job.target.name, t.text if active else t.soft)
            words = {"waiting": tr("Waiting"), "cancelled": tr("Cancelled")}.get(job.state, job.words)
            if job.state == "running":
                took = time.monotonic() - job.began
                left = took * (1 - job.fraction) / job.fraction if job.fraction > 0.05 else 0
                words = f"{job.words} {job.fraction:.0%}".replace("%", " %") + (f", {duration(left)}" if left else "")
                paint.rounded(p, QRectF(16, y + 43, w - 32, 2), t.track, 1)
                paint.rounded(p, QRectF(16, y + 43, (w - 32) * job.fraction, 2), t.accent, 1)
            paint.text(p, QRectF(16, y + 23, w - 90, 16), words, t.bad if job.state == "failed" else t.faint, 11)
            if job.state in ("failed", "cancelled"):
                paint.text(p, QRectF(w - 76, y, 60, 48), tr("Retry"), t.accent, align=paint.RIGHT)
            else:
                done = job.state == "done"
                p.drawPixmap(w - 32, y + 16, theme.icon("check" if done else "close", t.good if done else t.faint))

    def mousePressEvent(self, e: QMouseEvent) -> None:
        i = int(e.position().y() // 48)
        if e.position().x() > self.width() - 80 and i < len(self.queue.jobs):
            job = self.queue.jobs[i]
            self.queue.retry(job) if job.state in ("failed", "cancelled") else self.queue.cancel(job)


def free(target: Path, taken: set[Path], how: str) -> Path | None:
    """Where a picture goes, given what is there already; None where it is left out."""
    if how == "replace":
        how = "number" if target in taken else "take"
    if how == "take" or (target not in taken and not target.exists()):
        return target
    if how == "skip":
        return None
    n = 2
    while (new := target.with_stem(f"{target.stem}-{n}")).exists() or new in taken:
        n += 1
    return new


class Form(QWidget):
    """What files are wanted."""

    def __init__(self, window: Window, sources: Sequence[Path], queue: Queue) -> None:
        super().__init__()
        self.window_, self.sources, self.queue = window, list(sources), queue
        self.title = Words("", "text", 14, 600)
        self.format = Combo([(n, n) for n in FORMATS])
        words = tr("For JPEG, WebP and AVIF.")
        self.quality = NumberRow(ParamInfo("quality", "number", 92, 1, 100, 1, label=tr("Quality"), help=words))
        self.quality.layout().setContentsMargins(0, 0, 0, 0)  # type: ignore[union-attr]  # made in its constructor
        self.quality.name.setFixedWidth(104)
        self.side = QLineEdit()
        self.side.setFixedWidth(72)
        self.side.setAlignment(paint.RIGHT)
        self.side.setPlaceholderText(tr("all"))
        self.policy = Combo([(tr(n), v) for n, v in POLICIES])
        self.folder = QLineEdit(str(sources[0].parent / "export") if sources else "")
        browse = Tool("folder", tr("Choose a folder"))
        browse.clicked.connect(self._browse)
        self.name = QLineEdit("{name}")
        self.name.setToolTip(tr("{name}: the photograph's own name; {n}: a running number"))
        self.preview = Words("", "faint", 11)
        self.existing = Combo([(tr(n), v) for n, v in EXISTING])
        self.problem = Words("", "bad", 11)
        go = button(tr("Add to queue"), "primary")
        go.clicked.connect(self._go)
        self.close_button = button(tr("Close"))
        count = tr("{0} photographs").format(len(sources)) if len(sources) != 1 else tr("1 photograph")
        layout = column(
            self.title,
            6,
            self._line(tr("Format"), self.format),
            self.quality,
            self._line(tr("Longest side"), self.side, 8, Words("px", "faint"), None),
            self._line(tr("Metadata"), self.policy),
            4,
            hairline(0, 0),
            4,
            self._line(tr("Folder"), self.folder, 4, browse),
            self._line(tr("Name"), self.name),
            self._line("", self.preview, None),
            self._line(tr("If it exists"), self.existing),
            None,
            self.problem,
            row(Words(count, "soft"), None, self.close_button, 8, go),
            margin=(24, 20, 24, 20),
            gap=8,
        )
        self.setLayout(layout)
        for edit in (self.name, self.side, self.folder):
            edit.textChanged.connect(lambda _: self._example())
        self.format.currentIndexChanged.connect(lambda _: self._example())
        self.choose(next(iter(PRESETS)))

    @staticmethod
    def _line(words: str, *items: Item) -> Any:
        return row(Words(words, "soft", width=104), *items)

    def choose(self, preset: str) -> None:
        """Fill the form as a preset says."""
        row_ = PRESETS[preset]
        self.title.say(tr(preset))
        self.format.setCurrentIndex(list(FORMATS).index(row_["format"]))
        self.quality.slider.set(row_["quality"])
        self.side.setText(row_["size"])
        self._example()

    def _browse(self) -> None:
        name = QFileDialog.getExistingDirectory(self, tr("Choose a folder"), self.folder.text())
        if name:
            self.folder.setText(name)

    def target(self, source: Path, n: int) -> Path:
        """The file that a photograph becomes."""
        stem = self.name.text().replace("{name}", source.stem).replace("{n}", f"{n:03d}").strip() or source.stem
        return Path(self.folder.text()).expanduser() / (stem.replace("/", "-") + FORMATS[self.format.value()])

    def _example(self) -> None:
        if self.sources:
            self.preview.say(self.target(self.sources[0], 1).name)

    def _go(self) -> None:
        side = self.side.text().strip()
        if side and not (side.isdigit() and int(side) > 0):
            self.problem.say(tr("The longest side is a number of pixels, or empty"))
            return
        wanted: dict[str, Any] = {"quality": int(self.quality.slider.value), "metadata": self.policy.value()}
        wanted |= {"size": int(side) if side else None, "bits": 16 if "16" in self.format.value() else 0}
        wanted["force"] = self.existing.value() == "replace"
        self.window_.session.keeper.flush()
        taken = {j.target for j in self.queue.jobs if j.state in ("waiting", "running")}
        d = self.window_.session.document
        for n, source in enumerate(self.sources, 1):
            target = free(self.target(source, n), taken, self.existing.value())
            if target is not None:
                taken.add(target)
                message: dict[str, Any] = {"wanted": wanted}
                if d is not None and d.path == source:
                    message["recipe"] = d.recipe  # also where its sidecar could not be written yet
                self.queue.add(source, target, message)
        self.problem.say("")


def export_sheet(window: Window) -> Sheet:
    """Presets, the form, and the queue, over the window."""
    form = Form(window, [p.path for p in window.selection()], window.exports)
    presets = Listing(tr("Presets"))
    presets.show_lines([Line(tr(n)) for n in PRESETS], 0)

    def choose(i: int) -> None:
        presets.current = i
        presets.update()
        form.choose(list(PRESETS)[i])

    presets.clicked.connect(choose)
    left = Plane(
        column(16, row(Words(tr("Presets"), weight=600), margin=(16, 0, 8, 0)), 6, presets, None), "chrome", 184
    )
    cancel = button(tr("Cancel all"))
    cancel.clicked.connect(window.exports.cancel_all)
    show = Tool("folder", tr("Open the folder"))
    show.clicked.connect(partial(_show, form))
    buttons = row(cancel, None, show, margin=(16, 0, 12, 20))
    head = row(Words(tr("Queue"), weight=600), None, margin=(16, 20, 16, 0))
    queue = column(head, 6, Scroll(Plane(column(QueueList(window.exports), None))), buttons)
    layout = row(left, form, Plane(queue, "chrome", 328))
    layout.setStretch(1, 1)
    card = Plane(layout, "panel", 960, 468)
    sheet = Sheet(window, card)
    form.close_button.clicked.connect(sheet.leave)
    sheet.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    sheet.setFocus()
    return sheet


def _show(form: Form) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(form.folder.text()))
