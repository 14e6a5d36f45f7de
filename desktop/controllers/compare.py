"""The comparison of the Diffuse page: one or two parameters varied, a picture for each pair."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.commands import Gesture
from desktop.controllers.thumbs import ThumbController
from desktop.diffuse_state import DiffuseState, recipe_of, state_of
from desktop.facts import Axes, CompareView, DiffuseKit
from engine.comparing import AXES, Grid, grid_of
from engine.recipe import Recipe

KIND = "compare"
Cell = tuple[int, int]


class CompareController(QObject):
    """Asks for small pictures of every pair of values while the section is open."""

    view_changed = Signal(object)  # CompareView
    cell_taken = Signal(object)  # DiffuseState

    def __init__(
        self, thumbs: ThumbController, undo: QUndoStack, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._gesture = Gesture(undo, self._restore)
        self._thumbs = thumbs
        self._kit: DiffuseKit | None = None
        self._state: DiffuseState | None = None
        self.comparison = Axes()
        self._open = False
        self._grid: Grid | None = None
        self._places: dict[Recipe, list[Cell]] = {}
        thumbs.arrived.connect(self._arrived)

    @property
    def grid(self) -> Grid | None:
        """The comparison as an export makes it: upsampled as the picture is."""
        return None if self._state is None else self._made(self._state)

    @Slot(object)
    def set_kit(self, kit: DiffuseKit) -> None:
        """The models that there are; they know their classes by name."""
        self._kit = kit
        self._ask()

    @Slot(object)
    def follow(self, state: DiffuseState) -> None:
        """The state that everything else is taken from."""
        self._state = state
        self._ask()

    @Slot(bool)
    def set_open(self, is_open: bool) -> None:
        """Work only while somebody looks."""
        self._open = is_open
        self._ask()

    @Slot(str, str)
    def set_axes(self, across: str, down: str) -> None:
        """What varies along each side; "" for nothing."""
        after = replace(self.comparison, across=across, down=down)
        self._gesture.whole("Compare other parameters", self.comparison, after)

    @Slot(str, object)
    def set_texts(self, axis: str, texts: tuple[str, ...]) -> None:
        """The texts along the side of an axis of texts."""
        changes: dict[str, Any] = {axis: texts}
        after = replace(self.comparison, **changes)
        self._gesture.whole("Compare other texts", self.comparison, after)

    def _restore(self, comparison: Axes) -> None:
        self.comparison = comparison
        self._ask()
        self._publish()

    @Slot(int, int)
    def take(self, row: int, column: int) -> None:
        """The picture of a cell goes to the canvas."""
        if self._grid is None or self._state is None:
            return
        recipe = self._grid.cells[row][column]
        if recipe is not None:
            self.cell_taken.emit(replace(state_of(recipe), stages=self._state.stages))

    def _made(self, state: DiffuseState) -> Grid:
        info = self._kit.maker(state.model.sha256) if self._kit is not None else None
        classes = () if info is None else info.classes
        asked, axes = self.comparison, self._axes()
        across = asked.across if asked.across in axes else "guidance"
        down = asked.down if asked.down in axes and asked.down != across else ""
        texts = {"prompt": asked.prompt or ("",), "negative": asked.negative}
        return grid_of(recipe_of(state), across, down, classes, texts)

    def _axes(self) -> tuple[str, ...]:
        """What the model of now has that can vary."""
        state, kit = self._state, self._kit
        info = kit.maker(state.model.sha256) if kit is not None and state is not None else None
        reads = info is not None and info.reads
        unknown = {"class"} if reads else {"prompt", "negative"}
        return tuple(key for key in AXES if key not in unknown)

    def _ask(self) -> None:
        if self._state is None or not self._open:
            return
        # The base alone: four times as quick to compare.
        self._grid = self._made(replace(self._state, stages=None))
        self._places = {}
        for r, row in enumerate(self._grid.cells):
            for c, recipe in enumerate(row):
                if recipe is not None:
                    self._places.setdefault(recipe, []).append((r, c))
        self._thumbs.ask(KIND, list(self._places))
        self._publish()

    @Slot(object)
    def _arrived(self, recipe: Recipe) -> None:
        if recipe in self._places:
            self._publish()

    def _publish(self) -> None:
        grid = self._grid
        if grid is None:
            return
        pictures = {}
        for recipe, cells in self._places.items():
            image = self._thumbs.get(recipe)
            if image is not None:
                pictures.update(dict.fromkeys(cells, image))
        free = (
            (r, c) for r, row in enumerate(grid.cells) for c, cell in enumerate(row) if cell is None
        )
        self.view_changed.emit(
            CompareView(
                tuple(one.label for one in grid.rows),
                tuple(one.label for one in grid.columns),
                pictures,
                (tuple(one.words for one in grid.rows), tuple(one.words for one in grid.columns)),
                frozenset(free),
                self.comparison,
                self._axes(),
            )
        )
