"""Brings a picture to Diffuse that is drawn anew: that of Explore, or a photo."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Slot

from desktop.controllers.opening import OpeningController, OpenSquare
from desktop.diffuse_state import Begun
from engine.denoising import square_of
from engine.recipe import Image, Recipe


class BeginController(OpeningController):
    """What a diffusion begins with."""

    KIND = "open a picture to draw anew"

    def take(self, recipe: Recipe, side: int) -> None:
        """Draw a square picture of such a side anew, as that of Explore is."""
        if self._diffuse.side:
            self._opened(square_of(recipe.image, side, side, self._diffuse.side))

    @Slot(object)
    def open(self, path: Path) -> None:
        """Draw the middle of a picture from a file anew."""
        if self._diffuse.side:
            self._open(f"Opening {path.name}", OpenSquare(self._studio, path, self._diffuse.side))

    def _opened(self, image: Image) -> None:
        state, usual = self._diffuse.state, self._diffuse.usual_strength
        if state is not None:
            known = Begun(image, usual if state.begun is None else state.begun.strength)
            self._diffuse.set_field("begun", known)
            self._diffuse.end_gesture()
