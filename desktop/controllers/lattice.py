"""The carpet of the seed pad: small pictures at evenly spaced places between four seeds."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from desktop.controllers.thumbs import ThumbController
from desktop.facts import Cell, LatticeView
from desktop.state import ExploreState, Lattice, lattice_base, lattice_of, recipe_of
from engine.recipe import Recipe

KIND = "lattice"
COLUMNS, ROWS = 6, 4
RENEW_MS = 120


class LatticeController(QObject):
    """Renders the tiles in the background: the corners first, then what lies between."""

    view_changed = Signal(object)  # LatticeView

    def __init__(self, thumbs: ThumbController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbs = thumbs
        self._state: ExploreState | None = None
        self._ground: object = None
        self._places: dict[Recipe, Cell] = {}
        self._tiles: dict[Cell, QImage] = {}  # a new dict for every change
        self._open = True
        self._renew = QTimer(self, interval=RENEW_MS, singleShot=True)
        self._renew.timeout.connect(self._ask)
        thumbs.arrived.connect(self._arrived)

    @Slot(bool)
    def set_open(self, is_open: bool) -> None:
        """Render only while somebody looks."""
        self._open = is_open
        self._ask()

    @Slot(object)
    def follow(self, state: ExploreState) -> None:
        """The tiles are made with the page's model, truncation and noise, without its moves."""
        self._state = state
        lattice = lattice_of(state.base)
        seeds = None if lattice is None else lattice.seeds
        same = (state.model, state.psi, state.cutoff, state.noise, state.classes, state.motion)
        ground = (seeds, *same)
        if ground != self._ground:
            self._ground = ground
            self._renew.start()
        self._publish()

    @Slot()
    def _ask(self) -> None:
        lattice = lattice_of(self._state.base) if self._state is not None else None
        if not self._open or self._state is None or lattice is None:
            self._places, self._tiles = {}, {}
            self._thumbs.ask(KIND, ())
            return
        places = [(c, r) for r in range(ROWS) for c in range(COLUMNS)]
        corners = ((0, 0), (COLUMNS - 1, 0), (0, ROWS - 1), (COLUMNS - 1, ROWS - 1))
        places.sort(key=lambda place: place not in corners)
        plain = replace(self._state, moves=(), mixes=())
        recipes = {place: self._recipe(plain, lattice, place) for place in places}
        self._places = {recipe: place for place, recipe in recipes.items()}
        ready = {place: self._thumbs.get(recipe) for place, recipe in recipes.items()}
        self._tiles = {place: image for place, image in ready.items() if image is not None}
        self._thumbs.ask(KIND, list(recipes.values()))
        self._publish()

    def _recipe(self, plain: ExploreState, lattice: Lattice, place: tuple[int, int]) -> Recipe:
        x, y = place[0] / (COLUMNS - 1), place[1] / (ROWS - 1)
        return recipe_of(replace(plain, base=lattice_base(replace(lattice, x=x, y=y))))

    @Slot(object)
    def _arrived(self, recipe: Recipe) -> None:
        place, image = self._places.get(recipe), self._thumbs.get(recipe)
        if place is not None and image is not None:
            self._tiles = {**self._tiles, place: image}
            self._publish()

    def _publish(self) -> None:
        if self._state is not None:
            self.view_changed.emit(LatticeView(lattice_of(self._state.base), self._tiles))
