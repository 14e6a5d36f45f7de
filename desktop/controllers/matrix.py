"""The style-mixing matrix: four bases, four styles, and every mix of them."""

from __future__ import annotations

import random
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QUndoStack

from desktop.commands import Gesture
from desktop.controllers.thumbs import ThumbController
from desktop.facts import MATRIX_SIZE, Cell, MatrixState, MatrixView
from desktop.kit import Kit, bands
from desktop.messages import Message, message_of
from desktop.state import ExploreState, MixSetting, dropped_state, recipe_of
from engine.errors import AtelierError
from engine.recipe import MAX_SEED, Latent, Recipe, Seed

SIZE = MATRIX_SIZE
KIND = "mixes"
CELLS: tuple[Cell, ...] = (
    *((-1, i) for i in range(SIZE)),  # sources first: they tell what the mixes will be
    *((i, -1) for i in range(SIZE)),
    *((row, column) for row in range(SIZE) for column in range(SIZE)),
)
RENEW_MS = 60


class MatrixController(QObject):
    """Renders the mixes in the background once the panel is open, and streams them in."""

    view_changed = Signal(object)  # MatrixView
    cell_taken = Signal(object, object)  # base Latent, MixSetting
    told = Signal(object)  # Message

    def __init__(
        self, undo: QUndoStack, thumbs: ThumbController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.state: MatrixState | None = None
        self._gesture = Gesture(undo, self._restore)
        self._thumbs = thumbs
        self._explore: ExploreState | None = None
        self._num_ws = 0
        self._open = False
        self._random = random.SystemRandom()
        self._wanted: dict[Recipe, Cell] = {}
        self._pictures: dict[Cell, QImage] = {}  # a new dict for every change
        self._tips: dict[Cell, str] = {}
        self._renew = QTimer(self, interval=RENEW_MS, singleShot=True)
        self._renew.timeout.connect(self._ask)
        thumbs.arrived.connect(self._arrived)

    @Slot(object)
    def set_kit(self, kit: Kit) -> None:
        """Another model: as many layers as it has, the same seeds."""
        self._num_ws = kit.info.num_ws
        layers = bands(self._num_ws)["coarse"]
        if self.state is None:
            first = kit.start_seed
            bases = tuple(Seed(first + i) for i in range(SIZE))
            styles = tuple(Seed(first + 20 + i) for i in range(SIZE))
            self.state = MatrixState(bases, styles, layers)
        else:
            self.state = replace(self.state, layers=layers)
        self._refresh()

    @Slot(object)
    def follow(self, state: ExploreState) -> None:
        """The mixes are made with the page's truncation and noise."""
        old, self._explore = self._explore, state
        if old is None or _surroundings(old) != _surroundings(state):
            self._renew.start()
        else:
            self._publish()

    @Slot(bool)
    def set_open(self, is_open: bool) -> None:
        """Render only while somebody looks."""
        self._open = is_open
        self._ask()

    @Slot(int, int)
    def take(self, row: int, column: int) -> None:
        """Take a mix to the canvas."""
        if self.state is not None:
            base, mix = self._cell(row, column)
            self.cell_taken.emit(base, mix)

    @Slot(int, int)
    def draw_source(self, row: int, column: int) -> None:
        """Draw another seed for one source; one of the two is -1."""
        if self.state is None:
            return
        self._set_source(row, column, Seed(self._random.randint(0, MAX_SEED)), "New")

    @Slot(int, int, str)
    def drop(self, row: int, column: int, text: str) -> None:
        """A dropped picture becomes a source: the face that it began with."""
        try:
            state = dropped_state(text, self._explore)
        except AtelierError as error:
            message = message_of(error)
            if message is not None:
                self.told.emit(message)
            return
        self._set_source(row, column, state.base, "Dropped")
        if state.moves or state.mixes:
            self.told.emit(
                Message(
                    "The matrix took the face without its sliders.",
                    "It mixes bases; the mixing strip takes pictures as they are.",
                    tone="plain",
                )
            )

    def _set_source(self, row: int, column: int, latent: Latent, word: str) -> None:
        """Another source; one of row and column is -1."""
        if self.state is None:
            return
        if row >= 0:
            bases = _put(self.state.bases, row, latent)
            self._do(f"{word} base", replace(self.state, bases=bases))
        else:
            styles = _put(self.state.styles, column, latent)
            self._do(f"{word} style", replace(self.state, styles=styles))

    def recipe_at(self, cell: Cell) -> Recipe | None:
        """The picture of a cell, for a drag."""
        return None if self.state is None or self._explore is None else self._recipe(cell)

    @Slot()
    def draw_bases(self) -> None:
        """Draw every base anew."""
        if self.state is not None:
            self._do("New bases", replace(self.state, bases=self._draw()))

    @Slot()
    def draw_styles(self) -> None:
        """Draw every style anew."""
        if self.state is not None:
            self._do("New styles", replace(self.state, styles=self._draw()))

    @Slot()
    def base_from_canvas(self) -> None:
        """The face on the canvas, without its sliders, becomes the first base."""
        if self.state is not None and self._explore is not None:
            bases = _put(self.state.bases, 0, self._explore.base)
            self._do("Base from canvas", replace(self.state, bases=bases))

    @Slot(str)
    def set_band(self, band: str) -> None:
        """Coarse, middle or fine layers."""
        if self.state is not None and band in bands(self._num_ws):
            self._do("Layers to mix", replace(self.state, layers=bands(self._num_ws)[band]))

    @Slot(tuple)
    def set_layers(self, layers: tuple[int, ...]) -> None:
        """Any set of layers."""
        if self.state is not None:
            self._do("Layers to mix", replace(self.state, layers=layers))

    @Slot(float)
    def set_amount(self, amount: float) -> None:
        """How far the mixes go; live."""
        if self.state is not None and amount != self.state.amount:
            self._gesture.begin(self.state)
            self.state = replace(self.state, amount=amount)
            self._refresh()

    @Slot()
    def end_gesture(self) -> None:
        """The hand is off the amount."""
        self._gesture.end("Mix amount", self.state)

    def _do(self, text: str, state: MatrixState) -> None:
        self._gesture.whole(text, self.state, state)

    def _restore(self, state: MatrixState) -> None:
        self.state = state
        self._refresh()

    def _refresh(self) -> None:
        self._renew.start()
        self._publish()

    def _draw(self) -> tuple[Latent, ...]:
        return tuple(Seed(self._random.randint(0, MAX_SEED)) for _ in range(SIZE))

    def _cell(self, row: int, column: int) -> tuple[Latent, MixSetting]:
        assert self.state is not None
        mix = MixSetting(self.state.styles[column], self.state.layers, self.state.amount)
        return self.state.bases[row], mix

    def _recipe(self, cell: Cell) -> Recipe:
        assert self.state is not None
        assert self._explore is not None
        row, column = cell
        plain = replace(self._explore, moves=(), mixes=())
        if row < 0:
            return recipe_of(replace(plain, base=self.state.styles[column]))
        if column < 0:
            return recipe_of(replace(plain, base=self.state.bases[row]))
        base, mix = self._cell(row, column)
        return recipe_of(replace(plain, base=base, mixes=(mix,)))

    @Slot()
    def _ask(self) -> None:
        if not self._open or self.state is None or self._explore is None:
            self._thumbs.ask(KIND, ())
            return
        recipes = {cell: self._recipe(cell) for cell in CELLS}
        self._wanted = {recipe: cell for cell, recipe in recipes.items()}
        ready = {cell: self._thumbs.get(recipe) for cell, recipe in recipes.items()}
        self._pictures = {cell: image for cell, image in ready.items() if image is not None}
        self._tips = {cell: self._tip(cell) for cell in CELLS}
        self._thumbs.ask(KIND, list(recipes.values()))
        self._publish()

    @Slot(object)
    def _arrived(self, recipe: Recipe) -> None:
        cell = self._wanted.get(recipe) if self._open else None
        image = self._thumbs.get(recipe) if cell is not None else None
        if cell is not None and image is not None:
            self._pictures = {**self._pictures, cell: image}
            self._publish()

    def _publish(self) -> None:
        if not self._open or self.state is None or self._explore is None:
            return
        found = bands(self._num_ws).items()
        names = [name for name, layers in found if layers == self.state.layers]
        band = names[0] if names else ""
        self.view_changed.emit(
            MatrixView(self.state, band, self._pictures, self._tips, self._chosen())
        )

    def _chosen(self) -> Cell | None:
        assert self.state is not None
        assert self._explore is not None
        if len(self._explore.mixes) != 1 or self._explore.moves:
            return None
        here = (self._explore.base, self._explore.mixes[0])
        cells = ((r, c) for r in range(SIZE) for c in range(SIZE))
        return next((cell for cell in cells if self._cell(*cell) == here), None)

    def _tip(self, cell: Cell) -> str:
        assert self.state is not None
        row, column = cell
        if row < 0:
            return f"Style {_name(self.state.styles[column])}: click to draw another"
        if column < 0:
            return f"Base {_name(self.state.bases[row])}: click to draw another"
        return (
            f"Base {_name(self.state.bases[row])} with the style of "
            f"{_name(self.state.styles[column])}: click to take it"
        )


def _name(latent: Latent) -> str:
    return str(latent.n) if isinstance(latent, Seed) else "of your own"


def _put(values: tuple[Latent, ...], index: int, value: Latent) -> tuple[Latent, ...]:
    return (*values[:index], value, *values[index + 1 :])


def _surroundings(state: ExploreState) -> object:
    """What of the page all mixes share."""
    same = (state.model, state.psi, state.cutoff, state.noise, state.classes, state.motion)
    return same
