"""The mixing strip: its sources, and how what is painted becomes the picture's mixes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.commands import Gesture
from desktop.controllers.thumbs import ThumbController
from desktop.facts import StripView
from desktop.kit import Kit
from desktop.messages import message_of
from desktop.state import ExploreState, MixSetting, dropped_state, home_seed, recipe_of
from engine.errors import AtelierError
from engine.recipe import MAX_SEED, Latent, Recipe, Seed, Truncate

KIND = "strip"
MOST = 6
Source = tuple[Latent, bool]  # latent, whether it is truncated as the base is


@dataclass(frozen=True)
class StripState:
    """Sources, painted or not, and the layers that no brush changes."""

    sources: tuple[Source, ...] = ()
    locked: frozenset[int] = frozenset()


def painted(state: ExploreState) -> dict[int, tuple[Source, float]]:
    """Source and amount by layer: the last mix that names a layer."""
    return {
        layer: ((mix.source, mix.follows), mix.amount)
        for mix in state.mixes
        for layer in mix.layers
    }


def mixes_of(cells: dict[int, tuple[Source, float]]) -> tuple[MixSetting, ...]:
    """The fewest mixes that do what is painted, in the order of their first layers."""
    groups: dict[tuple[Source, float], list[int]] = {}
    for layer in sorted(cells):
        groups.setdefault(cells[layer], []).append(layer)
    return tuple(
        MixSetting(source, tuple(layers), amount, follows)
        for ((source, follows), amount), layers in groups.items()
    )


class StripController(QObject):
    """Keeps sources that are not painted yet; all else is in the picture's own state. Every change
    is undoable."""

    view_changed = Signal(object)  # StripView
    mixes_changed = Signal(object)  # tuple of MixSetting; live
    gesture_ended = Signal()
    told = Signal(object)  # Message

    def __init__(
        self, undo: QUndoStack, thumbs: ThumbController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.state = StripState()
        self._undo = undo
        self._gesture = Gesture(undo, self._restore)
        self._thumbs = thumbs
        self._state: ExploreState | None = None
        self._layers = 1
        self._amount = 1.0
        self._open = False
        self._random = random.SystemRandom()
        self._soon = QTimer(self, interval=60, singleShot=True)
        self._soon.timeout.connect(self.publish)
        thumbs.arrived.connect(self._arrived)

    @Slot(object)
    def set_kit(self, kit: Kit) -> None:
        """As many layers as the model has."""
        if kit.info.num_ws != self._layers:
            self.state = replace(self.state, locked=frozenset())
        self._layers = kit.info.num_ws
        self.publish()

    @Slot(object)
    def follow(self, state: ExploreState) -> None:
        """The picture's mixes; sources that it brings join the strip."""
        other = self._state is None or state.model != self._state.model
        self._state = state
        known = () if other else self.state.sources
        brought = tuple((mix.source, mix.follows) for mix in state.mixes)
        sources = tuple(dict.fromkeys((*known, *brought)))[:MOST]
        self.state = replace(self.state, sources=sources)
        self.publish()

    @Slot(bool)
    def set_open(self, is_open: bool) -> None:
        """Render only while somebody looks."""
        self._open = is_open
        self._ask()
        self.publish()

    @Slot(str)
    def drop(self, text: str) -> None:
        """A dropped picture, without its mixes, becomes a source."""
        try:
            state = dropped_state(text, self._state)
        except AtelierError as error:
            message = message_of(error)
            if message is not None:
                self.told.emit(message)
            return
        self._take(state)

    @Slot()
    def add(self) -> None:
        """The picture on the canvas, without its mixes, becomes a source."""
        if self._state is not None:
            self._take(self._state)

    def _take(self, state: ExploreState) -> None:
        own = recipe_of(replace(state, mixes=(), delta=None)).image
        latent = own.latent  # type: ignore[attr-defined]
        if latent.space == "s":
            return
        bare = isinstance(latent, Truncate)
        source = (latent.base, True) if bare else (latent, False)
        self._join(source)

    @Slot()
    def add_random(self) -> None:
        """A random seed becomes a source."""
        self._join((Seed(self._random.randint(0, MAX_SEED)), True))

    def _join(self, source: Source) -> None:
        if source not in self.state.sources:
            self._sources("Add a source", (*self.state.sources, source)[-MOST:])

    @Slot(int)
    def remove(self, row: int) -> None:
        """Take a source out, and what was painted from it."""
        if row >= len(self.state.sources) or self._state is None:
            return
        source = self.state.sources[row]
        cells = {k: v for k, v in painted(self._state).items() if v[0] != source}
        with self._as_one("Remove a source"):
            self._sources("", tuple(x for x in self.state.sources if x != source))
            self._put(cells)
            self.gesture_ended.emit()

    @Slot()
    def clear(self) -> None:
        """Take every source out."""
        if not self.state.sources:
            return
        with self._as_one("Clear the strip"):
            self._sources("", ())
            self._put({})
            self.gesture_ended.emit()

    @Slot(int, int)
    def paint(self, row: int, layer: int) -> None:
        """Take a layer from a source; live."""
        if self._state is None or layer in self.state.locked or row >= len(self.state.sources):
            return
        cells = painted(self._state)
        cells[layer] = (self.state.sources[row], self._amount)
        self._put(cells)

    @Slot(int)
    def wipe(self, layer: int) -> None:
        """Give a layer back to the base; live."""
        if self._state is not None and layer not in self.state.locked:
            cells = painted(self._state)
            cells.pop(layer, None)
            self._put(cells)

    @Slot(int)
    def flip_lock(self, layer: int) -> None:
        """Lock a layer, or let it go."""
        locked = self.state.locked ^ {layer}
        self._gesture.whole("Lock a layer", self.state, replace(self.state, locked=locked))

    @Slot()
    def shuffle(self) -> None:
        """Every layer that is not locked comes from any source, or from the base."""
        if self._state is None:
            return
        with self._as_one("Shuffle layers"):
            while len(self.state.sources) < 3:
                self.add_random()
            cells = {k: v for k, v in painted(self._state).items() if k in self.state.locked}
            for layer in set(range(self._layers)) - self.state.locked:
                source = self._random.choice((None, *self.state.sources))
                if source is not None:
                    cells[layer] = (source, self._amount)
            self._put(cells)
            self.gesture_ended.emit()

    @Slot(float)
    def set_amount(self, amount: float) -> None:
        """How far the next strokes go."""
        self._amount = amount
        self.publish()

    @contextmanager
    def _as_one(self, text: str) -> Iterator[None]:
        """What happens within is one step of undo, of the strip and the picture."""
        self._undo.beginMacro(text)
        try:
            yield
        finally:
            self._undo.endMacro()

    def _sources(self, text: str, sources: tuple[Source, ...]) -> None:
        self._gesture.whole(text, self.state, replace(self.state, sources=sources))

    def _restore(self, state: StripState) -> None:
        self.state = state
        self._ask()
        self.publish()

    def _put(self, cells: dict[int, tuple[Source, float]]) -> None:
        self.mixes_changed.emit(mixes_of(cells))
        self.publish()

    def _recipe(self, source: Source) -> Recipe | None:
        if self._state is None:
            return None
        latent, follows = source
        psi = (self._state.psi, self._state.cutoff) if follows else (1.0, None)
        plain = replace(self._state, moves=(), mixes=(), base=latent, delta=None)
        return recipe_of(replace(plain, psi=psi[0], cutoff=psi[1]))

    def _ask(self) -> None:
        recipes = [self._recipe(source) for source in self.state.sources] if self._open else []
        self._thumbs.ask(KIND, [recipe for recipe in recipes if recipe is not None])

    @Slot(object)
    def _arrived(self, recipe: Recipe) -> None:
        if self._open and not self._soon.isActive():
            self._soon.start()

    @Slot()
    def publish(self) -> None:
        """Tell the panel what there is."""
        if self._state is None or not self._open:
            return
        cells = painted(self._state)
        names, images, amounts = [], [], []
        for source in self.state.sources:
            seed = home_seed(source[0])
            names.append("a custom latent" if seed is None else f"seed {seed}")
            recipe = self._recipe(source)
            images.append(None if recipe is None else self._thumbs.get(recipe))
            taken = (cells.get(i) for i in range(self._layers))
            amounts.append(tuple(
                cell[1] if cell is not None and cell[0] == source else 0.0 for cell in taken
            ))  # fmt: skip
        self.view_changed.emit(
            StripView(
                tuple(names), tuple(images), tuple(amounts), self._layers,
                self.state.locked,
                self._amount,
            )
        )  # fmt: skip
