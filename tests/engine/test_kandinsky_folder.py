"""Published folders of Kandinsky 2.2: the same pictures as diffusers' own two pipelines."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.vq_model import VQModel
from diffusers.models.transformers.prior_transformer import PriorTransformer
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.kandinsky2_2.pipeline_kandinsky2_2 import KandinskyV22Pipeline
from diffusers.pipelines.kandinsky2_2.pipeline_kandinsky2_2_prior import KandinskyV22PriorPipeline
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors.torch import load_file
from torch import nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from engine.denoising import ClassifierFree
from engine.models.diffusion.kandinsky import KandinskyDenoiser
from engine.models.diffusion.unclip_stages import CLOSELY, SEED, THOUGHT
from engine.services.diffusion import Source
from tests.engine.published import added, apart, begun, bring, node_of, refused, rendered
from tests.engine.test_editing_folders import picture
from tests.engine.test_sdxl_folder import PROMPT, says
from tests.engine.test_unclip_folder import (
    PRIOR,
    STAGES,
    WIDTH,
    Seeded,
    Words,
    noise,
    seeded,
    write_unclip,
)
from tests.random_pipeline import SIZES, write_json, write_part

UNET: dict[str, Any] = {
    "sample_size": 8, "in_channels": 4, "out_channels": 8, "layers_per_block": 1,
    "block_out_channels": [16, 32], "norm_num_groups": 8, "cross_attention_dim": 24,
    "attention_head_dim": 8, "resnet_time_scale_shift": "scale_shift",
    "encoder_hid_dim": WIDTH, "encoder_hid_dim_type": "image_proj", "addition_embed_type": "image",
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "down_block_types": ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"],
    "up_block_types": ["SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"],
}  # fmt: skip
MOVQ: dict[str, Any] = {
    "block_out_channels": [32, 64], "norm_num_groups": 32, "latent_channels": 4, "vq_embed_dim": 4,
    "num_vq_embeddings": 12, "norm_type": "spatial", "layers_per_block": 1,
    "down_block_types": ["DownEncoderBlock2D", "AttnDownEncoderBlock2D"],
    "up_block_types": ["AttnUpDecoderBlock2D", "UpDecoderBlock2D"],
}  # fmt: skip
EYES = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 2, "image_size": 8, "patch_size": 4, "projection_dim": WIDTH,
        "hidden_act": "gelu"}  # fmt: skip
DDPM = {"_class_name": "DDPMScheduler", "beta_schedule": "linear", "beta_start": 0.00085,
        "beta_end": 0.012, "variance_type": "learned_range"}  # fmt: skip


def write_kandinsky(folder: Path) -> None:
    """The decoder's folder, and that of the prior beside it."""
    torch.manual_seed(0)
    write_part(folder / "unet", UNet2DConditionModel(**UNET), {"_class_name": "U", **UNET})
    movq = VQModel(**MOVQ)
    with torch.no_grad():
        movq.decoder.conv_out.weight.mul_(0.03)  # or nearly all of its colours are beyond white
    write_part(folder / "movq", movq, {"_class_name": "VQModel", **MOVQ})
    (folder / "scheduler").mkdir()
    write_json(folder / "scheduler" / "scheduler_config.json", DDPM)
    write_json(folder / "model_index.json", {"_class_name": "KandinskyV22Pipeline"})
    beside = folder.parent / f"{folder.name}-prior"
    write_unclip(beside)
    for name in ("text_proj", "decoder", "super_res_first", "super_res_last", "decoder_scheduler",
                 "super_res_scheduler"):  # fmt: skip
        shutil.rmtree(beside / name)
    (beside / "prior_scheduler").rename(beside / "scheduler")
    torch.manual_seed(7)
    eyes = CLIPVisionModelWithProjection(CLIPVisionConfig(**EYES))
    for parameter in eyes.parameters():
        nn.init.normal_(parameter, std=0.3)
    write_part(beside / "image_encoder", eyes, EYES)
    write_json(beside / "model_index.json", {"_class_name": "KandinskyV22PriorPipeline"})


def loaded(net: Any, path: Path) -> Any:
    net.load_state_dict(load_file(path / "model.safetensors"))
    return net.eval()


def theirs_of(folder: Path, model: Any) -> tuple[Any, Any]:
    beside = folder.parent / f"{folder.name}-prior"
    text = {**vars(SIZES), "projection_dim": WIDTH}
    encoder = CLIPTextModelWithProjection(CLIPTextConfig(**text)).eval()
    state = load_file(beside / "text_encoder" / "model.safetensors")
    plain = {name.removeprefix("text_model."): value for name, value in state.items()}
    wanted = encoder.state_dict().keys()
    found = {name: state.get(name, plain.get(name.removeprefix("text_model."))) for name in wanted}
    encoder.load_state_dict(found)
    prior = KandinskyV22PriorPipeline(
        prior=loaded(PriorTransformer(**PRIOR), beside / "prior"), text_encoder=encoder,
        image_encoder=loaded(CLIPVisionModelWithProjection(CLIPVisionConfig(**EYES)),
                             beside / "image_encoder"),
        tokenizer=Words(model), image_processor=None,
        scheduler=seeded(Seeded, STAGES["prior_scheduler"], SEED),
    )  # fmt: skip
    told = {name: value for name, value in DDPM.items() if not name.startswith(("_", "variance"))}
    decoder = KandinskyV22Pipeline(
        unet=loaded(UNet2DConditionModel(**UNET), folder / "unet"),
        movq=loaded(VQModel(**MOVQ), folder / "movq"),
        scheduler=DDPMScheduler(**told, clip_sample=False, variance_type="learned_range"),
    )  # fmt: skip
    for one in (prior, decoder):
        one.set_progress_bar_config(disable=True)
    return prior, decoder


def test_kandinsky_makes_the_picture_of_the_published_pipelines(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "tiny-kandinsky"
    write_kandinsky(folder)
    model = bring(home, folder)
    assert isinstance(model, KandinskyDenoiser)
    node = node_of(
        model, sampler="ddpm", conditioning=says(PROMPT), guidance=(ClassifierFree(2.0),)
    )
    made = rendered(home, node)
    prior, decoder = theirs_of(folder, model)
    image, none = prior(
        PROMPT, num_inference_steps=THOUGHT, guidance_scale=CLOSELY, latents=noise(1, WIDTH),
        return_dict=False,
    )  # fmt: skip
    theirs = decoder(
        image, none, height=16, width=16, num_inference_steps=6, guidance_scale=2.0,
        latents=begun(model), generator=added(), output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, theirs) < 1e-4
    redrawn = rendered(home, node, Source(picture(), 0.5))
    assert np.abs(made - redrawn).max() > 1e-3


def test_blends_of_texts_are_blends_of_what_was_thought(tmp_path: Path, home: Path) -> None:
    write_kandinsky(tmp_path / "tiny-kandinsky")
    model = bring(home, tmp_path / "tiny-kandinsky")
    assert isinstance(model, KandinskyDenoiser)
    asked: list[Any] = [((PROMPT, 1.0),), (), ((PROMPT, 0.5), ("", 0.5))]
    one, other, half = model.texts.of(asked)
    torch.testing.assert_close(half, (one + other) / 2)


def test_one_folder_for_both_is_the_same_model(tmp_path: Path, home: Path) -> None:
    write_kandinsky(tmp_path / "tiny-kandinsky")
    apart = bring(home, tmp_path / "tiny-kandinsky")
    both = tmp_path / "both"
    shutil.copytree(tmp_path / "tiny-kandinsky", both)
    beside = tmp_path / "tiny-kandinsky-prior"
    for part in beside.iterdir():
        if part.is_dir():
            shutil.copytree(part, both / f"prior_{part.name}")
    write_json(both / "model_index.json", {"_class_name": "KandinskyV22CombinedPipeline"})
    shutil.rmtree(beside)
    assert bring(tmp_path / "other", both).info.sha256 == apart.info.sha256


def _config(file: str, **changes: Any) -> Callable[[Path], Any]:
    def change(folder: Path) -> None:
        path = folder / file
        write_json(path, {**json.loads(path.read_text()), **changes})

    return change


BESIDE = "../tiny-kandinsky-prior"
BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no prior": (lambda f: shutil.rmtree(f / BESIDE), "prior is not beside it"),
    "no eyes": (lambda f: shutil.rmtree(f / BESIDE / "image_encoder"), "'image_encoder' is"),
    "no codes": (lambda f: shutil.rmtree(f / "movq"), "'movq' is missing"),
    "a pickle beside": (
        lambda f: (f / BESIDE / "prior" / "x.bin").write_bytes(b""), "a program or a pickle",
    ),
    "told of texts": (_config("unet/config.json", addition_embed_type="text"), "is needed"),
    "other codes": (_config("movq/config.json", latent_channels=3), "its codes"),
    "a wide prior": (_config(f"{BESIDE}/prior/config.json", num_embeddings=9), "its prior"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(tmp_path: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    write_kandinsky(tmp_path / "tiny-kandinsky")
    damage(tmp_path / "tiny-kandinsky")
    assert words in refused(home, tmp_path / "tiny-kandinsky")
