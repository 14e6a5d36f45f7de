"""Small pictures, rendered one by one while nothing more urgent is asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from desktop.display import thumb
from desktop.lanes import Job, QueueLane
from engine.cancel import CancelToken
from engine.frame import Frame, OnProgress, RenderSettings
from engine.recipe import Recipe
from engine.studio import Studio

KEPT = 1500


@dataclass(frozen=True)
class _Work:
    """Runs in the lane's thread."""

    studio: Studio
    recipe: Recipe

    def __call__(self, progress: OnProgress, token: CancelToken) -> QImage:
        frame = self.studio.render(self.recipe, RenderSettings(quality="preview"), token)
        return thumb(frame.pixels)


class ThumbController(QObject):
    """A cache of thumbnails by Recipe, filled in the background.

    Each kind of picture (pad, mixes, history) has its own queue: asking again replaces what waits.
    """

    arrived = Signal(object)  # Recipe

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lane = QueueLane(self, "thumbs")
        self._studio = studio
        self._images: OrderedDict[Recipe, QImage] = OrderedDict()
        self.lane.finished.connect(self._finished)
        self.lane.failed.connect(self._failed)

    def get(self, recipe: Recipe) -> QImage | None:
        """A thumbnail that is ready."""
        image = self._images.get(recipe)
        if image is not None:
            self._images.move_to_end(recipe)
        return image

    def ask(self, kind: str, recipes: Sequence[Recipe]) -> None:
        """Ask for thumbnails of one kind, in this order, in the place of those that wait."""
        self.lane.drop_waiting(kind)
        running = self.lane.running
        for recipe in dict.fromkeys(recipes):
            made = running is not None and running.about == recipe and not running.token.cancelled
            if recipe in self._images or made:
                continue
            self.lane.submit(Job(kind, "Thumbnails", _Work(self._studio, recipe), recipe))

    def drop(self, kind: str, kept: Container[Recipe]) -> None:
        """Nobody wants thumbnails of one kind any more but these; the one at work stops, too."""
        self.lane.drop_waiting(kind)
        running = self.lane.running
        if running is not None and running.kind == kind and running.about not in kept:
            self.lane.cancel(running)

    def keep(self, frame: Frame) -> None:
        """Take the thumbnail of a picture that was rendered anyway."""
        if frame.recipe not in self._images:
            self._store(frame.recipe, thumb(frame.pixels))

    @Slot(bool)
    def hold(self, held: bool) -> None:
        """Stand back while the canvas is busy."""
        self.lane.hold(held)

    def close(self) -> None:
        """Stop the lane."""
        self.lane.close()

    @Slot(object, object)
    def _finished(self, job: Job, image: QImage) -> None:
        self._store(job.about, image)

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        """A thumbnail that cannot be made leaves its place empty; the canvas tells why."""

    def _store(self, recipe: Recipe, image: QImage) -> None:
        self._images[recipe] = image
        while len(self._images) > KEPT:
            self._images.popitem(last=False)
        self.arrived.emit(recipe)
