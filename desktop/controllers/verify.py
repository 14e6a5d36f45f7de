"""The Verify page: what is known of a file, its Recipe, and a fresh rendering to compare."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage

from desktop.controllers.one_job import OneJob
from desktop.display import Shown, shown
from desktop.facts import Batch, BatchRow, Comparison, Inspection
from desktop.lanes import Job, QueueLane
from desktop.messages import Message, plain
from desktop.report_pdf import save_pdf
from desktop.verdict_words import facts
from engine.cancel import CancelToken
from engine.errors import AtelierError
from engine.frame import OnProgress, Progress, Rerender, Verdict
from engine.recipe import Photo, Recipe
from engine.studio import Studio

VERIFY, RERENDER, FOLDER = "verify", "render again", "verify folder"
GAP_PX, GAP_GREY = 12, 40


@dataclass(frozen=True)
class _Verify:
    """Runs in the lane's thread. The picture goes through the engine's safe reader."""

    studio: Studio
    path: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> Inspection:
        verdict = self.studio.verify(self.path)
        token.check()
        return Inspection(verdict, self._picture(token))

    def _picture(self, token: CancelToken) -> Shown | None:
        try:
            photo = Recipe(Photo(self.studio.keep_photo(self.path)))
            return shown(self.studio.render(photo, cancel=token).pixels)
        except AtelierError:
            return None  # the verdict says what is wrong with the file


@dataclass(frozen=True)
class _Rerender:
    """Runs in the lane's thread. picture: the file's own, as it is shown."""

    studio: Studio
    path: Path
    picture: Shown | None

    def __call__(self, progress: OnProgress, token: CancelToken) -> Rerendered:
        verdict = self.studio.verify(self.path, rerender=True)
        return Rerendered(verdict, _compared(self.picture, verdict.rerender))


@dataclass(frozen=True)
class Rerendered:
    """A verdict with its Recipe rendered again, and the pictures to look at."""

    verdict: Verdict
    comparison: Comparison | None


def _compared(picture: Shown | None, again: Rerender | None) -> Comparison | None:
    if picture is None or again is None or again.pixels is None:
        return None
    own, fresh = picture.buffers[0], again.pixels
    views = {"file": picture, "fresh": shown(fresh)}
    if again.difference is not None:
        gap = np.full((own.shape[0], GAP_PX, 3), GAP_GREY, np.uint8)
        views["beside"] = shown(np.concatenate([own, gap, fresh], axis=1))
        views["difference"] = shown(again.difference)
    return Comparison(views, again.gain)


@dataclass(frozen=True)
class _Folder:
    """Runs in the lane's thread. What was done before a cancel is kept."""

    studio: Studio
    folder: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> Batch:
        files = self.studio.pictures_in(self.folder)
        rows: list[BatchRow] = []
        began = time.monotonic()
        for path in files:
            if token.cancelled:
                break
            rows.append(self._row(path))
            done = len(rows) / len(files)
            left_s = (time.monotonic() - began) / done * (1 - done)
            progress(Progress(f"{len(rows)} of {len(files)} pictures", done, left_s))
        return Batch(self.folder, tuple(rows), len(files))

    def _row(self, path: Path) -> BatchRow:
        try:
            return BatchRow(path, self.studio.verify(path))
        except AtelierError as error:
            return BatchRow(path, None, error.what)


class VerifyController(QObject):
    """One file at a time; a newer one takes the place of the older."""

    began = Signal(object)  # Path
    inspected = Signal(object)  # Inspection
    rerender_began = Signal()
    rerendered = Signal(object)  # Verdict with rerender
    compared = Signal(object)  # Comparison or None
    folder_began = Signal(object)  # Path
    folder_progressed = Signal(object)  # Progress
    folder_done = Signal(object)  # Batch
    stopped = Signal()
    restore_wanted = Signal(object)  # Recipe
    told = Signal(object)  # Message

    def __init__(self, studio: Studio, lane: QueueLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.verdict: Verdict | None = None
        self._studio = studio
        self._one = OneJob(self, lane)
        self._picture: Shown | None = None
        self._one.progressed.connect(self._progressed)
        self._one.finished.connect(self._finished)
        self._one.stopped.connect(self.stopped)
        self._one.failed.connect(self.told)

    @Slot(object)
    def verify(self, path: Path) -> None:
        """Read a file and tell what is known of it."""
        self._start(Job(VERIFY, f"Verifying {path.name}", _Verify(self._studio, path)))
        self.verdict = self._picture = None
        self.began.emit(path)

    @Slot(object)
    def verify_folder(self, folder: Path) -> None:
        """Verify every picture in a folder and below it."""
        self._start(Job(FOLDER, f"Verifying {folder.name}", _Folder(self._studio, folder)))
        self.verdict = self._picture = None
        self.folder_began.emit(folder)

    @Slot()
    def stop(self) -> None:
        """Stop what runs; of a folder, what was done is kept."""
        self._one.cancel()

    @Slot()
    def copy_report(self) -> None:
        """Put the verification on the clipboard in words."""
        if self.verdict is not None:
            QGuiApplication.clipboard().setText(self._studio.report(self.verdict, "text"))
            self.told.emit(Message("The report is copied as text.", tone="good"))

    @Slot(object)
    def save_report(self, path: Path) -> None:
        """Write the verification as one page of PDF or, by any other ending, as JSON."""
        if self.verdict is None:
            return
        try:
            if path.suffix.lower() == ".pdf":
                image = QImage() if self._picture is None else self._picture.exact
                save_pdf(path, self.verdict, facts(self.verdict), image)
            else:
                path.write_text(self._studio.report(self.verdict, "json"), encoding="utf-8")
        except OSError as error:
            reason = f"Cannot write {plain(path.name, 80)}: {error.strerror or error}."
            self.told.emit(Message(reason, "Choose another folder."))
        else:
            self.told.emit(Message(f"The report is in {plain(path.name, 80)}.", tone="good"))

    @Slot()
    def rerender(self) -> None:
        """Render the file's Recipe again and compare."""
        if self.verdict is not None:
            work = _Rerender(self._studio, self.verdict.path, self._picture)
            self._start(Job(RERENDER, "Rendering again", work))
            self.rerender_began.emit()

    @Slot()
    def restore(self) -> None:
        """Open the file's Recipe on the Explore page."""
        if self.verdict is not None and self.verdict.known_recipe is not None:
            self.restore_wanted.emit(self.verdict.known_recipe)

    def _start(self, job: Job) -> None:
        self._one.drop()
        self._one.begin(job)

    @Slot(object, object)
    def _finished(self, job: Job, result: object) -> None:
        if isinstance(result, Inspection):
            self.verdict, self._picture = result.verdict, result.picture
            self.inspected.emit(result)
        elif isinstance(result, Rerendered):
            self.verdict = result.verdict
            self.rerendered.emit(result.verdict)
            self.compared.emit(result.comparison)
        elif isinstance(result, Batch):
            self.folder_done.emit(result)

    @Slot(object)
    def _progressed(self, progress: Progress) -> None:
        if self._one.job is not None and self._one.job.kind == FOLDER:
            self.folder_progressed.emit(progress)
