"""The only threads of the window.

Work goes out as a function, its result comes back to the GUI thread through a queued signal whose
receiver is a slot of a QObject. A lane has one thread, so its results come back in order.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress

PROGRESS_EVERY_S = 0.05


@dataclass(frozen=True, eq=False)
class _Run:
    """One piece of work of a LatestLane. Results of an older epoch are thrown away."""

    key: Hashable
    work: Callable[[CancelToken], Any]
    epoch: int
    droppable: bool = False
    token: CancelToken = field(default_factory=CancelToken)


class LatestLane(QObject):
    """One running piece of work and one waiting place; the newest takes the place.

    Everything that finishes is told, even when something newer waits, else a steady drag would
    show nothing until it stops. Only `invalidate` throws results away, and a newer request stops
    work that was submitted as droppable: what it would show was shown in another form.
    """

    finished = Signal(object, object)  # key, result
    failed = Signal(object, object)  # key, exception
    _returned = Signal(object, object)  # run, future; crosses from the thread

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.done_count = 0
        self.coalesced_count = 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="latest")
        self._running: _Run | None = None
        self._waiting: _Run | None = None
        self._newest: Hashable = None
        self._epoch = 0
        self._closed = False
        # Queued even when the work was done before its callback was set: results never come
        # back inside the call that asked for them.
        self._returned.connect(self._take_back, Qt.ConnectionType.QueuedConnection)

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return self._running is None

    def submit(
        self, key: Hashable, work: Callable[[CancelToken], Any], droppable: bool = False
    ) -> bool:
        """Ask for work. False when the newest request is already for an equal key."""
        if self._closed or key == self._newest:
            return False
        self._newest = key
        if self._waiting is not None:
            self.coalesced_count += 1
            self._waiting = None
        run = _Run(key, work, self._epoch, droppable)
        if self._running is None:
            self._start(run)
        elif self._running.key != key or self._running.token.cancelled:
            self._waiting = run
            if self._running.droppable:
                self._running.token.cancel()
        return True

    def invalidate(self) -> None:
        """Forget what runs and waits: another model or project is on the table."""
        self._epoch += 1
        self._waiting = None
        self._newest = None
        if self._running is not None:
            self._running.token.cancel()

    def close(self) -> None:
        """Stop and join the thread."""
        self.invalidate()
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start(self, run: _Run) -> None:
        self._running = run
        future = self._pool.submit(run.work, run.token)
        future.add_done_callback(_Return(self, run))

    @Slot(object, object)
    def _take_back(self, run: _Run, future: Future[Any]) -> None:
        self._running = None
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._start(waiting)
        if run.epoch != self._epoch or future.cancelled():
            return
        error = future.exception()
        if error is None:
            self.done_count += 1
            self.finished.emit(run.key, future.result())
            return
        if run.key == self._newest:
            self._newest = None  # so that the same request may be tried again
        self.failed.emit(run.key, error)


@dataclass(frozen=True, eq=False)
class _Return:
    """Brings a finished future home; called in the lane's thread, so it only emits."""

    lane: LatestLane | QueueLane
    run: _Run | Job

    def __call__(self, future: Future[Any]) -> None:
        if not self.lane._closed:
            self.lane._returned.emit(self.run, future)


@dataclass(frozen=True, eq=False)
class Job:
    """Work of a QueueLane. kind tells the receivers whose it is; label is for the user."""

    kind: str
    label: str
    work: Callable[[OnProgress, CancelToken], Any]
    about: Any = None
    token: CancelToken = field(default_factory=CancelToken)


class QueueLane(QObject):
    """Serial work, first come, first served; nothing is dropped. Progress and cancel."""

    started = Signal(object)  # Job
    progressed = Signal(object, object)  # Job, Progress
    finished = Signal(object, object)  # Job, result
    failed = Signal(object, object)  # Job, exception
    idle_again = Signal()
    _returned = Signal(object, object)  # Job, future; crosses from the thread

    def __init__(self, parent: QObject | None = None, name: str = "queue") -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._held = False
        self._closed = False
        # Queued even when the work was done before its callback was set: results never come
        # back inside the call that asked for them.
        self._returned.connect(self._take_back, Qt.ConnectionType.QueuedConnection)

    @property
    def running(self) -> Job | None:
        """The job at work."""
        return self._running

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return self._running is None and not self._waiting

    def submit(self, job: Job) -> None:
        """Put a job at the end of the queue."""
        self._waiting.append(job)
        self._next()

    def cancel(self, job: Job) -> None:
        """Ask a job to stop; one that has not begun is taken from the queue."""
        job.token.cancel()
        if job in self._waiting:
            self._waiting.remove(job)

    def drop_waiting(self, kind: str) -> None:
        """Take every job of a kind that has not begun from the queue."""
        self._waiting = deque(job for job in self._waiting if job.kind != kind)

    def hold(self, held: bool) -> None:
        """Begin no job while held; the running one goes on."""
        self._held = held
        self._next()

    def close(self, finish: bool = False) -> None:
        """Stop and join the thread; with `finish`, after the work that waits."""
        if finish:
            for job in self._waiting:
                self._pool.submit(job.work, _silent, job.token)
        elif self._running is not None:
            self._running.token.cancel()
        self._waiting.clear()
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=not finish)

    def _next(self) -> None:
        if self._held or self._closed or self._running is not None or not self._waiting:
            return
        job = self._waiting.popleft()
        self._running = job
        self.started.emit(job)
        future = self._pool.submit(job.work, _Tell(self, job), job.token)
        future.add_done_callback(_Return(self, job))

    @Slot(object, object)
    def _take_back(self, job: Job, future: Future[Any]) -> None:
        self._running = None
        if not future.cancelled():
            error = future.exception()
            if error is None:
                self.finished.emit(job, future.result())
            else:
                self.failed.emit(job, error)
        self._next()
        if self.idle:
            self.idle_again.emit()


class _Tell:
    """Progress from the thread to the window, not more often than the eye can follow."""

    def __init__(self, lane: QueueLane, job: Job) -> None:
        self._lane = lane
        self._job = job
        self._told = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._told >= PROGRESS_EVERY_S and not self._lane._closed:
            self._told = now
            self._lane.progressed.emit(self._job, progress)


def _silent(progress: Progress) -> None:
    """Progress that nobody watches any more."""
