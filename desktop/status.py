"""What the status bar tells: the job at work, and figures a few times a second."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Slot

from desktop.facts import StatusView
from desktop.lanes import Job, LatestLane, QueueLane
from desktop.latency import InputToPaint
from desktop.memory import resident_mb
from desktop.views.status_bar import StatusBar
from engine.frame import Progress

JOB_SHOWN_MS = 250  # a job that is quicker is not worth a flicker
EVERY_MS = 250


class StatusKeeper(QObject):
    """Watches the lanes for the status bar."""

    def __init__(
        self, bar: StatusBar, jobs: QueueLane, lane: LatestLane, latency: InputToPaint
    ) -> None:
        super().__init__(bar)
        self._bar = bar
        self._jobs = jobs
        self._lane = lane
        self._latency = latency
        self._begun: Job | None = None
        self._late = QTimer(self, interval=JOB_SHOWN_MS, singleShot=True)
        self._late.timeout.connect(self._show_job)
        self._figures = QTimer(self, interval=EVERY_MS)
        self._figures.timeout.connect(self._tell)
        jobs.started.connect(self._job_started)
        jobs.progressed.connect(self._job_progressed)
        jobs.idle_again.connect(self._job_over)
        bar.cancel_wanted.connect(self._cancel_job)

    def start(self) -> None:
        """Begin to tell figures."""
        self._figures.start()

    def stop(self) -> None:
        """Tell nothing more."""
        self._figures.stop()
        self._late.stop()

    @Slot(object)
    def _job_started(self, job: Job) -> None:
        self._begun = job
        self._late.start()

    @Slot()
    def _show_job(self) -> None:
        if self._begun is not None:
            self._bar.show_job(self._begun.label)

    @Slot(object, object)
    def _job_progressed(self, job: Job, progress: Progress) -> None:
        self._bar.show_progress(progress)

    @Slot()
    def _job_over(self) -> None:
        self._begun = None
        self._late.stop()
        self._bar.hide_job()

    @Slot()
    def _cancel_job(self) -> None:
        job = self._jobs.running
        if job is not None:
            self._jobs.cancel(job)

    @Slot()
    def _tell(self) -> None:
        figures, lane = self._latency.figures(), self._lane
        done, coalesced = lane.done_count, lane.coalesced_count
        self._bar.show_figures(
            StatusView(figures.p50_ms, figures.p95_ms, done, coalesced, resident_mb())
        )
