"""The corners of the noise pad: what each of the four noises becomes, in a few quick steps."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from desktop.controllers.thumbs import ThumbController
from desktop.diffuse_state import DiffuseState, recipe_of
from desktop.facts import Cell, LatticeView
from desktop.state import lattice_of
from engine.recipe import Recipe, Seed

KIND = "noise corners"
STEPS = 6
CORNERS: tuple[Cell, ...] = ((0, 0), (5, 0), (0, 3), (5, 3))
RENEW_MS = 300


class NoiseCornersController(QObject):
    """Asks for them while the pad is open; what another model, class or text makes stale is
    dropped, whether it waits or is being made."""

    view_changed = Signal(object)  # LatticeView

    def __init__(self, thumbs: ThumbController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbs = thumbs
        self._state: DiffuseState | None = None
        self._open = False
        self._wanted: dict[Recipe, Cell] = {}
        self._tiles: dict[Cell, QImage] = {}  # a new dict for every change
        self._renew = QTimer(self, interval=RENEW_MS, singleShot=True)
        self._renew.timeout.connect(self._ask)
        thumbs.arrived.connect(self._arrived)

    @Slot(bool)
    def set_open(self, is_open: bool) -> None:
        """Work only while somebody looks."""
        self._open = is_open
        self._follow()

    @Slot(object)
    def follow(self, state: DiffuseState) -> None:
        """The state whose noises are looked at."""
        self._state = state
        self._follow()

    def _follow(self) -> None:
        recipes = corner_recipes(self._state) if self._state is not None and self._open else {}
        if recipes != self._wanted:
            self._wanted = recipes
            self._thumbs.drop(KIND, recipes)  # at once: no step more for what is stale
            self._renew.start()
        self._show()

    @Slot()
    def _ask(self) -> None:
        self._thumbs.ask(KIND, list(self._wanted))
        self._show()

    @Slot(object)
    def _arrived(self, recipe: Recipe) -> None:
        if recipe in self._wanted:
            self._show()

    def _show(self) -> None:
        if self._state is None:
            return
        found = {place: self._thumbs.get(recipe) for recipe, place in self._wanted.items()}
        tiles = {place: image for place, image in found.items() if image is not None}
        if tiles != self._tiles:
            self._tiles = tiles
        self.view_changed.emit(LatticeView(lattice_of(self._state.base), self._tiles))


def corner_recipes(state: DiffuseState) -> dict[Recipe, Cell]:
    """The quick pictures of the four noises: few steps of a sampler that needs few, no upsampling.

    Equal noises have one picture, at the first of their places.
    """
    lattice = lattice_of(state.base)
    if lattice is None:
        return {}
    quick = replace(
        state,
        steps=min(state.steps, STEPS),
        sampler="dpmpp_2m",
        spacing="trailing",
        eta=0.0,
        noise_seed=0,
        stages=None,
    )
    made: dict[Recipe, Cell] = {}
    for seed, place in zip(lattice.seeds, CORNERS, strict=True):
        made.setdefault(recipe_of(replace(quick, base=Seed(seed))), place)
    return made
