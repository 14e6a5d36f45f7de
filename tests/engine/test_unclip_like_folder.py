"""Published folders of unCLIP that draw pictures like another: those of diffusers' own pipeline."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.pipelines.deprecated.unclip.pipeline_unclip_image_variation import (
    UnCLIPImageVariationPipeline,
)
from safetensors.torch import load_file
from torch import nn
from transformers import (
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from engine.denoising import ClassifierFree
from engine.errors import RecipeError
from engine.models.diffusion.unclip_denoiser import UnclipLikeDenoiser
from engine.models.diffusion.unclip_stages import ENLARGED, SEED
from engine.services.diffuse import to_tensor
from engine.services.diffusion import Source
from tests.engine.published import ADDED, apart, begun, bring, node_of, refused, rendered
from tests.engine.test_editing_folders import picture
from tests.engine.test_kandinsky_folder import EYES
from tests.engine.test_sdxl_folder import PROMPT, says
from tests.engine.test_unclip_folder import (
    NETS,
    STAGES,
    Seeded,
    Words,
    noise,
    seeded,
    write_unclip,
)
from tests.random_pipeline import write_json, write_part


def eyes() -> CLIPVisionModelWithProjection:
    torch.manual_seed(7)
    tower = CLIPVisionModelWithProjection(CLIPVisionConfig(**EYES)).eval()
    for parameter in tower.parameters():
        nn.init.normal_(parameter, std=0.3)
    return tower


def write_variations(folder: Path) -> None:
    write_unclip(folder)
    for name in ("prior", "prior_scheduler"):
        shutil.rmtree(folder / name)
    write_part(folder / "image_encoder", eyes(), EYES)
    write_json(folder / "model_index.json", {"_class_name": "UnCLIPImageVariationPipeline"})


def theirs_of(folder: Path, model: UnclipLikeDenoiser) -> Any:
    nets: dict[str, Any] = {}
    for name, (kind, settings) in NETS.items():
        if name != "prior":
            nets[name] = kind(**settings).eval()
            nets[name].load_state_dict(load_file(folder / name / "model.safetensors"))
    encoder = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder").eval()
    seeds = {"decoder_scheduler": ADDED, "super_res_scheduler": SEED}
    stages = {name: seeded(Seeded, STAGES[name], seed) for name, seed in seeds.items()}
    pipeline = UnCLIPImageVariationPipeline(
        tokenizer=Words(model), text_encoder=encoder, image_encoder=eyes(),
        feature_extractor=None, **nets, **stages,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture
def model(tmp_path: Path, home: Path) -> UnclipLikeDenoiser:
    write_variations(tmp_path / "tiny-karlo")
    found = bring(home, tmp_path / "tiny-karlo")
    assert isinstance(found, UnclipLikeDenoiser)
    return found


def test_pictures_like_another_are_those_of_the_published_pipeline(
    tmp_path: Path, home: Path, model: UnclipLikeDenoiser
) -> None:
    node = node_of(model, sampler="ddpm", spacing="linspace", guidance=(ClassifierFree(6.0),))
    made = rendered(home, node, Source(picture(), 1.0))
    shown = to_tensor(picture())
    small = nn.functional.interpolate(shown, (8, 8), mode="bicubic", antialias=True).clamp(-1, 1)
    mean, std = (torch.tensor(v)[:, None, None] for v in (model.config.mean, model.config.std))
    theirs = theirs_of(tmp_path / "tiny-karlo", model)(
        image=(small / 2 + 0.5 - mean) / std, decoder_num_inference_steps=6,
        super_res_num_inference_steps=ENLARGED, decoder_guidance_scale=6.0,
        decoder_latents=begun(model), super_res_latents=noise(1, 3, 16, 16), output_type="np",
    ).images[0]  # fmt: skip
    assert made.shape == (16, 16, 3)
    assert apart(made, theirs) < 1e-4
    other = rendered(home, node, Source(np.ascontiguousarray(255 - picture()), 1.0))
    assert np.abs(other - made).max() > 1e-3


def test_it_wants_a_picture_and_no_text(home: Path, model: UnclipLikeDenoiser) -> None:
    with pytest.raises(RecipeError, match="was given none"):
        rendered(home, node_of(model))
    with pytest.raises(RecipeError, match="reads no texts"):
        rendered(home, node_of(model, conditioning=says(PROMPT)), Source(picture(), 1.0))


def test_a_folder_without_eyes_is_refused(tmp_path: Path, home: Path) -> None:
    write_variations(tmp_path / "blind")
    shutil.rmtree(tmp_path / "blind" / "image_encoder")
    assert "'image_encoder' is missing" in refused(home, tmp_path / "blind")
