"""Brings a picture to Diffuse that is drawn anew: that of Explore, or a photo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from desktop.controllers.diffuse import DiffuseController
from desktop.diffuse_state import Begun
from desktop.lanes import Job, QueueLane
from desktop.messages import message_of
from engine.cancel import CancelToken
from engine.denoising import square_of
from engine.frame import OnProgress
from engine.recipe import Image, Recipe
from engine.studio import Studio

OPEN = "open a picture to draw anew"


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


class BeginController(QObject):
    """What a diffusion begins with."""

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
        lane.finished.connect(self._opened)
        lane.failed.connect(self._failed)

    def take(self, recipe: Recipe, side: int) -> None:
        """Draw a square picture of such a side anew, as that of Explore is."""
        if self._diffuse.side:
            self._begin(square_of(recipe.image, side, side, self._diffuse.side))

    @Slot(object)
    def open(self, path: Path) -> None:
        """Draw the middle of a picture from a file anew."""
        if self._diffuse.side:
            work = OpenSquare(self._studio, path, self._diffuse.side)
            self._lane.submit(Job(OPEN, f"Opening {path.name}", work))

    def _begin(self, image: Image) -> None:
        state, usual = self._diffuse.state, self._diffuse.usual_strength
        if state is not None:
            known = Begun(image, usual if state.begun is None else state.begun.strength)
            self._diffuse.set_field("begun", known)
            self._diffuse.end_gesture()

    @Slot(object, object)
    def _opened(self, job: Job, result: object) -> None:
        if job.kind == OPEN and isinstance(result, Image):
            self._begin(result)

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        message = message_of(error) if job.kind == OPEN else None
        if message is not None:
            self.told.emit(message)
