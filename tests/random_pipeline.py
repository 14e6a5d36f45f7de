"""Tiny pipelines with random weights, in the published layout of their folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import nn

from engine.models.bundled import bundled_folder
from engine.perception.clip.config import TextSizes
from engine.perception.clip.text_tower import PooledTower, TextTower

VOCABULARY = 867  # of the bundled CLIP, whose tokenizer serves
SIZES = TextSizes(VOCABULARY, 32, 64, 2, 4, 64, eos_token_id=VOCABULARY - 1)
UNET: dict[str, Any] = {
    "sample_size": 8, "in_channels": 4, "out_channels": 4, "layers_per_block": 1,
    "block_out_channels": [16, 32], "norm_num_groups": 8, "cross_attention_dim": 32,
    "attention_head_dim": 4,
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
}  # fmt: skip
VAE: dict[str, Any] = {
    "block_out_channels": [8, 16], "norm_num_groups": 4, "sample_size": 16,
    "down_block_types": ["DownEncoderBlock2D"] * 2, "up_block_types": ["UpDecoderBlock2D"] * 2,
}  # fmt: skip


def write_random_pipeline(folder: Path, *, predicts: str = "epsilon", old: bool = False) -> None:
    """old: the autoencoder's self-attention is named as before diffusers 0.15."""
    torch.manual_seed(0)
    write_part(folder / "unet", UNet2DConditionModel(**UNET), {"_class_name": "UNet2D", **UNET})
    vae = {"_class_name": "AutoencoderKL", **VAE}
    write_part(folder / "vae", AutoencoderKL(**VAE), vae, old=old, convolved=True)
    text = {**vars(SIZES), "model_type": "clip_text_model", "projection_dim": 16}
    write_part(folder / "text_encoder", TextTower(SIZES), text, prefix="text_model.")
    (folder / "tokenizer").mkdir()
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(bundled_folder() / "portraits-clip" / name, folder / "tokenizer" / name)
    (folder / "scheduler").mkdir()
    write_json(
        folder / "scheduler" / "scheduler_config.json",
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
         "num_train_timesteps": 1000, "prediction_type": predicts},
    )  # fmt: skip
    write_json(folder / "model_index.json", {"_class_name": "StableDiffusionPipeline"})


TWINS: dict[str, Any] = {
    **UNET, "cross_attention_dim": 32 + 48, "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8, "projection_class_embeddings_input_dim": 6 * 8 + 24,
    "transformer_layers_per_block": [1, 2], "use_linear_projection": True,
}  # fmt: skip
SECOND = TextSizes(VOCABULARY, 48, 64, 3, 4, 64, "gelu", eos_token_id=2)
WIDTH = 24  # of the space that the second encoder shares with pictures


def write_random_sdxl(
    folder: Path, scheduler: dict[str, Any], *, zeros: bool = True, **unet: Any
) -> None:
    """unet: further settings."""
    write_random_pipeline(folder)
    shutil.rmtree(folder / "unet")
    torch.manual_seed(1)
    net = {**TWINS, **unet}
    write_part(folder / "unet", UNet2DConditionModel(**net), {"_class_name": "UNet2D", **net})
    text = {**vars(SECOND), "model_type": "clip_text_model", "projection_dim": WIDTH}
    tower = PooledTower(SECOND, WIDTH)
    write_part(folder / "text_encoder_2", tower, text, prefix="text_model.")
    file = folder / "text_encoder_2" / "model.safetensors"
    state = load_file(file)
    state["text_projection.weight"] = state.pop("text_model.text_projection.weight")
    save_file(state, file, {"format": "pt"})
    shutil.copytree(folder / "tokenizer", folder / "tokenizer_2")
    write_json(folder / "tokenizer_2" / "special_tokens_map.json", {"pad_token": "!"})
    plain = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    write_json(folder / "scheduler" / "scheduler_config.json", {**plain, **scheduler})
    index = {"_class_name": "StableDiffusionXLPipeline", "force_zeros_for_empty_prompt": zeros}
    write_json(folder / "model_index.json", index)


def write_part(
    folder: Path, net: nn.Module, config: dict[str, Any], prefix: str = "", *, old: bool = False,
    convolved: bool = False, weights: str = "model.safetensors",
) -> None:  # fmt: skip
    """One network and its settings. old: its self-attention has the names of before 0.15.
    convolved: it is made of 1 x 1 convolutions, as it once was."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {prefix + name: value.contiguous() for name, value in net.state_dict().items()}
    if old:
        for new, name in {"to_q": "query", "to_k": "key", "to_v": "value",
                          "to_out.0": "proj_attn"}.items():  # fmt: skip
            state = {
                k.replace(f".{new}.", f".{name}."): v[:, :, None, None]
                if convolved and f".{new}.weight" in k
                else v
                for k, v in state.items()
            }
    save_file(state, folder / weights, {"format": "pt"})
    write_json(folder / "config.json", config)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """An object of JSON."""
    path.write_text(json.dumps(value))
