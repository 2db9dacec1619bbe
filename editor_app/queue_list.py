"""The export queue as it is shown: in its sheet, and as a word in the status line."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from editor_app import paint, theme
from editor_app.images import Previews, key_of
from editor_app.jobs import Job, Queue
from editor_app.layout import Plane, Words, button, row
from editor_app.widgets import Tool
from editor_app.words import duration, tr

LINE = 48


def said(queue: Queue) -> str:
    """How far the queue is: "2 of 7 done, 31 s left"; "" for an empty one."""
    if not queue.batch:
        return ""
    over = sum(j.over for j in queue.batch)
    words = tr("{0} of {1} done").format(over, len(queue.batch))
    left = queue.left()
    if queue.paused:
        return f"{words}, {tr('paused')}"
    return f"{words}, {tr('{0} left').format(duration(max(1.0, left)))}" if left > 0.5 else words


class QueueHead(Plane):
    """What it is, and how far it is."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.far = Words("", "soft", 11, align=paint.RIGHT)
        super().__init__(row(Words(tr("Queue"), weight=600), None, self.far, margin=(16, 18, 16, 0)))
        queue.changed.connect(self._say)
        self._say()

    def _say(self) -> None:
        self.far.say(said(self.queue))


class QueueFoot(Plane):
    """Pause, cancel, drop what is over, open the folder; each only where there is something to do."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.pause, self.cancel = button(""), button(tr("Cancel all"))
        self.clear = Tool("trash", tr("Clear what is finished"))
        self.folder = Tool("folder", tr("Open the folder"))
        super().__init__(row(self.pause, 8, self.cancel, None, self.clear, self.folder, margin=(16, 0, 12, 18)))
        self.pause.clicked.connect(self._pause)
        self.cancel.clicked.connect(queue.cancel_all)
        self.clear.clicked.connect(queue.clear)
        queue.changed.connect(self._follow)
        self._follow()

    def _pause(self) -> None:
        self.queue.pause(not self.queue.paused)
        self._follow()

    def _follow(self) -> None:
        waits = any(not j.over for j in self.queue.jobs)
        self.pause.setText(tr("Go on") if self.queue.paused else tr("Pause"))
        self.pause.setEnabled(waits or self.queue.paused)
        self.cancel.setEnabled(waits)
        self.clear.setEnabled(any(j.over for j in self.queue.jobs))


class QueueList(QWidget):
    """The jobs: picture, name, what is going on, a cross or Retry at the right."""

    def __init__(self, queue: Queue, previews: Previews) -> None:
        super().__init__()
        self.queue, self.previews = queue, previews
        self.hot = -1
        queue.changed.connect(self._grow)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Export queue"))
        self._grow()

    def _grow(self) -> None:
        self.setFixedHeight(max(2, len(self.queue.jobs)) * LINE)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = paint.painter(self)
        if not self.queue.jobs:
            words = tr("What is exported lines up here")
            paint.text(p, QRectF(16, 0, self.width() - 32, LINE), words, theme.now().faint, 11)
        for i, job in enumerate(self.queue.jobs):
            if event.rect().intersects(QRectF(0, i * LINE, self.width(), LINE).toRect()):
                self._job(p, i, job)

    def _job(self, p: QPainter, i: int, job: Job) -> None:
        t, w, y = theme.now(), self.width(), i * LINE
        image = self.previews.images.get(key_of(job.source, job.copy))
        if image is not None and image.height():
            s = min(48 / image.width(), 34 / image.height())
            iw, ih = image.width() * s, image.height() * s
            paint.picture(p, QRectF(40 - iw / 2, y + 24 - ih / 2, iw, ih), image, 2)
        else:
            paint.rounded(p, QRectF(16, y + 7, 48, 34), t.panel, 2)
        colour = t.text if job.state in ("running", "done") else t.soft
        paint.text(p, QRectF(76, y + 6, w - 150, 18), job.target.name, colour)
        words = {"waiting": tr("Waiting"), "cancelled": tr("Cancelled")}.get(job.state, job.words)
        if job.state == "running":
            took = time.monotonic() - job.began
            left = took * (1 - job.fraction) / job.fraction if job.fraction > 0.05 else 0
            words = f"{job.words[:1].upper()}{job.words[1:]} {job.fraction:.0%}".replace("%", " %")
            words += f", {tr('{0} left').format(duration(left))}" if left else ""
            paint.rounded(p, QRectF(76, y + 43, w - 92, 2), t.track, 1)
            paint.rounded(p, QRectF(76, y + 43, (w - 92) * job.fraction, 2), t.accent, 1)
        room = w - 100 - (60 if job.state in ("failed", "cancelled") else 20)
        paint.text(p, QRectF(76, y + 23, room, 16), words, t.bad if job.state == "failed" else t.faint, 11)
        if job.state in ("failed", "cancelled"):
            paint.text(p, QRectF(w - 76, y, 60, LINE), tr("Retry"), t.accent, align=paint.RIGHT)
        else:
            done = job.state == "done"
            p.drawPixmap(w - 32, y + 16, theme.icon("check" if done else "close", t.good if done else t.faint))

    def mousePressEvent(self, e: QMouseEvent) -> None:
        i = int(e.position().y() // LINE)
        if e.position().x() > self.width() - 80 and i < len(self.queue.jobs):
            job = self.queue.jobs[i]
            self.queue.retry(job) if job.state in ("failed", "cancelled") else self.queue.cancel(job)

    def mouseMoveEvent(self, e: QMouseEvent) -> None:
        i = int(e.position().y() // LINE)
        here = 0 <= i < len(self.queue.jobs)
        hand = here and e.position().x() > self.width() - 80
        self.setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)
        if here:
            job = self.queue.jobs[i]
            self.setToolTip(f"{job.target}\n{job.words}" if job.state == "failed" else str(job.target))

    def leaveEvent(self, e: QEvent) -> None:
        self.setToolTip("")
