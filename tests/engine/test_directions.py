from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from linear_world import NAMES, LayeredWorld, LinearWorld, reader

from engine.cancel import CancelToken
from engine.directions.effects import Slider, clearly_moved, moved, sweep
from engine.directions.ganspace import principal_directions
from engine.directions.library import (
    read_directions,
    sliders,
    vector_of,
    write_directions,
)
from engine.directions.named import partial_directions, readable, unit_std
from engine.directions.ranges import Reach, best_slider, layer_groups, trial
from engine.directions.report import table
from engine.directions.sampling import pictures, read_traits, sample_w, to_ws
from engine.directions.search import Search, draw_sample, find_named
from engine.errors import Cancelled, DirectionError
from engine.frame import DirectionInfo

SMALL = Search(samples=400, reach=Reach(faces=100))


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_partial_direction_changes_its_own_reading_by_one_and_no_other() -> None:
    world = LinearWorld()
    w = sample_w(world, 3000, 1)
    found = partial_directions(w, world.attributes(w), shrink=0.0)
    assert np.allclose(found @ world.readings, np.eye(len(NAMES)), atol=2e-3)


def test_a_partial_direction_is_the_likeliest_of_all_that_do_so() -> None:
    world = LinearWorld()
    w = sample_w(world, 3000, 1)
    best = partial_directions(w, world.attributes(w), shrink=0.0)[0]
    inverse = np.linalg.inv(np.cov(w.T))
    null = np.linalg.svd(world.readings.T)[2][len(NAMES) :]
    for step in null:
        for size in (-0.3, 0.3):
            other = best + size * step
            assert best @ inverse @ best <= other @ inverse @ other + 1e-6


def test_what_w_hardly_tells_is_not_held() -> None:
    world = LinearWorld()
    w = sample_w(world, 3000, 1)
    chance = np.random.default_rng(0).normal(size=(len(w), 1))
    half = world.attributes(w)[:, :1] + 3 * world.attributes(w)[:, :1].std() * chance
    traits = np.concatenate([world.attributes(w), chance, half], axis=1)
    assert list(readable(w, traits)) == [True] * len(NAMES) + [False, False]


def test_strength_one_is_one_standard_deviation_along_the_direction() -> None:
    w = sample_w(LinearWorld(), 2000, 2)
    direction = unit_std(np.array([3.0, 0, 1, 0, -2, 0]), w)
    unit = direction / np.linalg.norm(direction)
    assert np.linalg.norm(direction) == pytest.approx((w @ unit).std(), rel=1e-6)


def test_principal_directions_are_those_of_the_covariance() -> None:
    turn, _ = np.linalg.qr(np.random.RandomState(0).randn(5, 5))
    spread = np.array([4.0, 3.0, 2.0, 1.0, 0.5])
    w = (np.random.RandomState(1).randn(200_000, 5) * spread + 7) @ turn.T
    found = principal_directions(w.astype(np.float32), 3)
    for i, direction in enumerate(found):
        assert abs(cosine(direction, turn[:, i])) > 0.999
        assert np.linalg.norm(direction) == pytest.approx(spread[i], rel=0.01)
        assert direction[np.abs(direction).argmax()] > 0


def test_a_move_on_some_layers_leaves_the_others() -> None:
    ws = np.zeros((2, 4, 3), np.float32)
    out = moved(ws, np.array([1, 0, 2], np.float32), 1.5, (1, 2))
    assert out[0, 1].tolist() == [1.5, 0.0, 3.0]
    assert not out[:, [0, 3]].any()
    assert not ws.any()


def test_the_whole_search_finds_directions_that_hold_their_bars() -> None:
    world, network = LinearWorld(), reader()
    sample = draw_sample(world, network, SMALL, lambda told: None, None)
    found = find_named(world, network, NAMES, sample, SMALL, lambda told: None, None)
    assert [slider.name for slider in found] == list(NAMES)
    for i, slider in enumerate(found):
        effect = slider.vector @ world.readings
        assert effect[i] > 0
        assert np.abs(np.delete(effect, i)).max() < 0.12 * effect[i]
        assert slider.low == -slider.high
    faces = to_ws(sample_w(world, 100, 99), world.info.num_ws)
    scores = table(world, network, found, NAMES, faces)
    assert scores["holds"], scores["rows"]
    assert scores["judge"] == network.sha256


def test_a_slider_that_moves_another_attribute_does_not_hold() -> None:
    world, network = LinearWorld(), reader()
    both = (world.readings[:, 0] + world.readings[:, 1]) * 3
    faces = to_ws(sample_w(world, 20, 5), world.info.num_ws)
    row = table(world, network, [Slider("yaw", both, -4, 4)], NAMES, faces)["rows"]["yaw"]
    assert row["moved"] == 1.0
    assert row["unsigned"]["smile"] > 0.25
    assert row["holds"] is False


def test_a_slider_that_goes_the_wrong_way_does_not_hold() -> None:
    world, network = LinearWorld(), reader()
    w = sample_w(world, 500, 5)
    away = -partial_directions(w, world.attributes(w))[0].astype(np.float32) * 2
    rows = table(world, network, [Slider("yaw", away, -1, 1)], NAMES, to_ws(w[:20], 4))["rows"]
    assert rows["yaw"]["moved"] == 0.0
    assert rows["yaw"]["holds"] is False


def test_glasses_must_really_come_and_go() -> None:
    world, network = LinearWorld(), reader()
    w = sample_w(world, 500, 6)
    glasses = partial_directions(w, world.attributes(w))[3].astype(np.float32)
    faces = to_ws(w[:50], 4)
    wide = sweep(world, network, faces, Slider("eyeglasses", glasses, -3, 3), (-3.0, 3.0))
    narrow = sweep(world, network, faces, Slider("eyeglasses", glasses, 0, 0.1), (-0.05, 0.05))
    assert clearly_moved(wide, "eyeglasses", binary=True).mean() > 0.9
    assert clearly_moved(narrow, "eyeglasses", binary=True).mean() < 0.5


def test_traits_are_shares_of_each_range() -> None:
    world, network = LinearWorld(), reader()
    ws = to_ws(sample_w(world, 30, 7), 4)
    traits = read_traits(network, pictures(world, ws))
    truth = world.attributes(ws[:, 0])
    seen = np.abs(truth[:, 0]) < 6
    assert np.allclose(traits.values[seen, 0], truth[seen, 0] / 2, atol=0.03)
    assert ((traits.values[:, 3] > 0.5) == (truth[:, 3] > 0)).mean() > 0.9


def test_layers_are_chosen_where_they_leak_less() -> None:
    world, network = LayeredWorld(), reader()
    w = sample_w(world, 100, 3)
    tangled = world.readings[:, 0] * 2
    slider = best_slider(world, network, to_ws(w, 4), "yaw", tangled, NAMES, Reach(), None)
    assert slider.layers == (0,)
    assert slider.low < -1


def test_a_slider_that_does_nothing_is_not_widened_in_vain() -> None:
    world, network = LinearWorld(), reader()
    idle = np.linalg.svd(world.readings.T)[2][-1].astype(np.float32)
    faces = to_ws(sample_w(world, 20, 3), 4)
    found = trial(
        world, network, faces, Slider("yaw", idle, -1, 1), NAMES, Reach(), (1.0, 2.0, 4.0), None
    )
    assert not found.enough
    assert found.strength == 1.0


def test_layer_groups_cover_coarse_to_fine() -> None:
    assert layer_groups(10) == (
        (0, 1, 2), tuple(range(7)), (3, 4, 5, 6), tuple(range(3, 10)),
    )  # fmt: skip


def test_an_unknown_name_and_a_stop_are_heard() -> None:
    world, network = LinearWorld(), reader()
    sample = draw_sample(world, network, SMALL, lambda told: None, None)
    with pytest.raises(DirectionError, match="hat"):
        find_named(world, network, ["hat"], sample, SMALL, lambda told: None, None)
    stop = CancelToken()
    stop.cancel()
    with pytest.raises(Cancelled):
        find_named(world, network, NAMES, sample, SMALL, lambda told: None, stop)


INFO = DirectionInfo("yaw", "Turn", "", "a" * 64, "named", -3.0, 3.0, (0, 1), {"yaw": 0.5})


def test_directions_come_back_from_their_folder_in_order(tmp_path: Path) -> None:
    vectors = np.eye(3, dtype=np.float32)[:2]
    second = replace(INFO, name="pc-1", layers=None, scores={})
    write_directions(tmp_path, [(INFO, vectors[0]), (second, vectors[1])])
    found = read_directions(tmp_path)
    assert [d.name for d in found] == ["yaw", "pc-1"]
    assert found[0] == replace(INFO, sha256=found[0].sha256)
    assert np.array_equal(vector_of(tmp_path, found[1]), vectors[1])
    assert [s.name for s in sliders(tmp_path)] == ["yaw", "pc-1"]


def test_vectors_that_no_direction_names_are_removed(tmp_path: Path) -> None:
    write_directions(tmp_path, [(INFO, np.ones(3, np.float32))])
    write_directions(tmp_path, [(INFO, np.zeros(3, np.float32))])
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert [path.name for path in files] == [read_directions(tmp_path)[0].sha256]


@pytest.mark.parametrize(
    "change", [{"low": 3.0}, {"odd": 1}, {"name": "pc-1"}], ids=["range", "field", "name"]
)
def test_a_damaged_list_of_directions_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    second = replace(INFO, name="pc-1")
    write_directions(tmp_path, [(INFO, np.ones(3, np.float32)), (second, np.ones(3, np.float32))])
    path = tmp_path / "directions.json"
    items = json.loads(path.read_text())
    items[0] |= change
    path.write_text(json.dumps(items))
    with pytest.raises(DirectionError):
        read_directions(tmp_path)


def test_a_folder_without_directions_has_none(tmp_path: Path) -> None:
    assert read_directions(tmp_path) == ()
