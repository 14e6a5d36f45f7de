"""Brings pictures to the guidance of Diffuse: what is followed, what variations go toward."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Slot

from desktop.controllers.opening import OpeningController, OpenRecipe, OpenSquare
from engine.controlling import Control, Drawn, Edges, Pose
from engine.likening import Likeness
from engine.recipe import Image


class ControlController(OpeningController):
    """The pictures of the terms. A place after the last of them stands for a likeness that is
    added with its picture."""

    KIND = "open a picture to follow"
    _place = 0  # among the terms, of the one that a picture is opened for

    @Slot(int, object)
    def open(self, place: int, path: Path) -> None:
        """Let the term at that place follow the middle of a picture, or go toward it."""
        if self._diffuse.made_px:
            self._place = place
            work = OpenSquare(self._studio, path, self._diffuse.made_px)
            self._open(f"Opening {path.name}", work)

    @Slot(int, str)
    def take(self, place: int, text: str) -> None:
        """The same with a picture of this program, as its Recipe says it."""
        if self._diffuse.made_px:
            self._place = place
            work = OpenRecipe(self._studio, text, self._diffuse.made_px)
            self._open("Opening a picture", work)

    def follow(self, place: int, image: Image) -> None:
        """The same with a picture of the model's size; live until the gesture ends."""
        state = self._diffuse.state
        if state is None or place >= len(state.terms):
            return
        term = state.terms[place]
        if isinstance(term, Control | Likeness):
            changed = replace(term, image=image)
            terms = (*state.terms[:place], changed, *state.terms[place + 1 :])
            self._diffuse.set_field("terms", terms)

    def _opened(self, image: Image) -> None:
        state = self._diffuse.state
        if state is None:
            return
        if self._place >= len(state.terms):
            self._diffuse.set_field("terms", (*state.terms, Likeness(image)))
        else:
            old = state.terms[self._place]
            edges = isinstance(old, Control) and isinstance(old.image, Drawn | Edges | Pose)
            self.follow(self._place, Edges(image) if edges else image)
        self._diffuse.end_gesture()
