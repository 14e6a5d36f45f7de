"""Between the state of the page and the Recipe nothing is lost."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from engine.errors import RecipeError
from engine.recipe import (
    Arithmetic,
    Crop,
    Generate,
    Mix,
    ModelRef,
    Move,
    Noise,
    Photo,
    Recipe,
    Resize,
    Seed,
    Stored,
    Term,
    Truncate,
)

SHAS = [hashlib.sha256(bytes([i])).hexdigest() for i in range(6)]
MODEL = ModelRef("portraits", SHAS[0])
ORDER = tuple((sha, None) for sha in SHAS)

seeds = st.integers(0, 2**32 - 1)
unit = st.integers(0, 1000).map(lambda n: n / 1000)
lattices = st.builds(Lattice, st.tuples(seeds, seeds, seeds, seeds), unit, unit)
bases = st.one_of(
    seeds.map(Seed),
    lattices.map(lattice_base),
    st.just(Stored(SHAS[1], "w")),
    st.just(Arithmetic((Term(1, (Seed(1), Seed(2))), Term(-1, (Seed(3),))), "z")),
    st.just(Truncate(Truncate(Seed(4), 0.5), 0.2)),
    st.just(Mix(Truncate(Seed(4), 0.5), Seed(9), (1,))),
)
layer_sets = st.lists(st.integers(0, 9), min_size=1, max_size=10, unique=True).map(
    lambda layers: tuple(sorted(layers))
)
moves = st.lists(
    st.builds(
        MoveSetting,
        st.sampled_from(SHAS),
        st.integers(-300, 300).filter(bool).map(lambda n: n / 100),
        st.none() | layer_sets,
    ),
    unique_by=lambda move: (move.direction, move.layers),
    max_size=5,
).map(lambda found: in_order(found, ORDER))
mixes = st.lists(
    st.builds(MixSetting, seeds.map(Seed), layer_sets, unit, st.booleans()), max_size=3
).map(tuple)
psis = st.integers(-200, 200).map(lambda n: n / 100)
truncations = st.one_of(
    st.tuples(psis, st.none() | st.integers(0, 9)),
    st.tuples(st.lists(psis, min_size=10, max_size=10).map(tuple), st.none()),
)
noises = st.builds(
    Noise, st.sampled_from(["const", "random", "none"]), seeds, unit.map(lambda n: n * 2)
)


@st.composite
def states(draw: st.DrawFn) -> ExploreState:
    psi, cutoff = draw(truncations)
    return ExploreState(MODEL, draw(bases), psi, cutoff, draw(moves), draw(mixes), draw(noises))


@settings(max_examples=150, deadline=None)
@given(states())
def test_a_state_comes_back_from_its_recipe(state: ExploreState) -> None:
    assert state_of(recipe_of(state)) == state


@settings(max_examples=60, deadline=None)
@given(states())
def test_a_recipe_survives_text_and_an_export(state: ExploreState) -> None:
    recipe = recipe_of(state)
    assert state_of(Recipe.from_json(recipe.text())) == state
    assert state_of(Recipe(Resize(recipe.image, 512, 512))) == state


@settings(max_examples=60, deadline=None)
@given(lattices)
def test_a_place_on_the_lattice_comes_back(lattice: Lattice) -> None:
    assert lattice_of(lattice_base(lattice)) == lattice


@given(st.permutations([0, 1, 2, 3, 4, 5]), st.permutations([0, 1, 2, 3, 4, 5]))
def test_the_order_of_gestures_leaves_no_trace(one: list[int], other: list[int]) -> None:
    def drag(order: list[int]) -> Recipe:
        state = ExploreState(MODEL, Seed(1))
        for i in order:
            state = with_strength(state, MoveSetting(SHAS[i], 9.0), ORDER)
            state = with_strength(state, MoveSetting(SHAS[i], i / 2), ORDER)
        return recipe_of(state)

    assert drag(one).canonical == drag(other).canonical


def test_a_slider_at_zero_is_no_move() -> None:
    state = with_strength(ExploreState(MODEL, Seed(1)), MoveSetting(SHAS[0], 2.0), ORDER)
    assert with_strength(state, MoveSetting(SHAS[0], 0.0), ORDER) == ExploreState(MODEL, Seed(1))


def test_home_on_default_corners_is_the_bare_seed() -> None:
    assert lattice_base(Lattice(default_corners(8), 0, 0)) == Seed(8)
    assert lattice_of(Seed(8)) == Lattice((8, 9, 10, 11), 0.0, 0.0)
    assert default_corners(2**32 - 1) == (2**32 - 1, 0, 1, 2)


def test_the_nearest_corner_names_a_place() -> None:
    assert home_seed(lattice_base(Lattice((5, 6, 7, 8), 0.9, 0.2))) == 6
    assert home_seed(lattice_base(Lattice((5, 6, 7, 8), 0.1, 0.8))) == 7
    assert home_seed(Stored(SHAS[0], "w")) is None


def test_what_fits_no_slider_becomes_an_opaque_base() -> None:
    latent = Truncate(Move(Mix(Seed(1), Seed(2), (0,)), SHAS[2], 1.0), 0.5)
    state = state_of(Recipe(Generate(MODEL, latent)))
    assert state.base == latent.base
    assert (state.moves, state.mixes, state.psi) == ((), (), 0.5)


def test_a_latent_without_truncation_is_shown_at_psi_one() -> None:
    state = state_of(Recipe(Generate(MODEL, Seed(3))))
    assert (state.base, state.psi) == (Seed(3), 1.0)


def test_a_direction_that_comes_twice_is_counted_once() -> None:
    latent = Move(Move(Truncate(Seed(1), 0.7), SHAS[2], 1.0), SHAS[2], 0.5)
    state = state_of(Recipe(Generate(MODEL, latent)))
    assert state.moves == (MoveSetting(SHAS[2], 0.5),)
    assert state.base == latent.base


@pytest.mark.parametrize(
    "image", [Photo(SHAS[0]), Crop(Generate(MODEL, Seed(1)), 0, 0, 8, 8)], ids=["photo", "crop"]
)
def test_other_pictures_are_refused_in_words(image: object) -> None:
    with pytest.raises(RecipeError, match="Explore shows pictures of a generator"):
        state_of(Recipe(image))  # type: ignore[arg-type]


def test_beyond_a_cutoff_psi_is_one() -> None:
    state = ExploreState(MODEL, Seed(1), 0.5, 2)
    assert layer_psis(state, 4) == (0.5, 0.5, 1.0, 1.0)
    assert layer_psis(replace(state, psi=(0.1, 0.2, 0.3, 0.4), cutoff=None), 4)[3] == 0.4
