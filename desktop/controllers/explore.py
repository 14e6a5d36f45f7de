"""The Explore page: its frozen state, every way to change it, and undo."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.commands import Replace
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
from engine.recipe import MAX_SEED, Latent, Noise, Recipe, Seed

MAX_MIXES = 8


class ExploreController(QObject):
    """Every change goes through `_change`; a gesture is from its first change to `end_gesture`."""

    state_changed = Signal(object)  # ExploreState
    kit_changed = Signal(object)  # Kit
    recipe_wanted = Signal(object, bool, float)  # Recipe, live, when the hand moved
    settled = Signal(object, str)  # Recipe, what was done
    model_wanted = Signal(object)  # ModelRef that is not the kit's
    told = Signal(object)  # Message

    def __init__(self, undo: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kit: Kit | None = None
        self.state: ExploreState | None = None
        self._undo = undo
        self._before: ExploreState | None = None
        self._text = ""
        self._moved_s = 0.0
        self._pending: tuple[ExploreState, str] | None = None
        self._random = random.SystemRandom()

    # --- the model on the table

    def set_kit(self, kit: Kit) -> None:
        """Put a model on the table: what waits for it, or its first picture."""
        if kit == self.kit and self._pending is None:
            return
        self.kit = kit
        self.kit_changed.emit(kit)
        if self._pending is not None and self._pending[0].model.sha256 == kit.ref.sha256:
            state, text = self._pending
            self._pending = None
            if text:
                moves = in_order(state.moves, kit.order)
                self._do(text, replace(state, model=kit.ref, moves=moves))
            else:
                self._restore(state)
            return
        if self.state is None:
            state = ExploreState(kit.ref, Seed(kit.start_seed), START_PSI)
            self._put(state, live=False)
            self.settled.emit(recipe_of(state), f"Seed {kit.start_seed}")
            return
        kept = replace(self.state, model=kit.ref, moves=(), mixes=(), classes=(), cutoff=None)
        psi = kept.psi if isinstance(kept.psi, float) else START_PSI
        self._do(f"Use {kit.info.title}", replace(kept, psi=psi))

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
        self._change("Walk between seeds", replace(self.state, base=lattice_base(place)))

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
            self._do(text, replace(self.state, base=base))

    # --- truncation

    @Slot(float)
    def set_psi(self, psi: float) -> None:
        """One psi for all layers; live."""
        if self.state is not None:
            self._change("Truncation", replace(self.state, psi=psi))

    @Slot(int, float)
    def set_layer_psi(self, layer: int, psi: float) -> None:
        """A psi of its own for one layer; live."""
        if self.state is None or self.kit is None:
            return
        values = list(layer_psis(self.state, self.kit.info.num_ws))
        values[layer] = psi
        uniform = len(set(values)) == 1
        self._change(
            f"Truncation of layer {layer}",
            replace(self.state, psi=values[0] if uniform else tuple(values), cutoff=None),
        )

    # --- directions

    @Slot(object, float)
    def set_strength(self, key: tuple[str, tuple[int, ...] | None], strength: float) -> None:
        """Move along a direction; live."""
        if self.state is None or self.kit is None:
            return
        label = next(
            (d.label for d in self.kit.directions if (d.sha256, d.layers) == key), "Direction"
        )
        move = MoveSetting(key[0], strength, key[1])
        self._change(label, with_strength(self.state, move, self.kit.order))

    @Slot()
    def reset_directions(self) -> None:
        """All direction sliders to zero."""
        if self.state is not None:
            self._do("Reset directions", replace(self.state, moves=()))

    # --- style mixing

    def take_mix(self, base: Latent, mix: MixSetting) -> None:
        """Take a cell of the mixing matrix, exactly as its thumbnail shows it."""
        if self.state is not None:
            self._do("Mix styles", replace(self.state, base=base, mixes=(mix,), moves=()))

    @Slot(int, float)
    def set_mix_amount(self, index: int, amount: float) -> None:
        """How far an applied mix goes; live."""
        if self.state is not None and index < len(self.state.mixes):
            mixes = list(self.state.mixes)
            mixes[index] = replace(mixes[index], amount=amount)
            self._change("Mix amount", replace(self.state, mixes=tuple(mixes)))

    @Slot(int)
    def remove_mix(self, index: int) -> None:
        """Take an applied mix away."""
        if self.state is not None and index < len(self.state.mixes):
            kept = self.state.mixes[:index] + self.state.mixes[index + 1 :]
            self._do("Remove mix", replace(self.state, mixes=kept))

    # --- noise

    @Slot(object)
    def set_noise(self, noise: Noise) -> None:
        """Another noise; live until the gesture ends."""
        if self.state is not None:
            self._change("Noise", replace(self.state, noise=noise))

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
        except AtelierError as error:
            self._tell(error)
            return
        if self.kit is None or state.model.sha256 != self.kit.ref.sha256:
            self._pending = (state, text)
            self.model_wanted.emit(state.model)
            return
        self._do(text, replace(state, moves=in_order(state.moves, self.kit.order)))

    @Slot()
    def model_missing(self) -> None:
        """The model that a Recipe asked for is not here."""
        self._pending = None

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

    def _do(self, text: str, state: ExploreState) -> None:
        """A change that is a whole gesture."""
        self.end_gesture()
        self._change(text, state)
        self.end_gesture()

    def _change(self, text: str, state: ExploreState) -> None:
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

    def _tell(self, error: AtelierError) -> None:
        message: Message | None = message_of(error)
        if message is not None:
            self.told.emit(message)
