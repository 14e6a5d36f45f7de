"""Opens pictures for Diffuse, off the window's thread: photos, and pictures of this program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from desktop.controllers.diffuse import DiffuseController
from desktop.lanes import Job, QueueLane
from desktop.messages import message_of
from engine.cancel import CancelToken
from engine.denoising import square_of
from engine.frame import OnProgress
from engine.recipe import Image, Recipe
from engine.studio import Studio


@dataclass(frozen=True)
class OpenSquare:
    """Reads a picture and keeps its bytes; runs in the lane's thread."""

    studio: Studio
    path: Path
    side: int

    def __call__(self, progress: OnProgress, token: CancelToken) -> Image:
        return square_of(*self.studio.open_photo(self.path), self.side)


@dataclass(frozen=True)
class OpenRecipe:
    """As OpenSquare, for what a Recipe shows; it is rendered, to see its size."""

    studio: Studio
    text: str
    side: int

    def __call__(self, progress: OnProgress, token: CancelToken) -> Image:
        recipe = Recipe.from_json(self.text)
        height, width = self.studio.render(recipe, cancel=token).pixels.shape[:2]
        return square_of(recipe.image, width, height, self.side)


class OpeningController(QObject):
    """Of its own kind of jobs in a lane it takes what comes of them, and tells what went wrong."""

    KIND: str
    told = Signal(object)  # Message

    def __init__(
        self,
        studio: Studio,
        lane: QueueLane,
        diffuse: DiffuseController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio, self._lane, self._diffuse = studio, lane, diffuse
        lane.finished.connect(self._finished)
        lane.failed.connect(self._failed)

    def _open(self, title: str, work: Any) -> None:
        self._lane.submit(Job(self.KIND, title, work))

    def _opened(self, image: Image) -> None:
        """What to do with a picture that was opened; each kind says its own."""

    @Slot(object, object)
    def _finished(self, job: Job, result: object) -> None:
        if job.kind == self.KIND and isinstance(result, Image):
            self._opened(result)

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        message = message_of(error) if job.kind == self.KIND else None
        if message is not None:
            self.told.emit(message)
