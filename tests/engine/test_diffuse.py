"""Diffusion Recipes from the noise to the pixels, on tiny random models."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.checkpoints.safetensors_file import read_safetensors, write_safetensors
from engine.denoising import Classes, Classifier, ClassifierFree, Denoise, Upscale
from engine.diffusion.noise import noise_of
from engine.errors import Cancelled, ModelError, RecipeError
from engine.frame import DenoisingStep
from engine.models.library import ModelLibrary
from engine.recipe import Arithmetic, Blend, ClassWeight, Latent, ModelRef, Recipe, Seed, Term
from engine.services import diffuse
from engine.services.diffusion import Diffusion, Place
from engine.studio import Studio
from tests.random_denoiser import write_random_denoisers

SHAPE = (3, 16, 16)


@pytest.fixture
def place(home: Path) -> Place:
    write_random_denoisers(home / "models")
    return Place(home, home / "bundled")


def node(place: Place, **changes: object) -> Denoise:
    library = ModelLibrary(place.home, place.bundled)
    info = next(m for m in library.denoisers() if m.name == "tiny-ddpm")
    plain = Denoise(
        ModelRef(info.name, info.sha256),
        Seed(7),
        Classes((ClassWeight(1),)),
        (ClassifierFree(3.0),),
        steps=4,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def ref(place: Place, name: str) -> ModelRef:
    library = ModelLibrary(place.home, place.bundled)
    found = [*library.denoisers(), *library.classifiers()]
    return next(ModelRef(m.name, m.sha256) for m in found if m.name == name)


def no_array(sha256: str) -> np.ndarray:
    raise AssertionError(sha256)


# --- noise


def test_a_seed_is_torchs_own_noise() -> None:
    wanted = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(2**40))
    assert torch.equal(noise_of(Seed(2**40), SHAPE, no_array), wanted)


@pytest.mark.parametrize(
    "latent",
    [
        Blend(Seed(1), Seed(2), 0.5, "z", "slerp"),
        Blend(Seed(1), Seed(2), 0.5, "z", "linear"),
        Arithmetic(
            (Term(1.0, (Seed(1),)), Term(-1.0, (Seed(2),)), Term(1.0, (Seed(3), Seed(4)))), "z"
        ),
    ],
)
def test_mixed_noise_is_as_long_as_noise_is(latent: Latent) -> None:
    made = noise_of(latent, SHAPE, no_array)
    assert float(made.square().mean()) == pytest.approx(1.0, abs=0.1)


def test_noise_that_cancels_itself_is_refused() -> None:
    nothing = Arithmetic((Term(1.0, (Seed(1),)), Term(-1.0, (Seed(1),))), "z")
    with pytest.raises(RecipeError, match="cancels itself"):
        noise_of(nothing, SHAPE, no_array)


# --- pictures


def test_a_picture_depends_on_its_recipe_alone(place: Place) -> None:
    made = diffuse.denoise_image(place, node(place), "torch", fresh=True)
    first, trail = made.pixels, made.trail
    assert first.shape == (16, 16, 3)
    assert trail.shape == (4, 16, 16, 3)
    diffuse.denoise_image(place, node(place, noise=Seed(8)), "torch")
    again = diffuse.denoise_image(place, node(place), "torch").pixels
    assert np.array_equal(first, again)


def test_every_part_of_the_recipe_counts(place: Place) -> None:
    plain = diffuse.denoise_image(place, node(place), "torch").pixels
    judge = Classifier(ref(place, "tiny-classifier"), 2, 30.0)
    for changes in (
        {"noise": Seed(8)},
        {"conditioning": Classes((ClassWeight(2),))},
        {"guidance": ()},
        {"guidance": (ClassifierFree(3.0), judge)},
        {"guidance": (ClassifierFree(3.0, Classes((ClassWeight(0),))),)},
        {"sampler": "ddim"},
        {"steps": 5},
    ):
        made = diffuse.denoise_image(place, node(place, **changes), "torch").pixels
        assert not np.array_equal(made, plain), changes


def test_a_cascade_doubles_the_picture_each_time(place: Place) -> None:
    small = diffuse.denoise_image(place, node(place), "torch").pixels
    stage = Upscale(node(place), ref(place, "tiny-upsampler"), Seed(0), steps=2)
    once = diffuse.upscale_image(place, stage, small, "torch")
    twice = diffuse.upscale_image(place, stage, once, "torch")
    assert (once.shape, twice.shape) == ((32, 32, 3), (64, 64, 3))


def test_a_cancelled_picture_stops_at_its_step(place: Place) -> None:
    token, heard = CancelToken(), []

    def hear(step: DenoisingStep) -> None:
        heard.append(step.index)
        token.cancel()

    with pytest.raises(Cancelled):
        diffuse.denoise_image(place, node(place), "torch", frame=hear, cancel=token)
    assert heard == [0]


def test_what_does_not_go_is_told(place: Place) -> None:
    for changes, words in (
        ({"sampler": "lcm", "spacing": "leading"}, "distilled"),
        ({"conditioning": Classes((ClassWeight(4),))}, "classes 0 to 3, got 4"),
        ({"model": ref(place, "tiny-upsampler")}, "makes none from noise"),
        ({"guidance": (Classifier(ref(place, "tiny-classifier"), 9, 1.0),)}, "0 to 3, got 9"),
    ):
        with pytest.raises(RecipeError, match=words):
            diffuse.denoise_image(place, node(place, **changes), "torch")
    with pytest.raises(RecipeError, match="karras"):
        node(place, sampler="ddim", spacing="karras")
    with pytest.raises(ModelError, match="not installed here"):
        diffuse.denoise_image(place, node(place, model=ModelRef("gone", "0" * 64)), "torch")


def test_weights_that_are_not_numbers_are_refused(place: Place) -> None:
    from engine.checkpoints.digest import weights_sha256
    from engine.models.card import read_card, write_card

    folder = place.home / "models" / "tiny-ddpm"
    tensors = dict(read_safetensors(folder / "weights.safetensors"))
    tensors["conv_in.weight"] = np.full_like(tensors["conv_in.weight"], np.nan)
    write_safetensors(folder / "weights.safetensors", tensors)
    write_card(folder, {**read_card(folder), "weights_sha256": weights_sha256(tensors)})
    with pytest.raises(ModelError, match="not finite"):
        diffuse.denoise_image(place, node(place), "torch")


def test_missing_weights_are_told(place: Place) -> None:
    wanted = node(place)
    (place.home / "models" / "tiny-ddpm" / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match="missing"):
        diffuse.denoise_image(place, wanted, "torch")


def test_the_studio_renders_signs_and_renders_again_in_the_worker(place: Place) -> None:
    studio = Studio(place.home)
    heard: list[int] = []
    recipe = Recipe(node(place))
    try:
        frame = studio.render(recipe, on_step=lambda step: heard.append(step.index))
        assert sorted(heard) == [0, 1, 2, 3]
        here = diffuse.denoise_image(place, node(place), "torch").pixels
        assert np.abs(frame.pixels.astype(int) - here).max() <= 1
        receipt = studio.export(recipe, place.home / "x.png")
        assert receipt.verdict == "own"
        again = studio.verify(place.home / "x.png", rerender=True)
        assert again.rerender is not None
        assert again.rerender.identical
    finally:
        studio.renderer.diffusion.close()


def test_a_recipe_of_a_diffusion_picture_is_read_back(place: Place) -> None:
    stage = Upscale(node(place), ref(place, "tiny-upsampler"), Seed(3), 0.2)
    recipe = Recipe(stage)
    assert Recipe.from_json(recipe.canonical) == recipe


# --- the process that draws


def test_the_process_that_was_got_ready_draws_the_first_picture(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = Diffusion(place)
    try:
        ready.prepare()
        worker = ready._worker
        until = time.monotonic() + 120
        while worker.pid is None and time.monotonic() < until:
            time.sleep(0.02)
        first = worker.pid
        assert first is not None
        assert ready.denoise(node(place), None).pixels.shape == (16, 16, 3)
        assert worker.pid == first
    finally:
        ready.close()
    monkeypatch.setattr("engine.services.diffusion.ROOM", 2**62)
    short = Diffusion(place)
    short.prepare()
    assert short._worker._thread is None
    short.close()
