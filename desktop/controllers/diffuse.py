"""The Diffuse page: its frozen state, every way to change it, its steps, and undo."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage, QUndoStack

from desktop.commands import Replace
from desktop.diffuse_state import DiffuseState, fitting_spacing, recipe_of, state_of
from desktop.display import Shown, shown, thumb
from desktop.facts import DiffuseKit, LatticeView
from desktop.lanes import Job, QueueLane
from desktop.messages import message_of
from desktop.state import Lattice, default_corners, home_seed, lattice_base, lattice_of
from engine.cancel import CancelToken
from engine.errors import AtelierError, ModelError
from engine.frame import DenoisingStep, OnProgress
from engine.recipe import MAX_SEED, ClassWeight, Latent, ModelRef, Recipe, Seed
from engine.studio import Studio

LIST = "list diffusion models"
START_CLASS = 6  # of the bundled model: feminine, smiling, no eyeglasses


@dataclass(frozen=True)
class _List:
    """Reads the cards of diffusion models; runs in the lane's thread."""

    studio: Studio

    def __call__(self, progress: OnProgress, token: CancelToken) -> DiffuseKit:
        return DiffuseKit(self.studio.denoisers(), self.studio.classifiers())


class DiffuseController(QObject):
    """Every change goes through `_change`; a gesture is from its first change to `end_gesture`."""

    kit_changed = Signal(object)  # DiffuseKit
    state_changed = Signal(object)  # DiffuseState
    lattice_changed = Signal(object)  # LatticeView
    recipe_wanted = Signal(object, bool, float)  # Recipe, live, when the hand moved
    settled = Signal(object, str)  # Recipe, what was done
    trail_changed = Signal(object)  # tuple of QImage or None, one for each step
    step_shown = Signal(object)  # Shown
    page_wanted = Signal(str)
    told = Signal(object)  # Message

    def __init__(
        self, studio: Studio, lane: QueueLane, undo: QUndoStack, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.kit: DiffuseKit | None = None
        self.state: DiffuseState | None = None
        self._studio, self._lane, self._undo = studio, lane, undo
        self._before: DiffuseState | None = None
        self._text = ""
        self._moved_s = 0.0
        self._trail: dict[int, DenoisingStep] = {}
        self._thumbs: list[QImage | None] = []
        self._pending: tuple[Recipe, str] | None = None
        self._random = random.SystemRandom()
        lane.finished.connect(self._listed)
        lane.failed.connect(self._failed)

    @property
    def recipe(self) -> Recipe | None:
        """The picture of now."""
        return None if self.state is None else recipe_of(self.state)

    @Slot()
    def show_again(self) -> None:
        """The page came to the front: its picture is wanted; the first time, models are listed."""
        if self.kit is None:
            self._lane.submit(Job(LIST, "Reading the diffusion models", _List(self._studio)))
        elif self.state is not None:
            self.recipe_wanted.emit(recipe_of(self.state), False, time.perf_counter())

    # --- what the panels ask for

    @Slot(str)
    def use(self, name: str) -> None:
        """Another model; what it does not know is left out."""
        info = next((m for m in self.kit.makers if m.name == name), None) if self.kit else None
        if info is None or self.state is None:
            return
        count = len(info.classes)
        kept = tuple(c for c in self.state.classes if c.index < count)
        ref = ModelRef(info.name, info.sha256)
        self._do(f"Use {info.title}", replace(self.state, model=ref, classes=kept))

    @Slot(int)
    def set_seed(self, seed: int) -> None:
        """Begin with the noise of a seed."""
        self._base(f"Noise {seed}", Seed(seed))

    @Slot()
    def random_seed(self) -> None:
        """Begin with any noise."""
        self.set_seed(self._random.randint(0, MAX_SEED))

    @Slot()
    def next_seed(self) -> None:
        """The noise after this one."""
        self._step_seed(1)

    @Slot()
    def previous_seed(self) -> None:
        """The noise before this one."""
        self._step_seed(-1)

    def _step_seed(self, step: int) -> None:
        if self.state is not None:
            seed = home_seed(self.state.base)
            self.set_seed(0 if seed is None else (seed + step) % (MAX_SEED + 1))

    @Slot(float, float)
    def walk_to(self, x: float, y: float) -> None:
        """Walk between four noises; live."""
        if self.state is not None:
            lattice = lattice_of(self.state.base) or Lattice(default_corners(0), 0, 0)
            base = lattice_base(replace(lattice, x=x, y=y))
            self._change("Walk between noises", replace(self.state, base=base))

    @Slot(int)
    def take_corner(self, corner: int) -> None:
        """Go to a corner's noise."""
        lattice = lattice_of(self.state.base) if self.state is not None else None
        if lattice is not None:
            self.set_seed(lattice.seeds[corner])

    @Slot()
    def new_corners(self) -> None:
        """Three other neighbours; the noise stays."""
        lattice = lattice_of(self.state.base) if self.state is not None else None
        if lattice is not None:
            b, c, d = (self._random.randint(0, MAX_SEED) for _ in range(3))
            home = Lattice((lattice.seeds[0], b, c, d), 0.0, 0.0)
            self._base("New corners", lattice_base(home))

    def _base(self, text: str, base: Latent) -> None:
        if self.state is not None:
            self._do(text, replace(self.state, base=base))

    @Slot(object)
    def set_class(self, index: int | None) -> None:
        """Ask for one class, or for none."""
        if self.state is not None:
            classes = () if index is None else (ClassWeight(index),)
            self._do("Class", replace(self.state, classes=classes))

    @Slot(str, object)
    def set_field(self, name: str, value: Any) -> None:
        """Another value of one field of the state; live. A spacing that does not go is replaced."""
        if self.state is None:
            return
        changed = replace(self.state, **{name: value})
        spacing = fitting_spacing(changed.sampler, changed.spacing)
        eta = changed.eta if changed.sampler == "ddim" else 0.0
        self._change(name.capitalize(), replace(changed, spacing=spacing, eta=eta))

    @Slot(object)
    def take_state(self, state: DiffuseState) -> None:
        """A picture of the comparison, exactly as it is shown there."""
        self._do("Take from the comparison", state)

    # --- whole Recipes

    def load_recipe(self, recipe: Recipe, text: str) -> None:
        """Show a Recipe from a file, the history or a verified picture."""
        if self.kit is None:
            self._pending = (recipe, text)
            self.show_again()
            return
        try:
            state = state_of(recipe)
            known = {info.sha256 for info in self.kit.makers}
            if state.model.sha256 not in known:
                raise ModelError(
                    f"The model {state.model.name!r} with digest {state.model.sha256[:12]}… is "
                    "not on this machine.",
                    "Import it, then open the Recipe again.",
                )
        except AtelierError as error:
            self._tell(error)
            return
        self._do(text, state)

    # --- steps

    @Slot(object, object)
    def take_step(self, recipe: Recipe, step: DenoisingStep) -> None:
        """A step of the picture that is being made: show it and keep it for scrubbing."""
        if recipe != self.recipe:
            return
        if step.index == 0 or len(self._thumbs) != step.count:
            self._trail, self._thumbs = {}, [None] * step.count
        self._trail[step.index] = step
        self._thumbs[step.index] = thumb(step.pixels)
        self.trail_changed.emit(tuple(self._thumbs))
        if step.index + 1 < step.count:
            self.step_shown.emit(shown(step.pixels))

    @Slot(int)
    def scrub(self, index: int) -> None:
        """Show what was predicted at a step."""
        step = self._trail.get(index)
        if step is not None:
            picture: Shown = shown(step.pixels)
            self.step_shown.emit(picture)

    # --- gestures

    @Slot()
    def end_gesture(self) -> None:
        """The hand is off: one undo command, and the last value at full quality."""
        before, self._before = self._before, None
        if self.state is None or before is None:
            return
        recipe = recipe_of(self.state)
        self.recipe_wanted.emit(recipe, False, self._moved_s)
        if before != self.state:
            self._undo.push(Replace(self._text, self._restore, before, self.state))
            self.settled.emit(recipe, self._text)

    def _do(self, text: str, state: DiffuseState) -> None:
        self.end_gesture()
        self._change(text, state)
        self.end_gesture()

    def _change(self, text: str, state: DiffuseState) -> None:
        if self.state is None or self.state == state:
            return
        self._moved_s = time.perf_counter()
        if self._before is None:
            self._before = self.state
        self._text = text
        self._put(state, live=True)

    def _put(self, state: DiffuseState, live: bool) -> None:
        self.state = state
        self.state_changed.emit(state)
        self.lattice_changed.emit(LatticeView(lattice_of(state.base), {}))
        self.recipe_wanted.emit(recipe_of(state), live, self._moved_s)

    def _restore(self, state: DiffuseState) -> None:
        """Undo and redo come here, from whatever page."""
        self._before = None
        self._moved_s = time.perf_counter()
        self.page_wanted.emit("diffuse")
        self._put(state, live=False)
        self.settled.emit(recipe_of(state), "")

    # --- the models

    @Slot(object, object)
    def _listed(self, job: Job, result: object) -> None:
        if job.kind != LIST or not isinstance(result, DiffuseKit):
            return
        self.kit = result
        self.kit_changed.emit(result)
        if not result.makers:
            self._tell(
                ModelError(
                    "There is no diffusion model on this machine.",
                    "Train one: python main.py train portraits-ddpm, then import its folder.",
                )
            )
            return
        if self._pending is not None:
            recipe, text = self._pending
            self._pending = None
            self.state = self._first(result)
            self.load_recipe(recipe, text)
            return
        state = self._first(result)
        self._moved_s = time.perf_counter()
        self._put(state, live=False)
        self.settled.emit(recipe_of(state), "First diffusion picture")

    def _first(self, kit: DiffuseKit) -> DiffuseState:
        info = kit.makers[0]
        classes = (ClassWeight(START_CLASS),) if len(info.classes) > START_CLASS else ()
        return DiffuseState(ModelRef(info.name, info.sha256), classes=classes)

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        if job.kind == LIST:
            self._tell(error)

    def _tell(self, error: BaseException) -> None:
        message = message_of(error)
        if message is not None:
            self.told.emit(message)
