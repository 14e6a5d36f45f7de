"""Published folders of SDXL and of what was distilled: the same pictures as diffusers' own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.latent_consistency_models.pipeline_latent_consistency_text2img import (
    LatentConsistencyModelPipeline,
)
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline,
)
from diffusers.schedulers.scheduling_euler_ancestral_discrete import (
    EulerAncestralDiscreteScheduler,
)
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_lcm import LCMScheduler
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from engine.denoising import Classes, ClassifierFree, Conditioning, Texts, TextWeight
from engine.errors import RecipeError
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from tests.engine.published import added, apart, begun, bring, node_of, refused, rendered
from tests.random_pipeline import (
    UNET,
    write_json,
    write_part,
    write_random_pipeline,
    write_random_sdxl,
)

PROMPT, NEGATIVE = "a smiling woman", "a hat"
EULER = {"_class_name": "EulerDiscreteScheduler", "steps_offset": 1, "timestep_spacing": "leading"}
TURBO = {"_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing"}
LCM = {"_class_name": "LCMScheduler"}
DISTILLED = {"time_cond_proj_dim": 16}


def says(text: str) -> Texts:
    return Texts((TextWeight(text),))


def published(kind: type[Any], folder: Path, scheduler: Any, **more: Any) -> Any:
    """diffusers' own pipeline on the weights of the folder, without its text encoders."""
    settings, coder = (
        json.loads((folder / part / "config.json").read_text()) for part in ("unet", "vae")
    )
    for told in (settings, coder):
        told.pop("_class_name")
    unet, vae = UNet2DConditionModel(**settings), AutoencoderKL(**coder)
    unet.load_state_dict(load_file(folder / "unet" / "model.safetensors"))
    vae.load_state_dict(load_file(folder / "vae" / "model.safetensors"))
    plain = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    parts: dict[str, Any] = {"vae": vae.eval(), "unet": unet.eval(), "text_encoder": None,
                             "tokenizer": None}  # fmt: skip
    pipeline = kind(scheduler=scheduler.from_config(plain), **parts, **more)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def twins(folder: Path, kind: Any) -> Any:
    more = {"text_encoder_2": None, "tokenizer_2": None, "add_watermarker": False}
    return published(StableDiffusionXLPipeline, folder, kind, **more)


@torch.no_grad()
def encoded(folder: Path, model: Denoiser, text: str) -> tuple[Tensor, Tensor]:
    """What transformers makes of a text, with our tokens."""
    assert isinstance(model, LatentDenoiser)
    assert model.twins is not None
    whole = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2").eval()
    first = CLIPTextModel.from_pretrained(folder / "text_encoder").eval()
    ours = model.twins
    one = first(ours.first.ids([text]), output_hidden_states=True)
    two = whole(ours.second.ids([text]), output_hidden_states=True)
    return torch.cat([one.hidden_states[-2], two.hidden_states[-2]], -1), two.text_embeds


@pytest.mark.parametrize("negative", [None, "", NEGATIVE])
@pytest.mark.parametrize("zeros", [True, False])
def test_sdxl_folders_make_the_pictures_of_the_published_pipeline(
    tmp_path: Path, home: Path, negative: str | None, zeros: bool
) -> None:
    folder = tmp_path / "tiny-xl"
    write_random_sdxl(folder, EULER, zeros=zeros)
    model = bring(home, folder)
    away: Conditioning = Classes() if negative is None else says(negative)
    node = node_of(
        model, sampler="euler", conditioning=says(PROMPT), guidance=(ClassifierFree(5.0, away),)
    )
    made = rendered(home, node)
    tokens, whole = encoded(folder, model, PROMPT)
    other, another = encoded(folder, model, negative or "")
    if negative is None and zeros:
        other, another = torch.zeros_like(other), torch.zeros_like(another)
    theirs = twins(folder, EulerDiscreteScheduler)(
        prompt_embeds=tokens, pooled_prompt_embeds=whole, negative_prompt_embeds=other,
        negative_pooled_prompt_embeds=another, guidance_scale=5.0, num_inference_steps=6,
        latents=begun(model), output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, theirs) < 1e-4


def test_turbo_makes_its_picture_in_one_step(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "tiny-turbo"
    write_random_sdxl(folder, TURBO)
    model = bring(home, folder)
    node = node_of(
        model, sampler="euler_ancestral", steps=1, spacing="trailing", conditioning=says(PROMPT)
    )
    tokens, whole = encoded(folder, model, PROMPT)
    theirs = twins(folder, EulerAncestralDiscreteScheduler)(
        prompt_embeds=tokens, pooled_prompt_embeds=whole, guidance_scale=0.0,
        num_inference_steps=1, latents=begun(model), output_type="np", generator=added(),
    ).images[0]  # fmt: skip
    assert apart(rendered(home, node), theirs) < 1e-4


def test_sdxl_with_guidance_distilled_takes_the_scale(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "tiny-lcm-xl"
    write_random_sdxl(folder, LCM, **DISTILLED)
    model = bring(home, folder)
    guided = (ClassifierFree(7.0),)
    node = node_of(model, sampler="lcm", steps=4, conditioning=says(PROMPT), guidance=guided)
    tokens, whole = encoded(folder, model, PROMPT)
    theirs = twins(folder, LCMScheduler)(
        prompt_embeds=tokens, pooled_prompt_embeds=whole, guidance_scale=7.0,
        num_inference_steps=4, latents=begun(model), output_type="np", generator=added(),
    ).images[0]  # fmt: skip
    assert apart(rendered(home, node), theirs) < 1e-4


def write_lcm(folder: Path) -> None:
    """A latent consistency model of Stable Diffusion 1.x."""
    write_random_pipeline(folder)
    shutil.rmtree(folder / "unet")
    net = {**UNET, **DISTILLED}
    write_part(folder / "unet", UNet2DConditionModel(**net), {"_class_name": "U", **net})
    file = folder / "scheduler" / "scheduler_config.json"
    write_json(file, {**json.loads(file.read_text()), **LCM})
    write_json(folder / "model_index.json", {"_class_name": "LatentConsistencyModelPipeline"})


def test_lcm_folders_make_the_pictures_of_the_published_pipeline(
    tmp_path: Path, home: Path
) -> None:
    folder = tmp_path / "tiny-lcm"
    write_lcm(folder)
    model = bring(home, folder)
    assert isinstance(model, LatentDenoiser)
    assert model.info.lcm
    guided = (ClassifierFree(8.5),)
    node = node_of(model, sampler="lcm", steps=4, conditioning=says(PROMPT), guidance=guided)
    made = rendered(home, node)
    more = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    theirs = published(LatentConsistencyModelPipeline, folder, LCMScheduler, **more)(
        prompt_embeds=model.texts.of([((PROMPT, 1.0),)]), guidance_scale=8.5,
        num_inference_steps=4, latents=begun(model), output_type="np", generator=added(),
    ).images[0]  # fmt: skip
    assert apart(made, theirs) < 1e-4
    unguided = node_of(model, sampler="lcm", steps=4, conditioning=says(PROMPT))
    assert np.abs(rendered(home, unguided) - made).max() > 1e-3


def test_what_a_distilled_model_cannot_be_told_is_refused(tmp_path: Path, home: Path) -> None:
    write_lcm(tmp_path / "tiny-lcm")
    model = bring(home, tmp_path / "tiny-lcm")
    for term, words in ((ClassifierFree(3.0, says(NEGATIVE)), "no negative text"),
                        (ClassifierFree(3.0, start=0.5), "one scale for all steps")):  # fmt: skip
        with pytest.raises(RecipeError, match=words):
            rendered(home, node_of(model, sampler="lcm", guidance=(term,)))
    with pytest.raises(RecipeError, match="at most 50 steps"):
        rendered(home, node_of(model, sampler="lcm", steps=60))


def test_texts_are_blended_in_both_encoders(tmp_path: Path, home: Path) -> None:
    write_random_sdxl(tmp_path / "tiny-xl", EULER)
    model = bring(home, tmp_path / "tiny-xl")
    assert isinstance(model, LatentDenoiser)
    assert model.twins is not None
    one, other, half = model.texts.of(
        [((PROMPT, 1.0),), ((NEGATIVE, 1.0),), ((PROMPT, 0.5), (NEGATIVE, 0.5))]
    )
    torch.testing.assert_close(half, (one + other) / 2)
    tokens, whole = model.twins.parts(half[None])
    assert tokens.shape == (1, 64, 80)
    assert whole.shape == (1, 24)


def _config(part: str, **changes: Any) -> Any:
    def change(folder: Path) -> None:
        file = folder / part
        write_json(file, {**json.loads(file.read_text()), **changes})

    return change


def _other_words(folder: Path) -> None:
    file = folder / "tokenizer_2" / "merges.txt"
    file.write_text("\n".join(file.read_text().splitlines()[:-3]))


BROKEN = {
    "one encoder": (
        lambda folder: shutil.rmtree(folder / "text_encoder_2"), "'text_encoder_2' is missing",
    ),
    "one tokenizer": (lambda folder: shutil.rmtree(folder / "tokenizer_2"), "no tokenizer"),
    "other words": (_other_words, "two tokenizers"),
    "a refiner": (_config("model_index.json", requires_aesthetics_score=True), "gets 64"),
    "another width": (_config("unet/config.json", cross_attention_dim=32), "make 80"),
    "other sizes": (_config("unet/config.json", addition_time_embed_dim=4), "gets 48"),
    "a projection": (_config("text_encoder_2/config.json", projection_dim=-1), "projection of"),
    "another kind": (
        _config("unet/config.json", addition_embed_type="image"), "addition_embed_type",
    ),
    "deep lists": (_config("unet/config.json", transformer_layers_per_block=[[[[1]]]]), "entries"),
    "a scheduler": (
        _config("scheduler/scheduler_config.json", _class_name="EDMEulerScheduler"), "EDMEuler",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(tmp_path: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    write_random_sdxl(tmp_path / "tiny-xl", EULER)
    damage(tmp_path / "tiny-xl")
    assert words in refused(home, tmp_path / "tiny-xl")
