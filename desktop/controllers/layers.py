"""The layer viewer: looks into the current picture's generator while its section is open."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from desktop.display import shown
from desktop.facts import LayersView
from desktop.lanes import LatestLane
from desktop.messages import message_of
from engine.cancel import CancelToken
from engine.recipe import Recipe
from engine.studio import Studio


@dataclass(frozen=True)
class _Work:
    """Waits for the worker process; runs in the lane's thread."""

    studio: Studio
    recipe: Recipe
    layer: str | None

    def __call__(self, token: CancelToken) -> LayersView:
        found = self.studio.activations(self.recipe, self.layer, token)
        return LayersView(found, shown(found.pixels))


class LayersController(QObject):
    """Follows the picture whenever it rests; a drag is left alone."""

    view_changed = Signal(object)  # LayersView
    trouble = Signal(str)

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lane = LatestLane(self)
        self.layer: str | None = None
        self._studio = studio
        self._recipe: Recipe | None = None
        self._open = False
        self.lane.finished.connect(self._finished)
        self.lane.failed.connect(self._failed)

    @Slot(bool)
    def set_open(self, is_open: bool) -> None:
        """Nothing is looked into while nobody watches."""
        self._open = is_open
        self._submit()

    @Slot(object, bool, float)
    def follow(self, recipe: Recipe, live: bool, moved_s: float) -> None:
        """Another picture; `live` while the hand is not off yet."""
        if not live:
            self._recipe = recipe
            self._submit()

    @Slot(str)
    def choose(self, layer: str) -> None:
        """Look into another layer."""
        self.layer = layer
        self._submit()

    def close(self) -> None:
        """Stop the lane."""
        self.lane.close()

    def _submit(self) -> None:
        if self._open and self._recipe is not None:
            key = (self._recipe, self.layer)
            self.lane.submit(key, _Work(self._studio, self._recipe, self.layer))

    @Slot(object, object)
    def _finished(self, key: object, view: LayersView) -> None:
        if self.layer is None:
            self.layer = view.activations.layer.name
        self.view_changed.emit(view)

    @Slot(object, object)
    def _failed(self, key: object, error: BaseException) -> None:
        message = message_of(error)
        if message is not None:
            self.trouble.emit(f"{message.title} {message.remedy}".strip())
