"""Whether exports are signed, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from desktop.facts import OwnCertificate
from desktop.lanes import Job, QueueLane
from desktop.messages import Message, message_of, plain
from engine.cancel import CancelToken
from engine.frame import IdentityStatus, OnProgress
from engine.studio import Studio

KIND, RENEWAL, SETTLING = "identity", "renewal", "settling"
BRINGING, LOCAL = "certificate", "local identity"
CHANGED = "The ledger of your exports was changed by something else than this program."
RENEWED = "What was signed before stays known as yours."
CHANGES = {
    RENEWAL: "The signing identity is renewed.",
    BRINGING: "Exports are signed with your certificate from now on.",
    LOCAL: "Exports are signed by this installation again.",
}


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


@dataclass(frozen=True)
class _Bring:
    """Runs in the lane's thread."""

    studio: Studio
    own: OwnCertificate

    def __call__(self, progress: OnProgress, token: CancelToken) -> IdentityStatus:
        own = self.own
        return self.studio.use_certificate(own.file, own.key, own.secret or None)


@dataclass(frozen=True)
class _UseLocal:
    """Runs in the lane's thread."""

    studio: Studio

    def __call__(self, progress: OnProgress, token: CancelToken) -> IdentityStatus:
        return self.studio.use_local_identity()


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
    def bring(self, own: OwnCertificate) -> None:
        """Sign with a certificate of the user's own."""
        self._lane.submit(Job(BRINGING, "Reading the certificate", _Bring(self._studio, own)))

    @Slot()
    def use_local(self) -> None:
        """Sign as this installation again."""
        self._lane.submit(Job(LOCAL, "Changing the identity", _UseLocal(self._studio)))

    @Slot(object)
    def refresh_after(self, receipt: object) -> None:
        """An export may have made the identity."""
        self.refresh()

    @Slot(object, object)
    def _finished(self, job: Job, result: object) -> None:
        if job.kind in (KIND, *CHANGES) and isinstance(result, IdentityStatus):
            self.status_changed.emit(result)
        if job.kind == SETTLING and isinstance(result, tuple) and result:
            self.ledger_told.emit(Message(CHANGED, plain(" ".join(result)), tone="plain"))
        if job.kind in CHANGES:
            self.told.emit(Message(CHANGES[job.kind], RENEWED, tone="good"))

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        message = message_of(error) if job.kind in (SETTLING, *CHANGES) else None
        if message is not None:
            (self.told if job.kind in CHANGES else self.ledger_told).emit(message)
