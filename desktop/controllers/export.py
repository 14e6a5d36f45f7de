"""Exports: to a file that the user names, and to the clipboard by way of a signed file."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, QUrl, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage

from desktop.controllers.one_job import OneJob
from desktop.facts import ExportRequest
from desktop.lanes import Job, QueueLane
from desktop.messages import Message, message_of
from engine.cancel import CancelToken
from engine.frame import ExportOptions, OnProgress, Receipt
from engine.recipe import Recipe
from engine.studio import Studio

EXPORT, COPY = "export", "copy"


@dataclass(frozen=True)
class Copied:
    """A signed file and its pixels, both for the clipboard."""

    receipt: Receipt
    image: QImage


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


@dataclass(frozen=True)
class _Copy:
    """Runs in the lane's thread. The file is our own and was verified by the export."""

    studio: Studio
    recipe: Recipe
    folder: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> Copied:
        path = self.folder / f"{self.recipe.sha256[:12]}.png"
        receipt = self.studio.export(self.recipe, path, ExportOptions(), progress, token)
        return Copied(receipt, QImage(str(path)))


class ExportController(QObject):
    """Freezes the Recipe when asked, then leaves the work to the queue."""

    began = Signal()
    progressed = Signal(object)  # Progress
    done = Signal(object)  # Receipt
    copied = Signal(object)  # Receipt
    told = Signal(object)  # Message, for the export panel
    copy_told = Signal(object)  # Message, for the canvas
    stopped = Signal()

    def __init__(self, studio: Studio, lane: QueueLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._lane = lane
        self._recipe: Recipe | None = None
        self._one = OneJob(self, lane)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._one.progressed.connect(self.progressed)
        self._one.finished.connect(self._exported)
        self._one.stopped.connect(self.stopped)
        self._one.failed.connect(self.told)
        lane.finished.connect(self._copied)
        lane.failed.connect(self._refused)

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

    @Slot()
    def copy_picture(self) -> None:
        """Put the picture on the clipboard, as a signed file and as pixels."""
        if self._recipe is None:
            return
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="atelier-copy-")
        work = _Copy(self._studio, self._recipe, Path(self._folder.name))
        self._lane.submit(Job(COPY, "Copying the picture", work))

    @Slot()
    def copy_recipe(self) -> None:
        """Put the Recipe on the clipboard as text."""
        if self._recipe is not None:
            QGuiApplication.clipboard().setText(self._recipe.text())
            self.copy_told.emit(Message("Recipe copied as text.", tone="good"))

    def close(self) -> None:
        """Remove the files that the clipboard names, and with them what it holds of ours."""
        if self._folder is not None:
            clipboard = QGuiApplication.clipboard()
            files = [url.toLocalFile() for url in clipboard.mimeData().urls()]
            if any(Path(file).is_relative_to(self._folder.name) for file in files):
                clipboard.clear()
            self._folder.cleanup()

    @Slot(object, object)
    def _exported(self, job: Job, receipt: Receipt) -> None:
        self.done.emit(receipt)

    @Slot(object, object)
    def _copied(self, job: Job, result: object) -> None:
        if job.kind == COPY and isinstance(result, Copied):
            data = QMimeData()
            data.setUrls([QUrl.fromLocalFile(str(result.receipt.path))])
            data.setImageData(result.image)
            QGuiApplication.clipboard().setMimeData(data)
            self.copied.emit(result.receipt)
            self.copy_told.emit(
                Message("Picture copied.", "The file form carries its credentials.", tone="good")
            )

    @Slot(object, object)
    def _refused(self, job: Job, error: BaseException) -> None:
        message = message_of(error)
        if job.kind == COPY and message is not None:
            self.copy_told.emit(message)
