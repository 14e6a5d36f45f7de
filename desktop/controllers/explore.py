"""The Explore page: its frozen state, every way to change it, and undo."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.commands import Replace
from desktop.controllers.carried import carried
from desktop.kit import START_PSI, Kit
from desktop.messages import Message, message_of
from desktop.state import (
    ExploreState,
    Lattice,
    MixSetting,
    MoveSetting,
    default_corners,
    home_seed,
    in_order,
    lattice_base,
    lattice_of,
    layer_psis,
    recipe_of,
    state_of,
    with_strength,
)
from engine.errors import AtelierError
from engine.recipe import MAX_SEED, Latent, ModelRef, Recipe, Seed

MAX_MIXES = 8
Check = Callable[[Recipe], None]


def _accept(recipe: Recipe) -> None:
    """Every Recipe may be shown."""


class ExploreController(QObject):
    """Every change goes through `_change`; a gesture is from its first change to `end_gesture`."""

    state_changed = Signal(object)  # ExploreState
    kit_changed = Signal(object)  # Kit
    kit_grew = Signal(object)  # Kit of the same model
    recipe_wanted = Signal(object, bool, float)  # Recipe, live, when the hand moved
    settled = Signal(object, str)  # Recipe, what was done
    model_wanted = Signal(object)  # ModelRef that is not the kit's
    told = Signal(object)  # Message

    def __init__(
        self, undo: QUndoStack, check: Check = _accept, parent: QObject | None = None
    ) -> None:
        """check: raises an AtelierError for a Recipe that would not render here."""
        super().__init__(parent)
        self.kit: Kit | None = None
        self.state: ExploreState | None = None
        self._undo = undo
        self._check = check
        self._before: ExploreState | None = None
        self._text = ""
        self._moved_s = 0.0
        self._pending: tuple[ExploreState, str] | None = None
        self._missed: tuple[ExploreState, str] | None = None
        self.wanted: ModelRef | None = None  # by a Recipe, and not here
        self._random = random.SystemRandom()

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
        if self.state is not None:
            self.recipe_wanted.emit(recipe_of(self.state), False, time.perf_counter())

    # --- the base

    @Slot(int)
    def set_seed(self, seed: int) -> None:
        """Show a seed."""
        self._base(f"Seed {seed}", Seed(seed))

    @Slot()
    def random_seed(self) -> None:
        """Show any seed."""
        self.set_seed(self._random.randint(0, MAX_SEED))

    @Slot()
    def next_seed(self) -> None:
        """Show the seed after this one."""
        self._step_seed(1)

    @Slot()
    def previous_seed(self) -> None:
        """Show the seed before this one."""
        self._step_seed(-1)

    def _step_seed(self, step: int) -> None:
        if self.state is not None:
            seed = home_seed(self.state.base)
            self.set_seed(0 if seed is None else (seed + step) % (MAX_SEED + 1))

    @Slot(float, float)
    def walk_to(self, x: float, y: float) -> None:
        """Walk on the lattice; live."""
        if self.state is None:
            return
        lattice = lattice_of(self.state.base)
        if lattice is None:
            lattice = Lattice(default_corners(0), 0.0, 0.0)
        place = replace(lattice, x=x, y=y)
        self.change("Walk between seeds", replace(self.state, base=lattice_base(place)))

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
            # Weights that were tuned for one picture are of no use to another.
            self.do(text, replace(self.state, base=base, delta=None))

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

    def do(self, text: str, state: ExploreState) -> None:
        """A change that is a whole gesture."""
        self.end_gesture()
        self.change(text, state)
        self.end_gesture()

    def change(self, text: str, state: ExploreState) -> None:
        if self.state == state:
            return
        self._moved_s = time.perf_counter()
        if self._before is None:
            self._before = self.state
        self._text = text
        self._put(state, live=True)

    def _put(self, state: ExploreState, live: bool) -> None:
        self.state = state
        self.state_changed.emit(state)
        self.recipe_wanted.emit(recipe_of(state), live, self._moved_s)

    def _restore(self, state: ExploreState) -> None:
        """Undo and redo come here; another model's state waits until that model is back."""
        self._before = None
        self._moved_s = time.perf_counter()
        if self.kit is not None and state.model.sha256 != self.kit.ref.sha256:
            self._pending = (state, "")
            self.model_wanted.emit(state.model)
            return
        self._put(state, live=False)
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

    def _tell(self, error: AtelierError) -> None:
        message: Message | None = message_of(error)
        if message is not None:
            self.told.emit(message)
