"""The frozen state of the Explore page, and the two functions between it and a Recipe.

Canonical form: moves in s outermost, then moves in w, then mixes, then one Truncate, then moves in
z, then the base. Every state has exactly one Recipe; every Recipe of one generated picture has a
state that renders the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from desktop.classes import canonical
from engine.errors import RecipeError
from engine.recipe import (
    MAX_SEED,
    Blend,
    ClassWeight,
    Generate,
    Image,
    Latent,
    Mix,
    ModelRef,
    Move,
    Noise,
    Recipe,
    Resize,
    Seed,
    Space,
    Transform,
    Truncate,
    Tuned,
)

Psi = float | tuple[float, ...]
SPACE_ORDER: tuple[Space, ...] = ("z", "w", "s")


@dataclass(frozen=True)
class MoveSetting:
    """One slider: strength in standard deviations along a stored direction in a space."""

    direction: str
    strength: float
    layers: tuple[int, ...] | None = None
    space: Space = "w"


@dataclass(frozen=True)
class MixSetting:
    """One applied mix. follows: its source is truncated as the base is."""

    source: Latent
    layers: tuple[int, ...]
    amount: float = 1.0
    follows: bool = True


@dataclass(frozen=True)
class Lattice:
    """A place between four seeds: 00, 10, 01, 11; x and y in [0, 1]."""

    seeds: tuple[int, int, int, int]
    x: float
    y: float


@dataclass(frozen=True)
class Motion:
    """Where the plane is that the picture is made on; see engine.recipe.Transform."""

    x: float = 0.0
    y: float = 0.0
    rotation: float = 0.0


STILL = Motion()


@dataclass(frozen=True)
class ExploreState:
    """Everything that the Explore page shows of the picture. Strengths of zero are left out."""

    model: ModelRef
    base: Latent
    psi: Psi = 0.7
    cutoff: int | None = None
    moves: tuple[MoveSetting, ...] = ()
    mixes: tuple[MixSetting, ...] = ()
    noise: Noise = field(default_factory=Noise)
    classes: tuple[ClassWeight, ...] = ()
    delta: str | None = None  # weights tuned for one picture
    motion: Motion = STILL

    def strength(self, direction: str, layers: tuple[int, ...] | None = None) -> float:
        """Where a direction's slider stands."""
        return next(
            (m.strength for m in self.moves if (m.direction, m.layers) == (direction, layers)), 0.0
        )


def recipe_of(state: ExploreState) -> Recipe:
    """The one Recipe of a state. A base that is no z has no moves in z."""
    base = state.base
    for move in state.moves:
        if move.space == "z" and base.space == "z":
            base = Move(base, move.direction, move.strength, None, "z")
    latent: Latent = Truncate(base, state.psi, state.cutoff)
    for mix in state.mixes:
        source = Truncate(mix.source, state.psi, state.cutoff) if mix.follows else mix.source
        latent = Mix(latent, source, mix.layers, mix.amount)
    moves = (m for space in ("w", "s") for m in state.moves if m.space == space)
    for move in moves:
        latent = Move(latent, move.direction, move.strength, move.layers, move.space)
    made = Generate(state.model, latent, canonical(state.classes), state.noise)
    if state.delta is not None:  # tuned weights fit the picture where it lies
        return Recipe(Tuned(made, state.delta))
    if state.motion != STILL:
        moved = Transform(made, state.motion.x, state.motion.y, state.motion.rotation)
        return Recipe(moved)
    return Recipe(made)


def dropped_state(text: str, here: ExploreState | None) -> ExploreState:
    """A dropped picture's state; the model of `here` must have made it. Raises RecipeError."""
    state = state_of(Recipe.from_json(text))
    if here is not None and state.model != here.model:
        raise RecipeError(
            f"This picture was made by {state.model.name}.",
            "Choose that model first, then drop the picture again.",
        )
    return state


def state_of(recipe: Recipe) -> ExploreState:
    """The state that shows a Recipe. What fits no slider becomes an opaque base.

    Raises RecipeError when the picture is not one that a generator made from a latent.
    """
    image: Image = recipe.image
    while isinstance(image, Resize):  # what an export adds
        image = image.image
    motion = STILL
    if isinstance(image, Transform):
        motion, image = Motion(image.x, image.y, image.rotation), image.image
    delta: str | None = None
    if isinstance(image, Tuned):
        delta = image.delta
        image = image.image
    if not isinstance(image, Generate):
        raise RecipeError(
            f"Explore shows pictures of a generator, got {image.op!r}.",
            "Open the Recipe of a generated picture.",
        )
    styled, rest = _peel_moves(image.latent, "s")
    if rest.space == "s":
        raise RecipeError(
            "Explore shows pictures whose styles come from a latent, got styles alone.",
            "Open the Recipe of a generated picture.",
        )
    moves, rest = _peel_moves(rest, "w")
    mixes, rest = _peel_mixes(rest)
    if not isinstance(rest, Truncate):
        rest = Truncate(rest, 1.0)
    settings = tuple(_mix_setting(mix, rest) for mix in mixes)
    early, base = _peel_moves(rest.base, "z")
    return ExploreState(
        model=image.model,
        base=base,
        psi=rest.psi,
        cutoff=rest.cutoff,
        moves=tuple(
            MoveSetting(m.direction, m.strength, m.layers, m.kind)
            for m in (*early, *moves, *styled)
        ),
        mixes=settings,
        noise=image.noise,
        classes=canonical(image.classes),
        motion=motion,
        delta=delta,
    )


def _peel_moves(latent: Latent, kind: Space) -> tuple[list[Move], Latent]:
    """The outer moves in a space, innermost first, and what they move. A direction counts once."""
    moves: list[Move] = []
    seen: set[tuple[str, tuple[int, ...] | None]] = set()
    while isinstance(latent, Move) and latent.kind == kind:
        key = (latent.direction, latent.layers)
        if key in seen or latent.strength == 0:
            break
        seen.add(key)
        moves.insert(0, latent)
        latent = latent.base
    return moves, latent


def _peel_mixes(latent: Latent) -> tuple[list[Mix], Latent]:
    mixes: list[Mix] = []
    while isinstance(latent, Mix):
        mixes.insert(0, latent)
        latent = latent.base
    return mixes, latent


def _mix_setting(mix: Mix, base: Truncate) -> MixSetting:
    source = mix.source
    if isinstance(source, Truncate) and (source.psi, source.cutoff) == (base.psi, base.cutoff):
        return MixSetting(source.base, mix.layers, mix.amount)
    return MixSetting(source, mix.layers, mix.amount, follows=False)


def default_corners(seed: int) -> tuple[int, int, int, int]:
    """The four seeds of a lattice that begins at a seed: the seed and the three after it."""
    a, b, c, d = ((seed + i) % (MAX_SEED + 1) for i in range(4))
    return a, b, c, d


def lattice_base(lattice: Lattice) -> Latent:
    """The base at a place of the lattice. The home corner of default corners is the bare seed."""
    first = lattice.seeds[0]
    if (lattice.x, lattice.y) == (0, 0) and lattice.seeds == default_corners(first):
        return Seed(first)
    s00, s10, s01, s11 = (Seed(n) for n in lattice.seeds)
    upper = Blend(s00, s10, lattice.x, "z", "slerp")
    lower = Blend(s01, s11, lattice.x, "z", "slerp")
    return Blend(upper, lower, lattice.y, "z", "slerp")


def lattice_of(base: Latent) -> Lattice | None:
    """The lattice that a base lies in; None for a latent that is not from seeds this way."""
    if isinstance(base, Seed):
        return Lattice(default_corners(base.n), 0.0, 0.0)
    if not (isinstance(base, Blend) and (base.kind, base.curve) == ("z", "slerp")):
        return None
    upper, lower = base.a, base.b
    if not (isinstance(upper, Blend) and isinstance(lower, Blend)) or upper.t != lower.t:
        return None
    corners = (upper.a, upper.b, lower.a, lower.b)
    seeds = [corner.n for corner in corners if isinstance(corner, Seed)]
    inside = 0 <= upper.t <= 1 and 0 <= base.t <= 1
    slerps = all((b.kind, b.curve) == ("z", "slerp") for b in (upper, lower))
    if len(seeds) != 4 or not inside or not slerps:
        return None
    lattice = Lattice((seeds[0], seeds[1], seeds[2], seeds[3]), upper.t, base.t)
    return lattice if lattice_base(lattice) == base else None


def home_seed(base: Latent) -> int | None:
    """The seed that names a base: its own, or the nearest corner's; None for a custom latent."""
    lattice = lattice_of(base)
    if lattice is None:
        return None
    return lattice.seeds[(1 if lattice.x > 0.5 else 0) + (2 if lattice.y > 0.5 else 0)]


def with_strength(
    state: ExploreState, move: MoveSetting, order: Sequence[tuple[str, tuple[int, ...] | None]]
) -> ExploreState:
    """The state with one slider at its new place; sliders stand in the model's fixed order.

    The order makes two drag paths to one state give one Recipe.
    """
    key = (move.direction, move.layers)
    kept = [m for m in state.moves if (m.direction, m.layers) != key]
    if move.strength != 0:
        kept.append(move)
    return replace(state, moves=in_order(kept, order))


def in_order(
    moves: Sequence[MoveSetting], order: Sequence[tuple[str, tuple[int, ...] | None]]
) -> tuple[MoveSetting, ...]:
    """Moves in the model's fixed order; those it does not know come last, by digest."""
    place = {key: i for i, key in enumerate(order)}
    last = len(place)
    return tuple(
        sorted(
            moves,
            key=lambda m: (
                SPACE_ORDER.index(m.space),
                place.get((m.direction, m.layers), last),
                m.direction,
                m.layers or (),
            ),
        )
    )


def layer_psis(state: ExploreState, num_ws: int) -> tuple[float, ...]:
    """The psi of every layer. Beyond a cutoff it is 1."""
    if isinstance(state.psi, tuple):
        return (state.psi + (1.0,) * num_ws)[:num_ws]
    cutoff = num_ws if state.cutoff is None else state.cutoff
    return tuple(state.psi if i < cutoff else 1.0 for i in range(num_ws))
