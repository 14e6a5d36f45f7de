"""Whether exports are signed, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from desktop.lanes import Job, QueueLane
from engine.cancel import CancelToken
from engine.frame import IdentityStatus, OnProgress
from engine.studio import Studio

KIND = "identity"


@dataclass(frozen=True)
class _Ask:
    """Runs in the lane's thread: it may have to ask the keyring."""

    studio: Studio

    def __call__(self, progress: OnProgress, token: CancelToken) -> IdentityStatus:
        return self.studio.identity_status()


class IdentityController(QObject):
    """Keeps the badge true."""

    status_changed = Signal(object)  # IdentityStatus

    def __init__(self, studio: Studio, lane: QueueLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._lane = lane
        lane.finished.connect(self._finished)

    @Slot()
    def refresh(self) -> None:
        """Ask again, as after a first export."""
        self._lane.submit(Job(KIND, "Reading the identity", _Ask(self._studio)))

    @Slot(object)
    def refresh_after(self, receipt: object) -> None:
        """An export may have made the identity."""
        self.refresh()

    @Slot(object, object)
    def _finished(self, job: Job, result: object) -> None:
        if job.kind == KIND and isinstance(result, IdentityStatus):
            self.status_changed.emit(result)
