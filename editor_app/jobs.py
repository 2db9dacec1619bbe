"""The export queue: pictures developed into files one after the other, in an engine of its own; it goes on after a failure."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from editor_app.words import tr
from editor_app.worker import Engine


@dataclass
class Job:
    """One picture to be exported."""

    id: int
    source: Path
    target: Path
    message: dict[str, Any]
    copy: int = 0
    state: str = "waiting"  # running, done, failed, cancelled
    fraction: float = 0.0
    words: str = ""
    began: float = 0.0
    took: float = 0.0
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ("done", "failed", "cancelled")


def _weight(size: int) -> str:
    """Bytes as people say them."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"


class Queue(QObject):
    """Jobs, one after the other, in an engine process of its own; started with the first job."""

    changed = Signal()
    finished = Signal(int, int)  # all that was asked for: how many are done, how many failed

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.jobs: list[Job] = []
        self.engine: Engine | None = None
        self.paused = False
        self._ids = itertools.count(1)
        self._first = 0  # of the batch that runs

    def add(self, source: Path, target: Path, message: dict[str, Any], copy: int = 0) -> None:
        """Put a picture into the queue."""
        if all(j.over for j in self.jobs):
            self._first = len(self.jobs)
        self.jobs.append(Job(next(self._ids), source, target, message, copy))
        if self.engine is None:
            self.engine = Engine(self)
            self.engine.exporting.connect(self._progress)
            self.engine.exported.connect(self._done)
            self.engine.unexported.connect(self._failed)
            self.engine.died.connect(self._died)
            self.engine.start()
        self._next()

    # --- what there is --------------------------------------------------------------------------------------------

    @property
    def running(self) -> Job | None:
        """The job that is being worked on."""
        return next((j for j in self.jobs if j.state == "running"), None)

    @property
    def batch(self) -> list[Job]:
        """What was asked for since the queue was last empty."""
        return self.jobs[self._first :]

    @property
    def fraction(self) -> float:
        """How far the batch is, 0…1."""
        return sum(1.0 if j.over else j.fraction for j in self.batch) / max(1, len(self.batch))

    def left(self) -> float:
        """Seconds until the batch is done, by what its jobs took; 0 where nobody can tell."""
        took = [j.took for j in self.batch if j.state == "done"]
        now = self.running
        if now is None:
            return 0.0
        spent = time.monotonic() - now.began
        mine = spent * (1 - now.fraction) / now.fraction if now.fraction > 0.05 else 0.0
        each = sum(took) / len(took) if took else spent + mine
        waiting = sum(j.state == "waiting" for j in self.batch)
        return max(mine, each - spent, 0.0) + each * waiting

    # --- hand -----------------------------------------------------------------------------------------------------

    def pause(self, on: bool) -> None:
        """Begin nothing new, or go on."""
        self.paused = on
        self._next()

    def cancel(self, job: Job) -> None:
        """Take a job out, or stop it."""
        if job.state == "running" and self.engine is not None:
            self.engine.send("cancel", id=job.id)
        elif job.state == "waiting":
            job.state = "cancelled"
        self.changed.emit()

    def cancel_all(self) -> None:
        """Take everything out that is not done."""
        for job in [j for j in self.jobs if not j.over]:
            self.cancel(job)

    def retry(self, job: Job) -> None:
        """Try a failed job once more."""
        if job.state in ("failed", "cancelled"):
            job.state, job.fraction, job.words = "waiting", 0.0, ""
            self._next()

    def clear(self) -> None:
        """Drop from the list what is over."""
        self.jobs = [j for j in self.jobs if not j.over]
        self._first = 0
        self.changed.emit()

    # --- the engine's news ----------------------------------------------------------------------------------------

    def _next(self) -> None:
        job = next((j for j in self.jobs if j.state == "waiting"), None)
        if job is not None and self.running is None and self.engine is not None and not self.paused:
            job.state, job.began = "running", time.monotonic()
            row = {"path": str(job.source), "target": str(job.target), "copy": job.copy}
            self.engine.send("export", id=job.id, **row, **job.message)
        self.changed.emit()
        if job is None and self.running is None and self.batch:
            done = sum(j.state == "done" for j in self.batch)
            self.finished.emit(done, sum(j.state == "failed" for j in self.batch))

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
            job.state, job.words, job.fraction = "done", _weight(m["size"]), 1.0
            job.took, job.told = time.monotonic() - job.began, m
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
