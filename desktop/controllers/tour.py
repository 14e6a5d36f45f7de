"""The guided tour: where the visitor stands, and what is opened next."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QLocale, QObject, Signal, Slot

from desktop.lanes import Job, QueueLane
from desktop.messages import message_of
from desktop.settings import Settings
from engine.cancel import CancelToken
from engine.frame import OnProgress
from engine.studio import Studio
from engine.wishes import TourStop

READ, PLACE = "read the tour", "tour"


@dataclass(frozen=True)
class TourView:
    """A stop, its number from 1, and how many there are."""

    stop: TourStop
    number: int
    count: int


@dataclass(frozen=True)
class _Read:
    """Runs in the lane's thread."""

    studio: Studio
    language: str

    def __call__(self, progress: OnProgress, token: CancelToken) -> tuple[TourStop, ...]:
        return self.studio.tour(self.language)


class TourController(QObject):
    """Can be left at any stop, and is taken up again there."""

    stop_shown = Signal(object)  # TourView
    left = Signal()
    told = Signal(object)  # Message

    def __init__(
        self, studio: Studio, lane: QueueLane, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.stops: tuple[TourStop, ...] = ()
        self.at: int | None = None
        self._studio, self._lane, self._settings = studio, lane, settings
        lane.finished.connect(self._read)
        lane.failed.connect(self._failed)

    @property
    def begun(self) -> bool:
        """Whether it was left at a stop."""
        return bool(self._settings.text(PLACE))

    @Slot()
    def start(self) -> None:
        """Begin, or go on where it was left."""
        if not self.stops:
            language = QLocale.system().name()[:2]
            self._lane.submit(Job(READ, "Reading the tour", _Read(self._studio, language)))
            return
        keys = [stop.key for stop in self.stops]
        kept = self._settings.text(PLACE)
        self._go(keys.index(kept) if kept in keys else 0)

    @Slot()
    def next(self) -> None:
        """The next stop; after the last one the tour is over."""
        if self.at is None:
            return
        if self.at + 1 < len(self.stops):
            self._go(self.at + 1)
            return
        self._settings.set_text(PLACE, "")
        self.at = None
        self.left.emit()

    @Slot()
    def back(self) -> None:
        """The stop before."""
        if self.at:
            self._go(self.at - 1)

    @Slot()
    def again(self) -> None:
        """The stop's picture once more, as it was prepared."""
        if self.at is not None:
            self._go(self.at)

    @Slot()
    def leave(self) -> None:
        """Leave; the stop is kept for later."""
        self.at = None
        self.left.emit()

    def _go(self, index: int) -> None:
        self.at = index
        stop = self.stops[index]
        self._settings.set_text(PLACE, stop.key)
        self.stop_shown.emit(TourView(stop, index + 1, len(self.stops)))

    @Slot(object, object)
    def _read(self, job: Job, result: object) -> None:
        if job.kind == READ and isinstance(result, tuple):
            self.stops = result
            self.start()

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        message = message_of(error)
        if job.kind == READ and message is not None:
            self.told.emit(message)
