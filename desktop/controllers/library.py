"""Which models there are, and what the window must know of the one in use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from desktop.kit import Kit
from desktop.lanes import Job, QueueLane
from desktop.messages import LOCATE, Message, message_of, plain
from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.frame import ModelInfo, OnProgress
from engine.recipe import ModelRef
from engine.studio import Studio

LIST, KIT, BRING = "list models", "open model", "import model"


@dataclass(frozen=True)
class _List:
    """Reads the model cards; runs in the lane's thread."""

    studio: Studio

    def __call__(self, progress: OnProgress, token: CancelToken) -> tuple[ModelInfo, ...]:
        return self.studio.models()


@dataclass(frozen=True)
class _Open:
    """Gathers what the window needs of one model; runs in the lane's thread."""

    studio: Studio
    info: ModelInfo

    def __call__(self, progress: OnProgress, token: CancelToken) -> Kit:
        name = self.info.name
        studio = self.studio
        return Kit(self.info, studio.ref(name), studio.directions(name), studio.anatomy(name))


@dataclass(frozen=True)
class _Bring:
    """Has the worker process read a checkpoint and keep it; waits in the lane's thread."""

    studio: Studio
    path: Path
    expected: str = ""

    def __call__(self, progress: OnProgress, token: CancelToken) -> ModelInfo | str:
        if not self.expected:
            words = self.studio.import_other(self.path, None, progress, token)
            if words is not None:
                return words
        return self.studio.import_model(
            self.path, None, progress, token, expected=self.expected, apart=True
        )


class LibraryController(QObject):
    """Lists models and hands out kits."""

    listed = Signal(object)  # tuple of ModelInfo
    kit_ready = Signal(object)  # Kit
    missing = Signal()
    began = Signal()  # an import
    awaited = Signal()  # the missing model is being imported
    told = Signal(object)  # Message
    others_changed = Signal()  # what is no generator

    def __init__(
        self,
        studio: Studio,
        lane: QueueLane,
        parent: QObject | None = None,
        imports: QueueLane | None = None,
    ) -> None:
        """imports: the lane that imports wait in, which shows progress and can be cancelled."""
        super().__init__(parent)
        self.models: tuple[ModelInfo, ...] = ()
        self._studio = studio
        self._lane = lane
        self._kits: dict[str, Kit] = {}
        self._first = ""
        self._missed: ModelRef | None = None
        self._imports = imports or lane
        for one in {lane, self._imports}:
            one.finished.connect(self._finished)
            one.failed.connect(self._failed)

    def start(self, first: str = "") -> None:
        """List the models, then put one on the table: the last used, else the bundled one."""
        self._first = first
        self._lane.submit(Job(LIST, "Reading the models", _List(self._studio)))

    @Slot(str)
    def use(self, name: str) -> None:
        """Put a model on the table by its name."""
        info = next((m for m in self.models if m.name == name), None)
        if info is not None:
            self._use(info)

    @Slot(object, str)
    def bring(self, path: Path, expected: str = "") -> None:
        """Import a checkpoint, then put it on the table. expected: the digest it must have."""
        self.began.emit()
        if expected:
            self.awaited.emit()
        work = _Bring(self._studio, path, expected)
        self._imports.submit(Job(BRING, f"Importing {path.name}", work, expected))

    @Slot(object)
    def use_ref(self, ref: ModelRef) -> None:
        """Put the model on the table that a Recipe asks for; its digest decides."""
        info = next((m for m in self.models if m.sha256 == ref.sha256), None)
        if info is not None:
            self._use(info)
            return
        self._miss(ref)

    def _miss(self, ref: ModelRef) -> None:
        self._missed = ref
        self.missing.emit()
        self.told.emit(
            Message(
                f"The model {plain(ref.name, 60)!r} is not on this machine.",
                f"The Recipe wants the weights with SHA-256 {ref.sha256}. Locate the checkpoint "
                "that they came from: it is imported, and the picture shows.",
                action=LOCATE,
            )
        )

    @Slot(str)
    def renew(self, name: str) -> None:
        """The directions of a model are others than before: gather them again."""
        info = next((m for m in self.models if m.name == name), None)
        if info is not None:
            self._kits.pop(info.sha256, None)
            self._use(info)

    @property
    def wanted_sha256(self) -> str:
        """The digest of the model that was asked for last and is not here."""
        return self._missed.sha256 if self._missed is not None else ""

    def _use(self, info: ModelInfo) -> None:
        kit = self._kits.get(info.sha256)
        if kit is not None:
            self.kit_ready.emit(kit)
            return
        self._lane.submit(Job(KIT, f"Opening {info.title}", _Open(self._studio, info)))

    @Slot(object, object)
    def _finished(self, job: Job, result: object) -> None:
        if job.kind == KIT and isinstance(result, Kit):
            self._kits[result.info.sha256] = result
            self.kit_ready.emit(result)
        elif job.kind == LIST and isinstance(result, tuple):
            self.models = result
            self.listed.emit(result)
            self._begin()
            self._studio.export_missing_graphs()
        elif job.kind == BRING and isinstance(result, ModelInfo):
            self._missed = None
            words = f"{plain(result.title, 60)} was imported."
            self.told.emit(Message(words, "It is in the model menu.", tone="good"))
            self.start(result.name)
        elif job.kind == BRING and isinstance(result, str):
            self.told.emit(Message(f"{plain(result, 120)}, was imported.", tone="good"))
            self.others_changed.emit()

    def _begin(self) -> None:
        if not self.models:
            self._tell(
                ModelError(
                    "There is no model on this machine.",
                    "Install the program again, or import a checkpoint.",
                )
            )
            return
        names = [model.name for model in self.models]
        self.use(self._first if self._first in names else names[0])

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        if job.kind in (LIST, KIT):
            self.missing.emit()
        if job.kind == BRING and job.about:
            self.missing.emit()
            self._tell(error, LOCATE)
        elif job.kind in (LIST, KIT, BRING):
            self._tell(error)

    def _tell(self, error: BaseException, action: str = "") -> None:
        message = message_of(error)
        if message is not None:
            self.told.emit(replace(message, action=message.action or action))
