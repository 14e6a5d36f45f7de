"""What the pages that make pictures do alike: a frozen state with a base, gestures, and undo."""

from __future__ import annotations

import random
import time
from abc import abstractmethod
from dataclasses import replace
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.commands import Gesture
from desktop.messages import message_of
from desktop.state import Lattice, default_corners, home_seed, lattice_base, lattice_of
from engine.recipe import MAX_SEED, Latent, Recipe, Seed

State = TypeVar("State", bound=Any)  # a frozen dataclass with a `base`


class PageController(QObject, Generic[State]):
    """Every change goes through `change`; a gesture is from its first change to `end_gesture`.

    noun: what a seed is called on this page.
    """

    recipe_wanted = Signal(object, bool, float)  # Recipe, live, when the hand moved
    settled = Signal(object, str)  # Recipe, what was done
    told = Signal(object)  # Message

    noun = "seed"

    def __init__(self, undo: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: State | None = None
        self._gesture: Gesture[State] = Gesture(undo, self._restore)
        self._text = ""
        self._moved_s = 0.0
        self._random = random.SystemRandom()

    # --- what a page says for itself

    @staticmethod
    @abstractmethod
    def made(state: State) -> Recipe:
        """The picture of a state."""

    @abstractmethod
    def _publish(self, state: State) -> None:
        """Tell the panels of another state."""

    @abstractmethod
    def _restore(self, state: State) -> None:
        """Undo and redo come here."""

    def _based(self, state: State, base: Latent) -> State:
        """The state with another base."""
        changed: State = replace(state, base=base)
        return changed

    # --- the base

    @Slot(int)
    def set_seed(self, seed: int) -> None:
        """Begin with a seed."""
        self._base(f"{self.noun.capitalize()} {seed}", Seed(seed))

    @Slot()
    def random_seed(self) -> None:
        """Begin with any seed."""
        self.set_seed(self._random.randint(0, MAX_SEED))

    @Slot()
    def next_seed(self) -> None:
        """The seed after this one."""
        self._step_seed(1)

    @Slot()
    def previous_seed(self) -> None:
        """The seed before this one."""
        self._step_seed(-1)

    def _step_seed(self, step: int) -> None:
        if self.state is not None:
            seed = home_seed(self.state.base)
            self.set_seed(0 if seed is None else (seed + step) % (MAX_SEED + 1))

    @Slot(float, float)
    def walk_to(self, x: float, y: float) -> None:
        """Walk between four seeds; live."""
        if self.state is not None:
            lattice = lattice_of(self.state.base) or Lattice(default_corners(0), 0.0, 0.0)
            base = lattice_base(replace(lattice, x=x, y=y))
            self.change(f"Walk between {self.noun}s", replace(self.state, base=base))

    @Slot(int)
    def take_corner(self, corner: int) -> None:
        """Go to a corner's seed."""
        lattice = lattice_of(self.state.base) if self.state is not None else None
        if lattice is not None:
            self.set_seed(lattice.seeds[corner])

    @Slot()
    def new_corners(self) -> None:
        """Draw three other neighbours; the first corner and the picture there stay."""
        lattice = lattice_of(self.state.base) if self.state is not None else None
        if lattice is not None:
            b, c, d = (self._random.randint(0, MAX_SEED) for _ in range(3))
            home = replace(lattice, seeds=(lattice.seeds[0], b, c, d), x=0.0, y=0.0)
            self._base("New corners", lattice_base(home))

    def _base(self, text: str, base: Latent) -> None:
        if self.state is not None:
            self.do(text, self._based(self.state, base))

    # --- gestures

    @Slot()
    def end_gesture(self) -> None:
        """The hand is off: one undo command, and the last value at full quality."""
        if self.state is None or not self._gesture.live:
            return
        recipe = self.made(self.state)
        self.recipe_wanted.emit(recipe, False, self._moved_s)
        if self._gesture.end(self._text, self.state):
            self.settled.emit(recipe, self._text)

    def do(self, text: str, state: State) -> None:
        """A change that is a whole gesture."""
        self.end_gesture()
        self.change(text, state)
        self.end_gesture()

    def change(self, text: str, state: State) -> None:
        """A live change."""
        if self.state == state:
            return
        self._moved_s = time.perf_counter()
        if self.state is not None:
            self._gesture.begin(self.state)
        self._text = text
        self._put(state, live=True)

    def _put(self, state: State, live: bool) -> None:
        self.state = state
        self._publish(state)
        self.recipe_wanted.emit(self.made(state), live, self._moved_s)

    def _show_anew(self, state: State) -> None:
        """Show a state that no hand made, at full quality."""
        self._gesture.drop()
        self._moved_s = time.perf_counter()
        self._put(state, live=False)

    def _want_again(self) -> None:
        if self.state is not None:
            self.recipe_wanted.emit(self.made(self.state), False, time.perf_counter())

    def _tell(self, error: BaseException) -> None:
        message = message_of(error)
        if message is not None:
            self.told.emit(message)
