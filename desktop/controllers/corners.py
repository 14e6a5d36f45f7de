"""Walking between four pictures: any Recipes of one model in the corners, in any space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QUndoStack

from desktop.commands import Gesture
from desktop.controllers.thumbs import ThumbController
from desktop.facts import CornersView
from desktop.messages import message_of
from engine.errors import AtelierError, RecipeError
from engine.recipe import Recipe

KIND = "corners"
COLUMNS, ROWS = 6, 4
Between = Callable[[tuple[Recipe, ...], float, float, str], Recipe]


@dataclass(frozen=True)
class CornersState:
    """corners: 00, 10, 01, 11; None where none is set yet. space: z, w or s."""

    corners: tuple[Recipe | None, Recipe | None, Recipe | None, Recipe | None] = (None,) * 4
    space: str = "z"

    @property
    def whole(self) -> tuple[Recipe, ...]:
        """The four pictures, or () while one is missing."""
        found = tuple(recipe for recipe in self.corners if recipe is not None)
        return found if len(found) == 4 else ()


class CornersController(QObject):
    """between: gives the Recipe at a place between four, in a space."""

    view_changed = Signal(object)  # CornersView
    slid = Signal(object, str)  # Recipe, what is done; live
    told = Signal(object)  # Message

    def __init__(
        self,
        undo: QUndoStack,
        thumbs: ThumbController,
        between: Between,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.state = CornersState()
        self._gesture = Gesture(undo, self._restore)
        self._thumbs = thumbs
        self._between = between
        self._current: Recipe | None = None
        self._point: tuple[float, float] | None = None
        self._places: dict[Recipe, tuple[int, int]] = {}
        self._soon = QTimer(self, interval=60, singleShot=True)
        self._soon.timeout.connect(self.publish)
        thumbs.arrived.connect(self._arrived)

    @Slot(object, bool)
    def follow(self, recipe: Recipe, live: bool) -> None:
        """The picture on the canvas: what a click puts into a corner."""
        self._current = recipe

    @Slot(int)
    def set_corner(self, corner: int) -> None:
        """The picture on the canvas goes into a corner."""
        if self._current is not None:
            self._put(corner, self._current)

    @Slot(int, str)
    def drop(self, corner: int, text: str) -> None:
        """A dropped Recipe goes into a corner."""
        try:
            self._put(corner, Recipe.from_json(text))
        except AtelierError as error:
            self._tell(error)

    def recipe_at(self, corner: int) -> Recipe | None:
        """The picture in a corner, for a drag."""
        return self.state.corners[corner]

    def _put(self, corner: int, recipe: Recipe) -> None:
        corners = list(self.state.corners)
        corners[corner] = recipe
        state = replace(self.state, corners=tuple(corners))  # type: ignore[arg-type]
        try:
            if state.whole:
                self._between(state.whole, 0.5, 0.5, state.space)
        except AtelierError as error:
            self._tell(error)
            return
        self._do("Set a corner", state)

    @Slot(str)
    def set_space(self, space: str) -> None:
        """Walk in z, w or s."""
        self._do("Space of the walk", replace(self.state, space=space))

    @Slot(float, float)
    def walk_to(self, x: float, y: float) -> None:
        """Walk; live until the gesture ends."""
        if self.state.whole:
            self._point = (x, y)
            recipe = self._between(self.state.whole, x, y, self.state.space)
            self.slid.emit(recipe, "Walk between four pictures")
            self.publish()

    def _do(self, text: str, state: CornersState) -> None:
        self._gesture.whole(text, self.state, state)

    def _restore(self, state: CornersState) -> None:
        self.state, self._point = state, None
        self._places = {}
        if state.whole:
            for row in range(ROWS):
                for column in range(COLUMNS):
                    x, y = column / (COLUMNS - 1), row / (ROWS - 1)
                    self._places[self._between(state.whole, x, y, state.space)] = (column, row)
        corners = [recipe for recipe in state.corners if recipe is not None]
        self._thumbs.ask(KIND, [*corners, *self._places])
        self.publish()

    @Slot(object)
    def _arrived(self, recipe: Recipe) -> None:
        known = recipe in self._places or recipe in self.state.corners
        if known and not self._soon.isActive():
            self._soon.start()

    @Slot()
    def publish(self) -> None:
        """Tell the panel what there is."""
        images = tuple(
            None if recipe is None else self._thumbs.get(recipe) for recipe in self.state.corners
        )
        tiles: dict[tuple[int, int], QImage] = {}
        for recipe, place in self._places.items():
            image = self._thumbs.get(recipe)
            if image is not None:
                tiles[place] = image
        filled = tuple(recipe is not None for recipe in self.state.corners)
        self.view_changed.emit(CornersView(images, filled, tiles, self._point, self.state.space))

    def _tell(self, error: AtelierError | RecipeError) -> None:
        message = message_of(error)
        if message is not None:
            self.told.emit(message)
