"""Whether exports are signed, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from desktop.lanes import Job, QueueLane
from desktop.messages import Message, message_of, plain
from engine.cancel import CancelToken
from engine.frame import IdentityStatus, OnProgress
from engine.studio import Studio

KIND, RENEWAL, SETTLING = "identity", "renewal", "settling"
CHANGED = "The ledger of your exports was changed by something else than this program."
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


@dataclass(frozen=True)
class _Settle:
    """Runs in the lane's thread: a long ledger takes a moment."""

    studio: Studio

    def __call__(self, progress: OnProgress, token: CancelToken) -> tuple[str, ...]:
        return self.studio.settle()


class IdentityController(QObject):
    """Keeps the badge true, renews the identity when asked, and looks after the ledger."""

    status_changed = Signal(object)  # IdentityStatus
    told = Signal(object)  # Message, for the export panel
    ledger_told = Signal(object)  # Message, for the canvas

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

    def start(self) -> None:
        """At the start of the program: settle what a crash left, and ask who signs."""
        self._lane.submit(Job(SETTLING, "Looking through the ledger", _Settle(self._studio)))
        self.refresh()

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
        if job.kind == SETTLING and isinstance(result, tuple) and result:
            self.ledger_told.emit(Message(CHANGED, plain(" ".join(result)), tone="plain"))
        if job.kind == RENEWAL:
            self.told.emit(Message("The signing identity is renewed.", RENEWED, tone="good"))

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        message = message_of(error) if job.kind in (RENEWAL, SETTLING) else None
        if message is not None:
            (self.told if job.kind == RENEWAL else self.ledger_told).emit(message)
