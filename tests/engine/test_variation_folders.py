"""Published folders of unCLIP: the same pictures as diffusers' own pipelines."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_unclip_img2img import (
    StableUnCLIPImg2ImgPipeline,
)
from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import (
    StableUnCLIPImageNormalizer,
)
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from PIL import Image
from torch import nn
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

from engine.denoising import ClassifierFree
from engine.errors import RecipeError
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.services.diffuse import to_tensor
from engine.services.diffusion import Source
from tests.engine.published import ADDED, apart, begun, bring, given, node_of, refused, rendered
from tests.engine.test_editing_folders import picture, words
from tests.engine.test_sdxl_folder import NEGATIVE, PROMPT, published, says
from tests.random_pipeline import UNET, write_json, write_part, write_random_pipeline

NOISING = {"beta_schedule": "squaredcos_cap_v2"}
DIM = 12
VISION = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
          "num_attention_heads": 2, "image_size": 8, "patch_size": 4, "projection_dim": DIM,
          "hidden_act": "gelu"}  # fmt: skip
EYES = {"class_embed_type": "projection", "projection_class_embeddings_input_dim": 2 * DIM}


def _tower() -> CLIPVisionModelWithProjection:
    torch.manual_seed(7)
    tower = CLIPVisionModelWithProjection(CLIPVisionConfig(**VISION)).eval()
    for parameter in tower.parameters():
        nn.init.normal_(parameter, std=0.3)  # or all pictures look alike
    return tower


def _usual() -> StableUnCLIPImageNormalizer:
    usual = StableUnCLIPImageNormalizer(DIM)
    torch.manual_seed(8)
    nn.init.normal_(usual.mean)
    nn.init.uniform_(usual.std, 0.5, 2)
    return usual


def write_variations(folder: Path) -> None:
    write_random_pipeline(folder)
    shutil.rmtree(folder / "unet")
    torch.manual_seed(2)
    net = {**UNET, **EYES}
    write_part(folder / "unet", UNet2DConditionModel(**net), {"_class_name": "U", **net})
    write_part(folder / "image_encoder", _tower(), VISION)
    write_part(folder / "image_normalizer", _usual(), {"embedding_dim": DIM})
    (folder / "image_noising_scheduler").mkdir()
    write_json(folder / "image_noising_scheduler" / "scheduler_config.json", NOISING)
    file = folder / "scheduler" / "scheduler_config.json"
    told = {"clip_sample": False, "set_alpha_to_one": True, "steps_offset": 1}
    write_json(file, {**json.loads(file.read_text()), **told})
    write_json(folder / "model_index.json", {"_class_name": "StableUnCLIPImg2ImgPipeline"})


def test_variations_are_those_of_the_published_pipeline(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tiny-unclip"
    write_variations(folder)
    model = bring(home, folder)
    assert isinstance(model, LatentDenoiser)
    flat = np.ascontiguousarray(np.kron(picture()[::2, ::2], np.ones((2, 2, 1))).astype(np.uint8))
    guided = (ClassifierFree(6.0, says(NEGATIVE)),)
    node = node_of(model, conditioning=says(PROMPT), guidance=guided)
    made = rendered(home, node, Source(flat, 1.0))
    wanted, unwanted = words(model)
    noise = torch.randn(1, DIM, generator=torch.Generator().manual_seed(ADDED))
    theirs = published(
        StableUnCLIPImg2ImgPipeline, folder, DDIMScheduler, feature_extractor=None,
        image_encoder=_tower(), image_normalizer=_usual(),
        image_noising_scheduler=DDPMScheduler(**NOISING),
    )  # fmt: skip
    given(monkeypatch, theirs, noise)
    assert model.eyes is not None
    small = nn.functional.interpolate(to_tensor(flat), (8, 8), mode="bicubic", antialias=True)
    mean, std = (torch.tensor(v)[:, None, None] for v in (model.eyes.config.mean,
                                                          model.eyes.config.std))  # fmt: skip
    shown = theirs(
        image=(small.clamp(-1, 1) / 2 + 0.5 - mean) / std, prompt_embeds=wanted,
        negative_prompt_embeds=unwanted, guidance_scale=6.0, num_inference_steps=6,
        latents=begun(model), output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, shown) < 1e-4
    other = rendered(home, node, Source(np.ascontiguousarray(255 - flat), 1.0))
    assert np.abs(made - other).max() > 1e-3


def test_eyes_see_what_the_published_ones_see(tmp_path: Path, home: Path) -> None:
    write_variations(tmp_path / "tiny-unclip")
    model = bring(home, tmp_path / "tiny-unclip")
    assert isinstance(model, LatentDenoiser)
    assert model.eyes is not None
    size = {"height": 8, "width": 8}
    process = CLIPImageProcessor(size={"shortest_edge": 8}, crop_size=size)
    theirs = process(Image.fromarray(picture()), return_tensors="pt").pixel_values
    told = model.eyes.config
    small = nn.functional.interpolate(to_tensor(picture()), (8, 8), mode="bicubic", antialias=True)
    mean, std = (torch.tensor(v)[:, None, None] for v in (told.mean, told.std))
    ours = (small.clamp(-1, 1) / 2 + 0.5 - mean) / std
    assert float((ours - theirs).abs().max()) < 0.05  # theirs are rounded to bytes on the way


def test_a_model_of_variations_needs_a_picture(tmp_path: Path, home: Path) -> None:
    write_variations(tmp_path / "tiny-unclip")
    model = bring(home, tmp_path / "tiny-unclip")
    with pytest.raises(RecipeError, match="was given none"):
        rendered(home, node_of(model))


def _part(name: str) -> Callable[[Path], Any]:
    return lambda folder: shutil.rmtree(folder / name)


def _config(file: str, **changes: Any) -> Callable[[Path], Any]:
    def change(folder: Path) -> None:
        path = folder / file
        write_json(path, {**json.loads(path.read_text()), **changes})

    return change


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no eyes": (_part("image_encoder"), "'image_encoder' is missing"),
    "no mean": (_part("image_normalizer"), "'image_normalizer' is missing"),
    "no noise": (_part("image_noising_scheduler"), "'image_noising_scheduler' is missing"),
    "other eyes": (_config("image_encoder/config.json", projection_dim=9), "of another size"),
    "odd eyes": (_config("image_encoder/config.json", patch_size=3), "multiple of patch_size"),
    "blind": (_config("model_index.json", _class_name="StableDiffusionPipeline"), "'projection'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(tmp_path: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    write_variations(tmp_path / "tiny-unclip")
    damage(tmp_path / "tiny-unclip")
    assert words in refused(home, tmp_path / "tiny-unclip")
