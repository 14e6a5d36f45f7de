"""The Verify page: what is known of a file, its Recipe, and a fresh rendering to compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from desktop.display import Shown, shown
from desktop.facts import Inspection
from desktop.lanes import Job, QueueLane
from desktop.messages import message_of
from engine.cancel import CancelToken
from engine.errors import AtelierError
from engine.frame import OnProgress, Verdict
from engine.recipe import Photo, Recipe
from engine.studio import Studio

VERIFY, RERENDER = "verify", "render again"


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
    """Runs in the lane's thread."""

    studio: Studio
    path: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> Verdict:
        return self.studio.verify(self.path, rerender=True)


class VerifyController(QObject):
    """One file at a time; a newer one takes the place of the older."""

    began = Signal(object)  # Path
    inspected = Signal(object)  # Inspection
    rerender_began = Signal()
    rerendered = Signal(object)  # Verdict with rerender
    restore_wanted = Signal(object)  # Recipe
    told = Signal(object)  # Message

    def __init__(self, studio: Studio, lane: QueueLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.verdict: Verdict | None = None
        self._studio = studio
        self._lane = lane
        self._job: Job | None = None
        lane.finished.connect(self._finished)
        lane.failed.connect(self._failed)

    @Slot(object)
    def verify(self, path: Path) -> None:
        """Read a file and tell what is known of it."""
        self._start(Job(VERIFY, f"Verifying {path.name}", _Verify(self._studio, path)))
        self.verdict = None
        self.began.emit(path)

    @Slot()
    def rerender(self) -> None:
        """Render the file's Recipe again and compare."""
        if self.verdict is not None:
            work = _Rerender(self._studio, self.verdict.path)
            self._start(Job(RERENDER, "Rendering again", work))
            self.rerender_began.emit()

    @Slot()
    def restore(self) -> None:
        """Open the file's Recipe on the Explore page."""
        if self.verdict is not None and self.verdict.known_recipe is not None:
            self.restore_wanted.emit(self.verdict.known_recipe)

    def _start(self, job: Job) -> None:
        if self._job is not None:
            self._lane.cancel(self._job)
        self._job = job
        self._lane.submit(job)

    @Slot(object, object)
    def _finished(self, job: Job, result: object) -> None:
        if job is not self._job:
            return
        self._job = None
        if isinstance(result, Inspection):
            self.verdict = result.verdict
            self.inspected.emit(result)
        elif isinstance(result, Verdict):
            self.verdict = result
            self.rerendered.emit(result)

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        message = message_of(error)
        if job is self._job:
            self._job = None
            if message is not None:
                self.told.emit(message)
