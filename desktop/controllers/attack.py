"""The Attack page: its frozen state, every way to change it, and undo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.attack_facts import AttackKit
from desktop.attack_state import (
    FORGED_ID,
    AttackState,
    first_state,
    recipe_of,
    state_of,
    with_image,
    with_victim,
)
from desktop.controllers.page import PageController
from desktop.lanes import Job, QueueLane
from engine.cancel import CancelToken
from engine.errors import AtelierError, ModelError
from engine.frame import OnProgress
from engine.perturbing import TRANSFORMS, MarkReader, TransformName, photo_to_attack
from engine.recipe import Generate, Image, Latent, Recipe, Truncate
from engine.studio import Studio

LIST, OPEN = "list networks", "open photo to attack"


@dataclass(frozen=True)
class _List:
    """Reads the cards of networks; runs in the lane's thread."""

    studio: Studio

    def __call__(self, progress: OnProgress, token: CancelToken) -> AttackKit:
        return AttackKit(self.studio.attacks.victims())


@dataclass(frozen=True)
class _Open:
    """Keeps a photo; runs in the lane's thread."""

    studio: Studio
    path: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> Image:
        return photo_to_attack(*self.studio.open_photo(self.path))


class AttackController(PageController[AttackState]):
    """The networks that there are, and all that Attack does to its picture."""

    kit_changed = Signal(object)  # AttackKit
    state_changed = Signal(object)  # AttackState
    named = Signal(str)  # what is attacked, in words
    page_wanted = Signal(str)

    def __init__(
        self, studio: Studio, lane: QueueLane, undo: QUndoStack, parent: QObject | None = None
    ) -> None:
        super().__init__(undo, parent)
        self.kit: AttackKit | None = None
        self._studio, self._lane = studio, lane
        self._explored: Recipe | None = None
        self._pending: tuple[Recipe, str] | None = None
        self._dropped: Path | None = None
        self._listing = False
        lane.finished.connect(self._done)
        lane.failed.connect(self._failed)

    @staticmethod
    def made(state: AttackState) -> Recipe:
        """The picture of a state."""
        return recipe_of(state)

    def _publish(self, state: AttackState) -> None:
        self.state_changed.emit(state)

    def _based(self, state: AttackState, base: Latent) -> AttackState:
        """Another portrait of the same model; a photo stays what it is."""
        if not isinstance(state.image, Generate):
            return state
        old = state.image.latent
        psi = old.psi if isinstance(old, Truncate) else 0.7
        return replace(state, image=replace(state.image, latent=Truncate(base, psi)))

    def _restore(self, state: AttackState) -> None:
        """Undo and redo come here, from whatever page."""
        self.page_wanted.emit("attack")
        self._show_anew(state)
        self.settled.emit(recipe_of(state), "")

    # --- what is attacked

    @Slot(object, bool, float)
    def follow(self, recipe: Recipe, live: bool, moved_s: float) -> None:
        """The picture of another page, for when it is wanted here."""
        self._explored = recipe

    @Slot()
    def show_again(self) -> None:
        """The page came to the front; the first time, networks are listed."""
        if self.kit is None:
            self._list()
        elif self.state is None:
            self._begin()
        self._want_again()

    @Slot()
    def take_explored(self) -> None:
        """Attack the picture of the page that was left."""
        if self._explored is not None and self.kit is not None:
            self._take_image("Attack this picture", self._explored.image)

    def open(self, path: Path) -> None:
        """Attack a photo."""
        if self.kit is None:
            self._dropped = path
            self._list()
            return
        self._lane.submit(Job(OPEN, f"Opening {path.name}", _Open(self._studio, path), path))

    def _take_image(self, text: str, image: Image) -> None:
        assert self.kit is not None
        if self.state is None:
            state = first_state(image, self.kit.infos)
            self._show_anew(state)
            self.settled.emit(recipe_of(state), text)
        else:
            self.do(text, with_image(self.state, image, self.kit.infos))

    # --- what the panels ask for

    @Slot(str)
    def use(self, key: str) -> None:
        """Attack another network."""
        info = next((i for i in self.kit.infos if i.key == key), None) if self.kit else None
        if info is None or self.state is None:
            return
        if info.missing:
            self._tell(ModelError(f"{info.title} is not installed here.", info.missing))
            self._publish(self.state)
            return
        self.do(f"Attack {info.title}", with_victim(self.state, info))

    @Slot(str)
    def ask(self, question: str) -> None:
        """Ask the network something else."""
        if self.state is not None:
            self.do("Attribute", replace(self.state, question=question, target=None))

    @Slot(object)
    def aim(self, target: int | None) -> None:
        """Want one answer, or any other one."""
        if self.state is None:
            return
        if target is not None and isinstance(self.state.victim, MarkReader):
            target = FORGED_ID
        self.do("Wanted answer", replace(self.state, target=target))

    @Slot(str, object)
    def set_field(self, name: str, value: Any) -> None:
        """Another value of one field of the state; live."""
        if self.state is not None:
            self.change(name.capitalize(), replace(self.state, **{name: value}))

    @Slot(str, bool)
    def set_transform(self, name: TransformName, on: bool) -> None:
        """Whether the attack has to outlive a transformation."""
        if self.state is None:
            return
        kept = {*self.state.transforms, name} if on else {*self.state.transforms} - {name}
        transforms = tuple(one for one in TRANSFORMS if one in kept)
        self.do("Outlive", replace(self.state, transforms=transforms))

    @Slot(str)
    def take_pattern(self, pattern: str) -> None:
        """A universal pattern was found."""
        if self.state is not None:
            self.do("Universal pattern", replace(self.state, method="universal", pattern=pattern))

    # --- whole Recipes

    def load_recipe(self, recipe: Recipe, text: str) -> None:
        """Show a Recipe from a file, the history or a verified picture."""
        if self.kit is None:
            self._pending = (recipe, text)
            self._list()
            return
        try:
            self._studio.check(recipe)
            state = state_of(recipe)
        except AtelierError as error:
            self._tell(error)
            return
        if self.state is None:
            self._show_anew(state)
            self.settled.emit(recipe_of(state), text)
        else:
            self.do(text, state)
            self._want_again()

    # --- jobs

    def _list(self) -> None:
        if not self._listing:
            self._listing = True
            self._lane.submit(Job(LIST, "Reading the networks", _List(self._studio)))

    def _begin(self) -> None:
        if self._explored is not None:
            self.take_explored()

    @Slot(object, object)
    def _done(self, job: Job, result: object) -> None:
        if job.kind == OPEN and isinstance(result, Image):
            self._take_image("Attack a photo", result)
        if job.kind != LIST or not isinstance(result, AttackKit):
            return
        self.kit = result
        self.kit_changed.emit(result)
        pending, self._pending = self._pending, None
        dropped, self._dropped = self._dropped, None
        if pending is not None:
            self.load_recipe(*pending)
        elif dropped is not None:
            self.open(dropped)
        else:
            self._begin()

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        if job.kind in (LIST, OPEN):
            self._listing = False
            self._tell(error)
