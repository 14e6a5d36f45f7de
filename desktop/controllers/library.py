"""Which models there are, and what the window must know of the one in use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from desktop.kit import Kit
from desktop.lanes import Job, QueueLane
from desktop.messages import message_of
from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.frame import ModelInfo, OnProgress
from engine.recipe import ModelRef
from engine.studio import Studio

LIST, KIT, BRING = "list models", "open model", "import model"
DEFAULT = "portraits-stylegan2"


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
        return Kit(self.info, self.studio.ref(name), self.studio.directions(name))


@dataclass(frozen=True)
class _Bring:
    """Reads a checkpoint safely and keeps it; runs in the lane's thread."""

    studio: Studio
    path: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> ModelInfo:
        return self.studio.import_model(self.path, progress=progress)


class LibraryController(QObject):
    """Lists models and hands out kits."""

    listed = Signal(object)  # tuple of ModelInfo
    kit_ready = Signal(object)  # Kit
    missing = Signal()
    told = Signal(object)  # Message

    def __init__(self, studio: Studio, lane: QueueLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.models: tuple[ModelInfo, ...] = ()
        self._studio = studio
        self._lane = lane
        self._kits: dict[str, Kit] = {}
        self._first = DEFAULT
        lane.finished.connect(self._finished)
        lane.failed.connect(self._failed)

    def start(self, first: str = "") -> None:
        """List the models, then put one on the table: the last used, else the bundled one."""
        self._first = first or DEFAULT
        self._lane.submit(Job(LIST, "Reading the models", _List(self._studio)))

    @Slot(str)
    def use(self, name: str) -> None:
        """Put a model on the table by its name."""
        info = next((m for m in self.models if m.name == name), None)
        if info is not None:
            self._use(info)

    @Slot(object)
    def bring(self, path: Path) -> None:
        """Import a checkpoint, then put it on the table."""
        self._lane.submit(Job(BRING, f"Importing {path.name}", _Bring(self._studio, path)))

    @Slot(object)
    def use_ref(self, ref: ModelRef) -> None:
        """Put the model on the table that a Recipe asks for; its digest decides."""
        info = next((m for m in self.models if m.sha256 == ref.sha256), None)
        if info is not None:
            self._use(info)
            return
        self.missing.emit()
        self._tell(
            ModelError(
                f"The model {ref.name!r} with digest {ref.sha256[:12]}… is not on this machine.",
                "Import its checkpoint, then open the Recipe again.",
            )
        )

    @Slot(str)
    def renew(self, name: str) -> None:
        """The directions of a model are others than before: gather them again."""
        info = next((m for m in self.models if m.name == name), None)
        if info is not None:
            self._kits.pop(info.sha256, None)
            self._use(info)

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
        elif job.kind == BRING and isinstance(result, ModelInfo):
            self.start(result.name)

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
        known = [name for name in (self._first, DEFAULT) if name in names]
        self.use(known[0] if known else names[0])

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        if job.kind in (LIST, KIT):
            self.missing.emit()
        if job.kind in (LIST, KIT, BRING):
            self._tell(error)

    def _tell(self, error: BaseException) -> None:
        message = message_of(error)
        if message is not None:
            self.told.emit(message)
