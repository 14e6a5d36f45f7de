"""The third latent space: the styles that the layers make of ws."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from engine.backends.torch_backend import TorchBackend
from engine.errors import ModelError, RecipeError
from engine.models.opened import Model
from engine.recipe import (
    Arithmetic,
    Blend,
    Computed,
    Crop,
    Generate,
    Mix,
    Move,
    Photo,
    Recipe,
    Seed,
    Setting,
    Stored,
    Term,
    Truncate,
    rendered,
    walk,
)
from engine.studio import Studio
from tests.random_model import NAME


@pytest.fixture
def model(studio: Studio) -> Model:
    return studio.open(NAME, "torch")


def test_the_styles_of_a_picture_give_that_picture(model: Model) -> None:
    ws = model.map(np.random.RandomState(0).randn(2, 16).astype(np.float32))
    styles = model.styles(ws)
    made = model.pixels_of_styles(styles)
    assert np.abs(made.astype(int) - model.pixels(ws)).max() <= 1  # kernels round differently
    backend = model.backend
    assert isinstance(backend, TorchBackend)
    with backend.by_modules():
        assert (made == model.pixels(ws)).all()


def test_a_render_beside_is_not_touched(model: Model) -> None:
    ws = model.map(np.random.RandomState(0).randn(1, 16).astype(np.float32))
    plain, other = model.pixels(ws), model.styles(ws) * 3
    seen: list[bool] = []

    def render() -> None:
        seen.extend((model.pixels(ws) == plain).all() for _ in range(20))

    thread = threading.Thread(target=render)
    thread.start()
    for _ in range(20):
        model.pixels_of_styles(other)
    thread.join()
    assert all(seen)


def test_graphs_take_no_styles(studio: Studio) -> None:
    with pytest.raises(ModelError, match="torch"):
        studio.open(NAME, "onnx").styles(np.zeros((1, 6, 16), np.float32))


def test_expressions_in_s_are_rendered(studio: Studio) -> None:
    ref = studio.ref(NAME)
    model = studio.open(NAME, "torch")
    styles = model.styles(model.map(np.random.RandomState(2).randn(1, 16).astype(np.float32)))
    kept = Stored(studio.store.put_array(styles[0]), "s")
    picture = studio.render(Recipe(Generate(ref, kept)))
    assert picture.backend == "torch"
    half = Blend(Truncate(Seed(1), 0.7), kept, 0.5, "s", "linear")
    sums = Arithmetic((Term(0.5, (Truncate(Seed(1), 0.7),)), Term(0.5, (kept,))), "s")
    frames = [studio.render(Recipe(Generate(ref, latent))) for latent in (half, sums)]
    assert np.abs(frames[0].pixels.astype(int) - frames[1].pixels).max() <= 1
    assert (frames[0].pixels != picture.pixels).any()


def test_what_is_in_s_does_not_go_back_to_w() -> None:
    styles = Stored("a" * 64, "s")
    for make in (
        lambda: Mix(styles, Seed(1), (0,)),
        lambda: Truncate(styles, 0.5),
        lambda: Move(styles, "b" * 64, 1.0),
        lambda: Blend(styles, Seed(1), 0.5, "w", "linear"),
        lambda: Move(Seed(1), "b" * 64, 1.0, (0,), "s"),
    ):
        with pytest.raises(RecipeError):
            make()


def test_a_computed_latent_keeps_its_history_and_renders_its_result(studio: Studio) -> None:
    ws = studio.open(NAME).map(np.random.RandomState(5).randn(1, 16).astype(np.float32))[0]
    found = Computed(
        "invert", studio.store.put_array(ws), "w",
        (Crop(Photo("e" * 64), 0, 0, 8, 8),), (), (Setting("steps", (100,)), Setting("loss", "x")),
    )  # fmt: skip
    recipe = Recipe(Generate(studio.ref(NAME), found))
    assert Recipe.from_json(recipe.canonical) == recipe
    assert any(isinstance(node, Photo) for node in walk(recipe.image))
    assert not any(isinstance(node, Photo) for node in rendered(recipe.image))
    plain = Recipe(Generate(studio.ref(NAME), found.stored))
    assert (studio.render(recipe).pixels == studio.render(plain).pixels).all()
