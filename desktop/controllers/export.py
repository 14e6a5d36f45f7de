"""Exports to a file that the user names."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from desktop.controllers.one_job import OneJob
from desktop.facts import ExportRequest
from desktop.lanes import Job, QueueLane
from engine.cancel import CancelToken
from engine.frame import OnProgress, Receipt
from engine.recipe import Recipe
from engine.studio import Studio

EXPORT = "export"


@dataclass(frozen=True)
class _Export:
    """Runs in the lane's thread."""

    studio: Studio
    recipe: Recipe
    request: ExportRequest

    def __call__(self, progress: OnProgress, token: CancelToken) -> Receipt:
        return self.studio.export(
            self.recipe, self.request.path, self.request.options, progress, token
        )


class ExportController(QObject):
    """Freezes the Recipe when asked, then leaves the work to the queue."""

    began = Signal()
    progressed = Signal(object)  # Progress
    done = Signal(object)  # Receipt
    told = Signal(object)  # Message
    stopped = Signal()

    def __init__(self, studio: Studio, lane: QueueLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._recipe: Recipe | None = None
        self._one = OneJob(self, lane)
        self._one.progressed.connect(self.progressed)
        self._one.finished.connect(self._exported)
        self._one.stopped.connect(self.stopped)
        self._one.failed.connect(self.told)

    @Slot(object, bool)
    def follow(self, recipe: Recipe, live: bool) -> None:
        """The picture on the canvas: what an export would be of."""
        self._recipe = recipe

    @Slot(object)
    def export(self, request: ExportRequest) -> None:
        """Export the picture on the canvas as it is now."""
        if self._recipe is None:
            return
        work = _Export(self._studio, self._recipe, request)
        self._one.begin(Job(EXPORT, f"Exporting {request.path.name}", work))
        self.began.emit()

    @Slot()
    def cancel(self) -> None:
        """Stop the running export; nothing stays at its path."""
        self._one.cancel()

    @Slot(object, object)
    def _exported(self, job: Job, receipt: Receipt) -> None:
        self.done.emit(receipt)
