"""The one job that a controller has in its lanes: what is told of it, and how it is stopped."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from desktop.lanes import Job, QueueLane
from desktop.messages import message_of
from engine.frame import Progress


class OneJob(QObject):
    """Passes on what the lanes tell of its own job, and of no other."""

    progressed = Signal(object)  # Progress
    finished = Signal(object, object)  # Job, result
    stopped = Signal()  # as the user wished
    failed = Signal(object)  # Message

    def __init__(self, parent: QObject, *lanes: QueueLane) -> None:
        super().__init__(parent)
        self.job: Job | None = None
        self._first = self._lane = lanes[0]
        for lane in lanes:
            lane.progressed.connect(self._progressed)
            lane.finished.connect(self._finished)
            lane.failed.connect(self._failed)

    def begin(self, job: Job, lane: QueueLane | None = None) -> None:
        """Submit a job, to the first lane when None. One before it goes on, and is not told of."""
        self._lane = lane or self._first
        self.job = job
        self._lane.submit(job)

    def drop(self) -> None:
        """Stop the job and tell nothing of it."""
        if self.job is not None:
            self._lane.cancel(self.job)
            self.job = None

    @Slot()
    def cancel(self) -> None:
        """Stop the job; one that runs tells by itself when it has stopped."""
        if self.job is None:
            return
        waiting = self._lane.running is not self.job
        self._lane.cancel(self.job)
        if waiting:
            self.job = None
            self.stopped.emit()

    @Slot(object, object)
    def _progressed(self, job: Job, progress: Progress) -> None:
        if job is self.job:
            self.progressed.emit(progress)

    @Slot(object, object)
    def _finished(self, job: Job, result: object) -> None:
        if job is self.job:
            self.job = None
            self.finished.emit(job, result)

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        if job is not self.job:
            return
        self.job = None
        message = message_of(error)
        if message is None:
            self.stopped.emit()
        else:
            self.failed.emit(message)
