"""Published folders of models that see a picture: the same edits as diffusers' own pipelines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_inpaint import (
    StableDiffusionInpaintPipeline,
)
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_instruct_pix2pix import (
    StableDiffusionInstructPix2PixPipeline,
)
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from torch import Tensor

from engine.denoising import ClassifierFree, Dab, PictureGuidance, Redraw, Texts, TextWeight
from engine.errors import RecipeError
from engine.image.discs import inside_discs
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.recipe import Recipe
from engine.services.diffuse import to_tensor
from engine.services.diffusion import Source
from tests.engine.published import apart, begun, bring, given, node_of, refused, rendered
from tests.engine.test_sdxl_folder import EULER, published
from tests.random_pipeline import UNET, write_json, write_part, write_random_pipeline

PROMPT, NEGATIVE = "a smiling woman", "a hat"
MORE = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
DABS = (Dab(0.3, 0.4, 0.35),)


def says(text: str) -> Texts:
    return Texts((TextWeight(text),))


def write_editor(folder: Path, kind: str, channels: int) -> None:
    write_random_pipeline(folder)
    shutil.rmtree(folder / "unet")
    torch.manual_seed(2)
    net = {**UNET, "in_channels": channels}
    write_part(folder / "unet", UNet2DConditionModel(**net), {"_class_name": "U", **net})
    file = folder / "scheduler" / "scheduler_config.json"
    write_json(file, {**json.loads(file.read_text()), **EULER})
    write_json(folder / "model_index.json", {"_class_name": f"StableDiffusion{kind}Pipeline"})


def picture() -> np.ndarray:
    rng = np.random.RandomState(0)
    return np.kron(rng.randint(0, 256, (4, 4, 3)), np.ones((4, 4, 1))).astype(np.uint8)


def words(model: LatentDenoiser) -> tuple[Tensor, Tensor]:
    wanted, unwanted = model.texts.of([((PROMPT, 1.0),), ((NEGATIVE, 1.0),)])
    return wanted[None], unwanted[None]


@pytest.mark.parametrize("only", [(), DABS])
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_inpainting_folders_make_the_pictures_of_the_published_pipeline(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, only: tuple[Dab, ...],
    strength: float,
) -> None:  # fmt: skip
    folder = tmp_path / "tiny-inpaint"
    write_editor(folder, "Inpaint", 9)
    model = bring(home, folder)
    assert isinstance(model, LatentDenoiser)
    guided = (ClassifierFree(4.0, says(NEGATIVE)),)
    node = node_of(model, sampler="euler", conditioning=says(PROMPT), guidance=guided)
    made = rendered(home, node, Source(picture(), strength, only))
    image = to_tensor(picture())
    discs = np.array([(d.x, d.y, d.radius) for d in DABS], np.float32)
    inside = inside_discs(discs, 16) if only else np.ones((16, 16), bool)
    mask = torch.from_numpy(inside).float()[None, None]
    wanted, unwanted = words(model)
    with torch.no_grad():
        seen, codes = model.codes(image * (1 - mask)), model.codes(image)
    theirs = published(StableDiffusionInpaintPipeline, folder, EulerDiscreteScheduler, **MORE)
    given(monkeypatch, theirs, begun(model))
    shown = theirs(
        prompt_embeds=wanted, negative_prompt_embeds=unwanted, guidance_scale=4.0,
        num_inference_steps=6, image=codes, mask_image=mask, masked_image_latents=seen,
        strength=strength, height=16, width=16, output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, shown) < 1e-4


@pytest.mark.parametrize("scale", [1.5, 1.0])
def test_edit_instructions_make_the_pictures_of_the_published_pipeline(
    tmp_path: Path, home: Path, scale: float
) -> None:
    folder = tmp_path / "tiny-pix2pix"
    write_editor(folder, "InstructPix2Pix", 8)
    model = bring(home, folder)
    assert isinstance(model, LatentDenoiser)
    guided = (ClassifierFree(7.0, says(NEGATIVE)), PictureGuidance(scale))
    node = node_of(model, sampler="euler", conditioning=says(PROMPT), guidance=guided)
    made = rendered(home, node, Source(picture(), 1.0))
    wanted, unwanted = words(model)
    theirs = published(
        StableDiffusionInstructPix2PixPipeline, folder, EulerDiscreteScheduler, **MORE
    )(
        prompt_embeds=wanted, negative_prompt_embeds=unwanted, guidance_scale=7.0,
        image_guidance_scale=scale, image=to_tensor(picture()) / 2 + 0.5, num_inference_steps=6,
        latents=begun(model), output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, theirs) < 1e-4


def test_a_recipe_carries_the_second_scale(tmp_path: Path, home: Path) -> None:
    write_editor(tmp_path / "tiny-pix2pix", "InstructPix2Pix", 8)
    model = bring(home, tmp_path / "tiny-pix2pix")
    recipe = Recipe(Redraw(node_of(model), node_of(model, guidance=(PictureGuidance(1.5),)), 1.0))
    assert Recipe.from_json(recipe.canonical) == recipe


def test_what_such_models_cannot_do_is_refused(tmp_path: Path, home: Path) -> None:
    write_editor(tmp_path / "tiny-inpaint", "Inpaint", 9)
    model = bring(home, tmp_path / "tiny-inpaint")
    with pytest.raises(RecipeError, match="draws a picture anew and was given none"):
        rendered(home, node_of(model))
    node = node_of(model, guidance=(PictureGuidance(2.0),))
    with pytest.raises(RecipeError, match="no picture that guidance"):
        rendered(home, node, Source(picture(), 1.0))
    with pytest.raises(RecipeError, match="16 x 16 px"):
        rendered(home, node_of(model), Source(picture()[:8], 1.0))


@pytest.mark.parametrize(("kind", "channels"), [("Inpaint", 8), ("InstructPix2Pix", 9), ("", 9)])
def test_channels_that_a_pipeline_has_no_use_for_are_refused(
    tmp_path: Path, home: Path, kind: str, channels: int
) -> None:
    write_editor(tmp_path / "odd", kind, channels)
    assert f"takes {channels} channels" in refused(home, tmp_path / "odd")
    file = tmp_path / "odd" / "unet" / "config.json"
    write_json(file, {**json.loads(file.read_text()), "in_channels": 7})
    assert "takes 7 channels" in refused(home, tmp_path / "odd")
