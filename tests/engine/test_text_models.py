"""Diffusion models that read texts: from a prompt to the pixels, and what is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.cancel import CancelToken
from engine.denoising import (
    Classes,
    ClassifierFree,
    Conditioning,
    Dab,
    Denoise,
    Texts,
    TextWeight,
)
from engine.diffusion.unet_config import UNetConfig
from engine.errors import ModelError, RecipeError
from engine.image.discs import inside_discs
from engine.models.bundled import bundled_folder
from engine.models.diffusion.open_denoiser import PixelDenoiser
from engine.models.library import ModelLibrary
from engine.perception.clip.open import open_clip
from engine.recipe import ClassWeight, ModelRef, Recipe, Seed
from engine.services import diffuse
from engine.services.bundle_diffusion import bundle
from engine.services.diffusion import Place, Source
from engine.services.train import DIFFUSION
from engine.training.diffusion_spec import SPECS
from engine.training.finetuning.specs import FINE
from engine.training.train_diffusion import train
from main import main
from tests.random_denoiser import write_random_denoisers, write_random_text_model

CLIP = bundled_folder() / "portraits-clip"
SAYS, OTHER = "a smiling woman with glasses", "a sad old man"


@pytest.fixture
def place(home: Path) -> Place:
    models = home / "models"
    write_random_denoisers(models)
    shutil.copytree(CLIP, models / "portraits-clip")
    write_random_text_model(models, open_clip(CLIP).sha256)
    return Place(home, home / "bundled")


def texts(*pairs: tuple[str, float]) -> Texts:
    return Texts(tuple(TextWeight(text, share) for text, share in pairs))


def node(place: Place, asked: Conditioning, name: str = "tiny-text", **changes: object) -> Denoise:
    library = ModelLibrary(place.home, place.bundled)
    info = next(m for m in library.denoisers() if m.name == name)
    plain = Denoise(ModelRef(info.name, info.sha256), Seed(7), asked, steps=3)
    return replace(plain, **changes)  # type: ignore[arg-type]


def made(place: Place, asked: Conditioning, **changes: object) -> np.ndarray:
    return diffuse.denoise_image(place, node(place, asked, **changes), "torch", fresh=True).pixels


def test_a_prompt_decides_the_picture(place: Place) -> None:
    wanted = made(place, texts((SAYS, 1.0)))
    assert np.array_equal(wanted, made(place, texts((SAYS, 1.0))))
    for other in (texts(), Classes(), texts((OTHER, 1.0)), texts((SAYS, 0.5), (OTHER, 0.5))):
        assert not np.array_equal(wanted, made(place, other))
    assert np.array_equal(made(place, texts()), made(place, Classes()))


def test_a_negative_prompt_counts_by_the_scale(place: Place) -> None:
    def guided(scale: float, negative: Conditioning) -> np.ndarray:
        return made(place, texts((SAYS, 1.0)), guidance=(ClassifierFree(scale, negative),))

    assert not np.array_equal(guided(4.0, texts()), guided(4.0, texts((OTHER, 1.0))))
    assert np.array_equal(guided(0.0, texts((OTHER, 1.0))), made(place, texts((OTHER, 1.0))))


def test_the_recipe_tells_the_prompt() -> None:
    ref = ModelRef("m", "0" * 64)
    recipe = Recipe(Denoise(ref, Seed(1), texts((SAYS, 0.75), (OTHER, 0.25))))
    assert Recipe.from_json(recipe.canonical) == recipe


def test_who_reads_no_texts_says_so_and_who_reads_knows_no_classes(place: Place) -> None:
    with pytest.raises(RecipeError, match=r"tiny-ddpm reads no texts, got the prompt 'a sad"):
        made(place, texts((OTHER, 1.0)), name="tiny-ddpm")
    with pytest.raises(RecipeError, match="knows no classes, got 1"):
        made(place, Classes((ClassWeight(1),)))


def test_a_model_without_its_clip_says_what_is_missing(place: Place) -> None:
    shutil.rmtree(place.home / "models" / "portraits-clip")
    diffuse.workshop.cache_clear()
    with pytest.raises(ModelError, match="the CLIP of tiny-text"):
        made(place, texts((SAYS, 1.0)))


def test_onnx_and_torch_agree(home: Path) -> None:
    clip = open_clip(CLIP)
    write_random_text_model(home / "models", clip.sha256, graph=True)
    info = ModelLibrary(home, home / "bundled").denoisers()[0]
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    asked = (((SAYS, 1.0),), (), ((SAYS, 0.5), (OTHER, 0.5)))
    graph, plain = (
        PixelDenoiser(info, kind, clip.read_texts).predict(x, 300.0, asked)
        for kind in ("onnx", "torch")
    )
    torch.testing.assert_close(graph, plain, atol=1e-4, rtol=1e-4)


def test_every_diffusion_run_is_offered() -> None:
    assert set(SPECS) | set(FINE) == set(DIFFUSION)


def test_a_run_on_captions_becomes_a_model_that_reads(home: Path, tmp_path: Path) -> None:
    spec = replace(
        SPECS["portraits-text"](tmp_path / "run"),
        cache=tmp_path / "cache", portraits=32, images=8, batch=4, drawn_px=16,
        unet=UNetConfig(16, 2, (8, 16), tokens=64, text_width=96),
    )  # fmt: skip
    train(spec, lambda progress: None, CancelToken())
    assert list((spec.work / "sheets").glob("*.png"))
    bundle(spec, home / "models" / "portraits-text", "a machine")
    info = ModelLibrary(home, home / "bundled").denoisers()[0]
    assert info.clip == open_clip(CLIP).sha256
    assert not info.classes


def test_the_command_line_draws_a_picture_anew(
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LATENT_ATELIER_HOME", str(place.home))
    Image.new("RGB", (40, 24), (200, 80, 40)).save(tmp_path / "wide.png")
    words = ["render", "--model", "tiny-text", "--seed", "3", "--prompt", SAYS, "--steps", "4"]
    out = ["--out", str(tmp_path / "made.png")]
    source = ["--from", str(tmp_path / "wide.png"), "--strength", "0.5"]
    assert main([*words, *source, *out]) == 0
    with Image.open(tmp_path / "made.png") as picture:
        assert picture.size == (16, 16)
    assert main([*words, "--strength", "0.5", *out]) == 2
    assert "--strength goes with --from" in capsys.readouterr().err
    assert main([*words, "--from", str(tmp_path / "none.png"), *out]) == 1
    assert "none.png" in capsys.readouterr().err


def test_a_picture_of_another_size_is_refused(place: Place) -> None:
    source = np.zeros((20, 24, 3), np.uint8)
    with pytest.raises(RecipeError, match=r"16 x 16 px anew, got 24 x 20"):
        diffuse.denoise_image(place, node(place, texts()), "torch", source=Source(source, 0.5))


def test_what_is_not_painted_stays_to_the_last_bit(place: Place) -> None:
    source = np.random.RandomState(0).randint(0, 256, (16, 16, 3)).astype(np.uint8)
    dab = Dab(0.5, 0.5, 0.25)
    painted = Source(source, 1.0, (dab,))

    def drawn(source: Source, sampler: str) -> np.ndarray:
        asked = node(place, texts((SAYS, 1.0)), sampler=sampler)
        return diffuse.denoise_image(place, asked, "torch", fresh=True, source=source).pixels

    inside = inside_discs(np.array([[0.5, 0.5, 0.25]], np.float32), 16)
    for sampler in ("ddim", "heun", "dpmpp_2m_sde"):
        made = drawn(painted, sampler)
        np.testing.assert_array_equal(made[~inside], source[~inside])
        assert not np.array_equal(made[inside], source[inside])
        assert not np.array_equal(made, drawn(Source(source, 1.0), sampler))
