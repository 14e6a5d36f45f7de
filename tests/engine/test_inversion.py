"""One's own picture: the search for its latent, tuning, and what an export says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from engine.cancel import CancelToken
from engine.directions.sampling import sample_w
from engine.editing.delta import TuneSettings, tune, tuning, with_delta
from engine.editing.generator import differentiable, schedule
from engine.editing.invert import InvertSettings, begin, invert, nearest, psnr_db, result_of, spread
from engine.editing.perceptual import PyramidLooks, difference, steps_between, to_images
from engine.errors import ModelError
from engine.frame import ExportOptions, Progress
from engine.models.library import load_tensors
from engine.models.opened import Model, open_tensors
from engine.provenance.origin import photos_of, source_type
from engine.recipe import Computed, Crop, Generate, Noise, Photo, Recipe, Seed, Tuned
from engine.services.invert import invert as run_invert
from engine.studio import Studio
from engine.wishes import InvertWish
from tests.random_model import NAME

SHORT = InvertSettings(w_steps=30, plus_steps=60, perceptual=1.0, noise=0.1)


def quiet(progress: Progress) -> None:
    """Nobody watches."""


def unseen(*_: object) -> None:
    """Nobody looks."""


@pytest.fixture
def model(studio: Studio) -> Model:
    return studio.open(NAME, "torch")


def picture(model: Model, seed: int) -> np.ndarray:
    z = np.random.RandomState(seed).randn(1, 16).astype(np.float32)
    return np.asarray(model.pixels(model.map(z))[0])


def test_a_generated_picture_is_found_again(model: Model) -> None:
    target, w = picture(model, 99), sample_w(model, 300, 3)
    net, around = differentiable(model, Noise()), spread(w)
    state = begin(nearest(net, target, w[:64], CancelToken()), around, net.num_ws)
    told: list[float] = []
    state = invert(net, target, state, around, PyramidLooks(), SHORT, CancelToken(),
                   lambda step, steps, psnr, image: told.append(psnr))  # fmt: skip
    assert state.step == 90
    assert len(told) == 90
    found = model.pixels(result_of(state, around)[None])[0]
    assert psnr_db(float(np.square((found / 127.5) - (target / 127.5)).mean())) > told[0] + 8


def test_a_stopped_search_goes_on_where_it_was(model: Model) -> None:
    target, w = picture(model, 99), sample_w(model, 300, 3)
    net, around = differentiable(model, Noise()), spread(w)
    state, token = begin(w[0], around, net.num_ws), CancelToken()

    def stop(step: int, steps: int, psnr: float, image: object) -> None:
        if step == 40:
            token.cancel()

    state = invert(net, target, state, around, PyramidLooks(), SHORT, token, stop)
    assert state.step == 40
    state = invert(net, target, state, around, PyramidLooks(), SHORT, CancelToken(), unseen)
    assert state.step == 90


def test_deviations_are_w_counted_in_its_own_spread(model: Model) -> None:
    w = sample_w(model, 500, 3)
    around = spread(w)
    v = around.deviations(torch.from_numpy(w))
    assert float(v.std()) == pytest.approx(1.0, abs=0.1)
    assert torch.allclose(around.ws(v), torch.from_numpy(w), atol=1e-3)


def test_equal_pictures_are_not_different() -> None:
    images = to_images(np.random.RandomState(0).randint(0, 256, (2, 16, 16, 3), np.uint8))
    seen = PyramidLooks().features(images)
    assert difference(seen, seen).tolist() == [0.0, 0.0]
    pixels = np.zeros((5, 16, 16, 3), np.uint8)
    pixels[2:] = 200
    steps = steps_between(pixels, batch=2)
    assert [round(step, 3) > 0 for step in steps] == [False, True, False, False]


def test_the_step_ramps_up_and_down() -> None:
    values = [schedule(step, 100) for step in range(101)]
    assert max(values) == 1.0
    assert values[0] < 0.05
    assert values[-1] == 0.0


def test_tuning_learns_a_small_difference_and_leaves_the_network_alone(model: Model) -> None:
    target, w = picture(model, 7), sample_w(model, 100, 3)
    target = 255 - target
    net = differentiable(model, Noise())
    ws = np.repeat(w[:1], net.num_ws, 0)
    before = model.pixels(ws[None])
    told: list[float] = []
    data = tune(net, ws, target, w[:8], PyramidLooks(), TuneSettings(steps=30), CancelToken(),
                lambda step, steps, psnr, image: told.append(psnr))  # fmt: skip
    assert told[-1] > told[0] + 1
    assert (model.pixels(ws[None]) == before).all()
    tensors = load_tensors(model.info)
    assert len(data) < 0.9 * sum(array.nbytes for array in tensors.values())
    again = open_tensors(model.info, with_delta(tensors, data), "torch")
    shown = again.pixels(ws[None])[0]
    reached = psnr_db(float(np.square((shown / 127.5) - (target / 127.5)).mean()))
    assert reached == pytest.approx(told[-1], abs=1.5)


def test_a_delta_of_another_model_is_refused(model: Model) -> None:
    from safetensors.numpy import save

    tensors = load_tensors(model.info)
    with pytest.raises(ModelError, match="does not have"):
        with_delta(tensors, save({"synthesis.other.weight.left": np.zeros((2, 2), np.float16)}))
    name = "synthesis.b4.conv1.bias"
    with pytest.raises(ModelError, match="values"):
        with_delta(tensors, save({f"{name}.whole": np.zeros(3, np.float16)}))
    left = {"synthesis.b4.conv1.weight.left": np.zeros((16, 4), np.float16)}
    with pytest.raises(ModelError, match="not whole"):
        with_delta(tensors, save(left))


def test_after_tuning_nothing_of_it_is_left_in_the_network(model: Model) -> None:
    synthesis = model.backend.generator.synthesis  # type: ignore[attr-defined]
    names = [name for name, _ in synthesis.named_parameters()]
    with tuning(synthesis, 2):
        assert [name for name, _ in synthesis.named_parameters()] != names
    assert sorted(name for name, _ in synthesis.named_parameters()) == sorted(names)


@pytest.fixture
def photo(studio: Studio, tmp_path: Path) -> str:
    pixels = np.random.RandomState(1).randint(0, 256, (40, 30, 3), np.uint8)
    Pillow.fromarray(pixels).save(tmp_path / "photo.png")
    return studio.keep_photo(tmp_path / "photo.png")


def test_a_photo_becomes_a_recipe_that_names_it(studio: Studio, photo: str, tmp_path: Path) -> None:
    target = Recipe(Crop(Photo(photo), 2, 4, 24, 24))
    wish = InvertWish(NAME, target, steps=6, perceptual=False, tune_steps=2)
    frames: list[np.ndarray] = []
    found = run_invert(studio.home, wish, quiet, CancelToken(), frames.append)
    assert found.finished
    assert frames[-1].shape == (16, 16, 3)
    image = found.recipe.image
    assert isinstance(image, Tuned)
    assert isinstance(image.image.latent, Computed)
    assert photos_of(found.recipe) == (photo,)
    assert source_type(found.recipe) == "compositeWithTrainedAlgorithmicMedia"
    receipt = studio.export(found.recipe, tmp_path / "mine.png", ExportOptions(size_px=64))
    verdict = studio.verify(receipt.path, rerender=True)
    assert verdict.verdict == "own"
    assert verdict.recipe == receipt.recipe
    assert verdict.rerender is not None
    assert verdict.rerender.identical
    parents = [x for x in verdict.claim["ingredients"] if x["relationship"] == "parentOf"]
    assert len(parents) == 1


def test_a_stopped_job_answers_with_what_it_has(studio: Studio) -> None:
    token = CancelToken()
    target = Recipe(Generate(studio.ref(NAME), Seed(3)))

    def stop(progress: Progress) -> None:
        if "step 4 of" in progress.stage:
            token.cancel()

    wish = InvertWish(NAME, target, steps=20, perceptual=False)
    found = run_invert(studio.home, wish, stop, token, unseen)
    assert (found.step, found.finished) == (4, False)
    more = InvertWish(
        NAME, target, steps=20, perceptual=False, resume=found.result, step=found.step
    )
    assert run_invert(studio.home, more, quiet, CancelToken(), unseen).finished


def test_a_search_runs_in_the_worker(studio: Studio) -> None:
    target = Recipe(Generate(studio.ref(NAME), Seed(3)))
    frames: list[np.ndarray] = []
    wish = InvertWish(NAME, target, steps=4, perceptual=False)
    try:
        found = studio.edit.invert(wish, quiet, None, frames.append)
    finally:
        studio.edit.close()
    assert found.finished
    assert studio.render(found.recipe).pixels.shape == (16, 16, 3)
