"""Whether exports are signed, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from desktop.lanes import Job, QueueLane
from desktop.messages import Message, message_of
from engine.cancel import CancelToken
from engine.frame import IdentityStatus, OnProgress
from engine.studio import Studio

KIND, RENEWAL = "identity", "renewal"
RENEWED = "Export again; what was signed before stays known as yours."


@dataclass(frozen=True)
class _Ask:
    """Runs in the lane's thread: it may have to ask the keyring."""

    studio: Studio

    def __call__(self, progress: OnProgress, token: CancelToken) -> IdentityStatus:
        return self.studio.identity_status()


@dataclass(frozen=True)
class _Renew:
    """Runs in the lane's thread."""

    studio: Studio

    def __call__(self, progress: OnProgress, token: CancelToken) -> IdentityStatus:
        return self.studio.renew_identity()


class IdentityController(QObject):
    """Keeps the badge true, and renews the identity when asked."""

    status_changed = Signal(object)  # IdentityStatus
    told = Signal(object)  # Message, for the export panel

    def __init__(self, studio: Studio, lane: QueueLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._lane = lane
        lane.finished.connect(self._finished)
        lane.failed.connect(self._failed)

    @Slot()
    def refresh(self) -> None:
        """Ask again, as after a first export."""
        self._lane.submit(Job(KIND, "Reading the identity", _Ask(self._studio)))

    @Slot()
    def renew(self) -> None:
        """Replace key and certificates by new ones."""
        self._lane.submit(Job(RENEWAL, "Renewing the identity", _Renew(self._studio)))

    @Slot(object)
    def refresh_after(self, receipt: object) -> None:
        """An export may have made the identity."""
        self.refresh()

    @Slot(object, object)
    def _finished(self, job: Job, result: object) -> None:
        if job.kind in (KIND, RENEWAL) and isinstance(result, IdentityStatus):
            self.status_changed.emit(result)
        if job.kind == RENEWAL:
            self.told.emit(Message("The signing identity is renewed.", RENEWED, tone="good"))

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        message = message_of(error) if job.kind == RENEWAL else None
        if message is not None:
            self.told.emit(message)
