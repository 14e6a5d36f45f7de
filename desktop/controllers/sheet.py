"""Exports a comparison as one labelled, signed sheet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from desktop.controllers.one_job import OneJob
from desktop.lanes import Job, QueueLane
from engine.cancel import CancelToken
from engine.comparing import Grid
from engine.frame import ExportOptions, OnProgress, Receipt
from engine.studio import Studio

EXPORT = "export sheet"


@dataclass(frozen=True)
class _Export:
    """Runs in the lane's thread."""

    studio: Studio
    grid: Grid
    path: Path
    options: ExportOptions

    def __call__(self, progress: OnProgress, token: CancelToken) -> Receipt:
        return self.studio.export_grid(self.grid, self.path, self.options, progress, token)


class SheetController(QObject):
    """One sheet at a time; nothing stays at its path when it is stopped."""

    began = Signal(str)
    progressed = Signal(object)  # Progress
    done = Signal(object)  # Receipt
    told = Signal(object)  # Message
    stopped = Signal()

    def __init__(self, studio: Studio, lane: QueueLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._options = ExportOptions()
        self._one = OneJob(self, lane)
        self._one.progressed.connect(self.progressed)
        self._one.finished.connect(self._exported)
        self._one.stopped.connect(self.stopped)
        self._one.failed.connect(self.told)

    @Slot(object)
    def set_options(self, options: ExportOptions) -> None:
        """How sheets are signed; title and size belong to the export panel's own picture."""
        self._options = replace(options, title="", size_px=None)

    def export(self, grid: Grid, path: Path) -> None:
        """Render, sign and write the sheet in the background."""
        if self._one.job is None:
            words = f"Exporting {path.name}"
            work = _Export(self._studio, grid, path, self._options)
            self._one.begin(Job(EXPORT, words, work, path))
            self.began.emit(words)

    @Slot()
    def cancel(self) -> None:
        """Stop the running export."""
        self._one.cancel()

    @Slot(object, object)
    def _exported(self, job: Job, receipt: Receipt) -> None:
        self.done.emit(receipt)
