"""Editing by text: the search in the worker, and the sliders that walk along what it found."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from desktop.controllers.one_job import OneJob
from desktop.display import shown
from desktop.facts import TextView
from desktop.kit import Kit
from desktop.lanes import Job, QueueLane
from desktop.messages import message_of
from desktop.state import in_order, recipe_of, state_of
from engine.cancel import CancelToken
from engine.errors import AtelierError, RecipeError
from engine.frame import OnProgress
from engine.recipe import Recipe
from engine.studio import Studio
from engine.wishes import ClipInfo, DirectionWish, TextEdit, TextPair, TextWay, TextWish

EDIT, BRING = "edit by text", "import CLIP"
KEPT = 400  # places on the way that undo can come back to


@dataclass(frozen=True)
class _Edit:
    """Waits for the worker, in the lane's thread."""

    studio: Studio
    wish: TextWish
    frame: Callable[[Any], None]

    def __call__(self, progress: OnProgress, token: CancelToken) -> TextEdit:
        return self.studio.edit.edit_text(self.wish, progress, token, self.frame)


@dataclass(frozen=True)
class _Bring:
    """Waits for the worker, in the lane's thread."""

    studio: Studio
    path: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> ClipInfo:
        return self.studio.edit.import_clip(self.path, None, progress, token)


class TextController(QObject):
    """An edit belongs to the picture that it began with; a direction goes on to any other."""

    view_changed = Signal(object)  # TextView
    began = Signal()
    progressed = Signal(object)  # Progress
    live = Signal(object)  # Shown
    found = Signal(object)  # TextEdit
    brought = Signal(object)  # ClipInfo
    recipe_found = Signal(object, str)  # Recipe, what was done
    slid = Signal(object, str)  # Recipe on the way, what is done
    direction_wanted = Signal(object)  # DirectionWish
    stopped = Signal()
    told = Signal(object)  # Message
    _framed = Signal(object)  # pixels; crosses from the worker's thread

    def __init__(self, studio: Studio, lane: QueueLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._kit: Kit | None = None
        self._recipe: Recipe | None = None
        self._edit: TextEdit | None = None
        self._way: TextWay = "optimise"
        self._strength = TextWish.strength
        self._threshold = TextPair.threshold
        self._places: OrderedDict[Recipe, float] = OrderedDict()  # to the strength
        self._vectors: dict[str, float] = {}  # directions that were shown, to their threshold
        self._one = OneJob(self, lane)
        self._one.progressed.connect(self.progressed)
        self._one.finished.connect(self._finished)
        self._one.stopped.connect(self.stopped)
        self._one.failed.connect(self.told)
        self._framed.connect(self._show_frame, Qt.ConnectionType.QueuedConnection)

    @Slot(object)
    def set_kit(self, kit: Kit) -> None:
        """Another model: what was found for the one before is of no use."""
        if self._kit is None or kit.ref != self._kit.ref:
            self._drop()
        self._kit = kit

    @Slot(object, bool)
    def follow(self, recipe: Recipe, live: bool) -> None:
        """The picture on the canvas: on the way of the edit, where it began, or another one."""
        if recipe == self._recipe:
            return
        self._recipe = recipe
        edit = self._edit
        if edit is not None and edit.wish.way == "direction":
            self._follow_direction(edit, recipe)
        elif edit is not None and recipe in self._places:
            self._strength = self._places[recipe]
        elif edit is not None and recipe == edit.wish.recipe:
            self._strength = 0.0
        else:
            self._drop()
        self.publish()

    def _follow_direction(self, edit: TextEdit, recipe: Recipe) -> None:
        """The picture without its step along the direction is where the next step begins."""
        try:
            state = state_of(recipe)
        except RecipeError:
            self._drop()
            return
        own = [move for move in state.moves if move.direction in self._vectors]
        self._strength = own[-1].strength if own else 0.0
        if own:
            self._threshold = self._vectors[own[-1].direction]
        rest = tuple(move for move in state.moves if move not in own)
        base = recipe_of(replace(state, moves=rest)) if own else recipe
        self._edit = replace(edit, wish=replace(edit.wish, recipe=base))

    def _drop(self) -> None:
        self._edit = None
        self._places.clear()
        self._vectors.clear()
        self._strength = self._strength or TextWish.strength

    @Slot(str)
    def set_way(self, way: TextWay) -> None:
        """In which of the three ways; what another way found stays as it is."""
        if way != self._way:
            self._way = way
            self._drop()
            self.publish()

    @Slot(str, str, str)
    def start(self, text: str, neutral: str, clip: str) -> None:
        """Begin on the picture on the canvas; again from where the edit before began."""
        if self._recipe is None or self._one.job is not None:
            return
        recipe = self._recipe if self._edit is None else self._edit.wish.recipe
        pair = TextPair(text, neutral, clip, self._threshold)
        strength = self._strength or TextWish.strength
        self.began.emit()
        wish = TextWish(recipe, pair, self._way, strength)
        work = _Edit(self._studio, wish, self._framed.emit)
        self._one.begin(Job(EDIT, "Editing by text", work, wish))

    @Slot()
    def cancel(self) -> None:
        """Stop; what a search found so far is shown."""
        self._one.cancel()

    @Slot(float)
    def set_strength(self, strength: float) -> None:
        """How far; live where something was found."""
        self._strength = strength
        self._slide()

    @Slot(float)
    def set_threshold(self, threshold: float) -> None:
        """How relevant a style channel must be; live."""
        self._threshold = threshold
        self._slide()

    def _slide(self) -> None:
        if self._edit is not None:
            recipe = self._at(self._edit)
            if recipe is not None:
                self.slid.emit(recipe, "Edit by text")
        self.publish()

    def _at(self, edit: TextEdit) -> Recipe | None:
        """The Recipe where the sliders stand, and a note of it for undo; tells what cannot be."""
        styled = edit.wish.way == "direction"
        share = self._strength if styled else self._strength / edit.wish.strength
        try:
            recipe = self._studio.edit.recipe_of_text(edit, share, self._threshold)
            shown = self._as_shown(recipe)
        except AtelierError as error:
            message = message_of(error)
            if message is not None:
                self.told.emit(message)
            return None
        if styled and self._strength:
            self._vectors[state_of(recipe).moves[-1].direction] = self._threshold
        self._places[shown] = self._strength
        while len(self._places) > KEPT:
            self._places.popitem(last=False)
        return recipe

    def _as_shown(self, recipe: Recipe) -> Recipe:
        """The same picture as the Explore page says it. Raises RecipeError."""
        state = state_of(recipe)
        order = () if self._kit is None else self._kit.order
        return recipe_of(replace(state, moves=in_order(state.moves, order)))

    @Slot()
    def keep_direction(self) -> None:
        """Keep the direction, as the threshold makes it, beside the model's others."""
        edit = self._edit
        if edit is not None and edit.wish.way == "direction":
            pair = replace(edit.wish.pair, threshold=self._threshold)
            wish = DirectionWish("text", name=edit.read[:60], text=pair)
            self.direction_wanted.emit(wish)

    @Slot(object)
    def bring(self, path: Path) -> None:
        """Import a CLIP from a folder."""
        if self._one.job is None:
            self.began.emit()
            work = _Bring(self._studio, path)
            self._one.begin(Job(BRING, f"Importing {path.name}", work, path))

    @Slot(object)
    def _show_frame(self, pixels: Any) -> None:
        if self._one.job is not None:
            self.live.emit(shown(pixels))

    @Slot(object, object)
    def _finished(self, job: Job, result: TextEdit | ClipInfo) -> None:
        if isinstance(result, ClipInfo):
            self.brought.emit(result)
            self.publish()
            return
        self._drop()
        self._edit = result
        self._strength = result.wish.strength
        recipe = self._at(result)
        self.found.emit(result)
        if recipe is not None:
            self.recipe_found.emit(recipe, f"Text: {result.read[:60]}")
        self.publish()

    @Slot()
    def publish(self) -> None:
        """Tell a panel what there is."""
        edit = self._edit
        self.view_changed.emit(
            TextView(
                tuple((info.name, info.title) for info in self._studio.clips()),
                self._way,
                self._strength,
                self._threshold,
                can_keep=edit is not None and edit.wish.way == "direction",
            )
        )
