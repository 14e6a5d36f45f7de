"""What a picture is made under besides its latent: classes, noise by layer, motion, truncation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.cancel import CancelToken
from engine.errors import AtelierError, Cancelled, DirectionError, ModelError, RecipeError
from engine.frame import BackendName, RenderSettings
from engine.latent.motion import inverse_motion
from engine.latent.noise import layer_noise
from engine.models.folder import write_model_folder
from engine.models.published import hf_biggan
from engine.recipe import (
    ClassWeight,
    Generate,
    ModelRef,
    Move,
    Noise,
    Recipe,
    Resize,
    Seed,
    Transform,
    Truncate,
)
from engine.services.layers import sheet
from engine.services.models import sweep_unfinished
from engine.studio import Studio
from tests import random_classics

CHECKPOINTS = Path(__file__).parents[1] / "golden" / "checkpoints"
STYLEGAN3 = "sg3t_64_cond10"
SHA = "a" * 64
MADE = Generate(ModelRef("model", SHA), Truncate(Seed(7), 0.7), (ClassWeight(2, 0.25),))


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A StyleGAN3 with ten classes and a BigGAN with five, both imported."""
    home = tmp_path_factory.mktemp("home")
    config, tensors = hf_biggan.convert(
        random_classics.hf_biggan(), config_json=random_classics.BIGGAN
    )
    facts = {"classes": [f"Kind {index}" for index in range(5)]}
    write_model_folder(home / "models" / "biggan", config, tensors, facts)
    made = Studio(home)
    made.import_model(CHECKPOINTS / f"{STYLEGAN3}.pkl")
    return made


def picture(studio: Studio, recipe: Recipe, backend: BackendName = "torch") -> np.ndarray:
    return studio.render(recipe, RenderSettings(backend=backend)).pixels.astype(int)


def made(studio: Studio, name: str, classes: tuple[ClassWeight, ...], psi: float = 0.7) -> Generate:
    return Generate(studio.ref(name), Truncate(Seed(3), psi), classes)


# --- Recipes


def test_a_recipe_from_before_transforms_keeps_its_name() -> None:
    assert Recipe(MADE).sha256 == (
        "0b5e8d47ba2399962085a61601ecd2c2b98d839f1d7ca464f66c2ea7835343bd"
    )


def test_a_transform_comes_back_from_its_text() -> None:
    recipe = Recipe(Resize(Transform(MADE, 0.25, -1, 30), 32, 32))
    assert Recipe.from_json(recipe.text()) == recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [("x", 4.5), ("rotation", 181), ("rotation", "1"), ("scale", 2), ("x", None)],
)
def test_a_transform_is_read_strictly(field: str, value: object) -> None:
    data = json.loads(Recipe(Transform(MADE, 0.5)).canonical)
    data["image"][field] = value
    with pytest.raises(RecipeError, match=field):
        Recipe.from_plain(data)


def test_a_transform_moves_something_and_holds_a_generated_picture() -> None:
    with pytest.raises(RecipeError, match="moves nothing"):
        Transform(MADE)
    data = json.loads(Recipe(Transform(MADE, 0.5)).canonical)
    data["image"]["image"] = {"op": "photo", "sha256": SHA}
    with pytest.raises(RecipeError):
        Recipe.from_plain(data)


def test_modes_of_noise_differ_from_layer_to_layer_or_are_said_once() -> None:
    mixed = Noise(("const", "none", "random"))
    recipe = Recipe(Generate(MADE.model, MADE.latent, (), mixed))
    assert Recipe.from_json(recipe.text()) == recipe
    with pytest.raises(RecipeError, match="for each layer"):
        Noise(("none", "none"))
    with pytest.raises(RecipeError, match=r"noise.mode|mode"):
        Noise(("const", "loud"))  # type: ignore[arg-type]


# --- noise


def test_each_layer_has_the_noise_of_its_own_mode() -> None:
    shapes = [(4, 4), (8, 8), (8, 8)]
    consts = [np.full(shape, 2.0, np.float32) for shape in shapes]
    noise = Noise(("const", "none", "random"), 5, (1.0, 1.0, 0.5))
    first, second, third = layer_noise(shapes, consts, noise, 1)
    drawn = layer_noise(shapes, consts, Noise("random", 5), 1)
    assert np.array_equal(first, np.full((1, 1, 4, 4), 2.0))
    assert not second.any()
    assert np.array_equal(third, drawn[2] * np.float32(0.5))


def test_noise_for_another_number_of_layers_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"noise\.mode has 2 values, but the model has 1"):
        layer_noise([(4, 4)], [np.zeros((4, 4), np.float32)], Noise(("const", "none")), 1)


# --- motion


def test_the_matrix_takes_a_moved_point_back() -> None:
    turn = np.radians(30)
    point = np.array([0.2, -0.1])
    # Counterclockwise with y downward, then to the right and down.
    x, y = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ point
    back = inverse_motion(0.3, 0.05, 30) @ np.array([x + 0.3, y + 0.05, 1.0])
    np.testing.assert_allclose(back[:2], point, atol=1e-6)


def test_a_stylegan3_picture_moves_to_the_right(studio: Studio) -> None:
    still = made(studio, STYLEGAN3, (ClassWeight(1),))
    before, after = (picture(studio, Recipe(image)) for image in (still, Transform(still, x=0.25)))
    moved, kept = after[16:48, 20:60], before[16:48, 4:44]
    assert np.abs(moved - kept).mean() < np.abs(moved - before[16:48, 20:60]).mean() / 3


def test_both_backends_move_alike(studio: Studio) -> None:
    recipe = Recipe(Transform(made(studio, STYLEGAN3, (ClassWeight(1),)), 0.1, -0.2, 25))
    apart = np.abs(picture(studio, recipe) - picture(studio, recipe, "onnx"))
    assert apart.max() <= 2


def test_a_model_whose_plane_is_fixed_is_not_moved(studio: Studio) -> None:
    recipe = Recipe(Transform(made(studio, "biggan", (ClassWeight(0),)), 0.5))
    with pytest.raises(ModelError, match="cannot be moved"):
        studio.check(recipe)
    with pytest.raises(ModelError, match="cannot be moved"):
        studio.render(recipe)


# --- classes and BigGAN's truncation


@pytest.mark.parametrize("psi", [0.0, 0.3, 0.405, 0.7, 1.0])
def test_biggan_is_truncated_as_published(studio: Studio, psi: float) -> None:
    recipe = Recipe(made(studio, "biggan", (ClassWeight(2),), psi))
    model = studio.open("biggan", "torch")
    z = np.random.RandomState(3).randn(1, model.z_dim).astype(np.float32) * np.float32(psi)
    c = np.eye(5, dtype=np.float32)[2:3]
    told = model.pixels(model.map(z, c), truncation=psi)[0]
    assert np.abs(picture(studio, recipe) - told).max() <= 1
    assert np.abs(picture(studio, recipe, "onnx") - told).max() <= 2


def test_truncation_keeps_the_class_of_biggan(studio: Studio) -> None:
    one, other = (
        picture(studio, Recipe(made(studio, "biggan", (ClassWeight(index),), 0.0)))
        for index in (0, 4)
    )
    assert np.abs(one - other).mean() > 1


def test_half_of_each_class_lies_between_them(studio: Studio) -> None:
    model = studio.open("biggan", "torch")
    z, both = np.zeros((1, model.z_dim), np.float32), np.array([[0.5, 0, 0, 0, 0.5]], np.float32)
    ends = [model.map(z, np.eye(5, dtype=np.float32)[n : n + 1]) for n in (0, 4)]
    np.testing.assert_allclose(model.map(z, both), (ends[0] + ends[1]) / 2, atol=1e-6)


def test_the_anatomy_tells_classes_noise_and_motion(studio: Studio) -> None:
    named, moving = studio.anatomy("biggan"), studio.anatomy(STYLEGAN3)
    assert named.classes == tuple(f"Kind {index}" for index in range(5))
    assert not named.movable
    assert moving.movable
    assert moving.classes[9] == "Class 9"
    assert moving.noisy == ()


# --- what a Recipe asks for


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"latent": Move(Truncate(Seed(1), 1.0), "b" * 64, 1.0)}, DirectionError),
        ({"latent": Truncate(Seed(1), 1.0, 40)}, RecipeError),
        ({"classes": (ClassWeight(10),)}, RecipeError),
        ({"noise": Noise("const", 0, (1.0, 2.0))}, RecipeError),
    ],
)
def test_what_would_not_render_is_refused_beforehand(
    studio: Studio, change: dict[str, object], error: type[AtelierError]
) -> None:
    fields = {"model": studio.ref(STYLEGAN3), "latent": MADE.latent, **change}
    with pytest.raises(error):
        studio.check(Recipe(Generate(**fields)))  # type: ignore[arg-type]


def test_what_renders_passes_and_unknown_models_are_left_alone(studio: Studio) -> None:
    studio.check(Recipe(made(studio, STYLEGAN3, (ClassWeight(3),))))
    studio.check(Recipe(MADE))


# --- the worker process


def test_a_layer_is_looked_into_apart(studio: Studio) -> None:
    recipe = Recipe(Transform(made(studio, STYLEGAN3, (ClassWeight(1),)), 0.1))
    try:
        found = studio.activations(recipe)
        other = studio.activations(recipe, "L10_84_25")
        with pytest.raises(RecipeError, match="generator"):
            studio.activations(
                Recipe.from_plain({"recipe": 1, "image": {"op": "photo", "sha256": SHA}})
            )
    finally:
        studio.stop_workers()
    assert found.layer.channels > 4
    assert other.layer == next(item for item in found.layers if item.name == "L10_84_25")
    assert (other.layer.channels, other.layer.height, other.columns) == (25, 84, 5)
    side = 5 * (other.tile_px + 1) - 1
    assert other.pixels.shape == (side, side, 3)


def test_a_sheet_shows_each_channel_from_its_least_to_its_largest_value() -> None:
    ramp = np.linspace(-3, 5, 64, dtype=np.float32).reshape(8, 8)
    columns, tile, pixels = sheet(np.stack([ramp, ramp * 0 + 7, -ramp]))
    assert columns == 2
    first, flat, last = pixels[:tile, :tile], pixels[:tile, tile + 1 :], pixels[tile + 1 :, :tile]
    assert (first.min(), first.max()) == (0, 255)
    assert set(flat.ravel()) == {128}
    assert (first[0, 0, 0], last[0, 0, 0]) == (0, 255)


def test_an_import_apart_keeps_only_the_weights_that_are_wanted(studio: Studio) -> None:
    try:
        with pytest.raises(ModelError, match="other weights"):
            studio.import_model(CHECKPOINTS / "sg2ada_64.pkl", expected=SHA, apart=True)
        token = CancelToken()
        token.cancel()
        with pytest.raises(Cancelled):
            studio.import_model(CHECKPOINTS / "sg2ada_64.pkl", cancel=token, apart=True)
    finally:
        studio.stop_workers()
    assert [info.name for info in studio.models() if not info.bundled] == ["biggan", STYLEGAN3]


def test_what_a_killed_import_left_is_removed_and_never_listed(studio: Studio) -> None:
    left = studio.library.imported / ".new-999999999-abc"
    left.mkdir()
    (left / "weights.safetensors").write_bytes(b"half")
    studio.refresh()
    assert not studio.library.problems()
    sweep_unfinished(studio.library)
    assert not left.exists()
