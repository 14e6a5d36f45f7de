"""Guidance of diffusion by texts, and the eyes for noisy pictures that it looks with."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.denoising import ClassifierFree, ClipGuidance, Denoise
from engine.errors import ModelError, RecipeError
from engine.models.bundled import bundled_folder
from engine.models.diffusion.denoisers import NOISY_CLIP
from engine.models.diffusion.open_denoiser import open_noisy_clip
from engine.models.folder import write_folder
from engine.models.library import ModelLibrary
from engine.perception.clip.open import open_clip
from engine.perception.noisy_clip import NoisyClip, NoisyClipConfig
from engine.portraits.classes import CAPTIONS, CLASSES
from engine.provenance.origin import models_of
from engine.recipe import ModelRef, Recipe, Seed
from engine.services import diffuse
from engine.services.bundle_diffusion import bundle
from engine.services.diffusion import Place
from engine.training.diffusion_spec import SPECS
from engine.training.train_diffusion import train
from tests.random_denoiser import write_random_denoisers

TEXT = "a smiling woman with glasses"


@pytest.fixture
def place(home: Path) -> Place:
    models = home / "models"
    write_random_denoisers(models)
    shutil.copytree(bundled_folder() / "portraits-clip", models / "portraits-clip")
    found = Place(home, home / "bundled")
    torch.manual_seed(1)
    for size in (16, 32):
        config = NoisyClipConfig(size, 64, clip(found).sha256, (8, 16))
        tensors = {k: v.numpy() for k, v in NoisyClip(config).state_dict().items()}
        name = f"eyes-{size}"
        write_folder(
            models / name, NOISY_CLIP, config.to_dict(), tensors, {"name": name, "title": name}
        )
    return found


def clip(place: Place) -> ModelRef:
    info = ModelLibrary(place.home, place.bundled).clips()[0]
    return ModelRef(info.name, info.sha256)


def eyes(place: Place, name: str) -> ModelRef:
    info = next(e for e in ModelLibrary(place.home, place.bundled).noisy_clips() if e.name == name)
    return ModelRef(info.name, info.sha256)


def node(place: Place, *terms: ClipGuidance) -> Denoise:
    info = next(m for m in ModelLibrary(place.home, place.bundled).denoisers() if not m.upsamples)
    return Denoise(ModelRef(info.name, info.sha256), Seed(7), guidance=terms, steps=3)


@pytest.mark.parametrize("name", ["eyes-16", ""])
def test_a_text_pulls_by_noisy_eyes_and_through_the_network(place: Place, name: str) -> None:
    term = ClipGuidance(clip(place), TEXT, 30.0, eyes=eyes(place, name) if name else None)

    def made(*terms: ClipGuidance) -> np.ndarray:
        return diffuse.denoise_image(place, node(place, *terms), "torch", fresh=True).pixels

    pulled = made(term)
    assert np.array_equal(pulled, made(term))
    others = (made(), made(replace(term, text="a sad old man")), made(replace(term, away="a man")))
    assert all(not np.array_equal(pulled, other) for other in others)


def test_eyes_must_fit_the_picture_and_the_clip(place: Place) -> None:
    term = ClipGuidance(clip(place), TEXT, 4.0, eyes=eyes(place, "eyes-32"))
    with pytest.raises(ModelError, match=r"32 px .* not 16 px"):
        diffuse.denoise_image(place, node(place, term), "torch")


def test_a_clip_that_is_not_here_is_named(place: Place) -> None:
    term = ClipGuidance(ModelRef("far-clip", "1" * 64), TEXT, 4.0)
    with pytest.raises(ModelError, match="far-clip"):
        diffuse.denoise_image(place, node(place, term), "torch")


def test_a_text_is_needed() -> None:
    with pytest.raises(RecipeError, match="needs a text"):
        ClipGuidance(ModelRef("c", "1" * 64), "  ", 4.0)


def test_a_recipe_with_a_text_comes_back_and_names_all_models(place: Place) -> None:
    term = ClipGuidance(clip(place), TEXT, 4.0, "a man", eyes(place, "eyes-16"), 0.1, 0.9)
    recipe = Recipe(replace(node(place, term), guidance=(ClassifierFree(2.0), term)))
    assert Recipe.from_json(recipe.canonical) == recipe
    assert {ref.name for ref in models_of(recipe)} >= {"portraits-clip", "eyes-16"}


def test_every_class_has_a_caption_of_its_own() -> None:
    assert len(set(CAPTIONS)) == len(CAPTIONS) == len(CLASSES)
    assert CAPTIONS[CLASSES.index("feminine, smiling, eyeglasses")] == TEXT


def test_eyes_learn_what_the_clip_sees_and_go_on_after_a_stop(tmp_path: Path) -> None:
    spec = replace(
        SPECS["portraits-noisy-clip"](tmp_path / "work"),
        cache=tmp_path, portraits=48, images=320, batch=16, warm_up=32, device="cpu",
        reader=NoisyClipConfig(widths=(8, 16)),
    )  # fmt: skip
    train(replace(spec, images=160), lambda step: None, CancelToken())
    train(spec, lambda step: None, CancelToken())
    card = bundle(spec, tmp_path / "models" / spec.name, "here")
    assert card["trained"]["images"] == 320
    info = ModelLibrary(tmp_path, tmp_path / "none").noisy_clips()[0]
    teacher = open_clip(bundled_folder() / "portraits-clip")
    assert info.clip == teacher.sha256
    seen = open_noisy_clip(info).embed_noisy(torch.zeros(2, 3, 32, 32), 900.0)
    assert seen.shape == (2, teacher.dim)
