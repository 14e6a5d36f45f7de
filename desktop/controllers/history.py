"""Where the user has been: every settled picture, and those worth keeping."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QUndoStack

from desktop.commands import Replace
from desktop.controllers.thumbs import ThumbController
from desktop.facts import HistoryState, HistoryView, Visit
from desktop.messages import message_of
from engine.errors import AtelierError
from engine.frame import Frame
from engine.recipe import Recipe

KEPT = 200
KIND = "history"
SOON_MS = 40


class HistoryController(QObject):
    """Adds a visit when a gesture settles; its thumbnail comes with the rendered frame."""

    view_changed = Signal(object)  # HistoryView
    changed = Signal()  # the project should be saved
    chosen = Signal(object)  # Recipe
    told = Signal(object)  # Message

    def __init__(
        self, undo: QUndoStack, thumbs: ThumbController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.state = HistoryState()
        self.current: Recipe | None = None
        self._undo = undo
        self._thumbs = thumbs
        self._known: frozenset[Recipe] = frozenset()
        self._images: dict[str, QImage] = {}
        self._soon = QTimer(self, interval=SOON_MS, singleShot=True)  # many may come at once
        self._soon.timeout.connect(self._publish)
        thumbs.arrived.connect(self._arrived)

    @Slot(object, str)
    def settle(self, recipe: Recipe, label: str) -> None:
        """A gesture ended at this picture. No label: the user only went back or forth."""
        self.current = recipe
        known = any(visit.recipe == recipe for visit in self.state.visits)
        if label and not known:
            visit = Visit(recipe, label, _now())
            self.state = replace(self.state, visits=(*self.state.visits, visit)[-KEPT:])
            self._visits_changed()
        # A picture that was passed by too quickly never came as a frame of its own.
        self._thumbs.ask(KIND, [v.recipe for v in self.state.visits[::-1] if v.recipe != recipe])
        if len(self.state.visits) > 1:  # the first picture is nobody's work yet
            self.changed.emit()
        self._publish()

    @Slot(object, object)
    def take_frame(self, frame: Frame, picture: object) -> None:
        """A settled picture was rendered; no need to render its thumbnail."""
        if frame.quality == "full" and frame.recipe == self.current:
            self._thumbs.keep(frame)

    @Slot(object)
    def choose(self, recipe: Recipe) -> None:
        """Go back to a picture."""
        self.chosen.emit(recipe)

    @Slot(object)
    def star(self, recipe: Recipe) -> None:
        """Keep a picture, or let it go."""
        kept = tuple(visit for visit in self.state.favourites if visit.recipe != recipe)
        text = "Remove favourite"
        if len(kept) == len(self.state.favourites):
            visit = next((v for v in self.state.visits if v.recipe == recipe), None)
            kept = (*kept, visit or Visit(recipe, "Favourite", _now()))
            text = "Add favourite"
        before = self.state
        self._restore(replace(self.state, favourites=kept))
        self._undo.push(Replace(text, self._restore_favourites, before.favourites, kept))

    @Slot(str)
    def keep(self, text: str) -> None:
        """A dropped Recipe becomes a favourite, unless it is one."""
        try:
            recipe = Recipe.from_json(text)
        except AtelierError as error:
            message = message_of(error)
            if message is not None:
                self.told.emit(message)
            return
        if all(visit.recipe != recipe for visit in self.state.favourites):
            self.star(recipe)
            self._thumbs.ask(KIND, [recipe])

    @Slot()
    def star_current(self) -> None:
        """Keep the picture on the canvas."""
        if self.current is not None:
            self.star(self.current)

    @Slot(object, int)
    def rate(self, recipe: Recipe, rating: int) -> None:
        """Give a favourite 1 to 5 stars, 0 for none."""
        self._alter("Rate", recipe, rating=rating)

    @Slot(object, tuple)
    def tag(self, recipe: Recipe, tags: tuple[str, ...]) -> None:
        """Give a favourite its tags."""
        kept = tuple(dict.fromkeys(word.strip()[:40] for word in tags if word.strip()))
        self._alter("Tag", recipe, tags=kept[:16])

    def _alter(self, text: str, recipe: Recipe, **values: Any) -> None:
        before = self.state.favourites
        after = tuple(replace(v, **values) if v.recipe == recipe else v for v in before)
        if after != before:
            self._restore_favourites(after)
            self._undo.push(Replace(text, self._restore_favourites, before, after))

    def bring(self, favourites: tuple[Visit, ...]) -> None:
        """Favourites of before join those that are here."""
        known = {visit.recipe for visit in favourites}
        here = tuple(visit for visit in self.state.favourites if visit.recipe not in known)
        self.state = replace(self.state, favourites=(*favourites, *here))
        self._visits_changed()
        self._thumbs.ask(KIND, [visit.recipe for visit in favourites])
        self._publish()

    def replace_all(self, state: HistoryState, current: Recipe | None) -> None:
        """Another project's history; favourites are kept, and those of the project join them."""
        self.current = current
        here = self.state.favourites
        known = {visit.recipe for visit in here}
        new = tuple(visit for visit in state.favourites if visit.recipe not in known)
        state = replace(state, favourites=(*here, *new))
        self._restore(state)
        recipes = [v.recipe for v in (*state.visits[::-1], *state.favourites)]
        self._thumbs.ask(KIND, recipes)

    def _restore_favourites(self, favourites: tuple[Visit, ...]) -> None:
        self._restore(replace(self.state, favourites=favourites))

    def _restore(self, state: HistoryState) -> None:
        self.state = state
        self._visits_changed()
        self.changed.emit()
        self._publish()

    @Slot(object)
    def _arrived(self, recipe: Recipe) -> None:
        if recipe in self._known:
            image = self._thumbs.get(recipe)
            if image is not None:
                self._images = {**self._images, recipe.sha256: image}
                self._soon.start()

    def _visits_changed(self) -> None:
        """Gather the pictures that are there; most come with their frames."""
        visits = (*self.state.visits, *self.state.favourites)
        self._known = frozenset(visit.recipe for visit in visits)
        ready = ((recipe.sha256, self._thumbs.get(recipe)) for recipe in self._known)
        self._images = {sha256: image for sha256, image in ready if image is not None}

    @Slot()
    def _publish(self) -> None:
        self._soon.stop()
        self.view_changed.emit(HistoryView(self.state, self._images, self.current))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
