"""Training on pictures: the run of now, those that can go on, and making a model of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from desktop.controllers.relay import Relay
from desktop.lanes import Job, QueueLane
from desktop.messages import Message, message_of, plain
from engine.cancel import CancelToken
from engine.course import PictureView
from engine.errors import Cancelled
from engine.frame import OnProgress
from engine.studio import Studio
from engine.training_spec import TrainingSpec

KEEP = "keep trained model"


@dataclass(frozen=True)
class _Keep:
    """Makes a model of a run; waits in the lane's thread."""

    studio: Studio
    path: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> str:
        return self.studio.lab.keep_model(self.path, progress, token)


class PicturesController(QObject):
    """One session at a time; another spec ends it, and it saves itself first."""

    view_changed = Signal(object)  # PictureView or None
    running_changed = Signal(bool)
    runs_changed = Signal(object)  # tuple of KeptRun
    model_kept = Signal(str)
    told = Signal(object)  # Message

    def __init__(self, studio: Studio, lane: QueueLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.view: PictureView | None = None
        self.running = False
        self._studio, self._lane = studio, lane
        self._session: Any = None
        self._spec: TrainingSpec | None = None
        self._relay: Relay | None = None
        lane.finished.connect(self._kept)
        lane.failed.connect(self._failed)

    @Slot()
    def list_runs(self) -> None:
        """Look which runs can go on."""
        self.runs_changed.emit(self._studio.lab.picture_runs())

    def follow(self, spec: TrainingSpec) -> None:
        """The page shows another spec: what was seen of an earlier one goes."""
        if self._spec is not None and spec != self._spec:
            self._leave()
            self.view_changed.emit(None)

    def flip(self, spec: TrainingSpec) -> None:
        """Begin, pause, or go on."""
        if self._session is None or spec != self._spec:
            self._leave()
            self._spec = spec
            self._relay = Relay(self)
            self._relay.came.connect(self._take, Qt.ConnectionType.QueuedConnection)
            self._relay.ended.connect(self._end, Qt.ConnectionType.QueuedConnection)
            lab = self._studio.lab
            self._session = lab.train_pictures(spec, self._relay.take, self._relay.end)
            self._set_running(True)
        else:
            self._session.say("pause" if self.running else "run")
            self._set_running(not self.running)

    @Slot()
    def use_model(self) -> None:
        """Put what was trained into the model menu; the run rests, and can go on later."""
        if self.view is None:
            return
        path = Path(self.view.path)
        self._leave()
        self._lane.submit(Job(KEEP, "Making a model of the run", _Keep(self._studio, path)))

    def close(self) -> None:
        """The window closes; a run saves itself, as far as there is time."""
        self._leave()

    def _leave(self) -> None:
        if self._relay is not None:
            self._relay.deaf = True
            self._relay = None
        if self._session is not None:
            self._session.stop()
            self._session = None
        self._set_running(False)

    def _set_running(self, running: bool) -> None:
        self.running = running
        self.running_changed.emit(running)

    @Slot()
    def _take(self) -> None:
        view = self._relay.newest() if self._relay is not None else None
        if isinstance(view, PictureView):
            self.view = view
            self.view_changed.emit(view)

    @Slot(object)
    def _end(self, error: BaseException | None) -> None:
        if self.sender() is not self._relay:
            return
        self._session = None
        self._set_running(False)
        self.list_runs()
        if error is not None and not isinstance(error, Cancelled):
            self._tell(error)

    @Slot(object, object)
    def _kept(self, job: Job, result: object) -> None:
        if job.kind == KEEP:
            name = str(result)
            self.told.emit(
                Message(f"{plain(name, 60)} is in the model menu.", "It is open now.", tone="good")
            )
            self.model_kept.emit(name)

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        if job.kind == KEEP:
            self._tell(error)

    def _tell(self, error: BaseException) -> None:
        message = message_of(error)
        if message is not None:
            self.told.emit(message)
