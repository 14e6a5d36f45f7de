"""The Explore page: its frozen state, every way to change it, and undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.controllers.carried import carried
from desktop.controllers.page import PageController
from desktop.kit import START_PSI, Kit
from desktop.state import (
    ExploreState,
    MixSetting,
    MoveSetting,
    in_order,
    layer_psis,
    recipe_of,
    state_of,
    with_strength,
)
from engine.errors import AtelierError
from engine.recipe import Latent, ModelRef, Recipe, Seed

MAX_MIXES = 8
Check = Callable[[Recipe], None]


def _accept(recipe: Recipe) -> None:
    """Every Recipe may be shown."""


class ExploreController(PageController[ExploreState]):
    """The model on the table, and all that Explore does to its picture."""

    state_changed = Signal(object)  # ExploreState
    kit_changed = Signal(object)  # Kit
    kit_grew = Signal(object)  # Kit of the same model
    model_wanted = Signal(object)  # ModelRef that is not the kit's

    def __init__(
        self, undo: QUndoStack, check: Check = _accept, parent: QObject | None = None
    ) -> None:
        """check: raises an AtelierError for a Recipe that would not render here."""
        super().__init__(undo, parent)
        self.kit: Kit | None = None
        self._check = check
        self._pending: tuple[ExploreState, str] | None = None
        self._missed: tuple[ExploreState, str] | None = None
        self.wanted: ModelRef | None = None  # by a Recipe, and not here

    # --- the model on the table

    def set_kit(self, kit: Kit) -> None:
        """Put a model on the table: what waits for it, or its first picture."""
        if kit == self.kit and self._pending is None:
            return
        if self.kit is not None and kit.ref == self.kit.ref and self._pending is None:
            self.kit = kit  # the same model with other directions: the picture stays
            self.kit_grew.emit(kit)
            return
        self.wanted = None
        self.kit = kit
        self.kit_changed.emit(kit)
        if self._pending is not None and self._pending[0].model.sha256 == kit.ref.sha256:
            state, text = self._pending
            self._pending = None
            if not self._renders(state):
                state = carried(self.state or state, kit)
            if text:
                moves = in_order(state.moves, kit.order)
                self.do(text, replace(state, model=kit.ref, moves=moves))
            else:
                self._restore(state)
            return
        if self.state is None:
            seed, classes = Seed(kit.start_seed), kit.start_classes
            state = ExploreState(kit.ref, seed, START_PSI, classes=classes)
            self._put(state, live=False)
            self.settled.emit(recipe_of(state), f"Seed {kit.start_seed}")
            return
        self.do(f"Use {kit.info.title}", carried(self.state, kit))

    @Slot()
    def show_again(self) -> None:
        """Another page had the canvas: this one's picture is wanted once more."""
        self._want_again()

    @staticmethod
    def made(state: ExploreState) -> Recipe:
        """The picture of a state."""
        return recipe_of(state)

    def _publish(self, state: ExploreState) -> None:
        self.state_changed.emit(state)

    def _based(self, state: ExploreState, base: Latent) -> ExploreState:
        # Weights that were tuned for one picture are of no use to another.
        return replace(state, base=base, delta=None)

    # --- truncation

    @Slot(float)
    def set_psi(self, psi: float) -> None:
        """One psi for all layers; live."""
        if self.state is not None:
            self.change("Truncation", replace(self.state, psi=psi))

    @Slot(int, float)
    def set_layer_psi(self, layer: int, psi: float) -> None:
        """A psi of its own for one layer; live."""
        if self.state is None or self.kit is None:
            return
        values = list(layer_psis(self.state, self.kit.info.num_ws))
        values[layer] = psi
        uniform = len(set(values)) == 1
        self.change(
            f"Truncation of layer {layer}",
            replace(self.state, psi=values[0] if uniform else tuple(values), cutoff=None),
        )

    # --- directions

    @Slot(object, float)
    def set_strength(self, key: tuple[str, tuple[int, ...] | None], strength: float) -> None:
        """Move along a direction; live."""
        if self.state is None or self.kit is None:
            return
        known = next((d for d in self.kit.directions if (d.sha256, d.layers) == key), None)
        held = next((m for m in self.state.moves if (m.direction, m.layers) == key), None)
        space = known.space if known is not None else held.space if held is not None else "w"
        label = known.label if known is not None else "Direction"
        move = MoveSetting(key[0], strength, key[1], space)
        self.change(label, with_strength(self.state, move, self.kit.order))

    @Slot()
    def reset_directions(self) -> None:
        """All direction sliders to zero."""
        if self.state is not None:
            self.do("Reset directions", replace(self.state, moves=()))

    # --- style mixing

    def take_mix(self, base: Latent, mix: MixSetting) -> None:
        """Take a cell of the mixing matrix, exactly as its thumbnail shows it."""
        if self.state is not None:
            self.do(
                "Mix styles", replace(self.state, base=base, mixes=(mix,), moves=(), delta=None)
            )

    @Slot(int, float)
    def set_mix_amount(self, index: int, amount: float) -> None:
        """How far an applied mix goes; live."""
        if self.state is not None and index < len(self.state.mixes):
            mixes = list(self.state.mixes)
            mixes[index] = replace(mixes[index], amount=amount)
            self.change("Mix amount", replace(self.state, mixes=tuple(mixes)))

    @Slot(int)
    def remove_mix(self, index: int) -> None:
        """Take an applied mix away."""
        if self.state is not None and index < len(self.state.mixes):
            kept = self.state.mixes[:index] + self.state.mixes[index + 1 :]
            self.do("Remove mix", replace(self.state, mixes=kept))

    @Slot(object)
    def set_mixes(self, mixes: tuple[MixSetting, ...]) -> None:
        """All mixes at once, as the strip paints them; live."""
        if self.state is not None:
            self.change("Paint layers", replace(self.state, mixes=mixes))

    # --- whole Recipes

    @Slot(str)
    def paste_text(self, text: str) -> None:
        """Show the Recipe that a text holds; a bad one changes nothing and is told."""
        try:
            recipe = Recipe.from_json(text)
        except AtelierError as error:
            self._tell(error)
            return
        self.load_recipe(recipe, "Paste Recipe")

    def load_recipe(self, recipe: Recipe, text: str) -> None:
        """Show a Recipe from a file, the history or a verified picture."""
        try:
            state = state_of(recipe)
            self._check(recipe)
        except AtelierError as error:
            self._tell(error)
            return
        if self.kit is None or state.model.sha256 != self.kit.ref.sha256:
            self._pending = (state, text)
            self.model_wanted.emit(state.model)
            return
        self.do(text, replace(state, moves=in_order(state.moves, self.kit.order)))

    @Slot(object, str)
    def slide_recipe(self, recipe: Recipe, text: str) -> None:
        """Show a Recipe of this model on the way to others; live until the gesture ends."""
        try:
            state = state_of(recipe)
        except AtelierError as error:
            self._tell(error)
            return
        if self.kit is not None and state.model.sha256 == self.kit.ref.sha256:
            self.change(text, replace(state, moves=in_order(state.moves, self.kit.order)))

    @Slot()
    def model_missing(self) -> None:
        """The model that a Recipe asked for is not here; it shows when that model comes."""
        if self._pending is not None:
            self.wanted, self._missed = self._pending[0].model, self._pending
        self._pending = None

    def await_missing(self) -> None:
        """The wanted model is on its way: show what waits for it then."""
        self._pending = self._missed if self.wanted is not None else None

    # --- undo

    def _restore(self, state: ExploreState) -> None:
        """Undo and redo come here; another model's state waits until that model is back."""
        self._gesture.drop()
        if self.kit is not None and state.model.sha256 != self.kit.ref.sha256:
            self._pending = (state, "")
            self.model_wanted.emit(state.model)
            return
        self._show_anew(state)
        self.settled.emit(recipe_of(state), "")

    def _renders(self, state: ExploreState) -> bool:
        """Whether the state's picture can be made; tells why not. What was read for a model that
        was not here then could not be looked into."""
        try:
            self._check(recipe_of(state))
        except AtelierError as error:
            self._tell(error)
            return False
        return True
