"""The pad "A - B + C": which pictures are in its rows, and the Recipe of their sum."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.commands import Gesture
from desktop.controllers.thumbs import ThumbController
from desktop.facts import MOST_SUMMED, SumView
from desktop.kit import Kit
from desktop.messages import Message, message_of
from desktop.state import ExploreState, state_of
from engine.errors import AtelierError, RecipeError
from engine.recipe import Arithmetic, Generate, Latent, Recipe, Term, Truncate
from engine.summing import kept_spread
from engine.wishes import DirectionWish, Labelled

KIND = "arithmetic"
NAMES = ("A", "B", "C")


@dataclass(frozen=True)
class SumState:
    """Three rows of pictures. amount: how much of A - B is added to C. space: w or z."""

    rows: tuple[tuple[Recipe, ...], ...] = ((), (), ())
    amount: float = 1.0
    space: str = "w"


def sum_recipe(state: SumState, psi: ExploreState) -> Recipe:
    """A - B + C as a picture. psi: whose truncation and noise a sum in z has.

    Raises RecipeError where rows are missing, models differ, or z is asked for and not there.
    """
    rows = [[_made(recipe) for recipe in row] for row in state.rows]
    made = [item for row in rows for item in row]
    if not (rows[0] or rows[2]):
        raise RecipeError("A sum needs pictures in A or C.", "Add one with +.")
    if len({item.model.sha256 for item in made}) > 1:
        raise RecipeError("A sum is of pictures of one model.", "Take the others out.")
    signed = zip((state.amount, -state.amount, 1.0), rows, strict=True)
    used = [
        (weight, tuple(_latent(item, state.space) for item in row)) for weight, row in signed if row
    ]
    weights = kept_spread(used) if state.space == "z" else [weight for weight, _ in used]
    terms = tuple(Term(weight, row) for weight, (_, row) in zip(weights, used, strict=True))
    last = rows[2][-1] if rows[2] else rows[0][-1]
    if state.space == "z":
        latent: Latent = Truncate(Arithmetic(terms, "z"), psi.psi, psi.cutoff)
    else:
        kind = "s" if any(item.latent.space == "s" for item in made) else "w"
        latent = Arithmetic(terms, kind)  # type: ignore[arg-type]
    return Recipe(Generate(last.model, latent, last.classes, last.noise))


def _made(recipe: Recipe) -> Generate:
    image = recipe.image
    while hasattr(image, "image"):
        image = image.image
    if not isinstance(image, Generate):
        raise RecipeError(f"A sum is of generated pictures, got {image.op!r}.")
    return image


def _latent(made: Generate, space: str) -> Latent:
    if space != "z":
        return made.latent
    base = made.latent.base if isinstance(made.latent, Truncate) else made.latent
    if base.space != "z":
        raise RecipeError(
            "This picture has moves or mixes in w, so it has no z.", "Sum in w instead."
        )
    return base


class ArithmeticController(QObject):
    """Every change is undoable."""

    view_changed = Signal(object)  # SumView
    recipe_chosen = Signal(object, str)  # Recipe, what was done
    direction_wanted = Signal(object)  # DirectionWish
    told = Signal(object)  # Message

    def __init__(
        self, undo: QUndoStack, thumbs: ThumbController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.state = SumState()
        self._gesture = Gesture(undo, self._restore)
        self._thumbs = thumbs
        self._explore: ExploreState | None = None
        self._current: Recipe | None = None
        self._shown = False
        self._alone = False  # whether the model knows z alone
        self._soon = QTimer(self, interval=60, singleShot=True)
        self._soon.timeout.connect(self._publish)
        thumbs.arrived.connect(self._arrived)

    @Slot(object)
    def set_kit(self, kit: Kit) -> None:
        """Sum in z where a model has nothing else."""
        self._alone = kit.info.num_ws == 1

    @Slot(object)
    def follow(self, state: ExploreState) -> None:
        """The page's truncation."""
        self._explore = state

    @Slot(object, bool)
    def follow_recipe(self, recipe: Recipe, live: bool) -> None:
        """The picture on the canvas: what + adds."""
        self._current = recipe

    @Slot(int)
    def add(self, row: int) -> None:
        """Put the picture on the canvas into a row."""
        if self._current is not None:
            self._add(row, self._current)

    @Slot(int, str)
    def drop(self, row: int, text: str) -> None:
        """Put a dropped Recipe into a row."""
        try:
            recipe = Recipe.from_json(text)
            state_of(recipe)
        except AtelierError as error:
            self._tell(error)
            return
        self._add(row, recipe)

    def recipe_at(self, slot: tuple[int, int]) -> Recipe | None:
        """The picture in a place, for a drag."""
        row = self.state.rows[slot[0]]
        return row[slot[1]] if slot[1] < len(row) else None

    def _add(self, row: int, recipe: Recipe) -> None:
        if len(self.state.rows[row]) >= MOST_SUMMED:
            self._tell(RecipeError(f"A row takes {MOST_SUMMED} pictures.", "Take one out first."))
            return
        self._rows(f"Add to {NAMES[row]}", row, (*self.state.rows[row], recipe))

    @Slot(int, int)
    def remove(self, row: int, place: int) -> None:
        """Take a picture out."""
        kept = self.state.rows[row]
        self._rows(f"Remove from {NAMES[row]}", row, kept[:place] + kept[place + 1 :])

    @Slot(int, int)
    def show(self, row: int, place: int) -> None:
        """Put a picture of the pad on the canvas."""
        self.recipe_chosen.emit(self.state.rows[row][place], "Show from the pad")

    @Slot(int, int, int, int)
    def swap(self, row: int, place: int, other: int, target: int) -> None:
        """Swap two pictures, or move one to the end of a row."""
        rows = [list(items) for items in self.state.rows]
        moved = rows[row][place]
        if target < len(rows[other]):
            rows[row][place], rows[other][target] = rows[other][target], moved
        elif len(rows[other]) < MOST_SUMMED or other == row:
            rows[row].pop(place)
            rows[other].append(moved)
        self._do("Swap pictures", replace(self.state, rows=tuple(tuple(x) for x in rows)))

    @Slot()
    def clear(self) -> None:
        """Take every picture out."""
        self._do("Clear the pad", replace(self.state, rows=((), (), ())))

    @Slot(str)
    def set_space(self, space: str) -> None:
        """Sum in w or in z."""
        self._do("Space of the sum", replace(self.state, space=space))
        self._again()

    @Slot(float)
    def set_amount(self, amount: float) -> None:
        """How much of A - B; live once the sum was shown."""
        self._gesture.begin(self.state)
        self.state = replace(self.state, amount=amount)
        self._publish()

    @Slot()
    def end_gesture(self) -> None:
        """The hand is off the amount."""
        if self._gesture.end("Amount of A − B", self.state):
            self._again()

    @Slot()
    def show_result(self) -> None:
        """Put the sum on the canvas."""
        if self._explore is None:
            return
        state = replace(self.state, space="z") if self._alone else self.state
        try:
            recipe = sum_recipe(state, self._explore)
        except AtelierError as error:
            self._tell(error)
            return
        self._shown = True
        self.recipe_chosen.emit(recipe, "A − B + C")

    @Slot()
    def keep_direction(self) -> None:
        """Keep A - B as a direction."""
        more = [Labelled(recipe, True) for recipe in self.state.rows[0]]
        less = [Labelled(recipe, False) for recipe in self.state.rows[1]]
        self.direction_wanted.emit(DirectionWish("difference", marks=(*more, *less)))

    def _again(self) -> None:
        if self._shown and (self.state.rows[0] or self.state.rows[2]):
            self.show_result()

    def _rows(self, text: str, row: int, recipes: tuple[Recipe, ...]) -> None:
        rows = (*self.state.rows[:row], recipes, *self.state.rows[row + 1 :])
        self._do(text, replace(self.state, rows=rows))

    def _do(self, text: str, state: SumState) -> None:
        self._gesture.whole(text, self.state, state)

    def _restore(self, state: SumState) -> None:
        self.state = state
        self._thumbs.ask(KIND, [recipe for row in state.rows for recipe in row])
        self._publish()

    def _tell(self, error: AtelierError) -> None:
        message: Message | None = message_of(error)
        if message is not None:
            self.told.emit(message)

    @Slot(object)
    def _arrived(self, recipe: Recipe) -> None:
        if any(recipe in row for row in self.state.rows) and not self._soon.isActive():
            self._soon.start()

    @Slot()
    def _publish(self) -> None:
        rows = self.state.rows
        images = tuple(tuple(self._thumbs.get(recipe) for recipe in row) for row in rows)
        self.view_changed.emit(
            SumView(
                images,
                self.state.space,
                self.state.amount,
                bool(rows[0] or rows[2]),
                bool(rows[0] and rows[1]),
            )
        )

    def publish(self) -> None:
        """Tell a panel that was just made what there is."""
        self._publish()
