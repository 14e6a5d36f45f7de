"""Brings a picture to Diffuse that a ControlNet follows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Slot

from desktop.controllers.opening import OpeningController, OpenRecipe, OpenSquare
from engine.controlling import Control, Drawn, Edges
from engine.recipe import Image


class ControlController(OpeningController):
    """What the ControlNets among the terms of the guidance follow."""

    KIND = "open a picture to follow"
    _place = 0  # among the terms, of the one that a picture is opened for

    @Slot(int, object)
    def open(self, place: int, path: Path) -> None:
        """Let the ControlNet at that place among the terms follow the middle of a picture."""
        if self._diffuse.made_px:
            self._place = place
            work = OpenSquare(self._studio, path, self._diffuse.made_px)
            self._open(f"Opening {path.name}", work)

    @Slot(int, str)
    def take(self, place: int, text: str) -> None:
        """Let it follow a picture of this program, as its Recipe says it."""
        if self._diffuse.made_px:
            self._place = place
            work = OpenRecipe(self._studio, text, self._diffuse.made_px)
            self._open("Opening a picture", work)

    def follow(self, place: int, image: Image) -> None:
        """Let it follow a picture of the model's size; live until the gesture ends."""
        state = self._diffuse.state
        if state is None or place >= len(state.terms):
            return
        term = state.terms[place]
        if isinstance(term, Control):
            changed = replace(term, image=image)
            terms = (*state.terms[:place], changed, *state.terms[place + 1 :])
            self._diffuse.set_field("terms", terms)

    def _opened(self, image: Image) -> None:
        state = self._diffuse.state
        if state is None:
            return
        old = state.terms[self._place] if self._place < len(state.terms) else None
        whole = isinstance(old, Control) and not isinstance(old.image, Drawn | Edges)
        self.follow(self._place, image if whole else Edges(image))
        self._diffuse.end_gesture()
