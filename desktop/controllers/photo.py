"""One's own picture: opened, cut or aligned, inverted in the worker, and back as a Recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.commands import Gesture
from desktop.controllers.one_job import OneJob
from desktop.display import Shown, shown
from desktop.facts import PhotoView
from desktop.kit import Kit
from desktop.lanes import Job, QueueLane
from desktop.messages import Message, message_of
from desktop.squares import Square, allowed, cut, largest
from engine.cancel import CancelToken
from engine.frame import OnProgress
from engine.recipe import Photo, Recipe
from engine.studio import Studio
from engine.wishes import Alignment, Inversion, InvertWish

OPEN, SEARCH, ALIGN = "open photo", "invert", "align"


@dataclass(frozen=True)
class Opened:
    """A photo that is kept, and how it looks."""

    sha256: str
    name: str
    picture: Shown


@dataclass(frozen=True)
class Cut:
    """A photo and the square of it that is searched for."""

    photo: Opened | None = None
    square: Square = field(default_factory=Square)

    @property
    def size(self) -> tuple[int, int]:
        """Of the photo, in pixels."""
        picture = None if self.photo is None else self.photo.picture
        return (1, 1) if picture is None else (picture.width, picture.height)


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


@dataclass(frozen=True)
class _Align:
    """Waits for the worker, in the lane's thread."""

    studio: Studio
    picture: Recipe

    def __call__(self, progress: OnProgress, token: CancelToken) -> Alignment:
        return self.studio.edit.align(self.picture, progress, token)


class PhotoController(QObject):
    """Holds the photo and its square; one search at a time."""

    view_changed = Signal(object)  # PhotoView
    opened = Signal(object)  # Shown
    square_changed = Signal(object)  # Square
    began = Signal()
    progressed = Signal(object)  # Progress
    live = Signal(object)  # Shown of a picture on the way
    found = Signal(object)  # Inversion
    recipe_found = Signal(object, str)  # Recipe, what was done
    aligned = Signal(object)  # Message
    stopped = Signal()
    told = Signal(object)  # Message
    _framed = Signal(object)  # pixels; crosses from the worker's thread

    def __init__(
        self, studio: Studio, lane: QueueLane, undo: QUndoStack, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._lane = lane
        self._kit: Kit | None = None
        self.state = Cut()
        self._gesture = Gesture(undo, self._restore)
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

    @Slot(object)
    def set_square(self, square: Square) -> None:
        """The square of the photo that is searched for; live until the gesture ends."""
        if self.state.photo is None:
            return
        self._gesture.begin(self.state)
        self._restore(replace(self.state, square=allowed(square, self.state.size)))

    @Slot(float)
    def turn_to(self, rotation: float) -> None:
        """Turn the square about its middle; live until the gesture ends."""
        self.set_square(replace(self.state.square, rotation=round(rotation, 2)))

    @Slot()
    def end_gesture(self, words: str = "Turn the square") -> None:
        """The hand is off the square."""
        self._gesture.end(words, self.state)

    @Slot(float)
    def turn_by(self, degrees: float) -> None:
        """Turn the square by a quarter, say."""
        self.turn_to(self.state.square.rotation + degrees)
        self.end_gesture()

    @Slot()
    def widen(self) -> None:
        """The largest upright square again."""
        if self.state.photo is not None:
            self.set_square(largest(self.state.size))
            self.end_gesture("Largest square")

    def _restore(self, state: Cut) -> None:
        before, self.state = self.state, state
        if state == before:
            return
        self._stopped = None
        if state.photo is not before.photo and state.photo is not None:
            self.opened.emit(state.photo.picture)
        self.square_changed.emit(state.square)
        self.publish()

    @Slot()
    def align(self) -> None:
        """Let the network find how the face lies."""
        if self.state.photo is not None and self._one.job is None:
            self.began.emit()
            work = _Align(self._studio, Recipe(Photo(self.state.photo.sha256)))
            self._one.begin(Job(ALIGN, "Looking for the face", work, self.state.photo))

    def _aligned(self, job: Job, found: Alignment) -> None:
        if self.state.photo is not job.about:
            self.stopped.emit()
            return
        if not found.sure:
            self.aligned.emit(
                Message(
                    "Not sure where the face is.",
                    "Repeated looks disagree, or see no drawn face. The square stays as it was: "
                    "move it by hand.",
                    tone="plain",
                )
            )
            return
        self.set_square(Square(found.x, found.y, found.side, round(found.rotation, 2)))
        self.end_gesture("Align the face")
        self.aligned.emit(
            Message(
                "The face was found.",
                f"Repeated looks agree within {found.spread_px:.1f} px of 64. Mend it by hand if "
                "you like; undo brings the former square back.",
                tone="good",
            )
        )

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
        photo = self.state.photo
        if photo is None:
            return None
        return Recipe(cut(Photo(photo.sha256), self.state.square, self.state.size))

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
        photo = self.state.photo
        data = {} if self._kit is None else self._kit.info.card.get("data")
        portraits = isinstance(data, dict) and data.get("set") == "portraits"
        self.view_changed.emit(
            PhotoView(
                "" if photo is None else photo.name,
                None if photo is None else self.state.size,
                self.state.square,
                self._stopped is not None,
                portraits,
            )
        )

    @Slot(object)
    def _show_frame(self, pixels: Any) -> None:
        if self._one.job is not None:
            self.live.emit(shown(pixels))

    @Slot(object, object)
    def _found(self, job: Job, result: Inversion | Alignment) -> None:
        if isinstance(result, Alignment):
            self._aligned(job, result)
            self.publish()
            return
        self._stopped = None if result.finished else (job.about, result)
        self.found.emit(result)
        self.recipe_found.emit(result.recipe, "Find a photo's latent")
        self.publish()

    @Slot(object, object)
    def _opened(self, job: Job, result: object) -> None:
        if job.kind == OPEN and isinstance(result, Opened):
            size = (result.picture.width, result.picture.height)
            self._gesture.drop()
            self._gesture.whole("Open a picture", self.state, Cut(result, largest(size)))

    @Slot(object, object)
    def _refused(self, job: Job, error: BaseException) -> None:
        message = message_of(error)
        if job.kind == OPEN and message is not None:
            self.told.emit(message)
