"""Brings a picture to Diffuse that a ControlNet follows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from desktop.controllers.begin import OpenRecipe, OpenSquare
from desktop.controllers.diffuse import DiffuseController
from desktop.lanes import Job, QueueLane
from desktop.messages import message_of
from engine.controlling import Control, Drawn, Edges
from engine.recipe import Image
from engine.studio import Studio

OPEN = "open a picture to follow"


class ControlController(QObject):
    """What the ControlNets among the terms of the guidance follow."""

    told = Signal(object)  # Message

    def __init__(
        self,
        studio: Studio,
        lane: QueueLane,
        diffuse: DiffuseController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio, self._lane, self._diffuse = studio, lane, diffuse
        self._place = 0
        lane.finished.connect(self._opened)
        lane.failed.connect(self._failed)

    @Slot(int, object)
    def open(self, place: int, path: Path) -> None:
        """Let the ControlNet at that place among the terms follow the middle of a picture."""
        if self._diffuse.made_px:
            self._place = place
            work = OpenSquare(self._studio, path, self._diffuse.made_px)
            self._lane.submit(Job(OPEN, f"Opening {path.name}", work))

    @Slot(int, str)
    def take(self, place: int, text: str) -> None:
        """Let it follow a picture of this program, as its Recipe says it."""
        if self._diffuse.made_px:
            self._place = place
            work = OpenRecipe(self._studio, text, self._diffuse.made_px)
            self._lane.submit(Job(OPEN, "Opening a picture", work))

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

    @Slot(object, object)
    def _opened(self, job: Job, result: object) -> None:
        state = self._diffuse.state
        if job.kind != OPEN or not isinstance(result, Image) or state is None:
            return
        old = state.terms[self._place] if self._place < len(state.terms) else None
        whole = isinstance(old, Control) and not isinstance(old.image, Drawn | Edges)
        self.follow(self._place, result if whole else Edges(result))
        self._diffuse.end_gesture()

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        message = message_of(error) if job.kind == OPEN else None
        if message is not None:
            self.told.emit(message)
