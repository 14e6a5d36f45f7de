"""One's own picture: opened, cut, inverted in the worker, and back as a Recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from desktop.controllers.one_job import OneJob
from desktop.display import Shown, shown
from desktop.facts import PhotoView
from desktop.kit import Kit
from desktop.lanes import Job, QueueLane
from desktop.messages import message_of
from engine.cancel import CancelToken
from engine.frame import OnProgress
from engine.recipe import Crop, Photo, Recipe
from engine.studio import Studio
from engine.wishes import Inversion, InvertWish

OPEN, SEARCH = "open photo", "invert"


@dataclass(frozen=True)
class Opened:
    """A photo that is kept, and how it looks."""

    sha256: str
    name: str
    picture: Shown


@dataclass(frozen=True)
class _Open:
    """Runs in the lane's thread."""

    studio: Studio
    path: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> Opened:
        sha256 = self.studio.keep_photo(self.path)
        frame = self.studio.render(Recipe(Photo(sha256)))
        return Opened(sha256, self.path.name, shown(frame.pixels))


@dataclass(frozen=True)
class _Search:
    """Waits for the worker, in the lane's thread."""

    studio: Studio
    wish: InvertWish
    frame: Callable[[Any], None]

    def __call__(self, progress: OnProgress, token: CancelToken) -> Inversion:
        return self.studio.edit.invert(self.wish, progress, token, self.frame)


class PhotoController(QObject):
    """Holds the photo and its square; one search at a time."""

    view_changed = Signal(object)  # PhotoView
    opened = Signal(object)  # Shown
    began = Signal()
    progressed = Signal(object)  # Progress
    live = Signal(object)  # Shown of a picture on the way
    found = Signal(object)  # Inversion
    recipe_found = Signal(object, str)  # Recipe, what was done
    stopped = Signal()
    told = Signal(object)  # Message
    _framed = Signal(object)  # pixels; crosses from the worker's thread

    def __init__(self, studio: Studio, lane: QueueLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._lane = lane
        self._kit: Kit | None = None
        self._photo: Opened | None = None
        self._square = (0, 0, 1)
        self._one = OneJob(self, lane)
        self._stopped: tuple[InvertWish, Inversion] | None = None
        self._one.progressed.connect(self.progressed)
        self._one.finished.connect(self._found)
        for signal, ours in ((self._one.stopped, self.stopped), (self._one.failed, self.told)):
            signal.connect(ours)
            signal.connect(self.publish)
        lane.finished.connect(self._opened)
        lane.failed.connect(self._refused)
        self._framed.connect(self._show_frame, Qt.ConnectionType.QueuedConnection)

    @Slot(object)
    def set_kit(self, kit: Kit) -> None:
        """The model that pictures are searched in."""
        if self._kit is None or kit.ref != self._kit.ref:
            self._stopped = None
        self._kit = kit
        self.publish()

    @Slot(object)
    def open(self, path: Path) -> None:
        """Read a picture safely and keep it."""
        self._lane.submit(Job(OPEN, f"Opening {path.name}", _Open(self._studio, path), path))

    @Slot(int, int, int)
    def set_square(self, left: int, top: int, side: int) -> None:
        """The square of the photo that is searched for."""
        if (left, top, side) != self._square:
            self._square = (left, top, side)
            self._stopped = None
            self.publish()

    @Slot(int, bool, int)
    def search(self, steps: int, layers_apart: bool, tune_steps: int) -> None:
        """Search for the latent of the square."""
        target = self.target()
        if target is not None and self._kit is not None and self._one.job is None:
            self._begin(
                InvertWish(self._kit.info.name, target, steps, layers_apart, True, tune_steps)
            )

    @Slot()
    def resume(self) -> None:
        """Go on with a search that was stopped."""
        if self._stopped is not None and self._one.job is None:
            wish, found = self._stopped
            self._begin(replace(wish, resume=found.result, step=found.step))

    def target(self) -> Recipe | None:
        """The square of the photo as a Recipe."""
        if self._photo is None:
            return None
        left, top, side = self._square
        image: Photo | Crop = Photo(self._photo.sha256)
        size = (self._photo.picture.width, self._photo.picture.height)
        if (left, top, side, side) != (0, 0, *size):
            image = Crop(image, left, top, side, side)
        return Recipe(image)

    def _begin(self, wish: InvertWish) -> None:
        work = _Search(self._studio, wish, self._framed.emit)
        self.began.emit()
        self._one.begin(Job(SEARCH, "Searching for a latent", work, wish))

    @Slot()
    def cancel(self) -> None:
        """Stop the search; what it found so far is shown."""
        self._one.cancel()

    @Slot()
    def publish(self) -> None:
        """Tell a panel what there is."""
        photo = self._photo
        size = None if photo is None else (photo.picture.width, photo.picture.height)
        name = "" if photo is None else photo.name
        self.view_changed.emit(PhotoView(name, size, self._square, self._stopped is not None))

    @Slot(object)
    def _show_frame(self, pixels: Any) -> None:
        if self._one.job is not None:
            self.live.emit(shown(pixels))

    @Slot(object, object)
    def _found(self, job: Job, result: Inversion) -> None:
        self._stopped = None if result.finished else (job.about, result)
        self.found.emit(result)
        self.recipe_found.emit(result.recipe, "Find a photo's latent")
        self.publish()

    @Slot(object, object)
    def _opened(self, job: Job, result: object) -> None:
        if job.kind == OPEN and isinstance(result, Opened):
            self._photo, self._stopped = result, None
            self.opened.emit(result.picture)
            self.publish()

    @Slot(object, object)
    def _refused(self, job: Job, error: BaseException) -> None:
        message = message_of(error)
        if job.kind == OPEN and message is not None:
            self.told.emit(message)
