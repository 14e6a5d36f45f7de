"""Keeps the favourites beyond this session and this project."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop.controllers.history import HistoryController
from desktop.facts import Visit
from desktop.lanes import Job, QueueLane
from desktop.messages import message_of, plain
from engine.cancel import CancelToken
from engine.frame import OnProgress
from engine.studio import Entry, Favourite, Studio

LOAD, KEEP = "load favourites", "keep favourites"
SOON_MS = 400


@dataclass(frozen=True)
class _Load:
    """Runs in the lane's thread."""

    studio: Studio

    def __call__(self, progress: OnProgress, token: CancelToken) -> tuple[Favourite, ...]:
        return self.studio.favourites()


@dataclass(frozen=True)
class _Keep:
    """Runs in the lane's thread."""

    studio: Studio
    kept: tuple[Favourite, ...]

    def __call__(self, progress: OnProgress, token: CancelToken) -> None:
        self.studio.keep_favourites(self.kept)


class FavouritesController(QObject):
    """Brings back those of before, and writes them whenever they change."""

    told = Signal(object)  # Message

    def __init__(
        self,
        studio: Studio,
        lane: QueueLane,
        history: HistoryController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._lane = lane
        self._history = history
        self._written: tuple[Visit, ...] | None = None
        self._soon = QTimer(self, interval=SOON_MS, singleShot=True)
        self._soon.timeout.connect(self.keep)
        history.changed.connect(self._changed)
        lane.finished.connect(self._finished)
        lane.failed.connect(self._failed)

    def start(self) -> None:
        """Read those of before."""
        self._lane.submit(Job(LOAD, "Reading favourites", _Load(self._studio)))

    @Slot()
    def _changed(self) -> None:
        if self._written is not None and self._history.state.favourites != self._written:
            self._soon.start()

    @Slot()
    def keep(self) -> None:
        """Write them, where they are others than those that were read or written last."""
        self._soon.stop()
        visits = self._history.state.favourites
        if self._written is None or visits == self._written:
            return
        self._written = visits
        kept = tuple(_favourite(visit) for visit in visits)
        self._lane.drop_waiting(KEEP)
        self._lane.submit(Job(KEEP, "Keeping favourites", _Keep(self._studio, kept)))

    @Slot(object, object)
    def _finished(self, job: Job, result: object) -> None:
        if job.kind == LOAD and isinstance(result, tuple):
            self._history.bring(tuple(_visit(item) for item in result))
            self._written = tuple(_visit(item) for item in result)
            self._changed()

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        if job.kind in (LOAD, KEEP):
            message = message_of(error)
            if message is not None:
                self.told.emit(message)


def _favourite(visit: Visit) -> Favourite:
    entry = Entry(visit.recipe, visit.created, plain(visit.label, 100))
    return Favourite(entry, visit.rating, visit.tags)


def _visit(item: Favourite) -> Visit:
    entry = item.entry
    return Visit(entry.recipe, entry.label, entry.created, item.rating, item.tags)
