"""Films: the way between pictures, and its pace."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from engine.cancel import CancelToken
from engine.errors import RecipeError
from engine.frame import Progress
from engine.latent.pace import constant_pace, path_length, unevenness
from engine.latent.tween import at, between_four, eased, frame_of, grid, tween
from engine.path import Key, Path
from engine.recipe import (
    Blend,
    ClassWeight,
    Generate,
    Mix,
    ModelRef,
    Noise,
    Photo,
    Recipe,
    Seed,
    Truncate,
)
from engine.services.pace import even_out
from engine.studio import Studio
from tests.random_model import NAME

REF = ModelRef("faces", "a" * 64)


def quiet(progress: Progress) -> None:
    """Nobody watches."""


def film(*seeds: int, **settings: object) -> Path:
    keys = tuple(Key(Generate(REF, Truncate(Seed(n), 0.7)), float(i)) for i, n in enumerate(seeds))
    return Path(keys, fps=10, **settings)  # type: ignore[arg-type]


def test_a_film_begins_and_ends_at_its_keys() -> None:
    path = film(1, 2, 3)
    assert path.frames == 21
    assert frame_of(path, 0) == Recipe(path.keys[0].image)
    assert frame_of(path, 10) == Recipe(path.keys[1].image)
    assert frame_of(path, 20) == Recipe(path.keys[2].image)
    with pytest.raises(RecipeError, match="0 to 20"):
        frame_of(path, 21)


def test_a_loop_shows_its_first_frame_once() -> None:
    path = film(1, 2, loop_s=1.0)
    frames = [frame_of(path, i) for i in range(path.frames)]
    assert len(frames) == 20
    assert frames[0] == Recipe(path.keys[0].image)
    assert len(set(frames)) == 20


def test_a_film_is_the_value_of_its_json() -> None:
    path = film(1, 2, easing="in", noise="walking", warp=(0.0, 0.7, 1.0))
    assert Path.from_json(path.canonical) == path
    assert Path.from_json(path.canonical).sha256 == path.sha256


@pytest.mark.parametrize(
    ("words", "make"),
    [
        ("begin at 0", lambda: Path((Key(Generate(REF, Seed(1)), 1.0),))),
        ("one model", lambda: Path((
            Key(Generate(REF, Seed(1)), 0.0),
            Key(Generate(ModelRef("b", "b" * 64), Seed(1)), 1.0),
        ))),
        ("generated picture", lambda: Key(Photo("a" * 64), 0.0)),
        ("backwards", lambda: film(1, 2, warp=(0.5, 0.2))),
        ("Only in w", lambda: film(1, 2, layers=(0,))),
        ("20000 frames", lambda: Path(
            (Key(Generate(REF, Seed(1)), 0.0), Key(Generate(REF, Seed(2)), 3000.0))
        )),
    ],
)  # fmt: skip
def test_a_film_that_cannot_be_is_refused(words: str, make: object) -> None:
    with pytest.raises(RecipeError, match=words):
        make()  # type: ignore[operator]


def test_walking_noise_differs_from_frame_to_frame() -> None:
    path = film(1, 2, noise="walking")
    noises = {frame_of(path, i).image.noise for i in range(5)}  # type: ignore[attr-defined]
    assert len(noises) == 5
    assert Noise("random", 3) in noises


def test_latents_under_one_truncation_turn_in_z() -> None:
    a, b = Truncate(Seed(1), 0.7), Truncate(Seed(2), 0.7)
    assert tween(a, b, 0.5, "z") == Truncate(Blend(Seed(1), Seed(2), 0.5, "z", "slerp"), 0.7)
    other = tween(a, Truncate(Seed(2), 0.5), 0.5, "z")
    assert isinstance(other, Blend)
    assert other.kind == "w"
    assert tween(a, b, 0.5, "s") == Blend(a, b, 0.5, "s", "linear")
    assert tween(a, b, 0.5, "w", (0, 1)) == Mix(a, b, (0, 1), 0.5)
    assert tween(a, b, 1.0, "w") == b


def test_a_grid_has_its_corners_in_the_corners() -> None:
    corners = (Seed(0), Seed(1), Seed(2), Seed(3))
    rows = grid(corners, 3, 4, "z")
    assert (rows[0][0], rows[0][-1], rows[-1][0], rows[-1][-1]) == corners
    assert {len(row) for row in rows} == {3}
    with pytest.raises(RecipeError):
        grid(corners, 1, 4, "z")


@pytest.mark.parametrize("easing", ["linear", "smooth", "in", "out"])
def test_easing_keeps_the_ends_and_never_turns_back(easing: str) -> None:
    values = [eased(t, easing) for t in np.linspace(0, 1, 20)]  # type: ignore[arg-type]
    assert values[0] == pytest.approx(0.0)
    assert values[-1] == pytest.approx(1.0)
    assert all(b >= a for a, b in itertools.pairwise(values))


def test_classes_are_blended_by_their_shares() -> None:
    keys = tuple(Key(Generate(REF, Seed(1), (ClassWeight(i),)), float(i)) for i in range(2))
    made = at(Path(keys, easing="linear"), 0.25).image
    assert made.classes == (ClassWeight(0, 0.75), ClassWeight(1, 0.25))  # type: ignore[attr-defined]


def test_a_constant_pace_makes_equal_steps() -> None:
    places = np.linspace(0, 1, 200)
    way = places**3  # slow at first, quick at last
    warp = constant_pace(np.abs(np.diff(way)), 50)
    assert (warp[0], warp[-1]) == (0.0, 1.0)
    steps = np.diff(np.interp(warp, places, way))
    assert unevenness(steps) < 0.05 < unevenness(np.diff(way))
    assert path_length(np.diff(way)) == pytest.approx(1.0)


def test_a_pace_that_is_looked_at_again_becomes_more_even() -> None:
    places = np.linspace(0, 1, 2000)
    way = np.tanh(8 * (places - 0.5))  # nearly all of it in the middle
    seen: list[float] = []
    warp = np.linspace(0, 1, 12)  # too few to tell at once where
    for _ in range(4):
        steps = np.diff(np.interp(warp, places, way))
        seen.append(unevenness(steps))
        warp = constant_pace(steps, places=warp)
    assert seen[3] < 0.3 * seen[1] < 0.3 * seen[0]


def test_where_nothing_changes_the_pace_stays() -> None:
    assert np.allclose(constant_pace([0.0, 0.0]), [0, 0.5, 1])


def test_a_film_is_evened_out(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.editing import perceptual

    monkeypatch.setattr(perceptual, "looks", lambda: perceptual.PyramidLooks())
    ref = studio.ref(NAME)
    keys = (Key(Generate(ref, Seed(1)), 0.0), Key(Generate(ref, Seed(2)), 1.0))
    path = replace(film(1, 2, easing="in", space="w"), keys=keys)
    pace = even_out(studio.home, path, quiet, CancelToken(), samples=24)
    assert pace.after < 0.5 * pace.unevenness
    assert pace.length > 0


def test_between_four_pictures_the_corners_are_the_pictures() -> None:
    corners = [Recipe(Generate(REF, Truncate(Seed(n), 0.7))) for n in range(4)]
    for recipe, (x, y) in zip(corners, ((0, 0), (1, 0), (0, 1), (1, 1)), strict=True):
        assert between_four(corners, x, y, "z") == recipe
    inside = between_four(corners, 0.3, 0.6, "w").image
    assert isinstance(inside.latent, Blend)  # type: ignore[attr-defined]
    other = Recipe(Generate(ModelRef("b", "b" * 64), Seed(1)))
    with pytest.raises(RecipeError, match="one model"):
        between_four([*corners[:3], other], 0.5, 0.5, "z")
    with pytest.raises(RecipeError, match="generated"):
        between_four([*corners[:3], Recipe(Photo("a" * 64))], 0.5, 0.5, "z")
