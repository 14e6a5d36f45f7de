"""Finding directions: what each method must give where the right answer is known."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from linear_world import LinearWorld, reader

from engine.cancel import CancelToken
from engine.directions.activations import carried_back
from engine.directions.boundary import conditional, fit_boundary, linear_svm
from engine.directions.direction_file import check_fits, for_model, read_direction, write_direction
from engine.directions.effects import Slider
from engine.directions.labels import learn
from engine.directions.measure import change, correlation, draw_faces, scores
from engine.directions.published import read_published
from engine.directions.sampling import sample_w
from engine.directions.sefa import factorised, style_weights
from engine.directions.stylespace import inside, locality, ranked_channels
from engine.errors import DirectionError
from engine.frame import DirectionInfo, ModelInfo, Progress
from engine.recipe import Generate, ModelRef, Move, Recipe, Seed, Truncate
from engine.services import direction_files
from engine.services.find import find, label_of
from engine.studio import Studio
from engine.wishes import DirectionWish, Labelled
from tests.random_model import NAME


def quiet(progress: Progress) -> None:
    """Nobody watches."""


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def unit(path: str, vector: np.ndarray) -> float:
    return 1.0


def test_sefa_finds_what_the_weights_react_to_most() -> None:
    rng = np.random.RandomState(0)
    strong = np.linalg.qr(rng.randn(12, 12))[0][0]
    rows = np.concatenate([np.outer(rng.choice([-1, 1], 40), strong), 0.05 * rng.randn(4, 12)])
    found = factorised([rows.astype(np.float32)], 2)
    assert abs(cosine(found[0], strong)) > 0.9
    assert np.allclose(found @ found.T, np.eye(2), atol=1e-9)


def test_sefa_takes_only_the_layers_that_are_named() -> None:
    tensors = {
        f"synthesis.b{i}.conv.affine.weight": np.full((8, 6), i, np.float16) for i in range(4)
    }
    tensors["synthesis.b0.torgb.affine.weight"] = np.full((8, 6), 9, np.float16)
    picked = style_weights(tensors, (1, 3), 6, 4)
    assert [int(part[0, 0]) for part in picked] == [1, 3]
    with pytest.raises(DirectionError, match="Layers"):
        style_weights(tensors, (7,), 6, 4)


def test_a_boundary_is_the_plane_that_tells_two_kinds_apart() -> None:
    world = LinearWorld()
    w = sample_w(world, 2000, 1)
    found = fit_boundary(w, world.attributes(w)[:, 1])
    assert cosine(found.normal, world.readings[:, 1]) > 0.97
    assert found.accuracy > 0.95


def test_a_conditional_direction_leaves_the_others_alone() -> None:
    rng = np.random.RandomState(2)
    own, others = rng.randn(8), rng.randn(2, 8)
    left = conditional(own / np.linalg.norm(own), others)
    assert np.abs(others @ left).max() < 1e-9
    with pytest.raises(DirectionError, match="Nothing is left"):
        conditional(others[0] / np.linalg.norm(others[0]), others)


def test_a_boundary_of_equal_pictures_is_refused() -> None:
    with pytest.raises(DirectionError, match="do not differ"):
        fit_boundary(np.zeros((20, 3)), np.ones(20))
    with pytest.raises(DirectionError, match="No plane"):
        linear_svm(np.zeros((20, 3)), np.arange(20) > 9)


def test_twenty_marks_are_enough_to_learn_a_direction() -> None:
    world = LinearWorld()
    w = sample_w(world, 2000, 1)
    marked = sample_w(world, 24, 7)
    smiles = world.attributes(marked)[:, 1]
    learnt = learn(marked, smiles > np.median(smiles), w)
    moved = learnt.direction @ world.readings
    assert moved[1] > 0.8 * world.attributes(w)[:, 1].std()  # the most that a step can
    assert learnt.accuracy > 0.75


def test_too_few_marks_are_refused() -> None:
    w = np.random.RandomState(0).randn(50, 4)
    with pytest.raises(DirectionError, match="at least 3"):
        learn(w[:6], np.arange(6) > 3, w)


def test_marks_without_meaning_are_told_as_chance() -> None:
    w = np.random.RandomState(0).randn(400, 30)
    accuracy = [
        learn(w[i : i + 20], np.random.RandomState(i).rand(20) > 0.5, w).accuracy
        for i in range(0, 300, 20)
    ]
    assert 0.3 < np.mean(accuracy) < 0.7


def test_style_channels_are_ranked_by_what_they_do_consistently() -> None:
    rng = np.random.RandomState(0)
    styles = rng.randn(1000, 20)
    order, theta = ranked_channels(styles, styles[:, 13] * -2.0)
    assert order[0] == 13
    assert theta[13] < 0


def test_locality_is_the_share_of_the_change_within_the_region() -> None:
    mask = inside((0.0, 0.0, 0.5, 1.0), 8, 8)
    before, after = np.zeros((1, 3, 8, 8)), np.zeros((1, 3, 8, 8))
    after[..., :4] = 10
    assert locality(before, after, mask) == (1.0, pytest.approx(10.0))
    assert locality(before, after, ~mask)[0] == 0.0
    with pytest.raises(DirectionError, match="region"):
        inside((0.5, 0, 0.4, 1), 8, 8)


def test_components_of_activations_are_carried_back_to_the_latent() -> None:
    rng = np.random.RandomState(0)
    z = rng.randn(400, 6)
    matrix = np.diag([5.0, 3, 1, 0.5, 0.2, 0.1])
    found = carried_back(z, z @ matrix, 2)
    assert abs(found[0, 0]) > 0.97
    assert abs(found[1, 1]) > 0.97


def test_the_table_tells_the_change_of_every_attribute() -> None:
    world = LinearWorld()
    faces = draw_faces(world, 8, 3)
    vector = np.linalg.pinv(world.readings.T)[:, 0].astype(np.float32)  # moves yaw alone, by one
    row = scores(world, reader(), faces, Slider("yaw", vector, -0.5, 0.5), ("yaw", "smile", "age"))
    assert row["yaw"] == pytest.approx(0.5, abs=0.03)  # a range is two wide
    assert abs(row["smile"]) < 0.02
    z_step = np.linalg.solve(world.mixing.T, vector).astype(np.float32)
    in_z = Slider("yaw", z_step, -0.5, 0.5, None, "z")
    assert change(world, reader(), faces, in_z, ("yaw",)).mean() == pytest.approx(0.5, abs=0.03)


def test_rows_are_alike_whatever_their_size() -> None:
    assert correlation((1, 0, 2), (2, 0, 4)) == pytest.approx(1.0)
    assert correlation((0, 0), (1, 1)) == 0.0


DIRECTION = DirectionInfo("mine", "Mine", "", "", "labels", -2, 2, (0, 1), {"smile": 0.5}, "w", "x")


def test_a_direction_file_comes_back_as_it_went(tmp_path: Path, info: ModelInfo) -> None:
    vector = np.arange(16, dtype=np.float32)
    example = Recipe(Generate(ModelRef(info.name, info.sha256), Truncate(Seed(3), 0.7)))
    write_direction(tmp_path / "d.safetensors", DIRECTION, vector, info, (example,))
    found = read_direction(tmp_path / "d.safetensors")
    assert (found.vector == vector).all()
    assert found.info == DIRECTION
    assert found.examples == (example,)
    assert for_model(found, info).model_sha256 == info.sha256
    check_fits(found, info)


def test_a_direction_of_other_weights_is_refused_unless_asked(
    tmp_path: Path, info: ModelInfo
) -> None:
    other = ModelInfo(**{**vars(info), "sha256": "c" * 64, "name": "other"})
    write_direction(tmp_path / "d.safetensors", DIRECTION, np.ones(16, np.float32), other)
    found = read_direction(tmp_path / "d.safetensors")
    with pytest.raises(DirectionError, match="found on other"):
        for_model(found, info)
    assert for_model(found, info, anyway=True).model_sha256 == info.sha256
    wide = ModelInfo(**{**vars(info), "w_dim": 512})
    with pytest.raises(DirectionError, match="16 values, but random-faces makes 512"):
        check_fits(found, wide)


@pytest.mark.parametrize("data", [b"", b"junk" * 40])
def test_what_is_no_direction_file_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "d.safetensors").write_bytes(data)
    with pytest.raises(DirectionError):
        read_direction(tmp_path / "d.safetensors")


def test_a_boundary_of_interfacegan_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "stylegan_age_w_boundary.npy", np.array([[0, 3.0, 4.0]], np.float32))
    (found,) = read_published(tmp_path / "stylegan_age_w_boundary.npy", lambda s, v: 2.0)
    assert (found.name, found.space) == ("stylegan_age_w", "w")
    assert np.allclose(found.vector, [0, 1.2, 1.6])
    np.save(tmp_path / "stylegan_age_boundary.npy", np.array([1.0, 0], np.float32))
    assert read_published(tmp_path / "stylegan_age_boundary.npy", unit)[0].space == "z"


def test_components_of_ganspace_are_read(tmp_path: Path) -> None:
    comp = np.eye(4, dtype=np.float32)[:, None]
    np.savez(tmp_path / "c.npz", lat_comp=comp, lat_stdev=np.array([4, 3, 2, 1], np.float32))
    found = read_published(tmp_path / "c.npz", unit, 2)
    assert [slider.name for slider in found] == ["c-1", "c-2"]
    assert np.allclose(found[0].vector, [4, 0, 0, 0])


def test_a_direction_that_ganspace_exported_is_read_without_running_it(tmp_path: Path) -> None:
    values = {
        "name": "Open mouth", "sigma_range": 4.0, "lat_comp": np.ones((1, 4), np.float32),
        "lat_stdev": 0.5, "latent_space": "W", "edit_start": 2, "edit_end": 5,
    }  # fmt: skip
    (tmp_path / "d.pkl").write_bytes(pickle.dumps(values, protocol=4))
    (found,) = read_published(tmp_path / "d.pkl", unit)
    assert (found.layers, found.high) == ((2, 3, 4), 4.0)
    assert np.allclose(found.vector, 0.5)

    class Evil:
        def __reduce__(self) -> object:
            return (eval, ("1/0",))

    (tmp_path / "e.pkl").write_bytes(pickle.dumps({"lat_comp": Evil()}))
    with pytest.raises(DirectionError):
        read_published(tmp_path / "e.pkl", unit)


def test_an_npz_without_components_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.npy", b"nothing")
    (tmp_path / "c.npz").write_bytes(out.getvalue())
    with pytest.raises(DirectionError, match="no directions"):
        read_published(tmp_path / "c.npz", unit)


def test_directions_are_found_and_kept_for_the_studio(studio: Studio, model_folder: Path) -> None:
    found = find(studio.home, NAME, DirectionWish("sefa", count=2), quiet, CancelToken())
    assert [item.name for item in found] == ["sefa-1", "sefa-2"]
    ref = studio.ref(NAME)
    base = Truncate(Seed(1), 0.7)
    marks = tuple(Labelled(Recipe(Generate(ref, Seed(n))), n % 2 == 0) for n in range(10))
    wish = DirectionWish("labels", marks=marks, name="even")
    (mine,) = find(studio.home, NAME, wish, quiet, CancelToken())
    assert "right for" in mine.note
    styles = DirectionWish("stylespace", region=(0.0, 0.0, 0.5, 0.5), count=2)
    picked = find(studio.home, NAME, styles, quiet, CancelToken())
    assert {item.space for item in picked} == {"s"}
    studio.refresh()
    names = [item.name for item in studio.directions(NAME)]
    assert {"smile", "sefa-1", "even", picked[0].name} <= set(names)
    plain = studio.render(Recipe(Generate(ref, base)))
    for item in (mine, picked[0]):
        latent = Move(base, item.sha256, 4.0, item.layers, item.space)
        assert (studio.render(Recipe(Generate(ref, latent))).pixels != plain.pixels).any()


def test_a_found_direction_travels_and_can_be_taken_away(studio: Studio, tmp_path: Path) -> None:
    direction_files.export_direction(studio.home, NAME, "smile", tmp_path / "smile.safetensors")
    home = studio.home
    direction_files.import_direction(
        home, NAME, tmp_path / "smile.safetensors", quiet, CancelToken()
    )
    direction_files.rename_direction(home, NAME, "smile", "My smile")
    assert "My smile" in [d.label for d in Studio(home).directions(NAME)]
    direction_files.remove_direction(home, NAME, "smile")
    with pytest.raises(DirectionError, match="stays"):
        direction_files.remove_direction(home, NAME, "smile")


def test_boundaries_need_a_network_that_reads(studio: Studio) -> None:
    with pytest.raises(DirectionError, match="Mark pictures"):
        find(studio.home, NAME, DirectionWish("boundary", attribute="age"), quiet, CancelToken())
    with pytest.raises(DirectionError, match="no method"):
        find(studio.home, NAME, DirectionWish("magic"), quiet, CancelToken())


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("sefa-3", "SeFa 3"),
        ("sefa-l0-3-2", "SeFa 2, layers 0 to 3"),
        ("smile-boundary-w-held", "Smile alone, in w"),
        ("style-12-age", "Style 12, age"),
        ("curly hair", "Curly hair"),
    ],
)
def test_names_are_told_in_words(name: str, label: str) -> None:
    assert label_of(name) == label
