"""The Diffuse page: its frozen state, every way to change it, its steps, and undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage, QUndoStack

from desktop.controllers.page import PageController
from desktop.diffuse_state import (
    Begun,
    DiffuseState,
    at_size,
    fitting_spacing,
    recipe_of,
    state_of,
    with_best_pag,
)
from desktop.display import Shown, shown, thumb
from desktop.facts import DiffuseKit
from desktop.lanes import Job, QueueLane
from desktop.text_shares import of as texts
from engine.cancel import CancelToken
from engine.controlling import Control, ControlInfo
from engine.denoising import (
    Classes,
    ClassifierFree,
    Conditioning,
    DenoiserInfo,
    Guidance,
    PerturbedAttention,
    PictureGuidance,
    Texts,
)
from engine.errors import AtelierError, ModelError
from engine.frame import DenoisingStep, OnProgress
from engine.likening import Likeness, TextDifference
from engine.recipe import ClassWeight, ModelRef, Recipe
from engine.studio import Studio

LIST = "list diffusion models"
START_CLASS = 6  # of the bundled model: feminine, smiling, no eyeglasses
START_PROMPT = "a smiling woman with glasses"


@dataclass(frozen=True)
class _List:
    """Reads the cards of diffusion models; runs in the lane's thread."""

    studio: Studio

    def __call__(self, progress: OnProgress, token: CancelToken) -> DiffuseKit:
        models, studio = self.studio.denoisers(), self.studio
        return DiffuseKit(
            models,
            studio.classifiers(),
            studio.clips(),
            studio.noisy_clips(),
            {info.sha256: studio.controls_beside(info) for info in models},
            {info.sha256: studio.runs_here(info) for info in models},
        )


class DiffuseController(PageController[DiffuseState]):
    """The models that there are, and all that Diffuse does to its picture."""

    kit_changed = Signal(object)  # DiffuseKit
    state_changed = Signal(object)  # DiffuseState
    trail_changed = Signal(object)  # tuple of QImage or None, one for each step
    step_shown = Signal(object)  # Shown
    page_wanted = Signal(str)

    noun = "noise"

    def __init__(
        self, studio: Studio, lane: QueueLane, undo: QUndoStack, parent: QObject | None = None
    ) -> None:
        super().__init__(undo, parent)
        self.kit: DiffuseKit | None = None
        self._studio, self._lane = studio, lane
        self._trail: dict[int, DenoisingStep] = {}
        self._thumbs: list[QImage | None] = []
        self._pending: tuple[Recipe, str] | None = None
        lane.finished.connect(self._listed)
        lane.failed.connect(self._failed)

    @property
    def recipe(self) -> Recipe | None:
        """The picture of now."""
        return None if self.state is None else recipe_of(self.state)

    @property
    def side(self) -> int:
        """Of the pictures that the model of now draws anew; 0 before there is one."""
        info = self.kit.maker(self.state.model.sha256) if self.kit and self.state else None
        return 0 if info is None else info.begins_px

    @property
    def usual_strength(self) -> float:
        """How much of a picture the model of now draws anew."""
        info = self.kit.maker(self.state.model.sha256) if self.kit and self.state else None
        return Begun.strength if info is None else info.usual_strength

    @property
    def made_px(self) -> int:
        """The side of what the model of now makes; 0 before there is one."""
        info = self.kit.maker(self.state.model.sha256) if self.kit and self.state else None
        return 0 if info is None else info.resolution

    @Slot()
    def show_again(self) -> None:
        """The page came to the front: its picture is wanted; the first time, models are listed."""
        if self.kit is None:
            self._lane.submit(Job(LIST, "Reading the diffusion models", _List(self._studio)))
        self._want_again()

    @Slot()
    def list_again(self) -> None:
        """Models came or went."""
        if self.kit is not None:
            self._lane.submit(Job(LIST, "Reading the diffusion models", _List(self._studio)))

    @staticmethod
    def made(state: DiffuseState) -> Recipe:
        """The picture of a state."""
        return recipe_of(state)

    def _publish(self, state: DiffuseState) -> None:
        self.state_changed.emit(state)

    # --- what the panels ask for

    @Slot(str)
    def use(self, name: str) -> None:
        """Another model; what it does not know is left out."""
        # One that draws what is written, and comes with the program, shows most.
        info = next((m for m in self.kit.makers if m.name == name), None) if self.kit else None
        if info is None or self.state is None:
            return
        ref = ModelRef(info.name, info.sha256)
        asked = _fitting(self.state.conditioning, info)
        controls = self.kit.controls.get(info.sha256, ()) if self.kit else ()
        before = self.kit.maker(self.state.model.sha256) if self.kit else None
        found = (
            _fitting_term(term, info, controls)
            for term in with_best_pag(self.state.terms, before, info)
        )
        terms = tuple(term for term in found if term is not None)
        begun, side = self.state.begun, info.begins_px  # of the size that the other model takes
        if begun is not None and side != self.side:
            begun = replace(begun, image=at_size(begun.image, side))
        if begun is not None and info.shown == "small":
            begun = replace(begun, strength=1.0, only=())
        changed = replace(self.state, model=ref, conditioning=asked, terms=terms, begun=begun)
        self.do(f"Use {info.title}", changed)

    @Slot(object)
    def set_class(self, index: int | None) -> None:
        """Ask for one class, or for none."""
        if self.state is not None:
            asked = Classes(() if index is None else (ClassWeight(index),))
            self.do("Class", replace(self.state, conditioning=asked))

    @Slot(str)
    def set_prompt(self, text: str) -> None:
        """Ask for what a text says; for anything when it is empty."""
        self.set_texts(texts(text))
        self.end_gesture()

    @Slot(object)
    def set_texts(self, asked: Texts) -> None:
        """Ask for what a text says, or a blend of several; live until the gesture ends."""
        if self.state is not None:
            self.change("Prompt", replace(self.state, conditioning=asked))

    @Slot(str, object)
    def set_field(self, name: str, value: Any) -> None:
        """Another value of one field of the state; live. A spacing that does not go is replaced."""
        if self.state is None:
            return
        changed = replace(self.state, **{name: value})
        spacing = fitting_spacing(changed.sampler, changed.spacing)
        eta = changed.eta if changed.sampler == "ddim" else 0.0
        self.change(name.capitalize(), replace(changed, spacing=spacing, eta=eta))

    @Slot(object)
    def take_state(self, state: DiffuseState) -> None:
        """A picture of the comparison, exactly as it is shown there."""
        self.do("Take from the comparison", state)

    @Slot(object)
    def take_queued(self, state: DiffuseState) -> None:
        """A picture of the queue."""
        self.do("Take from the queue", state)

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
        self.do(text, state)

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

    def _restore(self, state: DiffuseState) -> None:
        """Undo and redo come here, from whatever page."""
        self.page_wanted.emit("diffuse")
        self._show_anew(state)
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
                    "Train one with `train portraits-ddpm`, then keep it with `import FOLDER`.",
                )
            )
            return
        if self.state is not None:
            return  # listed again
        if self._pending is not None:
            recipe, text = self._pending
            self._pending = None
            self.state = self._first(result)
            self.load_recipe(recipe, text)
            return
        state = self._first(result)
        self._show_anew(state)
        self.settled.emit(recipe_of(state), "First diffusion picture")

    def _first(self, kit: DiffuseKit) -> DiffuseState:
        # One that draws what is written, and comes with the program, shows most.
        info = next((m for m in kit.makers if m.bundled and m.reads and not m.shown), kit.makers[0])
        state = DiffuseState(ModelRef(info.name, info.sha256), conditioning=_fitting(None, info))
        return replace(state, terms=with_best_pag(state.terms, None, info))

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        if job.kind == LIST:
            self._tell(error)


def _fitting(
    asked: Conditioning | None, info: DenoiserInfo, *, first: bool = True
) -> Classes | Texts:
    """What was asked for as far as the model understands it, else what it begins with, or nothing
    unless `first`."""
    if info.reads:
        if isinstance(asked, Texts):
            return asked
        return texts(START_PROMPT if first else "")
    if isinstance(asked, Classes):
        return Classes(tuple(c for c in asked.weights if c.index < len(info.classes)))
    known = first and len(info.classes) > START_CLASS
    return Classes((ClassWeight(START_CLASS),) if known else ())


def _fitting_term(
    term: Guidance, info: DenoiserInfo, controls: Sequence[ControlInfo]
) -> Guidance | None:
    """The term as another model understands it; None for one that it cannot have."""
    match term:
        case ClassifierFree(negative=negative):
            if not (info.free or info.reads):
                return None
            return replace(term, negative=_fitting(negative, info, first=False))
        case Control(model=net, image=image):
            fits = net.sha256 in {one.sha256 for one in controls}
            return replace(term, image=at_size(image, info.resolution)) if fits else None
        case PerturbedAttention():
            return term if info.usual_pag else None
        case PictureGuidance():
            return term if info.shown == "picture" else None
        case Likeness() | TextDifference():
            return term if info.shown == "like" else None
    return term
