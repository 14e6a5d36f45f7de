"""The maths on latents: the meaning at the ends, the refusals, and what a Recipe makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DirectionError, ModelError, RecipeError, StoreError
from engine.latent.arithmetic import average, combine
from engine.latent.evaluate import Memo, evaluate
from engine.latent.interpolate import lerp, slerp
from engine.latent.mixing import mix
from engine.latent.noise import layer_noise
from engine.latent.seeds import z_from_seed
from engine.latent.truncation import truncate
from engine.latent.walk import between, circle, keyframe_walk, lattice, through
from engine.recipe import (
    Arithmetic,
    Blend,
    Computed,
    Latent,
    Mix,
    Move,
    Noise,
    Seed,
    Stored,
    Term,
    Truncate,
)
from engine.summing import kept_spread

Array = np.ndarray[Any, Any]
Z_DIM, W_DIM, NUM_WS = 16, 8, 5
SHA = {name: f"{i:064x}" for i, name in enumerate(["w1", "wn", "z", "short", "deep", "nan", "w9"])}
SEEDS = st.integers(0, 2**32 - 1)


class Space:
    """A small latent space with a mapping of its own; counts how often it is asked."""

    z_dim, w_dim, num_ws = Z_DIM, W_DIM, NUM_WS
    w_avg = np.linspace(-1, 1, W_DIM, dtype=np.float32)

    def __init__(self) -> None:
        self.matrix = np.random.RandomState(0).randn(Z_DIM, W_DIM).astype(np.float32)
        self.calls = 0

    def map(self, z: Array, c: Array | None) -> Array:
        self.calls += 1
        w = np.tanh(z @ self.matrix) + (0 if c is None else np.float32(c.sum()))
        return np.repeat(w[:, None], NUM_WS, axis=1).astype(np.float32)


ARRAYS: dict[str, Array] = {
    SHA["w1"]: np.arange(W_DIM, dtype=np.float32),
    SHA["wn"]: np.random.RandomState(1).randn(NUM_WS, W_DIM).astype(np.float32),
    SHA["z"]: np.random.RandomState(2).randn(Z_DIM).astype(np.float32),
    SHA["short"]: np.zeros(512, np.float32),
    SHA["deep"]: np.zeros((18, W_DIM), np.float32),
    SHA["nan"]: np.full(W_DIM, np.nan, np.float32),
    SHA["w9"]: np.zeros((1, 1, W_DIM), np.float32),
}


def stored_array(sha256: str) -> Array:
    if sha256 not in ARRAYS:
        raise StoreError(f"The stored item {sha256} is missing.", "Open the project.")
    return ARRAYS[sha256]


def ws_of(latent: Latent) -> Array:
    ws = evaluate(latent, Space(), stored_array)
    assert ws.dtype == np.float32
    assert ws.shape == (1, NUM_WS, W_DIM)
    return ws


def draw(seed: int, *shape: int) -> Array:
    return np.random.RandomState(seed).randn(*shape).astype(np.float32)


# seeds


def test_seed_85_is_the_z_that_nvidias_scripts_draw() -> None:
    expected = np.random.RandomState(85).randn(1, 512)
    z = z_from_seed(85, 512)
    assert z.dtype == np.float32
    np.testing.assert_array_equal(z, expected.astype(np.float32))
    # Frozen by NumPy's policy: these numbers may never change.
    np.testing.assert_allclose(z_from_seed(0, 3)[0], [1.7640524, 0.4001572, 0.978738], rtol=1e-6)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(RecipeError, match="seed must lie in"):
        z_from_seed(seed, 4)


# interpolation


@given(SEEDS, SEEDS, st.sampled_from([lerp, slerp]))
def test_the_ends_of_a_blend_are_exact(
    one: int, two: int, curve: Callable[[Array, Array, float], Array]
) -> None:
    a, b = z_from_seed(one, 64), z_from_seed(two, 64)
    np.testing.assert_array_equal(curve(a, b, 0.0), a)
    np.testing.assert_array_equal(curve(a, b, 1.0), b)


@given(SEEDS, SEEDS, st.floats(0, 1))
def test_slerp_keeps_the_length_between_the_lengths_of_the_ends(
    one: int, two: int, t: float
) -> None:
    a, b = z_from_seed(one, 64), z_from_seed(two, 64)
    length = np.linalg.norm(slerp(a, b, t))
    expected = (1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b)
    assert length == pytest.approx(expected, rel=1e-5)


@given(SEEDS, SEEDS, st.floats(0.01, 0.99))
def test_slerp_divides_the_angle_in_proportion(one: int, two: int, t: float) -> None:
    if one == two:
        return
    a, b = z_from_seed(one, 64), z_from_seed(two, 64)
    middle = slerp(a, b, t)

    def angle(x: Array, y: Array) -> float:
        cosine = float((x @ y.T).item() / (np.linalg.norm(x) * np.linalg.norm(y)))
        return math.acos(max(-1.0, min(1.0, cosine)))

    assert angle(a, middle) == pytest.approx(t * angle(a, b), abs=2e-3)


def test_slerp_halfway_between_perpendicular_unit_vectors() -> None:
    a = np.array([[1, 0]], np.float32)
    b = np.array([[0, 1]], np.float32)
    np.testing.assert_allclose(slerp(a, b, 0.5), [[math.sqrt(0.5)] * 2], rtol=1e-6)
    np.testing.assert_allclose(slerp(a, b, 2.0), [[-1, 0]], atol=1e-6)


@given(SEEDS, st.floats(1e-12, 1e-2), st.floats(-2, 3))
def test_slerp_is_stable_at_small_angles(seed: int, gap: float, t: float) -> None:
    a = z_from_seed(seed, 32)
    b = (a + np.float32(gap) * draw(7, 1, 32)).astype(np.float32)
    np.testing.assert_allclose(slerp(a, b, t), a + t * (b - a), atol=1e-3)


@given(SEEDS, st.floats(-2, 3))
def test_slerp_between_opposites_stays_on_the_sphere(seed: int, t: float) -> None:
    a = z_from_seed(seed, 32)
    assert np.linalg.norm(slerp(a, -a, t)) == pytest.approx(np.linalg.norm(a), rel=1e-5)
    np.testing.assert_array_equal(slerp(a, -a, t), slerp(a, -a, t))


def test_slerp_from_a_zero_vector_is_straight() -> None:
    zero, b = np.zeros((1, 4), np.float32), np.ones((1, 4), np.float32)
    np.testing.assert_array_equal(slerp(zero, b, 0.25), b * 0.25)
    np.testing.assert_array_equal(slerp(zero, zero, 0.25), zero)


def test_slerp_in_one_dimension_stays_finite() -> None:
    one = np.ones((1, 1), np.float32)
    assert np.isfinite(slerp(one, -one, 0.5)).all()


def test_slerp_past_the_end_stops_at_length_zero() -> None:
    a, b = np.array([[1, 0]], np.float32), np.array([[0, 9]], np.float32)
    assert np.linalg.norm(slerp(a, b, -2.0)) == 0.0


def test_slerp_treats_each_row_by_itself() -> None:
    a, b = draw(1, 3, 8), draw(2, 3, 8)
    rows = [slerp(a[i : i + 1], b[i : i + 1], 0.3)[0] for i in range(3)]
    np.testing.assert_array_equal(slerp(a, b, 0.3), np.stack(rows))


# truncation


@given(SEEDS, st.one_of(st.none(), st.integers(0, NUM_WS)))
def test_psi_one_leaves_every_bit(seed: int, cutoff: int | None) -> None:
    ws = draw(seed, 2, NUM_WS, W_DIM)
    out = truncate(ws, Space.w_avg, psi=1.0, cutoff=cutoff)
    assert out.tobytes() == ws.tobytes()


def test_psi_zero_is_the_average() -> None:
    out = truncate(draw(0, 2, NUM_WS, W_DIM), Space.w_avg, psi=0.0)
    np.testing.assert_array_equal(out, np.broadcast_to(Space.w_avg, out.shape))


def test_psi_half_is_halfway_to_the_average() -> None:
    ws = draw(0, 1, NUM_WS, W_DIM)
    out = truncate(ws, Space.w_avg, psi=0.5)
    np.testing.assert_allclose(out, (ws + Space.w_avg) / 2, rtol=1e-5, atol=1e-6)


def test_cutoff_truncates_the_first_layers_only() -> None:
    ws = draw(0, 1, NUM_WS, W_DIM)
    out = truncate(ws, Space.w_avg, psi=0.0, cutoff=2)
    np.testing.assert_array_equal(out[:, :2], np.broadcast_to(Space.w_avg, (1, 2, W_DIM)))
    np.testing.assert_array_equal(out[:, 2:], ws[:, 2:])


def test_each_layer_may_have_its_own_psi() -> None:
    ws = draw(0, 1, NUM_WS, W_DIM)
    psi = (0.0, 1.0, 0.3, -1.0, 2.0)
    out = truncate(ws, Space.w_avg, psi=psi)
    for layer, value in enumerate(psi):
        one = truncate(ws, Space.w_avg, psi=value)
        np.testing.assert_array_equal(out[:, layer], one[:, layer])


@pytest.mark.parametrize(
    ("psi", "cutoff"), [((0.5,) * (NUM_WS - 1), None), (0.5, NUM_WS + 1), ((0.5,) * NUM_WS, 1)]
)
def test_a_psi_or_cutoff_that_does_not_fit_is_refused(psi: Any, cutoff: int | None) -> None:
    with pytest.raises(RecipeError):
        truncate(draw(0, 1, NUM_WS, W_DIM), Space.w_avg, psi=psi, cutoff=cutoff)


def test_truncation_leaves_its_argument_alone() -> None:
    ws = draw(0, 1, NUM_WS, W_DIM)
    before = ws.copy()
    truncate(ws, Space.w_avg, psi=0.5)
    np.testing.assert_array_equal(ws, before)


# mixing and arithmetic


def test_mixing_takes_the_named_layers_and_no_others() -> None:
    base, source = draw(1, 1, NUM_WS, W_DIM), draw(2, 1, NUM_WS, W_DIM)
    out = mix(base, source, (1, 3, 3))
    np.testing.assert_array_equal(out[:, [1, 3]], source[:, [1, 3]])
    np.testing.assert_array_equal(out[:, [0, 2, 4]], base[:, [0, 2, 4]])
    np.testing.assert_array_equal(mix(base, source, (1, 3), 0.0), base)


@given(st.floats(-2, 3))
def test_the_amount_of_a_mix_is_continuous(amount: float) -> None:
    base, source = draw(1, 1, NUM_WS, W_DIM), draw(2, 1, NUM_WS, W_DIM)
    out = mix(base, source, (2,), amount)
    np.testing.assert_allclose(
        out[:, 2], base[:, 2] + amount * (source[:, 2] - base[:, 2]), rtol=1e-4, atol=1e-5
    )


def test_a_layer_that_the_model_lacks_is_named() -> None:
    base = draw(1, 1, NUM_WS, W_DIM)
    with pytest.raises(RecipeError, match="Layer 5 is named, but the model has 5 layers"):
        mix(base, base, (0, 5))


def test_an_average_of_one_is_that_one() -> None:
    x = draw(3, 1, 4)
    assert average([x]).tobytes() == x.tobytes()
    assert combine([(1.0, [x])]).tobytes() == x.tobytes()


def test_arithmetic_is_the_sum_of_weighted_averages() -> None:
    a, b, c = (draw(i, 1, 6) for i in range(3))
    out = combine([(1.0, [a, b]), (-0.5, [c])])
    np.testing.assert_allclose(out, (a + b) / 2 - c / 2, rtol=1e-5, atol=1e-6)


def test_a_sum_of_averages_spreads_as_one_z_does() -> None:
    z = np.random.RandomState(0).randn(3, 5, 4000).astype(np.float32)
    terms = [(weight, [f"{row} {i}" for i in range(5)]) for row, weight in enumerate((1, -1, 1))]
    weights = kept_spread(terms)
    out = combine([(weight, list(row)) for weight, row in zip(weights, z, strict=True)])
    assert abs(out.std() - 1) < 0.05


def test_what_cancels_does_not_count_towards_the_spread() -> None:
    assert kept_spread([(1.0, ["a"]), (-1.0, ["a"]), (1.0, ["c"])]) == (1.0, -1.0, 1.0)
    assert kept_spread([(1.0, ["a"]), (-1.0, ["a"])]) == (1.0, -1.0)
    assert kept_spread([(2.0, ["a"])]) == (1.0,)


# noise

SHAPES = [(4, 4), (8, 8), (8, 8)]
CONSTS = [draw(i, *shape) for i, shape in enumerate(SHAPES)]


def test_constant_noise_is_the_models_own_scaled_by_gain_and_strength() -> None:
    maps = layer_noise(SHAPES, CONSTS, Noise(strength=0.5), 3, gains=(1.0, 2.0, -4.0))
    for map_, const, gain in zip(maps, CONSTS, (1.0, 2.0, -4.0), strict=True):
        assert map_.dtype == np.float32
        np.testing.assert_allclose(map_, (const * gain * 0.5)[None, None], rtol=1e-6)


def test_no_noise_is_zero() -> None:
    maps = layer_noise(SHAPES, CONSTS, Noise("none"), 2)
    assert [map_.shape for map_ in maps] == [(1, 1, *shape) for shape in SHAPES]
    assert not any(map_.any() for map_ in maps)


def test_random_noise_depends_on_its_seed_alone() -> None:
    one = layer_noise(SHAPES, CONSTS, Noise("random", seed=5), 2)
    again = layer_noise(SHAPES, CONSTS, Noise("random", seed=5), 2)
    other = layer_noise(SHAPES, CONSTS, Noise("random", seed=6), 2)
    assert [map_.shape for map_ in one] == [(2, 1, *shape) for shape in SHAPES]
    for a, b, c in zip(one, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_the_first_picture_of_a_batch_has_the_noise_it_has_alone() -> None:
    batch = layer_noise(SHAPES, CONSTS, Noise("random", seed=5), 3)
    alone = layer_noise(SHAPES, CONSTS, Noise("random", seed=5), 1)
    for many, one in zip(batch, alone, strict=True):
        np.testing.assert_array_equal(many[:1], one)


def test_each_layer_may_have_its_own_strength() -> None:
    maps = layer_noise(SHAPES, CONSTS, Noise(strength=(0.0, 1.0, 2.0)), 1)
    assert not maps[0].any()
    np.testing.assert_array_equal(maps[1][0, 0], CONSTS[1])
    np.testing.assert_array_equal(maps[2][0, 0], CONSTS[2] * 2)
    with pytest.raises(RecipeError, match=r"noise\.strength has 2 values, but the model has 3"):
        layer_noise(SHAPES, CONSTS, Noise(strength=(1.0, 1.0)), 1)


# evaluation


def test_a_seed_is_mapped_without_truncation() -> None:
    np.testing.assert_array_equal(ws_of(Seed(3)), Space().map(z_from_seed(3, Z_DIM), None))


def test_a_blend_in_z_is_mapped_after_blending() -> None:
    blend = Blend(Seed(1), Seed(2), 0.25, "z", "slerp")
    z = slerp(z_from_seed(1, Z_DIM), z_from_seed(2, Z_DIM), 0.25)
    np.testing.assert_array_equal(ws_of(blend), Space().map(z, None))


def test_a_blend_in_w_is_mapped_before_blending() -> None:
    blend = Blend(Seed(1), Seed(2), 0.25, "w", "linear")
    np.testing.assert_array_equal(ws_of(blend), lerp(ws_of(Seed(1)), ws_of(Seed(2)), 0.25))


def test_arithmetic_works_in_either_space() -> None:
    sum_ = [(1.0, [1, 2]), (-1.0, [3]), (1.0, [4])]
    terms = tuple(Term(weight, tuple(Seed(n) for n in seeds)) for weight, seeds in sum_)
    z = combine([(weight, [z_from_seed(n, Z_DIM) for n in seeds]) for weight, seeds in sum_])
    np.testing.assert_array_equal(ws_of(Arithmetic(terms, "z")), Space().map(z, None))
    w = combine([(t.weight, [ws_of(s) for s in t.exemplars]) for t in terms])
    np.testing.assert_array_equal(ws_of(Arithmetic(terms, "w")), w)


def test_a_move_adds_its_direction_in_w() -> None:
    ws = ws_of(Move(Seed(1), SHA["w1"], 1.5))
    np.testing.assert_allclose(ws, ws_of(Seed(1)) + 1.5 * ARRAYS[SHA["w1"]], rtol=1e-6)


def test_a_move_on_some_layers_leaves_the_others() -> None:
    plain = ws_of(Seed(1))
    ws = ws_of(Move(Seed(1), SHA["wn"], 2.0, layers=(3, 1)))
    np.testing.assert_array_equal(ws[:, [0, 2, 4]], plain[:, [0, 2, 4]])
    expected = plain[:, [1, 3]] + 2 * ARRAYS[SHA["wn"]][[1, 3]]
    np.testing.assert_allclose(ws[:, [1, 3]], expected, rtol=1e-6)


def test_a_layer_named_twice_moves_once() -> None:
    np.testing.assert_array_equal(
        ws_of(Move(Seed(1), SHA["w1"], 1.0, layers=(2, 2))),
        ws_of(Move(Seed(1), SHA["w1"], 1.0, layers=(2,))),
    )


def test_a_move_in_z_comes_before_the_mapping() -> None:
    z = z_from_seed(1, Z_DIM) + np.float32(0.5) * ARRAYS[SHA["z"]]
    np.testing.assert_array_equal(
        ws_of(Move(Seed(1), SHA["z"], 0.5, kind="z")), Space().map(z, None)
    )


def test_stored_latents_of_every_form_are_used() -> None:
    np.testing.assert_array_equal(ws_of(Stored(SHA["w1"], "w"))[0, 2], ARRAYS[SHA["w1"]])
    np.testing.assert_array_equal(ws_of(Stored(SHA["wn"], "w"))[0], ARRAYS[SHA["wn"]])
    mapped = Space().map(ARRAYS[SHA["z"]][None], None)
    np.testing.assert_array_equal(ws_of(Stored(SHA["z"], "z")), mapped)


def test_the_explore_form_is_moves_of_mixes_of_a_truncation() -> None:
    base = Truncate(lattice(Seed(1), Seed(2), Seed(3), Seed(4), 0.5, 0.5), 0.7)
    mixed = Mix(base, Seed(9), (0, 1), 0.5)
    ws = ws_of(Move(mixed, SHA["w1"], -1.0))
    cut = truncate(ws_of(base.base), Space.w_avg, psi=0.7)
    expected = mix(cut, ws_of(Seed(9)), (0, 1), 0.5) - ARRAYS[SHA["w1"]]
    np.testing.assert_allclose(ws, expected, rtol=1e-5, atol=1e-6)


def test_psi_zero_makes_every_seed_the_average_picture() -> None:
    assert ws_of(Truncate(Seed(1), 0.0)).tobytes() == ws_of(Truncate(Seed(2), 0.0)).tobytes()


def test_the_class_reaches_the_mapping() -> None:
    space, memo = Space(), Memo()
    plain = evaluate(Seed(1), space, stored_array, memo=memo)
    c = np.ones((1, 3), np.float32)
    assert not np.array_equal(evaluate(Seed(1), space, stored_array, c, memo), plain)
    np.testing.assert_array_equal(evaluate(Seed(1), space, stored_array, memo=memo), plain)


def test_a_direction_of_another_width_is_refused() -> None:
    with pytest.raises(DirectionError) as caught:
        ws_of(Move(Seed(1), SHA["short"], 1.0))
    assert caught.value.what == "This direction is for w of 512 values, but the model makes 8."
    assert caught.value.remedy == "Choose a direction found on this model."


@pytest.mark.parametrize("name", ["deep", "nan", "w9"])
def test_a_direction_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(DirectionError):
        ws_of(Move(Seed(1), SHA[name], 1.0))


def test_a_direction_that_is_missing_is_named() -> None:
    with pytest.raises(DirectionError, match="f" * 64):
        ws_of(Move(Seed(1), "f" * 64, 1.0))


@pytest.mark.parametrize("name", ["short", "deep", "nan", "z"])
def test_a_stored_latent_of_another_space_is_refused(name: str) -> None:
    with pytest.raises(ModelError):
        ws_of(Stored(SHA[name], "w"))


@pytest.mark.parametrize(
    "latent",
    [
        Mix(Seed(1), Seed(2), (NUM_WS,)),
        Move(Seed(1), SHA["w1"], 1.0, layers=(60,)),
        Truncate(Seed(1), (0.5, 0.5)),
        Truncate(Seed(1), 0.5, cutoff=NUM_WS + 1),
    ],
)
def test_layers_that_the_model_lacks_are_refused(latent: Latent) -> None:
    with pytest.raises(RecipeError):
        ws_of(latent)


def test_every_kind_of_latent_can_be_evaluated() -> None:
    examples = {
        "seed": Seed(1),
        "stored": Stored(SHA["w1"], "w"),
        "blend": Blend(Seed(1), Seed(2), 0.5, "w", "linear"),
        "arithmetic": Arithmetic((Term(1.0, (Seed(1),)),), "w"),
        "mix": Mix(Seed(1), Seed(2), (0,)),
        "move": Move(Seed(1), SHA["w1"], 1.0),
        "truncate": Truncate(Seed(1), 0.5),
        "computed": Computed("invert", SHA["w1"], "w"),
    }
    assert set(examples) == set(Latent.members)
    for latent in examples.values():
        assert np.isfinite(ws_of(latent)).all()


def test_a_drag_along_a_direction_maps_nothing_again() -> None:
    space, memo = Space(), Memo()
    for step in range(10):
        latent = Move(Mix(Truncate(Seed(1), 0.7), Seed(2), (0,)), SHA["w1"], step / 10)
        evaluate(latent, space, stored_array, memo=memo)
    assert space.calls == 2


def test_what_a_memo_remembers_is_what_would_be_computed() -> None:
    space, memo = Space(), Memo()
    latent = Move(Truncate(Seed(1), 0.7), SHA["w1"], 1.0)
    first = evaluate(latent, space, stored_array, memo=memo).copy()
    np.testing.assert_array_equal(evaluate(latent, space, stored_array, memo=memo), first)
    np.testing.assert_array_equal(ws_of(latent), first)


def test_a_memo_forgets_what_was_used_longest_ago() -> None:
    space, memo = Space(), Memo(limit=2)
    for n in (1, 2, 1, 3, 1):
        evaluate(Seed(n), space, stored_array, memo=memo)
    assert space.calls == 3
    assert {key[0] for key in memo} == {Seed(3), Seed(1)}
    del memo[next(iter(memo))]
    assert len(memo) == 1


# walks


def test_the_corners_of_the_lattice_are_its_seeds() -> None:
    corners = [Seed(1), Seed(2), Seed(3), Seed(4)]
    for i, corner in enumerate(corners):
        point = lattice(corners[0], corners[1], corners[2], corners[3], float(i % 2), float(i // 2))
        assert ws_of(point).tobytes() == ws_of(corner).tobytes()


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_lattice_is_always_the_same_expression(x: float, y: float) -> None:
    assert lattice(Seed(1), Seed(2), Seed(3), Seed(4), x, y) == Blend(
        Blend(Seed(1), Seed(2), x, "z", "slerp"),
        Blend(Seed(3), Seed(4), x, "z", "slerp"),
        y,
        "z",
        "slerp",
    )


def test_a_walk_passes_through_its_keys() -> None:
    walk = keyframe_walk([5, 6, 7], 5)
    assert walk[0] == Seed(5)
    assert walk[2] == Seed(6)
    assert walk[4] == Seed(7)
    assert walk[1] == Blend(Seed(5), Seed(6), 0.5, "z", "slerp")


def test_a_closed_walk_leads_back_without_showing_a_frame_twice() -> None:
    walk = keyframe_walk([5, 6], 4, closed=True)
    assert walk[0] == Seed(5)
    assert walk[2] == Seed(6)
    assert walk[3] == Blend(Seed(6), Seed(5), 0.5, "z", "slerp")
    assert len(set(walk)) == 4


@given(st.floats(-10, 10))
def test_a_closed_way_wraps_and_an_open_way_holds(position: float) -> None:
    keys = [Seed(1), Seed(2), Seed(3)]
    assert through(keys, position, closed=True) == through(keys, position % 3, closed=True)
    held = through(keys, position)
    assert held == through(keys, min(max(position, 0.0), 2.0))


def test_a_smooth_walk_rests_at_its_keys() -> None:
    keys = [Seed(1), Seed(2)]
    early = through(keys, 0.1, easing="smooth")
    assert isinstance(early, Blend)
    assert early.t == pytest.approx(0.028)
    assert through(keys, 0.5, easing="smooth") == through(keys, 0.5)


def test_a_walk_in_w_is_straight() -> None:
    a, b = Truncate(Seed(1), 0.5), Seed(2)
    assert between(a, b, 0.5) == Blend(a, b, 0.5, "w", "linear")
    assert between(a, a, 0.5) == a


@pytest.mark.parametrize(("seeds", "frames"), [([], 3), ([1], 0)])
def test_a_walk_without_keys_or_frames_is_refused(seeds: list[int], frames: int) -> None:
    with pytest.raises(RecipeError):
        keyframe_walk(seeds, frames)


def test_a_walk_of_one_seed_stands_still() -> None:
    assert set(keyframe_walk([4], 6)) == {Seed(4)}


def test_a_circle_closes_without_a_corner() -> None:
    a, b = Seed(1), Seed(2)
    assert circle(a, b, 0.0) == circle(a, b, 1.0)
    np.testing.assert_allclose(ws_of(circle(a, b, 0.25)), ws_of(b), atol=1e-5)
    for i in range(100):
        round_ = circle(a, b, i / 100)
        assert isinstance(round_, Arithmetic)
        x, y = (term.weight for term in round_.terms)
        assert math.hypot(x, y) == pytest.approx(1.0)
        assert math.atan2(y, x) % math.tau == pytest.approx(math.tau * i / 100)
