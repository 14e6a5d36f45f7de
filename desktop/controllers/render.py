"""The canvas picture: what is asked for, what is shown, and how long it took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop.display import Shown, shown
from desktop.lanes import LatestLane
from desktop.latency import InputToPaint
from desktop.messages import Message, message_of, plain
from engine.cancel import CancelToken
from engine.denoising import Denoise
from engine.frame import DenoisingStep, Frame, Quality, RenderSettings
from engine.recipe import Recipe, walk
from engine.studio import Studio

REST_MS = 180


@dataclass(frozen=True)
class _Work:
    """A render and its preparation for the canvas; runs in the lane's thread."""

    studio: Studio
    recipe: Recipe
    settings: RenderSettings

    stepped: Callable[[Recipe, DenoisingStep], None]

    def __call__(self, token: CancelToken) -> tuple[Frame, Shown]:
        if any(isinstance(node, Denoise) for node in walk(self.recipe.image)):
            hear = partial(self.stepped, self.recipe)
            frame = self.studio.render(self.recipe, self.settings, token, hear)
        else:
            frame = self.studio.render(self.recipe, self.settings, token)
        return frame, shown(frame.pixels)


class RenderController(QObject):
    """Keeps the LatestLane fed: previews while a drag goes on, full quality when it rests."""

    frame_ready = Signal(object, object)  # Frame, Shown
    told = Signal(object)  # Message
    busy_changed = Signal(bool)
    stepped = Signal(object, object)  # Recipe, DenoisingStep; comes from the engine's thread

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lane = LatestLane(self)
        self.latency = InputToPaint()
        self.frame: Frame | None = None
        self._studio = studio
        self._recipe: Recipe | None = None
        self._busy = False
        self._told = ""
        self._rest = QTimer(self, interval=REST_MS, singleShot=True)
        self._rest.timeout.connect(self._finish)
        self.lane.finished.connect(self._finished)
        self.lane.failed.connect(self._failed)

    @Slot(object, bool, float)
    def show_recipe(self, recipe: Recipe, live: bool, moved_s: float) -> None:
        """Ask for a picture; `live` while the hand, which moved at moved_s, is not off yet."""
        changed = recipe != self._recipe
        self._recipe = recipe
        if live:
            self._rest.start()
        else:
            self._rest.stop()
        if changed or not live:
            self._submit("preview" if live else "full", moved_s if changed else None)

    @Slot()
    def _finish(self) -> None:
        """The drag rests: the last value at full quality."""
        if self._recipe is not None:
            self._submit("full", None)

    def _submit(self, quality: Quality, moved_s: float | None) -> None:
        recipe = self._recipe
        assert recipe is not None
        settings = RenderSettings(quality=quality)
        work = _Work(self._studio, recipe, settings, self.stepped.emit)
        if self.lane.submit((recipe, settings), work, quality == "full" and self._previewed):
            if moved_s is not None:
                self.latency.asked(recipe, moved_s)
            self._tell_busy()

    @property
    def _previewed(self) -> bool:
        """Whether a preview of the picture asked for is on the canvas."""
        frame = self.frame
        return frame is not None and frame.quality == "preview" and frame.recipe == self._recipe

    @Slot()
    def forget(self) -> None:
        """Another model or project is on the table."""
        self._rest.stop()
        self._recipe = None
        self.lane.invalidate()
        self.latency.forget()

    @Slot()
    def stop(self) -> None:
        """Stop what is being rendered; the picture of before stays."""
        self._rest.stop()
        self.lane.invalidate()
        self._recipe = None
        self._tell_busy()

    @Slot(object)
    def painted(self, recipe: Recipe) -> None:
        """The canvas put a picture on the screen."""
        self.latency.painted(recipe)

    def close(self) -> None:
        """Stop the lane."""
        self._rest.stop()
        self.lane.close()

    @Slot(object, object)
    def _finished(self, key: object, result: tuple[Frame, Shown]) -> None:
        frame, picture = result
        if self.frame is None:
            self.latency.reset()  # the first picture waits for the model, not for a hand
        self.frame = frame
        self.frame_ready.emit(frame, picture)
        if frame.notice and frame.notice != self._told:
            self.told.emit(Message(plain(frame.notice), tone="plain"))
        self._told = frame.notice
        self._tell_busy()

    @Slot(object, object)
    def _failed(self, key: object, error: BaseException) -> None:
        message = message_of(error)
        if message is not None:
            self.told.emit(message)
        self._tell_busy()

    def _tell_busy(self) -> None:
        busy = not self.lane.idle or self._rest.isActive()
        if busy != self._busy:
            self._busy = busy
            self.busy_changed.emit(busy)
