"""The comparison of the Diffuse page: one or two parameters varied, a picture for each pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from desktop.controllers.thumbs import ThumbController
from desktop.diffuse_state import (
    SAMPLER_TITLES,
    DiffuseState,
    TermSetting,
    fitting_spacing,
    recipe_of,
)
from desktop.facts import CompareView
from desktop.state import home_seed
from engine.denoising import SamplerName
from engine.recipe import MAX_SEED, ClassWeight, Recipe, Seed

KIND = "compare"
Variant = tuple[str, Callable[[DiffuseState], DiffuseState]]


def guided(state: DiffuseState, scale: float) -> DiffuseState:
    """The state with its first guidance at another scale; classifier-free where it has none."""
    terms = state.terms or (TermSetting("classifier_free", 1.0),)
    return replace(state, terms=(replace(terms[0], scale=scale), *terms[1:]))


def variants(axis: str, state: DiffuseState) -> tuple[Variant, ...]:
    """The values of an axis, each with its words and what it makes of a state."""
    if axis == "guidance":
        return tuple((f"{s:g}", lambda x, s=s: guided(x, s)) for s in (0.0, 1.0, 2.0, 4.0, 8.0))
    if axis == "steps":
        return tuple((f"{n} steps", lambda x, n=n: replace(x, steps=n)) for n in (5, 10, 25, 50))
    if axis == "noise":
        first = home_seed(state.base) or 0
        seeds = [(first + i) % (MAX_SEED + 1) for i in range(4)]
        return tuple((f"{n}", lambda x, n=n: replace(x, base=Seed(n))) for n in seeds)
    if axis == "class":
        return tuple(
            (f"{k}", lambda x, k=k: replace(x, classes=(ClassWeight(k),))) for k in range(8)
        )
    if axis == "sampler":
        names = ("ddpm", "ddim", "euler", "heun", "dpmpp_2m", "unipc")
        known = [(n, title) for n, title in SAMPLER_TITLES.items() if n in names]
        return tuple((title, partial(_with_sampler, n)) for n, title in known)
    return (("", lambda x: x),)


def _with_sampler(name: SamplerName, state: DiffuseState) -> DiffuseState:
    """The state with another sampler, and a spacing that it knows."""
    spacing = fitting_spacing(name, state.spacing)
    return replace(state, sampler=name, spacing=spacing, eta=0.0)


class CompareController(QObject):
    """Asks for small pictures of every pair of variants while the section is open."""

    view_changed = Signal(object)  # CompareView
    cell_taken = Signal(object)  # DiffuseState

    def __init__(self, thumbs: ThumbController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbs = thumbs
        self._state: DiffuseState | None = None
        self._axes = ("guidance", "none")
        self._open = False
        self._states: dict[tuple[int, int], DiffuseState] = {}
        self._places: dict[Recipe, tuple[int, int]] = {}
        thumbs.arrived.connect(self._arrived)

    @Slot(object)
    def follow(self, state: DiffuseState) -> None:
        """The state that everything else is taken from."""
        self._state = state
        self._ask()

    @Slot(bool)
    def set_open(self, is_open: bool) -> None:
        """Work only while somebody looks."""
        self._open = is_open
        self._ask()

    @Slot(str, str)
    def set_axes(self, x: str, y: str) -> None:
        """What varies along each axis."""
        self._axes = (x, y)
        self._ask()

    @Slot(int, int)
    def take(self, row: int, column: int) -> None:
        """The picture of a cell goes to the canvas."""
        if (row, column) in self._states:
            self.cell_taken.emit(self._states[row, column])

    def _ask(self) -> None:
        state = self._state
        if state is None or not self._open:
            return
        columns, rows = (variants(axis, state) for axis in self._axes)
        plain = replace(state, stages=None)  # the base alone: four times as quick to compare
        small = {
            (r, c): make_x(make_y(plain))
            for r, (_, make_y) in enumerate(rows)
            for c, (_, make_x) in enumerate(columns)
        }
        self._states = {cell: replace(made, stages=state.stages) for cell, made in small.items()}
        self._places = {recipe_of(made): cell for cell, made in small.items()}
        self._words = (tuple(w for w, _ in rows), tuple(w for w, _ in columns))
        self._thumbs.ask(KIND, list(self._places))
        self._publish()

    @Slot(object)
    def _arrived(self, recipe: Recipe) -> None:
        if recipe in self._places:
            self._publish()

    def _publish(self) -> None:
        ready = ((cell, self._thumbs.get(recipe)) for recipe, cell in self._places.items())
        pictures = {cell: image for cell, image in ready if image is not None}
        self.view_changed.emit(CompareView(*self._words, pictures))
