"""Variations that go toward another picture, or along the difference of two texts."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.comparing import denoising_of
from engine.denoising import ClassifierFree, Redraw
from engine.errors import ModelError, RecipeError, UsageError
from engine.image.pixels import pixels_sha256
from engine.likening import Likeness, TextDifference, likenesses_of
from engine.models.diffusion.denoiser import arc
from engine.models.diffusion.unclip_denoiser import UnclipLikeDenoiser
from engine.models.library import ModelLibrary
from engine.recipe import ModelRef, Photo, Recipe, walk
from engine.services.check_denoise import check_denoise
from engine.services.diffuse import denoise_image
from engine.services.diffusion import Place, Source
from engine.services.likeness_terms import likeness_terms
from engine.studio import Studio
from tests.engine.published import bring, node_of
from tests.engine.test_editing_folders import picture
from tests.engine.test_unclip_like_folder import write_variations
from tests.random_denoiser import write_random_denoisers
from verbs.diffusion_options import add_diffusion_options
from verbs.recipe_options import add_recipe_options, recipe_of

OTHER = np.ascontiguousarray(255 - picture())
PHOTO = Photo(pixels_sha256(OTHER))


@pytest.fixture
def model(tmp_path: Path, home: Path) -> UnclipLikeDenoiser:
    write_variations(tmp_path / "tiny-karlo")
    found = bring(home, tmp_path / "tiny-karlo")
    assert isinstance(found, UnclipLikeDenoiser)
    return found


def made_with(home: Path, model: UnclipLikeDenoiser, *shares: float) -> np.ndarray:
    terms = tuple(Likeness(PHOTO, share) for share in shares)
    node = node_of(
        model, sampler="ddpm", spacing="linspace", guidance=(ClassifierFree(6.0), *terms)
    )
    source, others = Source(picture(), 1.0), (OTHER,) * len(likenesses_of(node))
    place = Place(home, home / "none")
    return denoise_image(place, node, None, source=source, likenesses=others).pixels


def test_an_arc_keeps_its_length_and_its_pace() -> None:
    here, there = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    for share in (0.0, 0.25, 0.5, 1.0):
        angle = share * math.pi / 2
        wanted = 3 * torch.tensor([[math.cos(angle), math.sin(angle)]])
        torch.testing.assert_close(arc(here, there, share), wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(arc(here, 2 * here, 0.5), here)


def test_all_the_way_is_the_other_picture(home: Path, model: UnclipLikeDenoiser) -> None:
    alone, none = made_with(home, model), made_with(home, model, 0.0)
    half, whole = made_with(home, model, 0.5), made_with(home, model, 1.0)
    np.testing.assert_array_equal(alone, none)
    assert np.abs(half.astype(int) - alone).max() > 0
    node = node_of(model, sampler="ddpm", spacing="linspace", guidance=(ClassifierFree(6.0),))
    other = denoise_image(
        Place(home, home / "none"), node, None, source=Source(OTHER, 1.0)
    ).pixels  # its length is not the first one's, which is kept
    far = np.abs(whole.astype(int) - other).mean()
    assert far < np.abs(alone.astype(int) - other).mean()


def test_the_other_picture_is_part_of_the_recipe(model: UnclipLikeDenoiser) -> None:
    node = node_of(model, guidance=(Likeness(PHOTO, 0.3),))
    recipe = Recipe(Redraw(PHOTO, node, 1.0))
    assert Recipe.from_json(recipe.canonical) == recipe
    assert [one for one in walk(recipe.image) if isinstance(one, Photo)]


def test_what_draws_no_variations_refuses(home: Path) -> None:
    write_random_denoisers(home / "models")
    library = ModelLibrary(home, home / "none")
    info = next(one for one in library.denoisers() if one.name == "tiny-ddpm")
    from engine.denoising import Denoise
    from engine.recipe import Seed

    node = Denoise(ModelRef(info.name, info.sha256), Seed(1), guidance=(Likeness(PHOTO, 0.5),))
    with pytest.raises(RecipeError, match="draws no variations"):
        check_denoise(node, library)


def test_a_difference_wants_two_texts_and_the_right_clip(model: UnclipLikeDenoiser) -> None:
    ref = ModelRef("a-clip", "0" * 64)
    with pytest.raises(RecipeError, match="needs both"):
        TextDifference(ref, "a face", " ")
    term = TextDifference(ref, "a face with glasses", "a face")
    node = node_of(model, guidance=(term,))

    class OfWidth:
        name = "a-clip"

        def __init__(self, width: int) -> None:
            self.width = width

        def embed_texts(self, texts: list[str]) -> torch.Tensor:
            return torch.eye(2, self.width)

    with pytest.raises(ModelError, match="looks through a CLIP of"):
        likeness_terms(node, (), model, lambda ref: OfWidth(model.says + 1))  # type: ignore[arg-type, return-value]
    (within,) = likeness_terms(node, (), model, lambda ref: OfWidth(model.says))  # type: ignore[arg-type, return-value]
    model.show(torch.rand(1, 3, 16, 16) * 2 - 1)
    moved = within.around(model)
    way = torch.eye(2, model.says)[:1] - torch.eye(2, model.says)[1:]
    near = torch.nn.functional.cosine_similarity
    assert near(moved.shown, way) > near(model.shown, way)
    torch.testing.assert_close(moved.shown.norm(), model.shown.norm())


def test_wide_pictures_are_refused(model: UnclipLikeDenoiser) -> None:
    node = node_of(model, guidance=(Likeness(PHOTO, 0.5),))
    wide = np.zeros((16, 32, 3), np.uint8)
    with pytest.raises(RecipeError, match="square pictures, got 32 x 16"):
        likeness_terms(node, (wide,), model, lambda ref: None)  # type: ignore[arg-type, return-value]


def test_the_command_line_blends_and_turns(
    home: Path, model: UnclipLikeDenoiser, tmp_path: Path
) -> None:
    studio = Studio(home)
    for name, pixels in (("one", picture()), ("two", OTHER)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    parser = ArgumentParser()
    add_recipe_options(parser)
    add_diffusion_options(parser)

    def meant(*given: str) -> Recipe:
        fixed = ["--model", model.info.name, "--seed", "1", "--from", str(tmp_path / "one.png")]
        return recipe_of(parser.parse_args([*fixed, *given]), studio)

    other = ["--blend", str(tmp_path / "two.png"), "--blend-share", "0.25"]
    recipe = meant(*other, "--difference", "a face -> a face with glasses")
    likeness, turned = denoising_of(recipe).guidance[-2:]
    assert isinstance(likeness, Likeness)
    assert likeness.scale == 0.25
    assert isinstance(turned, TextDifference)
    assert (turned.away, turned.text) == ("a face", "a face with glasses")
    with pytest.raises(UsageError, match="written 'A -> B'"):
        meant("--difference", "glasses")
    with pytest.raises(UsageError, match="goes with --blend"):
        meant("--blend-share", "0.5")


def test_a_picture_is_looked_at_once(
    model: UnclipLikeDenoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    look = model._look

    def counted(image: Tensor, inside: Tensor | None, seed: int) -> Tensor | None:
        looks.append(seed)
        return look(image, inside, seed)

    monkeypatch.setattr(model, "_look", counted)
    picture = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(11)) * 2 - 1
    first = model.said_of(picture, 71)
    model.show(picture, None, 71)
    assert torch.equal(model.said_of(picture, 71), first)
    assert looks == [71]
    model.said_of(picture, 72)
    model.said_of(-picture, 71)
    assert looks == [71, 72, 71]
